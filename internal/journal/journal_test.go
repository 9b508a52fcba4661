package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// The disk that fails, the power cuts and what is no entry are tested by the journal of package erase.

func form(entries *[]string) Form {
	return Form{Header: "head\n", What: "a test", Most: 1000, Each: func(e Entry) error {
		var text string
		if err := json.Unmarshal(e.Text, &text); err != nil {
			return err
		}
		*entries = append(*entries, text)
		return nil
	}}
}

// TestATornEndIsTheOwnersToJudge: it is cut off, unless Torn refuses it, and then the file is as it was.
func TestATornEndIsTheOwnersToJudge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	line := string(Line([]byte(`"a"`)))
	errTorn := errors.New("torn")
	for torn, kind := range map[string]error{
		`{"crc32c":1`:               ErrEnd,
		"{\"crc32c\":1,\"en}\n":     ErrCorrupt,
		line[:11] + "0" + line[11:]: ErrCorrupt, // the check sum of something else
	} {
		text := "head\n" + line + torn
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		var entries []string
		var said *LineError
		f := form(&entries)
		f.Torn = func(e *LineError) error {
			said = e
			return errTorn
		}
		_, err := Open(path, f)
		require.ErrorIs(t, err, errTorn)
		require.ErrorIs(t, said, kind, torn)
		require.Equal(t, [2]int{3, len("head\n" + line)}, [2]int{said.Line, said.At})
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(b))

		l, err := Open(path, form(&entries))
		require.NoError(t, err)
		require.NoError(t, l.Append([]byte(`"b"`)))
		require.NoError(t, l.Close())
		entries = nil
		l, err = Open(path, form(&entries))
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, entries)
		require.NoError(t, l.Close())
	}
}

// tearing is a file that takes so many bytes, and can be cut off or not.
type tearing struct {
	File
	room int
	cut  error
}

func (t tearing) Write(p []byte) (int, error) {
	n, err := t.File.Write(p[:min(len(p), t.room)])
	return n, errors.Join(err, syscall.EFBIG)
}

func (t tearing) Truncate(size int64) error {
	if t.cut != nil {
		return t.cut
	}
	return t.File.Truncate(size)
}

// TestAFailedAppendLeavesNothing: what the disk took of an entry is cut off, behind entries of this process and of an
// earlier one. Where it cannot be cut off, the end is torn, as a crash leaves it.
func TestAFailedAppendLeavesNothing(t *testing.T) {
	for _, cut := range []error{nil, syscall.EIO} {
		path := filepath.Join(t.TempDir(), "j")
		for range 2 {
			l, err := Open(path, form(new([]string)))
			require.NoError(t, err)
			require.NoError(t, l.Append([]byte(`"a"`)))
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			l.Wrap(func(f File) File { return tearing{f, 7, cut} })
			require.ErrorIs(t, l.Append([]byte(`"b"`)), syscall.EFBIG)
			require.ErrorIs(t, l.Append([]byte(`"c"`)), syscall.EFBIG, "nothing more is taken")
			require.NoError(t, l.Close())
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			if cut != nil {
				require.Equal(t, string(whole)+string(Line([]byte(`"b"`))[:7]), string(b))
			} else {
				require.Equal(t, string(whole), string(b))
			}
		}
	}
}

// TestBegun: a journal that must be there is neither made nor begun.
func TestBegun(t *testing.T) {
	dir := t.TempDir()
	f := form(new([]string))
	f.Begun = true
	_, err := Open(filepath.Join(dir, "none"), f)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, filepath.Join(dir, "none"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "j"), []byte("he"), 0o600))
	_, err = Open(filepath.Join(dir, "j"), f)
	require.EqualError(t, err, "not a test: line 1 is not head")
	b, err := os.ReadFile(filepath.Join(dir, "j"))
	require.NoError(t, err)
	require.Equal(t, "he", string(b))
}

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	l, err := Open(path, form(new([]string)))
	require.NoError(t, err)
	_, err = Open(path, form(new([]string)))
	require.ErrorIs(t, err, filelock.ErrHeld)
	require.NoError(t, l.Close())
}

func TestSyncFolder(t *testing.T) {
	require.NoError(t, SyncFolder(t.TempDir()))
	require.ErrorIs(t, SyncFolder(filepath.Join(t.TempDir(), "none")), os.ErrNotExist)
}
