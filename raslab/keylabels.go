package raslab

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// IPP in the lab: the customer's key servers have key pairs and no data keys. A console and a
// server exchange the bytes of package ipp.

// agreedLabels are the labels of the key pairs on which the customer and the facility agreed
// (assumption: two).
var agreedLabels = []string{"ds8000_a", "ds8000_b"}

// ippClient speaks IPP with a server for a key manager.
func (l *Lab) ippClient(m *keyManager, exchange func(request []byte) ([]byte, error)) *ipp.Client {
	g := l.keys.group(m.group)
	if g == nil || g.protocol != IPP {
		panic("BUG: raslab: a key by IPP for a group that does not use it")
	}
	c, err := ipp.NewClient(ipp.ClientConfig{
		ID: m.addr, Device: l.Serial(), Labels: g.labels, Safe: g.store, Entropy: l.wire.sessions, Exchange: exchange,
	})
	if err != nil {
		panic("BUG: raslab: " + err.Error())
	}
	return c
}

// labelsOf are the labels to configure a group with: those given, else the customer's own.
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
		if !customer.IsLabel(s) {
			return labels, "", refuse(ErrInvalid, op, fmt.Sprintf("label %q", s), "1 to 64 printable characters are right")
		}
	}
	if len(given) == 2 && given[0] == given[1] {
		return labels, "", refuse(ErrInvalid, op, fmt.Sprintf("label %q is given twice", given[0]), "two key pairs are better than one")
	}
	for _, s := range agreedLabels { // what is not given (assumption)
		if len(given) < 2 && !slices.Contains(given, s) {
			given = append(given, s)
		}
	}
	return [2]string(given), protocol, nil
}
