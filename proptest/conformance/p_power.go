package conformance

import "fmt"

// family makes a property of a family of the suite's own: what no row of Rows says.
func family(id, name, source string, p Property, run func(*Trial)) *Property {
	p.ID, p.Name, p.Source, p.run = id, name, source, run
	return &p
}

// PC: power cuts. RM: remanence, what is left of what is gone.
var powerProperties = []*Property{
	family("PC01", "a power cut of the recovery from a power cut: old or new, never mixed", "derived, no incident found", Property{Needs: []Capability{HasBreaks}, Faults: true}, pc01),
	family("PC02", "a power cut on memory that also refuses an erase: old or new, or the drive says that it lost track", "derived, no incident found",
		Property{Needs: []Capability{HasBreaks}, Faults: true}, pc02),
	family("PC03", "a lock that was set, and one that was opened, are so after a power cut, or as they were", "derived, no incident found",
		Property{Needs: []Capability{HasBreaks}, Faults: true}, pc03),
	family("PC04", "what was flushed survives a power cut, and no other sector is harmed", "derived, no incident found", Property{}, pc04),
	family("PC05", "a power cut while a range is moved leaves the place or the other one", "derived, no incident found", Property{Needs: []Capability{HasBreaks}, Faults: true, Ranges: 1}, pc05),
	family("RM01", "of many generations of keys and PINs none but the last is left", "CVE-2018-12038 kind", Property{Needs: []Capability{HasDump}, Searches: true}, rm01),
	family("RM02", "a range that was open leaves no way to its key once it is locked", "derived, no incident found", Property{Needs: []Capability{HasDump}, Searches: true}, rm02),
	family("RM03", "the recovery from a cut leaves nothing of the step that was cut, before anybody asks for anything", "derived, no incident found",
		Property{Needs: []Capability{HasBreaks, HasDump}, Faults: true, Searches: true}, rm03),
	family("RM04", "an erase of one range leaves nothing of its key, whatever the others are", "derived, no incident found",
		Property{Needs: []Capability{HasDump}, Searches: true, Ranges: 1}, rm04),
}

func pc01(t *Trial) {
	kinds := []BreakKind{PowerBefore, PowerTorn, PowerAfter}
	for _, step := range []string{"set-pin BandMaster0 p1 p3", "erase 0 msid", "revert psid"} {
		for k := range endlessMax {
			fired := false
			for i, first := range kinds {
				// Every place of the first cut, and two places of the second at each.
				for j := range 3 {
					w := t.owned(0, "p1")
					w.Do("break %s; %s", Break{first, k}, step)
					if w.fired == 0 {
						continue
					}
					fired = true
					w.Do("break %s; power-on; mend; power-on", Break{kinds[(i+j)%3], (k + j) % 4})
					w.settle(0, "p1", "p3", "msid")
					w.Do("read 0 2; power-off; power-on; read 0 1")
				}
			}
			if !fired {
				break
			}
		}
	}
}

func pc02(t *Trial) {
	for _, with := range []Break{{EraseRefused, -1}, {EraseTorn, -1}, {EraseRefused, 0}, {ZeroRefused, -1}} {
		for _, step := range []string{"set-pin BandMaster0 p1 p3", "erase 0 msid"} {
			t.cuts(func(b Break) bool {
				w := t.owned(0, "p1")
				if !w.breaks([]Break{with}) {
					return false
				}
				before := w.broke[b.Kind]
				w.Do("break %s %s; %s", b, with, step)
				cut := w.broke[b.Kind] > before
				w.Do("mend; power-on")
				w.settle(0, "p1", "p3", "msid")
				w.Do("read 0 1; power-off; power-on; read 0 1")
				return cut
			})
		}
	}
	for _, step := range []string{"set-pin BandMaster0 p1 p3", "erase 0 msid"} { // and the power-on meets such a memory
		t.cuts(func(b Break) bool {
			w := t.owned(0, "p1")
			if !w.breaks([]Break{{EraseRefused, -1}, {ZeroRefused, -1}}) {
				return false
			}
			w.Do("break %s; %s", b, step)
			fired := w.fired > 0
			w.Do("break erase-refused zero-refused; power-on; mend")
			w.settle(0, "p1", "p3", "msid")
			if w.has(HasDump) {
				w.Do("thief")
			}
			w.Do("read 0 1")
			return fired
		})
	}
}

func pc03(t *Trial) {
	for _, step := range []string{"set-locks 0 p1 rw", "set-locks 0 p1 r-", "set-locks 0 p1 --"} {
		t.cuts(func(b Break) bool {
			w := t.World(nil)
			w.Do("set-pin BandMaster0 msid p1; set-range 0 p1 0 0 rw 0; write 0 2 1")
			if step == "set-locks 0 p1 --" {
				w.Do("set-locks 0 p1 rw")
			}
			fired := w.fires(step, b)
			w.Do("read 0 1; power-off; power-on; read 0 1; set-locks 0 p1 --; read 0 2")
			return fired
		})
	}
}

func pc04(t *Trial) {
	w := t.World(nil)
	for i := range 8 {
		w.Do("write %d 2 %d; flush; power-off; power-on; read 0 %d", i, i+1, i+2)
	}
	w.own(0, "p1")
	w.Do("write 3 1 9; flush; power-off; power-on; set-locks 0 p1 --; read 0 8")
}

func pc05(t *Trial) {
	w := t.World(nil)
	from, to, grid := w.at(1), w.at(3), w.grid()
	t.cuts(func(b Break) bool {
		w := t.World(nil)
		w.own(1, "p1")
		w.Do("write %d 2 1; write 0 2 2", from)
		fired := w.fires(fmt.Sprintf("set-range 1 p1 %d %d rw 1", to, grid), b)
		w.Do("read 0 2; set-locks 1 p1 --; read 0 2; read %d 2; power-off; power-on; read 0 2; read %d 1", from, to)
		return fired
	})
}

func rm01(t *Trial) {
	w := t.owned(0, "p1")
	for i := range 6 {
		w.Do("set-pin BandMaster0 p%d p%d", i+1, i+2)
	}
	w.Do("thief; power-off; thief; power-on")
	for i := range 4 {
		w.Do("erase 0 msid; write 0 2 %d", i+2)
	}
	w.own(0, "p10")
	w.Do("write 0 2 9; thief; power-off; power-on; thief")
}

func rm02(t *Trial) {
	w := t.World(nil)
	w.Do("write 0 2 1; thief; set-pin BandMaster0 msid p1; thief")
	for range 3 {
		w.Do("set-range 0 p1 0 0 rw 1; thief; set-range 0 p1 0 0 -- 1; thief")
	}
	w.Do("set-range 0 p1 0 0 rw 0; thief; set-locks 0 p1 rw; thief; set-locks 0 p1 --; thief; set-range 0 p1 0 0 rw 1; power-off; thief")
}

func rm03(t *Trial) {
	for _, step := range []string{"set-pin BandMaster0 p1 p3", "erase 0 msid", "set-range 0 p1 0 0 -- 1"} {
		t.cuts(func(b Break) bool {
			w := t.owned(0, "p1")
			fired := w.fires(step, b)
			if _, sure := w.sure(); !sure { // a read may tell
				w.Do("read 0 1")
			}
			w.Do("thief")
			w.settle(0, "p1", "p3", "msid")
			w.Do("thief")
			return fired
		})
	}
}

func rm04(t *Trial) {
	w := t.World(nil)
	w.own(0, "p1")
	w.own(1, "p5")
	w.Do("write 0 2 1; write %d 2 2; thief; erase 1 msid; thief; write %d 2 3; erase 1 msid; thief; power-off; thief; power-on; thief", w.at(1), w.at(1))
	w.Do("erase 0 msid; thief; read 0 1")
}
