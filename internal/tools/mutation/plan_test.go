package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func numberedChanges(n int) []Change {
	var all []Change
	for i := range n {
		all = append(all, Change{Number: i + 1, File: "p/f.go"})
	}
	return all
}

func TestPick(t *testing.T) {
	all := numberedChanges(1000)
	some := pick(all, 10, "2026-11-30")
	require.Len(t, some, 10)
	require.Equal(t, some, pick(all, 10, "2026-11-30"), "a seed draws the same sample again")
	require.NotEqual(t, some, pick(all, 10, "2026-12-01"), "another seed draws another one")
	require.IsIncreasing(t, []int{some[0].Number, some[1].Number, some[9].Number}, "in the order of the source")
	require.Equal(t, all, pick(all, 0, "x"), "0 is all")
	require.Equal(t, all, pick(all, 2000, "x"), "there are no more than all")
	require.Equal(t, numberedChanges(1000), all, "the changes themselves stay as they are")
}

func TestFloor(t *testing.T) {
	require.InDelta(t, 73, floor(85, 100, 3), 1.5, "85 % less three times 3.57 %")
	require.Equal(t, 85.0, floor(85, 100, 0))
	require.Zero(t, floor(1, 1, 3), "not below 0")
}

func TestOfFiles(t *testing.T) {
	all := []Change{{File: "p/a.go"}, {File: "p/b.go"}}
	require.Equal(t, all[1:], ofFiles(all, []string{"b.go"}))
	require.Equal(t, all, ofFiles(all, nil), "none means all")
}
