package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnUpdatedProgramIsNotThisOne: what runs on while its file is replaced does not take the sum of the new file for its
// own, for the new program would read a snapshot whose layout it does not have.
func TestAnUpdatedProgramIsNotThisOne(t *testing.T) {
	name := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	was, err := os.Stat(name)
	require.NoError(t, err)
	sum, err := sumOf(name, was)
	require.NoError(t, err)
	require.Len(t, sum, 64)

	require.NoError(t, os.Chtimes(name, time.Time{}, was.ModTime().Add(time.Second)))
	_, err = sumOf(name, was)
	require.Error(t, err, "written over")

	next := name + ".next"
	require.NoError(t, os.WriteFile(next, []byte("new"), 0o600))
	require.NoError(t, os.Chtimes(next, time.Time{}, was.ModTime()))
	require.NoError(t, os.Rename(next, name))
	_, err = sumOf(name, was)
	require.Error(t, err, "renamed over")
	_, err = sumOf(name, nil)
	require.Error(t, err)

	_, err = programSum()
	require.NoError(t, err)
}
