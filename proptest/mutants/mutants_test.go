package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

const root = "../.." // of the module

// source is a file of the module with edits.
func source(t *testing.T, files map[string]string, e Edit) {
	t.Helper()
	text, edited := files[e.File]
	if !edited {
		b, err := os.ReadFile(filepath.Join(root, e.File))
		require.NoError(t, err)
		text = string(b)
	}
	require.Equal(t, 1, strings.Count(text, e.Old), "%s has the text of the mutant exactly once; correct the mutant:\n%s", e.File, e.Old)
	files[e.File] = strings.Replace(text, e.Old, e.New, 1)
}

// TestMutantsFit: every mutant applies to the source as it is now and has its types right, every
// property has one, and every family two.
func TestMutantsFit(t *testing.T) {
	covered, family := map[string]int{}, map[string]int{}
	folders := map[string]bool{}
	for _, m := range All() {
		for _, e := range m.Edits {
			folders[path.Dir(e.File)] = true
		}
	}
	compiler := compile(t, slices.Sorted(maps.Keys(folders)))
	for _, m := range All() {
		files := map[string]string{}
		for _, e := range m.Edits {
			source(t, files, e)
		}
		for _, e := range m.Edits {
			require.NoError(t, compiler.check(path.Dir(e.File), files), "the mutant compiles; correct it: %s", m.Defect)
		}
		if m.Package == "" {
			covered[m.Of]++
			family[m.Of[:min(2, len(m.Of))]]++
		}
	}
	for _, p := range conformance.Properties() {
		if slices.Contains(p.Needs, conformance.SpeaksTCG) {
			require.Zero(t, covered[p.ID], "%s is not judged yet", p.ID)
			continue
		}
		require.NotZero(t, covered[p.ID], "%s has a mutant", p.ID)
		if p.Row == 0 {
			require.GreaterOrEqual(t, family[p.ID[:2]], 2, "the family of %s has two mutants", p.ID)
		}
		delete(covered, p.ID)
	}
	require.Empty(t, covered, "these mutants are of a property that there is not")
	require.GreaterOrEqual(t, len(All()), 60)
}

// catch is how a mutant was caught.
type catch struct {
	m        Mutant
	by       string // the property
	commands string // how many, after shrinking
}

// slots bounds how many mutants are built at once.
var slots = make(chan struct{}, 2)

// TestMutantsAreCaught builds each mutant and requires its own property to fail.
func TestMutantsAreCaught(t *testing.T) {
	if os.Getenv("FDELAB_MUTANTS") == "" {
		t.Skip("skipped: it takes minutes; run make mutants, or set FDELAB_MUTANTS=1")
	}
	var mu sync.Mutex
	var all []catch
	t.Cleanup(func() { t.Log("\n" + table(all)) })
	for i, m := range All() {
		t.Run(fmt.Sprintf("%s/%02d %s", m.Of, i, m.Defect), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			c := catch{m: m}
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, c)
			}()
			if m.Maker != nil {
				c.by, c.commands = judged(t, m)
				return
			}
			c.by, c.commands = caught(t, m)
		})
	}
}

// table lists the mutants and what caught them.
func table(all []catch) string {
	slices.SortStableFunc(all, func(a, b catch) int { return strings.Compare(a.m.Of+a.m.Defect, b.m.Of+b.m.Defect) })
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "of\tcaught by\tcommands\town row\tmutant")
	lived := 0
	for _, c := range all {
		own := "yes"
		if c.by == "" {
			c.by, own = "nothing", "LIVES"
			lived++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.m.Of, c.by, c.commands, own, c.m.Defect)
	}
	_ = w.Flush() // into memory
	return fmt.Sprintf("%s%d mutants, %d lived\n", b.String(), len(all), lived)
}

// judged runs the property of a mutant that is made of a sound device.
func judged(t *testing.T, m Mutant) (by, commands string) {
	report, err := conformance.Judge(m.Maker, conformance.Options{Only: []string{m.Of}})
	require.NoError(t, err)
	r := report.Results[0]
	require.Equal(t, conformance.Failed, r.Verdict, "%s passes with this defect: %s", m.Of, r.Why)
	t.Log(r.String())
	if !r.Shrunk {
		return m.Of, "-"
	}
	return m.Of, fmt.Sprint(len(r.Script))
}

// replays finds the commands of a failure in the output of a test.
var replays = regexp.MustCompile(`(?m)^\s+replay: [^|]*\| (.*)$`)

func caught(t *testing.T, m Mutant) (by, commands string) {
	if by = m.Test; m.Package == "" {
		by = m.Of
		m.Package, m.Test = "./proptest/conformance", "TestDrive/"+m.Of
	}
	dir := t.TempDir()
	abs, err := filepath.Abs(root)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range m.Edits {
		source(t, files, e)
	}
	replace := map[string]string{}
	for name, text := range files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replace[filepath.Join(abs, name)] = file
	}
	overlay := filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, b, 0o600))

	binary := filepath.Join(dir, "mutant.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-p", "1", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, m.Package)
	build.Dir = abs
	out, err := build.CombinedOutput()
	require.NoError(t, err, "the mutant compiles\n%s", out)

	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	parts := strings.Split(m.Test, "/")
	for i := range parts {
		parts[i] = "^" + parts[i] + "$"
	}
	run := exec.CommandContext(ctx, binary, "-test.run", strings.Join(parts, "/"), "-test.timeout", "150s", "-rapid.nofailfile", "-rapid.shrinktime", "1ms")
	if slices.Contains([]string{"./proptest/conformance", "./erase", "./drive/tcg"}, m.Package) { // they do not use rapid
		run.Args = run.Args[:len(run.Args)-3]
	}
	run.Dir = dir
	out, err = run.CombinedOutput()
	require.NoError(t, ctx.Err(), "the mutant does not hang")
	require.Error(t, err, "the suite passes with this defect: %s", m.Defect)
	require.Contains(t, string(out), "--- FAIL: "+m.Test, "it is the named subtest that fails")
	if found := replays.FindSubmatch(out); found != nil {
		return by, fmt.Sprint(strings.Count(string(found[1]), ";") + 1)
	}
	return by, "-"
}
