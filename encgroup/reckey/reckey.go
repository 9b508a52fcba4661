package reckey

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Role is what a user may do.
type Role uint8

// The two roles.
const (
	SecurityAdministrator Role = iota + 1 // asks, verifies, recovers
	StorageAdministrator                  // authorises
)

func (r Role) String() string {
	switch r {
	case SecurityAdministrator:
		return "security administrator"
	case StorageAdministrator:
		return "storage administrator"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// User is the person who takes a step, authenticated by the caller.
type User struct {
	Name string // 1 to 64 printable ASCII characters
	Role Role
}

// The refusals. Nothing was changed, except that a wrong entry was counted.
var (
	ErrState    = errors.New("the recovery key is in another state")
	ErrRole     = errors.New("this takes another role")
	ErrSameUser = errors.New("two different users are needed")
	ErrWrong    = errors.New("this is not the recovery key")
	ErrUser     = errors.New("a user name has 1 to 64 printable ASCII characters")
)

// Recovery manages the recovery key of one group. It is not safe for concurrent use.
type Recovery struct {
	group   *encgroup.Group
	entropy io.Reader
	waiting hidden // a recovery that waits; nil without one
}

// hidden keeps a private half in a closure, where fmt cannot look.
type hidden func() *entered

func hide(e *entered) hidden { return func() *entered { return e } }

// entered is a recovery key that was entered and opened its private half.
type entered struct {
	private *secret.Key32
	by      string
}

// New manages the recovery key in the group's record. Neither argument may be nil.
func New(group *encgroup.Group, entropy io.Reader) *Recovery {
	if group == nil || entropy == nil {
		panic("BUG: reckey: a recovery key needs a group and a source of entropy")
	}
	return &Recovery{group: group, entropy: entropy}
}

// Status is the state now. The error is encgroup.ErrImpossible if what is kept contradicts itself.
func (r *Recovery) Status() (Status, error) {
	k, err := decode(r.group.Recovery())
	if err != nil {
		return Status{}, err
	}
	s := Status{State: k.state, Wrong: k.wrong}
	if k.state.current() {
		s.Date = time.Unix(k.date, 0).UTC()
	}
	if r.waiting != nil {
		s.State = RecoverAuthorizePending
	}
	return s, nil
}

// Configure draws a recovery key: from Unconfigured to VerifyPending. The caller shows the key
// once, as Encode writes it, and clears it. A group that is configured has to be accessible.
func (r *Recovery) Configure(by User) (*secret.Key32, error) {
	return r.draw("configure", by, Unconfigured, VerifyPending)
}

// Rekey draws another recovery key: from Configured to RekeyVerifyPending. The former one stays in
// force until the new one is authorised. A group that is configured has to be accessible.
func (r *Recovery) Rekey(by User) (*secret.Key32, error) {
	return r.draw("rekey", by, Configured, RekeyVerifyPending)
}

// Deconfigure asks for the end of the recovery key: from Configured to
// DeconfigureAuthorizePending.
func (r *Recovery) Deconfigure(by User) error {
	return r.ask("deconfigure", by, Configured, DeconfigureAuthorizePending)
}

// Disable asks that there shall be no recovery key: from Unconfigured to DisableAuthorizePending.
func (r *Recovery) Disable(by User) error {
	return r.ask("disable", by, Unconfigured, DisableAuthorizePending)
}

// Enable asks for the end of that: from Disabled to EnableAuthorizePending.
func (r *Recovery) Enable(by User) error {
	return r.ask("enable", by, Disabled, EnableAuthorizePending)
}

// Verify compares what the security administrator typed with the key that was shown: from
// VerifyPending to AuthorizePending, or the same in a rekey. If a key is in force and no new one is
// pending, the state stays, and the error says whether the entry is that key. Errors: *TypoError,
// ErrWrong (which is counted), ErrState, ErrRole.
func (r *Recovery) Verify(by User, text string) error {
	const op = "verify"
	k, err := r.begin(op, by, SecurityAdministrator)
	if err != nil {
		return err
	}
	s, next := &k.current, k.state
	switch {
	case k.state == VerifyPending:
		s, next = &k.pending, AuthorizePending
	case k.state == RekeyVerifyPending:
		s, next = &k.pending, RekeyAuthorizePending
	case k.state != Configured && k.state != DeconfigureAuthorizePending:
		return wrongState(op, k.state)
	}
	key, err := r.compare(op, &k, s, text)
	if err != nil {
		return err
	}
	key.Clear()
	if next == k.state && k.wrong == 0 {
		return nil
	}
	if next != k.state {
		k.verified = by.Name
	}
	k.state, k.wrong = next, 0
	return r.keep(op, &k)
}

// Recover takes the recovery key from the security administrator while the group is inaccessible.
// Authorize then makes the group accessible. Until then the private half of the key pair is in RAM;
// Cancel and PowerOff drop it. Errors as for Verify.
func (r *Recovery) Recover(by User, text string) error {
	const op = "recover"
	k, err := r.begin(op, by, SecurityAdministrator)
	if err != nil {
		return err
	}
	if !k.state.current() {
		return wrongState(op, k.state)
	}
	if s := r.group.State(); s != encgroup.Inaccessible {
		return fmt.Errorf("reckey: %s: %w: the group is %s", op, ErrState, s)
	}
	key, err := r.compare(op, &k, &k.current, text)
	if err != nil {
		return err
	}
	defer key.Clear()
	if k.wrong != 0 {
		k.wrong = 0
		if err := r.keep(op, &k); err != nil {
			return err
		}
	}
	kek := derive(key, &k.current, infoPrivate)
	defer kek.Clear()
	b, err := keywrap.Unwrap(kek[:], k.current.private[:])
	if err != nil {
		return fmt.Errorf("reckey: %s: %w", op, err)
	}
	r.drop()
	r.waiting = hide(&entered{private: secret.Take32(b), by: by.Name})
	return nil
}

// Authorize is the storage administrator's consent, for which the "authorize pending" states wait.
// now becomes the date of a key that comes into force. Errors: ErrState, ErrRole, ErrSameUser.
func (r *Recovery) Authorize(by User, now time.Time) error {
	const op = "authorize"
	k, err := r.begin(op, by, StorageAdministrator)
	if err != nil {
		return err
	}
	if r.waiting != nil {
		return r.authorizeRecovery(op, by)
	}
	switch k.state {
	case AuthorizePending, RekeyAuthorizePending, DeconfigureAuthorizePending, DisableAuthorizePending, EnableAuthorizePending:
	default:
		return wrongState(op, k.state)
	}
	if strings.EqualFold(by.Name, k.asked) || strings.EqualFold(by.Name, k.verified) {
		return fmt.Errorf("reckey: %s: %w", op, ErrSameUser)
	}
	switch k.state {
	case AuthorizePending, RekeyAuthorizePending:
		k = kept{state: Configured, current: k.pending, date: now.Unix()}
	case DisableAuthorizePending:
		k = kept{state: Disabled}
	default:
		k = kept{}
	}
	return r.keep(op, &k)
}

func (r *Recovery) authorizeRecovery(op string, by User) error {
	e := r.waiting()
	if strings.EqualFold(by.Name, e.by) {
		return fmt.Errorf("reckey: %s: %w", op, ErrSameUser)
	}
	if err := r.group.Recover(e.private); err != nil {
		return fmt.Errorf("reckey: %s: %w", op, err)
	}
	r.drop()
	return nil
}

// Cancel leads from a pending state back to the one before it. Either role may cancel.
func (r *Recovery) Cancel(by User) error {
	const op = "cancel"
	k, err := r.begin(op, by, SecurityAdministrator, StorageAdministrator)
	if err != nil {
		return err
	}
	if r.waiting != nil {
		r.drop()
		return nil
	}
	switch k.state {
	case VerifyPending, AuthorizePending, DisableAuthorizePending:
		k = kept{}
	case RekeyVerifyPending, RekeyAuthorizePending, DeconfigureAuthorizePending:
		k = kept{state: Configured, current: k.current, date: k.date, wrong: k.wrong}
	case EnableAuthorizePending:
		k = kept{state: Disabled}
	default:
		return wrongState(op, k.state)
	}
	return r.keep(op, &k)
}

// PowerOff clears what is in RAM: a recovery that waits has to be entered anew.
func (r *Recovery) PowerOff() { r.drop() }

func (r *Recovery) drop() {
	if r.waiting != nil {
		r.waiting().private.Clear()
		r.waiting = nil
	}
}

// begin checks who asks and reads what is kept.
func (r *Recovery) begin(op string, by User, roles ...Role) (kept, error) {
	if by.Name == "" || len(by.Name) > 64 || strings.ContainsFunc(by.Name, func(c rune) bool { return c < ' ' || c > '~' }) {
		return kept{}, fmt.Errorf("reckey: %s: %w", op, ErrUser)
	}
	allowed := false
	for _, role := range roles {
		allowed = allowed || by.Role == role
	}
	if !allowed {
		return kept{}, fmt.Errorf("reckey: %s: %w: %s, not %s", op, ErrRole, roles[0], by.Role)
	}
	return decode(r.group.Recovery())
}

func wrongState(op string, s State) error {
	return fmt.Errorf("reckey: %s: %w: it is %s", op, ErrState, s)
}

func (r *Recovery) keep(op string, k *kept) error {
	if err := r.group.SetRecovery(k.encode(), k.publics()...); err != nil {
		return fmt.Errorf("reckey: %s: %w", op, err)
	}
	return nil
}

func (r *Recovery) ask(op string, by User, from, to State) error {
	k, err := r.begin(op, by, SecurityAdministrator)
	if err != nil {
		return err
	}
	if k.state != from || r.waiting != nil {
		return wrongState(op, k.state)
	}
	k.state, k.asked = to, by.Name
	return r.keep(op, &k)
}

// draw makes a recovery key and what is kept of it.
func (r *Recovery) draw(op string, by User, from, to State) (key *secret.Key32, err error) {
	k, err := r.begin(op, by, SecurityAdministrator)
	if err != nil {
		return nil, err
	}
	if k.state != from || r.waiting != nil {
		return nil, wrongState(op, k.state)
	}
	drawn := new(secret.Key32)
	defer func() {
		if err != nil {
			drawn.Clear()
		}
	}()
	var seed secret.Key32
	defer seed.Clear()
	for _, p := range [][]byte{drawn[:], k.pending.salt[:], seed[:]} {
		if _, err := io.ReadFull(r.entropy, p); err != nil {
			return nil, fmt.Errorf("reckey: %s: no recovery key: %w", op, err)
		}
	}
	private, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		return nil, fmt.Errorf("reckey: %s: %w", op, err)
	}
	hash, kek := derive(drawn, &k.pending, infoHash), derive(drawn, &k.pending, infoPrivate)
	defer kek.Clear()
	wrapped, err := keywrap.Wrap(kek[:], seed[:])
	if err != nil {
		return nil, fmt.Errorf("reckey: %s: %w", op, err)
	}
	k.pending.hash = *hash
	copy(k.pending.private[:], wrapped)
	copy(k.pending.public[:], private.PublicKey().Bytes())
	k.state, k.asked, k.verified = to, by.Name, ""
	if err := r.keep(op, &k); err != nil {
		return nil, err
	}
	return drawn, nil
}

// compare reads an entry, and counts it if it is not the key of the slot.
func (r *Recovery) compare(op string, k *kept, s *slot, text string) (*secret.Key32, error) {
	key, err := Decode(text)
	if err != nil {
		return nil, err
	}
	hash, want := derive(key, s, infoHash), secret.Key32(s.hash)
	if hash.Equal(&want) {
		return key, nil
	}
	key.Clear()
	if k.wrong < math.MaxUint32 {
		k.wrong++
	}
	if err := r.keep(op, k); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("reckey: %s: %w", op, ErrWrong)
}

// The purposes that a recovery key is used for; HKDF binds what it derives to one.
const (
	infoHash    = "fdelab reckey hash v1\x00"
	infoPrivate = "fdelab reckey private half v1\x00"
)

func derive(key *secret.Key32, s *slot, info string) *secret.Key32 {
	return secret.Derive32(key[:], s.salt[:], info)
}
