package drive

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// OpalDrive is what an Opal drive does below its TPer: authorities prove their PINs, and keys follow. It
// knows no tokens, no sessions, no columns and no ACEs: package tcg has those. What it promises is that
// an authority gets at an area (a range, a table of bytes) by its own wrap of the area's key and by
// nothing else.
//
// A TPer stores what is its own (ACEs, names) in the note, which a Change replaces in the same step.
type OpalDrive struct{ d *Drive }

// Opal is the drive as an Opal drive. Errors: InvalidParameter for a drive of another personality.
func (d *Drive) Opal() (*OpalDrive, error) {
	if d.cfg.Personality != Opal {
		return nil, d.refuse("opal", InvalidParameter, "this is an %v drive", d.cfg.Personality)
	}
	return &OpalDrive{d}, nil
}

// opalRAM is what an Opal drive knows beside its ranges while it has power.
type opalRAM struct {
	logins  []*Login
	mbrDone bool
	mbr     rangeRAM // of the MBR shadow; its locks are not used
	version uint64   // raised by every change of the record, but those of counts of tries
}

// logout ends every login.
func (o *opalRAM) logout() {
	for _, l := range o.logins {
		l.end()
	}
	o.logins = nil
}

func (o *opalRAM) dropTables() { o.mbr.drop() }

func (o *opalRAM) drop() {
	o.logout()
	o.dropTables()
}

// Login is an authority of an Opal drive that has proved its PIN. Any number may be open at a time. Every
// reset, a loss of power and a revert end it, and what needs it then fails with NoSession. A Login may be
// used by one goroutine at a time.
type Login struct {
	d         *Drive
	authority Authority
	ak        *secret.Key32
	users     *secret.Key32 // the users' key, of an Admin of the Locking SP
	pin       PIN           // of SID, which Activate gives to Admin1
	over      bool
}

// Format prints who the login is of: the fmt package would look into unexported fields without asking the
// keys in them.
func (l Login) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "login of %v", l.authority) }

// Authority is who has proved a PIN.
func (l *Login) Authority() Authority { return l.authority }

// end forgets the keys. The drive's lock is held.
func (l *Login) end() {
	l.ak.Clear()
	l.users.Clear()
	l.pin.Clear()
	l.over = true
}

// Close ends the login and forgets its keys; closing twice is harmless.
func (l *Login) Close() {
	d := l.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if !l.over {
		l.end()
		d.opal.logins = slices.DeleteFunc(d.opal.logins, func(o *Login) bool { return o == l })
	}
}

// Open says whether the login still counts.
func (l *Login) Open() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return !l.over
}

// Login proves a PIN: of SID, PSID or AdminSPAdmin, or, once the Locking SP is activated, of its Admins and
// Users. The count of tries is on flash before the PIN is looked at, and 0 again when the PIN was right, as
// in Authenticate. Errors: NotAuthorized for a wrong PIN, a disabled authority or one without a PIN;
// LockedOut at the TryLimit whatever the PIN; InvalidState for an authority of a Locking SP that is not
// activated; InvalidParameter for one that the drive does not have; Degraded without a record (PSID
// excepted); HardwareFailure, PowerLost, NoPower. The empty PIN is right for an authority in Single User
// Mode that has none yet, and for nobody else.
func (o *OpalDrive) Login(a Authority, pin PIN) (*Login, error) {
	const op = "login"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.powered && a == PSID {
		if err := d.tryPSID(op, pin); err != nil {
			return nil, err
		}
		if err := d.forgivePSID(op); err != nil {
			return nil, err
		}
		return d.login(&Login{d: d, authority: a}), nil
	}
	slot, err := d.opalSlot(op, a)
	if err != nil {
		return nil, err
	}
	if !slot.opal.enabled {
		return nil, d.refuse(op, NotAuthorized, "%v is disabled", a)
	}
	if d.cfg.TryLimit > 0 && slot.tries >= d.cfg.TryLimit {
		return nil, d.refuse(op, LockedOut, "%v used up its %d tries", a, d.cfg.TryLimit)
	}
	uncount := d.count
	if slot.tries == 0 && (d.cfg.TryLimit == 0 || d.cfg.TryLimit > 2) {
		uncount = d.uncount // see Authenticate
	}
	if slot.tries < ^uint16(0) {
		slot.tries++
	}
	if err := d.count(op); err != nil {
		return nil, err
	}
	l := &Login{d: d, authority: a}
	if err := d.prove(l, slot, pin); err != nil {
		l.end()
		if errors.Is(err, keywrap.ErrIntegrity) {
			return nil, d.refuse(op, NotAuthorized, "wrong PIN for %v", a)
		}
		return nil, d.refuse(op, HardwareFailure, "%v", err)
	}
	slot.tries = 0
	if err := uncount(op); err != nil {
		l.end()
		return nil, err
	}
	return d.login(l), nil
}

func (d *Drive) login(l *Login) *Login {
	d.opal.logins = append(d.opal.logins, l)
	return l
}

// opalSlot finds the slot of an authority that may have something to do with the drive as it is.
func (d *Drive) opalSlot(op string, a Authority) (*slotRecord, error) {
	if err := d.ready(op); err != nil {
		return nil, err
	}
	slot := d.rec.slot(a)
	if slot == nil {
		return nil, d.refuse(op, InvalidParameter, "%v has no key slot", a)
	}
	if (a.IsAdmin() || a.IsUser()) && !d.rec.activated() {
		return nil, d.refuse(op, InvalidState, "%v is of the Locking SP, which is not activated", a)
	}
	return slot, nil
}

// prove gives a login the keys that the PIN opens, or ErrIntegrity.
func (d *Drive) prove(l *Login, slot *slotRecord, pin PIN) (err error) {
	switch s := slot.opal; {
	case s.kind == slotPIN && pin.Len() > 0:
		l.ak, err = d.open(&Slot{Salt: slot.slot.Salt, Wrap: [AKWrapSize]byte(s.wrap[:AKWrapSize])}, pin)
	case s.kind == slotOpen && pin.Len() == 0:
		kek := pinlessKEK(d.fuses.Root)
		l.ak, err = unwrapKey(kek, s.wrap[:AKWrapSize])
		kek.Clear()
	default:
		return keywrap.ErrIntegrity
	}
	if err != nil {
		return err
	}
	if l.authority.IsAdmin() {
		if l.users, err = unwrapKey(l.ak, slot.opal.users[:]); err != nil {
			return fmt.Errorf("the users' key: %w", errors.New("does not open"))
		}
	}
	if l.authority == SID {
		l.pin = pin.Clone()
	}
	return nil
}

// AuthorityInfo is what an Opal drive tells of one of its authorities.
type AuthorityInfo struct {
	Enabled bool
	HasPIN  bool   // false: its PIN is the empty one
	AtMSID  bool   // its PIN is MSID
	Tries   uint16 // failed logins since the last one that worked
}

// Authority describes an authority other than PSID. Errors as Login.
func (o *OpalDrive) Authority(a Authority) (AuthorityInfo, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.opalSlot("authority", a)
	if err != nil {
		return AuthorityInfo{}, err
	}
	return s.info(), nil
}

func (s *slotRecord) info() AuthorityInfo {
	return AuthorityInfo{
		Enabled: s.opal.enabled, HasPIN: s.opal.kind == slotPIN || s.opal.kind == slotSealed,
		AtMSID: s.atMSID, Tries: s.tries,
	}
}

// Activated says whether the Locking SP is activated, also in SecurityDegraded. Errors: NoPower, Degraded.
func (o *OpalDrive) Activated() (bool, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("activated"); err != nil {
		return false, err
	}
	return d.rec.activated(), nil
}

// Note is a copy of what the TPer keeps in the record. Errors: NoPower, Degraded.
func (o *OpalDrive) Note() ([]byte, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("note"); err != nil {
		return nil, err
	}
	return slices.Clone(d.rec.opal.note), nil
}
