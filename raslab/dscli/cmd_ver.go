package dscli

var versionCommands = []*Command{
	{
		Name: "ver", Summary: "show the release of the command line; with -l that of the facility too",
		Detail:  "Both are releases of fdelab: the facility's microcode is part of it.",
		Params:  []Param{{Name: "l", Flag: true, Help: "the facility's release too"}},
		Example: "ver -l",
		Run:     ver,
	},
}

func ver(c *call, a Args) error {
	version := c.session.options.Version
	if err := c.print(described("Version", "DSCLI", version)); err != nil || !arg[bool](a, "l") {
		return err
	}
	r := &result{class: "Version", columns: []column{left("Storage Image"), left("LMC")}}
	r.row(imageID(c.lab.Serial()), version)
	return c.print(r)
}
