package host

import (
	"encoding/binary"
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// MaxTransfer is how many bytes one IF-RECV asks for at most: a device that wants more is refused.
const MaxTransfer = 1 << 20

const (
	firstTransfer = 2048 // what every device and every host takes (Opal 4.1.1.1)
	defaultPolls  = 1000
	block         = 512 // what an ATA device moves at least
)

// Options say how a host behaves.
type Options struct {
	// Polls is how often an answer is asked for that is not there yet; 0 is 1000.
	Polls int
	// Wait is called between two such polls; nil does not wait.
	Wait func()
}

// Property is one line of what method Properties gives.
type Property struct {
	Name  string
	Value uint64
}

// Device is a device as a host sees it.
type Device struct {
	t         transport.Transport
	o         Options
	discovery *spec.Discovery
	comID     uint16
	names     bool     // columns and optional parameters have names: Enterprise
	locking   spec.UID // the Locking SP
	hsn       uint32
	own, host []Property // what the device said of itself, and what it made of what the host said
	limit     limits
}

// limits are what a device takes.
type limits struct{ comPacket, packet int }

// Discover reads level 0 discovery (Core 3.3.6). A device that has no TCG answers with an error of the
// transport, or with zeros, which is a ProtocolError.
func Discover(t transport.Transport) (*spec.Discovery, error) {
	b, err := t.Receive(transport.ProtocolTCG, spec.DiscoveryComID, firstTransfer)
	if err != nil {
		return nil, err
	}
	d, err := spec.ParseDiscovery(b)
	if err != nil {
		return nil, malformed("level 0 discovery", "%v", err)
	}
	return d, nil
}

// Open asks a device what it is and what it takes. It takes Opal 2 before Opal 1 before Enterprise where
// a device claims several, as other hosts do. The error is ErrNoTCG where there is none of them.
func Open(t transport.Transport, o Options) (*Device, error) {
	if o.Polls == 0 {
		o.Polls = defaultPolls
	}
	disc, err := Discover(t)
	if err != nil {
		return nil, err
	}
	d := &Device{t: t, o: o, discovery: disc, limit: limits{comPacket: 2048, packet: 2028}}
	for _, code := range []uint16{spec.FeatureOpal2, spec.FeatureOpal1, spec.FeatureEnterprise} {
		f, ok := disc.Find(code)
		if !ok {
			continue
		}
		if len(f.Data) < 4 {
			return nil, malformed("level 0 discovery", "feature %04X has %d bytes, its ComIDs need 4", code, len(f.Data))
		}
		d.comID, d.names, d.locking = binary.BigEndian.Uint16(f.Data), code == spec.FeatureEnterprise, spec.OpalLockingSP
		if d.names {
			d.locking = spec.EnterpriseLockingSP
		}
		return d, d.negotiate()
	}
	return nil, ErrNoTCG
}

// Discovery is the answer of level 0 discovery when the device was opened.
func (d *Device) Discovery() *spec.Discovery { return d.discovery }

// Enterprise says whether the device speaks SSC Enterprise, and not Opal.
func (d *Device) Enterprise() bool { return d.names }

// ComID is the ComID that the host uses: the first static one.
func (d *Device) ComID() uint16 { return d.comID }

// LockingSP is the UID of the Locking SP.
func (d *Device) LockingSP() spec.UID { return d.locking }

// Properties are what the device said of itself, in its order (Core 5.2.2.1), and what it uses of what
// the host said.
func (d *Device) Properties() (device, host []Property) { return d.own, d.host }

// offer is what this host takes.
var offer = []Property{
	{"MaxComPacketSize", 65536},
	{"MaxPacketSize", 65516},
	{"MaxIndTokenSize", 65480},
	{"MaxPackets", 1},
	{"MaxSubpackets", 1},
	{"MaxMethods", 1},
}

// negotiate calls Properties.
func (d *Device) negotiate() error {
	var items []token.Value
	for _, p := range offer {
		items = append(items, token.N(token.S(p.Name), token.U(p.Value)))
	}
	values, err := d.manage(spec.Properties, spec.Properties, token.N(d.name(spec.HostProperties, spec.HostPropertiesName), token.L(items...)))
	if err != nil {
		return err
	}
	if len(values) == 0 {
		return malformed("Properties", "there are no properties in it")
	}
	own, ok := values[0].List()
	if !ok {
		return malformed("Properties", "the first result is no list")
	}
	d.own, d.host = propertyList(own), nil
	for _, v := range values[1:] {
		if name, list, ok := v.Named(); ok && d.isName(name, spec.HostProperties, spec.HostPropertiesName) {
			items, _ := list.List()
			d.host = propertyList(items)
		}
	}
	d.takes("MaxComPacketSize", &d.limit.comPacket)
	d.takes("MaxPacketSize", &d.limit.packet)
	return nil
}

// takes sets a limit to what the device said; 0 says that it has none.
func (d *Device) takes(name string, limit *int) {
	for _, p := range d.own {
		if p.Name == name {
			*limit = int(min(p.Value, MaxTransfer))
			if p.Value == 0 {
				*limit = MaxTransfer
			}
		}
	}
}

// propertyList reads pairs of a name and a number; what is none is passed over.
func propertyList(items []token.Value) []Property {
	var all []Property
	for _, i := range items {
		name, value, ok := i.Named()
		b, isBytes := name.Bytes()
		u, isUint := value.Uint()
		if ok && isBytes && isUint {
			all = append(all, Property{string(b), u})
		}
	}
	return all
}

// name is how an optional parameter is called: by its number in Opal, by its name in Enterprise.
func (d *Device) name(number uint64, text string) token.Value {
	if d.names {
		return token.S(text)
	}
	return token.U(number)
}

func (d *Device) isName(v token.Value, number uint64, text string) bool {
	if u, ok := v.Uint(); ok {
		return u == number
	}
	b, ok := v.Bytes()
	return ok && string(b) == text
}

// Recover ends all sessions of the ComID, also those that another host left, drops what waits there, and
// negotiates anew: STACK_RESET (Core 3.3.4.3.3).
func (d *Device) Recover() error {
	req := binary.BigEndian.AppendUint16(nil, d.comID)
	req = append(req, 0, 0)
	req = binary.BigEndian.AppendUint32(req, spec.StackReset)
	if err := d.t.Send(transport.ProtocolComID, d.comID, padded(req, MaxTransfer)); err != nil {
		return err
	}
	for range d.o.Polls {
		b, err := d.t.Receive(transport.ProtocolComID, d.comID, block)
		if err != nil {
			return err
		}
		if len(b) < 12 || binary.BigEndian.Uint32(b[4:]) != spec.StackReset {
			return malformed("STACK_RESET", "it is no answer to a STACK_RESET")
		}
		if binary.BigEndian.Uint32(b[8:]) == 0 { // pending
			d.wait()
			continue
		}
		if len(b) < 16 {
			return malformed("STACK_RESET", "%d bytes, need 16", len(b))
		}
		if binary.BigEndian.Uint32(b[12:]) != 0 {
			return errors.New("tcg: STACK_RESET: the device says that it failed")
		}
		return d.negotiate()
	}
	return malformed("STACK_RESET", "none after %d polls", d.o.Polls)
}

func (d *Device) wait() {
	if d.o.Wait != nil {
		d.o.Wait()
	}
}
