package repository

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// memberInfix stands between the name of a group's entry and the serial number of a member.
const memberInfix = " member "

// Store is the store of an encryption group: one entry for the group under a name of at most 36
// bytes, and one for each member under that name, " member " and the serial number.
func (r *Repository) Store(name string) Store { return Store{r, name} }

// Store implements encgroup.Store.
type Store struct {
	r    *Repository
	name string
}

var _ encgroup.Store = Store{}

// Save keeps the entries in one step.
func (s Store) Save(entries []encgroup.Entry) error {
	changes := make([]Change, len(entries))
	for i, e := range entries {
		changes[i] = Change{Name: s.entry(e.Serial), Value: e.Bytes}
	}
	return s.r.Change(changes...)
}

// Replace keeps the entries in one step, and drops those of other members.
func (s Store) Replace(record []encgroup.Entry) error {
	changes := s.removal()
	for _, e := range record {
		changes = append(changes, Change{Name: s.entry(e.Serial), Value: e.Bytes})
	}
	return s.r.Change(changes...)
}

func (s Store) entry(serial string) string {
	if serial == "" {
		return s.name
	}
	return s.name + memberInfix + serial
}

// Load reads all copies, compares them, and returns the entries of the group from the medium. The
// error is ErrPermanent or ErrNoEntry. The bytes must not be changed.
func (s Store) Load() ([]encgroup.Entry, Report, error) {
	items, rep, err := s.r.List(s.name)
	if err != nil {
		return nil, rep, err
	}
	var out []encgroup.Entry
	for _, it := range items {
		if serial, ok := s.serial(it.Name); ok {
			out = append(out, encgroup.Entry{Serial: serial, Bytes: it.Value})
		}
	}
	if len(out) == 0 {
		return nil, rep, fmt.Errorf("%w: %q", ErrNoEntry, s.name)
	}
	return out, rep, nil
}

// serial is the member of an entry, "" for the group; false if the entry is not the group's.
func (s Store) serial(name string) (string, bool) {
	if name == s.name {
		return "", true
	}
	serial, ok := strings.CutPrefix(name, s.name+memberInfix)
	return serial, ok && serial != ""
}

// Remove drops the entries of the group in one step. It does nothing if there are none.
func (s Store) Remove() error {
	changes := s.removal()
	if changes == nil {
		return nil
	}
	return s.r.Change(changes...)
}

func (s Store) removal() (changes []Change) {
	for _, name := range s.r.Names() {
		if _, ok := s.serial(name); ok {
			changes = append(changes, Change{Name: name, Delete: true})
		}
	}
	return changes
}
