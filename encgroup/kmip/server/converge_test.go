package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// twins are two servers, each other's peer, with what was acknowledged to their clients.
type twins struct {
	dir    string
	w      [2]*twin
	copied [2][]byte      // databases as they once were
	final  map[string]int // uid -> the most final that was acknowledged
	uids   []string
	active map[string]bool // uid -> that it was activated was acknowledged

	backups bool // databases are put back: what was acknowledged may be gone
	notes   map[string]*written
	contact map[string]*written
	n       int
}

// written are the values of an attribute that were acknowledged, and those that a client, who could
// see them, has removed or replaced.
type written struct{ given, gone map[string]bool }

func (w *written) give(text string) { w.given[text] = true }

func (w *written) left() (out []string) {
	for text := range w.given {
		if !w.gone[text] {
			out = append(out, text)
		}
	}
	return out
}

// of is what was written of an object.
func of(all map[string]*written, uid string) *written {
	if all[uid] == nil {
		all[uid] = &written{map[string]bool{}, map[string]bool{}}
	}
	return all[uid]
}

// final orders what cannot be taken back.
func final(o *object) int {
	switch {
	case o.gone():
		return 3
	case o.get(kmip.AttrCompromiseDate) != nil:
		return 2
	case o.get(kmip.AttrRevocationReason) != nil:
		return 1
	}
	return 0
}

// TestTwinsConverge: whatever clients do on both, and whatever is lost between them, in the end
// both have the same, nothing final was undone, and no object is lost. If no database was put back,
// the notes are exactly those that were acknowledged and not removed, and of the values of an
// attribute that has one none stays that a client replaced.
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
		w := &twins{dir: dir, w: [2]*twin{newTwin(t, dir, 1), newTwin(t, dir, 2)}, final: map[string]int{}, active: map[string]bool{}, backups: rapid.Bool().Draw(t, "backups"), notes: map[string]*written{}, contact: map[string]*written{}}
		defer func() { _ = w.w[0].store.Close(); _ = w.w[1].store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"create":     w.create,
			"rekey":      w.about(w.rekey),
			"note":       w.here(w.addNote),
			"replace":    w.here(w.replaceNote),
			"remove":     w.here(w.removeNote),
			"contact":    w.here(w.setContact),
			"add":        w.about(addAttribute),
			"delete":     w.about(deleteAttribute),
			"activate":   w.about(func(_ *rapid.T, at *twin, uid ttlv.Item) { w.activated(at.do(ownerA, kmip.OpActivate, uid), uid) }),
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

// rekey makes a key that has the notes of another.
func (w *twins) rekey(_ *rapid.T, at *twin, uid ttlv.Item) {
	i := at.do(ownerA, kmip.OpRekey, uid)
	if w.made(i); i.Err() != nil {
		return
	}
	next := w.uids[len(w.uids)-1]
	for name, all := range map[string]map[string]*written{"x-note": w.notes, kmip.AttrContactInformation: w.contact} {
		for _, a := range at.values(ttlv.Text(kmip.TagUniqueIdentifier, next), name) {
			of(all, next).give(a.Value.Text())
		}
	}
}

// reached notes how final an object is, if that was acknowledged.
func (w *twins) reached(i *kmip.ResponseItem, uid ttlv.Item, f int) {
	if i.Err() == nil {
		w.final[uid.Text()] = max(w.final[uid.Text()], f)
	}
}

func (w *twins) activated(i *kmip.ResponseItem, uid ttlv.Item) {
	if i.Err() == nil {
		w.active[uid.Text()] = true
	}
}

// values are the values of an attribute as a client reads them.
func (w *twin) values(uid ttlv.Item, name string) (out []kmip.Attribute) {
	i := w.do(ownerA, kmip.OpGetAttributes, uid, ttlv.Text(kmip.TagAttributeName, name))
	require.NoError(w.t, i.Err())
	for n := range i.Payload.Items[1:] {
		a, err := kmip.ReadAttribute(&i.Payload.Items[n+1])
		require.NoError(w.t, err)
		out = append(out, a)
	}
	return out
}

func (w *twins) text() string {
	w.n++
	return fmt.Sprint("text ", w.n)
}

func (w *twins) addNote(_ *rapid.T, at *twin, uid ttlv.Item) {
	a := kmip.TextOf("x-note", w.text())
	require.NoError(w.w[0].t, at.do(ownerA, kmip.OpAddAttribute, uid, a.Item()).Err())
	of(w.notes, uid.Text()).give(a.Value.Text())
}

// someNote is one of the notes of an object.
func (w *twins) someNote(t *rapid.T, at *twin, uid ttlv.Item) kmip.Attribute {
	all := at.values(uid, "x-note")
	if len(all) == 0 {
		t.Skip("there is no note")
	}
	return rapid.SampledFrom(all).Draw(t, "note")
}

func (w *twins) replaceNote(t *rapid.T, at *twin, uid ttlv.Item) {
	a := w.someNote(t, at, uid)
	of(w.notes, uid.Text()).gone[a.Value.Text()] = true
	a.Value = ttlv.Text(kmip.TagAttributeValue, w.text())
	require.NoError(t, at.do(ownerA, kmip.OpModifyAttribute, uid, a.Item()).Err())
	of(w.notes, uid.Text()).give(a.Value.Text())
}

func (w *twins) removeNote(t *rapid.T, at *twin, uid ttlv.Item) {
	a := w.someNote(t, at, uid)
	require.NoError(t, at.do(ownerA, kmip.OpDeleteAttribute, uid, ttlv.Text(kmip.TagAttributeName, a.Name), ttlv.Int(kmip.TagAttributeIndex, a.Index)).Err())
	of(w.notes, uid.Text()).gone[a.Value.Text()] = true
}

func (w *twins) setContact(t *rapid.T, at *twin, uid ttlv.Item) {
	op, a := kmip.OpAddAttribute, kmip.TextOf(kmip.AttrContactInformation, w.text())
	for _, have := range at.values(uid, a.Name) {
		op = kmip.OpModifyAttribute
		of(w.contact, uid.Text()).gone[have.Value.Text()] = true
	}
	require.NoError(t, at.do(ownerA, op, uid, a.Item()).Err())
	of(w.contact, uid.Text()).give(a.Value.Text())
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

// here is an action on an object that the side has.
func (w *twins) here(f func(t *rapid.T, at *twin, uid ttlv.Item)) func(*rapid.T) {
	return w.about(func(t *rapid.T, at *twin, uid ttlv.Item) {
		if at.do(ownerA, kmip.OpGetAttributeList, uid).Err() != nil {
			t.Skip("it is on the other only")
		}
		f(t, at, uid)
	})
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
	if w.copied[n] == nil || !w.backups {
		t.Skip("there is no copy, or none is put back")
	}
	require.NoError(t, w.w[n].store.Close())
	require.NoError(t, os.WriteFile(w.database(n), w.copied[n], 0o600))
	w.w[n] = newTwin(t, w.dir, byte(n+1))
	w.w[1-n].queue = nil
	// What neither has any more was on one server only.
	w.uids = nil
	clear(w.final)
	clear(w.active)
	for k := range w.w {
		for uid, o := range decoded(t, w.w[k].store) {
			if _, twice := w.final[uid]; !twice {
				w.uids = append(w.uids, uid)
			}
			w.final[uid] = max(w.final[uid], final(o))
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
		require.GreaterOrEqual(t, final(o), f, "what cannot be taken back was not")
		require.Equal(t, o.gone(), len(o.sealed) == 0, "a key is there until it is destroyed")
		require.True(t, o.reached >= kmip.Active || !w.active[uid], "what was activated stays so")
		if w.backups {
			continue
		}
		var notes []string
		for _, i := range o.all("x-note") {
			notes = append(notes, i.Text())
		}
		require.ElementsMatch(t, of(w.notes, uid).left(), notes, "the notes are those that were acknowledged")
		if left := of(w.contact, uid).left(); len(left) > 0 {
			require.Contains(t, left, o.get(kmip.AttrContactInformation).Text(), "no value stays that was replaced")
		}
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
