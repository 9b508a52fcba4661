package encgroup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A used drive may come with bands, locks and PINs of whoever had it before. Inspect and
// Normalize judge the whole drive; nothing joins a group, or a rank, without them.

// factoryRange is a band that has no place and no lock, as it leaves the factory
// (TCG Storage SSC: Enterprise, Locking table).
var factoryRange = drive.RangeConfig{LockOnReset: drive.OnPowerCycle}

// Fault is one thing about a drive that is not as it left the factory.
type Fault struct {
	What  string // "band 2 has a place, sectors 100 to 199"
	Right string // what would be right, or what ends the fault
	// Err is why nobody here may put it right: ErrConfigured or ErrForeign for
	// somebody else's PIN, drive.LockedOut for tries that are used up, or what
	// else the drive answered. It is nil where the factory PIN is enough.
	Err error

	authority drive.Authority
	locked    bool // out of tries
}

// Tries says whether the fault is a count of tries that is used up. Where the
// drive does not keep that count over a loss of power, a power cycle ends it.
func (f *Fault) Tries() bool { return f.locked }

// UnfitError is a drive that somebody else has to put right first. errors.Is
// matches what each fault is.
type UnfitError struct {
	Serial string
	Faults []Fault // those with an Err, at least one
}

func (e *UnfitError) Error() string {
	parts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		parts[i] = f.What + "; " + f.Right
	}
	return strings.Join(parts, "; ")
}

// Unwrap gives the reasons.
func (e *UnfitError) Unwrap() []error {
	out := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		out[i] = f.Err
	}
	return out
}

// Inspect looks at every band, every authority and every count of tries of a
// drive that has no owner here, and lists what is not as from the factory. A drive
// does not say whether SID and EraseMaster have the factory PIN: it is tried, and
// costs a try where it is wrong, but never the last of several. Nothing else is changed. The error is for a drive
// that does not answer, or has no record that can be trusted.
func Inspect(d Drive) ([]Fault, error) {
	switch st := d.Status(); {
	case !st.Powered:
		return nil, drive.NoPower
	case st.State == drive.SecurityDegraded:
		return nil, drive.Degraded
	}
	var out []Fault
	for n := 0; n <= d.Config().Ranges; n++ {
		faults, err := inspectBand(d, n)
		if err != nil {
			return nil, err
		}
		out = append(out, faults...)
	}
	masters, err := inspectMasters(d)
	return append(out, masters...), err
}

// inspectBand judges one band and its BandMaster.
func inspectBand(d Drive, n int) (out []Fault, err error) {
	a := drive.BandMaster(n)
	r, err := d.Range(n)
	if err != nil {
		return nil, err
	}
	if !r.AtMSID {
		return []Fault{{
			What: fmt.Sprintf("%v has somebody's PIN", a), Right: "its owner erases it, or it goes back to him", Err: ErrConfigured, authority: a,
		}}, nil
	}
	add := func(format string, args ...any) {
		out = append(out, Fault{What: fmt.Sprintf(format, args...), Right: "right is a band without a place and without a lock", authority: a})
	}
	used, limit, err := d.Tries(a)
	switch {
	case err != nil:
		return nil, err
	case limit > 0 && used >= limit: // first of all: nothing else can be mended before
		out = append(out, Fault{What: fmt.Sprintf("%v has used up its %d tries", a, limit), Right: "right are unused tries", authority: a, locked: true})
	case used > 0:
		out = append(out, Fault{What: fmt.Sprintf("%v has %d of %d tries used", a, used, limit), Right: "right are unused tries", authority: a})
	}
	switch {
	case r.Length > 0:
		add("band %d has a place, sectors %d to %d", n, r.Start, r.Start+r.Length-1)
	case r.ReadLockEnabled || r.WriteLockEnabled:
		add("band %d has a lock%s", n, engagedWords(r))
	case closed(r):
		add("band %d has a lock that is closed and not enabled", n)
	case r.RangeConfig != factoryRange:
		add("band %d has other settings than from the factory", n)
	}
	return out, nil
}

// closed says whether a lock is closed, enabled or not: one that is not enabled keeps
// nobody out now, and would with the enabling that a migration brings.
func closed(r drive.RangeInfo) bool { return r.ReadLocked || r.WriteLocked }

func engagedWords(r drive.RangeInfo) string {
	switch {
	case r.ReadLocked && r.WriteLocked:
		return " and is locked"
	case r.ReadLocked:
		return " and is locked for reading"
	case r.WriteLocked:
		return " and is locked for writing"
	}
	return ""
}

// inspectMasters judges the two authorities that are over the whole drive.
func inspectMasters(d Drive) (out []Fault, err error) {
	msid, err := d.MSID()
	if err != nil {
		return nil, err
	}
	for _, a := range []drive.Authority{drive.SID, drive.EraseMaster} {
		used, limit, err := d.Tries(a)
		if err != nil {
			return nil, err
		}
		if limit > 1 && used+1 >= limit { // the last try is its owner's
			out = append(out, Fault{
				What:  fmt.Sprintf("%v has used up its tries, %d of %d", a, used, limit),
				Right: "revert the drive with the PSID from its label", Err: drive.LockedOut, authority: a, locked: true,
			})
			continue
		}
		s, err := d.Authenticate(a, msid)
		switch {
		case err == nil:
			s.Close()
		case errors.Is(err, drive.NotAuthorized):
			out = append(out, Fault{
				What: fmt.Sprintf("%v has somebody's PIN", a), Right: "its owner gives it the factory PIN again, or reverts the drive with the PSID from its label", Err: ErrForeign, authority: a,
			})
		default:
			return out, err
		}
	}
	return out, nil
}

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
