package raslab

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// The wall between the facility and the customer. Software reaches the customer's side only through
// Lab.wire; hands reach it through Lab.Customer. This file has what hands carry from one side to
// the other: a file, the name of a key, a rank.

// wire is what the facility's software has of the customer's side.
type wire struct {
	customer.Network
	cloud     tct.Cloud // nil: Options.Cloud gave another one
	authority []byte    // customer_ca.pem, as the customer handed it over
	sessions  io.Reader // entropy of the sessions of IPP
	dataKeys  io.Reader // entropy of the data keys of KMIP
}

// newCustomer builds the customer's side, and plugs the consoles into its network.
func (l *Lab) newCustomer(from, to time.Time) (err error) {
	o := &l.options
	l.customer, err = customer.New(customer.Config{
		Facility: o.Serial, Servers: max(o.KeyServers, 0), Consoles: o.Consoles, Labels: agreedLabels,
		Clock: l.Now, Entropy: l.stream, Maker: l.certificate.maker, From: from, To: to, OtherCloud: o.Cloud != nil,
		Log: l.logHands, Added: l.redial,
	})
	if err != nil {
		return err
	}
	l.wire = wire{Network: l.customer, sessions: l.stream("IPP sessions"), dataKeys: l.stream("KMIP data keys")}
	if s, err := l.customer.Cloud(); err == nil {
		l.wire.cloud = s
	}
	l.wire.authority, err = l.customer.Authority("customer")
	return err
}

// wireCustomer has the customer's side of an image call the facility's own clock, streams and log.
func (l *Lab) wireCustomer() error {
	if l.customer == nil {
		return errors.New("raslab: a facility without a customer's side")
	}
	l.customer.Wire(l.Now, l.stream, l.redial, l.logHands)
	return nil
}

func (l *Lab) logHands(actor, text string) { l.logf(actor, "%s", text) }

// Customer is the customer's side, for hands. The facility finds out what is broken, moved or
// signed there only by asking.
func (l *Lab) Customer() *customer.Site { return l.customer }

// keyServerNames are the names that the customer gave when the facility was ordered.
func (l *Lab) keyServerNames() (names []string) {
	for _, k := range l.customer.KeyServers() {
		names = append(names, k.Name)
	}
	return names
}

// redial asks Options.Dial again about the key managers whose address has a machine now.
func (l *Lab) redial(k *customer.KeyServer) {
	for _, m := range l.keys.managers {
		if ip, _ := l.wire.Resolve(m.addr); ip == k.IP {
			l.dial(m)
		}
	}
}

// customerTrust believes the customer's authority.
func (l *Lab) customerTrust() *cert.Trust {
	t, err := cert.ParseTrust(l.wire.authority)
	if err != nil {
		panic("BUG: raslab: " + err.Error())
	}
	return t
}

// DataKey is the name under which the customer's key servers know the data key of a group.
func (l *Lab) DataKey(group int) (customer.DataKey, error) {
	const op = "key server"
	g := l.keys.group(group)
	if g == nil {
		return customer.DataKey{}, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	d := customer.DataKey{Of: fmt.Sprintf("key group %d", group), UID: g.enc.Record().UID}
	if d.UID == "" {
		return customer.DataKey{}, refuse(ErrNotFound, op, d.Of+" has no data key", "configure it first")
	}
	if g.protocol == IPP {
		d.Labels = g.labels[:]
	}
	return d, nil
}

// Storage is a rank as the disks of a machine of the customer.
func (l *Lab) Storage(rank string) (customer.Storage, error) {
	r, err := l.rankNamed("keyserver place", rank)
	if err != nil {
		return nil, err
	}
	return hostStorage{l, r.name()}, nil
}

// hostStorage is a rank by name: what a host finds there, if anything.
type hostStorage struct {
	lab  *Lab
	rank string
}

// Where implements customer.Storage.
func (s hostStorage) Where() (facility, rank string) { return s.lab.Serial(), s.rank }

// Readable implements customer.Storage.
func (s hostStorage) Readable() bool {
	r, err := s.lab.rankNamed("key server", s.rank)
	return err == nil && (r.dataState() == "Normal" || r.dataState() == "Degraded")
}
