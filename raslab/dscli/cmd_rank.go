package dscli

var rankCommands = []*Command{
	{
		Name: "lsrank", Summary: "list the ranks",
		Params:  []Param{longParam, shortParam, ranksParam(false)},
		Example: "lsrank -l",
		Run:     lsrank,
	},
	{
		Name: "mkrank", Summary: "make a rank of an array, encrypted if a key group is given",
		Params: []Param{
			{Name: "array", Kind: oneIDKind("array", "A"), Required: true, Help: "the array", Complete: of(arrayIDs)},
			{Name: "stgtype", Kind: wordKind, Values: []string{"fb"}, Default: "fb", Help: "the storage type: fixed blocks are what the lab has"},
			{Name: "keygrp", Kind: numberKind(1, 4), Help: "the key group; without one the rank is not encrypted", Complete: of(groupIDs)},
		},
		Example: "mkrank -array A0 -stgtype fb -keygrp 1",
		Run:     mkrank,
	},
	{
		Name: "rmrank", Summary: "remove ranks with their data; every member is cryptographically erased",
		Params:  []Param{quietParam, ranksParam(true)},
		Example: "rmrank -quiet R0",
		Run:     rmrank,
	},
}

func lsrank(c *call, a Args) error {
	ids := arg[[]string](a, "rank")
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
}

func mkrank(c *call, a Args) error {
	r, err := c.lab.CreateRank(arg[string](a, "array"), arg[int](a, "keygrp"))
	if err := c.done(r, err); err != nil {
		return err
	}
	c.say(msgRankMade, r.Object)
	return nil
}

func rmrank(c *call, a Args) error {
	ids := arg[[]string](a, "rank")
	if err := c.exist("rank", ids, rankIDs(c.lab)); err != nil {
		return err
	}
	return c.each(ids, msgRankRemove, msgRankGone, func(id string) error { return c.done(c.lab.RemoveRank(id)) })
}
