package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
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

// TestOneFormOfALabel: the label of a drive that the shell made is taken by fdelab drive, and the other
// way round; the form that the shell once wrote is read as well.
func TestOneFormOfALabel(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.drive"), filepath.Join(dir, "b.drive")
	code, _, said := play(t, "shell", "-c", "shelf create file="+a+" serial=B1 label="+a+".label")
	require.Equal(t, exitDone, code, said)
	code, _, said = play(t, "drive", "revert", a, "--yes", "--psid-file", a+".label")
	require.Equal(t, exitDone, code, said)

	code, _, said = play(t, "drive", "create", b, "--serial", "B2")
	require.Equal(t, exitDone, code, said)
	code, out, said := play(t, "shell", "-c", "shelf open file="+b+" label="+b+".label; host power drive=B2 to=on; host revert drive=B2")
	require.Equal(t, exitDone, code, out+said)

	text, err := os.ReadFile(b + ".label")
	require.NoError(t, err)
	label, err := drive.ParseLabel(text)
	require.NoError(t, err)
	old := fmt.Appendf(nil, "fdelab label of a drive\nserial \"B2\"\nMSID %X\nPSID %X\n", label.MSID.Bytes(), label.PSID.Bytes())
	require.NoError(t, os.WriteFile(b+".label", old, 0o600))
	code, _, said = play(t, "drive", "revert", b, "--yes", "--psid-file", b+".label")
	require.Equal(t, exitDone, code, said)
	code, out, said = play(t, "erase", dir, "--psid", "--yes")
	require.Equal(t, exitDone, code, out+said)
}
