package drive

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// store is the log of records on flash. A record that changes no key is
// appended to the active block; one that does goes to a fresh block, is read
// back, and then everything else is destroyed.
type store struct {
	dev    flash.Device
	geo    flash.Geometry
	active int     // block of the newest record, -1 if there is none
	next   int     // first blank page of the active block
	at     int     // page of the newest record
	use    []usage // of every block, by what was read or written last
	// odd: bytes behind a record of the active block are not erased. The record is
	// good; the page is to be given up.
	odd     bool
	highest uint64 // highest generation of any record seen, or tried since
	version uint16 // of the records
}

// usage is what is known of a block.
type usage uint8

const (
	blank  usage = iota // every byte erased: ready for use
	used                // something is in it
	unread              // a page of it could not be read or understood, and may be newer than the record in force
	zeroed              // destroyed by overwriting; it did not erase, so it is retired until no other block is left
)

// readTries is how often a page is read before it counts as unreadable.
const readTries = 3

var (
	// errStale: the new record is in force, but an old wrap could not be destroyed.
	errStale = errors.New("a flash block with old key wraps cannot be destroyed")
	// errFragment: the old record is in force, but a half-written new one could
	// not be destroyed.
	errFragment = errors.New("a flash block with a fragment of a key record cannot be destroyed")
	// errFull: no block takes the record; the old one is in force.
	errFull = errors.New("no flash block takes a new record")
)

// pages lends page-sized buffers, so that a drive at rest holds none.
var pages = sync.Pool{New: func() any { return new([]byte) }}

func borrow(size int) *[]byte {
	p := pages.Get().(*[]byte)
	if cap(*p) < size {
		*p = make([]byte, size)
	}
	*p = (*p)[:size]
	return p
}

func newStore(dev flash.Device, version uint16) *store {
	g := dev.Geometry()
	return &store{dev: dev, geo: g, active: -1, use: make([]usage, g.Blocks), version: version}
}

func (s *store) read(block, page int, dst []byte) (err error) {
	for range readTries {
		if err = s.dev.Read(block, page, dst); err == nil {
			return nil
		}
	}
	return err
}

// blank says whether a page is blank, by a read at most.
func (s *store) blank(block, page int, buf []byte) (ok bool, err error) {
	for range readTries {
		if ok, err = flash.Blank(s.dev, block, page, buf); err == nil {
			return ok, nil
		}
	}
	return false, err
}

func constant(p []byte, c byte) bool {
	return len(p) > 0 && p[0] == c && bytes.Equal(p[1:], p[:len(p)-1])
}

// clean destroys every used block but the active one. It goes on after a block
// that resists, and returns those; the error is ErrPowerLost or nil.
func (s *store) clean() (resisting []int, err error) { return s.cleanBlocks(true) }

// cleanRead is clean without the blocks of which a page could not be read.
func (s *store) cleanRead() (resisting []int, err error) { return s.cleanBlocks(false) }

func (s *store) cleanBlocks(all bool) (resisting []int, err error) {
	for b := range s.geo.Blocks {
		if b == s.active || s.use[b] != used && !(all && s.use[b] == unread) {
			continue
		}
		switch err := s.destroy(b); {
		case errors.Is(err, flash.ErrPowerLost):
			return resisting, err
		case err != nil:
			resisting = append(resisting, b)
		}
	}
	return resisting, nil
}

// destroy erases a block and reads it back; where that fails, it overwrites every page with zeros
// and reads those back. (Verification, NIST SP 800-88 Rev. 2 section 4.5.1, not read: package erase says what
// is known of it.)
func (s *store) destroy(b int) error {
	if err := s.dev.Erase(b); err == nil {
		if ok, _ := s.erased(b); ok {
			s.use[b] = blank
			return nil
		}
	}
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	for p := range s.geo.PagesPerBlock {
		if err := s.read(b, p, *buf); err == nil && (constant(*buf, 0) || constant(*buf, 0xFF)) {
			continue
		}
		// A page that resists is found when the block is read back, and the others are
		// overwritten all the same.
		_ = s.dev.Zero(b, p)
	}
	ok, err := s.zeroed(b)
	if err != nil {
		return fmt.Errorf("block %d: %w", b, err)
	}
	if !ok {
		return fmt.Errorf("block %d: %w", b, flash.ErrZero)
	}
	s.use[b] = zeroed
	return nil
}

// erased reads a block back and says whether each of its pages is blank.
func (s *store) erased(b int) (bool, error) {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	for p := range s.geo.PagesPerBlock {
		if ok, err := s.blank(b, p, *buf); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// zeroed reads a block back and says whether each of its pages is overwritten with zeros, or blank.
func (s *store) zeroed(b int) (bool, error) {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	for p := range s.geo.PagesPerBlock {
		if err := s.read(b, p, *buf); err != nil {
			return false, err
		}
		if !constant(*buf, 0) && !constant(*buf, 0xFF) {
			return false, nil
		}
	}
	return true, nil
}

// appendRecord writes a record that changes no key. When the active block is
// full the record moves to a fresh one. The block that it leaves holds the same
// wraps: it is destroyed if possible, and no harm is done where it resists. The program
// is that of the device, or one whose loss is allowed.
func (s *store) appendRecord(r *record, program programmer) error {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	got := borrow(s.geo.PageSize)
	defer pages.Put(got)
	enc := r.encode(*buf)
	for s.active >= 0 && s.next < s.geo.PagesPerBlock {
		p := s.next
		s.next++ // a page that refused is burnt
		err := program(s.dev, s.active, p, enc)
		if err != nil {
			// A torn page that holds the whole record all the same is in force at the
			// next power-on, so it is now.
			if rerr := s.read(s.active, p, *got); rerr == nil && bytes.Equal((*got)[:len(enc)], enc) {
				err = nil
			}
		}
		if err == nil {
			s.at = p
			if !r.doubt {
				s.use[s.active] = used // what lies in front of it is older
			}
			return nil
		}
		if errors.Is(err, flash.ErrPowerLost) {
			return err
		}
	}
	if err := s.move(r); err != nil {
		return err
	}
	_, err := s.cleanRead()
	return err
}

// programmer programs a page of a device.
type programmer func(dev flash.Device, block, page int, data []byte) error

// move writes a record that changes no key to a fresh block. It destroys nothing.
func (s *store) move(r *record) error {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	if s.doubt() {
		r.generation = s.copied()
	} else {
		r.generation = s.opened()
	}
	return s.fresh(r.encode(*buf))
}

// replace writes a record that changes a key and destroys every other one
// before it returns nil. See errStale, errFragment and errFull.
func (s *store) replace(r *record) error {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	r.generation, r.doubt = s.opened(), false
	if err := s.fresh(r.encode(*buf)); err != nil {
		return err
	}
	resisting, err := s.clean()
	if err != nil {
		return err
	}
	if len(resisting) > 0 {
		return fmt.Errorf("%w: block %d", errStale, resisting[0])
	}
	return nil
}

// fresh writes enc to page 0 of a blank block, reads the whole block back, and
// makes it the active one: behind the record there is nothing in it. Where no blank block takes it, those
// that were retired are tried again, one at a time.
func (s *store) fresh(enc []byte) error {
	err := s.freshBlank(enc)
	for b := range s.geo.Blocks {
		if !errors.Is(err, errFull) {
			return err
		}
		switch ok, lost := s.regain(b); {
		case lost != nil:
			return lost
		case ok:
			err = s.freshBlank(enc)
		}
	}
	return err
}

// regain erases a block that was retired, since what kept it from erasing may be over, and says whether it
// is blank now. It holds zeros, so nothing is lost, and a power cut leaves zeros, blank bytes, or bits of
// both. It is done only where a record has no other place: each try wears the block. The error is
// ErrPowerLost or nil.
func (s *store) regain(b int) (ok bool, err error) {
	if s.use[b] != zeroed {
		return false, nil
	}
	if err := s.destroy(b); errors.Is(err, flash.ErrPowerLost) {
		return false, err
	}
	return s.use[b] == blank, nil
}

// freshBlank is fresh in the blocks that are blank.
func (s *store) freshBlank(enc []byte) error {
	buf := borrow(s.geo.PageSize)
	defer pages.Put(buf)
	why := error(nil)
	for i := range s.geo.Blocks {
		b := (max(s.active, 0) + 1 + i) % s.geo.Blocks
		if b == s.active || s.use[b] != blank {
			continue
		}
		s.use[b] = used
		err := s.dev.Program(b, 0, enc)
		if err == nil {
			err = s.alone(b, enc, *buf)
		}
		if err == nil {
			s.active, s.next, s.at, s.odd = b, 1, 0, false
			return nil
		}
		if errors.Is(err, flash.ErrPowerLost) {
			return err // nobody knows what is left, and the next power-on looks
		}
		why = err
		// What a refused program left behind may be most of a key record, and
		// a later scan would find it.
		if derr := s.destroy(b); errors.Is(derr, flash.ErrPowerLost) {
			return derr
		} else if derr != nil {
			return fmt.Errorf("%w: %w", errFragment, derr)
		}
	}
	if why != nil {
		return fmt.Errorf("%w: %w", errFull, why)
	}
	return fmt.Errorf("%w: every block is in use or retired", errFull)
}

// alone reads a block back and says whether it holds enc on page 0 and nothing but erased bytes
// behind it.
func (s *store) alone(b int, enc, buf []byte) error {
	for p := range s.geo.PagesPerBlock {
		ok, err := s.readsBack(b, p, enc, buf)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("block %d page %d: %w: reads back otherwise", b, p, flash.ErrProgram)
		}
	}
	return nil
}

// readsBack says whether page 0 holds enc and any other page nothing.
func (s *store) readsBack(b, p int, enc, buf []byte) (bool, error) {
	if p > 0 {
		return s.blank(b, p, buf)
	}
	err := s.read(b, p, buf)
	return err == nil && holds(buf, enc), err
}

// holds says whether a page is the record enc and erased bytes behind it.
func holds(page, enc []byte) bool {
	return bytes.Equal(page[:len(enc)], enc) && (len(enc) == len(page) || constant(page[len(enc):], 0xFF))
}

// intact reads the newest record back and says whether it is r.
func (s *store) intact(r *record) bool {
	want, got := borrow(s.geo.PageSize), borrow(s.geo.PageSize)
	defer pages.Put(want)
	defer pages.Put(got)
	if err := s.read(s.active, s.at, *got); err != nil {
		return false
	}
	return holds(*got, r.encode(*want))
}
