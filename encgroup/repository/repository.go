package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// CopiesMin is the least number of copies (our assumption).
const CopiesMin = 3

// What a repository cannot do.
var (
	ErrPermanent = errors.New("repository: no copy of the key repository can be read")
	ErrCopies    = errors.New("repository: too few good copies are left to change the key repository")
	ErrFull      = errors.New("repository: the copies are too small")
	ErrNoEntry   = errors.New("repository: there is no such entry")
)

// Repository is the entries of a facility in several copies. It is not safe for
// concurrent use.
type Repository struct {
	copies  []*replica
	id      [16]byte
	newest  uint64 // generation in force
	entries []entry
	layout  layout // of every copy that is not set aside

	small int // a snapshot of at most so many pages is written whole
}

// replica is one copy and its state.
type replica struct {
	dev   Device
	slot  int  // the slot in force
	aside bool // found bad since the last Open; not written

	page []byte   // what is read now
	back []byte   // what was written, read back
	seen *[2]memo // of all copies
}

// Create makes an empty repository on three or more devices of at least 4 pages each, and destroys
// what they hold. entropy gives the repository its identity, 16 bytes. Every copy has to be good,
// else the error is ErrCopies.
func Create(entropy io.Reader, devices ...Device) (*Repository, error) {
	r, err := over(devices)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(entropy, r.id[:]); err != nil {
		return nil, fmt.Errorf("repository: no identity: %w", err)
	}
	if err := r.wipe(); err != nil {
		return nil, err
	}
	if err := r.write(nil, nil); err != nil {
		return nil, err
	}
	if n := r.aside(); n > 0 {
		return nil, fmt.Errorf("%w: %d of %d", ErrCopies, len(r.copies)-n, len(r.copies))
	}
	return r, nil
}

// wipe blanks the base pages of all copies: first, on every copy, that of the slot that is not in
// force, then that of the slot in force. If it is cut short, the old entries are still in force, or
// none are; never older ones.
func (r *Repository) wipe() error {
	inForce := make([]int, len(r.copies))
	for i, c := range r.copies {
		inForce[i] = c.read().slot
	}
	for _, old := range []int{1, 0} {
		for i, c := range r.copies {
			slot := inForce[i]
			if old == 1 {
				slot = 1 - slot
			}
			if err := c.dev.WritePage(c.start(slot), zeros); err != nil {
				return fmt.Errorf("repository: copy %d: %w", i, err)
			}
			c.slot = 1
		}
	}
	return nil
}

func over(devices []Device) (*Repository, error) {
	if len(devices) < CopiesMin {
		return nil, fmt.Errorf("repository: %d copies, need at least %d", len(devices), CopiesMin)
	}
	r := &Repository{small: smallPages}
	seen := &[2]memo{}
	for i, d := range devices {
		if d.Pages() < 4 {
			return nil, fmt.Errorf("%w: copy %d has %d pages, need at least 4", ErrFull, i, d.Pages())
		}
		r.copies = append(r.copies, &replica{dev: d, back: make([]byte, PageSize), seen: seen})
	}
	return r, nil
}

// Open is the reboot: it reads every copy, decides which to believe, and writes the others anew. A
// copy that cannot be repaired is set aside, and the others serve; the report names it. The error
// is ErrPermanent if no copy can be believed, and nothing is written then, or ErrPowerLost.
func Open(devices ...Device) (*Repository, Report, error) {
	r, err := over(devices)
	if err != nil {
		return nil, Report{}, err
	}
	found, rep, best := r.compare()
	if lost := powerLost(rep); lost != nil {
		return nil, rep, lost
	}
	if best < 0 {
		return nil, rep, rep.permanent()
	}
	in := found[best]
	r.id, r.newest, r.layout = in.id, in.generation, in.layout
	r.entries = slices.Clone(in.entries) // what is read stays as it was read
	for i, c := range r.copies {
		c.slot, c.aside = found[i].slot, rep.Copies[i].Condition != CopyGood
	}
	if rep.Verdict == Mismatch {
		if err := r.repair(&rep); err != nil {
			return nil, rep, err
		}
	}
	return r, rep, nil
}

func (r Report) permanent() error {
	errs := []error{ErrPermanent}
	for i, c := range r.Copies {
		errs = append(errs, fmt.Errorf("copy %d is %s: %w", i, c.Condition, c.Err))
	}
	return errors.Join(errs...)
}

func powerLost(rep Report) error {
	for _, c := range rep.Copies {
		if errors.Is(c.Err, ErrPowerLost) {
			return ErrPowerLost
		}
	}
	return nil
}

// Check reads all copies and compares them; nothing changes.
func (r *Repository) Check() Report {
	_, rep, _ := r.compare()
	return rep
}

// Read reads all copies, compares them, and returns the entry of that name from the medium. The
// error is ErrPermanent or ErrNoEntry.
func (r *Repository) Read(name string) ([]byte, Report, error) {
	found, rep, best := r.compare()
	if best < 0 {
		return nil, rep, rep.permanent()
	}
	i, ok := find(found[best].entries, name)
	if !ok {
		return nil, rep, fmt.Errorf("%w: %q", ErrNoEntry, name)
	}
	return slices.Clone(found[best].entries[i].value), rep, nil
}

// Item is an entry as it was read.
type Item struct {
	Name  string
	Value []byte
}

// List reads all copies, compares them, and returns the entries whose names begin with prefix,
// ascending, from the medium. The error is ErrPermanent. The values must not be changed.
func (r *Repository) List(prefix string) ([]Item, Report, error) {
	found, rep, best := r.compare()
	if best < 0 {
		return nil, rep, rep.permanent()
	}
	return items(found[best].entries, prefix), rep, nil
}

func items(list []entry, prefix string) (out []Item) {
	from, _ := find(list, prefix)
	for _, e := range list[from:] {
		if !strings.HasPrefix(e.name, prefix) {
			break
		}
		out = append(out, Item{e.name, e.value})
	}
	return out
}

// Kept lists the entries whose names begin with prefix, ascending, as they were read at Open or changed since. The
// values must not be changed.
func (r *Repository) Kept(prefix string) []Item { return items(r.entries, prefix) }

// Names lists the entries, ascending.
func (r *Repository) Names() []string {
	out := make([]string, len(r.entries))
	for i, e := range r.entries {
		out[i] = e.name
	}
	return out
}

// Generation is the one in force.
func (r *Repository) Generation() uint64 { return r.newest }

// Change is one change of a repository.
type Change struct {
	Name   string // 1 to 64 printable ASCII characters
	Value  []byte // what is kept under the name, in place of what was there
	Delete bool   // nothing is kept under the name
}

// Put keeps value under name (1 to 64 printable ASCII characters), in place of what was there. It
// keeps no reference to value. On an error the entries in memory are the old ones; after a reboot
// they may be the new ones. Errors: ErrCopies, ErrFull, ErrPowerLost.
func (r *Repository) Put(name string, value []byte) error {
	return r.Change(Change{Name: name, Value: value})
}

// Delete drops an entry. ErrNoEntry if there is none.
func (r *Repository) Delete(name string) error {
	return r.Change(Change{Name: name, Delete: true})
}

// Change makes several changes in one step, in their order: a loss of power leaves the entries
// before all of them or after all of them. Errors: those of Put and Delete.
func (r *Repository) Change(changes ...Change) error {
	mine := make([]Change, len(changes))
	for i, c := range changes {
		if err := checkName(c.Name); err != nil {
			return err
		}
		mine[i] = Change{c.Name, bytes.Clone(c.Value), c.Delete}
	}
	for i, c := range mine {
		if _, ok := find(r.entries, c.Name); c.Delete && !ok && !made(mine[:i], c.Name) {
			return fmt.Errorf("%w: %q", ErrNoEntry, c.Name)
		}
	}
	return r.write(r.entries, mine)
}

// made says whether the last of the changes of a name leaves an entry.
func made(changes []Change, name string) bool {
	for _, c := range slices.Backward(changes) {
		if c.Name == name {
			return !c.Delete
		}
	}
	return false
}

// write makes list with the changes the next generation on every copy that is not set aside.
func (r *Repository) write(list []entry, changes []Change) error {
	if left := len(r.copies) - r.aside(); left*2 <= len(r.copies) {
		return fmt.Errorf("%w: %d of %d", ErrCopies, left, len(r.copies))
	}
	next := r.layout
	var put func(c *replica) error
	if record := next.record(r.newest+1, changes); r.appends(record) {
		at := next.pages()
		next.log += len(record)
		put = func(c *replica) error { return c.append(at, record) }
	} else {
		list = apply(slices.Clone(list), changes)
		pages := encodeSlot(r.id, r.newest+1, encodeEntries(list))
		for i, c := range r.copies {
			if !c.aside && len(pages) > c.slotPages() {
				return fmt.Errorf("%w: %d pages, copy %d has %d", ErrFull, len(pages), i, c.slotPages())
			}
		}
		next, changes = snapshot(pages), nil
		put = func(c *replica) error { return c.write(pages) }
	}
	var last error
	for _, c := range r.copies {
		if c.aside {
			continue
		}
		err := put(c)
		if errors.Is(err, ErrPowerLost) {
			return err
		}
		if err != nil {
			c.aside, last = true, err
		}
	}
	if left := len(r.copies) - r.aside(); left*2 <= len(r.copies) {
		return fmt.Errorf("%w: %d of %d: %w", ErrCopies, left, len(r.copies), last)
	}
	r.newest++
	r.layout, r.entries = next, apply(list, changes)
	return nil
}

// appends says whether a record of changes is written behind what the slot in force holds. Else
// the entries are written whole. The log never takes more pages than the snapshot before it, so
// that reading costs at most twice as much, and so that the price of a snapshot is spread over as
// many pages of changes.
func (r *Repository) appends(record [][]byte) bool {
	room := r.layout.pages() + len(record)
	for _, c := range r.copies {
		if !c.aside && room > c.slotPages() {
			return false
		}
	}
	return r.layout.base > r.small && r.layout.log+len(record) <= r.layout.base
}

func (r *Repository) aside() int {
	n := 0
	for _, c := range r.copies {
		if c.aside {
			n++
		}
	}
	return n
}

func (c *replica) slotPages() int { return c.dev.Pages() / 2 }

func (c *replica) start(slot int) int { return slot * c.slotPages() }

// write puts the pages into the slot that is not in force, the base page last, and reads each back.
func (c *replica) write(pages [][]byte) error {
	to := 1 - c.slot
	if err := c.end(to, len(pages), pages[0]); err != nil {
		return err
	}
	for i := range pages {
		n := (i + 1) % len(pages)
		if err := c.put(to, n, pages[n]); err != nil {
			return err
		}
	}
	c.slot = to
	return nil
}

// append puts the pages of a record into the slot in force, from page at on.
func (c *replica) append(at int, record [][]byte) error {
	if err := c.end(c.slot, at+len(record), record[0]); err != nil {
		return err
	}
	for i, p := range record {
		if err := c.put(c.slot, at+i, p); err != nil {
			return err
		}
	}
	return nil
}

// end sees to it that a log ends before page n, once last, a page of the newest generation, is
// written: it blanks the page if that is damaged, cannot be read, or is of a generation that is still to come, as on a
// medium of another repository.
func (c *replica) end(slot, n int, last []byte) error {
	if n == c.slotPages() {
		return nil
	}
	if err := c.dev.ReadPage(c.start(slot)+n, c.back); err == nil {
		of, _, err := decodePage(c.back, n)
		if errors.Is(err, errBlank) || err == nil && of <= generationOf(last) {
			return nil
		}
	}
	return c.put(slot, n, zeros)
}

// put writes a page of a slot and reads it back.
func (c *replica) put(slot, n int, page []byte) error {
	if err := c.dev.WritePage(c.start(slot)+n, page); err != nil {
		return err
	}
	if err := c.dev.ReadPage(c.start(slot)+n, c.back); err != nil {
		return err
	}
	if !bytes.Equal(c.back, page) {
		return fmt.Errorf("%w: page %d does not read back as written", ErrWriteFailed, n)
	}
	return nil
}
