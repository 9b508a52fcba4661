package encgroup

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func whats(faults []Fault) (out []string) {
	for _, f := range faults {
		out = append(out, f.What)
	}
	return out
}

// TestReclaim: what a drive without an owner keeps when it comes back with data, what is taken
// away, and what is only said.
func TestReclaim(t *testing.T) {
	tries := func(band int) string {
		return fmt.Sprintf("BandMaster%d has used up its 8 tries; right are unused tries", band)
	}
	const psid = "revert the drive with the PSID from its label"
	for name, want := range map[string]struct {
		did  []string // where it differs from what Normalize does
		err  error
		says string
	}{
		"as from the factory": {}, "a band covers sectors": {}, "a band covers sectors and is locked": {}, "the data range is locked": {},
		"the data range is locked for writing, without a power cycle": {}, "a lock of the data range is closed, and not enabled": {},
		"a band lost its place with its lock closed": {}, "a band locks at another reset": {}, "BandMasters are disabled, one with a place": {}, "two bands and the data range": {}, "wrong PINs were tried on a band": {},
		"the tries of two bands are used up, one with a place": {
			did: []string{tries(0), tries(2)}, err: drive.LockedOut, says: "band 2 covers sectors 100 to 199, and it stays",
		},
		"the data range has an owner":         {err: ErrConfigured, says: "BandMaster0 has somebody's PIN; its owner erases it, or it goes back to him"},
		"a band without sectors has an owner": {err: ErrConfigured, says: "BandMaster2 has somebody's PIN"},
		"EraseMaster has an owner": {did: []string{
			"band 2 covers sectors 8 to 15: put right",
			"EraseMaster has somebody's PIN; its owner gives it the factory PIN again, or reverts the drive with the PSID from its label",
		}},
		"SID and EraseMaster have an owner": {did: []string{
			"SID has somebody's PIN; its owner gives it the factory PIN again, or reverts the drive with the PSID from its label",
			"EraseMaster has somebody's PIN; its owner gives it the factory PIN again, or reverts the drive with the PSID from its label",
		}},
		"the tries of EraseMaster are used up":          {did: []string{"EraseMaster has used up its tries, 8 of 8; " + psid}},
		"SID has one try left, which is its owner's":    {did: []string{"SID has used up its tries, 7 of 8; " + psid}},
		"the tries of SID and EraseMaster are used up":  {did: []string{"SID has used up its tries, 8 of 8; " + psid, "EraseMaster has used up its tries, 8 of 8; " + psid}},
		"a lock for reading is closed, and not enabled": {},
	} {
		t.Run(name, func(t *testing.T) {
			u, ok := usedDrives[name]
			require.True(t, ok)
			d := makeDrive(t, "U1", 2)
			require.NoError(t, d.Write(0, data("U1")))
			u.make(t, d)
			did, err := Reclaim(d)
			if want.did == nil && u.want == nil {
				want.did = u.did
			}
			require.Equal(t, want.did, did)
			if want.err != nil {
				require.ErrorIs(t, err, want.err)
				require.ErrorContains(t, err, want.says)
				return
			}
			require.NoError(t, err)
			d.requireData(t, "nothing is erased")
			left, err := Inspect(d)
			require.NoError(t, err)
			var said []string
			for _, f := range left {
				require.ErrorIs(t, f.Err, u.want, "what can be put right is: %s", f.What)
				require.Equal(t, u.want == drive.LockedOut, f.Tries())
				said = append(said, f.What+"; "+f.Right)
			}
			require.Subset(t, did, said)
		})
	}
	require.Len(t, usedDrives, 20, "every used drive is tried here")
}

// TestInspectNeedsAnAnswer: a drive without power, or without a record that can be trusted, is
// not judged.
func TestInspectNeedsAnAnswer(t *testing.T) {
	off, degraded := makeDrive(t, "U1", 1), makeDrive(t, "U2", 1)
	off.PowerOff()
	degraded.arm(t, "(flash.erase.refused) (flash.zero.refused)")
	s, err := degraded.Authenticate(drive.EraseMaster, degraded.label.MSID)
	require.NoError(t, err)
	require.ErrorIs(t, s.EraseAll(), drive.Degraded)
	s.Close()
	for want, d := range map[error]Drive{drive.NoPower: off, drive.Degraded: degraded} {
		faults, err := Inspect(d)
		require.ErrorIs(t, err, want)
		require.Empty(t, faults)
		_, err = Normalize(d)
		require.ErrorIs(t, err, want)
		_, err = Reclaim(d)
		require.ErrorIs(t, err, want)
	}
}

// TestADriveWithOneTry: the one try is no reason to refuse it, and is never used up by a right PIN.
func TestADriveWithOneTry(t *testing.T) {
	d, _, err := drive.Manufacture(drive.Config{Serial: "T1", SectorSize: 512, Sectors: 64, TryLimit: 1, Persistent: true, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	require.NoError(t, err)
	faults, err := Inspect(d)
	require.NoError(t, err)
	require.Empty(t, whats(faults))
	r := accessible(t)
	require.NoError(t, r.group.Admit(d))
	require.NoError(t, r.group.Unlock(d))
}

// messy is a drive with a fault of each kind that is put right.
func messy(t *testing.T) *testDrive {
	d := makeDrive(t, "U1", 3)
	d.as(t, drive.BandMaster(0), lock(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
	d.as(t, drive.BandMaster(1), lock(drive.RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true}))
	d.as(t, drive.BandMaster(2), place(16, 8))
	d.as(t, drive.BandMaster(2), func(s drive.Session) error { return s.SetLocks(true, true) })
	d.as(t, drive.BandMaster(2), place(0, 0))
	guess(t, d, drive.BandMaster(3), 3)
	return d
}

// TestWhatCanNotBePutRightIsNotSaidToBe breaks the flash for good from the n-th write on, and
// loses the n-th command: the error is told, and nothing that is still wrong is said to be right.
func TestWhatCanNotBePutRightIsNotSaidToBe(t *testing.T) {
	for name, run := range map[string]func(Drive) ([]string, error){"normalize": Normalize, "reclaim": Reclaim} {
		for _, lose := range []bool{false, true} {
			for n := 0; ; n++ {
				require.Less(t, n, 100, "the sweep does not end")
				d := messy(t)
				p := &port{testDrive: d, at: -1, lose: lose}
				want, fired := error(drive.HardwareFailure), p.fired
				if lose {
					p.at, want = n, errLost
				} else {
					plan := d.armUnchecked(t, fmt.Sprintf("(flash.program.refused (After %d))", n))
					fired = func() bool { return len(plan.Fired()) > 0 }
				}
				did, err := run(p)
				d.flash.Disarm()
				if !fired() {
					require.NoError(t, err)
					require.Len(t, did, 4)
					require.Positive(t, n)
					break
				}
				require.ErrorIs(t, err, want, "%s, %d", name, n)
				left, err := Inspect(d)
				require.NoError(t, err)
				for _, f := range left {
					require.NotContains(t, did, f.What+": put right", "%s, %d", name, n)
				}
				_, err = run(d)
				require.NoError(t, err, "calling again goes on")
				left, err = Inspect(d)
				require.NoError(t, err)
				require.Empty(t, whats(left))
			}
		}
	}
}

// stubborn is a drive that takes every command and shows its bands as they were.
type stubborn struct {
	*testDrive
	was []drive.RangeInfo
}

func (d stubborn) Range(n int) (drive.RangeInfo, error) { return d.was[n], nil }

func TestADriveThatShowsNoEffectIsNotNormal(t *testing.T) {
	d := makeDrive(t, "U1", 1)
	d.as(t, drive.BandMaster(1), place(8, 8))
	var was []drive.RangeInfo
	for n := range 2 {
		i, err := d.Range(n)
		require.NoError(t, err)
		was = append(was, i)
	}
	_, err := Normalize(stubborn{d, was})
	require.ErrorIs(t, err, ErrUnverified)
	require.ErrorContains(t, err, "band 1 covers sectors 8 to 15")
}

func TestBandSecrets(t *testing.T) {
	r := accessible(t)
	r.bands = 1
	d := r.member("A1")
	require.NoError(t, r.group.Rekey(d))
	list, err := r.group.BandSecrets("A1", 2)
	require.NoError(t, err)
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
		want := bandCredential(r.group.ram().group, "A1", b.Generation, b.Band)
		require.True(t, b.Secret.Equal(want))
	}
	require.Equal(t, []string{
		"credential of A1, band 1, generation 1", "credential of A1, band 2, generation 1",
		"credential of A1, band 1, generation 2", "credential of A1, band 2, generation 2",
	}, names)
	list, err = r.group.BandSecrets("nobody", 2)
	require.NoError(t, err)
	require.Empty(t, list)
	r.group.PowerOff()
	_, err = r.group.BandSecrets("A1", 2)
	require.ErrorIs(t, err, ErrInaccessible)
}

// TestAGenerationIsTriedOnce: every wrong guess counts against the band's limit of tries.
func TestAGenerationIsTriedOnce(t *testing.T) {
	r := accessible(t)
	r.bands = 1
	d := r.member("A1")
	p := &port{testDrive: d, at: -1}
	s, had, err := r.group.openBand(p, 1, []uint32{0, 2, 2, 0, 2, 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, had)
	require.Len(t, p.pins, 2, "2 and 1, and 0 is none")
	s.Close()
	_, _, err = r.group.openBand(p, 1, []uint32{0})
	require.ErrorIs(t, err, drive.NotAuthorized, "no generation opens nothing")
	_, _, err = r.group.open(p)
	require.ErrorIs(t, err, drive.NotAuthorized)
	p.requirePINsCleared(t)
}

// TestWhatIsRightIsLeft: no save, no try and no new key where nothing is to be done.
func TestWhatIsRightIsLeft(t *testing.T) {
	r := accessible(t)
	plain := r.member("A1")
	r.bands = 2
	banded := r.member("A2")
	r.store.arm(-1, false)
	for d, sessions := range map[*testDrive]int{plain: 1, banded: 1 + 2 + 1} { // its own, each band's, its own again
		p := &port{testDrive: d, at: -1}
		before := d.Status().KeyGeneration
		require.NoError(t, r.group.Unlock(p))
		require.Len(t, p.pins, sessions)
		require.NoError(t, r.group.Readmit(p))
		require.Equal(t, before, d.Status().KeyGeneration)
	}
	require.NoError(t, r.group.CancelDataRekey())
	require.Zero(t, r.store.saves)
}

// renamed is a drive with another serial number.
type renamed struct {
	*testDrive
	serial string
}

func (d renamed) Serial() string { return d.serial }

func TestASerialThatCanNotBeKept(t *testing.T) {
	r := accessible(t)
	d := r.drive("A1")
	before := d.Status()
	for _, serial := range []string{"", "21 characters are too", "\x7f"} {
		err := r.group.Admit(renamed{d, serial})
		requireAdmitError(t, err, StepGroup, nil)
		require.ErrorContains(t, err, "need 1 to 20 printable ASCII characters")
		require.Equal(t, before, d.Status())
	}
}

// TestAnIdentifierThatCanNotBeKept: a server that gives none, or one that is too long, made no key.
func TestAnIdentifierThatCanNotBeKept(t *testing.T) {
	for n, want := range map[int]error{0: ErrProtocol, 256: ErrProtocol, 255: ErrNoKey} {
		r := newRig(t)
		s := r.servers()
		uid := string(make([]byte, n))
		r.group.SetServers([]KeyServer{parrot{s[0], uid}, parrot{s[1], uid}})
		require.ErrorIs(t, r.group.Configure(""), want, "%d bytes", n)
		require.Equal(t, want == ErrNoKey, r.group.State() == Configuring)
	}
}

// TestAStepThatIsNotTakenBack: the drive does not open, and the record cannot be kept: both are
// told.
func TestAStepThatIsNotTakenBack(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	d.arm(t, "(flash.program.refused)")
	r.store.refuseOne(1, false)
	err := r.group.Rekey(d)
	requireMemberError(t, err, StepAuthenticate, drive.HardwareFailure)
	require.ErrorIs(t, err, ErrStore)
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 1, Pending: 2, Last: 2}, m)
	d.flash.Disarm()
	r.restart()
	r.requireReadable("it opens to what it has")
}

// fleeting is a drive whose power goes once it has answered its n-th authentication.
type fleeting struct {
	*testDrive
	left *int
}

func (d fleeting) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	s, err := d.testDrive.Authenticate(a, pin)
	if *d.left--; *d.left == 0 {
		d.PowerOff()
	}
	return s, err
}

// TestPowerThatGoesBeforeTheUnlock is told as that step.
func TestPowerThatGoesBeforeTheUnlock(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	left := 2
	requireAdmitError(t, r.group.Readmit(fleeting{d, &left}), StepUnlock, drive.NoPower)
	r.restart()
	left = 1
	requireMemberError(t, r.group.Unlock(fleeting{d, &left}), StepUnlock, drive.NoPower)
	r.restart()
	r.requireReadable("nothing is lost")
}
