package campaign

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

func plan(t testing.TB, text string) *Plan {
	t.Helper()
	p, err := Parse(text)
	require.NoError(t, err)
	return p
}

// all runs a plan from one end to the other.
func all(t *testing.T, p *Plan) *Report {
	t.Helper()
	r := NewReport()
	for n := uint64(0); ; n++ {
		j, there := p.Job(n, nil)
		if !there {
			return r
		}
		x, err := j.Run()
		require.NoError(t, err)
		r.Add(x, p.Limits.Failures)
	}
}

// TestResultsAreOfTheirJob: of each kind a job gives the same bytes each time, and what a coordinator takes.
func TestResultsAreOfTheirJob(t *testing.T) {
	t.Parallel()
	p := plan(t, "drive lifecycles=20\nfacility lifecycles=2 steps=5\nsweep part=repository depth=1\nconform seeds=1 only=F12,SM01\nmutants\nidle jobs=1\n")
	kinds := map[string]bool{}
	jobs, _ := p.Jobs()
	for n := range jobs {
		j, _ := p.Job(n, nil)
		if kind := strings.Fields(j.Line)[0]; kinds[kind] {
			continue
		} else {
			kinds[kind] = true
		}
		one, err := j.Run()
		require.NoError(t, err)
		two, err := j.Run()
		require.NoError(t, err)
		a, err := one.Encode()
		require.NoError(t, err)
		b, err := two.Encode()
		require.NoError(t, err)
		require.Equal(t, string(a), string(b))
		back, err := Decode(a, j)
		require.NoError(t, err)
		require.Equal(t, one.Endings, back.Endings)
		require.Empty(t, one.Findings, "%s", a)
		require.True(t, len(one.Coverage) > 0 || j.Line == "idle jobs=1" || kinds[Facility], "%s", a)
	}
	require.Len(t, kinds, len(Kinds()))
}

// TestMutantsOfACampaign: every mutant that is made of a sound device is caught.
func TestMutantsOfACampaign(t *testing.T) {
	t.Parallel()
	r := all(t, plan(t, "mutants"))
	require.Empty(t, r.Findings)
	require.Equal(t, uint64(len(made())), r.Endings[Caught])
	require.Greater(t, len(made()), 15)
}

// forgets is a drive that gives zeros for what was written.
type forgets struct{ conformance.Device }

func (f forgets) Read(lba uint64, dst []byte) error {
	err := f.Device.Read(lba, dst)
	if err == nil {
		clear(dst)
	}
	return err
}

// TestFloodOfFailures: many drives with one defect are few findings with a count, cut down, with a file that
// plays; the report does not grow with them.
func TestFloodOfFailures(t *testing.T) {
	sound := maker
	t.Cleanup(func() { maker = sound })
	maker = func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := sound(w)
		if d == nil {
			return nil, label, err
		}
		return forgets{d}, label, err
	}
	p := plan(t, "drive lifecycles=60 each=20\nlimit failures=2")
	r := all(t, p)
	require.Equal(t, uint64(60), r.Units)
	require.Greater(t, r.Failures(), uint64(20))
	require.LessOrEqual(t, len(r.Findings), 2)
	first := r.Findings[0]
	require.Greater(t, first.Count, uint64(5))
	require.NotEmpty(t, first.File)
	require.Contains(t, first.Replay, "fdelab replay '")
	require.Contains(t, first.Again, fmt.Sprintf("fdelab soak --seed %d --lifecycles 1", first.Seed))
	_, err := conformance.ParseTranscript("finding", first.File)
	require.NoError(t, err)
	counted := r.More
	for _, f := range r.Findings {
		counted += f.Count
	}
	require.Equal(t, r.Failures(), counted, "each failure is counted once")

	j, _ := p.Job(0, nil)
	x, err := j.Run()
	require.NoError(t, err)
	require.NoError(t, x.Check(j))
	x.Findings[0].Why = "\x1b[2J"
	require.ErrorIs(t, x.Check(j), ErrResult)
}

// TestSteering: a job with wanted faults has them and no others.
func TestSteering(t *testing.T) {
	t.Parallel()
	p := plan(t, "drive lifecycles=400 each=50")
	wanted := NewReport().Wanted()
	require.Len(t, wanted, 55)
	j, _ := p.Job(3, wanted)
	require.Len(t, j.Faults, 2)
	x, err := j.Run()
	require.NoError(t, err)
	require.NoError(t, x.Check(j))
	fired := 0
	for name := range x.Coverage {
		if kind, is := strings.CutPrefix(name, "fault "); is {
			require.Contains(t, j.Faults, kind)
			fired++
		}
	}
	require.Positive(t, fired)
	free, _ := p.Job(4, wanted)
	require.Nil(t, free.Faults)

	r := NewReport()
	r.Coverage[pairOf(wanted[0][0], wanted[0][1])] = 1
	require.Len(t, r.Wanted(), 54)
	require.NotContains(t, p.Missing(r), pairOf(wanted[0][0], wanted[0][1]))
}

// TestAProgramThatIsNotThere is a finding: what was not run has not passed.
func TestAProgramThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := all(t, plan(t, "conform seeds=1 program=/nowhere/drive"))
	require.Equal(t, uint64(1), r.Endings[NotRun])
	require.Equal(t, NotRun, r.Ending())
	require.Contains(t, r.Findings[0].Why, "/nowhere/drive")
}

// blind is a drive that offers no more than it must.
type blind struct{ conformance.Device }

// TestWhatIsNotJudgedHasNotPassed: a suite that could judge nothing is a finding.
func TestWhatIsNotJudgedHasNotPassed(t *testing.T) {
	sound := maker
	t.Cleanup(func() { maker = sound })
	maker = func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := sound(w)
		if d == nil {
			return nil, label, err
		}
		return blind{d}, label, err
	}
	r := all(t, plan(t, "conform seeds=2 only=F01"))
	require.Equal(t, uint64(2), r.Endings[NotRun], "%v", r.Endings)
	require.Contains(t, r.Findings[0].Why, "no property was judged: F01: ")
}

// TestAdapterProgram: a drive in another language goes through the suite.
func TestAdapterProgram(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("SKIPPED: no python3")
	}
	r := all(t, plan(t, `conform seeds=1 only=F12 program="python3 ../adapters/python/drive.py"`))
	require.Equal(t, uint64(1), r.Endings[Passed], "%v", r.Findings)
	require.Positive(t, r.Coverage["suite F12"])
}

// FuzzResult: nobody's bytes get through Decode and are of another form than a worker's.
func FuzzResult(f *testing.F) {
	j, _ := plan(f, "drive lifecycles=2").Job(0, nil)
	x, err := j.Run()
	require.NoError(f, err)
	b, err := x.Encode()
	require.NoError(f, err)
	f.Add(b)
	aside, err := Aside(j, "it killed three workers").Encode()
	require.NoError(f, err)
	f.Add(aside)
	f.Add([]byte(`{"job":0,"units":2,"findings":[{"key":"k","count":1,"ending":"unsafe","trace":["\u001b[2J"]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(b, j)
		if err != nil {
			require.ErrorIs(t, err, ErrResult)
			return
		}
		r := NewReport()
		r.Add(x, 3)
		require.Equal(t, uint64(2), r.Units)
		for _, f := range r.Findings {
			require.NotContains(t, f.Why+f.Again+f.Key+f.Replay+f.File+strings.Join(f.Trace, ""), "\x1b")
		}
	})
}
