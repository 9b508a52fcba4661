package sockets_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

func Example() {
	dir, err := os.MkdirTemp("", "sockets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	l, err := sockets.Listen(filepath.Join(dir, "s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &sockets.Server{Handle: func(c net.Conn, n int) { fmt.Fprintf(c, "you are number %d\n", n) }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(line)
	fmt.Println(s.Close(), <-done)
	// Output:
	// you are number 1
	// <nil> <nil>
}

func TestASocketIsForItsOwnerAndForOneServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err := sockets.Listen(path)
	require.ErrorContains(t, err, "is there, and no socket")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "x", string(b), "it stays")
	require.NoError(t, os.Remove(path))

	l, err := sockets.Listen(path)
	require.NoError(t, err)
	i, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), i.Mode().Perm())
	_, err = sockets.Listen(path)
	require.ErrorContains(t, err, "another server listens there")
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	l, err = sockets.Listen(path)
	require.NoError(t, err, "what a killed server left is replaced")
	require.NoError(t, l.Close())
}

// Close ends connections that say nothing, and Serve comes back.
func TestCloseEndsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := sockets.Listen(path)
	require.NoError(t, err)
	s := &sockets.Server{Max: 1, Handle: func(c net.Conn, _ int) {
		fmt.Fprintln(c, "hello")
		_, _ = io.Copy(io.Discard, c)
	}}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	_, err = bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	second, err := net.Dial("unix", path)
	require.NoError(t, err)
	b, _ := io.ReadAll(second)
	require.Empty(t, b, "one too many is hung up")
	require.NoError(t, s.Close())
	require.NoError(t, <-done)
	_, err = io.ReadAll(c)
	require.NoError(t, err, "the other end hung up")
	require.NoFileExists(t, path)
	l, err = sockets.Listen(path)
	require.NoError(t, err)
	require.NoError(t, s.Serve(l), "a server that is closed does not begin")
}

// A server hangs up in order, whatever it has not read: its last answer arrives, and what the other side was sending is
// no error there.
func TestHangingUpLosesNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sockets.Server{Handle: func(c net.Conn, _ int) {
		_, _ = c.Read(make([]byte, 1))
		fmt.Fprint(c, "answer")
	}}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	for range 64 {
		_, err = c.Write(make([]byte, 64<<10))
		require.NoError(t, err)
	}
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "answer", string(b))
	require.NoError(t, c.Close())
	require.NoError(t, s.Close())
	require.NoError(t, <-done)
}
