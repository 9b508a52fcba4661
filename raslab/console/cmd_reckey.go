package console

import (
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The names under which the two roles act when none is given.
const (
	securityUser = "secadmin"
	storageUser  = "admin"
)

var recoveryKeyCommands = []*Command{
	recoveryStep(raslab.RecoveryConfigure, reckey.SecurityAdministrator, "draw a recovery key; it is shown once"),
	recoveryStep(raslab.RecoveryVerify, reckey.SecurityAdministrator, "enter the recovery key that was shown"),
	recoveryStep(raslab.RecoveryAuthorize, reckey.StorageAdministrator, "authorise the pending step, as storage administrator"),
	recoveryStep(raslab.RecoveryCancel, reckey.SecurityAdministrator, "give up what is pending"),
	recoveryStep(raslab.RecoveryRekey, reckey.SecurityAdministrator, "draw another recovery key; the one before stays in force until it is authorised"),
	recoveryStep(raslab.RecoveryDeconfigure, reckey.SecurityAdministrator, "ask to remove the recovery key"),
	recoveryStep(raslab.RecoveryDisable, reckey.SecurityAdministrator, "ask to disable recovery keys for the group"),
	recoveryStep(raslab.RecoveryEnable, reckey.SecurityAdministrator, "ask to allow recovery keys for the group again"),
	recoveryStep(raslab.RecoveryRecover, reckey.SecurityAdministrator, "enter the recovery key for a group that no key server can open"),
}

// recoveryStep is the command of one step with a recovery key.
func recoveryStep(step raslab.RecoveryAction, role reckey.Role, summary string) *Command {
	user := securityUser
	if role == reckey.StorageAdministrator {
		user = storageUser
	}
	c := &Command{
		Name: "reckey " + string(step), Summary: summary, Example: "reckey " + string(step) + " keygrp=1",
		Params: []Param{keygrpParam(false, "1"), {Name: "by", Kind: textKind, Default: user, Help: "who does it: the " + role.String()}},
		Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
			return s.takeRecoveryStep(lab, step, reckey.User{Name: arg[string](a, "by"), Role: role}, a)
		}),
	}
	if step == raslab.RecoveryVerify || step == raslab.RecoveryRecover {
		c.Params = append(c.Params, Param{Name: "key", Kind: textKind, Required: true, Secret: true, Help: "the recovery key, as it was written down"})
		c.Example += " key=0000-0000"
	}
	return c
}

func (s *Session) takeRecoveryStep(lab *raslab.Lab, step raslab.RecoveryAction, by reckey.User, a Args) error {
	entered := ""
	if a.Takes("key") {
		entered = arg[string](a, "key")
	}
	shown, r, err := lab.RecoveryKey(arg[int](a, "keygrp"), step, by, entered)
	if err != nil {
		return err
	}
	if shown != "" {
		s.printf("recovery key, shown once:\n  %s\n", strings.TrimSpace(shown))
	}
	return s.report(r, nil)
}
