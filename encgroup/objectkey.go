package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// infoObject is the purpose of the key that wraps the keys of cloud objects.
const infoObject = "fdelab encgroup object key wrap v1\x00"

// WrapObjectKey wraps the key of one cloud object: AES-KW under a key that HKDF-SHA256 derives from
// the group key, 40 bytes. It needs an accessible group of kind TCT: ErrKind, ErrUnconfigured,
// ErrInaccessible.
func (g *Group) WrapObjectKey(key *secret.Key32) (wrapped [40]byte, err error) {
	kek, err := g.objectKEK()
	if err != nil {
		return wrapped, err
	}
	defer kek.Clear()
	return wrap(kek, key), nil
}

// UnwrapObjectKey is the reverse. The error is also ErrUnwrap, if the wrap is another group's or
// was altered.
func (g *Group) UnwrapObjectKey(wrapped [40]byte) (*secret.Key32, error) {
	kek, err := g.objectKEK()
	if err != nil {
		return nil, err
	}
	defer kek.Clear()
	k, err := keywrap.Unwrap(kek[:], wrapped[:])
	if err != nil {
		return nil, fmt.Errorf("encgroup: object key: %w", ErrUnwrap)
	}
	return secret.Take32(k), nil
}

func (g *Group) objectKEK() (*secret.Key32, error) {
	switch {
	case g.rec.Kind != TCT:
		return nil, fmt.Errorf("encgroup: object key: %w: %s", ErrKind, g.rec.Kind)
	case g.ram == nil:
		return nil, fmt.Errorf("encgroup: object key: %w", g.noKey())
	}
	return derive(g.ram().group, infoObject), nil
}
