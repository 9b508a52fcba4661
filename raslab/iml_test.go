package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnIMLThatSaysDataAccessible: the data are accessible when the IML says so.
func TestAnIMLThatSaysDataAccessible(t *testing.T) {
	l := encrypted(t, Options{})
	for _, s := range []string{"R1-I1-D02", "R1-I1-D03"} {
		require.NoError(t, l.CutPower(s))
	}
	for _, s := range []string{"R1-I1-D02", "R1-I1-D03"} {
		require.NoError(t, l.RestorePower(s))
	}
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.ErrorIs(t, r.Read(0, make([]byte, 40*512)), ErrNoAccess, "two members are locked")
	rep := ok(t, l)(l.DualClusterIML())
	require.Contains(t, rep.Notes, "2 drives unlocked")
	require.Contains(t, rep.Notes, "IML complete, data accessible")
	readable(t, l)
	require.NoError(t, r.Write(0, pattern(1, 40*512)), "and they can be written")
	advance(t, l, 20*time.Minute)
	require.Equal(t, "Normal", l.plant.Ranks()[0].DataState, "the last member caught up beside the hosts")
	noEvents(t, l)
}

// TestAnIMLNamesTheMembersThatItCouldNotUnlock: of seven members, six.
func TestAnIMLNamesTheMembersThatItCouldNotUnlock(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D04"))
	rep := ok(t, l)(l.PowerCycle())
	require.Contains(t, rep.Notes, "6 drives unlocked")
	require.Contains(t, rep.Notes, "R1-I1-D04 is a member of key group 1 and was not unlocked: it does not answer")
	require.Contains(t, rep.Notes, "IML complete, data accessible", "six of seven are enough")
	readable(t, l)
}

// TestAnIMLDoesNotCallDataAccessibleThatAreNot: two of seven are broken.
func TestAnIMLDoesNotCallDataAccessibleThatAreNot(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D04"))
	require.NoError(t, l.Break("R1-I1-D05"))
	rep, err := l.PowerCycle()
	require.NoError(t, err)
	require.NotContains(t, rep.Notes, "IML complete, data accessible")
	require.Contains(t, rep.Notes, "IML complete, data accessible but for these ranks")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.Error(t, r.Read(0, make([]byte, 40*512)))
}

// TestMembersThatFailedForWantOfPower: all members lose power for twelve minutes, which the
// facility takes for failures. The IML looks again.
func TestMembersThatFailedForWantOfPower(t *testing.T) {
	for _, group := range []int{0, 1} {
		l := used(t, group)
		for _, s := range l.plant.slots[:7] {
			s.port.PowerOff()
		}
		advance(t, l, 70*time.Minute)
		require.Equal(t, "Failed", l.plant.Ranks()[0].DataState)
		for _, s := range l.plant.slots[:7] {
			require.NoError(t, s.port.PowerOn())
		}
		rep := ok(t, l)(l.DualClusterIML())
		require.Contains(t, rep.Notes, "IML complete, data accessible")
		r, err := l.plant.Rank("R0")
		require.NoError(t, err)
		require.NoError(t, r.Read(0, make([]byte, 64*512)), "everything is there\n%s", history{l})
		advance(t, l, 20*time.Minute)
		require.Equal(t, "Normal", l.plant.Ranks()[0].DataState)
	}
}
