package raslab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/remote"
)

// The drives of the lab by default: no bands besides the global one, a try limit that survives a
// power cycle, and stretching cheap enough for thousands of drives (assumptions; every credential
// of a facility is 32 bytes and needs no stretching).
const (
	driveModel      = "fdelab SED"
	driveTryLimit   = 16
	driveIterations = 16
)

// A Part is one physical drive: the electronics and what is wired to it. It is
// what a service person holds in the hand, and where a test reaches in with a
// soldering iron.
type Part struct {
	Drive Drive
	Label drive.Label   // what is printed on it, the PSID included
	Flash *flash.Faulty // its security area, with the fault injector in front; nil for a drive of another make

	media *drive.FaultyMedia // nil for a drive of another make
	plan  *fault.Plan        // for the port; flash and media have clones
	dead  bool
	plain bool  // it has no security protocol: it stores what it is given in the clear
	slot  *slot // where it is plugged in; nil on the shelf

	wire   *remote.Drive // how a facility with Options.Wire reaches it; nil: none did yet
	direct direct        // how any other does
}

// PartConfig is what the factory decides of a drive for the shelf.
type PartConfig struct {
	SectorSize int    // bytes, 512 or 4096
	Sectors    uint64 // capacity
	Bands      int    // bands beside the global one, 0 to drive.MaxRanges
	// Volatile is a drive that forgets its counts of wrong PINs when it loses its power
	// (TCG Storage Core, C_PIN, Persistence).
	Volatile bool
}

func (c PartConfig) drive(serial string) drive.Config {
	return drive.Config{
		Serial: serial, Model: driveModel, SectorSize: c.SectorSize, Sectors: c.Sectors, Ranges: c.Bands,
		TryLimit: driveTryLimit, Persistent: !c.Volatile, PBKDF2Iterations: driveIterations,
	}
}

func manufacture(seed uint64, serial string, c PartConfig) (*Part, error) {
	p := &Part{
		Flash: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry)),
		media: drive.NewFaultyMedia(drive.NewMemMedia(c.SectorSize)),
	}
	parts := drive.Parts{Flash: &supplied{p.Flash, p}, Media: p.media, Entropy: entropy.Stream(seed, "drive/"+serial)}
	d, label, err := drive.Manufacture(c.drive(serial), parts)
	if err != nil {
		return nil, fmt.Errorf("raslab: manufacture %s: %w", serial, err)
	}
	p.Drive, p.Label = d, label
	d.PowerOff()
	return p, nil
}

// Serial is the drive's serial number.
func (p *Part) Serial() string { return p.Label.Serial }

// Arm arms a fault plan on the part, such as "(flash.erase.refused (OnIndex 0))". The plan may name
// points of the flash, the media and the port together. It replaces an earlier plan. Each part
// counts operations on its own copies, so that one plan can be armed on several parts.
func (p *Part) Arm(plan *fault.Plan) error {
	if plan == nil {
		return refuse(ErrInvalid, "fault arm", "there is no plan", "fault disarm takes one away")
	}
	for _, point := range plan.Points() {
		switch c := point.Component(); {
		case c == "port":
		case !slices.Contains(injectable, c):
			return refuse(ErrInvalid, "fault arm", "a drive has no fault point "+string(point), "points of flash, media and port are right here")
		case p.injector(c) == nil:
			return refuse(ErrInvalid, "fault arm", fmt.Sprintf("drive %s lets no faults into its %s", quoted(p.Serial()), c), "points of port are right here")
		}
	}
	p.plan = plan.Clone()
	for _, c := range injectable {
		if i := p.injector(c); i != nil {
			i.Arm(plan.Clone())
		}
	}
	p.touch()
	return nil
}

// Disarm takes the fault plan away; what it broke stays broken.
func (p *Part) Disarm() {
	p.plan = nil
	for _, c := range injectable {
		if i := p.injector(c); i != nil {
			i.Disarm()
		}
	}
	p.touch()
}

// Plan is the armed fault plan as text, "" if there is none.
func (p *Part) Plan() string { return p.plan.String() }

// Break kills the electronics for good: the drive answers nothing and never
// powers on again. Flash and platters stay as they are.
func (p *Part) Break() {
	p.dead = true
	p.Drive.PowerOff()
}

// Plain says whether it is a drive that cannot encrypt.
func (p *Part) Plain() bool { return p.plain }

// Dead says whether the electronics are broken.
func (p *Part) Dead() bool { return p.dead }

// touch tells the facility that the fast path to this drive is no longer safe.
func (p *Part) touch() {
	if p.slot != nil {
		p.slot.lab.health.stale = true
	}
}

// Shelf holds loose drives: new spare parts and drives that were pulled from
// slots. It outlives a facility, so that a drive configured in one can be put
// into another. It is not safe for concurrent use.
type Shelf struct {
	seed    uint64
	ordered int
	parts   []*Part
}

// NewShelf is an empty shelf. The seed decides the keys of the spare parts that
// it orders.
func NewShelf(seed uint64) *Shelf { return &Shelf{seed: seed} }

// Order gets a new spare part from the factory, in the state Erased, with the
// given sector size (bytes) and capacity (sectors).
func (s *Shelf) Order(sectorSize int, sectors uint64) (*Part, error) {
	return s.OrderAs(PartConfig{SectorSize: sectorSize, Sectors: sectors})
}

// OrderAs is Order for a drive of a chosen configuration.
func (s *Shelf) OrderAs(c PartConfig) (*Part, error) {
	p, err := manufacture(s.seed, fmt.Sprintf("FRU%05d", s.ordered+1), c)
	if err != nil {
		return nil, err
	}
	s.ordered++
	s.parts = append(s.parts, p)
	return p, nil
}

// OrderPlain gets a spare part that cannot encrypt: it reads and writes like the
// others, and has no security protocol.
func (s *Shelf) OrderPlain(sectorSize int, sectors uint64) (*Part, error) {
	p, err := s.Order(sectorSize, sectors)
	if err == nil {
		p.plain = true
	}
	return p, err
}

// Add puts a drive of any make on the shelf, and takes its power. label is what is printed on it; the
// zero Label has the serial number alone, so that no PSID revert is possible. The label of another
// serial number is refused, and so is a drive.Config that is not valid.
//
// A power loss of the facility (sfi.power.cut) ends a command of such a drive before it arrives, never
// between two writes inside the drive: only our own drives have their flash fed by the slot.
func (s *Shelf) Add(d Drive, label drive.Label) (*Part, error) {
	const op = "shelf add"
	if d == nil {
		return nil, refuse(ErrInvalid, op, "there is no drive", "give one")
	}
	c := d.Config()
	if err := c.Validate(); err != nil {
		return nil, refuse(ErrInvalid, op, err.Error(), "a drive.Config that Validate accepts")
	}
	p := &Part{Drive: d}
	if err := p.labelled(op, label); err != nil {
		return nil, err
	}
	d.PowerOff()
	s.parts = append(s.parts, p)
	return p, nil
}

// labelled sticks a label on the drive. With the zero Label only the serial number is known.
func (p *Part) labelled(op string, label drive.Label) error {
	serial := p.Drive.Serial()
	if label.PSID.Len() == 0 {
		label = drive.Label{Serial: serial}
	}
	if label.Serial != serial {
		return refuse(ErrInvalid, op, fmt.Sprintf("the label is of drive %q, and this is drive %q", label.Serial, serial), "name the label that was kept with this drive")
	}
	p.Label = label
	return nil
}

// Parts lists what lies on the shelf, in the order in which it was put there.
func (s *Shelf) Parts() []*Part { return append([]*Part(nil), s.parts...) }

// Find gets a part by its name, or nil if none or several have the name. A name is a serial number.
// A match as typed comes first, then one in any case, then one without the blanks around it. The
// second of two parts with one serial number is SERIAL#2.
func (s *Shelf) Find(name string) *Part {
	if found := s.named(name); len(found) == 1 {
		return found[0]
	}
	return nil
}

func (s *Shelf) named(name string) (found []*Part) {
	for _, same := range []func(serial string) bool{
		func(serial string) bool { return serial == name },
		func(serial string) bool { return strings.EqualFold(serial, name) },
		func(serial string) bool { return strings.EqualFold(strings.TrimSpace(serial), strings.TrimSpace(name)) },
	} {
		for _, p := range s.parts {
			if same(p.Serial()) {
				found = append(found, p)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	if i := strings.LastIndexByte(name, '#'); i > 0 {
		n, err := strconv.Atoi(name[i+1:])
		if all := s.named(name[:i]); err == nil && n >= 1 && n <= len(all) {
			return all[n-1 : n]
		}
	}
	return nil
}

// Name is the name by which Find gets this part: its serial number, and its place among parts with
// the same number.
func (s *Shelf) Name(p *Part) string {
	all := s.named(p.Serial())
	if len(all) < 2 {
		return p.Serial()
	}
	return fmt.Sprintf("%s#%d", p.Serial(), slices.Index(all, p)+1)
}

func (s *Shelf) take(p *Part) {
	for i := range s.parts {
		if s.parts[i] == p {
			s.parts = append(s.parts[:i:i], s.parts[i+1:]...)
			return
		}
	}
	panic("BUG: raslab: part is not on the shelf")
}

// OrderSpare orders a spare part for the shelf that fits this facility.
func (l *Lab) OrderSpare() (*Part, error) {
	return l.OrderSpareAs(l.part())
}

// OrderSpareAs orders a spare part for the shelf that need not fit this facility.
func (l *Lab) OrderSpareAs(c PartConfig) (*Part, error) {
	p, err := l.options.Shelf.OrderAs(c)
	if err == nil {
		l.logf("shelf", "new spare part %s", p.Serial())
	}
	return p, err
}

// OrderPlainSpare orders a spare part that fits this facility and cannot encrypt.
func (l *Lab) OrderPlainSpare() (*Part, error) {
	p, err := l.options.Shelf.OrderPlain(l.options.SectorSize, l.options.Sectors)
	if err == nil {
		l.logf("shelf", "new spare part %s, without encryption", p.Serial())
	}
	return p, err
}

func (l *Lab) onShelf(op, serial string) (*Part, error) {
	shelf := l.options.Shelf
	found := shelf.named(serial)
	if len(found) == 1 {
		return found[0], nil
	}
	have := make([]string, 0, len(shelf.parts))
	for _, p := range shelf.parts {
		have = append(have, quoted(shelf.Name(p)))
	}
	if len(found) > 1 {
		return nil, refuse(ErrInvalid, op, fmt.Sprintf("%d drives %q lie on the shelf", len(found), serial), "name one of them; on the shelf: "+strings.Join(have, ", "))
	}
	right := "the shelf is empty: order a spare part first"
	if len(have) > 0 {
		right = "on the shelf: " + strings.Join(have, ", ")
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("no drive %q lies on the shelf", serial), right)
}

// part is what the drives of this facility are like.
func (l *Lab) part() PartConfig {
	return PartConfig{SectorSize: l.options.SectorSize, Sectors: l.options.Sectors, Bands: l.options.Bands}
}
