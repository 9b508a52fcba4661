//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// newDriveFile makes a drive whose keys follow from its serial number, and the file of its label.
func newDriveFile(t testing.TB, path, serial string) {
	t.Helper()
	var out, errOut strings.Builder
	code := run([]string{"drive", "create", path, "--serial", serial, "--seed", "1", "--ranges", "1", "--sectors", "4096"}, strings.NewReader(""), &out, &errOut)
	require.Equal(t, exitDone, code, errOut.String())
}

// spoiled are files that are no drives that can be used, each made of a good one. The words are those
// of the error.
var spoiled = []struct {
	name, words string
	spoil       func(t testing.TB, path string)
}{
	{"text", "not a drive file", func(t testing.TB, path string) {
		require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("not a drive\n"), 1000), 0o600))
	}},
	{"empty", "not a drive file: 0 bytes", func(t testing.TB, path string) { require.NoError(t, os.Truncate(path, 0)) }},
	{"cut in the fuses", "not a drive file: 100 bytes", func(t testing.TB, path string) { require.NoError(t, os.Truncate(path, 100)) }},
	{"cut in the flash", "truncated", func(t testing.TB, path string) { require.NoError(t, os.Truncate(path, 20000)) }},
	{"cut in the media", "truncated: 1000000 bytes, want ", func(t testing.TB, path string) { require.NoError(t, os.Truncate(path, 1000000)) }},
	{"too long", "longer than it should be: ", func(t testing.TB, path string) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(path, info.Size()+1))
	}},
	{"newer", "not a drive file of this version: it has 9", func(t testing.TB, path string) {
		alter(t, path, 8, binary.BigEndian.AppendUint16(nil, 9))
	}},
	{"altered", "checksum of its fuses", func(t testing.TB, path string) { alter(t, path, 50, []byte("!")) }},
	{"made by halves", "its creation was cut short", func(t testing.TB, path string) { alter(t, path, 0, []byte("FDELAB--")) }},
	{"directory", "not a regular file", func(t testing.TB, path string) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o755))
	}},
	{"missing", "no such file or directory", func(t testing.TB, path string) { require.NoError(t, os.Remove(path)) }},
	{"held", "another process has this drive open", func(t testing.TB, path string) {
		d, err := drive.OpenFile(path, drive.FileOptions{Entropy: entropy.Stream(1, "held")})
		require.NoError(t, err)
		t.Cleanup(func() { _ = d.Close() })
	}},
}

func alter(t testing.TB, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(with, at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// Whatever is wrong with a drive's file, every command says so in one line, with exit code 3, and
// changes nothing.
func TestDriveFilesThatCannotBeUsed(t *testing.T) {
	commands := []string{"info", "keys", "dump --flash x", "lock", "unlock", "migrate --new-env CREDENTIAL", "erase --yes", "revert --yes --psid-env CREDENTIAL", "read", "write --in SECTOR"}
	t.Setenv("CREDENTIAL", strings.Repeat("x", 32))
	for _, s := range spoiled {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.drive")
			sector := filepath.Join(dir, "sector")
			require.NoError(t, os.WriteFile(sector, make([]byte, 512), 0o600))
			newDriveFile(t, path, "FDE1")
			s.spoil(t, path)
			before, _ := os.ReadFile(path)
			for _, c := range commands {
				words := append([]string{"drive"}, strings.Fields(strings.ReplaceAll(c, "SECTOR", sector))...)
				code, out, said := play(t, append(words, path)...)
				require.Equal(t, exitCannot, code, "%s: %s", c, said)
				require.Empty(t, out, c)
				require.Regexp(t, `^fdelab: error: drive \w+: [^\n]*\n$`, said, c)
				require.Contains(t, said, s.words, c)
				require.Equal(t, 1, strings.Count(said, path), "the file is named once: %s", said)
			}
			after, _ := os.ReadFile(path)
			require.True(t, bytes.Equal(before, after), "the file is as it was")
		})
	}
}

// TestEraseGoesOnBesideFilesThatCannotBeUsed: each file is one line with its reason. The drive beside them
// is erased.
func TestEraseGoesOnBesideFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.drive")
	newDriveFile(t, good, "GOOD")
	path := func(i int) string { return filepath.Join(dir, fmt.Sprintf("bad%02d.drive", i)) }
	for i, s := range spoiled {
		newDriveFile(t, path(i), fmt.Sprintf("BAD%02d", i))
		s.spoil(t, path(i))
		if _, err := os.Lstat(path(i)); err != nil {
			require.NoError(t, os.Symlink("nowhere", path(i))) // what is gone has no name in the directory
		}
	}
	code, out, said := play(t, "erase", dir, "--yes", "--json")
	require.Equal(t, exitFailed, code, said)
	require.Equal(t, fmt.Sprintf("fdelab: error: %d of %d drives are not erased\n", len(spoiled), len(spoiled)+1), said)
	var is erased
	require.NoError(t, json.Unmarshal([]byte(out), &is), out)
	why := map[string]string{}
	for _, d := range is.Drives {
		if d.File == good {
			require.Equal(t, erase.Passed, d.Outcome, d.Why)
			continue
		}
		require.Equal(t, cannotUse, d.Outcome, d.File)
		why[d.File] = d.Why
	}
	require.Len(t, why, len(spoiled))
	for i, s := range spoiled {
		require.Contains(t, why[path(i)], s.words, s.name)
		require.NotContains(t, why[path(i)], "\n", s.name)
	}
}

// remover removes a file as soon as something is written to it.
type remover struct{ path string }

func (r remover) Write(p []byte) (int, error) { return len(p), os.RemoveAll(r.path) }

// TestDriveFileThatVanishes: a drive whose file goes while it is in use is not reported as used.
func TestDriveFileThatVanishes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	newDriveFile(t, path, "FDE1")
	var said strings.Builder
	code := run([]string{"drive", "read", path}, strings.NewReader(""), remover{path}, &said)
	require.Equal(t, exitCannot, code)
	require.Equal(t, "fdelab: error: drive read: "+path+": the file was removed or replaced while the drive was in use: what was done is not in it\n", said.String())
}

// TestDriveOnADiskThatIsFullOrReadOnly mounts a small file system of its own. On a full disk a write
// is refused and what is there stays; a disk that cannot be written is named.
func TestDriveOnADiskThatIsFullOrReadOnly(t *testing.T) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	if exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt").Run() != nil {
		t.Skip("SKIPPED: this system lets nobody mount a file system of his own: a full disk was not tested")
	}
	dir := t.TempDir()
	const script = `set -e
mount -t tmpfs -o size=600k tmpfs "$1"; cd "$1"
"$0" drive create a.drive --serial FDE1 --seed 1
head -c 4096 /dev/zero | tr '\0' x >small
"$0" drive write a.drive --in small
head -c 2000000 /dev/zero | tr '\0' y >/tmp/large.$$ && truncate -s 1999872 /tmp/large.$$
set +e
"$0" drive write a.drive --lba 8 --in /tmp/large.$$; echo "exit $?"
rm /tmp/large.$$
"$0" drive read a.drive --sectors 8 | cmp - small && echo "what was there is there"
"$0" drive create b.drive; echo "exit $?"; ls -A | tr '\n' ' '; echo
mount -o remount,ro "$1" "$1" && "$0" drive info a.drive; echo "exit $?"`
	c := exec.Command("unshare", "-rm", "sh", "-c", script, exe, dir)
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	b, err := c.CombinedOutput()
	out := string(b)
	require.NoError(t, err, out)
	require.Regexp(t, `(?m)^fdelab: error: drive write: a\.drive: write: media failure: .*no space left on device$`, out)
	require.Regexp(t, `(?m)^what was there is there$`, out)
	require.Regexp(t, `(?m)^fdelab: error: drive create: b\.drive.*no space left on device$`, out)
	require.Regexp(t, `(?m)^a\.drive a\.drive\.label small $`, out, "nothing is left of a drive that could not be made")
	require.Regexp(t, `(?m)^fdelab: error: drive info: a\.drive: read-only file system$`, out)
	require.Equal(t, 3, strings.Count(out, "exit 3"), out)
}

// TestEraseOnADiskThatIsFullOrReadOnly: where an erase cannot be written no drive passes, and the run says why in
// one line for each. It leaves no journal that could not be begun, and goes on once there is room.
func TestEraseOnADiskThatIsFullOrReadOnly(t *testing.T) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	if exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt").Run() != nil {
		t.Skip("SKIPPED: this system lets nobody mount a file system of his own: a full disk was not tested")
	}
	const script = `set -e
mount -t tmpfs -o size=1200k tmpfs "$1"; cd "$1"; mkdir d
"$0" drive create d/1.drive --serial FDE1 --sectors 64 --ranges 0 --seed 1
"$0" drive create d/2.drive --serial FDE2 --sectors 64 --ranges 0 --seed 2
set +e
head -c 9000000 /dev/zero >fill 2>/dev/null
"$0" erase d --yes; echo "full: exit $?"; ls d | tr '\n' ' '; echo
"$0" erase d --yes --journal "$2/journal"; echo "full for the drives: exit $?"
rm fill
"$0" erase d --yes --resume --journal "$2/journal"; echo "room: exit $?"
"$0" erase d --yes; echo "again: exit $?"
mount -o remount,ro "$1" "$1"
"$0" erase d --yes --journal "$2/another"; echo "read-only: exit $?"`
	c := exec.Command("unshare", "-rm", "sh", "-c", script, exe, t.TempDir(), t.TempDir())
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	b, err := c.CombinedOutput()
	out := string(b)
	require.NoError(t, err, out)
	require.Regexp(t, `(?m)^fdelab: error: journal d/erase\.journal: no space left on device\nfull: exit 3\n1\.drive 1\.drive\.label 2\.drive 2\.drive\.label $`, out)
	require.Regexp(t, `(?m)^d/2\.drive +FDE2 +\S.*no space left on device$`, out)
	require.Regexp(t, `(?m)^drive erase of 2 drives: 0 passed, `, out)
	require.Regexp(t, `(?m)^full for the drives: exit 1$`, out)
	require.Regexp(t, `(?m)^drive erase of 2 drives: 2 passed, .*\nroom: exit 0$`, out)
	require.Regexp(t, `(?m)^again: exit 0$`, out)
	require.Regexp(t, `(?m)^d/1\.drive +cannot be used +read-only file system$`, out)
	require.Regexp(t, `(?m)^read-only: exit 1$`, out)
}
