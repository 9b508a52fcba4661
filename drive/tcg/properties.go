package tcg

import (
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// What the TPer takes (Core 5.2.2.1, method Properties; the SSCs have the minimums).
const (
	maxComPacket  = 65536
	maxPacket     = maxComPacket - token.ComPacketHeader
	maxToken      = maxPacket - token.PacketHeader - token.SubpacketHeader
	maxPackets    = 1
	maxSubpackets = 1
	maxMethods    = 1
	maxSessions   = 4

	// In milliseconds. A session that its host forgot must not keep the service provider busy for good.
	defaultTimeout = 300_000
	minTimeout     = 1_000
	maxTimeout     = 3_600_000
)

// property is one that the TPer tells of itself, in the order in which hosts see them: sedutil reads
// MaxIndTokenSize last.
var properties = []struct {
	name  string
	value uint64
}{
	{"MaxComPacketSize", maxComPacket},
	{"MaxResponseComPacketSize", maxComPacket},
	{"MaxPacketSize", maxPacket},
	{"MaxMethods", maxMethods},
	{"MaxPackets", maxPackets},
	{"MaxSubpackets", maxSubpackets},
	{"MaxSessions", maxSessions},
	{"MaxReadSessions", maxSessions},
	{"MaxAuthentications", 0}, // of the personality
	{"MaxTransactionLimit", 1},
	{"DefSessionTimeout", defaultTimeout},
	{"MinSessionTimeout", minTimeout},
	{"MaxSessionTimeout", maxTimeout},
	{"MaxAggTokenSize", maxToken},
	{"MaxIndTokenSize", maxToken},
	{"ContinuedTokens", 0},
	{"SequenceNumbers", 0},
	{"AckNak", 0},
	{"Asynchronous", 0},
}

// hostProperties are what a host said that it takes.
type hostProperties struct{ comPacket, packet, indToken int }

// initialHost is what counts before a host said anything, and the least that it may say.
var initialHost = hostProperties{comPacket: 2048, packet: 2028, indToken: 1992}

// fields names what a host may say; what else it says is not looked at (Core 5.2.2.1.1.1).
func (h *hostProperties) fields() []hostProperty {
	return []hostProperty{
		{"MaxComPacketSize", &h.comPacket, initialHost.comPacket, maxComPacket},
		{"MaxPacketSize", &h.packet, initialHost.packet, maxPacket},
		{"MaxIndTokenSize", &h.indToken, initialHost.indToken, maxToken},
	}
}

type hostProperty struct {
	name        string
	value       *int
	least, most int
}

// properties is method Properties of the session manager: the host says what it takes, and the TPer
// what it takes and what it makes of the host's words.
func (t *TPer) properties(c *comID, params []token.Value) ([]token.Value, error) {
	next := c.host
	for _, p := range params {
		name, list, ok := p.Named()
		if !ok || !isName(name, spec.HostProperties, spec.HostPropertiesName) {
			return nil, spec.InvalidParameter
		}
		items, ok := list.List()
		if !ok {
			return nil, spec.InvalidParameter
		}
		for _, i := range items {
			if err := next.take(i); err != nil {
				return nil, err
			}
		}
	}
	c.host = next
	var own, host []token.Value
	for _, p := range properties {
		if p.name == "MaxAuthentications" {
			p.value = uint64(1 + t.pers.maxLogins) // Anybody counts
		}
		own = append(own, token.N(token.S(p.name), token.U(p.value)))
	}
	for _, f := range c.host.fields() {
		host = append(host, token.N(token.S(f.name), token.U(uint64(*f.value))))
	}
	host = append(host, token.N(token.S("MaxPackets"), token.U(1)), token.N(token.S("MaxSubpackets"), token.U(1)), token.N(token.S("MaxMethods"), token.U(1)))
	return []token.Value{token.L(own...), token.N(t.pers.name(spec.HostProperties, spec.HostPropertiesName), token.L(host...))}, nil
}

// take takes over one property of the host. One below what every host must take counts as that.
func (h *hostProperties) take(v token.Value) error {
	name, value, ok := v.Named()
	if !ok {
		return spec.InvalidParameter
	}
	n, ok := name.Bytes()
	u, isUint := value.Uint()
	if !ok || !isUint {
		return spec.InvalidParameter
	}
	for _, f := range h.fields() {
		if f.name == string(n) {
			*f.value = max(f.least, int(min(u, uint64(f.most))))
		}
	}
	return nil
}

// isName says whether a value is the name of an optional parameter: its number, as Opal has it, or its
// text, as Enterprise has it.
func isName(v token.Value, number uint64, text string) bool {
	if u, ok := v.Uint(); ok {
		return u == number
	}
	b, ok := v.Bytes()
	return ok && string(b) == text
}
