package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// degraded is a facility whose member D05 died and is served by spare D08.
func degraded(t testing.TB) *Lab {
	t.Helper()
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D05"))
	advance(t, l, 2*time.Hour)
	noEvents(t, l)
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.Equal(t, "R1-I1-D08", r.Info().Members[4].Slot, "the spare has taken over\n%s", history{l})
	require.Equal(t, "Normal", r.Info().DataState)
	return l
}

func spareWith(t testing.TB, l *Lab, plan string) string {
	t.Helper()
	p, err := l.OrderSpare()
	require.NoError(t, err)
	armPart(t, p, plan)
	return p.Serial()
}

func checkMigrationFailed(t *testing.T, l *Lab, serial string) {
	t.Helper()
	e := only(t, l, "BE31F004", "R1-I1-D05")
	require.Equal(t, []string{serial}, e.Serials, "the event names the replacement")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.Equal(t, "R1-I1-D08", r.Info().Members[4].Slot, "the rank stays on its spare")
	readable(t, l)
	staysOpen(t, l, e)
	ok(t, l)(exchange(t, l, "R1-I1-D05", ""))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D05")
	normal(t, l, "R1-I1-D08")
	require.Equal(t, "R1-I1-D05", r.Info().Members[4].Slot, "the data are back at home")
	closed(t, l, e)
	readable(t, l)
	d, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, SpareRequired, d.Use)
	require.Equal(t, drive.Erased, d.Status.State, "the spare was erased and is a spare again")
}

func TestBE31F004FlashRefusesPrograms(t *testing.T) {
	l := degraded(t)
	serial := spareWith(t, l, "(flash.program.refused)")
	fails(t, l)(exchange(t, l, "R1-I1-D05", serial))
	checkMigrationFailed(t, l, serial)
}

func TestBE31F004RejectsMSID(t *testing.T) {
	l := degraded(t)
	p, err := l.OrderSpare()
	require.NoError(t, err)
	wrong, err := drive.NewPIN([]byte("a guess"))
	require.NoError(t, err)
	require.NoError(t, p.Drive.PowerOn())
	for range driveTryLimit {
		_, err := p.Drive.Authenticate(drive.EraseMaster, wrong)
		require.Error(t, err, "somebody has played with the spare part before")
	}
	p.Drive.PowerOff()
	fails(t, l)(exchange(t, l, "R1-I1-D05", p.Serial()))
	checkMigrationFailed(t, l, p.Serial())
}

func TestBE31F004DiesInTheMigration(t *testing.T) {
	l := degraded(t)
	serial := spareWith(t, l, "(flash.power.torn (OnIndex 14)) (port.power.refused (After 1))")
	fails(t, l)(exchange(t, l, "R1-I1-D05", serial))
	fails(t, l)(pseudoRepair(t, l, "R1-I1-D05")) // it does not boot any more
	checkMigrationFailed(t, l, serial)
}

func TestBE31F004PseudoRepairAfterAGlitch(t *testing.T) {
	l := degraded(t)
	serial := spareWith(t, l, "(flash.power.before (OnIndex 14))")
	fails(t, l)(exchange(t, l, "R1-I1-D05", serial))
	e := only(t, l, "BE31F004", "R1-I1-D05")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D05"))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D05")
	closed(t, l, e)
	readable(t, l)
}

func TestBE3400A2SmartRebuildWithoutKeys(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.customer.Stop(1))
	require.NoError(t, l.customer.Stop(2))
	fails(t, l)(l.PowerCycle())
	fails(t, l)(l.SmartRebuild("R1-I1-D06"))
	e := only(t, l, "BE3400A2", "R1-I1-D06")
	require.Empty(t, l.service.ServiceAction(), "the smart rebuild is over")
	staysOpen(t, l, e)
	d, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, drive.Erased, d.Status.State, "the spare is untouched")
	require.NoError(t, l.customer.Start(1))
	ok(t, l)(l.DualClusterIML())
	ok(t, l)(l.SmartRebuild("R1-I1-D06"))
	require.Equal(t, "smart rebuild of R1-I1-D06", l.service.ServiceAction())
	advance(t, l, time.Hour)
	closed(t, l, e)
	readable(t, l)
}

func TestSmartRebuildCopiesAndReleases(t *testing.T) {
	l := encrypted(t, Options{})
	arm(t, l, "R1-I1-D06", "(media.read.error (LBA 1))")
	for range mediaErrorsPredict {
		readable(t, l)
	}
	d, err := l.plant.Drive("R1-I1-D06")
	require.NoError(t, err)
	require.True(t, d.Predicted, "media errors predict the failure (%d)", d.Errors)
	ok(t, l)(l.SmartRebuild("R1-I1-D06"))
	_, err = l.StartRepair("R1-I1-D01")
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "smart rebuild of R1-I1-D06", "the refusal names what is in progress")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(10, pattern(3, 512)), "hosts write meanwhile")
	advance(t, l, time.Hour)
	require.Equal(t, "R1-I1-D08", r.Info().Members[5].Slot)
	d, err = l.plant.Drive("R1-I1-D06")
	require.NoError(t, err)
	require.Equal(t, FailedDeferred, d.State)
	require.Equal(t, drive.Erased, d.Status.State, "the old member was released by a cryptographic erase")
	require.NotNil(t, l.Certificate(d.Serial))
	ok(t, l)(exchange(t, l, "R1-I1-D06", ""))
	advance(t, l, time.Hour)
	require.Equal(t, "R1-I1-D06", r.Info().Members[5].Slot, "repaired and copied back")
	noEvents(t, l)
	got := make([]byte, 512)
	require.NoError(t, r.Read(10, got))
	require.Equal(t, pattern(3, 512), got)
}

func TestSmartRebuildWithABadSpareIsNoMatterOfKeys(t *testing.T) {
	l := encrypted(t, Options{})
	arm(t, l, "R1-I1-D08", "(flash.program.refused)")
	fails(t, l)(l.SmartRebuild("R1-I1-D06"))
	noEvents(t, l)
	d, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, Failed, d.State, "the spare is set aside")
	_, err = l.SmartRebuild("R1-I1-D06")
	require.ErrorIs(t, err, ErrState, "there is no other spare")
	readable(t, l)
}

// A member that was erased behind the facility's back opens to nothing: a pseudo
// repair admits it afresh, and says so.
func TestPseudoRepairSaysThatTheMemberWasErased(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D03")
	msid, err := p.Drive.MSID()
	require.NoError(t, err)
	s, err := p.Drive.Authenticate(drive.EraseMaster, msid)
	require.NoError(t, err, "the EraseMaster of a member is at MSID")
	require.NoError(t, s.Erase(0))
	s.Close()
	advance(t, l, time.Hour)
	only(t, l, "BE3400B3", "R1-I1-D03")
	r := ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	require.Equal(t, "was erased behind the facility's back: it joined key group 1 afresh, and R0 fills it again", r.Drives[0].Did)
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D03")
	readable(t, l)
}
