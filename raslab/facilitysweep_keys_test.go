package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

var sweptOnKeys = []swept{
	{
		name: "group configure", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return l.ConfigureGroup(2) },
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			if g, err := l.GroupByID(2); err != nil || g.State != "accessible" {
				ok(t, l)(l.ConfigureGroup(2))
			}
		},
	},
	{
		name: "group remove", prepare: configureCloud,
		run:    func(l *Lab) (Report, error) { return l.RemoveGroup(2) },
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			if l.keys.group(2) != nil {
				ok(t, l)(l.RemoveGroup(2))
			}
			ok(t, l)(l.ConfigureGroup(2))
		},
	},
	{
		name: "rekey of the data key", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return l.RekeyDataKey(1) },
		finish: nothing, check: func(t testing.TB, l *Lab) { ok(t, l)(l.RekeyDataKey(1)) },
	},
	{
		name: "rekey of the group key", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return l.RekeyGroupKey(1) },
		finish: nothing, check: nothing,
	},
	{
		name: "rekey of a drive", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return l.RekeyDrive("R1-I1-D02") },
		finish: nothing, check: func(t testing.TB, l *Lab) { ok(t, l)(l.RekeyDrive("R1-I1-D02")) },
	},
	{
		name: "recovery key", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return newRecoveryKey(l, RecoveryConfigure) },
		finish: nothing, check: func(t testing.TB, l *Lab) { requireNewRecoveryKey(t, l, RecoveryConfigure) },
	},
	{
		name: "rekey of the recovery key", prepare: func(t testing.TB, l *Lab) { requireNewRecoveryKey(t, l, RecoveryConfigure) },
		run:    func(l *Lab) (Report, error) { return newRecoveryKey(l, RecoveryRekey) },
		finish: nothing, check: func(t testing.TB, l *Lab) { requireNewRecoveryKey(t, l, RecoveryRekey) },
	},
	{
		name: "repository restore", prepare: configureCloud,
		run:    func(l *Lab) (Report, error) { return l.RestoreRepository() },
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			require.Equal(t, []int{3, 3}, l.keys.GroupStates())
			ok(t, l)(l.RestoreRepository())
		},
	},
	{
		name: "cloud migrate", prepare: configureCloud,
		run:    func(l *Lab) (Report, error) { return l.MigrateToCloud(payroll(true)) },
		finish: backFromCloud, check: nothing,
	},
	{
		name: "cloud recall", prepare: func(t testing.TB, l *Lab) {
			configureCloud(t, l)
			ok(t, l)(l.MigrateToCloud(payroll(true)))
		},
		run:    func(l *Lab) (Report, error) { return l.RecallFromCloud(RecallRequest{Object: "payroll"}) },
		finish: backFromCloud, check: nothing,
	},
	{
		name: "cloud delete", prepare: func(t testing.TB, l *Lab) {
			configureCloud(t, l)
			ok(t, l)(l.MigrateToCloud(payroll(false)))
		},
		run:    func(l *Lab) (Report, error) { return l.DeleteFromCloud("payroll", false) },
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			if _, there := l.cloud.find("payroll"); there {
				ok(t, l)(l.DeleteFromCloud("payroll", false))
			}
			there, err := l.cloud.has("payroll")
			require.NoError(t, err)
			require.False(t, there, "no object without a receipt")
		},
	},
	{
		name: "quiesce, shutdown, resume", prepare: nothing,
		run: func(l *Lab) (Report, error) {
			for _, do := range []func() (Report, error){l.Quiesce, l.Shutdown, l.Resume} {
				if rep, err := andTime(l, time.Hour)(do()); err != nil || l.power.dark {
					return rep, err
				}
			}
			return Report{}, nil
		},
		finish: nothing, check: func(t testing.TB, l *Lab) { require.Equal(t, "quiesce", l.sfi.ValidState()) },
	},
	{
		name: "IML", prepare: nothing,
		run: func(l *Lab) (Report, error) { return l.DualClusterIML() }, finish: nothing, check: nothing,
	},
	{
		name: "power cycle", prepare: nothing,
		run: func(l *Lab) (Report, error) { return l.PowerCycle() }, finish: nothing, check: nothing,
	},
	{
		name: "discontinue scan", empty: true,
		prepare: func(t testing.TB, l *Lab) { ok(t, l)(l.RemoveRank("R0")) },
		run: func(l *Lab) (Report, error) {
			d, err := l.Discontinue()
			return d.Report, err
		},
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			d, err := l.Discontinue()
			ok(t, l)(d.Report, err)
		},
	},
	{
		name: "health check", prepare: nothing,
		run:    func(l *Lab) (Report, error) { return Report{}, l.Advance(3 * time.Hour) },
		finish: nothing, check: nothing,
	},
	{
		name: "host write", short: true, prepare: nothing,
		run: func(l *Lab) (Report, error) {
			r, err := l.plant.Rank("R0")
			if err != nil {
				return Report{}, err
			}
			if err := r.Write(38, pattern(1, 40*l.options.SectorSize)[38*l.options.SectorSize:]); err != nil {
				return Report{Failed: true}, nil // not acknowledged
			}
			return Report{}, nil
		},
		finish: nothing, check: nothing,
	},
	{
		name: "host write of new rows", short: true, prepare: nothing,
		run: func(l *Lab) (Report, error) {
			r, err := l.plant.Rank("R0")
			if err != nil {
				return Report{}, err
			}
			if err := r.Write(40, pattern(9, 9*l.options.SectorSize)); err != nil {
				return Report{Failed: true}, nil
			}
			return Report{}, nil
		},
		finish: nothing,
		check: func(t testing.TB, l *Lab) {
			r, err := l.plant.Rank("R0")
			require.NoError(t, err)
			buf := make([]byte, 9*l.options.SectorSize)
			require.NoError(t, r.Read(40, buf), "every sector is the old one or the new one")
		},
	},
}

func configureCloud(t testing.TB, l *Lab) { ok(t, l)(l.ConfigureGroup(2)) }

// backFromCloud recalls the object, if it is there, so that the data are where they were, and
// repeats the whole.
func backFromCloud(t testing.TB, l *Lab) {
	if _, there := l.cloud.find("payroll"); there {
		ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll", Over: true}))
		ok(t, l)(l.DeleteFromCloud("payroll", false))
	}
	there, err := l.cloud.has("payroll")
	require.NoError(t, err)
	require.False(t, there, "no object without a receipt")
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
}

// newRecoveryKey takes the three steps to a recovery key, as far as they go.
func newRecoveryKey(l *Lab, draw RecoveryAction) (Report, error) {
	shown, rep, err := l.RecoveryKey(1, draw, secAdmin, "")
	if err != nil || rep.Failed {
		return rep, err
	}
	if _, rep, err = l.RecoveryKey(1, RecoveryVerify, secAdmin, shown); err != nil || rep.Failed {
		return rep, err
	}
	_, rep, err = l.RecoveryKey(1, RecoveryAuthorize, admin, "")
	return rep, err
}

// requireNewRecoveryKey gets a recovery key from whatever state the steps are in.
func requireNewRecoveryKey(t testing.TB, l *Lab, draw RecoveryAction) {
	t.Helper()
	s, err := l.keys.group(1).recoveryKey().Status()
	require.NoError(t, err)
	if s.State.Pending() {
		_, _, err := l.RecoveryKey(1, RecoveryCancel, secAdmin, "")
		require.NoError(t, err)
		s, err = l.keys.group(1).recoveryKey().Status()
		require.NoError(t, err)
	}
	if s.State == reckey.Configured {
		draw = RecoveryRekey
	}
	ok(t, l)(newRecoveryKey(l, draw))
}
