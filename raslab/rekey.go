package raslab

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

// RekeyDataKey exchanges the data key of a group at its key servers: another server must show the
// new one before it counts. Group key, drives and data stay as they are. A rekey that failed leaves
// the old key in force, and calling RekeyDataKey again goes on.
func (l *Lab) RekeyDataKey(group int) (out Report, bad error) {
	const op = "group rekey"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	g, err := l.keys.groupAtWork(op, group)
	if err != nil {
		return Report{}, err
	}
	if n := len(l.keys.activeOf(group)); n < encgroup.MinServers {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("key group %d has %s", group, plural(n, "key server")), fmt.Sprintf("at least %d are needed", encgroup.MinServers))
	}
	l.greet(group)
	l.reconnect()
	if len(l.serversOf(group)) < encgroup.MinServers { // one server by two entries would confirm its own key
		return Report{}, refuse(ErrState, op, l.fewServers(group), fmt.Sprintf("at least %d are needed", encgroup.MinServers))
	}
	rep := l.begin(op, fmt.Sprint(group))
	former, err := g.enc.RekeyDataKey()
	g.keep() // also a new key that no second server has shown yet
	if err != nil {
		rep.r.Failed = true
		rep.note("the data key of key group %d stays: %s", group, firstLine(err))
		return rep.done(), nil
	}
	g.dataKey = l.Now()
	rep.note("key group %d has a new data key; the former one, %s, opens nothing any more", group, former)
	return rep.done(), nil
}

func (k *keys) groupAtWork(op string, group int) (*keyGroup, error) {
	if group == 0 {
		return nil, refuse(ErrNotFound, op, "key group 0 is no encryption", "numbers are 1 to 4")
	}
	return k.usableGroup(op, group)
}

// RekeyGroupKey exchanges the group key: the credential of every member migrates to one of the new
// key, one drive after the other, and data are readable throughout. A drive that cannot take part
// keeps both keys alive. Once it is repaired or gone, calling RekeyGroupKey again goes on.
func (l *Lab) RekeyGroupKey(group int) (out Report, bad error) {
	const op = "group rekey all"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	g, err := l.keys.groupAtWork(op, group)
	if err != nil {
		return Report{}, err
	}
	if g.enc.Kind() != encgroup.DAR {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("key group %d is of type %s", group, g.enc.Kind()), "its key wraps those of objects in the cloud and stays; its data key can be exchanged")
	}
	rep := l.begin(op, fmt.Sprint(group))
	l.findOwed()
	l.payOwed(rep, false)
	fail := func(err error) (Report, error) {
		rep.r.Failed = true
		rep.note("the group key of key group %d is not exchanged yet: %s", group, firstLine(err))
		return rep.done(), nil
	}
	if err := g.enc.BeginGroupRekey(); err != nil {
		return fail(err)
	}
	g.keep() // before a member has a credential of the new key
	for _, s := range l.plant.slots {
		if s.port.part == nil {
			continue
		}
		if _, ok := g.enc.Member(s.port.Serial()); !ok {
			continue
		}
		if err := g.noted(s, g.enc.RekeyMember(&s.port)); err != nil {
			rep.failed(s, "did not take a credential of the new group key", err)
			if errors.Is(err, encgroup.ErrStore) {
				return fail(err)
			}
			continue
		}
		rep.did(s, "has a credential of the new group key")
	}
	if err := g.enc.FinishGroupRekey(); err != nil {
		return fail(err)
	}
	rep.note("key group %d has a new group key", group)
	g.keep()
	return rep.done(), nil
}

// RecoveryAction is a step with a group's recovery key.
type RecoveryAction string

// The steps. Those that draw a key show it once.
const (
	RecoveryConfigure   RecoveryAction = "configure"
	RecoveryVerify      RecoveryAction = "verify"
	RecoveryAuthorize   RecoveryAction = "authorize"
	RecoveryCancel      RecoveryAction = "cancel"
	RecoveryRekey       RecoveryAction = "rekey"
	RecoveryDeconfigure RecoveryAction = "deconfigure"
	RecoveryDisable     RecoveryAction = "disable"
	RecoveryEnable      RecoveryAction = "enable"
	RecoveryRecover     RecoveryAction = "recover"
)

// RecoveryKey takes a step with the recovery key of a group. The recovery key can be configured
// while the configuration of the group is not finished. shown is the new key to write down, after
// configure and rekey. entered is the key for verify and recover. A step that the key's own rules
// refuse (state, role, the same user twice, a wrong entry) returns a *RequestError that wraps the
// error of package reckey. When the recovery of an inaccessible group is authorised, its members
// are unlocked.
func (l *Lab) RecoveryKey(group int, step RecoveryAction, by reckey.User, entered string) (shown string, out Report, bad error) {
	op := "reckey " + string(step)
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return "", Report{}, err
	}
	g := l.keys.group(group)
	if g == nil {
		return "", Report{}, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	r := g.recoveryKey()
	err := error(nil)
	switch step {
	case RecoveryConfigure, RecoveryRekey:
		draw := r.Configure
		if step == RecoveryRekey {
			draw = r.Rekey
		}
		key, why := draw(by)
		if err = why; err == nil {
			shown = reckey.Encode(key)
		}
		key.Clear()
	case RecoveryVerify:
		err = r.Verify(by, entered)
	case RecoveryAuthorize:
		err = r.Authorize(by, l.Now())
	case RecoveryCancel:
		err = r.Cancel(by)
	case RecoveryDeconfigure:
		err = r.Deconfigure(by)
	case RecoveryDisable:
		err = r.Disable(by)
	case RecoveryEnable:
		err = r.Enable(by)
	case RecoveryRecover:
		err = r.Recover(by, entered)
	default:
		return "", Report{}, refuse(ErrInvalid, op, fmt.Sprintf("no step is called %q", step), "configure, verify, authorize, cancel, rekey, deconfigure, disable, enable and recover are right")
	}
	if err != nil {
		return "", Report{}, &RequestError{Op: op, What: firstLine(err), Kind: errors.Join(ErrState, err)}
	}
	rep := l.begin(op, fmt.Sprint(group))
	rep.note("the recovery key of key group %d is %s", group, g.reckeyState())
	if step == RecoveryAuthorize && g.why != "" && g.enc.State() == encgroup.Accessible {
		l.afterRecovery(rep, g)
	}
	if g.enc.State() == encgroup.Accessible {
		g.keep()
	}
	return shown, rep.done(), nil
}

// afterRecovery gives the partitions their data after the recovery key opened a group.
func (l *Lab) afterRecovery(rep *reporter, g *keyGroup) {
	g.why = ""
	rep.note("key group %d is %s by its recovery key", g.id, g.enc.State())
	if slices.ContainsFunc(l.keys.groups, (*keyGroup).locksData) {
		return
	}
	for i := range l.sfi.partitions {
		l.sfi.partitions[i].access = l.sfi.partitions[i].complete && l.sfi.state == sfiRunning
	}
	l.unlockMembers(rep)
	l.plant.retryRebuilds()
}

// recoveryKey manages the recovery key in the group's present record.
func (g *keyGroup) recoveryKey() *reckey.Recovery {
	if g.recovery == nil {
		g.recovery = reckey.New(g.enc, g.entropy)
	}
	return g.recovery
}

func (g *keyGroup) reckeyState() string {
	s, err := g.recoveryKey().Status()
	if err != nil {
		return firstLine(err)
	}
	return s.State.String()
}
