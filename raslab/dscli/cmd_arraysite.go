package dscli

var arraysiteCommands = []*Command{
	{
		Name: "lsarraysite", Summary: "list the array sites: eight drives each",
		Params:  []Param{longParam, shortParam, siteParam(true)},
		Example: "lsarraysite S1-S2",
		Run:     lsarraysite,
	},
}

func lsarraysite(c *call, a Args) error {
	sites, ids := c.lab.Sites(), arg[[]string](a, "arsite")
	if err := c.exist("array site", ids, siteIDs(c.lab)); err != nil {
		return err
	}
	r := &result{class: "Array Site", columns: []column{left("arsite"), left("DA Pair"), number("dkcap (10^9B)"), left("State"), left("Array"), left("encrypt")}}
	for _, s := range sites {
		if wanted(ids, s.ID) {
			r.row(s.ID, s.DAPair, capacity(c.lab), s.State, s.Array, "supported")
		}
	}
	return c.list(r, 5)
}
