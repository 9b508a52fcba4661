package ipp

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
	"github.com/seed-9d983aeb/fdelab/internal/nettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keyPair = func() func(label string) KeyPair {
	made := map[string]KeyPair{}
	return func(label string) KeyPair {
		if p, ok := made[label]; ok {
			return p
		}
		key, err := GenerateKey(entropy.Stream(1, label))
		if err != nil {
			panic(err)
		}
		p, err := NewKeyPair(label, key)
		if err != nil {
			panic(err)
		}
		made[label] = p
		return p
	}
}()

// bench is a facility and its key servers on loopback.
type bench struct {
	t    testing.TB
	safe *MemSafe
	mu   sync.Mutex
	wire bytes.Buffer // everything that was on a wire
	logs []string
}

func newBench(t testing.TB) *bench { return &bench{t: t, safe: &MemSafe{}} }

// server starts one and gives its address.
func (b *bench) server(change func(*ServerConfig), pairs ...KeyPair) string {
	b.t.Helper()
	cfg := ServerConfig{
		Pairs: pairs, Devices: []string{"75NR641"}, Entropy: entropy.Stream(1, "server"), Clock: time.Now, Timeout: 30 * time.Second, Conns: 8,
		Log: func(line string) { b.mu.Lock(); defer b.mu.Unlock(); b.logs = append(b.logs, line) },
	}
	if change != nil {
		change(&cfg)
	}
	s, err := NewServer(cfg)
	require.NoError(b.t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b.t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	b.t.Cleanup(func() {
		require.NoError(b.t, s.Close())
		require.NoError(b.t, <-done)
	})
	return l.Addr().String()
}

func (b *bench) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.logs, "\n")
}

// tap writes down what goes over a connection.
type tap struct {
	net.Conn
	b *bench
}

func (c tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.b.note(p[:n])
	return n, err
}

func (c tap) Write(p []byte) (int, error) {
	c.b.note(p)
	return c.Conn.Write(p)
}

func (b *bench) note(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wire.Write(p)
}

func (b *bench) client(id, address string, change func(*ClientConfig)) *Client {
	b.t.Helper()
	cfg := ClientConfig{
		ID: id, Device: "75NR641", Labels: [2]string{"one", "two"}, Safe: b.safe, Entropy: entropy.Stream(1, "client "+id), Clock: time.Now, Timeout: 30 * time.Second,
		Dial: func(timeout time.Duration) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: timeout}).Dial("tcp", address)
			if err != nil {
				return nil, err
			}
			return tap{c, b}, nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := NewClient(cfg)
	require.NoError(b.t, err)
	return c
}

func TestADataKeyComesBackFromEitherKeyPair(t *testing.T) {
	b := newBench(t)
	a := b.client("a", b.server(nil, keyPair("one"), keyPair("two").Public()), nil)
	z := b.client("z", b.server(nil, keyPair("two"), keyPair("one").Public()), nil)
	other := b.client("other", b.server(nil, keyPair("three")), nil)

	uid, err := a.Create("ignored")
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{32}$", uid)
	one, err := a.Get(uid)
	require.NoError(t, err)
	two, err := z.Get(uid)
	require.NoError(t, err, "the other site opens it with the other key pair")
	require.True(t, one.Equal(two))
	require.NotEqual(t, secret.Key32{}, *one)
	_, err = other.Get(uid)
	require.ErrorIs(t, err, encgroup.ErrNoKey)
	_, err = other.Create("")
	require.ErrorIs(t, err, encgroup.ErrNoKey, "it has no such labels")
	_, err = a.Get("unknown")
	require.ErrorIs(t, err, encgroup.ErrNoKey)
	require.ErrorIs(t, err, ErrNotKept)

	eedks, err := b.safe.Kept(uid)
	require.NoError(t, err)
	everything := append(bytes.Clone(b.wire.Bytes()), eedks...)
	everything = append(everything, b.log()...)
	require.NotContains(t, string(everything), string(one[:8]), "the data key is nowhere in the clear")

	// A wrap under the other's label opens nothing.
	crossed, err := unpackEEDKs(eedks)
	require.NoError(t, err)
	crossed[0].wrapped, crossed[1].wrapped = crossed[1].wrapped, crossed[0].wrapped
	swapped, err := packEEDKs(crossed)
	require.NoError(t, err)
	require.NoError(t, b.safe.Keep(uid, swapped))
	_, err = b.client("both", b.server(nil, keyPair("one"), keyPair("two")), nil).Get(uid)
	require.ErrorIs(t, err, encgroup.ErrNoKey)

	// A damaged EEDK: the second one serves, then none does.
	list, err := unpackEEDKs(eedks)
	require.NoError(t, err)
	list[0].wrapped[7] ^= 1
	bent, err := packEEDKs(list)
	require.NoError(t, err)
	require.NoError(t, b.safe.Keep(uid, bent))
	_, err = a.Get(uid)
	require.ErrorIs(t, err, encgroup.ErrNoKey)
	_, err = z.Get(uid)
	require.NoError(t, err)
}

func TestAGroupOverIPP(t *testing.T) {
	b := newBench(t)
	servers := []encgroup.KeyServer{
		b.client("a", b.server(nil, keyPair("one"), keyPair("two")), nil),
		b.client("z", b.server(nil, keyPair("one"), keyPair("two")), nil),
	}
	g := encgroup.New(servers, entropy.Stream(1, "group"), &encgroup.MemStore{})
	require.NoError(t, g.Configure("x"))
	g.PowerOff()
	require.NoError(t, g.Retrieve())
	former, err := g.RekeyDataKey()
	require.NoError(t, err)
	require.NotEqual(t, former, g.Record().UID)
	list, err := g.TestAccess()
	require.NoError(t, err)
	require.Equal(t, []encgroup.ServerError{{Server: "a"}, {Server: "z"}}, list)
}

// pki is a CA with certificates for "ks" and "sfi", good for the year 2026.
type pki struct {
	pool *x509.CertPool
	key  ed25519.PrivateKey
	ca   *x509.Certificate
}

func newPKI(t testing.TB, name string) *pki {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), 32))
	p := &pki{pool: x509.NewCertPool(), key: key}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: day(1), NotAfter: day(300), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(nil, tpl, tpl, key.Public(), key)
	require.NoError(t, err)
	p.ca, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	p.pool.AddCert(p.ca)
	return p
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func (p *pki) cert(t testing.TB, name string) tls.Certificate {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), 32))
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: day(1), NotAfter: day(200),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(nil, tpl, p.ca, key.Public(), p.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestWhatAClientMeets(t *testing.T) {
	ours, theirs := newPKI(t, "ours"), newPKI(t, "theirs")
	at := func(n int) func() time.Time { return func() time.Time { return day(n) } }
	serverTLS := func(ca, clients *pki, name string, now int) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ca.cert(t, name)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.pool, Time: at(now), MinVersion: tls.VersionTLS12}
	}
	clientTLS := func(now int) *tls.Config {
		return &tls.Config{RootCAs: ours.pool, ServerName: "ks", Certificates: []tls.Certificate{ours.cert(t, "sfi")}, Time: at(now), MinVersion: tls.VersionTLS12}
	}
	answer := func(m message) func(net.Conn) {
		return func(c net.Conn) { _, _ = readMessage(c); _ = writeMessage(c, m) }
	}
	tlsAt := func(now int) func(*ClientConfig) { return func(c *ClientConfig) { c.TLS = clientTLS(now) } }
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	with := func(change func(*ServerConfig)) func(*bench) string {
		return func(b *bench) string { return b.server(change, keyPair("one"), keyPair("two")) }
	}
	secured := func(ca, clients *pki, name string, now int) func(*bench) string {
		return with(func(s *ServerConfig) { s.TLS = serverTLS(ca, clients, name, now) })
	}
	playing := func(serve func(net.Conn)) func(*bench) string {
		return func(b *bench) string { return nettest.Serve(b.t, nettest.Loopback, serve) }
	}
	for name, c := range map[string]struct {
		address func(b *bench) string
		client  func(*ClientConfig)
		want    error
	}{
		"TLS":                     {secured(ours, ours, "ks", 100), tlsAt(100), nil},
		"server of an unknown CA": {secured(theirs, ours, "ks", 100), tlsAt(100), encgroup.ErrUntrusted},
		"server of another name":  {secured(ours, ours, "other", 100), tlsAt(100), encgroup.ErrUntrusted},
		"server expired":          {secured(ours, ours, "ks", 100), tlsAt(201), encgroup.ErrUntrusted},
		"client of an unknown CA": {secured(ours, theirs, "ks", 100), tlsAt(100), encgroup.ErrUntrusted},
		"client expired":          {secured(ours, ours, "ks", 201), tlsAt(100), encgroup.ErrUntrusted},
		"TLS to a plain server":   {with(nil), tlsAt(100), encgroup.ErrProtocol},
		"plain to a TLS server":   {secured(ours, ours, "ks", 100), nil, encgroup.ErrProtocol},
		"nobody there": {func(*bench) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			require.NoError(t, l.Close())
			return l.Addr().String()
		}, nil, encgroup.ErrUnreachable},
		"silence":                  {playing(silent), func(c *ClientConfig) { c.Timeout = 50 * time.Millisecond }, encgroup.ErrTimeout},
		"silence in the handshake": {playing(silent), func(c *ClientConfig) { c.Timeout, c.TLS = 50*time.Millisecond, clientTLS(100) }, encgroup.ErrTimeout},
		"hang up":                  {playing(func(c net.Conn) { _, _ = readMessage(c) }), nil, encgroup.ErrProtocol},
		"half an answer":           {playing(func(c net.Conn) { _, _ = readMessage(c); _, _ = c.Write([]byte{0, 0, 0, 9, 1}) }), nil, encgroup.ErrProtocol},
		"a giant answer":           {playing(func(c net.Conn) { _, _ = readMessage(c); _, _ = c.Write([]byte{0xFF, 0, 0, 0}) }), nil, encgroup.ErrProtocol},
		"no key in it":             {playing(answer(message{kindKey, nil})), nil, encgroup.ErrProtocol},
		"another seal":             {playing(answer(message{kindKey, [][]byte{make([]byte, 72)}})), nil, encgroup.ErrProtocol},
		"a bare refusal":           {playing(answer(message{kindRefusal, nil})), nil, encgroup.ErrProtocol},
		"not served":               {with(func(s *ServerConfig) { s.Devices = []string{"x"} }), nil, encgroup.ErrRefused},
		"no entropy":               {with(func(s *ServerConfig) { s.Entropy = iotest.ErrReader(io.EOF) }), nil, encgroup.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			uid, err := b.client("a", c.address(b), c.client).Create("")
			if c.want == nil {
				require.NoError(t, err)
				require.NotContains(t, b.wire.String(), "75NR641", "TLS hides who asks")
				return
			}
			require.ErrorIs(t, err, c.want)
			require.Empty(t, uid)
		})
	}
}

func TestTheServerIsHardToDisturb(t *testing.T) {
	b := newBench(t)
	address := b.server(func(s *ServerConfig) { s.Timeout, s.Conns = 300*time.Millisecond, 2 }, keyPair("one"), keyPair("two"))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	// One that says nothing, and one that is slow: both are ended.
	silent, slow := dial(), dial()
	_, err := slow.Write([]byte{0, 0})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		c := dial()
		_, err := c.Read(make([]byte, 1))
		return err != nil && strings.Contains(b.log(), "connection refused: 2 are open")
	}, time.Minute, 10*time.Millisecond, "a third one is refused")
	for _, c := range []net.Conn{silent, slow} {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "the server hangs up")
	}
	for what, send := range map[string][]byte{
		"a giant frame":   {0xFF, 0xFF, 0xFF, 0xFF},
		"an empty frame":  {0, 0, 0, 0},
		"another version": {0, 0, 0, 2, 9, 1},
		"a short field":   {0, 0, 0, 4, 1, 1, 0, 9},
		"a stray byte":    {0, 0, 0, 3, 1, 1, 0},
	} {
		require.Eventually(t, func() bool {
			c := dial()
			defer func() { _ = c.Close() }()
			_, _ = c.Write(send)
			m, err := readMessage(c)
			return err == nil && m.kind == kindRefusal && m.fields[0][0] == codeMalformed
		}, time.Minute, 10*time.Millisecond, what)
	}
	a := b.client("a", address, nil)
	require.Eventually(t, func() bool { _, err = a.Create(""); return err == nil }, time.Minute, 10*time.Millisecond, "the others are served: %v", err)
}

func TestCloseEndsIdleConnections(t *testing.T) {
	s, err := NewServer(ServerConfig{Pairs: []KeyPair{keyPair("one")}, Entropy: entropy.Stream(1, "x"), Clock: time.Now, Timeout: time.Hour, Conns: 1})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, writeMessage(c, message{kind: kindCreate}))
	_, err = readMessage(c)
	require.NoError(t, err, "the connection is being served")
	closed := make(chan struct{})
	go func() { defer close(closed); _ = s.Close() }()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		_ = c.Close()
		require.Fail(t, "Close waits for an idle client")
	}
	require.NoError(t, <-done)
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, s.Serve(l), "a closed server serves nothing")
}

// TestAServerThatForgetsTheEEDKs makes a key that nobody could have back.
func TestAServerThatForgetsTheEEDKs(t *testing.T) {
	b := newBench(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		m, _ := readMessage(c)
		sealed, _ := seal.Seal([32]byte(m.fields[1]), purposeSession, &secret.Key32{1}, entropy.Stream(1, "x"))
		_ = writeMessage(c, message{kindKey, [][]byte{sealed[:]}})
	}()
	_, err = b.client("a", l.Addr().String(), nil).Create("")
	require.ErrorIs(t, err, encgroup.ErrProtocol)
	require.Empty(t, b.safe.uids)
	_ = l.Close()
	<-done
}

func TestConfigurationsThatCanNotBe(t *testing.T) {
	good := ClientConfig{
		ID: "a", Dial: func(time.Duration) (net.Conn, error) { return nil, io.EOF }, Device: "d", Labels: [2]string{"one", "two"}, Safe: &MemSafe{},
		Entropy: entropy.Stream(1, "x"), Clock: time.Now, Timeout: 1,
	}
	c, err := NewClient(good)
	require.NoError(t, err)
	require.Equal(t, "a", c.ID())
	for _, bend := range []func(*ClientConfig){
		func(c *ClientConfig) { c.ID = "" }, func(c *ClientConfig) { c.Timeout = 0 }, func(c *ClientConfig) { c.Device = "" },
		func(c *ClientConfig) { c.Labels[1] = "one" }, func(c *ClientConfig) { c.Labels[0] = "" }, func(c *ClientConfig) { c.Safe = nil },
	} {
		bad := good
		bend(&bad)
		_, err := NewClient(bad)
		require.Error(t, err)
	}
	bad := good
	bad.Entropy = iotest.ErrReader(errors.New("stuck"))
	c, err = NewClient(bad)
	require.NoError(t, err)
	_, err = c.Create("")
	require.ErrorContains(t, err, "stuck")
	for _, cfg := range []ServerConfig{
		{},
		{Pairs: []KeyPair{keyPair("one"), keyPair("one")}, Entropy: good.Entropy, Clock: time.Now, Timeout: 1, Conns: 1},
		{Pairs: []KeyPair{{Label: "x"}}, Entropy: good.Entropy, Clock: time.Now, Timeout: 1, Conns: 1},
	} {
		_, err := NewServer(cfg)
		require.Error(t, err)
	}
	small, err := rsa.GenerateKey(nil, 1024)
	require.NoError(t, err)
	_, err = NewKeyPair("x", small)
	require.ErrorContains(t, err, "need at least 2048")
	_, err = NewKeyPair("", small)
	require.ErrorContains(t, err, "need 1 to 64")
	_, err = GenerateKey(iotest.ErrReader(errors.New("stuck")))
	require.ErrorContains(t, err, "stuck")
	_, err = writeAndRead(message{kindCreate, [][]byte{make([]byte, 70000)}})
	require.ErrorIs(t, err, errFrame)
	_, err = writeAndRead(message{kindCreate, [][]byte{make([]byte, frameMax-4)}})
	require.NoError(t, err)
	_, err = writeAndRead(message{kindCreate, [][]byte{make([]byte, frameMax-3)}})
	require.ErrorIs(t, err, errFrame)
}

func writeAndRead(m message) (message, error) {
	var b bytes.Buffer
	if err := writeMessage(&b, m); err != nil {
		return message{}, err
	}
	return readMessage(&b)
}

func TestKeyPairsAreReproducibleAndSilent(t *testing.T) {
	a, err := GenerateKey(entropy.Stream(1, "one"))
	require.NoError(t, err)
	require.Equal(t, keyPair("one").public.N, a.N, "the same bytes give the same key")
	require.Equal(t, 2048, a.N.BitLen())
	printed := ""
	s, err := NewServer(ServerConfig{Pairs: []KeyPair{keyPair("one")}, Entropy: entropy.Stream(1, "x"), Clock: time.Now, Timeout: 1, Conns: 1})
	require.NoError(t, err)
	for _, v := range []any{keyPair("one"), &struct{ p any }{keyPair("one")}, s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			printed += fmt.Sprintf(verb, v)
		}
	}
	require.NotContains(t, printed, a.D.String()[:20])
	require.NotContains(t, printed, hex.EncodeToString(a.D.Bytes())[:20])
	require.NotContains(t, printed, a.Primes[0].String()[:20])
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{1, 1, 0, 1, 65})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			require.ErrorIs(t, err, errFrame)
			return
		}
		if len(b) <= frameMax {
			var w bytes.Buffer
			require.NoError(t, writeMessage(&w, m))
			require.Equal(t, b, w.Bytes()[4:], "what is accepted has one encoding")
		}
		_, _ = parseEEDKs(m.fields)
	})
}

// FuzzAnswer: no request makes the server panic, or answer with what is no answer.
func FuzzAnswer(f *testing.F) {
	s, err := NewServer(ServerConfig{Pairs: []KeyPair{keyPair("one")}, Devices: []string{"d"}, Entropy: entropy.Stream(1, "x"), Clock: time.Now, Timeout: 1, Conns: 1})
	require.NoError(f, err)
	f.Add(append(append([]byte{1, 2, 0, 1, 'd', 0, 32}, make([]byte, 32)...), 0, 3, 'o', 'n', 'e', 0, 1, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		a := s.answer(m)
		require.True(t, a.kind == kindKey || a.kind == kindRefusal)
		_, err = writeAndRead(a)
		require.NoError(t, err)
	})
}

func BenchmarkGet(b *testing.B) {
	r := newBench(b)
	c := r.client("a", r.server(nil, keyPair("one"), keyPair("two")), nil)
	uid, err := c.Create("")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(uid); err != nil {
			b.Fatal(err)
		}
	}
}
