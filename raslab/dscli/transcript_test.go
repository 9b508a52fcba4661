package dscli_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

var update = flag.Bool("update", false, "write the outputs of the transcripts anew")

// The transcripts are in the laboratory's command language, whose noun dscli runs a command. So
// rehearsals can hold them too.
func transcripts(t *testing.T) map[string]*console.Transcript {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*console.Transcript{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all[f], err = console.ParseTranscript(f, string(text))
		require.NoError(t, err)
	}
	return all
}

func TestTranscripts(t *testing.T) {
	for file, tr := range transcripts(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if *update {
				console.Rewrite(tr)
				require.NoError(t, os.WriteFile(file, []byte(tr.String()), 0o644))
				return
			}
			r := console.Play(tr, nil)
			require.True(t, r.Passed(), "%v", r.Difference)
		})
	}
}

func TestEveryCommandIsInATranscript(t *testing.T) {
	run := map[string]bool{}
	for _, tr := range transcripts(t) {
		for _, step := range tr.Steps {
			for _, c := range step.Commands {
				rest, ok := strings.CutPrefix(c.Text, "dscli ")
				if ok {
					run[strings.Fields(strings.Trim(rest, `"`))[0]] = true
				}
			}
		}
	}
	for _, c := range dscli.Commands() {
		require.True(t, run[c.Name], "a transcript of testdata runs %s", c.Name)
	}
}

func TestReferenceDocumentIsTheRegistry(t *testing.T) {
	const file = "COMMANDS.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(dscli.Reference()), 0o644))
		return
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, dscli.Reference(), string(have), "%s is rendered from the registry: go test ./raslab/dscli -update writes it anew", file)
}
