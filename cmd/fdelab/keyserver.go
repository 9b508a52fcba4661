package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// keyserverFlags are the flags of `fdelab keyserver`.
type keyserverFlags struct {
	dir, listen, passphrase string
	peer                    string
	maxConns, maxEach       int
	idle                    time.Duration
}

func newKeyserverCmd(a *app) *cobra.Command {
	var f keyserverFlags
	c := &cobra.Command{
		Use:         "keyserver",
		Annotations: needsLocks,
		Short:       "run a KMIP key server, or make what it needs",
		Long: "keyserver serves KMIP 1.0 to 1.4 over mutual TLS until it is interrupted. Its directory\n" +
			"holds certificates and database, and is made by keyserver init. Every answer that says\n" +
			"success is on the disk. Standard error has one line for each client that is refused.\n\n" +
			"A client is the subject of its certificate. A message with a password or other credentials\n" +
			"is refused. keyserver refuse puts a certificate on a list that the server reads while it runs.\n\n" +
			"With --peer two servers hold the same objects. Start each with the address of the other. While\n" +
			"both logs say \"in sync with the peer\", a change is on both disks before it is acknowledged. When\n" +
			"one cannot reach the other, each serves its clients alone, and sends its changes when they meet\n" +
			"again. If both changed one object meanwhile, they merge it attribute by attribute: nothing that\n" +
			"either acknowledged is lost. Of one value that both changed the later one stays.",
		Example: "  fdelab keyserver init keys\n  fdelab keyserver --data keys\n\n" +
			"  fdelab keyserver join keys keys2\n  fdelab keyserver --data keys --peer 127.0.0.1:5697\n" +
			"  fdelab keyserver --data keys2 --listen 127.0.0.1:5697 --peer 127.0.0.1:5696",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return a.keyserver(f) },
	}
	c.Flags().StringVar(&f.dir, "data", "", "directory made by keyserver init (required)")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:5696", "address to listen at; port 0 takes a free one")
	c.Flags().StringVar(&f.peer, "peer", "", "address of the server that holds the same objects")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "file with the passphrase, if the database has one; mode 0600, or - for standard input")
	c.Flags().IntVar(&f.maxConns, "max-connections", 4096, "connections at once of clients that have proved who they are")
	c.Flags().IntVar(&f.maxEach, "max-connections-each", 0, "connections at once of one client (default a quarter of --max-connections)")
	c.Flags().DurationVar(&f.idle, "idle-timeout", 10*time.Minute, "how long a client may be silent")
	c.AddCommand(newKeyserverInitCmd(a), newKeyserverJoinCmd(a), newKeyserverClientCmd(a), newKeyserverRefuseCmd(a))
	return c
}

// listening is the JSON answer of a server, printed when it listens.
type listening struct {
	Listen  string `json:"listen"`
	Data    string `json:"data"`
	Objects int    `json:"objects"`
}

// networkServer is what serve runs.
type networkServer interface {
	Serve(net.Listener) error
	Close() error
}

// serve prints where a server listens, and runs it until it is interrupted.
func (a *app) serve(l net.Listener, s networkServer, is listening) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	if a.json {
		err = a.printJSON(is)
	} else {
		objects := "objects"
		if is.Objects == 1 {
			objects = "object"
		}
		a.printf("listening at %s, %d %s\n", is.Listen, is.Objects, objects)
	}
	if err = errors.Join(err, a.out.err); err != nil { // nobody learned the address
		err = fmt.Errorf("cannot write the result: %w", err)
		err = errors.Join(err, s.Close())
		<-done
		return err
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.Join(err, s.Close())
		<-done
	}
	return err
}

func (a *app) keyserver(f keyserverFlags) (err error) {
	switch {
	case f.dir == "":
		return usagef("keyserver: need --data DIR").withHint("fdelab keyserver init DIR makes one")
	case f.maxConns < 1:
		return usagef("keyserver: --max-connections %d, need 1 or more", f.maxConns)
	case f.maxEach < 0 || f.maxEach > f.maxConns:
		return usagef("keyserver: --max-connections-each %d, need 1 to %d", f.maxEach, f.maxConns)
	case f.idle <= 0:
		return usagef("keyserver: --idle-timeout %v, need more than 0", f.idle)
	}
	if _, _, err := net.SplitHostPort(f.listen); err != nil {
		return usagef("keyserver: --listen %q: %w, need host:port", f.listen, err)
	}
	peer, err := f.pair()
	if err != nil {
		return err
	}
	refused, err := keydir.OpenRefused(f.dir)
	if err != nil {
		return cannotf("keyserver: %w", err)
	}
	passphrase, err := a.passphrase(f.passphrase)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	store, tls, err := keydir.Open(f.dir, passphrase, rand.Reader)
	if errors.Is(err, os.ErrNotExist) {
		return cannotf("keyserver: %w", err).withHint("fdelab keyserver init DIR makes one")
	}
	if errors.Is(err, server.ErrDamaged) {
		return cannotf("keyserver: %w", err).withHint("put a backup of it back; or, if a peer has the objects, make a new directory with fdelab keyserver join and run both with --peer")
	}
	if err != nil {
		return cannotf("keyserver: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if f.peer != "" {
		if err := keydir.NotePeer(f.dir, f.peer); err != nil {
			return cannotf("keyserver: %w", err)
		}
	}
	keys, err := store.Count()
	if err != nil {
		return cannotf("keyserver: %w", err)
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return cannotf("keyserver: %w", err)
	}
	s := server.New(server.Config{
		Store: store, TLS: tls, Clock: time.Now, Log: slog.New(slog.NewTextHandler(a.err, nil)),
		MaxConns: f.maxConns, MaxConnsEach: f.maxEach, Refuse: refused.Check, IdleTimeout: f.idle, Peer: peer,
	})
	if err := a.serve(l, s, listening{Listen: l.Addr().String(), Data: f.dir, Objects: keys}); err != nil {
		return cannotf("keyserver: %w", err)
	}
	return nil
}

// pair is the other server, nil if there is none.
func (f *keyserverFlags) pair() (*server.Peer, error) {
	if f.peer == "" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(f.peer); err != nil {
		return nil, usagef("keyserver: --peer %q: %w, need host:port", f.peer, err)
	}
	t, err := keydir.PeerTLS(f.dir)
	if err != nil {
		return nil, cannotf("keyserver: %w", err)
	}
	return &server.Peer{Addr: f.peer, TLS: t}, nil
}

// passphraseMax bounds what is read from standard input, in bytes.
const passphraseMax = 1 << 16

// passphrase reads a passphrase: the first line of a file that nobody else may read, or of standard
// input for "-"; nil for "".
func (a *app) passphrase(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	var b []byte
	var err error
	if file == "-" {
		if b, err = io.ReadAll(io.LimitReader(a.in, passphraseMax+1)); err == nil && len(b) > passphraseMax {
			err = fmt.Errorf("standard input has more than %d bytes, too much for a passphrase", passphraseMax)
		}
	} else {
		b, err = pki.ReadPrivate(file)
	}
	if err != nil {
		return nil, cannotf("keyserver: passphrase: %w", err)
	}
	defer clear(b)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, usagef("keyserver: the first line of %s is empty, need a passphrase", file)
	}
	return bytes.Clone(line), nil
}

func newKeyserverInitCmd(a *app) *cobra.Command {
	var hosts, clients []string
	var passphrase string
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "make the directory of a key server: CA, certificates, database",
		Long: "init makes DIR, which must be new or empty: an authority, the certificate of the server, one\n" +
			"of each client, and an empty database. The database's keys are wrapped by a master key in the\n" +
			"file master.key, or by one that a passphrase opens (argon2id).",
		Example: "  fdelab keyserver init keys --host keys.example --client facility --client spare",
		Args:    between(1, 1, "one directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.passphrase(passphrase)
			if err != nil {
				return err
			}
			defer clear(p)
			err = keydir.Init(args[0], keydir.Options{Hosts: hosts, Clients: clients, Passphrase: p, Now: time.Now(), Entropy: rand.Reader})
			if err != nil {
				return cannotf("keyserver init: %w", err)
			}
			return a.made(args[0], clients)
		},
	}
	c.Flags().StringSliceVar(&hosts, "host", loopback, "name or address of the server, for its certificate")
	c.Flags().StringSliceVar(&clients, "client", []string{keydir.Facility}, "a client to make a certificate for")
	c.Flags().StringVar(&passphrase, "passphrase-file", "", "file whose first line is the passphrase of the database; mode 0600, or - for standard input")
	return c
}

// loopback is the names and addresses of a server that only this machine can reach.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

func newKeyserverJoinCmd(a *app) *cobra.Command {
	var hosts []string
	var passphrase string
	c := &cobra.Command{
		Use:   "join DIR SECOND",
		Short: "make the directory of a second key server that holds the same objects",
		Long: "join makes SECOND, which must be new or empty. It has the certificate of the authority of DIR,\n" +
			"and certificates, database and master key of its own. Clients of DIR are clients of SECOND.\n" +
			"The objects come over the network when both servers run with --peer.",
		Example: "  fdelab keyserver join keys keys2 --host keys2.example",
		Args:    between(2, 2, "a directory and that of the second server"),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.passphrase(passphrase)
			if err != nil {
				return err
			}
			defer clear(p)
			if err := keydir.Join(args[0], args[1], keydir.Options{Hosts: hosts, Passphrase: p, Now: time.Now(), Entropy: rand.Reader}); err != nil {
				return cannotf("keyserver join: %w", err)
			}
			if a.json {
				return a.made(args[1], []string{})
			}
			a.printf("second server: %s; run each with --peer and the address of the other\n", args[1])
			return nil
		},
	}
	c.Flags().StringSliceVar(&hosts, "host", loopback, "name or address of the second server, for its certificate")
	c.Flags().StringVar(&passphrase, "passphrase-file", "", "file whose first line is the passphrase of its database; mode 0600, or - for standard input")
	return c
}

func newKeyserverClientCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "client DIR NAME",
		Short:   "make the certificate of one more client",
		Example: "  fdelab keyserver client keys second-facility",
		Args:    between(2, 2, "a directory and the name of a client"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := keydir.AddClient(args[0], args[1], time.Now(), rand.Reader); err != nil {
				return cannotf("keyserver client: %w", err)
			}
			return a.made(args[0], args[1:])
		},
	}
}

func newKeyserverRefuseCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "refuse DIR CERTIFICATE",
		Short: "do not take a certificate any more",
		Long: "refuse puts a certificate on the list DIR/refused: that of a client of DIR, by its name, or one in\n" +
			"a PEM file. A running server refuses it from the next message on. The objects of the client stay,\n" +
			"and a new certificate of the same subject can use them. Each server of a pair has its own list.\n" +
			"To take a certificate again, remove its line.",
		Example: "  fdelab keyserver refuse keys facility\n  fdelab keyserver refuse keys2 keys/facility.crt",
		Args:    between(2, 2, "a directory and a certificate"),
		RunE: func(_ *cobra.Command, args []string) error {
			file := args[1]
			if keydir.IsClientName(file) && !strings.HasSuffix(file, ".crt") {
				file = filepath.Join(args[0], file+".crt")
			}
			subject, err := keydir.Refuse(args[0], file)
			if err != nil {
				return cannotf("keyserver refuse: %w", err)
			}
			if peer, paired := keydir.PeerOf(args[0]); paired {
				defer a.hint("%s has a list of its own: refuse the certificate there too, with fdelab keyserver refuse and the peer's directory", strings.TrimSpace("the peer "+peer))
			}
			if a.json {
				return a.printJSON(struct {
					Data        string `json:"data"`
					Certificate string `json:"certificate"`
					Subject     string `json:"subject"`
				}{args[0], file, subject})
			}
			a.printf("refused from now on: %s (%s)\n", subject, file)
			return nil
		},
	}
}

// made prints the files that each client needs.
func (a *app) made(dir string, clients []string) error {
	if a.json {
		return a.printJSON(struct {
			Data    string   `json:"data"`
			Clients []string `json:"clients"`
		}{dir, clients})
	}
	var b strings.Builder
	for _, c := range clients {
		fmt.Fprintf(&b, "client %s: %s/%s.crt, %s/%s.key, and %s/ca.crt to know the server by\n", c, dir, c, dir, c, dir)
	}
	a.printf("%s", b.String())
	return nil
}
