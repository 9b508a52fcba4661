package sockets

import "io"

// Reader is a buffered reader that can forget what was read from it: PINs come through it.
type Reader struct {
	from io.Reader
	buf  []byte
	r, w int // what is to be read is buf[r:w]
}

// NewReader makes a reader with a buffer of size bytes.
func NewReader(from io.Reader, size int) *Reader { return &Reader{from: from, buf: make([]byte, size)} }

// Buffered is how many bytes are there without reading from below.
func (b *Reader) Buffered() int { return b.w - b.r }

// Read reads once from below at most, and not through the buffer where p is as long as that.
func (b *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.r == b.w {
		if len(p) >= len(b.buf) {
			return b.from.Read(p)
		}
		n, err := b.from.Read(b.buf)
		b.r, b.w = 0, n
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, b.buf[b.r:b.w])
	b.r += n
	return n, nil
}

// Discard passes n bytes over.
func (b *Reader) Discard(n int) (int, error) {
	var p [32]byte
	for left := n; left > 0; {
		m, err := b.Read(p[:min(left, len(p))])
		if left -= m; err != nil {
			return n - left, err
		}
	}
	return n, nil
}

// Forget clears what was read already: nothing of it is in the buffer any more.
func (b *Reader) Forget() {
	clear(b.buf[:b.r])
	clear(b.buf[b.w:])
}
