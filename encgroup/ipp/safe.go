package ipp

import (
	"errors"
	"slices"
)

// ErrNotKept means that the facility has no such externally encrypted data key.
var ErrNotKept = errors.New("ipp: no such externally encrypted data key is kept")

// Safe keeps externally encrypted data keys: the facility's key repository. They are no secrets.
type Safe interface {
	// Keep keeps eedks under uid, 32 characters, over a loss of power.
	Keep(uid string, eedks []byte) error
	// Kept returns them; ErrNotKept if there are none.
	Kept(uid string) ([]byte, error)
}

// MemSafe is a Safe in memory. Its zero value is empty.
type MemSafe struct {
	uids  []string
	eedks [][]byte
}

// Keep implements Safe.
func (s *MemSafe) Keep(uid string, eedks []byte) error {
	i, ok := slices.BinarySearch(s.uids, uid)
	if !ok {
		s.uids, s.eedks = slices.Insert(s.uids, i, uid), slices.Insert(s.eedks, i, nil)
	}
	s.eedks[i] = slices.Clone(eedks)
	return nil
}

// Kept implements Safe.
func (s *MemSafe) Kept(uid string) ([]byte, error) {
	i, ok := slices.BinarySearch(s.uids, uid)
	if !ok {
		return nil, ErrNotKept
	}
	return slices.Clone(s.eedks[i]), nil
}
