package token

import "encoding/binary"

// The headers in bytes (Core 3.2.3.2, 3.2.3.3, 3.2.3.4).
const (
	ComPacketHeader = 20
	PacketHeader    = 24
	SubpacketHeader = 12
	// Overhead is what a stream in one Subpacket of one Packet costs, without its padding.
	Overhead = ComPacketHeader + PacketHeader + SubpacketHeader
)

// The kinds of a Subpacket (Core 3.2.3.4.1 and 3.2.3.4.2).
const (
	Data          uint16 = 0x0000
	CreditControl uint16 = 0x8001
)

// The kinds of an acknowledgement (Core 3.2.3.3.1.5).
const (
	NoAck uint16 = 0
	Ack   uint16 = 1
	Nak   uint16 = 2
)

// ComPacket is what one IF-SEND or IF-RECV carries (Core 3.2.3.2). In bytes: 0-3 reserved; 4-5
// ComID; 6-7 ComID extension; 8-11 OutstandingData; 12-15 MinTransfer; 16-19 length of what follows.
type ComPacket struct {
	ComID     uint16
	Extension uint16
	// Outstanding is how many bytes are there for the host beyond these; 1 while they are not known.
	Outstanding uint32
	// MinTransfer is how many bytes the next IF-RECV must ask for to get more; 0 says nothing.
	MinTransfer uint32
	Packets     []Packet
}

// Packet is of one session (Core 3.2.3.3). In bytes: 0-3 TSN; 4-7 HSN; 8-11 SeqNumber; 12-13
// reserved; 14-15 AckType; 16-19 Acknowledgement; 20-23 length of what follows.
type Packet struct {
	TSN, HSN   uint32 // of the TPer and of the host; both 0 for the session manager
	Seq        uint32
	AckType    uint16
	Ack        uint32
	Subpackets []Subpacket
}

// Subpacket is a piece of a stream, or credit control (Core 3.2.3.4). In bytes: 0-5 reserved; 6-7
// kind; 8-11 length of the payload, without the zeros behind it that fill 4 bytes.
type Subpacket struct {
	Kind    uint16
	Payload []byte // of a parsed one: part of the input
}

func pad(n int) int { return -n & 3 }

// Append appends the bytes of a ComPacket.
func (c *ComPacket) Append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(append(b, 0, 0, 0, 0), c.ComID)
	b = be.AppendUint16(b, c.Extension)
	b = be.AppendUint32(b, c.Outstanding)
	b = be.AppendUint32(b, c.MinTransfer)
	length := len(b)
	b = be.AppendUint32(b, 0)
	for i := range c.Packets {
		b = c.Packets[i].append(b)
	}
	be.PutUint32(b[length:], uint32(len(b)-length-4))
	return b
}

func (p *Packet) append(b []byte) []byte {
	be := binary.BigEndian
	for _, v := range []uint32{p.TSN, p.HSN, p.Seq, uint32(p.AckType), p.Ack} {
		b = be.AppendUint32(b, v)
	}
	length := len(b)
	b = be.AppendUint32(b, 0)
	for _, s := range p.Subpackets {
		b = be.AppendUint16(append(b, 0, 0, 0, 0, 0, 0), s.Kind)
		b = be.AppendUint32(b, uint32(len(s.Payload)))
		b = append(b, s.Payload...)
		b = append(b, make([]byte, pad(len(s.Payload)))...)
	}
	be.PutUint32(b[length:], uint32(len(b)-length-4))
	return b
}

// ParseComPacket reads a ComPacket. Bytes behind its length are no part of it, and reserved fields
// are not looked at. An error is a *SyntaxError.
func ParseComPacket(b []byte) (*ComPacket, error) {
	be := binary.BigEndian
	if len(b) < ComPacketHeader {
		return nil, bad(0, "%d bytes, the header of a ComPacket has %d", len(b), ComPacketHeader)
	}
	c := &ComPacket{ComID: be.Uint16(b[4:]), Extension: be.Uint16(b[6:]), Outstanding: be.Uint32(b[8:]), MinTransfer: be.Uint32(b[12:])}
	n := be.Uint32(b[16:])
	if uint64(n) > uint64(len(b)-ComPacketHeader) {
		return nil, bad(16, "a ComPacket of %d bytes, %d are there", n, len(b)-ComPacketHeader)
	}
	b = b[:ComPacketHeader+int(n)]
	for at := ComPacketHeader; at < len(b); {
		p, size, err := parsePacket(b, at)
		if err != nil {
			return nil, err
		}
		c.Packets = append(c.Packets, p)
		at += size
	}
	return c, nil
}

// parsePacket reads the Packet at an offset.
func parsePacket(b []byte, at int) (p Packet, size int, err error) {
	be := binary.BigEndian
	h := b[at:]
	if len(h) < PacketHeader {
		return p, 0, bad(at, "%d bytes, the header of a Packet has %d", len(h), PacketHeader)
	}
	p = Packet{TSN: be.Uint32(h), HSN: be.Uint32(h[4:]), Seq: be.Uint32(h[8:]), AckType: be.Uint16(h[14:]), Ack: be.Uint32(h[16:])}
	n := be.Uint32(h[20:])
	if uint64(n) > uint64(len(h)-PacketHeader) {
		return p, 0, bad(at+20, "a Packet of %d bytes, %d are there", n, len(h)-PacketHeader)
	}
	size = PacketHeader + int(n)
	end := at + size
	for i := at + PacketHeader; i < end; {
		s, taken, err := parseSubpacket(b[:end], i)
		if err != nil {
			return p, 0, err
		}
		p.Subpackets = append(p.Subpackets, s)
		i += taken
	}
	return p, size, nil
}

// parseSubpacket reads the Subpacket at an offset, with its padding.
func parseSubpacket(b []byte, at int) (s Subpacket, size int, err error) {
	be := binary.BigEndian
	h := b[at:]
	if len(h) < SubpacketHeader {
		return s, 0, bad(at, "%d bytes, the header of a Subpacket has %d", len(h), SubpacketHeader)
	}
	n := be.Uint32(h[8:])
	if uint64(n) > uint64(len(h)-SubpacketHeader) {
		return s, 0, bad(at+8, "a Subpacket of %d bytes, %d are there", n, len(h)-SubpacketHeader)
	}
	size = SubpacketHeader + int(n)
	if pad(size) > len(h)-size {
		return s, 0, bad(at+8, "a Subpacket of %d bytes without the padding to 4", n)
	}
	s = Subpacket{Kind: be.Uint16(h[6:]), Payload: h[SubpacketHeader:size:size]}
	return s, size + pad(size), nil
}
