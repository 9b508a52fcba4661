package repository

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// The fault points of the copies. Block is the number of the copy, from 0; the
// operations of the power points are page writes of all copies.
var (
	PointReadError = fault.Register("repository.read.error",
		"the page of one copy cannot be read; what it holds stays",
		"while another copy is good: a mismatch, repaired at the next reboot; on all copies: a permanent error, nothing is written", fault.HasBlock, fault.HasPage)
	PointReadRot = fault.Register("repository.read.rot",
		"one bit of the stored page flips, and stays so",
		"found by the check sum, then as a page that cannot be read", fault.HasBlock, fault.HasPage)
	PointWriteRefused = fault.Register("repository.write.refused",
		"the page is not written, and the copy reports it",
		"the copy is set aside until the next reboot; the change is made if more than half of the copies take it", fault.HasBlock, fault.HasPage)
	PointWriteLost = fault.Register("repository.write.lost",
		"the page is not written, and the copy reports success",
		"found when the page is read back, then as a page that is refused", fault.HasBlock, fault.HasPage)
	PointPowerBefore = fault.Register("repository.power.before",
		"power is lost before the page is written",
		"the entries are the old or the new ones", fault.HasBlock, fault.HasPage)
	PointPowerTorn = fault.Register("repository.power.torn",
		"power is lost when a part of the page is written",
		"the entries are the old or the new ones", fault.HasBlock, fault.HasPage)
	PointPowerAfter = fault.Register("repository.power.after",
		"power is lost when the page is written",
		"the entries are the old or the new ones", fault.HasBlock, fault.HasPage)
)

// Faulty is the copies of a repository on which a fault plan is carried out. Damage stays when the
// plan is gone. Without a plan everything passes through.
type Faulty struct {
	copies []*faultyCopy
	plan   *fault.Plan
	off    bool
}

type faultyCopy struct {
	set   *Faulty
	index int
	dev   Device
}

// NewFaulty wraps the devices of all copies.
func NewFaulty(devices ...Device) *Faulty {
	f := &Faulty{}
	for i, d := range devices {
		f.copies = append(f.copies, &faultyCopy{f, i, d})
	}
	return f
}

// Devices are the copies, wrapped, in order.
func (f *Faulty) Devices() []Device {
	out := make([]Device, len(f.copies))
	for i, c := range f.copies {
		out[i] = c
	}
	return out
}

// Arm replaces the plan; its counts begin at 0.
func (f *Faulty) Arm(p *fault.Plan) {
	p.Reset()
	f.plan = p
}

// Disarm takes the plan away; what was damaged stays so.
func (f *Faulty) Disarm() { f.plan = nil }

// Plan is the armed plan, or nil.
func (f *Faulty) Plan() *fault.Plan { return f.plan }

// PowerOn restores the power after a power point fired.
func (f *Faulty) PowerOn() { f.off = false }

// Pages implements Device.
func (c *faultyCopy) Pages() int { return c.dev.Pages() }

// ReadPage reads, unless a fault of the plan fires.
func (c *faultyCopy) ReadPage(n int, dst []byte) error {
	if c.set.off {
		return ErrPowerLost
	}
	if p, hit := c.set.plan.Check(fault.Op{Name: "repository.read", Block: c.index, Page: n}); hit {
		if p == PointReadError {
			return fmt.Errorf("%w: copy %d page %d: %s", ErrReadFailed, c.index, n, p)
		}
		if err := c.rot(n); err != nil {
			return err
		}
	}
	return c.dev.ReadPage(n, dst)
}

// rot flips one bit of the page, at a place that depends on the page only.
func (c *faultyCopy) rot(n int) error {
	b := make([]byte, PageSize)
	if err := c.dev.ReadPage(n, b); err != nil {
		return err
	}
	bit := (n*2654435761 + c.index*40503 + 137) % (PageSize * 8)
	b[bit/8] ^= 1 << (bit % 8)
	return c.dev.WritePage(n, b)
}

// WritePage writes, unless a fault of the plan fires.
func (c *faultyCopy) WritePage(n int, src []byte) error {
	if c.set.off {
		return ErrPowerLost
	}
	if p, hit := c.set.plan.Check(fault.Op{Name: "repository.power", Block: c.index, Page: n}); hit {
		return c.cut(p, n, src)
	}
	switch p, hit := c.set.plan.Check(fault.Op{Name: "repository.write", Block: c.index, Page: n}); {
	case hit && p == PointWriteRefused:
		return fmt.Errorf("%w: copy %d page %d: %s", ErrWriteFailed, c.index, n, p)
	case hit:
		return nil
	}
	return c.dev.WritePage(n, src)
}

// cut takes the power at a write.
func (c *faultyCopy) cut(p fault.Point, n int, src []byte) error {
	c.set.off = true
	if p == PointPowerBefore {
		return ErrPowerLost
	}
	b := make([]byte, PageSize)
	if err := c.dev.ReadPage(n, b); err != nil {
		return err
	}
	part := PageSize
	if p == PointPowerTorn {
		part = PageSize / 8 * (1 + n%7) // in sectors of 512 bytes
	}
	copy(b[:part], src)
	if err := c.dev.WritePage(n, b); err != nil {
		return err
	}
	return ErrPowerLost
}
