package kmip_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

func keyValue(o ttlv.Item) *ttlv.Item { return o.Find(kmip.TagKeyBlock).Find(kmip.TagKeyValue) }

func material(change func([]byte) []byte) func(ttlv.Item) ttlv.Item {
	return func(o ttlv.Item) ttlv.Item {
		m := keyValue(o).Find(kmip.TagKeyMaterial)
		m.Bytes = change(bytes.Clone(m.Bytes))
		return o
	}
}

func keysOfQuirks() *quirkKeys {
	return &quirkKeys{keys: map[string][]byte{}, byName: map[string][]string{}}
}

// quirkGroup is a group with two servers of one peculiarity, which share their keys.
func quirkGroup(t *testing.T, a *authority, q quirk) (*encgroup.Group, []*kmip.KeyServer, []*quirkServer) {
	own, keys := a.client("facility"), keysOfQuirks()
	var servers []encgroup.KeyServer
	var all []*kmip.KeyServer
	var machines []*quirkServer
	for _, id := range []string{"vinz", "zuul"} {
		s := serveQuirk(t, a, q, keys)
		k := kmip.NewKeyServer(id, kmip.Config{
			Addr: s.addr, Clock: time.Now, Timeout: 20 * time.Second,
			TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}},
		}, kmip.Profile{Entropy: rand.Reader})
		servers, all, machines = append(servers, k), append(all, k), append(machines, s)
	}
	return encgroup.New(servers, entropy.Stream(7, "group"), &encgroup.MemStore{}), all, machines
}

// TestQuirks: servers of every version of KMIP 1 are spoken to, with whatever a specification
// lets them do; what cannot be used is named for what it is.
func TestQuirks(t *testing.T) {
	v := func(minor int32) kmip.Version { return kmip.Version{Major: 1, Minor: minor} }
	for _, c := range []struct {
		name   string
		quirk  quirk
		speaks string     // "": the group is not configured
		fault  kmip.Fault // of each server
		says   string
	}{
		{"nothing", quirk{}, "1.4", 0, ""},
		{"up to 1.3", quirk{max: v(3)}, "1.3", 0, ""},
		{"up to 1.2", quirk{max: v(2)}, "1.2", 0, ""},
		{"up to 1.1", quirk{max: v(1)}, "1.1", 0, ""},
		{"1.0 only", quirk{max: v(0)}, "1.0", 0, ""},
		{"1.0 only, others are cut off", quirk{max: v(0), shuts: true}, "1.0", 0, ""},
		{"up to 1.2, others are cut off", quirk{max: v(2), shuts: true}, "1.2", 0, ""},
		{"no Discover Versions", quirk{mute: true}, "1.4", 0, ""},
		{"up to 1.2, no Discover Versions", quirk{max: v(2), mute: true}, "1.2", 0, ""},
		{"2.0 only", quirk{max: kmip.Version{Major: 2}}, "", kmip.FaultVersion, "no common version of KMIP"},
		{"answers in 1.2", quirk{answerAs: v(2)}, "1.2", 0, ""},
		{"a second object of the name that cannot be got", quirk{locate: func(_ *quirkServer, _ string, u []string) []string {
			if len(u) == 0 {
				return nil
			}
			return []string{u[0] + " copy", u[0]}
		}}, "1.4", 0, ""},
		{"an object listed twice", quirk{locate: func(_ *quirkServer, _ string, u []string) []string { return append(u, u...) }}, "1.4", 0, ""},
		{"no payload where nothing is found", quirk{payload: func(u []string) *ttlv.Item {
			if len(u) == 0 {
				return nil
			}
			s := ttlv.Struct(kmip.TagResponsePayload, ttlv.Text(kmip.TagUniqueIdentifier, u[0]))
			return &s
		}}, "1.4", 0, ""},
		{"Located Items", quirk{payload: func(u []string) *ttlv.Item {
			s := ttlv.Struct(kmip.TagResponsePayload, ttlv.Int(kmip.TagLocatedItems, int32(len(u))))
			for _, x := range u {
				s.Add(ttlv.Text(kmip.TagUniqueIdentifier, x))
			}
			return &s
		}}, "1.4", 0, ""},
		{"attributes in the Key Value", quirk{object: func(o ttlv.Item) ttlv.Item {
			group := kmip.TextOf(kmip.AttrObjectGroup, "g")
			keyValue(o).Add(group.Item())
			return o
		}}, "1.4", 0, ""},
		{"algorithm and length of secret data", quirk{object: func(o ttlv.Item) ttlv.Item {
			o.Find(kmip.TagKeyBlock).Add(ttlv.Enum(kmip.TagCryptographicAlgorithm, kmip.AES), ttlv.Int(kmip.TagCryptographicLength, 256))
			return o
		}}, "1.4", 0, ""},
		{"raw", quirk{object: func(o ttlv.Item) ttlv.Item {
			o.Find(kmip.TagKeyBlock).Find(kmip.TagKeyFormatType).Int = int64(kmip.FormatRaw)
			return o
		}}, "1.4", 0, ""},
		{"answers in pieces of a byte", quirk{chop: 1}, "1.4", 0, ""},
		{"hangs up after each answer", quirk{hangUp: true}, "1.4", 0, ""},
		{"hangs up after each answer, up to 1.1", quirk{hangUp: true, max: v(1)}, "1.1", 0, ""},
		{"TLS 1.2 only", quirk{tls: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }}, "1.4", 0, ""},
		{"TLS 1.3 only", quirk{tls: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }}, "1.4", 0, ""},
		{"TLS 1.1 only", quirk{tls: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }}, "", kmip.FaultHandshake, ""},
		{"one connection at a time", quirk{alone: true}, "1.4", 0, ""},

		{"a symmetric key", quirk{object: func(o ttlv.Item) ttlv.Item {
			b := kmip.Object{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: 256, Material: keyValue(o).Find(kmip.TagKeyMaterial).Bytes}
			return b.Item()
		}}, "", kmip.FaultWrongKey, "Symmetric Key of 32 bytes"},
		{"a newline behind the key", quirk{object: material(func(k []byte) []byte { return append(k, '\n') })}, "", kmip.FaultWrongKey, "Secret Data of 33 bytes"},
		{"zeros", quirk{object: material(func(k []byte) []byte { clear(k); return k })}, "", kmip.FaultWrongKey, "not the key that was registered"},
		{"a flipped bit", quirk{object: material(func(k []byte) []byte { k[9] ^= 4; return k })}, "", kmip.FaultWrongKey, "not the key that was registered"},
		{"Locate finds what nobody asked for", quirk{locate: func(*quirkServer, string, []string) []string { return []string{"some object"} }}, "", kmip.FaultAnswer, "a name that was never used"},
		{"no Register", quirk{query: func(p *ttlv.Item) {
			*p = ttlv.Struct(kmip.TagResponsePayload, ttlv.Enum(kmip.TagOperation, kmip.OpLocate), ttlv.Enum(kmip.TagOperation, kmip.OpGet))
		}}, "", kmip.FaultDenied, "does not do Register"},
		{"Register refused", quirk{register: kmip.Fail(kmip.PermissionDenied, "this is a clone")}, "", kmip.FaultDenied, "this is a clone"},
		{"Get refused", quirk{get: kmip.Fail(kmip.PermissionDenied, "key is compromised")}, "", kmip.FaultDenied, "key is compromised"},
		{"a refusal of no known reason", quirk{get: kmip.Fail(kmip.Reason(0x1a), "object is not active")}, "", kmip.FaultDenied, "object is not active"},
		{"the message is refused", quirk{get: kmip.Fail(kmip.InvalidMessage, "no Get today")}, "", kmip.FaultDenied, "no Get today"},
		{"a destroyed key", quirk{get: kmip.Fail(kmip.PermissionDenied, "no"), state: kmip.Destroyed}, "", kmip.FaultDestroyed, "the key is destroyed at the server: its state is destroyed"},
		{"a key destroyed after it was compromised", quirk{get: kmip.Fail(kmip.IllegalOperation, "no"), state: kmip.DestroyedCompromised}, "", kmip.FaultDestroyed, "its state is destroyed, compromised before"},
		{"a destroyed key, by the reason of KMIP 2.0", quirk{get: kmip.Fail(kmip.ObjectDestroyed, "no")}, "", kmip.FaultDestroyed, "the key is destroyed at the server"},
		{"an object not found, by the reason of KMIP 2.0", quirk{get: kmip.Fail(kmip.ObjectNotFound, "no")}, "", kmip.FaultNoKey, "no such key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, servers, _ := quirkGroup(t, newAuthority(t), c.quirk)
			err := g.Configure("rank keys")
			if c.speaks == "" {
				require.Equal(t, c.fault.String(), kmip.FaultOf(err).String(), "%v", err)
				require.Contains(t, err.Error(), c.says)
				require.NotEqual(t, encgroup.Accessible, g.State())
				return
			}
			require.NoError(t, err)
			g.PowerOff()
			require.NoError(t, g.Retrieve())
			answers, err := g.TestAccess()
			require.NoError(t, err)
			for n, k := range servers {
				require.NoError(t, answers[n].Err)
				require.Equal(t, c.speaks, k.Speaks(), "the version in use is known")
			}
			_, err = g.RekeyDataKey()
			require.NoError(t, err, "and it is exchanged in the same way")
		})
	}
}

// TestSeveralObjectsOfOneName: the facility takes the one that is its key, whatever else has
// the name.
func TestSeveralObjectsOfOneName(t *testing.T) {
	a := newAuthority(t)
	g, _, machines := quirkGroup(t, a, quirk{})
	require.NoError(t, g.Configure("rank keys"))
	g.PowerOff()
	keys := machines[0].quirkKeys
	keys.mu.Lock()
	keys.keys["a uid"], keys.keys["z uid"] = make([]byte, 32), bytes.Repeat([]byte{7}, 32)
	keys.byName[g.UID()] = append([]string{"a uid", "z uid"}, keys.byName[g.UID()]...)
	keys.mu.Unlock()
	require.NoError(t, g.Retrieve())

	keys.mu.Lock()
	delete(keys.keys, "uid of "+g.UID())
	keys.mu.Unlock()
	g.PowerOff()
	err := g.Retrieve()
	require.ErrorIs(t, err, encgroup.ErrWrongKey, "without it, none of the others is taken")
	require.Equal(t, kmip.FaultWrongKey, kmip.FaultOf(err))
}

// TestNameOfBefore: a Name without check value is looked up as it always was.
func TestNameOfBefore(t *testing.T) {
	a := newAuthority(t)
	_, servers, machines := quirkGroup(t, a, quirk{})
	keys := machines[0].quirkKeys
	put := func(uid string, b byte) {
		keys.mu.Lock()
		defer keys.mu.Unlock()
		keys.keys[uid], keys.byName["old 0011223344556677"] = bytes.Repeat([]byte{b}, 32), append(keys.byName["old 0011223344556677"], uid)
	}
	put("one", 1)
	key, err := servers[0].Get("old 0011223344556677")
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte{1}, 32), key[:])
	put("two", 1)
	_, err = servers[0].Get("old 0011223344556677")
	require.NoError(t, err, "two copies of one key are one key")
	put("three", 2)
	_, err = servers[0].Get("old 0011223344556677")
	require.Equal(t, kmip.FaultWrongKey, kmip.FaultOf(err), "%v", err)
	require.Contains(t, err.Error(), "3 objects have one name, and not one key")
}

// TestNegotiatesAnew: a server that is replaced by an older one is spoken to in its version, and
// the version is not asked for each time.
func TestNegotiatesAnew(t *testing.T) {
	a := newAuthority(t)
	g, servers, machines := quirkGroup(t, a, quirk{})
	require.NoError(t, g.Configure("rank keys"))
	machines[0].mu.Lock()
	machines[0].max, machines[0].seen = kmip.V11, nil
	machines[0].mu.Unlock()
	require.NoError(t, g.Retrieve())
	require.Equal(t, "1.1", servers[0].Speaks())
	machines[0].mu.Lock()
	machines[0].seen = nil
	machines[0].mu.Unlock()
	require.NoError(t, g.Retrieve())
	for _, v := range machines[0].seen {
		require.Equal(t, kmip.V11, v, "what was found once is spoken at once")
	}
	require.NotEmpty(t, machines[0].seen)
}

// TestRegisterIsNotSentTwice: when nobody knows what became of a Register, it is not repeated.
func TestRegisterIsNotSentTwice(t *testing.T) {
	a := newAuthority(t)
	own := a.client("facility")
	s := serveQuirk(t, a, quirk{hangUp: true}, keysOfQuirks())
	c, err := kmip.Dial(kmip.Config{Addr: s.addr, Clock: time.Now, TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}}})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Register(secretOf(1), kmip.NameOf("one"))
	require.NoError(t, err)
	_, err = c.Register(secretOf(2), kmip.NameOf("two"))
	require.Equal(t, kmip.FaultHangUp, kmip.FaultOf(err), "%v", err)
	require.Len(t, s.order, 1)
}

// TestServerTellsTheState: what a server says of the key is kept with it.
func TestServerTellsTheState(t *testing.T) {
	for _, state := range []kmip.State{kmip.PreActive, kmip.Active, kmip.Deactivated, kmip.Compromised} {
		g, servers, _ := quirkGroup(t, newAuthority(t), quirk{state: state})
		require.NoError(t, g.Configure("rank keys"), "a key of any state that is given is taken: %s", state)
		life, ok := servers[1].Life(g.UID())
		require.True(t, ok)
		require.Equal(t, encgroup.KeyState(state), life.State)
	}
	g, servers, _ := quirkGroup(t, newAuthority(t), quirk{})
	require.NoError(t, g.Configure("rank keys"))
	_, ok := servers[0].Life(g.UID())
	require.False(t, ok, "a server that does not tell")
}
