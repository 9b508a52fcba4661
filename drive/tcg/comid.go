package tcg

import (
	"encoding/binary"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// maxDynamic is how many ComIDs a host can have beside the static ones.
const maxDynamic = 4

// comID is what a TPer keeps for one ComID (Core 3.3.4).
type comID struct {
	id      uint16
	dynamic bool
	used    bool           // packets have come over it
	host    hostProperties // what the host told of itself
	answers [][]byte       // ComPackets that wait for an IF-RECV
	polls   int            // IF-RECVs that still come too early for the first of them
	request uint32         // of protocol 2, whose answer waits; 0: none
	state   uint32         // the answer of VerifyComIDValid
}

// stray is the answer to VerifyComIDValid for a ComID that nobody has. The last one counts.
type stray struct {
	id    uint16
	state uint32
	waits bool
}

func newComID(id uint16, dynamic bool) *comID {
	return &comID{id: id, dynamic: dynamic, host: initialHost}
}

// find gives the ComID with a number, nil if there is none.
func (t *TPer) find(id uint16) *comID {
	for _, c := range t.comIDs {
		if c.id == id {
			return c
		}
	}
	return nil
}

// allocate is GET_COMID (Core 3.3.4.3.2): a dynamic ComID and its extension, 4 bytes; zeros where none
// is left.
func (t *TPer) allocate() []byte {
	b := make([]byte, 4)
	if len(t.comIDs)-t.pers.comIDs >= maxDynamic {
		return b
	}
	for t.find(t.nextID) != nil || t.nextID < spec.FirstDynamic {
		t.nextID++
	}
	t.comIDs = append(t.comIDs, newComID(t.nextID, true))
	binary.BigEndian.PutUint16(b, t.nextID)
	t.nextID++
	return b
}

// stateOf is the state of a ComID (Core 3.3.4.3.1).
func (t *TPer) stateOf(id uint16) uint32 {
	switch c := t.find(id); {
	case c == nil && id >= spec.FirstDynamic:
		return spec.ComIDInactive
	case c == nil:
		return spec.ComIDInvalid
	case c.used || !c.dynamic:
		return spec.ComIDAssociated
	}
	return spec.ComIDIssued
}

// sendManagement is an IF-SEND of protocol 2: a request about a ComID, a reset, or Block SID.
func (t *TPer) sendManagement(id uint16, b []byte) error {
	switch id {
	case spec.TPerReset:
		return t.reset(b)
	case spec.BlockSIDComID:
		return t.blockSID(b)
	}
	if len(b) < 8 || binary.BigEndian.Uint16(b) != id || binary.BigEndian.Uint16(b[2:]) != 0 {
		return transport.InvalidParameter
	}
	c, code := t.find(id), binary.BigEndian.Uint32(b[4:])
	if c == nil && code == spec.VerifyComIDValid {
		t.stray = stray{id, t.stateOf(id), true}
		return nil
	}
	if c == nil {
		return transport.InvalidParameter
	}
	switch code {
	case spec.VerifyComIDValid:
		c.request, c.state = code, t.stateOf(id)
	case spec.StackReset:
		t.resetStack(c)
		c.request = code
	default:
		return transport.InvalidParameter
	}
	return nil
}

// receiveManagement is the answer to a request about a ComID (Core 3.3.4.3.1.2 and 3.3.4.3.3.2).
func (t *TPer) receiveManagement(id uint16) ([]byte, error) {
	c := t.find(id)
	if c == nil && t.stray.waits && t.stray.id == id {
		c = &comID{request: spec.VerifyComIDValid, state: t.stray.state}
		t.stray = stray{}
	}
	if c == nil {
		return nil, transport.InvalidParameter
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(id)<<16)
	b = binary.BigEndian.AppendUint32(b, c.request)
	var data []byte
	switch c.request {
	case spec.VerifyComIDValid:
		data = binary.BigEndian.AppendUint32(nil, c.state)
		data = append(data, make([]byte, 30)...) // times of allocation, expiry and reset: no clock
	case spec.StackReset:
		data = make([]byte, 4) // success
	}
	c.request = 0
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...), nil
}

// resetStack is STACK_RESET (Core 3.3.4.3.3): sessions of the ComID end, with their transactions, and
// what waits for the host and what the host told of itself is gone.
func (t *TPer) resetStack(c *comID) {
	for _, s := range append([]*session(nil), t.sessions...) {
		if s.com == c {
			t.close(s)
		}
	}
	c.answers, c.polls, c.host = nil, 0, initialHost
}

// reset is TPER_RESET (Opal 3.2.3).
func (t *TPer) reset(b []byte) error {
	if len(b) == 0 || t.pers.reset == nil {
		return transport.InvalidParameter
	}
	return t.pers.reset(t)
}

// blockSID is the command of Block SID Authentication 1.01, section 4: SID cannot authenticate until a
// power cycle, a hardware reset where the host asks for it, or a revert. Freezing is not supported.
func (t *TPer) blockSID(b []byte) error {
	atMSID, err := t.d.AtMSID(t.pers.sid)
	if len(b) == 0 || t.blocked || len(b) > 1 && b[1]&1 != 0 || err != nil {
		return transport.InvalidParameter
	}
	if atMSID {
		t.blocked, t.byReset = true, b[0]&1 != 0
	}
	return nil
}

// sendPackets is an IF-SEND of protocol 1 (Core 3.3.10, synchronous protocol).
func (t *TPer) sendPackets(id uint16, b []byte) error {
	c := t.find(id)
	switch {
	case c == nil:
		return transport.InvalidParameter
	case len(b) > maxComPacket:
		return transport.InvalidTransferLength
	case len(c.answers) > 0:
		return transport.SyncViolation
	}
	p, err := token.ParseComPacket(b)
	if err != nil || p.ComID != id || p.Extension != 0 {
		return nil // dropped: nobody knows whose it is
	}
	c.used = c.used || len(p.Packets) > 0
	if len(p.Packets) > maxPackets {
		p.Packets = p.Packets[:maxPackets]
		if s := t.sessionOf(c, &p.Packets[0]); s != nil {
			t.abort(s)
		}
		return nil
	}
	for i := range p.Packets {
		t.packet(c, &p.Packets[i])
	}
	if len(c.answers) > 0 {
		c.polls = t.o.Polls
	}
	return nil
}

// receivePackets is an IF-RECV of protocol 1: the answer, or what there is to say about one that is
// not there yet, or does not fit (Core 3.3.10.2).
func (t *TPer) receivePackets(id uint16, size int) ([]byte, error) {
	c := t.find(id)
	if c == nil {
		return nil, transport.InvalidParameter
	}
	empty := token.ComPacket{ComID: id}
	switch {
	case len(c.answers) > 0 && c.polls > 0:
		c.polls--
		empty.Outstanding = 1
	case len(c.answers) > 0 && len(c.answers[0]) > size:
		need := uint32(len(c.answers[0]))
		empty.Outstanding, empty.MinTransfer = need, need
	case len(c.answers) > 0:
		b := c.answers[0]
		c.answers = c.answers[1:]
		left := 0
		for _, a := range c.answers {
			left += len(a)
		}
		binary.BigEndian.PutUint32(b[8:], uint32(left))
		return b, nil
	}
	b := empty.Append(nil)
	return b[:min(len(b), max(size, 0))], nil
}

// answer puts a stream into a ComPacket for the host of a ComID.
func (c *comID) answer(tsn, hsn uint32, stream []byte) {
	p := token.ComPacket{ComID: c.id, Packets: []token.Packet{{
		TSN: tsn, HSN: hsn, Subpackets: []token.Subpacket{{Kind: token.Data, Payload: stream}},
	}}}
	c.answers = append(c.answers, p.Append(nil))
}

// fits says whether the host takes a stream of n bytes, with its headers and its padding.
func (c *comID) fits(n int) bool {
	return token.PacketHeader+token.SubpacketHeader+(n+3)&^3 <= min(c.host.comPacket-token.ComPacketHeader, c.host.packet)
}
