package tct

import (
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Cloud is a server that keeps objects under names. Errors wrap one of the sentinels below.
type Cloud interface {
	// Put stores an object in place of one of that name.
	Put(name string, body []byte) error
	// Get returns the object, of at most max bytes.
	Get(name string, max int64) ([]byte, error)
	// Delete drops the object.
	Delete(name string) error
	// List gives the names, ascending, that begin with prefix.
	List(prefix string) ([]string, error)
}

// What a cloud server can answer.
var (
	ErrCloud    = errors.New("tct: the cloud server cannot be reached")
	ErrRefused  = errors.New("tct: the cloud server refuses")
	ErrNotFound = errors.New("tct: the cloud server has no such object")
	ErrTooLarge = errors.New("tct: the object is too large")
)

// Tier moves objects between a facility and a cloud. It is not safe for concurrent use.
type Tier struct {
	group   *encgroup.Group
	cloud   Cloud
	entropy io.Reader
}

// New is a tier for a group of kind TCT. entropy is the source of object keys. None may be nil.
func New(group *encgroup.Group, cloud Cloud, entropy io.Reader) *Tier {
	if group == nil || cloud == nil || entropy == nil {
		panic("BUG: tct: a tier needs a group, a cloud and a source of entropy")
	}
	return &Tier{group, cloud, entropy}
}

// Migrate encrypts an object of at most SizeMax bytes and sends it to the cloud under its name, 1
// to 120 bytes. The group has to be accessible. Recall needs the receipt: the caller has to keep it
// before it drops the object. Errors: those of encgroup and of the Cloud.
func (t *Tier) Migrate(name string, plain []byte) (Receipt, error) {
	if name == "" || len(name) > 120 {
		return Receipt{}, fmt.Errorf("tct: an object name of %d bytes, need 1 to 120", len(name))
	}
	body, r, err := encrypt(t.group, name, plain, t.entropy)
	if err != nil {
		return Receipt{}, err
	}
	if err := t.cloud.Put(name, body); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// Recall gets an object back. If the cloud returns anything but the object of the receipt, the
// error is ErrTampered, and nothing of it is returned.
func (t *Tier) Recall(r Receipt) ([]byte, error) {
	if r.Size < 0 || r.Size > SizeMax {
		return nil, fmt.Errorf("tct: a receipt for %d bytes, need 0 to %d", r.Size, SizeMax)
	}
	body, err := t.cloud.Get(r.Name, r.Size+Overhead)
	if errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if err != nil {
		return nil, err
	}
	return decrypt(t.group, r, body)
}

// Delete drops an object from the cloud.
func (t *Tier) Delete(r Receipt) error { return t.cloud.Delete(r.Name) }
