package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// glitch takes the power of a member for a moment: it comes back locked, and the check finds it.
func glitch(t *testing.T, l *Lab, slotName string) ServiceEvent {
	t.Helper()
	require.NoError(t, l.CutPower(slotName))
	require.NoError(t, l.RestorePower(slotName))
	require.Equal(t, []string{slotName}, l.CheckHealth().Bad)
	return only(t, l, "BE3400B3", slotName)
}

func positionState(t *testing.T, l *Lab, position int) string {
	t.Helper()
	r, err := l.plant.RankByName("R0")
	require.NoError(t, err)
	return r.Members[position].State
}

// A member that was out of reach and is well again missed what was written meanwhile. The next
// check resynchronises it, although its drive looks as it should.
func TestAMemberThatIsWellAgainIsResynchronised(t *testing.T) {
	t.Parallel()
	l := encrypted(t, Options{})
	e := glitch(t, l, "R1-I1-D02")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(2, 40*512)))
	require.NoError(t, l.keys.group(1).unlock(l.plant.byName["R1-I1-D02"]), "somebody with the keys unlocks it")
	require.Equal(t, "inaccessible", positionState(t, l, 1))
	staysOpen(t, l, e) // what it missed is not on it
	require.Empty(t, l.CheckHealth().Bad)
	staysOpen(t, l, e) // it is being filled
	advance(t, l, copyStep)
	require.Equal(t, "in sync", positionState(t, l, 1))
	closed(t, l, e)
	require.NoError(t, l.Break("R1-I1-D01"))
	got := make([]byte, 40*512)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(2, len(got)), got, "it has what it missed")
}

// A resynchronisation that ends in an error fails its member at once, and a spare takes over.
func TestAResynchronisationThatFailsFailsTheMember(t *testing.T) {
	t.Parallel()
	l := encrypted(t, Options{})
	glitch(t, l, "R1-I1-D02")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	require.NoError(t, l.Break("R1-I1-D02"))
	advance(t, l, copyStep)
	require.Equal(t, "failed", positionState(t, l, 1))
	require.Contains(t, l.TraceText(), "R0: rebuild of R1-I1-D08 begins")
	advance(t, l, copyStep)
	require.Equal(t, "in sync", positionState(t, l, 1))
	readable(t, l)
}

// The second look before an event of the check is closed asks the drive itself, even one that is
// believed to be well: its credential was changed since the last check.
func TestTheSecondLookAsksTheDrive(t *testing.T) {
	t.Parallel()
	l := encrypted(t, Options{})
	e := glitch(t, l, "R1-I1-D02")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	staysOpen(t, l, e) // the resynchronisation is running
	advance(t, l, copyStep)
	require.Equal(t, "in sync", positionState(t, l, 1))
	s, err := drivePart(t, l, "R1-I1-D02").Drive.Authenticate(drive.BandMaster(0), credential(t, l, "R1-I1-D02"))
	require.NoError(t, err)
	stolen, err := drive.NewPIN([]byte("now it is mine"))
	require.NoError(t, err)
	require.NoError(t, s.SetPIN(stolen))
	s.Close()
	_, err = l.CloseEvent(e.ID, "operator", "", false)
	require.ErrorIs(t, err, ErrOpen)
	require.ErrorContains(t, err, "R1-I1-D02: it does not open to its credential")
	require.NoError(t, l.Pull("R1-I1-D02"))
	closed(t, l, e) // another drive, or none, is not the one of the event
}

// Every kind of fault of a member has its words, and each is found by the next check.
func TestWhatTheCheckSaysOfAMember(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hurt func(t *testing.T, l *Lab, p *Part)
		why  string // "" if the member fails and has no event of its own
	}{
		"no power":   {func(t *testing.T, l *Lab, _ *Part) { require.NoError(t, l.CutPower("R1-I1-D02")) }, ""},
		"dead":       {func(_ *testing.T, _ *Lab, p *Part) { p.Break() }, ""},
		"taken out":  {func(t *testing.T, l *Lab, _ *Part) { require.NoError(t, l.Pull("R1-I1-D02")) }, ""},
		"reverted":   {func(t *testing.T, _ *Lab, p *Part) { require.NoError(t, p.Drive.RevertPSID(p.Label.PSID)) }, "its lifecycle state is Erased: it does not protect its data"},
		"unreadable": {func(t *testing.T, l *Lab, _ *Part) { degrade(t, l, "R1-I1-D02") }, "security degraded"},
		"locked": {func(t *testing.T, l *Lab, _ *Part) {
			require.NoError(t, l.CutPower("R1-I1-D02"))
			require.NoError(t, l.RestorePower("R1-I1-D02"))
		}, "locked"},
		"lock disabled": {func(t *testing.T, l *Lab, p *Part) {
			s, err := p.Drive.Authenticate(drive.BandMaster(0), credential(t, l, "R1-I1-D02"))
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.SetRange(drive.RangeConfig{}))
		}, "its lock is not enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := encrypted(t, Options{})
			c.hurt(t, l, drivePart(t, l, "R1-I1-D02"))
			rep := l.CheckHealth()
			require.True(t, rep.Ran)
			require.Equal(t, 7, rep.Checked)
			if c.why == "" {
				require.Empty(t, rep.Bad)
				noEvents(t, l)
				require.Equal(t, "failed", positionState(t, l, 1))
				advance(t, l, time.Hour)
				require.Equal(t, "in sync", positionState(t, l, 1), "a spare has taken over")
				return
			}
			require.Equal(t, []string{"R1-I1-D02"}, rep.Bad)
			require.Equal(t, []string{c.why}, only(t, l, "BE3400B3", "R1-I1-D02").Found)
			require.Equal(t, "inaccessible", positionState(t, l, 1))
			staysOpen(t, l, l.events.OpenEvents()[0])
		})
	}
}

// An event of several members stays open while one of them is not well, though the first is
// not in its slot any more.
func TestTheEventOfTheCheckWaitsForEveryMember(t *testing.T) {
	t.Parallel()
	l := encrypted(t, Options{})
	e := glitch(t, l, "R1-I1-D02")
	require.NoError(t, l.Pull("R1-I1-D02"))
	require.Empty(t, l.CheckHealth().Bad)
	advance(t, l, copyStep) // the spare has taken over
	require.NoError(t, l.CutPower("R1-I1-D05"))
	require.NoError(t, l.RestorePower("R1-I1-D05"))
	require.Equal(t, []string{"R1-I1-D05"}, l.CheckHealth().Bad)
	_, err := l.CloseEvent(e.ID, "operator", "", false)
	require.ErrorIs(t, err, ErrOpen)
	require.ErrorContains(t, err, "R1-I1-D05: locked")
	require.NotContains(t, err.Error(), "R1-I1-D02")
}

// The check looks at drives of no rank too. A drive without a trusted record is failed, and so is
// one that does not answer. The drives after it are looked at all the same.
func TestTheCheckLooksAtDrivesOfNoRank(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Drives: 16})
	require.NoError(t, l.Pull("R1-I1-D01"))
	ok(t, l)(l.StartRepair("R1-I1-D02"))
	degrade(t, l, "R1-I1-D03")
	require.NoError(t, l.Break("R1-I1-D04"))
	require.NoError(t, l.CutPower("R1-I1-D05"))
	arm(t, l, "R1-I1-D06", "(port.command.lost (OnIndex 0))")
	require.Equal(t, HealthReport{Ran: true, Partitions: []int{0, 1}}, l.CheckHealth())
	noEvents(t, l)
	for slot, want := range map[string]struct {
		state DriveState
		why   string
	}{
		"R1-I1-D01": {Missing, "the slot is empty"},
		"R1-I1-D02": {Removed, "under repair"},
		"R1-I1-D03": {Failed, "security degraded"},
		"R1-I1-D04": {Failed, "it does not answer"},
		"R1-I1-D05": {Failed, "it does not answer"},
		"R1-I1-D06": {Failed, "it does not answer"},
		"R1-I1-D07": {Normal, ""},
	} {
		d, err := l.plant.Drive(slot)
		require.NoError(t, err)
		require.Equal(t, want.state, d.State, slot)
		require.Equal(t, want.why, d.Why, slot)
	}
}

// The scrub of each hour passes over slots that cannot be asked, and says which drive fails its
// self test.
func TestTheScrubPassesOverSlotsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Drives: 16})
	require.NoError(t, l.Pull("R1-I1-D01"))
	require.NoError(t, l.Break("R1-I1-D02"))
	ok(t, l)(l.StartRepair("R1-I1-D03"))
	arm(t, l, "R1-I1-D04", "(port.command.lost)")
	before := len(l.Trace())
	l.scrub() // four drives
	require.Len(t, l.Trace(), before+1, "one drive of the four was asked\n%s", history{l})
	require.Equal(t, "self test: no power: the command got no answer", l.Trace()[before].Text)
	require.Equal(t, "R1-I1-D04", l.Trace()[before].Actor)
	require.Equal(t, 4, l.health.scrubNext)
}
