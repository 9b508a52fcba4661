package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// limits are those of this module.
var limits = Limits{Lines: 600, Code: 80}

func TestModuleKeepsItsRules(t *testing.T) {
	found, err := Run("../..", limits, exceptions)
	require.NoError(t, err, "the module can be loaded")
	for _, f := range found {
		t.Error(f)
	}
}

// bad is what the sample in testdata/bad breaks: file, line, rule.
var bad = strings.Fields(`
	cmd/bad/doc.go:1:doc
	cmd/bad/doc.go:47:length
	cmd/bad/doc.go:47:words
	drive/ambient.go:14:ambient
	drive/ambient.go:15:ambient
	drive/ambient.go:16:ambient
	drive/ambient.go:18:ambient
	drive/ambient.go:19:ambient
	drive/ambient.go:20:goroutine
	drive/ambient.go:22:goroutine
	drive/ambient.go:23:map-order
	drive/ambient.go:25:map-order
	drive/ambient.go:33:ambient
	drive/exported.go:6:exported
	drive/exported.go:9:exported
	drive/exported.go:13:exported
	drive/exported.go:15:exported
	drive/exported.go:19:exported
	drive/exported.go:25:exported
	drive/exported.go:29:exported
	drive/exported.go:32:exported
	drive/functions.go:4:function
	drive/keys.go:10:secret
	drive/keys.go:18:secret
	drive/keys.go:20:secret
	drive/keys.go:22:secret
	drive/keys.go:24:secret
	drive/keys.go:27:secret
	drive/keys.go:28:secret
	drive/keys.go:29:secret
	drive/keys.go:30:secret
	drive/keys.go:30:secret
	drive/keys.go:33:secret
	drive/keys.go:34:secret
	drive/secret/doc.go:1:doc
	drive/tables.go:25:function
	encgroup/doc.go:1:doc
	encgroup/doc.go:1:doc
	encgroup/doc.go:1:doc
	encgroup/nodoc.go:5:doc
	encgroup/nodoc.go:11:doc
	encgroup/nodoc.go:13:doc
	encgroup/nodoc.go:17:doc
	erase/doc.go:1:doc
	erase/doc.go:1:imports
	erase/doc.go:1:imports
	erase/generated.go:1:generated
	internal/low/doc.go:1:doc
	internal/low/doc.go:1:imports
	notes.md:2:words
	outside/doc.go:1:doc
	outside/doc.go:1:imports
	proptest/doc.go:1:doc
	raslab/doc.go:1:doc
	raslab/doc.go:10:src-once
	raslab/doc.go:13:src-once
	raslab/src/doc.go:1:doc
	tools/nested/notes.md:1:words`)

func TestEveryRuleFindsItsBadSample(t *testing.T) {
	found, err := Run("testdata/bad", Limits{Lines: 46, Code: 16}, nil)
	require.NoError(t, err, "the sample can be loaded")
	var have []string
	rules := map[string]bool{}
	for _, f := range found {
		have = append(have, fmt.Sprintf("%s:%d:%s", f.File, f.Line, f.Rule))
		rules[f.Rule] = true
	}
	require.Equal(t, bad, have, "each breach is found where it is, and nothing else:\n%v", found)
	for _, rule := range []string{"imports", "ambient", "goroutine", "map-order", "length", "generated", "function", "doc", "words", "src-once", "secret", "exported"} {
		require.True(t, rules[rule], "the rule %s finds something in the sample, so it can fail", rule)
	}
}

func TestFindingNamesTheFunction(t *testing.T) {
	found, err := Run("testdata/bad", Limits{Lines: 46, Code: 16}, nil)
	require.NoError(t, err)
	in := map[int]string{}
	for _, f := range found {
		if f.File == "drive/ambient.go" {
			in[f.Line] = f.In
		}
	}
	require.Equal(t, "Ambient", in[14], "a finding names its function, so that an exception survives a moved line")
	require.Equal(t, "Drive.Tick", in[33], "a method is named with its type, pointer and type parameters left out")
}

func TestExceptions(t *testing.T) {
	clock := Finding{File: "drive/a.go", Line: 3, Rule: "ambient", In: "Drive.Tick"}
	other := Finding{File: "drive/a.go", Line: 9, Rule: "ambient", In: "Other"}
	found := []Finding{clock, other}

	left := excuse(found, []Exception{{Rule: "ambient", File: "drive/a.go", In: "Drive.Tick", Why: "it is a test"}})
	require.Equal(t, []Finding{other}, left, "an exception excuses its function, and no other")

	left = excuse(found, []Exception{{Rule: "ambient", File: "drive/a.go", Why: "it is a test"}})
	require.Empty(t, left, "an exception without a function excuses the file")

	left = excuse(found, []Exception{{Rule: "goroutine", File: "drive/a.go", Why: "it is a test"}})
	require.Len(t, left, 3, "an exception for another rule excuses nothing, and says so")
	require.Equal(t, "allow", left[2].Rule)
	require.Contains(t, left[2].Text, "excuses nothing")

	left = excuse(found, []Exception{{Rule: "ambient", File: "drive/a.go"}})
	require.Len(t, left, 1)
	require.Contains(t, left[0].Text, "has no reason", "an exception must say why")
}

func TestRunRefusesWhatDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "drive"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module broken.example\n\ngo 1.26\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "drive", "doc.go"), []byte("package drive\n\nvar x int = \"no\"\n"), 0o644))
	_, err := Run(dir, Limits{Lines: 46, Code: 16}, nil)
	require.ErrorContains(t, err, "broken.example/drive does not compile", "a package that does not compile is not passed over")

	_, err = Run(t.TempDir(), Limits{Lines: 46, Code: 16}, nil)
	require.ErrorContains(t, err, "lint: ", "a directory without a module is not passed over")
}
