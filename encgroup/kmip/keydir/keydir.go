package keydir

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// Names of files in the directory.
const (
	CA       = "ca"
	Server   = "server"
	Peer     = "peer"
	Database = "keys.db"
	Master   = "master.key"
	Refused  = "refused"
	PeerAddr = "peer.addr" // the address of the peer with which the server ran last; absent before that
	Facility = "facility"  // the client that gets a certificate if none is named
)

// Options are what Init needs to know.
type Options struct {
	Hosts      []string // names and addresses of the server
	Clients    []string // names of clients: letters, digits, dot, dash, underscore
	Passphrase []byte   // wraps the database's master key; empty: master.key does
	Now        time.Time
	Entropy    io.Reader
}

// peerName is the common name that the servers of a pair show to each other. Its space keeps it
// apart from the names of clients.
const peerName = "key server peer"

var clientName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// IsClientName says whether a client can have this name.
func IsClientName(name string) bool { return clientName.MatchString(name) }

func (o *Options) check() error {
	if len(o.Hosts) == 0 {
		return errors.New("keydir: need a host name or address of the server")
	}
	for n, c := range o.Clients {
		if !clientName.MatchString(c) || c == CA || c == Server || c == Peer || slices.Contains(o.Clients[:n], c) {
			return fmt.Errorf("keydir: client name %q, need distinct names of letters, digits, '.', '-' and '_', not %s, %s or %s", c, CA, Server, Peer)
		}
	}
	return nil
}

// Init makes the directory. It must not exist yet, or be empty.
func Init(dir string, o Options) error {
	return o.make(dir, o.newAuthority)
}

// newAuthority makes an authority in a directory.
func (o *Options) newAuthority(dir string) (*pki.Pair, error) {
	ca, err := pki.NewCA(pki.Request{Name: "fdelab key server CA", From: o.Now.Add(-time.Hour), To: o.Now.Add(pki.Validity)}, o.Entropy)
	if err != nil {
		return nil, err
	}
	return ca, ca.Write(filepath.Join(dir, CA))
}

// Join makes the directory of a second server. It has the authority of the first, which Init made,
// without the authority's key. Certificates, master key and database are its own. The passphrase
// may be another one.
func Join(first, dir string, o Options) error {
	ca, err := authority(first)
	if err != nil {
		return err
	}
	return o.make(dir, func(part string) (*pki.Pair, error) { return ca, ca.WriteCertificate(filepath.Join(part, CA)) })
}

// authority reads the authority of a directory that Init made, with its key.
func authority(dir string) (*pki.Pair, error) {
	if err := Finished(dir); err != nil {
		return nil, err
	}
	base := filepath.Join(dir, CA)
	_, noCertificate := os.Stat(base + ".crt")
	if _, err := os.Stat(base + ".key"); noCertificate == nil && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("keydir: %s.key is not there: only the directory of the first server holds the authority's key, need that one", base)
	}
	return pki.Read(base)
}

// make makes the whole directory or none of it.
func (o *Options) make(dir string, authority func(part string) (*pki.Pair, error)) error {
	if err := o.check(); err != nil {
		return err
	}
	return NewDir(dir, func(part string) error { return o.build(part, authority) })
}

func (o *Options) build(dir string, authority func(string) (*pki.Pair, error)) error {
	ca, err := authority(dir)
	if err != nil {
		return err
	}
	from, to := o.Now.Add(-time.Hour), o.Now.Add(pki.Validity)
	own, err := ca.Server(pki.Request{Name: "key server", Hosts: o.Hosts, From: from, To: to}, o.Entropy)
	if err != nil {
		return err
	}
	peer, err := ca.Client(pki.Request{Name: peerName, From: from, To: to}, o.Entropy)
	if err != nil {
		return err
	}
	if err := errors.Join(own.Write(filepath.Join(dir, Server)), peer.Write(filepath.Join(dir, Peer))); err != nil {
		return err
	}
	for _, name := range o.Clients {
		c, err := ca.Client(pki.Request{Name: name, From: from, To: to}, o.Entropy)
		if err != nil {
			return err
		}
		if err := c.Write(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	u := server.Unlock{Passphrase: o.Passphrase}
	if len(o.Passphrase) == 0 {
		u = server.Unlock{Key: new(secret.Key32)}
		defer u.Key.Clear()
		if _, err := io.ReadFull(o.Entropy, u.Key[:]); err != nil {
			return fmt.Errorf("keydir: no entropy: %w", err)
		}
		if err := pki.WriteNew(filepath.Join(dir, Master), u.Key[:], 0o600); err != nil {
			return err
		}
	}
	return server.CreateStore(filepath.Join(dir, Database), u, o.Entropy)
}

// PeerTLS is the configuration with which a server connects to its peer.
func PeerTLS(dir string) (*tls.Config, error) {
	base := filepath.Join(dir, Peer)
	return pki.ClientTLS(filepath.Join(dir, CA+".crt"), base+".crt", base+".key")
}

// AddClient makes the certificate of one more client.
func AddClient(dir, name string, now time.Time, entropy io.Reader) error {
	o := Options{Hosts: []string{"-"}, Clients: []string{name}}
	if err := o.check(); err != nil {
		return err
	}
	ca, err := authority(dir)
	if err != nil {
		return err
	}
	c, err := ca.Client(pki.Request{Name: name, From: now.Add(-time.Hour), To: now.Add(pki.Validity)}, entropy)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, name)
	_, certificate := os.Stat(base + ".crt")
	if _, err := os.Stat(base + ".key"); err == nil && errors.Is(certificate, os.ErrNotExist) {
		return fmt.Errorf("keydir: %s.key is there without its certificate, as after an interrupted command: remove it first, if it is not needed", base)
	}
	return c.Write(base)
}

// Open opens the database and reads the certificates of the server. passphrase is
// empty when the directory has a master.key.
func Open(dir string, passphrase []byte, entropy io.Reader) (*server.Store, *tls.Config, error) {
	if err := Finished(dir); err != nil {
		return nil, nil, err
	}
	own := filepath.Join(dir, Server)
	pair, err := pki.Load(own+".crt", own+".key") // a customer's may be of any kind
	if err != nil {
		return nil, nil, fmt.Errorf("keydir: %w", err)
	}
	// The server does not use the authority's key, but whoever can read it can make clients.
	if key, err := pki.ReadPrivate(filepath.Join(dir, CA+".key")); err == nil {
		clear(key)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("keydir: %w", err)
	}
	pool, err := pki.ReadPool(filepath.Join(dir, CA+".crt"))
	if err != nil {
		return nil, nil, err
	}
	u := server.Unlock{Passphrase: passphrase}
	if len(passphrase) == 0 {
		if u.Key, err = readMaster(filepath.Join(dir, Master)); err != nil {
			return nil, nil, err
		}
		defer u.Key.Clear()
		u.Passphrase = nil
	}
	database := filepath.Join(dir, Database)
	if _, err := os.Stat(database); errors.Is(err, os.ErrNotExist) { // not wrapped: a new directory would not have the keys
		return nil, nil, fmt.Errorf("keydir: the database %s is missing: put it back, the keys are in it", database)
	}
	store, err := server.OpenStore(database, u, entropy)
	if err != nil {
		return nil, nil, err
	}
	return store, &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, Rand: entropy}, nil
}

func readMaster(path string) (*secret.Key32, error) {
	b, err := pki.ReadPrivate(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("keydir: %s is missing: give the passphrase, if there is one", path)
	}
	if err != nil {
		return nil, fmt.Errorf("keydir: %w", err)
	}
	defer clear(b)
	var k secret.Key32
	if len(b) != len(k) {
		return nil, fmt.Errorf("keydir: %s has %d bytes, need %d", path, len(b), len(k))
	}
	copy(k[:], b)
	return &k, nil
}

// sync syncs a directory, so that a rename in it survives a crash.
func sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
