package dscli

import (
	"fmt"
)

var helpCommands = []*Command{
	{
		Name: "help", Summary: "explain the commands: all, or one", Alone: true,
		Params: []Param{
			{Name: "l", Flag: true, Help: "with the form of each"},
			{Name: "command", Kind: wordKind, Bare: true, Help: "a command", Complete: commandNames},
		},
		Example: "help mkrank",
		Run:     help,
	},
}

func help(c *call, a Args) error {
	name := arg[string](a, "command")
	if name == "" {
		if err := language.Overview(c.page(), arg[bool](a, "l")); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.out, "A command or a parameter may be cut short as long as it stays clear; help COMMAND explains one.")
		return err
	}
	about, err := lookup(name)
	if err != nil {
		return c.syntax(err.Error())
	}
	return language.Explain(c.page(), about)
}

func commandNames(*call) []string { return language.Names() }
