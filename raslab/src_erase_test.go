package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// stubborn is a flash that takes new records and gives up no old one.
const stubborn = "(flash.erase.refused) (flash.zero.refused)"

func TestBE34009ERankRemoval(t *testing.T) {
	l := encrypted(t, Options{})
	arm(t, l, "R1-I1-D03", stubborn)
	r, err := l.RemoveRank("R0")
	require.NoError(t, err)
	require.False(t, r.Failed, "to the customer the removal looks successful")
	require.Empty(t, l.plant.Ranks(), "the rank is gone")
	e := only(t, l, "BE34009E", "R1-I1-D03")
	require.Contains(t, e.Found[0], "removal of R0")
	require.Len(t, r.Events, 1, "the report shows the event")
	staysOpen(t, l, e)

	// The block erases again: a pseudo repair repeats the erase.
	require.NoError(t, l.Disarm("R1-I1-D03"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	normal(t, l, "R1-I1-D03")
	closed(t, l, e)
	ok(t, l)(l.RemoveArray("A0"))
	scan, err := l.Discontinue()
	ok(t, l)(scan.Report, err)
}

func TestBE34009ERankRemovalWithADeadMember(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D03"))
	_, err := l.RemoveRank("R0")
	require.NoError(t, err)
	e := only(t, l, "BE34009E", "R1-I1-D03")
	staysOpen(t, l, e)
	ok(t, l)(exchange(t, l, "R1-I1-D03", ""))
	closed(t, l, e)
}

func TestBE34009ERankRemovalDuringARebuild(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D03"))
	advance(t, l, time.Hour)
	d, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, Rebuilding, d.State)
	arm(t, l, "R1-I1-D08", stubborn)
	_, err = l.RemoveRank("R0")
	require.NoError(t, err)
	require.Len(t, l.events.OpenEvents(), 2, "the dead member and the spare that was being filled")
	advance(t, l, 2*time.Hour)
	d, err = l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, Failed, d.State, "the end of the rebuild does not make it a spare again")
}

func TestBE34009EFailedRankCreation(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	ok(t, l)(l.ConfigureGroup(1))
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	arm(t, l, "R1-I1-D02", "(flash.erase.refused (After 4)) (flash.zero.refused)")
	arm(t, l, "R1-I1-D04", "(flash.program.refused)")
	fails(t, l)(l.CreateRank("A0", 1))
	require.Empty(t, l.plant.Ranks(), "there is no rank")
	found := map[string]bool{}
	for _, e := range l.events.OpenEvents() {
		require.Equal(t, "BE34009E", e.SRC)
		require.Contains(t, e.Found[0], "failed creation of R0")
		found[e.Slots[0]] = true
	}
	require.True(t, found["R1-I1-D02"], "the member that had joined and cannot be erased is reported\n%s", history{l})
	require.False(t, found["R1-I1-D01"], "the member that was erased again is not")
	d, err := l.plant.Drive("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, drive.Erased, d.Status.State)
	require.NoError(t, l.Disarm("R1-I1-D02"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	ok(t, l)(exchange(t, l, "R1-I1-D04", ""))
	for _, e := range l.events.OpenEvents() {
		closed(t, l, e)
	}
	ok(t, l)(l.CreateRank("A0", 1))
}

func TestBE34009ERepair(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D03"))
	advance(t, l, 2*time.Hour) // found by the health check, rebuilt on the spare
	arm(t, l, "R1-I1-D08", "(flash.erase.refused) (flash.zero.refused)")
	ok(t, l)(exchange(t, l, "R1-I1-D03", ""))
	noEvents(t, l)
	advance(t, l, time.Hour) // copied back, the spare is released
	e := only(t, l, "BE34009E", "R1-I1-D08")
	require.Contains(t, e.Found[0], "repair of R1-I1-D03")
	readable(t, l)
	staysOpen(t, l, e)
	ok(t, l)(exchange(t, l, "R1-I1-D08", ""))
	closed(t, l, e)
	normal(t, l, "R1-I1-D08")
}

func TestBE34009EInstall(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	p, err := l.OrderSpare()
	require.NoError(t, err)
	for _, page := range p.Flash.Dump() {
		require.NoError(t, p.Flash.Decay(page.Block, page.Page, 1000), "its key record rotted on the shelf")
	}
	fails(t, l)(l.InstallMES(MESRequest{Serials: []string{"", p.Serial()}, AllowErase: true}))
	e := only(t, l, "BE34009E", "R1-I2-D02")
	require.Equal(t, p.Serial(), e.Serials[0])
	require.Contains(t, e.Found[0], "MES install of R1-I2")
	require.Len(t, l.plant.Sites(), 4, "the other drives are installed")
	_, err = l.CreateArray("S3", RAIDAuto)
	require.ErrorIs(t, err, ErrState, "a site with a drive that is not Normal carries no array")
	ok(t, l)(l.RevertDrive("R1-I2-D02"))
	normal(t, l, "R1-I2-D02")
	closed(t, l, e)
	ok(t, l)(l.CreateArray("S3", RAIDAuto))
}

func TestBE34009FDiscontinueScan(t *testing.T) {
	l := encrypted(t, Options{})
	_, err := l.Discontinue()
	require.ErrorIs(t, err, ErrState, "the scan is refused while a rank exists")
	arm(t, l, "R1-I1-D01", stubborn)
	arm(t, l, "R1-I1-D07", stubborn)
	_, err = l.RemoveRank("R0")
	require.NoError(t, err)
	ok(t, l)(l.RemoveArray("A0"))
	for _, e := range l.events.OpenEvents() {
		_, err := l.CloseEvent(e.ID, "operator", "they do not understand it", true)
		require.NoError(t, err, "an event closes by force")
	}
	scan, err := l.Discontinue()
	fails(t, l)(scan.Report, err)
	e := only(t, l, "BE34009F", "R1-I1-D01", "R1-I1-D07")
	require.Len(t, scan.Verdicts, 16, "every drive has a verdict")
	for _, v := range scan.Verdicts {
		bad := v.Slot == "R1-I1-D01" || v.Slot == "R1-I1-D07"
		require.Equal(t, !bad, v.Passed, "%s: %s", v.Slot, v.Verdict)
		if v.Verdict == "erased, certificate held" {
			require.NotEmpty(t, v.Certificate)
		}
	}
	staysOpen(t, l, e)
	require.NoError(t, l.Disarm("R1-I1-D01"))
	ok(t, l)(l.EraseDrive("R1-I1-D01"))
	staysOpen(t, l, e)
	serial := drivePart(t, l, "R1-I1-D07").Serial()
	ok(t, l)(exchange(t, l, "R1-I1-D07", ""))
	scan, err = l.Discontinue()
	fails(t, l)(scan.Report, err)
	require.Len(t, scan.Away, 1, "the drive that would not be erased has left, and is not forgotten for that")
	_, err = l.AnswerFor(serial, "J. Doe", "shredded")
	require.NoError(t, err)
	scan, err = l.Discontinue()
	ok(t, l)(scan.Report, err)
	closed(t, l, e)
}

func TestBE3400A3ForeignDriveInARepair(t *testing.T) {
	shelf := NewShelf(9)
	other := encrypted(t, Options{Serial: "75OTHER", Shelf: shelf})
	l := encrypted(t, Options{Shelf: shelf})
	member := drivePart(t, other, "R1-I1-D04")
	require.NoError(t, other.Pull("R1-I1-D04"), "somebody takes a member out of the other facility")
	require.NoError(t, l.Break("R1-I1-D02"))
	advance(t, l, 2*time.Hour)
	before := member.Drive.Dump()
	fails(t, l)(exchange(t, l, "R1-I1-D02", member.Serial()))
	e := only(t, l, "BE3400A3", "R1-I1-D02")
	require.Equal(t, []string{member.Serial()}, e.Serials)
	require.Equal(t, before.Flash, member.Drive.Dump().Flash, "not one bit of its keys was touched")
	staysOpen(t, l, e)
	fails(t, l)(l.EraseDrive("R1-I1-D02"))
	fails(t, l)(l.RevertDrive("R1-I1-D02"))
	require.Equal(t, before.Flash, member.Drive.Dump().Flash, "nor by hand, nor with its PSID")
	require.Equal(t, 3, only(t, l, "BE3400A3", "R1-I1-D02").Count)

	ok(t, l)(exchange(t, l, "R1-I1-D02", ""))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D02")
	closed(t, l, e)
	readable(t, l)

	// The drive goes home with its data.
	ok(t, other)(other.Insert("R1-I1-D04", member.Serial()))
	ok(t, other)(pseudoRepair(t, other, "R1-I1-D04"))
	advance(t, other, time.Hour)
	require.NoError(t, other.Break("R1-I1-D01"))
	readable(t, other)
}

func TestBE3400A3ForeignDriveInAnInstallAndAnInsert(t *testing.T) {
	shelf := NewShelf(9)
	other := encrypted(t, Options{Serial: "75OTHER", Shelf: shelf})
	l := newLab(t, Options{Drives: 8, Shelf: shelf})
	member := drivePart(t, other, "R1-I1-D04")
	require.NoError(t, other.Pull("R1-I1-D04"))
	fails(t, l)(l.InstallMES(MESRequest{Serials: []string{member.Serial()}, AllowErase: true}))
	e := only(t, l, "BE3400A3", "R1-I2-D01")
	require.NoError(t, l.Pull("R1-I2-D01"))
	closed(t, l, e)
	fails(t, l)(l.Insert("R1-I1-D09", member.Serial()))
	only(t, l, "BE3400A3", "R1-I1-D09")
}

// MAP4980, row BE3400A3: the probable cause is an erase that was tried, in a manual
// recovery, on a drive with customer data.
func TestBE3400A3EraseOfAMember(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	ok(t, l)(l.CreateRank("A1", 0))
	for name, try := range map[string]func(string) (Report, error){"erase": l.EraseDrive, "revert": l.RevertDrive} {
		_, err := try("R1-I1-D02")
		require.ErrorIs(t, err, ErrState, "%s of a member is refused", name)
		_, err = try("R1-I1-D09")
		require.ErrorIs(t, err, ErrState, "%s of a member of a rank without encryption is refused too", name)
	}
	e := only(t, l, "BE3400A3", "R1-I1-D02")
	require.Equal(t, 2, e.Count, "the configured member was to be erased twice; the other is not configured")
	require.Contains(t, e.Found[0], "holds data of R0")
	normal(t, l, "R1-I1-D02")
	readable(t, l)
	closed(t, l, e)
}
