package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

func makeKey(name string) kmip.RequestItem {
	return kmip.RequestItem{Op: kmip.OpCreate, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(aes(kmip.NameOf(name))...))}
}

func getKey(uid string) kmip.RequestItem {
	i := kmip.RequestItem{Op: kmip.OpGet, Payload: ttlv.Struct(0)}
	if uid != "" {
		i.Payload.Add(ttlv.Text(kmip.TagUniqueIdentifier, uid))
	}
	return i
}

func statuses(p *kmip.Response) (out []kmip.Status) {
	for _, i := range p.Items {
		out = append(out, i.Status)
	}
	return out
}

// TestBatchesOnFailure: a batch of which the second operation fails, with each
// of the options (KMIP 1.4, section 6.13).
func TestBatchesOnFailure(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  kmip.Continuation
		want []kmip.Status
		kept []string
	}{
		{"stop is the default", 0, []kmip.Status{kmip.Success, kmip.OperationFailed}, []string{"one"}},
		{"stop", kmip.Stop, []kmip.Status{kmip.Success, kmip.OperationFailed}, []string{"one"}},
		{"continue", kmip.Continue, []kmip.Status{kmip.Success, kmip.OperationFailed, kmip.Success}, []string{"one", "three"}},
		{"undo", kmip.Undo, []kmip.Status{kmip.OperationUndone, kmip.OperationFailed}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newRig(t).client("a")
			p, err := k.Do(&kmip.Request{Continuation: c.opt, Items: []kmip.RequestItem{makeKey("one"), getKey("nonsense"), makeKey("three")}})
			require.NoError(t, err)
			require.Equal(t, c.want, statuses(p))
			for _, name := range []string{"one", "three"} {
				found, err := k.Locate(0, kmip.NameOf(name))
				require.NoError(t, err)
				require.Equal(t, contains(c.kept, name), len(found) == 1, "%s: what was answered with success, and only that, is kept", name)
			}
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestUndoUndoesChanges: not only what was made goes, what was changed is as before.
func TestUndoUndoesChanges(t *testing.T) {
	k := newRig(t).client("a")
	uid, err := k.Create(aes(kmip.NameOf("n"))...)
	require.NoError(t, err)
	target := func(op kmip.Operation) kmip.RequestItem {
		return kmip.RequestItem{Op: op, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, uid))}
	}
	p, err := k.Do(&kmip.Request{Continuation: kmip.Undo, Items: []kmip.RequestItem{target(kmip.OpDestroy), target(kmip.OpActivate)}})
	require.NoError(t, err)
	require.Equal(t, []kmip.Status{kmip.OperationUndone, kmip.OperationFailed}, statuses(p))
	o, err := k.Get(uid)
	require.NoError(t, err, "it is not destroyed")
	require.Len(t, o.Material, 32)
}

func TestIDPlaceholder(t *testing.T) {
	k := newRig(t).client("a")
	target := func(op kmip.Operation) kmip.RequestItem { return kmip.RequestItem{Op: op, Payload: ttlv.Struct(0)} }
	p, err := k.Do(&kmip.Request{Items: []kmip.RequestItem{makeKey("one"), target(kmip.OpActivate), getKey("")}})
	require.NoError(t, err)
	require.Equal(t, []kmip.Status{kmip.Success, kmip.Success, kmip.Success}, statuses(p), "made, activated and got without its name being said")
	uid := p.Items[0].Payload.Find(kmip.TagUniqueIdentifier).Text()
	require.Equal(t, uid, p.Items[2].Payload.Find(kmip.TagUniqueIdentifier).Text())

	name := kmip.NameOf("one")
	locate := kmip.RequestItem{Op: kmip.OpLocate, Payload: ttlv.Struct(0, name.Item())}
	p, err = k.Do(&kmip.Request{Items: []kmip.RequestItem{locate, getKey("")}})
	require.NoError(t, err)
	require.Equal(t, []kmip.Status{kmip.Success, kmip.Success}, statuses(p), "Locate of one object sets it")

	_, err = k.Create(aes(kmip.NameOf("two"))...)
	require.NoError(t, err)
	all := kmip.RequestItem{Op: kmip.OpLocate, Payload: ttlv.Struct(0)}
	p, err = k.Do(&kmip.Request{Continuation: kmip.Continue, Items: []kmip.RequestItem{makeKey("three"), all, getKey("")}})
	require.NoError(t, err)
	require.Equal(t, kmip.OperationFailed, p.Items[2].Status, "Locate of several empties it")
	refused(t, kmip.ItemNotFound, p.Items[2].Err())
	_, err = k.Get("")
	refused(t, kmip.ItemNotFound, err, "and a new batch begins with none")
}

// TestTooLargeAnswerChangesNothing: the client could not be told that it was done.
func TestTooLargeAnswerChangesNothing(t *testing.T) {
	k := newRig(t).client("a")
	one := makeKey("one")
	one.ID = []byte("seven")
	p, err := k.Do(&kmip.Request{MaxResponse: 100, Items: []kmip.RequestItem{one}})
	require.NoError(t, err)
	refused(t, kmip.ResponseTooLarge, p.Items[0].Err())
	require.Equal(t, kmip.OpCreate, p.Items[0].Op, "the answer says which operation")
	require.Equal(t, []byte("seven"), p.Items[0].ID, "and which item of the batch")
	found, err := k.Locate(0)
	require.NoError(t, err)
	require.Empty(t, found, "no key was made that nobody knows of")
	_, err = k.Do(&kmip.Request{MaxResponse: 1000, Items: []kmip.RequestItem{makeKey("one")}})
	require.NoError(t, err)
	uid, err := k.Create(aes()...)
	require.NoError(t, err)
	p, err = k.Do(&kmip.Request{MaxResponse: 400, Continuation: kmip.Continue, Items: []kmip.RequestItem{makeKey("two"), getKey(uid), getKey("nonsense")}})
	require.NoError(t, err)
	require.Len(t, p.Items, 3, "each item of a batch is answered")
	for n, op := range []kmip.Operation{kmip.OpCreate, kmip.OpGet, kmip.OpGet} {
		refused(t, kmip.ResponseTooLarge, p.Items[n].Err(), "nothing of the batch was done")
		require.Equal(t, op, p.Items[n].Op)
	}
}

// TestMessagesThatAreRefused: with the reasons of KMIP 1.4, section 11.1.
func TestMessagesThatAreRefused(t *testing.T) {
	r := newRig(t)
	query := func(fields ...ttlv.Item) kmip.RequestItem {
		return kmip.RequestItem{Op: kmip.OpQuery, Payload: ttlv.Struct(0, fields...)}
	}
	for _, c := range []struct {
		name string
		want kmip.Reason
		q    kmip.Request
	}{
		{"a version that is not spoken", kmip.InvalidMessage, kmip.Request{Version: kmip.Version{Major: 2}, Items: []kmip.RequestItem{query()}}},
		{"an empty batch", kmip.InvalidMessage, kmip.Request{}},
		{"a negative response size", kmip.InvalidField, kmip.Request{MaxResponse: -1, Items: []kmip.RequestItem{query()}}},
		{"an unknown continuation option", kmip.InvalidField, kmip.Request{Continuation: 7, Items: []kmip.RequestItem{query()}}},
		{"a batch that is too long", kmip.InvalidMessage, kmip.Request{Items: make([]kmip.RequestItem, 1025)}},
	} {
		k := r.client("a")
		_, err := k.Do(&c.q)
		refused(t, c.want, err, c.name)
	}
	k := r.client("a")
	for _, c := range []struct {
		name string
		want kmip.Reason
		item kmip.RequestItem
	}{
		{"an operation that is not done", kmip.OperationNotSupported, kmip.RequestItem{Op: 0x1f, Payload: ttlv.Struct(0)}},
		{"a critical extension", kmip.FeatureNotSupported, kmip.RequestItem{Op: kmip.OpQuery, Critical: "nobody", Payload: ttlv.Struct(0)}},
		{"a missing field", kmip.InvalidMessage, kmip.RequestItem{Op: kmip.OpCreate, Payload: ttlv.Struct(0)}},
		{"an unknown field", kmip.InvalidField, query(ttlv.Int(0x540000, 1))},
		{"a field of the wrong type", kmip.InvalidMessage, query(ttlv.Int(kmip.TagQueryFunction, 1))},
		{"a field given twice", kmip.InvalidMessage, kmip.RequestItem{Op: kmip.OpGet, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, "a"), ttlv.Text(kmip.TagUniqueIdentifier, "b"))}},
		{"a type of object that is not kept", kmip.InvalidField, kmip.RequestItem{Op: kmip.OpRegister, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, uint32(3)), ttlv.Struct(kmip.TagTemplateAttribute))}},
		{"an object that is not there", kmip.InvalidMessage, kmip.RequestItem{Op: kmip.OpRegister, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SecretData), ttlv.Struct(kmip.TagTemplateAttribute))}},
	} {
		p, err := k.Do(&kmip.Request{Items: []kmip.RequestItem{c.item}})
		require.NoError(t, err, "the connection goes on")
		refused(t, c.want, p.Items[0].Err(), c.name)
	}
	uid, err := k.Create(aes()...)
	require.NoError(t, err)
	for _, c := range []struct {
		name  string
		want  kmip.Reason
		extra ttlv.Item
	}{
		{"an unknown key format", kmip.KeyFormatNotSupported, ttlv.Enum(kmip.TagKeyFormatType, uint32(3))},
		{"compression", kmip.KeyCompressionNotSupported, ttlv.Enum(kmip.TagKeyCompressionType, uint32(1))},
		{"wrapping", kmip.FeatureNotSupported, ttlv.Struct(kmip.TagKeyWrappingSpecification)},
	} {
		i := getKey(uid)
		i.Payload.Add(c.extra)
		p, err := k.Do(&kmip.Request{Items: []kmip.RequestItem{i}})
		require.NoError(t, err)
		refused(t, c.want, p.Items[0].Err(), c.name)
	}
}
