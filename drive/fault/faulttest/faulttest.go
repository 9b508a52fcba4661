package faulttest

import (
	"slices"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// MustFire fails the test at its end if a rule of the plan fired in none of its
// clones, which were just armed. spare lists, as they are written, the rules that must
// not fire: a test names those that are there to show it. A test that failed already is
// not told.
func MustFire(t testing.TB, clones []*fault.Plan, spare ...string) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() || t.Skipped() {
			return
		}
		if idle := fault.Idle(clones...); !slices.Equal(idle, spare) {
			t.Errorf("rules that never fired: %v; the test expects %v", idle, spare)
		}
	})
}
