package facility

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// TestLifecycleIsOfItsSeed: a seed gives the same steps and the same log each time, and another one gives others.
func TestLifecycleIsOfItsSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, breaks string) (string, string) {
		m, err := Lifecycle{Seed: seed, Steps: 12, Keys: "kmip", Breaks: breaks}.Run()
		require.NoError(t, err)
		return m.Script(), m.Lab.TraceText()
	}
	for _, breaks := range Breaks() {
		script, trace := run(7, breaks)
		again, same := run(7, breaks)
		require.Equal(t, script, again)
		require.Equal(t, trace, same)
		other, _ := run(8, breaks)
		require.NotEqual(t, strings.TrimPrefix(script, "seed=7"), strings.TrimPrefix(other, "seed=8"), breaks)
	}
	_, err := Lifecycle{Steps: 12, Breaks: "walls"}.Run()
	require.ErrorContains(t, err, `"walls" breaks`)
}

// TestALifecycleThatFailsTells: the failure of a step, or what it panics with, comes out as it was.
func TestALifecycleThatFailsTells(t *testing.T) {
	t.Parallel()
	require.Nil(t, once(1, func(t *rapid.T) { rapid.IntRange(0, 9).Draw(t, "n") }))
	crash := once(1, func(t *rapid.T) {
		rapid.IntRange(0, 9).Draw(t, "n")
		panic("the facility is on fire")
	})
	require.Equal(t, "the facility is on fire", crash)

	m, err := NewMachine(Options{Seed: 3})
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	crash = once(1, func(t *rapid.T) {
		rapid.IntRange(0, 9).Draw(t, "n")
		m.ranks["R9"] = &rank{} // the model is wrong
		m.Must(t, "health")
	})
	require.NotNil(t, crash)
	require.ErrorContains(t, m.wrong, "expected 3 and 2")
}

// TestShrinkKeepsTheReason: what is left is shorter, and fails as the whole did; another reason is not taken.
func TestShrinkKeepsTheReason(t *testing.T) {
	t.Parallel()
	m, err := NewMachine(Options{Seed: 3})
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	require.NoError(t, m.Do("health"))
	script := m.Script()
	_, failure := Shrink(script, func(string) bool { return true })
	require.Nil(t, failure, "a run that fails not is not cut down")

	short, failure := shrink(script, func(script string) error {
		if strings.Contains(script, "array S1") && strings.Contains(script, "health") {
			return &proptest.Failure{Why: "the two meet"}
		}
		return nil
	}, func(why string) bool { return why == "the two meet" })
	require.NotNil(t, failure)
	require.Equal(t, "seed=3 drives=16 keys=kmip | array S1; health", short)
}
