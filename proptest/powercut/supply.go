package powercut

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// errPower is what everything but flash answers once power is gone.
var errPower = errors.New("the power is gone")

// mode is how the power goes.
type mode struct {
	name  string
	how   string          // before, torn, after
	place func(n int) int // torn: how many of the n bytes that are written are there; nil is half
	loss  uint64          // which of the writes that were not synced are lost: see crashfs.FS.AfterCut
	drive bool            // only of the drive
}

var (
	before = mode{name: "before", how: "before"}
	torn   = mode{name: "torn", how: "torn", loss: 2}
	after  = mode{name: "after", how: "after", loss: 1}

	tornFirst  = mode{name: "torn-first", how: "torn", place: func(int) int { return 0 }, loss: 4}
	tornHeader = mode{name: "torn-header", how: "torn", place: func(int) int { return 16 }, loss: 7}
	tornSector = mode{name: "torn-sector", how: "torn", place: func(n int) int { return max(0, n-512) }, loss: 12}
	tornSum    = mode{name: "torn-sum", how: "torn", place: func(n int) int { return n - 4 }, loss: 3}
	tornLast   = mode{name: "torn-last", how: "torn", place: func(n int) int { return n - 1 }, loss: 8}

	driveBefore = mode{name: "drive-before", how: "before", drive: true}
	driveTorn   = mode{name: "drive-torn", how: "torn", drive: true}
	driveAfter  = mode{name: "drive-after", how: "after", drive: true}

	modes = []mode{before, torn, after, driveBefore, driveTorn, driveAfter}
	// deepModes are those of the first cut of a deep sweep. What a cut leaves before one change is what it
	// leaves after the change in front of it: later cuts need no mode "before".
	deepModes   = []mode{before, tornFirst, tornHeader, tornSector, tornSum, tornLast, after, driveBefore, driveTorn, driveAfter}
	secondModes = []mode{torn}
	deepSecond  = []mode{tornHeader, tornSum, after}
	third       = tornSum
)

// cut is one cut: the mode and the change, counted from 0.
type cut struct {
	mode mode
	k    int
}

// cuts are the cut of an operation, of the start after it, of the start after that.
type cuts []cut

func (c cuts) String() string {
	var all []string
	for _, one := range c {
		all = append(all, fmt.Sprintf("%s@%d", one.mode.name, one.k))
	}
	return strings.Join(all, "+")
}

// then is c and one more, in room of its own.
func (c cuts) then(one cut) cuts { return append(slices.Clone(c), one) }

// depthMax is how many cuts one run has at most.
const depthMax = 3

// parsePoint reads "torn@3" or "torn@3+after@0"; "" is no point.
func parsePoint(text string) (cuts, error) {
	if text == "" {
		return nil, nil
	}
	all := slices.Concat(modes, deepModes)
	var point cuts
	for part := range strings.SplitSeq(text, "+") {
		name, k, _ := strings.Cut(part, "@")
		n, err := strconv.ParseUint(k, 10, 16)
		i := slices.IndexFunc(all, func(m mode) bool { return m.name == name })
		if err != nil || i < 0 || len(point) == depthMax {
			return nil, fmt.Errorf("%w: point %q, want MODE@N of before, torn, after or one of theirs, and +MODE@N for each cut of a start, at most %d in all", ErrOptions, text, depthMax)
		}
		point = append(point, cut{all[i], int(n)})
	}
	return point, nil
}

// supply is the power of everything in one run.
type supply struct {
	on    bool
	n     int  // changes since it was armed
	cut   *cut // nil is none
	fired bool
	chips []*chip
	disk  *disk
}

// arm lets the power go at the cut; nil is never.
func (s *supply) arm(c *cut) { s.n, s.cut, s.fired = 0, c, false }

// start brings the power back. The chips wait for their drives.
func (s *supply) start() {
	s.on = true
	if s.disk != nil {
		s.disk.restart()
	}
}

// due counts a change and says whether the power goes in it. ofDrive: it is a change in a drive.
func (s *supply) due(ofDrive bool) bool {
	if s.cut == nil || s.fired || s.cut.mode.drive && !ofDrive {
		return false
	}
	s.n++
	return s.n-1 == s.cut.k
}

// gone takes the power.
func (s *supply) gone(at *chip) {
	s.fired = true
	if s.cut.mode.drive {
		at.PowerOff()
		return
	}
	if s.disk != nil {
		s.disk.loss = s.cut.mode.loss
	}
	s.on = false
	for _, c := range s.chips {
		c.PowerOff()
	}
}

// change makes a change that is not of flash: whole, in part, or not at all.
func (s *supply) change(at *chip, whole, part func() error) error {
	if !s.on {
		return errPower
	}
	if !s.due(at != nil) {
		return whole()
	}
	defer s.gone(at)
	switch s.cut.mode.how {
	case "torn":
		return errors.Join(part(), errPower)
	case "after":
		return errors.Join(whole(), errPower)
	}
	return errPower
}

// chip is the flash of one drive.
type chip struct {
	*flash.Faulty
	supply *supply
}

func (s *supply) chip(dev flash.Device) *chip {
	c := &chip{flash.NewFaulty(dev), s}
	s.chips = append(s.chips, c)
	return c
}

// ProgramDeferred implements flash.Deferrer: nothing is deferred.
func (c *chip) ProgramDeferred(block, page int, data []byte) error {
	return c.Program(block, page, data)
}

// Program implements flash.Device.
func (c *chip) Program(block, page int, data []byte) error {
	return c.change(func() error { return c.Faulty.Program(block, page, data) })
}

// Erase implements flash.Device.
func (c *chip) Erase(block int) error {
	return c.change(func() error { return c.Faulty.Erase(block) })
}

// Zero implements flash.Device.
func (c *chip) Zero(block, page int) error {
	return c.change(func() error { return c.Faulty.Zero(block, page) })
}

func (c *chip) change(do func() error) error {
	if !c.supply.on || !c.supply.due(true) {
		return do()
	}
	c.TearAt(c.supply.cut.mode.place)
	c.Arm(fault.MustParse(fmt.Sprintf("(flash.power.%s (OnIndex 0))", c.supply.cut.mode.how)))
	err := do()
	if len(c.Plan().Fired()) > 0 {
		c.supply.gone(c)
	} else {
		c.supply.n-- // it was refused and reached no cell
	}
	c.Disarm()
	return err
}

// media is that of one drive. A sector of 512 bytes is written whole or not at all.
type media struct {
	drive.Media
	chip *chip
}

// WriteSector implements drive.Media.
func (m media) WriteSector(lba uint64, src []byte) error {
	nothing := func() error { return nil }
	err := m.chip.supply.change(m.chip, func() error { return m.Media.WriteSector(lba, src) }, nothing)
	if errors.Is(err, errPower) {
		return fmt.Errorf("%w: %w", drive.ErrMedia, err)
	}
	return err
}

// copyOf is the medium of one copy of a repository.
type copyOf struct {
	*repository.MemDevice
	supply *supply
}

// ReadPage implements repository.Device.
func (c copyOf) ReadPage(n int, dst []byte) error {
	if !c.supply.on {
		return repository.ErrPowerLost
	}
	return c.MemDevice.ReadPage(n, dst)
}

// WritePage implements repository.Device.
func (c copyOf) WritePage(n int, src []byte) error {
	err := c.supply.change(nil, func() error { return c.MemDevice.WritePage(n, src) }, func() error {
		page := make([]byte, repository.PageSize)
		if err := c.MemDevice.ReadPage(n, page); err != nil {
			return err
		}
		have := len(src) / 2
		if place := c.supply.cut.mode.place; place != nil {
			have = place(len(src))
		}
		copy(page[:have], src)
		return c.MemDevice.WritePage(n, page)
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
func (d *disk) change(do func() error) error {
	lost := func() error {
		d.CutAt(d.Changes())
		return do()
	}
	return d.supply.change(nil, do, lost)
}

// diskFile is a file on it.
type diskFile struct {
	*crashfs.File
	disk *disk
}

var _ erase.JournalFile = diskFile{}

// Write implements io.Writer.
func (f diskFile) Write(p []byte) (n int, err error) {
	err = f.disk.change(func() (err error) { n, err = f.File.Write(p); return err })
	return n, err
}

// Truncate changes the length.
func (f diskFile) Truncate(size int64) error {
	return f.disk.change(func() error { return f.File.Truncate(size) })
}

// Sync brings the content to the disk.
func (f diskFile) Sync() error { return f.disk.change(f.File.Sync) }
