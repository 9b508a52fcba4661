package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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

// TestMutantsFit: every mutant applies to the source as it is now, and every row
// that has a subtest has a mutant.
func TestMutantsFit(t *testing.T) {
	covered := map[int]bool{}
	for _, m := range All() {
		files := map[string]string{}
		for _, e := range m.Edits {
			source(t, files, e)
		}
		covered[m.Row] = covered[m.Row] || m.Package == ""
	}
	for _, p := range conformance.Properties() {
		require.True(t, p.Row == 0 || covered[p.Row], "%s has a mutant", p.ID)
	}
}

// slots bounds how many mutants are built at once.
var slots = make(chan struct{}, 2)

// TestMutantsAreCaught builds each mutant and requires its subtest to fail.
func TestMutantsAreCaught(t *testing.T) {
	if os.Getenv("FDELAB_MUTANTS") == "" {
		t.Skip("skipped: it takes minutes; run make mutants, or set FDELAB_MUTANTS=1")
	}
	for i, m := range All() {
		if m.Package == "" {
			m.Package, m.Test = "./proptest/conformance", fmt.Sprintf("TestDrive/F%02d", m.Row)
		}
		t.Run(fmt.Sprintf("F%02d/%02d %s", m.Row, i, m.Defect), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			caught(t, m)
		})
	}
}

func caught(t *testing.T, m Mutant) {
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

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	parts := strings.Split(m.Test, "/")
	for i := range parts {
		parts[i] = "^" + parts[i] + "$"
	}
	run := exec.CommandContext(ctx, binary, "-test.run", strings.Join(parts, "/"), "-test.timeout", "90s", "-rapid.nofailfile", "-rapid.shrinktime", "1ms")
	if m.Package == "./proptest/conformance" || m.Package == "./erase" { // they draw nothing
		run.Args = run.Args[:len(run.Args)-3]
	}
	run.Dir = dir
	out, err = run.CombinedOutput()
	require.NoError(t, ctx.Err(), "the mutant does not hang")
	require.Error(t, err, "the suite passes with this defect: %s", m.Defect)
	require.Contains(t, string(out), "--- FAIL: "+m.Test, "it is the named subtest that fails")
}
