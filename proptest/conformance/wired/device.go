package wired

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
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

// Open makes a device of a transport and the rest of it: one of SSC Enterprise, or an Opal one whose ranges are in
// Single User Mode.
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

// usersMax is how many Users an Opal device has, of whom each has a range in Single User Mode.
const usersMax = 9

// uid is the UID of an authority: in an Opal device in Single User Mode Admin1 is EraseMaster, and User n+1 the
// master of range n. PSID is none that the suite tries: it reverts.
func uid(h *host.Device, who drive.Authority) (spec.UID, error) {
	if who == drive.SID {
		return spec.SID, nil
	}
	ranges, erase, master := drive.MaxRanges, spec.EraseMaster, spec.BandMaster
	if !h.Enterprise() {
		ranges, erase, master = usersMax-1, spec.Admin(1), user
	}
	if who == drive.EraseMaster {
		return erase, nil
	}
	for n := range ranges + 1 {
		if who == drive.BandMaster(n) {
			return master(n), nil
		}
	}
	return 0, fmt.Errorf("%w: no authority %v", drive.InvalidParameter, who)
}

func user(n int) spec.UID { return spec.User(n + 1) }

func owner(n int, pin drive.PIN) host.Credential { return host.Credential{Who: user(n), PIN: pin} }

// as does something as an authority.
func (d *Device) as(who drive.Authority, do func(h *host.Device, u spec.UID) error) error {
	return d.with(func(h *host.Device) error {
		u, err := uid(h, who)
		if err != nil {
			return err
		}
		return do(h, u)
	})
}

// has refuses a range that the device cannot have.
func has(h *host.Device, n int) error {
	_, err := uid(h, drive.BandMaster(n))
	return err
}

// Try implements conformance.Device.
func (d *Device) Try(who drive.Authority, pin drive.PIN) error {
	return d.as(who, func(h *host.Device, u spec.UID) error { return h.Authenticate(host.Credential{Who: u, PIN: pin}) })
}

// SetPIN implements conformance.Device.
func (d *Device) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	return d.as(who, func(h *host.Device, u spec.UID) error {
		if h.Enterprise() {
			return h.SetPIN(u, pin, to)
		}
		return h.SetPINOf(u, host.Credential{Who: u, PIN: pin}, to)
	})
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
	return d.with(func(h *host.Device) error {
		if h.Enterprise() {
			return h.SetBand(n, pin, conf)
		}
		if err := has(h, n); err != nil {
			return err
		}
		var cells []host.Cell
		if n > 0 {
			cells = []host.Cell{{Column: "RangeStart", Value: token.U(conf.Start)}, {Column: "RangeLength", Value: token.U(conf.Length)}}
		}
		resets := token.L()
		for _, r := range conf.LockOnReset {
			resets.Items = append(resets.Items, token.U(r))
		}
		return h.SetRange(n, owner(n, pin), append(cells,
			host.Cell{Column: "ReadLockEnabled", Value: token.Bool(conf.ReadLockEnabled)}, host.Cell{Column: "WriteLockEnabled", Value: token.Bool(conf.WriteLockEnabled)},
			host.Cell{Column: "LockOnReset", Value: resets})...)
	})
}

// SetLocks implements conformance.Device.
func (d *Device) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return d.with(func(h *host.Device) error {
		if h.Enterprise() {
			return h.SetLocks(n, pin, read, write)
		}
		if err := has(h, n); err != nil {
			return err
		}
		return h.SetRangeLocks(n, owner(n, pin), read, write)
	})
}

// Erase implements conformance.Device. Behind it the owner of a range of an Opal device has no PIN, and the range
// its LockOnReset: they get MSID, and what a range of the factory has.
func (d *Device) Erase(n int, pin drive.PIN) error {
	return d.with(func(h *host.Device) error {
		if h.Enterprise() {
			return h.Erase(n, pin)
		}
		if err := has(h, n); err != nil {
			return err
		}
		if err := h.EraseRange(n, host.Credential{Who: spec.Admin(1), PIN: pin}); err != nil {
			return err
		}
		return toMSID(h, n)
	})
}

// toMSID gives the User of a range, who has no PIN, MSID, and the range the LockOnReset of the factory.
func toMSID(h *host.Device, n int) error {
	msid, err := h.MSID()
	if err != nil {
		return err
	}
	if err := h.SetPINOf(user(n), owner(n, drive.PIN{}), msid); err != nil {
		return err
	}
	return h.SetRange(n, owner(n, msid), host.Cell{Column: "LockOnReset", Value: token.L(token.U(spec.PowerCycle))})
}

// begin makes a device of the factory what the suite takes as one: the Locking SP of an Opal device is activated,
// with all ranges in Single User Mode, and their Users have MSID.
func begin(h *host.Device) error {
	if h.Enterprise() {
		return nil
	}
	msid, err := h.MSID()
	if err != nil {
		return err
	}
	if err := h.Activate(msid, host.Activation{AllSingleUser: true}); err != nil {
		return err
	}
	i, err := h.LockingInfo()
	if err != nil {
		return err
	}
	for n := range min(i.MaxRanges+1, usersMax) {
		if err := toMSID(h, n); err != nil {
			return err
		}
	}
	return nil
}

// GenKey implements conformance.KeyGenerator.
func (d *Device) GenKey(n int, pin drive.PIN) error {
	return d.with(func(h *host.Device) error {
		if h.Enterprise() {
			return h.GenKey(n, pin)
		}
		if err := has(h, n); err != nil {
			return err
		}
		return h.RekeyRange(n, owner(n, pin))
	})
}

// Revert implements conformance.Device.
func (d *Device) Revert(psid drive.PIN) error {
	return d.with(func(h *host.Device) error {
		if err := h.Revert(psid); err != nil {
			return err
		}
		return begin(h)
	})
}

// Range implements conformance.RangeReader.
func (d *Device) Range(n int) (i drive.RangeInfo, err error) {
	err = d.with(func(h *host.Device) error {
		bands, err := allRanges(h)
		if err != nil {
			return err
		}
		if n < 0 || n >= len(bands) {
			return fmt.Errorf("%w: no band %d", drive.InvalidParameter, n)
		}
		b := bands[n]
		i.Start, i.Length, i.ReadLockEnabled, i.WriteLockEnabled = b.Start, b.Length, b.ReadLockEnabled, b.WriteLockEnabled
		i.ReadLocked, i.WriteLocked, i.Disabled = b.ReadLocked, b.WriteLocked, b.MasterDisabled
		for _, r := range b.LockOnReset {
			i.LockOnReset |= map[uint64]drive.ResetSet{spec.PowerCycle: drive.OnPowerCycle, spec.HardwareReset: drive.OnHardware, spec.HotPlugReset: drive.OnHotPlug}[r]
		}
		return nil
	})
	return i, err
}

// allRanges are those of a device, as Anybody reads them.
func allRanges(h *host.Device) ([]host.Band, error) {
	if h.Enterprise() {
		return h.Bands()
	}
	return h.Ranges(host.Credential{})
}
