package forensic

import (
	"fmt"
	"log/slog"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Secret is something that the searcher is assumed to know, by name. The name
// appears in findings; the bytes never do.
type Secret struct {
	name string
	root bool
	b    []byte

	public bool // every thief knows it
}

// Key is a 32-byte secret: a group key, a data key, an authority key, a
// credential.
func Key(name string, k *secret.Key32) Secret {
	return Secret{name: name, b: append([]byte(nil), k[:]...)}
}

// PIN is what an authority presents, 1 to 32 bytes. The zero PIN is an empty
// secret.
func PIN(name string, p drive.PIN) Secret { return Secret{name: name, b: p.Bytes()} }

// Root is the drive's root key, out of its fuses: assumed known, because a thief
// may decap the chip.
func Root(k *secret.Key32) Secret {
	return Secret{name: "root key", root: true, b: append([]byte(nil), k[:]...)}
}

// Name is the name of the secret.
func (s Secret) Name() string { return s.name }

// Clear overwrites the secret.
func (s Secret) Clear() { clear(s.b) }

// Format redacts the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(s.name + " " + secret.Redacted))
}

// LogValue redacts for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalText redacts for JSON and every other text encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.name + " " + secret.Redacted), nil }
