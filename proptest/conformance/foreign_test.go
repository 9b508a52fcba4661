package conformance_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"io"
	"slices"

	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// foreign is a drive of another make: its record is JSON, its wraps are AES-GCM, and it derives keys
// in its own way. It has one range, and an EEPROM of two pages of which one is in force.
type foreign struct {
	id         conformance.Identity
	chip       []byte
	msid, psid drive.PIN
	random     io.Reader
	pages      [2][]byte
	rec        record
	on         bool
	key        []byte // the media key, while the range is open
	media      map[uint64][]byte
}

type record struct {
	Serial int
	Slots  [3]struct { // SID, EraseMaster, BandMaster0
		Salt, Wrap []byte // the authority key under the PIN
		Tries      uint16
	}
	PSIDTries        uint16
	ByChip, ByMaster []byte // the media key, under the chip's key or under that of BandMaster0
	Range            drive.RangeConfig
	Locks            [2]bool
}

func (d *foreign) draw(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(d.random, b); err != nil {
		panic(drive.EntropyFailure)
	}
	return b
}

func gcm(key []byte) cipher.AEAD {
	block, _ := aes.NewCipher(key)
	a, _ := cipher.NewGCMWithRandomNonce(block)
	return a
}

func (d *foreign) kek(pin drive.PIN, salt []byte) []byte {
	k, _ := pbkdf2.Key(sha256.New, string(pin.Bytes())+string(rune(pin.Len())), append(salt, d.chip...), 2, 32)
	return k
}

// KEKs are the keys that a PIN gives with the salts of both pages.
func (d *foreign) KEKs(dump drive.Dump, pin drive.PIN) (all []*secret.Key32) {
	for _, p := range dump.Flash {
		var r record
		if json.Unmarshal(bytes.TrimRight(p.Data, "\xFF"), &r) == nil {
			for _, s := range r.Slots {
				all = append(all, secret.Take32(d.kek(pin, s.Salt)))
			}
		}
	}
	return all
}

// Chip is the key in the chip.
func (d *foreign) Chip() []forensic.Secret {
	return []forensic.Secret{forensic.Root((*secret.Key32)(d.chip))}
}

// Derivation is of no use here: see KEKs.
func (d *foreign) Derivation() forensic.Options { return forensic.Options{} }

func (d *foreign) seal(i int, pin drive.PIN, ak []byte) {
	s := &d.rec.Slots[i]
	s.Salt = d.draw(16)
	s.Wrap, s.Tries = gcm(d.kek(pin, s.Salt)).Seal(nil, nil, ak, nil), 0
}

// commit writes the record to the other page and destroys the old one.
func (d *foreign) commit() {
	d.rec.Serial++
	d.pages[d.rec.Serial%2], _ = json.Marshal(d.rec)
	d.pages[1-d.rec.Serial%2] = nil
}

// keep wraps the media key for whoever needs it after a power loss.
func (d *foreign) keep(key, ak []byte) {
	d.rec.ByChip, d.rec.ByMaster = nil, nil
	r := d.rec.Range
	if power := r.LockOnReset&drive.OnPowerCycle != 0; r.ReadLockEnabled && (power || d.rec.Locks[0]) || r.WriteLockEnabled && (power || d.rec.Locks[1]) {
		d.rec.ByMaster = gcm(ak).Seal(nil, nil, key, nil)
	} else {
		d.rec.ByChip = gcm(d.chip).Seal(nil, nil, key, nil)
	}
}

// as counts a try, opens the authority's slot, and runs f with its key. A dead random source ends it
// with the record as it was.
func (d *foreign) as(who drive.Authority, pin drive.PIN, f func(i int, ak []byte) error) (err error) {
	i := slices.Index([]drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0)}, who)
	switch {
	case !d.on:
		return drive.NoPower
	case i < 0 || pin.Len() == 0:
		return drive.InvalidParameter
	case d.rec.Slots[i].Tries == d.id.TryLimit:
		return drive.LockedOut
	}
	s := &d.rec.Slots[i]
	s.Tries++
	d.commit()
	ak, err := gcm(d.kek(pin, s.Salt)).Open(nil, nil, s.Wrap, nil)
	if err != nil {
		return drive.NotAuthorized
	}
	s.Tries = 0
	old := d.rec
	defer func() {
		if recover() != nil {
			d.rec, err = old, drive.EntropyFailure
		}
		d.commit()
	}()
	return f(i, ak)
}

func (d *foreign) Try(who drive.Authority, pin drive.PIN) error {
	return d.as(who, pin, func(int, []byte) error { return nil })
}

func (d *foreign) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	return d.as(who, pin, func(i int, ak []byte) error {
		if to.Len() == 0 {
			return drive.InvalidParameter
		}
		d.seal(i, to, ak)
		return nil
	})
}

func (d *foreign) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	return d.as(drive.BandMaster(n), pin, func(_ int, ak []byte) error {
		if c.Start+c.Length > 0 {
			return drive.InvalidParameter
		}
		return d.relock(ak, c, d.rec.Locks)
	})
}

func (d *foreign) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return d.as(drive.BandMaster(n), pin, func(_ int, ak []byte) error { return d.relock(ak, d.rec.Range, [2]bool{read, write}) })
}

func (d *foreign) relock(ak []byte, c drive.RangeConfig, locks [2]bool) error {
	if d.key == nil {
		d.key, _ = gcm(ak).Open(nil, nil, d.rec.ByMaster, nil)
	}
	d.rec.Range, d.rec.Locks = c, locks
	d.keep(d.key, ak)
	return nil
}

func (d *foreign) Erase(n int, pin drive.PIN) error {
	return d.as(drive.EraseMaster, pin, func(int, []byte) error {
		if n != 0 {
			return drive.InvalidParameter
		}
		d.renew()
		return nil
	})
}

// renew gives the range a new key and its BandMaster MSID.
func (d *foreign) renew() {
	key, ak := d.draw(64), d.draw(32)
	d.rec.Range, d.rec.Locks = drive.RangeConfig{LockOnReset: drive.OnPowerCycle}, [2]bool{}
	d.seal(2, d.msid, ak)
	d.keep(key, ak)
	d.key = key
}

func (d *foreign) Revert(psid drive.PIN) (err error) {
	switch {
	case !d.on:
		return drive.NoPower
	case d.rec.PSIDTries == d.id.TryLimit:
		return drive.LockedOut
	case psid.Len() == 0:
		return drive.InvalidParameter
	case !psid.Equal(d.psid):
		d.rec.PSIDTries++
		d.commit()
		return drive.NotAuthorized
	}
	old := d.rec
	defer func() {
		if recover() != nil {
			d.rec, err = old, drive.EntropyFailure
		}
		d.commit()
	}()
	d.seal(0, d.msid, d.draw(32))
	d.seal(1, d.msid, d.draw(32))
	d.renew()
	d.rec.PSIDTries = 0
	return nil
}

func (d *foreign) transfer(lba uint64, b []byte, locked bool, f func(c *xts.Cipher, lba uint64, sector []byte)) error {
	switch n := uint64(len(b) / d.id.SectorSize); {
	case !d.on:
		return drive.NoPower
	case lba+n > d.id.Sectors:
		return drive.OutOfRange
	case locked || d.key == nil:
		return drive.Locked
	}
	c, _ := xts.NewCipher(aes.NewCipher, d.key)
	for i := 0; i < len(b); i += d.id.SectorSize {
		f(c, lba+uint64(i/d.id.SectorSize), b[i:][:d.id.SectorSize])
	}
	return nil
}

func (d *foreign) Read(lba uint64, dst []byte) error {
	return d.transfer(lba, dst, d.rec.Range.ReadLockEnabled && d.rec.Locks[0], func(c *xts.Cipher, lba uint64, s []byte) {
		if clear(s); d.media[lba] != nil {
			c.Decrypt(s, d.media[lba], lba)
		}
	})
}

func (d *foreign) Write(lba uint64, src []byte) error {
	return d.transfer(lba, src, d.rec.Range.WriteLockEnabled && d.rec.Locks[1], func(c *xts.Cipher, lba uint64, s []byte) {
		d.media[lba] = make([]byte, len(s))
		c.Encrypt(d.media[lba], s, lba)
	})
}

func (d *foreign) PowerOff() { d.on, d.key = false, nil }

func (d *foreign) PowerOn() error {
	if d.on {
		return nil
	}
	d.on = true
	d.key, _ = gcm(d.chip).Open(nil, nil, d.rec.ByChip, nil)
	return d.lock(drive.OnPowerCycle)
}

func (d *foreign) Reset(k drive.ResetKind) error {
	if !d.on {
		return drive.NoPower
	}
	return d.lock(map[drive.ResetKind]drive.ResetSet{drive.HardwareReset: drive.OnHardware, drive.HotPlugReset: drive.OnHotPlug}[k])
}

func (d *foreign) lock(by drive.ResetSet) error {
	if r := d.rec.Range; r.LockOnReset&by != 0 {
		d.rec.Locks = [2]bool{d.rec.Locks[0] || r.ReadLockEnabled, d.rec.Locks[1] || r.WriteLockEnabled}
	}
	return nil
}

func (d *foreign) Flush() error                            { return nil }
func (d *foreign) MSID() (drive.PIN, error)                { return d.msid.Clone(), nil }
func (d *foreign) Identify() (conformance.Identity, error) { return d.id, nil }

func (d *foreign) Dump() drive.Dump {
	out := drive.Dump{Geometry: flash.Geometry{Blocks: 2, PagesPerBlock: 1, PageSize: 4096}}
	for i, p := range d.pages {
		if p != nil {
			out.Flash = append(out.Flash, flash.Page{Block: i, Data: slices.Clone(p)})
		}
	}
	out.Sector = func(lba uint64) ([]byte, bool) { return slices.Clone(d.media[lba]), d.media[lba] != nil }
	return out
}
