package encgroup

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// seal72 is an ephemeral public key (32 bytes) and AES-KW(key agreed on, group
// key) (40 bytes).
type seal72 = [72]byte

// Escrow is the group key as the holder of one recovery key can have it. The
// facility keeps the public half only, so it can put a new group key under
// seal without the recovery key at hand.
type Escrow struct {
	Public [32]byte // X25519 (RFC 7748)
	Sealed [72]byte // the group key; zero before the group is configured
	Next   [72]byte // the next group key; zero when none is under way
}

const infoEscrow = "fdelab encgroup escrow v1\x00"

// sealFor puts a group key under seal for a public key: X25519 with an ephemeral
// key, HKDF-SHA256 of the shared secret bound to both public keys, AES-KW.
func sealFor(public [32]byte, key *secret.Key32, entropy io.Reader) (out seal72, err error) {
	to, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return out, fmt.Errorf("encgroup: escrow: %w", err)
	}
	var seed secret.Key32
	defer seed.Clear()
	if _, err := io.ReadFull(entropy, seed[:]); err != nil {
		return out, fmt.Errorf("encgroup: escrow: no ephemeral key: %w", err)
	}
	ephemeral, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		return out, fmt.Errorf("encgroup: escrow: %w", err)
	}
	kek, err := agree(ephemeral, to, ephemeral.PublicKey().Bytes(), public[:])
	if err != nil {
		return out, err
	}
	defer kek.Clear()
	wrapped, err := keywrap.Wrap(kek[:], key[:])
	if err != nil {
		return out, fmt.Errorf("encgroup: escrow: %w", err)
	}
	copy(out[:32], ephemeral.PublicKey().Bytes())
	copy(out[32:], wrapped)
	return out, nil
}

// openSeal is the reverse; ErrUnwrap if the private key is another one's or the
// seal was altered.
func openSeal(private *secret.Key32, sealed *seal72) (key secret.Key32, err error) {
	own, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return key, fmt.Errorf("encgroup: escrow: %w", err)
	}
	from, err := ecdh.X25519().NewPublicKey(sealed[:32])
	if err != nil {
		return key, fmt.Errorf("encgroup: escrow: %w", err)
	}
	kek, err := agree(own, from, sealed[:32], own.PublicKey().Bytes())
	if err != nil {
		return key, errors.Join(ErrUnwrap, err)
	}
	defer kek.Clear()
	k, err := keywrap.Unwrap(kek[:], sealed[32:])
	if err != nil {
		return key, ErrUnwrap
	}
	defer clear(k)
	copy(key[:], k)
	return key, nil
}

func agree(own *ecdh.PrivateKey, other *ecdh.PublicKey, ephemeral, recipient []byte) (secret.Key32, error) {
	var shared secret.Key32
	defer shared.Clear()
	b, err := own.ECDH(other)
	if err != nil {
		return secret.Key32{}, fmt.Errorf("encgroup: escrow: %w", err)
	}
	copy(shared[:], b)
	clear(b)
	return derive(&shared, infoEscrow+string(ephemeral)+string(recipient)), nil
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
	if e.Sealed, err = sealFor(e.Public, &k.group, g.entropy); err == nil && rekeying {
		e.Next, err = sealFor(e.Public, &k.next, g.entropy)
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
	own, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return fmt.Errorf("encgroup: recover: %w", err)
	}
	i := slices.IndexFunc(g.rec.Escrows, func(e Escrow) bool { return string(e.Public[:]) == string(own.PublicKey().Bytes()) })
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
