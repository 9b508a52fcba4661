package main

import (
	"crypto/rand"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// serving runs a server at a socket until the test ends.
func serving(t *testing.T, path string, s networkServer) {
	t.Helper()
	l, err := sockets.Listen(path)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
}

func servedUnit(t *testing.T, p drive.Personality) *secsock.Unit {
	t.Helper()
	geometry := flash.DefaultGeometry
	geometry.PageSize = 16 << 10
	d, _, err := drive.Manufacture(drive.Config{Serial: "SERVED1", SectorSize: 512, Sectors: 1 << 16, Ranges: 1, PBKDF2Iterations: 1, Personality: p},
		drive.Parts{Flash: flash.NewMem(geometry), Media: drive.NewMemMedia(512), Entropy: rand.Reader})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	u, err := secsock.NewUnit(d, tcg.Options{Entropy: rand.Reader})
	require.NoError(t, err)
	return u
}

// A command that is of one SSC says so, before it asks for a PIN.
func TestOpalCommandsSayThatTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	serving(t, path, secsock.NewServer([]*secsock.Unit{servedUnit(t, drive.Enterprise)}, nil))
	for _, args := range [][]string{{"activate"}, {"reactivate"}, {"enable", "--of", "User1"}, {"disable"}, {"grant"}, {"mbr"}, {"datastore"}} {
		code, _, said := play(t, append([]string{"tcg", args[0], path}, args[1:]...)...)
		require.Equal(t, exitCannot, code, args[0])
		first, _, _ := strings.Cut(said, "\n")
		require.Equal(t, "fdelab: error: tcg "+args[0]+": "+path+": the drive does not speak SSC Opal, and this command is for no other", first)
		_, help, _ := play(t, "tcg", args[0], "--help")
		require.Contains(t, strings.ReplaceAll(help, "\n", " "), "It is for SSC Opal.")
	}
}

// hangsUp answers so many commands, and ends the connection behind them.
type hangsUp struct {
	net.Listener
	commands int
}

func (h hangsUp) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	return &counted{Conn: c, left: h.commands}, err
}

type counted struct {
	net.Conn
	left int
}

func (c *counted) Write(b []byte) (int, error) {
	if c.left--; c.left < 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// A connection that is lost, wherever, is told once.
func TestALostConnectionIsToldOnce(t *testing.T) {
	whole := false
	for commands := 0; commands < 100 && !whole; commands++ {
		path := filepath.Join(t.TempDir(), "s")
		l, err := sockets.Listen(path)
		require.NoError(t, err)
		s := secsock.NewServer([]*secsock.Unit{servedUnit(t, drive.Enterprise)}, nil)
		done := make(chan error, 1)
		go func() { done <- s.Serve(hangsUp{l, commands}) }()
		code, _, said := play(t, "tcg", "ranges", path)
		if whole = code == exitDone; !whole {
			require.Equal(t, exitCannot, code)
			require.Equal(t, "fdelab: error: tcg ranges: "+path+": the server hung up\n", said, "after %d commands", commands)
		}
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	}
	require.True(t, whole, "with enough commands it is done")
}

// brokenAfter takes so many writes.
type brokenAfter struct{ left int }

func (b *brokenAfter) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

// A trace that cannot be written is told when it happens, and once; the drives go on.
func TestABrokenTraceIsToldAtOnce(t *testing.T) {
	var said strings.Builder
	a := &app{err: &said}
	tracer := a.tracer(&brokenAfter{left: 2})
	path := filepath.Join(t.TempDir(), "s")
	serving(t, path, secsock.NewServer([]*secsock.Unit{servedUnit(t, drive.Enterprise)}, tracer))
	c, err := secsock.Dial(path, 0)
	require.NoError(t, err)
	defer c.Close()
	for n := range 5 {
		_, err := host.Discover(c)
		require.NoError(t, err)
		if n < 2 {
			require.NoError(t, tracer.Err())
			continue
		}
		require.Error(t, tracer.Err())
		require.Equal(t, "fdelab: error: serve: the trace ends here, the drives go on: no space left\n", said.String())
	}
}

// A connection to the hand that breaks is nothing that the drive refused.
func TestALostHandCannot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	serving(t, controlOf(path), secsock.NewServer([]*secsock.Unit{servedUnit(t, drive.Enterprise)}, nil)) // hangs up on JSON
	code, _, said := play(t, "power", "cycle", path)
	require.Equal(t, exitCannot, code)
	require.Equal(t, "fdelab: error: power cycle: "+controlOf(path)+": the server hung up\n", said)
}
