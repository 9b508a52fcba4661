package conformance

import (
	"runtime"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

var eraseProperties = []*Property{
	of(15, Property{}, f15),
	of(16, Property{}, f16),
	of(20, Property{Needs: []Capability{HasBreaks}, Faults: true}, f20),
	of(21, Property{Needs: []Capability{HasBreaks}, Faults: true}, f21),
	of(22, Property{Needs: []Capability{HasBreaks}, Faults: true}, f22),
	of(26, Property{Needs: []Capability{TellsMSID}}, f26),
	of(31, Property{Needs: []Capability{HasBreaks, HasDump}, Faults: true, Searches: true}, f31),
	of(36, Property{Needs: []Capability{HasBreaks}, Faults: true}, f36),
	of(38, Property{Needs: []Capability{IsConcurrent}}, f38),
}

func f15(t *Trial) {
	for _, erase := range t.erases(0, "msid") {
		w := t.World(nil)
		seen := map[string]int{}
		look := func(i int) {
			w.Do("write 0 1 1; read 0 1")
			if w.dumper == nil {
				return
			}
			c, _ := w.dumper.Dump().Sector(0)
			if other, again := seen[string(c)]; again {
				t.failf("key repeats", w, "after erase %d sector 0 has the ciphertext that it had after erase %d: the key is the same", i, other)
			}
			seen[string(c)] = i
			t.claim()
		}
		look(0)
		for i := range 3 {
			w.Do("%s; read 0 1", erase)
			look(i + 1)
		}
	}
	w := t.owned(0, "p1") // also where it is locked, and where it waits for its BandMaster
	w.Do("power-off; power-on; erase 0 msid; read 0 2; power-off; power-on; read 0 2")
	if w = t.World(nil); w.id.Ranges > 0 {
		w.own(1, "p1")
		w.Do("write %d 2 1; write 0 1 2; erase 1 msid; read %d 2; read 0 1", w.at(1), w.at(1))
		if w.has(CanEraseAll) {
			w.Do("write %d 2 3; erase-all msid; read 0 1; read %d 2", w.at(1), w.at(1))
		}
	}
}

func f16(t *Trial) {
	for _, live := range []string{
		"", "own 0", "own 1", "own both", "set-pin SID msid p7; set-pin EraseMaster msid p8", "own 0; power-off; power-on",
	} {
		w := t.World(nil)
		w.Do("write 0 2 1")
		if w.id.Ranges > 0 {
			w.place(1, "msid")
			w.Do("write %d 2 2", w.at(1))
		}
		for _, step := range strings.Split(live, "; ") {
			switch step {
			case "":
			case "own 0", "own 1", "own both":
				if step != "own 1" {
					w.own(0, "p1")
				}
				if step != "own 0" && w.id.Ranges > 0 {
					w.own(1, "p3")
				}
			default:
				w.Do("%s", step)
			}
		}
		w.Do("revert psid; read 0 2")
		if w.has(HasDump) {
			w.Do("thief")
		}
		for range 2 {
			for _, a := range w.authorities() {
				w.Do("try %v msid", a)
			}
			w.Do("read 0 2; read %d 1; power-off; power-on", w.at(1))
		}
	}
}

// cuts goes through the operations of a command: it calls try with a cut before, in the middle of
// and after the operation k, for k = 0, 1, 2, and so on, until try says that nothing fired.
func (t *Trial) cuts(try func(b Break) (fired bool)) {
	for _, kind := range []BreakKind{PowerBefore, PowerTorn, PowerAfter} {
		for k := 0; try(Break{kind, k}); k++ {
			if k > endlessMax {
				t.failf("endless", nil, "a command does not end within %d operations", endlessMax)
			}
		}
	}
}

// fires runs a command with faults and says whether one fired; then the device is mended and has
// power.
func (w *World) fires(command string, breaks ...Break) bool {
	before := w.fired
	text := make([]string, len(breaks))
	for i, b := range breaks {
		text[i] = b.String()
	}
	w.Do("break %s; %s; mend; power-on", strings.Join(text, " "), command)
	return w.fired > before
}

// settle finds out which PIN a BandMaster has, and opens its range. Each wrong PIN costs a try, and
// the right one gives them back.
func (w *World) settle(n int, pins ...Name) {
	for _, p := range pins {
		if w.do(Command{Verb: Try, Who: drive.BandMaster(n), PIN: p}) == done {
			w.Do("set-locks %d %s --", n, p)
			return
		}
	}
	if m := w.candidates[0]; !m.degraded {
		w.failf("data lost", "no PIN opens range %d: neither the old one nor the new one", n)
	}
}

func f20(t *Trial) {
	steps := []string{"set-pin BandMaster0 p1 p3", "erase 0 msid", "revert psid", "set-range 0 p1 0 0 -- 1", "set-range 0 p1 0 0 rw 7"}
	w := t.World(nil)
	if w.has(CanGenKey) {
		steps = append(steps, "genkey 0 p1")
	}
	if w.has(CanEraseAll) {
		steps = append(steps, "erase-all msid")
	}
	for i, step := range steps {
		t.cuts(func(b Break) bool {
			w := t.owned(0, "p1")
			fired := w.fires(step, b)
			w.settle(0, "p1", "p3", "msid")
			w.Do("read 0 2; power-off; power-on; read 0 1")
			if w.has(HasDump) && b.Kind == PowerTorn && i < 4 {
				w.Do("thief")
			}
			return fired
		})
	}
	t.cuts(func(b Break) bool { // migration, from a range that is open
		w := t.World(nil)
		w.Do("write 0 2 1")
		step := "set-pin BandMaster0 msid p1"
		if w.has(CanMigrate) {
			step = "migrate 0 msid p1"
		}
		fired := w.fires(step, b)
		w.settle(0, "msid", "p1")
		w.Do("read 0 2; power-off; power-on; read 0 1")
		return fired
	})
}

// f21: on a memory that does not do as it is told an erase ends, with or without success, and what
// it answered stays true.
func f21(t *Trial) {
	for _, breaks := range [][]Break{
		{{EraseRefused, -1}},
		{{EraseRefused, -1}, {ZeroRefused, -1}},
		{{EraseTorn, -1}},
		{{ProgramRefused, -1}},
		{{ProgramTorn, -1}},
		{{ProgramTorn, 0}},
		{{ReadError, -1}},
		{{ReadError, 1}},
	} {
		for _, erase := range t.erases(0, "p1") {
			w := t.owned(0, "p1")
			if !w.breaks(breaks) {
				continue
			}
			w.fires(erase, breaks...)
			w.Do("reset warm; read 0 1; reset hot; read 0 1; power-off; power-on; read 0 1")
		}
	}
}

// breaks says whether the device can have these faults.
func (w *World) breaks(all []Break) bool {
	for _, b := range all {
		can := false
		for _, k := range w.breaker.Breaks() {
			can = can || k == b.Kind
		}
		if !can {
			return false
		}
	}
	return true
}

// f22: an erase of which a part failed is not reported as done, or is done all the same; a revert
// that works cures the device.
func f22(t *Trial) {
	for _, breaks := range [][]Break{
		{{EraseRefused, -1}, {ZeroRefused, -1}},
		{{EraseTorn, -1}, {ZeroRefused, -1}},
		{{ProgramRefused, -1}},
		{{ProgramRefused, 2}},
		{{ProgramRefused, 1}, {EraseRefused, -1}},
		{{ReadError, 0}},
	} {
		for _, erase := range t.erases(0, "p1") {
			w := t.owned(0, "p1")
			if !w.breaks(breaks) {
				continue
			}
			w.fires(erase, breaks...)
			if w.has(HasDump) {
				w.Do("thief")
			}
			w.Do("read 0 1; power-off; power-on; read 0 1; revert psid; read 0 2")
			if w.has(HasDump) {
				w.Do("thief")
			}
		}
	}
}

func f26(t *Trial) {
	w := t.World(nil)
	for _, a := range w.authorities() {
		w.Do("set-pin %v msid p1", a)
	}
	w.Do("revert psid")
	for range 2 {
		for _, a := range w.authorities() {
			w.Do("try %v p1; try %v msid", a, a)
		}
		w.cycle()
	}
}

// f31: a step that was cut leaves an old record behind, and the power-on after it destroys that,
// whatever else the memory refuses.
func f31(t *Trial) {
	for _, step := range []string{"set-pin BandMaster0 p1 p3", "erase 0 msid", "revert psid"} {
		t.cuts(func(b Break) bool {
			w := t.owned(0, "p1")
			fired := w.fires(step, b)
			w.settle(0, "p1", "p3", "msid")
			w.Do("thief")
			return fired
		})
	}
	for _, breaks := range [][]Break{{{EraseRefused, -1}}, {{EraseTorn, -1}}, {{EraseRefused, 0}}, {{ProgramTorn, 1}}} {
		w := t.owned(0, "p1")
		if !w.breaks(breaks) {
			continue
		}
		text := ""
		for _, b := range breaks {
			text += " " + b.String()
		}
		w.Do("break%s", text)
		for i := 1; i < 4; i++ {
			if w.do(Command{Verb: SetPIN, Who: drive.BandMaster(0), PIN: own(i), To: own(i + 1)}) != done {
				break // worn out
			}
			w.Do("thief")
		}
	}
}

// f36: whatever breaks, what was answered with success is so after the next power-on, too, unless
// the device says that it lost track.
func f36(t *Trial) {
	for _, kind := range []BreakKind{EraseRefused, EraseTorn, ProgramRefused, ProgramTorn, ReadError} {
		for _, step := range []string{
			"set-pin BandMaster0 p1 p3", "erase 0 msid", "revert psid", "set-range 0 p1 0 0 -- 1", "set-range 0 p1 0 0 rw 3",
			"try BandMaster0 p4", "set-pin SID msid p7",
		} {
			for k := -1; k < 6; k++ { // all operations, or one
				w := t.owned(0, "p1")
				if !w.breaks([]Break{{kind, k}}) {
					continue
				}
				w.fires(step, Break{kind, k})
				w.Do("power-off; power-on; read 0 1; try SID msid; try BandMaster0 p1; read 0 1")
			}
		}
	}
}

// f38: an erase comes while a write is on its way to the media. Afterwards the sector is readable
// under the new key, or it is not readable at all; and under the old key nothing was left.
func f38(t *Trial) {
	for _, erase := range t.erases(0, "msid") {
		w := t.World(nil)
		w.Do("write 0 1 1")
		if w.held == nil {
			panic(&unjudged{"the suite does not hold the media of the device", []Capability{IsOnParts}})
		}
		c, err := ParseCommand(erase)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		erased := make(chan error, 1)
		started := make(chan struct{})
		w.held.count.during = func() {
			go func() {
				close(started)
				erased <- w.command(c, nil)
			}()
			<-started
			for range 20_000 { // long enough for an erase that nothing holds back
				runtime.Gosched()
			}
		}
		data := make([]byte, 4*w.id.SectorSize)
		for i := range 4 {
			fill(data[i*w.id.SectorSize:][:w.id.SectorSize], 9, uint64(i))
		}
		wrote := w.dev.Write(0, data)
		if err := <-erased; err != nil {
			t.failf("refused", w, "%s while a write is in flight: %v", erase, err)
		}
		got, before := make([]byte, 4*w.id.SectorSize), make([]byte, w.id.SectorSize)
		readable := w.dev.Read(0, got) == nil
		fill(before, 1, 0)
		if readable && string(got[:w.id.SectorSize]) == string(before) {
			t.failf("data alive", w, "after %s with a write in flight sector 0 reads as before the erase", erase)
		}
		whole := 0
		for i := range 4 {
			if string(got[i*w.id.SectorSize:][:w.id.SectorSize]) == string(data[i*w.id.SectorSize:][:w.id.SectorSize]) {
				whole++
			}
		}
		if wrote == nil && readable && whole != 0 && whole != 4 {
			t.failf("data mixed", w, "after %s with a write in flight %d of its 4 sectors are under the new key, and the others are not", erase, whole)
		}
		t.claim()
	}
}
