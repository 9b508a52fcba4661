package forensic

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// alteredOf is what the search of altered pages finds, and its phases.
func alteredOf(s *scene, oracles []Oracle, o Options) (*search, []string) {
	var phases []string
	o.Phase = func(what string) { phases = append(phases, what) }
	x := newSearch(drive.Dump{Flash: s.pages}, oracles, o)
	x.altered()
	require.Empty(s.t, x.out.Wraps)
	return x, phases
}

func TestKeysBackwardsAndUnderAConstant(t *testing.T) {
	for _, c := range []struct {
		also   Ways
		form   func(key []byte) []byte
		want   string
		phases []string
	}{
		{Reversed, backwardsOf, "bare key backwards at block 1 page 2 offset 37 opens LBA 17", []string{"keys backwards"}},
		{Masked, func(b []byte) []byte { return under(0xFF, b) }, "bare key under the constant FF at block 1 page 2 offset 37 opens LBA 17", []string{"keys under a constant"}},
		{Masked, func(b []byte) []byte { return under(0xFE, b) }, "bare key under the constant FE at block 1 page 2 offset 37 opens LBA 17", []string{"keys under a constant"}},
		{Masked, func(b []byte) []byte { return under(0x01, b) }, "bare key under the constant 01 at block 1 page 2 offset 37 opens LBA 17", []string{"keys under a constant"}},
		{Masked, func(b []byte) []byte { return under(0x0A, b) }, "bare key under the constant 0A at block 1 page 2 offset 37 opens LBA 17", []string{"keys under a constant"}},
	} {
		s := newScene(t)
		s.size = 128
		s.page(0, 0, 0, noise("first", 20)) // a page before
		s.page(1, 2, 37, c.form(s.mek[:]))
		dump := slices.Concat(s.pages[0].Data, s.pages[1].Data)
		x, phases := alteredOf(s, []Oracle{s.oracle}, Options{Also: c.also})
		require.Len(t, x.out.Keys, 1, c.want)
		require.Equal(t, c.want, x.out.Keys[0].String())
		require.Equal(t, Finding{Path: x.out.Keys[0].Path, Oracle: "LBA 17", Weak: true, Bits: 256}, x.out.Keys[0])
		require.Equal(t, 64, x.out.Keys[0].Path[0].Size)
		require.Equal(t, c.phases, phases)
		require.Equal(t, dump, slices.Concat(s.pages[0].Data, s.pages[1].Data), "the dump stays as it is")
		require.True(t, x.barely)

		for _, without := range []Ways{AllWays &^ Reversed &^ Masked, 0} {
			x, phases = alteredOf(s, []Oracle{s.oracle}, Options{Also: without})
			require.Empty(t, x.out.Keys)
			require.Empty(t, phases)
			require.Zero(t, x.out.Tried.Windows)
		}
		x, phases = alteredOf(s, nil, Options{Also: AllWays})
		require.Empty(t, x.out.Keys)
		require.Empty(t, phases, "there is nothing to try a key on")
		require.Empty(t, x.spent)
	}
}

// Both work through a runner as well, one constant a share, and the constant that inverts goes first.
func TestEachConstantIsTriedOnce(t *testing.T) {
	s := newScene(t)
	s.size = 512
	s.page(0, 0, 3, s.mek[:], 80, under(0xFF, s.mek[:]), 160, under(0x80, s.mek[:]), 240, under(0x01, s.mek[:]), 320, backwardsOf(s.mek[:]))
	shares := 0
	for _, runner := range []func(int, func(int)){nil, func(n int, do func(int)) {
		shares = n
		backwards(n, do)
	}} {
		x, phases := alteredOf(s, []Oracle{s.oracle}, Options{Also: Masked | Reversed, Parallel: runner})
		var found []string
		for _, f := range x.out.Keys {
			found = append(found, f.String())
		}
		require.Equal(t, []string{
			"bare key backwards at block 0 page 0 offset 320 opens LBA 17",
			"bare key under the constant FF at block 0 page 0 offset 80 opens LBA 17",
			"bare key under the constant 80 at block 0 page 0 offset 160 opens LBA 17",
			"bare key under the constant 01 at block 0 page 0 offset 240 opens LBA 17",
		}, found)
		require.Equal(t, []string{"keys backwards", "keys under a constant"}, phases)
	}
	require.Equal(t, 255, shares)
}

// The budget counts the bytes of the dump that are not blank behind, for each constant. With too little of
// it, there is one constant, or none.
func TestTheBudgetOfConstants(t *testing.T) {
	s := newScene(t)
	full := make([]byte, 300)
	full[99], full[98] = 7, 7 // 100 bytes, hardly any of them a window that is tried
	s.pages = []flash.Page{{Data: full}, {Page: 1, Data: full[:120]}}
	const n = 200
	for _, c := range []struct {
		left, spent int
		phases      []string
		note        string
	}{
		{255 * n, 255 * n, []string{"keys under a constant"}, ""},
		{255*n - 1, n, []string{"keys under a constant"}, fmt.Sprintf("keys under a constant: %d operations, %d are left of the budget", 254*n, 254*n-1)},
		{n, n, []string{"keys under a constant"}, fmt.Sprintf("keys under a constant: %d operations, 0 are left of the budget", 254*n)},
		{n - 1, 0, nil, fmt.Sprintf("keys under a constant: %d operations, %d are left of the budget", n, n-1)},
	} {
		var phases []string
		x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, Options{Also: Masked, Phase: func(what string) { phases = append(phases, what) }})
		x.spent = map[Ways]int{Masked: QuickBudget - c.left}
		shares := 0
		x.opts.Parallel = func(n int, do func(int)) {
			shares = n
			backwards(n, do)
		}
		x.altered()
		require.Equal(t, QuickBudget-c.left+c.spent, x.spent[Masked], "%d left", c.left)
		require.Equal(t, c.phases, phases, "%d left", c.left)
		if c.note == "" {
			require.Empty(t, x.out.Left)
			require.Equal(t, 255, shares)
		} else {
			require.Equal(t, []string{c.note}, x.out.Left)
			require.Zero(t, shares, "one constant needs no runner")
		}
	}
	for left, want := range map[int]bool{n: true, n - 1: false} {
		x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, Options{Also: Reversed})
		x.spent = map[Ways]int{Reversed: QuickBudget - left}
		x.altered()
		require.Equal(t, want, x.out.Tried.Windows > 0)
		require.Equal(t, want, len(x.out.Left) == 0)
	}
}

// The windows of changed pages are counted, and the changed pages overwritten: they may hold a key.
func TestChangedPagesAreOverwritten(t *testing.T) {
	s := newScene(t)
	s.size = 128
	s.page(0, 0, 10, noise("a", 50))
	s.page(0, 1, 20, backwardsOf(s.mek[:]))
	x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, Options{})
	var changed [][]byte
	var places []int
	w := newWorker(x)
	w.tried.Windows = 1000
	w.bareIn(" changed", func(b []byte) {
		require.Len(t, b, 128)
		slices.Reverse(b)
		changed = append(changed, b)
	}, func(off, size, n int) int {
		places = append(places, off, size, n)
		return 7
	})
	require.Len(t, changed, 2)
	for _, b := range changed {
		require.Equal(t, make([]byte, 128), b)
	}
	require.Equal(t, []int{128 - 20 - 64, 64, 128}, places)
	require.Len(t, w.bare, 1)
	require.Equal(t, "bare key changed at block 0 page 1 offset 7 opens LBA 17", w.bare[0].String())
	want := newSearch(drive.Dump{Flash: []flash.Page{{Data: backwardsOf(s.pages[0].Data)}, {Page: 1, Data: backwardsOf(s.pages[1].Data)}}}, []Oracle{s.oracle}, Options{})
	want.bareKeys()
	require.Greater(t, want.out.Tried.Windows, 60)
	require.Equal(t, 1000+want.out.Tried.Windows, w.tried.Windows)
	require.False(t, bytes.Equal(s.pages[0].Data, make([]byte, 128)))
}
