package flash

import "github.com/seed-9d983aeb/fdelab/drive/fault"

// Faulty is a device on which a fault plan is carried out. It fails and tears
// as broken flash does, in the device that it wraps: what it damages stays
// damaged when the plan is gone. With no plan armed it passes everything
// through.
type Faulty struct {
	dev    Device
	plan   *fault.Plan
	off    bool
	seed   uint64
	place  func(n int) int // where the next tears are; nil is by the seed
	counts Counts
}

// Counts is how many operations found the device with power on, those that
// were answered with an error included.
type Counts struct {
	Reads, Programs, Erases, Zeros uint64
}

// Mutations is the count of operations that change the flash.
func (c Counts) Mutations() uint64 { return c.Programs + c.Erases + c.Zeros }

// FaultyOption is a choice at the construction of a Faulty.
type FaultyOption func(*Faulty)

// WithTearSeed chooses the places at which pages tear and rot. Two devices
// with the same seed and the same operations tear in the same places. The
// default seed is 0.
func WithTearSeed(seed uint64) FaultyOption {
	return func(f *Faulty) { f.seed = seed }
}

// TearAt chooses the places at which pages and blocks tear from now on. place(n) says how many of the n
// bytes of a page, or of the n programmed pages of a block, an operation changes whole before the one
// in which it tears: 0 to n-1, and what lies outside is brought there. The pages of a block are erased
// from its first on. nil is back to places by the seed.
func (f *Faulty) TearAt(place func(n int) int) { f.place = place }

// blanker is a device that knows without reading whether a page is blank.
type blanker interface {
	blank(block, page int) bool
}

// clearer is a device in which single bits can be cleared, as a cut overwrite
// does. mask is at most a page long; its zeros are the bits to clear.
type clearer interface {
	clearBits(block, page int, mask []byte) error
}

var (
	_ Device  = (*Faulty)(nil)
	_ Decayer = (*Faulty)(nil)
	_ blanker = (*Faulty)(nil)

	_ BlankChecker = (*Faulty)(nil)
	_ Deferrer     = (*Faulty)(nil)
)

// NewFaulty wraps dev, which must have power on and must from now on be used
// through the Faulty alone.
func NewFaulty(dev Device, options ...FaultyOption) *Faulty {
	f := &Faulty{dev: dev}
	for _, o := range options {
		o(f)
	}
	return f
}

// Arm carries out plan from the next operation on, in place of the plan before
// it. The counts of the plan start at 0. Its rules for points of other
// components never fire here. A nil plan is Disarm.
func (f *Faulty) Arm(plan *fault.Plan) {
	plan.Reset()
	f.plan = plan
}

// Disarm heals the device, but not what was damaged.
func (f *Faulty) Disarm() { f.plan = nil }

// Plan is the armed plan, or nil.
func (f *Faulty) Plan() *fault.Plan { return f.plan }

// Ops counts the operations since construction.
func (f *Faulty) Ops() Counts { return f.counts }

// Geometry implements Device.
func (f *Faulty) Geometry() Geometry { return f.dev.Geometry() }

// PowerOn implements Device.
func (f *Faulty) PowerOn() {
	f.off = false
	f.dev.PowerOn()
}

// PowerOff implements Device.
func (f *Faulty) PowerOff() {
	f.off = true
	f.dev.PowerOff()
}

// Dump implements Device.
func (f *Faulty) Dump() []Page { return f.dev.Dump() }

// Wear implements Device.
func (f *Faulty) Wear() []uint64 { return f.dev.Wear() }

// Decay implements Decayer, where the device below does; else it fails.
func (f *Faulty) Decay(block, page, bit int) error {
	if d, ok := f.dev.(Decayer); ok {
		return d.Decay(block, page, bit)
	}
	return errNoDecay
}

// Read implements Device.
func (f *Faulty) Read(block, page int, dst []byte) error {
	if f.off {
		return ErrPowerLost
	}
	f.counts.Reads++
	if f.plan == nil {
		return f.dev.Read(block, page, dst)
	}
	return f.readArmed(block, page, dst)
}

// Blank implements BlankChecker. It is a read, and fails as one.
func (f *Faulty) Blank(block, page int) (bool, error) {
	g := f.dev.Geometry()
	if f.off || f.plan != nil || g.checkPage(block, page) != nil {
		buffer := make([]byte, g.PageSize)
		err := f.Read(block, page, buffer)
		return err == nil && len(trim(buffer)) == 0, err
	}
	f.counts.Reads++
	if c, ok := f.dev.(BlankChecker); ok {
		return c.Blank(block, page)
	}
	return Blank(f.dev, block, page, make([]byte, g.PageSize))
}

// Program implements Device.
func (f *Faulty) Program(block, page int, data []byte) error {
	if f.off {
		return ErrPowerLost
	}
	f.counts.Programs++
	if f.plan == nil {
		return f.dev.Program(block, page, data)
	}
	return f.programArmed(block, page, data)
}

// ProgramDeferred implements Deferrer. Under a plan it is Program.
func (f *Faulty) ProgramDeferred(block, page int, data []byte) error {
	if f.off || f.plan != nil {
		return f.Program(block, page, data)
	}
	f.counts.Programs++
	return ProgramDeferred(f.dev, block, page, data)
}

// Erase implements Device.
func (f *Faulty) Erase(block int) error {
	if f.off {
		return ErrPowerLost
	}
	f.counts.Erases++
	if f.plan == nil {
		return f.dev.Erase(block)
	}
	return f.eraseArmed(block)
}

// Zero implements Device.
func (f *Faulty) Zero(block, page int) error {
	if f.off {
		return ErrPowerLost
	}
	f.counts.Zeros++
	if f.plan == nil {
		return f.dev.Zero(block, page)
	}
	return f.zeroArmed(block, page)
}
