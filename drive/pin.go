package drive

import (
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// PINSize is the longest PIN, and the length of an access credential: 32 bytes.
const PINSize = 32

// PIN is what an authority presents: 1 to 32 bytes. It is a handle: a copy of it
// shares the bytes, a traceback of it shows an address, and it prints as a fixed
// word. Whoever made it (NewPIN, CredentialPIN) owns it and clears it, once no
// copy is needed any more. The zero PIN is none at all, which every drive refuses.
// Two PINs are compared with Equal, in constant time; == does not compile.
type PIN struct {
	// A closure, not the bytes: a runtime prints arguments passed by value into
	// the traceback of a panic. Not a pointer: package fmt looks into unexported
	// fields without asking their Format, and follows a pointer under a verb that
	// it does not know for one, such as %s.
	get func() *pinBytes // nil in the zero PIN
}

type pinBytes struct {
	n uint8
	b [PINSize]byte
}

// NewPIN copies b, which must be 1 to 32 bytes long. There is no empty PIN:
// an empty secret must never open a wrap (FAULTS 5).
func NewPIN(b []byte) (PIN, error) {
	if len(b) < 1 || len(b) > PINSize {
		return PIN{}, fmt.Errorf("drive: a PIN of %d bytes, need 1 to %d", len(b), PINSize)
	}
	p := new(pinBytes)
	p.n = uint8(copy(p.b[:], b))
	return p.pin(), nil
}

// CredentialPIN makes a PIN of a 32-byte credential, with bytes of its own.
func CredentialPIN(k *secret.Key32) PIN {
	return (&pinBytes{n: PINSize, b: *k}).pin()
}

func (b *pinBytes) pin() PIN { return PIN{func() *pinBytes { return b }} }

// Clone is the same PIN with bytes of its own: to clear one leaves the other.
func (p PIN) Clone() PIN {
	if p.get == nil {
		return p
	}
	own := *p.get()
	return own.pin()
}

// raw is the PIN itself, 0 to 32 bytes, not a copy.
func (p PIN) raw() []byte {
	if p.get == nil {
		return nil
	}
	b := p.get()
	return b.b[:b.n]
}

// Bytes is a copy of the PIN itself, which the caller clears.
func (p PIN) Bytes() []byte { return append([]byte(nil), p.raw()...) }

// Len is the length in bytes; 0 for the zero PIN and for one that was cleared.
func (p PIN) Len() int { return len(p.raw()) }

// Equal compares in constant time (the length is not a secret).
func (p PIN) Equal(o PIN) bool { return subtle.ConstantTimeCompare(p.raw(), o.raw()) == 1 }

// Clear overwrites the bytes, for every copy of the PIN: each is the zero PIN
// afterwards.
func (p PIN) Clear() {
	if p.get != nil {
		*p.get() = pinBytes{}
	}
}

// Format redacts the PIN under every verb.
func (p PIN) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(secret.Redacted)) }

// LogValue redacts for log/slog.
func (p PIN) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalText redacts for JSON and every other text encoding.
func (p PIN) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }
