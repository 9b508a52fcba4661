package drive

import (
	"errors"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// ActivateOptions say how the Locking SP is activated.
type ActivateOptions struct {
	// SingleUser lists the ranges in Single User Mode: range n is owned by User n+1, whose PIN is the empty
	// one at first and who alone holds the key of the range.
	SingleUser []int
	// AdminsPlace gives start and length of those ranges to the Admins (policy 1), not to the owners.
	AdminsPlace bool
	// DataStores are the sizes of the DataStore tables in bytes; nil is one of Config.DataStoreSize.
	DataStores []uint64
	// Note is what the TPer keeps in the record from then on.
	Note []byte
}

// Activate takes the Locking SP into use, as SID: Admin1 gets the PIN of SID, every range keeps its key and
// its data and is open, the Admins are granted every range but those in Single User Mode. One key step. On a
// Locking SP that is activated it changes nothing and returns nil. Errors: KeyNotHeld for another authority,
// InvalidParameter, NoSpace, NoSession, and those of a key step.
func (o *OpalDrive) Activate(by *Login, a ActivateOptions) error {
	const op = "activate"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.entitled(op, by, SID); err != nil {
		return err
	}
	if d.rec.activated() {
		return nil
	}
	if err := d.permit(op, EventActivate); err != nil {
		return err
	}
	if err := d.checkActivate(op, &a); err != nil {
		return err
	}
	return d.begin(op, EventActivate, by.pin, nil, &a)
}

// ReactivateOptions say how the Locking SP begins anew.
type ReactivateOptions struct {
	ActivateOptions
	Admin1PIN PIN // the new PIN of Admin1; the zero PIN leaves it as it is
}

// Reactivate begins the Locking SP anew, as Admin1, with other ranges in Single User Mode and other DataStore
// tables, as Activate would: every range keeps its key and its data, without a place, and is open; Admin1 keeps
// its PIN or gets another, all other authorities are as after Activate, DataStore tables are zeros. One key step.
// It ends every login. Errors: KeyNotHeld for another authority, InvalidState where a lock is enabled and
// where the Locking SP is not activated, InvalidParameter, NoSpace, NoSession, and those of a key step.
//
// The text of the feature set was not read: that ranges lose their place is an assumption.
func (o *OpalDrive) Reactivate(by *Login, r ReactivateOptions) error {
	const op = "reactivate"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.entitled(op, by, Admin(1)); err != nil {
		return err
	}
	if err := d.permit(op, EventReactivate); err != nil {
		return err
	}
	for n := range d.rec.ranges {
		if c := &d.rec.ranges[n].cfg; c.ReadLockEnabled || c.WriteLockEnabled {
			return d.refuse(op, InvalidState, "range %d has a lock enabled; disable it first", n)
		}
	}
	if err := d.checkActivate(op, &r.ActivateOptions); err != nil {
		return err
	}
	err := d.begin(op, EventReactivate, r.Admin1PIN, by, &r.ActivateOptions)
	if err == nil || errors.Is(err, Degraded) {
		d.opal.logout()
	}
	return err
}

// begin makes the authorities of the Locking SP in a key step. Where admin is not nil Admin1 keeps its AK, and
// its PIN too unless there is another.
func (d *Drive) begin(op string, e Event, pin PIN, admin *Login, a *ActivateOptions) error {
	next := d.rec.clone()
	if err := d.activate(&next, pin, admin, a); err != nil {
		return d.named(op, err)
	}
	if err := d.room(op, &next); err != nil {
		return err
	}
	err := d.keyStep(op, e, next)
	if err == nil || errors.Is(err, Degraded) {
		d.opal.version++
	}
	if err != nil {
		return err
	}
	for n := range d.ram {
		d.ram[n].readLocked, d.ram[n].writeLocked = false, false
	}
	d.publish()
	return d.reopen(op)
}

// entitled refuses a login that is over, or of none of the authorities.
func (d *Drive) entitled(op string, by *Login, who ...Authority) error {
	if !d.powered {
		return d.ready(op)
	}
	if by.over {
		return d.refuse(op, NoSession, "the login of %v is over", by.authority)
	}
	if !slices.Contains(who, by.authority) {
		return d.refuse(op, KeyNotHeld, "this is not for %v", by.authority)
	}
	return nil
}

func (d *Drive) checkActivate(op string, a *ActivateOptions) error {
	for i, n := range a.SingleUser {
		switch {
		case n < 0 || n > d.cfg.Ranges:
			return d.refuse(op, InvalidParameter, "no range %d, the last is %d", n, d.cfg.Ranges)
		case n+1 > Users:
			return d.refuse(op, InvalidParameter, "range %d has no owner: the last User is %d", n, Users)
		case slices.Contains(a.SingleUser[:i], n):
			return d.refuse(op, InvalidParameter, "range %d twice", n)
		}
	}
	if len(a.DataStores) > maxDataStores {
		return d.refuse(op, NoSpace, "%d DataStore tables, need at most %d", len(a.DataStores), maxDataStores)
	}
	rest := d.cfg.DataStoreSize
	for _, size := range a.DataStores {
		if size == 0 || size%uint64(d.cfg.SectorSize) != 0 {
			return d.refuse(op, InvalidParameter, "a DataStore table of %d bytes, need a multiple of %d", size, d.cfg.SectorSize)
		}
		if size > rest {
			return d.refuse(op, NoSpace, "DataStore tables of more than %d bytes", d.cfg.DataStoreSize)
		}
		rest -= size
	}
	if len(a.Note) > maxNote {
		return d.refuse(op, NoSpace, "a note of %d bytes, need at most %d", len(a.Note), maxNote)
	}
	return nil
}

// activate gives next the authorities of the Locking SP.
func (d *Drive) activate(next *record, pin PIN, admin *Login, a *ActivateOptions) error {
	users, err := d.newAK()
	if err != nil {
		return err
	}
	defer users.Clear()
	var aks [holders]*secret.Key32
	defer func() {
		for _, ak := range aks {
			ak.Clear()
		}
	}()
	for i := range next.slots {
		s := &next.slots[i]
		h, ok := holderOf(s.authority)
		if !ok {
			continue
		}
		if admin != nil && s.authority == admin.authority {
			aks[h] = admin.ak.Clone()
		} else if aks[h], err = d.newAK(); err != nil {
			return err
		}
		was, own := *s, opalSlot{}
		owner := s.authority.IsUser() && slices.Contains(a.SingleUser, int(s.authority-User(1)))
		if owner {
			d.leavePinless(&own, aks[h])
		} else {
			wrapKey(own.escrow[:], users, aks[h][:])
		}
		if s.authority.IsAdmin() {
			wrapKey(own.users[:], aks[h], users[:])
		}
		s.slot, s.opal, s.tries, s.atMSID = Slot{}, &own, 0, false
		if s.authority == Admin(1) {
			own.enabled = true
			if pin.Len() == 0 {
				own.kind, own.wrap, s.slot, s.atMSID = was.opal.kind, was.opal.wrap, was.slot, was.atMSID
				continue
			}
			if err := d.sealOpal(s, pin, aks[h]); err != nil {
				return err
			}
			s.atMSID = pin.Equal(d.fuses.MSID)
		}
	}
	return d.activateAreas(next, &aks, a)
}

// leavePinless makes s the slot of an owner in Single User Mode whose PIN is the empty one.
func (d *Drive) leavePinless(s *opalSlot, ak *secret.Key32) {
	kek := pinlessKEK(d.fuses.Root)
	defer kek.Clear()
	s.kind, s.enabled, s.escrow, s.wrap = slotOpen, true, [AKWrapSize]byte{}, [slotWrapSize]byte{}
	wrapKey(s.wrap[:AKWrapSize], kek, ak[:])
}

// activateAreas grants the ranges and makes the DataStore tables.
func (d *Drive) activateAreas(next *record, aks *[holders]*secret.Key32, a *ActivateOptions) error {
	for n := range next.ranges {
		g := &next.ranges[n]
		rk, err := g.opal.taken(rootHolder, d.rootKEK)
		if err != nil {
			return err
		}
		only := (&areaKeys{mek: g.opal.mek}).given(rootHolder, d.rootKEK, rk)
		if slices.Contains(a.SingleUser, n) {
			h, _ := holderOf(User(n + 1))
			g.opal = only.given(h, aks[h], rk)
			g.opal.sum = true
		} else {
			g.opal = grantedToAdmins(only, aks, rk)
		}
		rk.Clear()
		g.cfg, g.readLocked, g.writeLocked = RangeConfig{LockOnReset: OnPowerCycle}, false, false
	}
	sizes := a.DataStores
	if sizes == nil && d.cfg.DataStoreSize > 0 {
		sizes = []uint64{d.cfg.DataStoreSize}
	}
	next.opal.stores = nil
	for _, size := range sizes {
		rk, err := d.newAK()
		if err != nil {
			return err
		}
		mek, err := d.newMEK()
		if err != nil {
			rk.Clear()
			return err
		}
		k := &areaKeys{}
		wrapMEK(&k.mek, rk, mek)
		next.opal.stores = append(next.opal.stores, tableRecord{size: size, keys: grantedToAdmins(k, aks, rk)})
		rk.Clear()
		mek.Clear()
	}
	next.opal.adminsPlace, next.opal.note = a.AdminsPlace, slices.Clone(a.Note)
	return nil
}

func grantedToAdmins(k *areaKeys, aks *[holders]*secret.Key32, rk *secret.Key32) *areaKeys {
	for h := holder(1); h < firstUser; h++ {
		k = k.given(h, aks[h], rk)
	}
	return k
}

// Revert sets the whole drive to factory defaults: every key is new, SID at MSID, the Locking SP not
// activated, MBR shadow and DataStore zeros, the note empty. It takes SID, PSID or AdminSPAdmin, and ends every
// login. PSID needs no record that can be trusted. Errors: KeyNotHeld, NoSession, EntropyFailure, and those of
// a key step: on Degraded the revert did not succeed.
func (o *OpalDrive) Revert(by *Login) error {
	const op = "revert"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.entitled(op, by, SID, PSID, AdminSPAdmin); err != nil {
		return err
	}
	return d.revertOpal(op)
}

// revertOpal is Revert for somebody who has proved to be entitled.
func (d *Drive) revertOpal(op string) error {
	if !d.trusted {
		d.rootKEK.Clear() // of a revert that failed
		d.rootKEK = RootKEK(d.fuses.Root)
	}
	next, meks, err := d.opalFactory(nil)
	if err != nil {
		return d.named(op, err)
	}
	if err := d.revertStep(op, EventRevert, next, meks); err != nil {
		return err
	}
	d.trusted, d.lostTries = true, 0
	return nil
}

// RevertOptions say how the Locking SP is reverted.
type RevertOptions struct {
	// KeepGlobalRangeKey keeps the key of the global range, and so its data; it takes an Admin of the Locking SP
	// who is granted the global range.
	KeepGlobalRangeKey bool
	// Note is what the TPer keeps in the record from then on.
	Note []byte
}

// RevertLocking reverts the Locking SP alone: every key is new, its authorities are gone, the Admin SP stays as
// it is. It takes an Admin of the Locking SP, SID or AdminSPAdmin, and ends every login. Where the Locking SP
// is not activated nothing changes, and the data stays. Errors: Locked with KeepGlobalRangeKey where the
// global range is locked for read and write, KeyNotHeld, NoSession, EntropyFailure, and those of a key step.
func (o *OpalDrive) RevertLocking(by *Login, r RevertOptions) error {
	const op = "revert locking"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	who := []Authority{Admin(1), Admin(2), Admin(3), Admin(4)}
	if !r.KeepGlobalRangeKey {
		who = append(who, SID, AdminSPAdmin)
	}
	if err := d.entitled(op, by, who...); err != nil {
		return err
	}
	if err := d.ready(op); err != nil {
		return err
	}
	if !d.rec.activated() {
		return nil
	}
	e, keep, err := EventRevert, (*areaKeys)(nil), error(nil)
	if r.KeepGlobalRangeKey {
		e = EventRevertKeep
		if err := d.permit(op, e); err != nil {
			return err
		}
		if keep, err = d.keptGlobal(op, by); err != nil {
			return d.named(op, err)
		}
	}
	next, meks, err := d.opalFactory(keep)
	if err != nil {
		return d.named(op, err)
	}
	for _, a := range []Authority{SID, AdminSPAdmin} {
		*next.slot(a) = *d.rec.slot(a)
	}
	next.psidTries, next.opal.note = d.rec.psidTries, slices.Clone(r.Note)
	if err := d.room(op, &next); err != nil {
		clearAll(meks)
		return err
	}
	return d.revertStep(op, e, next, meks)
}

// keptGlobal is the key of the global range for the root key alone.
func (d *Drive) keptGlobal(op string, by *Login) (*areaKeys, error) {
	g := &d.rec.ranges[0]
	if shut(g, &d.ram[0]) {
		return nil, d.refuse(op, Locked, "the global range is locked, so its key cannot be kept; unlock it first")
	}
	c := Change{d: d, by: []*Login{by}}
	rk, err := c.rangeKey(op, RangeArea(0), g.opal)
	if err != nil {
		return nil, err
	}
	defer rk.Clear()
	keep := &areaKeys{mek: g.opal.mek}
	return keep.given(rootHolder, d.rootKEK, rk), nil
}

// revertStep puts a record of the factory in force, with the MEKs of its ranges.
func (d *Drive) revertStep(op string, e Event, next record, meks []*secret.Key64) error {
	defer func() { clearAll(meks) }()
	err := d.keyStep(op, e, next)
	if err == nil || errors.Is(err, Degraded) {
		d.opal.version++
		d.opal.drop()
	}
	if err != nil {
		return err
	}
	if len(d.ram) < len(d.rec.ranges) {
		d.ram = make([]rangeRAM, len(d.rec.ranges))
	}
	for n := range d.ram {
		d.ram[n].readLocked, d.ram[n].writeLocked = false, false
		if meks[n] != nil {
			d.ram[n].use(meks[n])
			meks[n] = nil
		}
	}
	d.opal.mbrDone = false
	return d.reopen(op)
}

// Restore leads a security degraded drive back to Manufactured, as an Admin of the Locking SP: every block but
// the one with the record in force is destroyed. Errors: KeyNotHeld, NoSession, InvalidState outside
// SecurityDegraded, Degraded while an old wrap still cannot be destroyed, HardwareFailure, PowerLost.
func (o *OpalDrive) Restore(by *Login) error {
	const op = "restore"
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.entitled(op, by, Admin(1), Admin(2), Admin(3), Admin(4)); err != nil {
		return err
	}
	to, ok := d.machine.ask(EventRestore, d.facts(&d.rec))
	if !ok {
		return d.forbid(op, EventRestore)
	}
	if err := d.restore(op, to); err != nil {
		return err
	}
	d.opal.version++
	d.resetShadow(OnPowerCycle)
	return nil
}
