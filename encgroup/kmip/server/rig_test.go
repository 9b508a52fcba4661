package server_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBook is a log that a test reads while the server writes it.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBook) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// lines are those that hold a word.
func (l *logBook) lines(word string) []string {
	var out []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, word) {
			out = append(out, line)
		}
	}
	return out
}

// clock is the real time, and what a test adds to it.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// rig is a server on a port of its own, and a CA.
type rig struct {
	t      testing.TB
	ca     *pki.Pair
	store  *server.Store
	path   string
	key    *secret.Key32
	server *server.Server
	addr   string
	at     string // where it listens; empty: anywhere
	log    *logBook
	served chan error
}

func newRig(t testing.TB, set ...func(*server.Config)) *rig {
	t.Helper()
	r := bareRig(t)
	r.start(set...)
	return r
}

// bareRig is one whose server is not started.
func bareRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, log: &logBook{}, path: filepath.Join(t.TempDir(), "keys.db"), key: &secret.Key32{1, 2, 3}, served: make(chan error, 1)}
	var err error
	now := time.Now()
	r.ca, err = pki.NewCA(pki.Request{Name: "test CA", From: now.Add(-time.Hour), To: now.Add(time.Hour)}, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, server.CreateStore(r.path, server.Unlock{Key: r.key}, rand.Reader))
	t.Cleanup(r.stop)
	return r
}

func (r *rig) start(set ...func(*server.Config)) {
	r.t.Helper()
	var err error
	r.store, err = server.OpenStore(r.path, server.Unlock{Key: r.key}, rand.Reader)
	require.NoError(r.t, err)
	own, err := r.ca.Server(pki.Request{Name: "server", Hosts: []string{"127.0.0.1", "localhost"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
	require.NoError(r.t, err)
	cfg := server.Config{
		Store: r.store, Clock: time.Now, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		TLS: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: r.ca.Pool(), Rand: rand.Reader},
	}
	for _, f := range set {
		f(&cfg)
	}
	r.server = server.New(cfg)
	l, err := net.Listen("tcp", cmp.Or(r.at, "127.0.0.1:0"))
	require.NoError(r.t, err)
	r.addr = l.Addr().String()
	go func() { r.served <- r.server.Serve(l) }()
}

func (r *rig) stop() {
	if r.server == nil {
		return
	}
	require.NoError(r.t, r.server.Close())
	if r.at == "" { // else another server may be running
		stacks := make([]byte, 1<<20)
		require.NotContains(r.t, string(stacks[:runtime.Stack(stacks, true)]), "(*Server).serve(", "when Close returns, no connection is being served")
	}
	require.ErrorIs(r.t, <-r.served, server.ErrClosed)
	require.NoError(r.t, r.store.Close())
	r.server = nil
}

// tls is the configuration of a client with a certificate from the rig's CA.
func (r *rig) tls(name string) *tls.Config {
	r.t.Helper()
	own, err := r.ca.Client(pki.Request{Name: name, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
	require.NoError(r.t, err)
	return &tls.Config{RootCAs: r.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}}
}

func (r *rig) config(name string) kmip.Config {
	return kmip.Config{Addr: r.addr, TLS: r.tls(name), Clock: time.Now, Timeout: 20 * time.Second}
}

// client is a connected client.
func (r *rig) client(name string, set ...func(*kmip.Config)) *kmip.Client {
	r.t.Helper()
	cfg := r.config(name)
	for _, f := range set {
		f(&cfg)
	}
	c, err := kmip.Dial(cfg)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

func version(v kmip.Version) func(*kmip.Config) { return func(c *kmip.Config) { c.Version = v } }

// aes are the attributes of an AES-256 key.
func aes(more ...kmip.Attribute) []kmip.Attribute {
	return append([]kmip.Attribute{
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt | kmip.UsageDecrypt),
	}, more...)
}

// password is secret data of 32 bytes.
func password(b byte) *kmip.Object {
	return &kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: bytes.Repeat([]byte{b}, 32)}
}

// refused requires the reason of a refusal.
func refused(t testing.TB, want kmip.Reason, err error, msg ...any) {
	t.Helper()
	var f *kmip.Failure
	require.True(t, errors.As(err, &f), "a refusal with a reason, not %v", err)
	require.Equal(t, want.String(), f.Reason.String(), append([]any{"the reason is the specification's"}, msg...)...)
}
