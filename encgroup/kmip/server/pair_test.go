package server_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// pair is two servers of one authority, each the other's peer.
type pair struct {
	t   *testing.T
	all [2]*rig
	tls [2]*tls.Config // what each shows to the other

	timeout time.Duration
	clock   [2]func() time.Time
}

// freeAddr is an address at which nobody listens, with a port that the kernel gives to no
// outgoing connection, so that it stays free.
func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+mrand.IntN(22000)))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return l.Addr().String()
	}
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, timeout: 10 * time.Second, clock: [2]func() time.Time{time.Now, time.Now}}
	for n := range p.all {
		p.all[n] = bareRig(t)
		p.all[n].ca = p.all[0].ca
	}
	for n, r := range p.all {
		r.at = freeAddr(t)
		p.tls[n] = p.all[0].tls("peer")
	}
	return p
}

// start starts one of the two; addr is where it believes its peer to be, "" for the truth.
func (p *pair) start(n int, addr string) {
	p.t.Helper()
	if addr == "" {
		addr = p.all[1-n].at
	}
	p.all[n].start(func(c *server.Config) {
		c.Clock = p.clock[n]
		c.Peer = &server.Peer{Addr: addr, TLS: p.tls[n], Timeout: p.timeout, Retry: 10 * time.Millisecond}
	})
}

// restart stops both and starts them, each with its peer at an address.
func (p *pair) restart(addr string) {
	p.t.Helper()
	for n := range p.all {
		p.all[n].stop()
		p.all[n].log.clear()
	}
	p.start(0, addr)
	p.start(1, addr)
}

// kill stops a server that cannot write any more.
func (p *pair) kill(n int) {
	p.t.Helper()
	p.all[n].stop()
	p.all[n].log.clear()
}

func (p *pair) both() {
	p.t.Helper()
	p.start(0, "")
	p.start(1, "")
	p.linked()
}

// linked waits until each has said that it is in sync.
func (p *pair) linked() {
	p.t.Helper()
	for n, r := range p.all {
		require.Eventually(p.t, func() bool {
			last := r.log.lines("peer=")
			return len(last) > 0 && bytes.Contains([]byte(last[len(last)-1]), []byte("in sync with the peer"))
		}, time.Minute, time.Millisecond, "server %d reaches its peer: %s", n, r.log)
	}
}

// same waits until both have the same.
func (p *pair) same() {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		one, err := server.Dump(p.all[0].store)
		require.NoError(p.t, err)
		two, err := server.Dump(p.all[1].store)
		require.NoError(p.t, err)
		return fmt.Sprint(one) == fmt.Sprint(two)
	}, time.Minute, time.Millisecond, "both have the same")
}

// TestAcknowledgedIsOnBoth: what one server answered with success the other has, at
// once, whichever of the two was asked.
func TestAcknowledgedIsOnBoth(t *testing.T) {
	p := newPair(t)
	p.both()
	c := [2]*kmip.Client{p.all[0].client("a"), p.all[1].client("a")}
	for round := range 6 {
		at, other := c[round%2], c[1-round%2]
		uid, err := at.Register(password(byte(round)), kmip.NameOf(fmt.Sprint("key ", round)))
		require.NoError(t, err)
		o, err := other.Get(uid)
		require.NoError(t, err, "registered here, it is there")
		require.Equal(t, password(byte(round)).Material, o.Material)
		found, err := other.Locate(0, kmip.NameOf(fmt.Sprint("key ", round)))
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found, "by its name too")
		_, err = other.Register(password(1), kmip.NameOf(fmt.Sprint("key ", round)))
		refused(t, kmip.InvalidField, err, "the name is taken on both")

		require.NoError(t, other.Activate(uid), "changed there")
		state, err := at.GetAttributes(uid, kmip.AttrState)
		require.NoError(t, err)
		require.Equal(t, int64(kmip.Active), state[0].Value.Int, "it is changed here")
		require.NoError(t, at.Revoke(uid, kmip.RevokedCessationOfOperation, "", time.Time{}))
		require.NoError(t, other.Destroy(uid))
		_, err = at.Get(uid)
		refused(t, kmip.IllegalOperation, err, "destroyed there, it is gone here")

		key, err := at.Create(aes()...)
		require.NoError(t, err)
		next, err := other.Rekey(key, -1)
		require.NoError(t, err)
		one, err := at.Get(next)
		require.NoError(t, err)
		two, err := other.Get(next)
		require.NoError(t, err)
		require.Equal(t, two.Material, one.Material, "a new key is the same on both")
	}
	_, err := p.all[1].client("b").Get("x")
	refused(t, kmip.ItemNotFound, err)
	p.same()
}

// TestPeerGoesAndComesBack: alone a server goes on, what it changed is sent when the other is
// back, and from then on the two are in step again.
func TestPeerGoesAndComesBack(t *testing.T) {
	p := newPair(t)
	p.start(0, "")
	alone := p.all[0].client("a")
	var uids []string
	for n := range 10 {
		uid, err := alone.Register(password(byte(n)))
		require.NoError(t, err, "before the peer was ever there")
		uids = append(uids, uid)
	}
	p.start(1, "")
	p.linked()
	p.same()
	for range 3 {
		p.all[1].stop()
		for n := range 100 {
			uid, err := alone.Register(password(byte(n)))
			require.NoError(t, err, "while the peer is gone")
			uids = append(uids, uid)
		}
		require.NoError(t, alone.Destroy(uids[0]))
		uids = uids[1:]
		p.start(1, "")
		p.linked()
		p.same()
		uid, err := alone.Register(password(1))
		require.NoError(t, err)
		_, err = p.all[1].client("a").Get(uid)
		require.NoError(t, err, "they are in step again")
	}
	back := p.all[1].client("a")
	for _, uid := range uids {
		_, err := back.Get(uid)
		require.NoError(t, err, "the peer has what was made without it")
	}
	require.NotContains(t, p.all[0].log.String()+p.all[1].log.String(), "BUG")
}

// TestChangedApart: what clients change on two servers out of touch comes out the same on
// both, nothing that was acknowledged is lost, and nothing final is undone.
func TestChangedApart(t *testing.T) {
	p := newPair(t)
	p.both()
	c := p.all[0].client("a")
	uid := map[string]string{}
	for _, n := range []string{"destroyed", "compromised", "described", "activated"} {
		var err error
		uid[n], err = c.Register(password(7), kmip.NameOf(n))
		require.NoError(t, err)
	}
	p.all[0].stop()
	p.all[1].stop()
	nowhere := freeAddr(t)
	p.start(0, nowhere)
	p.start(1, nowhere)
	one, two := p.all[0].client("a"), p.all[1].client("a")
	note := func(c *kmip.Client, n, text string) {
		t.Helper()
		require.NoError(t, c.AddAttribute(uid[n], kmip.TextOf("x-note", text)))
	}
	require.NoError(t, one.Destroy(uid["destroyed"]))
	note(two, "destroyed", "later")
	note(two, "destroyed", "later still")
	require.NoError(t, two.Revoke(uid["compromised"], kmip.RevokedKeyCompromise, "", time.Time{}))
	note(one, "compromised", "later")
	note(one, "described", "one")
	note(one, "described", "two")
	note(two, "described", "three")
	contact := func(c *kmip.Client, text string) {
		t.Helper()
		require.NoError(t, c.AddAttribute(uid["described"], kmip.TextOf(kmip.AttrContactInformation, text)))
	}
	require.NoError(t, one.Activate(uid["activated"]))
	contact(one, "by-one") // the sixth change there
	contact(two, "by-two") // the fifth
	note(two, "activated", "apart")
	uid["twice, one"], _ = one.Register(password(1), kmip.NameOf("twice"))
	uid["twice, two"], _ = two.Register(password(2), kmip.NameOf("twice"))
	require.NotEmpty(t, uid["twice, one"])
	require.NotEmpty(t, uid["twice, two"])
	p.all[0].stop()
	p.all[1].stop()
	p.both()
	p.same()
	told := p.all[0].log.String() + p.all[1].log.String()
	require.Contains(t, told, "one of the values stays\" object="+uid["described"]+" attribute=\"Contact Information\"")
	require.Equal(t, 1, strings.Count(told, "one of the values stays"), told)

	for n, r := range p.all {
		c := r.client("a")
		_, err := c.Get(uid["destroyed"])
		refused(t, kmip.IllegalOperation, err, "server %d: destroyed stays destroyed, whatever came later", n)
		a, err := c.GetAttributes(uid["compromised"], kmip.AttrState)
		require.NoError(t, err)
		require.Equal(t, int64(kmip.Compromised), a[0].Value.Int, "server %d: compromised stays compromised", n)
		require.ElementsMatch(t, []string{"one", "two", "three"}, notes(t, c, uid["described"]), "server %d: both changes of one object stay", n)
		require.ElementsMatch(t, []string{"later", "later still"}, notes(t, c, uid["destroyed"]), "server %d", n)
		require.Equal(t, "Contact Information=\"by-one\"", attribute(t, c, uid["described"], kmip.AttrContactInformation), "server %d: the later one of two values that cannot both be", n)
		require.Equal(t, "State=Active", attribute(t, c, uid["activated"], kmip.AttrState), "server %d", n)
		require.Equal(t, []string{"apart"}, notes(t, c, uid["activated"]), "server %d", n)
		found, err := c.Locate(0, kmip.NameOf("twice"))
		require.NoError(t, err)
		require.Equal(t, []string{min(uid["twice, one"], uid["twice, two"])}, found, "server %d: of two of one name one is meant, the same on both", n)
		for _, u := range []string{"twice, one", "twice, two"} {
			_, err := c.Get(uid[u])
			require.NoError(t, err, "server %d: and neither is lost", n)
			require.NoError(t, c.AddAttribute(uid[u], kmip.TextOf("x-note", "still changes")))
		}
	}
	p.same()
}

// TestSilentPeer: a peer that takes connections and says nothing costs its clients a timeout,
// once.
func TestSilentPeer(t *testing.T) {
	p := newPair(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	p.all[0].start(func(c *server.Config) {
		c.Peer = &server.Peer{Addr: l.Addr().String(), TLS: p.tls[0], Timeout: 100 * time.Millisecond, Retry: 10 * time.Millisecond}
	})
	c := p.all[0].client("a")
	for n := range 50 {
		_, err := c.Register(password(byte(n)))
		require.NoError(t, err)
	}
	require.Len(t, p.all[0].log.lines("the peer cannot be reached"), 1, "the log tells it once: %s", p.all[0].log)
}

// TestPoisonStopsNobody: a record that one server cannot read costs its own object the second copy
// and no other. The log of the other names it, and again after a new start.
func TestPoisonStopsNobody(t *testing.T) {
	p := newPair(t)
	p.both()
	c := p.all[0].client("a")
	bad, err := c.Register(password(1))
	require.NoError(t, err)
	require.NoError(t, server.Spoil(p.all[1].store, bad))
	require.NoError(t, c.AddAttribute(bad, kmip.TextOf("x-note", "changed")))
	for n := range byte(3) {
		good, err := c.Register(password(n))
		require.NoError(t, err)
		_, err = p.all[1].client("a").Get(good)
		require.NoError(t, err, "the others go over")
	}
	told := "msg=\"an object does not get to the peer: it stays owed\" object=" + bad
	require.Len(t, p.all[0].log.lines(told), 1, "once: %s", p.all[0].log)
	p.all[0].stop()
	p.start(0, "")
	require.Eventually(t, func() bool { return len(p.all[0].log.lines("except for the objects logged above")) > 0 }, time.Minute, time.Millisecond, "it does not say that the peer has everything: %s", p.all[0].log)
	require.Len(t, p.all[0].log.lines(told), 2, "it was tried again")
}

// TestWhoIsNoPeer: a server without a peer, a stranger, and the server itself.
func TestWhoIsNoPeer(t *testing.T) {
	p := newPair(t)
	p.all[1].start() // knows of no peer
	p.start(0, "")
	require.Eventually(t, func() bool { return len(p.all[0].log.lines("no such peer")) > 0 }, time.Minute, time.Millisecond, "the other must be told too: %s", p.all[0].log)
	p.all[0].stop()
	p.all[0].log = &logBook{}
	p.start(0, p.all[0].at)
	require.Eventually(t, func() bool { return len(p.all[0].log.lines("own database, or a copy")) > 0 }, time.Minute, time.Millisecond, "it is not its own peer: %s", p.all[0].log)
}

// TestBothSidesAtOnce: eight clients on each of two servers, while one and then the other is
// stopped and started.
func TestBothSidesAtOnce(t *testing.T) {
	p := newPair(t)
	p.both()
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]byte{}
	stop := make(chan struct{})
	for side := range 2 {
		for w := range 4 {
			cfg := p.all[side].config(fmt.Sprint("client ", w))
			cfg.Timeout = 5 * time.Second
			wg.Go(func() {
				for n := byte(0); ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					c, err := kmip.Dial(cfg)
					if err != nil {
						time.Sleep(time.Millisecond)
						continue
					}
					for range 5 {
						uid, err := c.Register(password(n), kmip.TextOf(kmip.AttrObjectGroup, "all"))
						if err != nil {
							break
						}
						mu.Lock()
						acknowledged[fmt.Sprint("client ", w)+"/"+uid] = n
						mu.Unlock()
					}
					_ = c.Close()
				}
			})
		}
	}
	for round := range 4 {
		time.Sleep(50 * time.Millisecond)
		p.all[round%2].stop()
		time.Sleep(20 * time.Millisecond)
		p.start(round%2, "")
	}
	close(stop)
	wg.Wait()
	p.linked()
	p.same()
	require.NotEmpty(t, acknowledged)
	for side, r := range p.all {
		clients := map[string]*kmip.Client{}
		for at, n := range acknowledged {
			who, uid, _ := bytes.Cut([]byte(at), []byte("/"))
			if clients[string(who)] == nil {
				clients[string(who)] = r.client(string(who))
			}
			o, err := clients[string(who)].Get(string(uid))
			require.NoError(t, err, "server %d has what was acknowledged", side)
			require.Equal(t, password(n).Material, o.Material)
		}
	}
	t.Logf("%d keys acknowledged", len(acknowledged))
}
