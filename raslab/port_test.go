package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// Each fault point of a port does what its registration says, and costs the
// rank nothing but a member.
func TestPortFaults(t *testing.T) {
	for _, c := range []struct {
		point     fault.Point
		recovered bool // a pseudo repair brings the drive back with its data
	}{{pointCommandDead, false}, {pointCommandLost, true}, {pointCommandCut, true}} {
		t.Run(string(c.point), func(t *testing.T) {
			l := encrypted(t, Options{})
			arm(t, l, "R1-I1-D03", "("+string(c.point)+" (OnIndex 4))")
			readable(t, l)
			readable(t, l)
			d, err := l.plant.Drive("R1-I1-D03")
			require.NoError(t, err)
			require.Equal(t, Failed, d.State, "host I/O has found it\n%s", history{l})
			require.Equal(t, 1, int(drivePart(t, l, "R1-I1-D03").plan.Fired()[0].Count))
			require.NoError(t, l.Disarm("R1-I1-D03"))
			advance(t, l, 2*time.Hour)
			readable(t, l)
			r, err := pseudoRepair(t, l, "R1-I1-D03")
			require.NoError(t, err)
			require.Equal(t, !c.recovered, r.Failed, "%s", history{l})
			advance(t, l, time.Hour)
			readable(t, l)
			noEvents(t, l)
		})
	}
	t.Run(string(pointPowerRefused), func(t *testing.T) {
		l := encrypted(t, Options{})
		arm(t, l, "R1-I1-D03", "(port.power.refused (OnIndex 0))")
		ok(t, l)(l.PowerCycle())
		readable(t, l)
		advance(t, l, 2*time.Hour)
		ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
		advance(t, l, time.Hour)
		normal(t, l, "R1-I1-D03")
		noEvents(t, l)
	})
}

func TestEmptyAndDarkPorts(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	empty := &l.plant.slots[15].port
	dark := &l.plant.slots[0].port
	dark.PowerOff()
	for name, p := range map[string]*Port{"empty": empty, "dark": dark} {
		_, e1 := p.MSID()
		_, e2 := p.Range(0)
		_, _, e3 := p.Tries(drive.SID)
		_, e4 := p.Authenticate(drive.SID, drive.PIN{})
		for i, err := range []error{e1, e2, e3, e4, p.RevertPSID(drive.PIN{}), p.Read(0, nil), p.Write(0, nil), p.SelfTest()} {
			require.ErrorIs(t, err, ErrNoAnswer, "%s port, command %d", name, i)
			require.ErrorIs(t, err, drive.NoPower, "and to the layers above it is a drive without power")
		}
		require.Equal(t, drive.Status{}, p.Status())
	}
	require.Empty(t, empty.Serial())
	require.NotEmpty(t, dark.Serial(), "a label can be read in the dark")
	require.ErrorIs(t, empty.PowerOn(), ErrNoAnswer)
}
