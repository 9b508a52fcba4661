package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// keyserver is `fdelab keyserver`, or another server, as a process.
type keyserver struct {
	cmd   *exec.Cmd
	addr  string
	first string // the line that says where it listens
	said  *safeBuffer
}

// safeBuffer is read while a process writes.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func startKeyserver(t testing.TB, dir string, flags ...string) *keyserver {
	t.Helper()
	return startServer(t, "keyserver", dir, flags...)
}

// startServer starts a subcommand that serves a directory.
func startServer(t testing.TB, name, dir string, flags ...string) *keyserver {
	t.Helper()
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	return runKeyserver(t, exe, append([]string{name, "--data", dir, "--listen", "127.0.0.1:0"}, flags...)...) // the last --listen counts
}

func runKeyserver(t testing.TB, exe string, args ...string) *keyserver {
	t.Helper()
	k := &keyserver{cmd: exec.Command(exe, args...), said: &safeBuffer{}}
	k.cmd.Stderr = k.said
	out, err := k.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, k.cmd.Start())
	t.Cleanup(func() { _, _ = k.cmd.Process.Kill(), k.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "it tells where it listens: %s", k.said)
	k.first = line
	words := strings.Fields(line)
	require.Equal(t, "listening", words[0], line)
	k.addr = strings.TrimSuffix(words[2], ",")
	return k
}

func (k *keyserver) config(t testing.TB, dir, client string) kmip.Config {
	t.Helper()
	p, err := pki.Read(filepath.Join(dir, client))
	require.NoError(t, err)
	pool, err := pki.ReadPool(filepath.Join(dir, "ca.crt"))
	require.NoError(t, err)
	return kmip.Config{
		Addr: k.addr, Clock: time.Now, Timeout: 30 * time.Second,
		TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{p.TLS()}},
	}
}

func initKeyserver(t testing.TB) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "keys")
	var said strings.Builder
	require.Equal(t, exitDone, run([]string{"keyserver", "init", dir}, strings.NewReader(""), &strings.Builder{}, &said), said.String())
	return dir
}

func TestKeyserverServesAndEndsWell(t *testing.T) {
	dir := initKeyserver(t)
	k := startKeyserver(t, dir)
	c, err := kmip.Dial(k.config(t, dir, "facility"))
	require.NoError(t, err)
	o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: bytes.Repeat([]byte{7}, 32)}
	uid, err := c.Register(&o)
	require.NoError(t, err)
	require.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, k.cmd.Wait(), "interrupted, it ends with exit code 0: %s", k.said)
	require.Empty(t, k.said.String(), "and has nothing to say")
	require.NoError(t, c.Close())

	k = startKeyserver(t, dir)
	defer func() { _ = k.cmd.Process.Kill(); _ = k.cmd.Wait() }()
	c, err = kmip.Dial(k.config(t, dir, "facility"))
	require.NoError(t, err)
	defer c.Close()
	back, err := c.Get(uid)
	require.NoError(t, err)
	require.Equal(t, o.Material, back.Material, "the key is there after a restart")

	raw, err := os.ReadFile(filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	require.False(t, bytes.Contains(raw, o.Material[:16]), "the database does not hold the key itself")
}

// TestKillLosesNothing kills the server with SIGKILL at random moments while four clients
// register, create and change keys as fast as they can. Whatever was acknowledged before
// any of the kills is there after all of them.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 12
	if testing.Short() {
		kills = 4
	}
	dir, seed := initKeyserver(t), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	acknowledged := map[string][]byte{} // uid -> key; nil: destroyed
	for round := range kills {
		k := startKeyserver(t, dir)
		cfg := k.config(t, dir, "facility")
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() { hammer(cfg, fmt.Sprintf("%d-%d", round, worker), &mu, acknowledged) })
		}
		if round%2 == 1 { // the others may be killed before they acknowledge anything
			more(t, &mu, acknowledged)
		}
		time.Sleep(time.Duration(rng.IntN(120)+5) * time.Millisecond)
		require.NoError(t, k.cmd.Process.Kill())
		_ = k.cmd.Wait()
		wg.Wait()
	}
	k := startKeyserver(t, dir)
	defer func() { _ = k.cmd.Process.Kill(); _ = k.cmd.Wait() }()
	c, err := kmip.Dial(k.config(t, dir, "facility"))
	require.NoError(t, err)
	defer c.Close()
	require.NotEmpty(t, acknowledged, "something was done between the kills")
	for uid, want := range acknowledged {
		o, err := c.Get(uid)
		if want == nil {
			require.Error(t, err, "%s was destroyed, and stays so", uid)
			continue
		}
		require.NoError(t, err, "%s was acknowledged", uid)
		require.Equal(t, want, o.Material, "%s is the key that was acknowledged", uid)
	}
	t.Logf("%d keys after %d kills", len(acknowledged), kills)
}

// more waits until something else is acknowledged.
func more(t *testing.T, mu *sync.Mutex, acknowledged map[string][]byte) {
	t.Helper()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	was := count()
	require.Eventually(t, func() bool { return count() > was }, time.Minute, time.Millisecond, "a client works")
}

// hammer works until the server is gone, and notes what it acknowledged.
func hammer(cfg kmip.Config, name string, mu *sync.Mutex, acknowledged map[string][]byte) {
	hammerFor(cfg, name, mu, acknowledged, nil)
}

// hammerFor works until the server is gone or stop is closed.
func hammerFor(cfg kmip.Config, name string, mu *sync.Mutex, acknowledged map[string][]byte, stop <-chan struct{}) {
	c, err := kmip.Dial(cfg)
	if err != nil {
		return
	}
	defer c.Close()
	note := func(uid string, key []byte) {
		mu.Lock()
		defer mu.Unlock()
		acknowledged[uid] = key
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		key := []byte(fmt.Sprintf("%-32s", fmt.Sprintf("%s %d", name, n)))
		o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key}
		uid, err := c.Register(&o, kmip.NameOf(name+fmt.Sprint(" ", n)), kmip.TextOf(kmip.AttrObjectGroup, "all"))
		if err != nil {
			return
		}
		note(uid, key)
		if n%4 == 3 {
			mu.Lock()
			delete(acknowledged, uid) // until it is answered, either is right
			mu.Unlock()
			if c.Destroy(uid) != nil {
				return
			}
			note(uid, nil)
		}
	}
}
