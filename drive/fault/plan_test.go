package fault

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// at lists the indexes of the operations at which the plan fires.
func at(p *Plan, ops []Op) []int {
	all := []int{}
	for i, op := range ops {
		if _, fires := p.Check(op); fires {
			all = append(all, i)
		}
	}
	return all
}

func repeat(op Op, n int) []Op {
	all := make([]Op, n)
	for i := range all {
		all[i] = op
	}
	return all
}

func TestPredicates(t *testing.T) {
	// Programs on the blocks 0 1 0 1 ..., each on the next page of its block.
	var alternating []Op
	for i := range 10 {
		alternating = append(alternating, program(i%2, i/2))
	}
	for _, c := range []struct {
		when string
		want []int
	}{
		{"", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"(OnIndex 0)", []int{0}},
		{"(OnIndex 7)", []int{7}},
		{"(OnIndex 10)", []int{}},
		{"(After 0)", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"(After 8)", []int{8, 9}},
		{"(Every 1)", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"(Every 3)", []int{2, 5, 8}},
		{"(Block 1)", []int{1, 3, 5, 7, 9}},
		{"(Page 2)", []int{4, 5}},
		{"(Blank)", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"(Programmed)", []int{}},
		{"(Randomly 1 5)", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"(Not (Block 1))", []int{0, 2, 4, 6, 8}},
		{"(Not (OnIndex 3))", []int{0, 1, 2, 4, 5, 6, 7, 8, 9}},
		{"(And (Block 1) (OnIndex 1))", []int{3}}, // the second on block 1
		{"(And (OnIndex 1) (Block 1))", []int{1}}, // the second, which is on block 1
		{"(And (OnIndex 1) (Block 0))", []int{}},  // the second, which is not on block 0
		{"(Or (OnIndex 2) (OnIndex 5))", []int{2, 5}},
		{"(Or (Page 0) (OnIndex 5))", []int{0, 1, 5}}, // the OnIndex sees all, not what Page leaves
		{"(And (After 3) (Every 2))", []int{4, 6, 8}}, // every second from the fourth on
	} {
		t.Run(c.when, func(t *testing.T) {
			p := MustParse("(flashlike.program.torn " + c.when + ")")
			require.Equal(t, c.want, at(p, alternating))
			p.Reset()
			require.Equal(t, c.want, at(p, alternating), "reset, it counts from 0")
			require.Equal(t, c.want, at(p.Clone(), alternating), "a clone counts for itself")
		})
	}
	ram := MustParse("(ramlike.table.flipped (And (Byte 1) (OnIndex 1)))")
	require.Equal(t, []int{3}, at(ram, []Op{{Name: "ramlike.table", Byte: 0}, {Name: "ramlike.table", Byte: 1}, {Name: "ramlike.table", Byte: 0}, {Name: "ramlike.table", Byte: 1}}), "byte 1, the second time")
	p := MustParse("(disklike.read.error (LBA 7))")
	require.Equal(t, []int{1}, at(p, []Op{{Name: "disklike.read", LBA: 6}, {Name: "disklike.read", LBA: 7}, {Name: "disklike.write", LBA: 7}}))
}

func TestARuleSeesItsOwnOperationsOnly(t *testing.T) {
	p := MustParse("(flashlike.program.torn (OnIndex 1))")
	require.Equal(t, []int{3}, at(p, []Op{
		program(0, 0),
		{Name: "flashlike.erase"},
		{Name: "flashlike.programs"},
		program(0, 1),
	}), "an operation of another name does not count")
	p = MustParse("(flashlike.read.rot (OnIndex 1))")
	read := Op{Name: "flashlike.read"}
	blankRead := Op{Name: "flashlike.read", Blank: true}
	require.Equal(t, []int{3}, at(p, []Op{blankRead, read, blankRead, read}), "where nothing is stored, a point of data does not count")
}

func TestFirstRuleThatHoldsFiresAndAllCount(t *testing.T) {
	p := MustParse("(flashlike.program.torn (OnIndex 0)) (flashlike.program.torn (OnIndex 0)) (flashlike.program.torn (OnIndex 1)) (flashlike.erase.refused)")
	require.Equal(t, []int{0, 1}, at(p, repeat(program(0, 0), 4)), "the second rule's operation 0 was the first's as well")
	require.Equal(t, []Firing{{Point: torn, Count: 2, Last: program(0, 0)}}, p.Fired())
	require.Equal(t, []Point{torn, erase}, p.Points())

	p = MustParse("(flashlike.program.torn) (flashlike.program.refused)")
	point, fires := p.Check(program(0, 0))
	require.True(t, fires)
	require.Equal(t, torn, point, "of two that hold, the first of the plan fires")
	require.Equal(t, []Firing{{Point: torn, Count: 1, Last: program(0, 0)}}, p.Fired(), "and it alone is counted as fired")
}

func TestFiredIsOneEntryAPoint(t *testing.T) {
	p := MustParse("(flashlike.program.torn (OnIndex 2)) (flashlike.erase.refused) (flashlike.program.torn (OnIndex 1))")
	require.Empty(t, p.Fired())
	p.Check(Op{Name: "flashlike.erase", Block: 4})
	for i := range 5 {
		p.Check(program(0, i))
	}
	require.Equal(t, []Firing{
		{Point: torn, Count: 2, Last: program(0, 2)},
		{Point: erase, Count: 1, Last: Op{Name: "flashlike.erase", Block: 4}},
	}, p.Fired(), "in the order of the plan; the last operation is the last in time")
	p.Reset()
	require.Empty(t, p.Fired(), "armed anew, nothing fired yet")
}

func TestNilPlanMatchesNothing(t *testing.T) {
	var p *Plan
	point, fires := p.Check(program(0, 0))
	require.False(t, fires)
	require.Empty(t, point)
	require.Empty(t, p.Fired())
	require.Empty(t, p.Points())
	require.Empty(t, p.String())
	require.Nil(t, p.Clone())
	p.Reset()
}

func TestRandomlyDrawsFromItsOwnSeed(t *testing.T) {
	const n = 20000
	count := func(plan string) int { return len(at(MustParse(plan), repeat(program(0, 0), n))) }
	for _, p := range []struct {
		text string
		want float64
	}{{"0.5", 0.5}, {"0.01", 0.01}, {"1", 1}, {"1e-300", 0}} {
		got := float64(count("(flashlike.program.torn (Randomly "+p.text+" 9))")) / n
		require.InDelta(t, p.want, got, 0.015, "a probability of %s", p.text)
	}
	first := func(plan string) []int { return at(MustParse(plan), repeat(program(0, 0), 200)) }
	alone := first("(flashlike.program.torn (Randomly 0.3 7))")
	require.Equal(t, alone, first("(flashlike.program.torn (Randomly 0.3 7))"), "the same seed draws the same")
	require.NotEqual(t, alone, first("(flashlike.program.torn (Randomly 0.3 8))"), "another seed draws otherwise")
	require.Equal(t, []int{2, 3, 4, 5, 6, 8, 9, 17, 19}, at(MustParse("(flashlike.program.torn (Randomly 0.5 1))"), repeat(program(0, 0), 20)), "and these draws are for good: recorded failures stand on them")

	with := MustParse("(flashlike.erase.refused (Randomly 0.3 1)) (flashlike.program.torn (Randomly 0.3 7))")
	got := []int{}
	for i := range 200 {
		with.Check(Op{Name: "flashlike.erase"})
		if _, fires := with.Check(program(0, 0)); fires {
			got = append(got, i)
		}
	}
	require.Equal(t, alone, got, "another draw elsewhere shifts nothing")
}

func TestCheckAllocatesNothing(t *testing.T) {
	p := MustParse("(flashlike.program.torn (Or (And (Block 1) (Not (OnIndex 3))) (Randomly 0.5 1) (Every 2))) (flashlike.erase.refused) (disklike.read.error (LBA 3))")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		p.Check(program(1, 1))
		p.Check(Op{Name: "flashlike.erase"})
		p.Check(Op{Name: "disklike.read"})
	}), "a sweep checks a plan on every operation")
}

// TestPlanIsAFunctionOfItsOperations: whatever the plan, it and its clone
// fire at the same operations, and Fired says how often.
func TestPlanIsAFunctionOfItsOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := MustParse(planText(t))
		var ops []Op
		for range rapid.IntRange(0, 60).Draw(t, "operations") {
			ops = append(ops, Op{Name: "flashlike.program", Block: rapid.IntRange(0, 3).Draw(t, "block"), Page: rapid.IntRange(0, 3).Draw(t, "page"), Blank: rapid.Bool().Draw(t, "blank")})
		}
		fires := at(p, ops)
		again := p.Clone()
		require.Equal(t, fires, at(again, ops))
		total := uint64(0)
		for _, f := range p.Fired() {
			total += f.Count
			require.Equal(t, ops[fires[len(fires)-1]], f.Last)
		}
		require.Equal(t, uint64(len(fires)), total)
		require.Equal(t, p.Fired(), again.Fired())
	})
}

func BenchmarkCheck(b *testing.B) {
	for _, plan := range []string{
		"(flashlike.program.torn (OnIndex 18446744073709551615))",
		"(flashlike.program.torn (And (Block 3) (OnIndex 1)))",
		"(flashlike.program.torn (Randomly 1e-9 1))",
		"(disklike.read.error)",
	} {
		b.Run(plan, func(b *testing.B) {
			b.ReportAllocs()
			p, op := MustParse(plan), program(1, 2)
			for b.Loop() {
				p.Check(op)
			}
		})
	}
	b.Run("nil", func(b *testing.B) {
		var p *Plan
		op := program(1, 2)
		for b.Loop() {
			p.Check(op)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Parse("(flashlike.program.torn (And (Block 3) (OnIndex 1)))")
	}
}
