package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func newCA(t testing.TB, name string) *CA {
	ca, err := NewCA(name, day(1), day(3650), entropy.Stream(1, name))
	require.NoError(t, err)
	return ca
}

func issue(t testing.TB, ca *CA, name string, hosts ...string) *Certificate {
	c, err := ca.Issue(Request{Name: name, Hosts: hosts, From: day(10), To: day(200)})
	require.NoError(t, err)
	return c
}

// cases are certificates of the server "ks" and what must come of them, by Verify and
// by a TLS handshake alike.
var cases = []struct {
	name  string
	by    string
	hosts []string
	now   int
	want  error
}{
	{"good", "ours", []string{"ks"}, 100, nil},
	{"good on its first day", "ours", []string{"other", "ks"}, 10, nil},
	{"good on its last day", "ours", []string{"ks"}, 200, nil},
	{"unknown CA", "theirs", []string{"ks"}, 100, ErrUnknownCA},
	{"another CA of the same name", "ours, forged", []string{"ks"}, 100, ErrUnknownCA},
	{"expired", "ours", []string{"ks"}, 201, ErrExpired},
	{"not valid yet", "ours", []string{"ks"}, 9, ErrNotYetValid},
	{"wrong name", "ours", []string{"zuul"}, 100, ErrWrongName},
	{"no name", "ours", nil, 100, ErrWrongName},
	{"an address", "ours", []string{"127.0.0.1"}, 100, ErrWrongName},
}

func TestVerifyAndTLSAgree(t *testing.T) {
	ours := newCA(t, "ours")
	forged, err := NewCA("ours", day(1), day(3650), entropy.Stream(2, "forged"))
	require.NoError(t, err)
	cas := map[string]*CA{"ours": ours, "theirs": newCA(t, "theirs"), "ours, forged": forged}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := issue(t, cas[c.by], "key server", c.hosts...)
			clock := func() time.Time { return day(c.now) }
			require.ErrorIs(t, NewTrust(ours.Certificate()).Verify(server, "ks", Server, clock()), c.want)
			if c.want == nil {
				require.NoError(t, NewTrust(ours.Certificate()).Verify(server, "", Server, clock()))
			}

			a, b := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = tls.Server(a, ServerTLS(server, nil, clock)).Handshake()
				_ = a.Close()
			}()
			cfg := ClientTLS(nil, ours.Pool(), clock)
			cfg.ServerName = "ks"
			err := tls.Client(b, cfg).Handshake()
			_ = b.Close()
			<-done
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, Classify(err, clock()), c.want, "the handshake says the same: %v", err)
		})
	}
}

func TestAServerAsksForAClientCertificate(t *testing.T) {
	ours, theirs := newCA(t, "ours"), newCA(t, "theirs")
	clock := func() time.Time { return day(100) }
	for name, c := range map[string]struct {
		own  *Certificate
		want error
	}{
		"good":       {issue(t, ours, "facility"), nil},
		"unknown CA": {issue(t, theirs, "facility"), ErrUnknownCA},
	} {
		a, b := net.Pipe()
		done := make(chan error, 1)
		go func() {
			cfg := ClientTLS(c.own, ours.Pool(), clock)
			cfg.ServerName = "ks"
			k := tls.Client(b, cfg)
			_ = k.Handshake()
			_, _ = k.Read(make([]byte, 1))
			done <- b.Close()
		}()
		err := tls.Server(a, ServerTLS(issue(t, ours, "key server", "ks"), ours.Pool(), clock)).Handshake()
		_ = a.Close()
		<-done
		if c.want == nil {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, Classify(err, clock()), c.want, name)
	}
}

func TestTheSameSeedGivesTheSameCertificates(t *testing.T) {
	a, b := issue(t, newCA(t, "ours"), "x", "ks"), issue(t, newCA(t, "ours"), "x", "ks")
	require.Equal(t, a.X509().Raw, b.X509().Raw)
	ca := newCA(t, "ours")
	c, d := issue(t, ca, "x", "ks"), issue(t, ca, "x", "ks")
	require.NotEqual(t, c.X509().SerialNumber, d.X509().SerialNumber)
	require.NotEqual(t, c.X509().PublicKey, d.X509().PublicKey)
	require.Equal(t, "certificate of x by ours until 2026-07-19T00:00:00Z", c.String())
}

// file is a certificate with its key as a customer hands it over.
func file(t testing.TB, c *Certificate) []byte {
	certificates, key, err := c.PEM()
	require.NoError(t, err)
	return append(certificates, key...)
}

func TestAHolderTakesWhatIsWhole(t *testing.T) {
	ca := newCA(t, "ours")
	standard, err := ca.Issue(Request{Name: "default", From: day(1), To: day(3000)})
	require.NoError(t, err)
	var h Holder
	require.Nil(t, h.Current())
	h.Default(standard)
	require.False(t, h.Customer())
	own := issue(t, ca, "customer")
	certificates, key, err := own.PEM()
	require.NoError(t, err)
	_, other, err := standard.PEM()
	require.NoError(t, err)
	server, err := ca.Issue(Request{Name: "server", From: day(10), To: day(200), Use: Server})
	require.NoError(t, err)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

	require.ErrorIs(t, h.Install(file(t, own), day(9)), ErrNotYetValid)
	require.ErrorIs(t, h.Install(file(t, own), day(201)), ErrExpired)
	require.ErrorIs(t, h.Install(join(certificates, other), day(100)), ErrKeyMismatch)
	require.ErrorIs(t, h.Install(certificates, day(100)), ErrNoKey)
	require.ErrorIs(t, h.Install(key, day(100)), ErrNoCertificate)
	require.ErrorIs(t, h.Install([]byte("x"), day(100)), ErrNoCertificate)
	require.ErrorIs(t, h.Install(file(t, server), day(100)), ErrNotForClient)
	bad := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("customer data")})
	require.ErrorIs(t, h.Install(join(bad, key), day(100)), ErrUnreadable)
	bad = pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("customer data")})
	err = h.Install(join(certificates, bad), day(100))
	require.ErrorIs(t, err, ErrUnreadable)
	require.NotContains(t, err.Error(), "customer data")
	require.Equal(t, standard, h.Current(), "what is refused changes nothing")

	require.NoError(t, h.Install(join(key, certificates), day(100)), "the key may come first")
	require.True(t, h.Customer())
	require.Equal(t, own.X509().Raw, h.Current().X509().Raw)
	h.Default(nil)
	require.Nil(t, h.Current())
}

func TestACertificateWarnsBeforeItsEnd(t *testing.T) {
	c := issue(t, newCA(t, "ours"), "customer")
	for now, want := range map[time.Time]int{
		day(10): 0, day(110).Add(-time.Second): 0, day(110): 1, day(170): 2, day(193): 3, day(199): 4, day(200): 4, day(200).Add(time.Second): 5,
	} {
		require.Equal(t, want, c.Stage(now), "%s", now)
	}
	require.Empty(t, c.Warning(day(10)))
	require.Equal(t, "the certificate expires in 90 days", c.Warning(day(110)))
	require.Equal(t, "the certificate expires in 1 day", c.Warning(day(199)))
	for left, want := range map[time.Duration]string{25 * time.Hour: "1 day", 23 * time.Hour: "23 hours", time.Hour: "1 hour", time.Minute: "less than an hour"} {
		require.Equal(t, "the certificate expires in "+want, c.Warning(day(200).Add(-left)))
	}
	require.Equal(t, "the certificate is expired or not valid yet", c.Warning(day(201)))
}

// A certificate of an authority below the one that is trusted carries the way up with it.
func TestChains(t *testing.T) {
	root := newCA(t, "root")
	middle, err := root.Subordinate("middle", day(20), day(190))
	require.NoError(t, err)
	low, err := middle.Subordinate("low", day(1), day(300))
	require.NoError(t, err)
	c, err := low.Issue(Request{Name: "facility", From: day(1), To: day(300), Use: Client})
	require.NoError(t, err)
	c, err = Parse(file(t, c))
	require.NoError(t, err)
	trust := NewTrust(root.Certificate())
	require.NoError(t, trust.Verify(c, "", Client, day(100)))
	require.NoError(t, trust.Verify(c, "", Client, day(100)), "from memory")
	require.ErrorIs(t, trust.Verify(c, "", Client, day(191)), ErrExpired, "the authority in the middle is, and what is remembered ends with it")
	require.ErrorIs(t, trust.Verify(c, "", Client, day(19)), ErrNotYetValid)
	require.ErrorIs(t, trust.Verify(c, "", Server, day(100)), ErrInvalid, "it is not for a server")
	c.chain = c.chain[:2]
	require.ErrorIs(t, NewTrust(root.Certificate()).Verify(c, "", Client, day(100)), ErrUnknownCA, "without the way up")
}

func TestTrustChanges(t *testing.T) {
	ours, theirs := newCA(t, "ours"), newCA(t, "theirs")
	c := issue(t, theirs, "ks", "ks")
	trust, err := ParseTrust(ours.PEM())
	require.NoError(t, err)
	require.ErrorIs(t, trust.Verify(c, "ks", Server, day(100)), ErrUnknownCA)
	trust.Believe(theirs.Certificate(), true)
	require.NoError(t, trust.Verify(c, "ks", Server, day(100)))
	both, err := ParseTrust(trust.PEM())
	require.NoError(t, err)
	require.NoError(t, both.Verify(c, "ks", Server, day(100)))
	trust.Believe(theirs.Certificate(), false)
	require.ErrorIs(t, trust.Verify(c, "ks", Server, day(100)), ErrUnknownCA, "what was verified is forgotten")
	require.Error(t, (&Trust{}).Verify(c, "ks", Server, day(100)))
	_, err = ParseTrust([]byte("x"))
	require.ErrorIs(t, err, ErrNoCertificate)
	for range 2 * judgedMax {
		require.NoError(t, both.Verify(issue(t, theirs, "ks", "ks"), "ks", Server, day(100)))
	}
	require.Len(t, both.judged, judgedMax, "memory is bounded")
}

// TestWhatIsRememberedIsWhatWouldBeFound: around each date, in any order, a trust that
// remembers says what one says that does not.
func TestWhatIsRememberedIsWhatWouldBeFound(t *testing.T) {
	root := newCA(t, "root")
	middle, err := root.Subordinate("middle", day(20), day(190))
	require.NoError(t, err)
	c, err := middle.Issue(Request{Name: "ks", Hosts: []string{"ks"}, From: day(30), To: day(60), Use: Server})
	require.NoError(t, err)
	trust := NewTrust(root.Certificate())
	var times []time.Time
	for _, x := range append(slices.Clone(c.chain), root.Certificate()) {
		for _, edge := range []time.Time{x.NotBefore, x.NotAfter} {
			for _, d := range []time.Duration{-time.Hour, -1, 0, 1, time.Hour} {
				times = append(times, edge.Add(d))
			}
		}
	}
	for step := 1; step <= 7; step += 2 {
		for i := range times {
			now := times[i*step%len(times)]
			for _, host := range []string{"ks", "other"} {
				want := NewTrust(root.Certificate()).Verify(c, host, Server, now)
				got := trust.Verify(c, host, Server, now)
				if want == nil {
					require.NoError(t, got, "%s at %s", host, now)
					continue
				}
				require.EqualError(t, got, want.Error(), "%s at %s", host, now)
			}
		}
	}
}

func TestCertificateRefusals(t *testing.T) {
	_, err := NewCA("x", day(1), day(2), iotest.ErrReader(errors.New("stuck")))
	require.ErrorContains(t, err, "stuck")
	_, err = NewCA("", day(1), day(2), entropy.Stream(1, "x"))
	require.ErrorContains(t, err, "needs a name")
	_, err = newCA(t, "x").Issue(Request{Name: "x", From: day(2), To: day(2)})
	require.ErrorContains(t, err, "an end after its beginning")
	ca := newCA(t, "x")
	ca.entropy = iotest.ErrReader(errors.New("stuck"))
	_, err = ca.Issue(Request{Name: "x", From: day(1), To: day(2)})
	require.ErrorContains(t, err, "stuck")
	require.NoError(t, Classify(errors.New("something else"), day(1)))
	require.ErrorIs(t, Classify(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, day(1)), ErrInvalid)
}

func TestPrivateKeysStayInside(t *testing.T) {
	ca := newCA(t, "ours")
	c := issue(t, ca, "x")
	raw, err := x509.MarshalPKCS8PrivateKey(c.key())
	require.NoError(t, err)
	seed := raw[len(raw)-32:]
	printed := ""
	for _, v := range []any{c, *c, ca, *ca, &Holder{current: c}, struct{ c any }{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			printed += fmt.Sprintf(verb, v)
		}
	}
	require.NotContains(t, printed, string(seed[:8]))
	require.NotContains(t, printed, hex.EncodeToString(seed[:4]))
	require.NotContains(t, printed, strings.Trim(fmt.Sprintf("%d", seed[:4]), "[]"))
}

// TestServersTakeNoWeakSuites: a client that offers CBC with SHA-1 alone gets nowhere.
func TestServersTakeNoWeakSuites(t *testing.T) {
	ca := newCA(t, "a CA")
	clock := func() time.Time { return day(20) }
	shake := func(suites ...uint16) error {
		a, b := net.Pipe()
		defer b.Close()
		go func() {
			defer a.Close()
			_ = tls.Server(a, ServerTLS(issue(t, ca, "key server", "ks"), nil, clock)).Handshake()
		}()
		c := ClientTLS(nil, ca.Pool(), clock)
		c.ServerName, c.MaxVersion, c.CipherSuites = "ks", tls.VersionTLS12, suites
		return tls.Client(b, c).Handshake()
	}
	require.Error(t, shake(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA))
	require.NoError(t, shake(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256))
}
