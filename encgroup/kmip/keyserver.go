package kmip

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// KeyServer is a KMIP server as an encryption group reaches it: it satisfies
// encgroup.KeyServer. Each call is a connection of its own, so that each tries the whole way.
//
// A key is named, to the group, by its KMIP Name, which is the same on every server
// that the customer copies it to; the Unique Identifier is each server's own.
type KeyServer struct {
	id      string
	cfg     Config
	profile Profile
}

// Profile is what a facility gives a key to be found by: the profile "Storage
// Array with Self-Encrypting Drives" wants a Name, which is made, an Object
// Group, and custom attributes that say whose key it is.
type Profile struct {
	Group      string      // Object Group; empty: none
	Attributes []Attribute // custom attributes: x-...
	Entropy    io.Reader   // of the keys
}

// labelMax bounds the label of a key, in bytes, so that its name keeps to the
// 255 bytes of a record.
const labelMax = 200

// NewKeyServer makes one. Nothing is connected yet.
func NewKeyServer(id string, cfg Config, p Profile) *KeyServer {
	if id == "" || p.Entropy == nil {
		panic("BUG: kmip: a key server needs an ID and a source of entropy")
	}
	return &KeyServer{id: id, cfg: cfg, profile: p}
}

var _ encgroup.KeyServer = (*KeyServer)(nil)

// ID names the server.
func (k *KeyServer) ID() string { return k.id }

// Format prints ID and address.
func (k *KeyServer) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "%s (%s)", k.id, k.cfg.Addr) }

// Addr is its address, host:port.
func (k *KeyServer) Addr() string { return k.cfg.Addr }

// with connects, calls f and hangs up.
func (k *KeyServer) with(f func(*Client) error) error {
	c, err := Dial(k.cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// Create makes a data key and registers it: Query, Locate, Register.
func (k *KeyServer) Create(label string) (name string, err error) {
	if label == "" || len(label) > labelMax {
		return "", fmt.Errorf("kmip: the label has %d bytes, need 1 to %d", len(label), labelMax)
	}
	var key secret.Key32
	var unique [8]byte
	defer key.Clear()
	for _, b := range [][]byte{key[:], unique[:]} {
		if _, err := io.ReadFull(k.profile.Entropy, b); err != nil {
			return "", fmt.Errorf("kmip: no entropy: %w", err)
		}
	}
	name = fmt.Sprintf("%s %x", label, unique)
	err = k.with(func(c *Client) error {
		s, err := c.Query(QueryOperations, QueryObjects, QueryServerInformation)
		if err != nil {
			return err
		}
		for _, op := range []Operation{OpLocate, OpRegister, OpGet} {
			if !slices.Contains(s.Operations, op) {
				return &Error{k.cfg.Addr, "Query", FaultDenied, fmt.Errorf("the server does not do %s", op)}
			}
		}
		// Some servers list no objects at all; then Register will tell.
		if len(s.Objects) > 0 && !slices.Contains(s.Objects, SecretData) {
			return &Error{k.cfg.Addr, "Query", FaultDenied, errors.New("the server does not keep secret data")}
		}
		found, err := c.Locate(0, NameOf(name), EnumOf(AttrObjectType, SecretData))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return &Error{k.cfg.Addr, "Locate", FaultDenied, errors.New("the server has a key of this name already")}
		}
		attrs := append([]Attribute{NameOf(name)}, k.profile.Attributes...)
		if k.profile.Group != "" {
			attrs = append(attrs, TextOf(AttrObjectGroup, k.profile.Group))
		}
		o := Object{Type: SecretData, Secret: Password, KeyFormat: FormatOpaque, Material: key[:]}
		_, err = c.Register(&o, attrs...)
		return err
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// Get fetches a data key by its name: Locate, Get.
func (k *KeyServer) Get(name string) (key *secret.Key32, err error) {
	err = k.with(func(c *Client) error {
		found, err := c.Locate(0, NameOf(name), EnumOf(AttrObjectType, SecretData))
		if err != nil {
			return err
		}
		switch {
		case len(found) == 0:
			return &Error{k.cfg.Addr, "Locate", FaultNoKey, errors.New("no object has the name of the key")}
		case len(found) > 1:
			return &Error{k.cfg.Addr, "Locate", FaultProtocol, fmt.Errorf("%d objects have one name", len(found))}
		}
		o, err := c.Get(found[0])
		if err != nil {
			return err
		}
		defer o.Clear()
		if o.Type != SecretData || len(o.Material) != len(key) {
			return &Error{k.cfg.Addr, "Get", FaultWrongKey, fmt.Errorf("%v", o)}
		}
		key = secret.Take32(o.Material)
		return nil
	})
	return key, err
}
