package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// credential is the access credential in force, as a thief would have it from the facility.
func credential(t testing.TB, l *Lab, slotName string) drive.PIN {
	t.Helper()
	d, err := l.plant.Drive(slotName)
	require.NoError(t, err)
	all, err := l.keys.Group(1).Secrets(d.Serial)
	require.NoError(t, err)
	require.Greater(t, len(all), 2, "the drive was a member at some time")
	return drive.CredentialPIN(all[len(all)-1].Secret)
}

func drivePart(t testing.TB, l *Lab, slotName string) *Part {
	t.Helper()
	p, err := l.plant.Part(slotName)
	require.NoError(t, err)
	return p
}

// pseudoRepair repairs a slot without exchanging its drive.
func pseudoRepair(t testing.TB, l *Lab, slotName string) (Report, error) {
	t.Helper()
	ok(t, l)(l.StartRepair(slotName))
	ok(t, l)(l.ExchangeFRU(slotName, ""))
	return l.ResumeRepair(slotName)
}

// exchange repairs a slot with a part, a new one if serial is empty.
func exchange(t testing.TB, l *Lab, slotName, serial string) (Report, error) {
	t.Helper()
	if serial == "" {
		p, err := l.OrderSpare()
		require.NoError(t, err)
		serial = p.Serial()
	}
	ok(t, l)(l.StartRepair(slotName))
	ok(t, l)(l.ExchangeFRU(slotName, serial))
	return l.ResumeRepair(slotName)
}

func normal(t testing.TB, l *Lab, slotName string) {
	t.Helper()
	d, err := l.plant.Drive(slotName)
	require.NoError(t, err)
	require.Equal(t, Normal, d.State, "%s is Normal again (%s)\n%s", slotName, d.Why, history{l})
}

func TestBE3400B3RottenRecord(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D03")
	l.CutPower("R1-I1-D03")
	for _, page := range p.Flash.Dump() {
		require.NoError(t, p.Flash.Decay(page.Block, page.Page, 1000), "every page of the key record rots while the drive is off")
	}
	require.NoError(t, l.RestorePower("R1-I1-D03"))
	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D03")
	require.Equal(t, []int{0, 1}, e.Partitions, "both partitions report it")
	require.Contains(t, e.Found[0], "security degraded")
	readable(t, l)
	staysOpen(t, l, e)

	advance(t, l, 3*time.Hour)
	e = only(t, l, "BE3400B3", "R1-I1-D03")
	require.Equal(t, 4, e.Count, "each hourly check that finds it again counts on the open event")
	require.Equal(t, 3*time.Hour, e.Last.Sub(e.First))

	// No record, no owner's proof: the engine does not erase on a guess, and the
	// drive has to be reverted with the PSID on its label.
	fails(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	require.Len(t, l.events.OpenEvents(), 2)
	require.Equal(t, "BE34009E", l.events.OpenEvents()[1].SRC, "the drive could not be erased in the repair")
	advance(t, l, time.Hour) // the spare takes over
	ok(t, l)(l.RevertDrive("R1-I1-D03"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D03")
	normal(t, l, "R1-I1-D08")
	for _, e := range l.events.OpenEvents() {
		closed(t, l, e)
	}
	readable(t, l)
	advance(t, l, 24*time.Hour)
	require.Empty(t, l.events.OpenEvents(), "nothing is left")
}

func TestBE3400B3CredentialChangedBehindTheFacilitysBack(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D05")
	s, err := p.Drive.Authenticate(drive.BandMaster(0), credential(t, l, "R1-I1-D05"))
	require.NoError(t, err, "a thief knows the credential")
	stolen, err := drive.NewPIN([]byte("now it is mine"))
	require.NoError(t, err)
	require.NoError(t, s.SetPIN(stolen))
	s.Close()

	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D05")
	require.Contains(t, e.Found[0], "does not open to its credential")
	tries := func() uint16 {
		used, _, err := p.Drive.Tries(drive.BandMaster(0))
		require.NoError(t, err)
		return used
	}
	before := tries()
	advance(t, l, 100*time.Hour)
	require.Equal(t, before, tries(), "the wrong credential is tried once for each key generation, not once an hour")
	readable(t, l)

	// The facility cannot prove that the drive is its own any more.
	fails(t, l)(pseudoRepair(t, l, "R1-I1-D05"))
	advance(t, l, time.Hour)
	ok(t, l)(exchange(t, l, "R1-I1-D05", ""))
	advance(t, l, time.Hour)
	for _, e := range l.events.OpenEvents() {
		closed(t, l, e)
	}
	readable(t, l)
	normal(t, l, "R1-I1-D05")
	normal(t, l, "R1-I1-D08")
}

func TestBE3400B3LockedByAGlitchOfPower(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.CutPower("R1-I1-D02"))
	require.NoError(t, l.RestorePower("R1-I1-D02"))
	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D02")
	require.Equal(t, "locked", e.Found[0])

	// What is written meanwhile is missing on the locked member.
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(2, 40*512)))
	staysOpen(t, l, e)
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D02")
	closed(t, l, e)

	require.NoError(t, l.Break("R1-I1-D01"), "another member dies")
	got := make([]byte, 40*512)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(2, 40*512), got, "the member that came back has what it had missed")
}

func TestBE3400B3RekeyCutByPower(t *testing.T) {
	l := encrypted(t, Options{})
	arm(t, l, "R1-I1-D04", "(flash.power.torn (OnIndex 2))")
	fails(t, l)(l.RekeyDrive("R1-I1-D04"))
	require.NoError(t, l.Disarm("R1-I1-D04"))
	require.NoError(t, l.CutPower("R1-I1-D04"))
	require.NoError(t, l.RestorePower("R1-I1-D04"))
	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D04")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D04"))
	advance(t, l, time.Hour)
	closed(t, l, e)
	readable(t, l)
	ok(t, l)(l.RekeyDrive("R1-I1-D04"))
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	advance(t, l, 24*time.Hour)
	require.Empty(t, l.events.OpenEvents())
}

func TestBE3400B3ErasedBehindTheFacilitysBack(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D06")
	msid, err := p.Drive.MSID()
	require.NoError(t, err)
	s, err := p.Drive.Authenticate(drive.EraseMaster, msid)
	require.NoError(t, err, "anybody can erase a drive whose EraseMaster has MSID")
	require.NoError(t, s.EraseAll())
	s.Close()

	readable(t, l) // the member answers noise without an error, and is found out
	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D06")
	require.Contains(t, e.Found[0], "its lifecycle state is Erased")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D06"))
	advance(t, l, time.Hour)
	closed(t, l, e)
	require.NoError(t, l.Break("R1-I1-D01"))
	readable(t, l)
}

func TestInaccessibleGroupIsNotReportedDriveByDrive(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.customer.Stop(1))
	require.NoError(t, l.customer.Stop(2))
	advance(t, l, 24*time.Hour)
	readable(t, l) // the keys are in memory
	fails(t, l)(l.PowerCycle())
	advance(t, l, 24*time.Hour)
	for _, e := range l.events.Events() {
		require.NotEqual(t, "BE3400B3", e.SRC, "the health check does not run without access to data")
	}
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.ErrorIs(t, r.Read(0, make([]byte, 512)), ErrNoAccess)
	require.Equal(t, "Inaccessible", r.Info().DataState)
	require.NoError(t, l.customer.Start(2))
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
	advance(t, l, 2*time.Hour)
	require.Empty(t, notOfKeys(l.events.OpenEvents()))
}
