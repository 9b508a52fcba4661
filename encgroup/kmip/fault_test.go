package kmip_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
	"github.com/seed-9d983aeb/fdelab/internal/nettest"
)

// playTLS is the same behind a good handshake; f gets the request.
func playTLS(t *testing.T, a *authority, f func(c net.Conn, request []byte)) (addr string) {
	t.Helper()
	own, err := a.ca.Server(a.request("server", "127.0.0.1"), rand.Reader)
	require.NoError(t, err)
	return nettest.Serve(t, nettest.Loopback, func(tcp net.Conn) {
		_ = tcp.SetDeadline(time.Now().Add(time.Minute))
		c := tls.Server(tcp, &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.ca.Pool()})
		b := make([]byte, 4096)
		if n, err := c.Read(b); err == nil {
			f(c, b[:n])
			_ = c.Close()
		}
	})
}

// blackHole is an address that swallows connections: its queue is full.
func blackHole(t *testing.T) (addr string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	sa, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	addr = fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for range 4 {
		if c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond); err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	return addr
}

// answer is a good answer to a request, changed.
func answer(change func(*kmip.Response)) func(net.Conn, []byte) {
	return func(c net.Conn, request []byte) {
		q, err := kmip.ParseRequest(request, ttlv.Limits{})
		if err != nil {
			return
		}
		p := kmip.Response{Version: q.Version, Time: time.Unix(1, 0)}
		o := secretOf(1)
		payload := ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SecretData), ttlv.Text(kmip.TagUniqueIdentifier, "uid"), o.Item())
		for _, i := range q.Items {
			p.Items = append(p.Items, kmip.ResponseItem{Op: i.Op, ID: i.ID, Payload: &payload})
		}
		change(&p)
		_, _ = c.Write(p.Encode(nil))
	}
}

// TestFaults: each thing that can break on the way is told from the others, and
// is the error of encgroup that it ought to be.
func TestFaults(t *testing.T) {
	a := newAuthority(t)
	own := a.client("facility")
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	server := func(r pki.Request, ca *pki.Pair) string {
		p, err := ca.Server(r, rand.Reader)
		require.NoError(t, err)
		return nettest.Serve(t, nettest.Loopback, func(c net.Conn) {
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.TLS()}}).Handshake()
		})
	}
	another, err := pki.NewCA(a.request("judge CA"), rand.Reader)
	require.NoError(t, err)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	whole := func(c net.Conn, request []byte) { answer(func(*kmip.Response) {})(c, request) }

	for _, c := range []struct {
		name  string
		addr  string
		fault kmip.Fault
		is    error
	}{
		{"name that nobody has", "keys.invalid:5696", kmip.FaultUnresolved, encgroup.ErrUnreachable},
		{"nobody listens", closed.Addr().String(), kmip.FaultRefused, encgroup.ErrUnreachable},
		{"black hole", blackHole(t), kmip.FaultConnectTimeout, encgroup.ErrUnreachable},
		{"server of another CA", server(a.request("server", "127.0.0.1"), another), kmip.FaultServerUnknownCA, encgroup.ErrUntrusted},
		{"server expired", server(pki.Request{Name: "server", Hosts: []string{"127.0.0.1"}, From: from, To: from.Add(time.Minute)}, a.ca), kmip.FaultServerExpired, encgroup.ErrUntrusted},
		{"server not valid yet", server(pki.Request{Name: "server", Hosts: []string{"127.0.0.1"}, From: to, To: to.Add(time.Minute)}, a.ca), kmip.FaultServerExpired, encgroup.ErrUntrusted},
		{"server of another name", server(a.request("server", "other.example"), a.ca), kmip.FaultServerName, encgroup.ErrUntrusted},
		{"no TLS", nettest.Serve(t, nettest.Loopback, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n") }), kmip.FaultNotTLS, encgroup.ErrProtocol},
		{"TLS of last century", nettest.Serve(t, nettest.Loopback, func(c net.Conn) {
			_ = tls.Server(c, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).Handshake()
		}), kmip.FaultHandshake, encgroup.ErrUntrusted},
		{"silence before the handshake", nettest.Serve(t, nettest.Loopback, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), kmip.FaultTimeout, encgroup.ErrTimeout},
		{"hang-up in the handshake", nettest.Serve(t, nettest.Loopback, func(net.Conn) {}), kmip.FaultHangUp, encgroup.ErrProtocol},
		{"silence after the request", playTLS(t, a, func(c net.Conn, _ []byte) { _, _ = io.Copy(io.Discard, c) }), kmip.FaultTimeout, encgroup.ErrTimeout},
		{"hang-up after the request", playTLS(t, a, func(net.Conn, []byte) {}), kmip.FaultHangUp, encgroup.ErrProtocol},
		{"hang-up in the answer", playTLS(t, a, func(c net.Conn, q []byte) { whole(half{c}, q) }), kmip.FaultHangUp, encgroup.ErrProtocol},
		{"garbage", playTLS(t, a, func(c net.Conn, _ []byte) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), kmip.FaultProtocol, encgroup.ErrProtocol},
		{"malformed answer", playTLS(t, a, func(c net.Conn, _ []byte) {
			_, _ = c.Write(append([]byte{0x42, 0x00, 0x7b, 1, 0, 0, 0, 8}, bytes.Repeat([]byte{0xff}, 8)...))
		}), kmip.FaultProtocol, encgroup.ErrProtocol},
		{"endless answer", playTLS(t, a, func(c net.Conn, _ []byte) { _, _ = c.Write([]byte{0x42, 0x00, 0x7b, 1, 0x7f, 0xff, 0xff, 0xf8}) }), kmip.FaultProtocol, encgroup.ErrProtocol},
		{"answer to another operation", playTLS(t, a, answer(func(p *kmip.Response) { p.Items[0].Op = kmip.OpQuery })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"answer in another version", playTLS(t, a, answer(func(p *kmip.Response) { p.Version = kmip.V11 })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"two answers to one question", playTLS(t, a, answer(func(p *kmip.Response) { p.Items = append(p.Items, p.Items[0]) })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"no payload", playTLS(t, a, answer(func(p *kmip.Response) { p.Items[0].Payload = nil })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"another key than asked for", playTLS(t, a, answer(func(p *kmip.Response) { p.Items[0].Payload.Items[1] = ttlv.Text(kmip.TagUniqueIdentifier, "another") })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"no key in the payload", playTLS(t, a, answer(func(p *kmip.Response) { p.Items[0].Payload.Items = p.Items[0].Payload.Items[:2] })), kmip.FaultAnswer, encgroup.ErrAnswer},
		{"no such key", playTLS(t, a, answer(failed(kmip.ItemNotFound))), kmip.FaultNoKey, encgroup.ErrNoKey},
		{"refused", playTLS(t, a, answer(failed(kmip.PermissionDenied))), kmip.FaultDenied, encgroup.ErrRefused},
		{"refused for the whole message", playTLS(t, a, answer(func(p *kmip.Response) {
			p.Items = []kmip.ResponseItem{{Status: kmip.OperationFailed, Reason: kmip.AuthenticationNotSuccessful}}
		})), kmip.FaultDenied, encgroup.ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			patience := 20 * time.Second
			if c.fault == kmip.FaultTimeout || c.fault == kmip.FaultConnectTimeout {
				patience = 500 * time.Millisecond
			}
			k, err := kmip.Dial(kmip.Config{
				Addr: c.addr, Clock: time.Now, Timeout: patience,
				TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}},
			})
			if err == nil {
				var o kmip.Object
				o, err = k.Get("uid")
				require.Nil(t, o.Material, "no key comes out of it")
				_ = k.Close() // a connection that the other side broke may complain once more
			}
			require.Error(t, err)
			require.Equal(t, c.fault.String(), kmip.FaultOf(err).String(), "%v", err)
			require.ErrorIs(t, err, c.is)
			for _, other := range []error{encgroup.ErrUnreachable, encgroup.ErrTimeout, encgroup.ErrProtocol, encgroup.ErrUntrusted, encgroup.ErrNoKey, encgroup.ErrRefused, encgroup.ErrAnswer, encgroup.ErrWrongKey} {
				require.Equal(t, other == c.is, errors.Is(err, other), "it is %v and nothing else: %v", c.is, err)
			}
			if c.fault == kmip.FaultServerName {
				require.ErrorContains(t, err, "it is for other.example, not for 127.0.0.1")
			}
			require.NotContains(t, err.Error(), "\n", "one line")
			require.NotRegexp(t, `\b(?:dial tcp|tls: |x509: |remote error|EOF)|refused: .*refused`, err.Error(), "in words of its own")
		})
	}
}

func failed(r kmip.Reason) func(*kmip.Response) {
	return func(p *kmip.Response) {
		p.Items[0].Status, p.Items[0].Reason, p.Items[0].Payload = kmip.OperationFailed, r, nil
	}
}

// half writes half of what it is given.
type half struct{ net.Conn }

func (h half) Write(b []byte) (int, error) { return h.Conn.Write(b[:len(b)/2]) }

// TestKeyServerOverAServer: what a group gets from a real one.
func TestKeyServerOverAServer(t *testing.T) {
	a := newAuthority(t)
	own := a.client("facility")
	addr, stop := serve(t, a)
	defer stop()
	cfg := kmip.Config{Addr: addr, Clock: time.Now, TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}}}
	k := kmip.NewKeyServer("vinz", cfg, kmip.Profile{Group: "75NR641", Attributes: []kmip.Attribute{kmip.TextOf("x-Facility", "75NR641")}, Entropy: rand.Reader})
	require.Equal(t, "vinz", k.ID())
	require.Equal(t, addr, k.Addr())
	require.Equal(t, "vinz ("+addr+")", fmt.Sprintf("%+v", k), "it prints no key of TLS")
	require.Equal(t, "KMIP server at "+addr, fmt.Sprintf("%+v", cfg))
	one, err := k.Create("rank keys")
	require.NoError(t, err)
	two, err := k.Create("rank keys")
	require.NoError(t, err)
	require.NotEqual(t, one, two, "a label may be used again")
	x, err := k.Get(one)
	require.NoError(t, err)
	y, err := k.Get(two)
	require.NoError(t, err)
	require.False(t, x.Equal(y))
	_, err = k.Get("nonsense")
	require.ErrorIs(t, err, encgroup.ErrNoKey)
	_, err = k.Create("")
	require.ErrorContains(t, err, "need 1 to 200")

	c, err := kmip.Dial(cfg)
	require.NoError(t, err)
	defer c.Close()
	found, err := c.Locate(0, kmip.TextOf("x-Facility", "75NR641"))
	require.NoError(t, err)
	require.Len(t, found, 2, "they can be found by the facility's own attribute")
	short := secretOf(1)
	short.Material = short.Material[:16]
	_, err = c.Register(short, kmip.NameOf("short"))
	require.NoError(t, err)
	_, err = k.Get("short")
	require.Equal(t, kmip.FaultWrongKey, kmip.FaultOf(err), "%v", err)
	require.ErrorIs(t, err, encgroup.ErrWrongKey)
}

func TestNothingPrintsAKey(t *testing.T) {
	o := secretOf('k')
	a := newAuthority(t)
	own := a.client("facility")
	addr, stop := serve(t, a)
	defer stop()
	c, err := kmip.Dial(kmip.Config{Addr: addr, Clock: time.Now, TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}}})
	require.NoError(t, err)
	defer c.Close()
	uid, err := c.Register(o)
	require.NoError(t, err)
	_, err = c.Get(uid)
	require.NoError(t, err)
	p, err := c.Do(&kmip.Request{Items: []kmip.RequestItem{{Op: kmip.OpGet, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, uid))}}})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{o, *o, c, p, *p, p.Items, o.Item(), []kmip.Object{*o}} {
			out := fmt.Sprintf(verb, v)
			for _, key := range []string{"kkkk", "6b6b6b6b", "107 107", "0x6b, 0x6b"} {
				require.NotContains(t, out, key, "%s of a %T", verb, v)
			}
		}
	}
}
