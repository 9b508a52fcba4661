package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
	"github.com/seed-9d983aeb/fdelab/internal/crashtrace"
)

// crashKeys is how many keys are registered: enough for the database to grow.
const crashKeys = 6

// TestTheDatabaseLosesNothingThatWasAcknowledged: power goes at every change of the disk while the database
// is made and takes keys, and what was not synced is lost in part or whole. There is a whole database or
// none. Every key whose registration was answered is in it, and can be had.
func TestTheDatabaseLosesNothingThatWasAcknowledged(t *testing.T) {
	u := Unlock{Key: &secret.Key32{1}}
	open := func(t *testing.T, dir string) (*bench, error) {
		s, err := OpenStore(filepath.Join(dir, "keys.db"), u, entropy.Stream(2, "keys"))
		if err != nil {
			return nil, err
		}
		return &bench{t: t, engine: &engine{store: s, clock: func() time.Time { return time.Unix(1e9, 0) }, maxResponse: 1 << 20}}, nil
	}
	if dir := crashtrace.Child(); dir != "" {
		require.NoError(t, CreateStore(filepath.Join(dir, "keys.db"), u, entropy.Stream(1, "store")))
		fmt.Println("made")
		b, err := open(t, dir)
		require.NoError(t, err)
		for key := range byte(crashKeys) {
			fmt.Println("key", b.register(key))
		}
		require.NoError(t, b.store.Close())
		return
	}
	t.Parallel()
	root := t.TempDir()
	trace := crashtrace.Record(t, t.Name(), root)
	seeds, step := uint64(10), 1
	if testing.Short() {
		seeds, step = 5, 3
	}
	most := 0
	changes, states := trace.Cuts(t, root, step, seeds, func(disk *crashfs.FS, said, when string, all bool) {
		dir := t.TempDir()
		crashtrace.Lay(t, disk, dir)
		b, err := open(t, dir)
		if errors.Is(err, os.ErrNotExist) {
			require.NotContains(t, said, "made", when)
			require.NoError(t, CreateStore(filepath.Join(dir, "keys.db"), u, entropy.Stream(1, "store")), "%s: what is left is in nobody's way", when)
			return
		}
		require.NoError(t, err, when)
		keys := 0
		for _, line := range strings.Split(said, "\n") {
			uid, is := strings.CutPrefix(line, "key ")
			if !is {
				continue
			}
			i, trouble := b.do(kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, uid))
			require.NoError(t, trouble, when)
			require.NoError(t, i.Err(), "%s: key %d was acknowledged", when, keys)
			keys++
		}
		n, err := b.store.Count()
		require.NoError(t, err)
		require.True(t, n == keys || n == keys+1, "%s: %d keys are there, %d were acknowledged", when, n, keys)
		require.NoError(t, b.store.Close())
		require.False(t, all && keys < crashKeys, when)
		most = max(most, keys)
	})
	t.Logf("%d changes, %d states of the disk", changes, states)
	require.Equal(t, crashKeys, most)
	require.Greater(t, changes, 6*crashKeys)
}
