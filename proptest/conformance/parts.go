package conformance

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// held are the parts that the suite gives to a device, and holds itself. They are a Dumper, a
// Breaker and a Feeder.
type held struct {
	size   int
	mem    *flash.Mem
	faulty *flash.Faulty
	fuse   *tripwire
	disk   *drive.MemMedia
	media  *drive.FaultyMedia
	count  *counter
	source *source
}

// newHeld makes blank parts for a wish, and fills them in.
func newHeld(w *Wish) *held {
	h := &held{size: w.SectorSize, mem: flash.NewMem(w.Geometry), disk: drive.NewMemMedia(w.SectorSize)}
	h.faulty = flash.NewFaulty(h.mem, flash.WithTearSeed(w.Seed))
	h.fuse = &tripwire{Device: h.faulty}
	h.count = &counter{Media: h.disk}
	h.media = drive.NewFaultyMedia(h.count)
	h.source = &source{own: entropy.Stream(w.Seed, "conformance")}
	h.source.feed(w.Entropy)
	w.Parts = drive.Parts{Flash: h.fuse, Media: h.media, Entropy: h.source}
	return h
}

// Dump is what a soldering iron gets: below every fault.
func (h *held) Dump() drive.Dump {
	return drive.Dump{
		Geometry: h.mem.Geometry(), Flash: h.mem.Dump(), Written: h.disk.Written(),
		Sector: func(lba uint64) ([]byte, bool) {
			b := make([]byte, h.size)
			written, err := h.disk.ReadSector(lba, b)
			return b, written && err == nil
		},
	}
}

func (h *held) Breaks() []BreakKind { return breakKinds }

// points are the fault points of the kinds.
var points = map[BreakKind]fault.Point{
	PowerBefore: flash.PowerBefore, PowerTorn: flash.PowerTorn, PowerAfter: flash.PowerAfter,
	ProgramRefused: flash.ProgramRefused, ProgramTorn: flash.ProgramTorn, EraseRefused: flash.EraseRefused,
	EraseTorn: flash.EraseTorn, ZeroRefused: flash.ZeroRefused, ReadError: flash.ReadError,
	MediaRead: drive.PointMediaReadError, MediaWrite: drive.PointMediaWriteError,
}

func (h *held) Break(faults ...Break) error {
	text := ""
	for _, b := range faults {
		point, ok := points[b.Kind]
		switch {
		case !ok:
			return fmt.Errorf("conformance: no kind of fault %q, want one of %v", b.Kind, breakKinds)
		case b.At < 0:
			text += fmt.Sprintf("(%s)", point)
		default:
			text += fmt.Sprintf("(%s (OnIndex %d))", point, b.At)
		}
	}
	plan, err := fault.Parse(text)
	if err != nil {
		return fmt.Errorf("conformance: %w", err)
	}
	h.faulty.Arm(plan)
	h.media.Arm(plan.Clone())
	return nil
}

func (h *held) Fired() (map[BreakKind]int, error) {
	out := map[BreakKind]int{}
	for _, plan := range []*fault.Plan{h.faulty.Plan(), h.media.Plan()} {
		if plan == nil {
			continue
		}
		for _, f := range plan.Fired() {
			for _, k := range breakKinds {
				if points[k] == f.Point {
					out[k] += int(f.Count)
				}
			}
		}
	}
	return out, nil
}

func (h *held) Mend() error {
	h.faulty.Disarm()
	h.media.Disarm()
	return nil
}

func (h *held) Feed(e *Entropy) error {
	h.source.feed(e)
	return nil
}

// source is the random source of the parts.
type source struct {
	own io.Reader
	fed *Entropy
	at  int
}

func (s *source) feed(e *Entropy) { s.fed, s.at = e, 0 }

var errDry = errors.New("the random source gives nothing more")

func (s *source) Read(p []byte) (int, error) {
	if s.fed == nil {
		return s.own.Read(p)
	}
	for i := range p {
		if s.at == len(s.fed.Bytes) {
			if !s.fed.Repeat || s.at == 0 {
				return i, errDry
			}
			s.at = 0
		}
		p[i] = s.fed.Bytes[s.at]
		s.at++
	}
	return len(p), nil
}

// counter counts what reaches the media.
type counter struct {
	drive.Media
	operations int
	during     func() // called once while a write is in flight; may be nil
}

func (c *counter) ReadSector(lba uint64, dst []byte) (bool, error) {
	c.operations++
	return c.Media.ReadSector(lba, dst)
}

func (c *counter) WriteSector(lba uint64, src []byte) error {
	c.operations++
	if do := c.during; do != nil {
		c.during = nil
		do()
	}
	return c.Media.WriteSector(lba, src)
}

// endlessMax is how many flash operations one command may take. No command takes a tenth of them
// on the largest flash of the suite.
const endlessMax = 20_000

// errEndless is thrown by a tripwire.
var errEndless = fmt.Errorf("the device does not stop working on its flash: more than %d operations for one command", endlessMax)

// tripwire ends a command that takes too many flash operations.
type tripwire struct {
	flash.Device
	done int
}

func (t *tripwire) step() {
	if t.done++; t.done > endlessMax {
		panic(errEndless)
	}
}

func (t *tripwire) Read(b, p int, d []byte) error    { t.step(); return t.Device.Read(b, p, d) }
func (t *tripwire) Erase(b int) error                { t.step(); return t.Device.Erase(b) }
func (t *tripwire) Zero(b, p int) error              { t.step(); return t.Device.Zero(b, p) }
func (t *tripwire) Program(b, p int, d []byte) error { t.step(); return t.Device.Program(b, p, d) }

// Discard implements drive.Discarder.
func (c *counter) Discard(lba, n uint64) error {
	c.operations++
	return c.Media.(*drive.MemMedia).Discard(lba, n)
}

// image is the content of a flash.
func (h *held) image() []flash.Page { return h.mem.Dump() }

// load puts other content into the flash, which has no power. A thief with a soldering iron does.
func (h *held) load(pages []flash.Page) error {
	h.mem.PowerOn()
	defer h.mem.PowerOff()
	for b := range h.mem.Geometry().Blocks {
		if err := h.mem.Erase(b); err != nil {
			return fmt.Errorf("conformance: load the flash: %w", err)
		}
	}
	for _, p := range pages {
		if err := h.mem.Program(p.Block, p.Page, slices.Clone(p.Data)); err != nil {
			return fmt.Errorf("conformance: load the flash: %w", err)
		}
	}
	return nil
}
