package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandHelp is the help of a command for programs. The man pages are made from it.
type commandHelp struct {
	Use      string        `json:"use"` // its name and what may follow
	Short    string        `json:"short"`
	Long     string        `json:"long,omitempty"`
	Example  string        `json:"example,omitempty"`
	Flags    []flagHelp    `json:"flags,omitempty"`    // its own
	Inherits []flagHelp    `json:"inherits,omitempty"` // those that its subcommands have too
	Commands []commandHelp `json:"commands,omitempty"`
}

// flagHelp is the help of one flag. Without is the value of the flag if it is given without one;
// empty if it needs a value.
type flagHelp struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand,omitempty"`
	Type      string `json:"type"`
	Usage     string `json:"usage"`
	Default   string `json:"default"`
	Without   string `json:"without,omitempty"`
}

// describe is the help of c and of all commands below it.
func describe(c *cobra.Command) commandHelp {
	c.InitDefaultHelpFlag()
	h := commandHelp{
		Use: c.Use, Short: c.Short, Long: c.Long, Example: c.Example,
		Flags: describeFlags(c.LocalNonPersistentFlags()), Inherits: describeFlags(c.PersistentFlags()),
	}
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			h.Commands = append(h.Commands, describe(below))
		}
	}
	return h
}

func describeFlags(flags *pflag.FlagSet) []flagHelp {
	var all []flagHelp
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			all = append(all, flagHelp{f.Name, f.Shorthand, f.Value.Type(), f.Usage, f.DefValue, f.NoOptDefVal})
		}
	})
	return all
}

func newHelpCmd(a *app, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(c, args[len(args)-len(rest)])
			}
			if a.json {
				return a.printJSON(describe(c))
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}
