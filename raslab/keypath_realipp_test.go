package raslab

import (
	"crypto/rand"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// realIPP is a customer's two key servers that speak IPP on loopback, each behind a
// proxy. The facility's EEDKs are in its own repository.
type realIPP struct {
	*real
	protocol Protocol
	lab      *Lab
	at       [2]*ippServer
}

// ippServer is one of them; what realServer does with its proxy serves here, too.
type ippServer struct {
	*realServer
	pairs  []ipp.KeyPair
	issuer *pki.Pair
	cert   pki.Request
	trusts *pki.Pair
	memory func(*secret.Key32)
	ipp    *ipp.Server
}

func newRealIPP(t *testing.T, protocol Protocol) *realIPP {
	r := &realIPP{real: &real{t: t}, protocol: protocol}
	var err error
	r.ca, err = pki.NewCA(certificateFor("customer CA"), rand.Reader)
	must(t, err)
	r.stranger, err = pki.NewCA(certificateFor("stranger CA"), rand.Reader)
	must(t, err)
	client, err := r.ca.Client(certificateFor("facility"), rand.Reader)
	must(t, err)
	draw := drawOnce(Options{})
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range r.at {
		name := keyServerAddr(i + 1)
		s := &ippServer{realServer: &realServer{real: r.real, name: name, client: client, direct: "127.0.0.1:0", wait: realTimeout}, issuer: r.ca, cert: certificateFor(name, name), trusts: r.ca}
		for _, label := range agreedLabels {
			p, err := draw(label)
			must(t, err)
			s.pairs = append(s.pairs, p)
		}
		r.at[i] = s
		s.serve(r)
		s.proxy = toxiproxy.NewProxy(proxies, name, "127.0.0.1:0", s.direct)
		must(t, s.proxy.Start())
		t.Cleanup(s.proxy.Stop)
	}
	return r
}

// serve runs the server as it is set up now, in place of the one before.
func (s *ippServer) serve(r *realIPP) {
	t := r.t
	if s.ipp != nil {
		must(t, s.ipp.Close())
	}
	cfg := ipp.ServerConfig{Pairs: s.pairs, Devices: []string{"75NR641"}, Entropy: rand.Reader, Clock: time.Now, Timeout: time.Minute, Conns: 10, Memory: s.memory}
	if r.protocol == ProtocolTLS {
		own, err := s.issuer.Server(s.cert, rand.Reader)
		must(t, err)
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: s.trusts.Pool(), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
	}
	var err error
	s.ipp, err = ipp.NewServer(cfg)
	must(t, err)
	l, err := net.Listen("tcp", s.direct)
	must(t, err)
	s.direct = l.Addr().String()
	run, done := s.ipp, make(chan error, 1)
	go func() { done <- run.Serve(l) }()
	t.Cleanup(func() { _ = run.Close(); <-done })
}

func (r *realIPP) dial(m KeyManagerInfo) encgroup.KeyServer {
	if m.KeyProtocol != IPP {
		return nil
	}
	return lateClient{r, m}
}

// lateClient is a client that waits as long as its server is to be waited for now.
type lateClient struct {
	r *realIPP
	m KeyManagerInfo
}

func (c lateClient) ID() string { return c.m.Addr }

func (c lateClient) Create(label string) (string, error) { return c.r.client(c.m).Create(label) }

func (c lateClient) Get(uid string) (*secret.Key32, error) { return c.r.client(c.m).Get(uid) }

func (r *realIPP) client(m KeyManagerInfo) *ipp.Client {
	s := r.at[m.ID-1]
	cfg := ipp.ClientConfig{
		ID: m.Addr, Device: "75NR641", Labels: [2]string(agreedLabels), Safe: laterSafe{r, m.KeyGroup}, Entropy: rand.Reader, Clock: time.Now, Timeout: s.wait,
		Dial: func(d time.Duration) (net.Conn, error) { return net.DialTimeout("tcp", s.proxy.Listen, d) },
	}
	if m.Protocol == ProtocolTLS {
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{s.client.TLS()}, RootCAs: r.ca.Pool(), ServerName: s.name, MinVersion: tls.VersionTLS12}
	}
	c, err := ipp.NewClient(cfg)
	must(r.t, err)
	return c
}

// laterSafe is the safe of a facility that is still being built.
type laterSafe struct {
	r     *realIPP
	group int
}

func (s laterSafe) Keep(uid string, eedks []byte) error {
	return s.r.lab.Safe(s.group).Keep(uid, eedks)
}
func (s laterSafe) Kept(uid string) ([]byte, error) { return s.r.lab.Safe(s.group).Kept(uid) }

// IPP over real sockets and simulated gives the same codes, plain and with TLS.
func TestRealIPPGivesTheSameCodes(t *testing.T) {
	all := func(f func(*realIPP, *ippServer)) func(*realIPP) {
		return func(r *realIPP) { f(r, r.at[0]); f(r, r.at[1]) }
	}
	again := func(change func(*realIPP, *ippServer)) func(*realIPP, *ippServer) {
		return func(r *realIPP, s *ippServer) { change(r, s); s.serve(r) }
	}
	toxic := func(json string) func(*realIPP) {
		return all(func(_ *realIPP, s *ippServer) { s.toxic(json) })
	}
	lost := again(func(_ *realIPP, s *ippServer) {
		for i := range s.pairs {
			s.pairs[i] = s.pairs[i].Public()
		}
	})
	reset := func(t *testing.T, l *Lab) {
		for n := 1; n <= 2; n++ {
			must(t, l.customer.Arm(n, fault.MustParse("(net.session.reset)")))
		}
	}
	expired := pki.Request{Name: "server", From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(-time.Hour)}
	for _, c := range []struct {
		name      string
		onlyTLS   bool
		simulated func(*testing.T, *Lab)
		real      func(*realIPP)
	}{
		{"nothing", false, func(*testing.T, *Lab) {}, func(*realIPP) {}},
		{"refused", false, both(onHost((*customer.KeyServer).StopService)), all(func(_ *realIPP, s *ippServer) { s.proxy.Stop() })},
		{"one refused", false, one(onHost((*customer.KeyServer).StopService)), func(r *realIPP) { r.at[1].proxy.Stop() }},
		{"silent", false, both(onHost(func(h *customer.KeyServer) { h.Store().Stall() })), all(func(_ *realIPP, s *ippServer) {
			s.wait = inVain
			s.toxic(`{"name":"silent","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		})},
		{"reset", false, reset, toxic(`{"name":"reset","type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`)},
		{"cut in the middle of an answer", false, reset, toxic(`{"name":"cut","type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`)},
		{"no IPP", false, both(onHost((*customer.KeyServer).Garble)), all(func(r *realIPP, s *ippServer) { must(r.t, s.ipp.Close()); s.answer(greet) })},
		{"unknown CA", true, both(reissue("unknown", "", 0)), all(again(func(r *realIPP, s *ippServer) { s.issuer = r.stranger }))},
		{"expired", true, both(reissue("customer", "", -time.Hour)), all(again(func(_ *realIPP, s *ippServer) {
			s.cert = expired
			s.cert.Hosts = []string{s.name}
		}))},
		{"another name", true, both(reissue("customer", "other.example.com", 0)), all(again(func(_ *realIPP, s *ippServer) {
			s.cert = certificateFor("other", "other.example.com")
		}))},
		{"client not trusted", true, both(distrust), all(again(func(r *realIPP, s *ippServer) { s.trusts = r.stranger }))},
		{"key pairs lost", false, both(loseKey), all(lost)},
		{"key pairs lost at one", false, one(loseKey), func(r *realIPP) { lost(r, r.at[1]) }},
		{"key pairs damaged", false, both(damageKey), all(again(func(_ *realIPP, s *ippServer) {
			for i := range s.pairs {
				s.pairs[i] = s.pairs[i].Damaged(9)
			}
		}))},
		{"bad memory", false, both(serverMemory(true)), all(again(func(_ *realIPP, s *ippServer) { s.memory = func(k *secret.Key32) { k[1] ^= 1 } }))},
		{"bad memory at one", false, one(serverMemory(true)), func(r *realIPP) {
			again(func(_ *realIPP, s *ippServer) { s.memory = func(k *secret.Key32) { k[1] ^= 1 } })(r, r.at[1])
		}},
		{"links stalled", false, links(LinkStalled), nil},
	} {
		for way, protocol := range ippWays {
			if c.onlyTLS && protocol != ProtocolTLS {
				continue
			}
			t.Run(way+"/"+c.name, func(t *testing.T) {
				r := newRealIPP(t, protocol)
				r.lab = ippLab(t, Options{Dial: r.dial}, protocol)
				occupied(t, r.lab)
				got := map[string][]string{}
				for name, l := range map[string]*Lab{"simulated": encryptedIPP(t, Options{}, protocol), "real": r.lab} {
					if name == "real" && c.real != nil {
						c.real(r)
					} else {
						c.simulated(t, l)
					}
					l.RetrieveKeys()
					got[name] = append(openCodes(l), "then")
					_, err := l.PowerCycle()
					must(t, err)
					got[name] = append(got[name], openCodes(l)...)
				}
				require.Equal(t, got["simulated"], got["real"], "sockets and simulation agree\n%s", r.lab.TraceText())
				if c.name != "nothing" {
					require.NotEqual(t, []string{"then"}, got["real"], "something was found")
				}
			})
		}
	}
}
