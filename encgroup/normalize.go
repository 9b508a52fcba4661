package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Normalize brings a drive without an owner into the state in which it left the
// factory, as far as the factory PIN reaches: a band loses its place and its lock, a BandMaster
// whose tries are used up gets them back by the erase of its band. It says what it did, a
// clause each. If somebody else's PIN is in the way, or SID or EraseMaster has no tries
// left, the error is an *UnfitError and nothing was changed. After other errors some
// of it may be done; calling again goes on.
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

// Reclaim is Normalize for a drive without an owner that comes back with data in its
// data range: it takes places and locks away, and erases nothing. Tries that are used up, and a
// SID or EraseMaster with somebody's PIN, do not keep anybody from the data: they are said and stay.
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
	msid, err := d.MSID()
	if err != nil {
		return err
	}
	if r, err := d.Range(n); err != nil {
		return err
	} else if f.locked || n > 0 && r.Length == 0 && closed(r) {
		// A band without a place has no lock that a BandMaster could open. It is at the factory PIN: there is no owner whose data this takes.
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
	if n, _ := f.authority.Band(); f.locked {
		return fmt.Sprintf("band %d was erased, which gives them back", n)
	}
	return "put right"
}

// vacate takes place and locks from a band.
func vacate(s drive.Session, d Drive, n int) error {
	r, err := d.Range(n)
	if err != nil || r.RangeConfig == factoryRange && !closed(r) {
		return err
	}
	// Unlocked first: a lock that is engaged would engage again with the next
	// owner's.
	if n == 0 || r.Length > 0 {
		if err := s.Unlock(); err != nil {
			return err
		}
	}
	return s.SetRange(factoryRange)
}

// vacateAll is vacate of every band of an erased drive: an erase leaves a band its
// place (TCG Storage SSC: Enterprise, method Erase).
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

// SetNotes names who is told what the group put right on a drive that it took in, a
// clause each time; nil is nobody.
func (g *Group) SetNotes(f func(serial, did string)) { g.notes = f }

func (g *Group) noted(d Drive, did ...string) {
	for _, what := range did {
		if g.notes != nil {
			g.notes(d.Serial(), what)
		}
	}
}
