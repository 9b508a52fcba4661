//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// says waits for a text behind what was there before, and types a line.
func (s *screen) says(text, line string) {
	s.t.Helper()
	before := len(s.all())
	s.until(text, func() bool { return strings.Contains(s.all(), text) })
	_, err := s.tty.WriteString(line + "\r")
	require.NoError(s.t, err)
	s.until("more than "+text, func() bool { return len(s.all()) > before })
}

// ends waits for the end of the process, and gives all that it wrote.
func (s *screen) ends() string {
	<-s.done
	return strings.ReplaceAll(s.all(), "\r", "")
}

// TestPINIsTypedUnseen: at a terminal a PIN is asked for, and does not appear; a new one is asked for
// twice. What destroys data waits for the serial number.
func TestPINIsTypedUnseen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	newDriveFile(t, path, "FDE1")
	const pin = "thirty-two characters of a PIN!!"
	s := start(t, 200, nil, "drive", "migrate", path)
	s.says("new credential of BandMaster0 of "+path+": ", pin)
	s.says("the same again: ", "something else")
	require.Contains(t, s.ends(), "the two are not the same: nothing was changed")

	s = start(t, 200, nil, "drive", "migrate", path)
	s.says("new credential of BandMaster0 of "+path+": ", pin)
	s.says("the same again: ", pin)
	out := s.ends()
	require.Contains(t, out, "range 0 has a new credential")
	require.NotContains(t, out, pin)

	s = start(t, 200, nil, "drive", "unlock", path)
	s.says("PIN of BandMaster0 of "+path+": ", "wrong\x15"+pin+"?\x7f") // Ctrl-U, backspace
	out = s.ends()
	require.Contains(t, out, "range 0 is open")
	require.NotContains(t, out, pin)

	s = start(t, 200, nil, "drive", "erase", path)
	s.says("type its serial number, FDE1", "FDE2")
	require.Contains(t, s.ends(), "that is not FDE1: nothing was changed")
	s = start(t, 200, nil, "drive", "erase", path)
	s.says("type its serial number, FDE1", "FDE1")
	require.Contains(t, s.ends(), "every range is erased")
}

// TestEraseAsksForTheNumberOfDrives: another number erases nothing.
func TestEraseAsksForTheNumberOfDrives(t *testing.T) {
	dir := t.TempDir()
	newDriveFile(t, filepath.Join(dir, "1.drive"), "FDE1")
	newDriveFile(t, filepath.Join(dir, "2.drive"), "FDE2")
	s := start(t, 200, nil, "erase", dir)
	s.says("this erases 2 drives: type their number, 2", "3")
	require.Contains(t, s.ends(), "that is not 2: nothing was changed")
	require.NoFileExists(t, filepath.Join(dir, "erase.journal"))
	s = start(t, 200, nil, "erase", dir)
	s.says("this erases 2 drives: type their number, 2", "2")
	require.Contains(t, s.ends(), "2 passed")
}
