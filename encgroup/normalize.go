package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Normalize brings a drive without an owner into its factory state, as far as the factory PIN
// reaches. A band loses its sectors and its lock. A BandMaster whose tries are used up gets them
// back by the erase of its band. did says what was done, one clause each.
//
// If somebody else's PIN is in the way, or SID or EraseMaster has no tries left, the error is an
// *UnfitError and nothing was changed. After other errors part of it may be done; calling again
// goes on.
func Normalize(d Drive) (did []string, err error) {
	faults, err := Inspect(d)
	if err != nil {
		return nil, err
	}
	var unfit []Fault
	for _, f := range faults {
		if f.Err != nil {
			unfit = append(unfit, f)
		}
	}
	if len(unfit) > 0 {
		return nil, &UnfitError{d.Serial(), unfit}
	}
	for i := range faults {
		f := &faults[i]
		if err := f.mend(d); err != nil {
			return did, fmt.Errorf("%s, and it stays: %w", f.What, err)
		}
		did = append(did, f.What+": "+f.mended())
	}
	if len(faults) == 0 {
		return nil, nil
	}
	left, err := Inspect(d)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%w: %s", ErrUnverified, left[0].What)
	}
	return did, err
}

// Reclaim is Normalize for a drive without an owner that comes back with data in its data range. It
// takes sectors and locks from bands, and erases nothing. Tries that are used up, and a SID or
// EraseMaster with somebody's PIN, do not block access to the data: Reclaim reports them in did and
// leaves them.
func Reclaim(d Drive) (did []string, err error) {
	faults, err := Inspect(d)
	if err != nil {
		return nil, err
	}
	for i := range faults {
		if f := &faults[i]; f.Err != nil && !f.ofMaster() {
			return nil, &UnfitError{d.Serial(), []Fault{*f}}
		}
	}
	for i := range faults {
		f := &faults[i]
		if f.locked || f.ofMaster() {
			did = append(did, f.What+"; "+f.Right)
			continue
		}
		if err := f.mend(d); err != nil {
			return did, fmt.Errorf("%s, and it stays: %w", f.What, err)
		}
		did = append(did, f.What+": "+f.mended())
	}
	return did, nil
}

func (f *Fault) ofMaster() bool {
	_, band := f.authority.Band()
	return !band
}

// mend puts right what the factory PIN is enough for.
func (f *Fault) mend(d Drive) error {
	n, _ := f.authority.Band()
	if f.disabled {
		return enable(d, n)
	}
	msid, err := d.MSID()
	if err != nil {
		return err
	}
	if r, err := d.Range(n); err != nil {
		return err
	} else if f.locked || n > 0 && r.Length == 0 && closed(r) {
		// A band without sectors has no lock that a BandMaster could open. Erasing it takes no
		// owner's data: the band has the factory PIN.
		s, err := d.Authenticate(drive.EraseMaster, msid)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Erase(n)
	}
	s, err := d.Authenticate(f.authority, msid) // this alone clears the count of tries
	if err != nil {
		return err
	}
	defer s.Close()
	return vacate(s, d, n)
}

func (f *Fault) mended() string {
	switch n, _ := f.authority.Band(); {
	case f.locked:
		return fmt.Sprintf("band %d was erased, which gives them back", n)
	case f.disabled:
		return "enabled again"
	}
	return "put right"
}

// vacate takes sectors and locks from a band.
func vacate(s drive.Session, d Drive, n int) error {
	r, err := d.Range(n)
	if err != nil || r.RangeConfig == factoryRange && !closed(r) {
		return err
	}
	// Unlocked first: a closed lock would still be closed when the next owner enables locks.
	if n == 0 || r.Length > 0 {
		if err := s.Unlock(); err != nil {
			return err
		}
	}
	return s.SetRange(factoryRange)
}

// vacateAll is vacate for every band of an erased drive: an erase leaves a band its sectors (TCG
// Storage SSC: Enterprise, method Erase).
func vacateAll(d Drive, msid drive.PIN) error {
	for n := 1; n <= d.Config().Ranges; n++ {
		if r, err := d.Range(n); err != nil {
			return err
		} else if r.RangeConfig == factoryRange && !closed(r) {
			continue
		}
		s, err := d.Authenticate(drive.BandMaster(n), msid)
		if err != nil {
			return err
		}
		err = vacate(s, d, n)
		s.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Notes hears what a group put right on a drive that joins, one clause a call.
type Notes interface {
	Mended(serial, did string)
}

// SetNotes sets who hears what the group puts right; nil is nobody.
func (g *Group) SetNotes(n Notes) { g.notes = n }

func (g *Group) noted(d Drive, did ...string) {
	for _, what := range did {
		if g.notes != nil {
			g.notes.Mended(d.Serial(), what)
		}
	}
}
