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

// bench is an engine on a store of its own, without a network.
type bench struct {
	*engine
	t    testing.TB
	path string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	path, u := filepath.Join(t.TempDir(), "keys.db"), Unlock{Key: &secret.Key32{1}}
	require.NoError(t, CreateStore(path, u, entropy.Stream(1, "store")))
	s, err := OpenStore(path, u, entropy.Stream(2, "keys"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return &bench{t: t, path: path, engine: &engine{store: s, clock: func() time.Time { return time.Unix(1e9, 0) }, maxResponse: 1 << 20}}
}

// do is one operation; trouble is what the log would say.
func (b *bench) do(op kmip.Operation, fields ...ttlv.Item) (i kmip.ResponseItem, trouble error) {
	b.t.Helper()
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}}
	out, trouble := b.handle(identity{1}, q.Encode(nil), nil)
	p, err := kmip.ParseResponse(out, ttlv.Limits{})
	require.NoError(b.t, err)
	require.Len(b.t, p.Items, 1)
	return p.Items[0], trouble
}

func (b *bench) register(key byte) (uid string) {
	b.t.Helper()
	o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: bytes.Repeat([]byte{key}, 32)}
	i, trouble := b.do(kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, o.Type), kmip.TemplateOf(kmip.TextOf(kmip.AttrObjectGroup, "g")), o.Item())
	require.NoError(b.t, trouble)
	require.NoError(b.t, i.Err())
	return i.Payload.Find(kmip.TagUniqueIdentifier).Text()
}

// alter changes the record of an object behind the server's back.
func (b *bench) alter(uid string, change func(*object)) {
	b.t.Helper()
	require.NoError(b.t, b.store.db.Update(func(tx *bbolt.Tx) error {
		o, err := decode(&ttlv.Decoder{}, bytes.Clone(tx.Bucket(bucketObjects).Get([]byte(uid))))
		if err != nil {
			return err
		}
		change(o)
		return tx.Bucket(bucketObjects).Put([]byte(uid), o.encode())
	}))
}

// TestAlteredDatabaseIsNoticed: a key is bound to its object; whoever moves or
// changes it in the file gets no key out of the server, and the log tells.
func TestAlteredDatabaseIsNoticed(t *testing.T) {
	b := newBench(t)
	one, two := b.register(1), b.register(2)
	var other []byte
	b.alter(two, func(o *object) { other = bytes.Clone(o.sealed) })
	for name, change := range map[string]func(*object){
		"another object's key": func(o *object) { o.sealed = other },
		"a bit":                func(o *object) { o.sealed = bytes.Clone(o.sealed); o.sealed[20] ^= 1 },
		"cut short":            func(o *object) { o.sealed = o.sealed[:10] },
		"another type":         func(o *object) { o.typ = kmip.SymmetricKey },
		"another owner":        func(o *object) { o.owner = identity{2} },
		"another name":         func(o *object) { o.uid = two },
	} {
		t.Run(name, func(t *testing.T) {
			var was []byte
			require.NoError(t, b.store.db.View(func(tx *bbolt.Tx) error {
				was = bytes.Clone(tx.Bucket(bucketObjects).Get([]byte(one)))
				return nil
			}))
			b.alter(one, change)
			i, trouble := b.do(kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, one))
			require.Error(t, i.Err())
			require.Nil(t, i.Payload, "no key comes out")
			if name != "another owner" {
				require.Error(t, trouble, "the log tells")
			}
			require.NoError(t, b.store.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketObjects).Put([]byte(one), was) }))
		})
	}
	i, trouble := b.do(kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, one))
	require.NoError(t, trouble)
	require.NoError(t, i.Err())
}

func TestKeysAreNotInTheFile(t *testing.T) {
	b := newBench(t)
	uid := b.register('k')
	i, _ := b.do(kmip.OpDestroy, ttlv.Text(kmip.TagUniqueIdentifier, b.register('d')))
	require.NoError(t, i.Err())
	require.NoError(t, b.store.Close())
	raw, err := os.ReadFile(b.path)
	require.NoError(t, err)
	require.True(t, bytes.Contains(raw, []byte(uid)), "the object is there")
	for _, k := range []byte("kd") {
		require.False(t, bytes.Contains(raw, bytes.Repeat([]byte{k}, 8)), "its key is not")
	}
}

// dry is a source of entropy that has none.
type dry struct{}

func (dry) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestNoEntropyMeansNoKey(t *testing.T) {
	b := newBench(t)
	uid := b.register(1)
	b.store.entropy = dry{}
	attrs := kmip.TemplateOf(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(12))
	i, trouble := b.do(kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), attrs)
	require.Equal(t, kmip.GeneralFailure, i.Reason, "the client is told no more than that")
	require.ErrorContains(t, trouble, "no entropy", "the log is")
	n, err := b.store.Count()
	require.NoError(t, err)
	require.Equal(t, 1, n, "nothing was made")
	i, _ = b.do(kmip.OpGet, ttlv.Text(kmip.TagUniqueIdentifier, uid))
	require.NoError(t, i.Err())
}

func TestStoreIsMadeOnceAndWhole(t *testing.T) {
	dir := t.TempDir()
	path, u := filepath.Join(dir, "keys.db"), Unlock{Key: &secret.Key32{1}}
	require.ErrorContains(t, CreateStore(path, u, dry{}), "no entropy")
	require.ErrorContains(t, CreateStore(path, Unlock{}, entropy.Stream(1, "x")), "need either")
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path+".part", []byte("of a run that was killed"), 0o600))
	require.NoError(t, CreateStore(path, u, entropy.Stream(1, "x")), "what is left of one that was killed does not matter")
	require.ErrorIs(t, CreateStore(path, u, entropy.Stream(1, "x")), os.ErrExist)
	_, err := OpenStore(path, Unlock{Key: &secret.Key32{2}}, entropy.Stream(1, "x"))
	require.ErrorIs(t, err, ErrMaster)
	_, err = OpenStore(path, Unlock{Passphrase: []byte("x")}, entropy.Stream(1, "x"))
	require.ErrorIs(t, err, ErrMaster)
	require.ErrorContains(t, err, "made with a key file")
	_, err = OpenStore(filepath.Join(dir, "none"), u, entropy.Stream(1, "x"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, filepath.Join(dir, "none"), "opening makes none")
	garbage := filepath.Join(dir, "garbage")
	require.NoError(t, os.WriteFile(garbage, bytes.Repeat([]byte("garbage "), 4096), 0o600))
	_, err = OpenStore(garbage, u, entropy.Stream(1, "x"))
	require.Error(t, err)
	s, err := OpenStore(path, u, entropy.Stream(1, "x"))
	require.NoError(t, err)
	_, err = OpenStore(path, u, entropy.Stream(1, "x"))
	require.ErrorIs(t, err, ErrInUse)
	require.NoError(t, s.Close())
}

func TestSecretsOfTheStoreDoNotPrint(t *testing.T) {
	b := newBench(t)
	u := Unlock{Key: &secret.Key32{'k', 'e', 'y', 'k', 'e', 'y'}, Passphrase: []byte("keykey")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{u, &u, b.store, *b.store, struct{ S *Store }{b.store}} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, "keykey")
			require.NotContains(t, out, "6b6579")
			require.NotContains(t, out, "107 101 121")
		}
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	o := &object{
		uid: "u", owner: identity{7}, seq: 9, typ: kmip.Template, secret: kmip.Password, format: kmip.FormatOpaque, sealed: []byte{1, 2, 3},
		attrs:  []kmip.Attribute{kmip.NameOf("n"), {Name: kmip.AttrObjectGroup, Index: 2, Indexed: true, Value: ttlv.Text(kmip.TagAttributeValue, "g")}},
		inside: []kmip.Attribute{kmip.TextOf("x-a", "b")},
		base:   version{5, serverID{1}},
		seen:   map[serverID]uint64{{1}: 6, {2}: 7},
		stamps: map[instance]version{{kmip.AttrObjectGroup, 2}: {7, serverID{2}}},
	}
	back, err := decode(&ttlv.Decoder{}, o.encode())
	require.NoError(t, err)
	require.Equal(t, o, back)
	b := o.encode()
	for n := range b {
		_, err := decode(&ttlv.Decoder{}, b[:n])
		require.Error(t, err, "cut short")
	}
}
