package drive

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Whole makes several methods of the change count as one: where do fails, the change is as it was before, and
// Whole gives the error of do. What do does beside methods of the change is not taken back.
func (c *Change) Whole(do func() error) error {
	before := c.mark()
	err := do()
	if err == nil || c.over {
		before.forget()
		return err
	}
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	clearAll(c.meks)
	c.sid.Clear()
	c.next, c.locks, c.meks, c.tried = before.next, before.locks, before.meks, before.tried
	c.table, c.done, c.sid, c.erased = before.table, before.done, before.sid, before.erased
	return err
}

// mark is a copy of what the methods of a change prepare.
type mark struct {
	next   record
	locks  []lockFlags
	meks   []*secret.Key64
	tried  []bool
	table  bool
	done   bool
	sid    PIN
	erased []Authority
}

func (c *Change) mark() *mark {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	m := &mark{
		next: c.next.clone(), locks: slices.Clone(c.locks), tried: slices.Clone(c.tried), table: c.table, done: c.done,
		sid: c.sid.Clone(), erased: slices.Clone(c.erased),
	}
	for _, k := range c.meks {
		m.meks = append(m.meks, k.Clone())
	}
	return m
}

// forget clears the keys of a copy that is not needed.
func (m *mark) forget() {
	clearAll(m.meks)
	m.sid.Clear()
}

// Authority describes an authority other than PSID as the change would leave it. Errors: InvalidParameter,
// InvalidState after Commit or Abort, NoPower, Degraded.
func (c *Change) Authority(a Authority) (AuthorityInfo, error) {
	const op = "authority"
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return AuthorityInfo{}, err
	}
	i := slices.IndexFunc(c.next.slots, func(s slotRecord) bool { return s.authority == a })
	switch {
	case c.over:
		return AuthorityInfo{}, d.refuse(op, InvalidState, "the change was committed or given up; begin another")
	case i < 0:
		return AuthorityInfo{}, d.refuse(op, InvalidParameter, "%v has no key slot", a)
	}
	s := c.next.slots[i]
	if !c.tried[i] {
		s.tries = d.rec.slots[i].tries
	}
	return s.info(), nil
}
