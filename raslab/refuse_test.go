package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
)

func TestHealthCheckWritesNothing(t *testing.T) {
	l := encrypted(t, Options{})
	before := make([]uint64, len(l.plant.slots))
	for i, s := range l.plant.slots {
		before[i] = s.port.part.Flash.Ops().Mutations()
	}
	advance(t, l, 100*time.Hour)
	for i, s := range l.plant.slots {
		require.Equal(t, before[i], s.port.part.Flash.Ops().Mutations(), "the check of %s wears no flash: a generation that the facility made itself needs no probe", s.name)
	}
}

func TestHealthCheckNeedsAPartitionWithData(t *testing.T) {
	l := encrypted(t, Options{})
	require.True(t, l.CheckHealth().Ran)
	require.NoError(t, l.customer.Stop(1))
	require.NoError(t, l.customer.Stop(2))
	fails(t, l)(l.DualClusterIML())
	require.NoError(t, l.Break("R1-I1-D16"))
	advance(t, l, 5*time.Hour)
	require.False(t, l.CheckHealth().Ran)
	d, err := l.plant.Drive("R1-I1-D16")
	require.NoError(t, err)
	require.Equal(t, Normal, d.State, "nobody has looked at the drive that died")
	require.NoError(t, l.customer.Start(1))
	ok(t, l)(l.DualClusterIML())
	advance(t, l, time.Hour)
	d, err = l.plant.Drive("R1-I1-D16")
	require.NoError(t, err)
	require.Equal(t, Failed, d.State)
	require.Empty(t, notOfKeys(l.events.Events()))
}

func TestMembersInEachOthersSlotsAreNotErased(t *testing.T) {
	l := encrypted(t, Options{})
	a, b := drivePart(t, l, "R1-I1-D02"), drivePart(t, l, "R1-I1-D03")
	require.NoError(t, l.Pull("R1-I1-D02"))
	require.NoError(t, l.Pull("R1-I1-D03"))
	fails(t, l)(l.Insert("R1-I1-D03", a.Serial()))
	fails(t, l)(l.Insert("R1-I1-D02", b.Serial()))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.Error(t, r.Read(0, make([]byte, 40*512)), "two members are not where they belong")
	for _, s := range []string{"R1-I1-D02", "R1-I1-D03"} {
		_, err := l.EraseDrive(s)
		require.Error(t, err, "neither is erased by hand")
	}
	require.NoError(t, l.Pull("R1-I1-D02"))
	require.NoError(t, l.Pull("R1-I1-D03"))
	ok(t, l)(l.Insert("R1-I1-D02", a.Serial()))
	ok(t, l)(l.Insert("R1-I1-D03", b.Serial()))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	advance(t, l, time.Hour)
	readable(t, l)
	require.NoError(t, l.Break("R1-I1-D01"))
	readable(t, l) // each of them has its data
}

func TestNoCustomerDataOnAnOpenDrive(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D04")
	msid, err := p.Drive.MSID()
	require.NoError(t, err)
	s, err := p.Drive.Authenticate(drive.EraseMaster, msid)
	require.NoError(t, err)
	require.NoError(t, s.EraseAll(), "a member is erased behind the facility's back: it is open to all now")
	s.Close()
	sectors := func() (all [][]byte) {
		d := p.Drive.Dump()
		for _, lba := range d.Written {
			b, _ := d.Sector(lba)
			all = append(all, b)
		}
		return all
	}
	before := sectors()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(9, 120*512)), "the rank takes writes")
	require.Equal(t, before, sectors(), "and none of them went to the drive that protects nothing")
}

func TestDiscontinueDoesNotTakeADrivesWord(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	serial := l.plant.slots[2].port.Serial()
	l.custody.notErased(l.plant.slots[2], "verification found an old wrap")
	d, err := l.Discontinue()
	fails(t, l)(d.Report, err)
	require.Equal(t, "not erased: verification found an old wrap", d.Verdicts[2].Verdict, "the drive says Erased, and that is not enough")
	ok(t, l)(l.EraseDrive("R1-I1-D03"))
	d, err = l.Discontinue()
	ok(t, l)(d.Report, err)
	require.Equal(t, "never written, nothing is on its medium", d.Verdicts[0].Verdict)
	require.Equal(t, "erased, certificate held", d.Verdicts[2].Verdict)
	c, err := erase.VerifyCertificate(d.Verdicts[2].Certificate, nil)
	require.NoError(t, err)
	require.Equal(t, serial, c.Statement.MediaSerial)
}

func TestRepairEndsWhenTheGroupIsInaccessible(t *testing.T) {
	l := degraded(t)
	p, err := l.OrderSpare()
	require.NoError(t, err)
	require.NoError(t, l.customer.Stop(1))
	require.NoError(t, l.customer.Stop(2))
	fails(t, l)(l.DualClusterIML())
	ok(t, l)(l.StartRepair("R1-I1-D05"))
	ok(t, l)(l.ExchangeFRU("R1-I1-D05", p.Serial()))
	r := fails(t, l)(l.ResumeRepair("R1-I1-D05"))
	require.ErrorIs(t, r.Drives[0].Err, ErrNoAccess)
	e := only(t, l, "BE3400A2", "R1-I1-D05")
	require.Contains(t, e.Found[0], "the replacement cannot join key group 1, which is inaccessible")
	staysOpen(t, l, e)
	require.Empty(t, l.service.ServiceAction(), "a service action that cannot succeed does not keep the IML away")
	require.NoError(t, l.customer.Start(1))
	ok(t, l)(l.DualClusterIML())
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D05"))
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D05")
	normal(t, l, "R1-I1-D08")
	closed(t, l, e)
	require.Len(t, notOfKeys(l.events.Events()), 1)
	readable(t, l)
}

func TestDriveThatWasReplacedIsAnybodysDrive(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D05")
	require.NoError(t, l.Pull("R1-I1-D05"))
	advance(t, l, 2*time.Hour)
	ok(t, l)(exchange(t, l, "R1-I1-D05", ""))
	advance(t, l, time.Hour)
	fails(t, l)(exchange(t, l, "R1-I1-D08", p.Serial()))
	only(t, l, "BE3400A3", "R1-I1-D08")
	require.Equal(t, drive.Configured, p.Drive.Status().State, "nobody erases it on the strength of having known it once")
}
