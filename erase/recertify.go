package erase

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// recertify signs a certificate for a drive that passed in an earlier run which signed none, and that is
// as it was then. The journal tells what was done and checked; what can be checked without a command
// that writes anything is checked again. It returns why the drive is not what the journal says, or "".
func (r *run) recertify() (why string) {
	look := &run{e: r.e, n: r.n, jobs: r.jobs, job: r.job, t: r.t, cfg: r.cfg, canary: r.canary, history: r.history, res: *r.passed.Result, strength: unreached}
	defer look.forget()
	if why := look.lookAgain(r.passedPrints, r.passedCanaries); why != "" {
		return why
	}
	look.certifyAgain(r.passed.Result)
	r.res.Validation, r.res.Certificate = look.res.Validation, look.res.Certificate
	if r.res.Certificate == nil {
		r.res.Why += "; " + look.res.Why
	}
	return ""
}

// lookAgain makes the checks of a verification, and judges the points of a validation, that need no
// command which changes the drive. They take the places of those of the earlier run.
func (r *run) lookAgain(prints forensic.Prints, canaries []Canary) (why string) {
	first, last := 0, r.cfg.Ranges
	if r.job.Method == RangeErase {
		first, last = r.job.Range, r.job.Range
	}
	for n := first; n <= last; n++ {
		info, err := r.t.Range(n)
		if err != nil {
			return fmt.Sprintf("range %d cannot be asked: %v", n, err)
		}
		r.ranges = append(r.ranges, target{n: n, info: info, known: true})
	}
	r.res.Outcome, r.res.Why = Passed, ""
	r.oldCanaries = canaries
	r.know()
	r.takeCanaries()
	r.prints, r.all = prints, r.job.Method == PSIDRevert
	search, weak, remains := r.checkDump()
	r.again = []Check{r.checkRanges(), r.checkPlaintext(), search, weak, remains}
	r.res.Checks = replaced(r.res.Checks, r.again...)
	if failing := r.res.Failing(); len(failing) > 0 {
		return degradedBecause(failing)
	}
	medium, plain := r.pointMedium()
	points := []Check{medium, plain, r.pointCopies(), r.pointOutside(), r.pointIdentity()}
	r.res.Validation = replaced(r.res.Validation, points...)
	for _, p := range points {
		if p.Verdict == Fail {
			return p.Name + ": " + p.Why
		}
	}
	return ""
}

// replaced is a list of checks with new ones in the places of those of the same names.
func replaced(old []Check, by ...Check) []Check {
	out := make([]Check, len(old))
	copy(out, old)
	for i := range out {
		for _, c := range by {
			if c.Name == out[i].Name {
				out[i] = c
			}
		}
	}
	return out
}

// checkRanges compares what the drive says of itself with what an erase leaves.
func (r *run) checkRanges() Check {
	c := Check{Name: CheckState, Verdict: Pass, Why: fmt.Sprintf("the drive says %v, at MSID, unlocked", r.t.Status().State)}
	if s := r.t.Status(); !s.Powered || s.State == drive.SecurityDegraded || r.job.Method != RangeErase && s.State != drive.Erased {
		c.Verdict, c.Why = Fail, fmt.Sprintf("the drive says it is %v", s.State)
	}
	for _, g := range r.ranges {
		if i, err := r.t.Range(g.n); err != nil || !i.AtMSID || i.ReadLockEnabled || i.WriteLockEnabled || r.job.Method != RangeErase && i.Length > 0 {
			c.Verdict, c.Why = Fail, fmt.Sprintf("the drive says range %d is configured", g.n)
		}
	}
	return c
}

// certifyAgain signs what lookAgain has found beside what the journal tells.
func (r *run) certifyAgain(was *Result) {
	s := r.statement()
	s.MethodDetails += "; by an earlier run, of which the journal tells"
	s.Verification.Method = "by this run: search of the full flash dump with the secrets given to it, without a command that writes; the erase itself: by the run of which the journal tells"
	var now, before []string
	for _, c := range r.again {
		if c.Verdict == Pass {
			now = append(now, r.checked(c.Name))
		}
	}
	for _, c := range was.Checks {
		if c.Verdict == Pass {
			before = append(before, c.Name)
		}
	}
	s.Verification.Checks = "now: " + strings.Join(now, ", ") + "; in the earlier run: " + strings.Join(before, ", ")
	s.Validation = r.validation()
	s.Validation.Reason = shorten(s.Validation.Reason + "; " + PointStrength + " as the earlier run judged it")
	s.Started, s.Date = at(was.Started), at(r.now())
	s.Timeline = r.timelineWith([]Event{
		{at(r.now()), "no key and no sector has changed since, as drive and medium show"},
		{at(r.now()), "its flash was searched again"},
		{at(r.now()), "judged again: accepted"},
	})
	r.sign(s)
}
