package kmip

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// KeyServer is a KMIP server as an encryption group reaches it: it satisfies
// encgroup.KeyServer. Each call is a connection of its own, so that each tries the whole way.
// The version is negotiated on the first connection, and again when the server refuses it
// later. It is not safe for concurrent use.
//
// A key is named, to the group, by its KMIP Name, which is the same on every server
// that the customer copies it to; the Unique Identifier is each server's own. The Name ends in
// a check value of the key, so that whatever comes back is held against what was
// registered, whoever registered it and when, and of several objects with one Name the right one
// is found.
type KeyServer struct {
	id      string
	cfg     Config
	profile Profile
	version Version // negotiated; zero before
	closes  bool    // it closes the connection after each answer
	peer    *x509.Certificate
	at      string // address of its end of the last connection
	when    time.Time
	lives   map[string]encgroup.KeyLife
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

// objectsMax is how many objects of one Name are looked at.
const objectsMax = 16

// NewKeyServer makes one. Nothing is connected yet.
func NewKeyServer(id string, cfg Config, p Profile) *KeyServer {
	if id == "" || p.Entropy == nil {
		panic("BUG: kmip: a key server needs an ID and a source of entropy")
	}
	return &KeyServer{id: id, cfg: cfg, profile: p, lives: map[string]encgroup.KeyLife{}}
}

var (
	_ encgroup.KeyServer  = (*KeyServer)(nil)
	_ encgroup.LifeTeller = (*KeyServer)(nil)
)

// ID names the server.
func (k *KeyServer) ID() string { return k.id }

// Format prints ID and address.
func (k *KeyServer) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "%s (%s)", k.id, k.cfg.Addr) }

// Addr is its address, host:port.
func (k *KeyServer) Addr() string { return k.cfg.Addr }

// Speaks is the version of KMIP in use, such as "1.4"; "" before the first connection.
func (k *KeyServer) Speaks() string {
	if k.version == (Version{}) {
		return ""
	}
	return k.version.String()
}

// Shown is the certificate that the server has shown last, nil before the first connection.
func (k *KeyServer) Shown() *x509.Certificate { return k.peer }

// Reached is the address of the server's end of the last connection, host:port; "" before the
// first one.
func (k *KeyServer) Reached() string { return k.at }

// Connected is the time of the last connection, by Config.Clock; zero before the first one. It is
// the time to hold dates against that a server tells.
func (k *KeyServer) Connected() time.Time { return k.when }

// Life is what the server said of the key when it gave it, or refused it, last.
func (k *KeyServer) Life(name string) (encgroup.KeyLife, bool) {
	l, ok := k.lives[name]
	return l, ok
}

// Greet connects, negotiates the version, and hangs up: who the server is is known then.
func (k *KeyServer) Greet() error { return k.with(func(*Client) error { return nil }) }

// with connects, calls f and hangs up. Where the server has become one that does not speak the
// negotiated version, it is negotiated anew.
func (k *KeyServer) with(f func(*Client) error) error {
	known := k.version != (Version{})
	err := k.once(f)
	var r *Failure
	if known && k.cfg.Version == (Version{}) && (errors.As(err, &r) && r.Op == 0 && r.Reason == InvalidMessage || FaultOf(err) == FaultVersion) {
		k.version = Version{}
		err = k.once(f)
	}
	return err
}

func (k *KeyServer) once(f func(*Client) error) error {
	cfg := k.cfg
	if cfg.Version == (Version{}) {
		cfg.Version = k.version
	}
	negotiated := cfg.Version != (Version{})
	c, err := Dial(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	c.closes = k.closes
	k.peer, k.at = c.Peer()
	k.when = k.cfg.Clock()
	if !negotiated {
		if _, err := c.Negotiate(); err != nil {
			return err
		}
	}
	k.version = c.Version()
	err = f(c)
	k.closes = c.closes
	return err
}

// Create makes a data key and registers it: Query, Locate, Register. Then the server has to
// give it back: Locate, Get.
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
	name = nameFor(label, unique, &key)
	err = k.with(func(c *Client) error {
		if err := k.able(c); err != nil {
			return err
		}
		found, err := c.Locate(0, NameOf(name), EnumOf(AttrObjectType, SecretData))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return &Error{k.cfg.Addr, "Locate", FaultAnswer, errors.New("it finds an object by a name that was never used")}
		}
		attrs := append([]Attribute{NameOf(name)}, k.profile.Attributes...)
		if k.profile.Group != "" {
			attrs = append(attrs, TextOf(AttrObjectGroup, k.profile.Group))
		}
		o := Object{Type: SecretData, Secret: Password, KeyFormat: FormatOpaque, Material: key[:]}
		if _, err := c.Register(&o, attrs...); err != nil {
			return err
		}
		back, err := k.fetch(c, name)
		if err != nil {
			return err
		}
		defer back.Clear()
		if !back.Equal(&key) {
			return &Error{k.cfg.Addr, "Get", FaultWrongKey, errors.New("it is not the key that was registered")}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// able asks whether the server does what a facility needs.
func (k *KeyServer) able(c *Client) error {
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
	return nil
}

// Get fetches a data key by its name: Locate, Get, and Get Attributes for its state. A name that
// holds no check value is one of before there were any: then all objects of that name must
// hold the same key.
func (k *KeyServer) Get(name string) (key *secret.Key32, err error) {
	err = k.with(func(c *Client) error {
		key, err = k.fetch(c, name)
		return err
	})
	return key, err
}

func (k *KeyServer) fetch(c *Client, name string) (*secret.Key32, error) {
	delete(k.lives, name)
	found, err := c.Locate(0, NameOf(name), EnumOf(AttrObjectType, SecretData))
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	found = slices.Compact(found) // some servers list an object twice
	switch {
	case len(found) == 0 && k.destroyed(c, name):
		return nil, &Error{k.cfg.Addr, "Locate", FaultDestroyed, fmt.Errorf("its state is %s", k.lives[name].State)}
	case len(found) == 0:
		return nil, &Error{k.cfg.Addr, "Locate", FaultNoKey, errors.New("no object has the name of the key")}
	case len(found) > objectsMax:
		return nil, &Error{k.cfg.Addr, "Locate", FaultAnswer, fmt.Errorf("%d objects have one name", len(found))}
	}
	var key *secret.Key32
	var failed error
	for _, uid := range found {
		one, err := k.candidate(c, name, uid)
		switch {
		case err == nil && checked(name):
			k.asksLife(c, name, uid)
			return one, nil
		case err == nil && key == nil:
			key = one
			defer k.asksLife(c, name, uid)
		case err == nil && !one.Equal(key):
			one.Clear()
			key.Clear()
			return nil, &Error{k.cfg.Addr, "Get", FaultWrongKey, fmt.Errorf("%d objects have one name, and not one key", len(found))}
		case err == nil:
			one.Clear()
		case failed == nil || FaultOf(err) == FaultWrongKey && FaultOf(failed) != FaultWrongKey:
			failed = err
		}
		if c.broken != nil {
			break
		}
	}
	if key != nil {
		return key, nil
	}
	return nil, failed
}

// candidate gets one object that has the name of the key.
func (k *KeyServer) candidate(c *Client, name, uid string) (*secret.Key32, error) {
	o, err := c.Get(uid)
	if err != nil {
		if c.broken != nil {
			return nil, err
		}
		k.asksLife(c, name, uid) // why it is not given
		l := k.lives[name]
		if FaultOf(err) == FaultDestroyed && !l.State.Destroyed() {
			l.State, l.Told = encgroup.KeyDestroyed, k.when // the reason says so, the state cannot be asked for
			k.lives[name] = l
		}
		if l.State.Destroyed() {
			return nil, &Error{k.cfg.Addr, "Get", FaultDestroyed, fmt.Errorf("its state is %s: %w", l.State, cause(err))}
		}
		return nil, err
	}
	defer o.Clear()
	if o.Type != SecretData || len(o.Material) != len(secret.Key32{}) {
		return nil, &Error{k.cfg.Addr, "Get", FaultWrongKey, fmt.Errorf("%v", o)}
	}
	key := secret.Take32(o.Material)
	if err := checkKey(name, key); err != nil {
		key.Clear()
		return nil, &Error{k.cfg.Addr, "Get", FaultWrongKey, err}
	}
	return key, nil
}

// destroyed says whether the server knows the key as a destroyed one. Most servers find a
// destroyed object only where its state is asked for. One that forgets it, as PyKMIP does, or that
// finds nothing by a state, does not say so: then the key is one that it does not have.
func (k *KeyServer) destroyed(c *Client, name string) bool {
	for _, s := range []State{Destroyed, DestroyedCompromised} {
		found, err := c.Locate(objectsMax, NameOf(name), EnumOf(AttrObjectType, SecretData), EnumOf(AttrState, s))
		if err != nil {
			return false
		}
		for _, uid := range found {
			if k.asksLife(c, name, uid); k.lives[name].State.Destroyed() {
				return true
			}
		}
	}
	delete(k.lives, name)
	return false
}

// cause is what a server said, without the text of the Error around it.
func cause(err error) error {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return err
}

// asksLife asks for the state and the dates of a key. A server that does not tell leaves them
// unknown; the key does not depend on it.
func (k *KeyServer) asksLife(c *Client, name, uid string) {
	if l, err := c.Life(uid); err == nil {
		l.Told = k.when
		k.lives[name] = l
	}
}

// LifeAttributes are the attributes from which Life makes the life of a key.
var LifeAttributes = []string{AttrState, AttrActivationDate, AttrProtectStopDate, AttrDeactivationDate, AttrCompromiseDate, AttrCompromiseOccurrenceDate}

// Life asks for the state and the dates of a key. Told is zero.
func (c *Client) Life(uid string) (l encgroup.KeyLife, err error) {
	attrs, err := c.GetAttributes(uid, LifeAttributes...)
	if err != nil {
		return l, err
	}
	for n := range attrs {
		v := &attrs[n].Value
		switch attrs[n].Name {
		case AttrState:
			if v.Int >= int64(PreActive) && v.Int <= int64(DestroyedCompromised) {
				l.State = encgroup.KeyState(v.Int)
			}
		case AttrActivationDate:
			l.Activation = v.Time()
		case AttrProtectStopDate:
			l.ProtectStop = v.Time()
		case AttrDeactivationDate:
			l.Deactivation = v.Time()
		case AttrCompromiseOccurrenceDate:
			l.Compromised = v.Time()
		case AttrCompromiseDate:
			if l.Compromised.IsZero() {
				l.Compromised = v.Time()
			}
		}
	}
	return l, nil
}
