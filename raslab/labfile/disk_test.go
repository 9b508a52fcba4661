package labfile

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// failing is a journal on a disk of which one operation fails.
type failing struct {
	journal.File
	ops  *[]string
	fail string
}

var errDisk = errors.New("input/output error")

func (f failing) op(name string) error {
	*f.ops = append(*f.ops, name)
	if name == f.fail {
		return errDisk
	}
	return nil
}

func (f failing) Write(p []byte) (int, error) {
	if err := f.op("write"); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f failing) Sync() error { return errors.Join(f.op("sync"), f.File.Sync()) }

// answer notes when it was written to.
type answer struct {
	bytes.Buffer
	ops *[]string
}

func (a *answer) Write(p []byte) (int, error) {
	*a.ops = append(*a.ops, "answer")
	return a.Buffer.Write(p)
}

// TestAnAnswerComesAfterItsEntryIsSafe: written, synced, then shown. Where either fails the answer is not
// shown, and no further command is run, since the lab in memory is ahead of the one on the disk.
func TestAnAnswerComesAfterItsEntryIsSafe(t *testing.T) {
	for _, fail := range []string{"", "write", "sync"} {
		dir := filepath.Join(t.TempDir(), "lab")
		l, err := Create(dir, Options{})
		require.NoError(t, err)
		require.NoError(t, l.Session().Run("lab new drives=8", io.Discard))
		var ops []string
		l.log.Wrap(func(f journal.File) journal.File { return failing{f, &ops, fail} })
		out := &answer{ops: &ops}
		err = l.Session().Run("lab show", out)
		if fail == "" {
			require.NoError(t, err)
			require.Equal(t, []string{"write", "sync", "answer"}, ops)
			require.NoError(t, l.Close())
			continue
		}
		require.ErrorIs(t, err, errDisk)
		require.ErrorContains(t, err, "the command is not kept, and no other is taken")
		require.Empty(t, out.String())
		before := len(ops)
		require.ErrorIs(t, l.Session().Run("lab show", out), errDisk)
		require.Empty(t, out.String())
		require.Len(t, ops, before, "the disk is left alone")
		require.NoError(t, l.Close())
		l, err = Open(dir, Options{})
		require.NoError(t, err)
		require.Len(t, l.Entries(), 2, "what is not kept is not there")
		require.NoError(t, l.Close())
	}
}
