package drive

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
