package server

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// thing is what the model knows of an object.
type thing struct {
	uid           string
	owner         identity
	names, groups []string
	active, gone  bool
	key           []byte
}

// model is a dumb picture of a server: a list.
type model struct {
	things []*thing
}

func (m *model) named(o identity, name string) *thing {
	for _, x := range m.things {
		if x.owner == o && !x.gone && slices.Contains(x.names, name) {
			return x
		}
	}
	return nil
}

// modelRun is one run of random operations on a server and on its model.
type modelRun struct {
	rt    *rapid.T
	b     *bench
	model model
}

var (
	modelNames  = []string{"a", "b", "c"}
	modelGroups = []string{"g", "h"}
)

// TestServerIsAsTheModel does random operations of two clients, some of them in
// batches that are undone, and compares what can be found and got with a list.
func TestServerIsAsTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &modelRun{rt: rt, b: newBench(t)}
		r.b.store.db.NoSync = true // a thousand stores are made here
		defer r.b.store.Close()
		rt.Repeat(map[string]func(*rapid.T){
			"register":    r.register,
			"add name":    r.addName,
			"delete name": r.deleteName,
			"activate":    r.activate,
			"destroy":     r.destroy,
			"re-key":      r.rekey,
			"":            func(rt *rapid.T) { r.model.compare(rt, r.b, modelNames, modelGroups) },
		})
	})
}

// do is one operation alone, or behind another in a batch that fails and is undone.
func (r *modelRun) do(o identity, op kmip.Operation, fields ...ttlv.Item) (i kmip.ResponseItem, undone bool) {
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}}
	if rapid.IntRange(0, 4).Draw(r.rt, "undo") == 0 {
		q.Continuation = kmip.Undo
		q.Items[0].ID = []byte{1}
		q.Items = append(q.Items, kmip.RequestItem{Op: kmip.OpGet, ID: []byte{2}, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, "none"))})
	}
	out, trouble := r.b.handle(o, q.Encode(nil), nil)
	require.NoError(r.rt, trouble)
	p, err := kmip.ParseResponse(out, ttlv.Limits{})
	require.NoError(r.rt, err)
	return p.Items[0], p.Items[0].Status == kmip.OperationUndone
}

// pick is some object; nil if there is none yet.
func (r *modelRun) pick() *thing {
	if len(r.model.things) == 0 {
		return nil
	}
	return rapid.SampledFrom(r.model.things).Draw(r.rt, "object")
}

func (r *modelRun) name() string { return rapid.SampledFrom(modelNames).Draw(r.rt, "name") }

func uidOf(x *thing) ttlv.Item { return ttlv.Text(kmip.TagUniqueIdentifier, x.uid) }

func (r *modelRun) register(rt *rapid.T) {
	x := &thing{owner: identity{byte(rapid.IntRange(1, 2).Draw(rt, "client"))}, names: []string{r.name()}, key: bytes.Repeat([]byte{byte(len(r.model.things) + 1)}, 32)}
	attrs := []kmip.Attribute{kmip.NameOf(x.names[0])}
	if rapid.Bool().Draw(rt, "grouped") {
		x.groups = []string{rapid.SampledFrom(modelGroups).Draw(rt, "group")}
		attrs = append(attrs, kmip.TextOf(kmip.AttrObjectGroup, x.groups[0]))
	}
	k := kmip.Object{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: 256, Material: x.key}
	i, undone := r.do(x.owner, kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, k.Type), kmip.TemplateOf(attrs...), k.Item())
	if r.model.named(x.owner, x.names[0]) != nil {
		require.Equal(rt, kmip.InvalidField, i.Reason, "the name is taken")
	} else if !undone {
		require.NoError(rt, i.Err())
		x.uid = i.Payload.Find(kmip.TagUniqueIdentifier).Text()
		r.model.things = append(r.model.things, x)
	}
}

func (r *modelRun) addName(rt *rapid.T) {
	x, n := r.pick(), r.name()
	if x == nil {
		return
	}
	a := kmip.NameOf(n)
	i, undone := r.do(x.owner, kmip.OpAddAttribute, uidOf(x), a.Item())
	if y := r.model.named(x.owner, n); y != nil && !x.gone {
		require.Equal(rt, kmip.IllegalOperation, i.Reason, "the name is taken")
	} else if !undone {
		require.NoError(rt, i.Err())
		x.names = append(x.names, n)
	}
}

func (r *modelRun) deleteName(rt *rapid.T) {
	x := r.pick()
	if x == nil {
		return
	}
	i, undone := r.do(x.owner, kmip.OpGetAttributes, uidOf(x), ttlv.Text(kmip.TagAttributeName, kmip.AttrName))
	if undone || len(i.Payload.Items) < 2 {
		return
	}
	first, err := kmip.ReadAttribute(&i.Payload.Items[1])
	require.NoError(rt, err)
	_, undone = r.do(x.owner, kmip.OpDeleteAttribute, uidOf(x), ttlv.Text(kmip.TagAttributeName, kmip.AttrName), ttlv.Int(kmip.TagAttributeIndex, first.Index))
	if !undone {
		n := slices.Index(x.names, first.Value.Find(kmip.TagNameValue).Text())
		x.names = slices.Delete(slices.Clone(x.names), n, n+1)
	}
}

func (r *modelRun) activate(rt *rapid.T) {
	if x := r.pick(); x != nil {
		i, undone := r.do(x.owner, kmip.OpActivate, uidOf(x))
		require.Equal(rt, x.active || x.gone, i.Status == kmip.OperationFailed)
		x.active = x.active || !undone && i.Status == kmip.Success
	}
}

func (r *modelRun) destroy(rt *rapid.T) {
	if x := r.pick(); x != nil {
		i, undone := r.do(x.owner, kmip.OpDestroy, uidOf(x))
		require.Equal(rt, x.active || x.gone, i.Status == kmip.OperationFailed)
		x.gone = x.gone || !undone && i.Status == kmip.Success
	}
}

func (r *modelRun) rekey(rt *rapid.T) {
	x := r.pick()
	if x == nil || x.gone {
		return
	}
	i, undone := r.do(x.owner, kmip.OpRekey, uidOf(x))
	if undone || i.Status != kmip.Success {
		return
	}
	y := &thing{uid: i.Payload.Find(kmip.TagUniqueIdentifier).Text(), owner: x.owner, names: x.names, groups: x.groups, active: x.active}
	x.names = nil
	r.model.things = append(r.model.things, y)
}

// compare looks for everything by everything.
func (m *model) compare(t *rapid.T, b *bench, names, groups []string) {
	ask := func(o identity, op kmip.Operation, fields ...ttlv.Item) kmip.ResponseItem {
		q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}}
		out, trouble := b.handle(o, q.Encode(nil), nil)
		require.NoError(t, trouble)
		p, err := kmip.ParseResponse(out, ttlv.Limits{})
		require.NoError(t, err)
		return p.Items[0]
	}
	locate := func(o identity, a ...kmip.Attribute) (out []string) {
		var fields []ttlv.Item
		for n := range a {
			fields = append(fields, a[n].Item())
		}
		i := ask(o, kmip.OpLocate, fields...)
		require.NoError(t, i.Err())
		for _, f := range i.Payload.Items {
			if f.Tag == kmip.TagUniqueIdentifier {
				out = append(out, f.Text())
			}
		}
		return out
	}
	want := func(o identity, is func(*thing) bool) (out []string) {
		for _, x := range slices.Backward(m.things) {
			if x.owner == o && !x.gone && is(x) {
				out = append(out, x.uid)
			}
		}
		return out
	}
	for _, o := range []identity{{1}, {2}} {
		all := want(o, func(*thing) bool { return true })
		require.Equal(t, all, locate(o), "all that the client has")
		some := ask(o, kmip.OpLocate, ttlv.Int(kmip.TagMaximumItems, 2), ttlv.Int(kmip.TagOffsetItems, 1))
		require.NoError(t, some.Err())
		require.Equal(t, int64(len(all)), some.Payload.Find(kmip.TagLocatedItems).Int, "Located Items counts what is not asked for as well")
		require.Len(t, some.Payload.Items, 1+min(2, max(0, len(all)-1)))
		for _, n := range names {
			require.Equal(t, want(o, func(x *thing) bool { return slices.Contains(x.names, n) }), locate(o, kmip.NameOf(n)), "named %s", n)
		}
		for _, g := range groups {
			require.Equal(t, want(o, func(x *thing) bool { return slices.Contains(x.groups, g) }), locate(o, kmip.TextOf(kmip.AttrObjectGroup, g)), "in group %s", g)
		}
		for _, x := range m.things {
			i := ask(o, kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, x.uid))
			switch {
			case x.owner != o:
				require.Equal(t, kmip.ItemNotFound, i.Reason, "another's")
			case x.gone:
				require.Equal(t, kmip.IllegalOperation, i.Reason, "destroyed")
			default:
				require.NoError(t, i.Err())
				got, err := kmip.ReadObject(ttlv.Read(&ttlv.Item{Type: ttlv.Structure, Items: i.Payload.Items[2:]}), kmip.SymmetricKey)
				require.NoError(t, err)
				if x.key == nil { // made by the server: it stays what it was first seen as
					x.key = bytes.Clone(got.Material)
				}
				require.Equal(t, fmt.Sprintf("%x", x.key), fmt.Sprintf("%x", got.Material))
			}
		}
	}
}
