package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
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
}

// replica is one copy and its state.
type replica struct {
	dev   Device
	slot  int  // the slot in force
	aside bool // found bad since the last Open; not written

	page []byte // what is read now
	seen [2]memo
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
	if err := r.write(nil); err != nil {
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
	zero := make([]byte, PageSize)
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
			if err := c.dev.WritePage(c.start(slot), zero); err != nil {
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
	r := &Repository{}
	for i, d := range devices {
		if d.Pages() < 4 {
			return nil, fmt.Errorf("%w: copy %d has %d pages, need at least 4", ErrFull, i, d.Pages())
		}
		r.copies = append(r.copies, &replica{dev: d})
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
	r.id, r.newest, r.entries = in.id, in.generation, in.entries
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

// Put keeps value under name (1 to 64 printable ASCII characters), in place of what was there. It
// keeps no reference to value. On an error the entries in memory are the old ones; after a reboot
// they may be the new ones. Errors: ErrCopies, ErrFull, ErrPowerLost.
func (r *Repository) Put(name string, value []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	list := slices.Clone(r.entries)
	i, ok := find(list, name)
	if ok {
		list[i] = entry{name, bytes.Clone(value)}
	} else {
		list = slices.Insert(list, i, entry{name, bytes.Clone(value)})
	}
	return r.change(list)
}

// Delete drops an entry. ErrNoEntry if there is none.
func (r *Repository) Delete(name string) error {
	i, ok := find(r.entries, name)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoEntry, name)
	}
	return r.change(slices.Delete(slices.Clone(r.entries), i, i+1))
}

func (r *Repository) change(list []entry) error {
	if err := r.write(list); err != nil {
		return err
	}
	r.entries = list
	return nil
}

// Store is one entry as the store of an encryption group.
func (r *Repository) Store(name string) encgroup.Store { return store{r, name} }

type store struct {
	r    *Repository
	name string
}

// Save implements encgroup.Store.
func (s store) Save(record []byte) error { return s.r.Put(s.name, record) }

// write makes list the next generation on every copy that is not set aside.
func (r *Repository) write(list []entry) error {
	if left := len(r.copies) - r.aside(); left*2 <= len(r.copies) {
		return fmt.Errorf("%w: %d of %d", ErrCopies, left, len(r.copies))
	}
	pages := encodeSlot(r.id, r.newest+1, encodeEntries(list))
	for i, c := range r.copies {
		if !c.aside && len(pages) > c.slotPages() {
			return fmt.Errorf("%w: %d pages, copy %d has %d", ErrFull, len(pages), i, c.slotPages())
		}
	}
	var last error
	for _, c := range r.copies {
		if c.aside {
			continue
		}
		err := c.write(pages)
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
	return nil
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
	back := make([]byte, PageSize)
	for i := range pages {
		n := (i + 1) % len(pages)
		if err := c.dev.WritePage(c.start(to)+n, pages[n]); err != nil {
			return err
		}
		if err := c.dev.ReadPage(c.start(to)+n, back); err != nil {
			return err
		}
		if !bytes.Equal(back, pages[n]) {
			return fmt.Errorf("%w: page %d does not read back as written", ErrWriteFailed, n)
		}
	}
	c.slot = to
	return nil
}
