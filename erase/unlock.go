package erase

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// unlock makes a locked range of the caller readable for a moment; the function that it returns
// locks the range again and leaves it as it was. Its error is the journal's.
//
// Unlocking must not be a key step. Where a lock outlives power, a record that calls it open would
// put the media key under the root key, and a power cut would leave the range open to everybody.
// While LockOnReset names the power cycle (TCG Storage Core Specification, Locking table), an
// unlock lives in RAM alone, and a power cut leaves the range locked. So LockOnReset gets the power
// cycle first, and loses it last. Neither changes who has the key after a power cycle: nobody
// without the BandMaster's PIN. That a real Enterprise drive keeps the key behind the PIN in that
// state is an assumption.
func (r *run) unlock(g *target) (relock func(), err error) {
	nothing := func() {}
	if !g.owned || !engaged(g.info) {
		// What an earlier attempt changed is not set back in an unlocked range: it
		// would be open to all for good, and that is for the owner to decide.
		return nothing, nil
	}
	s, err := r.t.Authenticate(drive.BandMaster(g.n), g.pin)
	if err != nil {
		return nothing, nil // then there is no known plaintext, and the control says so
	}
	c := g.info.RangeConfig
	if c.LockOnReset&drive.OnPowerCycle == 0 {
		if err := r.append(Entry{Event: eventLook, Locks: []LockSetting{{Range: g.n, LockOnReset: g.was.LockOnReset}}}); err != nil {
			s.Close()
			return nothing, err
		}
		c.LockOnReset |= drive.OnPowerCycle
		r.oldLocks[g.n] = g.was.LockOnReset
		if err := s.SetRange(c); err != nil {
			if untouched(err) {
				delete(r.oldLocks, g.n)
			}
			s.Close()
			return nothing, nil
		}
	}
	_ = s.SetLocks(false, false) // if it fails the read does, too, and there is no known plaintext
	return func() { r.relock(s, g, c) }, nil
}

// relock ends what unlock began; c is how the range stands.
func (r *run) relock(s drive.Session, g *target, c drive.RangeConfig) {
	defer s.Close()
	err := s.SetLocks(g.info.ReadLocked, g.info.WriteLocked)
	if errors.Is(err, drive.NoPower) || errors.Is(err, drive.PowerLost) {
		return // locked, as it always is without power
	}
	if err != nil {
		// Without the power cycle in LockOnReset, what is now perhaps open would
		// stay so.
		r.traces = append(r.traces, fmt.Sprintf("range %d may be unlocked until its next power cycle (%v)", g.n, err))
		return
	}
	if c != g.was && s.SetRange(g.was) == nil {
		delete(r.oldLocks, g.n)
	}
}

// withTraces adds to why what taking the known plaintext has left behind, now or in an earlier
// attempt.
func (r *run) withTraces(why string) string {
	parts := append([]string{why}, r.traces...)
	for _, l := range r.changedLocks() {
		parts = append(parts, fmt.Sprintf("LockOnReset of range %d may name the power cycle, which its owner had not set", l.Range))
	}
	return strings.Join(parts, "; ")
}

// changedLocks are the settings that a later attempt has to set back.
func (r *run) changedLocks() []LockSetting {
	var out []LockSetting
	for n := range r.cfg.Ranges + 1 {
		if was, ok := r.oldLocks[n]; ok {
			out = append(out, LockSetting{Range: n, LockOnReset: was})
		}
	}
	return out
}

// rememberLocks takes in, from an entry of the journal, what an earlier attempt has changed and not
// set back.
func (r *run) rememberLocks(p *Entry) {
	switch {
	case p.Event == eventBegin:
		clear(r.oldLocks)
	case p.Event == eventEnd && (p.Result.Outcome == Passed || p.Result.Outcome == NotAccepted):
		// An erase sets LockOnReset itself, and both outcomes say that it was verified.
		for n := range r.cfg.Ranges + 1 {
			if p.Method != RangeErase || p.Range == n {
				delete(r.oldLocks, n)
			}
		}
	}
	for _, l := range p.Locks {
		r.oldLocks[l.Range] = l.LockOnReset
	}
}

// asOwnerLeft is the configuration of a range before an earlier attempt changed
// it. Where the owner has changed it since, it is the owner's.
func (r *run) asOwnerLeft(n int, c drive.RangeConfig) drive.RangeConfig {
	was, ok := r.oldLocks[n]
	if ok && c.LockOnReset == was|drive.OnPowerCycle {
		c.LockOnReset = was
		return c
	}
	delete(r.oldLocks, n)
	return c
}

// untouched says whether a drive that answers so has done nothing.
func untouched(err error) bool {
	nothing := []drive.Code{
		drive.NotAuthorized, drive.LockedOut, drive.SPBusy, drive.NoPower, drive.NoSession,
		drive.InvalidParameter, drive.InvalidState, drive.OutOfRange, drive.Locked,
	}
	return slices.ContainsFunc(nothing, func(c drive.Code) bool { return errors.Is(err, c) })
}

// engaged says whether some direction of the range is locked.
func engaged(i drive.RangeInfo) bool {
	return i.ReadLockEnabled && i.ReadLocked || i.WriteLockEnabled && i.WriteLocked
}
