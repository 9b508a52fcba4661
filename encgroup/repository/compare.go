package repository

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// content is what one slot or copy holds.
type content struct {
	ok         bool
	slot       int
	id         [16]byte
	generation uint64 // 0 if the base page is not good
	suspect    bool   // the copy's other slot may have been newer
	body       []byte
	entries    []entry
	err        error
	condition  Condition // when not ok
}

// same says whether two copies have the same content, whatever their generation.
func (c *content) same(o *content) bool { return c.id == o.id && bytes.Equal(c.body, o.body) }

// memo is what a slot said when it was read last, so that pages that have not changed are
// not judged anew: the partitions look again and again while a key server is missing.
type memo struct {
	pages [][]byte
	whole content // of all of these pages; ok is set if it is good
}

// readSlot reads one slot whole.
func (c *replica) readSlot(slot int) content {
	out := content{slot: slot}
	if c.page == nil {
		c.page = make([]byte, PageSize)
	}
	p, was, same := c.page, &c.seen[slot], 0
	page := func(n int) (uint64, []byte, bool) {
		if err := c.dev.ReadPage(c.start(slot)+n, p); err != nil {
			out.condition, out.err = CopyUnreadable, err
			return 0, nil, false
		}
		if n < len(was.pages) && same == n && bytes.Equal(p, was.pages[n]) {
			same++
		} else {
			was.pages, was.whole = append(was.pages[:min(n, len(was.pages))], bytes.Clone(p)), content{}
		}
		generation, content, err := decodePage(p, n)
		if err != nil {
			out.condition, out.err = CopyDamaged, fmt.Errorf("slot %d page %d: %w", slot, n, err)
			if n == 0 && errors.Is(err, errBlank) {
				out.condition = CopyBlank
			}
		}
		return generation, content, err == nil
	}
	damaged := func(err error) content {
		out.condition, out.err = CopyDamaged, fmt.Errorf("slot %d: %w", slot, err)
		return out
	}
	generation, first, ok := page(0)
	if !ok {
		return out
	}
	out.generation = generation
	b, err := decodeBase(first)
	if err != nil {
		return damaged(err)
	}
	if b.length > uint64(c.slotPages()-1)*contentSize {
		return damaged(errDamaged)
	}
	out.body = make([]byte, 0, b.length)
	for n := 1; n <= pagesFor(int(b.length)); n++ {
		_, part, ok := page(n)
		if !ok {
			return out
		}
		out.body = append(out.body, part...)
	}
	if was.whole.ok && same == len(was.pages) {
		return was.whole
	}
	if sha256.Sum256(out.body) != b.sum || uint64(len(out.body)) != b.length {
		return damaged(errDamaged)
	}
	if out.entries, err = decodeEntries(out.body); err != nil {
		return damaged(err)
	}
	out.ok, out.id = true, b.id
	was.whole = out
	return out
}

// read returns the copy's newest whole slot. A slot in which a write was cut short is no fault of
// the copy as long as the other slot is whole. A slot that the device cannot read is a fault.
func (c *replica) read() content {
	a, b := c.readSlot(0), c.readSlot(1)
	if b.ok && (!a.ok || b.generation > a.generation) || !a.ok && a.condition == CopyBlank {
		a, b = b, a
	}
	lost := !b.ok && b.condition != CopyBlank
	a.suspect = lost && (b.generation == 0 || b.generation >= a.generation)
	if lost && b.condition == CopyUnreadable {
		a.condition, a.err = CopyUnreadable, b.err
	}
	return a
}

// compare reads every copy and elects the one to believe; best is -1 if there is none.
func (r *Repository) compare() (found []content, rep Report, best int) {
	found = make([]content, len(r.copies))
	for i, c := range r.copies {
		found[i] = c.read()
	}
	best = elect(found)
	rep.Copies = make([]CopyReport, len(found))
	for i := range found {
		f := &found[i]
		rep.Copies[i] = CopyReport{Condition: f.condition, Generation: f.generation, Err: f.err}
		if best >= 0 && f.ok && f.condition == CopyGood {
			rep.Copies[i].Condition, rep.Copies[i].Err = judge(f, &found[best])
		}
		if rep.Copies[i].Condition != CopyGood {
			rep.Verdict = Mismatch
		}
	}
	if best < 0 {
		rep.Verdict = Permanent
		return found, rep, best
	}
	rep.Generation = found[best].generation
	return found, rep, best
}

// judge compares a whole copy with the elected one.
func judge(f, best *content) (Condition, error) {
	switch {
	case f.id != best.id:
		return CopyForeign, errors.New("it belongs to another repository")
	case f.generation != best.generation:
		return CopyStale, fmt.Errorf("it is of generation %d, not %d", f.generation, best.generation)
	case !f.same(best):
		return CopyDiffers, fmt.Errorf("it differs from the other copies of generation %d", f.generation)
	}
	return CopyGood, nil
}

// elect chooses among the whole copies and returns an index, or -1. It takes the repository that
// most of them belong to, in it the newest generation, and in that the content that most have. It
// elects none on a tie, or if every copy has lost a slot that may have been newer: what is left may
// then be out of date.
func elect(found []content) int {
	var all []int
	sure := false
	for i := range found {
		if found[i].ok {
			all = append(all, i)
			sure = sure || !found[i].suspect
		}
	}
	if !sure {
		return -1
	}
	all = most(all, func(i, j int) bool { return found[i].id == found[j].id })
	newest := uint64(0)
	for _, i := range all {
		newest = max(newest, found[i].generation)
	}
	var last []int
	for _, i := range all {
		if found[i].generation == newest {
			last = append(last, i)
		}
	}
	last = most(last, func(i, j int) bool { return found[i].same(&found[j]) })
	if len(last) == 0 {
		return -1
	}
	return last[0]
}

// most is the largest class of all; nil on a tie.
func most(all []int, same func(i, j int) bool) []int {
	var best []int
	tie := false
	for k, i := range all {
		var class []int
		first := true
		for l, j := range all {
			if same(i, j) {
				first = first && l >= k
				class = append(class, j)
			}
		}
		if !first {
			continue
		}
		if tie = len(class) == len(best) || tie && len(class) < len(best); len(class) > len(best) {
			best = class
		}
	}
	if tie {
		return nil
	}
	return best
}

// repair writes the entries in force to every copy, the bad copies first, with a generation two
// higher. A copy that cannot be read now may hold the next generation from a write that was never
// finished, which must not come back as the newest.
func (r *Repository) repair(rep *Report) error {
	pages := encodeSlot(r.id, r.newest+2, encodeEntries(r.entries))
	good := false
	for _, bad := range []bool{true, false} {
		for i, c := range r.copies {
			if (rep.Copies[i].Condition != CopyGood) != bad {
				continue
			}
			err := error(ErrFull)
			if len(pages) <= c.slotPages() {
				err = c.write(pages)
			}
			if err == nil && bad {
				err = c.write(pages) // neither slot is to be trusted
			}
			if errors.Is(err, ErrPowerLost) {
				return err
			}
			c.aside = err != nil
			if err != nil {
				if !bad {
					rep.Copies[i].Condition = CopyStale // from now on
				}
				rep.Copies[i].Err = err
				continue
			}
			rep.Copies[i].Repaired = bad
			good = true
		}
	}
	if !good {
		return nil // the entries in force are still there, and cannot be changed
	}
	r.newest += 2
	rep.Generation = r.newest
	return nil
}
