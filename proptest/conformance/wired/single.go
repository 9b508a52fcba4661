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

// What the way to a device may lack.
const (
	Sectors conformance.Capability = "sectors" // Single.Disk
	Power   conformance.Capability = "power"   // Single.Power
	Resets  conformance.Capability = "resets"  // Single.Reset
	Several conformance.Capability = "several" // more devices than one
)

// Disk moves sectors. Refusals wrap a drive.Code: drive.Locked, drive.OutOfRange, drive.NoPower and so on.
type Disk interface {
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	Flush() error
}

// Single is one device that is there once, such as a real one: Make gives it again and again, each time reverted
// with its PSID, so that all on it is gone.
type Single struct {
	Transport transport.Transport
	PSID      drive.PIN
	Wait      func() // between two polls; nil does not wait
	// Capacity of the device in sectors, and the bytes of one: 512 or 4096.
	Capacity   uint64
	SectorSize int

	Disk  Disk                        // nil: the sectors cannot be reached
	Power func(on bool) error         // nil: nobody can take the power
	Reset func(drive.ResetKind) error // nil: nobody can reset it

	made int
}

// Make is a conformance.Maker. A property that takes what the way to the device has not is not judged. Errors are
// those of reverting the device, of making it ready, and of asking it what it is.
func (s *Single) Make(conformance.Wish) (conformance.Device, drive.Label, error) {
	s.made++
	label := drive.Label{PSID: s.PSID}
	if err := s.Restore(); err != nil {
		return nil, label, err
	}
	d := &one{s: s, number: s.made}
	d.Device = &Device{Rest: d, t: guarded{s.Transport, d.alive}, wait: s.Wait}
	err := d.with(begin)
	if err != nil {
		return nil, label, fmt.Errorf("wired: making it ready: %w", err)
	}
	if d.id, err = s.identity(); err != nil {
		return nil, label, fmt.Errorf("wired: what the device is: %w", err)
	}
	label.MSID, err = d.MSID()
	return d, label, err
}

// Restore gives the device power where it can, and makes it what the factory made it.
func (s *Single) Restore() error {
	if s.Power != nil {
		if err := s.Power(true); err != nil {
			return fmt.Errorf("wired: power on: %w", err)
		}
	}
	h, err := host.Open(s.Transport, host.Options{Wait: s.Wait})
	if err != nil {
		return fmt.Errorf("wired: %w", err)
	}
	if err := errors.Join(h.Recover(), h.Revert(s.PSID)); err != nil {
		return fmt.Errorf("wired: the revert by PSID: %w", err)
	}
	return nil
}

// identity asks the device what it is. The limits of tries are those of SID and of the master of the global range,
// who prove MSID for it. A device that does not tell them counts as one without.
func (s *Single) identity() (i conformance.Identity, err error) {
	h, err := host.Open(s.Transport, host.Options{Wait: s.Wait})
	if err != nil {
		return i, err
	}
	l, err := h.LockingInfo()
	if err != nil {
		return i, err
	}
	i = conformance.Identity{Maker: "transport", SectorSize: s.SectorSize, Sectors: s.Capacity, Ranges: min(l.MaxRanges, drive.MaxRanges)}
	master := spec.BandMaster(0)
	if !h.Enterprise() {
		i.Ranges, master = min(l.MaxRanges, usersMax-1), user(0)
	}
	if l.AlignmentRequired {
		i.Granularity = l.AlignmentGranularity
	}
	if l.LowestAlignedLBA != 0 && i.Granularity > 1 {
		return i, fmt.Errorf("the grid of its ranges begins at sector %d, and the suite's begins at 0", l.LowestAlignedLBA)
	}
	msid, err := h.MSID()
	if err != nil {
		return i, err
	}
	sid, err := s.tries(h, spec.AdminSP, spec.CPINSID, host.Credential{Who: spec.SID, PIN: msid})
	if err != nil {
		return i, err
	}
	of, err := s.tries(h, h.LockingSP(), spec.CPINTable|master&0xFFFFFFFF, host.Credential{Who: master, PIN: msid})
	if err != nil {
		return i, err
	}
	if sid.told && of.told && (sid.limit != of.limit || sid.persistent != of.persistent) {
		return i, fmt.Errorf("SID has %d tries and the master of the global range %d, and the suite is for devices where all have as many", sid.limit, of.limit)
	}
	i.TryLimit, i.Persistent = uint16(min(sid.limit, 1<<16-1)), sid.persistent
	return i, nil
}

// tries are how often a PIN was tried in vain, and how often it may be.
type tries struct {
	told        bool
	used, limit uint64
	persistent  bool
}

// tries reads a row of C_PIN as somebody who may, or as Anybody.
func (s *Single) tries(h *host.Device, sp, row spec.UID, as host.Credential) (t tries, err error) {
	var at *host.Session
	if as.Who == spec.Null {
		at, err = h.Start(sp, host.SessionOptions{})
	} else {
		at, err = h.StartAs(sp, as.Who, as.PIN, host.SessionOptions{})
	}
	if err != nil {
		return t, err
	}
	cells, err := at.Get(row, "TryLimit", "Persistence")
	end := at.Close()
	var status *host.StatusError
	if errors.As(err, &status) {
		return t, end
	}
	t.used, _ = cells.Uint("Tries")
	t.limit, t.told = cells.Uint("TryLimit")
	t.persistent, _ = cells.Bool("Persistence")
	return t, errors.Join(err, end)
}

// one is the device between two calls of Make. The one before is gone then.
type one struct {
	*Device
	s      *Single
	number int
	id     conformance.Identity
}

// guarded is a transport that is asked for before each command.
type guarded struct {
	transport.Transport
	alive func()
}

// Send implements transport.Transport.
func (g guarded) Send(protocol uint8, comID uint16, payload []byte) error {
	g.alive()
	return g.Transport.Send(protocol, comID, payload)
}

// Receive implements transport.Transport.
func (g guarded) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	g.alive()
	return g.Transport.Receive(protocol, comID, size)
}

func lacks(c conformance.Capability, why string) *conformance.Unjudged {
	return &conformance.Unjudged{Why: why, Needs: []conformance.Capability{c}}
}

func (d *one) alive() {
	if d.number != d.s.made {
		panic(lacks(Several, "it takes several devices at a time, and there is one"))
	}
}

// Identify implements conformance.Device: a device without power does not answer.
func (d *one) Identify() (conformance.Identity, error) {
	return d.id, d.with(func(*host.Device) error { return nil })
}

// Revert implements conformance.Device. A wrong PSID is tried only as long as the device takes the right one
// afterwards.
func (d *one) Revert(psid drive.PIN) error {
	if !psid.Equal(d.s.PSID) {
		d.spare()
	}
	return d.Device.Revert(psid)
}

// spare ends the property where the next wrong PSID could be the last that the device takes.
func (d *one) spare() {
	d.alive()
	h, err := host.Open(d.t, host.Options{Wait: d.s.Wait})
	if errors.Is(err, transport.NoPower) {
		return // it is not tried
	}
	var t tries
	if err == nil {
		t, err = d.s.tries(h, spec.AdminSP, spec.CPINPSID, host.Credential{})
	}
	if err != nil || t.limit == 0 || t.used+1 >= t.limit {
		panic(lacks(Several, "it would try wrong PSIDs until the device takes none, and there is no other device"))
	}
}

func (d *one) disk() Disk {
	d.alive()
	if d.s.Disk == nil {
		panic(lacks(Sectors, "it takes a way to the sectors, which a security interface is not"))
	}
	return d.s.Disk
}

// Read implements conformance.Device.
func (d *one) Read(lba uint64, dst []byte) error { return d.disk().Read(lba, dst) }

// Write implements conformance.Device.
func (d *one) Write(lba uint64, src []byte) error { return d.disk().Write(lba, src) }

// Flush implements conformance.Device.
func (d *one) Flush() error { return d.disk().Flush() }

func (d *one) power(on bool) error {
	d.alive()
	if d.s.Power == nil {
		panic(lacks(Power, "it takes a hand at the power of the device"))
	}
	return d.s.Power(on)
}

// PowerOff implements conformance.Device.
func (d *one) PowerOff() {
	if err := d.power(false); err != nil {
		panic(lacks(Power, fmt.Sprintf("power off: %v", err)))
	}
}

// PowerOn implements conformance.Device.
func (d *one) PowerOn() error { return d.power(true) }

// Reset implements conformance.Device.
func (d *one) Reset(k drive.ResetKind) error {
	d.alive()
	if d.s.Reset == nil {
		panic(lacks(Resets, "it takes somebody who resets the device"))
	}
	return d.s.Reset(k)
}
