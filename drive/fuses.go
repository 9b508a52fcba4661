package drive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// FileMagic are the first 8 bytes of a drive file, whatever its version.
const FileMagic = "FDELABDR"

// Fuses is what the factory burns into the chip, outside the flash. It cannot
// change afterwards. Whoever holds it has opened the chip.
type Fuses struct {
	Config   Config
	Root     *secret.Key32 // binds every KEK to this chip
	MSID     PIN           // 32 bytes, readable by anyone
	PSIDSlot Slot          // opens with the PSID on the label and nothing else
}

// In a drive file the fuses are the first 4096 bytes, numbers big-endian:
//
//	0    8  magic
//	8    2  version
//	10   2  ranges beside the global one
//	12   4  sector size
//	16   8  sectors
//	24   2  TryLimit
//	26   1  1 if the counts of tries persist
//	27   1  length of the serial number
//	28   1  length of the model
//	29   1  personality; zero
//	30   1  1 if the file has its whole length, up to the end of the last sector
//	31   1  zero
//	32   4  PBKDF2 iterations
//	36  12  flash: blocks, pages a block, bytes a page
//	48  32  root key
//	80  32  MSID
//	112 16  PSID salt
//	128 40  PSID wrap
//	168 20  serial number
//	188 40  model
//	228  8  alignment granularity
//	236  8  lowest aligned LBA
//	244  4  CRC-32C of the bytes before
//
// Version 1 has no alignment, and its CRC at 228. An Opal drive has version 3: byte 29 is its personality, and
// after the lowest aligned LBA come
//
//	244  8  bytes of the MBR shadow
//	252  8  bytes of the DataStore tables
//	260  4  CRC-32C of the bytes before
const (
	fuseMagic   = FileMagic
	cutMagic    = "FDELAB--" // in its place until the fuses are burnt
	fuseVersion = 2
	fuseCRC     = 244
	longByte    = 30
	fuseArea    = 4096

	fuseVersion1 = 1
	fuseCRC1     = 228
	fuseVersion3 = 3
	fuseCRC3     = 260
)

// fuseVersion is the version that a drive of this personality gets.
func (p Personality) fuseVersion() uint16 {
	if p == Opal {
		return fuseVersion3
	}
	return fuseVersion
}

// errNotADrive is wrapped by every error about a drive file's first page.
var errNotADrive = errors.New("not a drive file")

// mediaOffset is where the media region begins: behind the flash, on a page.
func mediaOffset(g flash.Geometry) int64 {
	end := fuseArea + flash.FileSize(g)
	return (end + fuseArea - 1) / fuseArea * fuseArea
}

// clone has a root key and a MSID of its own.
func (f *Fuses) clone() *Fuses {
	own := *f
	own.Root, own.MSID = f.Root.Clone(), f.MSID.Clone()
	return &own
}

// Clear overwrites the root key and the MSID of this copy.
func (f *Fuses) Clear() {
	f.Root.Clear()
	f.MSID.Clear()
}

// encode is the page of a drive file. long: the file has its whole length.
func (f *Fuses) encode(g flash.Geometry, long bool) []byte {
	be := binary.BigEndian
	b := append(make([]byte, 0, fuseArea), fuseMagic...)
	b = be.AppendUint16(b, f.Config.Personality.fuseVersion())
	b = be.AppendUint16(b, uint16(f.Config.Ranges))
	b = be.AppendUint32(b, uint32(f.Config.SectorSize))
	b = be.AppendUint64(b, f.Config.Sectors)
	b = be.AppendUint16(b, f.Config.TryLimit)
	b = append(b, flag(f.Config.Persistent, 1), byte(len(f.Config.Serial)), byte(len(f.Config.Model)), byte(f.Config.Personality), flag(long, 1), 0)
	b = be.AppendUint32(b, uint32(f.Config.PBKDF2Iterations))
	for _, n := range []int{g.Blocks, g.PagesPerBlock, g.PageSize} {
		b = be.AppendUint32(b, uint32(n))
	}
	b = append(b, f.Root[:]...)
	b = append(b, f.MSID.raw()...)
	b = append(b, f.PSIDSlot.Salt[:]...)
	b = append(b, f.PSIDSlot.Wrap[:]...)
	var text [60]byte
	copy(text[:20], f.Config.Serial)
	copy(text[20:], f.Config.Model)
	b = append(b, text[:]...)
	b = be.AppendUint64(b, f.Config.AlignmentGranularity)
	b = be.AppendUint64(b, f.Config.LowestAlignedLBA)
	if f.Config.Personality == Opal {
		b = be.AppendUint64(b, f.Config.MBRSize)
		b = be.AppendUint64(b, f.Config.DataStoreSize)
	}
	b = be.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return b[:fuseArea]
}

func parseFuses(p []byte) (*Fuses, flash.Geometry, error) {
	f := new(Fuses)
	var g flash.Geometry
	be := binary.BigEndian
	version, check := uint16(0), fuseCRC
	if len(p) >= fuseArea {
		version = be.Uint16(p[8:])
	}
	switch version {
	case fuseVersion1:
		check = fuseCRC1
	case fuseVersion3:
		check = fuseCRC3
	}
	switch {
	case len(p) >= fuseArea && string(p[:8]) == cutMagic:
		return f, g, fmt.Errorf("%w: its creation was cut short, and there is no key in it: remove the file, or create the drive again", errNotADrive)
	case len(p) < fuseArea || string(p[:8]) != fuseMagic:
		return nil, g, fmt.Errorf("%w: it does not begin with %q", errNotADrive, fuseMagic)
	case version < fuseVersion1 || version > fuseVersion3:
		return nil, g, fmt.Errorf("%w of this version: it has %d, this program reads %d to %d", errNotADrive, version, fuseVersion1, fuseVersion3)
	case be.Uint32(p[check:]) != crc32.Checksum(p[:check], castagnoli):
		return nil, g, fmt.Errorf("%w that can be trusted: the checksum of its fuses (bytes 0 to %d) is wrong", errNotADrive, check-1)
	case p[26] > 1 || p[27] > 20 || p[28] > 40:
		return nil, g, fmt.Errorf("%w: its fuses (bytes 26 to 28) make no sense", errNotADrive)
	case (version == fuseVersion3) != (p[29] == byte(Opal)) || p[longByte] > 1:
		return nil, g, fmt.Errorf("%w: its fuses (byte 29 or byte 30) make no sense", errNotADrive)
	}
	f.Config = Config{
		Serial: string(p[168 : 168+int(p[27])]), Model: string(p[188 : 188+int(p[28])]),
		SectorSize: int(be.Uint32(p[12:])), Sectors: be.Uint64(p[16:]), Ranges: int(be.Uint16(p[10:])),
		TryLimit: be.Uint16(p[24:]), Persistent: p[26] == 1, PBKDF2Iterations: int(be.Uint32(p[32:])),
	}
	if version == fuseVersion3 {
		f.Config.Personality, f.Config.MBRSize, f.Config.DataStoreSize = Opal, be.Uint64(p[244:]), be.Uint64(p[252:])
	}
	if version != fuseVersion1 {
		f.Config.AlignmentGranularity, f.Config.LowestAlignedLBA = be.Uint64(p[228:]), be.Uint64(p[236:])
	}
	g = flash.Geometry{Blocks: int(be.Uint32(p[36:])), PagesPerBlock: int(be.Uint32(p[40:])), PageSize: int(be.Uint32(p[44:]))}
	if err := f.Config.Validate(); err != nil {
		return nil, g, fmt.Errorf("%w: %w", errNotADrive, err)
	}
	if err := g.Validate(); err != nil {
		return nil, g, fmt.Errorf("%w: %w", errNotADrive, err)
	}
	// The secrets come last, so that no refusal leaves a copy of them.
	f.Root = (*secret.Key32)(p[48:80]).Clone()
	f.MSID = CredentialPIN((*secret.Key32)(p[80:112]))
	copy(f.PSIDSlot.Salt[:], p[112:])
	copy(f.PSIDSlot.Wrap[:], p[128:])
	return f, g, nil
}
