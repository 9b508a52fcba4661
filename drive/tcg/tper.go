package tcg

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Options are what a TPer has beside its drive.
type Options struct {
	// Entropy is what method Random gives; never nil.
	Entropy io.Reader
	// Now is the clock of the session time-outs, from any moment on; nil is a clock that stands still,
	// so that no session times out.
	Now func() time.Duration
	// Polls is how many IF-RECVs come too early for each answer: they see an empty ComPacket that says
	// that data is outstanding.
	Polls int
}

// TPer is the security interface of one drive: bytes in, bytes out. It is a transport.Transport, and
// reaches the drive only as any host would, by sessions. It may be used by one goroutine at a time,
// while others use the drive directly.
type TPer struct {
	d    *drive.Drive
	o    Options
	pers *personality
	seen drive.Resets // what the state below has lived through

	comIDs   []*comID
	nextID   uint16
	stray    stray
	sessions []*session
	nextTSN  uint32
	blocked  bool // SID is blocked until a power cycle
	byReset  bool // or until a hardware reset

	challenge  [spec.ChallengeSize]byte // of the maker's protocol
	challenged bool
	failure    uint8 // what the last FAIL was about
}

var _ transport.Transport = (*TPer)(nil)

// New makes the TPer of a drive. It has the state of a drive that was just powered on.
func New(d *drive.Drive, o Options) (*TPer, error) {
	if d == nil || o.Entropy == nil {
		return nil, errors.New("tcg: a TPer needs a drive and a source of randomness")
	}
	if o.Now == nil {
		o.Now = func() time.Duration { return 0 }
	}
	t := &TPer{d: d, o: o, pers: personalityOf(d.Config())}
	t.forget()
	t.seen = d.Resets()
	return t, nil
}

// Format prints whose TPer it is: the fmt package would look into unexported fields.
func (t *TPer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "TPer of %v", t.d) }

// forget is what a reset of the interface does (Core 3.3.8; SIIS 1.07, interface resets): sessions,
// transactions, answers, dynamic ComIDs and what the host told of itself are gone.
func (t *TPer) forget() {
	for _, s := range t.sessions {
		s.end()
	}
	t.sessions, t.comIDs, t.nextID, t.nextTSN, t.stray = nil, nil, spec.FirstDynamic, 0x1000, stray{}
	t.challenge, t.challenged, t.failure = [spec.ChallengeSize]byte{}, false, spec.FailedNothing
	for i := range t.pers.comIDs {
		t.comIDs = append(t.comIDs, newComID(t.pers.baseComID+uint16(i), false))
	}
}

// catchUp forgets what resets and losses of power since the last command have ended, and sessions
// whose time is over.
func (t *TPer) catchUp() {
	if now := t.d.Resets(); now != t.seen {
		if now.PowerLosses != t.seen.PowerLosses || t.byReset && now.Hardware != t.seen.Hardware {
			t.blocked, t.byReset = false, false
		}
		t.seen = now
		t.forget()
	}
	now := t.o.Now()
	for _, s := range append([]*session(nil), t.sessions...) {
		if s.timeout > 0 && now-s.used >= s.timeout {
			t.close(s) // without CloseSession: the answer would stand in the way of whoever comes next
		}
	}
}

// ready catches up, and refuses while the drive has no power, and in every state of a sanitize operation but
// SanitizeIdle (NVMe Base 2.1, figure 152). The rule is here, so every door to the TPer has it.
func (t *TPer) ready() error {
	t.catchUp()
	s, err := t.d.SanitizeStatus()
	switch {
	case err != nil && !t.d.Status().Powered:
		return transport.NoPower
	case s.State != drive.SanitizeIdle:
		return transport.Sanitizing
	}
	return nil
}

// Send is IF-SEND (Core 3.3.1). Errors: InvalidProtocol, InvalidParameter for a ComID that is none,
// InvalidTransferLength, SyncViolation while an answer waits, Sanitizing, NoPower also where the drive lost its
// power meanwhile. What is wrong inside the payload is answered, or dropped, as the specification
// says.
func (t *TPer) Send(protocol uint8, comID uint16, payload []byte) error {
	if err := t.ready(); err != nil {
		return err
	}
	var err error
	switch protocol {
	case transport.ProtocolTCG:
		err = t.sendPackets(comID, payload)
	case transport.ProtocolComID:
		err = t.sendManagement(comID, payload)
	case transport.ProtocolMaker:
		if !t.pers.maker {
			return transport.InvalidProtocol
		}
		err = t.sendMakers(comID, payload)
	default:
		return transport.InvalidProtocol
	}
	if !t.d.Status().Powered {
		t.catchUp()
		return transport.NoPower
	}
	return err
}

// Receive is IF-RECV (Core 3.3.1). Errors: InvalidProtocol, InvalidParameter for a ComID that is none,
// Sanitizing, NoPower.
func (t *TPer) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	var b []byte
	var err error
	switch {
	case protocol == transport.ProtocolInformation:
		b, err = t.information(comID)
	case protocol == transport.ProtocolTCG && comID == spec.DiscoveryComID:
		d := t.discovery()
		b = d.Append(nil)
	case protocol == transport.ProtocolTCG:
		return t.receivePackets(comID, size)
	case protocol == transport.ProtocolComID && comID == spec.GetComID:
		b = t.allocate()
	case protocol == transport.ProtocolComID:
		b, err = t.receiveManagement(comID)
	case protocol == transport.ProtocolMaker && t.pers.maker:
		b, err = t.makers(comID)
	default:
		err = transport.InvalidProtocol
	}
	if err != nil {
		return nil, err
	}
	return b[:min(len(b), max(size, 0))], nil
}

// information answers security protocol 0 (SPC-4 7.7.1): the list of protocols, and no certificates.
func (t *TPer) information(specific uint16) ([]byte, error) {
	switch specific {
	case 0x0000:
		all := []byte{transport.ProtocolInformation, transport.ProtocolTCG, transport.ProtocolComID}
		if t.pers.maker {
			all = append(all, transport.ProtocolMaker)
		}
		return append([]byte{0, 0, 0, 0, 0, 0, 0, byte(len(all))}, all...), nil
	case 0x0001:
		return make([]byte, 4), nil
	}
	return nil, transport.InvalidParameter
}

// discovery is level 0 discovery (Core 3.3.6).
func (t *TPer) discovery() spec.Discovery {
	return spec.Discovery{Revision: 1, Features: t.pers.features(t)}
}
