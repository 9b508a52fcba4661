package encgroup

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Phase is how far the making of a data key has come.
type Phase uint8

// The phases. A data key counts as enabled only after a server other than its maker has returned
// it.
const (
	NoDataKey Phase = iota // nothing was begun
	Prepare                // a server is about to be asked for a key
	Enabling               // a server made a key; no other server has returned it yet
	Enabled                // two servers returned the same key; the group key is wrapped with it
)

// Kind is what the key of a group protects (IBM, MAP4980: data at rest and
// transparent cloud tiering).
type Kind uint8

// The kinds.
const (
	DAR Kind = 0 // data at rest: the members are drives
	TCT Kind = 1 // transparent cloud tiering: objects that leave for a cloud server; no members
)

func (k Kind) String() string {
	switch k {
	case DAR:
		return "DAR"
	case TCT:
		return "TCT"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Member is a drive of the group, or one that was.
type Member struct {
	Serial string // 1 to 20 printable ASCII characters
	// Generation is the credential that the drive last proved to have; 0 if its admission is not
	// finished, or if it is no member any more.
	Generation uint32
	// Pending is the credential that a key step is moving to, recorded before
	// the drive is touched; 0 when no step is under way.
	Pending uint32
	// Last is the highest generation that was ever used for this serial. It only grows, also over
	// release and new admission. No credential is used twice, because a flash block that could not
	// be erased may still hold its wrap.
	Last uint32
	// First is the lowest generation whose credential derives from the present group key; lower
	// ones derived from group keys that are gone. 0: all derive from the present one.
	First uint32
	// Next is the lowest generation whose credential derives from the next group key, while one is
	// under way. 0: none does yet.
	Next uint32
}

// Current says whether the drive is a member now.
func (m Member) Current() bool { return m.Generation != 0 || m.Pending != 0 }

// Record is the part of a group that survives a loss of power. It holds no secret in plain.
type Record struct {
	Phase     Phase
	Kind      Kind
	Label     string   // 0 to 64 bytes, printable ASCII
	UID       string   // unique identifier of the data key, 0 to 255 bytes
	Maker     string   // ID of the server that made the data key, 0 to 255 bytes
	Wrapped   [40]byte // AES-KW(data key, group key); zero before Enabled
	Signature [32]byte // HMAC-SHA256 over UID and Wrapped; zero before Enabled

	// A new data key that is under way: NoDataKey (none), Prepare, or Enabling with UID and maker.
	NextPhase Phase
	NextUID   string
	NextMaker string

	// A new group key that is under way, wrapped with the same data key; zero when none is.
	NextWrapped   [40]byte
	NextSignature [32]byte

	// Recovery is the state of package reckey, 0 to 1024 bytes. Escrows are the seals that recovery
	// keys open.
	Recovery []byte
	Escrows  []Escrow

	Members []Member // by serial, ascending; former members too
}

// The bounds of a record.
const (
	labelMax    = 64
	serialMax   = 20
	membersMax  = 1 << 20
	recoveryMax = 1024
	escrowsMax  = 2
)

// rekeying says whether a new group key is under way.
func (r *Record) rekeying() bool { return r.NextWrapped != [32 + keywrap.Overhead]byte{} }

func impossible(what string, a ...any) error {
	return fmt.Errorf("encgroup: %w: %s", ErrImpossible, fmt.Sprintf(what, a...))
}

// check refuses a record that contradicts itself. It runs at writing and at reading.
func (r *Record) check() error {
	if err := r.checkOwn(); err != nil {
		return err
	}
	if err := r.checkCount(len(r.Members)); err != nil {
		return err
	}
	for i, m := range r.Members {
		if i > 0 && m.Serial <= r.Members[i-1].Serial {
			return impossible("member %q is out of order", m.Serial)
		}
		if err := r.checkMember(m); err != nil {
			return err
		}
	}
	return nil
}

// checkOwn is check for all but the members.
func (r *Record) checkOwn() error {
	if r.Phase > Enabled {
		return impossible("phase %d, need 0 to %d", r.Phase, Enabled)
	}
	if r.Kind > TCT {
		return impossible("kind %d, need 0 or 1", r.Kind)
	}
	if err := checkLabel(r.Label); err != nil {
		return impossible("%v", err)
	}
	if len(r.UID) > 255 || len(r.Maker) > 255 || len(r.NextUID) > 255 || len(r.NextMaker) > 255 {
		return impossible("an identifier longer than 255 bytes")
	}
	if named := r.UID != "" && r.Maker != ""; named != (r.Phase >= Enabling) {
		return impossible("a data key that does not fit phase %d", r.Phase)
	}
	if wrapped := r.Wrapped != [32 + keywrap.Overhead]byte{}; wrapped != (r.Phase == Enabled) {
		return impossible("a wrapped group key that does not fit phase %d", r.Phase)
	}
	if err := r.checkNext(); err != nil {
		return err
	}
	if err := r.checkRecovery(); err != nil {
		return err
	}
	return nil
}

// checkCount is check for the number of members.
func (r *Record) checkCount(n int) error {
	if n > membersMax {
		return impossible("%d members, at most %d", n, membersMax)
	}
	if n > 0 && (r.Phase != Enabled || r.Kind != DAR) {
		return impossible("members in phase %d of a group of kind %s", r.Phase, r.Kind)
	}
	return nil
}

// checkNext is check for the keys that are under way.
func (r *Record) checkNext() error {
	if r.NextPhase > Enabling || (r.NextPhase != NoDataKey && r.Phase != Enabled) {
		return impossible("a next data key in phase %d, the group in phase %d", r.NextPhase, r.Phase)
	}
	if named := r.NextUID != "" && r.NextMaker != ""; named != (r.NextPhase == Enabling) || (!named && r.NextUID+r.NextMaker != "") {
		return impossible("a next data key that does not fit its phase %d", r.NextPhase)
	}
	if r.NextUID != "" && r.NextUID == r.UID {
		return impossible("a next data key that is the present one")
	}
	if r.rekeying() && (r.Phase != Enabled || r.Kind != DAR) {
		return impossible("a next group key in phase %d of a group of kind %s", r.Phase, r.Kind)
	}
	if r.rekeying() && r.NextWrapped == r.Wrapped {
		return impossible("a next group key that is the present one")
	}
	if !r.rekeying() && r.NextSignature != [32]byte{} {
		return impossible("a signature of a next group key that is not there")
	}
	return nil
}

func (r *Record) checkRecovery() error {
	if len(r.Recovery) > recoveryMax || len(r.Escrows) > escrowsMax {
		return impossible("a recovery key of %d bytes with %d escrows, at most %d and %d", len(r.Recovery), len(r.Escrows), recoveryMax, escrowsMax)
	}
	for i, e := range r.Escrows {
		if slices.ContainsFunc(r.Escrows[:i], func(o Escrow) bool { return o.Public == e.Public }) {
			return impossible("two escrows for one public key")
		}
		if (e.Sealed != seal72{}) != (r.Phase == Enabled) || (e.Next != seal72{}) != r.rekeying() {
			return impossible("an escrow that does not fit the group keys")
		}
	}
	return nil
}

func (r *Record) checkMember(m Member) error {
	if err := checkSerial(m.Serial); err != nil {
		return impossible("%v", err)
	}
	old := func(n uint32) bool { return n != 0 && n < m.First }
	// If every generation of a former member is of a group key that is gone, First is the
	// generation that will be used next, Last+1.
	beyond := m.First > m.Last && m.First != m.Last+1
	if m.Last == 0 || m.Generation > m.Last || m.Pending > m.Last || (m.Pending != 0 && m.Pending == m.Generation) ||
		old(m.Generation) || old(m.Pending) || old(m.Next) || beyond || m.Next > m.Last || (m.Next != 0 && !r.rekeying()) {
		return impossible("member %q has generation %d, pending %d, last %d, first %d, next %d", m.Serial, m.Generation, m.Pending, m.Last, m.First, m.Next)
	}
	return nil
}

func checkLabel(s string) error {
	if len(s) > labelMax || !printable(s) {
		return fmt.Errorf("label %q, need 0 to %d printable ASCII characters", s, labelMax)
	}
	return nil
}

func checkSerial(s string) error {
	if s == "" || len(s) > serialMax || !printable(s) {
		return fmt.Errorf("serial number %q, need 1 to %d printable ASCII characters", s, serialMax)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func bySerial(a, b Member) int { return cmp.Compare(a.Serial, b.Serial) }

// find is the index of a serial in the sorted members, and whether it is there.
func (r *Record) find(serial string) (int, bool) {
	return slices.BinarySearchFunc(r.Members, serial, func(m Member, s string) int { return cmp.Compare(m.Serial, s) })
}
