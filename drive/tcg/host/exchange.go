package host

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// padded fills up to whole blocks of 512, which ATA devices need, where the device takes that.
func padded(b []byte, most int) []byte {
	if n := (len(b) + block - 1) / block * block; n <= most {
		return append(b, make([]byte, n-len(b))...)
	}
	return b
}

// address is of a session: 0 and 0 is the session manager.
type address struct{ tsn, hsn uint32 }

// errClosed is what a CloseSession of the device comes back as.
var errClosed = errors.New("closed")

// exchange sends a stream and gives the stream that answers it. doing is for errors.
func (d *Device) exchange(doing string, to address, stream []byte) ([]byte, error) {
	p := token.ComPacket{ComID: d.comID, Packets: []token.Packet{{
		TSN: to.tsn, HSN: to.hsn, Subpackets: []token.Subpacket{{Kind: token.Data, Payload: stream}},
	}}}
	b := p.Append(nil)
	defer clear(b)
	if len(b) > d.limit.comPacket || len(b)-token.ComPacketHeader > d.limit.packet {
		return nil, ErrTooLarge
	}
	b = padded(b, d.limit.comPacket)
	defer clear(b)
	err := d.t.Send(transport.ProtocolTCG, d.comID, b)
	if errors.Is(err, transport.SyncViolation) {
		// An answer is there that its host never took.
		if err := d.drain(); err != nil {
			return nil, err
		}
		err = d.t.Send(transport.ProtocolTCG, d.comID, b)
	}
	if err != nil {
		return nil, err
	}
	return d.receive(doing, to)
}

// drain takes what waits on the ComID, and drops it.
func (d *Device) drain() error {
	for range d.o.Polls {
		c, err := d.poll("draining the ComID")
		if err != nil {
			return err
		}
		if len(c.Packets) == 0 && c.Outstanding == 0 {
			return nil
		}
		if len(c.Packets) == 0 {
			d.wait()
		}
	}
	return malformed("draining the ComID", "there is no end of it after %d polls", d.o.Polls)
}

// poll makes one IF-RECV, or a second one for what did not fit.
func (d *Device) poll(doing string) (*token.ComPacket, error) {
	size := firstTransfer
	for {
		b, err := d.t.Receive(transport.ProtocolTCG, d.comID, size)
		if err != nil {
			return nil, err
		}
		c, err := token.ParseComPacket(b)
		if err != nil {
			return nil, malformed(doing, "%v", err)
		}
		if c.ComID != d.comID || c.Extension != 0 {
			return nil, malformed(doing, "it is of ComID %04X %04X, asked was %04X 0000", c.ComID, c.Extension, d.comID)
		}
		need := int(min(c.MinTransfer, MaxTransfer+1))
		if len(c.Packets) > 0 || need <= size {
			return c, nil
		}
		if size = (need + block - 1) / block * block; size > MaxTransfer {
			return nil, malformed(doing, "it needs a transfer of %d bytes, this host makes %d at most", c.MinTransfer, MaxTransfer)
		}
	}
}

// receive polls until the answer for a session is there. What is of other sessions is dropped, but a
// CloseSession for this one ends the wait with errClosed.
func (d *Device) receive(doing string, to address) ([]byte, error) {
	for range d.o.Polls {
		c, err := d.poll(doing)
		if err != nil {
			return nil, err
		}
		for i := range c.Packets {
			p := &c.Packets[i]
			stream := payload(p)
			switch {
			case len(stream) == 0:
			case p.TSN == to.tsn && p.HSN == to.hsn:
				return stream, nil
			case p.TSN == 0 && p.HSN == 0 && closes(stream, to):
				return nil, errClosed
			}
		}
		if len(c.Packets) == 0 && c.Outstanding == 0 {
			return nil, errNothing
		}
		if len(c.Packets) == 0 {
			d.wait()
		}
	}
	return nil, malformed(doing, "none after %d polls", d.o.Polls)
}

// errNothing means that no answer is there, and none to come: the device dropped what was sent.
var errNothing = errors.New("nothing")

// payload joins the streams of a Packet.
func payload(p *token.Packet) []byte {
	var b []byte
	for _, s := range p.Subpackets {
		if s.Kind == token.Data {
			b = append(b, s.Payload...)
		}
	}
	return b
}

// closes says whether a stream of the session manager is CloseSession for a session (Core 5.2.3.3).
func closes(stream []byte, a address) bool {
	m, err := parseCall(stream)
	if err != nil || m.object != spec.SessionManager || m.method != spec.CloseSession || len(m.values) < 2 {
		return false
	}
	hsn, _ := m.values[0].Uint()
	tsn, _ := m.values[1].Uint()
	return hsn == uint64(a.hsn) && tsn == uint64(a.tsn)
}

// answer is what a device sent: the results of a method, or a call of its own.
type answer struct {
	object, method spec.UID // of a call
	values         []token.Value
	status         spec.Status
}

// parseCall reads the call of a method, with which the session manager answers (Core 3.2.4.1).
func parseCall(stream []byte) (answer, error) {
	r := token.NewReader(stream, token.Limits{})
	if _, err := r.Expect(token.Call); err != nil {
		return answer{}, err
	}
	var ids [2]uint64
	for i := range ids {
		v, err := r.Value()
		if err != nil {
			return answer{}, err
		}
		u, ok := v.UID()
		if !ok {
			return answer{}, errors.New("a call without two UIDs")
		}
		ids[i] = u
	}
	a, err := parseResult(r)
	a.object, a.method = spec.UID(ids[0]), spec.UID(ids[1])
	return a, err
}

// parseResult reads the results of a method and its status list (Core 3.2.4.2).
func parseResult(r *token.Reader) (answer, error) {
	v, err := r.Value()
	if err != nil {
		return answer{}, err
	}
	values, ok := v.List()
	if !ok {
		return answer{}, errors.New("the results are no list")
	}
	if _, err := r.Expect(token.EndOfData); err != nil {
		return answer{}, err
	}
	if v, err = r.Value(); err != nil {
		return answer{}, err
	}
	list, ok := v.List()
	if !ok || len(list) == 0 {
		return answer{}, errors.New("the status list is empty, or none")
	}
	st, ok := list[0].Uint()
	if !ok || st > 0xFF {
		return answer{}, errors.New("the status is no number of one byte")
	}
	return answer{values: values, status: spec.Status(st)}, nil
}

// call writes a method call.
func call(object, method spec.UID, params []token.Value) []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(b, uint64(object))
	b = token.AppendUID(b, uint64(method))
	b = token.L(params...).Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(0), token.U(0), token.U(0)).Append(b)
}

// manage calls a method of the session manager, and gives the parameters of the call that answers it.
func (d *Device) manage(method, answers spec.UID, params ...token.Value) ([]token.Value, error) {
	doing := spec.MethodName(method)
	out := call(spec.SessionManager, method, params)
	defer clear(out)
	stream, err := d.exchange(doing, address{}, out)
	switch {
	case errors.Is(err, errNothing):
		return nil, malformed(doing, "there is none")
	case err != nil:
		return nil, err
	}
	a, err := parseCall(stream)
	if err != nil {
		return nil, malformed(doing, "%v", err)
	}
	if a.object != spec.SessionManager || a.method != answers {
		return nil, malformed(doing, "it calls %s on %s", spec.MethodName(a.method), spec.Name(a.object))
	}
	if a.status != spec.Success {
		return nil, &StatusError{Object: spec.SessionManager, Method: method, Status: a.status}
	}
	return a.values, nil
}
