package decode

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// MaxText is how many characters are shown of the values of a method, each way.
const MaxText = 2000

// maxSessions is how many sessions a Decoder remembers the last call of.
const maxSessions = 64

// Message is what one IF-SEND or IF-RECV carried.
type Message struct {
	// What it is, such as "level 0 discovery", "ComPacket", "STACK_RESET".
	What string `json:"what"`
	// Features of level 0 discovery.
	Features []string `json:"features,omitempty"`
	Items    []Item   `json:"items,omitempty"`
	// Outstanding and MinTransfer of a ComPacket.
	Outstanding uint32 `json:"outstanding,omitempty"`
	MinTransfer uint32 `json:"min_transfer,omitempty"`
	// Problem says why what follows could not be decoded.
	Problem string `json:"problem,omitempty"`
}

// Item is one thing in the stream of a session: a call, the result of one, the limit of a transaction,
// the end.
type Item struct {
	TSN    uint32 `json:"tsn"`
	HSN    uint32 `json:"hsn"`
	Kind   string `json:"kind"` // "call", "result", "start of transaction", "end of transaction", "end of session"
	Object string `json:"object,omitempty"`
	Method string `json:"method,omitempty"`
	Values string `json:"values,omitempty"` // parameters, or results
	Status string `json:"status,omitempty"` // of a result, the limit of a transaction, a call of the session manager of the device
}

// Lines are the text of a message.
func (m Message) Lines() []string {
	head := m.What
	if m.Outstanding > 0 {
		head += fmt.Sprintf(", %d bytes outstanding", m.Outstanding)
	}
	if m.MinTransfer > 0 {
		head += fmt.Sprintf(", needs a transfer of %d", m.MinTransfer)
	}
	lines := []string{head}
	for _, f := range m.Features {
		lines = append(lines, "  "+f)
	}
	for _, i := range m.Items {
		lines = append(lines, "  "+i.String())
	}
	if m.Problem != "" {
		lines = append(lines, "  "+m.Problem)
	}
	return lines
}

func (i Item) String() string {
	s := i.Kind
	if i.Object != "" {
		s = i.Object + "." + i.Method
	}
	s += i.Values
	if i.Status != "" {
		s += " " + i.Status
	}
	if i.TSN != 0 || i.HSN != 0 {
		s = fmt.Sprintf("%d:%d %s", i.TSN, i.HSN, s)
	}
	return s
}

// session is what a Decoder remembers of one.
type session struct {
	tsn, hsn uint32
	last     method
}

// method is a call.
type method struct{ object, method spec.UID }

// Decoder listens to one way to a device. The zero value is ready.
type Decoder struct {
	sessions []session
}

// Send decodes what a host sent.
func (d *Decoder) Send(protocol uint8, comID uint16, b []byte) Message {
	switch {
	case protocol == transport.ProtocolTCG:
		return d.comPacket(b, true)
	case protocol == transport.ProtocolComID && comID == spec.TPerReset:
		return Message{What: "TPER_RESET"}
	case protocol == transport.ProtocolComID && comID == spec.BlockSIDComID:
		m := Message{What: "Block SID"}
		if len(b) > 0 && b[0]&1 != 0 {
			m.What += ", a hardware reset lifts it"
		}
		return m
	case protocol == transport.ProtocolComID:
		return request(b)
	case protocol == transport.ProtocolMaker && comID == spec.MakerAttestation:
		return Message{What: "challenge of the maker's protocol"}
	}
	return Message{What: fmt.Sprintf("protocol %02X", protocol)}
}

// Receive decodes what a device answered.
func (d *Decoder) Receive(protocol uint8, comID uint16, b []byte) Message {
	switch {
	case protocol == transport.ProtocolInformation && comID == 0:
		m := Message{What: "list of security protocols"}
		if len(b) >= 8 {
			n := min(int(binary.BigEndian.Uint16(b[6:])), len(b)-8)
			for _, p := range b[8 : 8+n] {
				m.Features = append(m.Features, fmt.Sprintf("protocol %02X", p))
			}
		}
		return m
	case protocol == transport.ProtocolTCG && comID == spec.DiscoveryComID:
		return discovery(b)
	case protocol == transport.ProtocolTCG:
		return d.comPacket(b, false)
	case protocol == transport.ProtocolComID && comID == spec.GetComID:
		if len(b) < 4 {
			return Message{What: "GET_COMID", Problem: "shorter than 4 bytes"}
		}
		return Message{What: fmt.Sprintf("GET_COMID %04X %04X", binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))}
	case protocol == transport.ProtocolComID:
		m := request(b)
		if len(b) >= 16 && binary.BigEndian.Uint32(b[8:]) >= 4 {
			m.What += fmt.Sprintf(" answered %d", binary.BigEndian.Uint32(b[12:]))
		}
		return m
	case protocol == transport.ProtocolMaker && comID == spec.MakerReport:
		return report(b)
	case protocol == transport.ProtocolMaker && comID == spec.MakerAttestation:
		return Message{What: "answer to a challenge of the maker's protocol"}
	}
	return Message{What: fmt.Sprintf("protocol %02X", protocol)}
}

// report decodes the report of the maker's protocol.
func report(b []byte) Message {
	m := Message{What: "report of the maker's protocol"}
	r, err := spec.ParseReport(b)
	if err != nil {
		m.Problem = err.Error()
		return m
	}
	m.What += fmt.Sprintf(": state %d, key generation %d, TryLimit %d, last failure %d", r.State, r.KeyGeneration, r.TryLimit, r.LastFailure)
	for _, a := range r.Authorities {
		m.Features = append(m.Features, fmt.Sprintf("%s: %d tries used, at MSID %t", spec.Name(a.UID), a.Tries, a.AtMSID))
	}
	return m
}

// request decodes a request about a ComID, or its answer (Core 3.3.4.3).
func request(b []byte) Message {
	if len(b) < 8 {
		return Message{What: "request about a ComID", Problem: "shorter than 8 bytes"}
	}
	switch code := binary.BigEndian.Uint32(b[4:]); code {
	case 0:
		return Message{What: "no response"}
	case spec.VerifyComIDValid:
		return Message{What: "VERIFY_COMID_VALID"}
	case spec.StackReset:
		return Message{What: "STACK_RESET"}
	default:
		return Message{What: fmt.Sprintf("request %d about a ComID", code)}
	}
}

func discovery(b []byte) Message {
	m := Message{What: "level 0 discovery"}
	d, err := spec.ParseDiscovery(b)
	if err != nil {
		m.Problem = err.Error()
		return m
	}
	for _, f := range d.Features {
		m.Features = append(m.Features, FeatureText(d, f))
	}
	return m
}

// comPacket decodes a ComPacket; a host's streams are calls, a device's are results.
func (d *Decoder) comPacket(b []byte, host bool) Message {
	m := Message{What: "ComPacket"}
	c, err := token.ParseComPacket(b)
	if err != nil {
		m.Problem = err.Error()
		return m
	}
	m.What = fmt.Sprintf("ComPacket %04X", c.ComID)
	m.Outstanding, m.MinTransfer = c.Outstanding, c.MinTransfer
	if len(c.Packets) == 0 {
		m.What += ", empty"
	}
	for _, p := range c.Packets {
		for _, s := range p.Subpackets {
			if s.Kind != token.Data {
				m.Items = append(m.Items, Item{TSN: p.TSN, HSN: p.HSN, Kind: "credit control"})
				continue
			}
			items, err := d.stream(p.TSN, p.HSN, s.Payload, host)
			m.Items = append(m.Items, items...)
			if err != nil {
				m.Problem = err.Error()
			}
		}
	}
	return m
}

// stream decodes the stream of a Subpacket.
func (d *Decoder) stream(tsn, hsn uint32, b []byte, host bool) (items []Item, err error) {
	r := token.NewReader(b, token.Limits{})
	add := func(i Item) {
		i.TSN, i.HSN = tsn, hsn
		items = append(items, i)
	}
	for r.More() {
		switch k := r.Peek(); k {
		case token.Call:
			i, err := d.call(tsn, hsn, r, host)
			if err != nil {
				return items, err
			}
			add(i)
		case token.StartTransaction, token.EndTransaction:
			if _, err := r.Token(); err != nil {
				return items, err
			}
			v, err := r.Value()
			if err != nil {
				return items, err
			}
			i := Item{Kind: "start of transaction"}
			if k == token.EndTransaction {
				i.Kind = "end of transaction"
			}
			if u, ok := v.Uint(); ok {
				i.Status = fmt.Sprint(u)
			}
			add(i)
		case token.EndOfSession:
			add(Item{Kind: "end of session"})
			d.forget(tsn, hsn)
			return items, nil // Linux sends tokens behind it
		default:
			i, err := d.result(d.last(tsn, hsn), r)
			if err != nil {
				return items, err
			}
			add(i)
		}
	}
	return items, nil
}

// call decodes a call. Those of the session manager of a device are answers: they have a status.
func (d *Decoder) call(tsn, hsn uint32, r *token.Reader, host bool) (Item, error) {
	if _, err := r.Expect(token.Call); err != nil {
		return Item{}, err
	}
	var ids [2]uint64
	for i := range ids {
		v, err := r.Value()
		if err != nil {
			return Item{}, err
		}
		u, ok := v.UID()
		if !ok {
			return Item{}, &token.SyntaxError{At: r.At(), What: "a call without two UIDs"}
		}
		ids[i] = u
	}
	m := method{spec.UID(ids[0]), spec.UID(ids[1])}
	if host {
		d.remember(tsn, hsn, m)
	}
	i, err := d.rest(r, m, false)
	i.Kind, i.Object, i.Method = "call", spec.Name(m.object), spec.MethodName(m.method)
	if host && i.Status == spec.Success.String() {
		i.Status = ""
	}
	return i, err
}

// result decodes the results of a call.
func (d *Decoder) result(of method, r *token.Reader) (Item, error) {
	i, err := d.rest(r, of, true)
	i.Kind = "result"
	return i, err
}

// rest decodes parameters or results, and the status list.
func (d *Decoder) rest(r *token.Reader, m method, result bool) (Item, error) {
	v, err := r.Value()
	if err != nil {
		return Item{}, err
	}
	i := Item{Values: text(m, result, v)}
	if _, err := r.Expect(token.EndOfData); err != nil {
		return i, err
	}
	if v, err = r.Value(); err != nil {
		return i, err
	}
	if list, ok := v.List(); ok && len(list) > 0 {
		if u, ok := list[0].Uint(); ok {
			i.Status = spec.Status(u).String()
		}
	}
	return i, nil
}

func (d *Decoder) last(tsn, hsn uint32) method {
	for _, s := range d.sessions {
		if s.tsn == tsn && s.hsn == hsn {
			return s.last
		}
	}
	return method{}
}

func (d *Decoder) forget(tsn, hsn uint32) {
	for i, s := range d.sessions {
		if s.tsn == tsn && s.hsn == hsn {
			d.sessions = append(d.sessions[:i], d.sessions[i+1:]...)
			return
		}
	}
}

func (d *Decoder) remember(tsn, hsn uint32, m method) {
	d.forget(tsn, hsn)
	if len(d.sessions) == maxSessions {
		d.sessions = d.sessions[1:]
	}
	d.sessions = append(d.sessions, session{tsn, hsn, m})
}
