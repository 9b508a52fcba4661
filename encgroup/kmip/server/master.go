package server

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// ErrMaster is returned when the master key or the passphrase is not the one
// that the database was made with.
var ErrMaster = errors.New("the master key or passphrase is not the one of this database")

// Unlock opens the master key of a database: either by another key, which is
// kept in a file, or by a passphrase. It prints neither.
type Unlock struct {
	Key        *secret.Key32
	Passphrase []byte
}

// Format prints nothing that it holds.
func (u Unlock) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secret.Redacted) }

// argon is the cost of a passphrase: argon2id (RFC 9106) with its second recommended choice but
// one lane: 3 passes over 64 MiB.
type argon struct {
	passes, kibibytes uint32
	lanes             uint8
	salt              [16]byte
}

var argonCost = argon{passes: 3, kibibytes: 64 << 10, lanes: 1}

// kek is the key that wraps the master key, a copy.
func (u Unlock) kek(a *argon) (*secret.Key32, error) {
	switch {
	case u.Key != nil && u.Passphrase == nil:
		return u.Key.Clone(), nil
	case u.Key == nil && len(u.Passphrase) > 0:
		return secret.Take32(argon2.IDKey(u.Passphrase, a.salt[:], a.passes, a.kibibytes, a.lanes, 32)), nil
	}
	return nil, errors.New("server: need either a master key or a passphrase")
}

// sealer keeps keys under the master key: AES-256-GCM with a random nonce of 96
// bits, bound to the object. NIST SP 800-38D allows 2^32 of them.
type sealer func() (cipher.AEAD, io.Reader)

func newSealer(master *secret.Key32, entropy io.Reader) sealer {
	b, err := aes.NewCipher(master[:])
	if err != nil {
		panic("BUG: server: " + err.Error())
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		panic("BUG: server: " + err.Error())
	}
	secret.WipeCipher(b) // GCM has a copy of its own
	// In a closure no fmt verb finds the key schedule.
	return func() (cipher.AEAD, io.Reader) { return g, entropy }
}

func (s sealer) seal(key, binding []byte) ([]byte, error) {
	g, entropy := s()
	out := make([]byte, g.NonceSize(), g.NonceSize()+len(key)+g.Overhead())
	if _, err := io.ReadFull(entropy, out); err != nil {
		return nil, fmt.Errorf("server: no entropy: %w", err)
	}
	return g.Seal(out, out, key, binding), nil
}

// open gives the key; the caller clears it.
func (s sealer) open(sealed, binding []byte) ([]byte, error) {
	g, _ := s()
	if len(sealed) < g.NonceSize()+g.Overhead() {
		return nil, fmt.Errorf("server: a sealed key of %d bytes", len(sealed))
	}
	key, err := g.Open(nil, sealed[:g.NonceSize()], sealed[g.NonceSize():], binding)
	if err != nil {
		return nil, errors.New("server: the database was altered: a key does not open")
	}
	return key, nil
}

// wrapMaster and unwrapMaster are AES-KW, whose integrity check tells a wrong key.
func wrapMaster(kek, master *secret.Key32) ([]byte, error) {
	return keywrap.Wrap(kek[:], master[:])
}

func unwrapMaster(kek *secret.Key32, wrapped []byte) (*secret.Key32, error) {
	b, err := keywrap.Unwrap(kek[:], wrapped)
	if err != nil || len(b) != 32 {
		clear(b)
		return nil, ErrMaster
	}
	return secret.Take32(b), nil
}
