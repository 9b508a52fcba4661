package powercut

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// swept is the result of a sweep.
func swept(t testing.TB, o Options) *Result {
	t.Helper()
	p, err := PlanSweep(o)
	require.NoError(t, err)
	for i := range p.Rows() {
		require.True(t, p.Run(i))
	}
	r, err := p.Result()
	require.NoError(t, err)
	return r
}

// TestNoPowerCutViolates: every operation of every part, at every change, in every mode; a second cut where
// it is cheap.
func TestNoPowerCutViolates(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Depth: 1}, {Depth: 2, Operations: []string{"repository/put", "repository/append-long"}}} {
		if testing.Short() && o.Depth == 1 {
			o.Operations = []string{"group/rekey", "group/release", "erase/drive-empty", "repository/rewrite", "opal/several", "opal/restore"}
		}
		r := swept(t, o)
		for _, v := range r.Violations {
			t.Error(v)
		}
		recovery := 0
		for _, row := range r.Rows {
			require.Positive(t, row.Points, "%s %s", row.Operation, row.Mode)
			recovery += row.Recovery
		}
		require.Equal(t, o.Depth == 2, recovery > 100, recovery)
		require.True(t, r.Reached)
	}
}

func TestASweepIsTheSameTwice(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Seed: 7, Operations: []string{"group/forget", "erase/refused"}, Depth: 1},
		{Seed: 7, Operations: []string{"repository/put"}, Depth: 2},
	} {
		require.Equal(t, swept(t, o), swept(t, o))
	}
}

// TestThirdCut: a start that is cut is cut again, and the modes of a deep sweep tear at several places.
func TestThirdCut(t *testing.T) {
	t.Parallel()
	r := swept(t, Options{Operations: []string{"repository/put"}, Depth: 3})
	require.Empty(t, r.Violations)
	var all Row
	modes, again := map[string]bool{}, 0
	for _, row := range r.Rows {
		all.Add(row)
		modes[row.Mode] = true
		again += min(row.Again, 1)
	}
	require.Len(t, modes, 7)
	require.Greater(t, again, 3, "a third cut comes after a first of any mode, where that leaves what no other left")
	require.Equal(t, all.Points+all.Recovery+all.Again+all.Uncut, all.Runs())
	require.Greater(t, all.Runs(), 200)
}

// TestACopyIsWhatARunLeaves: a start that is watched, and at each change copied and cut, says in every
// count what a run of its own for each cut says.
func TestACopyIsWhatARunLeaves(t *testing.T) {
	t.Parallel()
	operations := map[string]int{"group/rekey": 2, "erase/range": 2, "repository/put": 3, "opal/revoke": 2}
	if testing.Short() {
		operations = map[string]int{"repository/put": 3, "opal/revoke": 2}
	}
	for name, depth := range operations {
		var results []*Result
		var states []int
		for _, runs := range []bool{false, true} {
			p, err := PlanSweep(Options{Seed: 3, Operations: []string{name}, Depth: depth})
			require.NoError(t, err)
			p.sweeps[0].runs = runs
			require.True(t, p.Run(0))
			r, err := p.Result()
			require.NoError(t, err)
			results, states = append(results, r), append(states, len(p.sweeps[0].met))
		}
		require.Equal(t, results[1], results[0], name)
		require.Equal(t, states[1], states[0], name)
		require.Empty(t, results[0].Violations)
		recovery := 0
		for _, row := range results[0].Rows {
			recovery += row.Recovery
		}
		require.Positive(t, recovery, name)
	}
}

func TestAPointIsOneRun(t *testing.T) {
	t.Parallel()
	o := Options{Operations: []string{"repository/put"}, Point: "torn@2+torn@0"}
	r := swept(t, o)
	require.True(t, r.Reached)
	require.Len(t, r.Rows, 1)
	require.Equal(t, Row{Part: "repository", Operation: "repository/put", With: "nothing", Mode: "torn", Points: 1, Recovery: 1}, r.Rows[0])
	o.Point = "torn@99"
	require.False(t, swept(t, o).Reached)
}

func TestWhatIsAskedForIsChecked(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		`powercut: sweep: no part "x", want one of group, erase, repository, opal`:                                   {Parts: []string{"x"}},
		`powercut: sweep: no operation "group/x", want one of group/configure, group/`:                               {Operations: []string{"group/x"}},
		`powercut: sweep: no operation "erase/drive", want one of `:                                                  {Parts: []string{"group"}, Operations: []string{"erase/drive"}},
		`powercut: sweep: nothing that breaks is called "rain", want one of nothing, erase-refused, program-refused`: {With: []string{"rain"}},
		`powercut: sweep: a depth of 4, want 1 to 3 cuts in a run, or 0 for 2`:                                       {Depth: 4},
		`powercut: sweep: point "sideways@1", want MODE@N of before, torn, after`:                                    {Point: "sideways@1"},
		`powercut: sweep: point "torn", want MODE@N of`:                                                              {Point: "torn"},
		`powercut: sweep: point "torn@1+torn@1+torn@1+torn@1", want MODE@N of`:                                       {Point: "torn@1+torn@1+torn@1+torn@1"},
		`powercut: sweep: erase-refused: there is no flash that could refuse in repository/put`:                      {Operations: []string{"group/rekey", "repository/put"}, With: []string{"erase-refused"}},
		`powercut: sweep: program-refused: there is no flash that could refuse in repository/`:                       {Parts: []string{"repository"}, With: []string{"program-refused"}},
	} {
		_, err := PlanSweep(o)
		require.ErrorIs(t, err, ErrOptions)
		require.True(t, strings.HasPrefix(err.Error(), want), err.Error())
	}
}

// fake is a world of two writes to a disk, with a defect.
type fake struct {
	supply *supply
	starts int
	defect string
}

func (f *fake) power() *supply { return f.supply }

func (f *fake) write(s string) error {
	return f.supply.change(change{
		drive: -1,
		whole: func(to *supply) error { to.copies[0].all[0] = &page{data: []byte(s)}; return nil },
		part:  func(to *supply, _ cut) error { to.copies[0].all[0] = &page{data: []byte(s[:1])}; return nil },
	})
}

func (f *fake) run() error {
	switch f.defect {
	case "does nothing":
		return nil
	case "fails":
		return errors.New("no")
	}
	for i := 0; i < 1 || f.defect == "does not end"; i++ {
		if err := f.write("new"); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) start() error {
	f.supply.start()
	f.starts++
	if f.defect == "does not start" && f.disk() == "n" {
		return errors.New("no")
	}
	if f.disk() == "n" {
		return f.write("new")
	}
	if f.defect == "goes back" && f.starts > 1 {
		return f.write("x")
	}
	return nil
}

func (f *fake) check() error {
	if f.disk() != "new" && f.disk() != "old" {
		return errors.New("it is neither old nor new")
	}
	return nil
}

func (f *fake) disk() string { return string(f.supply.copies[0].all[0].data) }

func (f *fake) state(out io.Writer) { fmt.Fprint(out, f.disk(), f.starts) }

func (f *fake) dark() world {
	c := *f
	c.supply = f.supply.copy()
	return &c
}

func (f *fake) wake(string) error { return nil }

// TestASweepFindsDefects: each way in which a sweep can say no.
func TestASweepFindsDefects(t *testing.T) {
	t.Parallel()
	for defect, want := range map[string]string{
		"":               "",
		"does nothing":   "fake/op, power cut torn: the operation changes nothing, so nothing was cut",
		"fails":          "fake/op, power cut torn@0: nothing was cut, and it fails: no",
		"does not end":   "fake/op, power cut torn@1000: no end within 1000 changes",
		"does not start": "fake/op, power cut torn@0: the start after it fails: no",
		"goes back":      "fake/op, power cut torn@0: it is neither old nor new",
	} {
		op := operation{part: "fake", name: "op", world: func(uint64) (world, error) {
			return &fake{supply: &supply{on: true, copies: []*pages{{[]*page{{data: []byte("old")}}}}}, defect: defect}, nil
		}}
		s := &sweep{op: op, seed: 3, depth: 2, first: []mode{torn}, second: secondModes, with: companies[0], met: map[[32]byte]int{}}
		p := &Plan{sweeps: []*sweep{s}}
		require.True(t, p.Run(0))
		r, err := p.Result()
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, r.Violations)
			require.Equal(t, Row{Part: "fake", Operation: "fake/op", With: nothing, Mode: "torn", Points: 1, Recovery: 1, Uncut: 2}, r.Rows[0])
			continue
		}
		require.NotEmpty(t, r.Violations, defect)
		require.Equal(t, want, r.Violations[0].Why)
		require.True(t, strings.HasPrefix(r.Violations[0].Replay, "fdelab sweep --seed 3 --operation fake/op"))
	}
	p := &Plan{sweeps: []*sweep{{met: map[[32]byte]int{}, first: []mode{torn}, with: companies[0], op: operation{part: "fake", name: "op", world: func(uint64) (world, error) { return nil, errors.New("no") }}}}}
	require.False(t, p.Run(0))
	_, err := p.Result()
	require.EqualError(t, err, "powercut: fake/op: no")
}

// worldAfter is a world after its operation and two starts, without a cut.
func worldAfter[W world](t testing.TB, name string) W {
	t.Helper()
	ops, err := chosen(Options{Operations: []string{name}})
	require.NoError(t, err)
	w, err := ops[0].world(1)
	require.NoError(t, err)
	require.NoError(t, w.run())
	require.NoError(t, w.start())
	require.NoError(t, w.check())
	require.NoError(t, w.start())
	return w.(W)
}
