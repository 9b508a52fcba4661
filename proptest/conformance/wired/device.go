package wired

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Rest is what of a device does not go over its security interface.
type Rest interface {
	Identify() (conformance.Identity, error)
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	Flush() error
	PowerOff()
	PowerOn() error
	Reset(drive.ResetKind) error
}

// Device is a conformance.Device that is used over a transport.
type Device struct {
	Rest
	t    transport.Transport
	wait func()
}

// Open makes a device of SSC Enterprise of a transport and the rest of it.
func Open(t transport.Transport, rest Rest) *Device { return &Device{Rest: rest, t: t} }

// codes are what the statuses of the wire stand for.
var codes = []struct {
	of   error
	code drive.Code
}{
	{spec.NotAuthorized, drive.NotAuthorized},
	{spec.AuthorityLockedOut, drive.LockedOut},
	{spec.SPBusy, drive.SPBusy},
	{spec.InvalidParameter, drive.InvalidParameter},
	{spec.Fail, drive.HardwareFailure},
	{transport.NoPower, drive.NoPower},
}

// coded is an error of the wire with the code that the suite knows it by.
func coded(err error) error {
	var closed *host.ClosedError
	if errors.As(err, &closed) {
		return fmt.Errorf("%w: %w", drive.NoSession, err)
	}
	for _, c := range codes {
		if errors.Is(err, c.of) {
			return fmt.Errorf("%w: %w", c.code, err)
		}
	}
	return err
}

// with opens the device as a host that has just come, and does something.
func (d *Device) with(do func(*host.Device) error) error {
	h, err := host.Open(d.t, host.Options{Wait: d.wait})
	if err != nil {
		return coded(err)
	}
	return coded(do(h))
}

// MSID implements conformance.Device.
func (d *Device) MSID() (pin drive.PIN, err error) {
	err = d.with(func(h *host.Device) error {
		pin, err = h.MSID()
		return err
	})
	return pin, err
}

// uid is the UID of an authority of an Enterprise drive. PSID is none that the suite tries: it reverts.
func uid(who drive.Authority, ranges int) (spec.UID, error) {
	switch who {
	case drive.SID:
		return spec.SID, nil
	case drive.EraseMaster:
		return spec.EraseMaster, nil
	}
	for n := range ranges + 1 {
		if who == drive.BandMaster(n) {
			return spec.BandMaster(n), nil
		}
	}
	return 0, fmt.Errorf("%w: no authority %v", drive.InvalidParameter, who)
}

// as does something as an authority.
func (d *Device) as(who drive.Authority, do func(h *host.Device, u spec.UID) error) error {
	return d.with(func(h *host.Device) error {
		u, err := uid(who, drive.MaxRanges)
		if err != nil {
			return err
		}
		return do(h, u)
	})
}

// Try implements conformance.Device.
func (d *Device) Try(who drive.Authority, pin drive.PIN) error {
	return d.as(who, func(h *host.Device, u spec.UID) error { return h.Authenticate(host.Credential{Who: u, PIN: pin}) })
}

// SetPIN implements conformance.Device.
func (d *Device) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	return d.as(who, func(h *host.Device, u spec.UID) error { return h.SetPIN(u, pin, to) })
}

// SetRange implements conformance.Device.
func (d *Device) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	conf := host.BandConfig{Start: c.Start, Length: c.Length, ReadLockEnabled: c.ReadLockEnabled, WriteLockEnabled: c.WriteLockEnabled}
	for _, r := range []struct {
		is   drive.ResetSet
		kind uint64
	}{{drive.OnPowerCycle, spec.PowerCycle}, {drive.OnHardware, spec.HardwareReset}, {drive.OnHotPlug, spec.HotPlugReset}} {
		if c.LockOnReset&r.is != 0 {
			conf.LockOnReset = append(conf.LockOnReset, r.kind)
		}
	}
	return d.with(func(h *host.Device) error { return h.SetBand(n, pin, conf) })
}

// SetLocks implements conformance.Device.
func (d *Device) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return d.with(func(h *host.Device) error { return h.SetLocks(n, pin, read, write) })
}

// Erase implements conformance.Device.
func (d *Device) Erase(n int, pin drive.PIN) error {
	return d.with(func(h *host.Device) error { return h.Erase(n, pin) })
}

// GenKey implements conformance.KeyGenerator.
func (d *Device) GenKey(n int, pin drive.PIN) error {
	return d.with(func(h *host.Device) error { return h.GenKey(n, pin) })
}

// Revert implements conformance.Device.
func (d *Device) Revert(psid drive.PIN) error {
	return d.with(func(h *host.Device) error { return h.Revert(psid) })
}

// Range implements conformance.RangeReader.
func (d *Device) Range(n int) (i drive.RangeInfo, err error) {
	err = d.with(func(h *host.Device) error {
		bands, err := h.Bands()
		if err != nil {
			return err
		}
		if n < 0 || n >= len(bands) {
			return fmt.Errorf("%w: no band %d", drive.InvalidParameter, n)
		}
		b := bands[n]
		i.Start, i.Length, i.ReadLockEnabled, i.WriteLockEnabled = b.Start, b.Length, b.ReadLockEnabled, b.WriteLockEnabled
		i.ReadLocked, i.WriteLocked = b.ReadLocked, b.WriteLocked
		for _, r := range b.LockOnReset {
			i.LockOnReset |= map[uint64]drive.ResetSet{spec.PowerCycle: drive.OnPowerCycle, spec.HardwareReset: drive.OnHardware, spec.HotPlugReset: drive.OnHotPlug}[r]
		}
		return nil
	})
	return i, err
}
