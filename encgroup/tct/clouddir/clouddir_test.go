package clouddir

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func made(t testing.TB) (dir string, o Options) {
	t.Helper()
	dir, o = filepath.Join(t.TempDir(), "cloud"), Options{Hosts: []string{"127.0.0.1"}, Now: time.Now(), Entropy: rand.Reader}
	require.NoError(t, Init(dir, o))
	return dir, o
}

// serve runs the server of a directory on loopback.
func serve(t testing.TB, dir string) (address string) {
	t.Helper()
	store, config, err := Open(dir)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := store.Server(config, log.New(io.Discard, "", 0))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
	return "https://" + l.Addr().String()
}

func TestAFacilityReachesTheServerOfADirectory(t *testing.T) {
	dir, _ := made(t)
	address := serve(t, dir)
	cloud, shut, err := Connect(address, filepath.Join(dir, "ca.crt"), filepath.Join(dir, Token))
	require.NoError(t, err)
	defer shut()
	require.NoError(t, cloud.Put("75NR641/a", []byte("ciphertext")))
	b, err := cloud.Get("75NR641/a", 100)
	require.NoError(t, err)
	require.Equal(t, "ciphertext", string(b))
	store, _, err := Open(dir)
	require.NoError(t, err)
	n, err := store.Count()
	require.NoError(t, err)
	require.Equal(t, 1, n, "objects outlive the server")

	other, _ := made(t)
	for name, c := range map[string]struct {
		ca, token string
		want      error
	}{
		"another authority": {other, dir, tct.ErrCloud},
		"another token":     {dir, other, tct.ErrRefused},
	} {
		cloud, shut, err := Connect(address, filepath.Join(c.ca, "ca.crt"), filepath.Join(c.token, Token))
		require.NoError(t, err)
		_, err = cloud.Get("75NR641/a", 100)
		require.ErrorIs(t, err, c.want, name)
		shut()
	}
	cloud, shut, err = Connect(address, filepath.Join(other, "ca.crt"), filepath.Join(dir, Token))
	require.NoError(t, err)
	defer shut()
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, cloud.Delete("75NR641/a"), &unknown, "the reason can be found")
}

func TestSecretsAreForTheirOwnerOnly(t *testing.T) {
	dir, _ := made(t)
	for _, name := range []string{"ca.key", "server.key", Token} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	token := filepath.Join(dir, Token)
	word, err := os.ReadFile(token)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(token, 0o640))
	_, _, err = Open(dir)
	require.ErrorContains(t, err, "token has mode 0640: others may read it, need 0600")
	_, _, connected := Connect("https://127.0.0.1", filepath.Join(dir, "ca.crt"), token)
	require.ErrorContains(t, connected, "others may read it")
	require.NotContains(t, err.Error()+connected.Error(), strings.TrimSpace(string(word)))
	require.NoError(t, os.Chmod(token, 0o600))
	for _, text := range []string{"", "short\n", "two words, and long enough\n", "sixteen letters and\nanother line", strings.Repeat("x", 300), strings.Repeat("x", 1<<17)} {
		require.NoError(t, os.WriteFile(token, []byte(text), 0o600))
		_, _, err := Open(dir)
		require.Error(t, err, "%.20q is no token", text)
	}
}

func TestInitRefusals(t *testing.T) {
	dir, o := made(t)
	require.ErrorContains(t, Init(dir, o), "is not empty, need a new directory")
	fresh := filepath.Join(t.TempDir(), "cloud")
	o.Hosts = nil
	require.ErrorContains(t, Init(fresh, o), "needs a host name or address")
	o.Hosts, o.Entropy = []string{"x"}, iotest.ErrReader(errors.New("stuck"))
	require.ErrorContains(t, Init(fresh, o), "stuck")
	require.NoDirExists(t, fresh, "the whole directory or none of it")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(fresh), "*"))
	require.NoError(t, err)
	require.Empty(t, left)
	_, _, err = Open(fresh)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = Connect("https://x", filepath.Join(fresh, "ca.crt"), filepath.Join(dir, Token))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = Connect("http://x", filepath.Join(dir, "ca.crt"), filepath.Join(dir, Token))
	require.ErrorContains(t, err, "need https://")
}

func TestADirectoryTakesOneServer(t *testing.T) {
	dir, _ := made(t)
	release, err := Lock(dir)
	require.NoError(t, err)
	_, err = Lock(dir)
	require.ErrorIs(t, err, ErrInUse, "the second server is refused")
	require.NoError(t, release())
	release, err = Lock(dir)
	require.NoError(t, err, "the next one is taken")
	require.NoError(t, release())
	_, err = Lock(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist, "no directory is made")
}
