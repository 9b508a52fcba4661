package erase

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// search searches the drive's dump as it is now. What an earlier search of the run has seen is not
// tried again.
func (r *run) search() (forensic.Findings, drive.Dump) {
	dump := r.t.Dump()
	if r.searcher == nil {
		o := r.e.o.Search
		o.Iterations = r.cfg.PBKDF2Iterations
		s, err := forensic.NewSearcher(r.secrets, r.oracles, o)
		if err != nil {
			panic("BUG: erase: " + err.Error())
		}
		r.searcher = s
	}
	return r.searcher.Search(dump), dump
}

// examine searches the dump before the erase: as a control of the search, and to
// learn which wraps have to go.
func (r *run) examine() {
	found, dump := r.search()
	open := map[string]string{} // oracle to the first way that was found
	for _, f := range found.Keys {
		if open[f.Oracle] == "" {
			open[f.Oracle] = f.String()
		}
		r.strength = min(r.strength, f.Bits)
	}
	r.control = Check{Name: CheckControl, Verdict: Pass}
	shut := []string{}
	mine := len(r.oracles) - len(r.oldCanaries)
	for _, o := range r.oracles[:mine] {
		if open[o.Name] == "" {
			shut = append(shut, o.Name)
		}
	}
	switch {
	case mine == 0:
		r.control.Verdict, r.control.Why = NotPossible, "there is no known plaintext: nothing can be read or written without a credential"
	case len(r.bare) > 0:
		// What a search finds for one range says nothing of another.
		r.control.Verdict, r.control.Why = NotPossible, fmt.Sprintf("there is no known plaintext for range %d", r.bare[0])
	case len(shut) > 0:
		r.control.Verdict, r.control.Why = NotPossible, "the secrets given do not open "+strings.Join(shut, ", ")+" even before the erase, so a search that finds nothing says nothing"
	default:
		r.control.Why = "before the erase: " + open[r.oracles[0].Name]
	}
	if r.job.Method == PSIDRevert {
		r.prints, r.all = forensic.PrintsOfAll(dump), true
	} else {
		r.prints = forensic.PrintsOfWraps(dump, append(r.doomed(found.Wraps), found.Keys...))
	}
}

// doomed picks the wraps of MEKs that must go beside those that open a known
// plaintext: all of them if the whole drive is erased. Where one range is erased and
// no known plaintext tells which are its own, those that its credential opens: other
// ranges whose owner gave them the same PIN then count as left behind.
func (r *run) doomed(wraps []forensic.Finding) []forensic.Finding {
	var out []forensic.Finding
	for _, f := range wraps {
		if f.Last().Name == "MEK" && (r.job.Method == DriveErase || r.control.Verdict != Pass && r.opensRange(f.Path[0])) {
			out = append(out, f)
		}
	}
	return out
}

// opensRange says whether a path starts at the caller's credential of the erased
// range, and not at the MSID, which opens other ranges too.
func (r *run) opensRange(start forensic.Step) bool {
	n := start.Secret - 1 - r.owners
	if n < 0 || n >= len(r.job.Owner) {
		return false
	}
	c := &r.job.Owner[n]
	return c.Range == r.job.Range && !c.PIN.Equal(r.msid)
}

// verify judges the drive after the erase, which ended in err.
func (r *run) verify(err error) {
	command := Check{Name: CheckCommand, Verdict: Pass, Why: "accepted"}
	if err != nil {
		command.Verdict, command.Why = Fail, err.Error()
	}
	search, weak, remains := r.checkDump()
	r.res.Checks = append(r.res.Checks[:0], command, r.control, r.checkState(), r.checkCredentials(), r.checkMSID(), r.checkPlaintext(), search, weak, remains)
	evidence := r.control.Verdict == Pass && search.Verdict == Pass || remains.Verdict == Pass
	switch failing := r.res.Failing(); {
	case len(failing) > 0:
		r.res.Outcome, r.res.Why = Failed, degradedBecause(failing)
	case !evidence:
		r.res.Outcome, r.res.Why = Failed, "security degraded: neither the flash nor the media gave evidence, and the drive's word is not enough"
	default:
		r.res.Outcome, r.res.Why = Passed, ""
	}
}

// failures says of each check what it means that it failed.
var failures = map[string]string{
	CheckCommand:    "the drive did not carry the erase command out",
	CheckState:      "what it says of itself does not agree with an erased drive",
	CheckCredential: "an old credential is not refused",
	CheckMSID:       "the MSID does not open each erased range",
	CheckPlaintext:  "the old data can still be read",
	CheckSearch:     "a key in its flash still opens the old data",
	CheckWeak:       "a wrap in its flash opens without a secret",
	CheckRemains:    "pieces of an old wrap are left in its flash",
}

// degradedBecause is the verdict of checks that failed, as a sentence.
func degradedBecause(failing []string) string {
	var why []string
	for _, name := range failing {
		why = append(why, failures[name])
	}
	last := len(why) - 1
	if last == 0 {
		return "security degraded: " + why[0]
	}
	return "security degraded: " + strings.Join(why[:last], ", ") + ", and " + why[last]
}

// checkDump makes the checks that need no cooperation of the drive.
func (r *run) checkDump() (search, weak, remains Check) {
	found, dump := r.search()
	search = Check{Name: CheckSearch, Verdict: Pass, Why: fmt.Sprintf("%d secrets, %v: nothing opens %d known plaintexts", len(r.secrets), found.Tried, len(r.oracles))}
	switch {
	case len(found.Keys) > 0:
		search.Verdict, search.Why = Fail, found.Keys[0].String()
		if n := len(found.Keys) - 1; n > 0 {
			search.Why += fmt.Sprintf(", and %d more ways", n)
		}
	case len(r.oracles) == 0:
		search.Verdict, search.Why = NotPossible, "there is no known plaintext"
	}
	weak = Check{Name: CheckWeak, Verdict: Pass, Why: "no wrap opens with a constant, nothing, or without the root key"}
	if w := found.Weak(); len(w) > 0 {
		weak.Verdict, weak.Why = Fail, w[0].String()
	}
	prints := append(r.oldPrints[:len(r.oldPrints):len(r.oldPrints)], r.prints...)
	r.samples = Samples{
		Plaintexts: len(r.oracles), Secrets: len(r.secrets), Pieces: len(prints),
		Pages: found.Tried.Pages, Windows: found.Tried.Windows, Unwraps: found.Tried.Unwraps,
	}
	remains = Check{Name: CheckRemains, Verdict: Pass}
	what := "the wraps of the old keys"
	if r.all {
		what = "all that looked like key material"
	}
	left := forensic.Remains(dump, prints)
	switch {
	case len(prints) == 0:
		remains.Verdict, remains.Why = NotPossible, "no wrap was found that had to go"
	case len(left) > 0:
		remains.Verdict, remains.Why = Fail, fmt.Sprintf("%v, and on %d more pages", left[0], len(left)-1)
		if len(left) == 1 {
			remains.Why = left[0].String()
		}
	default:
		remains.Why = fmt.Sprintf("%s: none of %d pieces is left", what, len(prints))
	}
	if err := dump.Unread(); err != nil { // whatever the others hold
		search.Verdict, search.Why = Fail, "a page of the flash cannot be read, and nobody knows what it holds: "+err.Error()
	}
	return search, weak, remains
}

// checkState compares what the drive says of itself.
func (r *run) checkState() Check {
	c := Check{Name: CheckState, Verdict: Pass}
	s := r.t.Status()
	fail := func(format string, a ...any) Check {
		c.Verdict, c.Why = Fail, fmt.Sprintf(format, a...)
		return c
	}
	switch {
	case !s.Powered:
		return fail("the drive has no power")
	case s.State == drive.SecurityDegraded || r.job.Method != RangeErase && s.State != drive.Erased:
		return fail("the drive says it is %v", s.State)
	case s.KeyGeneration == r.before.KeyGeneration:
		return fail("the drive says no key has changed")
	}
	for _, g := range r.ranges {
		i, err := r.t.Range(g.n)
		if err != nil {
			return fail("range %d cannot be asked: %v", g.n, err)
		}
		if !i.AtMSID || i.ReadLockEnabled || i.WriteLockEnabled {
			return fail("the drive says range %d is still configured", g.n)
		}
		if r.job.Method != RangeErase && i.Length > 0 {
			return fail("range %d still has a place, sectors %d to %d", g.n, i.Start, i.Start+i.Length-1)
		}
	}
	c.Why = fmt.Sprintf("the drive says %v, at MSID, unlocked", s.State)
	return c
}

// checkCredentials presents each old credential once.
func (r *run) checkCredentials() Check {
	c := Check{Name: CheckCredential, Verdict: NotPossible, Why: "no credential but the MSID is known"}
	for _, g := range r.ranges {
		if g.pin.Len() == 0 || g.pin.Equal(r.msid) {
			continue
		}
		a := drive.BandMaster(g.n)
		used, limit, err := r.t.Tries(a)
		if err == nil && limit > 0 && int(used)+1 >= int(limit) {
			c.Why = fmt.Sprintf("%v has %d of %d tries left: the check would lock it", a, max(int(limit)-int(used), 0), limit)
			continue
		}
		s, err := r.t.Authenticate(a, g.pin)
		if err == nil {
			s.Close()
			return Check{Name: CheckCredential, Verdict: Fail, Why: fmt.Sprintf("%v still accepts the old credential", a)}
		}
		if !errors.Is(err, drive.NotAuthorized) {
			return Check{Name: CheckCredential, Verdict: Fail, Why: fmt.Sprintf("%v neither accepts nor refuses: %v", a, err)}
		}
		c.Verdict, c.Why = Pass, "the old credential is refused"
	}
	return c
}

// checkMSID opens each erased range with the MSID, and after a PSID revert the
// other authorities too.
func (r *run) checkMSID() Check {
	var who []drive.Authority
	for _, g := range r.ranges {
		who = append(who, drive.BandMaster(g.n))
	}
	if r.job.Method == PSIDRevert {
		who = append(who, drive.SID, drive.EraseMaster)
	}
	for _, a := range who {
		s, err := r.t.Authenticate(a, r.msid)
		if err != nil {
			return Check{Name: CheckMSID, Verdict: Fail, Why: fmt.Sprintf("%v: %v", a, err)}
		}
		s.Close()
	}
	return Check{Name: CheckMSID, Verdict: Pass, Why: fmt.Sprintf("%d authorities accept the MSID", len(who))}
}

// checkPlaintext reads the known sectors back. A sector that cannot be read
// proves nothing: it may hold what it held.
func (r *run) checkPlaintext() Check {
	if len(r.oracles) == 0 {
		return Check{Name: CheckPlaintext, Verdict: NotPossible, Why: "there is no known plaintext"}
	}
	sector := make([]byte, r.cfg.SectorSize)
	var unread []string
	for _, o := range r.oracles {
		switch err := r.t.Read(o.LBA, sector); {
		case errors.Is(err, drive.MediaFailure):
			unread = append(unread, o.Name)
		case err != nil:
			return Check{Name: CheckPlaintext, Verdict: Fail, Why: fmt.Sprintf("%s: %v", o.Name, err)}
		case bytes.Equal(sector[:len(o.Plain)], o.Plain):
			return Check{Name: CheckPlaintext, Verdict: Fail, Why: o.Name + " still reads as before"}
		}
	}
	known := len(r.oracles)
	switch r.unread = len(unread); {
	case r.unread == known:
		return Check{Name: CheckPlaintext, Verdict: NotPossible, Why: fmt.Sprintf("none of %d known sectors can be read, so this check proves nothing: %s", known, list(unread))}
	case r.unread > 0:
		return Check{Name: CheckPlaintext, Verdict: Pass, Why: fmt.Sprintf("%d of %d known sectors read differently; nothing is proved of %d that cannot be read: %s", known-r.unread, known, r.unread, list(unread))}
	}
	return Check{Name: CheckPlaintext, Verdict: Pass, Why: fmt.Sprintf("%d known sectors read differently", known)}
}

// list names the first few.
func list(names []string) string {
	const most = 3
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	return strings.Join(names, ", ")
}
