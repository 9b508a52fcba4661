package encgroup

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
)

// Store is the facility's non-volatile memory for one group's record. It keeps the record in
// entries: one for the group and one for each member. It keeps no reference to what it is given,
// which holds no secret in plain. After an error the store may have the old entries or the new ones.
type Store interface {
	// Save keeps the entries, each in the place of the one with the same serial, in one step: a loss
	// of power at any moment leaves what was there before, or all of them. The other entries stay.
	Save(entries []Entry) error
	// Replace is Save of a whole record: no other entry stays.
	Replace(record []Entry) error
}

// MemStore is a Store in memory. Its zero value is empty.
type MemStore struct {
	entries []Entry // by serial, so the group's first
	members sum
}

// Save keeps copies.
func (s *MemStore) Save(entries []Entry) error {
	s.members, _ = s.with(entries)
	for _, e := range entries {
		e.Bytes = bytes.Clone(e.Bytes)
		i, ok := s.find(e.Serial)
		if !ok {
			s.entries = slices.Insert(s.entries, i, e)
		}
		s.entries[i] = e
	}
	return nil
}

// Replace keeps copies.
func (s *MemStore) Replace(record []Entry) error {
	*s = MemStore{}
	return s.Save(record)
}

func (s *MemStore) find(serial string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, serial, func(e Entry, serial string) int { return cmp.Compare(e.Serial, serial) })
}

// with is the sum and the number of members once these entries are saved.
func (s *MemStore) with(entries []Entry) (members sum, count int) {
	members = s.members
	if count = len(s.entries); count > 0 && s.entries[0].Serial == "" {
		count--
	}
	for _, e := range entries {
		if e.Serial == "" {
			continue
		}
		if i, ok := s.find(e.Serial); ok {
			members.turn(sha256.Sum256(s.entries[i].Bytes))
		} else {
			count++
		}
		members.turn(sha256.Sum256(e.Bytes))
	}
	return members, count
}

// Check says whether a Save of these entries, each with a serial of its own, leaves a record that
// does not contradict itself. The group's entry is among them. It reads no others. Errors: those of
// ReadRecord.
func (s *MemStore) Check(entries []Entry) error {
	members, count := s.with(entries)
	own, err := readGroup(entries)
	if err != nil {
		return err
	}
	if err := own.fits(count, members); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Serial == "" {
			continue
		}
		m, err := readMember(e)
		if err == nil {
			err = own.rec.checkMember(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Record is a copy of the entries, the group's first, then by serial; nil if none was saved.
func (s *MemStore) Record() []Entry {
	out := slices.Clone(s.entries)
	for i := range out {
		out[i].Bytes = bytes.Clone(out[i].Bytes)
	}
	return out
}
