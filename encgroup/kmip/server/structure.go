package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// bbolt maps its file into memory and follows what stands there: a page that is
// not there, or a length that was flipped, ends the process, and no recover helps.
// So the file is read and judged first, by plain reads with bounds.
//
// What is checked is the format of bbolt's file, version 2: two pages of meta data
// with a checksum, of which the one with the higher transaction counts; trees of
// branch and leaf pages, one a bucket; the list of free pages. Every page below
// the high water mark is met exactly once. Numbers have the machine's byte order.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	boltHeader  = 16 // id 8, flags 2, count 2, overflow 4
	boltElement = 16
	boltMeta    = 56 // without the checksum, which has 8
	boltPageMax = 64 << 10

	boltBranch = 1
	boltLeaf   = 2
	boltIsMeta = 4
	boltFree   = 16
)

var order = binary.NativeEndian

// structure is a database file that is judged.
type structure struct {
	f        io.ReaderAt
	pageSize int64
	size     int64
	mark     uint64 // the high water mark: pages
	met      map[uint64]bool
}

// checkStructure says what is wrong with the file of a database, and where.
// Nothing is changed in it. A file that is in use gives ErrInUse.
func checkStructure(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := filelock.Take(f); errors.Is(err, filelock.ErrHeld) {
		return ErrInUse
	} else if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	s := &structure{f: f, size: info.Size(), met: map[uint64]bool{0: true, 1: true}}
	return s.check()
}

func (s *structure) check() error {
	root, free, err := s.metas()
	if err != nil {
		return err
	}
	if need := int64(s.mark) * s.pageSize; s.size < need {
		return fmt.Errorf("truncated: %d bytes, its last transaction needs %d", s.size, need)
	}
	if err := s.tree(root, nil, nil); err != nil {
		return err
	}
	if err := s.freeList(free); err != nil {
		return err
	}
	for id := range s.mark {
		if !s.met[id] {
			return fmt.Errorf("page %d at byte %d belongs to nothing", id, int64(id)*s.pageSize)
		}
	}
	return nil
}

// metas reads both pages of meta data. A transaction writes one of them, 80
// bytes of a sector, which a disk writes whole or not at all; so one that is
// damaged was no torn write, and to go on with the other would silently take back
// a transaction that was acknowledged.
func (s *structure) metas() (root, free uint64, err error) {
	var last uint64
	for n := range int64(2) {
		b := make([]byte, boltHeader+boltMeta+8)
		if n == 1 && s.pageSize == 0 {
			break
		}
		if _, err := s.f.ReadAt(b, n*s.pageSize); err != nil {
			return 0, 0, fmt.Errorf("truncated: %d bytes, the meta page %d ends behind it", s.size, n)
		}
		m := b[boltHeader:]
		h := fnv.New64a()
		h.Write(m[:boltMeta])
		pageSize, tx := int64(order.Uint32(m[8:])), order.Uint64(m[48:])
		switch {
		case order.Uint32(m) != boltMagic || order.Uint32(m[4:]) != boltVersion:
			return 0, 0, fmt.Errorf("meta page %d is damaged, or this is no database", n)
		case h.Sum64() != order.Uint64(m[boltMeta:]):
			return 0, 0, fmt.Errorf("meta page %d is damaged: its checksum is wrong", n)
		case order.Uint64(b) != uint64(n) || order.Uint16(b[8:]) != boltIsMeta:
			return 0, 0, fmt.Errorf("meta page %d is damaged: its header is wrong", n)
		case pageSize < 512 || pageSize > boltPageMax || pageSize&(pageSize-1) != 0 || s.pageSize != 0 && pageSize != s.pageSize:
			return 0, 0, fmt.Errorf("meta page %d is damaged: pages of %d bytes", n, pageSize)
		}
		s.pageSize = pageSize
		if n == 0 || tx > last {
			last, root, free, s.mark = tx, order.Uint64(m[16:]), order.Uint64(m[32:]), order.Uint64(m[40:])
		}
	}
	if s.mark > uint64(s.size/s.pageSize) {
		return 0, 0, fmt.Errorf("truncated: %d bytes, its last transaction needs %d pages of %d", s.size, s.mark, s.pageSize)
	}
	return root, free, nil
}

// page reads a page with those that it runs over into, and counts it as met.
func (s *structure) page(id uint64) ([]byte, error) {
	bad := func(why string) ([]byte, error) {
		return nil, fmt.Errorf("page %d at byte %d is damaged: %s", id, int64(id)*s.pageSize, why)
	}
	if id < 2 || id >= s.mark {
		return nil, fmt.Errorf("a page %d is referred to, the last is %d", id, s.mark-1)
	}
	b := make([]byte, boltHeader)
	if _, err := s.f.ReadAt(b, int64(id)*s.pageSize); err != nil {
		return bad(err.Error())
	}
	over := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || over >= s.mark-id {
		return bad("its header is wrong")
	}
	for n := id; n <= id+over; n++ {
		if s.met[n] {
			return bad("it has two owners")
		}
		s.met[n] = true
	}
	b = make([]byte, int64(over+1)*s.pageSize)
	if _, err := s.f.ReadAt(b, int64(id)*s.pageSize); err != nil {
		return bad(err.Error())
	}
	return b, nil
}

// tree judges a page and all below it. Its keys are at least from, and below to
// where that is not nil.
func (s *structure) tree(id uint64, from, to []byte) error {
	b, err := s.page(id)
	if err != nil {
		return err
	}
	elements, err := split(b, false)
	for i := 0; err == nil && i < len(elements); i++ {
		e := elements[i]
		if i == 0 && bytes.Compare(e.key, from) < 0 || to != nil && bytes.Compare(e.key, to) >= 0 {
			err = errors.New("a key is not where it belongs")
			break
		}
		switch {
		case e.branch:
			next := to
			if i+1 < len(elements) {
				next = elements[i+1].key
			}
			if err := s.tree(e.child, e.key, next); err != nil {
				return err
			}
		case e.bucket && len(e.value) < 16:
			err = errors.New("a bucket is cut short")
		case e.bucket && order.Uint64(e.value) == 0:
			var inside []element
			inside, err = split(e.value[16:], true)
			for _, x := range inside {
				if x.bucket || x.branch {
					err = errors.New("a bucket in its parent's page has buckets or pages of its own")
				}
			}
		case e.bucket:
			if err := s.tree(order.Uint64(e.value), nil, nil); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return fmt.Errorf("page %d at byte %d is damaged: %w", id, int64(id)*s.pageSize, err)
	}
	return nil
}

// element is an entry of a page.
type element struct {
	key, value     []byte
	child          uint64
	branch, bucket bool
}

// split reads the elements of a page. bbolt packs them: the keys and values stand
// behind the elements, one behind the other, so that a count or a length that was
// flipped does not fit; and what is behind them is blank.
func split(b []byte, whole bool) ([]element, error) {
	if len(b) < boltHeader {
		return nil, errors.New("it is cut short")
	}
	flags, count := order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	if flags != boltLeaf && (flags != boltBranch || count == 0 || whole) {
		return nil, fmt.Errorf("it is of type %#x", flags)
	}
	at := boltHeader + boltElement*count
	if at > len(b) {
		return nil, fmt.Errorf("%d elements do not fit", count)
	}
	out := make([]element, count)
	for i := range out {
		head := boltHeader + boltElement*i
		h := b[head : head+boltElement]
		var pos, key, value uint64
		if flags == boltBranch {
			pos, key, out[i].child, out[i].branch = uint64(order.Uint32(h)), uint64(order.Uint32(h[4:])), order.Uint64(h[8:]), true
		} else {
			kind := order.Uint32(h)
			if kind > 1 {
				return nil, fmt.Errorf("element %d is of type %#x", i, kind)
			}
			out[i].bucket = kind == 1
			pos, key, value = uint64(order.Uint32(h[4:])), uint64(order.Uint32(h[8:])), uint64(order.Uint32(h[12:]))
		}
		if uint64(head)+pos != uint64(at) || key+value > uint64(len(b)-at) {
			return nil, fmt.Errorf("element %d is not where it belongs", i)
		}
		out[i].key, out[i].value = b[at:at+int(key)], b[at+int(key):at+int(key+value)]
		at += int(key + value)
		if i > 0 && bytes.Compare(out[i-1].key, out[i].key) >= 0 {
			return nil, fmt.Errorf("the keys %d and %d are out of order", i-1, i)
		}
	}
	if len(bytes.Trim(b[at:], "\x00")) > 0 {
		return nil, fmt.Errorf("there is something behind its %d elements", count)
	}
	return out, nil
}

func (s *structure) freeList(id uint64) error {
	b, err := s.page(id)
	if err != nil {
		return err
	}
	bad := func(why string) error {
		return fmt.Errorf("page %d at byte %d is damaged: the list of free pages %s", id, int64(id)*s.pageSize, why)
	}
	if order.Uint16(b[8:]) != boltFree {
		return bad("is none")
	}
	n, ids := uint64(order.Uint16(b[10:])), b[boltHeader:]
	if n == 0xFFFF {
		n, ids = order.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return bad("does not fit")
	}
	for i := range n {
		free := order.Uint64(ids[8*i:])
		if free < 2 || free >= s.mark || s.met[free] {
			return bad(fmt.Sprintf("has page %d, which is in use, listed twice or beyond the last", free))
		}
		s.met[free] = true
	}
	return nil
}
