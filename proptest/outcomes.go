package proptest

import (
	"encoding/binary"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// faults is which kinds of faults fired during a command.
type faults struct {
	power bool // power went
	cells bool // a flash operation was refused, tore, or could not be read
	media bool
	rot   bool // a page rotted or was unreadable: an older note may come into force
}

func faultsOf(fired []fault.Firing) (b faults) {
	for _, f := range fired {
		switch f.Point {
		case flash.PowerBefore, flash.PowerTorn, flash.PowerAfter:
			b.power = true
		case drive.PointMediaReadError, drive.PointMediaWriteError:
			b.media = true
		case flash.ReadError, flash.ReadRot:
			b.cells, b.rot = true, true
		default:
			b.cells = true
		}
	}
	return b
}

// outcome is one way in which a command may end.
type outcome struct {
	code drive.Code
	then *model
}

// outcomes lists every way in which a command on w may end. Without a fault there is one, except
// for a power-on with flash that a fault left in doubt.
func (w *model) outcomes(c Command, b faults) []outcome {
	if c.Verb == PowerOn && !w.on {
		return w.powerOns(b)
	}
	next := w.clone()
	code, wrote := next.apply(c)
	if wrote {
		next.alts = nil
		if code == ok && isKeyStep(c.Verb) {
			next.rotten = false
		}
	}
	next.rotten = next.rotten || b.rot
	if c.Verb == SelfTest && w.rotten && code == ok {
		// It writes anew what rotted.
		b.cells = true
	}
	out := []outcome{{code, next}}
	if b == (faults{}) || c.Verb == PowerOff {
		return out
	}
	if b.media && code == ok && (c.Verb == Read || c.Verb == Write) {
		for n := range c.Sectors {
			part := w.clone()
			if c.Verb == Write {
				part.write(c, n)
			}
			out = append(out, outcome{drive.MediaFailure, part})
		}
	}
	if !b.cells && !b.power || code != ok && code != drive.NotAuthorized && code != drive.Degraded {
		return out
	}
	return append(out, w.broken(c, b, code, next)...)
}

// broken lists how a command may end after a fault in its work on the flash, instead of with code
// and next. It adds to next what the flash may hold by then.
func (w *model) broken(c Command, b faults, code drive.Code, next *model) (out []outcome) {
	force := w.inForce(c, b, code, next)
	var stored []*model
	for _, f := range force {
		stored = append(stored, f.stored(), f.degraded().stored())
	}
	stored = append(stored, w.alts...)
	in := func(code drive.Code, f *model) {
		f = f.clone()
		f.alts = stored
		out = append(out, outcome{code, f})
	}
	if b.power {
		for _, f := range force {
			in(drive.PowerLost, f.stored())
			if b.cells {
				in(drive.PowerLost, f.degraded().stored())
			}
		}
	}
	if !b.cells {
		return out
	}
	if !promised(c.Verb, code) {
		next.alts = append(next.alts, stored...)
	}
	for i, f := range force {
		if i != 1 || c.Verb == Authenticate {
			in(drive.HardwareFailure, f)
		}
		if isKeyStep(c.Verb) || c.Verb == SelfTest {
			in(drive.Degraded, f.degraded())
		}
	}
	if c.Verb == Restore {
		in(drive.Degraded, w)
	}
	return out
}

// inForce lists the records that may be in force after a write that was broken: the old one, the
// new one, and for a record that only counts tries one between them.
func (w *model) inForce(c Command, b faults, code drive.Code, next *model) []*model {
	force := []*model{w.clone(), next.clone()}
	if c.Verb == Authenticate || c.Verb == RevertPSID {
		guess := w.clone()
		wrong := c
		wrong.PIN = PINZero
		guess.apply(wrong)
		force = append(force, guess)
		if code == ok && c.Verb == Authenticate {
			force[1].session = drive.Nobody
		}
	}
	for _, f := range force {
		f.rotten = f.rotten || b.rot
	}
	return force
}

func isKeyStep(v Verb) bool {
	switch v {
	case SetPIN, Migrate, GenKey, SetRange, SetLocks, Erase, EraseAll, RevertPSID:
		return true
	}
	return false
}

// promised says whether an answer means that only the new record can be in force from now on,
// whatever faults fired: a key step or a restore that succeeded has destroyed every older record.
func promised(v Verb, code drive.Code) bool {
	return code == ok && (isKeyStep(v) || v == Restore)
}

// stored is w in flash, with the power off.
func (w *model) stored() *model {
	s := w.bare()
	s.powerOff()
	return s
}

// powerOns is what a power-on may find.
func (w *model) powerOns(b faults) []outcome {
	var out []outcome
	flashes := append([]*model{w}, w.alts...)
	for _, f := range flashes {
		// A power-on destroys what the flash holds beside the record in force, or notes that it
		// cannot. With a fault it may have done neither.
		found := f.bare()
		found.lost = w.lost
		found.powerOn()
		found.rotten = found.rotten || w.rotten || b.rot
		if b != (faults{}) || found.rotten {
			found.alts = append([]*model{w.stored()}, w.alts...)
		}
		out = append(out, outcome{ok, found})
		if b.cells && found.trusted {
			out = append(out, outcome{ok, found.degraded()})
		}
		if found.rotten {
			lost := f.bare()
			lost.alts, lost.rotten, lost.lost = w.alts, true, w.lost
			out = append(out, outcome{ok, lost.keyless()})
		}
		if b.power {
			cut := f.stored()
			cut.lost, cut.rotten = w.lost, found.rotten
			cut.alts = append([]*model{w.stored()}, w.alts...)
			out = append(out, outcome{drive.PowerLost, cut})
			part := found.stored()
			part.alts = cut.alts
			out = append(out, outcome{drive.PowerLost, part})
			if b.cells {
				deg := found.bare().degraded().stored()
				deg.alts = cut.alts
				out = append(out, outcome{drive.PowerLost, deg})
			}
		}
	}
	return out
}

// distinct merges candidates that differ only in what their flash may hold. The one that is left
// may hold what any of them may.
func distinct(all []*model) []*model {
	if len(all) == 1 {
		if w := all[0]; len(w.alts) > 1 {
			w.alts = distinct(w.alts)
		}
		return all
	}
	var out []*model
	seen := map[string]*model{}
	for _, w := range all {
		id := w.print()
		if same := seen[id]; same != nil {
			same.alts = append(same.alts, w.alts...)
			continue
		}
		seen[id] = w
		out = append(out, w)
	}
	for _, w := range out {
		if len(w.alts) > 1 {
			w.alts = distinct(w.alts)
		}
	}
	return out
}

// print is equal for candidates that no command can tell apart, except for their alts. The number
// of a key does not matter, only which range has it and which sectors were written under it.
func (w *model) print() string {
	b := make([]byte, 0, 256)
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	flags := func(all ...bool) {
		n := uint64(0)
		for i, set := range all {
			if set {
				n |= 1 << i
			}
		}
		number(n)
	}
	flags(w.on, w.trusted, w.rotten, w.fresh)
	for _, n := range [...]uint64{uint64(w.state), uint64(w.keygen), uint64(w.psid), uint64(w.lost), uint64(w.session)} {
		number(n)
	}
	for _, s := range w.slots {
		number(uint64(s.pin))
		number(uint64(s.tries))
	}
	index := map[uint32]uint64{}
	for n := range w.ranges {
		g := &w.ranges[n]
		if _, known := index[g.key]; !known {
			index[g.key] = uint64(n + 1)
		}
		flags(g.c.ReadLockEnabled, g.c.WriteLockEnabled, g.read, g.write, g.keep[0], g.keep[1], g.ram)
		for _, n := range [...]uint64{g.c.Start, g.c.Length, uint64(g.c.LockOnReset), index[g.key]} {
			number(n)
		}
	}
	for _, s := range w.sectors {
		number(uint64(s.content))
		number(index[s.key])
	}
	return string(b)
}
