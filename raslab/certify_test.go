package raslab

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/stretchr/testify/require"
)

// TestNoAnswerIsNoWrongAnswer: a drive that stops answering at any command of drive certify is
// Failed. Nothing is known of it, so it is not called a plain drive (BE14CFF5), a drive without an
// identity, or a drive that is not erased.
func TestNoAnswerIsNoWrongAnswer(t *testing.T) {
	for _, point := range []string{"port.command.dead", "port.command.lost", "port.command.cut"} {
		silent := 0
		for n := 0; ; n++ {
			require.Less(t, n, 200, "drive certify ends")
			l := newLab(t, Options{Drives: 8})
			require.NoError(t, l.Pull("R1-I1-D08"))
			p := l.Shelf().Parts()[0]
			_, err := l.Insert("R1-I1-D09", p.Serial())
			require.NoError(t, err)
			require.NoError(t, l.Arm("R1-I1-D09", fault.MustParse(fmt.Sprintf("(%s (OnIndex %d))", point, n))))
			require.NoError(t, l.Pull("R1-I1-D09"))
			r, err := l.Insert("R1-I1-D09", p.Serial())
			require.NoError(t, err)
			if len(p.plan.Fired()) == 0 {
				require.False(t, r.Failed)
				break
			}
			d, err := l.plant.Drive("R1-I1-D09")
			require.NoError(t, err)
			require.NotEqual(t, Inappropriate, d.State, "%s at command %d: %s\n%s", point, n, d.Why, history{l})
			if d.State == Failed {
				require.True(t, r.Failed)
				silent++
			}
			noEvents(t, l)
		}
		require.Greater(t, silent, 2, "%s: drive certify sends commands", point)
	}
}

// TestADriveThatIsConfiguredAlreadyIsSetAside, whichever step finds that out.
func TestADriveThatIsConfiguredAlreadyIsSetAside(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	s := l.plant.byName["R1-I1-D01"]
	rep := l.begin("creation of R0", "")
	require.True(t, l.unfit(rep, s, "creation of R0", fmt.Errorf("admit: %w", encgroup.ErrConfigured)))
	require.True(t, rep.r.Failed)
	require.Equal(t, Inappropriate, s.state)
	only(t, l, "BE3400A3", "R1-I1-D01")
	require.False(t, l.unfit(rep, s, "creation of R0", errors.New("something else")))
}
