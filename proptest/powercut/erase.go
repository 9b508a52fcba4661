package powercut

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// eraseWorld is a drive of an owner, and an erase engine on a host with a journal.
type eraseWorld struct {
	supply *supply
	seed   uint64
	// streams names the random streams, with starts.
	streams string
	starts  int
	drive   *drive.Drive
	chip    *chip
	label   drive.Label
	op      eraseOperation
	job     erase.Job
	secret  []forensic.Secret
	oracle  forensic.Oracle
	plain   []byte
	owner   drive.PIN
	before  drive.RangeInfo // of the owner's range
	last    erase.Result    // of the newest run
	passed  uint32          // the key generation with which the drive passed; 0 is not yet
	found   bool            // the thief read the owner's data when the drive was reported as erased
	kept    bool            // the thief read the owner's data when the drive had just said that their key is gone
	open    bool            // the drive came up open
	silent  bool            // the drive came up erased, and the journal did not know that its erase was begun
	// searched is what the drive held when the thief last found nothing.
	searched [sha256.Size]byte
}

// eraseOperation is what the engine is asked for.
type eraseOperation struct {
	name, about string
	method      erase.Method
	data        bool // of the owner; else the engine makes its own known plaintext
	outlives    bool // the lock outlives power, so that it takes a key step to look behind it
	refused     bool // the PSID is wrong
}

var eraseCases = []eraseOperation{
	{name: "drive", about: "a drive erase of an owned drive with data", method: erase.DriveErase, data: true},
	{name: "drive-locked", about: "the same behind a lock that outlives power", method: erase.DriveErase, data: true, outlives: true},
	{name: "drive-empty", about: "the same without data: the engine writes a canary", method: erase.DriveErase, outlives: true},
	{name: "range", about: "a range erase", method: erase.RangeErase, data: true},
	{name: "psid-revert", about: "a revert with the PSID", method: erase.PSIDRevert, data: true, outlives: true},
	{name: "refused", about: "a revert with a wrong PSID, behind a lock that outlives power", method: erase.PSIDRevert, data: true, outlives: true, refused: true},
}

func eraseOperations() (out []operation) {
	for _, c := range eraseCases {
		out = append(out, operation{part: "erase", name: c.name, about: c.about, world: func(seed uint64) (world, error) { return newEraseWorld(c, seed) }})
	}
	return out
}

const eraseSector = 5

var eraseGeometry = flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 1024}

func testPIN(c byte) drive.PIN {
	p, err := drive.NewPIN(bytes.Repeat([]byte{c, c + 1}, 16))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

func newEraseWorld(op eraseOperation, seed uint64) (world, error) {
	w := &eraseWorld{supply: &supply{on: true}, seed: seed, op: op, owner: testPIN(1), plain: bytes.Repeat([]byte("customer's data!"), 32)}
	w.supply.newDisk()
	w.chip = w.supply.chip(flash.NewMem(eraseGeometry))
	cfg := drive.Config{Serial: "K1", SectorSize: 512, Sectors: 64, TryLimit: 200, Persistent: true, PBKDF2Iterations: 1}
	var err error
	w.drive, w.label, err = drive.Manufacture(cfg, drive.Parts{Flash: w.chip, Media: w.chip.media(), Entropy: entropy.Stream(seed, "drive")})
	if err != nil {
		return nil, err
	}
	w.job = erase.Job{Target: watched{w.drive, w}, Method: op.method, PSID: w.label.PSID, Owner: []erase.Credential{{Range: 0, PIN: w.owner}}}
	if op.refused {
		w.job.PSID = testPIN(60)
	}
	if err := w.own(); err != nil {
		return nil, err
	}
	w.drive.PowerOff()
	if err := w.drive.PowerOn(); err != nil {
		return nil, err
	}
	w.before, err = w.drive.Range(0)
	fuses := w.drive.Fuses()
	w.secret = []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", w.label.MSID), forensic.PIN("owner", w.owner)}
	if w.op.data && w.thief() == nil {
		return nil, errors.New("the thief does not find the key of a drive that is not erased: he would find nothing afterwards")
	}
	return w, err
}

// own gives the drive to its owner, who writes and locks it.
func (w *eraseWorld) own() error {
	if err := w.as(w.label.MSID, func(s drive.Session) error { return errors.Join(s.GenKey(), s.Migrate(w.owner)) }); err != nil {
		return err
	}
	if w.op.data {
		if err := w.drive.Write(eraseSector, w.plain); err != nil {
			return err
		}
		cipher, _ := w.drive.Dump().Sector(eraseSector)
		w.oracle = forensic.Oracle{Name: "the owner's sector", SectorSize: 512, LBA: eraseSector, Plain: w.plain[:32], Cipher: bytes.Clone(cipher[:32])}
	}
	return w.as(w.owner, func(s drive.Session) error {
		locks := drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}
		if !w.op.outlives {
			locks.LockOnReset = drive.OnPowerCycle
		}
		return errors.Join(s.SetRange(locks), s.SetLocks(true, true))
	})
}

func (w *eraseWorld) as(pin drive.PIN, do func(drive.Session) error) error {
	s, err := w.drive.Authenticate(drive.BandMaster(0), pin)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

func (w *eraseWorld) power() *supply { return w.supply }

var signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

const journalName = "host/journal"

// journal opens it, or makes it.
func (w *eraseWorld) journal() (erase.Journal, error) {
	d := w.supply.disk
	f, err := d.Open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.Create(journalName)
	}
	if err != nil {
		return nil, err
	}
	return erase.LoadJournal(diskFile{f, d}, func() error { return d.SyncDir("host") })
}

// run is one run of the engine.
func (w *eraseWorld) run() error {
	j, err := w.journal()
	if err != nil {
		return err
	}
	// The clock goes on with the journal, so that it is right after a start from a copy, too.
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(len(w.journaled())) * time.Second)
	e, err := erase.New(erase.Options{
		Clock: func() time.Time { return now }, Entropy: entropy.Stream(w.seed, fmt.Sprint("engine ", w.starts, w.streams)),
		Journal: j, Signer: signer, Tool: "fdelab sweep", Statement: erase.Statement{Operator: "sweep"},
	})
	if err != nil {
		return err
	}
	rep, err := e.Run(context.Background(), []erase.Job{w.job})
	if len(rep.Results) == 1 {
		w.last = rep.Results[0]
		w.reported()
	}
	return err
}

// reported looks at the drive when the engine says that it is erased.
func (w *eraseWorld) reported() {
	erased := w.last.Outcome == erase.Passed || w.last.Outcome == erase.AlreadyErased
	w.found = w.found || (erased || w.last.Certificate != nil) && w.thief() != nil
}

// thief: whoever has the chip, and knows the factory's secrets and the owner's PIN, finds no way to the owner's data.
func (w *eraseWorld) thief() error {
	if !w.op.data {
		return nil
	}
	h := sha256.New()
	w.chip.state(h)
	now := [sha256.Size]byte(h.Sum(nil))
	if now == w.searched {
		return nil
	}
	found, err := forensic.Search(w.drive.Dump(), w.secret, []forensic.Oracle{w.oracle}, forensic.Options{Iterations: 1})
	if err != nil {
		return err
	}
	if len(found.Keys) > 0 {
		return fmt.Errorf("a thief finds a way to the owner's data: %v", found.Keys[0])
	}
	w.searched = now
	return nil
}

func (w *eraseWorld) start() error {
	w.drive.PowerOff()
	w.supply.start()
	w.starts++
	if err := w.drive.PowerOn(); err != nil {
		return err
	}
	got := make([]byte, 512)
	if err := w.drive.Read(eraseSector, got); err == nil && w.op.data && bytes.Equal(got, w.plain) {
		w.open = true
	}
	w.silent = w.silent || w.drive.Status().State == drive.Erased && !w.begun()
	return w.run()
}

// begun says whether the journal on the disk has the beginning of an erase.
func (w *eraseWorld) begun() bool {
	return bytes.Contains(w.journaled(), []byte(`"event":"begin"`))
}

// journaled is what is in the journal; nil if there is none.
func (w *eraseWorld) journaled() []byte {
	f, err := w.supply.disk.Open(journalName)
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(f) // from memory: it does not fail
	return b
}

func (w *eraseWorld) check() error {
	if w.open {
		return errors.New("the drive came up open: everybody reads the owner's data")
	}
	if w.silent {
		return errors.New("the drive came up erased, and the journal does not know that its erase was begun")
	}
	if w.kept {
		return errors.New("the drive said that the key was gone, and a thief finds a way to the owner's data")
	}
	if w.found {
		return errors.New("the drive was reported as erased, and a thief finds a way to the owner's data")
	}
	if w.op.refused {
		return w.untouched()
	}
	if err := w.thief(); err != nil {
		return err
	}
	s := w.drive.Status()
	switch w.last.Outcome {
	case erase.Passed:
		if w.passed != 0 {
			return errors.New("the drive had passed, and was erased again")
		}
	case erase.AlreadyErased:
		if w.passed != 0 && w.passed != s.KeyGeneration {
			return errors.New("its keys have changed since it passed")
		}
	default:
		return fmt.Errorf("the engine ends with %s: %s", w.last.Outcome, w.last.Why)
	}
	w.passed = s.KeyGeneration
	if w.last.Certificate == nil {
		return errors.New("a drive that passed has no certificate")
	}
	if w.op.method != erase.RangeErase && s.State != drive.Erased {
		return fmt.Errorf("it is reported as erased, and is %v", s.State)
	}
	return w.once()
}

// once: in the journal, no erase begins after one that passed.
func (w *eraseWorld) once() error {
	j, err := w.journal()
	if err != nil {
		return err
	}
	entries, err := j.Entries()
	if err != nil {
		return err
	}
	passed := func(e erase.Entry) bool { return e.Event == "end" && e.Result.Outcome == erase.Passed }
	i := slices.IndexFunc(entries, passed)
	if i < 0 {
		return errors.New("the drive passed, and the journal does not know")
	}
	if i != len(entries)-1 {
		return errors.New("the drive had passed, and its erase began again")
	}
	return nil
}

// untouched: the drive refused, and its owner has everything as it was.
func (w *eraseWorld) untouched() error {
	if w.last.Outcome != erase.Refused {
		return fmt.Errorf("the drive refuses, and the engine ends with %s", w.last.Outcome)
	}
	if got, err := w.drive.Range(0); err != nil || got != w.before {
		return fmt.Errorf("the locks of the owner's range are not as they were (%v)", err)
	}
	var got []byte
	err := w.as(w.owner, func(s drive.Session) error {
		if err := s.SetLocks(false, false); err != nil {
			return err
		}
		got = make([]byte, 512)
		return errors.Join(w.drive.Read(eraseSector, got), s.SetLocks(true, true))
	})
	if err != nil || !bytes.Equal(got, w.plain) {
		return fmt.Errorf("the owner does not read the data (%v)", err)
	}
	return nil
}

func (w *eraseWorld) state(out io.Writer) {
	fmt.Fprintf(out, "%d %v %v %v %v; ", w.passed, w.found, w.kept, w.open, w.silent)
	w.supply.state(out)
}

func (w *eraseWorld) dark() world {
	c := *w
	c.supply, c.starts, c.last = w.supply.copy(), 0, erase.Result{}
	c.chip = c.supply.chips[0]
	return &c
}

func (w *eraseWorld) wake(streams string) (err error) {
	w.streams = streams
	parts := drive.Parts{Flash: w.chip, Media: w.chip.media(), Entropy: entropy.Stream(w.seed, "drive"+streams)}
	if w.drive, err = drive.Open(w.drive.Fuses(), parts); err != nil {
		return err
	}
	w.job.Target = watched{w.drive, w}
	return nil
}
