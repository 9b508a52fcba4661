package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// changedApart makes two servers with one object, and lets clients of each change it before they meet.
func changedApart(t *testing.T, change ...func(one, two *twin, uid ttlv.Item)) (w [2]*twin, uid ttlv.Item) {
	dir := t.TempDir()
	w = [2]*twin{newTwin(t, dir, 1), newTwin(t, dir, 2)}
	t.Cleanup(func() { _, _ = w[0].store.Close(), w[1].store.Close() })
	uid = ttlv.Text(kmip.TagUniqueIdentifier, w[0].create(kmip.NameOf("key")))
	w[0].sync(w[1])
	for _, f := range change {
		f(w[0], w[1], uid)
		w[0].sync(w[1])
	}
	return w, uid
}

// did requires that an operation is acknowledged.
func (w *twin) did(op kmip.Operation, fields ...ttlv.Item) {
	require.NoError(w.t, w.do(ownerA, op, fields...).Err())
}

func revocation(why kmip.RevocationReason) ttlv.Item {
	return ttlv.Struct(kmip.TagRevocationReason, ttlv.Enum(kmip.TagRevocationReasonCode, why))
}

func item(a kmip.Attribute) ttlv.Item { return a.Item() }

// TestBothChangedOneAttribute: what stays of two values that cannot both be.
func TestBothChangedOneAttribute(t *testing.T) {
	first, then := time.Unix(2e9, 0), time.Unix(3e9, 0)
	add := func(w *twin, uid ttlv.Item, a kmip.Attribute) { w.did(kmip.OpAddAttribute, uid, a.Item()) }
	for name, c := range map[string]struct {
		change func(one, two *twin, uid ttlv.Item)
		want   kmip.Attribute
	}{
		"the later value": {func(one, two *twin, uid ttlv.Item) {
			add(two, uid, kmip.TextOf(kmip.AttrContactInformation, "first"))
			one.note(uid.Text(), "a change more")
			add(one, uid, kmip.TextOf(kmip.AttrContactInformation, "second"))
		}, kmip.TextOf(kmip.AttrContactInformation, "second")},
		"a value before its removal": {func(one, two *twin, uid ttlv.Item) {
			add(one, uid, kmip.TextOf(kmip.AttrContactInformation, "first"))
			one.sync(two)
			one.did(kmip.OpModifyAttribute, uid, item(kmip.TextOf(kmip.AttrContactInformation, "second")))
			two.did(kmip.OpDeleteAttribute, uid, ttlv.Text(kmip.TagAttributeName, kmip.AttrContactInformation))
		}, kmip.TextOf(kmip.AttrContactInformation, "second")},
		"the earlier date of the life cycle": {func(one, two *twin, uid ttlv.Item) {
			add(two, uid, kmip.DateOf(kmip.AttrDeactivationDate, first))
			one.note(uid.Text(), "a change more")
			add(one, uid, kmip.DateOf(kmip.AttrDeactivationDate, then))
		}, kmip.DateOf(kmip.AttrDeactivationDate, first)},
		"compromise before another reason": {func(one, two *twin, uid ttlv.Item) {
			one.did(kmip.OpActivate, uid)
			one.sync(two)
			two.did(kmip.OpRevoke, uid, revocation(kmip.RevokedKeyCompromise))
			one.note(uid.Text(), "a change more")
			one.did(kmip.OpRevoke, uid, revocation(kmip.RevokedCessationOfOperation))
		}, kmip.Attribute{Name: kmip.AttrRevocationReason, Value: ttlv.Struct(kmip.TagAttributeValue, ttlv.Enum(kmip.TagRevocationReasonCode, kmip.RevokedKeyCompromise))}},
		"destroyed, and compromised": {func(one, two *twin, uid ttlv.Item) {
			one.did(kmip.OpDestroy, uid)
			two.did(kmip.OpRevoke, uid, revocation(kmip.RevokedKeyCompromise))
		}, kmip.EnumOf(kmip.AttrState, kmip.DestroyedCompromised)},
		"activated, although a date was set": {func(one, two *twin, uid ttlv.Item) {
			one.did(kmip.OpActivate, uid)
			one.note(uid.Text(), "a change more")
			add(two, uid, kmip.DateOf(kmip.AttrActivationDate, then))
		}, kmip.EnumOf(kmip.AttrState, kmip.Active)},
		"what keeps a key inside": {func(one, two *twin, uid ttlv.Item) {
			two.did(kmip.OpModifyAttribute, uid, item(kmip.BoolOf(kmip.AttrExtractable, false)))
			one.note(uid.Text(), "a change more")
			one.did(kmip.OpModifyAttribute, uid, item(kmip.BoolOf(kmip.AttrExtractable, true)))
		}, kmip.BoolOf(kmip.AttrExtractable, false)},
	} {
		t.Run(name, func(t *testing.T) {
			w, uid := changedApart(t, c.change)
			for n := range w {
				got := w[n].values(uid, c.want.Name)
				require.Len(t, got, 1)
				require.True(t, same(&got[0].Value, &c.want.Value), "server %d: %v", n, got[0].Value)
			}
		})
	}
}

// TestBothAddedValues: each stays, a name that both gave once, and no index is given twice.
func TestBothAddedValues(t *testing.T) {
	w, uid := changedApart(t, func(one, two *twin, uid ttlv.Item) {
		for n, side := range []*twin{one, two} {
			side.note(uid.Text(), fmt.Sprint("by ", n))
			side.did(kmip.OpAddAttribute, uid, item(kmip.NameOf("alias")))
		}
	})
	for n := range w {
		require.Equal(t, []string{"key 0", "alias 1"}, numbered(w[n], uid, kmip.AttrName), "server %d", n)
		// Which came first is decided by the servers' numbers, since neither knew of the other.
		notes := numbered(w[n], uid, "x-note")
		require.Contains(t, [][]string{{"by 0 0", "by 1 1"}, {"by 1 0", "by 0 1"}}, notes, "server %d", n)
		require.Equal(t, numbered(w[0], uid, "x-note"), notes, "both say the same")
		w[n].did(kmip.OpAddAttribute, uid, item(kmip.NameOf(fmt.Sprint("one more ", n))))
	}
}

// numbered is the values of an attribute of an object, each with its index.
func numbered(at *twin, uid ttlv.Item, name string) (out []string) {
	for _, a := range at.values(uid, name) {
		text := a.Value.Text()
		if name == kmip.AttrName {
			text = a.Value.Find(kmip.TagNameValue).Text()
		}
		out = append(out, fmt.Sprint(text, " ", a.Index))
	}
	return out
}

// TestWhatIsOwedGoesBack: whoever merges two changes first owes the other the whole.
func TestWhatIsOwedGoesBack(t *testing.T) {
	w, uid := changedApart(t)
	w[0].note(uid.Text(), "one")
	w[1].compare(w[0])
	w[0].compare(w[1])
	w[1].queue = nil
	w[1].note(uid.Text(), "two")
	w[0].share(w[1])
	require.Equal(t, []string{uid.Text()}, w[1].queue)
	w[1].share(w[0])
	require.Empty(t, w[0].queue, "it has nothing that the other has not seen")
	require.Len(t, w[0].values(uid, "x-note"), 2)
}

// TestDatesOutOfOrder: each server has set one of two dates, and together they are out of order. The
// object can be changed all the same, and the dates put right.
func TestDatesOutOfOrder(t *testing.T) {
	w, uid := changedApart(t, func(one, two *twin, uid ttlv.Item) {
		one.did(kmip.OpAddAttribute, uid, item(kmip.DateOf(kmip.AttrActivationDate, time.Unix(3e9, 0))))
		two.did(kmip.OpAddAttribute, uid, item(kmip.DateOf(kmip.AttrDeactivationDate, time.Unix(2e9, 0))))
	})
	w[0].note(uid.Text(), "changed")
	require.Error(t, w[0].do(ownerA, kmip.OpModifyAttribute, uid, item(kmip.DateOf(kmip.AttrActivationDate, time.Unix(4e9, 0)))).Err())
	w[0].did(kmip.OpModifyAttribute, uid, item(kmip.DateOf(kmip.AttrDeactivationDate, time.Unix(4e9, 0))))
}

// TestFilledApart: clients of both servers filled an object. It goes over, takes no more, and its life
// cycle goes on.
func TestFilledApart(t *testing.T) {
	w, uid := changedApart(t, func(one, two *twin, uid ttlv.Item) {
		for n, side := range []*twin{one, two} {
			for k := range 5 {
				side.note(uid.Text(), fmt.Sprint(n, k, strings.Repeat("x", 200<<10)))
			}
		}
	})
	require.Len(t, decoded(t, w[0].store)[uid.Text()].all("x-note"), 10)
	require.ErrorContains(t, w[0].do(ownerA, kmip.OpAddAttribute, uid, item(kmip.TextOf("x-note", "more"))).Err(), "more than 1048576")
	w[0].did(kmip.OpDeleteAttribute, uid, ttlv.Text(kmip.TagAttributeName, "x-note"))
	w[1].did(kmip.OpDestroy, uid)
	w[0].sync(w[1])
}

// TestRecordsWithoutStamps: in a database from before stamps a record has one version. The later one
// stays, as the servers did then, and what was changed since stays too. Its life cycle does not go
// back.
func TestRecordsWithoutStamps(t *testing.T) {
	w, uid := changedApart(t)
	older := func(side *twin, change func(o *object)) {
		require.NoError(t, side.store.db.Update(func(tx *bbolt.Tx) error {
			o, err := decode(&ttlv.Decoder{}, bytes.Clone(tx.Bucket(bucketObjects).Get([]byte(uid.Text()))))
			if err != nil {
				return err
			}
			before := copied(o)
			change(o)
			o.stamps, o.seen = nil, nil
			return (&txn{Store: side.store, tx: tx, owner: o.owner}).write(o, before)
		}))
	}
	text := func(o *object, s string) { require.NoError(t, o.add(kmip.TextOf("x-note", s))) }
	older(w[0], func(o *object) {
		o.base = version{100, serverID{1}}
		text(o, "at one")
		o.set(kmip.DateOf(kmip.AttrCompromiseDate, time.Unix(5, 0)))
	})
	older(w[1], func(o *object) {
		o.base = version{1000, serverID{2}}
		text(o, "at two")
		text(o, "once more")
	})
	w[0].note(uid.Text(), "since")
	w[0].sync(w[1])
	for n := range w {
		var got []string
		for _, a := range w[n].values(uid, "x-note") {
			got = append(got, fmt.Sprint(a.Value.Text(), " ", a.Index))
		}
		require.ElementsMatch(t, []string{"at two 0", "once more 1", "since 2"}, got, "server %d", n)
		require.Equal(t, int64(kmip.Compromised), w[n].values(uid, kmip.AttrState)[0].Value.Int)
	}
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
