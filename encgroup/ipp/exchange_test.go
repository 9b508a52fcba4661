package ipp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Without sockets: the same frames, carried by whoever likes to, and the same identifiers
// from the same seed.
func TestAnExchangeWithoutSockets(t *testing.T) {
	story := func(seed uint64) (string, []byte) {
		s, err := NewServer(ServerConfig{
			Pairs: []KeyPair{keyPair("one"), keyPair("two")}, Devices: []string{"75NR641"}, Entropy: entropy.Stream(seed, "server"), Clock: time.Now, Timeout: 1, Conns: 1,
		})
		require.NoError(t, err)
		var wire []byte
		c, err := NewClient(ClientConfig{
			ID: "a", Device: "75NR641", Labels: [2]string{"one", "two"}, Safe: &MemSafe{}, Entropy: entropy.Stream(seed, "client"),
			Exchange: func(q []byte) ([]byte, error) {
				a := s.Answer(q)
				wire = append(append(wire, q...), a...)
				return a, nil
			},
		})
		require.NoError(t, err)
		uid, err := c.Create("")
		require.NoError(t, err)
		key, err := c.Get(uid)
		require.NoError(t, err)
		require.NotContains(t, string(wire), string(key[:8]), "the data key is nowhere in the clear")
		return uid, wire
	}
	uid, wire := story(1)
	again, same := story(1)
	require.Equal(t, uid, again, "the same seed gives the same identifier: RSA-OAEP draws from the source that it is given")
	require.Equal(t, wire, same, "and the same bytes")
	other, _ := story(2)
	require.NotEqual(t, uid, other)
}

func TestWhatAnExchangeMeets(t *testing.T) {
	s, err := NewServer(ServerConfig{Pairs: []KeyPair{keyPair("one")}, Devices: []string{"d"}, Entropy: entropy.Stream(1, "x"), Clock: time.Now, Timeout: 1, Conns: 1})
	require.NoError(t, err)
	cfg := ClientConfig{ID: "a", Device: "d", Labels: [2]string{"one", "two"}, Safe: &MemSafe{}, Entropy: entropy.Stream(1, "client")}
	_, err = NewClient(cfg)
	require.ErrorContains(t, err, "or an exchange")
	for name, c := range map[string]struct {
		exchange func([]byte) ([]byte, error)
		want     error
	}{
		"the network's own error": {func([]byte) ([]byte, error) { return nil, encgroup.ErrTimeout }, encgroup.ErrTimeout},
		"no IPP":                  {func([]byte) ([]byte, error) { return []byte("220 mail.example.com ready\r\n"), nil }, encgroup.ErrProtocol},
		"nothing":                 {func([]byte) ([]byte, error) { return nil, nil }, encgroup.ErrProtocol},
		"too much":                {func(q []byte) ([]byte, error) { return append(s.Answer(q), 0), nil }, encgroup.ErrProtocol},
		"half a request":          {func(q []byte) ([]byte, error) { return s.Answer(q[:9]), nil }, encgroup.ErrProtocol},
		"no such label":           {func(q []byte) ([]byte, error) { return s.Answer(q), nil }, encgroup.ErrNoKey},
	} {
		cfg.Exchange = c.exchange
		k, err := NewClient(cfg)
		require.NoError(t, err)
		_, err = k.Create("")
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestADamagedKeyPairOpensNothing(t *testing.T) {
	p := keyPair("one")
	key := secret.Key32{1, 2, 3}
	w, err := p.wrap(&key, entropy.Stream(1, "x"))
	require.NoError(t, err)
	for _, bit := range []int{0, 9, 1000, 2046} {
		bad := p.Damaged(bit)
		require.True(t, bad.Private())
		_, ok := bad.unwrap(w)
		require.False(t, ok, "bit %d", bit)
		got, ok := bad.Damaged(bit).unwrap(w)
		require.True(t, ok, "the same bit flipped back")
		require.True(t, got.Equal(&key))
	}
	require.False(t, p.Public().Damaged(1).Private())
}

func TestABadMemoryModule(t *testing.T) {
	b := newBench(t)
	good := b.client("a", b.server(nil, keyPair("one"), keyPair("two")), nil)
	bad := b.client("z", b.server(func(c *ServerConfig) { c.Memory = func(k *secret.Key32) { k[3] ^= 8 } }, keyPair("one"), keyPair("two")), nil)
	uid, err := good.Create("")
	require.NoError(t, err)
	one, err := good.Get(uid)
	require.NoError(t, err)
	two, err := bad.Get(uid)
	require.NoError(t, err, "the server does not know")
	require.False(t, one.Equal(two))
}
