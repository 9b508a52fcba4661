package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refuseEmpty refuses an argument, a flag or an item of a list that is empty. It often comes from a
// variable that was not set, and the command must not report success after doing nothing.
func refuseEmpty(c *cobra.Command, args []string) error {
	empty := func(s string) bool { return strings.TrimSpace(s) == "" }
	completing := strings.HasPrefix(c.Name(), cobra.ShellCompRequestCmd) // its words are half typed
	if !completing && slices.ContainsFunc(args, empty) {
		return usagef("%san argument is empty: leave it out, or say what is meant", prefix(c))
	}
	var wrong string
	c.Flags().Visit(func(f *pflag.Flag) {
		list, several := f.Value.(pflag.SliceValue)
		switch {
		case wrong != "":
		case !several && empty(f.Value.String()), several && len(list.GetSlice()) == 0:
			wrong = "--" + f.Name + " is empty"
		case several && slices.ContainsFunc(list.GetSlice(), empty):
			wrong = "a name in the list of --" + f.Name + " is empty"
		}
	})
	if wrong != "" {
		return usagef("%s%s: leave it out, or say what is meant", prefix(c), wrong)
	}
	return nil
}
