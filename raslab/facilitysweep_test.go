package raslab

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// everyCut makes the sweep take every cut point. Without it the sweep takes a share of them.
var everyCut = flag.Bool("everycut", false, "cut the power of the facility at every operation of every service action")

// sweptLab is a facility with rank R0, its data written, one drive on the shelf, and key
// servers for a key group 2 of type TCT.
func sweptLab(t testing.TB) *Lab {
	t.Helper()
	l := encrypted(t, Options{})
	_, err := l.Shelf().Order(l.options.SectorSize, l.options.Sectors)
	require.NoError(t, err)
	for _, addr := range []string{"cloudkeys1.example.com", "cloudkeys2.example.com"} {
		_, err := l.customer.Add(addr)
		require.NoError(t, err)
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2, Type: "TCT"})
		require.NoError(t, err)
	}
	return l
}

func armCut(t testing.TB, l *Lab, k int) {
	t.Helper()
	require.NoError(t, l.ArmFacility(fault.MustParse(fmt.Sprintf("(sfi.power.cut (OnIndex %d))", k))))
}

// cutAt runs an action whose power goes at operation k, and says whether it went.
func (c *swept) cutAt(t testing.TB, l *Lab, k int) bool {
	t.Helper()
	armCut(t, l, k)
	rep, err := c.run(l)
	require.NoError(t, err)
	fired := len(l.power.plan.Fired()) > 0
	require.Equal(t, fired, l.power.dark, "the plan fires where the power goes")
	if !fired {
		require.False(t, rep.Failed, "%s without a cut: %v", c.name, rep.Notes)
	}
	return fired
}

// after checks what must hold once power is back: the person does what the facility says, and then
// everything has its place.
func (c *swept) after(t testing.TB, l *Lab) {
	t.Helper()
	require.NoError(t, l.ArmFacility(nil))
	c.finish(t, l)
	advance(t, l, 6*time.Hour)
	c.intact(t, l)
	requireOrder(t, l)
	c.check(t, l)
	advance(t, l, 6*time.Hour)
	ok(t, l)(l.RekeyGroupKey(1))
	ok(t, l)(l.PowerCycle())
	c.intact(t, l)
	requireOrder(t, l)
}

func (c *swept) intact(t testing.TB, l *Lab) {
	t.Helper()
	if !c.empty {
		readable(t, l)
	}
}

// requireOrder says that no drive is in limbo: nothing is owed or in progress, the group
// lists exactly the members of its ranks, and any other drive is erased.
func requireOrder(t testing.TB, l *Lab) {
	t.Helper()
	require.Empty(t, l.Owed())
	require.Empty(t, l.owed.debts)
	require.Empty(t, l.plant.leaving)
	require.Empty(t, l.service.ServiceAction())
	require.Nil(t, l.service.installing)
	require.Nil(t, l.hostIO.nvs)
	var want, have []string
	for _, r := range l.plant.ranks {
		for _, m := range r.members {
			want = append(want, m.serial)
		}
	}
	for _, m := range l.keys.group(1).enc.Members() {
		have = append(have, m.Serial)
	}
	require.ElementsMatch(t, want, have, "the members of the group are those of its ranks")
	for _, s := range l.plant.slots {
		moving := []DriveState{MigrationSource, MigrationTarget, Rebuilding, Certifying, Removed}
		require.NotContains(t, moving, s.state, "%s has been left behind", s.name)
		if s.port.part == nil || slices.Contains(want, s.port.Serial()) {
			continue
		}
		require.Equal(t, drive.Erased, s.port.Status().State, "%s holds a drive without a place: %s", s.name, s.condition())
	}
}

// next is the cut point after k. A short action gets every point, a long one points more and more
// apart. Under -short, as with the race detector, the points are few. make sweep takes every point.
func next(k int, each bool) int {
	switch {
	case *everyCut:
		return k + 1
	case testing.Short():
		return 3*k + 1
	case each:
		return k + 1 + k/4
	}
	return k + 1 + k/2
}

// far is next where both cuts are swept. make soak takes every pair that by leaves.
func far(k, by int) int {
	switch {
	case *everyCut:
		return k + by
	case testing.Short():
		return 8*k + by
	}
	return 3*k + by
}

func sweptActions() []swept { return slices.Concat(sweptOnDrives, sweptOnKeys) }

// TestPowerCutOfTheFacility takes the power of the whole facility at the operations of each
// service action, until one ends without a cut.
func TestPowerCutOfTheFacility(t *testing.T) {
	for _, c := range sweptActions() {
		t.Run(c.name, func(t *testing.T) {
			for k := 0; ; k = next(k, c.short) {
				require.Less(t, k, 20000, "the sweep does not end")
				if !c.sweep(t, k) {
					require.Positive(t, k, "the action has operations")
					t.Logf("%s: %d operations or fewer", c.name, k)
					return
				}
			}
		})
	}
}

func (c *swept) sweep(t *testing.T, k int) (went bool) {
	l := sweptLab(t)
	defer func() {
		if t.Failed() {
			t.Logf("cut at operation %d\n%s", k, l.TraceText())
		}
	}()
	c.prepare(t, l)
	if went = c.cutAt(t, l, k); went {
		require.NoError(t, l.ArmFacility(nil))
		ok(t, l)(l.RestoreFacilityPower())
	}
	c.after(t, l)
	return went
}

// TestPowerCutOfTheFacilityTwice takes it again at the operations of the recovery.
func TestPowerCutOfTheFacilityTwice(t *testing.T) {
	for _, c := range sweptActions() {
		t.Run(c.name, func(t *testing.T) {
			for k := 1; ; k = far(k, 11) {
				for j := 0; ; j = far(j, 5) {
					require.Less(t, j, 40000, "the sweep does not end")
					first, second := c.sweepTwice(t, k, j)
					if !first {
						return
					}
					if !second {
						break
					}
				}
			}
		})
	}
}

func (c *swept) sweepTwice(t *testing.T, k, j int) (first, second bool) {
	l := sweptLab(t)
	defer func() {
		if t.Failed() {
			t.Logf("cut at operation %d, and at %d of the recovery\n%s", k, j, l.TraceText())
		}
	}()
	c.prepare(t, l)
	if !c.cutAt(t, l, k) {
		return false, false
	}
	armCut(t, l, j)
	_, err := l.RestoreFacilityPower()
	require.NoError(t, err)
	second = l.power.dark
	require.NoError(t, l.ArmFacility(nil))
	if second {
		ok(t, l)(l.RestoreFacilityPower())
	}
	c.after(t, l)
	return true, second
}
