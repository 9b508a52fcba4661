package erase

import (
	"crypto/aes"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// dumping is a drive whose dump is what it is made.
type dumping struct {
	*bench
	dump func(drive.Dump) drive.Dump
}

func (d *dumping) Dump() drive.Dump { return d.dump(d.bench.Dump()) }

// A search that could not see the way while it was open does not say that it is shut.
func TestABlindSearchIsNoEvidence(t *testing.T) {
	b, job := locked(t, "Z1", nil)
	job.Target = &dumping{b, func(d drive.Dump) drive.Dump { d.Flash = nil; return d }}
	r := run1(t, job)
	require.Empty(t, r.Failing(), text(r))
	verdict(t, r, CheckControl, NotPossible)
	control, _ := r.Check(CheckControl)
	require.Equal(t, "the secrets given do not open LBA 100 even before the erase, so a search that finds nothing says nothing", control.Why)
	verdict(t, r, CheckSearch, Pass)
	verdict(t, r, CheckRemains, NotPossible)
	require.Equal(t, Failed, r.Outcome, "a search that was blind before the erase says nothing")
	require.Equal(t, "security degraded: neither the flash nor the media gave evidence, and the drive's word is not enough", r.Why)
	require.Nil(t, r.Certificate)
}

// A control that opens one range says nothing of a sector that it does not open.
func TestAControlThatOpensOneOfTwoRangesIsNone(t *testing.T) {
	b, owner := three(t, "Z2")
	none := make([]byte, oracleSize)
	job := Job{Method: DriveErase, Owner: owner, Target: &dumping{b, func(d drive.Dump) drive.Dump {
		sector := d.Sector
		d.Sector = func(lba uint64) ([]byte, bool) {
			if lba == 1000 {
				return none, true // what lies there is not what the drive reads
			}
			return sector(lba)
		}
		return d
	}}}
	r := run1(t, job)
	control, _ := r.Check(CheckControl)
	require.Equal(t, NotPossible, control.Verdict, text(r))
	require.Equal(t, "the secrets given do not open LBA 1000 even before the erase, so a search that finds nothing says nothing", control.Why)
}

// A drive that keeps its media key in the open, and the key looks like text: no print of
// it is taken. The search is the only evidence, and it is enough for the verification.
func TestASearchThatSawTheWayIsEvidence(t *testing.T) {
	key := []byte("the media key of this drive is a sentence that anybody can type.")
	require.Len(t, key, 64)
	c, err := xts.NewCipher(aes.NewCipher, key)
	require.NoError(t, err)
	cipher := make([]byte, 512)
	c.Encrypt(cipher, customer, 100)
	b, job := locked(t, "Z3", nil)
	job.Target = &dumping{b, func(d drive.Dump) drive.Dump {
		d.Flash = nil
		if b.Status().State != drive.Erased {
			d.Flash = pageOf(2048, 300, key)
		}
		d.Sector = func(uint64) ([]byte, bool) { return cipher, true }
		return d
	}}
	r := run1(t, job)
	verdict(t, r, CheckControl, Pass)
	verdict(t, r, CheckSearch, Pass)
	verdict(t, r, CheckRemains, NotPossible)
	require.Equal(t, NotAccepted, r.Outcome, "the key is gone, but nobody can say that every wrap of it is: %s", text(r))
	require.Equal(t, PointCopies+": nobody can say that every copy of the old key is gone: no wrap was found that had to go", r.Why)
	require.Equal(t, Pass, point(t, r, PointStrength).Verdict, "a key that was found bare is judged like any other: %s", text(r))
}

// Where a drive left the old media key wrapped once more, the search has every secret
// that the caller, the drive and its fuses know.
func TestTheSearchKnowsEverySecret(t *testing.T) {
	salt := [16]byte{1, 200, 3, 40, 5, 60, 7, 80, 9, 10, 11, 120, 13, 14, 150, 16}
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	told := pin(90)
	for _, c := range []struct {
		name   string
		change func(t *testing.T, b *bench, j *Job) drive.PIN // the PIN that it is left under
	}{
		{"EraseMaster PIN", func(_ *testing.T, b *bench, j *Job) drive.PIN {
			b.as(drive.EraseMaster, b.label.MSID, func(s drive.Session) error { return s.SetPIN(pin(70)) })
			j.EraseMaster = pin(70)
			return pin(70)
		}},
		{"PSID", func(_ *testing.T, b *bench, j *Job) drive.PIN {
			j.Method, j.PSID = PSIDRevert, b.label.PSID
			return b.label.PSID
		}},
		{"MSID", func(_ *testing.T, b *bench, _ *Job) drive.PIN { return b.label.MSID }},
		{"MSID as the drive tells it", func(*testing.T, *bench, *Job) drive.PIN { return told }},
		{"BandMaster0 credential generation 1", func(*testing.T, *bench, *Job) drive.PIN { return pin(1) }},
		{"the operator's PIN", func(_ *testing.T, b *bench, j *Job) drive.PIN {
			b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.SetPIN(short) })
			j.Owner[0] = Credential{Range: 0, Name: "the operator's PIN", PIN: short}
			return short
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, job := locked(t, "Z4", nil)
			_, mek := keysOf(t, b)
			p := c.change(t, b, &job)
			root := b.Fuses().Root
			kek, err := drive.KEK(root, p, salt, 2)
			require.NoError(t, err)
			wrap, err := keywrap.Wrap(kek[:], mek)
			require.NoError(t, err)
			leaky := &tampered{bench: b, extra: func() []flash.Page { return pageOf(2048, 200, salt[:], wrap) }}
			job.Target = leaky
			if c.name == "MSID as the drive tells it" {
				job.Target = &telling{leaky, told}
			}
			r := run1(t, job)
			require.Equal(t, Failed, r.Outcome, text(r))
			verdict(t, r, CheckSearch, Fail)
			search, _ := r.Check(CheckSearch)
			require.Contains(t, search.Why, c.name+" and root key -> MEK at block 99 page 0 offset 216 opens LBA 100", text(r))
		})
	}
}

// telling is a drive that tells another MSID than the one in its fuses, and takes both.
type telling struct {
	*tampered
	told drive.PIN
}

func (m *telling) MSID() (drive.PIN, error) { return m.told, nil }

func (m *telling) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	if p.Equal(m.told) {
		p = m.label.MSID
	}
	return m.tampered.Authenticate(a, p)
}

// A PIN of fewer than 32 bytes is stretched, and how often is the drive's.
func TestAShortPINIsStretchedAsTheDriveDoes(t *testing.T) {
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	b := newBench(t, "Z5", nil, func(c *drive.Config) { c.PBKDF2Iterations = 1000; c.Ranges = 0 })
	require.NoError(t, b.Write(100, customer))
	b.as(drive.BandMaster(0), b.label.MSID, func(s drive.Session) error { return s.SetPIN(short) })
	b.as(drive.BandMaster(0), short, func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle})
	})
	b.cycle()
	r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: short}}})
	require.Equal(t, Passed, r.Outcome, text(r))
	control, _ := r.Check(CheckControl)
	require.Equal(t, Pass, control.Verdict, text(r))
	require.Contains(t, control.Why, "before the erase: BandMaster0 credential and root key -> AK")
}
