package conformance

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func f15EraseChangesTheKeys(s *suite) {
	r := s.drive(nil)
	r.place(1, r.label.MSID, 8, 8)
	seen := map[string]string{}
	look := func(when string) {
		s.Helper()
		for _, lba := range []uint64{0, 8} {
			r.put(lba, 1)
			c, _ := r.Dump().Sector(lba)
			require.NotContains(s, seen, string(c), "%s sector %d has the ciphertext that it had %s: the key is the same", when, lba, seen[string(c)])
			seen[string(c)] = when
		}
	}
	look("from the factory")
	for i := range 3 {
		generation := r.Status().KeyGeneration
		r.must(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll)
		require.NotEqual(s, generation, r.Status().KeyGeneration, "the drive says that keys changed")
		r.unreadable(0, 1, "the data is gone")
		r.unreadable(8, 1, "in every range")
		look(fmt.Sprintf("after erase %d", i))
		r.own(0, credential(1))
		for n := range 2 {
			r.must(drive.EraseMaster, r.label.MSID, func(ses drive.Session) error { return ses.Erase(n) })
		}
		r.unreadable(0, 1, "the data is gone")
		r.unreadable(8, 1, "in every range")
		look(fmt.Sprintf("after band erase %d", i))
	}
}

func f16RevertErasesEverything(s *suite) {
	for name, live := range map[string]func(*rig){
		"never owned":  func(*rig) {},
		"owned":        func(r *rig) { r.own(0, credential(1)); r.own(1, credential(2)) },
		"band 1 owned": func(r *rig) { r.own(1, credential(2)) },
		"other masters": func(r *rig) {
			r.must(drive.SID, r.label.MSID, func(ses drive.Session) error { return ses.SetPIN(credential(3)) })
		},
	} {
		r := s.drive(nil)
		r.place(1, r.label.MSID, 8, 8)
		r.put(0, 1)
		r.put(8, 2)
		live(r)
		require.NoError(s, r.RevertPSID(r.label.PSID), name)
		require.Equal(s, drive.Erased, r.Status().State, name)
		for range 2 {
			r.unreadable(0, 1, name+": data from before is gone")
			r.unreadable(8, 2, name+": in bands too")
			r.cycle()
		}
		dump := r.Dump()
		require.Empty(s, r.thief(dump, r.oracle(dump, 0, 1), false, credential(1), credential(2), credential(3)).Keys, "%s: and its key", name)
		for n := range 3 {
			got, err := r.Range(n)
			require.NoError(s, err)
			require.Equal(s, drive.RangeInfo{RangeConfig: drive.RangeConfig{LockOnReset: drive.OnPowerCycle}, AtMSID: true}, got, "%s: range %d is as from the factory", name, n)
		}
	}
}

func f20PowerCutLeavesOldOrNew(s *suite) {
	both := func(r *rig) drive.PIN { // which PIN BandMaster0 has: it must have one of the two
		s.Helper()
		for _, p := range []drive.PIN{credential(1), credential(2), r.label.MSID} {
			if r.as(drive.BandMaster(0), p, nothing) == nil {
				return p
			}
		}
		require.Fail(s, "no PIN opens the range: it is lost")
		return drive.PIN{}
	}
	for name, op := range map[string]struct {
		do    func(*rig) error
		gives drive.PIN // the new PIN; the zero PIN is MSID, with new keys
	}{
		"rekey": {func(r *rig) error {
			return r.as(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetPIN(credential(2)) })
		}, credential(2)},
		"erase":  {func(r *rig) error { return r.as(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll) }, drive.PIN{}},
		"revert": {func(r *rig) error { return r.RevertPSID(r.label.PSID) }, drive.PIN{}},
	} {
		for _, mode := range []string{"before", "torn", "after"} {
			for k := 0; ; k++ {
				r := s.drive(nil)
				r.own(0, credential(1))
				r.put(3, 1)
				r.arm(fmt.Sprintf("(flash.power.%s (OnIndex %d))", mode, k))
				err := op.do(r)
				if !r.fired() {
					require.NoError(s, err, name)
					break
				}
				require.ErrorIs(s, err, drive.PowerLost, "%s cut %s operation %d", name, mode, k)
				r.flash.Disarm()
				require.NoError(s, r.PowerOn())
				at := fmt.Sprintf("%s cut %s operation %d", name, mode, k)
				require.NotEqual(s, drive.SecurityDegraded, r.Status().State, "%s: the old state or the new", at)
				has := both(r)
				if !has.Equal(r.label.MSID) {
					require.Equal(s, drive.Configured, r.Status().State, at)
					r.must(drive.BandMaster(0), has, drive.Session.Unlock)
					r.readable(3, 1, at+": the data is there")
					old := credential(1)
					if has.Equal(old) {
						old = credential(2)
					}
					r.closed(3, 1, has, old)
					continue
				}
				require.Zero(s, op.gives.Len(), "%s: only an erase leads back to MSID", at)
				require.Equal(s, drive.Erased, r.Status().State, at)
				r.unreadable(3, 1, at+": erased is erased")
				dump := r.Dump()
				require.Empty(s, r.thief(dump, r.oracle(dump, 3, 1), false, credential(1)).Keys, "%s: and no key is left", at)
			}
		}
	}
}

func f21EraseEndsAndSurvivesReset(s *suite) {
	for _, plan := range []string{
		"(flash.erase.refused)", "(flash.erase.refused) (flash.zero.refused)", "(flash.erase.torn)", "(flash.program.refused)",
		"(flash.program.torn)", "(flash.read.error)", "(flash.read.rot)",
	} {
		var wire *tripwire
		r, err := s.driveOf(entropy.Stream(1, "conformance"), func(d flash.Device) flash.Device {
			wire = &tripwire{Device: d, left: 1000}
			return wire
		}, nil)
		require.NoError(s, err)
		r.own(0, credential(1))
		r.put(3, 1)
		ses, err := r.Authenticate(drive.EraseMaster, r.label.MSID)
		require.NoError(s, err)
		r.arm(plan)
		wire.left = 1000
		require.NotPanics(s, func() { err = ses.EraseAll() }, "on flash with %s the erase ends, with or without success", plan)
		r.flash.Disarm()
		before := r.Status()
		require.NoError(s, r.Reset(drive.HardwareReset))
		require.Equal(s, before, r.Status(), "%s: a reset does not change the result of the erase", plan)
		if err != nil {
			continue
		}
		require.Equal(s, drive.Erased, before.State)
		r.unreadable(3, 1, "erased")
		r.cycle()
		require.Equal(s, drive.Erased, r.Status().State, "%s: nor does a power cycle", plan)
		r.unreadable(3, 1, "erased")
	}
}

func f22FailedEraseIsNoSuccess(s *suite) {
	for name, erase := range map[string]func(*rig) error{
		"erase": func(r *rig) error {
			return r.as(drive.EraseMaster, r.label.MSID, func(ses drive.Session) error { return ses.Erase(0) })
		},
		"erase all": func(r *rig) error { return r.as(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll) },
		"revert":    func(r *rig) error { return r.RevertPSID(r.label.PSID) },
	} {
		for plan, code := range map[string]drive.Code{
			"(flash.erase.refused) (flash.zero.refused)": drive.Degraded,
			"(flash.erase.torn) (flash.zero.refused)":    drive.Degraded,
			"(flash.program.refused (After 2))":          drive.HardwareFailure, // two notes of the authentication get through
		} {
			r := s.drive(nil)
			r.own(0, credential(1))
			r.put(3, 1)
			if name == "revert" && code == drive.HardwareFailure {
				plan = "(flash.program.refused (After 1))" // a revert notes one try only
			}
			r.arm(plan)
			require.ErrorIs(s, erase(r), code, "%s with %s", name, plan)
			require.NotEqual(s, drive.Erased, r.Status().State, "%s with %s: it is not erased", name, plan)
			r.cycle()
			require.NotEqual(s, drive.Erased, r.Status().State, "%s with %s: nor after a power cycle", name, plan)
			r.flash.Disarm()
			r.cycle()
			require.NoError(s, r.RevertPSID(r.label.PSID), "%s with %s: an erase that works cures it", name, plan)
			require.Equal(s, drive.Erased, r.Status().State)
			r.unreadable(3, 1, "now it is gone")
			dump := r.Dump()
			require.Empty(s, r.thief(dump, r.oracle(dump, 3, 1), false, credential(1)).Keys, "and so is its key")
		}
	}
}

func f26SIDFollowsItsIndicatorAfterRevert(s *suite) {
	r := s.drive(nil)
	for _, a := range everyone() {
		r.must(a, r.label.MSID, func(ses drive.Session) error { return ses.SetPIN(credential(1)) })
	}
	require.NoError(s, r.RevertPSID(r.label.PSID))
	for range 2 {
		for _, a := range everyone() {
			at, err := r.AtMSID(a)
			require.NoError(s, err)
			require.True(s, at, "after a revert the indicator of %v says MSID", a)
			r.must(a, r.label.MSID, nothing)
			r.refused(a, credential(1), "and its old PIN is gone")
		}
		r.cycle()
	}
}

func f31EveryCopyIsDestroyed(s *suite) {
	// A power cut leaves an old record behind; the next power-on destroys it.
	r := s.drive(nil)
	r.own(0, credential(1))
	r.put(3, 1)
	ses, err := r.Authenticate(drive.BandMaster(0), credential(1))
	require.NoError(s, err)
	r.arm("(flash.power.after (OnIndex 0))")
	require.ErrorIs(s, ses.SetPIN(credential(2)), drive.PowerLost)
	r.flash.Disarm()
	require.NoError(s, r.PowerOn())
	r.closed(3, 1, credential(2), credential(1))
	// Blocks that hold records, and those that were given up, hold one at most.
	for _, plan := range []string{"(flash.erase.refused)", "(flash.erase.torn)", "(flash.program.torn (Every 2))"} {
		r := s.drive(nil)
		r.own(0, credential(1))
		r.put(3, 1)
		r.arm(plan)
		for n := byte(1); n < 4; n++ {
			err := r.as(drive.BandMaster(0), credential(n), func(ses drive.Session) error { return ses.SetPIN(credential(n + 1)) })
			if err != nil {
				break // worn out
			}
			blocks := map[int]bool{}
			for _, p := range r.Dump().Flash {
				for _, b := range p.Data {
					if b != 0 {
						blocks[p.Block] = true
					}
				}
			}
			require.Len(s, blocks, 1, "%s: after a key step one block holds anything but zeros", plan)
		}
	}
}
