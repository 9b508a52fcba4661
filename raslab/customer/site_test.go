package customer

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// newSite is a site with two key servers, one console and no key pairs beside those that a test makes.
func newSite(t testing.TB) *Site {
	t.Helper()
	from := time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)
	to := from.AddDate(1, 0, 0)
	maker, err := cert.NewCA("maker", from, to, entropy.Stream(1, "maker"))
	must(t, err)
	s, err := New(Config{
		Facility: "75NR641", Servers: 2, Consoles: 1, Labels: []string{"a"}, Maker: maker, From: from, To: to,
		Clock: func() time.Time { return from }, Entropy: func(c string) io.Reader { return entropy.Stream(1, c) },
	})
	must(t, err)
	return s
}

// TestAMachineGetsTheKeyPairsOfOneThatRuns: with none it has none, whenever the others drew theirs.
func TestAMachineGetsTheKeyPairsOfOneThatRuns(t *testing.T) {
	s := newSite(t)
	var drawn []string
	s.UsePairs(func(label string) (ipp.KeyPair, error) {
		drawn = append(drawn, label)
		return ipp.KeyPair{Label: label}, nil
	})
	third, err := s.Add("c.example.com")
	must(t, err)
	require.Empty(t, drawn, "nothing depends on them yet")
	for n := 1; n <= 3; n++ {
		must(t, s.Stop(n))
	}
	fourth, err := s.Add("d.example.com")
	must(t, err)
	require.Len(t, third.pairs, 1)
	require.Empty(t, fourth.pairs, "nobody was there to give them")
	require.ErrorIs(t, fourth.LosePair("a"), request.ErrNotFound)
	require.ErrorIs(t, s.MakePair("a"), request.ErrInvalid, "it was agreed on")
	require.Equal(t, []string{"a"}, drawn)
}

// volume is storage that can be read or not.
type volume bool

func (v *volume) Where() (facility, rank string) { return "75NR641", "R0" }
func (v *volume) Readable() bool                 { return bool(*v) }

// TestAMachineRunsAsLongAsItsStorage: what a console meets says no more than that the host is silent.
func TestAMachineRunsAsLongAsItsStorage(t *testing.T) {
	s := newSite(t)
	k, err := s.Numbered(1)
	must(t, err)
	on := volume(true)
	k.Place(&on)
	dial := func() error { _, err := s.Dial(1, k.IP, PortKMIP); return err }
	must(t, dial())
	on = false
	require.ErrorIs(t, dial(), encgroup.ErrUnreachable)
	require.ErrorContains(t, dial(), "the host does not answer")
	require.Equal(t, KeyServerInfo{ID: 1, Addr: "keyserver1.example.com", IP: "192.0.2.11", Up: true, Facility: "75NR641", Rank: "R0"}, s.Info()[0])
	require.Equal(t, "key server 1: keyserver1.example.com, up true, key service false", fmt.Sprint(s.Info()[0]))
	k.Place(nil)
	must(t, dial())
}

// TestNothingPrivateCrossesTheWall: the certificate that a server shows has no private key.
func TestNothingPrivateCrossesTheWall(t *testing.T) {
	s := newSite(t)
	c, err := s.Dial(1, "keyserver1.example.com", PortKMIP)
	must(t, err)
	shown, err := c.Hello(true, KMIP)
	must(t, err)
	require.Panics(t, func() { _, _, _ = shown.PEM() })
	_, err = c.IPP()
	require.ErrorIs(t, err, encgroup.ErrProtocol)
}
