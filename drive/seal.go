package drive

import "github.com/seed-9d983aeb/fdelab/drive/secret"

// An authority that is disabled is kept out by a key, not by a flag: the wrap of its AK is wrapped once more
// by a key that only those who may enable it have, and the wrap that its PIN opened is destroyed. To enable it
// takes the outer wrap off, so the PIN stays.
//
//	a BandMaster                       the AK of EraseMaster
//	AdminSPAdmin                       the AK of SID
//	Admins and Users of a Locking SP   the users' key, which the Admins hold
//
// The AKs of EraseMaster and SID outlive a change of their PINs. Where EraseMaster has the factory PIN, which
// anybody reads, anybody enables a BandMaster; but to use it still takes the PIN of the BandMaster.

// shut makes the slot of a BandMaster one that its PIN does not open, by the AK of EraseMaster.
func (s *slotRecord) shut(by *secret.Key32) {
	w := new([slotWrapSize]byte)
	wrapKey(w[:], by, s.slot.Wrap[:])
	s.sealed, s.slot.Wrap = w, [AKWrapSize]byte{}
}

// reopen undoes shut, or gives ErrIntegrity.
func (s *slotRecord) reopen(by *secret.Key32) (err error) {
	if s.slot.Wrap, err = rewrapped(by, s.sealed[:]); err == nil {
		s.sealed = nil
	}
	return err
}

func sameSeal(a, b *[slotWrapSize]byte) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
