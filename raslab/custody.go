package raslab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// Custody records: what became of every drive that was ever in a slot. A drive that held data stays
// in them until its erase was proved here, or until somebody answered for it by name. (NIST SP
// 800-88 Rev. 2 asks in section 4 for a programme that keeps media under control and records their
// sanitization: package erase says what is known of it. The form is ours.)
//
// They are kept in a repository of their own in three copies, apart from the keys (assumption).
// They outlive a loss of power, and are read again at each IML.

// CustodyState is what is known of a drive that was in the facility.
type CustodyState string

// The states.
const (
	CustodyUnused   CustodyState = "unused"     // no rank used it, and no scan found data on it
	CustodyHolds    CustodyState = "holds data" // it held data, and no erase of it was proved since
	CustodyErased   CustodyState = "erased"     // erased here and verified; nothing was used since as far as the facility knows
	CustodyAnswered CustodyState = "answered"   // it left with its data, and a person answered for it
)

// CustodyRecord is one drive that was ever in a slot.
type CustodyRecord struct {
	Identity    drive.Identity // zero for a drive that cannot prove any
	Serial      string
	Slot        string // where it was seen last
	State       CustodyState
	Why         string             // what data it held: "member of R0"; "" if none is known
	NotErased   string             // why its last erase was not proved; "" if none was tried
	Used        bool               // by a rank of this facility, and not erased or answered for since
	Keys        uint32             // key generation that this facility's credential last opened
	Since       time.Time          // of State
	By, Reason  string             // who answered for it, and why
	Certificate *erase.Certificate // of the last erase; it may say that the erase is not accepted
	Contents    []byte             `json:",omitempty"` // SHA-256 of its medium when its erase was verified
	Present     bool               `json:"-"`          // a drive in a slot proves that it is this one

	number int // in the order of arrival
}

// Open says whether somebody still has to see to the drive.
func (r *CustodyRecord) Open() bool { return r.State == CustodyHolds }

// Name is the serial number and the identity.
func (r *CustodyRecord) Name() string {
	if r.Identity.IsZero() {
		return quoted(r.Serial) + " (no identity)"
	}
	return quoted(r.Serial) + " (" + r.Identity.String() + ")"
}

// change alters a record and keeps it.
func (c *custody) change(e *CustodyRecord, alter func()) {
	was := e.State
	alter()
	if e.State != was {
		e.Since = c.lab.Now()
	}
	c.save(e)
}

// at is the record of the drive in a slot, or nil. A drive that answers nothing is found by its
// label.
func (c *custody) at(s *slot) *CustodyRecord {
	id, err := c.identify(s)
	if err == nil {
		return c.of(id, s.port.Serial())
	}
	if named := c.named[s.port.Serial()]; len(named) > 0 {
		return named[0]
	}
	return nil
}

// lastAt is the record of the drive that was last seen in a slot, if it has the serial number on
// the label there. It is for a slot without power, whose drive answers nothing.
func (c *custody) lastAt(s *slot) *CustodyRecord {
	for _, e := range c.named[s.port.Serial()] {
		if e.Slot == s.name {
			return e
		}
	}
	return nil
}

// seen is the record of a drive in a slot, made if there is none; the caller saves.
func (c *custody) seen(s *slot, id drive.Identity) *CustodyRecord {
	e := c.of(id, s.port.Serial())
	if e == nil {
		e = &CustodyRecord{Identity: id, Serial: s.port.Serial(), State: CustodyUnused, Since: c.lab.Now()}
		c.add(e)
	}
	if e.Slot != s.name {
		e.Slot = s.name
		c.moved = append(c.moved, e)
	}
	return e
}

// arrived records that a drive is in a slot.
func (c *custody) arrived(s *slot, id drive.Identity) *CustodyRecord {
	e := c.seen(s, id)
	c.save(e)
	return e
}

// uses records that drives take data, before the first byte is written. It returns their identities
// in the order of the slots, zero for a drive that proves none.
func (c *custody) uses(why string, slots ...*slot) []drive.Identity {
	ids := make([]drive.Identity, len(slots))
	var changed []*CustodyRecord
	for i, s := range slots {
		id, err := c.identify(s)
		e := c.at(s)
		if err == nil || e == nil {
			e = c.seen(s, id)
		}
		ids[i] = e.Identity
		if e.State == CustodyHolds && e.Why == why && e.NotErased == "" {
			continue
		}
		changed = append(changed, e)
		if e.State != CustodyHolds {
			e.Since = c.lab.Now()
		}
		e.State, e.Why, e.NotErased, e.Used, e.Certificate, e.Contents = CustodyHolds, why, "", true, nil, nil
	}
	c.save(changed...)
	return ids
}

// before copies the records of drives for spared.
func (c *custody) before(slots []*slot) map[*slot]CustodyRecord {
	out := map[*slot]CustodyRecord{}
	for _, s := range slots {
		if e := c.at(s); e != nil {
			out[s] = *e
		}
	}
	return out
}

// spared takes back what uses recorded of drives that were not touched after all.
func (c *custody) spared(slots []*slot, before map[*slot]CustodyRecord) {
	var changed []*CustodyRecord
	for _, s := range slots {
		if was, ok := before[s]; ok {
			e := c.of(was.Identity, was.Serial)
			*e = was
			changed = append(changed, e)
		}
	}
	c.save(changed...)
}

// notErased records why an erase that was due is not proved. It ends an earlier certificate.
func (c *custody) notErased(s *slot, why string) {
	e := c.at(s)
	if e == nil {
		e = c.seen(s, drive.Identity{})
	}
	if e.State == CustodyHolds && e.NotErased == why {
		return
	}
	c.change(e, func() {
		e.State, e.NotErased, e.Certificate, e.Contents = CustodyHolds, why, nil, nil
		if e.Why == "" {
			e.Why = "an erase of it did not pass"
		}
	})
}

// notAccepted is notErased for an erase that was verified but not accepted by the validation. Its
// record is kept for whoever decides what to do with the drive.
func (c *custody) notAccepted(s *slot, why string, record *erase.Certificate) {
	why = string(erase.NotAccepted) + ": " + why
	c.notErased(s, why)
	e := c.at(s)
	c.change(e, func() { e.Certificate, e.Contents = record, nil })
}

// due says whether the drive in a slot has to be erased before it is used.
func (c *custody) due(s *slot) bool {
	e := c.at(s)
	return e != nil && e.State == CustodyHolds
}

// proved says whether an erase of the drive in a slot was verified here, and nothing was
// written to it since.
func (c *custody) proved(s *slot) bool {
	if !slices.ContainsFunc(c.named[s.port.Serial()], func(e *CustodyRecord) bool { return e.State == CustodyErased }) {
		return false // whoever it proves to be
	}
	id, err := c.identify(s)
	if err != nil {
		return false
	}
	e := c.of(id, s.port.Serial())
	return e != nil && e.State == CustodyErased && bytes.Equal(e.Contents, contents(s.port.Dump()))
}

// history is what the facility knows of the drive in a slot, for its certificate. The drive is not
// asked: only a record that no other drive of that serial number shares tells of it.
func (c *custody) history(s *slot) []erase.History {
	e := c.lastAt(s)
	if e == nil || len(c.named[s.port.Serial()]) > 1 {
		return nil
	}
	what := fmt.Sprintf("in slot %s: %s", s.name, e.State)
	if e.Why != "" {
		what += ", " + e.Why
	}
	return []erase.History{{Time: e.Since, What: what}}
}

// opened records the key generation that this facility's credential opened on a drive.
func (c *custody) opened(s *slot) {
	if e := c.at(s); e != nil && e.Keys != s.port.Status().KeyGeneration {
		c.change(e, func() { e.Keys = s.port.Status().KeyGeneration })
	}
}

// found records a drive on which a scan found data that the facility did not know of.
func (c *custody) found(e *CustodyRecord, why string) {
	if e.State != CustodyHolds {
		c.change(e, func() { e.State, e.Why, e.Certificate, e.Contents = CustodyHolds, why, nil, nil })
	}
}

// unproven says why a drive that should have been erased here is not proved to be erased; "" if no
// drive with that serial number is such a drive.
func (c *custody) unproven(serial string) string {
	for _, e := range c.named[serial] {
		if e.State == CustodyHolds && e.NotErased != "" {
			return e.NotErased
		}
	}
	return ""
}

// erased records an erase that the engine has verified. A drive that did not prove its identity has
// no certificate.
func (c *custody) erased(s *slot, id drive.Identity, cert *erase.Certificate) {
	e := c.of(id, s.port.Serial())
	if e == nil {
		e = c.seen(s, id)
	}
	sum := contents(s.port.Dump())
	c.change(e, func() {
		e.Slot, e.State, e.Why, e.NotErased, e.Used, e.By, e.Reason = s.name, CustodyErased, "", "", false, "", ""
		e.Certificate, e.Contents = cert, sum
	})
}

// contents is the SHA-256 of what lies on a medium: for each sector that was ever
// written, ascending, its number (8 bytes, big endian) and its ciphertext.
func contents(d drive.Dump) []byte {
	h := sha256.New()
	var lba [8]byte
	for _, n := range d.Written {
		binary.BigEndian.PutUint64(lba[:], n)
		h.Write(lba[:])
		if b, ok := d.Sector(n); ok {
			h.Write(b)
		}
	}
	return h.Sum(nil)
}

// away lists the records of drives that are in no slot, in the order of arrival. A drive in a slot
// that proves nothing counts as the drive that its label names, because its slot has a verdict of
// its own.
func (c *custody) away(here []present) (out []*CustodyRecord) {
	proven, labels := map[drive.Identity]bool{}, map[string]bool{}
	for _, p := range here {
		if p.err == nil {
			proven[p.id] = true
		} else {
			labels[p.slot.port.Serial()] = true
		}
	}
	for _, e := range c.entries {
		if !proven[e.Identity] && !labels[e.Serial] {
			out = append(out, e)
		}
	}
	return out
}

// Custody lists the custody records, in the order in which the drives came.
func (l *Lab) Custody() []CustodyRecord {
	away := l.custody.away(l.rollCallAnyway("custody list"))
	out := make([]CustodyRecord, len(l.custody.entries))
	for i, e := range l.custody.entries {
		out[i] = *e
		out[i].Contents = bytes.Clone(e.Contents)
		out[i].Present = !slices.Contains(away, e)
	}
	return out
}

// custodyNamed finds a record by serial number or by the first digits of the identity, at
// least 8.
func (c *custody) custodyNamed(op, name string) (*CustodyRecord, error) {
	var found []*CustodyRecord
	for _, same := range []func(*CustodyRecord) bool{
		func(e *CustodyRecord) bool { return e.Serial == name },
		func(e *CustodyRecord) bool { return strings.EqualFold(e.Serial, name) },
		func(e *CustodyRecord) bool {
			return len(name) >= 8 && !e.Identity.IsZero() && strings.HasPrefix(e.Identity.Fingerprint(), strings.ToLower(name))
		},
	} {
		for _, e := range c.entries {
			if same(e) {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 0:
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("no drive %q was ever in this facility", name), "custody list which=all shows who was")
	case 1:
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, e := range found {
		names[i] = e.Identity.String()
	}
	return nil, refuse(ErrInvalid, op, fmt.Sprintf("%d drives with the serial number %q were here", len(found), name), "name one by its identity: "+strings.Join(names, ", "))
}

// CustodyOf is the record of one drive, by serial number or by the first digits of its identity.
func (l *Lab) CustodyOf(name string) (rec CustodyRecord, bad error) {
	const op = "custody show"
	defer l.unwound(op, &bad)
	e, err := l.custody.custodyNamed(op, name)
	if err != nil {
		return CustodyRecord{}, err
	}
	out := *e
	out.Present = !slices.Contains(l.custody.away(l.rollCall()), e)
	return out, nil
}

// AnswerFor closes the record of a drive that left with its data: a person answers for it, by name,
// and says why (it was shredded, it is with the police). The drive still does not count as erased.
// Nobody can answer for a drive in a slot, because it can be erased.
func (l *Lab) AnswerFor(name, by, reason string) (rec CustodyRecord, bad error) {
	const op = "custody answer"
	defer l.unwound(op, &bad)
	e, err := l.custody.custodyNamed(op, name)
	if err != nil {
		return CustodyRecord{}, err
	}
	by, reason = strings.TrimSpace(by), strings.TrimSpace(reason)
	switch {
	case by == "" || reason == "":
		return CustodyRecord{}, refuse(ErrInvalid, op, "somebody has to answer by name, and say why", "")
	case e.State != CustodyHolds:
		return CustodyRecord{}, refuse(ErrState, op, fmt.Sprintf("%s is %s: nobody has to answer for it", e.Name(), e.State), "custody list shows for which drives")
	case !slices.Contains(l.custody.away(l.rollCall()), e):
		return CustodyRecord{}, refuse(ErrState, op, fmt.Sprintf("%s is in %s", e.Name(), e.Slot), "erase it, or take it out first")
	case l.plant.awaited(e.Serial) != nil:
		return CustodyRecord{}, refuse(ErrState, op, fmt.Sprintf("%s waits for %s", l.plant.rankOf(l.plant.awaited(e.Serial)).name(), e.Name()), "exchange the drive first, or remove the rank")
	}
	l.custody.change(e, func() { e.State, e.Used, e.By, e.Reason = CustodyAnswered, false, by, reason })
	if s := l.plant.byName[e.Slot]; s != nil {
		_ = l.forget(s, e.Serial, "answer of "+by) // or it is owed
	}
	l.logf("custody", "%s answered for %s: %s", by, e.Name(), reason)
	return *e, nil
}
