package conformance_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// TestSoakOfHealthyDrives: none is accused, most are judged, and faults do come.
func TestSoakOfHealthyDrives(t *testing.T) {
	for name, maker := range map[string]conformance.Maker{"simulated": conformance.Simulated, "foreign": newForeign} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endings, faults, calm := map[conformance.Ending]int{}, 0, 0
			for seed := range uint64(60) {
				r := conformance.Soak(maker, seed, conformance.Options{})
				if r.Verdict == conformance.Failed {
					t.Fatal(r.String())
				}
				endings[r.Ending()]++
				faults += r.Faults
				if r.Faults == 0 {
					calm++
				}
			}
			t.Log(endings, faults, calm)
			require.Greater(t, endings[conformance.Sound], 30, "most lifecycles are judged to their end")
			require.Positive(t, calm, "a mix without faults is one, too")
			if name == "simulated" {
				require.Greater(t, faults, 50)
			}
		})
	}
}

// TestSoakIsTheSameAgain: a seed is a lifecycle.
func TestSoakIsTheSameAgain(t *testing.T) {
	for seed := range uint64(6) {
		a, b := conformance.Soak(conformance.Simulated, seed, conformance.Options{}), conformance.Soak(conformance.Simulated, seed, conformance.Options{})
		require.Equal(t, a.String(), b.String())
		require.Equal(t, []int{a.Commands, a.Faults, a.Searches}, []int{b.Commands, b.Faults, b.Searches})
	}
}

// forgetful reads a sector as zeros.
type forgetful struct{ conformance.Device }

func (f forgetful) Read(lba uint64, dst []byte) error {
	err := f.Device.Read(lba, dst)
	if err == nil && lba == 0 {
		clear(dst)
	}
	return err
}

// lame does not take a revert any more once it has lost its power in a command.
type lame struct {
	conformance.Device
	hurt bool
}

func (l *lame) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	err := l.Device.SetPIN(who, pin, to)
	l.hurt = l.hurt || errors.Is(err, drive.PowerLost)
	return err
}

func (l *lame) Revert(psid drive.PIN) error {
	if l.hurt {
		return drive.HardwareFailure
	}
	return l.Device.Revert(psid)
}

// hanging does not answer a revert.
type hanging struct{ conformance.Device }

func (hanging) Revert(drive.PIN) error { panic(&conformance.Hung{Why: "no answer in time"}) }

// TestSoakFindsEachEnding: a device that reads wrong is unsafe, one that does not come back is stuck,
// one that does not answer hangs.
func TestSoakFindsEachEnding(t *testing.T) {
	for want, wrap := range map[conformance.Ending]func(conformance.Device) conformance.Device{
		conformance.Unsafe: func(d conformance.Device) conformance.Device { return forgetful{d} },
		conformance.Stuck:  func(d conformance.Device) conformance.Device { return &lame{Device: d} },
		conformance.Hangs:  func(d conformance.Device) conformance.Device { return hanging{d} },
	} {
		maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
			d, label, err := conformance.Simulated(w)
			if err == nil {
				d = onParts{wrap(d)}
			}
			return d, label, err
		}
		found := false
		for seed := uint64(0); seed < 300 && !found; seed++ {
			found = conformance.Soak(maker, seed, conformance.Options{ShrinkRuns: -1}).Ending() == want
		}
		require.True(t, found, "no lifecycle ends %s", want)
	}
}

// onParts is a device whose faults the suite makes itself.
type onParts struct{ conformance.Device }

func (onParts) OnParts() bool { return true }

// curious counts how often it is asked for tries.
type curious struct {
	onParts
	asked *int
}

func (c curious) Tries(who drive.Authority) (used, limit uint16, err error) {
	*c.asked++
	return c.Device.(conformance.TryReader).Tries(who)
}

// TestADeviceIsAskedOnce: what a device says of itself is asked once after a command, however many
// things the device may be. Its answers come from another process, perhaps, or from a board.
func TestADeviceIsAskedOnce(t *testing.T) {
	const (
		steps = 12 // of Heal, which are no commands of the run
		most  = 8  // SID, EraseMaster, BandMasters of three ranges, PSID, and two whom the command names
	)
	asked := 0
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := conformance.Simulated(w)
		return curious{onParts{d}, &asked}, label, err
	}
	all := 0
	for seed := range uint64(20) {
		asked = 0
		r := conformance.Soak(maker, seed, conformance.Options{})
		require.LessOrEqual(t, asked, most*(r.Commands+steps), "seed %d", seed)
		all += asked
	}
	require.Positive(t, all)
}
