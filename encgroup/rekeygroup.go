package encgroup

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

// RekeyState is how far new keys of a group have come.
type RekeyState struct {
	DataKey  Phase // NoDataKey when no new data key is under way; Prepare; Enabling
	GroupKey bool  // a new group key is under way
	Done     int   // members whose credential derives from the new group key
	Members  int   // all members
}

func (s RekeyState) String() string {
	text := "none"
	if s.GroupKey {
		text = fmt.Sprintf("group key, %d of %d members", s.Done, s.Members)
	}
	if s.DataKey == NoDataKey {
		return text
	}
	data := "data key, prepare"
	if s.DataKey == Enabling {
		data = "data key, enabling"
	}
	if s.GroupKey {
		return text + "; " + data
	}
	return data
}

// Rekeying says which new keys are under way.
func (g *Group) Rekeying() RekeyState {
	s := RekeyState{DataKey: g.rec.NextPhase, GroupKey: g.rec.rekeying()}
	for _, m := range g.Members() {
		s.Members++
		if s.GroupKey && migrated(m) {
			s.Done++
		}
	}
	return s
}

// migrated says whether every credential that may open a member derives from the next group key. A
// pending generation is higher than the current one, so the current one decides.
func migrated(m Member) bool { return m.Next != 0 && m.Generation >= m.Next }

// BeginGroupRekey draws a new group key and records it, wrapped and signed with the data key,
// beside the present one. Both can be retrieved until FinishGroupRekey. From now on every key step
// of a member (Admit, Rekey, RekeyMember) gives it a credential of the new key. A group rekey
// cannot be cancelled. If one is under way already, BeginGroupRekey does nothing. Errors:
// ErrUnconfigured, ErrInaccessible, ErrNoDataKey, ErrStore; ErrKind for a TCT group.
func (g *Group) BeginGroupRekey() error {
	const op = "encgroup: rekey of the group key"
	switch {
	case g.rec.Kind != DAR:
		return fmt.Errorf("%s: %w: %s", op, ErrKind, g.rec.Kind)
	case g.ram == nil:
		return fmt.Errorf("%s: %w", op, g.noKey())
	case g.rec.rekeying():
		return nil
	case g.ram().recovered:
		return fmt.Errorf("%s: %w", op, ErrNoDataKey)
	}
	k, r := g.ram(), g.rec
	err := func() (err error) {
		k.next = new(secret.Key32)
		if _, err := io.ReadFull(g.entropy, k.next[:]); err != nil {
			return fmt.Errorf("%s: no group key: %w", op, err)
		}
		r.NextWrapped, r.NextSignature = sealGroupKey(k.data, k.next, r.UID)
		r.Escrows = slices.Clone(r.Escrows)
		for i := range r.Escrows {
			if r.Escrows[i].Next, err = seal.Seal(r.Escrows[i].Public, purposeEscrow, k.next, g.entropy); err != nil {
				return err
			}
		}
		return g.save(r)
	}()
	if err != nil {
		k.next.Clear()
		k.next = nil
	}
	return err
}

// RekeyMember moves one member to a credential of the new group key. It does nothing for a member
// that has one. A step that was cut short is finished first. The data and the media key stay. The
// error is a *MemberError.
func (g *Group) RekeyMember(d Drive) error {
	if !g.rec.rekeying() {
		return memberError("rekey", d, StepGroup, ErrNoRekey)
	}
	// A step begun under the present key has to be finished before the one to the new key.
	for range 2 {
		if m, ok := g.Member(d.Serial()); ok && migrated(m) {
			return nil
		}
		if err := g.Rekey(d); err != nil {
			return err
		}
	}
	if m, _ := g.Member(d.Serial()); !migrated(m) {
		panic("BUG: encgroup: two key steps do not lead to the new group key")
	}
	return nil
}

// FinishGroupRekey drops the old group key: one Save makes the new key the group key. It fails with
// ErrMembersLeft while a member, present or not, has a credential of the old key. Rekey, readmit or
// forget that drive first. Credentials of the old key cannot be derived afterwards, also not for a
// forensic search.
func (g *Group) FinishGroupRekey() error {
	const op = "encgroup: rekey of the group key"
	if g.ram == nil {
		return fmt.Errorf("%s: %w", op, g.noKey())
	}
	if !g.rec.rekeying() {
		return fmt.Errorf("%s: %w", op, ErrNoRekey)
	}
	for _, m := range g.Members() {
		if !migrated(m) {
			s := g.Rekeying()
			return fmt.Errorf("%s: %w: %d of %d, the first is %s", op, ErrMembersLeft, s.Members-s.Done, s.Members, m.Serial)
		}
	}
	r := g.rec
	r.Wrapped, r.Signature = r.NextWrapped, r.NextSignature
	r.NextWrapped, r.NextSignature = [40]byte{}, [32]byte{}
	r.Escrows = slices.Clone(r.Escrows)
	for i := range r.Escrows {
		r.Escrows[i].Sealed, r.Escrows[i].Next = r.Escrows[i].Next, seal72{}
	}
	r.Members = slices.Clone(r.Members)
	for i := range r.Members {
		m := &r.Members[i]
		switch {
		case m.Next != 0:
			m.First = m.Next
		case m.Last < math.MaxUint32:
			m.First = m.Last + 1
		default: // a former member whose generations are used up
			m.First = m.Last
		}
		m.Next = 0
	}
	if err := g.saveAll(r); err != nil {
		return err
	}
	k := g.ram()
	k.group.Clear()
	k.group, k.next = k.next, nil
	return nil
}

// RekeyResult is the result for one drive.
type RekeyResult struct {
	Serial string
	Err    error // nil or a *MemberError
}

// RekeyGroupKey exchanges the group key: it begins or goes on, moves those of the drives that are
// members, in the order given, and finishes when no member is left. A drive that fails does not
// stop it; a record that cannot be saved does. Called again after a power cut, it goes on where it
// was. The error is that of BeginGroupRekey or FinishGroupRekey; with ErrMembersLeft both keys
// stay.
func (g *Group) RekeyGroupKey(drives []Drive) ([]RekeyResult, error) {
	if err := g.BeginGroupRekey(); err != nil {
		return nil, err
	}
	var out []RekeyResult
	for _, d := range drives {
		if _, ok := g.Member(d.Serial()); !ok {
			continue
		}
		err := g.RekeyMember(d)
		out = append(out, RekeyResult{d.Serial(), err})
		if errors.Is(err, ErrStore) {
			return out, err
		}
	}
	return out, g.FinishGroupRekey()
}
