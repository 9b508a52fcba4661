package reckey

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// State is what showkeygrp shows as reckeystate.
type State uint8

// The states. A recovery that waits is in RAM only.
const (
	Unconfigured                State = iota // there is no recovery key
	VerifyPending                            // one was shown; the security administrator has to enter it again
	AuthorizePending                         // it was verified; the storage administrator has to authorise it
	Configured                               // it is in force
	RekeyVerifyPending                       // another one was shown; the one before is in force
	RekeyAuthorizePending                    // the other one was verified; the one before is in force
	DeconfigureAuthorizePending              // it is in force until its end is authorised
	DisableAuthorizePending                  // there is none; disabling has to be authorised
	Disabled                                 // there is none, and none can be configured
	EnableAuthorizePending                   // as Disabled; enabling has to be authorised
	RecoverAuthorizePending                  // the key was entered; the recovery has to be authorised
)

var stateNames = [...]string{
	"unconfigured", "verify pending", "authorize pending", "configured", "rekey verify pending", "rekey authorize pending",
	"deconfigure authorize pending", "disable authorize pending", "disabled", "enable authorize pending", "recover authorize pending",
}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// current says whether a key is in force; pending whether a new one is on its way.
func (s State) current() bool {
	return s == Configured || s == RekeyVerifyPending || s == RekeyAuthorizePending || s == DeconfigureAuthorizePending
}

// Pending says whether a step of a recovery key waits for somebody.
func (s State) Pending() bool { return s != Unconfigured && s != Configured && s != Disabled }

func (s State) pending() bool {
	return s == VerifyPending || s == AuthorizePending || s == RekeyVerifyPending || s == RekeyAuthorizePending
}

// slot is what is kept of one recovery key.
type slot struct {
	salt    [16]byte
	hash    [32]byte
	private [40]byte // AES-KW
	public  [32]byte
}

// kept is what the group's record keeps.
type kept struct {
	state    State
	wrong    uint32 // entries that were another key, since the key in force or on its way was verified
	date     int64  // seconds since 1970, when the key in force was authorised
	asked    string // who asked for what is pending
	verified string // who verified it
	current  slot
	pending  slot
}

// errKept means a software error: damage of the medium is found by the record's check sum.
var errKept = fmt.Errorf("reckey: %w: what is kept of the recovery key", encgroup.ErrImpossible)

const keptVersion = 1

// encode: version (1 byte), state (1), wrong (4), date (8), the two users (a length byte and the
// bytes each), the slots that the state has (120 each). The zero value is encoded as no bytes.
func (k *kept) encode() []byte {
	if *k == (kept{}) {
		return nil
	}
	b := []byte{keptVersion, byte(k.state)}
	b = binary.BigEndian.AppendUint32(b, k.wrong)
	b = binary.BigEndian.AppendUint64(b, uint64(k.date))
	b = append(append(b, byte(len(k.asked))), k.asked...)
	b = append(append(b, byte(len(k.verified))), k.verified...)
	for _, s := range k.slots() {
		b = append(append(b, s.salt[:]...), s.hash[:]...)
		b = append(append(b, s.private[:]...), s.public[:]...)
	}
	return b
}

// slots are those that the state has.
func (k *kept) slots() []*slot {
	var out []*slot
	if k.state.current() {
		out = append(out, &k.current)
	}
	if k.state.pending() {
		out = append(out, &k.pending)
	}
	return out
}

func (k *kept) publics() [][32]byte {
	var out [][32]byte
	for _, s := range k.slots() {
		out = append(out, s.public)
	}
	return out
}

// decode reads what encode wrote; no bytes are Unconfigured.
func decode(b []byte) (k kept, err error) {
	if len(b) == 0 {
		return k, nil
	}
	short := false
	take := func(n int) []byte {
		if short || len(b) < n {
			short = true
			return make([]byte, n)
		}
		t := b[:n]
		b = b[n:]
		return t
	}
	if take(1)[0] != keptVersion {
		return kept{}, errKept
	}
	k.state = State(take(1)[0])
	k.wrong = binary.BigEndian.Uint32(take(4))
	k.date = int64(binary.BigEndian.Uint64(take(8)))
	k.asked = string(take(int(take(1)[0])))
	k.verified = string(take(int(take(1)[0])))
	for _, s := range k.slots() {
		copy(s.salt[:], take(len(s.salt)))
		copy(s.hash[:], take(len(s.hash)))
		copy(s.private[:], take(len(s.private)))
		copy(s.public[:], take(len(s.public)))
	}
	if short || len(b) > 0 || k.state > EnableAuthorizePending {
		return kept{}, errKept
	}
	return k, nil
}

// Status is what anybody may know of a recovery key.
type Status struct {
	State State
	Date  time.Time // when the key in force was authorised, UTC; zero when none is
	Wrong uint32    // wrong entries since the last right one
}
