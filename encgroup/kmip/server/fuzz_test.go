package server

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// FuzzHandle gives the engine any message: it answers each with a message that a
// client can read, and never falls over. One message can hold a whole batch.
func FuzzHandle(f *testing.F) {
	path, u := filepath.Join(f.TempDir(), "keys.db"), Unlock{Key: &secret.Key32{1}}
	if err := CreateStore(path, u, entropy.Stream(1, "store")); err != nil {
		f.Fatal(err)
	}
	s, err := OpenStore(path, u, io.Reader(entropy.Stream(2, "store")))
	if err != nil {
		f.Fatal(err)
	}
	s.db.NoSync = true
	f.Cleanup(func() { _ = s.Close() })
	e := &engine{store: s, clock: func() time.Time { return time.Unix(1e9, 0) }, maxResponse: 1 << 20}
	uid := ttlv.Text(kmip.TagUniqueIdentifier, "x")
	attr := kmip.TextOf("x-A", "1")
	name := kmip.NameOf("n")
	create := ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(
		kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(12), name, kmip.TextOf(kmip.AttrObjectGroup, "g")))
	template := (&kmip.Object{Type: kmip.Template, Attributes: []kmip.Attribute{attr}}).Item()
	for _, op := range supported {
		for _, p := range []ttlv.Item{
			ttlv.Struct(0), ttlv.Struct(0, uid), ttlv.Struct(0, attr.Item()), ttlv.Struct(0, name.Item()), create,
			ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.Template), kmip.TemplateOf(name), template),
			ttlv.Struct(0, ttlv.Text(kmip.TagAttributeName, kmip.AttrName)), ttlv.Struct(0, ttlv.Enum(kmip.TagQueryFunction, uint32(1))),
			ttlv.Struct(0, ttlv.Struct(kmip.TagRevocationReason, ttlv.Enum(kmip.TagRevocationReasonCode, uint32(2)))),
		} {
			q := kmip.Request{Version: kmip.V14, Continuation: kmip.Continue, Items: []kmip.RequestItem{
				{Op: kmip.OpCreate, ID: []byte{1}, Payload: create}, {Op: op, ID: []byte{2}, Payload: p},
			}}
			f.Add(q.Encode(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, _ := e.handle(identity{1}, b, nil)
		p, err := kmip.ParseResponse(out, ttlv.Limits{})
		if err != nil {
			t.Fatalf("%x is answered with %x, which is no answer: %v", b, out, err)
		}
		for _, i := range p.Items {
			if i.Reason == kmip.GeneralFailure {
				t.Fatalf("%x is answered with %s", b, i.Message)
			}
		}
	})
}

// FuzzMessage takes any message as if it came from the peer: nothing panics, and the store stays
// sound.
func FuzzMessage(f *testing.F) {
	dir := f.TempDir()
	one, two := newTwin(f, dir, 1), newTwin(f, dir, 2)
	f.Cleanup(func() { _ = one.store.Close(); _ = two.store.Close() })
	one.create(kmip.NameOf("n"), kmip.TextOf(kmip.AttrObjectGroup, "g"))
	template := (&kmip.Object{Type: kmip.Template, Attributes: []kmip.Attribute{kmip.TextOf("x-A", "1")}}).Item()
	one.do(ownerB, kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, kmip.Template), kmip.TemplateOf(kmip.NameOf("t")), template)
	one.compare(two)
	s, err := one.store.share(one.queue)
	if err != nil || len(s.records) != 2 {
		f.Fatal(len(s.records), err)
	}
	l, err := one.store.list("")
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []message{{}, {share: s}, {flags: hasToken | isLevel, list: l, refused: []trouble{{"uid", "why"}}}} {
		f.Add(m.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMessage(b)
		if err != nil {
			return
		}
		if _, err := two.store.merge(m.share.records); err != nil {
			return
		}
		if m.list != nil {
			if _, err := two.store.differing(m.list); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := two.store.Count(); err != nil || n > 100 {
			return // reading all of it would take too long by now
		}
		if _, err := Dump(two.store); err != nil {
			t.Fatalf("after %x: %v", b, err)
		}
	})
}
