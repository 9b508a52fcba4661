package crashtrace

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
)

// TestWhatAProcessDidIsPlayed: what it synced is there after every cut, what it did not may be lost, and
// what it said says when.
func TestWhatAProcessDidIsPlayed(t *testing.T) {
	if dir := Child(); dir != "" {
		part := filepath.Join(dir, "part")
		require.NoError(t, os.Mkdir(part, 0o700))
		f, err := os.Create(filepath.Join(part, "a"))
		require.NoError(t, err)
		_, err = f.WriteString("a, b) = 1 \"c\"")
		require.NoError(t, err)
		require.NoError(t, f.Sync())
		_, err = f.WriteAt([]byte("X"), 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		fmt.Println("written")
		for _, name := range []string{part, dir} {
			d, err := os.Open(name)
			require.NoError(t, err)
			require.NoError(t, d.Sync())
			require.NoError(t, d.Close())
		}
		require.NoError(t, os.Rename(part, filepath.Join(dir, "whole")))
		require.NoError(t, os.Link(filepath.Join(dir, "whole", "a"), filepath.Join(dir, "b")))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "whole")))
		return
	}
	root := t.TempDir()
	tr := Record(t, t.Name(), root)
	disk, said, err := tr.Play(root, -1)
	require.NoError(t, err)
	require.Contains(t, said, "written")
	require.Equal(t, []string{"b"}, disk.Names())
	require.Equal(t, "X, b) = 1 \"c\"", string(content(t, disk, "b")), "any bytes come through")
	lost, moved, old := 0, 0, 0
	changes, states := tr.Cuts(t, root, 1, 10, func(disk *crashfs.FS, _, _ string, _ bool) {
		dir := t.TempDir()
		Lay(t, disk, dir)
		for _, name := range disk.Names() {
			b, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, content(t, disk, name), b)
			if len(b) > 0 && b[0] == 'a' {
				old++
			}
			if name == filepath.Join("whole", "a") {
				moved++
			}
		}
		if len(disk.Names()) == 0 {
			lost++
		}
	})
	require.Equal(t, 11, changes, "mkdir, create, two writes, three syncs, rename, link, and two removals")
	require.Greater(t, states, 8)
	require.Positive(t, lost)
	require.Positive(t, moved)
	require.Positive(t, old, "the second write was not synced")
}

func TestATraceThatCannotBeUnderstood(t *testing.T) {
	for _, line := range []string{"1 hello", "1 <... read was here", "1 openat(1, 2", "1 close(3) = x", "1 close(3) 0"} {
		_, err := parse([]byte(line + "\n"))
		require.ErrorContains(t, err, "a line that is none of strace", line)
	}
	for _, c := range []string{
		`1 rename("\x2f\x61", "\x2f\x62") = 0`,
		`1 renameat(AT_FDCWD, "\x2f\x64\x2f\x61", AT_FDCWD, "\x2f\x62") = 0`,
		"1 openat(AT_FDCWD, \"\\x2f\\x64\\x2f\\x61\", O_WRONLY|O_CREAT, 0600) = 3\n1 write(3, \"\\x61\"..., 5) = 5",
		`1 openat(AT_FDCWD, "\x2f\x64\x2f\x61", O_WRONLY|O_CREAT|O_APPEND, 0600) = 3`,
	} {
		tr, err := parse([]byte(c + "\n"))
		require.NoError(t, err)
		_, _, err = tr.Play("/d", -1)
		require.ErrorContains(t, err, "crashtrace: ", c)
	}
}

// TestAThreadThatEndsWithItsProcess leaves a line without a call, or without a result.
func TestAThreadThatEndsWithItsProcess(t *testing.T) {
	const trace = "1 close(3) = 0\n2 ???( <detached ...>\n2 read(4,  <detached ...>\n3 <... write resumed> <detached ...>\n" +
		"4 read(0,  <ptrace(SYSCALL):No such process>\n1 close(4) = ?\n1 +++ exited with 0 +++\n"
	tr, err := parse([]byte(trace))
	require.NoError(t, err)
	require.Equal(t, []call{{name: "close", args: []string{"3"}}}, tr.calls)
}
