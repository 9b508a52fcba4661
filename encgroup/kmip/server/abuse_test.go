package server_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// raw is a TLS connection of a good client that then does what it likes.
func (r *rig) raw(name string) *tls.Conn {
	r.t.Helper()
	cfg := r.tls(name)
	cfg.ServerName = "127.0.0.1"
	c, err := tls.Dial("tcp", r.addr, cfg)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// told waits for the one line about a refusal.
func (r *rig) told(words string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return len(r.log.lines(words)) > 0 }, time.Minute, 5*time.Millisecond, "the log has a line with %q: %s", words, r.log)
	require.Len(r.t, r.log.lines("level=WARN"), 1, "just one line: %s", r.log)
	require.NotContains(r.t, r.log.String(), "BUG")
}

// alive requires that another client is served as ever.
func (r *rig) alive(c *kmip.Client, uid string) {
	r.t.Helper()
	_, err := c.Get(uid)
	require.NoError(r.t, err, "other clients are not affected")
}

// short gives a handshake and a message little time, which is enough for the good
// client of a test even where the machine is busy.
func short(c *server.Config) {
	c.HandshakeTimeout, c.MessageTimeout = 3*time.Second, 300*time.Millisecond
}

func TestBadBytesAreRefused(t *testing.T) {
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: kmip.OpQuery, Payload: ttlv.Struct(0)}}}
	good := q.Encode(nil)
	broken := bytes.Clone(good)
	broken[len(broken)-5] = 99 // the type of the last item
	for name, c := range map[string]struct {
		bytes []byte
		line  string
	}{
		"no KMIP at all":       {[]byte("GET / HTTP/1.1\r\nHost: keys\r\n\r\n"), "is no request message"},
		"a response":           {(&kmip.Response{Version: kmip.V14}).Encode(nil), "is no request message"},
		"oversized":            {[]byte{0x42, 0x00, 0x78, 1, 0x7f, 0xff, 0xff, 0xf8}, "a request of 2147483648 bytes"},
		"malformed inside":     {broken, "malformed TTLV"},
		"structure of garbage": {append([]byte{0x42, 0x00, 0x78, 1, 0, 0, 0, 16}, bytes.Repeat([]byte{0xff}, 16)...), "malformed TTLV"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, short)
			k := r.client("good")
			uid, err := k.Create(aes()...)
			require.NoError(t, err)
			raw := r.raw("bad")
			_, err = raw.Write(c.bytes)
			require.NoError(t, err)
			require.NoError(t, raw.SetReadDeadline(time.Now().Add(time.Minute)))
			answer, _ := io.ReadAll(raw)
			p, err := kmip.ParseResponse(answer, ttlv.Limits{})
			require.NoError(t, err, "the client is told, and the connection ends")
			refused(t, kmip.InvalidMessage, p.Items[0].Err())
			r.told(c.line)
			r.alive(k, uid)
		})
	}
}

func TestSlowAndSilentClients(t *testing.T) {
	good := (&kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: kmip.OpQuery, Payload: ttlv.Struct(0)}}}).Encode(nil)
	for name, c := range map[string]struct {
		do   func(r *rig)
		line string
	}{
		"a byte now and then": {func(r *rig) {
			raw := r.raw("slow")
			for _, b := range good {
				if _, err := raw.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}, "bytes came in 300ms"},
		"half a request, then silence": {func(r *rig) {
			_, err := r.raw("half").Write(good[:40])
			require.NoError(r.t, err)
		}, "a request of which 40 bytes came in 300ms"},
		"half a request, then good-bye": {func(r *rig) {
			raw := r.raw("half")
			_, err := raw.Write(good[:40])
			require.NoError(r.t, err)
			require.NoError(r.t, raw.Close())
		}, "hung up after 40 bytes"},
		"no handshake": {func(r *rig) {
			c, err := net.Dial("tcp", r.addr)
			require.NoError(r.t, err)
			r.t.Cleanup(func() { _ = c.Close() })
		}, "TLS handshake: not done in 3s"},
		"no TLS": {func(r *rig) {
			c, err := net.Dial("tcp", r.addr)
			require.NoError(r.t, err)
			r.t.Cleanup(func() { _ = c.Close() })
			_, err = c.Write(good)
			require.NoError(r.t, err)
		}, "TLS handshake: tls: first record does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, short)
			k := r.client("good")
			uid, err := k.Create(aes()...)
			require.NoError(t, err)
			c.do(r)
			r.told(c.line)
			r.alive(k, uid)
		})
	}
}

func TestIdleClientIsSentAway(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.IdleTimeout = 100 * time.Millisecond })
	k := r.client("a")
	require.NoError(t, func() error { _, err := k.Query(kmip.QueryOperations); return err }())
	r.told("idle for 100ms")
	err := k.Activate("a key") // what is not sent again over another connection
	require.Equal(t, kmip.FaultHangUp, kmip.FaultOf(err), "and the client finds out: %v", err)
	again := r.client("b")
	require.NoError(t, func() error { _, err := again.Query(kmip.QueryOperations); return err }())
	require.Eventually(t, func() bool { return len(r.log.lines("idle for 100ms")) == 2 }, time.Minute, 5*time.Millisecond)
	_, err = again.Query(kmip.QueryOperations)
	require.NoError(t, err, "a question is asked again over another connection")
}

// TestClientThatTakesNoAnswers sends questions with large answers and never reads.
func TestClientThatTakesNoAnswers(t *testing.T) {
	r := newRig(t, short)
	k := r.client("a")
	many := make([]kmip.Attribute, 200)
	for n := range many {
		many[n] = kmip.TextOf("x-big", strings.Repeat("x", 1000))
	}
	uid, err := k.Register(password(1), many...)
	require.NoError(t, err)
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: kmip.OpGetAttributes, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, uid))}}}
	raw := r.raw("a")
	require.NoError(t, raw.SetWriteDeadline(time.Now().Add(time.Minute)))
	for range 1000 {
		if _, err := raw.Write(q.Encode(nil)); err != nil {
			break
		}
	}
	r.told("did not take its answer in 300ms")
	r.alive(k, uid)
}

// TestLargeRequestsShareABound: many large requests that are never finished do
// not fill the memory, small ones go on, and what was held is given back.
func TestLargeRequestsShareABound(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.MaxHeld = 64 << 10 })
	k := r.client("good")
	uid, err := k.Create(aes()...)
	require.NoError(t, err)
	large := append([]byte{0x42, 0x00, 0x78, 1, 0, 0, 0xe0, 0}, make([]byte, 56<<10)...)
	var hold []net.Conn
	greedy := func() {
		hold = append(hold, r.raw("greedy"))
		_, err := hold[len(hold)-1].Write(large[:50<<10])
		require.NoError(t, err)
	}
	greedy()
	attrs := []kmip.Attribute{kmip.TextOf("x-big", strings.Repeat("x", 40<<10))}
	require.Eventually(t, func() bool {
		c, err := kmip.Dial(r.config("late"))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Register(password(1), attrs...)
		if err == nil {
			greedy() // the first may have been the one without room
		}
		return errors.Is(err, &kmip.Failure{Reason: kmip.GeneralFailure})
	}, time.Minute, 10*time.Millisecond, "when the first holds its part, there is no room for another")
	require.Eventually(t, func() bool { return len(r.log.lines("large ones under way have all the room there is")) > 0 }, time.Minute, 5*time.Millisecond, "the log says why")
	r.alive(k, uid)
	for _, c := range hold {
		_ = c.Close()
	}
	require.Eventually(t, func() bool {
		c, err := kmip.Dial(r.config("late"))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Register(password(1), attrs...)
		return err == nil
	}, time.Minute, 10*time.Millisecond, "when it has gone, there is")
}

// TestThousandIdleConnections: they cost little, and nobody else notices.
func TestThousandIdleConnections(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	r := newRig(t)
	k := r.client("good")
	uid, err := k.Create(aes()...)
	require.NoError(t, err)
	cfg := r.tls("idle")
	cfg.ServerName = "127.0.0.1"
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	conns := make([]*tls.Conn, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				c, err := tls.Dial("tcp", r.addr, cfg)
				if err == nil {
					conns[i] = c
				}
			}
		})
	}
	wg.Wait()
	for i, c := range conns {
		require.NotNil(t, c, "connection %d", i)
		defer c.Close()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perConn := (int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)) / int64(n)
	t.Logf("%d bytes of heap and stack for a connection, both ends in this process", perConn)
	require.Less(t, perConn, int64(256<<10), "memory is bounded")
	r.alive(k, uid)
	_, err = r.client("late").Query(kmip.QueryOperations)
	require.NoError(t, err, "and there is room for more")
	require.Empty(t, r.log.lines("level=WARN"))
}

func TestConnectionsAreBounded(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.MaxConns, c.MaxConnsEach = 2, 2 })
	a := r.client("a")
	uid, err := a.Create(aes()...)
	require.NoError(t, err)
	b := r.client("a")
	_, err = b.Get(uid) // when it is answered, the server has done with its handshake
	require.NoError(t, err)
	_, err = kmip.Dial(r.config("a"))
	require.Error(t, err)
	require.Equal(t, kmip.FaultHangUp, kmip.FaultOf(err))
	r.told("there are 2 connections already")
	r.alive(a, uid)
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool {
		c, err := kmip.Dial(r.config("a"))
		if err != nil {
			return false
		}
		defer c.Close()
		_, err = c.Get(uid)
		return err == nil
	}, time.Minute, 20*time.Millisecond, "when one goes there is a place again")
}

// TestStrangersKeepNobodyOut: connections that show no certificate, as many as they may be and
// more, take no place of a client.
func TestStrangersKeepNobodyOut(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.MaxConns = 50 })
	k := r.client("good")
	uid, err := k.Create(aes()...)
	require.NoError(t, err)
	for n := range 200 {
		c, err := net.Dial("tcp", r.addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		if n%20 == 0 {
			_, err = r.client("late").Query(kmip.QueryOperations)
			require.NoError(t, err, "a client gets in beside %d strangers", n+1)
		}
	}
	r.alive(k, uid)
	require.Eventually(t, func() bool { return len(r.log.lines("more than 16 at once: the oldest goes")) > 100 }, time.Minute, 5*time.Millisecond, "the log tells: %s", r.log)
}

// TestCertificates: who is not known gets nowhere, by TLS 1.2 and by 1.3; both sides
// can tell why.
func TestCertificates(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, c := range map[string]struct {
			cert func(*rig) []tls.Certificate
			want kmip.Fault
			line string
		}{
			"none": {func(*rig) []tls.Certificate { return nil }, kmip.FaultClientCertificate, "client didn't provide a certificate"},
			"of another CA": {func(r *rig) []tls.Certificate {
				ca, err := pki.NewCA(pki.Request{Name: "another CA", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
				require.NoError(r.t, err)
				p, err := ca.Client(pki.Request{Name: "good", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
				require.NoError(r.t, err)
				return []tls.Certificate{p.TLS()}
			}, kmip.FaultClientUnknownCA, "certificate signed by unknown authority"},
			"expired": {func(r *rig) []tls.Certificate {
				p, err := r.ca.Client(pki.Request{Name: "good", From: time.Now().Add(-time.Hour), To: time.Now().Add(-time.Minute)}, rand.Reader)
				require.NoError(r.t, err)
				return []tls.Certificate{p.TLS()}
			}, kmip.FaultClientExpired, "certificate has expired"},
			"of a server": {func(r *rig) []tls.Certificate {
				p, err := r.ca.Server(pki.Request{Name: "good", Hosts: []string{"x"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
				require.NoError(r.t, err)
				return []tls.Certificate{p.TLS()}
			}, kmip.FaultClientCertificate, "incompatible key usage"},
		} {
			t.Run(fmt.Sprintf("%s, %s", name, tls.VersionName(v)), func(t *testing.T) {
				r := newRig(t)
				k := r.client("good")
				uid, err := k.Create(aes()...)
				require.NoError(t, err)
				cfg := r.config("good")
				certs := c.cert(r)
				cfg.TLS.Certificates = nil
				// What a client of crypto/tls would not even send, because the server does not ask for it.
				cfg.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(certs) == 0 {
						return &tls.Certificate{}, nil
					}
					return &certs[0], nil
				}
				cfg.TLS.MaxVersion = v
				bad, err := kmip.Dial(cfg)
				if err == nil {
					defer bad.Close()
					_, err = bad.Get(uid)
				}
				require.Error(t, err)
				if name == "none" && v == tls.VersionTLS12 {
					c.want = kmip.FaultHandshake // that version has no alert of its own for it
				}
				require.ErrorIs(t, err, encgroup.ErrUntrusted)
				require.Equal(t, c.want.String(), kmip.FaultOf(err).String(), "the client can tell why: %v", err)
				r.told(c.line)
				r.alive(k, uid)
			})
		}
	}
}

// TestCertificateThatExpiresMeanwhile: a connection does not outlive it.
func TestCertificateThatExpiresMeanwhile(t *testing.T) {
	clk := &clock{}
	r := newRig(t, func(c *server.Config) { c.Clock = clk.now })
	k := r.client("a", func(c *kmip.Config) { c.Clock = clk.now })
	_, err := k.Query(kmip.QueryOperations)
	require.NoError(t, err)
	clk.mu.Lock()
	clk.ahead = 2 * time.Hour
	clk.mu.Unlock()
	require.Error(t, k.Activate("a key"), "what is not sent again over another connection")
	r.told("certificate expired meanwhile")
}

// TestCloseUnderLoad: Close returns, what was acknowledged is there, no goroutine stays
// (TestMain looks).
func TestCloseUnderLoad(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	var uids []string
	var wg sync.WaitGroup
	for w := range 4 {
		k := r.client(fmt.Sprint("client ", w%2))
		wg.Go(func() {
			for {
				uid, err := k.Create(aes()...)
				if err != nil {
					return
				}
				if w%2 == 0 {
					mu.Lock()
					uids = append(uids, uid)
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	r.stop()
	wg.Wait()
	r.start()
	k := r.client("client 0")
	for _, uid := range uids {
		_, err := k.Get(uid)
		require.NoError(t, err)
	}
}

// answer reads one response message.
func (r *rig) answer(c io.Reader) *kmip.Response {
	r.t.Helper()
	h := make([]byte, ttlv.HeaderSize)
	_, err := io.ReadFull(c, h)
	require.NoError(r.t, err)
	_, _, n, err := ttlv.Header(h)
	require.NoError(r.t, err)
	b := append(h, make([]byte, n)...)
	_, err = io.ReadFull(c, b[len(h):])
	require.NoError(r.t, err)
	p, err := kmip.ParseResponse(b, ttlv.Limits{})
	require.NoError(r.t, err)
	return p
}
