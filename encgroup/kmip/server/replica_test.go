package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

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
	refused, owed, err := to.store.merge(w.over(message{share: s}).share.records)
	require.NoError(w.t, err)
	to.queue = append(to.queue, owed...)
	return append(s.bad, refused...)
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

// twins are two servers, each other's peer, with what was acknowledged to their clients.
type twins struct {
	dir    string
	w      [2]*twin
	copied [2][]byte      // databases as they once were
	final  map[string]int // uid -> the most final that was acknowledged
	uids   []string
}

// TestTwinsConverge: whatever clients do on both, and whatever is lost between them, in the end
// both have the same, nothing final was undone, and no object is lost.
func TestTwinsConverge(t *testing.T) {
	parent, run := t.TempDir(), 0
	var fresh [2][]byte // two empty databases
	for n := range fresh {
		require.NoError(t, newTwin(t, parent, byte(n+1)).store.Close())
		var err error
		fresh[n], err = os.ReadFile(filepath.Join(parent, fmt.Sprint(n+1)))
		require.NoError(t, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		run++
		opened = 0 // the same draws give the same run
		dir := filepath.Join(parent, fmt.Sprint("run", run))
		require.NoError(t, os.Mkdir(dir, 0o700))
		for n, b := range fresh {
			require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(n+1)), b, 0o600))
		}
		defer os.RemoveAll(dir)
		w := &twins{dir: dir, w: [2]*twin{newTwin(t, dir, 1), newTwin(t, dir, 2)}, final: map[string]int{}}
		defer func() { _ = w.w[0].store.Close(); _ = w.w[1].store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"create":     w.create,
			"rekey":      w.about(func(_ *rapid.T, at *twin, uid ttlv.Item) { w.made(at.do(ownerA, kmip.OpRekey, uid)) }),
			"add":        w.about(addAttribute),
			"delete":     w.about(deleteAttribute),
			"activate":   w.about(func(_ *rapid.T, at *twin, uid ttlv.Item) { at.do(ownerA, kmip.OpActivate, uid) }),
			"revoke":     w.revoke(kmip.RevokedCessationOfOperation, 1),
			"compromise": w.revoke(kmip.RevokedKeyCompromise, 2),
			"destroy":    w.about(func(_ *rapid.T, at *twin, uid ttlv.Item) { w.reached(at.do(ownerA, kmip.OpDestroy, uid), uid, 3) }),
			"compare":    func(*rapid.T) { w.compare() },
			"copy":       w.copyDatabase,
			"put back":   w.putBack,
			"share": func(t *rapid.T) {
				from, to := w.side(t)
				from.share(to)
			},
			"a share is lost": func(*rapid.T) { w.w[0].queue, w.w[1].queue = nil, nil }, // and with it the connection
		})
		w.w[0].sync(w.w[1])
		w.converged(t)
	})
}

func (w *twins) database(n int) string { return filepath.Join(w.dir, fmt.Sprint(n+1)) }

func (w *twins) compare() {
	w.w[0].compare(w.w[1])
	w.w[1].compare(w.w[0])
}

func (w *twins) side(t *rapid.T) (one, other *twin) {
	n := rapid.IntRange(0, 1).Draw(t, "side")
	return w.w[n], w.w[1-n]
}

func drawName(t *rapid.T) kmip.Attribute {
	return kmip.NameOf(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"))
}

// made notes an object that was acknowledged.
func (w *twins) made(i *kmip.ResponseItem) {
	if i.Err() == nil {
		uid := i.Payload.Find(kmip.TagUniqueIdentifier).Text()
		w.uids = append(w.uids, uid)
		w.final[uid] = 0
	}
}

// reached notes how final an object is, if that was acknowledged.
func (w *twins) reached(i *kmip.ResponseItem, uid ttlv.Item, f int) {
	if i.Err() == nil {
		w.final[uid.Text()] = max(w.final[uid.Text()], f)
	}
}

// about is an action on some object, at some side.
func (w *twins) about(f func(t *rapid.T, at *twin, uid ttlv.Item)) func(*rapid.T) {
	return func(t *rapid.T) {
		if len(w.uids) == 0 {
			t.Skip("there is no object yet")
		}
		at, _ := w.side(t)
		f(t, at, ttlv.Text(kmip.TagUniqueIdentifier, rapid.SampledFrom(w.uids).Draw(t, "uid")))
	}
}

func (w *twins) create(t *rapid.T) {
	at, _ := w.side(t)
	w.made(at.do(ownerA, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 128), kmip.UsageOf(12), drawName(t), kmip.TextOf(kmip.AttrObjectGroup, "g"))))
}

func addAttribute(t *rapid.T, at *twin, uid ttlv.Item) {
	a := drawName(t)
	if rapid.Bool().Draw(t, "group") {
		a = kmip.TextOf(kmip.AttrObjectGroup, "h")
	}
	at.do(ownerA, kmip.OpAddAttribute, uid, a.Item())
}

func deleteAttribute(t *rapid.T, at *twin, uid ttlv.Item) {
	what := rapid.SampledFrom([]string{kmip.AttrName, kmip.AttrObjectGroup}).Draw(t, "what")
	at.do(ownerA, kmip.OpDeleteAttribute, uid, ttlv.Text(kmip.TagAttributeName, what))
}

func (w *twins) revoke(why kmip.RevocationReason, f int) func(*rapid.T) {
	return w.about(func(_ *rapid.T, at *twin, uid ttlv.Item) {
		w.reached(at.do(ownerA, kmip.OpRevoke, uid, ttlv.Struct(kmip.TagRevocationReason, ttlv.Enum(kmip.TagRevocationReasonCode, why))), uid, f)
	})
}

// copyDatabase keeps the database of one side as it is now.
func (w *twins) copyDatabase(t *rapid.T) {
	n := rapid.IntRange(0, 1).Draw(t, "side")
	require.NoError(t, w.w[n].store.Close())
	var err error
	w.copied[n], err = os.ReadFile(w.database(n))
	require.NoError(t, err)
	w.w[n] = newTwin(t, w.dir, byte(n+1))
	w.w[1-n].queue = nil
}

// putBack puts an old database back, as from a backup.
func (w *twins) putBack(t *rapid.T) {
	n := rapid.IntRange(0, 1).Draw(t, "side")
	if w.copied[n] == nil {
		t.Skip("there is no copy")
	}
	require.NoError(t, w.w[n].store.Close())
	require.NoError(t, os.WriteFile(w.database(n), w.copied[n], 0o600))
	w.w[n] = newTwin(t, w.dir, byte(n+1))
	w.w[1-n].queue = nil
	// What neither has any more was on one server only.
	w.uids = nil
	clear(w.final)
	for k := range w.w {
		for uid, o := range decoded(t, w.w[k].store) {
			if _, twice := w.final[uid]; !twice {
				w.uids = append(w.uids, uid)
			}
			w.final[uid] = max(w.final[uid], o.finality())
		}
	}
	slices.Sort(w.uids)
}

// converged checks what both have after sync, which says that it is the same.
func (w *twins) converged(t *rapid.T) {
	one, err := Dump(w.w[0].store)
	require.NoError(t, err)
	require.Len(t, one, len(w.uids), "every object that was acknowledged is there")
	objects := decoded(t, w.w[0].store)
	for uid, f := range w.final {
		o := objects[uid]
		require.GreaterOrEqual(t, o.finality(), f, "what cannot be taken back was not")
		require.Equal(t, o.gone(), len(o.sealed) == 0, "a key is there until it is destroyed")
	}
	for _, n := range []string{"a", "b", "c"} {
		a := kmip.NameOf(n)
		found := [2]string{}
		for k := range w.w {
			i := w.w[k].do(ownerA, kmip.OpLocate, a.Item())
			require.NoError(t, i.Err())
			if u := i.Payload.Find(kmip.TagUniqueIdentifier); u != nil {
				found[k] = u.Text()
			}
		}
		require.Equal(t, found[0], found[1], "a name means the same on both")
	}
}

// decoded is what a store holds, keys opened.
func decoded(t require.TestingT, s *Store) map[string]*object {
	records, err := Dump(s)
	require.NoError(t, err)
	out := map[string]*object{}
	for uid, record := range records {
		i, err := ttlv.Decode([]byte(record), ttlv.Limits{})
		require.NoError(t, err)
		out[uid], err = readRecord(&i)
		require.NoError(t, err)
	}
	return out
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
		o := object{uid: fmt.Sprintf("%06d", n), owner: ownerA, typ: kmip.Template, ver: version{counter: uint64(n + 1)}}
		records = append(records, o.record())
	}
	for _, w := range []*twin{one, two} {
		_, _, err := w.store.merge(records)
		require.NoError(t, err)
	}
	two.compare(one)
	require.Empty(t, two.queue)
	_, _, err := two.store.merge([]ttlv.Item{(&object{uid: "001500", owner: ownerA, typ: kmip.Template, ver: version{counter: 1 << 20}}).record()})
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
		"a number out of reach": func(o *object) { o.ver.counter = 1 << 63 },
	} {
		x := *o
		x.ver.counter += 10
		change(&x)
		refused, _, err := two.store.merge([]ttlv.Item{x.record()})
		require.NoError(t, err, name)
		require.Len(t, refused, 1, "%s: the peer is told", name)
		require.Equal(t, x.uid, refused[0].uid)
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

// TestNumberGivenTwice: a server that was put back gives a number of a change a second time; the
// two still come to have the same.
func TestNumberGivenTwice(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer func() { _, _ = one.store.Close(), two.store.Close() }()
	uid := one.create()
	one.sync(two)
	require.NoError(t, one.store.Close())
	old, err := os.ReadFile(filepath.Join(dir, "1"))
	require.NoError(t, err)
	one = newTwin(t, dir, 1)
	one.note(uid, "first")
	one.sync(two)
	require.NoError(t, one.store.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "1"), old, 0o600))
	one = newTwin(t, dir, 1)
	one.note(uid, "second")
	one.sync(two)
}

// TestStatesThatWereToldGoToTheOther: what one server told of a state holds on both, also
// where the two changed the object apart, and whichever change stays.
func TestStatesThatWereToldGoToTheOther(t *testing.T) {
	for n := range 8 {
		later, first, changes := n&1, n>>1&1, 1+n>>2 // who changes the object last, who sends first, and how often the second changes it
		dir := t.TempDir()
		w := [2]*twin{newTwin(t, dir, 1), newTwin(t, dir, 2)}
		defer w[0].store.Close()
		defer w[1].store.Close()
		now := int64(1e9)
		clock := func() time.Time { return time.Unix(now, 0) }
		w[0].clock, w[1].clock = clock, clock
		i := w[0].do(ownerA, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(
			kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 128), kmip.UsageOf(12),
			kmip.DateOf(kmip.AttrActivationDate, time.Unix(now-1, 0)), kmip.DateOf(kmip.AttrDeactivationDate, time.Unix(now+10, 0))))
		uid := *i.Payload.Find(kmip.TagUniqueIdentifier)
		state := func(k int) int64 {
			i := w[k].do(ownerA, kmip.OpGetAttributes, uid, ttlv.Text(kmip.TagAttributeName, kmip.AttrState))
			require.NoError(t, i.Err())
			a, err := kmip.ReadAttribute(&i.Payload.Items[1])
			require.NoError(t, err)
			return a.Value.Int
		}
		w[first].sync(w[1-first])
		require.Equal(t, int64(kmip.Active), state(1))

		for k := range 2 { // apart: the first tells that it is deactivated, before or after the second changes it
			if k == later {
				now -= 20
				for range changes {
					x := kmip.TextOf("x-A", "changed")
					require.NoError(t, w[1].do(ownerA, kmip.OpAddAttribute, uid, x.Item()).Err())
				}
				now += 20
				continue
			}
			now += 20
			require.Equal(t, int64(kmip.Deactivated), state(0))
			now -= 20
		}
		require.Equal(t, int64(kmip.Active), state(1), "the second does not know yet")
		w[first].sync(w[1-first])
		for k := range 2 {
			require.Equal(t, int64(kmip.Deactivated), state(k), "server %d, case %d", k, n)
		}
	}
}
