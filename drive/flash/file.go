package flash

import (
	"crypto/subtle"
	"fmt"
	"os"
)

// File is flash in a section of a file, for drives that live on.
//
// The section holds a header (512 bytes: what it is and its geometry), the wear
// of each block (16 bytes each, within a sector of 512 bytes), and from byte
// 4096 on the pages in order. Pages are stored with every bit inverted, so that
// blank flash is a hole in the file. There is no other state: which pages are
// programmed is read from the bits of the pages when the file is opened.
//
// Program, Erase and Zero write and then sync, and return when the sync does:
// what they acknowledged is on the medium that the host's fsync vouches for. On
// Linux it is fdatasync, for the times of an *os.File mean nothing here.
// Killing the process or cutting the host's power inside of one leaves the page
// or the block as ErrPowerLost of Device says, since the bits are all the state
// there is:
//
//   - Program: blank, the data, or sectors of 512 bytes of either. A torn page
//     reads as what is in it; it is for the checksum of a record to find out.
//   - Erase: for each sector of the block, blank or what it was. The block's
//     wear may or may not count it.
//   - Zero: for each sector of the page, zeros or what it was.
//
// This takes for granted that the host's disk writes a sector of 512 bytes
// whole or not at all. Where it does not, a wear count can tear, and OpenFile
// refuses the file.
//
// When a write or a sync fails, every later operation fails until the file is
// opened anew: after a failed fsync what is read may not be what is on the
// medium. A File does not lock the file, and does not close it.
type File struct {
	f          Backing
	offset     int64
	g          Geometry
	off        bool
	broken     error  // the failed write or sync
	deferred   bool   // a page waits for the next sync
	programmed []bool // by Geometry.index
	wear       []uint64
	buffer     []byte // a page
}

// Backing is the part of *os.File that a File uses. When Sync returns, what was written is safe against a
// loss of power.
type Backing interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Sync() error
	Name() string
}

var (
	_ Device  = (*File)(nil)
	_ Decayer = (*File)(nil)
	_ blanker = (*File)(nil)
	_ clearer = (*File)(nil)

	_ BlankChecker = (*File)(nil)
	_ Deferrer     = (*File)(nil)
)

// CreateFile makes a blank device with power on in the FileSize(g) bytes of f
// from offset on, whatever was there before, and syncs it. The header is
// written last: a creation that was cut leaves what OpenFile refuses. The file
// grows where it must.
func CreateFile(f Backing, offset int64, g Geometry) (*File, error) {
	return createFile(data(f), offset, g)
}

// OpenFile opens a device that CreateFile made at the same offset with the
// same geometry, with power on. It changes nothing. What is truncated,
// damaged, of another geometry or no flash at all is refused in one line.
func OpenFile(f Backing, offset int64, g Geometry) (*File, error) {
	return openFile(data(f), offset, g)
}

func newFile(f Backing, offset int64, g Geometry) *File {
	return &File{
		f: f, offset: offset, g: g,
		programmed: make([]bool, g.pages()),
		wear:       make([]uint64, g.Blocks),
		buffer:     make([]byte, g.PageSize),
	}
}

// Geometry implements Device.
func (d *File) Geometry() Geometry { return d.g }

// PowerOn implements Device.
func (d *File) PowerOn() { d.off = false }

// PowerOff implements Device.
func (d *File) PowerOff() { d.off = true }

// Read implements Device.
func (d *File) Read(block, page int, dst []byte) error {
	if d.off {
		return ErrPowerLost
	}
	if err := d.g.checkRead(block, page, dst); err != nil {
		return err
	}
	if d.broken != nil {
		return d.fail(ErrRead, block, page, d.broken)
	}
	if err := d.load(d.g.index(block, page), dst); err != nil {
		return d.fail(ErrRead, block, page, err)
	}
	return nil
}

// Blank implements BlankChecker: a page that nobody programmed reads as blank.
func (d *File) Blank(block, page int) (bool, error) {
	if d.off {
		return false, ErrPowerLost
	}
	if err := d.g.checkPage(block, page); err != nil {
		return false, err
	}
	if d.broken != nil {
		return false, d.fail(ErrRead, block, page, d.broken)
	}
	return d.blank(block, page), nil
}

// Program implements Device.
func (d *File) Program(block, page int, data []byte) error {
	return d.program(block, page, data, d.sync)
}

// ProgramDeferred implements Deferrer: the next sync is the page's, too.
func (d *File) ProgramDeferred(block, page int, data []byte) error {
	return d.program(block, page, data, func() error {
		d.deferred = true
		return nil
	})
}

// Flush makes safe what was deferred.
func (d *File) Flush() error {
	if !d.deferred {
		return nil
	}
	return d.sync()
}

func (d *File) program(block, page int, data []byte, sync func() error) error {
	if d.off {
		return ErrPowerLost
	}
	if err := d.g.checkProgram(block, page, data); err != nil {
		return err
	}
	i := d.g.index(block, page)
	if d.broken == nil && d.programmed[i] {
		return at(ErrNotBlank, block, page)
	}
	err := d.store(i, trim(data))
	if err == nil {
		err = sync()
	}
	if err != nil {
		return d.fail(ErrProgram, block, page, err)
	}
	return nil
}

// Erase implements Device.
func (d *File) Erase(block int) error {
	if d.off {
		return ErrPowerLost
	}
	if err := d.g.checkBlock(block); err != nil {
		return err
	}
	if err := d.erase(block); err != nil {
		return d.fail(ErrErase, block, -1, err)
	}
	return nil
}

// Zero implements Device.
func (d *File) Zero(block, page int) error {
	if d.off {
		return ErrPowerLost
	}
	if err := d.g.checkPage(block, page); err != nil {
		return err
	}
	clear(d.buffer)
	err := d.store(d.g.index(block, page), d.buffer)
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		return d.fail(ErrZero, block, page, err)
	}
	return nil
}

// Decay implements Decayer.
func (d *File) Decay(block, page, bit int) error {
	if err := d.g.checkBit(block, page, bit); err != nil {
		return err
	}
	return d.alter(block, page, func(data []byte) { data[bit/8] ^= 1 << (bit % 8) })
}

// Dump implements Device. It panics when the host cannot read the file: a
// dump that leaves something out would be false evidence.
func (d *File) Dump() []Page {
	var all []Page
	for i, programmed := range d.programmed {
		if !programmed {
			continue
		}
		p := Page{Block: i / d.g.PagesPerBlock, Page: i % d.g.PagesPerBlock, Data: make([]byte, d.g.PageSize)}
		if err := d.load(i, p.Data); err != nil {
			p.Data, p.Err = nil, d.fail(ErrRead, p.Block, p.Page, err)
		}
		all = append(all, p)
	}
	return all
}

// Wear implements Device.
func (d *File) Wear() []uint64 { return append([]uint64(nil), d.wear...) }

func (d *File) erase(block int) error {
	if d.broken != nil {
		return d.broken
	}
	d.wear[block]++
	if err := d.write(wearEntry(block, d.wear[block]), wearOffset(block)); err != nil {
		return err
	}
	clear(d.buffer)
	for page := range d.g.PagesPerBlock {
		i := d.g.index(block, page)
		if !d.programmed[i] {
			continue
		}
		if err := d.write(d.buffer, d.pageOffset(i)); err != nil {
			return err
		}
		d.programmed[i] = false
	}
	return d.sync()
}

// load reads a page.
func (d *File) load(i int, dst []byte) error {
	if !d.programmed[i] {
		fill(dst)
		return nil
	}
	if _, err := d.f.ReadAt(dst, d.offset+d.pageOffset(i)); err != nil {
		return err
	}
	invert(dst)
	return nil
}

// store writes data to the beginning of a page. data may be the
// buffer, and is not changed otherwise.
func (d *File) store(i int, data []byte) error {
	if d.broken != nil {
		return d.broken
	}
	if len(data) == 0 {
		return nil
	}
	n := copy(d.buffer, data)
	invert(d.buffer[:n])
	d.programmed[i] = true
	return d.write(d.buffer[:n], d.pageOffset(i))
}

// alter changes a page in a way that flash does by itself.
func (d *File) alter(block, page int, change func([]byte)) error {
	i := d.g.index(block, page)
	data := make([]byte, d.g.PageSize)
	if err := d.load(i, data); err != nil {
		return err
	}
	change(data)
	if err := d.store(i, data); err != nil {
		return err
	}
	if err := d.sync(); err != nil {
		return err
	}
	d.programmed[i] = len(trim(data)) > 0
	return nil
}

// write writes at an offset from the beginning of the section.
func (d *File) write(data []byte, offset int64) error {
	_, err := d.f.WriteAt(data, d.offset+offset)
	return d.note(err)
}

// sync ends each operation of the device, once: Device promises that the effect
// of what was acknowledged survives a power cut that comes at once, and the drive
// relies on it three times in a key step. Its count of tries must be there before it
// looks at a PIN, the new record before the old one is destroyed, and the destruction
// before the drive says that it is done.
func (d *File) sync() error {
	d.deferred = false
	return d.note(d.f.Sync())
}

// dataFile is a file of which only the content is synced, and the length.
type dataFile struct{ *os.File }

// Sync is fdatasync where there is one.
func (f dataFile) Sync() error { return syncData(f.File) }

func data(f Backing) Backing {
	if file, ok := f.(*os.File); ok {
		return dataFile{file}
	}
	return f
}

// note keeps the first failure.
func (d *File) note(err error) error {
	if err != nil && d.broken == nil {
		d.broken = err
	}
	return err
}

// fail is an answer of the device with its cause in the host.
func (d *File) fail(kind error, block, page int, cause error) error {
	return fmt.Errorf("%w: %s: %w", at(kind, block, page), d.f.Name(), cause)
}

func (d *File) blank(block, page int) bool { return !d.programmed[d.g.index(block, page)] }

func (d *File) clearBits(block, page int, mask []byte) error {
	return d.alter(block, page, func(data []byte) {
		for i := range mask {
			data[i] &= mask[i]
		}
	})
}

// invert turns what the file holds into what the flash holds, and back.
func invert(data []byte) {
	for len(data) > 0 {
		n := subtle.XORBytes(data, data, ones[:min(len(data), len(ones))])
		data = data[n:]
	}
}
