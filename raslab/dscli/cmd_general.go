package dscli

import "github.com/seed-9d983aeb/fdelab/raslab"

func generalCommands() []*Command {
	return []*Command{
		{
			Name: "help", Summary: "explain the commands: all, or one", Alone: true,
			Params: []Param{
				{Name: "l", Flag: true, Help: "with the form of each"},
				{Name: "command", Kind: wordKind, Operand: true, Help: "a command", Complete: func(*raslab.Lab) []string { return names() }},
			},
			Example: "help mkrank",
			Run: func(c *call) error {
				name := arg[string](c.args, "command")
				if name == "" {
					return c.writeHelp(arg[bool](c.args, "l"))
				}
				about, err := lookup(name)
				if err != nil {
					return c.syntax(err.Error())
				}
				return c.explain(about)
			},
		},
		{
			Name: "quit", Summary: "leave", Alone: true, Example: "quit",
			Run: func(*call) error { return ErrQuit },
		},
		{
			Name: "exit", Summary: "leave, as quit does", Alone: true, Example: "exit",
			Run: func(*call) error { return ErrQuit },
		},
	}
}
