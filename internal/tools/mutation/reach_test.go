package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBatches(t *testing.T) {
	c := Change{Number: 1, File: "p/store.go"}
	on, off := []byte{0, 1}, []byte{0, 0}
	ms := time.Millisecond
	wait := time.Minute // for other work of the machine, which changes nothing
	r := &reach{Tests: []measured{
		{"TestFar", "group_test.go", wait + 10*ms, 10 * ms, on},
		{"TestElsewhere", "store_test.go", wait + 1*ms, 1 * ms, off},
		{"TestSlow", "group_test.go", wait + 3000*ms, 3000 * ms, on},
		{"TestBeside", "store_test.go", wait + 900*ms, 900 * ms, on},
		{"TestBesideToo", "store_test.go", wait + 800*ms, 800 * ms, on},
		{"TestAsFar", "group_test.go", wait + 10*ms, 10 * ms, on},
	}}
	all, left := r.batches(c, time.Minute)
	require.Equal(t, []batch{
		{[]string{"TestBesideToo"}, wait + 800*ms, 800 * ms},
		{[]string{"TestBeside"}, wait + 900*ms, 900 * ms},
		{[]string{"TestAsFar", "TestFar"}, 2*wait + 20*ms, 20 * ms},
		{[]string{"TestSlow"}, wait + 3000*ms, 3000 * ms},
	}, all, "tests beside the file first, then the quickest, and no more than a second in one process")
	require.Zero(t, left)

	all, left = r.batches(c, 2*time.Second)
	require.Len(t, all, 3)
	require.Equal(t, 1, left, "the slow test does not fit, and is counted")

	all, left = r.batches(c, ms)
	require.Len(t, all, 1, "the first test runs even if it alone takes too long")
	require.Equal(t, 4, left)
}
