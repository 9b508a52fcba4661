package proptest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Options are what a Bench is made with. The zero value is a drive with two
// ranges beside the global one and seed 0.
type Options struct {
	Seed     uint64         // every key, PIN and tear follows from it
	Config   drive.Config   // zero: DefaultConfig
	Geometry flash.Geometry // zero: 6 blocks of 4 pages, small so that blocks fill up
	// Maker makes the drive; the zero Maker makes those of package drive.
	Maker Maker
	// AuditEvery is how many steps a Machine takes between audits of a copy of
	// the drive; 0 is 64, negative is never.
	AuditEvery int
	// ForensicEvery is how many audits pass between forensic searches; 0 is 16,
	// negative is never.
	ForensicEvery int
}

// DefaultConfig is the drive of the property tests. It is small, so that random commands touch the
// same ranges and sectors.
func DefaultConfig() drive.Config {
	return drive.Config{
		Serial: "PROP0001", Model: "property test", SectorSize: 512, Sectors: 64, Ranges: 2, TryLimit: 5,
		Persistent: true, PBKDF2Iterations: 2,
	}
}

// WideConfig is a drive with 17 ranges.
func WideConfig() drive.Config {
	c := DefaultConfig()
	c.Serial, c.Ranges, c.Sectors = "PROP0017", 16, 256
	return c
}

func (o Options) filled() Options {
	if o.Config.Serial == "" {
		o.Config = DefaultConfig()
	}
	if o.Geometry == (flash.Geometry{}) {
		o.Geometry = flash.Geometry{Blocks: 6, PagesPerBlock: 4, PageSize: 1024}
		if o.Config.Ranges > 3 {
			o.Geometry.PageSize = 16384
		}
		if o.Config.Ranges <= 20 && o.Config.Ranges > 3 {
			o.Geometry.PageSize = 4096
		}
	}
	if o.AuditEvery == 0 {
		o.AuditEvery = 64
	}
	if o.ForensicEvery == 0 {
		o.ForensicEvery = 16
	}
	return o
}

// Bench is one drive on a workbench: its flash and its media can be broken, and
// every PIN is known.
type Bench struct {
	Options Options
	Drive   Drive
	Label   drive.Label
	Flash   *flash.Faulty
	Media   *drive.FaultyMedia
	Trace   []drive.TransitionTrace // every lifecycle attempt, in order

	mem    *flash.Mem
	disk   *drive.MemMedia
	copies int
}

// NewBench manufactures a drive. The error is a harness error, or, if a plan was
// armed by arm (may be nil) before manufacture, the status of Manufacture.
func NewBench(o Options, arm func(*flash.Faulty)) (*Bench, error) {
	o = o.filled()
	b := &Bench{Options: o, mem: flash.NewMem(o.Geometry), disk: drive.NewMemMedia(o.Config.SectorSize)}
	b.Flash = flash.NewFaulty(b.mem, flash.WithTearSeed(o.Seed))
	b.Media = drive.NewFaultyMedia(b.disk)
	if arm != nil {
		arm(b.Flash)
	}
	var err error
	b.Drive, b.Label, err = o.Maker.manufacture(o.Config, b.parts())
	return b, err
}

func (b *Bench) parts() drive.Parts {
	return drive.Parts{
		Flash: b.Flash, Media: b.Media, Entropy: entropy.Stream(b.Options.Seed, b.Options.Config.Serial),
		Trace: func(t drive.TransitionTrace) { b.Trace = append(b.Trace, t) },
	}
}

// fork is the same drive without power, on a bench of its own: what is done to its flash does not reach
// b. They share the media, so neither may be written to. The random bytes of the fork follow from name.
func (b *Bench) fork(name string) (*Bench, error) {
	c := &Bench{Options: b.Options, Label: b.Label, mem: flash.NewMem(b.Options.Geometry), disk: b.disk, copies: b.copies}
	for _, p := range b.mem.Dump() {
		if err := c.mem.Program(p.Block, p.Page, p.Data); err != nil {
			return nil, fmt.Errorf("proptest: fork the flash: %w", err)
		}
	}
	c.Flash, c.Media = flash.NewFaulty(c.mem, flash.WithTearSeed(b.Options.Seed)), drive.NewFaultyMedia(c.disk)
	parts := c.parts()
	parts.Entropy = entropy.Stream(b.Options.Seed, fmt.Sprintf("%s fork %s", b.Options.Config.Serial, name))
	var err error
	if c.Drive, err = b.Options.Maker.open(b.Drive.Fuses(), parts); err != nil {
		return nil, fmt.Errorf("proptest: open the fork: %w", err)
	}
	return c, nil
}

// Copy is the drive as a thief would rebuild it who has the chip with its fuses: the same flash
// content and media, without power, faults and try limit. Changes to the copy do not reach the
// original.
func (b *Bench) Copy() (*Bench, error) {
	b.copies++
	c := &Bench{Options: b.Options, Label: b.Label, mem: flash.NewMem(b.Options.Geometry), disk: drive.NewMemMedia(b.Options.Config.SectorSize)}
	for _, p := range b.mem.Dump() {
		if err := c.mem.Program(p.Block, p.Page, p.Data); err != nil {
			return nil, fmt.Errorf("proptest: copy the flash: %w", err)
		}
	}
	sector := make([]byte, b.Options.Config.SectorSize)
	for _, lba := range b.disk.Written() {
		if _, err := b.disk.ReadSector(lba, sector); err != nil {
			return nil, fmt.Errorf("proptest: copy the media: %w", err)
		}
		if err := c.disk.WriteSector(lba, sector); err != nil {
			return nil, fmt.Errorf("proptest: copy the media: %w", err)
		}
	}
	c.Flash, c.Media = flash.NewFaulty(c.mem), drive.NewFaultyMedia(c.disk)
	parts := c.parts()
	parts.Entropy = entropy.Stream(b.Options.Seed, fmt.Sprintf("copy %d", b.copies))
	var err error
	fuses := b.Drive.Fuses()
	fuses.Config.TryLimit = 0
	if c.Drive, err = b.Options.Maker.open(fuses, parts); err != nil {
		return nil, fmt.Errorf("proptest: open the copy: %w", err)
	}
	return c, nil
}

// A PINRef names a PIN of the bench, so that commands and traces hold no secret.
type PINRef int

// The PINs of a bench. From PINFirst on they are PINs of the user's own: number
// 6, 10, 14, ... are 8 bytes long, the others are 32-byte credentials.
const (
	PINEmpty PINRef = iota // no bytes; no drive may take it
	PINMSID
	PINPSID
	PINZero // 32 zero bytes: a guess, and nobody's PIN
	PINFirst
	PINLast PINRef = 11 // the highest that the generators draw
)

// short says whether a PIN is shorter than a credential.
func (p PINRef) short() bool { return p >= PINFirst && (p-PINFirst)%4 == 2 }

// PIN looks a PIN up.
func (b *Bench) PIN(r PINRef) drive.PIN {
	var raw []byte
	switch r {
	case PINEmpty:
		return drive.PIN{}
	case PINMSID:
		return b.Label.MSID
	case PINPSID:
		return b.Label.PSID
	case PINZero:
		raw = make([]byte, drive.PINSize)
	default:
		sum := sha256.Sum256(fmt.Appendf(nil, "fdelab proptest pin %d %d", b.Options.Seed, r))
		raw = sum[:]
		if r.short() {
			raw = raw[:8]
		}
	}
	p, err := drive.NewPIN(raw)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

// fill makes the content of a sector. It differs for each number and each sector, and does not look
// like noise.
func fill(dst []byte, content uint32, lba uint64) {
	var w [8]byte
	binary.BigEndian.PutUint32(w[:], content)
	binary.BigEndian.PutUint32(w[4:], uint32(lba))
	n := copy(dst, w[:])
	for n < len(dst) {
		n += copy(dst[n:], dst[:n])
	}
}
