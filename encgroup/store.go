package encgroup

import "bytes"

// Store is the facility's non-volatile memory for one group's record.
type Store interface {
	// Save replaces the record as a whole: a loss of power at any moment leaves the old record or
	// the new one. It keeps no reference to record, which holds no secret in plain.
	Save(record []byte) error
}

// MemStore is a Store in memory: the last record saved. Its zero value is empty.
type MemStore struct{ record []byte }

// Save keeps a copy.
func (s *MemStore) Save(record []byte) error {
	s.record = bytes.Clone(record)
	return nil
}

// Record is a copy of the record saved last; nil if none was.
func (s *MemStore) Record() []byte { return bytes.Clone(s.record) }
