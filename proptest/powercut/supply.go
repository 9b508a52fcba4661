package powercut

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// errPower is what everything but flash answers once power is gone.
var errPower = errors.New("the power is gone")

// mode is how the power goes.
type mode struct {
	name  string
	how   string          // before, torn, after
	place func(n int) int // torn: how many of the n bytes that are written are there; nil is half
	loss  uint64          // which of the writes that were not synced are lost: see crashfs.FS.AfterCut
	drive bool            // only of the drive
}

var (
	before = mode{name: "before", how: "before"}
	torn   = mode{name: "torn", how: "torn", loss: 2}
	after  = mode{name: "after", how: "after", loss: 1}

	tornFirst  = mode{name: "torn-first", how: "torn", place: func(int) int { return 0 }, loss: 4}
	tornHeader = mode{name: "torn-header", how: "torn", place: func(int) int { return 16 }, loss: 7}
	tornSector = mode{name: "torn-sector", how: "torn", place: func(n int) int { return max(0, n-512) }, loss: 12}
	tornSum    = mode{name: "torn-sum", how: "torn", place: func(n int) int { return n - 4 }, loss: 3}
	tornLast   = mode{name: "torn-last", how: "torn", place: func(n int) int { return n - 1 }, loss: 8}

	driveBefore = mode{name: "drive-before", how: "before", drive: true}
	driveTorn   = mode{name: "drive-torn", how: "torn", drive: true}
	driveAfter  = mode{name: "drive-after", how: "after", drive: true}

	modes = []mode{before, torn, after, driveBefore, driveTorn, driveAfter}
	// deepModes are those of the first cut of a deep sweep. What a cut leaves before one change is what it
	// leaves after the change in front of it: later cuts need no mode "before".
	deepModes   = []mode{before, tornFirst, tornHeader, tornSector, tornSum, tornLast, after, driveBefore, driveTorn, driveAfter}
	secondModes = []mode{torn}
	deepSecond  = []mode{tornHeader, tornSum, after}
	third       = tornSum
)

// cut is one cut: the mode and the change, counted from 0.
type cut struct {
	mode mode
	k    int
}

// cuts are the cut of an operation, of the start after it, of the start after that.
type cuts []cut

func (c cuts) String() string {
	var all []string
	for _, one := range c {
		all = append(all, fmt.Sprintf("%s@%d", one.mode.name, one.k))
	}
	return strings.Join(all, "+")
}

// then is c and one more, in room of its own.
func (c cuts) then(one cut) cuts { return append(slices.Clone(c), one) }

// depthMax is how many cuts one run has at most.
const depthMax = 3

// parsePoint reads "torn@3" or "torn@3+after@0"; "" is no point.
func parsePoint(text string) (cuts, error) {
	if text == "" {
		return nil, nil
	}
	all := slices.Concat(modes, deepModes)
	var point cuts
	for part := range strings.SplitSeq(text, "+") {
		name, k, _ := strings.Cut(part, "@")
		n, err := strconv.ParseUint(k, 10, 16)
		i := slices.IndexFunc(all, func(m mode) bool { return m.name == name })
		if err != nil || i < 0 || len(point) == depthMax {
			return nil, fmt.Errorf("%w: point %q, want MODE@N of before, torn, after or one of theirs, and +MODE@N for each cut of a start, at most %d in all", ErrOptions, text, depthMax)
		}
		point = append(point, cut{all[i], int(n)})
	}
	return point, nil
}

// supply is the power of everything in one run, and everything that outlives it.
type supply struct {
	on    bool
	n     int  // changes since it was armed or watched
	cut   *cut // nil is none
	fired bool
	watch func(k int, ch change) // is called before change k is made; nil is nobody
	with  company                // what the flash of the drives refuses

	chips  []*chip
	copies []*pages
	disk   *disk // nil is none
}

// arm lets the power go at the cut; nil is never.
func (s *supply) arm(c *cut) { s.n, s.cut, s.fired, s.watch = 0, c, false, nil }

// start brings the power back. The chips wait for their drives.
func (s *supply) start() {
	s.on = true
	if s.disk != nil {
		s.disk.restart()
	}
}

// off takes the power of everything.
func (s *supply) off() {
	s.on = false
	for _, c := range s.chips {
		c.PowerOff()
	}
}

// copy is all that outlives the power, as it is now, on a supply of its own.
func (s *supply) copy() *supply {
	c := &supply{on: true}
	for _, from := range s.chips {
		to := c.chip(from.mem.Clone())
		sector := make([]byte, 512)
		for _, lba := range from.sectors.Written() {
			if _, err := from.sectors.ReadSector(lba, sector); err != nil {
				panic("BUG: " + err.Error())
			}
			if err := to.sectors.WriteSector(lba, sector); err != nil {
				panic("BUG: " + err.Error())
			}
		}
	}
	for _, p := range s.copies {
		c.copies = append(c.copies, &pages{slices.Clone(p.all)})
	}
	if s.disk != nil {
		c.disk = &disk{FS: s.disk.Clone(), supply: c, loss: s.disk.loss}
	}
	return c
}

// state writes all that outlives the power.
func (s *supply) state(out io.Writer) {
	for _, c := range s.chips {
		c.state(out)
	}
	for _, p := range s.copies {
		p.state(out)
	}
	if s.disk == nil {
		return
	}
	found := s.disk.AfterCut(s.disk.loss)
	for _, name := range found.Names() {
		f, err := found.Open(name)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		fmt.Fprintf(out, "%q:", name)
		_, _ = io.Copy(out, f) // of memory to a hash: it does not fail
	}
}

// change is one change of what outlives the power. It is made on the supply of a run, or on a copy of it.
type change struct {
	drive int // whose change it is; -1 is no drive's
	whole func(s *supply) error
	// part makes what a cut in its middle leaves of it, where that is not nothing. A change of flash has none:
	// see chip.
	part func(s *supply, c cut) error
	// cells makes what a cut leaves of a change of flash. It is false if no cell is reached, so that nothing
	// was cut.
	cells func(s *supply, c cut) bool
}

// leave makes what a cut of a change leaves of it. It is false if nothing was cut.
func (s *supply) leave(ch change, c cut) bool {
	if ch.cells != nil {
		if !ch.cells(s, c) {
			return false
		}
	} else {
		switch {
		case c.mode.how == "torn" && ch.part != nil:
			_ = ch.part(s, c) // the answer comes too late
		case c.mode.how == "after":
			_ = ch.whole(s)
		}
	}
	if s.disk != nil && !c.mode.drive {
		s.disk.loss = c.mode.loss
	}
	return true
}

// change makes a change: whole, or what the cut leaves of it.
func (s *supply) change(ch change) error {
	if !s.on {
		return errPower
	}
	if s.watch != nil {
		s.watch(s.n, ch)
		if !s.on {
			return errPower
		}
	}
	if c := s.cut; c != nil && !s.fired && !(c.mode.drive && ch.drive < 0) && s.n == c.k && s.leave(ch, *c) {
		s.fired = true
		if c.mode.drive {
			s.chips[ch.drive].PowerOff()
		} else {
			s.off()
		}
		return errPower
	}
	err := ch.whole(s)
	if err == nil && !(s.cut != nil && s.cut.mode.drive && ch.drive < 0) {
		s.n++ // what was refused reached nothing
	}
	return err
}
