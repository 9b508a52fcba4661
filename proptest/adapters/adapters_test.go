package adapters_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

var (
	seeds      = flag.Uint64("seeds", 1, "with how many seeds the drives in C and Python are judged by all properties")
	lifecycles = flag.Int("lifecycles", 1, "how many seeds, of four random lifecycles each, of the drives in C and Python the suite must not accuse")
)

// python is an interpreter that has the package cryptography.
func python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import cryptography").Run() == nil {
			return name
		}
	}
	t.Skip("SKIPPED: no python3 with the package cryptography: the drive in Python was not judged")
	return ""
}

func start(t testing.TB, o adapters.Options) *adapters.Program {
	t.Helper()
	p, err := adapters.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// compiled is the drive in C.
func compiled(t testing.TB) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("SKIPPED: no C compiler: the drive in C was not judged")
	}
	probe := exec.Command(cc, "-E", "-")
	probe.Stdin = strings.NewReader("#include <openssl/evp.h>\n")
	if probe.Run() != nil {
		t.Skip("SKIPPED: no headers of libcrypto (libssl-dev): the drive in C was not judged")
	}
	program := filepath.Join(t.TempDir(), "drive")
	out, err := exec.Command(cc, "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations",
		"-o", program, filepath.Join("c", "adapter.c"), filepath.Join("c", "drive.c"), "-lcrypto").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// judge judges a program by all properties. None fails, and what is not judged needs a drive whose
// parts the suite holds, one that takes two commands at once or speaks TCG, or what the program lacks.
func judge(t *testing.T, o adapters.Options, lacks ...conformance.Capability) {
	t.Helper()
	lacks = append(lacks, conformance.IsOnParts, conformance.IsConcurrent, conformance.SpeaksTCG)
	p := start(t, o)
	var options conformance.Options
	for seed := range *seeds {
		options.Seeds = append(options.Seeds, seed+1)
	}
	if testing.Short() {
		options.Only = []string{"F03", "F12", "F13", "F24", "F25", "F30", "F37", "SA01", "SA02"}
	}
	report, err := conformance.Judge(p.Make, options)
	require.NoError(t, err)
	for _, r := range report.Results {
		require.NotEqual(t, conformance.Failed, r.Verdict, r.String())
		if r.Verdict == conformance.NotJudged {
			require.NotEmpty(t, r.Why, r.String())
			require.Subset(t, lacks, r.Needs, r.String())
		}
	}
	lines, last := p.Noise()
	require.Zero(t, lines, "the program says on standard error: %s", last)
}

// TestPython: the drive in Python conforms. It does not show its RAM.
func TestPython(t *testing.T) {
	t.Parallel() // as the others here: a judge waits for its program two thirds of the time
	judge(t, adapters.Options{Command: []string{python(t), filepath.Join("python", "drive.py")}}, conformance.HasRAM)
}

// TestC: the drive in C conforms.
func TestC(t *testing.T) {
	t.Parallel()
	judge(t, adapters.Options{Command: []string{compiled(t)}})
}

// TestNoHealthyProgramIsAccused: the drives in C and Python live through random lifecycles without a
// finding.
func TestNoHealthyProgramIsAccused(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short: TestC and TestPython judge the same drives by some properties")
	}
	for name, command := range map[string]func() []string{
		"C": func() []string { return []string{compiled(t)} }, "Python": func() []string { return []string{python(t), filepath.Join("python", "drive.py")} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A long run is one beside other work: a drive that waits for a processor does not hang.
			p := start(t, adapters.Options{Command: command(), Deadline: 10 * time.Minute})
			for i := range *lifecycles {
				r, err := conformance.Lifecycles(p.Make, 100+uint64(i), 1, conformance.Options{})
				require.NoError(t, err)
				if r != nil {
					t.Fatal(r.String())
				}
				if (i+1)%100 == 0 { // -v shows it at once
					t.Logf("none accused in %d lifecycles", 4*(i+1))
				}
			}
		})
	}
}

// TestKilled: a drive whose process is killed where power goes is judged like one that is asked to
// go off.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := start(t, adapters.Options{Command: []string{compiled(t)}, Kill: true})
	report, err := conformance.Judge(p.Make, conformance.Options{Seeds: []uint64{1}, Only: []string{"F01", "F12", "F19", "F23", "F25", "F40"}})
	require.NoError(t, err)
	for _, r := range report.Results {
		require.Equal(t, conformance.Passed, r.Verdict, r.String())
	}
}

// TestSanitizeThatIsNone: a drive that keeps its keys is found out, and so is one whose sanitize is forgotten when
// power goes, and one that says of it what cannot be.
func TestSanitizeThatIsNone(t *testing.T) {
	t.Parallel()
	interpreter := python(t)
	source, err := os.ReadFile(filepath.Join("python", "drive.py"))
	require.NoError(t, err)
	for name, c := range map[string]struct{ old, new, of, why string }{
		"keeps":     {"meks = {n: self.entropy.draw(64) for", "meks = {n: self.meks[n] for", "SA01", "still reads as the data whose key is gone"},
		"forgets":   {"r.generation, r.psid_tries, r.sanitize = generation, psid_tries, sanitize", "r.generation, r.psid_tries = generation, psid_tries", "SA02", `sanitized is answered "invalid state"`},
		"nonsense":  {`"sanitizing", "sanitized"`, `"sanitizing", "sanitised"`, "SA01", `no state "sanitised", want never, sanitizing, sanitized or failed`},
		"backwards": {`return {"state": state, "progress": 0}`, "self.at = getattr(self, 'at', 9) - 1\n        return {'state': 'sanitizing', 'progress': self.at}", "SA01", "the progress of sanitize goes back from"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(source), c.old)
			ill := filepath.Join(t.TempDir(), "ill.py")
			require.NoError(t, os.WriteFile(ill, []byte(strings.Replace(string(source), c.old, c.new, 1)), 0o600))
			p := start(t, adapters.Options{Command: []string{interpreter, ill}, Deadline: time.Minute})
			report, err := conformance.Judge(p.Make, conformance.Options{Seeds: []uint64{1}, Only: []string{c.of}})
			require.NoError(t, err)
			r := report.Results[0]
			require.Equal(t, conformance.Failed, r.Verdict, r.String())
			require.Contains(t, r.Why, c.why)
		})
	}
}

// TestHangs: a drive that hangs fails the property, and is judged by the next one.
func TestHangs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: -short: it waits for a deadline")
	}
	source, err := os.ReadFile(filepath.Join("python", "drive.py"))
	require.NoError(t, err)
	const flush = "    def flush(self, q):\n"
	require.Contains(t, string(source), flush)
	hangs := filepath.Join(t.TempDir(), "hangs.py")
	text := strings.Replace(string(source), flush, flush+"        __import__('time').sleep(1000)\n", 1)
	require.NoError(t, os.WriteFile(hangs, []byte(text), 0o600))
	p := start(t, adapters.Options{Command: []string{python(t), hangs}, Deadline: 5 * time.Second, Greeting: 30 * time.Second})
	report, err := conformance.Judge(p.Make, conformance.Options{Seeds: []uint64{1}, Only: []string{"F35", "F18"}, ShrinkRuns: -1})
	require.NoError(t, err)
	require.Equal(t, "flush: the program gave no reply within 5s", report.Results[0].Why)
	require.Equal(t, "hangs", report.Results[0].Kind)
	trace := report.Results[0].Trace
	require.Equal(t, "flush -> no answer", trace[len(trace)-1])
	require.Equal(t, conformance.Passed, report.Results[1].Verdict, report.Results[1].String())
}
