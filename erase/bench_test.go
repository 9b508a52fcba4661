package erase

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/faulttest"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// bench is a drive on a workbench: its flash can be broken.
type bench struct {
	*drive.Drive
	t     testing.TB
	label drive.Label
	flash *flash.Faulty
	media *drive.FaultyMedia // what lies below the encryption
}

func newBench(t testing.TB, serial string, dev flash.Device, change func(*drive.Config)) *bench {
	t.Helper()
	cfg := drive.Config{
		Serial: serial, Model: "Test SED", SectorSize: 512, Sectors: 4096, Ranges: 2, TryLimit: 5, Persistent: true, PBKDF2Iterations: 2,
	}
	if change != nil {
		change(&cfg)
	}
	if dev == nil {
		dev = flash.NewMem(flash.DefaultGeometry)
	}
	return assemble(t, cfg, dev, entropy.Stream(1, serial))
}

func assemble(t testing.TB, cfg drive.Config, dev flash.Device, source io.Reader) *bench {
	t.Helper()
	b := &bench{t: t, flash: flash.NewFaulty(dev), media: drive.NewFaultyMedia(drive.NewMemMedia(512))}
	d, label, err := drive.Manufacture(cfg, drive.Parts{Flash: b.flash, Media: b.media, Entropy: source})
	require.NoError(t, err)
	b.Drive, b.label = d, label
	return b
}

func pin(c byte) drive.PIN {
	p, err := drive.NewPIN(bytes.Repeat([]byte{c, c + 1}, 16))
	if err != nil {
		panic(err)
	}
	return p
}

func (b *bench) as(a drive.Authority, p drive.PIN, f func(drive.Session) error) {
	b.t.Helper()
	s, err := b.Authenticate(a, p)
	require.NoError(b.t, err)
	defer s.Close()
	require.NoError(b.t, f(s))
}

var customer = bytes.Repeat([]byte("customer's data!"), 32)

// configure writes the customer's data and locks range n under p.
func (b *bench) configure(n int, p drive.PIN) {
	b.t.Helper()
	lba := uint64(100)
	if n > 0 {
		lba = uint64(1000 * n)
		b.as(drive.BandMaster(n), b.label.MSID, func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{Start: lba, Length: 500})
		})
	}
	b.as(drive.BandMaster(n), b.label.MSID, func(s drive.Session) error { return s.GenKey() })
	require.NoError(b.t, b.Write(lba, customer))
	b.as(drive.BandMaster(n), b.label.MSID, func(s drive.Session) error { return s.Migrate(p) })
}

func (b *bench) cycle() {
	b.t.Helper()
	b.PowerOff()
	require.NoError(b.t, b.PowerOn())
}

// arm arms a plan. Every rule of it must fire before the test ends, but for those that
// spare names.
func (b *bench) arm(plan string, spare ...string) *fault.Plan {
	b.t.Helper()
	p := b.armUnchecked(plan)
	faulttest.MustFire(b.t, []*fault.Plan{p}, spare...)
	return p
}

// armUnchecked is arm for a sweep, whose last plan does not fire: that ends it.
func (b *bench) armUnchecked(plan string) *fault.Plan {
	b.t.Helper()
	p, err := fault.Parse(plan)
	require.NoError(b.t, err)
	b.flash.Arm(p)
	return p
}

func (b *bench) read(lba uint64) []byte {
	b.t.Helper()
	got := make([]byte, 512)
	require.NoError(b.t, b.Read(lba, got))
	return got
}

// locked is a drive whose global range holds a customer's data, powered up
// and locked, and the job that erases it.
func locked(t testing.TB, serial string, dev flash.Device) (*bench, Job) {
	t.Helper()
	b := newBench(t, serial, dev, nil)
	b.configure(0, pin(1))
	b.cycle()
	return b, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, Name: "BandMaster0 credential generation 1", PIN: pin(1)}}}
}

var signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

func public() ed25519.PublicKey { return signer.Public().(ed25519.PublicKey) }

func options() Options {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return Options{
		Clock: func() time.Time { return now }, Entropy: entropy.Stream(2, "erase"), Signer: signer, Tool: "fdelab test",
		Statement: Statement{Operator: "A. Tester", Organization: "Lab <7> & Co", Location: "Room 1"},
	}
}

func engine(t testing.TB, change func(*Options)) *Engine {
	t.Helper()
	o := options()
	if change != nil {
		change(&o)
	}
	e, err := New(o)
	require.NoError(t, err)
	return e
}

func run1(t testing.TB, j Job) Result {
	t.Helper()
	rep, err := engine(t, nil).Run(context.Background(), []Job{j})
	require.NoError(t, err)
	require.Len(t, rep.Results, 1)
	return rep.Results[0]
}

func verdict(t testing.TB, r Result, name string, want Verdict) {
	t.Helper()
	c, ok := r.Check(name)
	require.True(t, ok, "check %s must be made:\n%s", name, text(r))
	require.Equal(t, want, c.Verdict, "check %s:\n%s", name, text(r))
}

func text(r Result) string { return (&Report{Results: []Result{r}}).Text() }

// tampered is a drive whose dump shows more than the drive knows of, from the
// erase on.
type tampered struct {
	*bench
	extra  func() []flash.Page
	active bool
}

func (t *tampered) Dump() drive.Dump {
	d := t.bench.Dump()
	if t.Status().State == drive.Erased || t.active {
		d.Flash = append(d.Flash, t.extra()...)
	}
	return d
}

var _ Target = (*tampered)(nil)

func pageOf(size int, at int, b ...[]byte) []flash.Page {
	data := bytes.Repeat([]byte{0xFF}, size)
	for _, b := range b {
		at += copy(data[at:], b)
	}
	return []flash.Page{{Block: 99, Page: 0, Data: data}}
}

func secretsOf(b *bench) []forensic.Secret {
	f := b.Fuses()
	return []forensic.Secret{forensic.Root(f.Root), forensic.PIN("MSID", b.label.MSID), forensic.PIN("credential", pin(1))}
}
