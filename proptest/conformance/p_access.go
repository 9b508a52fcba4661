package conformance

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

var accessProperties = []*Property{
	of(12, Property{Limited: true}, f12),
	of(13, Property{Needs: []Capability{HasBreaks}, Limited: true, Faults: true}, f13),
	of(14, Property{Limited: true}, f14),
	of(25, Property{Needs: []Capability{TellsMSID}}, func(t *Trial) {
		w := t.World(nil)
		for _, a := range w.authorities() {
			w.Do("try %v msid; set-pin %v msid p1; try %v msid; try %v p1", a, a, a, a)
		}
		w.Do("power-off; power-on; revert psid; power-off; power-on")
	}),
	of(30, Property{Needs: []Capability{HasSessions}}, func(t *Trial) {
		for _, end := range []string{"close", "reset warm", "reset hot", "power-off; power-on"} {
			w := t.owned(0, "p1")
			w.Do("open BandMaster0 p1; use; %s; use; use; try SID msid; use; read 0 1; open BandMaster0 p1; use; close; read 0 2", end)
		}
	}),
	of(37, Property{}, f37),
}

// guesses are the commands with which an authority's PIN can be tried.
func (w *World) guesses(a drive.Authority) []string {
	all := []string{fmt.Sprintf("try %v p9", a), fmt.Sprintf("set-pin %v p9 p9", a)}
	if n, band := a.Band(); band {
		all = append(all, fmt.Sprintf("set-locks %d p9 --", n))
		if n == 0 {
			all = append(all, "set-range 0 p9 0 0 -- 1")
		}
		if w.has(CanGenKey) {
			all = append(all, fmt.Sprintf("genkey %d p9", n))
		}
		if w.has(CanMigrate) {
			all = append(all, fmt.Sprintf("migrate %d p9 p1", n))
		}
	}
	if a == drive.EraseMaster {
		all = append(all, "erase 0 p9")
		if w.has(CanEraseAll) {
			all = append(all, "erase-all p9")
		}
	}
	if w.has(HasSessions) {
		all = append(all, fmt.Sprintf("open %v p9", a))
	}
	return all
}

func f12(t *Trial) {
	w := t.World(nil)
	limit := int(w.id.TryLimit)
	for _, a := range w.authorities() {
		all := w.guesses(a)
		for i := range limit - 1 {
			w.Do("%s", all[i%len(all)])
		}
		w.Do("try %v msid", a) // one is left, and a right PIN sets the count back
		for i := range limit {
			w.Do("%s", all[(i+1)%len(all)])
		}
		for _, g := range all { // now every door is shut, also for the right PIN
			w.Do("%s", g)
		}
		w.Do("try %v msid; set-pin %v msid p1; try %v msid", a, a, a)
	}
	for range limit {
		w.Do("revert p9")
	}
	w.Do("revert p9; revert psid; revert psid")
}

// f13: the count of a wrong PIN is in the memory that survives before anything tells a wrong PIN
// from a right one. A thief who cuts the power at the same operation of a wrong and of a right PIN
// must see the same, as long as the wrong one is not counted.
func f13(t *Trial) {
	for _, a := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.PSID} {
		w := t.World(nil)
		guess := "try " + a.String() + " p9"
		if a == drive.PSID {
			guess = "revert p9"
		}
		w.Do("%s; power-off; power-on; %s; power-off; power-on", guess, guess) // Persistence, as the model has it
		if !w.has(HasBreaks) || a == drive.PSID {
			continue
		}
		for _, kind := range []BreakKind{PowerBefore, PowerTorn, PowerAfter} {
			for k := 0; t.cutGuess(a, Break{kind, k}); k++ {
			}
		}
		for _, kind := range []BreakKind{ProgramRefused, ProgramTorn} {
			w := t.World(nil)
			if w.breaks([]Break{{kind, -1}}) {
				w.Do("break %s; try %v p9; try %v msid; mend", kind, a, a)
			}
		}
	}
}

// cutGuess cuts a wrong and a right PIN at the same place. It says whether the cut fired.
func (t *Trial) cutGuess(a drive.Authority, b Break) bool {
	var answers [2]drive.Code
	var before, after [2][]flash.Page
	counted := false
	fired := false
	for i, pin := range []Name{"p9", "msid"} {
		w := t.World(func(x *Wish) { x.Persistent = true })
		if !w.id.Persistent {
			return false // a power cut gives the tries back anyway, and the device says so
		}
		if w.has(HasDump) {
			before[i] = w.dumper.Dump().Flash
		}
		w.Do("break %s", b)
		answers[i] = w.do(Command{Verb: Try, Who: a, PIN: pin})
		if w.has(HasDump) {
			after[i] = w.dumper.Dump().Flash
		}
		if i == 0 {
			fired = w.fired > 0
			w.Do("mend; power-on")
			counted = w.counted(a)
		}
	}
	if !fired {
		return false
	}
	if !counted && (answers[0] != answers[1] || !sameSteps(before, after)) {
		t.failf("guess for free", nil, "power cut %v of %v: a wrong PIN is not counted, and yet it can be told from a right one (%s, %s)",
			b, a, answer(answers[0]), answer(answers[1]))
	}
	t.claim()
	return true
}

// sameSteps says whether two devices did the same to their flash. Where they were alike before, they
// are alike now. Where each has keys of its own, as many pages changed.
func sameSteps(before, after [2][]flash.Page) bool {
	if fmt.Sprint(before[0]) == fmt.Sprint(before[1]) {
		return fmt.Sprint(after[0]) == fmt.Sprint(after[1])
	}
	return gone(before[0], after[0]) == gone(before[1], after[1]) && gone(after[0], before[0]) == gone(after[1], before[1])
}

// gone is how many pages of a are not in b, or are otherwise there.
func gone(a, b []flash.Page) (n int) {
	for _, p := range a {
		same := func(o flash.Page) bool { return o.Block == p.Block && o.Page == p.Page && bytes.Equal(o.Data, p.Data) }
		if !slices.ContainsFunc(b, same) {
			n++
		}
	}
	return n
}

// counted says whether a wrong PIN was counted: as many guesses are left as the limit has, or one
// less.
func (w *World) counted(a drive.Authority) bool {
	if r := capability[TryReader](w, TellsTries); r != nil {
		used, _, err := r.Tries(a)
		if err != nil {
			w.failf("answer", "tries: %v", err)
		}
		return used > 0
	}
	for range w.id.TryLimit - 1 {
		w.Do("try %v p9", a)
	}
	return w.do(Command{Verb: Try, Who: a, PIN: "p9"}) == drive.LockedOut
}

func f14(t *Trial) {
	for _, a := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0)} {
		w := t.World(nil)
		w.Do("set-pin %v msid p1", a)
		for range w.id.TryLimit {
			w.Do("try %v p9", a)
		}
		w.Do("try %v p1; reset warm; try %v p1; reset hot; try %v p1; power-off; power-on; try %v p1", a, a, a, a)
		w.Do("revert psid; try %v msid; try %v p1", a, a)
	}
}

// f37: PINs that almost fit are refused, on every authority and for the PSID.
func f37(t *Trial) {
	w := t.World(func(x *Wish) { x.TryLimit = 1000 })
	for _, pin := range []Name{"p2", "p1"} {
		for _, a := range w.authorities() {
			w.Do("set-pin %v %s %s", a, w.candidates[0].slots[w.candidates[0].index(a)].pin, pin)
			for _, twist := range twistNames {
				n := pin + "/" + Name(twist)
				if string(n.bytes(w.label)) == string(pin.bytes(w.label)) {
					continue // a long PIN cannot be padded, one without letters has no case
				}
				w.Do("try %v %s", a, n)
				if w.candidates[0].slots[w.candidates[0].index(a)].tries+2 > w.id.TryLimit && w.id.TryLimit > 0 {
					w.Do("try %v %s", a, pin)
				}
			}
			w.Do("try %v %s", a, pin)
		}
	}
	for _, twist := range twistNames {
		n := Name("psid/" + twist)
		if string(n.bytes(w.label)) == string(Name("psid").bytes(w.label)) {
			continue
		}
		if m := w.candidates[0]; m.id.TryLimit > 0 && m.psid+2 > m.id.TryLimit {
			break
		}
		w.Do("revert %s", n)
	}
	w.Do("revert psid")
}
