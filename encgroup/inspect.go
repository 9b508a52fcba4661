package encgroup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A used drive may come with the bands, locks and PINs of its last owner. Inspect and Normalize
// judge the whole drive; no drive joins a group, or a rank, without them.

// factoryRange is a band as it leaves the factory: it covers no sectors and has no lock (TCG
// Storage SSC: Enterprise, Locking table).
var factoryRange = drive.RangeConfig{LockOnReset: drive.OnPowerCycle}

// Fault is one deviation of a drive from its factory state.
type Fault struct {
	What  string // "band 2 covers sectors 100 to 199"
	Right string // what would be right, or what ends the fault
	// Err is nil if the factory PIN is enough to mend the fault. Else it says why the facility may
	// not mend it: ErrConfigured or ErrForeign for somebody else's PIN, drive.LockedOut for used-up
	// tries, or what the drive answered.
	Err error

	authority drive.Authority
	locked    bool // out of tries
	disabled  bool // may not authenticate
}

// Tries says whether the fault is that all tries are used up. If the drive does not keep that count
// over a loss of power, a power cycle ends the fault.
func (f *Fault) Tries() bool { return f.locked }

// UnfitError is about a drive that its owner has to put right first. errors.Is matches the Err of
// each fault.
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

// Inspect looks at every band, every authority and every count of tries of a drive that is no
// member, and lists what is not in its factory state. A drive does not say whether SID and
// EraseMaster have the factory PIN, so Inspect tries it. A wrong guess uses up a try, but never the
// last of several. Nothing else is changed. The error is for a drive that does not answer
// (drive.NoPower) or has no record that can be trusted (drive.Degraded).
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
		out = append(out, Fault{What: fmt.Sprintf(format, args...), Right: "right is a band without sectors and without a lock", authority: a})
	}
	if r.Disabled { // first: nothing else can be mended before it
		out = append(out, Fault{What: fmt.Sprintf("%v is disabled", a), Right: "right is one that may authenticate", authority: a, disabled: true})
	}
	used, limit, err := d.Tries(a)
	switch {
	case err != nil:
		return nil, err
	case limit > 0 && used >= limit: // first: nothing else can be mended before it
		out = append(out, Fault{What: fmt.Sprintf("%v has used up its %d tries", a, limit), Right: "right are unused tries", authority: a, locked: true})
	case used > 0:
		out = append(out, Fault{What: fmt.Sprintf("%v has %d of %d tries used", a, used, limit), Right: "right are unused tries", authority: a})
	}
	switch {
	case r.Length > 0:
		add("band %d covers sectors %d to %d", n, r.Start, r.Start+r.Length-1)
	case r.ReadLockEnabled || r.WriteLockEnabled:
		add("band %d has a lock%s", n, engagedWords(r))
	case closed(r):
		add("band %d has a lock that is closed and not enabled", n)
	case r.RangeConfig != factoryRange:
		add("band %d has other settings than from the factory", n)
	}
	return out, nil
}

// closed says whether a lock is closed, enabled or not. One that is not enabled locks nothing now,
// but will once a migration enables it.
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
