//go:build linux

package secsock_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// judge is sedutil-cli, a program that nobody here wrote, under the preload library of contrib/shim: what
// it does to a drive is looked at from inside the drive.
type judge struct {
	t      *testing.T
	u      *secsock.Unit
	label  drive.Label
	device string
	env    []string
	path   string // of sedutil-cli
}

func newJudge(t *testing.T, serial, device string) *judge {
	t.Helper()
	return newJudgeOf(t, serial, device, drive.Enterprise)
}

// newJudgeOf serves a new drive, builds the library, and finds the judge where FDELAB_SEDUTIL says.
func newJudgeOf(t *testing.T, serial, device string, p drive.Personality) *judge {
	t.Helper()
	path := os.Getenv("FDELAB_SEDUTIL")
	if path == "" {
		t.Skip("SKIPPED: FDELAB_SEDUTIL names no sedutil-cli: make judge-sedutil unpacks one and runs this")
	}
	t.Parallel() // the judge sleeps most of its time
	_, err := os.Stat(path)
	require.NoError(t, err)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("SKIPPED: install gcc")
	}
	library := filepath.Join(t.TempDir(), "libfdelab.so")
	out, err := exec.Command("gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, "../../contrib/shim/shim.c", "-ldl").CombinedOutput()
	require.NoError(t, err, "%s", out)
	u, label := newUnitOf(t, serial, p)
	socket := running(t, nil, u)
	j := &judge{t: t, u: u, label: label, device: device, path: path}
	j.env = append(os.Environ(), "FDELAB_SOCKET="+socket, "FDELAB_SHIM="+library, "FDELAB_DRIVES=1")
	if strings.HasPrefix(device, "/dev/sd") {
		j.env = append(j.env, "FDELAB_BUS=scsi")
	}
	return j
}

// run runs the judge with a command, behind which the device stands.
func (j *judge) run(args ...string) (out string, err error) {
	if args[0] != "--scan" {
		args = append(args[:len(args):len(args)], j.device)
	}
	cmd := exec.Command(j.path, args...)
	cmd.Env = j.env
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// does is a command that works.
func (j *judge) does(args ...string) string {
	j.t.Helper()
	out, err := j.run(args...)
	require.NoError(j.t, err, "sedutil-cli %v: %s", args, out)
	return out
}

// refused is a command that does not, and says so.
func (j *judge) refused(says string, args ...string) {
	j.t.Helper()
	out, err := j.run(args...)
	var exit *exec.ExitError
	require.True(j.t, errors.As(err, &exit), "sedutil-cli %v did not fail: %s", args, out)
	require.Contains(j.t, out, says)
}

// eyes looks into the drive.
func (j *judge) eyes(look func(*drive.Drive)) {
	require.NoError(j.t, j.u.Do(func(d *drive.Drive) error { look(d); return nil }))
}

func (j *judge) powerCycle() {
	j.eyes(func(d *drive.Drive) {
		d.PowerOff()
		require.NoError(j.t, d.PowerOn())
	})
}

// hashed is the PIN that sedutil makes of a password: PBKDF2-HMAC-SHA1, 75000 rounds, 32 bytes, the
// salt 20 characters of what it takes for the serial number.
func (j *judge) hashed(password, salt string) drive.PIN {
	b, err := pbkdf2.Key(sha1.New, password, []byte(salt), 75000, 32)
	require.NoError(j.t, err)
	p, err := drive.NewPIN(b)
	require.NoError(j.t, err)
	return p
}

// opens says whether an authority has a PIN.
func opens(d *drive.Drive, who drive.Authority, p drive.PIN) bool {
	s, err := d.Authenticate(who, p)
	if err != nil {
		return false
	}
	s.Close()
	return true
}

// atMSID are the authorities that have the factory PIN.
func (j *judge) atMSID(d *drive.Drive) (names []string) {
	m, err := d.KeyMap()
	require.NoError(j.t, err)
	for _, s := range m.Slots {
		if s.AtMSID {
			names = append(names, s.Authority.String())
		}
	}
	return names
}

// rootWrap says whether the power alone opens a range, by what its key is wrapped with.
func (j *judge) rootWrap(d *drive.Drive, n int) bool {
	m, err := d.KeyMap()
	require.NoError(j.t, err)
	return m.Ranges[n].RootWrap
}

func sector(text string) []byte { return append([]byte(text), make([]byte, 512-len(text))...) }

func (j *judge) write(lba uint64, text string) {
	j.eyes(func(d *drive.Drive) { require.NoError(j.t, d.Write(lba, sector(text))) })
}

// reads says whether the data is there: it reads as it was written.
func (j *judge) reads(lba uint64, text string) (ok bool) {
	j.eyes(func(d *drive.Drive) {
		b := make([]byte, 512)
		ok = d.Read(lba, b) == nil && bytes.Equal(b, sector(text))
	})
	return ok
}

func (j *judge) locked(lba uint64) (ok bool) {
	j.eyes(func(d *drive.Drive) { ok = errors.Is(d.Read(lba, make([]byte, 512)), drive.Locked) })
	return ok
}

func TestSedutilOwnsAndLocksAnEnterpriseDrive(t *testing.T) {
	j := newJudge(t, "SEDUTIL1", "/dev/nvme0")
	require.Regexp(t, `/dev/nvme0 +E +Model X`, j.does("--scan"))
	query := j.does("--query")
	for _, says := range []string{
		"NVMe Model X", "SEDUTIL1", "Locked = N, LockingEnabled = Y, LockingSupported = Y, MBRDone = N, MBREnabled = N, MediaEncrypt = Y",
		"Range crossing = N, Base comID = 0x07fe, comIDs = 2", "MaxComPacketSize = 65536",
	} {
		require.Contains(t, query, says)
	}
	require.Contains(t, j.does("--isValidSED"), "SED --E Model X")
	msid := strings.TrimSpace(strings.TrimPrefix(j.does("--printDefaultPassword"), "MSID: "))
	pin := j.hashed("secret", "SEDUTIL1            ")
	j.eyes(func(d *drive.Drive) {
		real, err := d.MSID()
		require.NoError(t, err)
		require.Equal(t, string(real.Bytes()), msid)
	})

	j.write(3, "data of the owner")
	j.does("--initialSetup", "secret")
	j.eyes(func(d *drive.Drive) {
		require.Empty(t, j.atMSID(d))
		for _, who := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.BandMaster(2)} {
			require.True(t, opens(d, who, pin), "%v has the PIN that the judge made of the password", who)
		}
		require.False(t, j.rootWrap(d, 0), "the power alone does not open it any more")
		r, err := d.Range(0)
		require.NoError(t, err)
		require.True(t, r.ReadLockEnabled && r.WriteLockEnabled)
	})
	require.True(t, j.reads(3, "data of the owner"))
	j.powerCycle()
	require.True(t, j.locked(3))
	require.Contains(t, j.does("--query"), "Locked = Y")
	j.refused("Authenticate failed", "--setLockingRange", "0", "RW", "wrong")
	require.True(t, j.locked(3))
	j.does("--setLockingRange", "0", "RW", "secret")
	require.True(t, j.reads(3, "data of the owner"), "with the password the data is there again")

	j.does("--setPassword", "secret", "EraseMaster", "erase")
	j.eyes(func(d *drive.Drive) {
		require.False(t, opens(d, drive.EraseMaster, pin))
		require.True(t, opens(d, drive.EraseMaster, j.hashed("erase", "SEDUTIL1            ")))
	})
	j.does("--eraseLockingRange", "0", "erase")
	require.False(t, j.reads(3, "data of the owner"), "its key is gone")
	j.eyes(func(d *drive.Drive) { require.Equal(t, []string{"BandMaster0"}, j.atMSID(d)) })
}

func TestSedutilSetsBands(t *testing.T) {
	j := newJudge(t, "SEDUTIL2", "/dev/nvme0")
	j.does("--takeOwnership", "secret")
	j.does("--setBandEnabled", "1", "secret")
	j.does("--setBandsEnabled", "secret")
	j.write(64, "in the band")
	j.does("--setupLockingRange", "1", "64", "128", "secret")
	j.does("--enableLockingRange", "1", "secret")
	list := j.does("--listLockingRange", "1", "secret")
	for _, says := range []string{"RangeStart:      64", "RangeLength:     128", "ReadLockEnabled: 1", "WriteLocked:     0"} {
		require.Contains(t, list, says)
	}
	require.Contains(t, j.does("--listLockingRanges", "secret"), "Band[2]")
	j.write(64, "in the band")
	j.write(0, "outside")
	j.does("--setLockingRange", "1", "LK", "secret")
	require.True(t, j.locked(64))
	require.True(t, j.reads(0, "outside"), "only the band is locked")
	j.does("--setLockingRange", "1", "RW", "secret")
	require.True(t, j.reads(64, "in the band"))
	var was uint32
	j.eyes(func(d *drive.Drive) { was = d.Status().KeyGeneration })
	j.does("--rekeyLockingRange", "1", "secret")
	require.False(t, j.reads(64, "in the band"), "the key is another one")
	require.True(t, j.reads(0, "outside"))
	j.eyes(func(d *drive.Drive) { require.Greater(t, d.Status().KeyGeneration, was) })
	j.does("--disableLockingRange", "1", "secret")
	j.eyes(func(d *drive.Drive) {
		r, err := d.Range(1)
		require.NoError(t, err)
		require.False(t, r.ReadLockEnabled || r.WriteLockEnabled)
		require.True(t, j.rootWrap(d, 1), "it is open at power-on again")
	})
}

func TestSedutilReverts(t *testing.T) {
	for n, device := range []string{"/dev/nvme0", "/dev/sda"} {
		t.Run(device[5:], func(t *testing.T) {
			j := newJudge(t, fmt.Sprintf("SEDUTIL%d", 3+n), device)
			require.Regexp(t, device+` +E +Model X`, j.does("--scan"))
			require.Contains(t, j.does("--query"), "Enterprise function (0x0100)")
			j.does("--initialSetup", "secret")
			j.eyes(func(d *drive.Drive) { require.Empty(t, j.atMSID(d)) })
			j.write(5, "to be gone")
			j.refused("Authenticate failed", "--PSIDrevert", "NOTHISPSIDNOTHISPSIDNOTHISPSID00")
			require.True(t, j.reads(5, "to be gone"))
			j.powerCycle()
			require.True(t, j.locked(5))
			j.does("--PSIDrevert", string(j.label.PSID.Bytes()))
			require.False(t, j.reads(5, "to be gone"))
			j.eyes(func(d *drive.Drive) {
				require.Equal(t, drive.Erased, d.Status().State)
				require.Len(t, j.atMSID(d), 5, "SID, EraseMaster and three BandMasters")
			})
			msid := strings.TrimSpace(strings.TrimPrefix(j.does("--printDefaultPassword"), "MSID: "))
			if i := strings.LastIndex(msid, "\n"); i >= 0 { // a warning about the kernel in front of it
				msid = strings.TrimPrefix(msid[i+1:], "MSID: ")
			}
			j.does("-n", "--setSIDPassword", msid, "sid")
			plain, err := drive.NewPIN([]byte("sid"))
			require.NoError(t, err)
			j.eyes(func(d *drive.Drive) { require.True(t, opens(d, drive.SID, plain)) })
			j.does("--PSIDrevertAdminSP", string(j.label.PSID.Bytes()))
			j.eyes(func(d *drive.Drive) { require.False(t, opens(d, drive.SID, plain)) })
		})
	}
}

// expectedDifferences are the commands of the judge that do not work with the drive, each with the reason.
var expectedDifferences = []struct {
	args []string
	says string
	why  string
}{
	{
		[]string{"--setLockingRange", "0", "RO", "secret"},
		"unsupported in Enterprise SSC",
		"the judge refuses it by itself, before it sends anything",
	},
	{
		[]string{"--setSIDPassword", "secret", "other"},
		"Authenticate failed",
		"sedutil 1.20 sends the old password without its hash; it works with -n",
	},
	{
		[]string{"--revertTPer", "secret"},
		"NOT_AUTHORIZED",
		"PSID feature set 1.00, 4.2: an Enterprise drive is reverted by PSID; Revert by SID is Opal's (Opal 5.1.2)",
	},
	{
		[]string{"--revertNoErase", "secret"},
		"NOT_AUTHORIZED",
		"RevertSP with KeepGlobalRangeKey is Opal's (Opal 5.1.3)",
	},
}

// What is different is different as it is listed, and changes nothing.
func TestSedutilDifferences(t *testing.T) {
	j := newJudge(t, "SEDUTIL5", "/dev/nvme0")
	j.does("--initialSetup", "secret")
	j.write(5, "stays")
	var was uint32
	j.eyes(func(d *drive.Drive) { was = d.Status().KeyGeneration })
	for _, d := range expectedDifferences {
		j.refused(d.says, d.args...)
		require.True(t, j.reads(5, "stays"), "%s", d.why)
		j.powerCycle() // the judge leaves its session open behind a revert that was refused
		j.does("--setLockingRange", "0", "RW", "secret")
	}
	j.eyes(func(d *drive.Drive) {
		require.Equal(t, was, d.Status().KeyGeneration, "no key and no PIN has changed")
		require.Empty(t, j.atMSID(d))
	})
}
