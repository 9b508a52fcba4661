package raslab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// The audit of the key servers' storage. A deadlock is when every key server of a group keeps its
// storage where it can be read only with a key from such a server: it works until the power fails.
// No software can see it, because no wire says where a server's disks are. So an operator asks the
// administrators of the servers and enters their answers, and the facility says what follows from
// them. A wrong answer gives a wrong verdict.

// StorageAnswer is what an operator was told about the storage of one key server. The zero value is
// storage that no encrypting facility holds.
type StorageAnswer struct {
	Rank     string // on this rank of the facility, such as R0
	Facility string // the serial number of another facility that holds it
	Waits    bool   // that facility cannot get its own keys before this one has data access
}

func (a StorageAnswer) String() string {
	switch {
	case a.Rank != "":
		return "on " + a.Rank
	case a.Facility == "":
		return "of its own"
	case a.Waits:
		return "on facility " + a.Facility + ", which waits for this one"
	}
	return "on facility " + a.Facility + ", which does not wait for this one"
}

// storageAnswer is an answer, and when it was entered.
type storageAnswer struct {
	StorageAnswer
	on *Rank // the rank that was there then; nil: none of this facility
	at time.Time
}

// AuditVerdict is what follows from the answers of an audit for a key group.
type AuditVerdict string

// The verdicts.
const (
	AuditIsolated AuditVerdict = "isolated" // some server comes up without this group
	AuditDeadlock AuditVerdict = "deadlock" // none does
	AuditOpen     AuditVerdict = "open"     // it depends on an answer that nobody has given
)

// Audit is what the administrators said about the storage of a group's key servers.
type Audit struct {
	KeyGroup int
	Verdict  AuditVerdict
	Servers  []AuditedServer // the active key managers, by number
}

// AuditedServer is one key server of an audit.
type AuditedServer struct {
	KeyManager int
	Addr       string
	Answered   time.Time // zero: nobody has answered for it
	Storage    StorageAnswer
	Needs      string // what must be up before it: "", or "key group 1", "facility 75NR642", "an answer"
}

// AnswerAudit enters the answer for the server of a key manager, over the one before.
func (l *Lab) AnswerAudit(manager int, a StorageAnswer) error {
	const op = "keygrp audit"
	m, err := l.keys.managerNumbered(op, manager)
	switch {
	case err != nil:
		return err
	case a.Rank != "" && a.Facility != "":
		return refuse(ErrInvalid, op, fmt.Sprintf("rank %s and facility %s", a.Rank, a.Facility), "name a rank of this facility, or another facility")
	case a.Waits && a.Facility == "":
		return refuse(ErrInvalid, op, "no other facility that waits", "name the facility that holds the storage")
	case a.Facility != "" && !plainName(a.Facility):
		return refuse(ErrInvalid, op, fmt.Sprintf("serial number %q", a.Facility), "1 to 10 letters and digits are right")
	case strings.EqualFold(a.Facility, l.Serial()):
		return refuse(ErrInvalid, op, "facility "+a.Facility+" is this one", "name the rank")
	}
	var on *Rank
	if a.Rank != "" {
		if on, err = l.plant.rankNamed(op, a.Rank); err != nil {
			return err
		}
		a.Rank = on.name()
	}
	m.storage = &storageAnswer{a, on, l.Now()}
	l.logf("audit", "key manager %d %s: its storage is %s, by its administrator", m.id, m.addr, a)
	return nil
}

// Audit says what follows for a group from the answers so far.
func (l *Lab) Audit(group int) (Audit, error) {
	const op = "keygrp audit"
	if l.keys.group(group) == nil {
		return Audit{}, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	all := l.keys.activeOf(group)
	if len(all) == 0 {
		return Audit{}, refuse(ErrState, op, fmt.Sprintf("key group %d has no active key manager", group), "make one active first")
	}
	out := Audit{KeyGroup: group, Verdict: l.auditVerdict(group)}
	for _, m := range all {
		s := AuditedServer{KeyManager: m.id, Addr: m.addr, Needs: l.plant.needs(m.storage)}
		if m.storage != nil {
			s.Storage, s.Answered = m.storage.StorageAnswer, m.storage.at
		}
		out.Servers = append(out.Servers, s)
	}
	return out, nil
}

// needs says what has to be there before a server with this storage is up.
func (p *plant) needs(a *storageAnswer) string {
	switch id, known := p.keyBehind(a); {
	case !known:
		return "an answer"
	case id != 0:
		return fmt.Sprintf("key group %d", id)
	case a.Waits:
		return "facility " + a.Facility
	}
	return ""
}

// keyBehind is the key group whose key a server's storage needs; 0 is none. known is false without
// an answer, and if the rank that the answer meant is gone: a later rank may have its name.
func (p *plant) keyBehind(a *storageAnswer) (group int, known bool) {
	if a == nil {
		return 0, false
	}
	if a.on == nil {
		return 0, true
	}
	if !slices.Contains(p.ranks, a.on) {
		return 0, false
	}
	return a.on.keygrp, true
}

// auditVerdict judges a group by the answers alone.
func (l *Lab) auditVerdict(group int) AuditVerdict {
	switch {
	case l.comesUp(group, false):
		return AuditIsolated
	case l.comesUp(group, true):
		return AuditOpen
	}
	return AuditDeadlock
}

// comesUp says whether a server of a group comes up after a loss of power everywhere. It starts
// from nothing and adds the groups that can get their keys, until nothing more can. unknown is what
// to assume of a server without an answer.
func (l *Lab) comesUp(group int, unknown bool) bool {
	open := map[int]bool{0: true} // by key group; 0: no key is needed
	for grew := true; grew; {
		grew = false
		for _, m := range l.keys.managers {
			if !m.active || open[m.group] {
				continue
			}
			behind, known := l.plant.keyBehind(m.storage)
			if !known && unknown || known && !m.storage.Waits && open[behind] {
				open[m.group], grew = true, true
			}
		}
	}
	return open[group]
}

// deadlocked says whether the answers of an audit say that a group is in a deadlock.
func (l *Lab) deadlocked(group int) bool {
	return len(l.keys.activeOf(group)) > 0 && l.auditVerdict(group) == AuditDeadlock
}

// auditWarnings are those of a group that an audit found in a deadlock; group 0 is all groups.
func (l *Lab) auditWarnings(group int) (out []KeyWarning) {
	for _, g := range l.keys.groups {
		if group != 0 && g.id != group || !l.deadlocked(g.id) {
			continue
		}
		w := KeyWarning{
			KeyGroup: g.id, Why: "by the audit every key server keeps its storage where it waits for this group",
			Next: "give one key server storage of its own, and answer the audit again",
		}
		if g.enc.State() != encgroup.Accessible {
			w.Next = "open it with the recovery key, then give one key server storage of its own"
		}
		for _, m := range l.keys.activeOf(g.id) {
			if m.storage.at.After(w.Learned) {
				w.Learned = m.storage.at
			}
		}
		out = append(out, w)
	}
	return out
}
