package raslab

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
)

// IPP in the lab: the customer's key servers have key pairs and no data keys. What
// goes between a console and a server are the bytes of package ipp; what can break are the
// pairs on the disk of a server, its memory, and the way there.

// pairLabels are the labels of the key pairs that the customer's key servers have for
// this facility (assumption: two, and every server has both, as keys are replicated).
var pairLabels = []string{"ds8000_a", "ds8000_b"}

// keyPairs makes the key pairs when the first key manager with IPP is configured: it
// takes a good part of a second, which labs without IPP do not pay.
func (l *Lab) keyPairs() error {
	for _, label := range pairLabels {
		if err := l.makePair(label); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) makePair(label string) error {
	if slices.Contains(l.pairs, label) {
		return nil
	}
	pair, err := l.drawPair(label)
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	l.pairs = append(l.pairs, label)
	for _, h := range l.hosts {
		h.setPairs(append(h.pairs, pair))
	}
	return nil
}

// MakeKeyPair makes a key pair with a label, 1 to 64 printable ASCII characters, on all key
// servers of the customer.
func (l *Lab) MakeKeyPair(label string) error {
	const op = "keyserver pair"
	if !labelText(label) {
		return refuse(ErrInvalid, op, fmt.Sprintf("label %q", label), "1 to 64 printable characters are right")
	}
	if err := l.keyPairs(); err != nil {
		return err
	}
	if slices.Contains(l.pairs, label) {
		return refuse(ErrInvalid, op, fmt.Sprintf("there is a key pair %q already", label), "labels are unique")
	}
	if err := l.makePair(label); err != nil {
		return err
	}
	l.logf("key server", "the customer's key servers have a key pair %s", label)
	return nil
}

func labelText(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// newPair draws a key pair from the lab's stream.
func (l *Lab) newPair(label string) (ipp.KeyPair, error) {
	key, err := ipp.GenerateKey(l.stream("key pair " + label))
	if err != nil {
		return ipp.KeyPair{}, err
	}
	return ipp.NewKeyPair(label, key)
}

func (h *KeyHost) setPairs(pairs []ipp.KeyPair) { h.pairs, h.ipp = slices.Clone(pairs), nil }

// exchange is what becomes of the frame of a request at the server, over a connection
// that is open.
func (h *KeyHost) exchange(request []byte) ([]byte, error) {
	if err := h.mem.Reach(); err != nil {
		return nil, err
	}
	answer := []byte("220 mail.example.com ready\r\n")
	if !h.garbled {
		s, err := h.service()
		if err != nil {
			return nil, err
		}
		answer = s.Answer(request)
	}
	if h.lab.tap != nil {
		h.lab.tap(request, answer)
	}
	return answer, nil
}

// service is the IPP service with the key pairs that are on the disk.
func (h *KeyHost) service() (*ipp.Server, error) {
	if h.ipp != nil {
		return h.ipp, nil
	}
	if h.entropy == nil {
		h.entropy = h.lab.stream("IPP of " + h.Name)
	}
	s, err := ipp.NewServer(ipp.ServerConfig{
		Pairs: h.pairs, Devices: []string{h.lab.Serial()}, Entropy: h.entropy, Clock: h.lab.Now, Timeout: time.Minute, Conns: 1, Memory: h.remembers,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: it has no key pair", encgroup.ErrRefused)
	}
	h.ipp = s
	return s, nil
}

// client speaks IPP with the server for a key manager.
func (h *KeyHost) client(m *keyManager) encgroup.KeyServer {
	g := h.lab.keys.group(m.group)
	if g == nil || g.protocol != IPP {
		panic("BUG: raslab: a key by IPP for a group that does not use it")
	}
	if h.lab.ippEntropy == nil {
		h.lab.ippEntropy = h.lab.stream("IPP sessions")
	}
	c, err := ipp.NewClient(ipp.ClientConfig{
		ID: m.addr, Device: h.lab.Serial(), Labels: g.labels, Safe: g.store, Entropy: h.lab.ippEntropy, Exchange: h.exchange,
	})
	if err != nil {
		panic("BUG: raslab: " + err.Error())
	}
	return c
}

// LoseKey deletes from the server's disk what the key of a group depends on there: the
// data key itself with KMIP, with IPP the private halves of the group's key pairs.
func (h *KeyHost) LoseKey(group int) error {
	return h.hurt(group, func(label string) error { return h.LosePair(label) }, h.mem.LoseKey)
}

// DamageKey flips a bit (0 to 255) of the same; once more in the same bit and it is
// what it was.
func (h *KeyHost) DamageKey(group, bit int) error {
	return h.hurt(group, func(label string) error { return h.DamagePair(label, bit) }, func(uid string) error { return h.mem.DamageKey(uid, bit) })
}

func (h *KeyHost) hurt(group int, pair, key func(string) error) error {
	g := h.lab.keys.group(group)
	if g == nil {
		return refuse(ErrNotFound, "key server", fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	if g.protocol != IPP {
		return key(g.enc.Record().UID)
	}
	for _, label := range g.labels {
		if err := pair(label); err != nil {
			return err
		}
	}
	return nil
}

// LosePair deletes the private half of one key pair from the server's disk.
func (h *KeyHost) LosePair(label string) error { return h.onPair(label, ipp.KeyPair.Public) }

// DamagePair flips a bit (0 to 2047) in the private half of one key pair.
func (h *KeyHost) DamagePair(label string, bit int) error {
	return h.onPair(label, func(p ipp.KeyPair) ipp.KeyPair { return p.Damaged(bit) })
}

func (h *KeyHost) onPair(label string, do func(ipp.KeyPair) ipp.KeyPair) error {
	i := slices.IndexFunc(h.pairs, func(p ipp.KeyPair) bool { return p.Label == label })
	if i < 0 {
		return refuse(ErrNotFound, "key server", fmt.Sprintf("%s has no key pair %q", h.Name, label), existing("key pairs", h.pairs, func(p ipp.KeyPair) string { return p.Label }))
	}
	pairs := slices.Clone(h.pairs)
	pairs[i] = do(pairs[i])
	h.setPairs(pairs)
	return nil
}

// RestoreFrom is the customer's repair: keys and key pairs that the other server has are
// copied from it, over what is here.
func (h *KeyHost) RestoreFrom(o *KeyHost) error {
	if h == o {
		return refuse(ErrInvalid, "keyserver restore", h.Name+" from itself", "name another key server")
	}
	if err := h.mem.RestoreFrom(o.mem); err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	h.restoreLives(o)
	pairs := slices.Clone(h.pairs)
	for _, p := range o.pairs {
		i := slices.IndexFunc(pairs, func(have ipp.KeyPair) bool { return have.Label == p.Label })
		switch {
		case i < 0:
			pairs = append(pairs, p)
		case p.Private():
			pairs[i] = p
		}
	}
	h.setPairs(pairs)
	return nil
}

// BreakMemory puts a bad memory module into the server, or a good one: a bit of each key
// flips on its way from the disk to the network.
func (h *KeyHost) BreakMemory(bad bool) {
	h.set(&h.badMemory, bad, map[bool]string{true: "a memory module is bad", false: "its memory is good"}[bad])
}

// remembers is what the memory makes of a key.
func (h *KeyHost) remembers(key *secret.Key32) {
	if h.badMemory {
		key[9] ^= 0x04
	}
}

// kmipService is the server's KMIP service: its store, through its memory.
type kmipService struct{ h *KeyHost }

// ID is the name of the server.
func (s kmipService) ID() string { return s.h.Name }

// Create registers a data key, and holds what the server gives back against it.
func (s kmipService) Create(label string) (string, error) {
	uid, err := s.h.mem.Create(label)
	if err != nil {
		return "", err
	}
	registered, err := s.h.mem.Get(uid)
	if err != nil {
		return "", err
	}
	defer registered.Clear()
	back, err := s.Get(uid)
	if err != nil {
		return "", err
	}
	defer back.Clear()
	if !back.Equal(registered) {
		return "", encgroup.ErrWrongKey
	}
	return uid, nil
}

// Get gives a data key.
func (s kmipService) Get(uid string) (*secret.Key32, error) {
	if state := s.h.life(uid).State; state.Destroyed() && s.h.mem.Reach() == nil {
		return nil, fmt.Errorf("%w: the data key is %s", encgroup.ErrNoKey, state)
	}
	key, err := s.h.mem.Get(uid)
	if err == nil {
		s.h.remembers(key)
	}
	return key, err
}

// labelsOf are the labels that a group is to be configured with: those given, else the
// customer's own.
func (k *keys) labelsOf(op string, group int, given []string) (labels [2]string, protocol KeyProtocol, err error) {
	all := k.managersOf(group)
	for _, m := range all {
		if m.key != all[0].key {
			return labels, "", refuse(ErrState, op, fmt.Sprintf("key manager %d speaks %s, %d speaks %s", all[0].id, all[0].key, m.id, m.key), "the key managers of a group speak one key protocol")
		}
	}
	protocol = all[0].key
	given = slices.DeleteFunc(slices.Clone(given), func(s string) bool { return s == "" })
	switch {
	case len(given) > 0 && protocol != IPP:
		return labels, "", refuse(ErrInvalid, op, "labels with "+string(protocol), "leave them out: only IPP has labels")
	case len(given) > 2:
		return labels, "", refuse(ErrInvalid, op, fmt.Sprintf("%d labels", len(given)), "one or two are right")
	}
	for _, s := range given {
		if !labelText(s) {
			return labels, "", refuse(ErrInvalid, op, fmt.Sprintf("label %q", s), "1 to 64 printable characters are right")
		}
	}
	if len(given) == 2 && given[0] == given[1] {
		return labels, "", refuse(ErrInvalid, op, fmt.Sprintf("label %q is given twice", given[0]), "two key pairs are better than one")
	}
	for _, s := range pairLabels { // what is not given (assumption)
		if len(given) < 2 && !slices.Contains(given, s) {
			given = append(given, s)
		}
	}
	return [2]string(given), protocol, nil
}
