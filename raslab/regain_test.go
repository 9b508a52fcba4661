package raslab

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// TestTheWayBackAfterEachCode: after mending, the facility comes back by itself from BE14E004,
// BE14E008 and BE14E009, as MAP4980 says. After every other code it does not. Each place where a
// person looks then says that a dual cluster IML is needed, and no event closes before it.
func TestTheWayBackAfterEachCode(t *testing.T) {
	const byHand = "the partitions do not reboot by themselves"
	seen := map[string]bool{}
	for _, c := range keyCauses() {
		if len(c.iml) == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			l := encrypted(t, Options{})
			c.hurt(t, l)
			fails(t, l)(l.PowerCycle())
			open := l.events.OpenEvents()
			byItself := false
			for _, code := range openCodes(l) {
				seen[code] = true
				byItself = byItself || slices.Contains([]string{"BE14E004", "BE14E008", "BE14E009"}, code)
			}
			g, err := l.GroupByID(1)
			must(t, err)
			if byItself {
				require.Contains(t, g.Next, "every 12 minutes")
				c.heal(t, l)
				advance(t, l, 32*time.Minute)
				readable(t, l)
				require.Equal(t, []string{"BE14CFE0"}, openCodes(l))
				require.Empty(t, openEvent(t, l, "BE14CFE0").Next, "nothing is missing any more")
				return
			}
			c.heal(t, l)
			advance(t, l, 3*time.Hour)
			results, err := l.TestAccess(1)
			must(t, err)
			for _, r := range results {
				must(t, r.Err)
			}
			require.Equal(t, encgroup.Inaccessible, l.keys.Group(1).State())
			g, err = l.GroupByID(1)
			must(t, err)
			require.Contains(t, g.Next, byHand)
			for _, e := range open {
				_, err := l.CloseEvent(e.ID, "service", "repaired", false)
				require.ErrorIs(t, err, ErrOpen, "%s: its data are still locked", e.SRC)
				require.ErrorContains(t, err, byHand)
				e, err := l.events.Event(e.ID)
				must(t, err)
				require.Contains(t, e.Next, byHand, e.SRC)
			}
			ok(t, l)(l.DualClusterIML())
			readable(t, l)
			closeAll(t, l)
		})
	}
	require.Subset(t, keysOf(seen), []string{"BE14E004", "BE14E008", "BE14E009", "BE14E00B", "BE14E0F1", "BE14E011", "BE14E012"}, "each code was met")
}

func keysOf(m map[string]bool) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// twoGroups is a facility with a rank in each of two key groups; the servers of the second
// are 3 and 4.
func twoGroups(t *testing.T) *Lab {
	t.Helper()
	l := encrypted(t, Options{Drives: 32})
	for _, addr := range []string{keyServerAddr(3), keyServerAddr(4)} {
		_, err := l.customer.Add(addr)
		must(t, err)
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2})
		must(t, err)
	}
	ok(t, l)(l.ConfigureGroup(2))
	ok(t, l)(l.CreateArray("S3", RAIDAuto))
	ok(t, l)(l.CreateRank("A1", 2))
	return l
}

// TestAccessIsRegainedWhileAnotherGroupLacksItsKey: BE14CFE1 is about the groups that came back.
// The events of the group that still lacks its key stay.
func TestAccessIsRegainedWhileAnotherGroupLacksItsKey(t *testing.T) {
	l := twoGroups(t)
	backup(t, l)
	both(stopServer)(t, l)
	for n := 3; n <= 4; n++ {
		must(t, keyHost(t, l, n).LoseKey(2))
	}
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E008", "BE14E011"}, openCodes(l))
	both(startServer)(t, l)
	advance(t, l, 12*time.Minute+imlDuration)
	require.Equal(t, []int{3, 2}, l.keys.GroupStates(), "%s", history{l})
	last := l.events.Events()[len(l.events.Events())-1]
	require.Equal(t, "BE14CFE1", last.SRC)
	require.Equal(t, []int{0, 1}, last.Partitions)
	require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E011"}, openCodes(l), "the cause of BE14E008 is gone, that of BE14E011 is not")
	n := len(l.events.Events())
	advance(t, l, 48*time.Hour)
	require.Len(t, l.events.Events(), n, "no reboot follows: nothing has changed")
	for n := 3; n <= 4; n++ {
		restoreKey(t, l, n)
	}
	ok(t, l)(l.DualClusterIML())
	closeAll(t, l)
}

// TestAnotherReasonDoesNotKeepAnEvent: the servers of the second group were off, and
// answer now without the key. BE14E011 speaks of that; BE14E008 has no cause any more.
func TestAnotherReasonDoesNotKeepAnEvent(t *testing.T) {
	l := twoGroups(t)
	backup(t, l)
	for n := 1; n <= 4; n++ {
		stopServer(t, l, n)
	}
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E008", "BE14E008"}, openCodes(l))
	for n := 1; n <= 4; n++ {
		startServer(t, l, n)
	}
	for n := 3; n <= 4; n++ {
		must(t, keyHost(t, l, n).LoseKey(2))
	}
	advance(t, l, 12*time.Minute+imlDuration)
	require.Equal(t, "BE14CFE1", l.events.Events()[len(l.events.Events())-1].SRC)
	require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E011"}, openCodes(l))
}

// TestNoRebootForAServerThatAnsweredAllAlong: one server is down, the other has no key. A reboot
// after its answer would fail as the last one did, again and again.
func TestNoRebootForAServerThatAnsweredAllAlong(t *testing.T) {
	l := encrypted(t, Options{})
	backup(t, l)
	loseKey(t, l, 1)
	stopServer(t, l, 2)
	fails(t, l)(l.PowerCycle())
	last := l.Partitions()[0].LastIML
	advance(t, l, 7*24*time.Hour)
	require.Equal(t, last, l.Partitions()[0].LastIML, "the partitions did not reboot")
	for _, e := range l.events.OpenEvents() {
		require.Equal(t, 1, e.Count, e.SRC)
	}
	restoreKey(t, l, 1)
	advance(t, l, 12*time.Minute+imlDuration)
	readable(t, l)
	require.Equal(t, []string{"BE14CFE0"}, openCodes(l), "each partition gets the key from the other server, so BE14E008 went too")
	startServer(t, l, 2)
	closeAll(t, l)
}

// TestStatusFollowsThePath: whatever asks a key server over its path and gets the key has
// seen that the path works: lskeymgr and showkeygrp -access say so at once.
func TestStatusFollowsThePath(t *testing.T) {
	status := func(l *Lab) (string, string) {
		t.Helper()
		m, err := l.KeyManager(2)
		must(t, err)
		a, err := l.keys.GroupAccess(1)
		must(t, err)
		return m.Status, a[1].LastAccess
	}
	for name, see := range map[string]func(*Lab){
		"a connectivity query": func(l *Lab) { advance(t, l, 12*time.Minute) },
		"an IML":               func(l *Lab) { must(t, l.customer.Stop(1)); ok(t, l)(l.DualClusterIML()) },
		"a new data key":       func(l *Lab) { ok(t, l)(l.RekeyDataKey(1)) },
		"a second look before an event is closed": func(l *Lab) {
			closed(t, l, openEvent(t, l, "BE14EAF3"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			stopServer(t, l, 2)
			advance(t, l, keyPeriod)
			s, a := status(l)
			require.Equal(t, "failed failed", s+" "+a)
			g, err := l.GroupByID(1)
			must(t, err)
			require.Equal(t, "degraded", g.ManagerStatus)
			startServer(t, l, 2)
			see(l)
			s, a = status(l)
			require.Equal(t, "normal success", s+" "+a)
		})
	}
	t.Run("an IML that finds one server down", func(t *testing.T) {
		l := encrypted(t, Options{})
		stopServer(t, l, 1)
		ok(t, l)(l.DualClusterIML())
		m, err := l.KeyManager(1)
		must(t, err)
		require.Equal(t, "failed", m.Status, "it was asked before the one that gave the key")
	})
	t.Run("another address", func(t *testing.T) {
		l := encrypted(t, Options{})
		stopServer(t, l, 2)
		advance(t, l, keyPeriod)
		backup(t, l)
		addr := "backup.example.com"
		m, err := l.ChangeKeyManager(2, KeyManagerChange{Addr: &addr})
		must(t, err)
		require.Equal(t, "normal", m.Status, "nothing bad is known of the new path")
	})
}
