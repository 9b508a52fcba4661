package nbd

import (
	"encoding/binary"
	"errors"
	"io"
)

var errEnd = errors.New("nbd: the connection ends")

// handshake is the fixed newstyle negotiation, up to the end of the connection, or to an export.
func (c *conn) handshake() error {
	c.hurry()
	be := binary.BigEndian
	hello := be.AppendUint64(nil, magicNBD)
	hello = be.AppendUint64(hello, magicOption)
	hello = be.AppendUint16(hello, fixedNewstyle|noZeroes)
	if err := c.sent(hello); err != nil {
		return err
	}
	var flags [4]byte
	if _, err := io.ReadFull(c.r, flags[:]); err != nil {
		return err
	}
	f := be.Uint32(flags[:])
	if f&^uint32(fixedNewstyle|noZeroes) != 0 || f&fixedNewstyle == 0 {
		return errEnd
	}
	c.noZeroes = f&noZeroes != 0
	// A client has as many options as it may need, and not for ever.
	const maxOptions = 1000
	for range maxOptions {
		c.hurry()
		var h [16]byte
		if _, err := io.ReadFull(c.r, h[:]); err != nil {
			return err
		}
		if be.Uint64(h[:]) != magicOption {
			return errEnd
		}
		option, n := be.Uint32(h[8:]), int64(be.Uint32(h[12:]))
		if n > maxOption {
			if option == optExportName || n > 1<<20 {
				return errEnd
			}
			if _, err := io.CopyN(io.Discard, c.r, n); err != nil {
				return err
			}
			if err := c.reply(option, errTooBig, nil); err != nil {
				return err
			}
			continue
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(c.r, data); err != nil {
			return err
		}
		over, err := c.option(option, data)
		if err != nil || over {
			return err
		}
	}
	return errEnd
}

// sent writes and flushes.
func (c *conn) sent(b []byte) error {
	_, _ = c.w.Write(b) // a Writer keeps its first error
	return c.w.Flush()
}

func (c *conn) reply(option, kind uint32, data []byte) error {
	be := binary.BigEndian
	b := be.AppendUint64(nil, magicReply)
	b = be.AppendUint32(b, option)
	b = be.AppendUint32(b, kind)
	b = be.AppendUint32(b, uint32(len(data)))
	return c.sent(append(b, data...))
}

// option answers one. over says that the handshake is.
func (c *conn) option(option uint32, data []byte) (over bool, err error) {
	switch option {
	case optExportName:
		return true, c.exportName(string(data))
	case optAbort:
		_ = c.reply(option, repAck, nil) // the client may be gone already
		return true, nil
	case optList:
		if len(data) > 0 {
			return false, c.reply(option, errInvalid, nil)
		}
		for i := range c.s.exports {
			name := c.s.exports[i].Name
			if err := c.reply(option, repServer, append(binary.BigEndian.AppendUint32(nil, uint32(len(name))), name...)); err != nil {
				return false, err
			}
		}
		return false, c.reply(option, repAck, nil)
	case optStructured:
		if len(data) > 0 {
			return false, c.reply(option, errInvalid, nil)
		}
		c.structured = true
		return false, c.reply(option, repAck, nil)
	case optInfo, optGo:
		return c.info(option, data)
	case optListContext, optSetContext:
		return false, c.contexts(option, data)
	}
	return false, c.reply(option, errUnsup, nil)
}

// exportName is the old way to choose an export: there is no answer but the size of it, or the end.
func (c *conn) exportName(name string) error {
	e := c.s.export(name)
	if e == nil || !c.attach(e) {
		return errEnd
	}
	c.forgetContext()
	b := c.size()
	if !c.noZeroes {
		b = append(b, make([]byte, 124)...)
	}
	return c.sent(b)
}

// size is the size and the flags of the export.
func (c *conn) size() []byte {
	b := binary.BigEndian.AppendUint64(nil, c.cfg.Sectors*uint64(c.cfg.SectorSize))
	return binary.BigEndian.AppendUint16(b, exportFlags)
}

// forgetContext: a context counts for the export that it was asked for.
func (c *conn) forgetContext() {
	if c.context != c.e {
		c.context = nil
	}
}

// info is NBD_OPT_INFO and NBD_OPT_GO.
func (c *conn) info(option uint32, data []byte) (over bool, err error) {
	name, rest, ok := text(data)
	if !ok || len(rest) < 2 || len(rest) != 2+2*int(binary.BigEndian.Uint16(rest)) {
		return false, c.reply(option, errInvalid, nil)
	}
	e := c.s.export(name)
	if e == nil || !c.attach(e) {
		c.e = nil
		return false, c.reply(option, errUnknown, []byte("there is no such drive, or it has no power"))
	}
	be := binary.BigEndian
	infos := [][]byte{append(be.AppendUint16(nil, infoExport), c.size()...)}
	block := be.AppendUint16(nil, infoBlockSize)
	block = be.AppendUint32(block, uint32(c.cfg.SectorSize))
	block = be.AppendUint32(block, preferredSize)
	infos = append(infos, be.AppendUint32(block, maxTransfer))
	for at := 2; at < len(rest); at += 2 {
		switch be.Uint16(rest[at:]) {
		case infoName:
			infos = append(infos, append(be.AppendUint16(nil, infoName), e.Name...))
		case infoDescription:
			infos = append(infos, append(be.AppendUint16(nil, infoDescription), "drive "+c.cfg.Serial...))
		}
	}
	for _, i := range infos {
		if err := c.reply(option, repInfo, i); err != nil {
			return false, err
		}
	}
	if option == optInfo {
		c.e = nil
		return false, c.reply(option, repAck, nil)
	}
	c.forgetContext()
	return true, c.reply(option, repAck, nil)
}

// text reads a string behind its length of 32 bits.
func text(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 4 {
		return "", nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxName || int(n) > len(b)-4 {
		return "", nil, false
	}
	return string(b[4 : 4+n]), b[4+n:], true
}

// contexts is NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT.
func (c *conn) contexts(option uint32, data []byte) error {
	name, rest, ok := text(data)
	if !ok || len(rest) < 4 || !c.structured {
		return c.reply(option, errInvalid, nil)
	}
	n := binary.BigEndian.Uint32(rest)
	rest = rest[4:]
	wanted := option == optListContext && n == 0
	for range n {
		var q string
		if q, rest, ok = text(rest); !ok {
			return c.reply(option, errInvalid, nil)
		}
		wanted = wanted || q == contextName || option == optListContext && q == "base:"
	}
	e := c.s.export(name)
	switch {
	case len(rest) > 0:
		return c.reply(option, errInvalid, nil)
	case e == nil:
		return c.reply(option, errUnknown, nil)
	}
	if option == optSetContext {
		c.context = nil
		if wanted {
			c.context = e
		}
	}
	if wanted {
		if err := c.reply(option, repContext, append(binary.BigEndian.AppendUint32(nil, contextID), contextName...)); err != nil {
			return err
		}
	}
	return c.reply(option, repAck, nil)
}
