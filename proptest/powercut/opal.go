package powercut

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// opalWorld is an Opal drive with power. What is expected of it is a picture: what each authority gets at with
// each of the PINs, what everybody gets at, and what the tables say. It is that of before the operation, or that
// of after it.
type opalWorld struct {
	supply *supply
	seed   uint64
	d      *drive.Drive
	o      *drive.OpalDrive
	chip   *chip
	label  drive.Label
	op     opalOperation
	by     *drive.Login // who takes the step
	oracle forensic.Oracle
	secret []forensic.Secret // what the thief knows

	ends *opalEnds
	done bool // the step was acknowledged
	gone bool // the new state was seen
	// searched is what the drive held when the thief last found nothing.
	searched [sha256.Size]byte
}

// opalEnds are the pictures of before and after an operation, made once for a sweep, which has one seed.
type opalEnds struct {
	once       sync.Once
	old, fresh string
	err        error
}

// opalOperation is a key step of an Opal drive.
type opalOperation struct {
	name, about string
	prepare     func(w *opalWorld) *drive.Login
	step        func(w *opalWorld) error
	// thief are the PINs that open nothing of what range 1 held, once the step is done; with nil they may.
	thief []byte
}

const (
	opalSector = 20 // in range 1
	adminPIN   = 1  // of SID and Admin1
	userPIN    = 7  // of the User who is granted range 1
)

// opalGeometry has just the room for the records of these drives.
var opalGeometry = flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 8192}

var opalClosed = drive.RangeConfig{Start: 16, Length: 16, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}

func opalOperations() (out []operation) {
	for _, c := range opalCases() {
		ends := new(opalEnds)
		out = append(out, operation{part: "opal", name: c.name, about: c.about, noDrive: true, world: func(seed uint64) (world, error) {
			w, err := newOpalWorld(c, seed)
			if err != nil {
				return nil, err
			}
			w.ends = ends
			ends.once.Do(func() { ends.make(c, seed) })
			return w, ends.err
		}})
	}
	return out
}

// make takes the pictures of drives of their own.
func (e *opalEnds) make(c opalOperation, seed uint64) {
	for i, picture := range []*string{&e.old, &e.fresh} {
		w, err := newOpalWorld(c, seed)
		if err == nil && i == 1 {
			err = c.step(w)
		}
		if err == nil {
			*picture, err = w.picture()
		}
		if err != nil {
			e.err = err
			return
		}
	}
	if e.old == e.fresh {
		e.err = errors.New("nobody sees that the step was taken")
	}
}

func newOpalWorld(op opalOperation, seed uint64) (w *opalWorld, err error) {
	w = &opalWorld{supply: &supply{on: true}, seed: seed, op: op}
	w.chip = w.supply.chip(flash.NewMem(opalGeometry))
	cfg := drive.Config{
		Serial: "K2", SectorSize: 512, Sectors: 64, Ranges: 2, PBKDF2Iterations: 1,
		Personality: drive.Opal, MBRSize: 1024, DataStoreSize: 1024,
	}
	w.d, w.label, err = drive.Manufacture(cfg, drive.Parts{Flash: w.chip, Media: w.chip.media(), Entropy: entropy.Stream(seed, "drive")})
	if err != nil {
		return nil, err
	}
	if w.o, err = w.d.Opal(); err != nil {
		return nil, err
	}
	defer func() {
		// What prepares a drive has no errors to give: where one comes up it is a bug of this file.
		if p := recover(); p != nil {
			err = fmt.Errorf("preparing %s: %v", op.name, p)
		}
	}()
	w.by = op.prepare(w)
	sector, _ := w.d.Dump().Sector(opalSector)
	w.oracle = forensic.Oracle{Name: "range 1", SectorSize: 512, LBA: opalSector, Plain: opalPlain[:32], Cipher: bytes.Clone(sector[:32])}
	fuses := w.d.Fuses()
	w.secret = []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", w.label.MSID), forensic.PIN("PSID", w.label.PSID)}
	for _, n := range op.thief {
		w.secret = append(w.secret, forensic.PIN(fmt.Sprint("PIN ", n), testPIN(n)))
	}
	return w, nil
}

var opalPlain = bytes.Repeat([]byte("customer's data!"), 32)

func (w *opalWorld) power() *supply { return w.supply }

func (w *opalWorld) run() error {
	err := w.op.step(w)
	w.done = err == nil
	return err
}

func (w *opalWorld) start() error {
	w.d.PowerOff()
	w.supply.start()
	return w.d.PowerOn()
}

func (w *opalWorld) check() error {
	got, err := w.picture()
	switch {
	case err != nil:
		return err
	case got == w.ends.fresh:
		w.gone = true
	case got != w.ends.old:
		return fmt.Errorf("the drive is neither as before nor as after the step:\n%s", difference(got, w.ends.old, w.ends.fresh))
	case w.done:
		return errors.New("the step was acknowledged, and the drive is as before")
	case w.gone:
		return errors.New("the step was taken, and the drive is as before")
	}
	if w.gone && w.op.thief != nil {
		return w.thiefs()
	}
	return nil
}

// thiefs: with chip, fuses and retired PINs nobody gets at what range 1 held.
func (w *opalWorld) thiefs() error {
	h := sha256.New()
	w.chip.state(h)
	now := [sha256.Size]byte(h.Sum(nil))
	if now == w.searched {
		return nil
	}
	found, err := forensic.Search(w.d.Dump(), w.secret, []forensic.Oracle{w.oracle}, forensic.Options{Iterations: 1})
	if err != nil {
		return err
	}
	if len(found.Keys) > 0 {
		return fmt.Errorf("a thief with retired PINs finds a way to range 1: %v", found.Keys[0])
	}
	w.searched = now
	return nil
}

func (w *opalWorld) state(out io.Writer) {
	fmt.Fprintf(out, "%v %v; ", w.done, w.gone)
	w.supply.state(out)
}

func (w *opalWorld) dark() world {
	c := *w
	c.supply, c.o, c.by = w.supply.copy(), nil, nil
	c.chip = c.supply.chips[0]
	return &c
}

func (w *opalWorld) wake(streams string) (err error) {
	parts := drive.Parts{Flash: w.chip, Media: w.chip.media(), Entropy: entropy.Stream(w.seed, "drive"+streams)}
	if w.d, err = drive.Open(w.d.Fuses(), parts); err != nil {
		return err
	}
	w.o, err = w.d.Opal()
	return err
}

// difference lists the lines of got that are in neither of the others.
func difference(got, old, fresh string) string {
	var out []string
	for line := range strings.SplitSeq(got, "\n") {
		if !strings.Contains(old, line) || !strings.Contains(fresh, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// picture is what can be seen of the drive from outside, after a power cycle, one thing a line.
func (w *opalWorld) picture() (string, error) {
	var b strings.Builder
	if err := w.start(); err != nil {
		return "", err
	}
	mbr, err := w.o.MBRControl()
	if err != nil {
		return "", err
	}
	note, err := w.o.Note()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "%v, %+v, note %q\n", w.d.Status().State, mbr, note)
	for n := range 3 {
		r, err := w.d.Range(n)
		if err != nil {
			return "", err
		}
		who, root, err := w.o.Holders(drive.RangeArea(n))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "range %d %+v, held by %v, open to all %v, %s\n", n, r, who, root, w.reads(uint64(opalSector-16+16*n)))
	}
	for _, a := range []drive.Authority{drive.SID, drive.AdminSPAdmin, drive.Admin(1), drive.Admin(2), drive.User(1), drive.User(2)} {
		for _, n := range []byte{0, adminPIN, 2, userPIN, 8, 200} {
			line, err := w.sees(a, n)
			if err != nil {
				return "", err
			}
			b.WriteString(line)
		}
	}
	return b.String(), nil
}

// sees is what an authority gets at by a PIN: 0 is the empty one, 200 is MSID.
func (w *opalWorld) sees(a drive.Authority, n byte) (string, error) {
	pin := testPIN(max(n, 1))
	if n == 0 {
		pin = drive.PIN{}
	} else if n == 200 {
		pin = w.label.MSID
	}
	l, err := w.o.Login(a, pin)
	if err != nil {
		return "", nil //nolint:nilerr // that it does not log in is what is seen
	}
	defer l.Close()
	line := fmt.Sprintf("%v with PIN %d:", a, n)
	for r := range 3 {
		c, err := w.o.Begin(l)
		if err != nil {
			return "", err
		}
		if err = c.SetLocks(r, false, false); err == nil {
			err = c.Commit()
		}
		c.Abort()
		line += fmt.Sprintf(" range %d %s %s,", r, code(err), w.reads(uint64(opalSector-16+16*r)))
	}
	for _, t := range []drive.Area{drive.MBRShadow, drive.DataStoreArea(0)} {
		got := make([]byte, 4)
		err := w.o.ReadTable(t, 0, got, l)
		line += fmt.Sprintf(" %v %s %q,", t, code(err), got)
	}
	return line + "\n", w.start()
}

// reads says what a sector gives.
func (w *opalWorld) reads(lba uint64) string {
	got := make([]byte, 512)
	switch err := w.d.Read(lba, got); {
	case err != nil:
		return code(err)
	case bytes.Equal(got, opalPlain):
		return "the data"
	}
	return "something else"
}

// code is the code of a drive's refusal, without its words.
func code(err error) string {
	var st *drive.StatusError
	if errors.As(err, &st) {
		return st.Code.Error()
	}
	return fmt.Sprint(err)
}

// must gives what a step of the preparation gives.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err.Error())
	}
	return v
}

func (w *opalWorld) login(a drive.Authority, pin drive.PIN) *drive.Login {
	return must(w.o.Login(a, pin))
}

// change makes a change as l.
func (w *opalWorld) change(l *drive.Login, do func(c *drive.Change) error) error {
	c, err := w.o.Begin(l)
	if err != nil {
		return err
	}
	defer c.Abort()
	if err := do(c); err != nil {
		return err
	}
	return c.Commit()
}

func (w *opalWorld) changed(l *drive.Login, do func(c *drive.Change) error) {
	if err := w.change(l, do); err != nil {
		panic(err.Error())
	}
}

// armed lets a fault happen in a part of the preparation.
func (w *opalWorld) armed(plan string, do func()) {
	w.chip.Arm(fault.MustParse(plan))
	do()
	w.chip.Disarm()
}
