package drive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// FileMedia is a Media in a region of a file that lives on. The region is
// sparse: a sector that was never written is a hole, or lies past the end of the file. Since a hole
// reads as zeros, a sector of nothing but zeros means "never written", and
// WriteSector refuses to store one; ciphertext never is (the chance is 2^-4096).
//
// A write is in the page cache when WriteSector returns: it survives the death
// of the process, and that of the machine once Sync has returned.
type FileMedia struct {
	f          mediaFile
	offset     int64
	sectorSize int
	sectors    uint64
	zeros      []byte
	dirty      bool // a sector was written and not synced
}

// mediaFile is what a FileMedia needs of an *os.File.
type mediaFile interface {
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Sync() error
}

// NewFileMedia makes a Media of sectors many sectors of 512 or 4096 bytes that
// begin at offset in f. Everything in f from offset on belongs to it. f stays the
// caller's to close.
func NewFileMedia(f *os.File, offset int64, sectorSize int, sectors uint64) (*FileMedia, error) {
	return mediaIn(f, offset, sectorSize, sectors)
}

func mediaIn(f mediaFile, offset int64, sectorSize int, sectors uint64) (*FileMedia, error) {
	if sectorSize != 512 && sectorSize != 4096 {
		return nil, fmt.Errorf("drive: media sectors of %d bytes, need 512 or 4096", sectorSize)
	}
	if offset < 0 || sectors == 0 || sectors > uint64(math.MaxInt64-offset)/uint64(sectorSize) {
		return nil, fmt.Errorf("drive: %d media sectors at offset %d do not fit in a file", sectors, offset)
	}
	return &FileMedia{f: f, offset: offset, sectorSize: sectorSize, sectors: sectors, zeros: make([]byte, sectorSize)}, nil
}

// ReadSector fills dst, which must be one sector long.
func (m *FileMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	if err := checkSector(m.sectorSize, dst); err != nil {
		return false, err
	}
	err := m.ReadSectors(lba, dst)
	return err == nil && !bytes.Equal(dst, m.zeros), err
}

// WriteSector stores src, which must be one sector long and not all zeros.
func (m *FileMedia) WriteSector(lba uint64, src []byte) error {
	if err := checkSector(m.sectorSize, src); err != nil {
		return err
	}
	return m.WriteSectors(lba, src)
}

// ReadSectors fills dst, whole sectors from lba on. With an error dst is zeros.
func (m *FileMedia) ReadSectors(lba uint64, dst []byte) error {
	at, err := m.at(lba, dst)
	if err != nil {
		return err
	}
	n, err := m.f.ReadAt(dst, at)
	if err != nil && !errors.Is(err, io.EOF) {
		clear(dst)
		return fmt.Errorf("%w: %d bytes from sector %d on: %w", ErrMedia, len(dst), lba, err)
	}
	clear(dst[n:])
	return nil
}

// WriteSectors stores src, whole sectors from lba on of which none is all zeros.
func (m *FileMedia) WriteSectors(lba uint64, src []byte) error {
	at, err := m.at(lba, src)
	if err != nil {
		return err
	}
	for i := 0; i < len(src); i += m.sectorSize {
		if bytes.Equal(src[i:i+m.sectorSize], m.zeros) {
			return fmt.Errorf("%w: sector %d: a sector of zeros cannot be told from one never written", ErrMedia, lba+uint64(i/m.sectorSize))
		}
	}
	m.dirty = true
	if _, err := m.f.WriteAt(src, at); err != nil {
		return fmt.Errorf("%w: %d bytes from sector %d on: %w", ErrMedia, len(src), lba, err)
	}
	return nil
}

// Discard forgets n sectors from lba on: the file gets a hole there, where the system makes holes, and
// zeros elsewhere.
func (m *FileMedia) Discard(lba, n uint64) error {
	if lba >= m.sectors || n > m.sectors-lba {
		return fmt.Errorf("%w: sectors %d to %d, the last is %d", ErrMedia, lba, lba+n-1, m.sectors-1)
	}
	from, to := m.offset+int64(lba)*int64(m.sectorSize), m.offset+int64(lba+n)*int64(m.sectorSize)
	if to = min(to, m.end()); from >= to {
		return nil
	}
	m.dirty = true
	if f, ok := m.f.(*os.File); ok && punch(f, from, to-from) == nil {
		return nil
	}
	for at := from; at < to; at += int64(m.sectorSize) {
		if _, err := m.f.WriteAt(m.zeros[:min(int64(m.sectorSize), to-at)], at); err != nil {
			return fmt.Errorf("%w: %w", ErrMedia, err)
		}
	}
	return nil
}

// Extent says whether sector lba lies in data of the file, and how many of the n from it on are alike. What lies in a
// hole was never written; in data there may be sectors of zeros as well.
func (m *FileMedia) Extent(lba, n uint64) (written bool, alike uint64) {
	size := int64(m.sectorSize)
	at := m.offset + int64(lba)*size
	end := at + int64(n)*size
	data := min(end, m.end()) // behind the end of the file there is nothing
	if at >= data {
		return false, n
	}
	from, to := nextData(m.f, at, data)
	switch {
	case from >= data && end > data:
		return false, n
	case from-at >= size:
		return false, uint64((from - at) / size)
	}
	return true, min(n, uint64((to-at+size-1)/size))
}

// Written lists the sectors that were ever written, ascending. It looks at
// the data of the file and skips the holes, where the system can tell them
// apart. A sector that cannot be read is not listed.
func (m *FileMedia) Written() []uint64 { return m.written(nextData) }

// written is Written by a function that finds the first stretch of data in [at, end).
func (m *FileMedia) written(nextData func(f io.Seeker, at, end int64) (from, to int64)) []uint64 {
	var out []uint64
	sector := make([]byte, m.sectorSize)
	end := m.end()
	for at := m.offset; at < end; {
		from, to := nextData(m.f, at, end)
		// Data begins and ends anywhere: look at every sector it touches.
		first := uint64(from-m.offset) / uint64(m.sectorSize)
		for lba := first; lba < m.sectors && m.offset+int64(lba)*int64(m.sectorSize) < to; lba++ {
			if n := len(out); n > 0 && out[n-1] >= lba {
				continue
			}
			if ok, err := m.ReadSector(lba, sector); ok && err == nil {
				out = append(out, lba)
			}
		}
		at = to
	}
	return slices.Clip(out)
}

// Sync makes every write of this FileMedia survive the death of the machine. It does nothing where
// there was none since the last one.
func (m *FileMedia) Sync() error {
	if !m.dirty {
		return nil
	}
	if err := m.f.Sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrMedia, err)
	}
	m.dirty = false
	return nil
}

// end is where the data of the region ends at the latest.
func (m *FileMedia) end() int64 {
	end := m.offset + int64(m.sectors)*int64(m.sectorSize)
	if size, err := m.f.Seek(0, io.SeekEnd); err == nil {
		end = min(end, size)
	}
	return end
}

// at is where whole sectors from lba on stand in the file.
func (m *FileMedia) at(lba uint64, b []byte) (int64, error) {
	if len(b) == 0 || len(b)%m.sectorSize != 0 {
		return 0, fmt.Errorf("%w: a buffer of %d bytes for sectors of %d", ErrMedia, len(b), m.sectorSize)
	}
	if n := uint64(len(b) / m.sectorSize); lba >= m.sectors || n > m.sectors-lba {
		return 0, fmt.Errorf("%w: sectors %d to %d, the last is %d", ErrMedia, lba, lba+n-1, m.sectors-1)
	}
	return m.offset + int64(lba)*int64(m.sectorSize), nil
}
