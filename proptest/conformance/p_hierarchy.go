package conformance

import (
	"bytes"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// KH: key hierarchy. EN: entropy. LI: what a device says is what it holds.
var hierarchyProperties = []*Property{
	family("KH01", "no PIN of another authority opens the key of a range", "CVE-2019-10705 kind", Property{Needs: []Capability{HasDump}, Searches: true, Ranges: 1}, kh01),
	family("KH02", "the MSID opens nothing that has an owner", "sedutil issue 216 kind", Property{Needs: []Capability{HasDump}, Searches: true}, kh02),
	family("KH03", "of two authorities with the same PIN each changes its own alone", "derived, no incident found", Property{Ranges: 1}, kh03),
	family("KH04", "a change of the locks or of the place of a range keeps its key", "derived, no incident found", Property{}, kh04),
	family("EN01", "of many erases each gives another key", "WD My Passport", Property{Needs: []Capability{HasDump}}, en01),
	family("EN02", "a random source that fails in the middle of a step leaves the step whole or undone", "derived, no incident found", Property{Needs: []Capability{HasFeed}}, en02),
	family("EN03", "two devices that are fed differently at manufacture have other keys and PINs", "derived, no incident found", Property{Needs: []Capability{HasFeed, HasDump}}, en03),
	family("LI01", "what a read gives was on the media, and nowhere else", "derived, no incident found", Property{Needs: []Capability{IsOnParts}}, li01),
	family("LI02", "whether a PIN is right is on the flash, and nowhere else", "derived, no incident found", Property{Needs: []Capability{IsOnParts}}, li02),
	family("LI03", "the device's own dump is what the flash and the media hold", "derived, no incident found", Property{Needs: []Capability{IsOnParts}}, li03),
}

func kh01(t *Trial) {
	w := t.World(nil)
	w.Do("set-pin SID msid p7; set-pin EraseMaster msid p8")
	w.own(0, "p1")
	w.own(1, "p5")
	w.Do("write 0 2 1; write %d 2 2; power-off; thief; power-on; thief", w.at(1))
	for _, pin := range []string{"p7", "p8", "p5", "msid", "psid"} {
		w.Do("try BandMaster0 %s; read 0 1; set-locks 0 %s --; read 0 1; try BandMaster0 p1", pin, pin)
	}
}

func kh02(t *Trial) {
	w := t.owned(0, "p1")
	w.Do("thief; power-off; power-on; try BandMaster0 msid; set-locks 0 msid --; read 0 1; thief; try SID msid; try EraseMaster msid; read 0 1")
}

func kh03(t *Trial) {
	w := t.World(nil)
	w.own(0, "p1")
	w.own(1, "p1")
	w.Do("set-pin SID msid p1; write 0 2 1; write %d 2 2; set-pin BandMaster0 p1 p3; try BandMaster1 p1; try SID p1; try BandMaster0 p1; try BandMaster0 p3", w.at(1))
	w.Do("erase 0 msid; read 0 1; try BandMaster1 p1; set-locks 1 p1 --; read %d 2; try SID p1", w.at(1))
}

func kh04(t *Trial) {
	w := t.World(nil)
	w.Do("write 0 2 1; set-range 0 msid 0 0 rw 7; read 0 2; set-locks 0 msid rw; set-locks 0 msid --; read 0 2; reset warm; set-locks 0 msid --; read 0 2")
	w.Do("set-range 0 msid 0 0 r- 1; read 0 2; set-range 0 msid 0 0 -- 1; read 0 2; power-off; power-on; read 0 2")
	if w.id.Ranges > 0 {
		w.place(1, "msid")
		w.Do("read 0 2; write %d 2 2; set-range 1 msid %d %d rw 3; read %d 2; power-off; power-on; set-locks 1 msid --; read %d 2; read 0 2",
			w.at(1), w.at(1), w.grid(), w.at(1), w.at(1))
	}
}

func en01(t *Trial) {
	w := t.World(nil)
	seen := map[string]int{}
	for i := range 64 {
		w.Do("write 0 1 1")
		c, written := w.dumper.Dump().Sector(0)
		if !written {
			t.failf("says", w, "the dump has no sector 0, which was written")
		}
		if other, again := seen[string(c)]; again {
			t.failf("key repeats", w, "after erase %d sector 0 has the ciphertext that it had after erase %d", i, other)
		}
		seen[string(c)] = i
		t.claim()
		w.Do("erase 0 msid")
	}
}

func en02(t *Trial) {
	for _, step := range append(t.erases(0, "p1"), "set-pin BandMaster0 p1 p3") {
		for n := 0; n <= 512; n += 8 {
			w := t.owned(0, "p1")
			w.Do("feed dry=%d", n)
			c, err := ParseCommand(step)
			if err != nil {
				panic("BUG: " + err.Error())
			}
			code := w.do(c)
			w.Do("feed own")
			w.settle(0, "p1", "p3", "msid")
			w.Do("read 0 2; power-off; power-on; read 0 1")
			if w.has(HasDump) && n%64 == 0 {
				w.Do("thief")
			}
			t.claim()
			if code == done {
				break
			}
		}
	}
}

func en03(t *Trial) {
	var ciphers [][]byte
	var pins []drive.PIN
	for _, name := range []string{"stream=1", "stream=2"} {
		e, _ := feed(name)
		w := t.World(func(x *Wish) { x.Entropy = e })
		w.Do("write 0 1 1")
		c, _ := w.dumper.Dump().Sector(0)
		ciphers = append(ciphers, c)
		pins = append(pins, w.label.MSID, w.label.PSID)
	}
	if bytes.Equal(ciphers[0], ciphers[1]) {
		t.failf("key repeats", nil, "two devices that were fed differently have the same media key")
	}
	for i := range pins {
		for j := range i {
			if pins[i].Equal(pins[j]) {
				t.failf("key repeats", nil, "two devices that were fed differently have an equal MSID or PSID, or a device has its PSID as MSID")
			}
		}
	}
	t.claim()
}

// li01: the suite alters the ciphertext on the media, below the device. A read that gives what was
// written all the same did not come from there.
func li01(t *Trial) {
	w := t.World(nil)
	w.Do("write 0 2 1; flush; read 0 2; power-off")
	c := make([]byte, w.id.SectorSize)
	if written, err := w.held.disk.ReadSector(0, c); err != nil || !written {
		t.failf("lies", w, "sector 0 was written, and is not on the media")
	}
	c[5] ^= 0x40
	if err := w.held.disk.WriteSector(0, c); err != nil {
		panic("BUG: " + err.Error())
	}
	w.Do("power-on")
	got, want := make([]byte, w.id.SectorSize), make([]byte, w.id.SectorSize)
	fill(want, 1, 0)
	if w.dev.Read(0, got) == nil && bytes.Equal(got, want) {
		t.failf("lies", w, "with other bytes on the media sector 0 reads as it was written: the device keeps its data elsewhere")
	}
	t.claim()
	if bytes.Contains(c, want[:16]) {
		t.failf("lies", w, "the media holds the data of a sector in the clear")
	}
}

// li02: the suite puts the flash back to what it was before a PIN change. The device must then have
// the PIN of that time.
func li02(t *Trial) {
	w := t.World(nil)
	w.Do("set-pin BandMaster0 msid p1; power-off")
	before := w.held.image()
	w.Do("power-on; set-pin BandMaster0 p1 p3; power-off")
	if err := w.held.load(before); err != nil {
		t.failf("answer", w, "%v", err)
	}
	if err := w.dev.PowerOn(); err != nil {
		t.failf("answer", w, "with the flash of an hour ago the device does not power on: %v", err)
	}
	a := drive.BandMaster(0)
	if w.dev.Try(a, Name("p3").pin(w.label)) == nil {
		t.failf("lies", w, "the flash is that of before the PIN change, and the new PIN is accepted: the device keeps PINs elsewhere")
	}
	t.claim()
	if err := w.dev.Try(a, Name("p1").pin(w.label)); err != nil {
		// A device may notice a rollback and refuse everything: then it must refuse.
		if w.dev.Read(0, make([]byte, w.id.SectorSize)) == nil && err == nil {
			t.failf("lies", w, "%v", err)
		}
	}
}

func li03(t *Trial) {
	w := t.owned(0, "p1")
	d, ok := w.dev.(Dumper)
	if !ok {
		panic(&unjudged{"the device gives no dump of its own", []Capability{HasDump}})
	}
	compare := func(when string) {
		says, is := d.Dump(), w.held.Dump()
		if fmt.Sprint(says.Flash) != fmt.Sprint(is.Flash) || fmt.Sprint(says.Written) != fmt.Sprint(is.Written) {
			t.failf("lies", w, "%s the device's dump is not what its flash and its media hold", when)
		}
		t.claim()
	}
	compare("after a PIN change")
	w.Do("erase 0 msid; write 5 1 2")
	compare("after an erase")
	w.Do("power-off")
	compare("without power")
}
