package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/seed-9d983aeb/fdelab/drive/internal/watch"
)

// Redacted is what every key of this package prints as.
const Redacted = "[secret]"

// Key32 is a 32-byte (256-bit) key: a KEK, an authority key, a data key, a
// group key, a credential.
type Key32 [32]byte

// Key64 is a 64-byte (512-bit) key: the two halves of an AES-256-XTS media
// encryption key (IEEE 1619).
type Key64 [64]byte

// Take32 moves a key of 32 bytes out of b: b is zeros afterwards. Another length
// is a bug of the caller, and a panic.
func Take32(b []byte) *Key32 {
	k := new(Key32)
	take(k[:], b)
	return k
}

// Take64 moves a key of 64 bytes out of b: b is zeros afterwards. Another length
// is a bug of the caller, and a panic.
func Take64(b []byte) *Key64 {
	k := new(Key64)
	take(k[:], b)
	return k
}

func take(k, b []byte) {
	if len(b) != len(k) {
		panic(fmt.Sprintf("BUG: secret: a key of %d bytes, need %d", len(b), len(k)))
	}
	copy(k, b)
	clear(b)
	watch.Made(k)
}

// Clone is a key with bytes of its own; nil of nil.
func (k *Key32) Clone() *Key32 {
	if k == nil {
		return nil
	}
	own := *k
	watch.Made(own[:])
	return &own
}

// Clone is a key with bytes of its own; nil of nil.
func (k *Key64) Clone() *Key64 {
	if k == nil {
		return nil
	}
	own := *k
	watch.Made(own[:])
	return &own
}

// Clear overwrites the key with zeros, for whoever has the pointer. Clear of nil
// does nothing, so that a deferred one needs no question.
func (k *Key32) Clear() {
	if k != nil {
		clear(k[:])
	}
}

// Clear overwrites the key with zeros, for whoever has the pointer. Clear of nil
// does nothing, so that a deferred one needs no question.
func (k *Key64) Clear() {
	if k != nil {
		clear(k[:])
	}
}

// Equal compares in constant time.
func (k *Key32) Equal(o *Key32) bool { return subtle.ConstantTimeCompare(k[:], o[:]) == 1 }

// Equal compares in constant time.
func (k *Key64) Equal(o *Key64) bool { return subtle.ConstantTimeCompare(k[:], o[:]) == 1 }

// Format redacts the key under every verb, %x and %v of a struct included.
func (k Key32) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// Format redacts the key under every verb, %x and %v of a struct included.
func (k Key64) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// String redacts.
func (k Key32) String() string { return Redacted }

// String redacts.
func (k Key64) String() string { return Redacted }

// GoString redacts.
func (k Key32) GoString() string { return Redacted }

// GoString redacts.
func (k Key64) GoString() string { return Redacted }

// LogValue redacts for log/slog.
func (k Key32) LogValue() slog.Value { return slog.StringValue(Redacted) }

// LogValue redacts for log/slog.
func (k Key64) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText redacts for JSON and every other text encoding.
func (k Key32) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalText redacts for JSON and every other text encoding.
func (k Key64) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
