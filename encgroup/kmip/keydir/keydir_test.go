package keydir

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

func options() Options {
	return Options{Hosts: []string{"localhost", "127.0.0.1"}, Clients: []string{"facility", "other"}, Now: time.Now(), Entropy: rand.Reader}
}

func TestInitMakesWhatOpenOpens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	store, cfg, err := Open(dir, nil, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.Len(t, cfg.Certificates, 1)
	ca, err := pki.ReadPool(filepath.Join(dir, "ca.crt"))
	require.NoError(t, err)
	for name, usage := range map[string]x509.ExtKeyUsage{"server": x509.ExtKeyUsageServerAuth, "facility": x509.ExtKeyUsageClientAuth, "other": x509.ExtKeyUsageClientAuth} {
		p, err := pki.Read(filepath.Join(dir, name))
		require.NoError(t, err, name)
		_, err = p.Cert.Verify(x509.VerifyOptions{Roots: ca, KeyUsages: []x509.ExtKeyUsage{usage}})
		require.NoError(t, err, "the certificate of %s is good for its use", name)
	}
	for _, f := range []string{"ca.key", "server.key", "facility.key", "master.key", "keys.db"} {
		i, err := os.Stat(filepath.Join(dir, f))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), i.Mode().Perm(), "%s is the owner's alone", f)
	}
	require.NoError(t, AddClient(dir, "third", time.Now(), rand.Reader))
	require.ErrorIs(t, AddClient(dir, "third", time.Now(), rand.Reader), os.ErrExist, "no file is overwritten")
}

// TestCustomersOwnCertificates: an authority of the customer's own, with RSA keys.
func TestCustomersOwnCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "theirs"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	require.NoError(t, err)
	write := func(name, kind string, b []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
	}
	write("server.crt", "CERTIFICATE", der)
	write("server.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	store, cfg, err := Open(dir, nil, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.Equal(t, der, cfg.Certificates[0].Certificate[0])
	at := func(name string) string { return filepath.Join(dir, name) }
	c, err := pki.ClientTLS(at("ca.crt"), at("server.crt"), at("server.key"))
	require.NoError(t, err)
	require.Len(t, c.Certificates, 1)
	_, err = pki.ClientTLS(at("ca.crt"), at("server.crt"), at("facility.key"))
	require.ErrorContains(t, err, "does not match", "the key of another certificate")
}

func TestPassphrase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	o := options()
	o.Passphrase = []byte("correct horse")
	require.NoError(t, Init(dir, o))
	require.NoFileExists(t, filepath.Join(dir, Master))
	_, _, err := Open(dir, []byte("wrong horse"), rand.Reader)
	require.ErrorIs(t, err, server.ErrMaster)
	_, _, err = Open(dir, nil, rand.Reader)
	require.ErrorContains(t, err, "give the passphrase")
	store, _, err := Open(dir, []byte("correct horse"), rand.Reader)
	require.NoError(t, err)
	_, _, err = Open(dir, []byte("correct horse"), rand.Reader)
	require.ErrorIs(t, err, server.ErrInUse, "one server at a time")
	require.NoError(t, store.Close())
}

func TestBadInputChangesNothing(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "keys")
	for name, change := range map[string]func(*Options){
		"no host":      func(o *Options) { o.Hosts = nil },
		"a path":       func(o *Options) { o.Clients = []string{"../x"} },
		"the CA":       func(o *Options) { o.Clients = []string{"ca"} },
		"twice":        func(o *Options) { o.Clients = []string{"a", "a"} },
		"empty name":   func(o *Options) { o.Clients = []string{""} },
		"dry entropy":  func(o *Options) { o.Entropy = dry{} },
		"server again": func(o *Options) { o.Clients = []string{"server"} },
	} {
		o := options()
		change(&o)
		require.Error(t, Init(dir, o), name)
		left, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Empty(t, left, "%s: nothing was made", name)
	}
	require.NoError(t, Init(dir, options()))
	require.ErrorContains(t, Init(dir, options()), "is not empty")
}

type dry struct{}

func (dry) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestMasterKeyIsLookedAt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	master := filepath.Join(dir, Master)
	require.NoError(t, os.Chmod(master, 0o640))
	_, _, err := Open(dir, nil, rand.Reader)
	require.ErrorContains(t, err, "has mode 0640")
	require.NoError(t, os.Chmod(master, 0o600))
	b, err := os.ReadFile(master)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(master, b[:31], 0o600))
	_, _, err = Open(dir, nil, rand.Reader)
	require.ErrorContains(t, err, "has 31 bytes, need 32")
	b[0] ^= 1
	require.NoError(t, os.WriteFile(master, b, 0o600))
	_, _, err = Open(dir, nil, rand.Reader)
	require.ErrorIs(t, err, server.ErrMaster, "another key does not open it")
}

// TestJoin: the second directory has the authority without its key, and all else of its
// own; the two know one another by one subject.
func TestJoin(t *testing.T) {
	parent := t.TempDir()
	first, second := filepath.Join(parent, "keys"), filepath.Join(parent, "keys2")
	require.NoError(t, Init(first, options()))
	o := options()
	o.Clients = nil
	require.NoError(t, Join(first, second, o))
	read := func(dir, name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, read(first, "ca.crt"), read(second, "ca.crt"))
	require.NoFileExists(t, filepath.Join(second, "ca.key"), "the authority's key stays in one place")
	for _, name := range []string{"server.key", "peer.key", "master.key"} {
		require.NotEqual(t, read(first, name), read(second, name), name)
	}
	one, err := PeerTLS(first)
	require.NoError(t, err)
	two, err := PeerTLS(second)
	require.NoError(t, err)
	require.Equal(t, one.Certificates[0].Leaf.RawSubject, two.Certificates[0].Leaf.RawSubject)
	store, _, err := Open(second, nil, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, store.Close())

	require.ErrorContains(t, Join(first, second, o), "is not empty")
	require.ErrorIs(t, Join(filepath.Join(parent, "nowhere"), filepath.Join(parent, "keys3"), o), os.ErrNotExist)
	err = Join(second, filepath.Join(parent, "keys3"), o)
	require.ErrorContains(t, err, "only the directory of the first server holds the authority's key", "without it none can join")
	require.EqualError(t, AddClient(second, "al", o.Now, rand.Reader), err.Error(), "and no client is made")
	require.NoDirExists(t, filepath.Join(parent, "keys3"))
	o.Clients = []string{"peer"}
	require.ErrorContains(t, Join(first, filepath.Join(parent, "keys3"), o), "not ca, server or peer")
}
