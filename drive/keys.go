package drive

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// The sizes in a Slot, in bytes: of the salt, and of a wrapped authority key.
const (
	SaltSize   = 16
	AKWrapSize = 32 + keywrap.Overhead
)

const mekWrapSize = 64 + keywrap.Overhead

// Slot is one authority's key slot: a salt, and the 32-byte authority key (AK)
// wrapped by AES-KW (RFC 3394) under KEK(root, PIN, salt).
type Slot struct {
	Salt [SaltSize]byte
	Wrap [AKWrapSize]byte
}

// mekWrap is a 64-byte MEK wrapped by AES-KW.
type mekWrap [mekWrapSize]byte

// KEK derives the 32-byte key-encrypting key of a slot: HKDF-SHA256 (RFC 5869)
// with the salt over the drive's root key and the PIN, so that neither the flash
// nor the PIN alone is enough. A PIN shorter than 32 bytes is first stretched
// with PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2) by the given iterations; one that
// ends with a zero byte is hashed before that, see password.
func KEK(root *secret.Key32, pin PIN, salt [SaltSize]byte, iterations int) (*secret.Key32, error) {
	k := derivations.Get().(*KEKs)
	defer derivations.Put(k)
	k.Clear() // so that the stack is large enough now: one that grows leaves a copy
	defer k.Clear()
	out := new(secret.Key32)
	if err := k.Derive(out, root, pin, salt, iterations); err != nil {
		return nil, err
	}
	return out, nil
}

// derivations lends cleared ones.
var derivations = sync.Pool{New: func() any { return NewKEKs() }}

// KEKs derives many keys as KEK does, one after the other, without an allocation for each. A short PIN
// is not stretched again where only the root key differs from the derivation before. What a
// derivation leaves behind stays until Clear. It may be used by one goroutine at a time.
type KEKs struct {
	deriver *secret.Deriver
	ikm     *secret.Key64 // root key and PIN; the PIN is stretched if it is short
	salt    [SaltSize]byte

	short      PIN // which was stretched last, with salt and so many iterations; zero: none
	iterations int
}

// NewKEKs has derived nothing yet.
func NewKEKs() *KEKs { return &KEKs{deriver: new(secret.Deriver), ikm: new(secret.Key64)} }

// Format redacts: the fmt package would look into unexported fields without asking the keys in them.
func (k *KEKs) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(secret.Redacted)) }

// Derive writes the KEK of the function of that name over out.
func (k *KEKs) Derive(out, root *secret.Key32, pin PIN, salt [SaltSize]byte, iterations int) error {
	if pin.Len() == 0 {
		return fmt.Errorf("drive: an empty PIN derives no key")
	}
	copy(k.ikm[:32], root[:])
	if pin.Len() == PINSize {
		copy(k.ikm[32:], pin.raw())
		k.short.Clear()
	} else if salt != k.salt || iterations != k.iterations || !pin.Equal(k.short) {
		stretched, err := pbkdf2.Key(sha256.New, password(pin), salt[:], iterations, 32)
		if err != nil {
			return fmt.Errorf("drive: stretch PIN: %w", err)
		}
		own := secret.Take32(stretched)
		copy(k.ikm[32:], own[:])
		own.Clear()
		k.short.Clear()
		k.short, k.iterations = pin.Clone(), iterations
	}
	k.salt = salt
	k.deriver.Derive32(out, k.ikm[:], k.salt[:], "fdelab/kek/1")
	return nil
}

// Clear overwrites what the derivations left behind, but the keys that they gave. Call it from where
// they were derived, or nearer to main.
func (k *KEKs) Clear() {
	k.ikm.Clear()
	k.deriver.Clear()
	k.short.Clear()
}

// password is what PBKDF2 gets of a short PIN. HMAC pads its key with zero bytes (RFC 2104 section 2),
// so to PBKDF2 a PIN and the same PIN with a zero byte behind it are one password. A PIN that ends
// with a zero byte is therefore hashed; no shorter one leads to the same 32 bytes.
func password(pin PIN) string {
	raw := pin.raw()
	if raw[len(raw)-1] != 0 {
		return string(raw)
	}
	h := sha256.New()
	h.Write([]byte("fdelab/pin/1"))
	h.Write(raw)
	return string(h.Sum(nil))
}

// RootKEK derives the 32-byte key-encrypting key that wraps the MEK of a range
// for as long as nobody needs to authenticate for it.
func RootKEK(root *secret.Key32) *secret.Key32 {
	return secret.Derive32(root[:], nil, "fdelab/root-kek/1")
}

// keyRoom is what a wrap is made and opened with. Borrowed ones are cleared, and nothing is allocated
// while they are used.
type keyRoom struct {
	keks    *KEKs
	derived *secret.Key32
	kek     keywrap.KEK
	buffer  [mekWrapSize]byte
}

var keyRooms = sync.Pool{New: func() any { return &keyRoom{keks: NewKEKs(), derived: new(secret.Key32)} }}

func borrowKeys() *keyRoom {
	r := keyRooms.Get().(*keyRoom)
	r.keks.Clear() // so that the stack is large enough now: one that grows leaves a copy
	return r
}

// giveBack clears the room.
func (r *keyRoom) giveBack() {
	r.keks.Clear()
	r.derived.Clear()
	r.kek.Clear()
	clear(r.buffer[:])
	keyRooms.Put(r)
}

// wrap writes the wrap of a key, which is 8 bytes shorter.
func (r *keyRoom) wrap(dst []byte, kek *secret.Key32, key []byte) {
	r.kek.Expand((*[32]byte)(kek))
	b := r.buffer[:len(dst)]
	copy(b[keywrap.Overhead:], key)
	r.kek.Wrap(b)
	copy(dst, b)
}

// unwrap gives the key in a wrap, in bytes that giveBack clears, or ErrIntegrity.
func (r *keyRoom) unwrap(wrapped []byte, kek *secret.Key32) ([]byte, error) {
	r.kek.Expand((*[32]byte)(kek))
	b := r.buffer[:len(wrapped)]
	copy(b, wrapped)
	if !r.kek.Open(b) {
		return nil, keywrap.ErrIntegrity
	}
	return b[keywrap.Overhead:], nil
}

// seal makes a slot for ak under pin with a fresh salt. On an error the slot is worthless.
func (d *Drive) seal(s *Slot, pin PIN, ak *secret.Key32) error {
	if err := d.random(s.Salt[:]); err != nil {
		return err
	}
	r := borrowKeys()
	defer r.giveBack()
	if err := r.keks.Derive(r.derived, d.fuses.Root, pin, s.Salt, d.cfg.PBKDF2Iterations); err != nil {
		return err
	}
	r.wrap(s.Wrap[:], r.derived, ak[:])
	return nil
}

// open unwraps the AK of a slot; a wrong PIN is found by the integrity check of
// the unwrap and by nothing else.
func (d *Drive) open(s *Slot, pin PIN) (*secret.Key32, error) {
	r := borrowKeys()
	defer r.giveBack()
	if err := r.keks.Derive(r.derived, d.fuses.Root, pin, s.Salt, d.cfg.PBKDF2Iterations); err != nil {
		return nil, err
	}
	b, err := r.unwrap(s.Wrap[:], r.derived)
	if err != nil {
		return nil, err
	}
	return secret.Take32(b), nil
}

func wrapMEK(w *mekWrap, kek *secret.Key32, mek *secret.Key64) {
	r := keyRooms.Get().(*keyRoom)
	defer r.giveBack()
	r.wrap(w[:], kek, mek[:])
}

func unwrapMEK(kek *secret.Key32, w *mekWrap) (*secret.Key64, error) {
	r := keyRooms.Get().(*keyRoom)
	defer r.giveBack()
	b, err := r.unwrap(w[:], kek)
	if err != nil {
		return nil, err
	}
	return secret.Take64(b), nil
}

// random fills b from the drive's entropy source, or fails closed.
func (d *Drive) random(b []byte) error {
	if _, err := io.ReadFull(d.entropy, b); err != nil {
		clear(b)
		return &StatusError{Code: EntropyFailure, Why: "the random source gave no usable bytes, so no key was made", Err: err}
	}
	return nil
}

// newAK draws an authority key.
func (d *Drive) newAK() (*secret.Key32, error) {
	k := new(secret.Key32)
	if err := d.random(k[:]); err != nil {
		return nil, err
	}
	return k, nil
}

// newMEK draws a media encryption key. XTS with equal halves is not a cipher to
// use (IEEE 1619-2018, FIPS 140 IG C.I), so a source that yields one is broken.
func (d *Drive) newMEK() (*secret.Key64, error) {
	k := new(secret.Key64)
	if err := d.random(k[:]); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k[:32], k[32:]) == 1 {
		k.Clear()
		return nil, &StatusError{Code: EntropyFailure, Why: "the random source repeats, so no key was made"}
	}
	return k, nil
}
