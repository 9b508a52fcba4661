package encgroup

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func newCluster(t *testing.T, ids ...string) (*MemCluster, []*MemKeyServer) {
	t.Helper()
	c, err := NewMemCluster(entropy.Stream(1, "k"), ids...)
	require.NoError(t, err)
	return c, c.servers
}

func TestServersReplicate(t *testing.T) {
	c, s := newCluster(t, "a", "b", "c")
	one, err := s[0].Create("x")
	require.NoError(t, err)
	two, err := s[1].Create("x")
	require.NoError(t, err)
	require.Equal(t, "a-0001 b-0001", one+" "+two)
	want, err := s[0].Get(one)
	require.NoError(t, err)
	for _, m := range s {
		got, err := m.Get(one)
		require.NoError(t, err)
		require.True(t, got.Equal(want), "every server has the same key")
		other, err := m.Get(two)
		require.NoError(t, err)
		require.False(t, other.Equal(want))
		require.Equal(t, []string{one, two}, m.Keys())
		require.True(t, m.Powered())
	}
	require.Len(t, c.Servers(), 3)
	require.Equal(t, "b", c.Servers()[1].ID())
}

func TestReplicationWaits(t *testing.T) {
	c, s := newCluster(t, "a", "b", "c")
	require.NoError(t, c.CutLink("a", "b"))
	s[2].PowerOff()
	uid, err := s[0].Create("x")
	require.NoError(t, err)
	require.Empty(t, s[1].Keys(), "the link is cut")
	require.Empty(t, s[2].Keys(), "the server is off")
	s[2].PowerOn()
	require.Equal(t, []string{uid}, s[2].Keys(), "it goes when the server is back")
	require.Empty(t, s[1].Keys(), "what arrived is not passed on")
	require.NoError(t, c.MendLink("b", "a"))
	require.Equal(t, []string{uid}, s[1].Keys(), "it goes when the link is back")

	key := s[1].keys[0].key()
	require.NoError(t, s[1].LoseKey(uid))
	require.True(t, key.Equal(new(secret.Key32)), "what is lost is overwritten")
	s[1].PowerOff()
	s[1].PowerOn()
	require.Empty(t, s[1].Keys(), "what arrived once is not sent again")
	_, err = s[1].Get(uid)
	require.ErrorIs(t, err, ErrNoKey)
	require.NoError(t, s[1].RestoreFrom(s[2]))
	require.Equal(t, []string{uid}, s[1].Keys())

	require.NoError(t, c.CutLink("a", "b"))
	second, err := s[0].Create("x")
	require.NoError(t, err)
	require.NoError(t, s[1].RestoreFrom(s[2]), "from a third server meanwhile")
	require.NoError(t, c.MendLink("a", "b"))
	require.Equal(t, []string{uid, second}, s[1].Keys(), "one key is there once")
	require.NoError(t, c.CutLink("a", "b"))
	third, err := s[0].Create("x")
	require.NoError(t, err)
	require.NoError(t, s[0].LoseKey(third))
	require.NoError(t, c.MendLink("a", "b"))
	require.Equal(t, []string{uid, second}, s[1].Keys(), "what the source has lost it cannot send")
}

func TestAKeyThatIsThereIsNotDeliveredAgain(t *testing.T) {
	c, s := newCluster(t, "a", "b", "c")
	require.NoError(t, c.CutLink("a", "b"))
	uid, err := s[0].Create("x")
	require.NoError(t, err)
	require.NoError(t, s[1].RestoreFrom(s[2]))
	require.NoError(t, c.MendLink("a", "b"))
	require.Equal(t, []string{uid}, s[1].Keys())
}

func TestDamageStaysWithItsServer(t *testing.T) {
	_, s := newCluster(t, "a", "b")
	uid, err := s[0].Create("x")
	require.NoError(t, err)
	good, err := s[1].Get(uid)
	require.NoError(t, err)
	require.NoError(t, s[0].DamageKey(uid, 255))
	bad, err := s[0].Get(uid)
	require.NoError(t, err, "a server does not know that its key is damaged")
	require.False(t, bad.Equal(good))
	still, err := s[1].Get(uid)
	require.NoError(t, err)
	require.True(t, still.Equal(good))
	require.NoError(t, s[0].RestoreFrom(s[1]))
	mended, err := s[0].Get(uid)
	require.NoError(t, err)
	require.True(t, mended.Equal(good))
}

func TestClusterRefusals(t *testing.T) {
	for _, ids := range [][]string{{""}, {"a", "a"}, {string(make([]byte, 201))}} {
		_, err := NewMemCluster(entropy.Stream(1, "k"), ids...)
		require.Error(t, err, "%q", ids)
	}
	c, _ := newCluster(t, "a", "b")
	_, err := c.Server("z")
	require.ErrorContains(t, err, `no key server "z"`)
	require.Error(t, c.CutLink("a", "z"))
	require.Error(t, c.CutLink("z", "a"))
	require.Error(t, c.CutLink("a", "a"))
	require.Error(t, c.MendLink("a", "z"))
	_, err = c.Add(strings.Repeat("n", 200))
	require.NoError(t, err, "the longest name")
	_, s := newCluster(t, "a", "b")
	require.ErrorIs(t, s[0].LoseKey("x"), ErrNoKey)
	require.ErrorIs(t, s[0].DamageKey("x", 0), ErrNoKey)
	uid, err := s[0].Create("x")
	require.NoError(t, err)
	require.ErrorContains(t, s[0].DamageKey(uid, 256), "need 0 to 255")
	s[1].PowerOff()
	require.ErrorIs(t, s[1].RestoreFrom(s[0]), ErrUnreachable)
	require.ErrorIs(t, s[0].RestoreFrom(s[1]), ErrUnreachable)

	source := &scarce{r: entropy.Stream(1, "k"), left: 16}
	c, err = NewMemCluster(source, "a", "b")
	require.NoError(t, err)
	_, err = c.servers[0].Create("x")
	require.ErrorIs(t, err, ErrRefused, "a server without randomness makes no key")
	source.w.requireZero(t)
	require.Empty(t, c.servers[1].Keys())
	source.left = 1000
	_, err = c.servers[0].Create("x")
	require.NoError(t, err)
	source.w.requireZero(t)

	// Who is not there takes no key.
	key := &secret.Key32{1}
	c.servers[0].PowerOff()
	_, err = c.servers[0].Register("y", key)
	require.ErrorIs(t, err, ErrUnreachable)
	_, err = c.servers[0].Create("y")
	require.ErrorIs(t, err, ErrUnreachable)
	c.servers[0].PowerOn()
	require.Len(t, c.servers[0].Keys(), 1)
	require.Len(t, c.servers[1].Keys(), 1)
}

// TestACloneOfAClusterIsOnItsOwn: with the same keys, damage, links and what waits.
func TestACloneOfAClusterIsOnItsOwn(t *testing.T) {
	c, s := newCluster(t, "a", "b", "c")
	first, err := s[0].Create("x")
	require.NoError(t, err)
	require.NoError(t, s[1].DamageKey(first, 7))
	require.NoError(t, c.CutLink("a", "b"))
	waits, err := s[0].Create("x")
	require.NoError(t, err)
	s[2].Stall()

	n := c.Clone(entropy.Stream(2, "k"))
	for i := range s {
		require.Equal(t, s[i].Keys(), n.servers[i].Keys())
		require.Equal(t, s[i].Reach(), n.servers[i].Reach())
	}
	want, err := s[1].Get(first)
	require.NoError(t, err)
	got, err := n.servers[1].Get(first)
	require.NoError(t, err)
	require.True(t, got.Equal(want), "the damaged key")
	next, err := n.servers[0].Create("x")
	require.NoError(t, err)
	require.Equal(t, "a-0003", next, "no name twice")
	require.NoError(t, n.MendLink("a", "b"))
	require.Equal(t, []string{first, waits, next}, n.servers[1].Keys())
	require.NoError(t, n.servers[0].LoseKey(first))
	require.Equal(t, []string{first}, s[1].Keys(), "nothing of it reaches the original")
	got, err = s[0].Get(first)
	require.NoError(t, err)
	require.False(t, got.Equal(new(secret.Key32)), "a key that is lost there is not cleared here")
}
