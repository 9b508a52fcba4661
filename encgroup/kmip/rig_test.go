package kmip_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs our server with the certificates of an authority.
func serve(t testing.TB, a *authority, set ...func(*server.Config)) (addr string, stop func()) {
	t.Helper()
	path, master := a.base("keys.db"), server.Unlock{Key: &secret.Key32{1}}
	require.NoError(t, server.CreateStore(path, master, rand.Reader))
	store, err := server.OpenStore(path, master, rand.Reader)
	require.NoError(t, err)
	own := a.server()
	cfg := server.Config{
		Store: store, Clock: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		TLS: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: a.ca.Pool()},
	}
	for _, f := range set {
		f(&cfg)
	}
	s := server.New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return l.Addr().String(), func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-done, server.ErrClosed)
		require.NoError(t, store.Close())
	}
}

func secretOf(b byte) *kmip.Object {
	return &kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: bytes.Repeat([]byte{b}, 32)}
}

// refuse requires the reason of a refusal.
func refuse(t testing.TB, want kmip.Reason, err error, msg ...any) {
	t.Helper()
	var f *kmip.Failure
	require.True(t, errors.As(err, &f), "a refusal with a reason, not %v", err)
	require.Equal(t, want.String(), f.Reason.String(), msg...)
}
