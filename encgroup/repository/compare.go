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
	suspect    bool   // the copy may have had newer content
	doubt      error  // the page behind the content is damaged: a write cut short, or a newer record
	layout     layout
	entries    []entry
	err        error
	condition  Condition // when not ok
}

// same says whether two copies have the same content, whatever their generation.
func (c *content) same(o *content) bool { return c.layout.chain == o.layout.chain }

// memo is what a slot of some copy said when it was read last, so that pages that have not changed, or are the same
// in the next copy, are not judged anew: the partitions look again and again while a key server is missing.
type memo struct {
	pages [][]byte
	whole content // of all of these pages; ok is set if it is good
	room  int     // pages of the slot, beyond which nothing was looked for
}

// reader reads the pages of a slot, one after the other.
type reader struct {
	c    *replica
	slot int
	was  *memo
	next int // page
	same int // pages that are as they were at the last reading

	ahead int   // pages that were read from the device already, for unchanged
	err   error // what the last of these came to
}

// read reads page n into the buffer.
func (r *reader) read(n int) ([]byte, error) {
	return r.c.page, r.c.dev.ReadPage(r.c.start(r.slot)+n, r.c.page)
}

// unchanged says whether the pages are those of a reading that was good. It reads the same pages in the same order as
// that one did, up to the first that differs; page goes on behind them.
func (r *reader) unchanged() bool {
	if !r.was.whole.ok || r.was.room != r.c.slotPages() {
		return false
	}
	for n, was := range r.was.pages {
		var p []byte
		p, r.err = r.read(n)
		r.ahead = n + 1
		if r.err != nil || !bytes.Equal(p, was) {
			return false
		}
	}
	return true
}

// page reads the next page. It is valid until the next call.
func (r *reader) page() ([]byte, error) {
	n := r.next
	r.next++
	var p []byte
	var err error
	switch {
	case n+1 < r.ahead: // it is as it was
		p = r.was.pages[n]
	case n+1 == r.ahead:
		p, err = r.c.page, r.err
	default:
		p, err = r.read(n)
	}
	if err != nil {
		return nil, err
	}
	if was := r.was; n < len(was.pages) && r.same == n && bytes.Equal(p, was.pages[n]) {
		r.same++
	} else {
		was.pages, was.whole = append(was.pages[:min(n, len(was.pages))], bytes.Clone(p)), content{}
	}
	return p, nil
}

// known says whether all pages so far are as they were when the slot was good.
func (r *reader) known() bool { return r.was.whole.ok && r.same == r.next }

// readSlot reads one slot whole.
func (c *replica) readSlot(slot int) content {
	out := content{slot: slot}
	if c.page == nil {
		c.page = make([]byte, PageSize)
	}
	if c.seen == nil {
		c.seen = &[2]memo{}
	}
	rd := &reader{c: c, slot: slot, was: &c.seen[slot]}
	if rd.unchanged() {
		return rd.was.whole
	}
	body, err := rd.snapshot(&out)
	var changes []Change
	if err == nil {
		changes, err = rd.log(&out)
	}
	if err == nil {
		if out.entries, err = decodeEntries(body); err != nil {
			out.condition, err = CopyDamaged, rd.bad(-1, err)
		}
	}
	if out.err = err; err != nil {
		return out
	}
	out.entries = apply(out.entries, changes)
	out.ok = true
	rd.was.pages, rd.was.whole, rd.was.room = rd.was.pages[:rd.next], out, c.slotPages()
	return out
}

// bad says on which page of the slot something is wrong; page -1 is none in particular.
func (r *reader) bad(page int, err error) error {
	if page < 0 {
		return fmt.Errorf("slot %d: %w", r.slot, err)
	}
	return fmt.Errorf("slot %d page %d: %w", r.slot, page, err)
}

// snapshot reads the base page and the body. With an error the condition of out is set.
func (r *reader) snapshot(out *content) (body []byte, err error) {
	page := func() (uint64, []byte, error) {
		n := r.next
		p, err := r.page()
		if err != nil {
			out.condition = CopyUnreadable
			return 0, nil, err
		}
		generation, content, err := decodePage(p, n)
		if err != nil {
			out.condition = CopyDamaged
			if n == 0 && errors.Is(err, errBlank) {
				out.condition = CopyBlank
			}
			err = r.bad(n, err)
		}
		return generation, content, err
	}
	generation, first, err := page()
	if err != nil {
		return nil, err
	}
	out.generation = generation
	b, err := decodeBase(first)
	if err == nil && b.length > uint64(r.c.slotPages()-1)*contentSize {
		err = errDamaged
	}
	if err != nil {
		out.condition = CopyDamaged
		return nil, r.bad(-1, err)
	}
	body = make([]byte, 0, b.length)
	for range pagesFor(int(b.length)) {
		_, part, err := page()
		if err != nil {
			return nil, err
		}
		body = append(body, part...)
	}
	if !r.known() && (sha256.Sum256(body) != b.sum || uint64(len(body)) != b.length) {
		out.condition = CopyDamaged
		return nil, r.bad(-1, errDamaged)
	}
	out.id = b.id
	out.layout = layout{base: r.next, chain: b.seed()}
	return body, nil
}

// read returns the copy's newest whole slot. A slot in which a write was cut short is no fault of
// the copy as long as the other slot is whole. A slot that the device cannot read is a fault.
func (c *replica) read() content {
	a, b := c.readSlot(0), c.readSlot(1)
	if b.ok && (!a.ok || b.generation > a.generation) || !a.ok && a.condition == CopyBlank {
		a, b = b, a
	}
	lost := !b.ok && b.condition != CopyBlank
	a.suspect = a.doubt != nil || lost && (b.generation == 0 || b.generation >= a.generation)
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
	case f.generation != best.generation && f.doubt != nil:
		return CopyDamaged, f.doubt
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
	r.layout = snapshot(pages)
	rep.Generation = r.newest
	return nil
}
