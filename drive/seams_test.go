package drive

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/internal/watch"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// The seams at which the tests of this package break a drive: its source of
// randomness and its flash chip. The plans of package fault break the chip as broken
// chips do; chip does what only a chip that lies does.

// ledger remembers where keys were made: the bytes themselves, no copies.
type ledger struct{ made [][]byte }

// watchKeys makes a ledger of every key from now on to the end of the test.
func watchKeys(t *testing.T) *ledger {
	l := &ledger{}
	t.Cleanup(watch.Watch(l.note))
	return l
}

func (l *ledger) note(b []byte) { l.made = append(l.made, b) }

// left counts the keys that nobody has cleared and that are not in their place in d:
// the fuses, and while there is power the RAM.
func (l *ledger) left(d *Drive) (n int) {
	held := map[*byte]bool{}
	if d != nil {
		held[&d.fuses.Root[0]] = true
		if d.rootKEK != nil {
			held[&d.rootKEK[0]] = true
		}
		for i := range d.ram {
			if k := d.ram[i].mek; k != nil {
				held[&k[0]] = true
			}
		}
		if d.session != nil {
			held[&d.session.ak[0]] = true
		}
		if k := d.opal.mbr.mek; k != nil {
			held[&k[0]] = true
		}
		for _, l := range d.opal.logins {
			for _, k := range []*secret.Key32{l.ak, l.users} {
				if k != nil {
					held[&k[0]] = true
				}
			}
		}
	}
	for _, b := range l.made {
		if !held[&b[0]] && !constant(b, 0) {
			n++
		}
	}
	return n
}

// errDead is what a source of randomness answers that fails.
var errDead = errors.New("the source is dead")

// draws is a source that fails once, in the middle of draw number fail, and tells the
// ledger where it put keys.
type draws struct {
	io.Reader
	fail, n int // fail -1: never
	ledger  *ledger
}

func (d *draws) Read(p []byte) (int, error) {
	if d.ledger != nil && len(p) >= 32 {
		d.ledger.note(p)
	}
	d.n++
	if d.n-1 == d.fail {
		n, _ := d.Reader.Read(p[:len(p)/2])
		return n, errDead
	}
	return d.Reader.Read(p)
}

// fired says whether the source failed.
func (d *draws) fired() bool { return d.fail >= 0 && d.n > d.fail }

// drawing gives the drive a source that fails at draw number fail. There is no check
// between the two that would fail for ever after.
func (b *bench) drawing(fail int, l *ledger) *draws {
	d := &draws{Reader: entropy.Stream(3, "draws"), fail: fail, ledger: l}
	b.Drive.entropy = d
	return d
}

// chip is a flash that does what its functions say, where there is one. Each gets
// what the chip below would do.
type chip struct {
	flash.Device
	read    func(block, page int, dst []byte, do func() error) error
	program func(block, page int, do func() error) error
	erase   func(block int, do func() error) error
	zero    func(block, page int, do func() error) error
}

func (c *chip) Read(block, page int, dst []byte) error {
	do := func() error { return c.Device.Read(block, page, dst) }
	if c.read == nil {
		return do()
	}
	return c.read(block, page, dst, do)
}

func (c *chip) Program(block, page int, data []byte) error {
	do := func() error { return c.Device.Program(block, page, data) }
	if c.program == nil {
		return do()
	}
	return c.program(block, page, do)
}

func (c *chip) Erase(block int) error {
	do := func() error { return c.Device.Erase(block) }
	if c.erase == nil {
		return do()
	}
	return c.erase(block, do)
}

func (c *chip) Zero(block, page int) error {
	do := func() error { return c.Device.Zero(block, page) }
	if c.zero == nil {
		return do()
	}
	return c.zero(block, page, do)
}

// on puts the drive on a chip above its flash, and leaves it powered.
func (b *bench) on(c *chip) {
	b.t.Helper()
	c.Device = b.parts.Flash
	b.PowerOff()
	d, err := Open(b.Fuses(), Parts{Flash: c, Media: b.media, Entropy: b.parts.Entropy, Trace: b.parts.Trace})
	require.NoError(b.t, err)
	b.Drive = d
	require.NoError(b.t, b.PowerOn())
}

// strict is a chip that fails the test where a page that is not blank is programmed
// (real flash would be worn by it, and hold the bits of both), or one that there is not.
func strict(t *testing.T, dev flash.Device) *chip {
	return &chip{Device: dev, program: func(block, page int, do func() error) error {
		err := do()
		if errors.Is(err, flash.ErrNotBlank) || errors.Is(err, flash.ErrAddress) {
			t.Errorf("block %d page %d is programmed, and was not blank or is none: %v", block, page, err)
		}
		return err
	}}
}
