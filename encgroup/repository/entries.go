package repository

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// entry is one thing that is kept.
type entry struct {
	name  string
	value []byte
}

// nameMax is the longest name of an entry, in bytes.
const nameMax = 64

func checkName(name string) error {
	if name == "" || len(name) > nameMax {
		return fmt.Errorf("repository: name %q, need 1 to %d printable ASCII characters", name, nameMax)
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return fmt.Errorf("repository: name %q, need 1 to %d printable ASCII characters", name, nameMax)
		}
	}
	return nil
}

// encodeEntries: for each, ascending by name, the name (length byte and bytes)
// and the value (4 bytes of length, big endian, and bytes).
func encodeEntries(list []entry) []byte {
	size := 0
	for _, e := range list {
		size += 1 + len(e.name) + 4 + len(e.value)
	}
	b := make([]byte, 0, size)
	for _, e := range list {
		b = append(append(b, byte(len(e.name))), e.name...)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(e.value))), e.value...)
	}
	return b
}

func decodeEntries(b []byte) ([]entry, error) {
	var list []entry
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			return nil, fmt.Errorf("repository: entry %d ends too early", len(list))
		}
		name := string(b[1 : 1+n])
		size := uint64(binary.BigEndian.Uint32(b[1+n:]))
		b = b[1+n+4:]
		if uint64(len(b)) < size {
			return nil, fmt.Errorf("repository: entry %d ends too early", len(list))
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		if len(list) > 0 && name <= list[len(list)-1].name {
			return nil, fmt.Errorf("repository: entry %q is out of order", name)
		}
		list = append(list, entry{name, slices.Clone(b[:size])})
		b = b[size:]
	}
	return list, nil
}

func find(list []entry, name string) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(e entry, n string) int { return strings.Compare(e.name, n) })
}
