package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func TestAboutTakesWholeNames(t *testing.T) {
	for _, c := range []struct {
		actor, text, name string
		yes               bool
	}{
		{"R1", "rebuild begins", "R1", true},
		{"service", "R1-I1-D05 joined key group 1", "R1", false},
		{"service", "removal of R1: done", "R1", true},
		{"service", "rank R10: array A0", "R1", false},
		{"event", "BE3400B3 opened: U5791.S10.0001-P1-D12 75NR641: degraded", "U5791.S10.0001-P1-D1", false},
		{"event", "BE3400B3 opened: R1-I1-D12, R1-I1-D1 degraded", "R1-I1-D1", true},
		{"R1-I1-D05", "Normal", "R1", false},
		{"service", "anything", "", false},
	} {
		require.Equal(t, c.yes, About(c.name)(raslab.TraceEntry{Actor: c.actor, Text: c.text}), "%s in %s: %s", c.name, c.actor, c.text)
	}
}

func TestMomentsFoldWhatRepeats(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	entry := func(hour int, text string) raslab.TraceEntry {
		return raslab.TraceEntry{Time: at.Add(time.Duration(hour) * time.Hour), Actor: "R0", Text: text}
	}
	got := Moments([]raslab.TraceEntry{entry(0, "a"), entry(1, "a"), entry(2, "b"), entry(3, "a")}, func(raslab.TraceEntry) bool { return true })
	require.Len(t, got, 3)
	require.Equal(t, "a (2 times, until 2026-01-05 09:00:00)", got[0].Words())
	require.Equal(t, []string{"b", "a"}, []string{got[1].Words(), got[2].Words()})
}
