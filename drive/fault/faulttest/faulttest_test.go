package faulttest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/faulttest"
)

var point = fault.Register("faulttest.step.refused", "the step is refused", "reported")

// recorder is a test that records what it is told, and runs its cleanups when asked.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()                   {}
func (r *recorder) Failed() bool              { return len(r.errors) > 0 }
func (r *recorder) Skipped() bool             { return false }
func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }

func (r *recorder) end() []string {
	for _, f := range r.cleanups {
		f()
	}
	return r.errors
}

func TestAPlanThatNeverFiresFailsItsTest(t *testing.T) {
	const text = "(faulttest.step.refused (OnIndex 0)) (faulttest.step.refused (OnIndex 7))"
	one, two := fault.MustParse(text), fault.MustParse(text)
	r := &recorder{TB: t}
	faulttest.MustFire(r, []*fault.Plan{one, nil, two})
	got, ok := two.Check(fault.Op{Name: point.Operation()})
	require.True(t, ok)
	require.Equal(t, point, got)
	require.Equal(t, []string{"rules that never fired: [(faulttest.step.refused (OnIndex 7))]; the test expects []"}, r.end(),
		"one rule fired in one clone, the other in none")

	r = &recorder{TB: t}
	faulttest.MustFire(r, []*fault.Plan{one, two}, "(faulttest.step.refused (OnIndex 7))")
	require.Empty(t, r.end(), "the test said that this rule must not fire")
}

func ExampleMustFire() {
	t := &recorder{}
	faulttest.MustFire(t, []*fault.Plan{fault.MustParse("(faulttest.step.refused)")})
	fmt.Println(t.end())
	// Output: [rules that never fired: [(faulttest.step.refused)]; the test expects []]
}
