package campaign

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlanIsReadAsItIsPrinted: a plan has one form, and its name follows from it.
func TestPlanIsReadAsItIsPrinted(t *testing.T) {
	p, err := Parse("# a night\n\n  drive lifecycles=1000 seed=7 faults=power-torn,erase-refused\nfacility lifecycles=3\nsweep part=group depth=1\n" +
		"conform seeds=2 only=F12 program=\"python3 'a b.py'\"\nmutants\nlimit for=8h failures=5\n")
	require.NoError(t, err)
	text := p.String()
	again, err := Parse(text)
	require.NoError(t, err)
	require.Equal(t, text, again.String())
	require.Equal(t, p.ID(), again.ID())
	require.Contains(t, text, "drive lifecycles=1000 seed=7 each=250 faults=power-torn,erase-refused\n")
	require.Contains(t, text, `program="python3 'a b.py'"`)
	other, err := Parse(strings.Replace(text, "seed=7", "seed=8", 1))
	require.NoError(t, err)
	require.NotEqual(t, p.ID(), other.ID())
}

// TestPlanIsRefused: what is wrong is named with its line, and with what would be right.
func TestPlanIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"conform program=" + strings.Repeat("x", 9000): "want 8192 or fewer",
		"":                    "nothing to run",
		"drive lifecycles=0":  "line 1: drive: lifecycles=\"0\", want a whole number of 1",
		"\ndrve lifecycles=1": `line 2: no kind of work "drve"`,
		"drive":               "has no number",
		"drive\ndrive lifecycles=1\nlimit for=1h":      "has no number",
		"drive lifecycles=1 lifecycles=2":              "lifecycles is given twice",
		"drive lifecycles=1 faults=walls":              `or none`,
		"drive lifecycles=1 faults=none,all":           "faults=none,all: none stands alone",
		"drive lifecycles=1 faults=power-torn,none":    "none stands alone",
		"conform only=bogus":                           `only: no "bogus", want some of F01 to `,
		"drive lifecycles=2 seed=18446744073709551615": "want seeds below 2^64",
		"limit for=0s":                                 "want a time of 1s or more",
		"idle":                                         "want jobs=N",
		"idle jobs=1\nlimit a=1":                       `no word "a"`,
		"idle jobs=1\nlimit job=1m\nlimit job=2m":      "limits are given twice",
		"drive 17": "want words such as seed=1",
		strings.Repeat("idle jobs=1152921504606846976\n", 16): "more than 1152921504606846976 lifecycles",
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, ErrPlan, "%q", text)
		require.ErrorContains(t, err, want, "%q", text)
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestCountsOfAPlan: in the words of the kinds of work that it has, one or many.
func TestCountsOfAPlan(t *testing.T) {
	for plan, want := range map[string][2]string{
		"drive lifecycles=1":                                    {"1 lifecycle", "2 lifecycles"},
		"drive lifecycles=1\nfacility lifecycles=1":             {"1 lifecycle", "2 lifecycles"},
		"idle jobs=1\nmutants":                                  {"1 empty job or mutant", "2 empty jobs and mutants"},
		"conform\ndrive lifecycles=1\nsweep part=group depth=1": {"1 seed, lifecycle or row", "2 seeds, lifecycles and rows"},
	} {
		p, err := Parse(plan)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{p.Count(1), p.Count(2)})
	}
}

// TestBlanksOfAPlan: tabs are blanks.
func TestBlanksOfAPlan(t *testing.T) {
	p, err := Parse("drive\tlifecycles=5\tseed=2 \teach=1\n")
	require.NoError(t, err)
	require.Contains(t, p.String(), "drive lifecycles=5 seed=2 each=1\n")
}

// FuzzPlan: whatever is read is printed so that it is read as the same, and its first jobs can be asked for.
func FuzzPlan(f *testing.F) {
	f.Add("drive lifecycles=1000 seed=7\nlimit for=8h\n")
	f.Add("conform program=\"a \\\"b\\\"\" only=F12,F20\nmutants\nidle jobs=5")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			require.ErrorIs(t, err, ErrPlan)
			return
		}
		again, err := Parse(p.String())
		require.NoError(t, err, "%q", p.String())
		require.Equal(t, p.String(), again.String())
		for n := range uint64(3) {
			j, there := p.Job(n, nil)
			all, known := p.Jobs()
			require.True(t, there || known && n >= all || p.Entries[len(p.Entries)-1].Seed > 1<<60)
			if there {
				_, err := j.entry()
				require.NoError(t, err)
			}
		}
	})
}

// TestJobsCoverThePlan: every seed is in one job, and jobs are about equal.
func TestJobsCoverThePlan(t *testing.T) {
	p, err := Parse("drive lifecycles=1001 seed=10 each=100\nidle jobs=2\nmutants")
	require.NoError(t, err)
	jobs, all := p.Jobs()
	require.True(t, all)
	units, _ := p.Units()
	next, sum := uint64(10), uint64(0)
	for n := range jobs {
		j, there := p.Job(n, nil)
		require.True(t, there)
		require.Equal(t, n, j.Number)
		sum += j.Count
		if strings.HasPrefix(j.Line, "drive") {
			require.Equal(t, next, j.First)
			next += j.Count
		}
	}
	require.Equal(t, uint64(1011), next)
	require.Equal(t, units, sum)
	_, there := p.Job(jobs, nil)
	require.False(t, there)
}
