package flash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The section of a File, all numbers little endian, checksums CRC-32C:
//
//	0     8   "fdeflash"
//	8     4   format version, 1
//	12    4   blocks
//	16    4   pages a block
//	20    4   page size in bytes
//	24    4   checksum of bytes 0 to 23
//	512   16 a block: 8 wear, 4 block number, 4 checksum of these 12 bytes
//	4096  the pages, inverted
const (
	fileMagic   = "fdeflash"
	fileVersion = 1
	headerBytes = 28
	wearStart   = 512
	wearBytes   = 16
	pagesStart  = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FileSize is how many bytes of a file a device of this geometry takes, blank
// or not.
func FileSize(g Geometry) int64 {
	return pagesStart + int64(g.pages())*int64(g.PageSize)
}

func wearOffset(block int) int64 { return wearStart + wearBytes*int64(block) }

func (d *File) pageOffset(i int) int64 { return pagesStart + int64(i)*int64(d.g.PageSize) }

func header(g Geometry) []byte {
	b := make([]byte, headerBytes)
	copy(b, fileMagic)
	binary.LittleEndian.PutUint32(b[8:], fileVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(g.Blocks))
	binary.LittleEndian.PutUint32(b[16:], uint32(g.PagesPerBlock))
	binary.LittleEndian.PutUint32(b[20:], uint32(g.PageSize))
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
	return b
}

func wearEntry(block int, wear uint64) []byte {
	b := make([]byte, wearBytes)
	binary.LittleEndian.PutUint64(b, wear)
	binary.LittleEndian.PutUint32(b[8:], uint32(block))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[:12], castagnoli))
	return b
}

func checkSection(f Backing, offset int64, g Geometry) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if offset < 0 || offset%512 != 0 {
		return fmt.Errorf("flash: %s: offset %d, want a multiple of 512", f.Name(), offset)
	}
	return nil
}

func createFile(f Backing, offset int64, g Geometry) (*File, error) {
	if err := checkSection(f, offset, g); err != nil {
		return nil, err
	}
	d := newFile(f, offset, g)
	// Without a header first, so that what was there before does not come to
	// life as a mixture of old and new.
	err := d.write(make([]byte, wearStart), 0)
	if err == nil {
		err = d.sync() // else the old header may outlive the new pages
	}
	for i := 0; i < g.pages() && err == nil; i++ {
		// A hole stays one. The last page is written, so that the section has
		// its length.
		n, readErr := f.ReadAt(d.buffer, offset+d.pageOffset(i))
		if allZero(d.buffer[:n]) && (readErr == nil || errors.Is(readErr, io.EOF)) && i < g.pages()-1 {
			continue
		}
		clear(d.buffer)
		err = d.write(d.buffer, d.pageOffset(i))
	}
	wears := make([]byte, pagesStart-wearStart)
	for block := range g.Blocks {
		copy(wears[wearBytes*block:], wearEntry(block, 0))
	}
	if err == nil {
		err = d.write(wears, wearStart)
	}
	if err == nil {
		err = d.sync() // else there may be a header in front of old pages
	}
	if err == nil {
		err = d.write(header(g), 0)
	}
	if err == nil {
		err = d.sync() // else the device may be gone that the caller was given
	}
	if err != nil {
		return nil, fmt.Errorf("flash: create in %s: %w", f.Name(), err)
	}
	return d, nil
}

func openFile(f Backing, offset int64, g Geometry) (*File, error) {
	if err := checkSection(f, offset, g); err != nil {
		return nil, err
	}
	d := newFile(f, offset, g)
	bad := func(format string, a ...any) (*File, error) {
		return nil, fmt.Errorf("flash: %s at byte %d: %w", f.Name(), offset, fmt.Errorf(format, a...))
	}
	head := make([]byte, pagesStart)
	if n, err := f.ReadAt(head, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return bad("truncated: %d bytes, want %d for %s", n, FileSize(g), g)
		}
		return bad("%w", err)
	}
	if string(head[:8]) != fileMagic {
		return bad("not a flash: begins with %q, want %q", head[:8], fileMagic)
	}
	if binary.LittleEndian.Uint32(head[24:]) != crc32.Checksum(head[:24], castagnoli) {
		return bad("damaged: the checksum of the header is wrong; want a header that CreateFile wrote")
	}
	if v := binary.LittleEndian.Uint32(head[8:]); v != fileVersion {
		return bad("format version %d, want %d", v, fileVersion)
	}
	has := Geometry{
		Blocks:        int(binary.LittleEndian.Uint32(head[12:])),
		PagesPerBlock: int(binary.LittleEndian.Uint32(head[16:])),
		PageSize:      int(binary.LittleEndian.Uint32(head[20:])),
	}
	if has != g {
		return bad("%s, want %s", has, g)
	}
	for block := range g.Blocks {
		entry := head[wearOffset(block):][:wearBytes]
		d.wear[block] = binary.LittleEndian.Uint64(entry)
		if string(entry) != string(wearEntry(block, d.wear[block])) {
			return bad("damaged: the wear of block %d fails its checksum; want one that a flash wrote", block)
		}
	}
	for i := range g.pages() {
		if n, err := f.ReadAt(d.buffer, offset+d.pageOffset(i)); err != nil && n < len(d.buffer) {
			if errors.Is(err, io.EOF) {
				return bad("truncated: %d bytes, want %d for %s", d.pageOffset(i)+int64(n), FileSize(g), g)
			}
			return bad("%w", err)
		}
		d.programmed[i] = !allZero(d.buffer)
	}
	return d, nil
}
