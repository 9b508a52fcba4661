package encgroup

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

// seal72 is a group key under seal.
type seal72 = [seal.Size]byte

// Escrow is the group key sealed for one recovery key. The facility keeps the public half, so it
// can seal a new group key without the recovery key.
type Escrow struct {
	Public [32]byte // X25519 (RFC 7748)
	Sealed [72]byte // the sealed group key; zero before the group is configured
	Next   [72]byte // the next group key, sealed; zero when none is under way
}

const purposeEscrow = "fdelab encgroup escrow v1"

// openSeal opens an escrow. The error is ErrUnwrap if the private key is of another pair or the
// seal was altered.
func openSeal(private *secret.Key32, sealed *seal72) (*secret.Key32, error) {
	k, err := seal.Open(private, purposeEscrow, sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnwrap, err)
	}
	return k, nil
}

// Recovery is a copy of the state that SetRecovery keeps.
func (g *Group) Recovery() []byte { return slices.Clone(g.rec.Recovery) }

// SetRecovery keeps in one step what a recovery key needs. It is for package reckey.
//
//   - state: 0 to 1024 bytes without secrets.
//   - publics: at most two X25519 public keys, 32 bytes each. The group key is sealed for each.
//     Seals for other public keys are dropped.
//
// A configured group has to be accessible to seal for a new public key, else the error is
// ErrInaccessible. A group that is not configured yet gets its seals when it is.
func (g *Group) SetRecovery(state []byte, publics ...[32]byte) error {
	r := g.rec
	r.Recovery, r.Escrows = slices.Clone(state), nil
	if len(r.Recovery) == 0 {
		r.Recovery = nil
	}
	for _, p := range publics {
		i := slices.IndexFunc(g.rec.Escrows, func(e Escrow) bool { return e.Public == p })
		if i >= 0 {
			r.Escrows = append(r.Escrows, g.rec.Escrows[i])
			continue
		}
		if r.Phase == Enabled && g.ram == nil {
			return fmt.Errorf("encgroup: recovery key: %w", ErrInaccessible)
		}
		e := Escrow{Public: p}
		if r.Phase == Enabled {
			if err := g.escrow(&e, g.ram(), r.rekeying()); err != nil {
				return err
			}
		}
		r.Escrows = append(r.Escrows, e)
	}
	return g.save(r)
}

// escrow seals the group keys.
func (g *Group) escrow(e *Escrow, k *keys, rekeying bool) (err error) {
	if e.Sealed, err = seal.Seal(e.Public, purposeEscrow, k.group, g.entropy); err == nil && rekeying {
		e.Next, err = seal.Seal(e.Public, purposeEscrow, k.next, g.entropy)
	}
	return err
}

// Recover makes an inaccessible group accessible with the private half (32 bytes) of a recovery key
// pair, without any key server. Members can then be unlocked and rekeyed. The data key stays
// unknown until Retrieve, or until RekeyDataKey makes a new one.
//
// Errors: ErrUnconfigured; ErrNoEscrow if the group key is sealed for other pairs only; ErrUnwrap
// if the seal is damaged.
func (g *Group) Recover(private *secret.Key32) error {
	if g.rec.Phase != Enabled {
		return fmt.Errorf("encgroup: recover: %w", ErrUnconfigured)
	}
	public, err := seal.Public(private)
	if err != nil {
		return fmt.Errorf("encgroup: recover: %w", err)
	}
	i := slices.IndexFunc(g.rec.Escrows, func(e Escrow) bool { return e.Public == public })
	if i < 0 {
		return fmt.Errorf("encgroup: recover: %w", ErrNoEscrow)
	}
	k := &keys{recovered: true}
	if k.group, err = openSeal(private, &g.rec.Escrows[i].Sealed); err == nil && g.rec.rekeying() {
		k.next, err = openSeal(private, &g.rec.Escrows[i].Next)
	}
	if err != nil {
		k.clear()
		return fmt.Errorf("encgroup: recover: %w", err)
	}
	g.PowerOff()
	g.ram = lockUp(k)
	return nil
}
