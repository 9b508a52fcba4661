package encgroup

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// pieces is a store that does not keep its promise: it writes one entry after the other. It has
// every state that a loss of power could leave.
type pieces struct {
	MemStore
	backwards bool
	states    [][]Entry
	whole     []Record // what the record was at each Save
}

func (s *pieces) Save(entries []Entry) error {
	entries = slices.Clone(entries)
	if s.backwards {
		slices.Reverse(entries)
	}
	for _, e := range entries {
		if err := s.MemStore.Save([]Entry{e}); err != nil {
			return err
		}
		s.states = append(s.states, s.Record())
	}
	rec, err := ReadRecord(s.Record())
	s.whole = append(s.whole, rec)
	return err
}

func (s *pieces) Replace(record []Entry) error { return s.Save(record) }

// TestEntriesThatWereNotSavedTogether: after a cut at any entry the record is one that was saved, or
// it is told that its entries do not belong together.
func TestEntriesThatWereNotSavedTogether(t *testing.T) {
	for _, backwards := range []bool{false, true} {
		r := accessible(t)
		s := &pieces{backwards: backwards}
		require.NoError(t, s.Replace(r.store.Record()))
		r.group.store = s
		d := r.member("A1")
		r.members("B1", "C1")
		require.NoError(t, r.group.Rekey(d))
		_, err := r.group.RekeyGroupKey(r.all())
		require.NoError(t, err)
		require.NoError(t, r.group.Forget("B1"))
		mixed := 0
		for _, entries := range s.states {
			rec, err := ReadRecord(entries)
			if err != nil {
				require.ErrorIs(t, err, ErrMixed, "it is told what is wrong")
				require.ErrorIs(t, err, ErrImpossible)
				_, err = Load(entries, nil, r.random, s)
				require.ErrorIs(t, err, ErrMixed)
				mixed++
				continue
			}
			require.True(t, slices.ContainsFunc(s.whole, func(w Record) bool { return fmt.Sprint(w) == fmt.Sprint(rec) }), "a record that never was: %v", rec.Members)
		}
		require.Greater(t, mixed, 15, "each step of a member was cut between its two entries")
	}
}

// TestOneEntryOfAnotherTimeOrGroup: each entry by itself is put back to what it was, or to that of
// another group, or is gone, or is there once more.
func TestOneEntryOfAnotherTimeOrGroup(t *testing.T) {
	r, other := accessible(t), accessible(t)
	r.members("A1", "B1")
	other.members("A1", "B1", "C1")
	require.NoError(t, other.group.Rekey(other.drives[0]), "the second group is at another generation")
	before := r.store.Record()
	for _, d := range r.drives {
		require.NoError(t, r.group.Rekey(d))
	}
	now, theirs := r.store.Record(), other.store.Record()
	refused := func(why string, entries []Entry) {
		t.Helper()
		_, err := ReadRecord(entries)
		require.ErrorIs(t, err, ErrMixed, why)
	}
	for i := range now {
		for from, old := range map[string]Entry{"an earlier time": before[i], "another group": theirs[i]} {
			if bytes.Equal(old.Bytes, now[i].Bytes) {
				continue // the first member is at the same generation in both
			}
			entries := slices.Clone(now)
			entries[i] = old
			refused(fmt.Sprintf("entry %d of %s", i, from), entries)
		}
		if i > 0 {
			refused(fmt.Sprintf("without entry %d", i), slices.Delete(slices.Clone(now), i, i+1))
			refused(fmt.Sprintf("entry %d twice", i), append(slices.Clone(now), now[i]))
			refused("with members alone of before", append(slices.Clone(now[:1]), before[1:]...))
		}
	}
	refused("with a member of another group", append(slices.Clone(now), theirs[3]))
	rec := r.group.Record()
	refused("a record from before it had entries, put back alone", append(rec.whole(t), now[1:]...))
	_, err := ReadRecord(now)
	require.NoError(t, err)
	_, err = ReadRecord(before)
	require.NoError(t, err, "all of them of one time are a record")
}

// TestASaveThatFailedAndWasStored: the store has what the group does not know of. The next change, of
// another member, leaves a record that can be read.
func TestASaveThatFailedAndWasStored(t *testing.T) {
	for name, fail := range map[string]func(r *rig) error{
		"a member":  func(r *rig) error { return r.group.Rekey(r.drives[0]) },
		"a new one": func(r *rig) error { return r.group.Admit(r.drives[2]) },
		"the group": func(r *rig) error { return r.group.BeginGroupRekey() },
		"everything": func(r *rig) error {
			r.store.arm(-1, false)
			require.NoError(r.t, r.group.BeginGroupRekey())
			for _, d := range r.drives[:2] {
				require.NoError(r.t, r.group.RekeyMember(d))
			}
			r.store.refuseOne(0, true)
			return r.group.FinishGroupRekey()
		},
	} {
		for then, next := range map[string]func(r *rig) error{
			"another member":  func(r *rig) error { return r.group.Rekey(r.drives[1]) },
			"another new one": func(r *rig) error { return r.group.Admit(r.drives[3]) },
		} {
			r := accessible(t)
			r.members("A1", "B1")
			r.drive("C1")
			r.drive("B0")
			r.store.refuseOne(0, true)
			require.ErrorIs(t, fail(r), ErrStore)
			require.NoError(t, next(r), "%s, then %s", name, then)
			rec, err := ReadRecord(r.store.Record())
			require.NoError(t, err, "%s, then %s", name, then)
			require.Equal(t, r.group.Record(), rec, "%s, then %s", name, then)
			if then == "another new one" {
				m, ok := r.group.Member("B0")
				require.True(t, ok && m.Generation != 0, "the record has the drive that was admitted: %v", m)
			}
		}
	}
}

// TestAStoreThatChecks refuses what would make a record that contradicts itself, and looks at no
// other entries.
func TestAStoreThatChecks(t *testing.T) {
	r := accessible(t)
	r.members("A1", "B1")
	before := r.store.Record()
	require.NoError(t, r.group.Rekey(r.drives[1]))
	now := r.store.Record()
	s := &MemStore{}
	require.NoError(t, s.Check(before))
	require.NoError(t, s.Replace(before))
	require.NoError(t, s.Check([]Entry{now[0], now[2]}))
	require.ErrorIs(t, s.Check([]Entry{now[0]}), ErrMixed)
	require.ErrorIs(t, s.Check([]Entry{now[2]}), ErrRecord, "the entry of the group is missing")
	require.ErrorIs(t, s.Check([]Entry{now[0], now[1]}), ErrMixed)
	bent := bytes.Clone(now[2].Bytes)
	bent[9]++ // the generation
	require.ErrorIs(t, s.Check([]Entry{now[0], {"B1", bent}}), ErrMixed, "before it is looked into")
	require.Equal(t, before, s.Record())

	// A flipped bit in the memory, in any byte of either entry.
	m := r.group.rec.Members[0]
	m.Last++
	m.Pending = m.Last
	e := m.entry()
	sum, count := r.group.kept.with([]Entry{e})
	sound := []Entry{r.group.rec.entry(count, sum), e}
	require.NoError(t, s.Replace(now))
	require.NoError(t, s.Check(sound))
	require.Equal(t, sound, Compose(keepsAll{}, sound), "a sound memory changes nothing")
	own := len(sound[0].Bytes) - 4
	for n := range own + len(e.Bytes) - 4 {
		bad := Compose(flipped(n), sound)
		err := s.Check(bad)
		if n >= own {
			require.ErrorIs(t, err, ErrImpossible, "byte %d of the member", n-own)
		}
	}
}

// flipped is a memory with one bad byte.
type flipped int

func (n flipped) Keep(_ Region, b []byte) []byte {
	b = bytes.Clone(b)
	b[n] ^= 1
	return b
}

// keepsAll is a sound memory that is looked into.
type keepsAll struct{}

func (keepsAll) Keep(_ Region, b []byte) []byte { return bytes.Clone(b) }

// TestARecordThatCannotBeIsNotSaved, whether the store has the entries or not: the group stays as it was.
func TestARecordThatCannotBeIsNotSaved(t *testing.T) {
	for _, kept := range []bool{true, false} {
		r := accessible(t)
		r.members("A1", "B1")
		stored, was := r.store.Record(), r.group.Record()
		if !kept {
			r.group.kept = nil
		}
		label, phase := was, was
		label.Label = "two\nlines"
		phase.Phase, phase.Wrapped = Enabling, [40]byte{}
		for what, save := range map[string]func() error{
			"a label of two lines":       func() error { return r.group.save(label) },
			"members in the wrong phase": func() error { return r.group.save(phase) },
			"a member without a key":     func() error { return r.group.saveMember(Member{Serial: "C1"}) },
			"a member without a serial":  func() error { return r.group.saveMember(Member{Last: 1}) },
			"generations out of order":   func() error { return r.group.saveMember(Member{Serial: "B1", Last: 1, Generation: 2}) },
			"a member of a group without members": func() error {
				r.group.rec.Kind = TCT
				defer func() { r.group.rec.Kind = was.Kind }()
				return r.group.saveMember(Member{Serial: "C1", Last: 1})
			},
		} {
			require.ErrorIs(t, save(), ErrImpossible, "%s, kept %v", what, kept)
			require.Equal(t, was, r.group.Record(), "%s, kept %v", what, kept)
			require.Equal(t, stored, r.store.Record(), "%s, kept %v", what, kept)
		}
		require.NoError(t, r.group.Rekey(r.drives[0]), "and goes on")
	}
}

// TestEntriesThatFitAndCannotBe: no damage makes them, and no store lets them in.
func TestEntriesThatFitAndCannotBe(t *testing.T) {
	r := accessible(t)
	r.members("A1", "B1", "C1")
	now := r.store.Record()
	rec, err := ReadRecord([]Entry{now[3], now[1], now[0], now[2]})
	require.NoError(t, err)
	require.Equal(t, r.group.Record(), rec, "in any order")
	for what, change := range map[string]func(own *Record, m *Member){
		"generations out of order": func(_ *Record, m *Member) { m.Generation = m.Last + 1 },
		"no generation":            func(_ *Record, m *Member) { m.Last, m.Generation = 0, 0 },
		"a label of two lines":     func(own *Record, _ *Member) { own.Label = "two\nlines" },
		"a phase that is none":     func(own *Record, _ *Member) { own.Phase = Enabled + 1 },
	} {
		own, m := r.group.Record(), r.group.rec.Members[2]
		change(&own, &m)
		s := &MemStore{}
		require.NoError(t, s.Replace(now))
		e := m.entry()
		sum, count := s.with([]Entry{e})
		bad := []Entry{own.entry(count, sum), e}
		for _, entries := range [][]Entry{bad, {bad[1], bad[0]}} {
			err := s.Check(entries)
			require.ErrorIs(t, err, ErrImpossible, what)
			require.NotErrorIs(t, err, ErrMixed, what)
		}
		require.NoError(t, s.Save(bad))
		_, err := ReadRecord(s.Record())
		require.ErrorIs(t, err, ErrImpossible, what)
		require.NotErrorIs(t, err, ErrMixed, what)
	}
	// An entry that is of another member than it says, with sums that fit.
	s := &MemStore{}
	require.NoError(t, s.Replace(now))
	e := Entry{"B1", now[3].Bytes}
	sum, count := s.with([]Entry{e})
	require.ErrorContains(t, s.Check([]Entry{r.group.rec.entry(count, sum), e}), `the entry of member "B1" is that of "C1"`)
}

// TestAStoreInMemoryKeepsCopies of what it is given, and gives copies.
func TestAStoreInMemoryKeepsCopies(t *testing.T) {
	s, given := &MemStore{}, []Entry{{"", []byte("group")}, {"A1", []byte("member")}}
	require.NoError(t, s.Save(given))
	given[1].Bytes[0] = 'X'
	got := s.Record()
	require.Equal(t, "member", string(got[1].Bytes))
	got[0].Bytes[0] = 'X'
	require.Equal(t, "group", string(s.Record()[0].Bytes))
}

// told tells how a group saves.
type told struct {
	MemStore
	how []string
}

func (s *told) Save(entries []Entry) error {
	s.how = append(s.how, fmt.Sprint("save ", len(entries)))
	return s.MemStore.Save(entries)
}

func (s *told) Replace(record []Entry) error {
	s.how = append(s.how, fmt.Sprint("replace ", len(record)))
	return s.MemStore.Replace(record)
}

// TestAChangeOfAMemberWritesTwoEntries; only a store of which nobody knows what it has gets all of them.
func TestAChangeOfAMemberWritesTwoEntries(t *testing.T) {
	r := accessible(t)
	r.members("A1", "B1", "C1")
	for name, c := range map[string]struct {
		record []Entry
		want   []string
	}{
		"entries":                             {r.store.Record(), []string{"save 2", "save 2"}},
		"a record from before it had entries": {func() []Entry { rec := r.group.Record(); return rec.whole(t) }(), []string{"replace 4", "save 2"}},
	} {
		s := &told{}
		require.NoError(t, s.MemStore.Replace(c.record))
		g, err := Load(c.record, r.servers(), r.random, s)
		require.NoError(t, err)
		require.NoError(t, g.Retrieve())
		require.NoError(t, g.saveMember(r.group.rec.Members[0]))
		require.NoError(t, g.saveMember(r.group.rec.Members[1]))
		require.Equal(t, c.want, s.how, name)
		g.PowerOff()
	}
}
