package erase

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// check refuses an entry that the engine would not have written. A journal is a file, so it is
// judged before it is used.
func (e *Entry) check() error {
	switch {
	case e.Event != eventBegin && e.Event != eventLook && e.Event != eventEnd || e.Serial == "" || (e.Event == eventEnd) != (e.Result != nil):
		return errors.New("not an entry: need an event look, begin, or end with a result, and a serial number")
	case !slices.Contains([]Method{RangeErase, DriveErase, PSIDRevert}, e.Method):
		return fmt.Errorf("method %q, need %q, %q or %q", clip(string(e.Method)), RangeErase, DriveErase, PSIDRevert)
	case e.Range < 0:
		return fmt.Errorf("range %d, need 0 or more", e.Range)
	case e.Event != eventBegin && len(e.Canaries)+len(e.Prints) > 0:
		return fmt.Errorf("canaries or prints with the event %s, need begin", e.Event)
	case e.Event == eventEnd && len(e.Locks) > 0:
		return errors.New("locks with the event end, need look or begin")
	case e.Event != eventEnd && (e.Media != "" || e.Generation != 0):
		return fmt.Errorf("a media sum or a key generation with the event %s, need end", e.Event)
	}
	for i, c := range e.Canaries {
		if len(c.Plain) != oracleSize || len(c.Cipher) != oracleSize {
			return fmt.Errorf("canary %d has %d bytes of plaintext and %d of ciphertext, need %d of both", i+1, len(c.Plain), len(c.Cipher), oracleSize)
		}
	}
	for _, l := range e.Locks {
		if l.Range < 0 || l.LockOnReset&^(drive.OnPowerCycle|drive.OnHardware|drive.OnHotPlug) != 0 {
			return fmt.Errorf("lock setting %#x of range %d, need a set of resets and a range of 0 or more", uint8(l.LockOnReset), l.Range)
		}
	}
	if sum, err := hex.DecodeString(e.Media); err != nil || len(sum) != 0 && len(sum) != 32 {
		return errors.New("the media sum is not the hexadecimal of 32 bytes")
	}
	if e.Result == nil {
		return nil
	}
	return e.checkResult()
}

func (e *Entry) checkResult() error {
	r := e.Result
	if r.Serial != e.Serial || r.Method != e.Method || r.Range != e.Range {
		return fmt.Errorf("the result is of drive %q, %s, range %d, need that of drive %q, %s, range %d", clip(r.Serial), clip(string(r.Method)), r.Range, clip(e.Serial), e.Method, e.Range)
	}
	if !slices.Contains([]Outcome{Passed, NotAccepted, Failed, Refused}, r.Outcome) {
		return fmt.Errorf("the result is %q, need %q, %q, %q or %q", clip(string(r.Outcome)), Passed, NotAccepted, Failed, Refused)
	}
	for _, c := range slices.Concat(r.Checks, r.Validation) {
		if !slices.Contains([]Verdict{Pass, Fail, NotPossible}, c.Verdict) {
			return fmt.Errorf("the verdict of check %q is %q, need %q, %q or %q", clip(c.Name), clip(string(c.Verdict)), Pass, Fail, NotPossible)
		}
	}
	if r.Outcome == Passed && len(r.Failing()) > 0 {
		return fmt.Errorf("the result is passed, and its check %q failed", clip(r.Failing()[0]))
	}
	for _, p := range r.Validation {
		if r.Outcome == Passed && p.Verdict == Fail {
			return fmt.Errorf("the result is passed, and its validation does not hold for %q", clip(p.Name))
		}
	}
	return nil
}

// fits says why an entry under the serial number of a drive is not of that drive.
func (e *Entry) fits(cfg drive.Config) error {
	if e.Range > cfg.Ranges {
		return fmt.Errorf("range %d of drive %s, whose last is %d: the journal is of another drive", e.Range, cfg.Serial, cfg.Ranges)
	}
	for _, l := range e.Locks {
		if l.Range > cfg.Ranges {
			return fmt.Errorf("locks of range %d of drive %s, whose last is %d: the journal is of another drive", l.Range, cfg.Serial, cfg.Ranges)
		}
	}
	for _, c := range e.Canaries {
		if c.LBA >= cfg.Sectors {
			return fmt.Errorf("a canary at LBA %d of drive %s, which has %d sectors: the journal is of another drive", c.LBA, cfg.Serial, cfg.Sectors)
		}
	}
	return nil
}

// remember takes in the entries of this drive's serial number, or says why they are another
// drive's.
func (r *run) remember(past []Entry) error {
	for i := range past {
		p := &past[i]
		if p.Serial != r.res.Serial {
			continue
		}
		if err := p.fits(r.cfg); err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
		r.rememberLocks(p)
		r.recall(p)
		same := p.Method == r.job.Method && p.Range == r.job.Range
		if !same && r.job.Method == RangeErase {
			continue
		}
		switch {
		case p.Event == eventBegin:
			if same {
				r.res.Attempts++
			}
			r.passed = nil
			r.oldCanaries = append(r.oldCanaries, p.Canaries...)
			// Those of a PSID revert cover what no other method erases.
			if same || p.Method != PSIDRevert {
				r.oldPrints = append(r.oldPrints, p.Prints...)
			}
		case p.Event == eventEnd && p.Result.Outcome == Passed && same:
			r.passed, r.passedPrints, r.passedCanaries = p, r.oldPrints, r.oldCanaries
			r.oldPrints, r.oldCanaries = nil, nil
		}
	}
	return nil
}
