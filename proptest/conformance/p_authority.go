package conformance

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// AU: authorisation. RS: resets. CC: commands at the same time.
var authorityProperties = []*Property{
	family("AU01", "every authority does what is its own, and nothing else", "derived, no incident found", Property{Ranges: 1}, au01),
	family("AU02", "tries above 255 count", "derived, no incident found", Property{Limited: true}, au02),
	family("AU03", "the tries of one authority are not those of another, and the PSID has its own", "derived, no incident found", Property{Limited: true, Ranges: 1}, au03),
	family("AU04", "a right PIN gives the tries back, a PIN change or an erase by somebody else does not give them to a third", "derived, no incident found", Property{Limited: true}, au04),
	family("AU05", "an authority that the drive has not got opens nothing", "derived, no incident found", Property{}, au05),
	family("RS01", "the locks of several ranges follow each its own LockOnReset, over any order of resets", "CVE-2015-7267..7269 (from memory)", Property{Ranges: 2}, rs01),
	family("RS02", "no reset gives tries back or takes a PIN away", "derived, no incident found", Property{Limited: true}, rs02),
	family("RS03", "a range that a reset left open is open, and its data is there", "derived, no incident found", Property{}, rs03),
	family("CC01", "wrong PINs at the same time: no more are answered than the limit has", "derived, no incident found", Property{Needs: []Capability{IsConcurrent}, Limited: true}, cc01),
	family("CC02", "an erase of one range while others are written: the others are as written", "derived, no incident found", Property{Needs: []Capability{IsConcurrent}, Ranges: 1}, cc02),
	family("CC03", "power that goes while commands run leaves the drive as before or after each", "derived, no incident found", Property{Needs: []Capability{IsConcurrent}}, cc03),
}

func au01(t *Trial) {
	w := t.World(func(x *Wish) { x.TryLimit = 1000 })
	w.Do("set-pin SID msid p7; set-pin EraseMaster msid p8")
	w.own(0, "p1")
	w.own(1, "p5")
	w.Do("write 0 2 1; write %d 2 2", w.at(1))
	pins := []struct {
		of  drive.Authority
		pin Name
	}{{drive.SID, "p7"}, {drive.EraseMaster, "p8"}, {drive.BandMaster(0), "p1"}, {drive.BandMaster(1), "p5"}, {drive.PSID, "psid"}}
	for _, p := range pins {
		for n := range 2 {
			band := drive.BandMaster(n)
			if p.of != band {
				w.Do("set-locks %d %s --; set-pin %v %s p9; set-range %d %s 0 0 -- 1; read %d 2", n, p.pin, band, p.pin, n, p.pin, w.at(n))
				if w.has(CanGenKey) {
					w.Do("genkey %d %s; read %d 2", n, p.pin, w.at(n))
				}
				if w.has(CanMigrate) {
					w.Do("migrate %d %s p9", n, p.pin)
				}
			}
			if p.of != drive.EraseMaster {
				w.Do("erase %d %s; read %d 2", n, p.pin, w.at(n))
			}
		}
		if p.of != drive.EraseMaster && w.has(CanEraseAll) {
			w.Do("erase-all %s", p.pin)
		}
		if p.of != drive.PSID {
			w.Do("revert %s", p.pin)
		}
		for _, q := range pins {
			if p.of != q.of && q.of != drive.PSID {
				w.Do("try %v %s", q.of, p.pin)
			}
		}
		for _, q := range pins[:4] {
			w.Do("try %v %s", q.of, q.pin)
		}
		w.Do("read 0 2; read %d 2", w.at(1))
	}
}

func au02(t *Trial) {
	w := t.World(func(x *Wish) { x.TryLimit, x.Persistent = 300, true })
	if w.id.TryLimit < 257 {
		panic(&unjudged{why: fmt.Sprintf("the try limit of the device is %d", w.id.TryLimit)})
	}
	for _, a := range []drive.Authority{drive.SID, drive.BandMaster(0)} {
		for i := range w.id.TryLimit {
			w.Do("try %v p9", a)
			if i == 255 || i == 256 {
				w.Do("power-off; power-on")
			}
		}
		w.Do("try %v msid; power-off; power-on; try %v msid", a, a)
	}
	for range w.id.TryLimit {
		w.Do("revert p9")
	}
	w.Do("revert psid")
}

func au03(t *Trial) {
	w := t.World(nil)
	for range w.id.TryLimit {
		w.Do("try SID p9")
	}
	w.Do("try SID msid; try EraseMaster msid; try BandMaster0 msid; try BandMaster1 p9; try BandMaster1 msid; revert p9")
	for range w.id.TryLimit {
		w.Do("try BandMaster1 p9")
	}
	w.Do("try BandMaster1 msid; try BandMaster0 msid; revert p9; erase 0 msid; try BandMaster0 msid; revert psid; try SID msid; try BandMaster1 msid")
}

func au04(t *Trial) {
	w := t.World(nil)
	for range w.id.TryLimit - 1 {
		w.Do("try SID p9")
	}
	w.Do("set-pin EraseMaster msid p8; set-pin BandMaster0 msid p1; erase 0 p8; power-off; power-on; reset warm; try SID p9; try SID msid; revert psid; try SID msid")
	for range w.id.TryLimit - 1 {
		w.Do("try BandMaster0 p9")
	}
	w.Do("try BandMaster0 msid")
	for range w.id.TryLimit - 1 {
		w.Do("set-locks 0 p9 --")
	}
	w.Do("set-pin BandMaster0 msid p1; try BandMaster0 p9; try BandMaster0 p1")
}

func au05(t *Trial) {
	w := t.World(nil)
	beyond := w.id.Ranges + 1
	if beyond <= drive.MaxRanges {
		w.Do("try BandMaster%d msid; set-pin BandMaster%d msid p1; set-locks %d msid --; erase %d msid", beyond, beyond, beyond, beyond)
	}
	w.Do("try PSID psid; set-pin PSID psid p1; try PSID msid; revert psid")
}

func rs01(t *Trial) {
	for range 6 {
		w := t.World(nil)
		resets := [3]int{}
		for n := range 3 {
			resets[n] = []int{1, 3, 5, 7}[t.draw(4)]
			w.lockable(n, "msid", "rw", resets[n])
			w.Do("write %d 2 %d", w.at(n), n+1)
		}
		for range 8 {
			w.Do("%s", []string{"reset warm", "reset hot", "power-off; power-on"}[t.draw(3)])
			for n := range 3 {
				w.Do("read %d 1; write %d 1 %d", w.at(n), w.at(n)+1, n+1)
			}
			n := t.draw(3)
			w.Do("set-locks %d msid %s; read %d 1", n, []string{"--", "r-", "-w", "rw"}[t.draw(4)], w.at(n))
		}
	}
}

func rs02(t *Trial) {
	w := t.World(nil)
	w.Do("set-pin SID msid p7")
	for i := range w.id.TryLimit {
		w.Do("%s; try SID p9", []string{"reset warm", "reset hot"}[i%2])
	}
	w.Do("reset warm; try SID p7; reset hot; try SID p7; revert psid; reset warm; try SID p7; try SID msid")
}

func rs03(t *Trial) {
	w := t.World(nil)
	w.Do("set-pin BandMaster0 msid p1; set-range 0 p1 0 0 rw 1; write 0 2 1; reset warm; read 0 2; reset hot; read 0 2; write 0 1 2; read 0 2")
	w.Do("set-range 0 p1 0 0 rw 3; reset hot; read 0 2; reset warm; read 0 1; reset hot; read 0 1; set-locks 0 p1 --; read 0 2")
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { f(i) })
	}
	wait.Wait()
}

func cc01(t *Trial) {
	w := t.World(func(x *Wish) { x.TryLimit = 8 })
	wrong := Name("p9").pin(w.label)
	var mu sync.Mutex
	refused := 0
	together(4, func(int) {
		for range int(w.id.TryLimit) {
			code, err := codeOf(w.dev.Try(drive.SID, wrong))
			mu.Lock()
			if err == nil && code == drive.NotAuthorized {
				refused++
			}
			mu.Unlock()
		}
	})
	// Some found another session open, and were not looked at.
	for range w.id.TryLimit {
		if code, _ := codeOf(w.dev.Try(drive.SID, wrong)); code == drive.NotAuthorized {
			refused++
		}
	}
	if refused != int(w.id.TryLimit) {
		t.failf("guess for free", w, "%d wrong PINs were looked at, and the limit is %d", refused, w.id.TryLimit)
	}
	if code, _ := codeOf(w.dev.Try(drive.SID, Name("msid").pin(w.label))); code != drive.LockedOut {
		t.failf("accepted", w, "after the lock-out the right PIN is answered %q", answer(code))
	}
	t.claim()
}

func cc02(t *Trial) {
	w := t.World(nil)
	w.place(1, "msid")
	w.Do("write 0 2 1; write %d 4 2", w.at(1))
	size := w.id.SectorSize
	var mu sync.Mutex
	var lost error
	lose := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		lost = err
	}
	together(3, func(i int) {
		if i == 2 {
			for range 4 {
				if code, err := codeOf(w.dev.Erase(0, Name("msid").pin(w.label))); err != nil || code != done {
					lose(fmt.Errorf("an erase is answered %q (%v)", answer(code), err))
				}
			}
			return
		}
		data := make([]byte, size)
		for k := range 40 {
			lba := w.at(1) + uint64(2*(k%2)+i)
			fill(data, 3, lba)
			if err := w.dev.Write(lba, data); err != nil {
				lose(fmt.Errorf("a write to another range is answered %w", err))
			}
		}
	})
	if lost != nil {
		t.failf("refused", w, "while range 0 is erased %v", lost)
	}
	got, want := make([]byte, size), make([]byte, size)
	for k := range uint64(4) {
		fill(want, 3, w.at(1)+k)
		if err := w.dev.Read(w.at(1)+k, got); err != nil || string(got) != string(want) {
			t.failf("data lost", w, "after an erase of range 0 sector %d of range 1 does not read as written meanwhile (%v)", w.at(1)+k, err)
		}
	}
	fill(want, 1, 0)
	if w.dev.Read(0, got) == nil && string(got) == string(want) {
		t.failf("data alive", w, "sector 0 of the erased range reads as before")
	}
	t.claim()
}

func cc03(t *Trial) {
	for round := range 12 {
		w := t.World(nil)
		w.Do("set-pin BandMaster0 msid p1; write 0 2 1")
		old, next := Name("p1").pin(w.label), Name("p3").pin(w.label)
		together(2, func(i int) {
			if i == 0 {
				_ = w.dev.SetPIN(drive.BandMaster(0), old, next) // or it finds no power
				return
			}
			for range 400 * round { // each round the power goes a little later
				runtime.Gosched()
			}
			w.dev.PowerOff()
		})
		if err := w.dev.PowerOn(); err != nil {
			t.failf("answer", w, "after a power loss the device does not power on: %v", err)
		}
		opens := 0
		for _, p := range []drive.PIN{old, next} {
			if w.dev.Try(drive.BandMaster(0), p) == nil {
				opens++
			}
		}
		if opens != 1 {
			t.failf("data lost", w, "after a power loss during a PIN change %d of the two PINs open the range", opens)
		}
		got, want := make([]byte, w.id.SectorSize), make([]byte, w.id.SectorSize)
		fill(want, 1, 0)
		if err := w.dev.Read(0, got); err != nil || string(got) != string(want) {
			t.failf("data lost", w, "after a power loss during a PIN change sector 0 does not read as written (%v)", err)
		}
		t.claim()
	}
}
