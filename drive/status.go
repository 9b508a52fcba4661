package drive

import "fmt"

// Status is the public, secret-free summary that a host may read at any time.
type Status struct {
	Powered       bool
	State         State  // of a drive without power: the state when it was last on
	Locked        bool   // some lock-enabled range is locked now
	LockEnabled   bool   // some range has Read- or WriteLockEnabled
	KeyGeneration uint32 // counts key records; changes whenever a credential or key did
	// ScrubNeeded is a warning: the key record is good, but bytes behind it in its
	// flash page are not erased. SelfTest moves the record and destroys the page.
	ScrubNeeded bool
}

const (
	statusPowered = 1 << iota
	statusLocked
	statusLockEnabled
	statusScrub
	statusStateShift = 8
	statusKeyShift   = 32
)

// state is the lifecycle state of the powered drive: that of its machine. The
// record has the same, unless an unread page puts it in doubt.
func (d *Drive) state() State {
	if d.machine == nil {
		return d.rec.state
	}
	return d.machine.state()
}

// publish packs the status into one word, so that Status takes no lock.
func (d *Drive) publish() {
	if !d.powered {
		d.status.And(^uint64(statusPowered))
		return
	}
	w := uint64(statusPowered) | uint64(d.state())<<statusStateShift | uint64(d.rec.keygen)<<statusKeyShift
	if d.store.odd {
		w |= statusScrub
	}
	for n := range d.ram {
		g := &d.rec.ranges[n]
		if g.cfg.ReadLockEnabled || g.cfg.WriteLockEnabled {
			w |= statusLockEnabled
		}
		if engaged(g, &d.ram[n]) {
			w |= statusLocked
		}
	}
	d.status.Store(w)
}

// Status needs neither power nor a session and takes no lock.
func (d *Drive) Status() Status {
	w := d.status.Load()
	return Status{
		Powered: w&statusPowered != 0, State: State(w >> statusStateShift), Locked: w&statusLocked != 0,
		LockEnabled: w&statusLockEnabled != 0, KeyGeneration: uint32(w >> statusKeyShift),
		ScrubNeeded: w&statusScrub != 0,
	}
}

// refuse builds a device status; nothing has been changed.
func (d *Drive) refuse(op string, c Code, format string, args ...any) error {
	return &StatusError{Op: op, State: d.state(), Code: c, Why: fmt.Sprintf(format, args...)}
}

// ready refuses without power (NoPower), and without a record (Degraded).
func (d *Drive) ready(op string) error {
	if !d.powered {
		return &StatusError{Op: op, State: d.Status().State, Code: NoPower, Why: "the drive is off"}
	}
	if !d.trusted {
		return d.refuse(op, Degraded, "no security record can be trusted; a PSID revert makes the drive usable again, and gives its data up")
	}
	return nil
}

// Serial is the serial number; it needs no power (it is on the label).
func (d *Drive) Serial() string { return d.cfg.Serial }

// Config is what the factory decided.
func (d *Drive) Config() Config { return d.cfg }

// MSID is the 32-byte factory PIN, readable by anyone while the drive has
// power, also when nothing else works.
func (d *Drive) MSID() (PIN, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.powered {
		return PIN{}, d.ready("msid")
	}
	return d.fuses.MSID.Clone(), nil
}

// AtMSID says whether an authority still has the factory PIN. Hosts may read
// it, as the SID's indicator in level 0 discovery.
func (d *Drive) AtMSID(a Authority) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("at msid"); err != nil {
		return false, err
	}
	s := d.rec.slot(a)
	if s == nil {
		return false, d.refuse("at msid", InvalidParameter, "%v has no key slot", a)
	}
	return s.atMSID, nil
}

// Tries is how many authentications of a failed since the last one that worked,
// and the TryLimit (0: none).
func (d *Drive) Tries(a Authority) (used, limit uint16, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a == PSID && d.powered && !d.trusted {
		return d.lostTries, d.cfg.TryLimit, nil
	}
	if err := d.ready("tries"); err != nil {
		return 0, 0, err
	}
	if a == PSID {
		return d.rec.psidTries, d.cfg.TryLimit, nil
	}
	s := d.rec.slot(a)
	if s == nil {
		return 0, 0, d.refuse("tries", InvalidParameter, "%v has no key slot", a)
	}
	return s.tries, d.cfg.TryLimit, nil
}

// KeyMap says what is wrapped by what, without a secret: for pictures.
type KeyMap struct {
	Generation uint32
	Slots      []KeyMapSlot
	Ranges     []KeyMapRange
}

// KeyMapSlot is one authority.
type KeyMapSlot struct {
	Authority Authority
	AtMSID    bool
	Tries     uint16
}

// KeyMapRange is one range and who may unlock it.
type KeyMapRange struct {
	Range    int
	WrapsBy  []Authority // authorities whose AK wraps the MEK
	RootWrap bool        // the MEK is wrapped by the KEK of the root key
	InRAM    bool        // the MEK is in RAM: the range is usable now
}

// KeyMap describes the key hierarchy as the active record has it.
func (d *Drive) KeyMap() (KeyMap, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("key map"); err != nil {
		return KeyMap{}, err
	}
	k := KeyMap{Generation: d.rec.keygen}
	for i := range d.rec.slots {
		s := &d.rec.slots[i]
		k.Slots = append(k.Slots, KeyMapSlot{Authority: s.authority, AtMSID: s.atMSID, Tries: s.tries})
	}
	for n := range d.rec.ranges {
		r := KeyMapRange{Range: n, InRAM: d.ram[n].mek != nil}
		for _, w := range d.rec.ranges[n].wraps {
			if w.by == Nobody {
				r.RootWrap = true
			} else {
				r.WrapsBy = append(r.WrapsBy, w.by)
			}
		}
		k.Ranges = append(k.Ranges, r)
	}
	return k, nil
}
