package raslab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// truth is the dumb oracle of a rank: the acknowledged sectors, and where each drive is. Of rows,
// sums and copies it knows only that the strips of a row add up to zero.
type truth struct {
	l    *Lab
	r    *Rank
	may  map[uint64][]uint32 // by sector: what it may read as; more than one after a write that failed
	next uint32
	log  []string
}

// truthSectors are the sectors of the host: some rows, and one that lies far off.
var truthSectors = []uint64{0, 1, 2, 7, 8, 13, 20, 24, 25, 26, 31, 40, 3000}

func newTruth(seed uint64, keygrp int, raid RAIDType) (*truth, error) {
	l, err := New(Options{Drives: 16, Seed: seed})
	if err != nil {
		return nil, err
	}
	x := &truth{l: l, may: map[uint64][]uint32{}}
	_, err = l.ConfigureGroup(1)
	_, err2 := l.CreateArray("S1", raid)
	_, err3 := l.CreateRank("A0", keygrp)
	if err = errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	if x.r, err = l.plant.Rank("R0"); err != nil {
		return nil, err
	}
	for _, lba := range truthSectors[:8] {
		if err := x.write(lba); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func truthSector(lba uint64, n uint32) []byte {
	b := make([]byte, 512)
	if n == 0 {
		return b
	}
	for i := 0; i < len(b); i += 8 {
		binary.BigEndian.PutUint32(b[i:], n)
		binary.BigEndian.PutUint32(b[i+4:], uint32(lba))
	}
	return b
}

func (x *truth) write(lba uint64) error {
	x.next++
	err := x.r.Write(lba, truthSector(lba, x.next))
	if err == nil {
		x.may[lba] = []uint32{x.next}
	} else {
		x.may[lba] = append(x.possible(lba), x.next)
	}
	return err
}

func (x *truth) possible(lba uint64) []uint32 {
	if x.may[lba] == nil {
		return []uint32{0}
	}
	return x.may[lba]
}

// read reads a sector: bad is what was never written there, err an error of the host.
func (x *truth) read(lba uint64) (bad, err error) {
	got := make([]byte, 512)
	if err := x.r.Read(lba, got); err != nil {
		return nil, err
	}
	for _, n := range x.possible(lba) {
		if bytes.Equal(got, truthSector(lba, n)) {
			return nil, nil
		}
	}
	return fmt.Errorf("sector %d reads as %x, expected one of %v", lba, got[:8], x.possible(lba)), nil
}

// readAll requires that every sector is there.
func (x *truth) readAll() error {
	for _, lba := range truthSectors {
		if bad, err := x.read(lba); bad != nil || err != nil {
			return errors.Join(bad, err)
		}
	}
	return nil
}

// away counts the members that are missing or stale, by the rank or by the look of the drives.
func (x *truth) away() (n int) {
	for _, m := range x.r.Info().Members {
		d, err := x.l.plant.Drive(m.Slot)
		if err != nil || m.State != "in sync" || d.Serial != m.Serial || !d.Answers || d.Status.Locked {
			n++
		}
	}
	return n
}

func (x *truth) access() bool {
	return slices.ContainsFunc(x.l.Partitions(), func(p PartitionInfo) bool { return p.DataAccess })
}

// full requires that each row is on all members: every drive is there and gives its
// strip, and the strips add up to zero.
func (x *truth) full() error {
	rows := map[uint64]bool{}
	members := x.r.Info().Members
	for lba := range x.may {
		rows[lba/uint64(len(members)-1)] = true
	}
	for _, lba := range truthSectors {
		row := lba / uint64(len(members)-1)
		if !rows[row] {
			continue
		}
		sum, strip := make([]byte, 512), make([]byte, 512)
		for _, m := range members {
			p, err := x.l.plant.Part(m.Slot)
			if err != nil {
				return err
			}
			if p.Serial() != m.Serial {
				return fmt.Errorf("%s holds %s, and not %s", m.Slot, p.Serial(), m.Serial)
			}
			if err := p.Drive.Read(row, strip); err != nil {
				return fmt.Errorf("row %d on %s: %w", row, m.Slot, err)
			}
			for i := range sum {
				sum[i] ^= strip[i]
			}
		}
		if written := x.written(row, len(members)-1); written && !bytes.Equal(sum, make([]byte, 512)) {
			return fmt.Errorf("the strips of row %d do not add up", row)
		}
	}
	return x.readAll()
}

// written says whether some sector of a row was acknowledged.
func (x *truth) written(row uint64, strips int) bool {
	for lba, n := range x.may {
		if lba/uint64(strips) == row && len(n) == 1 {
			return true
		}
	}
	return false
}

// do does one step; a refusal is no error.
func (x *truth) do(verb, slot string, n int) error {
	x.log = append(x.log, strings.TrimSpace(fmt.Sprintf("%s %s %d", verb, slot, n)))
	l := x.l
	var err error
	switch verb {
	case "write":
		_ = x.write(truthSectors[n%len(truthSectors)])
	case "read":
		bad, _ := x.read(truthSectors[n%len(truthSectors)])
		return bad
	case "pull", "insert", "new", "exchange":
		err = x.place(verb, slot, n)
	case "cut":
		err = l.CutPower(slot)
	case "restore":
		err = l.RestorePower(slot)
	case "start":
		_, err = l.StartRepair(slot)
	case "resume":
		_, err = l.ResumeRepair(slot)
	case "cancel":
		_, err = l.CancelRepair(slot)
	case "smart":
		_, err = l.SmartRebuild(slot)
	case "erase":
		_, err = l.EraseDrive(slot)
	case "revert":
		_, err = l.RevertDrive(slot)
	case "cycle":
		_, err = l.PowerCycle()
	case "iml":
		_, err = l.DualClusterIML()
	case "allcut":
		for _, d := range l.plant.Drives() {
			err = errors.Join(err, l.CutPower(d.Slot))
		}
	case "allrestore":
		for _, d := range l.plant.Drives() {
			err = errors.Join(err, l.RestorePower(d.Slot))
		}
	case "advance":
		if err := l.Advance([]time.Duration{time.Minute, 10 * time.Minute, 25 * time.Minute, 2 * time.Hour}[n%4]); err != nil {
			return err
		}
	case "health":
		if h := l.CheckHealth(); h.Ran && x.r.Info().DataState == "Normal" {
			if err := x.full(); err != nil {
				return fmt.Errorf("the rank is Normal, and: %w", err)
			}
		}
	default:
		panic("BUG: " + verb)
	}
	var refused *RequestError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	return nil
}

// place is a step that takes a drive from a slot, or puts one there.
func (x *truth) place(verb, slot string, n int) error {
	l := x.l
	var shelf []*Part
	if shelf = l.Shelf().Parts(); len(shelf) > 0 {
		shelf = shelf[n%len(shelf):][:1]
	}
	switch verb {
	case "pull":
		return l.Pull(slot)
	case "insert": // where its rank waits for it, else in the slot
		if len(shelf) > 0 {
			if m := l.plant.awaited(shelf[0].Serial()); m != nil && n%3 > 0 {
				slot = m.slot.name
			}
			_, err := l.Insert(slot, shelf[0].Serial())
			return err
		}
	case "new":
		p, bad := l.OrderSpare()
		if bad != nil {
			return bad
		}
		_, err := l.Insert(slot, p.Serial())
		return err
	case "exchange":
		serial := ""
		if n%3 == 1 && len(shelf) > 0 {
			serial = shelf[0].Serial()
		} else if n%3 == 2 {
			p, bad := l.OrderSpare()
			if bad != nil {
				return bad
			}
			serial = p.Serial()
		}
		_, err := l.ExchangeFRU(slot, serial)
		return err
	}
	return nil
}

// check: as long as one member at most is missing or stale, all data are accessible.
func (x *truth) check() error {
	if !x.access() || x.away() > 1 {
		return nil
	}
	if err := x.readAll(); err != nil {
		return fmt.Errorf("at most one member is missing: %w\n%+v", err, x.r.Info())
	}
	return nil
}

// home puts every drive that a rank waits for back where it belongs, and gives every
// slot its power.
func (x *truth) home() error {
	l := x.l
	for range 2 { // what was in a slot may belong in another
		for _, m := range x.r.Info().Members {
			d, err := l.plant.Drive(m.Slot)
			if err != nil {
				return err
			}
			if d.Serial == m.Serial {
				continue
			}
			if d.Serial != "" {
				if err := l.Pull(m.Slot); err != nil {
					return err
				}
			}
			for _, o := range l.plant.Drives() {
				if o.Serial == m.Serial {
					if err := l.Pull(o.Slot); err != nil {
						return err
					}
				}
			}
			if l.service.ServiceAction() == "repair of "+m.Slot {
				_, err = l.ExchangeFRU(m.Slot, m.Serial)
			} else {
				_, err = l.Insert(m.Slot, m.Serial)
			}
			if err != nil {
				return fmt.Errorf("%s does not go back to %s: %w", m.Serial, m.Slot, err)
			}
		}
	}
	if slot, busy := strings.CutPrefix(l.service.ServiceAction(), "repair of "); busy {
		if _, err := l.CancelRepair(slot); err != nil {
			_, err2 := l.ExchangeFRU(slot, "")
			_, err3 := l.ResumeRepair(slot)
			if err3 != nil {
				return errors.Join(err, err2, err3)
			}
		}
	}
	for _, d := range l.plant.Drives() {
		if err := l.RestorePower(d.Slot); err != nil {
			return err
		}
	}
	return nil
}

// heal puts everything back, and lets time pass: every sector is there, then pseudo
// repairs bring the rank back to Normal.
func (x *truth) heal(iml bool) error {
	for range 2 { // a copy that was under way may have ended otherwise than it began
		if err := x.home(); err != nil {
			return err
		}
		if iml || !x.access() {
			if err := x.do("iml", "", 0); err != nil {
				return err
			}
		}
		if err := x.l.Advance(3 * time.Hour); err != nil {
			return err
		}
	}
	if state := x.r.Info().DataState; state != "Normal" && state != "Degraded" {
		return fmt.Errorf("every drive is back, and the rank is %s: %+v", state, x.r.Info())
	}
	if err := x.readAll(); err != nil {
		return fmt.Errorf("every drive is back: %w\n%+v", err, x.r.Info())
	}
	for range 3 {
		for _, m := range x.r.Info().Members {
			if m.State == "in sync" {
				continue
			}
			for _, verb := range []string{"start", "exchange", "resume"} {
				if err := x.do(verb, m.Slot, 0); err != nil {
					return err
				}
			}
			if err := x.l.Advance(2 * time.Hour); err != nil {
				return err
			}
		}
	}
	if state := x.r.Info().DataState; state != "Normal" {
		return fmt.Errorf("after pseudo repairs the rank is %s: %+v", state, x.r.Info())
	}
	return x.full()
}

// truthVerbs are the steps, the frequent ones more than once.
var truthVerbs = []string{
	"write", "write", "write", "read", "pull", "pull", "insert", "insert", "insert", "new", "cut", "cut", "restore", "restore",
	"start", "start", "exchange", "exchange", "resume", "resume", "cancel", "smart", "erase", "revert", "cycle", "iml", "allcut", "allrestore",
	"advance", "advance", "advance", "health", "health",
}

// truthSlots are the slots of the steps. They are few, so that steps often share one.
var truthSlots = []string{"R1-I1-D01", "R1-I1-D02", "R1-I1-D03", "R1-I1-D04", "R1-I1-D08"}

// TestNoAcknowledgedSectorIsLostWhileItsDrivesAreIntact: random pulls, power cuts, repairs and
// rebuilds, and nothing is broken. Acknowledged sectors come back when their drives do, and the
// rank's state is true.
func TestNoAcknowledgedSectorIsLostWhileItsDrivesAreIntact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raid := rapid.SampledFrom([]RAIDType{RAID6PS, RAID7P}).Draw(rt, "raid")
		x, err := newTruth(rapid.Uint64Range(0, 3).Draw(rt, "seed"), rapid.IntRange(0, 1).Draw(rt, "group"), raid)
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			verb := rapid.SampledFrom(truthVerbs).Draw(rt, "verb")
			slot := rapid.SampledFrom(truthSlots).Draw(rt, "slot")
			err := x.do(verb, slot, rapid.IntRange(0, 20).Draw(rt, "n"))
			if err == nil {
				err = x.check()
			}
			if err != nil {
				rt.Fatalf("%v\n%s\n%s", err, strings.Join(x.log, "\n"), history{x.l})
			}
		}
		if err := x.heal(rapid.Bool().Draw(rt, "iml")); err != nil {
			rt.Fatalf("%v\n%s\n%s", err, strings.Join(x.log, "\n"), history{x.l})
		}
	})
}
