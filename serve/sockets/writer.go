package sockets

import "net"

// Writer is a buffered writer that does not copy what is long: it is sent together with what waits before it. It keeps
// its first error.
type Writer struct {
	to   net.Conn
	buf  []byte // what waits
	err  error
	vec  net.Buffers
	both [2][]byte // under vec
}

// long is how many bytes are not copied.
const long = 16 << 10

// NewWriter makes a writer with a buffer of size bytes, at least long.
func NewWriter(to net.Conn, size int) *Writer {
	return &Writer{to: to, buf: make([]byte, 0, max(size, long))}
}

// Buffered is how many bytes wait for Flush.
func (w *Writer) Buffered() int { return len(w.buf) }

// Write keeps p, or sends it with all that was kept.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) >= long {
		return w.send(p)
	}
	if len(w.buf)+len(p) > cap(w.buf) {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	w.buf = append(w.buf, p...)
	return len(p), w.err
}

// Flush sends what waits.
func (w *Writer) Flush() error {
	if len(w.buf) == 0 {
		return w.err
	}
	_, err := w.send(nil)
	return err
}

func (w *Writer) send(p []byte) (int, error) {
	switch {
	case w.err != nil:
	case len(p) == 0:
		_, w.err = w.to.Write(w.buf)
	case len(w.buf) == 0:
		_, w.err = w.to.Write(p)
	default:
		w.both = [2][]byte{w.buf, p}
		w.vec = w.both[:]
		_, w.err = w.vec.WriteTo(w.to)
		w.both = [2][]byte{}
	}
	w.buf = w.buf[:0]
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}
