package token

import (
	"encoding/binary"
	"fmt"
)

// Kind is the kind of a token.
type Kind uint8

// The kinds (Core 3.2.2.3.1, simple tokens, and 3.2.2.3.2, control tokens). The byte is that of the
// control token.
const (
	Uint             Kind = iota + 1 // an unsigned integer
	Int                              // a signed integer
	Bytes                            // a byte sequence
	StartList                        // F0
	EndList                          // F1
	StartName                        // F2
	EndName                          // F3
	Call                             // F8
	EndOfData                        // F9
	EndOfSession                     // FA
	StartTransaction                 // FB
	EndTransaction                   // FC
	Empty                            // FF: an empty atom, which means nothing
)

var kindText = [...]string{
	Uint: "uint", Int: "int", Bytes: "bytes", StartList: "StartList", EndList: "EndList", StartName: "StartName",
	EndName: "EndName", Call: "Call", EndOfData: "EndOfData", EndOfSession: "EndOfSession",
	StartTransaction: "StartTransaction", EndTransaction: "EndTransaction", Empty: "Empty",
}

// String is the name of the specification.
func (k Kind) String() string {
	if int(k) < len(kindText) && kindText[k] != "" {
		return kindText[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// controls are the control tokens by their first byte.
var controls = map[byte]Kind{
	0xF0: StartList, 0xF1: EndList, 0xF2: StartName, 0xF3: EndName, 0xF8: Call, 0xF9: EndOfData, 0xFA: EndOfSession,
	0xFB: StartTransaction, 0xFC: EndTransaction, 0xFF: Empty,
}

// code is the byte of a control token.
var code = [...]byte{
	StartList: 0xF0, EndList: 0xF1, StartName: 0xF2, EndName: 0xF3, Call: 0xF8, EndOfData: 0xF9, EndOfSession: 0xFA,
	StartTransaction: 0xFB, EndTransaction: 0xFC, Empty: 0xFF,
}

// Token is one token. Which field counts is told by Kind; the others are zero.
type Token struct {
	Kind  Kind
	Uint  uint64
	Int   int64
	Bytes []byte // of Bytes: what was read is part of the input, not a copy
	// Continued says of Bytes that the next token continues the value (Core 3.2.2.3.1.5).
	Continued bool
}

// SyntaxError says where a stream or a packet is not of the form that it should have.
type SyntaxError struct {
	At   int    // offset of the byte in the input of the function
	What string // one clause: what was wrong, and what would be right
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("token: byte %d: %s", e.At, e.What) }

// bad makes a SyntaxError.
func bad(at int, format string, args ...any) error {
	return &SyntaxError{At: at, What: fmt.Sprintf(format, args...)}
}

// Next reads the token at the beginning of b, and says how many bytes it has. An error is a
// *SyntaxError whose offset is 0: nothing was read.
func Next(b []byte) (t Token, n int, err error) {
	if len(b) == 0 {
		return t, 0, bad(0, "the stream ends where a token is needed")
	}
	c := b[0]
	switch {
	case c < 0x40:
		return Token{Kind: Uint, Uint: uint64(c)}, 1, nil
	case c < 0x80: // six bits with a sign
		return Token{Kind: Int, Int: int64(int8(c<<2)) >> 2}, 1, nil
	case c < 0xC0:
		return atom(b, 1, int(c&0x0F), c&0x20 != 0, c&0x10 != 0)
	case c < 0xE0:
		if len(b) < 2 {
			return t, 0, bad(0, "a medium atom has a header of 2 bytes, 1 is there")
		}
		return atom(b, 2, int(c&0x07)<<8|int(b[1]), c&0x10 != 0, c&0x08 != 0)
	case c < 0xE4:
		if len(b) < 4 {
			return t, 0, bad(0, "a long atom has a header of 4 bytes, %d are there", len(b))
		}
		return atom(b, 4, int(b[1])<<16|int(b[2])<<8|int(b[3]), c&0x02 != 0, c&0x01 != 0)
	}
	k, ok := controls[c]
	if !ok {
		return t, 0, bad(0, "%02X is a reserved token", c)
	}
	return Token{Kind: k}, 1, nil
}

// atom reads an atom of size bytes behind its header.
func atom(b []byte, header, size int, isBytes, sign bool) (t Token, n int, err error) {
	if len(b)-header < size {
		return t, 0, bad(0, "an atom of %d bytes, %d are there", size, len(b)-header)
	}
	n = header + size
	v := b[header:n:n]
	switch {
	case isBytes:
		return Token{Kind: Bytes, Bytes: v, Continued: sign}, n, nil
	case size == 0:
		return t, 0, bad(0, "an integer of no bytes")
	}
	fill := byte(0)
	if sign && v[0]&0x80 != 0 {
		fill = 0xFF
	}
	for len(v) > 8 {
		if v[0] != fill || sign && (v[1]^fill)&0x80 != 0 {
			return t, 0, bad(0, "an integer of %d bytes, need one that fits 64 bits", size)
		}
		v = v[1:]
	}
	u := uint64(0)
	if fill != 0 {
		u = ^u
	}
	for _, c := range v {
		u = u<<8 | uint64(c)
	}
	if sign {
		return Token{Kind: Int, Int: int64(u)}, n, nil
	}
	return Token{Kind: Uint, Uint: u}, n, nil
}

// MaxAtom is how many bytes of data an atom has at most (Core 3.2.2.3.1.4, long atoms).
const MaxAtom = 1<<24 - 1

// Append appends a token in its shortest form, as every host here reads it: integers of one byte
// below 64, and of 1, 2, 4 or 8 bytes behind a short header. Bytes beyond MaxAtom are a bug of the
// caller, and a panic, as is a kind that does not exist.
func Append(b []byte, t Token) []byte {
	switch t.Kind {
	case Uint:
		return AppendUint(b, t.Uint)
	case Int:
		return appendInt(b, t.Int)
	case Bytes:
		return appendBytes(b, t.Bytes, t.Continued)
	}
	if int(t.Kind) >= len(code) || code[t.Kind] == 0 {
		panic(fmt.Sprintf("BUG: token: no token of %v", t.Kind))
	}
	return append(b, code[t.Kind])
}

// AppendUint appends an unsigned integer.
func AppendUint(b []byte, v uint64) []byte {
	switch {
	case v < 0x40:
		return append(b, byte(v))
	case v < 1<<8:
		return append(b, 0x81, byte(v))
	case v < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 0x82), uint16(v))
	case v < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, 0x84), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0x88), v)
}

func appendInt(b []byte, v int64) []byte {
	switch {
	case -32 <= v && v < 32:
		return append(b, 0x40|byte(v)&0x3F)
	case -1<<7 <= v && v < 1<<7:
		return append(b, 0x91, byte(v))
	case -1<<15 <= v && v < 1<<15:
		return binary.BigEndian.AppendUint16(append(b, 0x92), uint16(v))
	case -1<<31 <= v && v < 1<<31:
		return binary.BigEndian.AppendUint32(append(b, 0x94), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0x98), uint64(v))
}

// AppendBytes appends a byte sequence of at most MaxAtom bytes.
func AppendBytes(b, v []byte) []byte { return appendBytes(b, v, false) }

// AppendUID appends a UID, which is a byte sequence of 8.
func AppendUID(b []byte, uid uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0xA8), uid)
}

func appendBytes(b, v []byte, continued bool) []byte {
	sign := func(bit byte) byte {
		if continued {
			return bit
		}
		return 0
	}
	n := len(v)
	switch {
	case n < 1<<4:
		b = append(b, 0xA0|sign(0x10)|byte(n))
	case n < 1<<11:
		b = append(b, 0xD0|sign(0x08)|byte(n>>8), byte(n))
	case n <= MaxAtom:
		b = append(b, 0xE2|sign(0x01), byte(n>>16), byte(n>>8), byte(n))
	default:
		panic(fmt.Sprintf("BUG: token: %d bytes in one atom, at most %d", n, MaxAtom))
	}
	return append(b, v...)
}
