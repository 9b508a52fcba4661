package erase

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// EraseMaster may disable a BandMaster (TCG Storage SSC: Enterprise, table Authority, column Enabled). No PIN
// opens it then, not even its owner's, so nobody can prove that a drive is his. Whoever has the PIN of
// EraseMaster may enable it again, which opens no range. The engine does that before it asks for the proof, and
// disables it again where the proof fails: a drive that is not the caller's stays as it is.

// proveDisabled is tryPIN for a BandMaster that is disabled.
func (r *run) proveDisabled(n int, pin drive.PIN) (refused string) {
	a := drive.BandMaster(n)
	if why := r.setEnabled(a, true); why != "" {
		return fmt.Sprintf("%v is disabled, and cannot be enabled to prove its PIN: %s", a, why)
	}
	r.enabled = append(r.enabled, a)
	return r.tryPIN(a, pin)
}

// setEnabled enables or disables a BandMaster, as EraseMaster, and says why it could not.
func (r *run) setEnabled(a drive.Authority, on bool) (refused string) {
	if why := r.tryPIN(drive.EraseMaster, r.eraseMaster()); why != "" {
		return why
	}
	s, err := r.t.Authenticate(drive.EraseMaster, r.eraseMaster())
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	b, ok := s.(drive.BatchSession)
	if !ok {
		return "the drive has no way to do it"
	}
	if err := b.Apply(drive.Batch{Enabled: []drive.Enabled{{Who: a, On: on}}}); err != nil {
		return err.Error()
	}
	r.before = r.t.Status() // it is a key step: the erase is one more
	return ""
}

// disableAgain sets the BandMasters back that proveDisabled has enabled, where the drive is not to be erased.
func (r *run) disableAgain() {
	for _, a := range r.enabled {
		if why := r.setEnabled(a, false); why != "" {
			r.traces = append(r.traces, fmt.Sprintf("%v was disabled, and is enabled now: %s", a, why))
		}
	}
	r.enabled = nil
}
