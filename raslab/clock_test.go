package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chore is a task of a test.
type chore func()

func (c chore) run() { c() }

// unguarded writes down which tasks were run.
type unguarded struct{ ran *[]string }

func (u unguarded) guarded(what string, t task) {
	*u.ran = append(*u.ran, what)
	t.run()
}

func anything(TraceEntry) bool { return true }

func ofAnEvent(e TraceEntry) bool { return e.Actor == "event" }

// TestNextIsWhereSecondsLead goes to the next entry of the log in one step, and in a second facility second by second.
func TestNextIsWhereSecondsLead(t *testing.T) {
	for _, c := range []struct {
		name   string
		wanted func(TraceEntry) bool
		times  int
	}{{"anything", anything, 3}, {"an event", ofAnEvent, 1}} {
		t.Run(c.name, func(t *testing.T) {
			l, slow := encrypted(t, Options{Seed: 3}), encrypted(t, Options{Seed: 3})
			for _, f := range []*Lab{l, slow} {
				require.NoError(t, f.Break("R1-I1-D02"))
				require.NoError(t, f.Customer().Stop(1))
				require.NoError(t, f.Customer().Stop(2))
			}
			for range c.times {
				got, err := l.AdvanceToNext(24*time.Hour, c.wanted)
				require.NoError(t, err)
				require.NotEmpty(t, got, "a dead drive and dead key servers are found within a day")
				seen := uint64(len(slow.trace))
				for found := false; !found; {
					require.NoError(t, slow.Advance(time.Second))
					for _, e := range slow.TraceSince(seen) {
						found = found || c.wanted(e)
					}
				}
				require.Equal(t, slow.Now(), l.Now(), "it stops when it is written")
				require.Equal(t, slow.TraceSince(seen), got, "and everything of that moment is done")
				require.Equal(t, slow.TraceText(), l.TraceText())
			}
		})
	}
}

func TestNextEndsWhereNothingHappens(t *testing.T) {
	l := encrypted(t, Options{Seed: 3})
	at := l.Now()
	got, err := l.AdvanceToNext(30*24*time.Hour, anything)
	require.NoError(t, err)
	require.Empty(t, got, "720 health checks found nothing, and wrote nothing")
	require.Equal(t, at.Add(30*24*time.Hour), l.Now())
	_, err = l.AdvanceToNext(-time.Second, anything)
	require.ErrorIs(t, err, ErrInvalid)
	require.Equal(t, at.Add(30*24*time.Hour), l.Now(), "a refusal changes nothing")
}
