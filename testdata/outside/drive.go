package outside

import (
	"crypto/aes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

const (
	sectorSize = 512
	pageSize   = 512
	iterations = 1000
)

// Drive is a drive of another make: one band, an EEPROM of two pages, and in it
// a record of its own.
//
//	0    8  count of records, big-endian
//	8    1  1: BandMaster0 has the factory PIN
//	9    1  1: the band locks when power goes
//	16 168  SID, BandMaster0, EraseMaster: salt (16 bytes), wrap of an authority key (40)
//	184 72  wrap of the media key under the authority key of BandMaster0
//
// The page that is not in force is erased before a key step answers.
type Drive struct {
	serial  string
	entropy io.Reader
	fuses   *drive.Fuses
	psid    drive.PIN
	pages   [2][pageSize]byte
	inForce int
	tries   map[drive.Authority]uint16
	media   map[uint64][]byte
	faults  faults

	powered bool
	mek     []byte // nil while the band is locked
	session *Session
}

const slotSize = 16 + 40

// slots is the order of the key slots in the record.
var slots = []drive.Authority{drive.SID, drive.BandMaster(0), drive.EraseMaster}

// New makes a drive as it leaves its factory, with its power on.
func New(serial string, entropy io.Reader) (*Drive, error) {
	d := &Drive{serial: serial, entropy: entropy, tries: map[drive.Authority]uint16{}, media: map[uint64][]byte{}, powered: true}
	root, msid, psid := make([]byte, 32), make([]byte, 32), make([]byte, 32)
	for _, b := range [][]byte{root, msid, psid} {
		if _, err := io.ReadFull(entropy, b); err != nil {
			return nil, fmt.Errorf("outside: make %s: %w", serial, err)
		}
	}
	m, err := drive.NewPIN(msid)
	if err != nil {
		return nil, err
	}
	d.fuses = &drive.Fuses{Config: d.Config(), Root: secret.Take32(root), MSID: m}
	if d.psid, err = drive.NewPIN(psid); err != nil {
		return nil, err
	}
	for i := range d.pages {
		d.blank(i)
	}
	return d, d.factory("make")
}

func (d *Drive) blank(page int) {
	for i := range d.pages[page] {
		d.pages[page][i] = 0xFF
	}
}

// factory gives every authority the MSID and the band a new media key.
func (d *Drive) factory(op string) error {
	var next [pageSize]byte
	for i := range slots {
		if err := d.seal(op, &next, i, d.fuses.MSID); err != nil {
			return err
		}
	}
	next[8] = 1
	return d.newKey(op, &next, d.fuses.MSID)
}

// seal draws an authority key for slot i and wraps it under pin.
func (d *Drive) seal(op string, next *[pageSize]byte, i int, pin drive.PIN) error {
	ak := make([]byte, 32)
	if _, err := io.ReadFull(d.entropy, ak); err != nil {
		return &drive.StatusError{Op: op, Code: drive.EntropyFailure, Err: err}
	}
	return d.sealKey(op, next, i, pin, ak)
}

func (d *Drive) sealKey(op string, next *[pageSize]byte, i int, pin drive.PIN, ak []byte) error {
	slot := next[16+i*slotSize:][:slotSize]
	if _, err := io.ReadFull(d.entropy, slot[:16]); err != nil {
		return &drive.StatusError{Op: op, Code: drive.EntropyFailure, Err: err}
	}
	kek, err := drive.KEK(d.fuses.Root, pin, [16]byte(slot[:16]), iterations)
	if err != nil {
		return err
	}
	defer kek.Clear()
	copy(slot[16:], wrap(kek[:], ak))
	return nil
}

// open unwraps the authority key of slot i.
func (d *Drive) open(page *[pageSize]byte, i int, pin drive.PIN) ([]byte, error) {
	slot := page[16+i*slotSize:][:slotSize]
	kek, err := drive.KEK(d.fuses.Root, pin, [16]byte(slot[:16]), iterations)
	if err != nil {
		return nil, err
	}
	defer kek.Clear()
	return unwrap(kek[:], slot[16:])
}

// newKey gives the band a new media key, whose BandMaster has pin, and writes the
// record.
func (d *Drive) newKey(op string, next *[pageSize]byte, pin drive.PIN) error {
	mek := make([]byte, 64)
	if _, err := io.ReadFull(d.entropy, mek); err != nil {
		return &drive.StatusError{Op: op, Code: drive.EntropyFailure, Err: err}
	}
	ak, err := d.open(next, 1, pin)
	if err != nil {
		return err
	}
	copy(next[184:], wrap(ak, mek))
	d.mek = mek
	d.commit(next)
	return nil
}

// commit writes the record to the other page, and erases the old one.
func (d *Drive) commit(next *[pageSize]byte) {
	binary.BigEndian.PutUint64(next[:], binary.BigEndian.Uint64(d.record()[:])+1)
	old := d.inForce
	d.inForce = 1 - old
	d.pages[d.inForce] = *next
	d.blank(old)
}

func (d *Drive) record() *[pageSize]byte {
	r := d.pages[d.inForce]
	if r[8] == 0xFF { // blank: no record yet
		r = [pageSize]byte{}
	}
	return &r
}

// PowerOff ends the session and forgets the media key.
func (d *Drive) PowerOff() { d.powered, d.mek, d.session = false, nil, nil }

// PowerOn opens the band, if it does not wait for its BandMaster.
func (d *Drive) PowerOn() error {
	if d.powered {
		return nil
	}
	d.powered = true
	if r := d.record(); r[9] == 0 {
		return d.unlock(r, d.fuses.MSID)
	}
	return nil
}

func (d *Drive) unlock(r *[pageSize]byte, pin drive.PIN) error {
	ak, err := d.open(r, 1, pin)
	if err == nil {
		d.mek, err = unwrap(ak, r[184:][:72])
	}
	return err
}

// Serial is the serial number.
func (d *Drive) Serial() string { return d.serial }

// Config is what the factory decided.
func (d *Drive) Config() drive.Config {
	return drive.Config{Serial: d.serial, Model: "outside", SectorSize: sectorSize, Sectors: 4096, TryLimit: 5, PBKDF2Iterations: iterations}
}

// Status is the public summary.
func (d *Drive) Status() drive.Status {
	r := d.record()
	s := drive.Status{Powered: d.powered, State: drive.Configured, LockEnabled: r[9] == 1, Locked: d.mek == nil, KeyGeneration: uint32(binary.BigEndian.Uint64(r[:]))}
	if r[8] == 1 {
		s.State = drive.Erased
	}
	return s
}

// MSID is the factory PIN.
func (d *Drive) MSID() (drive.PIN, error) {
	if !d.powered {
		return drive.PIN{}, &drive.StatusError{Op: "msid", Code: drive.NoPower}
	}
	return d.fuses.MSID.Clone(), nil
}

// Range describes the only band.
func (d *Drive) Range(n int) (drive.RangeInfo, error) {
	if n != 0 {
		return drive.RangeInfo{}, &drive.StatusError{Op: "range", Code: drive.InvalidParameter}
	}
	r := d.record()
	on := r[9] == 1
	return drive.RangeInfo{
		RangeConfig: drive.RangeConfig{ReadLockEnabled: on, WriteLockEnabled: on, LockOnReset: drive.OnPowerCycle},
		ReadLocked:  d.mek == nil, WriteLocked: d.mek == nil, AtMSID: r[8] == 1,
	}, nil
}

// Tries counts wrong PINs.
func (d *Drive) Tries(a drive.Authority) (used, limit uint16, err error) {
	return d.tries[a], 5, nil
}

// Authenticate opens a session.
func (d *Drive) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	i := slices.Index(slots, a)
	switch {
	case !d.powered:
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.NoPower}
	case d.session != nil:
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.SPBusy}
	case i < 0 || pin.Len() == 0:
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.InvalidParameter}
	case d.tries[a] >= 5:
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.LockedOut}
	}
	d.tries[a]++
	if _, err := d.open(d.record(), i, pin); err != nil {
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.NotAuthorized}
	}
	d.tries[a] = 0
	d.session = &Session{d: d, who: a, slot: i, pin: pin.Clone()}
	return d.session, nil
}

// RevertPSID erases the drive with the PIN of its label.
func (d *Drive) RevertPSID(psid drive.PIN) error {
	if !psid.Equal(d.psid) {
		return &drive.StatusError{Op: "revert", Code: drive.NotAuthorized}
	}
	return d.factory("revert")
}

// SelfTest has nothing to mend: the EEPROM does not rot.
func (d *Drive) SelfTest() error {
	if !d.powered {
		return &drive.StatusError{Op: "self test", Code: drive.NoPower}
	}
	return nil
}

// Attest answers with a key that only this chip can derive.
func (d *Drive) Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error) {
	if !d.powered {
		return drive.Attestation{}, &drive.StatusError{Op: "attest", Code: drive.NoPower}
	}
	seed := secret.Derive32(d.fuses.Root[:], nil, "outside identity")
	defer seed.Clear()
	return drive.SignAttestation(ed25519.NewKeyFromSeed(seed[:]), d.serial, challenge), nil
}

// each runs do over the whole sectors of b.
func (d *Drive) each(op string, lba uint64, b []byte, do func(c *xts.Cipher, lba uint64, sector []byte)) error {
	n := uint64(len(b) / sectorSize)
	switch {
	case !d.powered:
		return &drive.StatusError{Op: op, Code: drive.NoPower}
	case d.mek == nil:
		return &drive.StatusError{Op: op, Code: drive.Locked}
	case n == 0 || len(b)%sectorSize != 0 || lba+n > d.Config().Sectors:
		return &drive.StatusError{Op: op, Code: drive.OutOfRange}
	}
	c, err := xts.NewCipher(aes.NewCipher, d.mek)
	if err != nil {
		return err
	}
	for i := range n {
		if point, hit := d.faults.plan.Check(fault.Op{Name: "media." + op, LBA: lba + i}); hit {
			return &drive.StatusError{Op: op, Code: drive.MediaFailure, Why: string(point)}
		}
		do(c, lba+i, b[i*sectorSize:][:sectorSize])
	}
	return nil
}

// Read reads whole sectors; one that was never written is zero.
func (d *Drive) Read(lba uint64, dst []byte) error {
	clear(dst)
	return d.each("read", lba, dst, func(c *xts.Cipher, lba uint64, sector []byte) {
		if sealed, ok := d.media[lba]; ok {
			c.Decrypt(sector, sealed, lba)
		}
	})
}

// Write writes whole sectors.
func (d *Drive) Write(lba uint64, src []byte) error {
	return d.each("write", lba, src, func(c *xts.Cipher, lba uint64, sector []byte) {
		sealed := make([]byte, sectorSize)
		c.Encrypt(sealed, sector, lba)
		d.media[lba] = sealed
	})
}

// faults is where a plan for the media is armed.
type faults struct{ plan *fault.Plan }

// Arm implements raslab.Injector.
func (f *faults) Arm(plan *fault.Plan) { f.plan = plan }

// Disarm implements raslab.Injector.
func (f *faults) Disarm() { f.plan = nil }

// Injector lets faults into the media; the EEPROM has none.
func (d *Drive) Injector(component string) raslab.Injector {
	if component != "media" {
		return nil
	}
	return &d.faults
}

// Dump is what a soldering iron gets.
func (d *Drive) Dump() drive.Dump {
	out := drive.Dump{Geometry: flash.Geometry{Blocks: len(d.pages), PagesPerBlock: 1, PageSize: pageSize}}
	for i := range d.pages {
		out.Flash = append(out.Flash, flash.Page{Block: i, Data: slices.Clone(d.pages[i][:])})
	}
	for lba := range d.media {
		out.Written = append(out.Written, lba)
	}
	slices.Sort(out.Written)
	out.Sector = func(lba uint64) ([]byte, bool) {
		s, ok := d.media[lba]
		return slices.Clone(s), ok
	}
	return out
}

// Fuses is what decapping the chip gets.
func (d *Drive) Fuses() *drive.Fuses {
	return &drive.Fuses{Config: d.Config(), Root: d.fuses.Root.Clone(), MSID: d.fuses.MSID.Clone()}
}
