package drive

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLifecycleTableIsSound(t *testing.T) {
	type pair struct {
		p Personality
		e Event
		s State
	}
	seen := map[pair]bool{}
	known := map[Event]bool{}
	for _, e := range Events() {
		known[e] = true
	}
	for _, tr := range LifecycleTable() {
		p := pair{tr.Personality, tr.Event, tr.From}
		require.False(t, seen[p], "%s in %s has two rows: the library would let the last one win", tr.Event, tr.From)
		seen[p] = true
		require.True(t, known[tr.Event], "%q is no event", tr.Event)
		require.NotEmpty(t, tr.Guard, "%s in %s", tr.Event, tr.From)
		require.NotEmpty(t, tr.Why, "%s in %s", tr.Event, tr.From)
		require.NotEmpty(t, tr.Reference, "%s in %s", tr.Event, tr.From)
	}
	rows := 0
	for _, p := range Personalities() {
		table := p.Lifecycle()
		rows += len(table)
		require.Len(t, p.Refused(), len(p.Events())*len(p.States())-len(table), "the table and its refusals are total")
		reached := map[State]bool{p.fresh(): true}
		for range p.States() {
			for _, tr := range table {
				if reached[tr.From] {
					reached[tr.To] = true
				}
			}
		}
		require.Len(t, reached, len(p.States()), "every state is reachable from the factory")
	}
	require.Equal(t, len(seen), rows, "every row is of a personality")
}

func TestMachineFollowsTheTable(t *testing.T) {
	for _, p := range Personalities() {
		machineFollows(t, p)
	}
}

func machineFollows(t *testing.T, p Personality) {
	for _, s := range p.States() {
		for _, e := range Events() {
			m := newMachine(p, s)
			require.Equal(t, s.String(), m.f.Current())
			tr, ok := transition(p, e, s)
			f := guarded(p, e, true)
			asked, may := m.ask(e, f)
			require.Equal(t, s.String(), m.f.Current(), "asking moves nothing")
			to, fired := m.fire(e, f)
			require.Equal(t, may, fired)
			require.Equal(t, asked, to)
			require.Equal(t, ok, newMachine(p, s).can(e))
			require.Equal(t, ok, fired, "%s in %s", e, s)
			if !ok {
				tr.To = s
			}
			require.Equal(t, tr.To, to)
			require.Equal(t, tr.To.String(), m.f.Current(), "the machine and the table agree")
			_, again := m.fire(e, f)
			_, want := transition(p, e, tr.To)
			require.Equal(t, want, again, "a refusal or a self-loop leaves the machine usable")
		}
	}
}

// guarded are facts for which the guard of e holds, or does not.
func guarded(p Personality, e Event, holds bool) *facts {
	if p == Opal {
		return guardedOpal(e, holds)
	}
	at := func(msid bool) *record {
		return &record{slots: []slotRecord{{authority: BandMaster(0), atMSID: msid}}}
	}
	f := &facts{who: BandMaster(0), was: at(e == EventMigrate == holds), after: at(false)}
	switch e {
	case EventErase:
		f.after = at(holds)
	case EventEraseBand, EventRestore:
		f.after = at(!holds)
	}
	return f
}

// guardedOpal is guarded for an Opal drive.
func guardedOpal(e Event, holds bool) *facts {
	at := func(active bool, meks ...byte) *record {
		r := &record{slots: []slotRecord{{authority: Admin(1), opal: &opalSlot{}}}, opal: &opalRecord{}}
		if active {
			r.slots[0].opal.users[0] = 1
		}
		for _, m := range meks {
			r.ranges = append(r.ranges, rangeRecord{opal: &areaKeys{mek: mekWrap{m}, mask: 3}})
		}
		return r
	}
	f := &facts{was: at(false, 1, 2), after: at(true, 1, 2)}
	switch {
	case e == EventRevert && holds:
		f.after = at(false, 3, 4)
	case e == EventRevert:
		f.after = at(false, 3, 2)
	case e == EventRevertKeep && holds:
		f.after = at(false, 1, 4)
	case e == EventRevertKeep:
		f.after = at(false, 1, 2)
	case !holds:
		f.after = at(false, 1, 2)
	}
	return f
}

func TestMachineAsksTheGuards(t *testing.T) {
	for _, tr := range LifecycleTable() {
		if guards[rule{tr.Personality, tr.Event}] == nil {
			require.Equal(t, EventDegrade, tr.Event, "the guard of degrade is about flash, not about records")
			continue
		}
		m := newMachine(tr.Personality, tr.From)
		to, ok := m.fire(tr.Event, guarded(tr.Personality, tr.Event, false))
		require.False(t, ok, "%s in %s against its guard", tr.Event, tr.From)
		require.Equal(t, tr.From, to)
		_, ok = m.fire(tr.Event, guarded(tr.Personality, tr.Event, true))
		require.True(t, ok, "%s in %s: a refusal leaves the machine usable", tr.Event, tr.From)
	}
}

// TestStateInRAMIsTheMachines: the machine that is put into another state takes
// the drive along.
func TestStateInRAMIsTheMachines(t *testing.T) {
	b := newBench(t, nil)
	b.machine.f.SetState(Configured.String())
	s := b.auth(EraseMaster, b.label.MSID)
	require.NoError(t, s.Erase(1))
	s.Close()
	require.Equal(t, []State{Configured, Erased}, []State{b.seen[1].From, b.seen[1].To})
	b.machine.f.SetState(SecurityDegraded.String())
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Degraded)
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }), InvalidState)
	b.cycle()
	require.Equal(t, Erased, b.Status().State, "power-on sets the machine from the record")
}

func TestLifecycleRendersEveryRow(t *testing.T) {
	for _, p := range Personalities() {
		md, mm, dot := LifecycleMarkdown(p), LifecycleMermaid(p), LifecycleDOT(p)
		for _, tr := range p.Lifecycle() {
			require.Contains(t, md, "| `"+string(tr.Event)+"` | "+tr.From.String()+" | "+tr.To.String()+" |")
			require.Contains(t, mm, tr.From.String()+" --> "+tr.To.String()+": "+string(tr.Event)+"\n")
			require.Contains(t, dot, tr.From.String()+" -> "+tr.To.String()+` [label="`+string(tr.Event)+`"]`)
		}
		require.Equal(t, len(p.Lifecycle())+3, strings.Count(md, "\n")-1)
	}
}
