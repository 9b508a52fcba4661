package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// The owners of the objects of these tests.
var ownerA, ownerB = identity{1}, identity{2}

// twin is one of two servers without a network between them.
type twin struct {
	*engine
	t     require.TestingT
	no    byte
	queue []string // for the other
}

// opened counts: a database that is opened again draws other identifiers.
var opened uint64

func newTwin(t require.TestingT, dir string, no byte) *twin {
	path, u := filepath.Join(dir, fmt.Sprint(no)), Unlock{Key: &secret.Key32{no}}
	if _, err := os.Stat(path); err != nil {
		require.NoError(t, CreateStore(path, u, entropy.Stream(uint64(no), "store")))
	}
	opened++
	s, err := OpenStore(path, u, entropy.Stream(uint64(no)+10*opened, "keys"))
	require.NoError(t, err)
	s.db.NoSync = true
	return &twin{engine: &engine{store: s, clock: func() time.Time { return time.Unix(1e9, 0) }, maxResponse: 1 << 20}, t: t, no: no}
}

func (w *twin) do(owner identity, op kmip.Operation, fields ...ttlv.Item) *kmip.ResponseItem {
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}}
	out, trouble := w.handle(owner, q.Encode(nil), nil)
	require.NoError(w.t, trouble)
	p, err := kmip.ParseResponse(out, ttlv.Limits{})
	require.NoError(w.t, err)
	return &p.Items[0]
}

func (w *twin) create(attrs ...kmip.Attribute) (uid string) {
	i := w.do(ownerA, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(append(attrs,
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 128), kmip.UsageOf(12))...))
	require.NoError(w.t, i.Err())
	return i.Payload.Find(kmip.TagUniqueIdentifier).Text()
}

func (w *twin) note(uid, text string) {
	a := kmip.TextOf("x-note", text)
	require.NoError(w.t, w.do(ownerA, kmip.OpAddAttribute, ttlv.Text(kmip.TagUniqueIdentifier, uid), a.Item()).Err())
}

// over is a message as it comes out of the other end.
func (w *twin) over(m message) message {
	b := m.encode()
	require.Less(w.t, len(b), peerMax, "a message is bounded")
	out, err := decodeMessage(b)
	require.NoError(w.t, err)
	return *out
}

// compare finds out what the other lacks.
func (w *twin) compare(other *twin) {
	w.queue = nil
	for from := ""; ; {
		l, err := other.store.list(from)
		require.NoError(w.t, err)
		uids, err := w.store.differing(w.over(message{list: l}).list)
		require.NoError(w.t, err)
		w.queue = append(w.queue, uids...)
		if from = l.to; from == "" {
			return
		}
	}
}

// share carries one share to the other.
func (w *twin) share(to *twin) (refused []trouble) {
	s, err := w.store.share(w.queue)
	require.NoError(w.t, err)
	w.queue = w.queue[s.n:]
	got, err := to.store.merge(w.over(message{share: s}).share.records)
	require.NoError(w.t, err)
	to.queue = append(to.queue, got.owed...)
	return append(s.bad, got.refused...)
}

// sync makes the two the same; who is called is the first to send.
func (w *twin) sync(other *twin) {
	w.compare(other)
	other.compare(w)
	for len(w.queue)+len(other.queue) > 0 {
		w.share(other)
		other.share(w)
	}
	one, err := Dump(w.store)
	require.NoError(w.t, err)
	two, err := Dump(other.store)
	require.NoError(w.t, err)
	require.Equal(w.t, len(one), len(two))
	require.True(w.t, fmt.Sprint(one) == fmt.Sprint(two), "both have the same")
}

// TestLargeQueueGoesInShares: a share is bounded, and the largest object fits.
func TestLargeQueueGoesInShares(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer one.store.Close()
	defer two.store.Close()
	big := kmip.TextOf("x-big", string(bytes.Repeat([]byte("x"), 200<<10)))
	for n := range 150 {
		attrs := []kmip.Attribute{kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(12)}
		if n < 4 {
			attrs = append(attrs, big)
		}
		require.NoError(t, one.do(ownerB, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(attrs...)).Err())
	}
	uid := *one.do(ownerB, kmip.OpLocate, ttlv.Int(kmip.TagMaximumItems, 1)).Payload.Find(kmip.TagUniqueIdentifier)
	for { // one object as large as it may be
		i := one.do(ownerB, kmip.OpAddAttribute, uid, big.Item())
		if i.Err() != nil {
			require.ErrorContains(t, i.Err(), "more than 1048576")
			break
		}
	}
	shares := 0
	for one.compare(two); len(one.queue) > 0; shares++ {
		require.Empty(t, one.share(two))
	}
	require.Greater(t, shares, 150/shareRecords, "there are several")
	one.sync(two)
}

// TestListIsInParts: a list of more than listMax versions goes in parts, and finds each difference.
func TestListIsInParts(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer one.store.Close()
	defer two.store.Close()
	var records []ttlv.Item
	for n := range 2*listMax + 1 {
		o := object{uid: fmt.Sprintf("%06d", n), owner: ownerA, typ: kmip.Template, base: version{counter: uint64(n + 1)}}
		records = append(records, o.record())
	}
	for _, w := range []*twin{one, two} {
		_, err := w.store.merge(records)
		require.NoError(t, err)
	}
	two.compare(one)
	require.Empty(t, two.queue)
	_, err := two.store.merge([]ttlv.Item{(&object{uid: "001500", owner: ownerA, typ: kmip.Template, base: version{counter: 1 << 20}}).record()})
	require.NoError(t, err)
	added := two.create()
	two.compare(one)
	require.ElementsMatch(t, []string{added, "001500"}, two.queue)
	one.compare(two)
	require.Equal(t, []string{"001500"}, one.queue)
}

// TestWhatThePeerMayNotSend: it cannot give away what is another's, and no number of a change is
// the last.
func TestWhatThePeerMayNotSend(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer one.store.Close()
	defer two.store.Close()
	one.create()
	one.compare(two)
	s, err := one.store.share(one.queue)
	require.NoError(t, err)
	o, err := readRecord(&s.records[0])
	require.NoError(t, err)
	require.Empty(t, one.share(two))
	before, err := Dump(two.store)
	require.NoError(t, err)
	for name, change := range map[string]func(*object){
		"another owner":         func(o *object) { o.owner = ownerB },
		"another type":          func(o *object) { o.typ = kmip.SecretData },
		"a number out of reach": func(o *object) { o.base.counter = 1 << 63 },
	} {
		x := *o
		x.base.counter += 10
		change(&x)
		got, err := two.store.merge([]ttlv.Item{x.record()})
		require.NoError(t, err, name)
		require.Len(t, got.refused, 1, "%s: the peer is told", name)
		require.Equal(t, x.uid, got.refused[0].uid)
		after, err := Dump(two.store)
		require.NoError(t, err)
		require.Equal(t, before, after, "%s: nothing was changed", name)
	}
}

// TestWhatCannotGoOverStopsNobody: an object that cannot be sent, and one that the peer cannot
// take, stop no other, and go as soon as they can.
func TestWhatCannotGoOverStopsNobody(t *testing.T) {
	for name, at := range map[string]int{"it cannot be sent": 0, "it is not taken": 1} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
			defer one.store.Close()
			defer two.store.Close()
			bad := one.create()
			one.sync(two)
			one.note(bad, "changed")
			good := []string{one.create(), one.create()}
			whole := spoil(t, [2]*twin{one, two}[at].store, bad, []byte("poison"))
			one.compare(two)
			require.ElementsMatch(t, append(good, bad), one.queue)
			refused := one.share(two)
			require.Len(t, refused, 1)
			require.Equal(t, bad, refused[0].uid)
			for _, uid := range good {
				require.NoError(t, two.do(ownerA, kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, uid)).Err(), "the others are there")
			}
			one.compare(two)
			require.Equal(t, []string{bad}, one.queue, "it stays owed")
			spoil(t, [2]*twin{one, two}[at].store, bad, whole)
			one.sync(two)
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
