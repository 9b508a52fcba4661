package dscli

var userCommands = []*Command{
	{
		Name: "lsuser", Summary: "list the users",
		Params:  []Param{longParam, shortParam},
		Example: "lsuser",
		Run:     lsuser,
	},
	{
		Name: "whoami", Summary: "show the user and his group",
		Example: "whoami",
		Run:     whoami,
	},
}

func lsuser(c *call, a Args) error {
	r := &result{class: "User", columns: []column{left("Name"), left("Group"), left("State")}}
	for _, u := range users {
		r.row(u.Name, groupOf(u), "active")
	}
	return c.list(r, 3)
}

func whoami(c *call, a Args) error {
	u, _ := userNamed(c.session.options.User)
	return c.print(described("User", "Name", u.Name, "Group", groupOf(u)))
}
