package drive

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// The fault points of the media.
var (
	PointMediaReadError = fault.Register("media.read.error",
		"the sector cannot be read; what it holds stays",
		"the command ends with a media failure, other sectors and every key are untouched", fault.HasLBA)
	PointMediaWriteError = fault.Register("media.write.error",
		"the sector cannot be written; it keeps what it held",
		"the command ends with a media failure, other sectors and every key are untouched", fault.HasLBA)
)

// FaultyMedia is a Media that fails where its plan says so. Disarmed, as it
// begins, it is the Media inside.
type FaultyMedia struct {
	Media
	plan *fault.Plan // nil when disarmed
}

// NewFaultyMedia wraps m.
func NewFaultyMedia(m Media) *FaultyMedia { return &FaultyMedia{Media: m} }

// Arm replaces the plan; its counts begin at 0. Rules for points of other
// components never fire here.
func (m *FaultyMedia) Arm(p *fault.Plan) {
	p.Reset()
	m.plan = p
}

// Disarm takes the plan away.
func (m *FaultyMedia) Disarm() { m.plan = nil }

// Plan is the armed plan, to ask what fired; nil when disarmed.
func (m *FaultyMedia) Plan() *fault.Plan { return m.plan }

// ReadSector reads, unless the plan fires media.read.error.
func (m *FaultyMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	if p, hit := m.plan.Check(fault.Op{Name: "media.read", LBA: lba}); hit {
		clear(dst)
		return false, fmt.Errorf("%w: sector %d: %s", ErrMedia, lba, p)
	}
	return m.Media.ReadSector(lba, dst)
}

// WriteSector writes, unless the plan fires media.write.error.
func (m *FaultyMedia) WriteSector(lba uint64, src []byte) error {
	if p, hit := m.plan.Check(fault.Op{Name: "media.write", LBA: lba}); hit {
		return fmt.Errorf("%w: sector %d: %s", ErrMedia, lba, p)
	}
	return m.Media.WriteSector(lba, src)
}

// Discard forgets sectors, where the Media inside can: one by one under a plan, unless that fires
// media.write.error.
func (m *FaultyMedia) Discard(lba, n uint64) error {
	inside, ok := m.Media.(Discarder)
	if !ok {
		return errors.ErrUnsupported
	}
	if m.plan == nil {
		return inside.Discard(lba, n)
	}
	for at := lba; at < lba+n; at++ {
		if p, hit := m.plan.Check(fault.Op{Name: "media.write", LBA: at}); hit {
			return fmt.Errorf("%w: sector %d: %s", ErrMedia, at, p)
		}
		if err := inside.Discard(at, 1); err != nil {
			return err
		}
	}
	return nil
}

// Sync syncs the Media inside, where it has to be.
func (m *FaultyMedia) Sync() error {
	if inside, ok := m.Media.(Syncer); ok {
		return inside.Sync()
	}
	return nil
}
