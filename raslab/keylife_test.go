package raslab

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

func managerOne(t *testing.T, l *Lab) KeyManagerInfo {
	m, err := l.KeyManager(1)
	require.NoError(t, err)
	return m
}

// TestKeyStatesAreLookedAt: what a key server says of the data key is shown and logged. A key that
// the server still gives is used, a destroyed one is missing, and either can be exchanged.
func TestKeyStatesAreLookedAt(t *testing.T) {
	for _, c := range []struct {
		fate  customer.KeyFate
		in    time.Duration
		state string
		warns string
	}{
		{customer.KeyActivate, 0, "active", ""},
		{customer.KeyDeactivate, 0, "deactivated", "the data key is deactivated since 2026-01-05"},
		{customer.KeyDeactivate, 30 * 24 * time.Hour, "pre-active", "the data key is deactivated on 2026-02-04"},
		{customer.KeyDeactivate, 300 * 24 * time.Hour, "pre-active", ""},
		{customer.KeyCompromise, 0, "compromised", "the data key is compromised since 2026-01-05"},
		{customer.KeyDestroy, 0, "destroyed", "the data key is destroyed"},
	} {
		t.Run(fmt.Sprint(c.fate, c.in), func(t *testing.T) {
			l := encrypted(t, Options{})
			require.Equal(t, "pre-active", managerOne(t, l).KeyState)
			require.Equal(t, "1.4", managerOne(t, l).Version)
			must(t, keyHost(t, l, 1).SetKeyState(1, c.fate, c.in))
			require.Equal(t, "pre-active", managerOne(t, l).KeyState, "the facility knows what it was told when it asked last")
			l.RetrieveKeys()
			m := managerOne(t, l)
			require.Equal(t, c.state, m.KeyState)
			if c.warns == "" {
				require.Empty(t, m.KeyWarns)
				require.Empty(t, l.groupInfo(l.keys.group(1)).KeyWarns)
			} else {
				require.Contains(t, m.KeyWarns, c.warns)
				require.Len(t, l.groupInfo(l.keys.group(1)).KeyWarns, 1, "at the one server")
				require.Contains(t, l.TraceText(), "key manager 1 keyserver1.example.com: "+m.KeyWarns)
			}
			r, err := l.TestAccess(1)
			require.NoError(t, err)
			require.Equal(t, m.KeyWarns, r[0].Warns)
			require.Empty(t, r[1].Warns)
			want := []string{}
			if c.fate == customer.KeyDestroy {
				want = []string{"BE14CFEA", "BE14EA11"}
				require.ErrorContains(t, r[0].Err, "the data key is destroyed")
			} else {
				require.NoError(t, r[0].Err)
			}
			require.Equal(t, want, openCodes(l))

			ok(t, l)(l.RekeyDataKey(1))
			require.Equal(t, "pre-active", managerOne(t, l).KeyState, "the new key is told of by its own state")
			require.Empty(t, managerOne(t, l).KeyWarns)
		})
	}
}

// TestKeyDatePasses: the facility warns before the date, and says so after it.
func TestKeyDatePasses(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, keyHost(t, l, 1).SetKeyState(1, customer.KeyDeactivate, 30*24*time.Hour))
	l.RetrieveKeys()
	require.Contains(t, managerOne(t, l).KeyWarns, "is deactivated on 2026-02-04")
	must(t, l.Advance(31*24*time.Hour))
	require.Equal(t, "deactivated", managerOne(t, l).KeyState)
	require.Contains(t, managerOne(t, l).KeyWarns, "is deactivated since 2026-02-04")
	require.Contains(t, l.TraceText(), "the data key is deactivated since 2026-02-04")
	_, err := l.PowerCycle()
	require.NoError(t, err)
	require.Equal(t, encgroup.Accessible, l.keys.Group(1).State(), "it opens what it protects")
}

// TestKeyDestroyedEverywhere: the key is gone, and the event says how.
func TestKeyDestroyedEverywhere(t *testing.T) {
	l := encrypted(t, Options{})
	for n := 1; n <= 2; n++ {
		must(t, keyHost(t, l, n).SetKeyState(1, customer.KeyCompromise, 0))
		must(t, keyHost(t, l, n).SetKeyState(1, customer.KeyDestroy, 0))
	}
	_, err := l.PowerCycle()
	require.NoError(t, err)
	require.Equal(t, []string{"BE14CFE0", "BE14E011"}, openCodes(l))
	require.Contains(t, fmt.Sprint(openEvent(t, l, "BE14E011")), "the data key is destroyed, compromised before")
}

// TestKeyStatesGoOneWay: a step back is refused, and changes nothing.
func TestKeyStatesGoOneWay(t *testing.T) {
	l := encrypted(t, Options{})
	h := keyHost(t, l, 1)
	require.ErrorContains(t, h.SetKeyState(2, customer.KeyActivate, 0), "key group 2 is not configured")
	require.ErrorContains(t, h.SetKeyState(1, "gone", 0), "active, deactivated, compromised and destroyed are right")
	require.ErrorContains(t, h.SetKeyState(1, customer.KeyDestroy, time.Hour), "only a deactivation has a date to come")
	must(t, h.SetKeyState(1, customer.KeyCompromise, 0))
	require.ErrorContains(t, h.SetKeyState(1, customer.KeyActivate, 0), "does not go back")
	require.ErrorContains(t, h.SetKeyState(1, customer.KeyDeactivate, time.Hour), "does not go back")
	require.Equal(t, encgroup.KeyCompromised, lifeAt(t, l, 1).State)
	must(t, h.SetKeyState(1, customer.KeyDestroy, 0))
	require.ErrorContains(t, h.SetKeyState(1, customer.KeyDestroy, 0), "does not go back")
	must(t, h.RestoreFrom(keyHost(t, l, 2)))
	require.Equal(t, encgroup.KeyPreActive, lifeAt(t, l, 1).State, "a restore brings the key as the other server has it")
}

// TestServerCertificateIsWarnedOf: like the facility's own.
func TestServerCertificateIsWarnedOf(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, keyHost(t, l, 1).Reissue("customer", "", 30*24*time.Hour))
	must(t, l.Advance(29*24*time.Hour))
	m := managerOne(t, l)
	require.Equal(t, "the certificate of its server expires in 1 day", m.CertificateWarns)
	require.Empty(t, openCodes(l))
	require.Equal(t, []string{"key manager 1 keyserver1.example.com: " + m.CertificateWarns + "; learned 2026-02-03 08:00:00"}, l.groupInfo(l.keys.group(1)).KeyWarns)
	must(t, l.Advance(2*24*time.Hour))
	require.Equal(t, "the certificate of its server is expired or not valid yet", managerOne(t, l).CertificateWarns)
	must(t, keyHost(t, l, 1).Reissue("customer", "", 0))
	l.RetrieveKeys()
	require.Empty(t, managerOne(t, l).CertificateWarns, "the new one is seen at the next connection")
}

// lifeAt is what a key server says of the data key of group 1.
func lifeAt(t *testing.T, l *Lab, n int) encgroup.KeyLife {
	t.Helper()
	c, err := l.wire.Dial(1, keyServerAddr(n), customer.PortKMIP)
	must(t, err)
	exchange, err := c.KMIP()
	must(t, err)
	life, err := kmip.Over(keyServerAddr(n), exchange).Life(dataKeyOf(l))
	must(t, err)
	return life
}

// shy is a key server outside of the lab that gives no key, and says which server it is.
type shy struct{ asked []string }

func (s *shy) ID() string { return "shy" }

func (s *shy) Create(string) (string, error) {
	s.asked = append(s.asked, "create")
	return "", encgroup.ErrRefused
}

func (s *shy) Get(string) (*secret.Key32, error) {
	s.asked = append(s.asked, "get")
	return nil, encgroup.ErrNoKey
}

func (s *shy) Speaks() string           { return "1.3" }
func (s *shy) Shown() *x509.Certificate { return nil }
func (s *shy) Reached() string          { return "198.51.100.7:5696" }
func (s *shy) Connected() time.Time     { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// TestAServerIsKnownByARefusal: who answered is learned whatever the answer is.
func TestAServerIsKnownByARefusal(t *testing.T) {
	for name, ask := range map[string]func(*keyPath) error{
		"create": func(p *keyPath) error { _, err := p.Create("label"); return err },
		"get":    func(p *keyPath) error { _, err := p.Get("uid"); return err },
	} {
		l := encrypted(t, Options{})
		m := l.keys.activeOf(1)[0]
		s := &shy{}
		m.external = s
		require.Error(t, ask(m.paths[0]), name)
		require.Equal(t, []string{name}, s.asked)
		require.Equal(t, []any{"1.3", "198.51.100.7:5696", s.Connected()}, []any{m.speaks, m.reached, m.connected}, name)
	}
}
