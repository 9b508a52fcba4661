//go:build linux

package secsock_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// opalSalt is what sedutil salts the passwords of a drive with: its serial number, 20 characters.
func opalSalt(serial string) string { return serial + strings.Repeat(" ", 20-len(serial)) }

// logsIn says whether an authority of an Opal drive has a PIN.
func logsIn(t *testing.T, d *drive.Drive, who drive.Authority, p drive.PIN) bool {
	o, err := d.Opal()
	require.NoError(t, err)
	l, err := o.Login(who, p)
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// granted says who has a wrap of the key of an area, the root key as Nobody.
func (j *judge) granted(a drive.Area) (who []drive.Authority) {
	j.eyes(func(d *drive.Drive) {
		o, err := d.Opal()
		require.NoError(j.t, err)
		by, root, err := o.Holders(a)
		require.NoError(j.t, err)
		if root {
			who = append(who, drive.Nobody)
		}
		who = append(who, by...)
	})
	return who
}

var allAdmins = []drive.Authority{drive.Admin(1), drive.Admin(2), drive.Admin(3), drive.Admin(4)}

// everybody is who has a wrap of a range that is open after a loss of power.
var everybody = append([]drive.Authority{drive.Nobody}, allAdmins...)

// is looks at the state of the lifecycle.
func (j *judge) is(want drive.State) {
	j.t.Helper()
	j.eyes(func(d *drive.Drive) { require.Equal(j.t, want, d.Status().State) })
}

// refusedWrite says whether the drive takes no data for a sector, and still gives it.
func (j *judge) refusedWrite(lba uint64) (ok bool) {
	j.eyes(func(d *drive.Drive) {
		ok = errors.Is(d.Write(lba, make([]byte, 512)), drive.Locked) && d.Read(lba, make([]byte, 512)) == nil
	})
	return ok
}

// newOpalJudge is newJudge with an Opal drive that sedutil has set up with the password secret.
func newOpalJudge(t *testing.T, serial string) (*judge, drive.PIN) {
	t.Helper()
	j := newJudgeOf(t, serial, "/dev/nvme0", drive.Opal)
	pin := j.hashed("secret", opalSalt(serial))
	j.does("--initialSetup", "secret")
	return j, pin
}

func TestSedutilSetsUpAnOpalDrive(t *testing.T) {
	j := newJudgeOf(t, "OPAL1", "/dev/nvme0", drive.Opal)
	require.Regexp(t, `/dev/nvme0 +2 +Model X`, j.does("--scan"))
	query := j.does("--query")
	for _, says := range []string{
		"OPAL1", "Locked = N, LockingEnabled = N, LockingSupported = Y, MBRDone = N, MBREnabled = N, MediaEncrypt = Y",
		"OPAL 2.0 function (0x0203)", "Base comID = 0x1000, Initial PIN = 0x00, Reverted PIN = 0x00, comIDs = 1",
		"Locking Admins = 4, Locking Users = 9, Range Crossing = N", "Max Size Tables = 10485760",
		"ALL = N, ANY = N, Policy = N, Locking Objects = 3",
	} {
		require.Contains(t, query, says)
	}
	require.Contains(t, j.does("--isValidSED"), "SED -2- Model X")
	j.is(drive.ManufacturedInactive)
	j.write(3, "from before")
	j.does("--initialSetup", "secret")
	j.is(drive.Manufactured)
	pin := j.hashed("secret", opalSalt("OPAL1"))
	j.eyes(func(d *drive.Drive) {
		require.True(t, logsIn(t, d, drive.SID, pin), "SID has the PIN that the judge made of the password")
		require.True(t, logsIn(t, d, drive.Admin(1), pin), "and Admin1 has that of SID")
		require.False(t, logsIn(t, d, drive.User(1), pin))
		require.Empty(t, j.atMSID(d))
	})
	require.True(t, j.reads(3, "from before"), "activating keeps the data")
	require.Equal(t, everybody, j.granted(drive.RangeArea(0)), "no lock is enabled: the root key opens it too")

	j.does("--enableLockingRange", "0", "secret")
	require.Equal(t, allAdmins, j.granted(drive.RangeArea(0)), "the root key opens it no more")
	j.powerCycle()
	require.True(t, j.reads(3, ""), "the setup enabled an MBR shadow, in which nothing is")
	require.Contains(t, j.does("--query"), "Locked = Y, LockingEnabled = Y, LockingSupported = Y, MBRDone = N, MBREnabled = Y")
	j.does("--setMBRDone", "on", "secret")
	require.True(t, j.locked(3))
	j.refused("NOT_AUTHORIZED", "--setLockingRange", "0", "RW", "wrong")
	require.True(t, j.locked(3))
	j.does("--setLockingRange", "0", "RW", "secret")
	require.True(t, j.reads(3, "from before"))
	j.does("--setLockingRange", "0", "RO", "secret")
	require.True(t, j.refusedWrite(3))
	require.True(t, j.reads(3, "from before"))
	j.does("--setLockingRange", "0", "LK", "secret")
	require.True(t, j.locked(3))
	j.does("--setLockingRange", "0", "RW", "secret")
	j.does("--disableLockingRange", "0", "secret")
	require.Equal(t, everybody, j.granted(drive.RangeArea(0)), "the root key opens it again")
	j.does("--setMBREnable", "off", "secret")
	j.powerCycle()
	require.True(t, j.reads(3, "from before"))
}

func TestSedutilSetsOpalRanges(t *testing.T) {
	j, _ := newOpalJudge(t, "OPAL2")
	j.write(64, "from before")
	j.write(0, "outside")
	j.does("--setupLockingRange", "1", "64", "128", "secret")
	require.False(t, j.reads(64, "from before"), "it has a key of its own")
	require.True(t, j.reads(0, "outside"))
	j.write(64, "in the range")
	j.does("--enableLockingRange", "1", "secret")
	list := j.does("--listLockingRanges", "secret")
	for _, says := range []string{"LR1 Begin 64 for 128", "RLKEna = Y  WLKEna = Y  RLocked = N  WLocked = N"} {
		require.Contains(t, list, says)
	}
	require.Contains(t, j.does("--listLockingRange", "2", "secret"), "LR2 Begin 0 for 0")
	require.Equal(t, allAdmins, j.granted(drive.RangeArea(1)))
	require.Equal(t, everybody, j.granted(drive.RangeArea(0)))
	j.does("--setLockingRange", "1", "LK", "secret")
	require.True(t, j.locked(64))
	require.True(t, j.reads(0, "outside"), "only the range is locked")
	j.does("--setLockingRange", "1", "RO", "secret")
	require.True(t, j.refusedWrite(64))
	j.does("--setLockingRange", "1", "RW", "secret")
	require.True(t, j.reads(64, "in the range"))

	generation := func() (g uint32) {
		j.eyes(func(d *drive.Drive) { g = d.Status().KeyGeneration })
		return g
	}
	was := generation()
	j.does("--rekeyLockingRange", "1", "secret")
	require.False(t, j.reads(64, "in the range"), "the key is another one")
	require.True(t, j.reads(0, "outside"))
	require.Greater(t, generation(), was)
	j.does("--disableLockingRange", "1", "secret")
	require.Equal(t, everybody, j.granted(drive.RangeArea(1)))
}

func TestSedutilSetsOpalPasswords(t *testing.T) {
	j, pin := newOpalJudge(t, "OPAL3")
	salt := opalSalt("OPAL3")
	j.does("--setPassword", "secret", "User1", "ours")
	ours := j.hashed("ours", salt)
	j.eyes(func(d *drive.Drive) {
		require.False(t, logsIn(t, d, drive.User(1), ours), "it is disabled")
		o, err := d.Opal()
		require.NoError(t, err)
		l, err := o.Login(drive.Admin(1), pin)
		require.NoError(t, err)
		defer l.Close()
		c, err := o.Begin(l)
		require.NoError(t, err)
		require.NoError(t, c.SetEnabled(drive.User(1), true))
		require.NoError(t, c.Commit())
		require.True(t, logsIn(t, d, drive.User(1), ours))
	})
	j.does("--setPassword", "secret", "Admin1", "other")
	j.eyes(func(d *drive.Drive) {
		require.False(t, logsIn(t, d, drive.Admin(1), pin), "the old password opens nothing")
		require.True(t, logsIn(t, d, drive.Admin(1), j.hashed("other", salt)))
		require.True(t, logsIn(t, d, drive.SID, pin), "SID's is another one")
	})
	j.does("--setSIDPassword", "secret", "owner")
	j.eyes(func(d *drive.Drive) {
		require.False(t, logsIn(t, d, drive.SID, pin))
		require.True(t, logsIn(t, d, drive.SID, j.hashed("owner", salt)))
	})
	j.refused("NOT_AUTHORIZED", "--setSIDPassword", "secret", "again")
	j.powerCycle()
	j.eyes(func(d *drive.Drive) {
		for who, password := range map[drive.Authority]string{drive.SID: "owner", drive.Admin(1): "other", drive.User(1): "ours"} {
			require.True(t, logsIn(t, d, who, j.hashed(password, salt)), "%v", who)
		}
	})
}

func TestSedutilLoadsAnMBRShadow(t *testing.T) {
	j, _ := newOpalJudge(t, "OPAL4")
	j.write(0, "the disk")
	j.does("--setMBREnable", "off", "secret")
	image := bytes.Repeat([]byte("a boot loader, or what is like one. "), 600)
	path := filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.WriteFile(path, image, 0o600))
	j.does("--loadPBAimage", "secret", path)
	shadow := func() []byte {
		b := make([]byte, len(image))
		j.eyes(func(d *drive.Drive) {
			o, err := d.Opal()
			require.NoError(t, err)
			require.NoError(t, o.ReadTable(drive.MBRShadow, 0, b))
		})
		return b
	}
	require.True(t, bytes.Equal(image, shadow()), "the whole image is there")
	j.eyes(func(d *drive.Drive) {
		dump := d.Dump()
		for _, lba := range dump.Written {
			b, ok := dump.Sector(lba)
			require.True(t, ok)
			require.NotContains(t, string(b), "boot loader", "and it is encrypted on the medium")
		}
	})
	require.True(t, j.reads(0, "the disk"), "it is not enabled yet")
	j.does("--setMBREnable", "on", "secret")
	require.Contains(t, j.does("--query"), "MBREnabled = Y")
	j.powerCycle()
	first := make([]byte, 512)
	j.eyes(func(d *drive.Drive) { require.NoError(t, d.Read(0, first)) })
	require.Equal(t, image[:512], first, "what a BIOS reads is the image")
	j.eyes(func(d *drive.Drive) { require.ErrorIs(t, d.Write(0, first), drive.Locked) })
	j.does("--setMBRDone", "on", "secret")
	require.Contains(t, j.does("--query"), "MBRDone = Y, MBREnabled = Y")
	require.True(t, j.reads(0, "the disk"))
	j.does("--setMBRDone", "off", "secret")
	require.False(t, j.reads(0, "the disk"))
	j.does("--setMBREnable", "off", "secret")
	require.True(t, j.reads(0, "the disk"))
	require.True(t, bytes.Equal(image, shadow()))
}

func TestSedutilRevertsAnOpalDrive(t *testing.T) {
	for n, how := range []string{"--revertNoErase", "--revertTPer", "--PSIDrevert", "--PSIDrevertAdminSP"} {
		t.Run(how[2:], func(t *testing.T) {
			serial := "OPALREV" + string(rune('0'+n))
			j, pin := newOpalJudge(t, serial)
			j.write(5, "stays or goes")
			j.does("--setupLockingRange", "1", "64", "64", "secret")
			j.does("--enableLockingRange", "1", "secret")
			j.write(64, "goes")
			password := "secret"
			if strings.HasPrefix(how, "--PSID") {
				j.refused("NOT_AUTHORIZED", how, "NOTHISPSIDNOTHISPSIDNOTHISPSID00")
				password = string(j.label.PSID.Bytes())
			} else {
				j.refused("NOT_AUTHORIZED", how, "wrong")
			}
			require.True(t, j.reads(64, "goes"))
			j.does(how, password)
			j.is(drive.ManufacturedInactive)
			require.Equal(t, how == "--revertNoErase", j.reads(5, "stays or goes"))
			require.False(t, j.reads(64, "goes"), "the key of the range is gone in any case")
			require.Equal(t, []drive.Authority{drive.Nobody}, j.granted(drive.RangeArea(0)))
			j.eyes(func(d *drive.Drive) {
				at, err := d.AtMSID(drive.SID)
				require.NoError(t, err)
				require.Equal(t, how != "--revertNoErase", at, "RevertSP of the Locking SP leaves SID its PIN")
				require.Equal(t, at, !logsIn(t, d, drive.SID, pin))
			})
			require.Contains(t, j.does("--query"), "LockingEnabled = N")
			if how != "--revertNoErase" {
				j.does("--initialSetup", "again")
				j.is(drive.Manufactured)
			}
		})
	}
}

// opalDifferences are the commands of the judge that do nothing to an Opal drive, each with the reason.
var opalDifferences = []struct {
	args []string
	says string
	code int
	why  string
}{
	{
		[]string{"--eraseLockingRange", "1", "secret"},
		"It is not part of the Opal SSC", 0,
		"the judge sends nothing: method Erase is of Single User Mode 1.00, 5.1; --rekeyLockingRange does it",
	},
	{
		[]string{"--enableUser", "secret", "User1"},
		"Incorrect number of paramaters", 136,
		"sedutil 1.20 counts one argument too few, so that there is no place for the device",
	},
}

// What is different is different as it is listed, and changes nothing.
func TestSedutilOpalDifferences(t *testing.T) {
	j, pin := newOpalJudge(t, "OPAL6")
	j.does("--setMBREnable", "off", "secret")
	j.write(5, "stays")
	var was uint32
	j.eyes(func(d *drive.Drive) { was = d.Status().KeyGeneration })
	for _, d := range opalDifferences {
		out, err := j.run(d.args...)
		code := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		require.Equal(t, d.code, code, "sedutil-cli %v: %s", d.args, d.why)
		require.Contains(t, out, d.says)
	}
	require.True(t, j.reads(5, "stays"))
	j.eyes(func(d *drive.Drive) {
		require.Equal(t, was, d.Status().KeyGeneration, "no key and no PIN has changed")
		require.True(t, logsIn(t, d, drive.Admin(1), pin))
	})
}
