package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Which record is in force.
//
// Within a block the later page is the newer one: pages are appended, and a block
// is erased before it is used again. Among blocks the higher generation is the
// newer one. A block gets its generation when its first page is written, and the
// notes behind that page carry it on. The number has three parts:
//
//	bits 40 to 63  raised by a block that is opened while something on flash cannot
//	               be read: it is higher than whatever may lie there
//	bits 16 to 39  raised by every other block that is opened
//	bits  0 to 15  raised by a copy of the block in use that is made in doubt
//
// The drive is in doubt while a page that may be newer than the record in force
// cannot be read. What it then writes without an authenticated command must not
// win against that page:
//
//   - Counts of tries are marked (record.doubt). A record with the mark is in force
//     only where there is none without it.
//   - The generation of a copy stays below that of the next block that is opened.
const (
	generationOpening = 1 << 16
	generationUnread  = 1 << 40
)

// newer says whether the block whose newest record is a is newer than that of b.
func newer(a, b *record) bool {
	if x, y := a.generation/generationOpening, b.generation/generationOpening; x != y {
		return x > y
	}
	if a.doubt != b.doubt {
		return b.doubt
	}
	return a.generation > b.generation
}

// opened is the generation of a block that is opened now.
func (s *store) opened() uint64 {
	step := uint64(generationOpening)
	if s.doubt() {
		step = generationUnread
	}
	s.highest = s.highest/step*step + step
	return s.highest
}

// copied is the generation of a copy of the block in use that is made in doubt.
func (s *store) copied() uint64 {
	s.highest++
	return s.highest
}

// doubt says whether something that may be newer than the record in force cannot
// be read.
func (s *store) doubt() bool {
	for _, u := range s.use {
		if u == unread {
			return true
		}
	}
	return false
}

// found is what a scan of the whole flash saw.
type found struct {
	rec *record
	// doubt: a page that cannot be read or understood may hold other keys, or a newer
	// record.
	doubt bool
	// hidden counts the unread pages behind the last record of the block in use: each
	// may be a counted try.
	hidden int
	tries  []*record // records of which only the tries count
	keys   []bool    // by block: holds keys other than those of rec, or something that is no record
}

// content is what a scan saw in one block.
type content struct {
	odd     bool // something in it is no record and erased bytes behind it
	unread  int  // last page that could not be read or understood, -1 if there is none
	hidden  int  // unread pages behind the last record
	padding bool // bytes behind a record are not erased
	last    int  // last page in use, -1 if there is none
	best    *record
	at      int // page of best
	records []*record
}

// scan reads every page and finds the record in force. It changes nothing in
// flash. On ErrPowerLost the result is worthless. A store is scanned once, when it is new.
func (s *store) scan() (found, error) {
	var f found
	blocks := make([]content, s.geo.Blocks)
	for b := range blocks {
		c := &blocks[b]
		if err := s.scanBlock(b, c); err != nil {
			return f, err
		}
		for _, r := range c.records {
			s.highest = max(s.highest, r.generation)
		}
		if c.best != nil && (f.rec == nil || newer(c.best, f.rec)) {
			f.rec, s.active, s.at, s.next, s.odd = c.best, b, c.at, c.last+1, c.padding
		}
	}
	f.keys = make([]bool, s.geo.Blocks)
	for b := range blocks {
		c := &blocks[b]
		f.keys[b] = c.odd
		for _, r := range c.records {
			// By content, not by their counts: an attempt that failed may have used a
			// count that a later one used for other keys.
			f.keys[b] = f.keys[b] || !r.sameKeys(f.rec)
			if r.doubt && r != f.rec {
				f.tries = append(f.tries, r)
			}
		}
		// A page in front of the record in force is older for sure.
		if c.unread >= 0 && (b != s.active || c.unread > s.at) {
			s.use[b], f.doubt = unread, true
		}
		if b == s.active {
			f.hidden = c.hidden
		}
	}
	return f, nil
}

func (s *store) scanBlock(b int, c *content) error {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	c.unread, c.last = -1, -1
	for p := range s.geo.PagesPerBlock {
		err := s.read(b, p, *buf)
		switch {
		case errors.Is(err, flash.ErrPowerLost):
			return err
		case err != nil:
			s.use[b], c.unread, c.last = used, p, p
			c.hidden++
			continue
		case constant(*buf, 0xFF):
			continue
		case constant(*buf, 0):
			c.last = p
			continue
		}
		s.use[b], c.last = used, p
		r, err := parseVersion(*buf, s.version)
		if err != nil {
			c.odd = true
			if errors.Is(err, errForeign) {
				c.unread = p
				c.hidden++
			}
			continue
		}
		if !r.padded(*buf) {
			// The record is whole. In another block something could hide there.
			c.odd, c.padding = true, true
		}
		c.hidden = 0
		c.records = append(c.records, r)
		if c.best == nil || c.best.doubt || !r.doubt {
			c.best, c.at = r, p
		}
	}
	if s.use[b] == blank && c.last >= 0 {
		s.use[b] = zeroed
	}
	return nil
}
