package raslab

import (
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/stretchr/testify/require"
)

// Questions send commands to drives too. A loss of power there is reported, and ends only the
// question.
func TestThePowerGoesDuringAQuestion(t *testing.T) {
	for name, ask := range map[string]func(*Lab) error{
		"erase certificate": func(l *Lab) error { _, _, err := l.CertificateAt("R1-I1-D01"); return err },
		"custody show":      func(l *Lab) error { _, err := l.CustodyOf(l.plant.Drives()[0].Serial); return err },
	} {
		l, err := New(Options{Drives: 8})
		require.NoError(t, err)
		require.NoError(t, l.ArmFacility(fault.MustParse("(sfi.power.cut)")))
		require.ErrorContains(t, ask(l), "raslab: "+name+": the facility lost its power", name)
		require.True(t, l.power.Dark())
	}
	l, err := New(Options{Drives: 8})
	require.NoError(t, err)
	n := len(l.Custody())
	require.NoError(t, l.ArmFacility(fault.MustParse("(sfi.power.cut)")))
	require.Len(t, l.Custody(), n, "the records are there, whatever becomes of the drives")
	require.True(t, l.power.Dark())
}
