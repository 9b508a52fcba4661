package nbd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// Client is the client side of one connection. It may be used by several goroutines.
type Client struct {
	conn net.Conn
	size uint64

	mu    sync.Mutex
	w     *sockets.Writer
	calls map[uint64]*Call
	next  uint64
	err   error
	over  chan struct{}
}

// Call is a command in flight.
type Call struct {
	Done    chan struct{} // closed when it ended
	Err     error         // an Errno, or why the connection ended
	Extents []Extent      // of BlockStatus

	offset uint64
	out    []byte
}

// Extent is a stretch of an export that is alike.
type Extent struct {
	Length uint32
	Hole   bool // nobody wrote it, and it reads as zeros
}

// ErrLost is wrapped by the errors of commands whose connection ended.
var ErrLost = errors.New("nbd: the connection is lost")

// ErrNoExport says that the server has no export of that name now.
var ErrNoExport = errors.New("nbd: no such export")

// Dial connects to an export at an address of package net, with structured replies and base:allocation.
func Dial(network, address, name string) (*Client, error) {
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	x := &Client{conn: c, w: sockets.NewWriter(c, 64<<10), calls: map[uint64]*Call{}, over: make(chan struct{})}
	r := bufio.NewReaderSize(c, 64<<10)
	if err := x.negotiate(r, name); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	go x.read(r)
	return x, nil
}

func (c *Client) negotiate(r *bufio.Reader, name string) error {
	be := binary.BigEndian
	var hello [18]byte
	if _, err := io.ReadFull(r, hello[:]); err != nil {
		return err
	}
	if be.Uint64(hello[:]) != magicNBD || be.Uint64(hello[8:]) != magicOption || hello[17]&fixedNewstyle == 0 {
		return errors.New("nbd: the server is none of the fixed newstyle")
	}
	_, _ = c.w.Write(be.AppendUint32(nil, fixedNewstyle|noZeroes))
	named := append(be.AppendUint32(nil, uint32(len(name))), name...)
	context := be.AppendUint32(append([]byte(nil), named...), 1)
	context = be.AppendUint32(context, uint32(len(contextName)))
	for _, o := range []struct {
		option uint32
		data   []byte
	}{{optStructured, nil}, {optSetContext, append(context, contextName...)}, {optGo, append(named, 0, 0)}} {
		if err := c.ask(r, o.option, o.data); err != nil {
			return err
		}
	}
	if c.size == 0 {
		return errors.New("nbd: the server does not say how large the export is")
	}
	return nil
}

// ask sends an option and reads the answers to it.
func (c *Client) ask(r *bufio.Reader, option uint32, data []byte) error {
	be := binary.BigEndian
	b := be.AppendUint64(nil, magicOption)
	b = be.AppendUint32(b, option)
	b = be.AppendUint32(b, uint32(len(data)))
	_, _ = c.w.Write(append(b, data...))
	if err := c.w.Flush(); err != nil {
		return err
	}
	for {
		var h [20]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return err
		}
		kind, n := be.Uint32(h[12:]), be.Uint32(h[16:])
		if be.Uint64(h[:]) != magicReply || be.Uint32(h[8:]) != option || n > maxOption {
			return errors.New("nbd: the answer to an option is none")
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		switch {
		case kind == repAck:
			return nil
		case kind == errUnknown:
			return fmt.Errorf("%w: %s", ErrNoExport, body)
		case kind&repError != 0:
			return fmt.Errorf("nbd: the server refuses option %d: %#x", option, kind)
		case kind == repInfo && n >= 12 && be.Uint16(body) == infoExport:
			c.size = be.Uint64(body[2:])
		}
	}
}

// Size is that of the export, in bytes.
func (c *Client) Size() uint64 { return c.size }

// Close hangs up.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.over
	return err
}

// start sends a command.
func (c *Client) start(kind, flags uint16, offset uint64, n int, in, out []byte) *Call {
	x := &Call{Done: make(chan struct{}), offset: offset, out: out}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		x.Err = c.err
		close(x.Done)
		return x
	}
	c.next++
	c.calls[c.next] = x
	be := binary.BigEndian
	b := be.AppendUint32(nil, magicRequest)
	b = be.AppendUint16(b, flags)
	b = be.AppendUint16(b, kind)
	b = be.AppendUint64(b, c.next)
	b = be.AppendUint64(b, offset)
	_, _ = c.w.Write(be.AppendUint32(b, uint32(n)))
	_, _ = c.w.Write(in)
	if c.w.Flush() != nil {
		_ = c.conn.Close() // the reader tells
	}
	return x
}

// StartRead begins to read b, which is the client's until the call is done; StartWrite begins to write it.
func (c *Client) StartRead(b []byte, offset uint64) *Call {
	return c.start(cmdRead, 0, offset, len(b), nil, b)
}

// StartWrite is described at StartRead.
func (c *Client) StartWrite(b []byte, offset uint64) *Call {
	return c.start(cmdWrite, 0, offset, len(b), b, nil)
}

func (x *Call) wait() error {
	<-x.Done
	return x.Err
}

// Read fills b from a byte of the export on; an error is an Errno, or ErrLost.
func (c *Client) Read(b []byte, offset uint64) error { return c.StartRead(b, offset).wait() }

// Write writes b.
func (c *Client) Write(b []byte, offset uint64) error { return c.StartWrite(b, offset).wait() }

// Flush has what was written survive a loss of power.
func (c *Client) Flush() error { return c.start(cmdFlush, 0, 0, 0, nil, nil).wait() }

// Trim gives n bytes up.
func (c *Client) Trim(offset uint64, n int) error {
	return c.start(cmdTrim, 0, offset, n, nil, nil).wait()
}

// WriteZeroes makes n bytes zeros, as a hole or not.
func (c *Client) WriteZeroes(offset uint64, n int, hole bool) error {
	flags := uint16(flagNoHole)
	if hole {
		flags = 0
	}
	return c.start(cmdWriteZeroes, flags, offset, n, nil, nil).wait()
}

// BlockStatus says where n bytes from offset on have data.
func (c *Client) BlockStatus(offset uint64, n int) ([]Extent, error) {
	x := c.start(cmdBlockStatus, 0, offset, n, nil, nil)
	err := x.wait()
	return x.Extents, err
}

func (c *Client) read(r *bufio.Reader) {
	var err error
	for err == nil {
		err = c.answer(r)
	}
	_ = c.conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = fmt.Errorf("%w: %w", ErrLost, err)
	for cookie, x := range c.calls {
		x.Err = c.err
		close(x.Done)
		delete(c.calls, cookie)
	}
	close(c.over)
}

// answer reads one reply, or one chunk of it.
func (c *Client) answer(r *bufio.Reader) error {
	be := binary.BigEndian
	var h [structuredSize]byte
	if _, err := io.ReadFull(r, h[:simpleSize]); err != nil {
		return err
	}
	switch be.Uint32(h[:]) {
	case magicSimple:
		x := c.call(be.Uint64(h[8:]))
		if x == nil {
			return errors.New("nbd: an answer to no command")
		}
		if e := Errno(be.Uint32(h[4:])); e != 0 {
			x.Err = e
		} else if x.out != nil {
			return errors.New("nbd: data without chunks")
		}
		return c.ended(be.Uint64(h[8:]), x)
	case magicStructured:
		if _, err := io.ReadFull(r, h[simpleSize:]); err != nil {
			return err
		}
	default:
		return errors.New("nbd: no reply")
	}
	flags, kind, cookie, n := be.Uint16(h[4:]), be.Uint16(h[6:]), be.Uint64(h[8:]), be.Uint32(h[16:])
	x := c.call(cookie)
	if x == nil {
		return errors.New("nbd: an answer to no command")
	}
	if err := x.chunk(r, kind, n); err != nil {
		return err
	}
	if flags&replyDone == 0 {
		return nil
	}
	return c.ended(cookie, x)
}

func (c *Client) call(cookie uint64) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[cookie]
}

func (c *Client) ended(cookie uint64, x *Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, cookie)
	close(x.Done)
	return nil
}

// chunk reads the body of a chunk of n bytes.
func (x *Call) chunk(r *bufio.Reader, kind uint16, n uint32) error {
	be := binary.BigEndian
	if kind == chunkData {
		var at [8]byte
		if n <= uint32(len(at)) {
			return errors.New("nbd: a chunk of data without data")
		}
		if _, err := io.ReadFull(r, at[:]); err != nil {
			return err
		}
		b, err := x.part(be.Uint64(at[:]), n-8)
		if err == nil {
			_, err = io.ReadFull(r, b)
		}
		return err
	}
	if n > 1<<20 {
		return errors.New("nbd: a chunk that is too long")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	switch {
	case kind == chunkNone && n == 0:
	case kind == chunkHole && n == 12:
		b, err := x.part(be.Uint64(body), be.Uint32(body[8:]))
		clear(b)
		return err
	case kind == chunkStatus && n >= 12 && (n-4)%8 == 0:
		for at := 4; at < len(body); at += 8 {
			x.Extents = append(x.Extents, Extent{be.Uint32(body[at:]), be.Uint32(body[at+4:])&stateHole != 0})
		}
	case kind&(1<<15) != 0 && n >= 6:
		x.Err = Errno(be.Uint32(body))
	default:
		return errors.New("nbd: a chunk that nobody asked for")
	}
	return nil
}

// part is where n bytes that stand at an offset of the export go.
func (x *Call) part(offset uint64, n uint32) ([]byte, error) {
	from := offset - x.offset
	if offset < x.offset || from > uint64(len(x.out)) || uint64(n) > uint64(len(x.out))-from {
		return nil, errors.New("nbd: data that nobody asked for")
	}
	return x.out[from : from+uint64(n)], nil
}
