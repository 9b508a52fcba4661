package erase

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// certify signs a certificate for a drive that passed, and a record of one that
// was not accepted.
func (r *run) certify() {
	if r.res.Outcome != Passed && r.res.Outcome != NotAccepted || r.e.sign == nil {
		return
	}
	var names []string
	for _, c := range r.res.Checks {
		if c.Verdict == Pass {
			names = append(names, r.checked(c.Name))
		}
	}
	s := r.statement()
	s.Verification.Method = "search of the full flash dump for keys with every known secret, independent of the drive's report"
	s.Verification.Checks = strings.Join(names, ", ")
	s.Validation = r.validation()
	s.Started, s.Date = at(r.res.Started), at(r.now())
	s.Timeline = r.timeline(r.command())
	r.sign(s)
}

// checked is the name of a check that passed, with what is left open of it.
func (r *run) checked(name string) string {
	if name == CheckPlaintext && r.unread > 0 {
		return name + fmt.Sprintf(" (%d of %d sectors; the others cannot be read)", len(r.oracles)-r.unread, len(r.oracles))
	}
	return name
}

// command is what the drive was told to do.
func (r *run) command() string {
	switch r.job.Method {
	case RangeErase:
		return fmt.Sprintf("EraseMaster erase of range %d", r.job.Range)
	case PSIDRevert:
		return "revert with the PSID"
	}
	return "EraseMaster erase of all ranges"
}

// statement is what a certificate of this run says, whoever erased the drive.
func (r *run) statement() Statement {
	s := r.e.o.Statement
	s.MediaModel, s.MediaSerial, s.MediaIdentity = r.cfg.Model, r.res.Serial, r.proved
	if s.MediaType == "" {
		s.MediaType = "self-encrypting drive, AES-256-XTS"
	}
	s.Extent = "whole drive"
	if r.job.Method == RangeErase {
		s.Extent = fmt.Sprintf("range %d", r.job.Range)
	}
	s.Method, s.Technique = purge, cryptographicErase
	s.MethodDetails = r.command() + "; new media encryption key, old key wraps destroyed in flash"
	s.Tool = r.e.o.Tool
	s.Verification = Verification{Adversary: forensic.ReadsFuses.Level(), Samples: r.samples, Result: verificationPassed}
	if len(r.job.Owner)+len(r.job.Secrets) > 0 {
		s.Verification.Adversary = forensic.KnowsRetired.Level()
	}
	return s
}

// sign makes the certificate, or says why there is none.
func (r *run) sign(s Statement) {
	c, err := r.e.sign(s)
	if err != nil {
		r.res.Why = "no certificate: " + err.Error() // a serial or model that does not print
		return
	}
	r.res.Certificate = c
}

// validation is what a certificate says of the validation.
func (r *run) validation() Validation {
	v := Validation{Outcome: Accepted, By: r.e.o.Tool, Basis: "the new media encryption key, made in the drive, and the destruction of the old one"}
	if len(r.job.Outside) > 0 {
		v.Basis = "the new media encryption key, made in the drive, and not on keys outside it: " + r.holders() + " may keep theirs"
	}
	if by := r.e.o.Policy.By; by != "" {
		v.By += ", by the policy of " + by
	}
	var points, open []string
	for _, p := range r.res.Validation {
		points = append(points, p.Name+" "+string(p.Verdict))
		if p.Verdict == NotPossible {
			open = append(open, p.Name)
		}
	}
	v.Considered = strings.Join(points, ", ")
	switch {
	case r.res.Outcome == NotAccepted:
		v.Outcome, v.Reason, v.Basis = Rejected, r.res.Why, "nothing: the erase is not accepted"
	case len(open) > 0:
		v.Reason = "nothing speaks against it; could not be judged: " + strings.Join(open, ", ")
	default:
		v.Reason = "every point was judged and holds"
	}
	v.Reason, v.Basis, v.By = shorten(v.Reason), shorten(v.Basis), shorten(v.By)
	return v
}

// shorten cuts a text that is too long for a field.
func shorten(s string) string { return atMost(s, fieldMax) }

// atMost gives at most so many characters of a text.
func atMost(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}
