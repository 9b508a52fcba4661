package conformance

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

var lockProperties = []*Property{
	of(23, Property{}, f23),
	of(28, Property{}, f28),
	of(32, Property{}, f32),
}

func f23(t *Trial) {
	for resets := range 8 {
		for _, reset := range []string{"power-off; power-on", "reset warm", "reset hot"} {
			for n := range min(2, t.wish.Ranges+1) {
				w := t.World(nil)
				w.lockable(n, "msid", "rw", resets)
				w.Do("write %d 2 1; %s; read %d 1; write %d 1 2; power-off; power-on; read %d 1; set-locks %d msid --; read %d 2",
					w.at(n), reset, w.at(n), w.at(n)+1, w.at(n), n, w.at(n))
			}
		}
	}
	w := t.World(nil) // a lock that is set when the range is told to keep its locks is kept
	w.Do("set-range 0 msid 0 0 rw 1; write 0 2 1; set-locks 0 msid rw; set-range 0 msid 0 0 rw 0; power-off; power-on; read 0 1; set-locks 0 msid --; read 0 2")
}

func f28(t *Trial) {
	for _, locks := range []string{"--", "r-", "-w", "rw"} {
		for _, resets := range []int{1, 3, 7} {
			w := t.World(nil)
			w.Do("set-range 0 msid 0 0 %s %d; write 0 2 1; reset warm; read 0 1; write 1 1 2; reset hot; read 0 1; power-off; power-on", locks, resets)
			if locks == "--" || locks == "rw" {
				w.Do("read 0 1; write 1 1 3")
			}
			w.Do("set-locks 0 msid --; read 0 2; set-locks 0 msid rw; read 0 1; write 0 1 4; set-locks 0 msid --; read 0 2")
		}
	}
}

// f32: I/O that touches a locked range is refused at once, in whatever direction is locked, and
// nothing of it reaches the media.
func f32(t *Trial) {
	w := t.owned(0, "p1")
	quiet := func(format string, args ...any) {
		before := 0
		if w.held != nil {
			before = w.held.count.operations
		}
		w.Do(format, args...)
		if w.held == nil {
			return // then only the answers are judged
		}
		if w.held.count.operations != before {
			t.failf("reaches media", w, "%s reaches the media, though the range is locked", fmt.Sprintf(format, args...))
		}
		t.claim()
	}
	w.Do("set-locks 0 p1 r-")
	quiet("read 0 1; read 1 4")
	w.Do("write 5 1 2; set-locks 0 p1 -w; read 0 2")
	quiet("write 0 1 3; write 1 4 3")
	w.Do("set-locks 0 p1 rw")
	quiet("read 0 1; write 0 1 3")
	w.Do("power-off; power-on")
	quiet("read 0 1; write 0 1 3; read 1 4; write 1 4 3")
	w.Do("power-off")
	quiet("read 0 1; write 0 1 3")
	w.Do("power-on")
	if w.id.Ranges > 0 { // transfers that begin or end in an open range
		w.place(1, "msid")
		at := w.at(1)
		w.Do("write %d 2 4; read %d 2", at, at)
		quiet("read %d 2; write %d 2 5; read %d 2; write %d 2 5", at-1, at-1, at+w.grid()-1, at+w.grid()-1)
		w.Do("read %d 2", at)
	}
	w.Do("set-locks 0 p1 --; read 0 2")
	if w.do(Command{Verb: Read, LBA: w.id.Sectors - 1, Sectors: 2}) == done {
		t.failf("accepted", w, "a read beyond the end of %v", drive.BandMaster(0))
	}
}
