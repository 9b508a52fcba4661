package drive

import (
	"fmt"
	"maps"
	"slices"
)

// MemMedia is a Media in memory. It is sparse: empty it costs nothing but
// itself, and each sector written costs its own size.
type MemMedia struct {
	sectorSize int
	sectors    map[uint64][]byte // nil until the first write
}

// NewMemMedia makes an empty Media with sectors of 512 or 4096 bytes.
func NewMemMedia(sectorSize int) *MemMedia {
	if sectorSize != 512 && sectorSize != 4096 {
		panic(fmt.Sprintf("BUG: drive: media sectors of %d bytes, need 512 or 4096", sectorSize))
	}
	return &MemMedia{sectorSize: sectorSize}
}

// ReadSector fills dst, which must be one sector long.
func (m *MemMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	if err := checkSector(m.sectorSize, dst); err != nil {
		return false, err
	}
	s, ok := m.sectors[lba]
	if !ok {
		clear(dst)
		return false, nil
	}
	copy(dst, s)
	return true, nil
}

// WriteSector stores a copy of src, which must be one sector long.
func (m *MemMedia) WriteSector(lba uint64, src []byte) error {
	if err := checkSector(m.sectorSize, src); err != nil {
		return err
	}
	if s, ok := m.sectors[lba]; ok {
		copy(s, src)
		return nil
	}
	if m.sectors == nil {
		m.sectors = map[uint64][]byte{}
	}
	m.sectors[lba] = slices.Clone(src)
	return nil
}

// Discard forgets n sectors from lba on.
func (m *MemMedia) Discard(lba, n uint64) error {
	maps.DeleteFunc(m.sectors, func(at uint64, _ []byte) bool { return at-lba < n })
	return nil
}

// Extent says whether sector lba was written, and how many of the n from it on are alike.
func (m *MemMedia) Extent(lba, n uint64) (written bool, alike uint64) {
	_, written = m.sectors[lba]
	for alike = 1; alike < n; alike++ {
		if _, is := m.sectors[lba+alike]; is != written {
			break
		}
	}
	return written, alike
}

// Written lists the sectors that were ever written, ascending.
func (m *MemMedia) Written() []uint64 { return slices.Sorted(maps.Keys(m.sectors)) }

func checkSector(size int, b []byte) error {
	if len(b) != size {
		return fmt.Errorf("%w: a buffer of %d bytes for a sector of %d", ErrMedia, len(b), size)
	}
	return nil
}
