package outside

import (
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Vault is the store of a key server of another make. Its replicas share it.
type Vault struct {
	entropy io.Reader
	keys    map[string]*secret.Key32
}

// NewVault draws its keys from entropy.
func NewVault(entropy io.Reader) *Vault {
	return &Vault{entropy: entropy, keys: map[string]*secret.Key32{}}
}

// Replica is one server of a vault.
type Replica struct {
	id    string
	vault *Vault
	down  bool
}

// Replica opens one.
func (v *Vault) Replica(id string) *Replica { return &Replica{id: id, vault: v} }

// ID names the server.
func (r *Replica) ID() string { return r.id }

// Create makes a data key.
func (r *Replica) Create(label string) (string, error) {
	if r.down {
		return "", encgroup.ErrUnreachable
	}
	b := make([]byte, 32)
	if _, err := io.ReadFull(r.vault.entropy, b); err != nil {
		return "", err
	}
	uid := fmt.Sprintf("%s-%d", label, len(r.vault.keys)+1)
	r.vault.keys[uid] = secret.Take32(b)
	return uid, nil
}

// Get gives a data key.
func (r *Replica) Get(uid string) (*secret.Key32, error) {
	if r.down {
		return nil, encgroup.ErrUnreachable
	}
	k, ok := r.vault.keys[uid]
	if !ok {
		return nil, encgroup.ErrNoKey
	}
	return k.Clone(), nil
}
