package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGeneratedFilesAreThoseOfTheTemplates(t *testing.T) {
	made, err := generate("..")
	require.NoError(t, err)
	for file, want := range made {
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(have), "%s is what its template makes: go run ./serve/web/generate", file)
	}
	files, err := filepath.Glob("../*_templ.go")
	require.NoError(t, err)
	require.Len(t, files, len(made), "each generated file has a template")
}

func TestNoTemplatesIsAnError(t *testing.T) {
	_, err := generate(t.TempDir())
	require.ErrorContains(t, err, "at the root of the module")
}
