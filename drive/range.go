package drive

import (
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// ResetKind is a reset other than a power cycle.
type ResetKind uint8

// The reset kinds (TCG Storage Core Specification, type reset_types).
const (
	HardwareReset     ResetKind = iota + 1 // warm reset: power and RAM stay
	HotPlugReset                           // hot reset: the link went down and came back, power stayed
	ProgrammaticReset                      // TPer reset of an Opal drive
)

// ResetSet is the LockOnReset column of a range: which resets lock it, if it is
// lock-enabled.
type ResetSet uint8

// The members of a ResetSet.
const (
	OnPowerCycle ResetSet = 1 << iota
	OnHardware
	OnHotPlug
	OnProgrammatic // of Opal drives

	allResets  = OnPowerCycle | OnHardware | OnHotPlug
	opalResets = allResets | OnProgrammatic
)

// RangeConfig is what a BandMaster sets on a range.
type RangeConfig struct {
	Start, Length    uint64 // sectors; both 0 for the global range; Length 0 is an inactive range
	ReadLockEnabled  bool
	WriteLockEnabled bool
	LockOnReset      ResetSet
}

// RangeInfo is a range as a host may read it.
type RangeInfo struct {
	RangeConfig
	ReadLocked, WriteLocked bool
	AtMSID                  bool // its BandMaster still has the factory PIN; false in an Opal drive
	Disabled                bool // its BandMaster may not authenticate; false in an Opal drive
}

// openAtPowerOn says whether the range, as recorded, will be usable after power
// comes back without anyone authenticating. Exactly then its MEK is wrapped by
// the KEK of the root key; otherwise only by authority keys. A range with only
// one of the two locks enabled counts as closed: a flag must not stand in for a
// key, so after a power loss both directions wait for the BandMaster.
func (g *rangeRecord) openAtPowerOn() bool {
	atPower := g.cfg.LockOnReset&OnPowerCycle != 0
	return !(g.cfg.ReadLockEnabled && (g.readLocked || atPower)) &&
		!(g.cfg.WriteLockEnabled && (g.writeLocked || atPower))
}

// rangeRAM is what the drive knows of a range while it has power.
type rangeRAM struct {
	mek                     *secret.Key64 // nil: no key, no data
	cipher                  *xts.Cipher   // made from mek at the first access
	readLocked, writeLocked bool
}

// drop takes the key out of RAM, and the key schedules made from it.
func (m *rangeRAM) drop() {
	m.mek.Clear()
	m.cipher.Clear()
	m.mek, m.cipher = nil, nil
}

func (m *rangeRAM) use(mek *secret.Key64) {
	m.drop()
	m.mek = mek
}

// shut says whether both directions of the range are locked now.
func shut(g *rangeRecord, m *rangeRAM) bool {
	return g.cfg.ReadLockEnabled && m.readLocked && g.cfg.WriteLockEnabled && m.writeLocked
}

// engaged says whether some direction of the range is locked now.
func engaged(g *rangeRecord, m *rangeRAM) bool {
	return g.cfg.ReadLockEnabled && m.readLocked || g.cfg.WriteLockEnabled && m.writeLocked
}

// LockingInfo is what the drive tells any host of its ranges (TCG Storage Core
// Specification, table LockingInfo).
type LockingInfo struct {
	MaxRanges            int  // ranges beside the global one
	AlignmentRequired    bool // ranges begin and end on the grid only
	LogicalBlockSize     int  // bytes of a sector
	AlignmentGranularity uint64
	LowestAlignedLBA     uint64
}

// LockingInfo needs power, and no record.
func (d *Drive) LockingInfo() (LockingInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.powered {
		return LockingInfo{}, d.ready("locking info")
	}
	return LockingInfo{
		MaxRanges: d.cfg.Ranges, AlignmentRequired: d.cfg.AlignmentRequired(), LogicalBlockSize: d.cfg.SectorSize,
		AlignmentGranularity: max(d.cfg.AlignmentGranularity, 1), LowestAlignedLBA: d.cfg.LowestAlignedLBA,
	}, nil
}

// Range describes range n (0 is the global range). It needs power and a record
// that can be trusted.
func (d *Drive) Range(n int) (RangeInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("range"); err != nil {
		return RangeInfo{}, err
	}
	if n < 0 || n >= len(d.rec.ranges) {
		return RangeInfo{}, d.refuse("range", InvalidParameter, "no range %d, the last is %d", n, len(d.rec.ranges)-1)
	}
	info := RangeInfo{RangeConfig: d.rec.ranges[n].cfg, ReadLocked: d.ram[n].readLocked, WriteLocked: d.ram[n].writeLocked}
	if d.cfg.Personality == Enterprise {
		s := d.rec.slot(BandMaster(n))
		info.AtMSID, info.Disabled = s.atMSID, s.sealed != nil
	}
	return info, nil
}

// rangeOf finds the range of a sector: the one that contains it, else the
// global one.
func (d *Drive) rangeOf(lba uint64) int {
	for n := range d.rec.ranges {
		c := &d.rec.ranges[n].cfg
		// The difference has no sign: in front of the start it wraps round to a number
		// beyond every length. The global range, and one without a place, has the length 0.
		if lba-c.Start < c.Length {
			return n
		}
	}
	return 0
}
