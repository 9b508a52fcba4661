package repository

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAListOfEntries has those whose names begin with a prefix, from the medium, and none when no copy
// is believed.
func TestAListOfEntries(t *testing.T) {
	b := newBench(t, 3)
	require.NoError(t, b.repo.Put("group 1/A", []byte("member")))
	require.NoError(t, b.repo.Put("group 2", []byte("two")))
	for prefix, want := range map[string][]Item{
		"group 1": {{"group 1", []byte("one")}, {"group 1/A", []byte("member")}},
		"group 2": {{"group 2", []byte("two")}},
		"group 0": nil,
		"zone":    nil,
	} {
		got, rep, err := b.repo.List(prefix)
		require.NoError(t, err)
		require.Equal(t, Good, rep.Verdict)
		require.Equal(t, want, got, prefix)
	}
	b.arm("(repository.read.error)")
	got, rep, err := b.repo.List("group 1")
	require.ErrorIs(t, err, ErrPermanent)
	require.Equal(t, Permanent, rep.Verdict)
	require.Nil(t, got)
	entries, _, err := b.repo.Store("group 1").Load()
	require.ErrorIs(t, err, ErrPermanent)
	require.Nil(t, entries)
}
