package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// The owners of the objects of these tests, and who the peer is.
var (
	ownerA, ownerB = identity{1}, identity{2}
	peerOwner      = identity{9}
)

// twin is one of two servers without a network between them.
type twin struct {
	*engine
	t  require.TestingT
	no byte
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
	l := &link{who: peerOwner, wake: make(chan struct{}, 1), progress: make(chan struct{}), log: slog.New(slog.DiscardHandler)} // apart: nothing waits for it
	return &twin{&engine{store: s, link: l, clock: func() time.Time { return time.Unix(1e9, 0) }, maxResponse: 1 << 20}, t, no}
}

func (w *twin) do(owner identity, op kmip.Operation, fields ...ttlv.Item) *kmip.ResponseItem {
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}}
	out, trouble := w.handle(owner, q.Encode(nil), nil)
	require.NoError(w.t, trouble)
	p, err := kmip.ParseResponse(out, ttlv.Limits{})
	require.NoError(w.t, err)
	return &p.Items[0]
}

// share carries one share to the other, which may not get it, and the answer back, which
// may be lost.
func (w *twin) share(to *twin, arrives, answered bool) (more bool) {
	s, err := w.store.owed(nil)
	require.NoError(w.t, err)
	require.Empty(w.t, s.bad)
	if !arrives || len(s.keys) == 0 {
		return len(s.keys) > 0
	}
	i := to.do(peerOwner, opReplicate, w.store.tell(s.records...)...)
	require.NoError(w.t, i.Err())
	if answered {
		require.NoError(w.t, w.store.settle(s, nil))
	}
	return true
}

// meet tells whether everything is owed again.
func (w *twin) meet(other *twin) (again bool) {
	hello := func(more ...ttlv.Item) answer {
		i := other.do(peerOwner, opReplicate, w.store.tell(more...)...)
		require.NoError(w.t, i.Err())
		a, err := readAnswer(i.Payload)
		require.NoError(w.t, err)
		return a
	}
	again, next, err := w.store.meet(hello())
	require.NoError(w.t, err)
	hello(next.item())
	require.NoError(w.t, w.store.confirmed(next))
	return again
}

// twins are two servers, each other's peer, with what was acknowledged to their clients.
type twins struct {
	dir    string
	w      [2]*twin
	met    bool
	copied [2][]byte      // databases as they once were
	final  map[string]int // uid -> the most final that was acknowledged
	uids   []string
}

// TestTwinsConverge: whatever clients do on both, and whatever is lost between them, when
// all is carried over both have the same, no change that cannot be taken back was, and
// no object is lost.
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
			"meet":       func(*rapid.T) { w.meet() },
			"copy":       w.copyDatabase,
			"put back":   w.putBack,
			"share":      w.share,
		})
		w.meet()
		for w.w[0].share(w.w[1], true, true) || w.w[1].share(w.w[0], true, true) {
		}
		w.converged(t)
	})
}

func (w *twins) database(n int) string { return filepath.Join(w.dir, fmt.Sprint(n+1)) }

func (w *twins) meet() {
	w.w[0].meet(w.w[1])
	w.w[1].meet(w.w[0])
	w.met = true
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
	w.met = false
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
	w.met = false
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

func (w *twins) share(t *rapid.T) {
	if !w.met {
		w.meet()
	}
	from, to := w.side(t)
	from.share(to, rapid.Bool().Draw(t, "arrives"), rapid.Bool().Draw(t, "answered"))
}

// converged checks both when all was carried over.
func (w *twins) converged(t *rapid.T) {
	one, err := Dump(w.w[0].store)
	require.NoError(t, err)
	two, err := Dump(w.w[1].store)
	require.NoError(t, err)
	require.Equal(t, one, two, "both have the same")
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
	one.meet(two)
	shares := 0
	for ; Owed(one.store) > 0; shares++ {
		s, err := one.store.owed(nil)
		require.NoError(t, err)
		p := ttlv.Struct(kmip.TagRequestPayload, one.store.tell(s.records...)...)
		require.Less(t, p.Size(), peerMax-1024, "a share fits into a message")
		one.share(two, true, true)
	}
	require.Greater(t, shares, 150/shareRecords, "there are several")
	a, err := Dump(one.store)
	require.NoError(t, err)
	b, err := Dump(two.store)
	require.NoError(t, err)
	require.Equal(t, len(a), len(b))
	require.True(t, fmt.Sprint(a) == fmt.Sprint(b), "both have the same")
}

// TestOnlyThePeerReplicates: a client cannot, and a peer cannot give away what is
// another's, nor be a copy.
func TestOnlyThePeerReplicates(t *testing.T) {
	dir := t.TempDir()
	one, two := newTwin(t, dir, 1), newTwin(t, dir, 2)
	defer one.store.Close()
	defer two.store.Close()
	i := one.do(ownerA, opReplicate, two.store.tell()...)
	require.ErrorIs(t, i.Err(), &kmip.Failure{Reason: kmip.OperationNotSupported}, "a client is no peer")
	i = one.do(peerOwner, opReplicate, one.store.tell()...)
	require.ErrorContains(t, i.Err(), "own database, or a copy")
	i = one.do(peerOwner, opReplicate, ttlv.Bytes(tagServer, []byte("short")))
	require.ErrorIs(t, i.Err(), &kmip.Failure{Reason: kmip.InvalidField})

	require.NoError(t, one.do(ownerA, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 128), kmip.UsageOf(12))).Err())
	one.meet(two)
	s, err := one.store.owed(nil)
	require.NoError(t, err)
	o, err := readRecord(&s.records[0])
	require.NoError(t, err)
	one.share(two, true, false)
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
		i := two.do(peerOwner, opReplicate, one.store.tell(x.record())...)
		require.NoError(t, i.Err(), name)
		a, err := readAnswer(i.Payload)
		require.NoError(t, err)
		require.Len(t, a.refused, 1, "%s: the peer is told", name)
		require.Equal(t, x.uid, a.refused[0].uid)
		after, err := Dump(two.store)
		require.NoError(t, err)
		require.Equal(t, before, after, "%s: nothing was changed", name)
	}
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
		sync := func() {
			one, two := w[first], w[1-first]
			for one.share(two, true, true) || two.share(one, true, true) {
			}
		}
		w[0].meet(w[1])
		w[1].meet(w[0])
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
		sync()
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
		sync()
		for k := range 2 {
			require.Equal(t, int64(kmip.Deactivated), state(k), "server %d, case %d", k, n)
		}
		one, err := Dump(w[0].store)
		require.NoError(t, err)
		two, err := Dump(w[1].store)
		require.NoError(t, err)
		require.Equal(t, one, two)
	}
}
