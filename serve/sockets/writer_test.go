package sockets

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is written arrives whole and in order, short or long, and the writer never keeps more than its buffer.
func TestWriterKeepsTheOrder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	here, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	there, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = there.Close() }()
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(there)
		got <- b
	}()
	w := NewWriter(here, 20<<10)
	random := rand.New(rand.NewPCG(1, 2))
	var want []byte
	for range 500 {
		p := make([]byte, random.IntN(100))
		if random.IntN(5) == 0 {
			p = make([]byte, long-10+random.IntN(100<<10))
		}
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		n, err := w.Write(p)
		require.NoError(t, err)
		require.Equal(t, len(p), n)
		want = append(want, p...)
		clear(p) // who wrote has its bytes back
		require.LessOrEqual(t, w.Buffered(), 20<<10)
		if random.IntN(20) == 0 {
			require.NoError(t, w.Flush())
			require.Zero(t, w.Buffered())
		}
	}
	require.NoError(t, w.Flush())
	require.NoError(t, here.Close())
	require.True(t, bytes.Equal(want, <-got))
}

// failing is a connection that takes some bytes.
type failing struct {
	net.Conn
	left int
}

var errCut = errors.New("cut")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errCut
	}
	f.left -= len(p)
	return len(p), nil
}

// Behind an error nothing is sent any more: a hole in a stream is worse than its end.
func TestWriterKeepsItsError(t *testing.T) {
	f := &failing{left: 100}
	w := NewWriter(f, long)
	_, err := w.Write(make([]byte, 200))
	require.NoError(t, err, "it waits")
	require.ErrorIs(t, w.Flush(), errCut)
	f.left = 1 << 20
	_, err = w.Write([]byte{1})
	require.ErrorIs(t, err, errCut)
	_, err = w.Write(make([]byte, long))
	require.ErrorIs(t, err, errCut)
	require.ErrorIs(t, w.Flush(), errCut)
	require.Equal(t, 1<<20, f.left)
}

// A connection is not asked to write nothing: over a pipe that waits for somebody who reads nothing.
func TestWriterWritesNoNothing(t *testing.T) {
	here, there := net.Pipe()
	w := NewWriter(here, long)
	go func() {
		_, _ = w.Write([]byte("short"))
		_ = w.Flush()
		_ = w.Flush()
		_, _ = w.Write(make([]byte, long))
		_ = here.Close()
	}()
	for _, want := range []int{5, long} {
		n, err := there.Read(make([]byte, long))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := there.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
