package server_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

var everyStep = flag.Bool("everystep", false, "cut the network of a pair at every record, and kill a server at every write of its database")

// steps are the values of k that a sweep tries: all in make sweep-servers, some elsewhere.
func steps(some int) (first, step int) {
	if *everyStep {
		return 0, 1
	}
	some *= 3
	if testing.Short() {
		some *= 2
	}
	return some / 2, some
}

// acked is what clients of a pair were told, and what must hold of it.
type acked struct {
	*pair
	client [2]*kmip.Client
	keys   map[string]byte // identifier -> key
	gone   map[string]bool // destroyed
	shared string          // an object that clients of both change
	notes  []string        // of it, acknowledged
	n      byte
}

func (p *pair) acked() *acked {
	return &acked{pair: p, keys: map[string]byte{}, gone: map[string]bool{}}
}

// insync says whether the log of a server says that it is in sync.
func (a *acked) insync(n int) bool {
	lines := a.all[n].log.lines("peer=")
	return len(lines) > 0 && strings.Contains(lines[len(lines)-1], "in sync")
}

// connect connects to both servers.
func (a *acked) connect() {
	for n, r := range a.all {
		if a.client[n] == nil {
			c, err := kmip.Dial(r.config("a"))
			require.NoError(a.t, err)
			a.client[n] = c
		}
	}
}

func (a *acked) hangup() {
	for n, c := range a.client {
		if c != nil {
			_ = c.Close()
			a.client[n] = nil
		}
	}
}

// register makes a key at a server, and what was acknowledged in sync is at the other at once. It
// returns nothing if the server is dying.
func (a *acked) register(n int, dying func() bool) (uid string) {
	a.n++
	uid, err := a.client[n].Register(password(a.n), kmip.TextOf(kmip.AttrObjectGroup, "sweep"))
	if err != nil && dying() {
		return ""
	}
	require.NoError(a.t, err, "server %d serves its clients, with the other or alone", n)
	a.keys[uid] = a.n
	if a.insync(n) {
		records, err := server.Dump(a.all[1-n].store)
		require.NoError(a.t, err)
		require.Contains(a.t, records, uid, "server %d said that it was in sync, and acknowledged this: it is on the disk of the other", n)
	}
	return uid
}

// share makes the object that clients of both change.
func (a *acked) share() {
	uid, err := a.client[0].Register(password(0))
	require.NoError(a.t, err)
	a.same()
	a.shared, a.notes = uid, nil
}

// note changes the object of both at a server.
func (a *acked) note(n int, dying func() bool) {
	if a.shared == "" {
		return
	}
	text := fmt.Sprint("note ", len(a.notes), " at server ", n)
	if err := a.client[n].AddAttribute(a.shared, kmip.TextOf("x-note", text)); err == nil {
		a.notes = append(a.notes, text)
	} else if !dying() {
		require.NoError(a.t, err)
	}
}

// work is what clients do in one run of a sweep: changes at both servers in turn.
func (a *acked) work(dying func() bool) {
	for round := range 2 {
		for n := range a.client {
			a.note(n, dying)
			uid := a.register(n, dying)
			if uid == "" || round == 1 {
				continue
			}
			// The other may not have the key, if it is apart.
			at := n
			if a.insync(0) && a.insync(1) {
				at = 1 - n
			}
			if err := a.client[at].Destroy(uid); err == nil {
				a.gone[uid] = true
			} else if !dying() && at == n {
				require.NoError(a.t, err)
			}
		}
	}
}

// check requires of a server, or of both, what was acknowledged.
func (a *acked) check() {
	for n, r := range a.all {
		records, err := server.Dump(r.store)
		require.NoError(a.t, err)
		c := a.client[n]
		if a.shared != "" {
			require.Subset(a.t, notes(a.t, c, a.shared), a.notes, "server %d has every change of one object, made at either", n)
		}
		for uid, key := range a.keys {
			require.Contains(a.t, records, uid, "server %d has what was acknowledged", n)
			o, err := c.Get(uid)
			if a.gone[uid] {
				refused(a.t, kmip.IllegalOperation, err, "server %d: destroyed stays destroyed", n)
			} else if err == nil {
				require.Equal(a.t, password(key).Material, o.Material)
			} else { // a Destroy that nobody acknowledged may be done
				refused(a.t, kmip.IllegalOperation, err)
			}
		}
	}
}

// TestNetworkCutAtEveryRecord: all that goes to one of the two servers is lost, from each record of
// the meeting and of the work on: in silence, or with the end of the connection. What goes to the
// other gets there. Clients of both are served all the time; when the network is whole again, all
// is on both.
func TestNetworkCutAtEveryRecord(t *testing.T) {
	for _, ends := range []bool{true, false} {
		for to := range 2 {
			t.Run(fmt.Sprintf("to server %d, with the end of the connection=%v", to, ends), func(t *testing.T) {
				t.Parallel() // they wait most of the time
				p := newPair(t)
				some := 9
				if !ends {
					p.timeout, some = 500*time.Millisecond, 15 // each cut takes some timeouts
				}
				net := p.relayed()
				a := p.acked()
				a.connect()
				defer a.hangup()
				first, step := steps(some)
				for k := first; ; k += step {
					clear(a.keys)
					clear(a.gone)
					a.share()
					net.cut(to, k, ends)
					net.end()
					a.work(func() bool { return false })
					a.work(func() bool { return false })
					cut := net.heal()
					net.end()
					p.linked()
					p.same()
					a.check()
					if !cut {
						require.Greater(t, k, 10)
						t.Logf("%d records", k)
						break
					}
				}
			})
		}
	}
}

// relayed starts both with a network between them.
func (p *pair) relayed() *network {
	net := newNetwork(p.t, [2]string{p.all[0].at, p.all[1].at})
	p.start(0, net.addr[1])
	p.start(1, net.addr[0])
	p.linked()
	return net
}

// TestNoChangeIsLost: clients of both servers change the same objects, while the network is cut and
// whole in turn. What is acknowledged, in sync and apart, is there in the end.
func TestNoChangeIsLost(t *testing.T) {
	p := newPair(t)
	p.timeout = 500 * time.Millisecond
	net := p.relayed()
	cuts := 8
	if *everyStep {
		cuts = 200
	}
	var uids []string // two for each cut: an object takes 256 notes
	for n := range 2 * cuts {
		uid, err := p.all[0].client("a").Register(password(byte(n)))
		require.NoError(t, err)
		uids = append(uids, uid)
	}
	p.same()
	a := p.acked()
	var mu sync.Mutex
	var done atomic.Bool
	var cut, insync atomic.Int32
	kept := map[string][]string{}
	var work sync.WaitGroup
	for w := range 4 {
		c := p.all[w%2].client("a")
		work.Go(func() {
			for n := 0; !done.Load(); n++ {
				uid, note := uids[2*int(cut.Load())+n%2], fmt.Sprint(w, " ", n)
				if err := c.AddAttribute(uid, kmip.TextOf("x-note", note)); err != nil {
					time.Sleep(time.Millisecond) // it has all the notes that it takes
					continue
				}
				mu.Lock()
				kept[uid] = append(kept[uid], note)
				mu.Unlock()
				if a.insync(0) && a.insync(1) {
					insync.Add(1)
				}
			}
		})
	}
	for k := range cuts {
		cut.Store(int32(k))
		net.cut(k%2, k*7%10, true)
		time.Sleep(30 * time.Millisecond)
		net.heal()
		before := insync.Load()
		require.Eventually(t, func() bool { return insync.Load() > before+3 }, time.Minute, time.Millisecond, "they are in sync again: %s %s", p.all[0].log, p.all[1].log)
	}
	done.Store(true)
	work.Wait()
	net.end()
	p.linked()
	p.same()
	all := 0
	for n, r := range p.all {
		c := r.client("a")
		for _, uid := range uids {
			require.Subset(t, notes(t, c, uid), kept[uid], "server %d has every change that was acknowledged", n)
			all += len(kept[uid])
		}
	}
	t.Logf("%d changes, %d in sync", all/2, insync.Load())
}

// TestKilledAtEveryWrite: one of the two servers is killed at each write of its database, before it
// or in the middle of it. Clients of the other are served; what was acknowledged in sync is there
// at once, and the rest when the killed server is back, with the file that the kill has left.
func TestKilledAtEveryWrite(t *testing.T) {
	for victim := range 2 {
		t.Run(fmt.Sprint("server ", victim), func(t *testing.T) {
			p := newPair(t)
			p.both()
			a := p.acked()
			defer a.hangup()
			first, step := steps(5)
			for k := first; ; k += step {
				clear(a.keys)
				clear(a.gone)
				a.connect()
				a.share()
				r := p.all[victim]
				died, image := server.KillAtWrite(r.store, k, k%2 == 1)
				a.work(died)
				a.hangup()
				if !died() {
					require.Greater(t, k, 20)
					t.Logf("%d writes", k)
					break
				}
				p.kill(victim)
				require.NoError(t, os.WriteFile(r.path, image(), 0o600))
				p.start(victim, "")
				p.linked()
				p.same()
				a.connect()
				a.check()
			}
		})
	}
}

// TestClocksSetBack: the clock of either server, or of both, is set back, while the two are in sync
// and while they are apart. No state that a client was told goes back on either, and a later change
// is later all the same.
func TestClocksSetBack(t *testing.T) {
	for name, sync := range map[string]bool{"in sync": true, "apart": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			var clocks [2]clock
			p.clock = [2]func() time.Time{clocks[0].now, clocks[1].now}
			p.both()
			a := p.acked()
			at := func(n int) time.Time { return time.Now().Add(time.Duration(n) * 10 * time.Minute) }
			for ahead := range 2 {
				a.connect()
				uid, err := a.client[0].Register(password(1), kmip.DateOf(kmip.AttrActivationDate, at(-1)), kmip.DateOf(kmip.AttrDeactivationDate, at(1)))
				require.NoError(t, err)
				require.NoError(t, a.client[1].AddAttribute(uid, kmip.TextOf("x-note", "first")))
				a.hangup()
				if !sync {
					p.restart(freeAddr(t))
				}
				clocks[ahead].set(20 * time.Minute)
				a.connect()
				require.Equal(t, "State=Deactivated", attribute(t, a.client[ahead], uid, kmip.AttrState))
				clocks[ahead].set(0)
				if !sync {
					a.hangup()
					p.restart("")
					a.connect()
					p.linked()
					p.same()
				}
				for n, c := range a.client {
					require.Equal(t, "State=Deactivated", attribute(t, c, uid, kmip.AttrState), "server %d knows what a client was told at the other", n)
				}
				require.NoError(t, a.client[1-ahead].ModifyAttribute(uid, kmip.TextOf("x-note", "later")))
				for n, c := range a.client {
					require.Equal(t, []string{"later"}, notes(t, c, uid), "server %d", n)
				}
				p.same()
				a.hangup()
			}
		})
	}
}
