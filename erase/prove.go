package erase

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// prove finds out whether the caller may erase the drive, and returns why not, or "". Nothing but
// try counters is written, and what disableAgain takes back. No other place decides this.
func (r *run) prove() (refused string) {
	if refused = r.proveAll(); refused != "" {
		r.disableAgain()
	}
	return refused
}

func (r *run) proveAll() (refused string) {
	r.before = r.t.Status()
	if !r.before.Powered {
		return "the drive has no power, or its port is dead"
	}
	msid, err := r.t.MSID()
	if err != nil {
		return "the MSID cannot be read: " + err.Error()
	}
	r.msid = msid
	first, last := 0, r.cfg.Ranges
	if r.job.Method == RangeErase {
		first, last = r.job.Range, r.job.Range
	}
	foreign := ""
	for n := first; n <= last; n++ {
		g, why := r.proveRange(n)
		r.ranges = append(r.ranges, g)
		if why != "" && foreign == "" {
			foreign = why
		}
		if why != "" && r.job.Method != PSIDRevert {
			return why
		}
	}
	if r.job.Method == PSIDRevert {
		if foreign != "" && r.job.Destroy != r.res.Serial {
			return foreign + "; to destroy it all the same, acknowledge the serial number " + r.res.Serial
		}
		return ""
	}
	if why := r.tryPIN(drive.EraseMaster, r.eraseMaster()); why != "" {
		return why
	}
	return ""
}

// proveRange finds out whether the caller owns range n, and returns why not.
func (r *run) proveRange(n int) (target, string) {
	g := target{n: n}
	info, err := r.t.Range(n)
	if errors.Is(err, drive.Degraded) {
		return g, fmt.Sprintf("range %d cannot be asked for its owner: the drive has no security record that can be trusted; a PSID revert makes it usable again, and gives its data up", n)
	}
	if err != nil {
		return g, fmt.Sprintf("range %d cannot be asked for its owner: %v", n, err)
	}
	g.info, g.known = info, true
	g.was = r.asOwnerLeft(n, info.RangeConfig)
	if n > 0 && info.Length == 0 && r.job.Method == RangeErase {
		return g, fmt.Sprintf("range %d is inactive: it holds no data", n)
	}
	pin, given := r.credential(n)
	switch {
	case info.AtMSID: // also when a credential is given: an earlier attempt may have got this far
		pin = r.msid
	case !given:
		return g, fmt.Sprintf("range %d is configured and no credential was given for it: it may hold someone's data", n)
	}
	why := ""
	if info.Disabled {
		why = r.proveDisabled(n, pin)
	} else {
		why = r.tryPIN(drive.BandMaster(n), pin)
	}
	if why != "" {
		return g, why
	}
	g.pin, g.owned = pin.Clone(), true // forget clears it; the caller's stays
	return g, ""
}

// credential is the caller's credential for range n.
func (r *run) credential(n int) (drive.PIN, bool) {
	for _, c := range r.job.Owner {
		if c.Range == n {
			return c.PIN, true
		}
	}
	return drive.PIN{}, false
}

// tryPIN opens and closes a session. A wrong PIN costs a try, so it does not spend the last of
// several.
func (r *run) tryPIN(a drive.Authority, pin drive.PIN) (refused string) {
	used, limit, err := r.t.Tries(a)
	if err != nil {
		return fmt.Sprintf("%v cannot be asked for its tries: %v", a, err)
	}
	if limit > 1 && int(used)+1 >= int(limit) {
		return fmt.Sprintf("%v has %d of %d tries left: a wrong PIN would lock it for good", a, max(int(limit)-int(used), 0), limit)
	}
	s, err := r.t.Authenticate(a, pin)
	if errors.Is(err, drive.NotAuthorized) {
		return fmt.Sprintf("%v refuses the PIN that was given or assumed for it, which has cost one try: the drive is not the caller's", a)
	}
	if err != nil {
		return fmt.Sprintf("%v cannot authenticate: %v", a, err)
	}
	s.Close()
	return ""
}

// know collects every secret for the search.
func (r *run) know() {
	fuses := r.t.Fuses()
	s := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", fuses.MSID)}
	if !r.msid.Equal(fuses.MSID) && r.msid.Len() > 0 {
		s = append(s, forensic.PIN("MSID as the drive tells it", r.msid))
	}
	r.owners = len(s)
	for _, c := range r.job.Owner {
		s = append(s, forensic.PIN(c.name(), c.PIN))
	}
	if r.job.EraseMaster.Len() > 0 {
		s = append(s, forensic.PIN("EraseMaster PIN", r.job.EraseMaster))
	}
	if r.job.PSID.Len() > 0 {
		s = append(s, forensic.PIN("PSID", r.job.PSID))
	}
	fuses.Clear()
	r.own = len(s)
	r.secrets = append(s, r.job.Secrets...)
}

// forget clears the copies of secrets that the run made; the caller's stay.
func (r *run) forget() {
	if r.searcher != nil {
		r.searcher.Clear()
	}
	for _, s := range r.secrets[:r.own] {
		s.Clear()
	}
	for i := range r.ranges {
		r.ranges[i].pin.Clear()
	}
}
