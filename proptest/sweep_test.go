package proptest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func requireNoViolation(t *testing.T, r *SweepResult, err error) {
	t.Helper()
	require.NoError(t, err)
	for _, f := range r.Violations {
		t.Error(f)
	}
}

// TestSweep cuts the power everywhere, on a drive with 3 ranges.
func TestSweep(t *testing.T) {
	for _, op := range SweepOperations() {
		t.Run(op[0], func(t *testing.T) {
			t.Parallel()
			r, err := Sweep(SweepOptions{Seed: 1, Operations: []string{op[0]}, Ranges: []int{2}})
			requireNoViolation(t, r, err)
			require.Positive(t, r.Points, "%s has at least one flash operation, so there is a point to cut at", op[0])
			for _, row := range r.Rows {
				require.Positive(t, row.Searched, "%s, %s: what is promised about keys was looked for", op[0], row.Mode)
				require.False(t, row.GivenUp)
			}
		})
	}
}

// TestSweepOfDepthThree cuts the recovery of the recovery, tears pages everywhere, and breaks more than
// the power.
func TestSweepOfDepthThree(t *testing.T) {
	with := []string{nothing, "program-refused", "erase-refused"}
	if testing.Short() {
		with = with[:2]
	}
	r, err := Sweep(SweepOptions{Seed: 1, Operations: []string{"lock"}, Ranges: []int{1}, Depth: 3, With: with})
	requireNoViolation(t, r, err)
	require.Len(t, r.Rows, len(deepModes)*len(with))
	again, searched := 0, map[string]int{}
	for _, row := range r.Rows {
		again += row.Again
		searched[row.With] += row.Searched
	}
	require.Positive(t, again, "a recovery of a recovery was cut")
	require.Positive(t, r.Met, "what was judged is not judged again")
	for _, name := range with {
		require.Positive(t, searched[name], "with %s the flash was searched", name)
	}
}

// TestSweepTearsAtSeveralPlaces: a deep sweep leaves a different flash for each place, and a point names
// the place.
func TestSweepTearsAtSeveralPlaces(t *testing.T) {
	erase, err := chosenOperations([]string{"erase"})
	require.NoError(t, err)
	seen := map[string]string{}
	for _, mode := range deepModes {
		s := newTestSweep(t)
		r := run{sweep: s, op: erase[0], ranges: 2, cuts: cuts{{mode, 0}}}
		e, err := r.do(nil)
		require.NoError(t, err)
		require.True(t, e.fired, mode.name)
		flash := fmt.Sprint(e.dark.mem.Dump())
		require.Empty(t, seen[flash], "%s leaves what another place leaves", mode.name)
		seen[flash] = mode.name
		point, err := parsePoint("before@0+" + r.cuts.String())
		require.NoError(t, err)
		require.Equal(t, "before@0+"+mode.name+"@0", point.String())
	}
}

// newTestSweep is a sweep of one drive with two ranges beside the global one.
func newTestSweep(t *testing.T) *sweep {
	t.Helper()
	s, _, err := newSweep(SweepOptions{Seed: 1, Ranges: []int{2}})
	require.NoError(t, err)
	s.with, s.met = companies[0], map[stateKey]int{}
	return s
}

// TestSweepSearchesWhatWasAcknowledged: once a key step has reported success only the new record is
// allowed, whatever faults fired. So there is no doubt, and the flash is searched.
func TestSweepSearchesWhatWasAcknowledged(t *testing.T) {
	for _, op := range operations {
		r := run{sweep: newTestSweep(t), op: op, ranges: 2, cuts: cuts{{cutBefore, sweepPointsMax}}}
		m, fired, err := r.cut()
		require.NoError(t, err)
		require.False(t, fired, "%s ends before the cut", op.name)
		require.True(t, m.Settled(), "%s was acknowledged: nothing is in doubt", op.name)
		require.NoError(t, r.acknowledged(m))
		require.Equal(t, 2, m.searched, "%s: the flash is searched before and after the power goes", op.name)
	}
}

// all runs every row.
func (s *sweep) all(chosen []operation) (err error) {
	p := s.plan(chosen)
	for i := range p.Rows() {
		p.Run(i)
	}
	s.out, err = p.Result()
	return err
}

// TestSweepInAnyOrder: the result is the same in whatever order the rows are run, and ends with the
// first that was not.
func TestSweepInAnyOrder(t *testing.T) {
	o := SweepOptions{Seed: 1, Operations: []string{"authentication", "lock"}, Ranges: []int{2, 3}}
	want, err := Sweep(o)
	requireNoViolation(t, want, err)
	require.Len(t, want.Rows, 4*len(modes))
	p, err := PlanSweep(o)
	require.NoError(t, err)
	for i := range p.Rows() {
		got, err := p.Result()
		require.NoError(t, err)
		require.Empty(t, got.Rows, "row 0 is run last")
		require.True(t, p.Run(p.Rows()-1-i))
	}
	got, err := p.Result()
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []string{"authentication", "lock"}, []string{p.Operation(2), p.Operation(3)})
	require.Equal(t, 4, p.Rows())

	p, err = PlanSweep(o)
	require.NoError(t, err)
	for i := range p.rows {
		if i == 2 {
			p.rows[i].newMachine = func(Options) (*Machine, error) { return nil, errors.New("no machine") }
		}
		require.Equal(t, i != 2, p.Run(i))
	}
	got, err = p.Result()
	require.EqualError(t, err, "no machine")
	require.Len(t, got.Rows, 2*len(modes)+1, "what was found before it")
	require.Equal(t, want.Rows[:2*len(modes)], got.Rows[:2*len(modes)])
}

// rotten leaves a drive with a rotten page, so that the checks stay in doubt.
var rotten = operation{
	"rotten", "a check that is never sure",
	inUse + "authenticate BandMaster0 1; arm (flash.read.rot (OnIndex 0)); self-test; disarm; close", "authenticate BandMaster0 1",
}

// TestSweepEndsWithViolations: a row with a violation in every run ends, and each violation has the
// line that replays it.
func TestSweepEndsWithViolations(t *testing.T) {
	s := newTestSweep(t)
	require.NoError(t, s.all([]operation{rotten}))
	require.Len(t, s.out.Rows, len(modes))
	seen := map[string]bool{}
	for _, f := range s.out.Violations {
		require.Contains(t, f.Why, "it is not clear whether")
		require.Contains(t, f.Replay, "fdelab sweep --seed 1 --operation rotten --ranges 2 --point ")
		require.False(t, seen[f.Replay], "%s is reported once", f.Replay)
		seen[f.Replay] = true
	}
	require.Equal(t, len(modes), s.out.Uncut, "each row ended with the run that was not cut")
	require.Len(t, seen, s.out.Points+s.out.Uncut, "every run was found wrong")
	for _, row := range s.out.Rows {
		require.Positive(t, row.Points)
		require.Zero(t, row.Recovery, "the recovery from a run that is wrong already is left out")
	}
}

// TestSweepIsBounded: a row that does not end, or has too many violations, is given up, and what
// was found before is kept.
func TestSweepIsBounded(t *testing.T) {
	migrate, err := chosenOperations([]string{"migrate"})
	require.NoError(t, err)

	s := newTestSweep(t)
	s.pointsMax = 1
	require.NoError(t, s.all(migrate))
	require.Len(t, s.out.Rows, len(modes), "the next row is made all the same")
	var why []string
	for _, f := range s.out.Violations {
		why = append(why, f.Why)
		require.Equal(t, "fdelab sweep --seed 1 --operation migrate --ranges 2", f.Replay)
	}
	require.Contains(t, why, "migrate on a drive with 2 ranges beside the global one, power cut torn: migrate does not end within 1 flash operations")
	require.Contains(t, fmt.Sprint(why), "the power-on after torn@0 does not end within 1 flash operations")
	require.Positive(t, s.out.Points)

	s = newTestSweep(t)
	s.violationsMax = 2
	require.NoError(t, s.all([]operation{rotten}))
	for _, row := range s.out.Rows {
		require.True(t, row.GivenUp)
		require.Equal(t, 2, row.Violations)
	}
	require.Len(t, s.out.Violations, 2*len(modes))
}

// TestSweepThatSearchesNothingFails: a row in which nothing was searched is a violation.
func TestSweepThatSearchesNothingFails(t *testing.T) {
	s := newTestSweep(t)
	r := run{sweep: s, op: operations[1], ranges: 2, cuts: cuts{{cutTorn, 3}}}
	row := &SweepRow{Points: 3, Uncut: 1}
	s.barren(row, r)
	require.Equal(t, 1, row.Violations)
	require.Contains(t, s.out.Violations[0].Error(), "not one of 4 runs searched the flash for keys")
	row = &SweepRow{Points: 3, Searched: 1}
	s.barren(row, r)
	require.Zero(t, row.Violations)
}

// TestSweepRefusesEmptySelections: a sweep of nothing, or of an unknown operation, is an error.
func TestSweepRefusesEmptySelections(t *testing.T) {
	for want, o := range map[string]SweepOptions{
		"an empty list of operations":                {Operations: []string{}},
		`nothing that breaks is called "x"`:          {With: []string{"x"}},
		"a depth of 4":                               {Depth: 4},
		"at most 3 in all":                           {Point: "torn@0+torn@0+torn@0+torn@0"},
		`no operation ""`:                            {Operations: []string{""}},
		"an empty list of ranges":                    {Ranges: []int{}},
		"0 ranges":                                   {Ranges: []int{0}},
		"no run reaches the point torn@99":           {Operations: []string{"migrate"}, Ranges: []int{2}, Point: "torn@99"},
		"no run reaches the point torn@0+before@999": {Operations: []string{"migrate"}, Ranges: []int{2}, Point: "torn@0+before@999"},
	} {
		_, err := Sweep(o)
		require.ErrorIs(t, err, ErrSweep)
		require.ErrorContains(t, err, want)
	}
}
