package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func groupCommands() []*Command {
	return []*Command{
		{
			Noun: "keygrp", Verb: "configure", Summary: "configure an encryption group with every key server: a data key is made, and read back from another server",
			Params:  []Param{keygrpParam(false, "1")},
			Example: "keygrp configure keygrp=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.ConfigureGroup(arg[int](a, "keygrp")))
			}),
		},
		{
			Noun: "keygrp", Verb: "list", Summary: "list the encryption groups and their states",
			Example: "keygrp list",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				groups := lab.Groups()
				if len(groups) == 0 {
					s.printf("no encryption group is configured\n")
				}
				for _, g := range groups {
					s.groupLine(g)
				}
				return nil
			}),
		},
		{
			Noun: "keygrp", Verb: "show", Summary: "describe an encryption group and its members",
			Params:  []Param{keygrpParam(false, "1")},
			Example: "keygrp show keygrp=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				for _, g := range lab.Groups() {
					if g.ID == arg[int](a, "keygrp") {
						s.groupLine(g)
						s.printf("  ranks      %s\n", orNone(strings.Join(g.Ranks, ", ")))
						s.paragraph("members", orNone(strings.Join(g.Members, ", ")))
						return nil
					}
				}
				return fmt.Errorf("key group %d is not configured: keygrp configure does that", arg[int](a, "keygrp"))
			}),
		},
		{
			Noun: "keygrp", Verb: "rekey", Summary: "give a member of an encrypted rank its next credential; its data stays",
			Params:  []Param{slotParam("the member")},
			Example: "keygrp rekey drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.RekeyDrive(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "keygrp", Verb: "testaccess", Summary: "ask each key server for the key of a group; nothing is changed",
			Params:  []Param{keygrpParam(false, "1")},
			Example: "keygrp testaccess keygrp=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				results, err := lab.TestAccess(arg[int](a, "keygrp"))
				if err != nil {
					return err
				}
				failed := false
				for _, r := range results {
					if r.Err != nil {
						failed = true
						s.printf("key server %d: failed: %s\n", r.KeyServer, oneLine(r.Err))
						continue
					}
					s.printf("key server %d: success\n", r.KeyServer)
				}
				if failed {
					return &FailedError{"keygrp testaccess"}
				}
				return nil
			}),
		},
		{
			Noun: "keyserver", Verb: "list", Summary: "list the customer's key servers",
			Example: "keyserver list",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				servers := lab.KeyServers()
				if len(servers) == 0 {
					s.printf("no key servers\n")
				}
				for _, k := range servers {
					s.printf("key server %d: %s, %s\n", k.ID, k.Addr, map[bool]string{true: "running", false: "stopped"}[k.Up])
				}
				return nil
			}),
		},
		{
			Noun: "keyserver", Verb: "stop", Summary: "stop a key server; it keeps its keys",
			Params:  []Param{keyServerParam()},
			Example: "keyserver stop keyserver=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.StopKeyServer(arg[int](a, "keyserver")); err != nil {
					return err
				}
				s.printf("key server %d is stopped\n", arg[int](a, "keyserver"))
				return nil
			}),
		},
		{
			Noun: "keyserver", Verb: "start", Summary: "start a key server again",
			Params:  []Param{keyServerParam()},
			Example: "keyserver start keyserver=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.StartKeyServer(arg[int](a, "keyserver")); err != nil {
					return err
				}
				s.printf("key server %d is running\n", arg[int](a, "keyserver"))
				return nil
			}),
		},
	}
}

func keyServerParam() Param {
	return Param{Name: "keyserver", Kind: intKind("number", 1, 4), Required: true, Help: "its number", Complete: func(s *Session) []string {
		var names []string
		if s.lab != nil {
			for _, k := range s.lab.KeyServers() {
				names = append(names, fmt.Sprint(k.ID))
			}
		}
		return names
	}}
}

func (s *Session) groupLine(g raslab.GroupInfo) {
	c := good
	if g.State != "accessible" {
		c = alarm
	}
	s.say("key group %d: %s, %s, %s%s", g.ID, s.paint(c, g.State), count(len(g.Ranks), "rank"), count(len(g.Members), "member"), because(plain(g.Why)))
}
