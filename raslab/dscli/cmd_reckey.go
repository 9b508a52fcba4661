package dscli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Users are who may use DSCLI here, with their roles. The lab has no passwords (assumption).
var users = []reckey.User{
	{Name: "admin", Role: reckey.StorageAdministrator},
	{Name: "secadmin", Role: reckey.SecurityAdministrator},
}

// Users lists the names of the users; the first is the default.
func Users() []string {
	out := make([]string, len(users))
	for i, u := range users {
		out[i] = u.Name
	}
	return out
}

func userNamed(name string) (reckey.User, bool) {
	for _, u := range users {
		if u.Name == name {
			return u, true
		}
	}
	return reckey.User{}, false
}

func recoveryCommands() []*Command {
	const two = "A security administrator (-user secadmin) asks, and a storage administrator (-user admin) authorises."
	return []*Command{
		{
			Name: "mkreckey", Summary: "draw the recovery key of a key group and show it once", Facility: true,
			Detail:  two + " The key has to be verified with managereckey -action verify, then authorised.",
			Params:  []Param{quietParam, groupParam()},
			Example: "mkreckey -quiet 1",
			Run: func(c *call) error {
				return c.recovery(raslab.RecoveryConfigure, msgRecoveryMake, arg[int](c.args, "keygrp"))
			},
		},
		{
			Name: "managereckey", Summary: "take a step with the recovery key of a key group", Facility: true,
			Detail: two,
			Params: []Param{
				{Name: "action", Kind: wordKind, Required: true, Help: "the step", Values: []string{
					string(raslab.RecoveryVerify), string(raslab.RecoveryAuthorize), string(raslab.RecoveryCancel), string(raslab.RecoveryRekey), string(raslab.RecoveryRecover),
					string(raslab.RecoveryDeconfigure), string(raslab.RecoveryDisable), string(raslab.RecoveryEnable),
				}},
				{Name: "key", Kind: textKind, Help: "verify and recover: the recovery key as it was shown"},
				quietParam, groupParam(),
			},
			Example: "managereckey -quiet -action authorize 1",
			Check: func(a args) error {
				step := arg[string](a, "action")
				switch takesKey := step == string(raslab.RecoveryVerify) || step == string(raslab.RecoveryRecover); {
				case takesKey && !a.has("key"):
					return errors.New("-key is missing; -action " + step + " takes the recovery key")
				case !takesKey && a.has("key"):
					return errors.New("-key has no meaning with -action " + step + "; leave it out")
				}
				return nil
			},
			Run: func(c *call) error {
				step := raslab.RecoveryAction(arg[string](c.args, "action"))
				return c.recovery(step, msgRecoveryStep, step, arg[int](c.args, "keygrp"))
			},
		},
	}
}

// roleFor is whom a step takes, 0 where either user may.
func roleFor(step raslab.RecoveryAction) reckey.Role {
	switch step {
	case raslab.RecoveryAuthorize:
		return reckey.StorageAdministrator
	case raslab.RecoveryCancel:
		return 0
	}
	return reckey.SecurityAdministrator
}

// recovery takes a step, once it is confirmed. Who asks for what cannot be is told before the
// question, not after it.
func (c *call) recovery(step raslab.RecoveryAction, ask *Message, values ...any) error {
	id := arg[int](c.args, "keygrp")
	if _, err := c.lab.GroupByID(id); err != nil {
		return c.refuse(err)
	}
	user, _ := userNamed(c.session.options.User)
	if role := roleFor(step); role != 0 && user.Role != role {
		return fail(ExitAuthentication, msgUser, c.command.Name, fmt.Sprintf("%v: %s, not %s", reckey.ErrRole, role, user.Role))
	}
	entered := ""
	if c.command.Name == "managereckey" && c.args.has("key") {
		entered = arg[string](c.args, "key")
		key, err := reckey.Decode(entered)
		key.Clear()
		if err != nil {
			return fail(ExitSyntax, msgSyntax, c.command.Name, "-key: "+raslab.PlainError(err))
		}
	}
	if yes, err := c.confirmed(ask, values...); !yes {
		return err
	}
	shown, r, err := c.lab.RecoveryKey(id, step, user, entered)
	if err := c.done(r, err); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Text = strings.TrimPrefix(e.Text, string(step)+": ") // the command and -action say it
		}
		return err
	}
	g, err := c.lab.GroupByID(id)
	if err != nil {
		return c.refuse(err)
	}
	c.say(msgRecoveryDone, id, g.ReckeyState)
	if shown != "" {
		fmt.Fprintln(c.out, shown)
	}
	return nil
}
