//go:build unix

package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// serverPair is two `fdelab keyserver` processes, each the other's peer.
type serverPair struct {
	t    testing.TB
	dir  [2]string
	addr [2]string
	run  [2]*keyserver
}

func newServerPair(t testing.TB) *serverPair {
	t.Helper()
	p := &serverPair{t: t}
	p.dir[0] = initKeyserver(t)
	p.dir[1] = filepath.Join(t.TempDir(), "keys2")
	code, _, said := play(t, "keyserver", "join", p.dir[0], p.dir[1])
	require.Equal(t, exitDone, code, said)
	for n := range p.addr {
		p.addr[n] = freeAddr(t)
	}
	t.Cleanup(func() { p.kill(0); p.kill(1) })
	return p
}

func (p *serverPair) start(n int) {
	p.t.Helper()
	p.run[n] = startKeyserver(p.t, p.dir[n], "--listen", p.addr[n], "--peer", p.addr[1-n])
}

// kill is SIGKILL.
func (p *serverPair) kill(n int) {
	if p.run[n] != nil {
		_ = p.run[n].cmd.Process.Kill()
		_ = p.run[n].cmd.Wait()
		p.run[n] = nil
	}
}

// config is the facility's, for one of the two: its certificate is good at both.
func (p *serverPair) config(n int) kmip.Config {
	cfg := (&keyserver{addr: p.addr[n]}).config(p.t, p.dir[0], "facility")
	cfg.Timeout = 10 * time.Second
	return cfg
}

// linked waits until each says that it is in sync.
func (p *serverPair) linked() {
	p.t.Helper()
	for n, k := range p.run {
		require.Eventually(p.t, func() bool {
			said := k.said.String()
			return strings.LastIndex(said, "in sync with the peer") > strings.LastIndex(said, "the peer cannot be reached")
		}, time.Minute, 5*time.Millisecond, "server %d reaches its peer", n)
	}
}

// TestFacilityOnPair: a facility with two real servers survives the loss of either.
func TestFacilityOnPair(t *testing.T) {
	t.Parallel()
	p := newServerPair(t)
	p.start(0)
	p.start(1)
	p.linked()
	one, two := port(t, p.addr[0]), port(t, p.addr[1])
	code, out, said := play(t, "shell", "--kmip-certs", p.dir[0], "-c", facilityWith(one, two, "power cycle; event list"))
	require.Equal(t, exitDone, code, "%s%s", out, said)
	require.Contains(t, out, "7 drives unlocked")
	require.Contains(t, out, "no serviceable event is open", "the new data key was read back from the second server: it is there at once")
}

var (
	pairKills = flag.Int("pairkills", 10, "how often TestPairSurvivesKills kills a server")
	pairSeed  = flag.Uint64("pairseed", 0, "seed of the moments at which it does; 0: of the clock")
)

// TestPairSurvivesKills: clients of both servers work as fast as they can while one or the other is
// killed with SIGKILL and started anew. Whatever either acknowledged is on both in the end, and
// what was acknowledged while both ran is on the one that is left.
func TestPairSurvivesKills(t *testing.T) {
	t.Parallel()
	kills, seed := *pairKills, *pairSeed
	if testing.Short() {
		kills = min(kills, 3)
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again: -pairkills=%d -pairseed=%d", kills, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	p := newServerPair(t)
	p.start(0)
	p.start(1)
	var mu sync.Mutex
	acknowledged := map[string][]byte{} // uid -> key; nil: destroyed
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 4 {
		cfg := p.config(worker % 2)
		wg.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
					hammerFor(cfg, fmt.Sprintf("%d-%d", worker, round), &mu, acknowledged, stop)
					time.Sleep(5 * time.Millisecond) // the server is gone, or not there yet
				}
			}
		})
	}
	for round := range kills {
		if round%2 == 1 {
			more(t, &mu, acknowledged)
		}
		time.Sleep(time.Duration(rng.IntN(150)+20) * time.Millisecond)
		n := rng.IntN(2)
		p.kill(n)
		time.Sleep(time.Duration(rng.IntN(80)) * time.Millisecond)
		p.start(n)
	}
	close(stop)
	wg.Wait()
	require.NotEmpty(t, acknowledged, "something was done between the kills")
	for n := range p.run {
		require.Eventually(t, func() bool { return p.has(n, acknowledged) == nil }, time.Minute, 50*time.Millisecond, "server %d comes to have everything", n)
		require.NoError(t, p.has(n, acknowledged))
	}
	t.Logf("%d keys after %d kills", len(acknowledged), kills)

	// Both run and are in step: from now on the death of one loses nothing at the other.
	p.linked()
	clear(acknowledged)
	c, err := kmip.Dial(p.config(0))
	require.NoError(t, err)
	defer c.Close()
	for n := range 20 {
		key := []byte(fmt.Sprintf("%-32s", fmt.Sprint("last ", n)))
		uid, err := c.Register(&kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key})
		require.NoError(t, err)
		acknowledged[uid] = key
	}
	p.kill(0)
	require.NoError(t, p.has(1, acknowledged), "it is on the other, which was not given time")
}

// has says what a server lacks of what was acknowledged.
func (p *serverPair) has(n int, acknowledged map[string][]byte) error {
	c, err := kmip.Dial(p.config(n))
	if err != nil {
		return err
	}
	defer c.Close()
	for uid, want := range acknowledged {
		o, err := c.Get(uid)
		switch {
		case want == nil && err == nil:
			return fmt.Errorf("%s was destroyed, and is there", uid)
		case want == nil:
			continue
		case err != nil:
			return fmt.Errorf("%s was acknowledged: %w", uid, err)
		case string(o.Material) != string(want):
			return fmt.Errorf("%s is another key than was acknowledged", uid)
		}
	}
	return nil
}

// conversation is a shell in this process, to which a test speaks line by line.
type conversation struct {
	t    testing.TB
	in   *io.PipeWriter
	out  *safeBuffer
	done chan int
}

func converse(t testing.TB, args ...string) *conversation {
	in, to := io.Pipe()
	c := &conversation{t: t, in: to, out: &safeBuffer{}, done: make(chan int, 1)}
	go func() { c.done <- run(args, in, c.out, c.out) }()
	t.Cleanup(func() { _ = to.Close(); <-c.done })
	return c
}

// says gives the shell a line, and returns what it printed when the line is done.
func (c *conversation) says(line string) string {
	c.t.Helper()
	before := len(c.out.String())
	_, err := fmt.Fprintf(c.in, "%s\ntime now\n", line) // the last word is a time alone on a line
	require.NoError(c.t, err)
	over := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n\z`)
	require.Eventually(c.t, func() bool { return over.MatchString(c.out.String()[before:]) }, time.Minute, time.Millisecond, "the shell answers %s: %s", line, c.out)
	return c.out.String()[before:]
}

// TestFacilityOutlivesEitherServer: with one of two servers killed the facility gets its
// keys from the other and tells which is silent; a new data key does not count before both
// have it; when the server is back, all goes on.
func TestFacilityOutlivesEitherServer(t *testing.T) {
	t.Parallel()
	p := newServerPair(t)
	p.start(0)
	p.start(1)
	p.linked()
	c := converse(t, "shell", "--kmip-certs", p.dir[0])
	out := c.says(facilityWith(port(t, p.addr[0]), port(t, p.addr[1]), ""))
	require.Contains(t, out, "joined key group 1", out)
	for n, where := range []string{"KS1-127.0.0.1", "KS2-localhost"} {
		p.kill(n)
		require.Contains(t, c.says("power cycle"), "7 drives unlocked", "the other server has the key")
		out = c.says("time advance by=8h")
		require.Contains(t, out, "BE14EAF3", out)
		require.Contains(t, out, where, "the code has the address of the server that is gone")
		before := c.says("keygrp show keygrp=1")
		require.Contains(t, c.says("keygrp newdatakey keygrp=1"), "failed", "a key that one server has does not count")

		p.start(n)
		p.linked()
		out = c.says("keygrp newdatakey keygrp=1")
		require.Contains(t, out, "done", "with both there is a new data key: %s", out)
		require.NotEqual(t, before, c.says("keygrp show keygrp=1"))
		require.Contains(t, c.says("power cycle"), "7 drives unlocked")
		for _, line := range regexp.MustCompile(`(?m)^(\d+) +BE14.* open `).FindAllStringSubmatch(c.says("event list"), -1) {
			out = c.says("event close event=" + line[1])
			require.Contains(t, out, "closed", "the cause is gone: %s", out)
		}
		require.Contains(t, c.says("time advance by=8h; event list"), "no serviceable event is open", "and stays so")
	}
}

// Of a pair each server has a list of its own: refuse at one of them says so. A server alone has no
// peer that could be forgotten.
func TestRefuseAtOneOfAPairTellsOfTheOther(t *testing.T) {
	p := newServerPair(t)
	certificate := filepath.Join(p.dir[0], "facility.crt")
	code, _, said := play(t, "keyserver", "refuse", p.dir[0], certificate)
	require.Equal(t, exitDone, code, said)
	require.Empty(t, said, "it never ran with a peer")
	code, _, said = play(t, "keyserver", "refuse", p.dir[1], certificate)
	require.Equal(t, exitDone, code, said)
	require.Contains(t, said, "hint: the peer has a list of its own: refuse the certificate there too")
	p.start(0)
	code, _, said = play(t, "keyserver", "refuse", p.dir[0], certificate)
	require.Equal(t, exitDone, code, said)
	require.Contains(t, said, "hint: the peer "+p.addr[1]+" has a list of its own")
}
