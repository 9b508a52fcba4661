package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// swept is one service action whose power is cut.
type swept struct {
	name    string
	prepare func(t testing.TB, l *Lab)
	run     func(l *Lab) (Report, error)
	// finish is what the service person does afterwards, from what the facility says. It is nil if
	// the facility goes on by itself.
	finish func(t testing.TB, l *Lab)
	check  func(t testing.TB, l *Lab)
	short  bool // it has few operations: each is taken
	empty  bool // R0 and its data were removed before
}

const part = "FRU00001" // on the shelf

// repaired is a service person who goes on with the repair that the facility says is in progress.
func repaired(name string) func(t testing.TB, l *Lab) {
	return func(t testing.TB, l *Lab) {
		for range 3 {
			if l.service.action == nil || l.service.action.slot == nil {
				break
			}
			slot := l.service.action.slot.name
			if !l.service.action.ready {
				ok(t, l)(l.ExchangeFRU(slot, ""))
			}
			_, err := l.ResumeRepair(slot)
			require.NoError(t, err)
		}
		require.True(t, l.service.action == nil || l.service.action.slot == nil, "the repair %s ends", name)
		advance(t, l, 5*time.Hour)
		if s := l.plant.slots[1]; s.state != Normal && s.state != FailedDeferred {
			_, err := l.StartRepair(s.name)
			require.NoError(t, err, "%s is %s", s.name, s.condition())
			ok(t, l)(l.ExchangeFRU(s.name, ""))
			ok(t, l)(l.ResumeRepair(s.name))
			advance(t, l, 5*time.Hour)
		}
	}
}

func rankNormal(t testing.TB, l *Lab) {
	t.Helper()
	i, err := l.plant.RankByName("R0")
	require.NoError(t, err)
	require.Equal(t, "Normal", i.State)
}

func nothing(testing.TB, *Lab) {}

var sweptOnDrives = []swept{
	{
		name: "rank create", prepare: func(t testing.TB, l *Lab) { ok(t, l)(l.CreateArray("S2", RAIDAuto)) },
		run: func(l *Lab) (Report, error) { return l.CreateRank("A1", 1) }, finish: nothing,
		check: func(t testing.TB, l *Lab) {
			if len(l.plant.Ranks()) == 1 {
				ok(t, l)(l.CreateRank("A1", 1))
			}
			ok(t, l)(l.RemoveRank("R1"))
		},
	},
	{
		name: "rank remove", prepare: func(t testing.TB, l *Lab) {
			ok(t, l)(l.CreateArray("S2", RAIDAuto))
			ok(t, l)(l.CreateRank("A1", 1))
		},
		run: func(l *Lab) (Report, error) { return l.RemoveRank("R1") }, finish: nothing,
		check: func(t testing.TB, l *Lab) {
			if len(l.plant.Ranks()) == 2 {
				ok(t, l)(l.RemoveRank("R1"))
			}
			for _, s := range l.plant.slots[8:] {
				require.True(t, s.state == Normal && s.port.Status().State == drive.Erased, "%s: %s", s.name, s.condition())
			}
			ok(t, l)(l.CreateRank("A1", 1))
		},
	},
	{
		name: "repair start", prepare: nothing,
		run: func(l *Lab) (Report, error) { return l.StartRepair("R1-I1-D02") }, finish: repaired("start"), check: rankNormal,
	},
	{
		name: "repair exchange", prepare: func(t testing.TB, l *Lab) { ok(t, l)(l.StartRepair("R1-I1-D02")) },
		run: func(l *Lab) (Report, error) { return l.ExchangeFRU("R1-I1-D02", part) }, finish: repaired("exchange"), check: rankNormal,
	},
	{
		name: "repair resume", prepare: func(t testing.TB, l *Lab) {
			ok(t, l)(l.StartRepair("R1-I1-D02"))
			ok(t, l)(l.ExchangeFRU("R1-I1-D02", part))
		},
		run: func(l *Lab) (Report, error) { return andTime(l, 5*time.Hour)(l.ResumeRepair("R1-I1-D02")) }, finish: repaired("resume"), check: rankNormal,
	},
	{
		name: "repair cancel", prepare: func(t testing.TB, l *Lab) { ok(t, l)(l.StartRepair("R1-I1-D02")) },
		run: func(l *Lab) (Report, error) { return andTime(l, 5*time.Hour)(l.CancelRepair("R1-I1-D02")) }, finish: repaired("cancel"), check: rankNormal,
	},
	{
		name: "pseudo repair of an erased member", prepare: func(t testing.TB, l *Lab) {
			eraseBehind(t, l.plant.slots[1])
			ok(t, l)(l.StartRepair("R1-I1-D02"))
			ok(t, l)(l.ExchangeFRU("R1-I1-D02", ""))
		},
		run: func(l *Lab) (Report, error) { return andTime(l, 5*time.Hour)(l.ResumeRepair("R1-I1-D02")) }, finish: repaired("pseudo"), check: rankNormal,
	},
	{
		name: "smart rebuild", prepare: nothing,
		run: func(l *Lab) (Report, error) { return andTime(l, 5*time.Hour)(l.SmartRebuild("R1-I1-D02")) },
		finish: func(t testing.TB, l *Lab) {
			advance(t, l, 5*time.Hour)
			if l.plant.slots[1].array != nil { // undone: once more
				ok(t, l)(l.SmartRebuild("R1-I1-D02"))
				advance(t, l, 5*time.Hour)
			}
		},
		check: func(t testing.TB, l *Lab) {
			rankNormal(t, l)
			require.Equal(t, FailedDeferred, l.plant.slots[1].state)
			require.Equal(t, drive.Erased, l.plant.slots[1].port.Status().State)
		},
	},
	{
		name: "spare takeover and copy back", prepare: func(t testing.TB, l *Lab) { require.NoError(t, l.Pull("R1-I1-D02")) },
		run: func(l *Lab) (Report, error) {
			if err := l.Advance(5 * time.Hour); err != nil || l.power.dark {
				return Report{Failed: true}, err
			}
			for _, do := range []func() (Report, error){
				func() (Report, error) { return l.StartRepair("R1-I1-D02") },
				func() (Report, error) { return l.ExchangeFRU("R1-I1-D02", part) },
				func() (Report, error) { return l.ResumeRepair("R1-I1-D02") },
			} {
				if rep, err := do(); err != nil || l.power.dark {
					return rep, err
				}
			}
			return Report{}, l.Advance(5 * time.Hour)
		},
		finish: func(t testing.TB, l *Lab) {
			advance(t, l, 5*time.Hour)
			if l.service.action != nil && l.service.action.slot != nil && l.plant.slots[1].port.part == nil {
				ok(t, l)(l.ExchangeFRU("R1-I1-D02", part))
			}
			if l.service.action == nil && l.plant.slots[1].port.part == nil {
				ok(t, l)(l.StartRepair("R1-I1-D02"))
				ok(t, l)(l.ExchangeFRU("R1-I1-D02", part))
			}
			repaired("copy back")(t, l)
		},
		check: rankNormal,
	},
	{
		name: "MES install", prepare: nothing,
		run: func(l *Lab) (Report, error) {
			return l.InstallMES(MESRequest{Serials: []string{part}, AllowErase: true})
		}, finish: nothing,
		check: func(t testing.TB, l *Lab) {
			for _, s := range l.plant.slots {
				require.True(t, s.port.part != nil && (s.state == Normal), "%s: %s", s.name, s.condition())
			}
		},
	},
	{
		name: "erase", prepare: nothing,
		run: func(l *Lab) (Report, error) { return l.EraseDrive("R1-I1-D08") }, finish: nothing,
		check: func(t testing.TB, l *Lab) {
			ok(t, l)(l.EraseDrive("R1-I1-D08"))
			require.NotNil(t, l.Certificate(l.plant.slots[7].port.Serial()))
		},
	},
}

// andTime lets time pass after an action, where it was not refused and the power is there.
func andTime(l *Lab, d time.Duration) func(Report, error) (Report, error) {
	return func(r Report, err error) (Report, error) {
		if err == nil && !l.power.dark {
			err = l.Advance(d)
		}
		return r, err
	}
}

// eraseBehind erases a member behind the facility's back.
func eraseBehind(t testing.TB, s *slot) {
	t.Helper()
	require.NoError(t, s.port.part.Drive.RevertPSID(s.port.part.Label.PSID))
}
