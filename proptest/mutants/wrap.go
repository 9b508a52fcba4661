package mutants

import (
	"bytes"
	"errors"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// whole is a device with every capability that the simulated drive has. A wrapper embeds one, so
// that the suite finds them all.
type whole interface {
	conformance.Device
	conformance.Migrator
	conformance.KeyGenerator
	conformance.WholeEraser
	conformance.Sessioner
	conformance.RangeReader
	conformance.TryReader
	conformance.Indicator
	conformance.StateReader
	conformance.Dumper
	conformance.Opened
	conformance.Memory
	conformance.OnParts
	conformance.Concurrent
}

// around makes the maker of a wrapped simulated drive.
func around(wrap func(whole) conformance.Device) conformance.Maker {
	return func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := conformance.Simulated(w)
		if err != nil || d == nil {
			return d, label, err
		}
		return wrap(d.(whole)), label, nil
	}
}

// wrapped lists the devices that lie, by the property that finds them out.
var wrapped = []Mutant{
	{Of: "LI01", Defect: "a liar that keeps every sector in the clear, in a place of its own", Maker: around(newHoarder)},
	{Of: "LI02", Defect: "a liar that keeps every PIN in a place of its own", Maker: around(newKeeper)},
	{Of: "LI03", Defect: "the dump of the device leaves out its last page", Maker: around(func(d whole) conformance.Device { return shy{d} })},
	{Of: "PC04", Defect: "writes wait in RAM for the next one, and a flush does not send them off", Maker: around(func(d whole) conformance.Device { return &lazy{whole: d} })},
	{Of: "KH03", Defect: "a PIN change changes the PIN of whoever has the same", Maker: around(func(d whole) conformance.Device { return flock{d} })},
	{Of: "F15", Defect: "an erase is answered with success and does nothing where the range is locked", Maker: around(func(d whole) conformance.Device { return idle{d} })},
	{Of: "F16", Defect: "a revert puts the old data back, out of a place of its own", Maker: around(func(d whole) conformance.Device {
		return &undead{hoarder: hoarder{whole: d, sectors: map[uint64][]byte{}}}
	})},
	{Of: "UCT-03", Defect: "a PIN change of the SID is answered with success and does nothing", Maker: around(func(d whole) conformance.Device { return deaf{d, drive.SID} })},
	{Of: "UCT-05", Defect: "a PIN change of the EraseMaster is answered with success and does nothing", Maker: around(func(d whole) conformance.Device { return deaf{d, drive.EraseMaster} })},
	{Of: "SM01", Defect: "a PIN change of the EraseMaster is answered with success and does nothing", Maker: around(func(d whole) conformance.Device { return deaf{d, drive.EraseMaster} })},
	{Of: "UCT-06", Defect: "the second band gets the locks of none", Maker: around(func(d whole) conformance.Device { return loose{d} })},
	{Of: "UCT-07", Defect: "a wrong PIN that unlocks a band is answered with success", Maker: around(func(d whole) conformance.Device { return polite{d} })},
	{Of: "UCT-08", Defect: "the erase of a band erases the global range, too", Maker: around(func(d whole) conformance.Device { return broad{d} })},
	{Of: "UCT-16", Defect: "a revert gives the SID its last PIN back", Maker: around(func(d whole) conformance.Device { return &loyal{whole: d} })},
	{Of: "ETC-12", Defect: "an erase takes the PIN of the range's BandMaster, too", Maker: around(func(d whole) conformance.Device { return lenient{d} })},
	{Of: "AU01", Defect: "an erase takes the PIN of the range's BandMaster, too", Maker: around(func(d whole) conformance.Device { return lenient{d} })},
}

// hoarder answers reads with what was written, whatever is on the media, until the range is erased.
type hoarder struct {
	whole
	sectors map[uint64][]byte
}

func newHoarder(d whole) conformance.Device { return &hoarder{whole: d, sectors: map[uint64][]byte{}} }

func (h *hoarder) size() int {
	id, err := h.Identify()
	if err != nil {
		return 512
	}
	return id.SectorSize
}

func (h *hoarder) Write(lba uint64, src []byte) error {
	if err := h.whole.Write(lba, src); err != nil {
		return err
	}
	size := h.size()
	for i := 0; i < len(src); i += size {
		h.sectors[lba+uint64(i/size)] = bytes.Clone(src[i : i+size])
	}
	return nil
}

func (h *hoarder) Read(lba uint64, dst []byte) error {
	if err := h.whole.Read(lba, dst); err != nil {
		return err
	}
	size := h.size()
	for i := 0; i < len(dst); i += size {
		copy(dst[i:i+size], h.sectors[lba+uint64(i/size)])
	}
	return nil
}

func (h *hoarder) Erase(n int, pin drive.PIN) error {
	clear(h.sectors)
	return h.whole.Erase(n, pin)
}

func (h *hoarder) Revert(psid drive.PIN) error {
	clear(h.sectors)
	return h.whole.Revert(psid)
}

// undead is a hoarder that does not forget at a revert.
type undead struct{ hoarder }

func (u *undead) Revert(psid drive.PIN) error { return u.whole.Revert(psid) }

// keeper accepts a PIN that it was once told, as long as nobody has changed it since.
type keeper struct {
	whole
	pins map[drive.Authority]drive.PIN
}

func newKeeper(d whole) conformance.Device { return &keeper{d, map[drive.Authority]drive.PIN{}} }

func (k *keeper) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	err := k.whole.SetPIN(who, pin, to)
	if err == nil {
		k.pins[who] = to.Clone()
	}
	return err
}

func (k *keeper) Try(who drive.Authority, pin drive.PIN) error {
	err := k.whole.Try(who, pin)
	if known, is := k.pins[who]; is && err != nil && known.Equal(pin) {
		return nil
	}
	return err
}

// shy leaves out the last page of its dump.
type shy struct{ whole }

func (s shy) Dump() drive.Dump {
	d := s.whole.Dump()
	if n := len(d.Flash); n > 0 {
		d.Flash = slices.Clone(d.Flash[:n-1])
	}
	return d
}

// lazy keeps the last write in RAM.
type lazy struct {
	whole
	lba  uint64
	data []byte
}

func (l *lazy) send() error {
	data := l.data
	l.data = nil
	if data == nil {
		return nil
	}
	return l.whole.Write(l.lba, data)
}

func (l *lazy) Write(lba uint64, src []byte) error {
	if err := l.send(); err != nil {
		return err
	}
	if err := l.whole.Read(lba, make([]byte, len(src))); err != nil { // a locked range is refused at once
		return l.whole.Write(lba, src)
	}
	l.lba, l.data = lba, bytes.Clone(src)
	return nil
}

func (l *lazy) Read(lba uint64, dst []byte) error {
	if err := l.send(); err != nil {
		return err
	}
	return l.whole.Read(lba, dst)
}

func (l *lazy) PowerOff() {
	l.data = nil
	l.whole.PowerOff()
}

// flock changes the PINs of all who have the same.
type flock struct{ whole }

func (f flock) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	err := f.whole.SetPIN(who, pin, to)
	if err != nil {
		return err
	}
	for _, other := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.BandMaster(1)} {
		used, limit, terr := f.Tries(other)
		if at, merr := f.AtMSID(other); other != who && terr == nil && merr == nil && !at && used+1 < limit {
			_ = f.whole.SetPIN(other, pin, to)
		}
	}
	return nil
}

// idle does not erase what is locked.
type idle struct{ whole }

func (i idle) Erase(n int, pin drive.PIN) error {
	if r, err := i.Range(n); err == nil && r.ReadLockEnabled && r.ReadLocked && i.Try(drive.EraseMaster, pin) == nil {
		return nil
	}
	return i.whole.Erase(n, pin)
}

// lenient lets a BandMaster erase.
type lenient struct{ whole }

func (l lenient) Erase(n int, pin drive.PIN) error {
	err := l.whole.Erase(n, pin)
	if err == nil || l.Try(drive.BandMaster(n), pin) != nil {
		return err
	}
	return l.GenKey(n, pin)
}

// deaf does not change the PIN of one authority.
type deaf struct {
	whole
	who drive.Authority
}

func (d deaf) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	if who == d.who {
		return d.Try(who, pin)
	}
	return d.whole.SetPIN(who, pin, to)
}

// loose enables no locks of band 2.
type loose struct{ whole }

func (l loose) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	if n == 2 {
		c.ReadLockEnabled, c.WriteLockEnabled = false, false
	}
	return l.whole.SetRange(n, pin, c)
}

// polite says that it has unlocked.
type polite struct{ whole }

func (p polite) SetLocks(n int, pin drive.PIN, read, write bool) error {
	if err := p.whole.SetLocks(n, pin, read, write); err != nil && n > 0 && !read && !write && !errors.Is(err, drive.NotAuthorized) {
		return err
	}
	return nil
}

// broad erases more than it was told.
type broad struct{ whole }

func (b broad) Erase(n int, pin drive.PIN) error {
	err := b.whole.Erase(n, pin)
	if err == nil && n > 0 {
		err = b.whole.Erase(0, pin)
	}
	return err
}

// loyal gives the SID its PIN back.
type loyal struct {
	whole
	pin *drive.PIN
}

func (l *loyal) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	err := l.whole.SetPIN(who, pin, to)
	if keep := to.Clone(); err == nil && who == drive.SID {
		l.pin = &keep
	}
	return err
}

func (l *loyal) Revert(psid drive.PIN) error {
	err := l.whole.Revert(psid)
	if msid, merr := l.MSID(); err == nil && merr == nil && l.pin != nil {
		return l.whole.SetPIN(drive.SID, msid, *l.pin)
	}
	return err
}
