package nbd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// request is one command.
type request struct {
	flags, kind uint16
	cookie      uint64
	offset      uint64
	length      uint32
	unread      int64 // bytes of data that the client still sends
}

// next reads the header of a command. A client may wait as long as it likes before it sends one, but no answer waits
// with it.
func (c *conn) next(q *request) error {
	if c.r.Buffered() == 0 {
		c.hurry()
		if err := c.w.Flush(); err != nil {
			return err
		}
		_ = c.net.SetDeadline(time.Time{})
		if _, err := c.r.Peek(1); err != nil {
			return err
		}
	}
	c.hurry()
	var h [requestSize]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		return err
	}
	be := binary.BigEndian
	if be.Uint32(h[:]) != magicRequest {
		return errEnd
	}
	*q = request{flags: be.Uint16(h[4:]), kind: be.Uint16(h[6:]), cookie: be.Uint64(h[8:]), offset: be.Uint64(h[16:]), length: be.Uint32(h[24:])}
	if q.kind == cmdWrite {
		if q.length > maxTransfer {
			return errEnd // the data would have to be read
		}
		q.unread = int64(q.length)
	}
	return nil
}

// do does a command and answers it. An error is of the connection.
func (c *conn) do(q *request) error {
	if !c.alive() {
		return errEnd
	}
	d := c.e.Drive
	lba, n, err := c.sectors(q)
	if err == nil {
		switch q.kind {
		case cmdRead:
			return c.read(q, lba, n)
		case cmdWrite:
			err = c.write(q, lba, n)
		case cmdFlush:
			err = d.Sync()
		case cmdTrim:
			err = d.Discard(lba, n)
		case cmdWriteZeroes:
			err = c.writeZeroes(q, lba, n)
		case cmdBlockStatus:
			return c.blockStatus(q, lba, n)
		}
	}
	if err == nil && q.flags&flagFUA != 0 && q.kind != cmdFlush {
		err = d.Sync()
	}
	if _, e := io.CopyN(io.Discard, c.r, q.unread); e != nil {
		return e
	}
	return c.answer(q, err)
}

// flagsOf are those that a command may have. FUA is taken with every command, as the specification asks for.
var flagsOf = map[uint16]uint16{
	cmdRead: flagFUA | flagDontFragm, cmdWrite: flagFUA, cmdFlush: flagFUA, cmdTrim: flagFUA,
	cmdWriteZeroes: flagFUA | flagNoHole, cmdBlockStatus: flagFUA | flagOneExtent,
}

// sectors checks the fields of a command.
func (c *conn) sectors(q *request) (lba, n uint64, err error) {
	may, known := flagsOf[q.kind]
	size := uint64(c.cfg.SectorSize)
	switch {
	case !known || q.flags&^may != 0:
		return 0, 0, EINVAL
	case q.kind == cmdFlush:
		if q.offset != 0 || q.length != 0 {
			return 0, 0, EINVAL
		}
		return 0, 0, nil
	case q.kind == cmdBlockStatus && c.context == nil:
		return 0, 0, EINVAL
	case q.kind == cmdRead && q.length > maxTransfer:
		return 0, 0, EOVERFLOW
	case q.length == 0, q.offset%size != 0, uint64(q.length)%size != 0:
		return 0, 0, EINVAL
	}
	lba, n = q.offset/size, uint64(q.length)/size
	if lba >= c.cfg.Sectors || n > c.cfg.Sectors-lba {
		if q.kind == cmdWrite || q.kind == cmdWriteZeroes {
			return 0, 0, ENOSPC
		}
		return 0, 0, EINVAL
	}
	return lba, n, nil
}

// errno is the number of an error of a drive.
func errno(err error) Errno {
	var e Errno
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, drive.Locked):
		return EPERM
	case errors.Is(err, drive.OutOfRange), errors.Is(err, drive.InvalidParameter):
		return EINVAL
	}
	return EIO
}

// answer ends a command that has no data for the client, or failed before any were sent. A drive that lost its power
// meanwhile gives none.
func (c *conn) answer(q *request, err error) error {
	if !c.alive() {
		return errEnd
	}
	c.hurry()
	be := binary.BigEndian
	e := Errno(0)
	if err != nil {
		e = errno(err)
	}
	if !c.structured || q.kind != cmdRead && q.kind != cmdBlockStatus {
		b := be.AppendUint32(nil, magicSimple)
		b = be.AppendUint32(b, uint32(e))
		_, err = c.w.Write(be.AppendUint64(b, q.cookie))
		return err
	}
	if e == 0 {
		return c.chunk(q, replyDone, chunkNone, nil, nil)
	}
	said := e.Error()
	b := be.AppendUint32(nil, uint32(e))
	b = be.AppendUint16(b, uint16(len(said)))
	return c.chunk(q, replyDone, chunkError, append(b, said...), nil)
}

// chunk sends a piece of a structured reply.
func (c *conn) chunk(q *request, flags, kind uint16, head, data []byte) error {
	c.hurry()
	be := binary.BigEndian
	b := be.AppendUint32(nil, magicStructured)
	b = be.AppendUint16(b, flags)
	b = be.AppendUint16(b, kind)
	b = be.AppendUint64(b, q.cookie)
	b = be.AppendUint32(b, uint32(len(head)+len(data)))
	_, _ = c.w.Write(append(b, head...))
	_, err := c.w.Write(data)
	return err
}

// read sends sectors piece by piece; pieces of zeros as holes, where the client understands them. Behind the first byte
// of a reply that has no chunks an error is the end of the connection. Nobody asks the medium for its holes: on some file
// systems that takes longer than to read what is in them.
func (c *conn) read(q *request, lba, n uint64) error {
	d := c.e.Drive
	if err := d.Readable(lba, n); err != nil {
		return c.answer(q, err)
	}
	size := uint64(c.cfg.SectorSize)
	whole := !c.structured || q.flags&flagDontFragm != 0
	be := binary.BigEndian
	begun := false
	for n > 0 {
		now := min(n, pieceSize/size)
		piece := c.piece[:now*size]
		if err := d.Read(lba, piece); err != nil {
			if begun {
				return errEnd
			}
			return c.answer(q, err)
		}
		if !c.alive() {
			return errEnd
		}
		var err error
		switch {
		case !whole && bytes.Equal(piece, zeros[:len(piece)]):
			err = c.chunk(q, 0, chunkHole, be.AppendUint32(be.AppendUint64(nil, lba*size), uint32(len(piece))), nil)
		case !whole:
			err = c.chunk(q, 0, chunkData, be.AppendUint64(nil, lba*size), piece)
		case begun:
			c.hurry()
			_, err = c.w.Write(piece)
		default:
			begun = true
			err = c.first(q, piece)
		}
		if err != nil {
			return err
		}
		lba, n = lba+now, n-now
	}
	if whole {
		return nil
	}
	return c.answer(q, nil)
}

var zeros [pieceSize]byte

// first begins a reply of one piece: a simple one, or the one chunk that a client asks for who wants no more.
func (c *conn) first(q *request, piece []byte) error {
	c.hurry()
	be := binary.BigEndian
	var b []byte
	if c.structured {
		b = be.AppendUint32(nil, magicStructured)
		b = be.AppendUint16(b, replyDone)
		b = be.AppendUint16(b, chunkData)
		b = be.AppendUint64(b, q.cookie)
		b = be.AppendUint32(b, 8+q.length)
		b = be.AppendUint64(b, q.offset)
	} else {
		b = be.AppendUint32(nil, magicSimple)
		b = be.AppendUint32(b, 0)
		b = be.AppendUint64(b, q.cookie)
	}
	_, _ = c.w.Write(b)
	_, err := c.w.Write(piece)
	return err
}

// write writes sectors as they come. Where one of them is locked nothing is written; the data are read all the same.
func (c *conn) write(q *request, lba, n uint64) error {
	d, size := c.e.Drive, uint64(c.cfg.SectorSize)
	if err := d.Writable(lba, n); err != nil {
		return err
	}
	for n > 0 {
		now := min(n, pieceSize/size)
		c.hurry()
		if _, err := io.ReadFull(c.r, c.piece[:now*size]); err != nil {
			return err // and so is the next thing that is read
		}
		q.unread -= int64(now * size)
		if err := d.Write(lba, c.piece[:now*size]); err != nil {
			return err
		}
		lba, n = lba+now, n-now
	}
	return nil
}

// writeZeroes makes sectors zeros: as holes, or as data that take their place.
func (c *conn) writeZeroes(q *request, lba, n uint64) error {
	d, size := c.e.Drive, uint64(c.cfg.SectorSize)
	if q.flags&flagNoHole == 0 {
		return d.WriteZeroes(lba, n)
	}
	if err := d.Writable(lba, n); err != nil {
		return err
	}
	clear(c.piece)
	for n > 0 {
		now := min(n, pieceSize/size)
		if err := d.Write(lba, c.piece[:now*size]); err != nil {
			return err
		}
		lba, n = lba+now, n-now
	}
	return nil
}

// blockStatus says where there are data. A locked range has them as far as anybody may know.
func (c *conn) blockStatus(q *request, lba, n uint64) error {
	d, size := c.e.Drive, uint64(c.cfg.SectorSize)
	be := binary.BigEndian
	b := be.AppendUint32(nil, contextID)
	var states []uint32 // length, state
	for left := n; left > 0; {
		written, alike, err := d.Extent(lba, left)
		if err != nil && !errors.Is(err, drive.Locked) {
			return c.answer(q, err)
		}
		state := uint32(stateHole | stateZero)
		if err != nil || written {
			state = 0
		}
		if last := len(states) - 2; last >= 0 && states[last+1] == state {
			states[last] += uint32(alike * size)
		} else if len(states) == 2*maxExtents || last >= 0 && q.flags&flagOneExtent != 0 {
			break
		} else {
			states = append(states, uint32(alike*size), state)
		}
		lba, left = lba+alike, left-alike
	}
	for _, v := range states {
		b = be.AppendUint32(b, v)
	}
	if !c.alive() {
		return errEnd
	}
	return c.chunk(q, replyDone, chunkStatus, b, nil)
}
