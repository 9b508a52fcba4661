package drive

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Session is one authority's authenticated session with a drive. A drive has one
// at most; a reset or a loss of power ends it. It may be used by one goroutine at
// a time. Every method fails with NoSession once the session is over, with NoPower
// or PowerLost where the drive has no power, and with NotAuthorized where its
// authority may not do what the method does. *Drive gives its own; whoever builds
// a drive of another make implements it.
type Session interface {
	// Authority is who authenticated.
	Authority() Authority
	// SetPIN gives the authority another PIN of 1 to PINSize bytes.
	SetPIN(pin PIN) error
	// Migrate moves the range of a BandMaster from its PIN to a credential of
	// PINSize bytes: the old wrap of the key is physically destroyed before it
	// returns, and the data stays readable.
	Migrate(credential PIN) error
	// GenKey gives the range of a BandMaster a new media encryption key: a
	// cryptographic erase that keeps the PIN.
	GenKey() error
	// SetRange places the range of a BandMaster and enables its locks.
	SetRange(c RangeConfig) error
	// SetLocks closes (true) or opens the locks of the range of a BandMaster.
	SetLocks(read, write bool) error
	// Unlock opens both locks: SetLocks(false, false).
	Unlock() error
	// Erase erases range n cryptographically, as EraseMaster.
	Erase(n int) error
	// EraseAll erases every range cryptographically, as EraseMaster.
	EraseAll() error
	// Restore leaves the state SecurityDegraded where nothing is left in doubt.
	Restore() error
	// Close ends the session; closing twice is harmless.
	Close()
}

// session is a session of a Drive.
type session struct {
	d         *Drive
	authority Authority
	ak        *secret.Key32
}

// Format prints who the session is of: the fmt package would look into
// unexported fields without asking the key in them.
func (s session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session of %v", s.authority) }

// end forgets the key. The drive's lock is held.
func (s *session) end() { s.ak.Clear() }

// Authority is who authenticated.
func (s *session) Authority() Authority { return s.authority }

// Close ends the session and forgets its key; closing twice is harmless.
func (s *session) Close() {
	d := s.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == s {
		d.endSession()
	}
}

// run does what a method of the session does, with the drive locked, or refuses because the
// session is over.
func (s *session) run(op string, do func(d *Drive) error) error {
	d := s.d
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.session == s:
		return do(d)
	case !d.powered:
		return d.ready(op)
	}
	return d.refuse(op, NoSession, "the session is over; authenticate again")
}

// asBandMaster is run for a BandMaster, whose range is n; everybody else is refused.
func (s *session) asBandMaster(op string, do func(d *Drive, n int) error) error {
	return s.run(op, func(d *Drive) error {
		n, ok := s.authority.Band()
		if !ok {
			return d.refuse(op, NotAuthorized, "%v is no BandMaster", s.authority)
		}
		return do(d, n)
	})
}

// Authenticate opens a session for a. The count of tries is on flash before the
// PIN is looked at, so that no power cut buys a guess, and goes back to 0 when
// the PIN was right; where the host of a drive file loses its power before the next
// record, it may be 1. Errors: NotAuthorized for a wrong PIN or an authority that is disabled, LockedOut at the
// TryLimit whatever the PIN, SPBusy while another session is open,
// HardwareFailure when the count cannot be written, PowerLost, NoPower,
// Degraded without a record, InvalidParameter for an empty PIN, an authority
// without a key slot (the PSID authenticates through RevertPSID only), or an Opal
// drive, see Drive.Opal.
func (d *Drive) Authenticate(a Authority, pin PIN) (Session, error) {
	const op = "authenticate"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return nil, err
	}
	if d.cfg.Personality != Enterprise {
		return nil, d.refuse(op, InvalidParameter, "an %v drive is used through Opal", d.cfg.Personality)
	}
	if d.session != nil {
		return nil, d.refuse(op, SPBusy, "a session of %v is open", d.session.authority)
	}
	if pin.Len() == 0 {
		return nil, d.refuse(op, InvalidParameter, "an empty PIN; need 1 to %d bytes", PINSize)
	}
	slot := d.rec.slot(a)
	if slot == nil {
		return nil, d.refuse(op, InvalidParameter, "%v has no key slot", a)
	}
	if slot.sealed != nil { // no PIN opens what is there
		return nil, d.refuse(op, NotAuthorized, "%v is disabled", a)
	}
	if d.cfg.TryLimit > 0 && slot.tries >= d.cfg.TryLimit {
		return nil, d.refuse(op, LockedOut, "%v used up its %d tries", a, d.cfg.TryLimit)
	}
	uncount := d.count
	if slot.tries == 0 && (d.cfg.TryLimit == 0 || d.cfg.TryLimit > 2) {
		// Power cuts can use up one try in this way, and not the last: the next session finds a count
		// that is not 0.
		uncount = d.uncount
	}
	if slot.tries < ^uint16(0) {
		slot.tries++
	}
	if err := d.count(op); err != nil {
		return nil, err
	}
	ak, err := d.open(&slot.slot, pin)
	if errors.Is(err, keywrap.ErrIntegrity) {
		return nil, d.refuse(op, NotAuthorized, "wrong PIN for %v", a)
	}
	if err != nil {
		return nil, d.refuse(op, HardwareFailure, "%v", err)
	}
	slot.tries = 0
	if err := uncount(op); err != nil {
		ak.Clear()
		return nil, err
	}
	s := &session{d: d, authority: a, ak: ak}
	d.session = s
	return s, nil
}
