package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What random runs on the key path have found, each in its shortest form.

// TestNobodyLooksWhilePartitionsAreDown: an event of the key path cannot be closed
// by a look while no partition runs that could look.
func TestNobodyLooksWhilePartitionsAreDown(t *testing.T) {
	l := encrypted(t, Options{})
	both(stopServer)(t, l)
	advance(t, l, keyPeriod)
	ok(t, l)(l.Quiesce())
	advance(t, l, quiesceDuration)
	ok(t, l)(l.Shutdown())
	for _, e := range l.events.OpenEvents() {
		staysOpen(t, l, e)
	}
	advance(t, l, shutdownDuration)
	both(startServer)(t, l)
	ok(t, l)(l.Resume())
	closeAll(t, l)
}

// TestNoGroupIsConfiguredWhilePartitionsAreDown: nobody could ask for its key.
func TestNoGroupIsConfiguredWhilePartitionsAreDown(t *testing.T) {
	l, err := New(Options{})
	must(t, err)
	ok(t, l)(l.Quiesce())
	advance(t, l, quiesceDuration)
	ok(t, l)(l.Shutdown())
	_, err = l.ConfigureGroup(1)
	require.ErrorIs(t, err, ErrState, "the partitions are down")
	require.Empty(t, l.Groups())
	advance(t, l, shutdownDuration)
	ok(t, l)(l.Resume())
	ok(t, l)(l.ConfigureGroup(1))
}

// TestFourHoursNeedAFailure: four hours of silence are reported by a query that
// finds the server silent, not by one that reaches no console.
func TestFourHoursNeedAFailure(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 1)
	advance(t, l, keyPeriod)
	consolesTo(false)(t, l)
	advance(t, l, 5*time.Hour)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3"}, openCodes(l), "nobody knows about the server now\n%s", history{l})
	consolesTo(true)(t, l)
	advance(t, l, 12*time.Minute)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"}, openCodes(l), "it was not heard of for more than four hours")
	staysOpen(t, l, openEvent(t, l, "BE14EAF4"))
}

// TestSilenceOfAServerThatIsNotAsked: the four hours begin anew when a server is
// asked again.
func TestSilenceOfAServerThatIsNotAsked(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 2)
	advance(t, l, keyPeriod)
	activate(false)(t, l, 2)
	advance(t, l, 10*time.Hour)
	activate(true)(t, l, 2)
	closeAllBut(t, l, "BE14CFEA", "BE14EAF3")
	l.RetrieveKeys()
	advance(t, l, time.Hour)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3"}, openCodes(l), "it fails for an hour, as far as anybody knows\n%s", history{l})
}

func closeAllBut(t testing.TB, l *Lab, codes ...string) {
	t.Helper()
	for _, e := range l.events.OpenEvents() {
		keep := false
		for _, c := range codes {
			keep = keep || e.SRC == c
		}
		if !keep {
			closed(t, l, e)
		}
	}
}

// TestSilentServerAndNoRepository: without a record there is nothing to try a key on,
// and an event about a silent server stays open.
func TestSilentServerAndNoRepository(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 1)
	advance(t, l, keyPeriod)
	damageAll(t, l)
	staysOpen(t, l, openEvent(t, l, "BE14EAF3"))
	ok(t, l)(l.RestoreRepository())
	staysOpen(t, l, openEvent(t, l, "BE14EAF3"))
	startServer(t, l, 1)
	closeAll(t, l)
}

func damageAll(t testing.TB, l *Lab) {
	t.Helper()
	for c := 1; c <= repositoryCopies; c++ {
		must(t, l.DamageRepository(c))
	}
}

// TestRestoreInTheMiddleOfAGroupRekey: members that have a credential of the new group
// key keep it, although every copy of the repository was lost before the rekey ended.
func TestRestoreInTheMiddleOfAGroupRekey(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.StartRepair("R1-I1-D03"))
	ok(t, l)(l.ExchangeFRU("R1-I1-D03", ""))
	must(t, l.Break("R1-I1-D03"))
	fails(t, l)(l.ResumeRepair("R1-I1-D03"))
	fails(t, l)(l.RekeyGroupKey(1))
	require.True(t, l.keys.Group(1).Rekeying().GroupKey, "the dead drive keeps both group keys alive")
	damageAll(t, l)
	fails(t, l)(l.PowerCycle())
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
}

// TestRestoreInTheMiddleOfADataRekey: the rekey goes on with a new data key that no second server
// has shown yet, although every copy of the repository was lost meanwhile.
func TestRestoreInTheMiddleOfADataRekey(t *testing.T) {
	l := encrypted(t, Options{})
	paths(false)(t, l, 2)
	fails(t, l)(l.RekeyDataKey(1))
	next := l.keys.Group(1).Record().NextUID
	require.NotEmpty(t, next)
	damageAll(t, l)
	fails(t, l)(l.PowerCycle())
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	paths(true)(t, l, 2)
	ok(t, l)(l.RekeyDataKey(1))
	require.Equal(t, next, dataKeyOf(l), "not a third key")
	readable(t, l)
}

// TestRestoreBesideAHalfConfiguredGroup: the group has no data yet, and its record is in memory.
func TestRestoreBesideAHalfConfiguredGroup(t *testing.T) {
	l := encrypted(t, Options{})
	for n := 1; n <= 2; n++ {
		_, err := l.MakeKeyManager(KeyManagerRequest{Addr: keyServerAddr(n), KeyGroup: 2})
		must(t, err)
	}
	paths(false)(t, l, 2)
	fails(t, l)(l.ConfigureGroup(2))
	damageAll(t, l)
	fails(t, l)(l.PowerCycle())
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
	paths(true)(t, l, 2)
	ok(t, l)(l.ConfigureGroup(2))
	ok(t, l)(l.PowerCycle())
}
