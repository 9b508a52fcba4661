package drive

import (
	"errors"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Change is a set of changes to an Opal drive that comes into force whole, in one step, or not at all. Its
// methods prepare a new record; nothing is written, locked or unlocked before Commit. A method that fails
// leaves the change as it was; Whole makes several of them one. Every change of a wrap is a key step: the new record is on flash and read
// back, and every older wrap is destroyed and read back, before Commit returns nil.
//
// Its methods fail with NoSession once one of the logins is over, with InvalidState after Commit or Abort,
// with Degraded in SecurityDegraded, with NoPower or PowerLost. What takes a key that none of the logins
// holds fails with KeyNotHeld. A Change may be used by one goroutine at a time.
type Change struct {
	d     *Drive
	by    []*Login
	next  record
	base  uint64
	locks []lockFlags
	meks  []*secret.Key64 // by range: what is to be in RAM in place of what is there
	tried []bool          // by slot: its count of tries is set to 0
	table bool            // the MBR shadow has a new key
	done  bool            // Done of the MBR shadow
	sid   PIN             // the new PIN of SID
	// erased lists the owners whose AK was replaced.
	erased []Authority
	over   bool
}

type lockFlags struct{ read, write bool }

// Begin begins a change in the name of logins, any number of them.
func (o *OpalDrive) Begin(by ...*Login) (*Change, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("begin"); err != nil {
		return nil, err
	}
	c := &Change{d: d, by: slices.Clone(by), next: d.rec.clone(), base: d.opal.version, done: d.opal.mbrDone}
	c.meks, c.tried = make([]*secret.Key64, len(d.ram)), make([]bool, len(d.rec.slots))
	for n := range d.ram {
		c.locks = append(c.locks, lockFlags{d.ram[n].readLocked, d.ram[n].writeLocked})
	}
	return c, nil
}

// Abort gives the change up; after Commit or another Abort it does nothing.
func (c *Change) Abort() {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	c.end()
}

func (c *Change) end() {
	clearAll(c.meks)
	c.sid.Clear()
	c.meks, c.over = nil, true
}

// run does what a method does with the drive locked.
func (c *Change) run(op string, do func(d *Drive) error) error {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return err
	}
	if err := d.sound(op); err != nil {
		return err
	}
	if c.over {
		return d.refuse(op, InvalidState, "the change was committed or given up; begin another")
	}
	for _, l := range c.by {
		if l.over {
			return d.refuse(op, NoSession, "the login of %v is over", l.authority)
		}
	}
	if err := do(d); err != nil {
		return d.named(op, err)
	}
	return nil
}

// login finds a login for which ok holds.
func (c *Change) login(ok func(*Login) bool) *Login {
	if i := slices.IndexFunc(c.by, ok); i >= 0 {
		return c.by[i]
	}
	return nil
}

func (c *Change) of(a Authority) *Login {
	return c.login(func(l *Login) bool { return l.authority == a })
}

// admin is the login of an Admin of the Locking SP.
func (c *Change) admin() *Login { return c.login(func(l *Login) bool { return l.users != nil }) }

// authorityKey gives the AK of an authority: that of its own login, or, for an Admin, the one in escrow.
func (c *Change) authorityKey(op string, a Authority) (*secret.Key32, error) {
	if l := c.of(a); l != nil {
		return l.ak.Clone(), nil
	}
	slot := c.next.slot(a)
	if a == AdminSPAdmin && c.of(SID) != nil {
		return c.d.newAK() // it guards no other key
	}
	l := c.admin()
	if l == nil || slot.opal.escrow == [AKWrapSize]byte{} {
		return nil, c.d.refuse(op, KeyNotHeld, "only %v itself holds its key", a)
	}
	return unwrapKey(l.users, slot.opal.escrow[:])
}

// rangeKey gives the range key of an area, by the own wrap of one of the logins, or by that of the root key
// while it is open to all.
func (c *Change) rangeKey(op string, a Area, k *areaKeys) (*secret.Key32, error) {
	for _, l := range c.by {
		if h, ok := holderOf(l.authority); ok && k.has(h) {
			return k.taken(h, l.ak)
		}
	}
	if k.has(rootHolder) {
		return k.taken(rootHolder, c.d.rootKEK)
	}
	return nil, c.d.refuse(op, KeyNotHeld, "nobody who authenticated is granted %v", a)
}

// holds says whether one of the logins has a wrap of its own.
func (c *Change) holds(k *areaKeys) bool {
	return c.login(func(l *Login) bool { h, ok := holderOf(l.authority); return ok && k.has(h) }) != nil
}

// governs says whether one of the logins may change who holds an area and its key: a holder, or an Admin
// outside Single User Mode.
func (c *Change) governs(op string, a Area, k *areaKeys) error {
	if c.holds(k) || !k.sum && c.admin() != nil {
		return nil
	}
	return c.d.refuse(op, KeyNotHeld, "nobody who authenticated is granted %v", a)
}

// SetPIN gives an authority another PIN of 1 to PINSize bytes; its tries begin at 0. Who may: the authority
// itself, SID for AdminSPAdmin, an Admin for the Admins and Users of the Locking SP, but not for an owner
// in Single User Mode. The keys of the authority stay; the old wrap is destroyed. Errors: KeyNotHeld,
// InvalidParameter.
func (c *Change) SetPIN(a Authority, pin PIN) error {
	const op = "set pin"
	return c.run(op, func(d *Drive) error {
		slot := c.next.slot(a)
		switch {
		case slot == nil:
			return d.refuse(op, InvalidParameter, "%v has no key slot", a)
		case pin.Len() == 0:
			return d.refuse(op, InvalidParameter, "an empty PIN; need 1 to %d bytes", PINSize)
		}
		ak, err := c.authorityKey(op, a)
		if err != nil {
			return err
		}
		defer ak.Clear()
		own := *slot
		if err := d.sealOpal(&own, pin, ak); err != nil {
			return err
		}
		if !own.opal.enabled {
			if err := c.shutSlot(op, a, own.opal); err != nil {
				return err
			}
		}
		if a == SID {
			c.sid.Clear()
			c.sid = pin.Clone()
		}
		own.atMSID, own.tries = pin.Equal(d.fuses.MSID), 0
		*slot = own
		c.tried[slices.IndexFunc(c.next.slots, func(s slotRecord) bool { return s.authority == a })] = true
		return nil
	})
}

// enabler is the key of those who may enable and disable an authority: see seal.go.
func (c *Change) enabler(op string, a Authority) (*secret.Key32, error) {
	if _, locking := holderOf(a); locking {
		if l := c.admin(); l != nil {
			return l.users, nil
		}
		return nil, c.d.refuse(op, KeyNotHeld, "this takes an Admin of the Locking SP")
	}
	if l := c.of(SID); l != nil {
		return l.ak, nil
	}
	return nil, c.d.refuse(op, KeyNotHeld, "this takes SID")
}

// shutSlot wraps the wrap of an authority's PIN once more, so that the PIN opens nothing.
func (c *Change) shutSlot(op string, a Authority, s *opalSlot) error {
	by, err := c.enabler(op, a)
	if err != nil {
		return err
	}
	inner := [AKWrapSize]byte(s.wrap[:AKWrapSize])
	wrapKey(s.wrap[:], by, inner[:])
	s.kind = slotSealed
	return nil
}

// SetEnabled enables or disables an authority. The PIN of a disabled one opens nothing: the wrap of its
// key is itself wrapped by the users' key, which the Admins hold, that of AdminSPAdmin by the key of SID. Its PIN, its grants and its tries stay. Who
// may: an Admin for the Locking SP, SID for AdminSPAdmin. Admin1, SID and an owner in Single User Mode are
// always enabled. Errors: KeyNotHeld, InvalidParameter.
func (c *Change) SetEnabled(a Authority, on bool) error {
	const op = "set enabled"
	return c.run(op, func(d *Drive) error {
		slot := c.next.slot(a)
		if slot == nil || a == SID || a == Admin(1) {
			return d.refuse(op, InvalidParameter, "%v cannot be enabled or disabled", a)
		}
		own := *slot.opal
		if _, locking := holderOf(a); locking && own.escrow == [AKWrapSize]byte{} {
			return d.refuse(op, InvalidParameter, "%v owns a range in Single User Mode", a)
		}
		by, err := c.enabler(op, a)
		switch {
		case err != nil:
			return err
		case on && own.kind == slotSealed:
			inner, err := rewrapped(by, own.wrap[:])
			if err != nil {
				return err
			}
			own.wrap = [slotWrapSize]byte{}
			copy(own.wrap[:], inner[:])
			own.kind = slotPIN
		case !on && own.kind == slotPIN:
			if err := c.shutSlot(op, a, &own); err != nil {
				return err
			}
		}
		own.enabled = on
		slot.opal = &own
		return nil
	})
}

// Grant writes an authority of the Locking SP a wrap of the key of an area. It takes an Admin who holds
// the area. Granted again, nothing changes. Errors: KeyNotHeld, also for an area in Single User Mode,
// which its owner alone may hold; InvalidParameter.
func (c *Change) Grant(area Area, a Authority) error {
	const op = "grant"
	return c.run(op, func(d *Drive) error {
		at, h, err := c.subject(op, area, a)
		if err != nil || (*at).has(h) {
			return err
		}
		if (*at).sum {
			return d.refuse(op, KeyNotHeld, "%v is in Single User Mode: its owner alone holds it", area)
		}
		rk, err := c.rangeKey(op, area, *at)
		if err != nil {
			return err
		}
		defer rk.Clear()
		ak, err := c.authorityKey(op, a)
		if err != nil {
			return err
		}
		defer ak.Clear()
		*at = (*at).given(h, ak, rk)
		return nil
	})
}

// Revoke takes an authority's wrap of the key of an area away. Whoever still has the area unlocked keeps
// what was read; nothing more is opened by that authority. The last wrap of a closed range stays: revoking
// it would lose the data. Errors: KeyNotHeld, InvalidParameter, InvalidState for the last wrap.
func (c *Change) Revoke(area Area, a Authority) error {
	const op = "revoke"
	return c.run(op, func(d *Drive) error {
		at, h, err := c.subject(op, area, a)
		if err != nil || !(*at).has(h) {
			return err
		}
		if err := c.governs(op, area, *at); err != nil {
			return err
		}
		if (*at).mask == 1<<h || (*at).sum {
			return d.refuse(op, InvalidState, "%v is the last who holds %v", a, area)
		}
		*at = (*at).without(h)
		return nil
	})
}

// subject finds the keys of an area and the number of an authority of the Locking SP.
func (c *Change) subject(op string, area Area, a Authority) (at **areaKeys, h holder, err error) {
	h, ok := holderOf(a)
	if !ok || h == rootHolder {
		return nil, 0, c.d.refuse(op, InvalidParameter, "%v is no authority of the Locking SP", a)
	}
	if at = c.next.area(area); at == nil {
		return nil, 0, c.d.refuse(op, InvalidParameter, "there is no %v", area)
	}
	return at, h, nil
}

// GenKey gives an area a new MEK and a new range key, wrapped for the same holders: what was written there is
// gone. It takes the keys of all holders, so an Admin, or the only holder. Errors: KeyNotHeld,
// InvalidParameter, EntropyFailure.
func (c *Change) GenKey(area Area) error {
	const op = "genkey"
	return c.run(op, func(d *Drive) error {
		at := c.next.area(area)
		if at == nil {
			return d.refuse(op, InvalidParameter, "there is no %v", area)
		}
		if err := c.governs(op, area, *at); err != nil {
			return err
		}
		fresh, mek, err := c.renewed(op, *at)
		if err != nil {
			return err
		}
		*at = fresh
		switch n := int(area); {
		case area == MBRShadow:
			c.table = true
			mek.Clear()
		case n < len(c.meks) && (d.ram[n].mek != nil || c.meks[n] != nil):
			c.meks[n].Clear()
			c.meks[n] = mek
		default:
			mek.Clear()
		}
		return nil
	})
}

// renewed gives new keys for the holders of k.
func (c *Change) renewed(op string, k *areaKeys) (*areaKeys, *secret.Key64, error) {
	rk, err := c.d.newAK()
	if err != nil {
		return nil, nil, err
	}
	defer rk.Clear()
	mek, err := c.d.newMEK()
	if err != nil {
		return nil, nil, err
	}
	fresh := &areaKeys{sum: k.sum}
	wrapMEK(&fresh.mek, rk, mek)
	for _, a := range k.authorities() {
		kek := c.d.rootKEK
		if a != Nobody {
			if kek, err = c.authorityKey(op, a); err != nil {
				mek.Clear()
				return nil, nil, err
			}
		}
		h, _ := holderOf(a)
		fresh = fresh.given(h, kek, rk)
		if a != Nobody {
			kek.Clear()
		}
	}
	return fresh, mek, nil
}

// SetNote replaces what the TPer keeps in the record. Errors: NoSpace above 4096 bytes; Commit may find that
// the record has no room even for less.
func (c *Change) SetNote(note []byte) error {
	const op = "set note"
	return c.run(op, func(d *Drive) error {
		if len(note) > maxNote {
			return d.refuse(op, NoSpace, "%d bytes, need at most %d", len(note), maxNote)
		}
		c.next.opal.note = slices.Clone(note)
		return nil
	})
}

// Commit puts the change in force. Errors: Conflict where another change was committed since Begin, NoSpace,
// and those of a key step: HardwareFailure (the old state is in force), Degraded, PowerLost (the next
// power-on finds the old state or the new one).
func (c *Change) Commit() error {
	const op = "commit"
	return c.run(op, func(d *Drive) error {
		defer c.end()
		if c.base != d.opal.version {
			return d.refuse(op, Conflict, "another change came first")
		}
		for i := range c.next.slots {
			if !c.tried[i] {
				c.next.slots[i].tries = d.rec.slots[i].tries
			}
		}
		c.next.psidTries, c.next.generation, c.next.doubt = d.rec.psidTries, d.rec.generation, d.rec.doubt
		if err := d.room(op, &c.next); err != nil {
			return err
		}
		if err := c.write(op); err != nil {
			return err
		}
		d.opal.version++
		c.apply()
		return nil
	})
}

// room refuses a record that does not fit in a page.
func (d *Drive) room(op string, next *record) error {
	if size, page := next.size(), d.store.geo.PageSize; size > page {
		return d.refuse(op, NoSpace, "the security record would take %d bytes, a flash page has %d", size, page)
	}
	return nil
}

// write puts the record in force: in a key step where a wrap changes, else in a note, and where nothing
// changes, not at all.
func (c *Change) write(op string) error {
	d := c.d
	if !c.next.sameKeys(&d.rec) {
		err := d.keyStep(op, "", c.next)
		if errors.Is(err, Degraded) {
			d.opal.version++
		}
		return err
	}
	was := d.rec
	same := slices.Equal(c.next.encode(nil), was.encode(nil))
	d.rec = c.next
	if same {
		return nil
	}
	if err := d.note(op); err != nil {
		if d.powered {
			d.rec = was
		}
		return err
	}
	return nil
}

// apply brings the RAM in line with the record.
func (c *Change) apply() {
	d := c.d
	for n := range d.ram {
		m := &d.ram[n]
		m.readLocked, m.writeLocked = c.locks[n].read, c.locks[n].write
		if shut(&d.rec.ranges[n], m) {
			m.drop()
		} else if c.meks[n] != nil {
			m.use(c.meks[n])
			c.meks[n] = nil
		}
	}
	for _, l := range d.opal.logins {
		if slices.Contains(c.erased, l.authority) {
			l.end()
		}
		if l.authority == SID && c.sid.Len() > 0 {
			l.pin.Clear()
			l.pin = c.sid.Clone()
		}
	}
	d.opal.mbrDone = c.done
	if c.table {
		d.opal.mbr.drop()
	}
	d.publish()
}
