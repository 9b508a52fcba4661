package dscli

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var arrayCommands = []*Command{
	{
		Name: "lsarray", Summary: "list the arrays",
		Params:  []Param{longParam, shortParam, arraysParam(false)},
		Example: "lsarray A0",
		Run:     lsarray,
	},
	{
		Name: "mkarray", Summary: "make an array of a site",
		Detail: "RAID 5 is what the facility has; whether an array keeps a spare is decided by the spares of its DA pair.",
		Params: []Param{
			{Name: "raidtype", Kind: wordKind, Values: []string{"5"}, Default: "5", Help: "the RAID type"},
			siteParam(false),
		},
		Example: "mkarray -raidtype 5 -arsite S1",
		Run:     mkarray,
	},
	{
		Name: "rmarray", Summary: "remove arrays that have no rank",
		Params:  []Param{quietParam, arraysParam(true)},
		Example: "rmarray -quiet A0",
		Run:     rmarray,
	},
}

func lsarray(c *call, a Args) error {
	ids := arg[[]string](a, "array")
	if err := c.exist("array", ids, arrayIDs(c.lab)); err != nil {
		return err
	}
	r := &result{class: "Array", columns: []column{
		left("Array"), left("State"), left("Data"), left("RAIDtype"), left("arsite"), left("Rank"), left("DA Pair"), number("DDMcap (10^9B)"), left("encrypt"),
	}}
	for _, a := range c.lab.Arrays() {
		if wanted(ids, a.ID) {
			r.row(a.ID, a.State, a.Data, a.RAID, a.Site, a.Rank, a.DAPair, capacity(c.lab), "supported")
		}
	}
	return c.list(r, 8)
}

func mkarray(c *call, a Args) error {
	r, err := c.lab.CreateArray(arg[string](a, "arsite"), raslab.RAIDAuto)
	if err := c.done(r, err); err != nil {
		return err
	}
	c.say(msgArrayMade, r.Object)
	return nil
}

func rmarray(c *call, a Args) error {
	ids := arg[[]string](a, "array")
	if err := c.exist("array", ids, arrayIDs(c.lab)); err != nil {
		return err
	}
	return c.each(ids, msgArrayRemove, msgArrayGone, func(id string) error { return c.done(c.lab.RemoveArray(id)) })
}
