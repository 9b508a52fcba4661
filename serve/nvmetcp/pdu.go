package nvmetcp

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// The types of PDUs (NVMe/TCP Transport 1.0, figure 17).
const (
	pduICReq       = 0x00
	pduICResp      = 0x01
	pduH2CTerm     = 0x02
	pduC2HTerm     = 0x03
	pduCapsuleCmd  = 0x04
	pduCapsuleResp = 0x05
	pduH2CData     = 0x06
	pduC2HData     = 0x07
	pduR2T         = 0x09
)

// The flags of the common header.
const (
	flagHeaderDigest = 1
	flagDataDigest   = 1 << 1
	flagLast         = 1 << 2
	flagSuccess      = 1 << 3
)

const (
	commonSize  = 8
	icSize      = 128
	capsuleSize = 72
	shortSize   = 24 // of the headers of all other PDUs
	digestSize  = 4
)

// headerSizes are HLEN by type; 0 is a type that there is not.
var headerSizes = [...]int{
	pduICReq: icSize, pduICResp: icSize, pduH2CTerm: shortSize, pduC2HTerm: shortSize, pduCapsuleCmd: capsuleSize,
	pduCapsuleResp: shortSize, pduH2CData: shortSize, pduC2HData: shortSize, pduR2T: shortSize,
}

// Fatal error statuses of C2HTermReq and H2CTermReq (NVMe/TCP Transport 1.0, 3.6.2.7).
const (
	fatalHeader    = 1
	fatalSequence  = 2
	fatalDigest    = 3
	fatalRange     = 4
	fatalLimit     = 5
	fatalParameter = 6
)

// ProtocolError is a PDU that the other side may not send. It ends the connection.
type ProtocolError struct {
	FES  uint16 // fatal error status
	FEI  uint32 // fatal error information
	Text string
	head []byte // of the PDU
}

func (e *ProtocolError) Error() string { return "nvmetcp: " + e.Text }

func wrong(fes uint16, fei uint32, format string, args ...any) *ProtocolError {
	return &ProtocolError{FES: fes, FEI: fei, Text: fmt.Sprintf(format, args...)}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// framing is what both sides agreed on.
type framing struct {
	headerDigest, dataDigest bool
	align                    int // of data in PDUs that this side sends, in bytes; 0 is none
}

// source is where PDUs come from, buffered.
type source interface {
	io.Reader
	Discard(n int) (int, error)
}

// pdu is one that was read: its header, and how many bytes of data follow.
type pdu struct {
	kind, flags byte
	head        [icSize]byte // up to HLEN
	data        int
	dataDigest  bool
}

// readHead reads a PDU up to its data. most is how many bytes of data it may have.
func (f *framing) readHead(r source, p *pdu, most int) error {
	h := p.head[:commonSize]
	if _, err := io.ReadFull(r, h); err != nil {
		return err
	}
	p.kind, p.flags = h[0], h[1]
	hlen, pdo, plen := int(h[2]), int(h[3]), int64(binary.LittleEndian.Uint32(h[4:]))
	bad := func(fei uint32, format string, args ...any) error {
		e := wrong(fatalHeader, fei, format, args...)
		e.head = append([]byte(nil), p.head[:commonSize]...)
		return e
	}
	if int(p.kind) >= len(headerSizes) || p.kind != pduICReq && headerSizes[p.kind] == 0 {
		return bad(0, "no PDU type %02Xh", p.kind)
	}
	if hlen != headerSizes[p.kind] {
		return bad(2, "a header of %d bytes for PDU type %02Xh, need %d", hlen, p.kind, headerSizes[p.kind])
	}
	if _, err := io.ReadFull(r, p.head[commonSize:hlen]); err != nil {
		return err
	}
	at := hlen
	if p.kind > pduC2HTerm && f.headerDigest {
		var d [digestSize]byte
		if _, err := io.ReadFull(r, d[:]); err != nil {
			return err
		}
		at += digestSize
		if got, want := binary.LittleEndian.Uint32(d[:]), crc32.Checksum(p.head[:hlen], castagnoli); got != want {
			e := wrong(fatalDigest, got, "the header digest of PDU type %02Xh is wrong", p.kind)
			e.head = append([]byte(nil), p.head[:hlen]...)
			return e
		}
	}
	if plen == int64(at) || plen == int64(hlen) && p.kind <= pduC2HTerm {
		p.data, p.dataDigest = 0, false
		return nil
	}
	p.dataDigest = f.dataDigest && (p.kind == pduCapsuleCmd || p.kind == pduH2CData || p.kind == pduC2HData)
	tail := 0
	if p.dataDigest {
		tail = digestSize
	}
	if p.kind <= pduC2HTerm {
		pdo = at
	}
	if pdo < at || pdo > 128+at {
		return bad(3, "data at byte %d of PDU type %02Xh, need %d or more", pdo, p.kind, at)
	}
	n := plen - int64(pdo) - int64(tail)
	if n < 0 || n > int64(most) {
		return bad(4, "a PDU of %d bytes, need at most %d", plen, pdo+most+tail)
	}
	p.data = int(n)
	_, err := r.Discard(pdo - at)
	return err
}

// readData reads the data of a PDU. ok is false where their digest is wrong.
func (p *pdu) readData(r source, b []byte) (ok bool, err error) {
	if _, err := io.ReadFull(r, b); err != nil {
		return false, err
	}
	if !p.dataDigest {
		return true, nil
	}
	var d [digestSize]byte
	if _, err := io.ReadFull(r, d[:]); err != nil {
		return false, err
	}
	return binary.LittleEndian.Uint32(d[:]) == crc32.Checksum(b, castagnoli), nil
}

// write sends a PDU: a header of HLEN bytes, whose common part is filled in here, and data.
func (f *framing) write(w io.Writer, kind, flags byte, head, data []byte) error {
	hlen, at := len(head), len(head)
	digest := kind > pduC2HTerm && f.headerDigest
	if digest {
		flags |= flagHeaderDigest
		at += digestSize
	}
	pdo, pad, tail := 0, 0, 0
	if len(data) > 0 {
		pdo = at
		if f.align > 0 && pdo%f.align != 0 {
			pdo += f.align - pdo%f.align
		}
		pad = pdo - at
		at = pdo + len(data)
		if f.dataDigest && kind > pduC2HTerm {
			flags |= flagDataDigest
			tail = digestSize
			at += tail
		}
	}
	head[0], head[1], head[2], head[3] = kind, flags, byte(hlen), byte(pdo)
	if kind <= pduC2HTerm {
		head[3] = 0
	}
	binary.LittleEndian.PutUint32(head[4:], uint32(at))
	// w keeps its first error.
	_, _ = w.Write(head)
	var d [digestSize]byte
	if digest {
		binary.LittleEndian.PutUint32(d[:], crc32.Checksum(head, castagnoli))
		_, _ = w.Write(d[:])
	}
	_, _ = w.Write(make([]byte, pad))
	_, err := w.Write(data)
	if tail > 0 {
		binary.LittleEndian.PutUint32(d[:], crc32.Checksum(data, castagnoli))
		_, err = w.Write(d[:])
	}
	return err
}
