package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whichever of the two files of shelf create is there already: neither is made or changed.
func TestShelfCreateMakesBothFilesOrNone(t *testing.T) {
	dir := t.TempDir()
	there, other := filepath.Join(dir, "there"), filepath.Join(dir, "new")
	require.NoError(t, os.WriteFile(there, []byte("mine"), 0o600))
	for _, files := range []string{"file=" + other + " label=" + there, "file=" + there + " label=" + other, "file=" + other + " label=" + other} {
		code, _, said := play(t, "shell", "-c", "shelf create "+files+" serial=B1")
		require.NotEqual(t, exitDone, code)
		require.NotEmpty(t, said)
		require.NoFileExists(t, other, files)
		data, err := os.ReadFile(there)
		require.NoError(t, err)
		require.Equal(t, "mine", string(data))
	}
	code, _, said := play(t, "shell", "-c", "shelf create file="+other+" serial=B1 label="+other+".label")
	require.Equal(t, exitDone, code, said)
	require.FileExists(t, other)
	require.FileExists(t, other+".label")
}
