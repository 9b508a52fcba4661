package seal

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Size is the length of a seal in bytes.
const Size = 32 + 40

// ErrOpen means that the private key or the purpose is not that of the seal, or that the seal was
// altered.
var ErrOpen = errors.New("seal: it does not open")

// Public is the public half (32 bytes) of a private key (32 bytes, RFC 7748).
func Public(private *secret.Key32) (out [32]byte, err error) {
	own, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return out, fmt.Errorf("seal: %w", err)
	}
	copy(out[:], own.PublicKey().Bytes())
	return out, nil
}

// Seal seals key for a public key and a purpose. It draws 32 bytes of entropy.
func Seal(public [32]byte, purpose string, key *secret.Key32, entropy io.Reader) (out [Size]byte, err error) {
	to, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return out, fmt.Errorf("seal: %w", err)
	}
	var seed secret.Key32
	defer seed.Clear()
	if _, err := io.ReadFull(entropy, seed[:]); err != nil {
		return out, fmt.Errorf("seal: no ephemeral key: %w", err)
	}
	ephemeral, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		return out, fmt.Errorf("seal: %w", err)
	}
	kek, err := agree(ephemeral, to, ephemeral.PublicKey().Bytes(), public[:], purpose)
	if err != nil {
		return out, err
	}
	defer kek.Clear()
	wrapped, err := keywrap.Wrap(kek[:], key[:])
	if err != nil {
		return out, fmt.Errorf("seal: %w", err)
	}
	copy(out[:32], ephemeral.PublicKey().Bytes())
	copy(out[32:], wrapped)
	return out, nil
}

// Open is the reverse; the error wraps ErrOpen.
func Open(private *secret.Key32, purpose string, sealed *[Size]byte) (*secret.Key32, error) {
	own, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	from, err := ecdh.X25519().NewPublicKey(sealed[:32])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpen, err)
	}
	kek, err := agree(own, from, sealed[:32], own.PublicKey().Bytes(), purpose)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpen, err)
	}
	defer kek.Clear()
	k, err := keywrap.Unwrap(kek[:], sealed[32:])
	if err != nil {
		return nil, ErrOpen
	}
	return secret.Take32(k), nil
}

func agree(own *ecdh.PrivateKey, other *ecdh.PublicKey, ephemeral, recipient []byte, purpose string) (*secret.Key32, error) {
	shared, err := own.ECDH(other)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	defer clear(shared)
	return secret.Derive32(shared, nil, purpose+"\x00"+string(ephemeral)+string(recipient)), nil
}
