package server

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// A state follows from dates, and states only go forward (KMIP specification 1.4,
// section 3.22), but a clock can be set back. So a state that a client learns from an answer is
// written into the record of the object before the answer goes out. From then on it holds,
// whatever the clock says.

// sighting is a state that a client learns, and that the record does not have yet.
type sighting struct {
	uid   string
	state kmip.State
}

// phase is the state of an object by its dates alone: Pre-Active, Active or Deactivated. It
// is never before the state in the record.
func (o *object) phase(now int64) kmip.State {
	come := func(name string, s kmip.State) bool {
		v := o.get(name)
		return o.reached >= s || v != nil && v.Int <= now
	}
	switch {
	case !come(kmip.AttrActivationDate, kmip.Active):
		return kmip.PreActive
	case !come(kmip.AttrDeactivationDate, kmip.Deactivated):
		return kmip.Active
	}
	return kmip.Deactivated
}

// reach sets the state in the record to the phase of now.
func (o *object) reach(now int64) {
	if hasState(o.typ) {
		o.reached = max(o.reached, o.phase(now))
	}
}

// saw notes that the client learns the state of an object, or what follows from it.
func (t *txn) saw(o *object) {
	if o.gone() || !hasState(o.typ) || o.get(kmip.AttrCompromiseDate) != nil {
		return
	}
	if s := o.phase(t.now.Unix()); s > max(o.reached, kmip.PreActive) {
		t.told = append(t.told, sighting{o.uid, s})
	}
}

// note writes states into the records. Each state is written once in the life of an
// object. After an error some are not written, but the answer is right.
func (e *engine) note(owner identity, told []sighting) error {
	if len(told) == 0 {
		return nil
	}
	return e.link.change(func() (uids []string, err error) {
		tx, err := e.store.db.Begin(true)
		if err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
		defer tx.Rollback() // after a commit there is nothing to roll back, and it says so
		d := e.decoder()
		defer func() {
			d.Reset()
			e.decoders.Put(d)
		}()
		t := &txn{Store: e.store, tx: tx, dec: d, owner: owner, now: e.clock()}
		for _, s := range told {
			before, err := t.load(s.uid)
			if err != nil {
				return nil, err
			}
			if before.reached >= s.state {
				continue // another client's answer was faster
			}
			o := copied(before)
			o.reached = s.state
			if err := t.put(o, before, kmip.GeneralFailure); err != nil {
				return nil, err
			}
		}
		if err := tx.Commit(); err != nil {
			return nil, fmt.Errorf("server: commit: %w", err)
		}
		return t.made, nil
	})
}
