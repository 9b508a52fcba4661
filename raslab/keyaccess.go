package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// AccessResult is one line of a key retrieval test.
type AccessResult struct {
	KeyManager int // counts from 1
	Addr       string
	Err        error  // nil is success
	Warns      string // "" or one clause: a warning about the data key at this server, or about its certificate
}

// String is one line.
func (r AccessResult) String() string {
	what := "success"
	if r.Err != nil {
		what = r.Err.Error()
	}
	if r.Warns != "" {
		what += "; " + r.Warns
	}
	return fmt.Sprintf("key manager %d %s: %s", r.KeyManager, r.Addr, what)
}

// TestAccess asks each active key manager of a group for its key, tries it, and
// changes nothing but the record of when each was asked.
func (l *Lab) TestAccess(group int) ([]AccessResult, error) {
	const op = "group testaccess"
	g := l.keys.group(group)
	if g == nil {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	if g.enc.State() < encgroup.Inaccessible {
		return nil, refuse(ErrState, op, fmt.Sprintf("key group %d is %s", group, g.enc.State()), "configure it first")
	}
	all, err := l.probeAll(g)
	out := []AccessResult{}
	for _, m := range l.keys.activeOf(group) {
		r := AccessResult{KeyManager: m.id, Addr: m.addr, Err: firstError(all, m)}
		answer := "success"
		switch {
		case err != nil:
			r.Err, answer = err, firstLine(err)
		case len(all) == 0:
			r.Err = errNoPartition
			answer = r.Err.Error()
		case r.Err != nil:
			answer = r.Err.Error()
		}
		r.Warns = joined(m.warnings(l))
		out = append(out, r)
		l.logf("key server", "test of access to the key of group %d on %s: %s", group, m.addr, answer)
	}
	return out, nil
}

// TestAccessOf is TestAccess of one chosen key manager of the group. It is refused for groups other
// than data-at-rest, because MAP4980 has it for those only.
func (l *Lab) TestAccessOf(group, manager int) (AccessResult, error) {
	const op = "group testaccess"
	m, err := l.keys.managerNumbered(op, manager)
	if err != nil {
		return AccessResult{}, err
	}
	g := l.keys.group(group)
	switch {
	case m.group != group:
		return AccessResult{}, refuse(ErrInvalid, op, fmt.Sprintf("key manager %d is of key group %d", m.id, m.group), "name its own group")
	case g == nil || g.enc.State() < encgroup.Inaccessible:
		return AccessResult{}, refuse(ErrState, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	case g.enc.Kind() != encgroup.DAR:
		return AccessResult{}, refuse(ErrInvalid, op, fmt.Sprintf("key group %d is of type %s", group, g.enc.Kind()), "a chosen key server is tested for data-at-rest groups only; test the whole group")
	case !m.active:
		return AccessResult{}, refuse(ErrState, op, fmt.Sprintf("key manager %d is inactive", m.id), "make it active first")
	}
	r := AccessResult{KeyManager: m.id, Addr: m.addr}
	record, err := g.store.reading()
	var all []attempt
	for p := range l.sfi.partitions {
		if err == nil && l.sfi.partitions[p].complete {
			why := l.sfi.probe(record, p, m)
			all = append(all, attempt{partition: p, manager: m, err: why, reason: reasonOf(why)})
		}
	}
	l.noteAll(g, all)
	switch r.Err = firstError(all, m); {
	case err != nil:
		r.Err = err
	case len(all) == 0:
		r.Err = errNoPartition
	}
	r.Warns = joined(m.warnings(l))
	l.logf("key server", "test of access to the key of group %d on %s alone: %s", group, m.addr, answerText(r.Err))
	return r, nil
}

func answerText(err error) string {
	if err != nil {
		return firstLine(err)
	}
	return "success"
}

// TestAccessDuration is how long a submitted test of access takes (assumption,
// after the sample in MAP4980).
const TestAccessDuration = 11 * time.Second

// SubmitTestAccess starts a test of access and returns at once: eleven seconds later
// each key manager has its result (GroupAccess).
func (l *Lab) SubmitTestAccess(group int) error {
	const op = "group testaccess"
	g := l.keys.group(group)
	if g == nil {
		return refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	if g.enc.State() < encgroup.Inaccessible {
		return refuse(ErrState, op, fmt.Sprintf("key group %d is %s", group, g.enc.State()), "configure it first")
	}
	l.logf("key server", "test of access to the key of group %d submitted", group)
	l.clock.after(TestAccessDuration, "test of access", testOfAccess{g})
	return nil
}

// testOfAccess is a test of access that was submitted.
type testOfAccess struct{ group *keyGroup }

func (t testOfAccess) run() {
	l, g := t.group.lab, t.group
	if l.keys.group(g.id) == g && g.enc.State() >= encgroup.Inaccessible {
		_, _ = l.TestAccess(g.id) // its results are kept with the key managers
	}
}

// AccessRecord is one line of showkeygrp -access.
type AccessRecord struct {
	KeyManager  int
	LastAccess  string // "success", "failed" (the second word is an assumption), "" if it was never asked
	LastSuccess time.Time
	LastFailure time.Time
}

// GroupAccess lists, for every key manager of the facility, when it was last asked for the key of a
// group and the result. A test of access, a retrieval, a connectivity query, and making and reading
// back the key all count.
func (k *keys) GroupAccess(group int) ([]AccessRecord, error) {
	if k.group(group) == nil {
		return nil, refuse(ErrNotFound, "group access", fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	out := make([]AccessRecord, len(k.managers))
	for i, m := range k.managers {
		out[i].KeyManager = m.id
		if a := m.access[group]; a != nil {
			out[i].LastAccess, out[i].LastSuccess, out[i].LastFailure = a.last, a.success, a.failure
		}
	}
	return out, nil
}
