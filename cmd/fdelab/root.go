package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// subcommands lists the constructors, in the order of the help. A subcommand
// lives in a file of its own.
var subcommands = []func(*app) *cobra.Command{
	newRehearseCmd,
	newShellCmd,
	newDscliCmd,
	newLabCmd,
	newDriveCmd,
	newWebCmd,
	newServeCmd,
	newTCGCmd,
	newPowerCmd,
	newResetCmd,
	newEraseCmd,
	newSweepCmd,
	newSoakCmd,
	newCampaignCmd,
	newReplayCmd,
	newConformCmd,
	newThiefCmd,
	newSrcCmd,
	newStatesCmd,
	newCertificateCmd,
	newKeyserverCmd,
	newCloudCmd,
	newVersionCmd,
	newCompletionCmd,
}

// The order above is the one to learn them in; cobra would sort them by name.
func init() { cobra.EnableCommandSorting = false }

// run is the whole program without os.Exit.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{in: in, out: &stickyWriter{w: out}, err: errOut}
	err := execute(a, args)
	if err == nil && a.out.err != nil {
		err = cannotf("cannot write the result: %v", a.out.err)
	}
	return a.report(err)
}

func execute(a *app, args []string) error {
	root := newRootCmd(a)
	// An unknown word is refused here, before cobra can complain of a flag behind it. A command
	// with flags of its own looks at its words itself: some may be values of flags.
	completing := len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	if c, rest, err := root.Find(args); err == nil && c.HasSubCommands() && !c.LocalNonPersistentFlags().HasFlags() && !completing {
		for _, word := range rest {
			if !strings.HasPrefix(word, "-") {
				return unknownCommand(c, word)
			}
		}
	}
	root.SetArgs(append([]string{}, args...)) // nil would make cobra read os.Args
	return root.Execute()
}

func newRootCmd(a *app) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "fdelab",
		Short: "a laboratory for self-encrypting drives",
		Long: "fdelab is a laboratory for self-encrypting drives: simulated drives with real keys,\n" +
			"real persistence and real power cuts, in a simulated storage facility.",
		Example: "  fdelab rehearse\n  fdelab src be34009e\n  fdelab states --format mermaid",
	})
	root.PersistentPreRunE = func(c *cobra.Command, args []string) error {
		if _, err := aes256.Choice(); err != nil {
			return usagef("%w", err)
		}
		if err := refuseSystem(c); err != nil {
			return err
		}
		return refuseEmpty(c, args)
	}
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print the result as JSON")
	root.PersistentFlags().BoolVar(&a.noColor, "no-color", false, "never print colour (also: NO_COLOR=1)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s%s", prefix(c), flagText(err)).withHint("%s --help lists the flags", c.CommandPath())
	})
	for _, constructor := range subcommands {
		root.AddCommand(constructor(a))
	}
	a.foldHelp(root)
	root.SetHelpCommand(newHelpCmd(a, root))
	root.InitDefaultHelpCmd()
	return root
}

// foldHelp fits the help of every command into the terminal.
func (a *app) foldHelp(root *cobra.Command) {
	help := root.HelpFunc()
	usage := root.UsageTemplate()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		root.SetUsageTemplate(strings.ReplaceAll(usage, ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", a.helpWidth())))
		columns := a.width()
		if columns == 0 {
			help(c, args)
			return
		}
		out := &layout.Folder{W: a.out, Width: a.width}
		c.SetOut(out)
		c.Long = reflow(c.Long, columns)
		help(c, args)
		_ = out.Flush() // a.out keeps its error
	})
}

// helpWidthMax is how wide a help is where the terminal is wider, or where there is none, in
// columns.
const helpWidthMax = 100

// helpWidth is how wide a help is.
func (a *app) helpWidth() int {
	if columns := a.width(); columns > 0 {
		return min(columns, helpWidthMax)
	}
	return helpWidthMax
}

// reflow joins the lines of each paragraph and wraps them. Indented lines are a list and stay
// apart.
func reflow(text string, columns int) string {
	var lines []string
	joins := false
	for _, line := range strings.Split(text, "\n") {
		plain := line != "" && !strings.HasPrefix(line, " ")
		if plain && joins {
			lines[len(lines)-1] += " " + line
		} else {
			lines = append(lines, line)
		}
		joins = plain
	}
	var wrapped []string
	for _, line := range lines {
		if line != "" && !strings.HasPrefix(line, " ") {
			wrapped = append(wrapped, layout.Wrap(line, columns)...)
		} else {
			wrapped = append(wrapped, layout.Fold(line, columns)...)
		}
	}
	return strings.Join(wrapped, "\n")
}

// flagText says what is wrong with a flag. The text of pflag would name the Go function that
// refused the value.
func flagText(err error) string {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	flag := invalid.GetFlag()
	right := map[string]string{
		"int": "a whole number", "uint64": "a whole number that is not negative", "intSlice": "whole numbers, separated by commas",
		"bool": "true or false", "duration": "a duration such as 90s", "stringSlice": "words, separated by commas",
	}[flag.Value.Type()]
	if right == "" {
		right = "a " + flag.Value.Type()
	}
	return fmt.Sprintf("%q is not right for --%s: use %s", invalid.GetValue(), flag.Name, right)
}

// group makes c a command that only holds others: alone it prints its help.
func group(c *cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs // execute refuses unknown words
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

func unknownCommand(c *cobra.Command, word string) error {
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return usagef("%sunknown command %q; did you mean %s?", prefix(c), word, strings.Join(near, " or "))
	}
	return usagef("%sunknown command %q; %s --help lists the commands", prefix(c), word, c.CommandPath())
}

// prefix names a subcommand at the head of a message; the root needs no name.
func prefix(c *cobra.Command) string {
	if !c.HasParent() {
		return ""
	}
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path + ": "
}

// between is cobra.RangeArgs with words for the arguments in its message; most is -1 for no upper
// bound.
func between(least, most int, words string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			given := fmt.Sprintf("%d arguments", len(args))
			if len(args) == 1 {
				given = "1 argument"
			}
			return usagef("%sgot %s, need %s", prefix(c), given, words)
		}
		return nil
	}
}
