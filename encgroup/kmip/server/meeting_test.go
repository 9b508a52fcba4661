package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

func (w *twin) create() (uid string) {
	i := w.do(ownerA, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 128), kmip.UsageOf(12)))
	require.NoError(w.t, i.Err())
	return i.Payload.Find(kmip.TagUniqueIdentifier).Text()
}

// TestWhatCannotGoOverStaysOwed: an object that cannot be sent, and one that the peer cannot take,
// stop no other, are told by their identifiers, and stay owed until they can go.
func TestWhatCannotGoOverStaysOwed(t *testing.T) {
	for name, at := range map[string]int{"it cannot be sent": 0, "it is not taken": 1} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
			defer one.store.Close()
			defer two.store.Close()
			one.meet(two)
			bad := one.create()
			one.share(two, true, true)
			note := kmip.TextOf("x-note", "changed")
			require.NoError(t, one.do(ownerA, kmip.OpAddAttribute, ttlv.Text(kmip.TagUniqueIdentifier, bad), note.Item()).Err())
			good := []string{one.create(), one.create()}
			whole := spoil(t, [2]*twin{one, two}[at].store, bad, []byte("poison"))

			stuck := map[string]bool{}
			var told []trouble
			for range 3 {
				s, err := one.store.owed(stuck)
				require.NoError(t, err)
				told = append(told, s.bad...)
				i := two.do(peerOwner, opReplicate, one.store.tell(s.records...)...)
				require.NoError(t, i.Err(), "the share is taken")
				a, err := readAnswer(i.Payload)
				require.NoError(t, err)
				told = append(told, a.refused...)
				for _, b := range told {
					stuck[b.uid] = true
				}
				require.NoError(t, one.store.settle(s, stuck))
			}
			require.Len(t, told, 1, "it is told once")
			require.Equal(t, bad, told[0].uid, "by its identifier")
			for _, uid := range good {
				require.NoError(t, two.do(ownerA, kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, uid)).Err(), "the others are there")
			}
			require.Equal(t, 1, Owed(one.store), "it stays owed")
			require.False(t, one.meet(two), "the peer has all else: not everything is owed again")
			require.Equal(t, 1, Owed(one.store))

			spoil(t, [2]*twin{one, two}[at].store, bad, whole)
			one.share(two, true, true)
			require.Zero(t, Owed(one.store), "mended, it goes")
			a, err := Dump(one.store)
			require.NoError(t, err)
			b, err := Dump(two.store)
			require.NoError(t, err)
			require.Equal(t, a, b)
		})
	}
}

// spoil writes a record, and returns what was there.
func spoil(t *testing.T, s *Store, uid string, record []byte) (before []byte) {
	require.NoError(t, s.db.Update(func(tx *bbolt.Tx) error {
		before = append(before, tx.Bucket(bucketObjects).Get([]byte(uid))...)
		return tx.Bucket(bucketObjects).Put([]byte(uid), record)
	}))
	return before
}

// TestUnreadableRecordIsOwedToANewPeer: it cannot be sent, and is not forgotten.
func TestUnreadableRecordIsOwedToANewPeer(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer one.store.Close()
	defer two.store.Close()
	bad := one.create()
	spoil(t, one.store, bad, []byte("poison"))
	one.create()
	require.False(t, one.meet(two))
	s, err := one.store.owed(nil)
	require.NoError(t, err)
	require.Len(t, s.records, 1)
	require.Len(t, s.bad, 1)
	require.Equal(t, bad, s.bad[0].uid)
	require.NoError(t, one.store.settle(s, nil))
	require.Equal(t, 1, Owed(one.store))
}

// TestNumberGivenTwice: a server that was put back gives a number of a change a second time; the two
// still come to have the same.
func TestNumberGivenTwice(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer func() { _, _ = one.store.Close(), two.store.Close() }()
	uid := one.create()
	one.meet(two)
	one.share(two, true, true)
	note := func(text string) {
		a := kmip.TextOf("x-note", text)
		require.NoError(t, one.do(ownerA, kmip.OpAddAttribute, ttlv.Text(kmip.TagUniqueIdentifier, uid), a.Item()).Err())
	}
	require.NoError(t, one.store.Close())
	old, err := os.ReadFile(filepath.Join(dir, "1"))
	require.NoError(t, err)
	one = newTwin(t, dir, 1)
	note("first")
	one.share(two, true, true)
	require.NoError(t, one.store.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "1"), old, 0o600))
	one = newTwin(t, dir, 1)
	note("second")
	one.meet(two)
	two.meet(one)
	for one.share(two, true, true) || two.share(one, true, true) {
	}
	a, err := Dump(one.store)
	require.NoError(t, err)
	b, err := Dump(two.store)
	require.NoError(t, err)
	require.Equal(t, a, b, "one of the two changes stays, the same on both")
}

// TestTokenThatIsLost: if the peer does not hear the token, or that it did is not heard, it is still
// known; once it is confirmed, the one before is no good.
func TestTokenThatIsLost(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer func() { _, _ = one.store.Close(), two.store.Close() }()
	one.meet(two)
	says := func(tok token) answer { return answer{id: two.store.id, heard: heard{token: tok}} }
	var first token
	require.NoError(t, two.store.db.View(func(tx *bbolt.Tx) error {
		first = readHeard(tx, one.store.id).token
		return nil
	}))
	again, second, err := one.store.meet(says(first))
	require.NoError(t, err)
	require.False(t, again)
	again, _, err = one.store.meet(says(first))
	require.NoError(t, err)
	require.False(t, again, "the second did not arrive")
	again, third, err := one.store.meet(says(first))
	require.NoError(t, err)
	require.False(t, again)
	again, fourth, err := one.store.meet(says(third))
	require.NoError(t, err)
	require.False(t, again, "it arrived, and was not confirmed")
	require.NoError(t, one.store.confirmed(fourth))
	again, _, err = one.store.meet(says(third))
	require.NoError(t, err)
	require.True(t, again, "an older copy")
	require.NotEqual(t, second, third)
}

// TestCopyOfARunningServer: put back, it has the token of the last meeting, and lower numbers give
// it away: of what it took, or of its own changes.
func TestCopyOfARunningServer(t *testing.T) {
	for name, from := range map[string]int{"took": 0, "made": 1} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := [2]*twin{newTwin(t, dir, 1), newTwin(t, dir, 2)}
			defer func() { _, _ = w[0].store.Close(), w[1].store.Close() }()
			w[0].meet(w[1])
			w[1].meet(w[0])
			require.NoError(t, w[1].store.Close())
			old, err := os.ReadFile(filepath.Join(dir, "2"))
			require.NoError(t, err)
			w[1] = newTwin(t, dir, 2)
			uid := w[from].create()
			w[from].share(w[1-from], true, true)
			require.NoError(t, w[1].store.Close())
			require.NoError(t, os.WriteFile(filepath.Join(dir, "2"), old, 0o600))
			w[1] = newTwin(t, dir, 2)
			require.True(t, w[0].meet(w[1]), "it is owed everything again")
			w[0].share(w[1], true, true)
			require.NoError(t, w[1].do(ownerA, kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, uid)).Err())
			require.False(t, w[0].meet(w[1]), "once")
		})
	}
}
