package main

import (
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServersAreRefusedWhereThereAreNoLocks(t *testing.T) {
	fileLocks = false
	defer func() { fileLocks = true }()
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{
		{"keyserver", "--data", dir},
		{"keyserver", "init", dir},
		{"keyserver", "join", dir, dir + "2"},
		{"keyserver", "client", dir, "second"},
		{"keyserver", "refuse", dir, "second.crt"},
		{"cloud", "--data", dir},
		{"cloud", "init", dir},
	} {
		var diagnostics strings.Builder
		require.Equal(t, exitCannot, run(args, strings.NewReader(""), io.Discard, &diagnostics))
		name := args[0]
		if !strings.HasPrefix(args[1], "--") {
			name += " " + args[1]
		}
		require.Equal(t, "fdelab: error: "+name+": needs file locks, which fdelab has not on "+runtime.GOOS+": use Linux or macOS\n", diagnostics.String())
		require.NoDirExists(t, dir, "nothing is made")
	}
	require.Equal(t, exitDone, run([]string{"keyserver", "--help"}, strings.NewReader(""), io.Discard, io.Discard), "help is for everybody")
	require.Equal(t, exitDone, run([]string{"src"}, strings.NewReader(""), io.Discard, io.Discard), "what keeps no folder runs")
}
