package dscli

var suCommands = []*Command{
	{
		Name: "lssu", Summary: "list the storage unit",
		Params:  []Param{longParam, shortParam},
		Example: "lssu",
		Run:     lssu,
	},
}

func lssu(c *call, a Args) error {
	r := &result{class: "Storage Unit", columns: []column{left("Name"), left("ID"), left("Model"), left("WWNN"), left("pw state"), left("MTS")}}
	r.row("-", unitID(c.lab), model(c.lab), nodeName(c.lab.UnitSerial()), "On", c.lab.MachineType()+"-"+c.lab.UnitSerial())
	return c.list(r, 5)
}
