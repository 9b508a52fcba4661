package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatHappenedToEventsSince: what a look at all events before and after tells, in the same order.
func TestWhatHappenedToEventsSince(t *testing.T) {
	var g events
	raise := func(src string) *event {
		e := &event{}
		e.ID, e.SRC, e.Open, e.Count = len(g.all)+1, src, true, 1
		g.all, g.open = append(g.all, e), append(g.open, e)
		return e
	}
	shut := func(e *event) {
		e.Open = false
		for i := range g.open {
			if g.open[i] == e {
				g.open = append(g.open[:i:i], g.open[i+1:]...)
				return
			}
		}
	}
	require.Empty(t, g.EventsSince(g.EventMark()))
	old, again, both, still := raise("OLD"), raise("AGAIN"), raise("BOTH"), raise("STILL")
	shut(old)
	mark := g.EventMark()
	require.Empty(t, g.EventsSince(mark))
	again.Count++
	both.Count++
	shut(both)
	fresh, brief := raise("NEW"), raise("BRIEF")
	fresh.Count += 2
	shut(brief)
	want := []EventChange{
		{ServiceEvent: again.public(), Again: true},
		{ServiceEvent: both.public(), Again: true},
		{ServiceEvent: fresh.public(), New: true},
		{ServiceEvent: brief.public(), New: true},
	}
	require.Equal(t, want, g.EventsSince(mark))
	shut(still)
	require.Equal(t, EventChange{ServiceEvent: still.public()}, g.EventsSince(mark)[2], "closed, and not found again")
	require.Len(t, g.EventsSince(EventMark{}), 6, "from the beginning")
	require.Equal(t, []ServiceEvent{again.public(), fresh.public()}, g.OpenEvents())
}
