package dscli

import "github.com/seed-9d983aeb/fdelab/raslab"

func rankCommands() []*Command {
	return []*Command{
		{
			Name: "mkarray", Summary: "make an array of a site", Facility: true,
			Detail: "RAID 5 is what the facility has; whether an array keeps a spare is decided by the spares of its DA pair.",
			Params: []Param{
				{Name: "raidtype", Kind: wordKind, Values: []string{"5"}, Default: "5", Help: "the RAID type"},
				siteParam(false),
			},
			Example: "mkarray -raidtype 5 -arsite S1",
			Run: func(c *call) error {
				r, err := c.lab.CreateArray(arg[string](c.args, "arsite"), raslab.RAIDAuto)
				if err := c.done(r, err); err != nil {
					return err
				}
				c.say(msgArrayMade, r.Object)
				return nil
			},
		},
		{
			Name: "rmarray", Summary: "remove arrays that have no rank", Facility: true,
			Params:  []Param{quietParam, arraysParam(true)},
			Example: "rmarray -quiet A0",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "array")
				if err := c.exist("array", ids, arrayIDs(c.lab)); err != nil {
					return err
				}
				return c.each(ids, msgArrayRemove, msgArrayGone, func(id string) error { return c.done(c.lab.RemoveArray(id)) })
			},
		},
		{
			Name: "lsrank", Summary: "list the ranks", Facility: true,
			Params:  []Param{longParam, shortParam, ranksParam(false)},
			Example: "lsrank -l",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "rank")
				if err := c.exist("rank", ids, rankIDs(c.lab)); err != nil {
					return err
				}
				r := &result{class: "Rank", columns: []column{
					left("ID"), number("Group"), left("State"), left("datastate"), left("Array"), number("RAIDtype"), left("extpoolID"), left("stgtype"), left("keygrp"),
				}}
				for _, k := range c.lab.Ranks() {
					if !wanted(ids, k.ID) {
						continue
					}
					group := any(k.KeyGroup)
					if k.KeyGroup == 0 {
						group = "-"
					}
					r.row(k.ID, k.Group, k.State, k.DataState, k.Array, 5, k.Pool, "fb", group)
				}
				return c.list(r, 8)
			},
		},
		{
			Name: "mkrank", Summary: "make a rank of an array, encrypted if a key group is given", Facility: true,
			Params: []Param{
				{Name: "array", Kind: oneIDKind("array", "A"), Required: true, Help: "the array", Complete: arrayIDs},
				{Name: "stgtype", Kind: wordKind, Values: []string{"fb"}, Default: "fb", Help: "the storage type: fixed blocks are what the lab has"},
				{Name: "keygrp", Kind: numberKind(1, 4), Help: "the key group; without one the rank is not encrypted", Complete: groupIDs},
			},
			Example: "mkrank -array A0 -stgtype fb -keygrp 1",
			Run: func(c *call) error {
				r, err := c.lab.CreateRank(arg[string](c.args, "array"), arg[int](c.args, "keygrp"))
				if err := c.done(r, err); err != nil {
					return err
				}
				c.say(msgRankMade, r.Object)
				return nil
			},
		},
		{
			Name: "rmrank", Summary: "remove ranks with their data; every member is cryptographically erased", Facility: true,
			Params:  []Param{quietParam, ranksParam(true)},
			Example: "rmrank -quiet R0",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "rank")
				if err := c.exist("rank", ids, rankIDs(c.lab)); err != nil {
					return err
				}
				return c.each(ids, msgRankRemove, msgRankGone, func(id string) error { return c.done(c.lab.RemoveRank(id)) })
			},
		},
	}
}

// each asks about one object after the other and does what was confirmed. It stops at the
// first that is refused.
func (c *call) each(ids []string, ask, told *Message, do func(id string) error) error {
	for _, id := range ids {
		yes, err := c.confirmed(ask, id)
		if err != nil {
			return err
		}
		if !yes {
			continue
		}
		if err := do(id); err != nil {
			return err
		}
		c.say(told, id)
	}
	return nil
}
