package raslab

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
	"github.com/seed-9d983aeb/fdelab/internal/nettest"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// How long a real client waits: for a server that may be slow on a busy machine, and for one that
// will certainly not answer.
const (
	realTimeout = 20 * time.Second
	inVain      = 300 * time.Millisecond
)

// real is a customer's two KMIP servers on loopback, each behind a proxy that can
// break the network.
type real struct {
	t        *testing.T
	ca       *pki.Pair // the customer's authority
	stranger *pki.Pair
	servers  [2]*realServer
}

type realServer struct {
	real   *real
	name   string
	store  *server.Store
	run    *server.Server
	direct string // the server's own address
	proxy  *toxiproxy.Proxy
	client *pki.Pair
	wait   time.Duration
}

func certificateFor(name string, hosts ...string) pki.Request {
	return pki.Request{Name: name, Hosts: hosts, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
}

func newReal(t *testing.T) *real {
	r := &real{t: t}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // the last to run: servers and clients are closed
	var err error
	r.ca, err = pki.NewCA(certificateFor("customer CA"), rand.Reader)
	require.NoError(t, err)
	r.stranger, err = pki.NewCA(certificateFor("stranger CA"), rand.Reader)
	require.NoError(t, err)
	client, err := r.ca.Client(certificateFor("facility"), rand.Reader)
	require.NoError(t, err)
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range r.servers {
		s := &realServer{real: r, name: keyServerAddr(i + 1), client: client, wait: realTimeout}
		r.servers[i] = s
		path, master := filepath.Join(t.TempDir(), "keys.db"), server.Unlock{Key: &secret.Key32{1}}
		require.NoError(t, server.CreateStore(path, master, rand.Reader))
		s.store, err = server.OpenStore(path, master, rand.Reader)
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.store.Close() })
		s.start("127.0.0.1:0", r.ca, certificateFor(s.name, s.name), r.ca)
		s.proxy = toxiproxy.NewProxy(proxies, s.name, "127.0.0.1:0", s.direct)
		require.NoError(t, s.proxy.Start())
		t.Cleanup(s.proxy.Stop)
	}
	return r
}

// start runs the server with a certificate, and the authority whose clients it takes.
func (s *realServer) start(at string, issuer *pki.Pair, q pki.Request, clients *pki.Pair) {
	t := s.real.t
	own, err := issuer.Server(q, rand.Reader)
	require.NoError(t, err)
	s.run = server.New(server.Config{
		Store: s.store, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		TLS: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: clients.Pool()},
	})
	l, err := net.Listen("tcp", at)
	require.NoError(t, err)
	s.direct = l.Addr().String()
	run, done := s.run, make(chan error, 1)
	go func() { done <- run.Serve(l) }()
	t.Cleanup(func() { _ = run.Close(); <-done })
}

// restart replaces the running server by one with other certificates.
func (s *realServer) restart(issuer *pki.Pair, q pki.Request, clients *pki.Pair) {
	at := s.direct
	require.NoError(s.real.t, s.run.Close())
	s.start(at, issuer, q, clients)
}

func (s *realServer) config(addr string) kmip.Config {
	return kmip.Config{
		Addr: addr, Timeout: s.wait, Clock: time.Now,
		TLS: &tls.Config{Certificates: []tls.Certificate{s.client.TLS()}, RootCAs: s.real.ca.Pool(), ServerName: s.name},
	}
}

// dial is what the facility is given: a client of the server behind its proxy.
func (r *real) dial(m KeyManagerInfo) encgroup.KeyServer {
	return replicated{m.Addr, r.servers[m.ID-1]}
}

// replicated is a key server of a customer who copies each new key to the other
// one, past the proxies.
type replicated struct {
	id string
	at *realServer
}

// server is the key server as it is reached now.
func (k replicated) server() encgroup.KeyServer {
	return kmip.NewKeyServer(k.id, k.at.config(k.at.proxy.Listen), kmip.Profile{Entropy: rand.Reader})
}

func (k replicated) ID() string { return k.id }

func (k replicated) Get(uid string) (*secret.Key32, error) { return k.server().Get(uid) }

func (k replicated) Create(label string) (string, error) {
	uid, err := k.server().Create(label)
	if err == nil {
		key := k.at.material(uid)
		for _, o := range k.at.real.servers {
			if o != k.at {
				o.put(uid, key)
			}
		}
		clear(key)
	}
	return uid, err
}

func (s *realServer) with(f func(*kmip.Client)) {
	c, err := kmip.Dial(s.config(s.direct))
	require.NoError(s.real.t, err)
	defer c.Close()
	f(c)
}

func (s *realServer) material(name string) (key []byte) {
	s.with(func(c *kmip.Client) {
		found, err := c.Locate(0, kmip.NameOf(name))
		require.NoError(s.real.t, err)
		require.Len(s.real.t, found, 1)
		o, err := c.Get(found[0])
		require.NoError(s.real.t, err)
		key = append(key, o.Material...)
	})
	return key
}

func (s *realServer) put(name string, key []byte) {
	s.with(func(c *kmip.Client) {
		o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key}
		_, err := c.Register(&o, kmip.NameOf(name))
		require.NoError(s.real.t, err)
	})
}

func (s *realServer) lose(name string) {
	s.with(func(c *kmip.Client) {
		found, err := c.Locate(0, kmip.NameOf(name))
		require.NoError(s.real.t, err)
		require.Len(s.real.t, found, 1)
		require.NoError(s.real.t, c.Destroy(found[0]))
	})
}

func (s *realServer) toxic(json string) {
	_, err := s.proxy.Toxics.AddToxicJson(strings.NewReader(json))
	require.NoError(s.real.t, err)
}

// instead puts another service in the place of the key server: it does with
// each connection what f does, and closes it.
func (s *realServer) instead(f func(net.Conn)) {
	require.NoError(s.real.t, s.run.Close())
	s.answer(f)
}

func (s *realServer) answer(f func(net.Conn)) {
	nettest.Serve(s.real.t, s.direct, func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		f(c)
	})
}

// meets requires what a client finds at a broken server, so that each row of the table tests what
// it names.
func (s *realServer) meets(want kmip.Fault) {
	c, err := kmip.Dial(s.config(s.proxy.Listen))
	if err == nil {
		_ = c.Close()
	}
	require.Equal(s.real.t, want.String(), kmip.FaultOf(err).String(), "%v", err)
}

// babble speaks at once, and no TLS.
func (s *realServer) babble() {
	s.instead(greet)
}

func greet(c net.Conn) { fmt.Fprint(c, "220 mail.example.com ready\r\n") }

// plain waits to be spoken to, and answers in plain text.
func (s *realServer) plain() {
	s.instead(func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	})
	s.meets(kmip.FaultNotTLS)
}

// hangUp begins a TLS handshake and ends in the middle of its first message.
func (s *realServer) hangUp() {
	s.instead(func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte{22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3})
	})
	s.meets(kmip.FaultHangUp)
}

// blackHole lets the network swallow each attempt to connect: a listener whose
// queue is full, which nobody empties, drops what comes.
func (s *realServer) blackHole() {
	t, at := s.real.t, s.proxy.Listen
	s.wait = inVain
	s.proxy.Stop()
	l, err := net.Listen("tcp", at)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }))
	require.NoError(t, err, "a queue of one")
	for n := 0; ; n++ {
		c, err := net.DialTimeout("tcp", at, inVain)
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = c.Close() })
		require.Less(t, n, 8, "the queue fills up")
	}
	s.meets(kmip.FaultConnectTimeout)
}

func damaged(copies ...int) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) {
		for _, n := range copies {
			must(t, l.DamageRepository(n))
		}
	}
}

func resetSessions(t *testing.T, l *Lab) {
	for n := 1; n <= 2; n++ {
		must(t, l.customer.Arm(n, fault.MustParse("(net.session.reset)")))
	}
}

// bothChanged changes both key managers. At the port of IPP is the lab's own service without TLS.
func bothChanged(c KeyManagerChange) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) {
		for n := 1; n <= 2; n++ {
			must(t, second(l.ChangeKeyManager(n, c)))
		}
	}
}

// The same breakage in the simulated network and in a real one gives the same
// codes, at an IML and in a periodic retrieval.
func TestRealNetworkGivesTheSameCodes(t *testing.T) {
	all := func(f func(*realServer)) func(*real, string) {
		return func(r *real, _ string) { f(r.servers[0]); f(r.servers[1]) }
	}
	expired := pki.Request{Name: "server", From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(-time.Hour)}
	for _, c := range []struct {
		name      string
		simulated func(*testing.T, *Lab)
		real      func(r *real, uid string)
	}{
		{"nothing", func(*testing.T, *Lab) {}, func(*real, string) {}},
		{"refused", both(onHost((*customer.KeyServer).StopService)), all(func(s *realServer) { s.proxy.Stop() })},
		{"one refused", one(onHost((*customer.KeyServer).StopService)), func(r *real, _ string) { r.servers[1].proxy.Stop() }},
		{"silent", both(onHost(func(h *customer.KeyServer) { h.Store().Stall() })), all(func(s *realServer) {
			s.wait = inVain
			s.toxic(`{"name":"silent","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		})},
		{"reset", resetSessions, all(func(s *realServer) {
			s.toxic(`{"name":"reset","type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`)
		})},
		{"cut in the middle of an answer", resetSessions, all(func(s *realServer) {
			s.toxic(`{"name":"cut","type":"limit_data","stream":"downstream","attributes":{"bytes":700}}`)
		})},
		{"no TLS", both(onHost((*customer.KeyServer).Garble)), all((*realServer).babble)},
		{"unknown CA", both(reissue("unknown", "", 0)), all(func(s *realServer) { s.restart(s.real.stranger, certificateFor(s.name, s.name), s.real.ca) })},
		{"expired", both(reissue("customer", "", -time.Hour)), all(func(s *realServer) {
			q := expired
			q.Hosts = []string{s.name}
			s.restart(s.real.ca, q, s.real.ca)
		})},
		{"another name", both(reissue("customer", "other.example.com", 0)), all(func(s *realServer) {
			s.restart(s.real.ca, certificateFor("other", "other.example.com"), s.real.ca)
		})},
		{"client not trusted", both(distrust), all(func(s *realServer) { s.restart(s.real.ca, certificateFor(s.name, s.name), s.real.stranger) })},
		{"no key", then(both(loseKey)), func(r *real, uid string) { r.servers[0].lose(uid); r.servers[1].lose(uid) }},
		{"no key at one", one(loseKey), func(r *real, uid string) { r.servers[1].lose(uid) }},
		{"wrong key", both(damageKey), func(r *real, uid string) {
			for _, s := range r.servers {
				s.lose(uid)
				s.put(uid, make([]byte, 32))
			}
		}},
		{"black hole", both(paths(false)), all((*realServer).blackHole)},
		{"black hole at one", one(paths(false)), func(r *real, _ string) { r.servers[1].blackHole() }},
		{"hang-up in the TLS handshake", resetSessions, all((*realServer).hangUp)},
		{"plain text", bothChanged(KeyManagerChange{Port: new(customer.PortIPP)}), all((*realServer).plain)},
		{"none active", bothChanged(KeyManagerChange{Active: new(false)}), nil},
		{"one copy damaged", damaged(2), nil},
		{"all copies damaged", damaged(1, 2, 3), nil},
		{"links cut", links(LinkCut), nil},
		{"links stalled", links(LinkStalled), nil},
		{"consoles off", consolesTo(false), nil},
		{"wrong signature", func(t *testing.T, l *Lab) {
			must(t, l.ArmMemory(0, fault.MustParse("(memory.signature.flipped (And (Byte 0) (OnIndex 1)))")))
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReal(t)
			labs := map[string]*Lab{"simulated": encrypted(t, Options{}), "real": encrypted(t, Options{Dial: r.dial})}
			got := map[string][]string{}
			for name, l := range labs {
				if name == "real" && c.real != nil {
					c.real(r, dataKeyOf(l))
				} else {
					c.simulated(t, l)
				}
				l.RetrieveKeys()
				got[name] = append(openCodes(l), "then")
				_, err := l.PowerCycle()
				require.NoError(t, err)
				got[name] = append(got[name], openCodes(l)...)
			}
			require.Equal(t, got["simulated"], got["real"], "sockets and simulation agree\n%s", labs["real"].TraceText())
			if c.name != "nothing" {
				require.NotEqual(t, []string{"then"}, got["real"], "something was found")
			}
		})
	}
}
