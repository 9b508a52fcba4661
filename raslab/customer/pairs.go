package customer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// The key pairs of the servers, by which the data keys of IPP are wrapped. Every server has every
// pair, as keys are replicated (assumption). Those of the labels that were agreed on with the facility
// are there from the first day. They are drawn when something first depends on them: that takes a
// good part of a second.

// UsePairs takes the key pairs that are made from now on from somebody else: a customer may bring
// his own.
func (s *Site) UsePairs(from func(label string) (ipp.KeyPair, error)) { s.makePair = from }

// newPair draws a key pair from the site's stream, unless somebody else makes them.
func (s *Site) newPair(label string) (ipp.KeyPair, error) {
	if s.makePair != nil {
		return s.makePair(label)
	}
	key, err := ipp.GenerateKey(s.config.Entropy("key pair " + label))
	if err != nil {
		return ipp.KeyPair{}, err
	}
	return ipp.NewKeyPair(label, key)
}

// agreed sees to the key pairs that were agreed on.
func (s *Site) agreed() error {
	for _, label := range s.config.Labels {
		if err := s.ensure(label); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) ensure(label string) error {
	if slices.Contains(s.pairs, label) {
		return nil
	}
	pair, err := s.newPair(label)
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	s.pairs = append(s.pairs, label)
	for _, k := range s.servers {
		k.setPairs(append(k.pairs, pair))
	}
	return nil
}

// MakePair makes a key pair with a label, 1 to 64 printable ASCII characters, on all key
// servers.
func (s *Site) MakePair(label string) error {
	const op = "keyserver pair"
	if !IsLabel(label) {
		return request.Refuse(request.ErrInvalid, op, fmt.Sprintf("label %q", label), "1 to 64 printable characters are right")
	}
	if slices.Contains(s.pairs, label) || slices.Contains(s.config.Labels, label) {
		return request.Refuse(request.ErrInvalid, op, fmt.Sprintf("there is a key pair %q already", label), "labels are unique")
	}
	if err := errors.Join(s.agreed(), s.ensure(label)); err != nil {
		return err
	}
	s.logf("key server", "the customer's key servers have a key pair %s", label)
	return nil
}

// IsLabel says whether s can be the label of a key pair.
func IsLabel(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

func (k *KeyServer) setPairs(pairs []ipp.KeyPair) { k.pairs, k.ipp = slices.Clone(pairs), nil }

// LosePair deletes the private half of one key pair from the server's disk.
func (k *KeyServer) LosePair(label string) error { return k.onPair(label, ipp.KeyPair.Public) }

// DamagePair flips a bit (0 to 2047) in the private half of one key pair.
func (k *KeyServer) DamagePair(label string, bit int) error {
	return k.onPair(label, func(p ipp.KeyPair) ipp.KeyPair { return p.Damaged(bit) })
}

func (k *KeyServer) onPair(label string, do func(ipp.KeyPair) ipp.KeyPair) error {
	if err := k.site.agreed(); err != nil {
		return err
	}
	i := slices.IndexFunc(k.pairs, func(p ipp.KeyPair) bool { return p.Label == label })
	if i < 0 {
		return request.Refuse(request.ErrNotFound, "key server", fmt.Sprintf("%s has no key pair %q", k.Name, label),
			request.Existing("key pairs", k.pairs, func(p ipp.KeyPair) string { return p.Label }))
	}
	pairs := slices.Clone(k.pairs)
	pairs[i] = do(pairs[i])
	k.setPairs(pairs)
	return nil
}

// restorePairs copies the key pairs of another server over those here. A half that the other one
// lost replaces nothing.
func (k *KeyServer) restorePairs(o *KeyServer) {
	pairs := slices.Clone(k.pairs)
	for _, p := range o.pairs {
		i := slices.IndexFunc(pairs, func(have ipp.KeyPair) bool { return have.Label == p.Label })
		switch {
		case i < 0:
			pairs = append(pairs, p)
		case p.Private():
			pairs[i] = p
		}
	}
	k.setPairs(pairs)
}

// exchange is what becomes of the frame of a request at the server, over a connection
// that is open.
func (k *KeyServer) exchange(frame []byte) ([]byte, error) {
	if err := k.mem.Reach(); err != nil {
		return nil, err
	}
	answer := []byte("220 mail.example.com ready\r\n")
	if !k.garbled {
		s, err := k.service()
		if err != nil {
			return nil, err
		}
		answer = s.Answer(frame)
	}
	if k.site.tap != nil {
		k.site.tap(frame, answer)
	}
	return answer, nil
}

// service is the IPP service with the key pairs that are on the disk.
func (k *KeyServer) service() (*ipp.Server, error) {
	if err := k.site.agreed(); err != nil {
		return nil, fmt.Errorf("%w: it cannot make its key pairs: %w", encgroup.ErrRefused, err)
	}
	if k.ipp != nil {
		return k.ipp, nil
	}
	if k.entropy == nil {
		k.entropy = k.site.config.Entropy("IPP of " + k.Name)
	}
	s, err := ipp.NewServer(ipp.ServerConfig{
		Pairs: k.pairs, Devices: []string{k.site.config.Facility}, Entropy: k.entropy, Clock: k.site.config.Clock, Timeout: time.Minute, Conns: 1, Memory: k.remembers,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: it has no key pair", encgroup.ErrRefused)
	}
	k.ipp = s
	return s, nil
}
