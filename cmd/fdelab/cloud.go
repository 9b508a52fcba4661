package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct/clouddir"
)

func newCloudCmd(a *app) *cobra.Command {
	var dir, listen string
	c := &cobra.Command{
		Use:         "cloud",
		Annotations: needsLocks,
		Short:       "run a cloud server for encrypted objects, or make what it needs",
		Long: "cloud serves objects over HTTPS until it is interrupted. Its directory holds certificates,\n" +
			"token and objects, and is made by cloud init. It knows nothing of encryption: a facility\n" +
			"sends encrypted objects, which only the key of the facility's key group opens.",
		Example: "  fdelab cloud init cloud\n  fdelab cloud --data cloud\n" +
			"  fdelab shell --cloud https://127.0.0.1:8443 --cloud-ca cloud/ca.crt --cloud-token-file cloud/token",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return a.cloud(dir, listen) },
	}
	c.Flags().StringVar(&dir, "data", "", "directory made by cloud init (required)")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8443", "address to listen at; port 0 takes a free one")
	c.AddCommand(newCloudInitCmd(a))
	return c
}

func (a *app) cloud(dir, listen string) (err error) {
	if dir == "" {
		return usagef("cloud: need --data DIR").withHint("fdelab cloud init DIR makes one")
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usagef("cloud: --listen %q: %w, need host:port", listen, err)
	}
	store, config, err := clouddir.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return cannotf("cloud: %w", err).withHint("fdelab cloud init DIR makes one")
	}
	if err != nil {
		return cannotf("cloud: %w", err)
	}
	release, err := clouddir.Lock(dir)
	if err != nil {
		return cannotf("cloud: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	n, err := store.Count()
	if err != nil {
		return cannotf("cloud: %w", err)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return cannotf("cloud: %w", err)
	}
	s := store.Server(config, slog.NewLogLogger(slog.NewTextHandler(a.err, nil), slog.LevelWarn))
	if err := a.serve(l, s, listening{Listen: l.Addr().String(), Data: dir, Objects: n}); err != nil {
		return cannotf("cloud: %w", err)
	}
	return nil
}

func newCloudInitCmd(a *app) *cobra.Command {
	var hosts []string
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "make the directory of a cloud server: CA, certificate, token",
		Long: "init makes DIR, which must be new or empty: an authority, the certificate of the server, the\n" +
			"token of every request, and a directory for the objects.",
		Example: "  fdelab cloud init cloud --host cloud.example",
		Args:    between(1, 1, "one directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if err := clouddir.Init(dir, clouddir.Options{Hosts: hosts, Now: time.Now(), Entropy: rand.Reader}); err != nil {
				return cannotf("cloud init: %w", err)
			}
			if a.json {
				return a.printJSON(struct {
					Data string `json:"data"`
				}{dir})
			}
			a.printf("a facility needs %s/token, and %s/ca.crt to know the server by\n", dir, dir)
			return nil
		},
	}
	c.Flags().StringSliceVar(&hosts, "host", []string{"localhost", "127.0.0.1", "::1"}, "name or address of the server, for its certificate")
	return c
}

// cloudFlags are the flags by which a facility reaches a cloud server.
type cloudFlags struct{ address, ca, token string }

func (f *cloudFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.address, "cloud", "", "https address of a cloud server (fdelab cloud), in place of the simulated one")
	c.Flags().StringVar(&f.ca, "cloud-ca", "", "file with the authorities that the cloud server is known by")
	c.Flags().StringVar(&f.token, "cloud-token-file", "", "file with the token of the cloud server")
}

// connect gives the cloud server, nil for the simulated one.
func (f *cloudFlags) connect(command string) (cloud tct.Cloud, shut func(), err error) {
	switch {
	case *f == cloudFlags{}:
		return nil, func() {}, nil
	case f.address == "" || f.ca == "" || f.token == "":
		return nil, nil, usagef("%s: need --cloud, --cloud-ca and --cloud-token-file together", command)
	}
	real, shut, err := clouddir.Connect(f.address, f.ca, f.token)
	if errors.Is(err, tct.ErrAddress) {
		return nil, nil, usagef("%s: --cloud %q: need https:// and a host", command, f.address)
	}
	if err != nil {
		return nil, nil, cannotf("%s: %w", command, fmt.Errorf("cloud server: %w", err))
	}
	return real, shut, nil
}
