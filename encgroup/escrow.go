package encgroup

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

// seal72 is a group key under seal.
type seal72 = [seal.Size]byte

// Escrow is the group key as the holder of one recovery key can have it. The
// facility keeps the public half only, so it can put a new group key under
// seal without the recovery key at hand.
type Escrow struct {
	Public [32]byte // X25519 (RFC 7748)
	Sealed [72]byte // the group key; zero before the group is configured
	Next   [72]byte // the next group key; zero when none is under way
}

const purposeEscrow = "fdelab encgroup escrow v1"

// openSeal opens an escrow; ErrUnwrap if the private key is another one's or the
// seal was altered.
func openSeal(private *secret.Key32, sealed *seal72) (*secret.Key32, error) {
	k, err := seal.Open(private, purposeEscrow, sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnwrap, err)
	}
	return k, nil
}

// Recovery is what was kept with SetRecovery, a copy.
func (g *Group) Recovery() []byte { return slices.Clone(g.rec.Recovery) }

// SetRecovery keeps what a recovery key needs, in one step: state (0 to 1024
// bytes without secrets), and the group key under seal for each of the public keys (X25519, 32
// bytes, at most two). Seals for other public keys are dropped. Where
// a public key is new, a configured group has to be accessible; a group that is not
// configured yet gets its seals when it is. It is for package reckey.
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

// escrow puts the group keys under seal.
func (g *Group) escrow(e *Escrow, k *keys, rekeying bool) (err error) {
	if e.Sealed, err = seal.Seal(e.Public, purposeEscrow, k.group, g.entropy); err == nil && rekeying {
		e.Next, err = seal.Seal(e.Public, purposeEscrow, k.next, g.entropy)
	}
	return err
}

// Recover makes an inaccessible group accessible with the private half (32
// bytes) of a recovery key pair, without any key server. The data key stays unknown: members can
// be unlocked and rekeyed, and RekeyDataKey gives the group a data key
// at servers that are in reach again. Errors: ErrUnconfigured, ErrNoEscrow when the
// group key is under seal for another pair, ErrUnwrap when the seal is broken.
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
