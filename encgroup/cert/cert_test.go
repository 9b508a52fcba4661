package cert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/entropy"
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
			require.ErrorIs(t, Verify(server, ours.Pool(), "ks", clock()), c.want)
			if c.want == nil {
				require.NoError(t, Verify(server, ours.Pool(), "", clock()))
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

func TestAHolderWarnsBeforeAndFailsAfter(t *testing.T) {
	ca := newCA(t, "ours")
	standard, err := ca.Issue(Request{Name: "default", From: day(1), To: day(3000)})
	require.NoError(t, err)
	h := NewHolder(standard)
	require.False(t, h.Customer())
	require.Equal(t, day(3000), h.Expiry())
	own := issue(t, ca, "customer")
	certificates, key, err := own.PEM()
	require.NoError(t, err)

	require.ErrorIs(t, h.Install(certificates, key, day(9)), ErrNotYetValid)
	require.ErrorIs(t, h.Install(certificates, key, day(201)), ErrExpired)
	_, other, err := standard.PEM()
	require.NoError(t, err)
	require.ErrorIs(t, h.Install(certificates, other, day(100)), ErrInvalid, "a key that does not fit")
	require.ErrorIs(t, h.Install([]byte("x"), key, day(100)), ErrInvalid)
	require.False(t, h.Customer(), "what is refused changes nothing")

	require.NoError(t, h.Install(certificates, key, day(100)))
	require.True(t, h.Customer())
	require.Equal(t, own.X509().Raw, h.Current().X509().Raw)
	require.Equal(t, day(200), h.Expiry())
	for now, want := range map[time.Time]Condition{
		day(9): NotYetValid, day(10): Valid, day(170).Add(-time.Second): Valid, day(170): ExpiresSoon, day(200): ExpiresSoon, day(200).Add(time.Second): Expired,
	} {
		require.Equal(t, want, h.Check(now), "%s", now)
	}
	h.Remove()
	require.False(t, h.Customer())
	require.Equal(t, Valid, h.Check(day(201)))
	require.Equal(t, "valid expires soon expired not valid yet condition 9", fmt.Sprint(Valid, " ", ExpiresSoon, " ", Expired, " ", NotYetValid, " ", Condition(9)))
	require.Panics(t, func() { NewHolder(nil) })
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
	for _, v := range []any{c, *c, ca, *ca, NewHolder(c), struct{ c any }{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			printed += fmt.Sprintf(verb, v)
		}
	}
	require.NotContains(t, printed, string(seed[:8]))
	require.NotContains(t, printed, hex.EncodeToString(seed[:4]))
	require.NotContains(t, printed, strings.Trim(fmt.Sprintf("%d", seed[:4]), "[]"))
}
