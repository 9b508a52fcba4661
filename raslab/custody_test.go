package raslab

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// salaries is what a host or a bench wrote in the tests of custody.
var salaries = bytes.Repeat([]byte("salaries of ACME"), 32)

// reads says whether anybody reads the salaries from a drive, without a credential.
func reads(p *Part) bool {
	got := make([]byte, len(salaries))
	for _, lba := range p.Drive.Dump().Written {
		if p.Drive.Read(lba, got) == nil && bytes.Equal(got, salaries) {
			return true
		}
	}
	return false
}

// used is a facility with a rank of a key group (0: unencrypted) on S1, with the salaries on it.
func used(t *testing.T, group int) *Lab {
	t.Helper()
	l := newLab(t, Options{})
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	if group > 0 {
		ok(t, l)(l.ConfigureGroup(group))
	}
	ok(t, l)(l.CreateRank("A0", group))
	write(t, l)
	return l
}

func write(t *testing.T, l *Lab) {
	t.Helper()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	for lba := range uint64(64) {
		require.NoError(t, r.Write(lba, salaries))
	}
}

// verdict is what a scan says of a slot.
func verdict(t *testing.T, l *Lab, slot string) DriveVerdict {
	t.Helper()
	scan, err := l.Discontinue()
	require.NoError(t, err)
	for _, v := range scan.Verdicts {
		if v.Slot == slot {
			return v
		}
	}
	require.Fail(t, "the scan says nothing of "+slot)
	return DriveVerdict{}
}

// scanned requires that a scan calls no readable drive erased, and returns the scan.
func scanned(t *testing.T, l *Lab) DiscontinueReport {
	t.Helper()
	scan, err := l.Discontinue()
	require.NoError(t, err)
	for _, v := range scan.Verdicts {
		require.False(t, v.Passed && reads(drivePart(t, l, v.Slot)), "%s passed (%s) and reads customer data", v.Slot, v.Verdict)
	}
	return scan
}

// bench writes the salaries to a loose drive.
func bench(t *testing.T, p *Part) {
	t.Helper()
	require.NoError(t, p.Drive.PowerOn())
	require.NoError(t, p.Drive.Write(0, salaries))
	p.Drive.PowerOff()
}

func state(t *testing.T, l *Lab, serial string) CustodyState {
	t.Helper()
	r, err := l.CustodyOf(serial)
	require.NoError(t, err)
	return r.State
}

func TestTheScanDoesNotPassADriveThatWasWrittenAndNeverConfigured(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	p := drivePart(t, l, "R1-I1-D10")
	require.NoError(t, p.Drive.Write(0, salaries), "past the facility, over the bus")
	scan := scanned(t, l)
	fails(t, l)(scan.Report, nil)
	e := only(t, l, "BE34009F", "R1-I1-D10")
	require.Equal(t, []string{"not proved: 1 sector that no rank wrote; erase it"}, e.Found)
	require.Contains(t, scan.Notes, "1 of 16 drives are not proved to be erased")
	require.Nil(t, l.Certificate(p.Serial()))
	staysOpen(t, l, e)

	require.NoError(t, l.Pull("R1-I1-D10"))
	scan = scanned(t, l)
	fails(t, l)(scan.Report, nil)
	require.Len(t, scan.Away, 1, "what a scan found is not forgotten when it is pulled")
	ok(t, l)(l.Insert("R1-I1-D10", p.Serial()))
	require.False(t, reads(p), "a drive that came back with data is erased before it may be used")
	scan = scanned(t, l)
	ok(t, l)(scan.Report, nil)
	require.Equal(t, "erased, certificate held", verdict(t, l, "R1-I1-D10").Verdict)
	closed(t, l, e)
}

func TestAPulledMemberOfAnUnencryptedRankIsNotForgotten(t *testing.T) {
	l := used(t, 0)
	p := drivePart(t, l, "R1-I1-D01")
	require.NoError(t, l.Pull("R1-I1-D01"))
	advance(t, l, 5*time.Hour)
	ok(t, l)(l.RemoveRank("R0"))
	scan := scanned(t, l)
	fails(t, l)(scan.Report, nil)
	require.Contains(t, scan.Notes, "75NR641-0001 is not in the facility, and was not erased here (member of R0, last in R1-I1-D01): find it and erase it, or let somebody answer for it")
	require.NoError(t, p.Drive.PowerOn())
	require.True(t, reads(p), "the case is one")

	ok(t, l)(l.Insert("R1-I1-D01", p.Serial()))
	scan = scanned(t, l)
	ok(t, l)(scan.Report, nil)
	require.Equal(t, CustodyErased, state(t, l, p.Serial()))
}

func TestACertificateEndsWithTheNextUse(t *testing.T) {
	l := newLab(t, Options{})
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	ok(t, l)(l.CreateRank("A0", 0))
	ok(t, l)(l.RemoveRank("R0"))
	require.NotNil(t, l.Certificate("75NR641-0002"))
	ok(t, l)(l.CreateRank("A0", 0))
	require.Nil(t, l.Certificate("75NR641-0002"), "it is in use from the first moment")
	write(t, l)
	require.Nil(t, l.Certificate("75NR641-0002"))
	_, why, err := l.CertificateAt("R1-I1-D02")
	require.NoError(t, err)
	require.Equal(t, "it is a member of R0", why)

	// A spare that takes over is used too.
	require.NoError(t, l.Break("R1-I1-D01"))
	advance(t, l, 3*time.Hour)
	require.Equal(t, CustodyHolds, state(t, l, "75NR641-0008"))
	ok(t, l)(l.RemoveRank("R0"))
	require.NotNil(t, l.Certificate("75NR641-0002"), "erased anew")
}

func TestACertificateEndsWithUseOnTheBench(t *testing.T) {
	l := used(t, 1)
	ok(t, l)(l.RemoveRank("R0"))
	p := drivePart(t, l, "R1-I1-D01")
	c := l.Certificate(p.Serial())
	require.NotNil(t, c)
	require.Equal(t, erase.IdentityText(identityOf(t, p)), c.Statement.MediaIdentity, "the certificate is about the device")

	require.NoError(t, l.Pull("R1-I1-D01"))
	require.Nil(t, l.Certificate(p.Serial()), "of a drive that is away nothing is proved")
	ok(t, l)(l.Insert("R1-I1-D01", p.Serial()))
	require.NotNil(t, l.Certificate(p.Serial()), "it came back as it was, and proved it")

	require.NoError(t, l.Pull("R1-I1-D01"))
	bench(t, p)
	ok(t, l)(l.Insert("R1-I1-D01", p.Serial()))
	require.Nil(t, l.Certificate(p.Serial()), "it was written on the bench")
	scan := scanned(t, l)
	fails(t, l)(scan.Report, nil)
	require.Equal(t, "not proved: written since its erase; erase it", verdict(t, l, "R1-I1-D01").Verdict)
	require.True(t, reads(p), "the case is one")
	ok(t, l)(l.EraseDrive("R1-I1-D01"))
	require.NotNil(t, l.Certificate(p.Serial()))

	s, err := p.Drive.Authenticate(drive.BandMaster(0), p.Label.MSID)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(p.Label.PSID), "somebody takes it into possession")
	s.Close()
	require.Nil(t, l.Certificate(p.Serial()))
	_, why, err := l.CertificateAt("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, "configured", why)
}

func TestASoundDriveThatWasExchangedIsNotForgotten(t *testing.T) {
	l := used(t, 1)
	p := drivePart(t, l, "R1-I1-D02")
	spare, err := l.OrderSpare()
	require.NoError(t, err)
	ok(t, l)(l.StartRepair("R1-I1-D02"))
	r := ok(t, l)(l.ExchangeFRU("R1-I1-D02", spare.Serial()))
	require.Contains(t, r.Notes, "75NR641-0002 was not erased (member of R0): its custody record stays open")
	ok(t, l)(l.ResumeRepair("R1-I1-D02"))
	advance(t, l, 5*time.Hour)
	ok(t, l)(l.PowerCycle())
	ok(t, l)(l.RemoveRank("R0"))
	scan := scanned(t, l)
	fails(t, l)(scan.Report, nil)
	require.Contains(t, scan.Notes, "75NR641-0002 is not in the facility, and was not erased here (member of R0, last in R1-I1-D02): find it and erase it, or let somebody answer for it")

	// The drive comes back, configured with a credential that nobody has any more.
	require.NoError(t, l.Pull("R1-I1-D16"))
	r = fails(t, l)(l.Insert("R1-I1-D16", p.Serial()))
	require.Contains(t, r.Notes, "75NR641-0002 ("+identityOf(t, p).String()+") has left this facility with data (member of R0), and its credential was given up: an erase with the PSID of its label is what is left")
	fails(t, l)(l.EraseDrive("R1-I1-D16"))
	fails(t, l)(scanned(t, l).Report, nil)
	ok(t, l)(l.RevertDrive("R1-I1-D16"))
	require.Equal(t, CustodyErased, state(t, l, p.Serial()))
	require.Equal(t, "erased, certificate held", verdict(t, l, "R1-I1-D16").Verdict)
}

// identityOf asks a drive that is on who it is, past the facility.
func identityOf(t *testing.T, p *Part) drive.Identity {
	t.Helper()
	a, err := p.Drive.Attest([drive.ChallengeSize]byte{})
	require.NoError(t, err)
	return a.Identity
}

func TestAMemberBehindASpareThatTookOverIsNotForgotten(t *testing.T) {
	l := used(t, 1)
	p := drivePart(t, l, "R1-I1-D01")
	require.NoError(t, l.Pull("R1-I1-D01"))
	advance(t, l, 5*time.Hour)
	ok(t, l)(l.RemoveRank("R0"))
	fails(t, l)(scanned(t, l).Report, nil)
	fails(t, l)(l.Insert("R1-I1-D01", p.Serial()))
	fails(t, l)(scanned(t, l).Report, nil)
	require.Equal(t, "configured", verdict(t, l, "R1-I1-D01").Verdict)
}

// TestADriveThatSomebodyElseConfiguredSince: the drive left with data and came back with other
// keys. It may be somebody else's by now.
func TestADriveThatSomebodyElseConfiguredSince(t *testing.T) {
	l := used(t, 1)
	p := drivePart(t, l, "R1-I1-D01")
	require.NoError(t, l.Pull("R1-I1-D01"))
	advance(t, l, 5*time.Hour)
	ok(t, l)(l.RemoveRank("R0"))
	require.NoError(t, p.Drive.PowerOn())
	require.NoError(t, p.Drive.RevertPSID(p.Label.PSID))
	s, err := p.Drive.Authenticate(drive.BandMaster(0), p.Label.MSID)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(p.Label.PSID))
	s.Close()
	require.NoError(t, p.Drive.Write(0, salaries))
	fails(t, l)(l.Insert("R1-I1-D01", p.Serial()))
	fails(t, l)(l.RevertDrive("R1-I1-D01"))
	require.Equal(t, drive.Configured, p.Drive.Status().State, "it is not destroyed")
}

func TestSomebodyAnswersForADrive(t *testing.T) {
	l := used(t, 1)
	require.NoError(t, l.Pull("R1-I1-D01"))
	_, err := l.AnswerFor("75NR641-0001", "J. Doe", "with the police")
	require.ErrorIs(t, err, ErrState, "R0 waits for it")
	advance(t, l, 5*time.Hour)
	ok(t, l)(l.RemoveRank("R0"))
	_, err = l.AnswerFor("75NR641-0001", " ", "with the police")
	require.ErrorIs(t, err, ErrInvalid, "nobody is nobody")
	_, err = l.AnswerFor("75NR641-0001", "J. Doe", "")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = l.AnswerFor("75NR641-0002", "J. Doe", "lost")
	require.ErrorIs(t, err, ErrState, "it was erased")
	_, err = l.AnswerFor("75NR641-9999", "J. Doe", "lost")
	require.ErrorIs(t, err, ErrNotFound)
	l.owed.debts = append(l.owed.debts, &debt{serial: "75NR641-0001", slot: l.plant.byName["R1-I1-D01"], stage: toErase, during: "removal of R0"})
	rec, err := l.AnswerFor("75nr641-0001", "J. Doe", "with the police")
	require.NoError(t, err)
	require.Equal(t, CustodyAnswered, rec.State)
	require.Empty(t, l.owed.debts, "nobody can erase it here any more")
	ok(t, l)(l.PowerCycle())
	scan := scanned(t, l)
	ok(t, l)(scan.Report, nil)
	require.Contains(t, scan.Notes, "75NR641-0001 is not in the facility, and was not erased here; J. Doe answered for it: with the police", "it is not called erased")
	require.Nil(t, l.Certificate("75NR641-0001"))

	r, err := l.Insert("R1-I1-D01", "75NR641-0001")
	fails(t, l)(r, err)
	require.Contains(t, r.Notes, "75NR641-0001 is back, for which J. Doe had answered: with the police")
	require.Equal(t, CustodyHolds, state(t, l, "75NR641-0001"))
	_, err = l.AnswerFor("75NR641-0001", "J. Doe", "again")
	require.ErrorIs(t, err, ErrState, "a drive that is here is erased, not answered for")
}

// clone makes another drive with the same serial number, on the shelf.
func clone(t *testing.T, l *Lab, serial string, seed uint64) *Part {
	t.Helper()
	p, err := manufacture(seed, serial, PartConfig{SectorSize: l.options.SectorSize, Sectors: l.options.Sectors})
	require.NoError(t, err)
	l.options.Shelf.parts = append(l.options.Shelf.parts, p)
	return p
}

func TestTwoDrivesWithOneSerialNumber(t *testing.T) {
	l := used(t, 0)
	ok(t, l)(l.RemoveRank("R0"))
	const serial = "75NR641-0001"
	require.NotNil(t, l.Certificate(serial))
	p := clone(t, l, serial, 99)
	bench(t, p)

	require.NoError(t, l.Pull("R1-I2-D16"))
	r := fails(t, l)(l.Insert("R1-I2-D16", serial))
	require.ErrorContains(t, r.Drives[0].Err, "it has the serial number of the drive in R1-I1-D01, and is another drive")
	scan := scanned(t, l)
	fails(t, l)(scan.Report, nil)
	require.Equal(t, "erased, certificate held", verdict(t, l, "R1-I1-D01").Verdict)
	require.Equal(t, "not proved: 1 sector that no rank wrote; erase it", verdict(t, l, "R1-I2-D16").Verdict, "its label does not make it the drive that was erased")
	c, _, err := l.CertificateAt("R1-I2-D16")
	require.NoError(t, err)
	require.Nil(t, c)
	_, err = l.CustodyOf(serial)
	require.ErrorContains(t, err, "2 drives with the serial number")
	one, err := l.CustodyOf(identityOf(t, p).String())
	require.NoError(t, err)
	require.Equal(t, CustodyHolds, one.State)

	ok(t, l)(l.EraseDrive("R1-I2-D16"))
	ok(t, l)(scanned(t, l).Report, nil)
	require.NotEqual(t, verdict(t, l, "R1-I1-D01").Certificate, verdict(t, l, "R1-I2-D16").Certificate, "each has its own")
}

func TestADriveWithTheSerialNumberOfAMemberIsNotTheMember(t *testing.T) {
	for _, group := range []int{0, 1} {
		l := used(t, group)
		member := drivePart(t, l, "R1-I1-D03")
		require.NoError(t, l.Pull("R1-I1-D03"))
		l.options.Shelf.take(member)
		p := clone(t, l, member.Serial(), 99)
		bench(t, p)
		before := p.Drive.Dump()
		r := fails(t, l)(l.Insert("R1-I1-D03", member.Serial()))
		require.ErrorContains(t, r.Drives[0].Err, "it has the serial number of the drive that R0 waits for, and is another drive")
		fails(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
		advance(t, l, 5*time.Hour)
		require.Equal(t, before.Written, p.Drive.Dump().Written, "nothing was written to it")
		ok(t, l)(l.EraseDrive("R1-I1-D03"))
		if group > 0 {
			require.NotNil(t, l.keys.owner(member.Serial()), "the erase of the other one does not drop the member from its group")
		}
		ok(t, l)(l.RemoveRank("R0"))
		scan := scanned(t, l)
		fails(t, l)(scan.Report, nil)
		require.Len(t, scan.Away, 1)
		require.Equal(t, identityOf2(t, member), scan.Away[0].Identity, "the member is away, though its serial number is here")
	}
}

func identityOf2(t *testing.T, p *Part) drive.Identity {
	t.Helper()
	require.NoError(t, p.Drive.PowerOn())
	return identityOf(t, p)
}

// TestACopyOfADriveFile: copied fuses prove the same identity. Two that are here at once are
// reported.
func TestACopyOfADriveFile(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	p := drivePart(t, l, "R1-I1-D01")
	c := clone(t, l, p.Serial(), l.options.Seed)
	require.Equal(t, identityOf2(t, p), identityOf2(t, c), "the case is one: the same fuses")
	require.NoError(t, l.Pull("R1-I1-D16"))
	r := fails(t, l)(l.Insert("R1-I1-D16", p.Serial()))
	require.ErrorContains(t, r.Drives[0].Err, "as R1-I1-D01 does: one is a copy of the other")
	fails(t, l)(scanned(t, l).Report, nil)
	require.Contains(t, verdict(t, l, "R1-I1-D01").Verdict, "R1-I1-D16 proves the same identity")
	require.Contains(t, verdict(t, l, "R1-I1-D16").Verdict, "R1-I1-D01 proves the same identity")
}

func TestADriveThatProvesNothingIsNotUsed(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	p, err := l.OrderSpare()
	require.NoError(t, err)
	p.Label.Serial = "RELABELLED"
	require.NoError(t, l.Pull("R1-I1-D16"))
	r := fails(t, l)(l.Insert("R1-I1-D16", "RELABELLED"))
	require.ErrorContains(t, r.Drives[0].Err, "its label says RELABELLED, and the drive itself FRU00001")
	require.Contains(t, verdict(t, l, "R1-I1-D16").Verdict, "not proved: does not prove its identity")
}

// TestTheRecordsAreOnAMedium: they are read again at each IML, not remembered.
func TestTheRecordsAreOnAMedium(t *testing.T) {
	l := used(t, 1)
	before := l.Custody()
	require.Len(t, before, 32)
	l.custody.clear() // the partitions' memory
	ok(t, l)(l.DualClusterIML())
	require.Equal(t, before, l.Custody())
	ok(t, l)(l.DualClusterIML()) // what was decoded at the last one is as good as the medium only while that is the same
	require.Equal(t, before, l.Custody())
	e := *l.custody.entries[0]
	e.Why = "the medium says so"
	text, err := json.Marshal(&e)
	require.NoError(t, err)
	require.NoError(t, l.custody.repo.Put(custodyPrefix+"000000", text))
	l.custody.entries[1].Why = "never saved"
	ok(t, l)(l.DualClusterIML())
	require.Equal(t, "the medium says so", l.Custody()[0].Why)
	require.Equal(t, before[1:], l.Custody()[1:])
}

// TestRecordsLikeADrive: those of its serial number and the one of its identity, oldest first, each
// once.
func TestRecordsLikeADrive(t *testing.T) {
	id, other := drive.Identity{1}, drive.Identity{2}
	c := &custody{}
	c.clear()
	all := []*CustodyRecord{
		{number: 1, Serial: "B", Identity: id}, {number: 2, Serial: "A", Identity: other}, {number: 3, Serial: "A"}, {number: 4, Serial: "C"},
	}
	for _, e := range all {
		c.add(e)
	}
	require.Equal(t, all[:3], c.like(id, "A"), "an identity under another serial number too")
	require.Equal(t, all[:1], c.like(id, "B"))
	require.Equal(t, all[3:], c.like(drive.Identity{}, "C"))
	require.Equal(t, []*CustodyRecord{all[1], all[2]}, c.like(drive.Identity{}, "A"), "the list itself stays")
}
