package conformance_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// vault is a drive of another make: one range, AES-GCM wraps, no capability.
type vault struct {
	id     conformance.Identity
	on     bool
	chip   []byte // what nobody reads without opening the chip
	msid   drive.PIN
	wraps  [4][]byte // the key of SID, EraseMaster, BandMaster0 and PSID, under chip and PIN
	tries  [4]uint16
	c      drive.RangeConfig
	locks  [2]bool
	sealed [2][]byte // the media key under that of BandMaster, and under the chip where power alone opens the range
	key    []byte    // in RAM, while the range is open
	media  map[uint64][]byte
}

func newVault(w conformance.Wish) (conformance.Device, drive.Label, error) {
	msid, err := drive.NewPIN(fresh(drive.PINSize))
	psid, err2 := drive.NewPIN(fresh(drive.PINSize))
	d := &vault{on: true, chip: fresh(32), msid: msid, media: map[uint64][]byte{}, id: conformance.Identity{
		Maker: "another", Model: "vault", SectorSize: w.SectorSize, Sectors: w.Sectors, TryLimit: w.TryLimit, Persistent: true,
	}}
	d.wraps[3] = seal(d.chip, psid, fresh(32))
	return d, drive.Label{MSID: msid, PSID: psid}, errors.Join(err, err2, d.Revert(psid))
}

func seal(key []byte, pin drive.PIN, what []byte) []byte {
	return box(key, pin).Seal(nil, nil, what, nil)
}
func fresh(n int) []byte { b := make([]byte, n); _, _ = rand.Read(b); return b }

// box seals under what a key and a PIN give together.
func box(key []byte, pin drive.PIN) cipher.AEAD {
	k, _ := hkdf.Key(sha256.New, key, nil, "vault "+string(pin.Bytes()), 32)
	block, _ := aes.NewCipher(k)
	a, _ := cipher.NewGCMWithRandomNonce(block)
	return a
}

// psidHolder is who reverts: no host can name him.
const psidHolder = drive.Nobody

// as runs f with the key of an authority. A try is counted before the PIN is looked at.
func (d *vault) as(who drive.Authority, pin drive.PIN, f func(i int, own []byte) error) error {
	i := slices.Index([]drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), psidHolder}, who)
	switch {
	case !d.on:
		return drive.NoPower
	case i < 0 || pin.Len() == 0:
		return drive.InvalidParameter
	case d.tries[i] == d.id.TryLimit:
		return drive.LockedOut
	}
	d.tries[i]++
	own, err := box(d.chip, pin).Open(nil, nil, d.wraps[i], nil)
	if err != nil {
		return drive.NotAuthorized
	}
	d.tries[i] = 0
	return f(i, own)
}

func (d *vault) Try(who drive.Authority, pin drive.PIN) error { return d.as(who, pin, nothing) }
func nothing(int, []byte) error                               { return nil }

func (d *vault) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	return d.as(who, pin, func(i int, own []byte) error {
		if to.Len() == 0 {
			return drive.InvalidParameter
		}
		d.wraps[i] = seal(d.chip, to, own)
		return nil
	})
}

func (d *vault) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	return d.as(drive.BandMaster(n), pin, func(_ int, own []byte) error { return d.keep(own, c, d.locks) })
}

func (d *vault) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return d.as(drive.BandMaster(n), pin, func(_ int, own []byte) error { return d.keep(own, d.c, [2]bool{read, write}) })
}

// keep opens the range, and leaves the media key to the chip only where power alone is to open it.
func (d *vault) keep(own []byte, c drive.RangeConfig, locks [2]bool) (err error) {
	if c.Start+c.Length > 0 || c.LockOnReset > 7 {
		return drive.InvalidParameter
	}
	d.c, d.locks, d.sealed[1] = c, locks, nil
	d.key, err = box(own, drive.PIN{}).Open(nil, nil, d.sealed[0], nil)
	if power := c.LockOnReset&drive.OnPowerCycle != 0; !(c.ReadLockEnabled && (power || locks[0]) || c.WriteLockEnabled && (power || locks[1])) {
		d.sealed[1] = seal(d.chip, drive.PIN{}, d.key)
	}
	return err
}

func (d *vault) Erase(n int, pin drive.PIN) error {
	return d.as(drive.EraseMaster, pin, func(int, []byte) error { return d.renew(n) })
}

// renew gives range n a new key, and its BandMaster MSID.
func (d *vault) renew(n int) error {
	if n != 0 {
		return drive.InvalidParameter
	}
	own := fresh(32)
	d.wraps[2], d.tries[2], d.sealed[0] = seal(d.chip, d.msid, own), 0, seal(own, drive.PIN{}, fresh(64))
	return d.keep(own, drive.RangeConfig{LockOnReset: drive.OnPowerCycle}, [2]bool{})
}

func (d *vault) Revert(psid drive.PIN) error {
	return d.as(psidHolder, psid, func(int, []byte) error {
		d.tries, d.wraps[0], d.wraps[1] = [4]uint16{}, seal(d.chip, d.msid, fresh(32)), seal(d.chip, d.msid, fresh(32))
		return d.renew(0)
	})
}

func (d *vault) Read(lba uint64, b []byte) error  { return d.move(lba, b, 0, d.c.ReadLockEnabled) }
func (d *vault) Write(lba uint64, b []byte) error { return d.move(lba, b, 1, d.c.WriteLockEnabled) }
func (d *vault) move(lba uint64, b []byte, way int, lockable bool) error {
	switch {
	case !d.on:
		return drive.NoPower
	case lba+uint64(len(b)/d.id.SectorSize) > d.id.Sectors:
		return drive.OutOfRange
	case lockable && d.locks[way] || d.key == nil:
		return drive.Locked
	}
	c, err := xts.NewCipher(aes.NewCipher, d.key)
	for i := 0; i < len(b); i, lba = i+d.id.SectorSize, lba+1 {
		if s := b[i:][:d.id.SectorSize]; way == 1 {
			d.media[lba] = make([]byte, len(s))
			c.Encrypt(d.media[lba], s, lba)
		} else if d.media[lba] != nil {
			c.Decrypt(s, d.media[lba], lba)
		}
	}
	return err
}

func (d *vault) PowerOff() { d.on, d.key = false, nil }
func (d *vault) PowerOn() error {
	if d.on {
		return nil
	}
	d.on = true
	d.key, _ = box(d.chip, drive.PIN{}).Open(nil, nil, d.sealed[1], nil)
	return d.Reset(0)
}

func (d *vault) Reset(k drive.ResetKind) error {
	by := map[drive.ResetKind]drive.ResetSet{0: drive.OnPowerCycle, drive.HardwareReset: drive.OnHardware, drive.HotPlugReset: drive.OnHotPlug}[k]
	if !d.on {
		return drive.NoPower
	} else if d.c.LockOnReset&by != 0 {
		d.locks = [2]bool{d.locks[0] || d.c.ReadLockEnabled, d.locks[1] || d.c.WriteLockEnabled}
	}
	return nil
}

func (d *vault) Flush() error                            { return nil }
func (d *vault) MSID() (drive.PIN, error)                { return d.msid.Clone(), nil }
func (d *vault) Identify() (conformance.Identity, error) { return d.id, nil }

// A drive of another make: what it cannot show is not judged, and nothing is held against it.
func Example_device() {
	report, err := conformance.Judge(newVault, conformance.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Failed() {
		fmt.Println(r.String())
	}
	fmt.Println(len(report.Failed()), "failed")
	// Output: 0 failed
}
