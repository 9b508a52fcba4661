package server_test

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// together does two things at once.
func together(do ...func() error) []error {
	out := make([]error, len(do))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for n, f := range do {
		wg.Go(func() {
			<-start
			out[n] = f()
		})
	}
	close(start)
	wg.Wait()
	return out
}

// notes are the values of x-note.
func notes(t *testing.T, c *kmip.Client, uid string) (out []string) {
	t.Helper()
	a, err := c.GetAttributes(uid, "x-note")
	require.NoError(t, err)
	for _, i := range a {
		out = append(out, i.Value.Text())
	}
	return out
}

// TestAcknowledgedIsOnBothAtOnce: clients of both change one object at once. Every acknowledged
// change is on both, and only one object gets a name.
func TestAcknowledgedIsOnBothAtOnce(t *testing.T) {
	p := newPair(t)
	p.both()
	c := [2]*kmip.Client{p.all[0].client("a"), p.all[1].client("a")}
	note := func(n int, uid, text string) func() error {
		return func() error { return c[n].AddAttribute(uid, kmip.TextOf("x-note", text)) }
	}
	for round := range 20 {
		uid, err := c[round%2].Register(password(byte(round)))
		require.NoError(t, err)
		did := together(func() error { return c[0].Activate(uid) }, note(1, uid, "one"))
		require.Equal(t, []error{nil, nil}, did)
		did = together(note(0, uid, "two"), note(1, uid, "three"))
		require.Equal(t, []error{nil, nil}, did)
		for n := range c {
			a, err := c[n].GetAttributes(uid, kmip.AttrState)
			require.NoError(t, err)
			require.Equal(t, int64(kmip.Active), a[0].Value.Int, "round %d: it was activated, and server %d knows", round, n)
			require.ElementsMatch(t, []string{"one", "two", "three"}, notes(t, c[n], uid), "round %d: no note is lost at server %d", round, n)
		}
		name := kmip.NameOf(fmt.Sprint("name ", round))
		register := func(n int) func() error {
			return func() error { _, err := c[n].Register(password(byte(n)), name); return err }
		}
		did = together(register(0), register(1))
		require.True(t, (did[0] == nil) != (did[1] == nil), "round %d: one of two gets a name that both ask for: %v", round, did)
	}
	p.same()
}

// TestManyClientsChangeOneObject: eight clients at each server add notes to a few objects. Every
// acknowledged note is there, and no client waits for ever.
func TestManyClientsChangeOneObject(t *testing.T) {
	p := newPair(t)
	p.both()
	var uids []string
	for n := range 3 {
		uid, err := p.all[0].client("a").Register(password(byte(n)))
		require.NoError(t, err)
		uids = append(uids, uid)
	}
	var mu sync.Mutex
	want := map[string][]string{}
	var do []func() error
	for w := range 16 {
		c := p.all[w%2].client("a")
		do = append(do, func() error {
			for n := range 15 {
				uid, text := uids[n%len(uids)], fmt.Sprint(w, " ", n)
				if err := c.AddAttribute(uid, kmip.TextOf("x-note", text)); err != nil {
					return err
				}
				mu.Lock()
				want[uid] = append(want[uid], text)
				mu.Unlock()
			}
			return nil
		})
	}
	for _, err := range together(do...) {
		require.NoError(t, err)
	}
	for _, r := range p.all {
		c := r.client("a")
		for _, uid := range uids {
			require.ElementsMatch(t, want[uid], notes(t, c, uid), "no note is lost")
		}
	}
	p.same()
}

// TestTokenDiesWithItsServer: a server that goes while clients of both change things does not keep
// the token, whichever of the two it is.
func TestTokenDiesWithItsServer(t *testing.T) {
	p := newPair(t)
	p.both()
	for round := range 6 {
		gone := round % 2
		stays := p.all[1-gone].client("a")
		busy, err := kmip.Dial(p.all[gone].config("a"))
		require.NoError(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, err := busy.Register(password(1)); err != nil {
					return
				}
			}
		}()
		for range 5 {
			_, err := stays.Register(password(2))
			require.NoError(t, err)
		}
		p.all[gone].stop()
		<-ended
		_ = busy.Close()
		for range 5 {
			_, err := stays.Register(password(3))
			require.NoError(t, err, "round %d: the other goes on", round)
		}
		p.start(gone, "")
		p.linked()
	}
	p.same()
}

// TestPutBackToAnOlderCopy: a server whose database is put back gets again what it had, its own
// objects too, even if it served its clients alone before they meet.
func TestPutBackToAnOlderCopy(t *testing.T) {
	p := newPair(t)
	p.both()
	p.all[1].stop()
	old, err := os.ReadFile(p.all[1].path)
	require.NoError(t, err)
	p.start(1, "")
	p.linked()
	acknowledged := map[string]byte{}
	register := func(n int) {
		for k := range byte(5) {
			uid, err := p.all[n].client("a").Register(password(k))
			require.NoError(t, err)
			acknowledged[uid] = k
		}
	}
	register(0)
	register(1)
	for range 2 {
		p.all[1].stop()
		require.NoError(t, os.WriteFile(p.all[1].path, old, 0o600))
		p.start(1, freeAddr(t)) // alone: numbers of changes are given a second time
		register(1)
		p.all[1].stop()
		p.start(1, "")
		p.linked()
		p.same()
	}
	p.all[0].stop()
	c := p.all[1].client("a")
	for uid, k := range acknowledged {
		o, err := c.Get(uid)
		require.NoError(t, err, "what was acknowledged is on the one that is left")
		require.Equal(t, password(k).Material, o.Material)
	}
}

// TestCloseDoesNotWaitForThePeer: a peer that takes connections and says nothing, or is silent in
// the middle, holds nobody up.
func TestCloseDoesNotWaitForThePeer(t *testing.T) {
	for name, shakes := range map[string]bool{"in the handshake": false, "before the answer": true} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			p := newPair(t)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			own, err := p.all[0].ca.Server(pki.Request{Name: "silent", Hosts: []string{"127.0.0.1"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
			require.NoError(t, err)
			var reached net.Conn
			taken := make(chan struct{})
			go func() {
				defer close(taken)
				if reached, err = l.Accept(); err == nil && shakes {
					err = tls.Server(reached, &tls.Config{Certificates: []tls.Certificate{own.TLS()}}).Handshake()
				}
			}()
			p.all[0].start(func(c *server.Config) {
				c.Peer = &server.Peer{Addr: l.Addr().String(), TLS: p.tls[0], Timeout: time.Hour}
			})
			<-taken
			require.NoError(t, err)
			p.all[0].stop()
			require.NoError(t, reached.Close())
			goleak.VerifyNone(t, before)
		})
	}
}
