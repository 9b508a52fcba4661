package raslab

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/faulttest"
)

func newLab(t testing.TB, o Options) *Lab {
	t.Helper()
	l, err := New(o)
	require.NoError(t, err, "a facility is built")
	return l
}

// encrypted is a facility of 16 drives with key group 1 and rank R0 on A0
// (6+P+S), some rows written.
func encrypted(t testing.TB, o Options) *Lab {
	t.Helper()
	if o.Drives == 0 {
		o.Drives = 16
	}
	return occupied(t, newLab(t, o))
}

// occupied gives a facility what encrypted has.
func occupied(t testing.TB, l *Lab) *Lab {
	t.Helper()
	ok(t, l)(l.ConfigureGroup(1))
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	ok(t, l)(l.CreateRank("A0", 1))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(1, 40*l.options.SectorSize)), "the host writes 40 sectors")
	return l
}

// ok takes the results of an action that must succeed.
func ok(t testing.TB, l *Lab) func(Report, error) Report {
	return func(r Report, err error) Report {
		t.Helper()
		require.NoError(t, err, "the action is accepted")
		require.False(t, r.Failed, "the action %s %s reaches its aim: %s\n%s", r.Action, r.Object, failures(r), history{l})
		return r
	}
}

// fails takes the results of an action that ran and did not reach its aim.
func fails(t testing.TB, l *Lab) func(Report, error) Report {
	return func(r Report, err error) Report {
		t.Helper()
		require.NoError(t, err, "the action is accepted")
		require.True(t, r.Failed, "the action %s %s must not reach its aim\n%s", r.Action, r.Object, history{l})
		return r
	}
}

func failures(r Report) string {
	s := ""
	for _, d := range r.Drives {
		if d.Err != nil {
			s += fmt.Sprintf("%s %s: %v; ", d.Slot, d.Did, d.Err)
		}
	}
	return s
}

func pattern(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

func advance(t testing.TB, l *Lab, d time.Duration) {
	t.Helper()
	require.NoError(t, l.Advance(d))
}

// readable requires that the 40 sectors of encrypted are there.
func readable(t testing.TB, l *Lab) {
	t.Helper()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	got := make([]byte, 40*l.options.SectorSize)
	require.NoError(t, r.Read(0, got), "the host reads what it wrote\n%s", history{l})
	require.Equal(t, pattern(1, len(got)), got, "the data are those that were written")
}

// notOfKeys leaves the events of the key path out.
func notOfKeys(events []ServiceEvent) []ServiceEvent {
	return slices.DeleteFunc(events, func(e ServiceEvent) bool { return strings.HasPrefix(e.SRC, "BE14") })
}

// only requires exactly one open event, those of the key path aside, and returns it.
func only(t testing.TB, l *Lab, code string, slots ...string) ServiceEvent {
	t.Helper()
	open := notOfKeys(l.events.OpenEvents())
	require.Len(t, open, 1, "one event is open\n%s", history{l})
	require.Equal(t, code, open[0].SRC, "the event has the code of its cause\n%s", history{l})
	require.Equal(t, slots, open[0].Slots, "it names the drives concerned")
	for i, s := range slots {
		d, err := l.plant.Drive(s)
		require.NoError(t, err)
		require.Equal(t, d.Location, open[0].Locations[i], "it gives their location codes")
	}
	return open[0]
}

func noEvents(t testing.TB, l *Lab) {
	t.Helper()
	require.Empty(t, l.events.Events(), "no serviceable event\n%s", history{l})
}

func closed(t testing.TB, l *Lab, e ServiceEvent) {
	t.Helper()
	got, err := l.CloseEvent(e.ID, "operator", "repaired", false)
	require.NoError(t, err, "the event closes after the repair\n%s", history{l})
	require.False(t, got.Open)
}

func staysOpen(t testing.TB, l *Lab, e ServiceEvent) {
	t.Helper()
	_, err := l.CloseEvent(e.ID, "operator", "hoping", false)
	require.ErrorIs(t, err, ErrOpen, "an event whose cause holds cannot be closed")
}

// arm arms a fault plan on the drive in a slot. Every rule of the plan must fire before the test
// ends, except those that spare names.
func arm(t testing.TB, l *Lab, slotName, plan string, spare ...string) {
	t.Helper()
	p, err := l.plant.Part(slotName)
	require.NoError(t, err)
	armPart(t, p, plan, spare...)
}

// armPart is arm for a drive wherever it is.
func armPart(t testing.TB, p *Part, plan string, spare ...string) {
	t.Helper()
	require.NoError(t, p.Arm(fault.MustParse(plan)))
	faulttest.MustFire(t, []*fault.Plan{p.plan, p.Flash.Plan(), p.media.Plan()}, spare...)
}

// history is the trace of a facility as the argument of a message. It is composed only if the
// message is printed.
type history struct{ l *Lab }

func (h history) String() string { return h.l.TraceText() }
