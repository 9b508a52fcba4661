package tcg

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// The maker's security protocol: what a host of fdelab's Enterprise drives needs and TCG Storage has no
// word for. It tells what drive.Status and drive.Tries tell anybody, and takes no PIN.

// makers answers an IF-RECV of the maker's protocol.
func (t *TPer) makers(page uint16) ([]byte, error) {
	switch page {
	case spec.MakerReport:
		r := t.report()
		return r.Append(nil), nil
	case spec.MakerAttestation:
		if !t.challenged {
			return nil, nil
		}
		a, err := t.d.Attest(t.challenge)
		if err != nil {
			return nil, transport.NoPower // all that Attest refuses
		}
		out := spec.Attestation{Identity: a.Identity, Signature: a.Signature, Serial: a.Serial}
		return out.Append(nil), nil
	}
	return nil, transport.InvalidParameter
}

// sendMakers takes an IF-SEND of the maker's protocol: a challenge. What hosts pad it with is not looked at.
func (t *TPer) sendMakers(page uint16, b []byte) error {
	if page != spec.MakerAttestation {
		return transport.InvalidParameter
	}
	if len(b) < spec.ChallengeSize {
		return transport.InvalidTransferLength
	}
	copy(t.challenge[:], b)
	t.challenged = true
	return nil
}

// reportStates are the lifecycle states as a report numbers them.
var reportStates = map[drive.State]uint8{
	drive.Erased: spec.ReportErased, drive.Configured: spec.ReportConfigured, drive.SecurityDegraded: spec.ReportSecurityDegraded,
}

// failures are what FAIL stands for, as a report numbers it.
var failures = map[drive.Code]uint8{
	drive.Degraded: spec.FailedDegraded, drive.InvalidState: spec.FailedState, drive.EntropyFailure: spec.FailedEntropy,
}

// statusOf is statusOf, and keeps for a report what a FAIL was about.
func (t *TPer) statusOf(err error) spec.Status {
	st := statusOf(err)
	if st == spec.Fail {
		t.failure = spec.FailedHardware
		var refused *drive.StatusError
		if errors.As(err, &refused) && failures[refused.Code] != 0 {
			t.failure = failures[refused.Code]
		}
	}
	return st
}

func (t *TPer) report() spec.Report {
	c, st := t.d.Config(), t.d.Status()
	r := spec.Report{
		State: reportStates[st.State], LockEnabled: st.LockEnabled, ScrubNeeded: st.ScrubNeeded, KeyGeneration: st.KeyGeneration,
		Persistent: c.Persistent, Iterations: uint32(c.PBKDF2Iterations), TryLimit: c.TryLimit,
		LastFailure: t.failure,
	}
	add := func(u spec.UID, who drive.Authority) {
		used, _, err := t.d.Tries(who)
		if err != nil {
			return // there is no record
		}
		a := spec.ReportedAuthority{UID: u, Tries: used}
		if who != drive.PSID {
			a.AtMSID, _ = t.d.AtMSID(who)
		}
		r.Authorities = append(r.Authorities, a)
	}
	add(spec.SID, drive.SID)
	add(spec.PSID, drive.PSID)
	add(spec.EraseMaster, drive.EraseMaster)
	for n := range c.Ranges + 1 {
		add(spec.BandMaster(n), drive.BandMaster(n))
	}
	return r
}

// restore is the maker's method Restore: a BandMaster leads the drive out of SecurityDegraded.
func restore(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	if c.s.tx != nil || len(c.params) != 0 {
		return nil, spec.InvalidParameter
	}
	ses, err := c.s.handle()
	if err != nil {
		return nil, err
	}
	return nil, ses.Restore()
}
