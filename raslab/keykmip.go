package raslab

import (
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// kmipSession is a session of KMIP over the simulated network: the messages of package kmip, as
// bytes. The facility knows of the server what they say.
type kmipSession struct {
	id      string
	client  *kmip.Client
	entropy io.Reader // of data keys

	life  encgroup.KeyLife // of the key asked for last
	lived bool             // the server told it
}

// kmipConnect begins one, with the newest version that both sides speak.
func (l *Lab) kmipConnect(m *keyManager, e kmip.Exchange) (*kmipSession, error) {
	s := &kmipSession{id: m.addr, client: kmip.Over(m.addr, e), entropy: l.wire.dataKeys}
	v, err := s.client.Negotiate()
	if err != nil {
		return nil, err
	}
	m.speaks = v.String()
	return s, nil
}

// ID is the address of the server.
func (s *kmipSession) ID() string { return s.id }

// Close overwrites what the session had in its buffers.
func (s *kmipSession) Close() error { return s.client.Close() }

// Create makes a data key and registers it. Then the server has to give it back.
func (s *kmipSession) Create(label string) (string, error) {
	var key secret.Key32
	defer key.Clear()
	if _, err := io.ReadFull(s.entropy, key[:]); err != nil {
		return "", fmt.Errorf("raslab: no entropy: %w", err)
	}
	o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key[:]}
	uid, err := s.client.Register(&o, kmip.NameOf(label))
	if err != nil {
		return "", err
	}
	back, err := s.Get(uid)
	if err != nil {
		return "", err
	}
	defer back.Clear()
	if !back.Equal(&key) {
		return "", encgroup.ErrWrongKey
	}
	return uid, nil
}

// Get gets a data key, and asks for its life.
func (s *kmipSession) Get(uid string) (*secret.Key32, error) {
	o, err := s.client.Get(uid)
	var none *kmip.Error
	if err != nil && !errors.As(err, &none) {
		return nil, err // of the way
	}
	life, unknown := s.client.Life(uid)
	s.life, s.lived = life, unknown == nil
	switch {
	case err == nil && len(o.Material) == len(secret.Key32{}):
		return secret.Take32(o.Material), nil
	case err == nil:
		o.Clear()
		return nil, encgroup.ErrWrongKey
	case errors.Is(err, encgroup.ErrNoKey) && s.lived && life.State.Destroyed():
		return nil, fmt.Errorf("%w: the data key is %s", encgroup.ErrNoKey, life.State)
	case errors.Is(err, encgroup.ErrNoKey):
		return nil, encgroup.ErrNoKey
	}
	return nil, err
}

// Life is what the server said of the key that was asked for last.
func (s *kmipSession) Life(string) (encgroup.KeyLife, bool) { return s.life, s.lived }
