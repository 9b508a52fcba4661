package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func request(name string, hosts ...string) Request {
	return Request{Name: name, Hosts: hosts, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
}

func TestCertificatesAreForTheirUseOnly(t *testing.T) {
	ca, err := NewCA(request("CA"), rand.Reader)
	require.NoError(t, err)
	s, err := ca.Server(request("server", "keys.example", "192.0.2.7"), rand.Reader)
	require.NoError(t, err)
	c, err := ca.Client(request("client"), rand.Reader)
	require.NoError(t, err)
	verify := func(p *Pair, host string, use x509.ExtKeyUsage) error {
		_, err := p.Cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: host, KeyUsages: []x509.ExtKeyUsage{use}})
		return err
	}
	require.NoError(t, verify(s, "keys.example", x509.ExtKeyUsageServerAuth))
	require.NoError(t, verify(s, "192.0.2.7", x509.ExtKeyUsageServerAuth))
	require.Error(t, verify(s, "other.example", x509.ExtKeyUsageServerAuth), "another name")
	require.Error(t, verify(s, "", x509.ExtKeyUsageClientAuth), "a server is no client")
	require.NoError(t, verify(c, "", x509.ExtKeyUsageClientAuth))
	require.Error(t, verify(c, "", x509.ExtKeyUsageServerAuth), "a client is no server")
	other, err := NewCA(request("CA"), rand.Reader)
	require.NoError(t, err)
	_, err = c.Cert.Verify(x509.VerifyOptions{Roots: other.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.Error(t, err, "a CA of the same name is another CA")
}

func TestFiles(t *testing.T) {
	ca, err := NewCA(request("CA"), rand.Reader)
	require.NoError(t, err)
	base := filepath.Join(t.TempDir(), "ca")
	require.NoError(t, ca.Write(base))
	require.ErrorIs(t, ca.Write(base), os.ErrExist, "nothing is overwritten")
	back, err := Read(base)
	require.NoError(t, err)
	require.True(t, back.Cert.Equal(ca.Cert))
	require.True(t, back.key().Equal(ca.key()))
	_, err = ReadPool(base + ".crt")
	require.NoError(t, err)
	_, err = ReadPool(base + ".key")
	require.ErrorContains(t, err, "no certificate")
}

func TestNamesAreChecked(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 65)} {
		_, err := NewCA(request(name), rand.Reader)
		require.ErrorContains(t, err, "need 1 to 64")
	}
	ca, err := NewCA(request("CA"), rand.Reader)
	require.NoError(t, err)
	_, err = ca.Server(request("server"), rand.Reader)
	require.ErrorContains(t, err, "needs a host name")
}

func TestNothingPrintsAKey(t *testing.T) {
	ca, err := NewCA(request("CA"), rand.Reader)
	require.NoError(t, err)
	d, err := ca.key().Bytes()
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		out := fmt.Sprintf(verb, struct{ p *Pair }{ca}) + fmt.Sprintf(verb, *ca)
		require.NotContains(t, out, hex.EncodeToString(d), verb)
		require.NotContains(t, out, strings.Trim(fmt.Sprint(d), "[]"), verb)
		require.NotContains(t, out, new(big.Int).SetBytes(d).String(), verb)
	}
}

func TestASecretThatOthersMayReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, WriteNew(path, []byte("word"), 0o600))
	b, err := ReadPrivate(path)
	require.NoError(t, err)
	require.Equal(t, "word", string(b))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := ReadPrivate(path)
		require.ErrorContains(t, err, "others may read it, need 0600")
		require.NotContains(t, err.Error(), "word")
	}
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, make([]byte, privateMax+1), 0o600))
	_, err = ReadPrivate(path)
	require.ErrorContains(t, err, "more than 65536 bytes")
	_, err = ReadPrivate(path + ".no")
	require.ErrorIs(t, err, os.ErrNotExist)
}
