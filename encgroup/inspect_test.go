package encgroup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func somebody(t testing.TB) drive.PIN {
	t.Helper()
	p, err := drive.NewPIN([]byte("somebody else's PIN, 32 bytes!!!"))
	require.NoError(t, err)
	return p
}

// as opens a session with the factory PIN.
func (d *testDrive) as(t testing.TB, a drive.Authority, run func(drive.Session) error) {
	t.Helper()
	s, err := d.Authenticate(a, d.label.MSID)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, run(s))
}

func place(start, length uint64) func(drive.Session) error {
	return func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{Start: start, Length: length, LockOnReset: drive.OnPowerCycle})
	}
}

func lock(c drive.RangeConfig) func(drive.Session) error {
	return func(s drive.Session) error {
		if err := s.SetRange(c); err != nil {
			return err
		}
		return s.SetLocks(c.ReadLockEnabled, c.WriteLockEnabled)
	}
}

func guess(t testing.TB, d *testDrive, a drive.Authority, times int) {
	t.Helper()
	for range times {
		_, err := d.Authenticate(a, somebody(t))
		require.ErrorIs(t, err, drive.NotAuthorized)
	}
}

// used is a drive that somebody had before.
type used struct {
	make func(testing.TB, *testDrive)
	did  []string // what is put right
	want error    // else: why it is refused
	says string   // and with which words
}

var usedDrives = map[string]used{
	"as from the factory": {make: func(testing.TB, *testDrive) {}},
	"a band covers sectors": {make: func(t testing.TB, d *testDrive) { d.as(t, drive.BandMaster(2), place(8, 65528)) }, did: []string{
		"band 2 covers sectors 8 to 65535: put right",
	}},
	"a band covers sectors and is locked": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(2), lock(drive.RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true}))
	}, did: []string{"band 2 covers sectors 100 to 199: put right"}},
	"the data range is locked": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(0), lock(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
	}, did: []string{"band 0 has a lock and is locked: put right"}},
	"the data range is locked for writing, without a power cycle": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(0), lock(drive.RangeConfig{WriteLockEnabled: true}))
	}, did: []string{"band 0 has a lock and is locked for writing: put right"}},
	"a lock of the data range is closed, and not enabled": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(0), func(s drive.Session) error { return s.SetLocks(true, true) })
	}, did: []string{"band 0 has a lock that is closed and not enabled: put right"}},
	"a band lost its place with its lock closed": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(2), place(8, 8))
		d.as(t, drive.BandMaster(2), func(s drive.Session) error { return s.SetLocks(true, true) })
		d.as(t, drive.BandMaster(2), place(0, 0))
	}, did: []string{"band 2 has a lock that is closed and not enabled: put right"}},
	"BandMasters are disabled, one with a place": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(2), place(8, 8))
		d.as(t, drive.EraseMaster, enables(false, 0, 2))
	}, did: []string{"BandMaster0 is disabled: enabled again", "BandMaster2 is disabled: enabled again", "band 2 covers sectors 8 to 15: put right"}},
	"a band locks at another reset": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(1), func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{LockOnReset: drive.OnPowerCycle | drive.OnHardware})
		})
	}, did: []string{"band 1 has other settings than from the factory: put right"}},
	"two bands and the data range": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(1), place(0, 10))
		d.as(t, drive.BandMaster(2), place(10, 10))
		d.as(t, drive.BandMaster(0), lock(drive.RangeConfig{ReadLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
	}, did: []string{
		"band 0 has a lock and is locked for reading: put right",
		"band 1 covers sectors 0 to 9: put right",
		"band 2 covers sectors 10 to 19: put right",
	}},
	"wrong PINs were tried on a band": {make: func(t testing.TB, d *testDrive) { guess(t, d, drive.BandMaster(1), 3) }, did: []string{
		"BandMaster1 has 3 of 8 tries used: put right",
	}},
	"the tries of two bands are used up, one with a place": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(2), place(100, 100))
		guess(t, d, drive.BandMaster(0), 8)
		guess(t, d, drive.BandMaster(2), 8)
	}, did: []string{
		"BandMaster0 has used up its 8 tries: band 0 was erased, which gives them back",
		"BandMaster2 has used up its 8 tries: band 2 was erased, which gives them back",
		"band 2 covers sectors 100 to 199: put right",
	}},
	"the data range has an owner": {
		make: func(t testing.TB, d *testDrive) {
			d.as(t, drive.BandMaster(0), func(s drive.Session) error { return s.Migrate(somebody(t)) })
		},
		want: ErrConfigured, says: "already configured",
	},
	"a band without sectors has an owner": {
		make: func(t testing.TB, d *testDrive) {
			d.as(t, drive.BandMaster(2), func(s drive.Session) error { return s.SetPIN(somebody(t)) })
		},
		want: ErrConfigured, says: "already configured",
	},
	"EraseMaster has an owner": {
		make: func(t testing.TB, d *testDrive) {
			d.as(t, drive.BandMaster(2), place(8, 8)) // and is not touched
			d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.SetPIN(somebody(t)) })
		},
		want: ErrForeign, says: "EraseMaster has somebody's PIN; its owner gives it the factory PIN again, or reverts the drive with the PSID from its label",
	},
	"SID and EraseMaster have an owner": {
		make: func(t testing.TB, d *testDrive) {
			for _, a := range []drive.Authority{drive.SID, drive.EraseMaster} {
				d.as(t, a, func(s drive.Session) error { return s.SetPIN(somebody(t)) })
			}
		},
		want: ErrForeign, says: "PSID from its label; EraseMaster has",
	},
	"the tries of EraseMaster are used up": {
		make: func(t testing.TB, d *testDrive) { guess(t, d, drive.EraseMaster, 8) },
		want: drive.LockedOut, says: "EraseMaster has used up its tries, 8 of 8; revert the drive with the PSID from its label",
	},
	"the tries of SID and EraseMaster are used up": {
		make: func(t testing.TB, d *testDrive) { guess(t, d, drive.SID, 8); guess(t, d, drive.EraseMaster, 8) },
		want: drive.LockedOut, says: "label; EraseMaster has used up its tries, 8 of 8",
	},
	"a lock for reading is closed, and not enabled": {make: func(t testing.TB, d *testDrive) {
		d.as(t, drive.BandMaster(0), func(s drive.Session) error { return s.SetLocks(true, false) })
	}, did: []string{"band 0 has a lock that is closed and not enabled: put right"}},
	"SID has one try left, which is its owner's": {
		make: func(t testing.TB, d *testDrive) { guess(t, d, drive.SID, 7) },
		want: drive.LockedOut, says: "SID has used up its tries, 7 of 8",
	},
}

// TestUsedDrives: what needs no owner is put right and said, everything else is refused with the
// drive as it was; and every sector of a drive that has joined is protected.
func TestUsedDrives(t *testing.T) {
	for name, u := range usedDrives {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			r.bands = 2
			d := r.drive("U1")
			u.make(t, d)
			before := d.Status()
			var did []string
			r.group.SetNotes(hears(func(_, what string) { did = append(did, what) }))
			err := r.group.Admit(d)
			require.Equal(t, u.did, did)
			if u.want != nil {
				require.ErrorIs(t, err, u.want)
				require.ErrorContains(t, err, u.says)
				require.Equal(t, before, d.Status(), "a refused drive is as it was")
				require.Empty(t, r.group.Members())
				return
			}
			require.NoError(t, err)
			requireProtected(t, r, d)
		})
	}
}

// requireProtected writes everywhere, and requires that whoever takes the drive away reads
// none of it, and that no wrap of the key needs less than the credential.
func requireProtected(t *testing.T, r *rig, d *testDrive) {
	t.Helper()
	lbas := []uint64{0, 8, 9, 15, 100, 150, 199, 65535}
	for _, lba := range lbas {
		require.NoError(t, d.Write(lba, data("U1")), "sector %d", lba)
	}
	keys, err := d.KeyMap()
	require.NoError(t, err)
	require.False(t, keys.Ranges[0].RootWrap, "the root key opens the data range")
	d.cycle(t)
	for _, lba := range lbas {
		require.ErrorIs(t, d.Read(lba, make([]byte, 512)), drive.Locked, "sector %d is read without a credential", lba)
	}

	// Nor can anybody change that from outside.
	for n := 0; n <= d.Config().Ranges; n++ {
		_, err := d.Authenticate(drive.BandMaster(n), d.label.MSID)
		require.ErrorIs(t, err, drive.NotAuthorized, "BandMaster%d", n)
	}
	require.NoError(t, r.group.Unlock(d))
	for _, lba := range lbas {
		got := make([]byte, 512)
		require.NoError(t, d.Read(lba, got))
		require.Equal(t, data("U1"), got)
	}
}

// TestOutsiderAtABandOfAMember: who resets a band of a member through the factory PIN of its
// EraseMaster is seen before the drive is unlocked, and a readmission takes the band back.
func TestOutsiderAtABandOfAMember(t *testing.T) {
	for name, c := range map[string]struct {
		did     func(testing.TB, *testDrive)
		says    string
		refused bool
		noted   string
	}{
		"resets it":         {did: func(testing.TB, *testDrive) {}, says: "BandMaster1 has the factory PIN, so anybody can lay band 1 over data"},
		"lays it over data": {did: func(t testing.TB, d *testDrive) { d.as(t, drive.BandMaster(1), place(0, 100)) }, says: "band 1 covers sectors 0 to 99"},
		"takes it for himself": {did: func(t testing.TB, d *testDrive) {
			d.as(t, drive.BandMaster(1), func(s drive.Session) error { return s.SetPIN(somebody(t)) })
		}, says: "band 1 does not open to its credential", noted: "band 1 did not open to its credential: put right"},
		"takes it, with a place": {did: func(t testing.TB, d *testDrive) {
			d.as(t, drive.BandMaster(1), func(s drive.Session) error {
				if err := place(0, 100)(s); err != nil {
					return err
				}
				return s.SetPIN(somebody(t))
			})
		}, says: "band 1 covers sectors", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			r.bands = 1
			d := r.member("U1")
			d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.Erase(1) })
			c.did(t, d)
			d.cycle(t)
			err := r.group.Unlock(d)
			requireMemberError(t, err, StepBands, ErrUnverified)
			require.ErrorContains(t, err, c.says)
			require.True(t, d.Status().Locked, "it stays locked")
			if c.refused {
				err := r.group.Readmit(d)
				requireAdmitError(t, err, StepBands, ErrForeign)
				require.ErrorContains(t, err, "sectors 0 to 99")
				require.True(t, d.Status().Locked)
				return
			}
			var noted string
			r.group.SetNotes(hears(func(_, what string) { noted += what }))
			require.NoError(t, r.group.Readmit(d))
			require.Equal(t, c.noted, noted)
			d.requireData(t, "it is the member with its data")
			requireProtected(t, r, d)
		})
	}
}

// TestABandThatCannotBeErasedIsNotTakenBack, nor called put right.
func TestABandThatCannotBeErasedIsNotTakenBack(t *testing.T) {
	r := accessible(t)
	r.bands = 1
	d := r.member("U1")
	d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.Erase(1) })
	d.as(t, drive.BandMaster(1), func(s drive.Session) error { return s.SetPIN(somebody(t)) })
	d.cycle(t)
	r.group.SetNotes(hears(func(_, what string) { t.Errorf("noted: %s", what) }))
	d.arm(t, "(flash.erase.refused) (flash.zero.refused)")
	err := r.group.Readmit(d)
	requireAdmitError(t, err, StepBands, drive.Degraded)
	require.ErrorContains(t, err, "erase", "it says what failed first")
}

// TestBandsFollowTheGroupKey: no band is left behind with a credential of a group key that
// is gone.
func TestBandsFollowTheGroupKey(t *testing.T) {
	r := accessible(t)
	r.bands = 2
	d := r.member("U1")
	require.NoError(t, r.group.Rekey(d))
	guess(t, d, drive.BandMaster(2), 8) // an outsider; the rekey takes the band back
	_, err := r.group.RekeyGroupKey([]Drive{d})
	require.NoError(t, err)
	m, _ := r.group.Member("U1")
	all, err := r.group.BandSecrets("U1", 2)
	require.NoError(t, err)
	require.Len(t, all, 2, "those of the new group key, a band each")
	for _, b := range all {
		require.Equal(t, m.Generation, b.Generation)
		s, err := d.Authenticate(drive.BandMaster(b.Band), drive.CredentialPIN(b.Secret))
		require.NoError(t, err, b.Name)
		s.Close()
	}
	requireProtected(t, r, d)
}

// TestReadmissionSaysWhatItCanNotErase: data that open to their credential are not
// given up because somebody took the EraseMaster.
func TestReadmissionSaysWhatItCanNotErase(t *testing.T) {
	r := accessible(t)
	d := r.member("U1")
	d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.SetPIN(somebody(t)) })
	var did []string
	r.group.SetNotes(hears(func(_, what string) { did = append(did, what) }))
	require.NoError(t, r.group.Readmit(d))
	require.Len(t, did, 1)
	require.Contains(t, did[0], "EraseMaster has somebody's PIN, so this facility cannot erase the drive")
	d.requireData(t, "the data are there")
}

// TestReleasedDriveHasNoPlace: an erase leaves a band its place, and a release does not.
func TestReleasedDriveHasNoPlace(t *testing.T) {
	r := accessible(t)
	r.bands = 4
	d := r.member("U1")
	for _, n := range []int{2, 4} { // and not those between
		d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.Erase(n) })
		d.as(t, drive.BandMaster(n), place(uint64(n)*100, 100))
	}
	require.NoError(t, r.group.Release(d))
	for n := range 5 {
		i, err := d.Range(n)
		require.NoError(t, err)
		require.Equal(t, factoryRange, i.RangeConfig, "band %d", n)
	}
}
