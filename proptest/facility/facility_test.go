package facility

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

var script = flag.String("script", "", "the run that TestReplay replays")

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "40") // a soak takes -rapid.checks=1000
	_ = flag.Set("rapid.steps", "50")
	_ = flag.Set("rapid.shrinktime", "10s")
	flag.Parse()
	os.Exit(m.Run())
}

// TestReplay replays a run that failed.
func TestReplay(t *testing.T) {
	if *script == "" {
		t.Skip("skipped: no -script to replay")
	}
	_, err := Replay(*script)
	require.NoError(t, err)
}

func machine(t *rapid.T, keys ...string) *Machine {
	o := Options{Seed: rapid.Uint64Range(0, 1000).Draw(t, "seed")}
	if len(keys) > 0 {
		o.Keys = rapid.SampledFrom(keys).Draw(t, "keys")
	}
	m, err := NewMachine(o)
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	return m
}

// TestSoundFacility: while nothing is broken every action succeeds and no event is raised.
func TestSoundFacility(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(t)
		t.Repeat(m.Actions())
		require.Empty(t, m.FalseAlarms(), "no false alarm")
	})
}

// TestBrokenFacility: whatever breaks, data are right or refused, faults are reported, and every
// event has a cause.
func TestBrokenFacility(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(t)
		t.Repeat(m.FaultActions())
	})
}

// TestAFacilityOverTheWire: whatever is done and whatever breaks, a facility over the wire has the same log as one
// that reaches its drives by their methods, and its drives have the same in their flash.
func TestAFacilityOverTheWire(t *testing.T) {
	t.Parallel()
	runs := 10
	if testing.Short() {
		runs = 2
	}
	broken := rapid.Custom(func(t *rapid.T) *Machine {
		m := machine(t, "kmip", "ipp-tls")
		t.Repeat(m.FaultActions())
		return m
	})
	steps := 0
	for n := range runs {
		direct := broken.Example(n)
		steps += len(direct.steps)
		o := direct.options
		o.Wire = true
		wired, err := NewMachine(o)
		require.NoError(t, err)
		for _, step := range direct.steps[len(wired.steps):] {
			require.NoError(t, wired.Do(step), "%s", step)
		}
		require.Equal(t, direct.Lab.TraceText(), wired.Lab.TraceText())
		for _, s := range direct.slots() {
			a, empty := direct.Lab.Part(s)
			b, err := wired.Lab.Part(s)
			require.Equal(t, empty, err, s)
			if empty == nil {
				require.Equal(t, a.Drive.Dump().Flash, b.Drive.Dump().Flash, s)
			}
		}
		require.True(t, wired.Lab.Options().Wire && !direct.Lab.Options().Wire, "the two reach their drives in different ways")
		require.Contains(t, wired.Script(), " wire=true | ")
	}
	m, err := Replay("wire=true | iml")
	require.NoError(t, err)
	require.True(t, m.options.Wire, "a run over the wire is replayed over the wire")
	t.Log(steps, "steps")
	require.Greater(t, steps, 20*runs, "the runs are no short ones")
}

// TestEveryDriveSRCIsMet: each of the six comes from its cause. The steps break something and name
// no code.
func TestEveryDriveSRCIsMet(t *testing.T) {
	const prepare = "seed=3 drives=16 | array S1; rank A0 1; write R0 0 1; write R0 1 2; "
	for code, steps := range map[string]string{
		"BE3400B3": "outsider-erase R1-I1-D01; advance 120",
		"BE34009E": "arm R1-I1-D01 (flash.erase.refused) (flash.zero.refused); remove-rank R0",
		"BE34009F": "arm R1-I1-D01 (flash.erase.refused) (flash.zero.refused); remove-rank R0; remove-array A0; discontinue",
		"BE31F004": "break R1-I1-D01; advance 120; repair R1-I1-D01; exchange R1-I1-D01 new; arm R1-I1-D01 (flash.program.refused (After 3)); resume R1-I1-D01",
		"BE3400A2": "stop-server 1; stop-server 2; array S2; rank A1 0; iml; smart-rebuild R1-I1-D01",
		"BE3400A3": "pull R1-I1-D01; advance 120; remove-rank R0; remove-array A0; insert R1-I1-D01 any",
	} {
		t.Run(code, func(t *testing.T) {
			m, err := Replay(prepare + steps)
			require.NoError(t, err)
			var met []string
			for _, e := range m.Lab.Events() {
				met = append(met, e.SRC)
			}
			require.Contains(t, met, code, "%s\n%s", steps, m.Lab.TraceText())
		})
	}
}

// TestChecksCanFail: the checks find a model that is wrong.
func TestChecksCanFail(t *testing.T) {
	m, err := NewMachine(Options{})
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	var f *proptest.Failure

	m.ranks["R0"].may[5] = []uint32{4711}
	require.ErrorAs(t, m.Do("read R0 5"), &f, "other data than was written")
	m.ranks["R0"].may[5] = []uint32{1005}
	require.Contains(t, f.Replay, "read R0 5'")
	require.Contains(t, f.Replay, "'seed=0 drives=16 keys=kmip | ")

	m.ranks["R9"] = &rank{}
	require.ErrorAs(t, m.Do("health"), &f, "a rank that is not there")
	delete(m.ranks, "R9")

	require.NoError(t, m.Do("outsider-erase R1-I1-D01"))
	kept := m.history
	m.history = newHistory()
	err = m.Do("advance 120")
	require.ErrorAs(t, err, &f, "an event without a cause")
	require.Contains(t, f.Why, "BE3400B3")
	m.history = kept
	require.NoError(t, m.Do("health"), "with its cause it is right")

	require.ErrorContains(t, m.Do("fly"), `unknown step "fly"`)
	require.ErrorContains(t, m.Do("rank A0"), "want 2")
}

// TestReleasedDriveIsSearched: the check of released drives is not blind.
func TestReleasedDriveIsSearched(t *testing.T) {
	m, err := NewMachine(Options{ForensicEvery: 1})
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	require.NoError(t, m.Do("health"))
	held := m.memberData["75NR641-0001"]
	require.NotEmpty(t, held, "a member of an encrypted rank holds customer data that is remembered")
	d, err := m.Lab.Drive("R1-I1-D01")
	require.NoError(t, err)
	p, err := m.Lab.Part("R1-I1-D01")
	require.NoError(t, err)
	require.Error(t, m.searchErased(d, p, held), "while it is a member, its credential finds the key: the search is not blind")
	reads := 0
	for _, d := range m.Lab.Drives() {
		p, err := m.Lab.Part(d.Slot)
		require.NoError(t, err)
		if m.checkErased(d, p, m.memberData[d.Serial]) != nil {
			reads++
		}
	}
	require.Positive(t, reads, "and members read as what is remembered, where it was not written over")
	require.NoError(t, m.Do("remove-rank R0"))
	require.Empty(t, m.memberData["75NR641-0001"], "it was released, searched, and found clean")
}

func BenchmarkSteps(b *testing.B) {
	m, err := NewMachine(Options{})
	require.NoError(b, err)
	require.NoError(b, m.Prepare())
	steps := []string{"write R0 3 7", "advance 60", "write R1 4 8", "rekey R1-I1-D02", "health", "iml", "repair R1-I1-D03", "exchange R1-I1-D03 same", "resume R1-I1-D03", "advance 600"}
	b.ResetTimer()
	for i := range b.N {
		require.NoError(b, m.Do(steps[i%len(steps)]))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}
