package raslab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// errNotErased is below every error of an erase that did not pass.
var errNotErased = errors.New("not erased")

// sanitize erases the drive in a slot with the erase engine, which proves the erase by what is
// physically there. The PSID on the label is used only by somebody who holds the drive in his hand.
// The erase is owed until the record of the drive's group says that the drive has left.
func (l *Lab) sanitize(s *slot, method erase.Method, psid drive.PIN, during string) error {
	if s.port.part == nil {
		return fmt.Errorf("raslab: %w: the slot is empty", errNotErased)
	}
	if err := l.mayErase(s); err != nil {
		return err
	}
	l.owed.owes(s, toErase, during)
	job := erase.Job{Target: &s.port, Method: method}
	defer func() {
		for i := range job.Owner {
			job.Owner[i].PIN.Clear()
		}
		for _, k := range job.Secrets {
			k.Clear()
		}
	}()
	if method == erase.PSIDRevert {
		job.PSID, job.Destroy = psid, s.port.Serial()
	}
	if err := l.keys.knownSecrets(s, &job); err != nil {
		l.owed.settle(s.port.Serial())
		return err
	}
	l.keptOutside(s, &job)
	job.History = append(l.custody.history(s), l.serviceHistory(s, during)...)
	mine := l.ownerOf(s) != nil
	report, err := l.eraser.Run(context.Background(), []erase.Job{job})
	l.health.stale = true
	if err != nil {
		l.owed.settle(s.port.Serial())
		return fmt.Errorf("raslab: %w: %w", errNotErased, err)
	}
	res := &report.Results[0]
	if !report.OK() {
		why := strings.TrimPrefix(res.Why, "drive: ")
		// If nothing was changed, a drive that had no erase due still has none due.
		if mine || res.Outcome != erase.Refused || l.custody.due(s) {
			l.custody.notErased(s, why)
		}
		if res.Outcome == erase.NotAccepted {
			l.custody.notAccepted(s, why, res.Certificate)
		}
		l.owed.settle(s.port.Serial())
		return fmt.Errorf("raslab: %w: %s: %s", errNotErased, res.Outcome, why)
	}
	l.power.powered()
	id, err := l.custody.identify(s)
	if err != nil || res.Certificate == nil || res.Certificate.Statement.MediaIdentity != erase.IdentityText(id) {
		const why = "it was erased, and did not prove which drive it is"
		l.custody.notErased(s, why)
		l.owed.settle(s.port.Serial())
		return fmt.Errorf("raslab: %w: %s", errNotErased, why)
	}
	l.custody.erased(s, id, res.Certificate)
	if m := l.plant.awaited(s.port.Serial()); m != nil && !l.custody.another(m, s) {
		m.lacksAll(l.plant.rankOf(m))
	}
	s.suspect = suspicion{}
	if mine {
		_ = l.forget(s, s.port.Serial(), during) // or it is owed
	} else {
		l.owed.settle(s.port.Serial())
	}
	return nil
}

// serviceHistory is what service actions did with the drive in a slot, as the facility's log has it,
// and for which one it is erased now. What hands did to it is not known to the facility. Where two
// drives had the serial number the log does not say which of them is meant.
func (l *Lab) serviceHistory(s *slot, during string) (all []erase.History) {
	serial := s.port.Serial()
	if len(l.custody.named[serial]) <= 1 {
		begins := s.name + " " + serial + " "
		for i := range l.trace {
			e := &l.trace[i]
			if e.Actor != "service" || !strings.HasPrefix(e.Text, begins) {
				continue
			}
			what, _, _ := strings.Cut(e.Text[len(begins):], ": raslab: ") // why is in the report
			if !strings.ContainsFunc(what, func(r rune) bool { return r < ' ' || r > '~' }) {
				all = append(all, erase.History{Time: e.Time, What: what})
			}
		}
	}
	return append(all, erase.History{Time: l.Now(), What: "to be erased: " + during})
}

// keptOutside tells the engine who keeps keys of this drive besides the drive. Whoever keeps the
// group key (the key servers, the holders of a recovery key) can make the drive's credential again.
// That is an escrow, so the erase must not rest on the credential. It rests on the media key, which
// never leaves the drive, unless the drive was copied with its fuses.
func (l *Lab) keptOutside(s *slot, job *erase.Job) {
	serial := s.port.Serial()
	used := slices.ContainsFunc(l.custody.named[serial], func(e *CustodyRecord) bool { return e.Used })
	for _, g := range l.keys.groups {
		if _, member := g.enc.Member(serial); !member && !used || g.enc.Kind() != encgroup.DAR || g.enc.Record().Phase != encgroup.Enabled {
			continue
		}
		o := erase.Outside{Holder: fmt.Sprintf("the key servers of key group %d", g.id), Searched: g.enc.State() == encgroup.Accessible}
		if len(g.enc.Record().Escrows) > 0 {
			o.Holder = fmt.Sprintf("the key servers and the recovery key holders of key group %d", g.id)
		}
		job.Outside = append(job.Outside, o)
	}
	for _, o := range l.plant.slots {
		// The identity that a drive proves is bound to its serial number, so only drives of that
		// number are asked.
		if o == s || o.port.part == nil || o.port.Serial() != serial {
			continue
		}
		mine, err := l.custody.identify(s)
		its, itsErr := l.custody.identify(o)
		if err == nil && itsErr == nil && mine == its {
			job.Outside = append(job.Outside, erase.Outside{Holder: "the drive in " + o.name + ", which proves the same identity", Copies: true})
		}
	}
}

// knownSecrets gives the engine every secret that the facility ever had for this drive. The
// credential in force proves that the drive is the facility's, and the search for remains needs all
// secrets.
func (k *keys) knownSecrets(s *slot, job *erase.Job) error {
	for _, g := range k.groups {
		all, err := g.enc.Secrets(s.port.Serial())
		if errors.Is(err, encgroup.ErrInaccessible) || errors.Is(err, encgroup.ErrUnconfigured) {
			continue // the engine refuses what it cannot prove
		}
		if err != nil {
			return fmt.Errorf("raslab: %w", err)
		}
		inForce := ""
		if m, ok := g.enc.Member(s.port.Serial()); ok {
			generation := m.Generation
			if generation == 0 {
				generation = m.Pending
			}
			inForce = fmt.Sprintf("credential of %s, generation %d", s.port.Serial(), generation)
		}
		if err := g.bandSecrets(s, job); err != nil {
			return err
		}
		info, err := s.port.Range(0)
		configured := err == nil && !info.AtMSID
		for i := range all {
			n := &all[i]
			if n.Name == inForce && configured && job.Method != erase.PSIDRevert {
				job.Owner = append(job.Owner, erase.Credential{Name: n.Name, PIN: drive.CredentialPIN(n.Secret)})
			} else {
				job.Secrets = append(job.Secrets, forensic.Key(n.Name, n.Secret))
			}
			n.Secret.Clear()
		}
	}
	return nil
}

// bandSecrets is knownSecrets for the bands beside the data range.
func (g *keyGroup) bandSecrets(s *slot, job *erase.Job) error {
	all, err := g.enc.BandSecrets(s.port.Serial(), s.port.Config().Ranges)
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	m, ours := g.enc.Member(s.port.Serial())
	inForce := m.Generation
	if inForce == 0 {
		inForce = m.Pending
	}
	for i := range all {
		n := &all[i]
		info, err := s.port.Range(n.Band)
		if ours && n.Generation == inForce && err == nil && !info.AtMSID && job.Method != erase.PSIDRevert {
			job.Owner = append(job.Owner, erase.Credential{Range: n.Band, Name: n.Name, PIN: drive.CredentialPIN(n.Secret)})
		} else {
			job.Secrets = append(job.Secrets, forensic.Key(n.Name, n.Secret))
		}
		n.Secret.Clear()
	}
	return nil
}

// released erases a drive that leaves a rank, its group or a repair, and says whether the erase is
// proved. If not, the drive is set aside and stays the facility's own.
func (l *Lab) released(rep *reporter, s *slot, during string) bool {
	if err := l.sanitize(s, erase.DriveErase, drive.PIN{}, during); err != nil {
		l.owed.settle(s.port.Serial()) // reported instead of owed
		if s.port.part != nil {
			l.custody.notErased(s, strings.TrimPrefix(cause(err), "raslab: "+errNotErased.Error()+": "))
		}
		rep.failed(s, "was not erased in the "+during, err)
		s.setState(Failed, "not erased")
		return false
	}
	rep.did(s, "erased and verified")
	rep.owes(s.port.Serial())
	if s.state == Failed && !s.predicted() {
		s.setState(Normal, "")
	}
	return true
}

// raiseNotErased reports a drive that should have been erased in a repair, an
// MES install, a rank removal or the recovery after a failed rank creation, and
// was not.
func (l *Lab) raiseNotErased(rep *reporter, s *slot, during string) {
	if s.port.part == nil {
		rep.note("%s is empty: its drive is not in the facility", s.name)
		rep.r.Failed = true
		return
	}
	why := l.custody.unproven(s.port.Serial())
	l.raise(src.BE34009E, s.name, []finding{driveFinding(s, s.port.Serial(), during+": not erased: "+why)}, notErased{l})
	rep.r.Failed = true
}

// notErased is drives in their slots that are not proved to be erased.
type notErased struct{ lab *Lab }

func (m notErased) still(e *event) (still []string) {
	for _, f := range e.found {
		if why := m.lab.custody.unproven(f.serial); why != "" && f.slot.port.Serial() == f.serial {
			still = append(still, f.slot.name+": not erased: "+why)
		}
	}
	return still
}

// refuseConfigured sets aside a drive that a group outside this facility owns. It may hold customer
// data and is not erased.
func (l *Lab) refuseConfigured(rep *reporter, s *slot, during string) {
	l.raiseConfigured(s, during+": the drive is configured already and was not erased")
	s.setState(Inappropriate, "it is configured and belongs to no group of this facility")
	rep.r.Failed = true
}

// raiseConfigured reports a configured drive that was to be used or erased: somebody else's drive
// that was added or exchanged for another, or a member of this facility that somebody tried to
// erase by hand.
func (l *Lab) raiseConfigured(s *slot, why string) {
	l.raise(src.BE3400A3, s.name, []finding{driveFinding(s, s.port.Serial(), why)}, configuredElsewhere{l})
}

// configuredElsewhere is drives in their slots that have somebody else's PIN, or were set aside for it.
type configuredElsewhere struct{ lab *Lab }

func (m configuredElsewhere) still(e *event) (still []string) {
	for _, f := range e.found {
		switch {
		case f.slot.port.Serial() != f.serial:
		case m.lab.foreign(f.slot):
			still = append(still, f.slot.name+": "+f.serial+" is still in the slot, configured")
		case f.slot.state == Inappropriate:
			still = append(still, f.slot.name+": "+f.serial+" is still in the slot: "+f.slot.why)
		}
	}
	return still
}

// foreign says whether the drive in a slot has a credential that this facility did not give it.
func (l *Lab) foreign(s *slot) bool {
	if st := s.port.Status(); !st.Powered || st.State != drive.Configured || l.ownerOf(s) != nil {
		return false
	}
	return true
}

// ours says whether the drive in a slot proves to be one that left a rank of this facility
// unerased, and still has the keys of that time. Then nobody else has configured it.
func (c *custody) ours(s *slot) bool {
	id, err := c.identify(s)
	if err != nil {
		return false
	}
	e := c.of(id, s.port.Serial())
	return e != nil && e.Used && e.Keys == s.port.Status().KeyGeneration
}

// EraseDrive cryptographically erases the drive in a slot that serves no rank,
// and verifies it. A drive that is configured for somebody else is refused by
// the engine and reported.
func (l *Lab) EraseDrive(slotName string) (Report, error) {
	return l.eraseByHand("drive erase", slotName, erase.DriveErase, drive.PIN{})
}

// RevertDrive erases the drive in a slot that serves no rank with the PSID that a service person
// reads from its label. It is the way out for a drive that trusts none of its key records. A drive
// that is configured for somebody else is not reverted.
func (l *Lab) RevertDrive(slotName string) (Report, error) {
	return l.RevertDriveWith(slotName, drive.PIN{})
}

// RevertDriveWith is RevertDrive with a PSID that the service person types. The zero PIN stands for
// the PSID of a label that is at hand.
func (l *Lab) RevertDriveWith(slotName string, psid drive.PIN) (Report, error) {
	return l.eraseByHand("drive revert", slotName, erase.PSIDRevert, psid)
}

func (l *Lab) eraseByHand(op, slotName string, method erase.Method, psid drive.PIN) (out Report, bad error) {
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	p, err := l.plant.partAt(op, slotName)
	if err != nil {
		return Report{}, err
	}
	s := p.slot
	if m := s.member(); m != nil {
		r := l.plant.rankOf(m)
		if m.state == inSync || m.job != nil {
			if r.keygrp != 0 && s.port.Status().State == drive.Configured {
				l.raiseConfigured(s, op+": the drive is configured, holds data of "+r.name()+" and was not erased")
			}
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s serves rank %s", s.name, r.name()), "a member is never erased; remove the rank, or repair the drive")
		}
		if r.ask(); !r.redundantWithout(m) {
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s has no redundancy left: %s", r.name(), r.whyNot(m)), "this drive may hold the only copy of its data; do a pseudo repair of the other drive first")
		}
	}
	if m := l.plant.awaited(s.port.Serial()); m != nil && m.slot != s && !l.custody.another(m, s) {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s waits in %s for drive %s", l.plant.rankOf(m).name(), m.slot.name, s.port.Serial()), "put the drive where it belongs")
	}
	if l.plant.copyingTo(s) {
		return Report{}, refuse(ErrState, op, s.name+" is being filled to join a rank", "wait until it serves")
	}
	if o := l.ownerOf(s); o != nil && o.enc.State() != encgroup.Accessible {
		return Report{}, refuse(ErrNoAccess, op, fmt.Sprintf("%s belongs to key group %d, which is %s", s.port.Serial(), o.id, o.enc.State()), "see to its key servers, then repeat the IML")
	}
	if s.port.answers() && p.plain {
		return Report{}, refuse(ErrState, op, s.name+" holds a drive that cannot encrypt", "there is no key to destroy; exchange the drive")
	}
	if psid.Len() == 0 {
		psid = p.Label.PSID
	}
	if method == erase.PSIDRevert && psid.Len() == 0 {
		return Report{}, refuse(ErrInvalid, op, "the label of "+s.port.Serial()+" is not at hand", "type the PSID that stands on it")
	}
	rep := l.begin(op, s.name)
	if l.foreign(s) && !(method == erase.PSIDRevert && l.custody.ours(s)) {
		rep.failed(s, "was not erased", fmt.Errorf("raslab: it may hold customer data: %w", encgroup.ErrConfigured))
		l.refuseConfigured(rep, s, op)
		return rep.done(), nil
	}
	if err := l.sanitize(s, method, psid, op+" of "+s.name); err != nil {
		rep.failed(s, "was not erased", err)
		return rep.done(), nil
	}
	rep.did(s, "erased and verified")
	rep.owes(s.port.Serial())
	worn := s.predicted() || s.state == FailedDeferred // an erase does not repair it
	fits := s.state != Inappropriate || method == erase.PSIDRevert && l.fits(rep, s) && l.normalize(rep, s) == nil
	if s.member() == nil && s.port.answers() && fits && !worn {
		s.setState(Normal, "")
		l.plant.retryRebuilds()
	}
	return rep.done(), nil
}
