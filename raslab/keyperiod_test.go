package raslab

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

func TestKeyPeriodCanBeChanged(t *testing.T) {
	l := encrypted(t, Options{})
	asked := func() string {
		a, err := l.keys.GroupAccess(1)
		must(t, err)
		return a[0].LastSuccess.Format("02 15:04")
	}
	advance(t, l, 7*time.Hour) // 15:00
	must(t, l.SetKeyPeriod(2*time.Hour))
	advance(t, l, time.Hour)
	require.Equal(t, "05 08:00", asked(), "the retrieval that was due at 16:00 is off")
	advance(t, l, time.Hour)
	require.Equal(t, "05 17:00", asked())
	advance(t, l, 2*time.Hour)
	require.Equal(t, "05 19:00", asked())
	must(t, l.SetKeyPeriod(24*time.Hour))
	advance(t, l, 23*time.Hour)
	require.Equal(t, "05 19:00", asked())
	advance(t, l, time.Hour)
	require.Equal(t, "06 19:00", asked())
	require.Equal(t, 24*time.Hour, l.KeyPeriod())
	for range 3 {
		must(t, l.SetKeyPeriod(time.Hour)) // the same moment asked for three times is one retrieval
	}
	stopServer(t, l, 1)
	advance(t, l, time.Hour)
	require.Equal(t, 1, openEvent(t, l, "BE14CFEA").Count)
	before := l.TraceText()
	require.ErrorIs(t, l.SetKeyPeriod(time.Second), ErrInvalid)
	require.True(t, strings.HasSuffix(l.TraceText(), before), "what was refused changed nothing")
}

// TestOneGroupWithoutItsKey does not keep the others from being looked after.
func TestOneGroupWithoutItsKey(t *testing.T) {
	l := encrypted(t, Options{KeyServers: 2})
	for _, addr := range []string{"c.example.com", "d.example.com"} {
		must(t, second(l.customer.Add(addr)))
		must(t, second(l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2})))
	}
	ok(t, l)(l.ConfigureGroup(2))
	g := l.keys.group(1)
	g.enc.PowerOff()
	require.NotEqual(t, encgroup.Accessible, g.enc.State())
	g.broken = encgroup.ErrInaccessible // nobody asks for its key
	asked := func() string {
		a, err := l.keys.GroupAccess(2)
		must(t, err)
		return a[2].LastSuccess.Format("02 15:04")
	}
	before := asked()
	l.retrievePeriodically()
	first := asked()
	advance(t, l, time.Hour)
	l.retrievePeriodically()
	require.NotEqual(t, first, asked(), "%s, %s", before, first)
}

// TestEitherPartitionsKeyIsEnough to know that the record of the group is the one that the data key
// opens, and to keep it at the consoles.
func TestEitherPartitionsKeyIsEnough(t *testing.T) {
	for _, cut := range [][]int{nil, {0}, {1}, {0, 1}} {
		l := encrypted(t, Options{})
		for _, p := range cut {
			must(t, l.SetLink(p, 1, LinkCut))
			must(t, l.SetLink(p, 2, LinkCut))
		}
		g := l.keys.group(1)
		g.store.backup = nil
		_, err := l.probeAll(g)
		must(t, err)
		require.Equal(t, len(cut) < 2, g.store.backup != nil, "cut off: %v", cut)
	}
}
