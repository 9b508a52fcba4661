package raslab

import (
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// With IPP the facility keeps the data keys, wrapped by the key servers' key pairs. The externally
// encrypted data keys (EEDKs) of a group are an entry of the key repository beside the group's
// record, and are damaged and mended with it.

var _ ipp.Safe = (*recordStore)(nil)

// eedkEntry is the EEDKs of one data key.
type eedkEntry struct {
	uid   string
	eedks []byte
}

func (r *recordStore) eedkName() string { return r.name + " EEDK" }

// Keep writes the EEDKs of a new data key beside those of the data key in force. It deletes all
// others, which open nothing any more.
func (r *recordStore) Keep(uid string, eedks []byte) error {
	list, err := r.eedkEntries()
	if err != nil && !errors.Is(err, repository.ErrNoEntry) {
		return err
	}
	inForce := r.lab.keys.group(r.group).enc.UID()
	list = slices.DeleteFunc(list, func(k eedkEntry) bool { return k.uid != inForce })
	var b []byte
	for _, k := range append(list, eedkEntry{uid, eedks}) {
		b = append(append(b, byte(len(k.uid))), k.uid...)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(k.eedks))), k.eedks...)
	}
	return r.keepEEDKs(b)
}

// keepEEDKs writes the entry, and sends it to the consoles.
func (r *recordStore) keepEEDKs(b []byte) error {
	if len(b) == 0 {
		return nil // a group by KMIP has none
	}
	if err := r.lab.records.repository.Put(r.eedkName(), b); err != nil {
		return err
	}
	r.eedks = b
	return nil
}

// drop deletes what the repository has of a group. It must not come back when a group of that
// number is made again.
func (r *recordStore) drop() error {
	if err := r.lab.records.repository.Delete(r.eedkName()); err != nil && !errors.Is(err, repository.ErrNoEntry) {
		return err
	}
	return r.entries().Remove()
}

// Kept reads the EEDKs of a data key from the medium.
func (r *recordStore) Kept(uid string) ([]byte, error) {
	list, err := r.eedkEntries()
	if err != nil && !errors.Is(err, repository.ErrNoEntry) {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(k eedkEntry) bool { return k.uid == uid }); i >= 0 {
		return list[i].eedks, nil
	}
	return nil, ipp.ErrNotKept
}

// eedkEntries reads the entry: for each data key its identifier (a length byte and the
// bytes) and its EEDKs (2 bytes of length, big endian, and the bytes).
func (r *recordStore) eedkEntries() (list []eedkEntry, err error) {
	b, _, err := r.lab.records.repository.Read(r.eedkName())
	if err != nil {
		return nil, err
	}
	for rest := cryptobyte.String(b); !rest.Empty(); {
		var uid, eedks cryptobyte.String
		if !rest.ReadUint8LengthPrefixed(&uid) || !rest.ReadUint16LengthPrefixed(&eedks) {
			panic("BUG: raslab: an entry that the repository vouches for ends too early")
		}
		list = append(list, eedkEntry{string(uid), eedks})
	}
	return list, nil
}

// Safe is where the facility keeps the EEDKs of a group, for a real client of a key server that is
// made by Options.Dial (which has labels of its own); its methods may be called while the group
// exists.
func (l *Lab) Safe(group int) ipp.Safe { return lazySafe{l, group} }

type lazySafe struct {
	lab   *Lab
	group int
}

// Keep implements ipp.Safe.
func (s lazySafe) Keep(uid string, eedks []byte) error {
	if g := s.lab.keys.group(s.group); g != nil {
		return g.store.Keep(uid, eedks)
	}
	return ipp.ErrNotKept
}

// Kept implements ipp.Safe.
func (s lazySafe) Kept(uid string) ([]byte, error) {
	if g := s.lab.keys.group(s.group); g != nil {
		return g.store.Kept(uid)
	}
	return nil, ipp.ErrNotKept
}
