package drive

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// SetRange places range n and sets its lock columns, as Session.SetRange does for a BandMaster. It takes an
// Admin, or a holder of the range; in Single User Mode the owner, and the Admins for start and length alone
// where the policy gives the place to them. A range that will be open after a power loss has its key wrapped
// by the root key as well; the others have not: to open one, an Admin whom it is not granted takes the key of a holder
// out of escrow. Errors: InvalidParameter, KeyNotHeld where the key must be
// had and is not, InvalidState where a range would be closed that nobody is granted.
func (c *Change) SetRange(n int, cfg RangeConfig) error {
	const op = "set range"
	return c.run(op, func(d *Drive) error {
		if n < 0 || n >= len(c.next.ranges) {
			return d.refuse(op, InvalidParameter, "no range %d, the last is %d", n, len(c.next.ranges)-1)
		}
		if err := d.checkRange(op, n, cfg, c.next.ranges); err != nil {
			return err
		}
		if err := c.places(op, n, cfg); err != nil {
			return err
		}
		g := c.next.ranges[n]
		g.cfg = cfg
		return c.settle(op, n, g, c.locks[n])
	})
}

// places says whether one of the logins may set range n to cfg.
func (c *Change) places(op string, n int, cfg RangeConfig) error {
	g := &c.next.ranges[n]
	if !g.opal.sum {
		return c.governs(op, RangeArea(n), g.opal)
	}
	was := g.cfg
	moved := was.Start != cfg.Start || was.Length != cfg.Length
	was.Start, was.Length = cfg.Start, cfg.Length
	set := was != cfg
	byAdmin := c.next.opal.adminsPlace
	switch {
	case moved && byAdmin && c.admin() == nil, moved && !byAdmin && !c.holds(g.opal), set && !c.holds(g.opal):
		return c.d.refuse(op, KeyNotHeld, "range %d is in Single User Mode, and this is not for who authenticated", n)
	}
	return nil
}

// openedKey is rangeKey for a range that is to be usable, in one direction at least. An Admin who is not granted
// the range may do that too (Opal, ACE Locking_Admins_RangeStartToLOR): the keys of its holders are in escrow for
// the Admins. Hosts rely on it, for example to give a range back whose key they have just renewed.
func (c *Change) openedKey(op string, n int, k *areaKeys) (*secret.Key32, error) {
	rk, err := c.rangeKey(op, RangeArea(n), k)
	if err == nil || k.sum || c.admin() == nil {
		return rk, err
	}
	for _, a := range k.authorities() {
		ak, failed := c.authorityKey(op, a)
		if failed != nil {
			continue
		}
		defer ak.Clear()
		h, _ := holderOf(a)
		return k.taken(h, ak)
	}
	return nil, err
}

// SetLocks sets ReadLocked and WriteLocked of range n; each counts only while the matching lock is enabled. It
// takes a holder of the range. Unlocking takes the MEK, which only the holder's wrap can give; locking both
// directions takes it out of RAM. Errors: KeyNotHeld, InvalidParameter, InvalidState.
func (c *Change) SetLocks(n int, read, write bool) error {
	const op = "set locks"
	return c.run(op, func(d *Drive) error {
		if n < 0 || n >= len(c.next.ranges) {
			return d.refuse(op, InvalidParameter, "no range %d, the last is %d", n, len(c.next.ranges)-1)
		}
		if !c.holds(c.next.ranges[n].opal) {
			return d.refuse(op, KeyNotHeld, "nobody who authenticated is granted range %d", n)
		}
		return c.settle(op, n, c.next.ranges[n], lockFlags{read, write})
	})
}

// EraseRange erases range n in Single User Mode (method Erase): new keys, its locks open and disabled, its owner
// with the empty PIN and a new AK; the place stays. It takes an Admin or the owner, and ends the owner's logins.
// Errors: KeyNotHeld, InvalidParameter for a range that is not in Single User Mode, EntropyFailure.
func (c *Change) EraseRange(n int) error {
	const op = "erase"
	return c.run(op, func(d *Drive) error {
		if n < 0 || n >= len(c.next.ranges) || !c.next.ranges[n].opal.sum {
			return d.refuse(op, InvalidParameter, "range %d is not in Single User Mode", n)
		}
		owner := User(n + 1)
		if c.admin() == nil && c.of(owner) == nil {
			return d.refuse(op, KeyNotHeld, "this takes an Admin or %v", owner)
		}
		ak, err := d.newAK()
		if err != nil {
			return err
		}
		defer ak.Clear()
		rk, err := d.newAK()
		if err != nil {
			return err
		}
		defer rk.Clear()
		mek, err := d.newMEK()
		if err != nil {
			return err
		}
		slot, own := c.next.slot(owner), opalSlot{}
		d.leavePinless(&own, ak)
		slot.slot, slot.opal, slot.tries, slot.atMSID = Slot{}, &own, 0, false
		h, _ := holderOf(owner)
		k := &areaKeys{sum: true}
		wrapMEK(&k.mek, rk, mek)
		g := &c.next.ranges[n]
		g.cfg.ReadLockEnabled, g.cfg.WriteLockEnabled, g.readLocked, g.writeLocked = false, false, false, false
		g.opal = k.given(rootHolder, d.rootKEK, rk).given(h, ak, rk)
		c.locks[n] = lockFlags{}
		c.meks[n].Clear()
		c.meks[n] = mek
		c.tried[slices.IndexFunc(c.next.slots, func(s slotRecord) bool { return s.authority == owner })] = true
		c.erased = append(c.erased, owner)
		return nil
	})
}

// settle puts g, the settings of range n, into the change: with the root key's wrap or without it, and with the
// MEK at hand where the range will be usable.
func (c *Change) settle(op string, n int, g rangeRecord, locks lockFlags) error {
	d := c.d
	g.readLocked, g.writeLocked = false, false
	if g.cfg.LockOnReset&OnPowerCycle == 0 {
		// The flags outlive power; elsewhere a power cycle locks anyway, and they are of RAM only.
		g.readLocked, g.writeLocked = locks.read, locks.write
	}
	usable := !shut(&g, &rangeRAM{readLocked: locks.read, writeLocked: locks.write})
	needMEK := usable && d.ram[n].mek == nil && c.meks[n] == nil
	open := g.openAtPowerOn()
	if !open && g.opal.mask == 1<<rootHolder {
		return d.refuse(op, InvalidState, "nobody is granted range %d, so it cannot be locked over a power loss", n)
	}
	if needMEK || open && !g.opal.has(rootHolder) {
		rk, err := c.openedKey(op, n, g.opal)
		if err != nil {
			return err
		}
		defer rk.Clear()
		if open && !g.opal.has(rootHolder) {
			g.opal = g.opal.given(rootHolder, d.rootKEK, rk)
		}
		if needMEK {
			mek, err := unwrapMEK(rk, &g.opal.mek)
			if err != nil {
				return err
			}
			c.meks[n] = mek
		}
	}
	if !open && g.opal.has(rootHolder) {
		g.opal = g.opal.without(rootHolder)
	}
	c.next.ranges[n], c.locks[n] = g, locks
	return nil
}

// Holders lists the authorities that are granted an area, Admins first. RootKey says whether the root key
// alone opens it as well. Errors: InvalidParameter, NoPower, Degraded.
func (o *OpalDrive) Holders(area Area) (granted []Authority, rootKey bool, err error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("holders"); err != nil {
		return nil, false, err
	}
	at := d.rec.area(area)
	if at == nil {
		return nil, false, d.refuse("holders", InvalidParameter, "there is no %v", area)
	}
	granted, rootKey = (*at).holders()
	return granted, rootKey, nil
}

// holders are the authorities that have a wrap, and whether the root key has one.
func (k *areaKeys) holders() (granted []Authority, rootKey bool) {
	granted = k.authorities()
	if rootKey = k.has(rootHolder); rootKey {
		granted = granted[1:]
	}
	return granted, rootKey
}
