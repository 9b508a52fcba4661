package conformance

import (
	"bytes"
	"crypto/aes"
	"errors"
	"fmt"

	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

var keyProperties = []*Property{
	of(1, Property{Needs: []Capability{HasDump}, Searches: true}, func(t *Trial) {
		w := t.owned(0, "p1")
		w.Do("power-off; thief; power-on; read %d 1; thief; set-locks 0 p1 --; read %d 2", w.at(0), w.at(0))
	}),
	of(2, Property{Needs: []Capability{HasDump}, Searches: true}, f02),
	of(3, Property{Needs: []Capability{HasDump}, Searches: true}, f03),
	of(4, Property{Needs: []Capability{HasDump}, Searches: true}, func(t *Trial) {
		for _, erase := range t.erases(0, "p1") {
			w := t.owned(0, "p1")
			w.Do("thief; %s; thief; read %d 2; power-off; thief; power-on; thief; read %d 2", erase, w.at(0), w.at(0))
		}
	}),
	of(5, Property{Needs: []Capability{HasDump}, Searches: true}, f05),
	of(6, Property{Needs: []Capability{HasDump}, Searches: true}, func(t *Trial) {
		w := t.World(func(x *Wish) { x.Ranges = 0; x.Geometry.PageSize = 1024 })
		w.Do("set-pin SID msid p7; set-pin EraseMaster msid p8")
		w.own(0, "p1")
		w.Do("write 0 2 1; power-off; deep")
	}),
	of(7, Property{Needs: []Capability{IsOnParts}}, f07),
	of(8, Property{Ranges: 2}, f08),
	of(9, Property{Needs: []Capability{HasFeed}}, f09),
	of(10, Property{Needs: []Capability{HasDump}}, f10),
	of(11, Property{Needs: []Capability{HasDump, HasChip}}, f11),
	of(18, Property{}, func(t *Trial) {
		for n := range min(2, t.wish.Ranges+1) {
			w := t.World(nil)
			if n > 0 {
				w.place(n, "msid")
			}
			w.Do("write %d 2 1", w.at(n))
			w.own(n, "p1")
			w.Do("set-locks %d p1 --; read %d 2; set-pin BandMaster%d p1 p3; set-locks %d p3 --; read %d 2", n, w.at(n), n, n, w.at(n))
			w.Do("power-off; power-on; set-locks %d p3 --; read %d 2", n, w.at(n))
		}
	}),
	of(19, Property{}, func(t *Trial) {
		w := t.owned(0, "p1")
		for i := 1; i < 9; i++ {
			w.Do("set-pin BandMaster0 p%d p%d; power-off; power-on; read 0 1; try BandMaster0 p%d; set-locks 0 p%d --; read 0 2", i, i+1, i, i+1)
		}
	}),
	of(24, Property{Needs: []Capability{HasRAM, HasDump}, Searches: true}, f24),
	of(35, Property{Needs: []Capability{HasDump}, Searches: true}, f35),
	of(39, Property{Needs: []Capability{HasFeed, HasDump}}, f39),
	of(40, Property{Needs: []Capability{HasDump}, Searches: true}, func(t *Trial) {
		w := t.World(nil)
		w.Do("set-pin SID msid p6; set-pin EraseMaster msid p2")
		w.own(0, "p1")
		w.Do("write %d 2 1; try BandMaster0 p3; secrets; set-pin BandMaster0 p1 p10; secrets; try BandMaster0 p10; power-off; secrets; power-on", w.at(0))
		w.Do("erase 0 p2; secrets; revert psid; secrets")
	}),
}

// erases are the commands that erase range n, as far as the device has them. pin is its
// BandMaster's.
func (t *Trial) erases(n int, pin Name) []string {
	w := t.World(nil)
	all := []string{fmt.Sprintf("erase %d msid", n), "revert psid"}
	if w.has(CanEraseAll) {
		all = append(all, "erase-all msid")
	}
	if w.has(CanGenKey) {
		all = append(all, fmt.Sprintf("genkey %d %s", n, pin))
	}
	return all
}

func f02(t *Trial) {
	for _, mode := range []struct {
		pin   Name
		locks string
		reset int
		then  string // a command before power goes
	}{
		{"p1", "r-", 1, ""},
		{"p1", "-w", 1, ""},
		{"p1", "rw", 1, ""},
		{"p2", "rw", 1, ""},
		{"p1", "rw", 3, ""},
		{"p1", "rw", 7, ""},
		{"p1", "rw", 0, "set-locks %d p1 rw"},
		{"p1", "rw", 1, "set-locks %d p1 rw"},
		{"p1", "rw", 1, "set-locks %d p1 -w"},
	} {
		for n := range min(2, t.wish.Ranges+1) {
			w := t.World(nil)
			w.Do("set-pin BandMaster%d msid %s", n, mode.pin)
			w.lockable(n, mode.pin, mode.locks, mode.reset)
			w.Do("write %d 2 1", w.at(n))
			if mode.then != "" {
				w.Do(mode.then, n)
			}
			w.Do("power-off; thief; power-on; read %d 1; set-locks %d %s --; read %d 2", w.at(n), n, mode.pin, w.at(n))
		}
	}
}

func f03(t *Trial) {
	for n := range min(2, t.wish.Ranges+1) {
		w := t.owned(n, "p1")
		for i := 1; i < 4; i++ {
			w.Do("set-pin BandMaster%d p%d p%d; thief", n, i, i+1)
		}
		w.Do("power-off; thief; power-on; set-locks %d p4 --; read %d 2; thief", n, w.at(n))
	}
	for _, breaks := range []string{"erase-refused", "erase-torn", "program-torn@0", "erase-refused@0", "erase-torn@0"} {
		if w := t.owned(0, "p1"); w.has(HasBreaks) {
			w.Do("break %s; set-pin BandMaster0 p1 p3; mend; thief; power-off; power-on; thief", breaks)
		}
	}
}

func f05(t *Trial) {
	w := t.World(nil)
	w.Do("write 0 2 1; thief")
	w.own(0, "p1")
	w.Do("thief; erase 0 msid; thief; write 0 2 2; thief; revert psid; thief")
	for _, a := range w.authorities() {
		w.Do("try %v empty; try %v zero; set-pin %v msid empty; try %v msid", a, a, a, a)
	}
	w.Do("revert empty; revert zero; set-pin BandMaster0 msid p1; try BandMaster0 empty; try BandMaster0 zero; try BandMaster0 p1; thief")
}

func f08(t *Trial) {
	w := t.World(nil)
	w.place(1, "msid")
	w.own(2, "p1")
	w.Do("write 0 2 1; write %d 2 2; write %d 2 3", w.at(1), w.at(2))
	w.Do("erase 1 msid; read %d 2; read 0 2; read %d 2", w.at(1), w.at(2))
	w.Do("power-off; power-on; read 0 2; read %d 2; set-locks 2 p1 --; read %d 2; read %d 2", w.at(1), w.at(2), w.at(1))
	w.Do("erase 0 msid; read 0 2; read %d 2; erase 2 msid; read %d 2", w.at(2), w.at(2))

	w = t.World(nil) // the key of one range does not open what another one wrote
	w.place(1, "msid")
	w.Do("write %d 2 1; set-range 1 msid %d %d -- 1; read %d 2", w.at(1), w.at(3), w.grid(), w.at(1))
	w.Do("write %d 2 2; set-range 1 msid %d %d -- 1; read %d 2", w.at(1), w.at(1), w.grid(), w.at(1))
}

func f09(t *Trial) {
	for _, name := range []string{"dead", "zeros", "ones", "stuck"} {
		e, _ := feed(name)
		if _, err := t.manufacture(func(x *Wish) { x.Entropy = e }); err == nil {
			t.failf("accepted", nil, "a device comes out of the factory with a random source that is %s", name)
		}
		t.claim()
		for _, c := range append(t.erases(0, "p1"), "set-pin BandMaster0 p1 p3") {
			w := t.owned(0, "p1")
			w.Do("feed %s; %s; feed own", name, c)
			m, sure := w.sure()
			if !sure {
				t.failf("answer", w, "after %s nobody can say what the device is", c)
			}
			w.Do("set-locks 0 %s --; read 0 2", m.slots[2].pin)
			if w.has(HasDump) {
				w.Do("thief")
			}
		}
	}
	for _, states := range []int{16, 256, 32 * 255} {
		t.fewStates(states)
	}
}

// fewStates: a generator that repeats is detected, and no media key comes twice in a row.
func (t *Trial) fewStates(states int) {
	w := t.World(nil)
	w.Do("feed few=%d", states)
	last := []byte(nil)
	for range 1000 {
		if w.do(Command{Verb: Erase, PIN: "msid"}) == drive.EntropyFailure {
			t.claim()
			return
		}
		if w.dumper == nil {
			continue
		}
		w.Do("write 0 1 1")
		c, _ := w.dumper.Dump().Sector(0)
		if bytes.Equal(c, last) {
			t.failf("key repeats", w, "a media key came twice in a row")
		}
		last = c
	}
	t.failf("key repeats", w, "a random source that repeats after %d bytes is not noticed in 1000 erases", states)
}

func f10(t *Trial) {
	for _, size := range []int{512, 4096} {
		w := t.World(func(x *Wish) { x.SectorSize = size })
		seen := map[[16]byte]uint64{}
		for _, lba := range []uint64{0, 1, 2, 3, 255, 256, 1 << 10, 1 << 16, 1 << 24, 1 << 32, 1<<32 + 1, 1 << 39} {
			if lba >= w.id.Sectors {
				continue
			}
			w.Do("write %d 1 0", lba)
			c, written := w.dumper.Dump().Sector(lba)
			if !written {
				t.failf("says", w, "the dump has no sector %d, which was written", lba)
			}
			for at := 0; at+16 <= len(c); at += 16 {
				block := [16]byte(c[at:])
				if other, again := seen[block]; again {
					t.failf("ciphertext repeats", w, "equal plaintext gives equal ciphertext in sectors %d and %d", other, lba)
				}
				seen[block] = lba
				t.claim()
			}
		}
	}
}

// f11: with the flash and the right short PIN a thief still lacks the chip; and where the device
// stretches PINs, he lacks the work.
func f11(t *Trial) {
	w := t.World(func(x *Wish) { x.Ranges = 0; x.Geometry.PageSize = 1024 })
	w.own(0, "p2")
	w.Do("write 0 2 1; power-off")
	m, _ := w.sure()
	dump := w.dumper.Dump()
	oracles := w.oracles(m, dump, 0)
	o := w.dev.(Opened)
	guess := func(rounds int, chip bool) int {
		secrets := []forensic.Secret{forensic.PIN("short PIN", Name("p2").pin(w.label))}
		if chip {
			secrets = append(secrets, o.Chip()...)
		}
		opts := o.Derivation()
		opts.Iterations = rounds
		found, err := forensic.Search(dump, secrets, oracles, opts)
		if err != nil {
			t.failf("answer", w, "the dump cannot be searched: %v", err)
		}
		return len(found.Keys)
	}
	rounds := o.Derivation().Iterations
	if guess(rounds, true) == 0 {
		if !w.has(Derives) {
			panic(&unjudged{"with the chip and the PIN the key is not found", missing(w.caps, []Capability{Derives})})
		}
		t.f11Derived(w, dump, oracles)
		return
	}
	if guess(rounds, false) > 0 {
		t.failf("key found", w, "the flash and a short PIN are enough for the key: whoever has the flash may guess")
	}
	t.claim()
	if rounds > 1 {
		if guess(1, true) > 0 {
			t.failf("key found", w, "a short PIN opens the key without the %d rounds that the device names", rounds)
		}
		t.claim()
	}
}

func sameKeys(a, b []*secret.Key32) bool {
	for i := range min(len(a), len(b)) {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// f11Derived judges a device that derives keys in its own way. What it derives from its flash and the
// PIN opens the key. What another device, whose chip is another one, derives from the same flash and the
// same PIN must not.
func (t *Trial) f11Derived(w *World, dump drive.Dump, oracles []forensic.Oracle) {
	pin := Name("p2").pin(w.label)
	opens := func(keys []*secret.Key32) bool {
		secrets := []forensic.Secret{forensic.PIN("short PIN", pin)}
		for i, k := range keys {
			secrets = append(secrets, forensic.Key(fmt.Sprintf("key %d", i), k))
		}
		found, err := forensic.Search(dump, secrets, oracles, forensic.Options{
			Also: ways, KDF: func(*secret.Key32, drive.PIN, [16]byte) (*secret.Key32, error) { return nil, errors.ErrUnsupported },
		})
		if err != nil {
			t.failf("answer", w, "the dump cannot be searched: %v", err)
		}
		return len(found.Keys) > 0
	}
	other := t.World(func(x *Wish) { x.Ranges, x.Geometry.PageSize, x.Seed = 0, 1024, x.Seed+1 })
	other.own(0, "p2")
	other.Do("power-off")
	mine, his := capability[Deriver](w, Derives), capability[Deriver](other, Derives)
	own := mine.KEKs(dump, pin)
	switch {
	case !opens(own):
		panic(&unjudged{"with the chip and the PIN the key is not found", nil})
	case sameKeys(own, mine.KEKs(other.dumper.Dump(), pin)):
		panic(&unjudged{"the keys that the device derives do not depend on the dump: nobody can say what they need", nil})
	case opens(nil):
		t.failf("key found", w, "the flash and a short PIN are enough for the key: whoever has the flash may guess")
	case opens(his.KEKs(dump, pin)):
		t.failf("key found", w, "a device with another chip derives the key from this flash and a short PIN: whoever has the flash may guess")
	}
	t.claim()
}

func f24(t *Trial) {
	for _, end := range []string{
		"power-off", "set-locks 0 p1 rw", "erase 0 msid", "revert psid", "set-range 0 p1 0 0 rw 3; reset warm", "set-range 0 p1 0 0 rw 5; reset hot",
	} {
		w := t.World(func(x *Wish) { x.Ranges = 0; x.Geometry.PageSize = 1024 })
		w.own(0, "p1")
		w.Do("write 0 2 1; ram; %s; ram", end)
	}
}

// f35: whatever anybody may ask leaves flash and media as they are.
func f35(t *Trial) {
	w := t.owned(0, "p1")
	w.Do("read 0 2; power-off; power-on; thief")
	look := func() string { return fmt.Sprint(w.dumper.Dump().Flash) }
	before := look()
	for range 3 {
		if _, err := w.dev.Identify(); err != nil {
			t.failf("answer", w, "identify: %v", err)
		}
		if _, err := w.dev.MSID(); err != nil {
			t.failf("answer", w, "msid: %v", err)
		}
		w.Do("read 0 1; write 0 1 3; flush; reset warm; reset hot")
	}
	if look() != before {
		t.failf("says", w, "reading, refused I/O and resets changed the flash")
	}
	t.claim()
	w.Do("thief; read 0 1")
}

// f39: two devices in one state that are fed differently make different keys; and where the RAM can
// be read, the new key has no part of the old one.
func f39(t *Trial) {
	for _, erase := range t.erases(0, "msid") {
		var seen [][]byte
		for _, stream := range []int{1, 2} {
			w := t.World(nil)
			w.Do("feed stream=7; erase 0 msid; feed stream=%d; %s; feed own; write 0 1 1", stream, erase)
			c, _ := w.dumper.Dump().Sector(0)
			seen = append(seen, c)
		}
		if bytes.Equal(seen[0], seen[1]) {
			t.failf("key repeats", nil, "%s makes the same key whatever the random source gives", erase)
		}
		t.claim()
		w := t.World(func(x *Wish) { x.Ranges = 0; x.Geometry.PageSize = 1024 })
		if !w.has(HasRAM) {
			continue
		}
		w.Do("write 0 1 1; read 0 1")
		old := w.keyInRAM()
		w.Do("%s; write 0 1 2; read 0 1", erase)
		now := w.keyInRAM()
		if old == nil || now == nil {
			continue // the RAM does not show the key
		}
		for at := 0; at < len(now); at += 16 {
			if bytes.Contains(old, now[at:at+16]) {
				t.failf("key repeats", w, "after %s bytes %d to %d of the new key are in the old one", erase, at, at+15)
			}
		}
		t.claim()
	}
}

// keyInRAM is the media key of the global range, 64 bytes, as it lies in RAM; nil if it does not.
// The last one counts: the RAM of a device may still show what was there before.
func (w *World) keyInRAM() []byte {
	mem, err := w.dev.(Memory).RAM()
	if err != nil {
		w.failf("answer", "the RAM cannot be read: %v", err)
	}
	m, _ := w.sure()
	oracles := w.oracles(m, w.dumper.Dump(), 0)
	if len(oracles) == 0 {
		return nil
	}
	cipher, written := w.dumper.Dump().Sector(oracles[0].LBA)
	if !written {
		return nil
	}
	sector := make([]byte, len(cipher))
	for at := 0; at+64 <= len(mem); at++ {
		c, err := xts.NewCipher(aes.NewCipher, mem[at:at+64])
		if err != nil {
			continue
		}
		c.Decrypt(sector, cipher, oracles[0].LBA)
		if bytes.HasPrefix(sector, oracles[0].Plain) {
			return bytes.Clone(mem[at : at+64])
		}
	}
	return nil
}
