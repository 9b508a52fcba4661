package powercut

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// chip is the flash of one drive, with the drive's media.
type chip struct {
	*flash.Faulty
	mem     *flash.Mem
	sectors *drive.MemMedia
	supply  *supply
	i       int // of the supply's chips
	pages   int // that were to be programmed since something broke
	blocks  int // that were to be erased since
	refused int // pages and blocks
}

func (s *supply) chip(mem *flash.Mem) *chip {
	c := &chip{flash.NewFaulty(mem), mem, drive.NewMemMedia(512), s, len(s.chips), 0, 0, 0}
	s.chips = append(s.chips, c)
	return c
}

// ProgramDeferred implements flash.Deferrer: nothing is deferred.
func (c *chip) ProgramDeferred(block, page int, data []byte) error {
	return c.Program(block, page, data)
}

// Program implements flash.Device.
func (c *chip) Program(block, page int, data []byte) error {
	if c.pages++; c.supply.on && c.supply.with.program && c.pages == 1 {
		c.refused++
		return flash.ErrProgram
	}
	return c.change(func(f *flash.Faulty) error { return f.Program(block, page, data) })
}

// Erase implements flash.Device.
func (c *chip) Erase(block int) error {
	if c.blocks++; c.supply.on && c.supply.with.erase && c.blocks == 1 {
		c.refused++
		return flash.ErrErase
	}
	return c.change(func(f *flash.Faulty) error { return f.Erase(block) })
}

// Zero implements flash.Device.
func (c *chip) Zero(block, page int) error {
	return c.change(func(f *flash.Faulty) error { return f.Zero(block, page) })
}

func (c *chip) change(do func(f *flash.Faulty) error) error {
	if !c.supply.on {
		return do(c.Faulty)
	}
	err := c.supply.change(change{
		drive: c.i,
		whole: func(s *supply) error { return do(s.chips[c.i].Faulty) },
		cells: func(s *supply, at cut) bool { return s.chips[c.i].tear(at, do) },
	})
	if errors.Is(err, errPower) {
		return flash.ErrPowerLost
	}
	return err
}

// tear makes what a cut leaves of a change. Where the flash tears follows from the cut and from what is
// written alone.
func (c *chip) tear(at cut, do func(f *flash.Faulty) error) (reached bool) {
	f := flash.NewFaulty(c.mem, flash.WithTearSeed(uint64(at.k)))
	f.TearAt(at.mode.place)
	f.Arm(fault.MustParse(fmt.Sprintf("(flash.power.%s (OnIndex 0))", at.mode.how)))
	_ = do(f) // the power is lost, or the change is refused
	return len(f.Plan().Fired()) > 0
}

// state writes all that outlives the power in a drive.
func (c *chip) state(out io.Writer) {
	for _, p := range c.mem.Dump() {
		fmt.Fprintf(out, "%d.%d:", p.Block, p.Page)
		_, _ = out.Write(p.Data) // of a hash: it does not fail
	}
	sector := make([]byte, 512)
	for _, lba := range c.sectors.Written() {
		if _, err := c.sectors.ReadSector(lba, sector); err != nil {
			panic("BUG: " + err.Error())
		}
		fmt.Fprintf(out, "sector %d:", lba)
		_, _ = out.Write(sector)
	}
}

// media is that of one drive. A sector of 512 bytes is written whole or not at all.
type media struct {
	*drive.MemMedia
	chip *chip
}

// media are those of the chip's drive.
func (c *chip) media() media { return media{c.sectors, c} }

// WriteSector implements drive.Media.
func (m media) WriteSector(lba uint64, src []byte) error {
	err := m.chip.supply.change(change{
		drive: m.chip.i,
		whole: func(s *supply) error { return s.chips[m.chip.i].sectors.WriteSector(lba, src) },
	})
	if errors.Is(err, errPower) {
		return fmt.Errorf("%w: %w", drive.ErrMedia, err)
	}
	return err
}

// pages are the medium of one copy of a repository, in memory. A page is never changed: another takes its
// place.
type pages struct{ all []*page }

// page is a page with its hash.
type page struct {
	data []byte
	sum  [sha256.Size]byte
}

func newPages(n int) *pages { return &pages{make([]*page, n)} }

// Pages implements repository.Device.
func (p *pages) Pages() int { return len(p.all) }

// ReadPage implements repository.Device.
func (p *pages) ReadPage(n int, dst []byte) error {
	if n < 0 || n >= len(p.all) || len(dst) != repository.PageSize {
		return fmt.Errorf("powercut: page %d with %d bytes, need 0 to %d with %d", n, len(dst), len(p.all)-1, repository.PageSize)
	}
	if p.all[n] == nil {
		clear(dst)
		return nil
	}
	copy(dst, p.all[n].data)
	return nil
}

// WritePage implements repository.Device.
func (p *pages) WritePage(n int, src []byte) error {
	data := make([]byte, repository.PageSize)
	if err := p.ReadPage(n, data); err != nil {
		return err
	}
	if len(src) != len(data) {
		return fmt.Errorf("powercut: page %d with %d bytes, need %d", n, len(src), len(data))
	}
	copy(data, src)
	p.all[n] = &page{data, sha256.Sum256(data)}
	return nil
}

// state writes what a copy holds.
func (p *pages) state(out io.Writer) {
	for n, one := range p.all {
		if one != nil {
			fmt.Fprintf(out, "%d:%x", n, one.sum)
		}
	}
	fmt.Fprint(out, ";")
}

// copyOf is the medium of one copy of a repository, on the supply.
type copyOf struct {
	supply *supply
	i      int // of the supply's copies
}

// newCopy is one more copy with n pages.
func (s *supply) newCopy(n int) repository.Device {
	s.copies = append(s.copies, newPages(n))
	return copyOf{s, len(s.copies) - 1}
}

// devices are all copies.
func (s *supply) devices() (all []repository.Device) {
	for i := range s.copies {
		all = append(all, copyOf{s, i})
	}
	return all
}

// Pages implements repository.Device.
func (c copyOf) Pages() int { return c.supply.copies[c.i].Pages() }

// ReadPage implements repository.Device.
func (c copyOf) ReadPage(n int, dst []byte) error {
	if !c.supply.on {
		return repository.ErrPowerLost
	}
	return c.supply.copies[c.i].ReadPage(n, dst)
}

// WritePage implements repository.Device.
func (c copyOf) WritePage(n int, src []byte) error {
	err := c.supply.change(change{
		drive: -1,
		whole: func(s *supply) error { return s.copies[c.i].WritePage(n, src) },
		part: func(s *supply, at cut) error {
			page := make([]byte, repository.PageSize)
			if err := s.copies[c.i].ReadPage(n, page); err != nil {
				return err
			}
			have := len(src) / 2
			if at.mode.place != nil {
				have = at.mode.place(len(src))
			}
			copy(page[:have], src)
			return s.copies[c.i].WritePage(n, page)
		},
	})
	if errors.Is(err, errPower) {
		return repository.ErrPowerLost
	}
	return err
}

// disk is the file system of the host. It loses what was not synced.
type disk struct {
	*crashfs.FS
	supply *supply
	loss   uint64
}

func (s *supply) newDisk() *disk {
	s.disk = &disk{FS: crashfs.New(), supply: s, loss: everything}
	return s.disk
}

// restart is what the disk has after the power came back.
func (d *disk) restart() { d.FS, d.loss = d.AfterCut(d.loss), everything }

// everything is what a disk keeps whose host ended in good order.
const everything = 1

// change makes a change on the disk. What a cut leaves of it, and of what was not synced before, follows
// from the mode.
func (d *disk) change(whole func() error, do func(d *disk) error) error {
	return d.supply.change(change{
		drive: -1,
		whole: func(s *supply) error {
			if s == d.supply {
				return whole()
			}
			return do(s.disk)
		},
		part: func(s *supply, _ cut) error {
			s.disk.CutAt(s.disk.Changes())
			return do(s.disk)
		},
	})
}

// SyncDir brings the names in a directory to the disk.
func (d *disk) SyncDir(dir string) error {
	sync := func(d *disk) error { return d.FS.SyncDir(dir) }
	return d.change(func() error { return sync(d) }, sync)
}

// diskFile is a file on it.
type diskFile struct {
	*crashfs.File
	disk *disk
}

var _ erase.JournalFile = diskFile{}

// change makes a change of the file: of f itself, or of the file of its name on a copy of the disk.
func (f diskFile) change(whole func() error, do func(c *crashfs.File) error) error {
	return f.disk.change(whole, func(d *disk) error {
		c, err := d.Open(f.Name())
		if err != nil {
			return err
		}
		return do(c)
	})
}

// Write implements io.Writer.
func (f diskFile) Write(p []byte) (n int, err error) {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	err = f.change(
		func() (err error) { n, err = f.File.Write(p); return err },
		func(c *crashfs.File) error { _, err := c.WriteAt(p, at); return err },
	)
	return n, err
}

// Truncate changes the length.
func (f diskFile) Truncate(size int64) error {
	return f.change(func() error { return f.File.Truncate(size) }, func(c *crashfs.File) error { return c.Truncate(size) })
}

// Sync brings the content to the disk.
func (f diskFile) Sync() error {
	return f.change(f.File.Sync, (*crashfs.File).Sync)
}
