package repository

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// smallPages: a snapshot of at most so many pages is written whole. It costs little more than a
// record, and leaves no log to read.
const smallPages = 4

// layout is what the slot in force holds.
type layout struct {
	base  int      // pages of the snapshot: the base page and the body
	log   int      // pages of the records behind it
	chain [32]byte // the sum of the last record, or the seed
}

func (l *layout) pages() int { return l.base + l.log }

// snapshot is the layout of a slot that was just written.
func snapshot(pages [][]byte) layout {
	_, content, err := decodePage(pages[0], 0)
	if err != nil {
		panic("BUG: repository: " + err.Error())
	}
	return layout{base: len(pages), chain: sha256.Sum256(content)}
}

// A record is the changes from one generation to the next: for each, in their order, the name
// (length byte and bytes) and the value (4 bytes of length, big endian, and bytes), or ff ff ff ff
// for a deletion; then the sum (32 bytes): SHA-256 of the sum before it, the generation (8 bytes)
// and the changes. The first record has the seed as the sum before it: SHA-256 of the content of the
// base page.
//
// A record takes one page or more. The content of a page is how many pages of the record follow it
// (2 bytes) and a part of the record. The pages are written in their order, so a record is whole if
// its last page is. The sum ties a record to all before it: pages of two attempts, or of an earlier
// use of the slot, do not make one.
const (
	logHeader = 2
	logSize   = contentSize - logHeader
	deleted   = math.MaxUint32
)

// record gives the pages of a record behind the layout and moves the chain on. It is nil for a
// record that is too big for a log.
func (l *layout) record(generation uint64, changes []Change) [][]byte {
	var b []byte
	for _, c := range changes {
		b = append(append(b, byte(len(c.Name))), c.Name...)
		if c.Delete {
			b = binary.BigEndian.AppendUint32(b, deleted)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(c.Value))), c.Value...)
	}
	l.chain = chained(l.chain, generation, b)
	b = append(b, l.chain[:]...)
	count := (len(b) + logSize - 1) / logSize
	if count > math.MaxUint16 {
		return nil
	}
	pages := make([][]byte, count)
	for i := range pages {
		part := b[i*logSize : min((i+1)*logSize, len(b))]
		content := append(binary.BigEndian.AppendUint16(make([]byte, 0, contentSize), uint16(count-1-i)), part...)
		pages[i] = encodePage(generation, l.pages()+i, content)
	}
	return pages
}

func chained(before [32]byte, generation uint64, changes []byte) (sum [32]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(binary.BigEndian.AppendUint64(nil, generation))
	h.Write(changes)
	h.Sum(sum[:0])
	return sum
}

// apply makes the changes in a list that nobody else has.
func apply(list []entry, changes []Change) []entry {
	var fresh []entry // ascending
	for _, c := range changes {
		into := &list
		i, ok := find(list, c.Name)
		if !ok {
			into = &fresh
			i, ok = find(fresh, c.Name)
		}
		switch {
		case ok && c.Delete:
			*into = slices.Delete(*into, i, i+1)
		case ok:
			(*into)[i].value = c.Value
		case !c.Delete:
			fresh = slices.Insert(fresh, i, entry{c.Name, c.Value})
		}
	}
	if len(fresh) == 1 {
		i, _ := find(list, fresh[0].name)
		return slices.Insert(list, i, fresh[0])
	}
	list = append(list, fresh...)
	if len(fresh) > 0 {
		slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	}
	return list
}

// errEnd ends a log: what follows is no record of it.
var errEnd = errors.New("the log ends here")

// log reads the records behind the snapshot. A record that is not whole ends it: it was cut short.
// With an error the condition of out is set.
func (r *reader) log(out *content) (changes []Change, err error) {
	for r.next < r.c.slotPages() {
		more, err := r.record(out)
		if errors.Is(err, errEnd) {
			break
		}
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}

// record reads one record. The error is errEnd if there is none, with doubt set if a page is
// damaged that may be of one.
func (r *reader) record(out *content) ([]Change, error) {
	var b []byte
	generation, rest := out.generation+1, -1
	for r.next < r.c.slotPages() {
		n := r.next
		p, err := r.page()
		if err != nil {
			out.condition = CopyUnreadable
			return nil, err
		}
		of, part, err := decodePage(p, n)
		switch {
		case errors.Is(err, errBlank):
			return nil, errEnd
		case err != nil:
			return nil, r.judge(out, r.bad(n, err), generation)
		case of > generation:
			out.condition = CopyDamaged
			return nil, r.bad(n, fmt.Errorf("it is of generation %d, need %d", of, generation))
		case of < generation || len(part) < logHeader:
			return nil, errEnd
		}
		follow := int(binary.BigEndian.Uint16(part))
		if rest >= 0 && follow != rest-1 {
			return nil, errEnd
		}
		b, rest = append(b, part[logHeader:]...), follow
		if rest == 0 {
			return r.whole(out, generation, b, n)
		}
	}
	return nil, errEnd
}

// whole takes a record of which every page is there.
func (r *reader) whole(out *content, generation uint64, b []byte, last int) ([]Change, error) {
	at := len(b) - sha256.Size
	if at < 0 {
		return nil, errEnd
	}
	if !r.known() && chained(out.layout.chain, generation, b[:at]) != [32]byte(b[at:]) {
		return nil, errEnd
	}
	changes, err := decodeChanges(b[:at])
	if err != nil {
		out.condition = CopyDamaged
		return nil, r.bad(last, err)
	}
	out.generation, out.layout.chain = generation, [32]byte(b[at:])
	out.layout.log = last + 1 - out.layout.base
	return changes, nil
}

// judge says what a damaged page is. If a newer record follows it, the log goes on behind it, and
// the slot is damaged. Else the log may end before it: the page was being written when the power
// went, or it holds the newest record.
func (r *reader) judge(out *content, why error, generation uint64) error {
	for r.next < r.c.slotPages() {
		n := r.next
		p, err := r.page()
		if err != nil {
			out.condition = CopyUnreadable
			return err
		}
		switch of, _, err := decodePage(p, n); {
		case err == nil && of > generation:
			out.condition = CopyDamaged
			return why
		case err == nil && of < generation, errors.Is(err, errBlank):
			out.doubt = why
			return errEnd
		}
	}
	out.doubt = why
	return errEnd
}

func decodeChanges(b []byte) (changes []Change, err error) {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			return nil, fmt.Errorf("repository: change %d ends too early", len(changes))
		}
		c := Change{Name: string(b[1 : 1+n])}
		if err := checkName(c.Name); err != nil {
			return nil, err
		}
		size := binary.BigEndian.Uint32(b[1+n:])
		b = b[1+n+4:]
		if c.Delete = size == deleted; !c.Delete {
			if uint64(len(b)) < uint64(size) {
				return nil, fmt.Errorf("repository: change %d ends too early", len(changes))
			}
			c.Value, b = slices.Clone(b[:size]), b[size:]
		}
		changes = append(changes, c)
	}
	return changes, nil
}
