package dscli

import (
	"fmt"
	"strings"
)

var serverCommands = []*Command{
	{
		Name: "lsserver", Summary: "list the two partitions that serve the storage image",
		Params:  []Param{longParam, shortParam, imageOperand()},
		Example: "lsserver",
		Run:     lsserver,
	},
}

func lsserver(c *call, a Args) error {
	r := &result{class: "Server", columns: []column{left("ID"), left("Image ID"), left("State"), left("LMC Version"), left("data")}}
	for _, p := range c.lab.Partitions() {
		state, data := "online", "accessible"
		if strings.HasPrefix(p.State, "IML in") {
			state = "IML in progress"
		}
		if !p.DataAccess {
			data = "not accessible"
		}
		r.row(fmt.Sprintf("%02d", p.ID), imageID(c.lab.Serial()), state, c.session.options.Version, data)
	}
	return c.list(r, 4)
}
