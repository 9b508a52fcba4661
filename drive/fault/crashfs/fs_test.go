package crashfs

import (
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// states are what different cuts leave, each once.
func states(f *FS) map[string]bool {
	seen := map[string]bool{}
	for seed := range uint64(300) {
		var text strings.Builder
		after := f.AfterCut(seed)
		for _, name := range after.Names() {
			file, err := after.Open(name)
			if err != nil {
				panic(err)
			}
			b, _ := io.ReadAll(file)
			text.WriteString(name + "=" + string(b[:min(len(b), 1)]) + string(b[max(0, len(b)-1):]) + " ")
		}
		seen[strings.TrimSpace(text.String())] = true
	}
	return seen
}

func create(t *testing.T, f *FS, name, content string) *File {
	t.Helper()
	file, err := f.Create(name)
	require.NoError(t, err)
	_, err = file.Write([]byte(content))
	require.NoError(t, err)
	return file
}

func set(s ...string) map[string]bool {
	m := map[string]bool{}
	for _, s := range s {
		m[s] = true
	}
	return m
}

func TestWhatWasSyncedStays(t *testing.T) {
	f := New()
	file := create(t, f, "d/a", "11")
	require.Equal(t, set("", "d/a=", "d/a=11"), states(f), "neither name nor content")
	require.NoError(t, file.Sync())
	require.Equal(t, set("", "d/a=11"), states(f), "a sync of the file is none of its name")
	require.NoError(t, f.SyncDir("other"))
	require.Equal(t, set("", "d/a=11"), states(f), "nor is the sync of another directory")
	require.NoError(t, f.SyncDir("d"))
	require.Equal(t, set("d/a=11"), states(f))
	_, err := file.WriteAt([]byte("22"), 0)
	require.NoError(t, err)
	require.Equal(t, set("d/a=11", "d/a=22"), states(f), "a sector is written whole or not at all")
	require.NoError(t, file.Truncate(0))
	require.Equal(t, set("d/a=11", "d/a=22", "d/a="), states(f))
	require.NoError(t, file.Sync())
	require.Equal(t, set("d/a="), states(f))
}

func TestALongWriteIsTornBetweenSectors(t *testing.T) {
	f := New()
	file := create(t, f, "a", strings.Repeat("1", 2*Sector))
	require.NoError(t, file.Sync())
	require.NoError(t, f.SyncDir("."))
	_, err := file.WriteAt(bytes.Repeat([]byte("2"), 2*Sector), 0)
	require.NoError(t, err)
	require.Equal(t, set("a=11", "a=12", "a=21", "a=22"), states(f))
}

func TestANameChangesWholeOrNotAtAll(t *testing.T) {
	f := New()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, create(t, f, name, name+name).Sync())
	}
	require.NoError(t, f.SyncDir("."))
	require.NoError(t, f.Rename("a", "b"))
	require.Equal(t, []string{"b"}, f.Names())
	require.Equal(t, set("a=aa b=bb", "b=aa"), states(f))
	require.NoError(t, f.SyncDir("."))
	require.NoError(t, f.Link("b", "c"))
	require.Equal(t, set("b=aa", "b=aa c=aa"), states(f))
	require.NoError(t, f.Remove("b"))
	require.Equal(t, set("b=aa", "b=aa c=aa", "c=aa", ""), states(f), "two changes of names, in any number")
	require.ErrorIs(t, f.Link("c", "c"), fs.ErrExist)
	require.ErrorIs(t, f.Link("x", "y"), fs.ErrNotExist)
	require.ErrorIs(t, f.Rename("x", "y"), fs.ErrNotExist)
	require.ErrorIs(t, f.Remove("x"), fs.ErrNotExist)
	_, err := f.Open("x")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = f.Create("c")
	require.ErrorIs(t, err, fs.ErrExist)
}

func TestADirectoryIsMovedWithAllThatIsInIt(t *testing.T) {
	f := New()
	require.NoError(t, f.Mkdir("part"))
	require.NoError(t, create(t, f, "part/a", "11").Sync())
	require.NoError(t, create(t, f, "part/b", "22").Sync())
	require.Equal(t, set("", "part/a=11", "part/b=22", "part/a=11 part/b=22"), states(f))
	require.NoError(t, f.SyncDir("part"))
	require.Equal(t, set("", "part/a=11 part/b=22"), states(f), "a directory whose own name is lost is lost whole")
	require.NoError(t, f.Mkdir("dir"))
	require.NoError(t, f.Rename("part", "dir"), "it takes the place of an empty one")
	require.Equal(t, []string{"dir/a", "dir/b"}, f.Names())
	require.Equal(t, []string{"dir"}, f.Directories())
	require.Equal(t, set("", "part/a=11 part/b=22", "dir/a=11 dir/b=22"), states(f), "it has one of its names, or none")
	require.NoError(t, f.SyncDir("."))
	require.Equal(t, set("dir/a=11 dir/b=22"), states(f))
	require.NoError(t, f.Mkdir("dir/sub"))
	require.NoError(t, f.Rename("dir/a", "dir/sub/a"))
	require.Equal(t, set("dir/a=11 dir/b=22", "dir/b=22 dir/sub/a=11", "dir/b=22"), states(f), "what moves into a directory is lost with it")
	require.ErrorIs(t, f.Mkdir("dir"), fs.ErrExist)
	require.ErrorIs(t, f.Rename("dir/b", "dir/sub"), fs.ErrExist)
	require.NoError(t, f.Mkdir("more"))
	require.ErrorIs(t, f.Rename("more", "dir"), fs.ErrExist, "it is not empty")
	require.ErrorIs(t, f.Remove("dir"), fs.ErrExist)
	require.ErrorIs(t, f.Link("dir", "other"), fs.ErrNotExist, "no second name for a directory")
	require.NoError(t, f.Remove("more"))
	require.Equal(t, []string{"dir", "dir/sub"}, f.Directories())
	_, err := f.Open("dir")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = f.Open("nowhere/x")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, []string{"dir", "dir/sub"}, f.Directories(), "to ask makes nothing")
}

func TestAfterTheCutNothingIsDone(t *testing.T) {
	f := New()
	file := create(t, f, "a", "1")
	require.Equal(t, 2, f.Changes())
	f.CutAt(2)
	for _, change := range []func() error{
		file.Sync, func() error { return f.SyncDir(".") }, func() error { return file.Truncate(0) },
		func() error { _, err := file.Write([]byte("2")); return err }, func() error { return f.Remove("a") },
		func() error { return f.Rename("a", "b") }, func() error { return f.Link("a", "b") },
		func() error { _, err := f.Create("b"); return err },
	} {
		require.ErrorIs(t, change(), ErrPower)
	}
	require.Equal(t, []string{"a"}, f.Names())
	b := make([]byte, 1)
	_, err := file.ReadAt(b, 0)
	require.NoError(t, err)
	require.Equal(t, "1", string(b))
	require.Contains(t, states(f), "b=11", "what was in flight may have reached the disk")
}

func TestAFileReadsAndWritesAsOneOfOS(t *testing.T) {
	file := create(t, New(), "a", "hello")
	require.Equal(t, "a", file.Name())
	at, err := file.Seek(-2, io.SeekEnd)
	require.NoError(t, err)
	require.Equal(t, int64(3), at)
	b, err := io.ReadAll(file)
	require.NoError(t, err)
	require.Equal(t, "lo", string(b))
	at, err = file.Seek(-4, io.SeekCurrent)
	require.NoError(t, err)
	require.Equal(t, int64(1), at)
	_, err = file.Seek(-1, io.SeekStart)
	require.Error(t, err)
	n, err := file.ReadAt(make([]byte, 9), 3)
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, io.EOF)
	_, err = file.ReadAt(make([]byte, 1), 5)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, file.Close())
}

// TestACloneIsOnItsOwn: it has the same futures, and what is done with one does not reach the other.
func TestACloneIsOnItsOwn(t *testing.T) {
	f := New()
	a := create(t, f, "d/a", "1")
	require.NoError(t, a.Sync())
	require.NoError(t, f.SyncDir("d"))
	create(t, f, "d/b", "2")
	require.NoError(t, f.Link("d/a", "d/c"))
	require.NoError(t, f.Rename("d/a", "e"))
	_, err := a.WriteAt([]byte("3"), 0)
	require.NoError(t, err)
	want := states(f)
	require.Greater(t, len(want), 5)

	c := f.Clone()
	require.Equal(t, want, states(c))
	require.Equal(t, f.Changes(), c.Changes())
	require.NoError(t, c.SyncDir("d"))
	require.NoError(t, c.Remove("e"))
	b, err := c.Open("d/c") // the other name of a
	require.NoError(t, err)
	_, err = b.WriteAt([]byte("4"), 0)
	require.NoError(t, err)
	require.NoError(t, b.Sync())
	require.NotEqual(t, want, states(c))
	require.Equal(t, want, states(f))
	before := states(c)
	require.NoError(t, f.Remove("d/b"))
	require.NoError(t, a.Truncate(0))
	require.Equal(t, before, states(c))

	f.CutAt(0)
	require.Error(t, f.Clone().SyncDir("d"), "the power is gone there, too")
}
