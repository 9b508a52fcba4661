package sockets

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A Reader gives what comes from below, however it is read, and nothing of what was forgotten is in its buffer.
func TestReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 300).Draw(t, "all")
		var from io.Reader = bytes.NewReader(all)
		if rapid.Bool().Draw(t, "byte by byte") {
			from = iotest.OneByteReader(from)
		}
		r := NewReader(from, rapid.IntRange(1, 64).Draw(t, "size"))
		for left := all; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "n")
			if rapid.Bool().Draw(t, "discard") {
				m, err := r.Discard(n)
				require.NoError(t, err)
				require.Equal(t, n, m)
			} else {
				got := make([]byte, n)
				_, err := io.ReadFull(r, got)
				require.NoError(t, err)
				require.Equal(t, left[:n], got)
			}
			left = left[n:]
			r.Forget()
			there := r.Buffered()
			require.Equal(t, there, len(r.buf)-bytes.Count(r.buf, []byte{0}), "only what is still to be read is in the buffer")
		}
		_, err := r.Discard(1)
		require.ErrorIs(t, err, io.EOF)
	})
}
