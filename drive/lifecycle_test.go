package drive

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLifecycleTableIsSound(t *testing.T) {
	type pair struct {
		e Event
		s State
	}
	seen := map[pair]bool{}
	known := map[Event]bool{}
	for _, e := range Events() {
		known[e] = true
	}
	for _, tr := range LifecycleTable() {
		p := pair{tr.Event, tr.From}
		require.False(t, seen[p], "%s in %s has two rows: the library would let the last one win", tr.Event, tr.From)
		seen[p] = true
		require.True(t, known[tr.Event], "%q is no event", tr.Event)
		require.NotEmpty(t, tr.Guard, "%s in %s", tr.Event, tr.From)
		require.NotEmpty(t, tr.Why, "%s in %s", tr.Event, tr.From)
		require.NotEmpty(t, tr.Reference, "%s in %s", tr.Event, tr.From)
	}
	require.Len(t, RefusedPairs(), len(Events())*len(States())-len(seen), "the table and its refusals are total")
	reached := map[State]bool{Erased: true}
	for range States() {
		for _, tr := range LifecycleTable() {
			if reached[tr.From] {
				reached[tr.To] = true
			}
		}
	}
	require.Len(t, reached, len(States()), "every state is reachable from the factory")
}

func TestMachineFollowsTheTable(t *testing.T) {
	for _, s := range States() {
		for _, e := range Events() {
			m := newMachine(s)
			require.Equal(t, s.String(), m.f.Current())
			tr, ok := transition(e, s)
			to, fired := m.fire(e)
			require.Equal(t, ok, fired, "%s in %s", e, s)
			if !ok {
				tr.To = s
			}
			require.Equal(t, tr.To, to)
			require.Equal(t, tr.To.String(), m.f.Current(), "the machine and the table agree")
			_, again := m.fire(e)
			_, want := transition(e, tr.To)
			require.Equal(t, want, again, "a refusal or a self-loop leaves the machine usable")
		}
	}
}

func TestLifecycleRendersEveryRow(t *testing.T) {
	md, mm, dot := LifecycleMarkdown(), LifecycleMermaid(), LifecycleDOT()
	for _, tr := range LifecycleTable() {
		require.Contains(t, md, "| `"+string(tr.Event)+"` | "+tr.From.String()+" | "+tr.To.String()+" |")
		require.Contains(t, mm, tr.From.String()+" --> "+tr.To.String()+": "+string(tr.Event)+"\n")
		require.Contains(t, dot, tr.From.String()+" -> "+tr.To.String()+` [label="`+string(tr.Event)+`"]`)
	}
	require.Equal(t, len(LifecycleTable())+3, strings.Count(md, "\n")-1)
}
