package encgroup

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// cutCase is an operation on one drive, and what must hold once power is back
// and the drive was readmitted.
type cutCase struct {
	name    string
	prepare func(*rig) *testDrive
	run     func(*rig, Drive) error
	resume  func(*rig, *testDrive) error
	check   func(testing.TB, *rig, *testDrive)
}

var cutCases = []cutCase{
	{
		name:    "admit",
		prepare: func(r *rig) *testDrive { return r.drive("A1") },
		run:     func(r *rig, d Drive) error { return r.group.Admit(d) },
		resume:  func(r *rig, d *testDrive) error { return finishAdmission(r, d) },
		check:   func(testing.TB, *rig, *testDrive) {},
	},
	{
		name:    "rekey",
		prepare: func(r *rig) *testDrive { return r.member("A1") },
		run:     func(r *rig, d Drive) error { return r.group.Rekey(d) },
		resume:  func(r *rig, d *testDrive) error { return r.group.Readmit(d) },
		check:   func(t testing.TB, _ *rig, d *testDrive) { d.requireData(t, "no power cut in a rekey costs data") },
	},
	{
		name:    "rekey, resumed by unlock",
		prepare: func(r *rig) *testDrive { return r.member("A1") },
		run:     func(r *rig, d Drive) error { return r.group.Rekey(d) },
		resume:  func(r *rig, d *testDrive) error { return r.group.Unlock(d) },
		check:   func(t testing.TB, _ *rig, d *testDrive) { d.requireData(t, "no power cut in a rekey costs data") },
	},
	{
		name:    "rekey, resumed by rekey",
		prepare: func(r *rig) *testDrive { return r.member("A1") },
		run:     func(r *rig, d Drive) error { return r.group.Rekey(d) },
		resume: func(r *rig, d *testDrive) error {
			if err := r.group.Rekey(d); err != nil {
				return err
			}
			return r.group.Unlock(d)
		},
		check: func(t testing.TB, r *rig, d *testDrive) {
			d.requireData(t, "no power cut in a rekey costs data")
			m, _ := r.group.Member("A1")
			require.GreaterOrEqual(t, m.Generation, uint32(2), "the rekey was finished")
		},
	},
	{
		name: "readmit of a drive whose rekey was cut",
		prepare: func(r *rig) *testDrive {
			d := r.member("A1")
			d.arm(r.t, "(flash.power.torn (OnIndex 3))")
			requireMemberError(r.t, r.group.Rekey(d), StepMigrate, drive.PowerLost)
			r.restart()
			return d
		},
		run:    func(r *rig, d Drive) error { return r.group.Readmit(d) },
		resume: func(r *rig, d *testDrive) error { return r.group.Readmit(d) },
		check:  func(t testing.TB, _ *rig, d *testDrive) { d.requireData(t, "no power cut in a repair costs data") },
	},
	{
		name:    "release",
		prepare: func(r *rig) *testDrive { return r.member("A1") },
		run:     func(r *rig, d Drive) error { return r.group.Release(d) },
		resume: func(r *rig, d *testDrive) error {
			// The facility wanted it released: it goes on where it was.
			if _, ok := r.group.Member("A1"); ok {
				if err := r.group.Release(d); err != nil {
					return err
				}
			}
			return r.group.Admit(d)
		},
		check: func(t testing.TB, r *rig, _ *testDrive) {
			m, _ := r.group.Member("A1")
			require.Greater(t, m.Generation, uint32(1), "a credential is not given twice")
		},
	},
}

// finishAdmission is what a facility does that finds its rank half created.
func finishAdmission(r *rig, d *testDrive) error {
	m, ok := r.group.Member(d.Serial())
	if ok && m.Generation != 0 {
		return r.group.Readmit(d)
	}
	return r.group.Admit(d)
}

// settled checks what must hold after every recovery: the drive is configured,
// exactly its one credential opens it, and the record agrees.
func settled(t testing.TB, r *rig, d *testDrive, c cutCase) {
	t.Helper()
	d.flash.Disarm()
	for range 2 {
		m, ok := r.group.Member(d.Serial())
		require.True(t, ok, "the member was lost")
		require.Zero(t, m.Pending, "nothing is pending any more")
		require.Equal(t, drive.Configured, d.Status().State)
		c.check(t, r, d)
		s, err := r.group.authenticate(d, m.Generation)
		require.NoError(t, err, "the recorded credential opens the drive")
		s.Close()
		for n := uint32(1); n <= m.Last; n++ {
			if n != m.Generation {
				_, err := r.group.authenticate(d, n)
				require.ErrorIs(t, err, drive.NotAuthorized, "generation %d opens it, too", n)
			}
		}
		require.NoError(t, checkBands(d))
		for band := 1; band <= d.Config().Ranges; band++ {
			s, had, err := r.group.openBand(d, band, []uint32{m.Generation})
			require.NoError(t, err, "band %d is the group's, and of the same generation", band)
			require.Equal(t, m.Generation, had)
			s.Close()
		}
		r.restart()
		requireLocked(t, d)
		require.NoError(t, r.group.Unlock(d))
	}
}

// TestPowerCutInTheDrive cuts a drive's power at each flash operation of each
// group operation, until a run ends without a cut.
func TestPowerCutInTheDrive(t *testing.T) {
	for _, c := range cutCases {
		for i, mode := range []string{"before", "torn", "after"} {
			t.Run(c.name+"/"+mode, func(t *testing.T) {
				for n := 0; ; n++ {
					require.Less(t, n, 100, "the sweep does not end")
					r := accessible(t)
					r.bands = i
					d := c.prepare(r)
					d.armUnchecked(t, fmt.Sprintf("(flash.power.%s (OnIndex %d))", mode, n))
					err := c.run(r, d)
					if err == nil {
						require.Positive(t, n, "the operation writes to flash")
						return
					}
					require.ErrorIs(t, err, drive.PowerLost, "cut at %d", n)
					r.restart()
					require.NoError(t, c.resume(r, d), "cut at %d: %v", n, r.group.Members())
					settled(t, r, d, c)
				}
			})
		}
	}
}

// TestPowerCutInTheFacility cuts the facility's power, drives included, at each
// write of its record, before and after the record was kept.
func TestPowerCutInTheFacility(t *testing.T) {
	for _, c := range cutCases {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%v", c.name, after), func(t *testing.T) {
				for n := 0; ; n++ {
					require.Less(t, n, 10, "the sweep does not end")
					r := accessible(t)
					r.bands = 1
					d := c.prepare(r)
					r.store.arm(n, after)
					err := c.run(r, d)
					if err == nil {
						require.Positive(t, n, "the operation is recorded")
						return
					}
					require.ErrorIs(t, err, ErrStore, "cut at save %d", n)
					r.restart()
					require.NoError(t, c.resume(r, d), "cut at save %d: %v", n, r.group.Members())
					settled(t, r, d, c)
				}
			})
		}
	}
}

// TestPowerCutTwice cuts the recovery as well: the drive's power in the
// operation, and then at each flash operation of the resumption.
func TestPowerCutTwice(t *testing.T) {
	for _, c := range cutCases {
		t.Run(c.name, func(t *testing.T) {
			for n := 0; ; n++ {
				first := false
				for k := 0; ; k++ {
					require.Less(t, k, 100, "the sweep does not end")
					r := accessible(t)
					r.bands = 1
					d := c.prepare(r)
					d.armUnchecked(t, fmt.Sprintf("(flash.power.torn (OnIndex %d))", n))
					if c.run(r, d) == nil {
						break
					}
					first = true
					r.restart()
					d.armUnchecked(t, fmt.Sprintf("(flash.power.torn (OnIndex %d))", k))
					err := c.resume(r, d)
					if err == nil {
						settled(t, r, d, c)
						break
					}
					r.restart()
					require.NoError(t, c.resume(r, d), "cut at %d, then at %d: %v", n, k, r.group.Members())
					settled(t, r, d, c)
				}
				if !first {
					return
				}
			}
		})
	}
}

// portCases are cutCases and what else talks to a drive.
var portCases = append(slices.Clone(cutCases), cutCase{
	name: "unlock after a rekey that was cut",
	prepare: func(r *rig) *testDrive {
		r.member("A1")
		cutRekey(r)
		return r.drives[0]
	},
	run:    func(r *rig, d Drive) error { return r.group.Unlock(d) },
	resume: func(r *rig, d *testDrive) error { return r.group.Unlock(d) },
	check:  func(t testing.TB, _ *rig, d *testDrive) { d.requireData(t, "the data are there") },
}, cutCase{
	name: "readmit of a member that was erased",
	prepare: func(r *rig) *testDrive {
		d := r.member("A1")
		require.NoError(r.t, d.RevertPSID(d.label.PSID))
		return d
	},
	run:    func(r *rig, d Drive) error { return r.group.Readmit(d) },
	resume: func(r *rig, d *testDrive) error { return r.group.Readmit(d) },
	check:  func(testing.TB, *rig, *testDrive) {},
}, cutCase{
	name: "readmit of a member one of whose bands somebody took",
	prepare: func(r *rig) *testDrive {
		d := r.member("A1")
		d.as(r.t, drive.EraseMaster, func(s drive.Session) error { return s.Erase(1) })
		d.as(r.t, drive.BandMaster(1), func(s drive.Session) error { return s.SetPIN(somebody(r.t)) })
		return d
	},
	run:    func(r *rig, d Drive) error { return r.group.Readmit(d) },
	resume: func(r *rig, d *testDrive) error { return r.group.Readmit(d) },
	check:  func(t testing.TB, _ *rig, d *testDrive) { d.requireData(t, "the data are there") },
}, cutCase{
	name: "admit of a drive that somebody used",
	prepare: func(r *rig) *testDrive {
		d := r.drive("A1")
		d.as(r.t, drive.BandMaster(0), lock(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
		d.as(r.t, drive.BandMaster(1), place(8, 8))
		guess(r.t, d, drive.BandMaster(0), 8)
		return d
	},
	run:    func(r *rig, d Drive) error { return r.group.Admit(d) },
	resume: func(r *rig, d *testDrive) error { return finishAdmission(r, d) },
	check:  func(testing.TB, *rig, *testDrive) {},
}, cutCase{
	name: "release of a member one of whose bands covers sectors",
	prepare: func(r *rig) *testDrive {
		d := r.member("A1")
		d.as(r.t, drive.EraseMaster, func(s drive.Session) error { return s.Erase(1) })
		d.as(r.t, drive.BandMaster(1), place(0, 100))
		return d
	},
	run:    func(r *rig, d Drive) error { return r.group.Release(d) },
	resume: cutCases[5].resume,
	check:  func(testing.TB, *rig, *testDrive) {},
})

// TestPowerCutAtThePort takes a drive's power as each command arrives that is not a read of its
// state, or loses that command, until a run ends in which nothing was cut or lost: the operation
// says so, and goes on from there. No PIN is left in memory, however it ends.
func TestPowerCutAtThePort(t *testing.T) {
	for _, c := range portCases {
		for _, lose := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lose=%v", c.name, lose), func(t *testing.T) {
				for n := 0; ; n++ {
					require.Less(t, n, 100, "the sweep does not end")
					r := accessible(t)
					r.bands = 1
					d := c.prepare(r)
					p := &port{testDrive: d, at: n, lose: lose}
					err := c.run(r, p)
					p.requirePINsCleared(t)
					if !p.fired() {
						require.NoError(t, err)
						return
					}
					if lose {
						require.ErrorIs(t, err, errLost, "command %d", n)
					} else {
						require.ErrorIs(t, err, drive.NoPower, "command %d", n)
						r.restart()
					}
					require.NoError(t, c.resume(r, d), "command %d: %v", n, r.group.Members())
					settled(t, r, d, c)
				}
			})
		}
	}
}
