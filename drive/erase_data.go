package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// EraseData gives up what hosts have written, and nothing else: every range gets a new MEK in one key step,
// and then the medium forgets the sectors, which read as zeros also after a loss of power. PINs, grants, places and locks stay; MBR shadow
// and DataStore are tables of the Security Provider and stay too. It is the erase of command Format NVM.
//
// It takes no authority, and so it takes a drive of which anybody may give the data up: Locked where a range
// is locked now or would be after a power loss, since then its key is its holders' alone, and where an MBR
// shadow hides the data. Other errors: EntropyFailure, MediaFailure after the keys were replaced, and those of
// a key step: on Degraded the erase did not succeed.
func (d *Drive) EraseData() error {
	const op = "erase data"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.moves(op); err != nil {
		return err
	}
	if err := d.replaceKeys(op, d.rec.clone); err != nil {
		return err
	}
	if err := d.admit(op, 0, d.cfg.Sectors, writeLocked); err != nil {
		return err
	}
	if err := d.discard(op, 0, d.cfg.Sectors); err != nil {
		return err
	}
	return d.syncMedia(op)
}

// unclaimed refuses where giving all data up would need somebody's PIN.
func (d *Drive) unclaimed(op string) error {
	if err := d.settled(op); err != nil {
		return err
	}
	for n := range d.rec.ranges {
		if g := &d.rec.ranges[n]; engaged(g, &d.ram[n]) || !g.openAtPowerOn() {
			return d.refuse(op, Locked, "range %d is locked, or will be after a power loss; disable its locks first", n)
		}
	}
	if d.shadowed(0) {
		return d.refuse(op, Locked, "the MBR shadow is enabled and not done")
	}
	return nil
}

// replaceKeys gives every range a new MEK in the record that next makes.
func (d *Drive) replaceKeys(op string, next func() record) error {
	if err := d.unclaimed(op); err != nil {
		return err
	}
	r := next()
	meks := make([]*secret.Key64, len(r.ranges))
	defer func() { clearAll(meks) }()
	for n := range r.ranges {
		mek, err := d.newOpenKey(&r, n)
		if err != nil {
			return d.named(op, err)
		}
		meks[n] = mek
	}
	err := d.keyStep(op, "", r)
	if err == nil || errors.Is(err, Degraded) {
		d.opal.version++
	}
	if err != nil {
		return err
	}
	for n := range meks {
		d.ram[n].use(meks[n])
		meks[n] = nil
	}
	return nil
}

// newOpenKey gives range n of r, which is open to all, a new MEK. The range key of an activated Opal drive stays:
// its holders have wraps of it that take their PINs to make, and the MEK that it opened is gone.
func (d *Drive) newOpenKey(r *record, n int) (*secret.Key64, error) {
	g := &r.ranges[n]
	if r.opal != nil && !r.activated() {
		k, mek, err := d.newArea()
		if err == nil {
			g.opal = k
		}
		return mek, err
	}
	mek, err := d.newMEK()
	if err != nil {
		return nil, err
	}
	if r.opal == nil {
		d.rewrap(g, n, mek, nil)
		return mek, nil
	}
	rk, err := g.opal.taken(rootHolder, d.rootKEK)
	if err != nil {
		mek.Clear()
		return nil, err
	}
	defer rk.Clear()
	k := *g.opal
	wrapMEK(&k.mek, rk, mek)
	g.opal = &k
	return mek, nil
}
