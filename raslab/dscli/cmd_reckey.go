package dscli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

const twoUsers = "A security administrator (-user secadmin) asks, and a storage administrator (-user admin) authorises."

var recoveryKeyCommands = []*Command{
	{
		Name: "mkreckey", Summary: "draw the recovery key of a key group and show it once",
		Detail:  twoUsers + " The key has to be verified with managereckey -action verify, then authorised.",
		Params:  []Param{quietParam, groupParam()},
		Example: "mkreckey -quiet 1",
		Run:     mkreckey,
	},
	{
		Name: "managereckey", Summary: "take a step with the recovery key of a key group",
		Detail: twoUsers,
		Params: []Param{
			{Name: "action", Kind: wordKind, Required: true, Help: "the step", Values: []string{
				string(raslab.RecoveryVerify), string(raslab.RecoveryAuthorize), string(raslab.RecoveryCancel), string(raslab.RecoveryRekey), string(raslab.RecoveryRecover),
				string(raslab.RecoveryDeconfigure), string(raslab.RecoveryDisable), string(raslab.RecoveryEnable),
			}},
			{Name: "key", Kind: textKind, Help: "verify and recover: the recovery key as it was shown"},
			quietParam, groupParam(),
		},
		Example: "managereckey -quiet -action authorize 1",
		Check:   keyFitsAction,
		Run:     managereckey,
	},
}

func mkreckey(c *call, a Args) error {
	return c.recovery(raslab.RecoveryConfigure, msgRecoveryMake, arg[int](a, "keygrp"))
}

func managereckey(c *call, a Args) error {
	step := raslab.RecoveryAction(arg[string](a, "action"))
	return c.recovery(step, msgRecoveryStep, step, arg[int](a, "keygrp"))
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

// recovery takes a step once it is confirmed. A step that is not possible is refused before the
// question.
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
	if c.command.Name == "managereckey" && c.args.Has("key") {
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

// keyFitsAction refuses managereckey with a recovery key that the action does not take, or without
// one that it needs.
func keyFitsAction(a Args) error {
	step := arg[string](a, "action")
	switch takesKey := step == string(raslab.RecoveryVerify) || step == string(raslab.RecoveryRecover); {
	case takesKey && !a.Has("key"):
		return errors.New("-key is missing; -action " + step + " takes the recovery key")
	case !takesKey && a.Has("key"):
		return errors.New("-key has no meaning with -action " + step + "; leave it out")
	}
	return nil
}
