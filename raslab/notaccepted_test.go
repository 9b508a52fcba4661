package raslab

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/erase"
)

// plainly puts data on the medium of the drive in a slot, past its encryption, like data from
// before the drive encrypted.
func plainly(t *testing.T, l *Lab, name string, lba uint64) {
	t.Helper()
	require.NoError(t, drivePart(t, l, name).media.WriteSector(lba, bytes.Repeat([]byte("payroll of May. "), l.options.SectorSize/16)))
}

// TestAnEraseThatIsNotAcceptedIsNoErase: every key of the drive is gone, each check of the erase
// passes, and data that was never encrypted lies on its medium. For the facility it is a drive that
// was not erased, whatever is tried, until it is exchanged.
func TestAnEraseThatIsNotAcceptedIsNoErase(t *testing.T) {
	const slotName, why = "R1-I1-D03", "not accepted: plain data: 1 written sector of"
	l := encrypted(t, Options{})
	plainly(t, l, slotName, 700)
	r, err := l.RemoveRank("R0")
	require.NoError(t, err)
	require.Len(t, r.Events, 1)
	e := only(t, l, "BE34009E", slotName)
	require.Contains(t, e.Found[0], why)
	require.Contains(t, e.Found[0], "LBA 700")
	staysOpen(t, l, e)

	fails(t, l)(l.EraseDrive(slotName))
	fails(t, l)(l.RevertDrive(slotName))
	d, err := l.plant.Drive(slotName)
	require.NoError(t, err)
	require.Equal(t, Failed, d.State, "it is set aside")
	scan, err := l.Discontinue()
	require.NoError(t, err)
	require.True(t, scan.Failed)
	v := verdict(t, l, slotName)
	require.False(t, v.Passed)
	require.Contains(t, v.Verdict, "not erased: "+why)
	require.Nil(t, v.Certificate)
	require.Nil(t, l.Certificate(v.Serial), "a record that says no is no certificate")
	c, _, err := l.CertificateAt(slotName)
	require.NoError(t, err)
	require.NotNil(t, c, "the record of it can be had")
	require.Equal(t, erase.Rejected, c.Statement.Validation.Outcome)
	_, err = erase.VerifyCertificate(c.JSON(), nil)
	require.NoError(t, err)

	ok(t, l)(l.PowerCycle())
	v = verdict(t, l, slotName)
	require.Contains(t, v.Verdict, "not erased: "+why, "the records outlive the power")

	ok(t, l)(exchange(t, l, slotName, ""))
	closed(t, l, e)
	for _, r := range l.Custody() {
		require.Equal(t, r.Serial == v.Serial, r.Open(), "%s: the drive that was taken out is still somebody's business", r.Serial)
	}
}

// The certificate of a member says what it does not rest on: the key servers can make the
// credential of the drive again after it was erased.
func TestTheCertificateOfAMemberDoesNotRestOnTheKeyServers(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.RemoveRank("R0"))
	c, why, err := l.CertificateAt("R1-I1-D03")
	require.NoError(t, err)
	require.NotNil(t, c, why)
	v := c.Statement.Validation
	require.Equal(t, erase.Accepted, v.Outcome)
	require.Contains(t, v.Basis, "the new media encryption key, made in the drive, and not on keys outside it: the key servers of key group 1")
	require.Equal(t, "fdelab, by the policy of storage facility "+l.Serial(), v.By)
	fresh, why, err := l.CertificateAt("R1-I1-D16")
	require.NoError(t, err)
	require.Nil(t, fresh, why)
}

// A drive was copied with its fuses. The keys of the copy open the data of the drive, so an erase
// of either is not accepted while the other is there.
func TestAnEraseIsNotAcceptedWhileACopyOfTheDriveIsThere(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.RemoveRank("R0"))
	p := drivePart(t, l, "R1-I1-D01")
	clone(t, l, p.Serial(), l.options.Seed)
	require.NoError(t, l.Pull("R1-I1-D16"))
	fails(t, l)(l.Insert("R1-I1-D16", p.Serial()))
	r := fails(t, l)(l.EraseDrive("R1-I1-D01"))
	require.ErrorContains(t, r.Drives[0].Err, "not accepted: outside keys: a copy of the old key is outside the drive, which erased its own only: the drive in R1-I1-D16")
	require.NoError(t, l.Pull("R1-I1-D16"))
	ok(t, l)(l.EraseDrive("R1-I1-D01"))
}
