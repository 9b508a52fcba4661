package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

func newShellCmd(a *app) *cobra.Command {
	var seed, commands, lab, connect string
	var ascii, stop, wire bool
	var outside cloudFlags
	var real realServers
	c := &cobra.Command{
		Use:   "shell",
		Short: "type commands to a simulated facility",
		Long: "shell takes commands, one line each, and runs them in a simulated facility of 32 drives.\n" +
			"On a terminal it has a prompt, history and completion; from a pipe it reads a script.\n" +
			"help lists the commands. The history is kept in memory only, since a line may hold a PIN.\n" +
			"A semicolon ends a command, as the end of a line does. exit and quit leave.\n\n" +
			"In a script an error goes to standard error, with the number of its line. The next command\n" +
			"runs all the same, unless -e is given. A line that is not understood is not run at all.\n" +
			"The exit code is the first of these that applies:\n" +
			"  2  a line was not understood\n" +
			"  1  a command ran and failed\n" +
			"  3  a command was refused, with nothing changed\n" +
			"  0  everything was done\n\n" +
			"With --connect the facility is that of fdelab web, which others use at the same time.\n\n" +
			"With --json the output is one value at the end: the result of each line, and each facility\n" +
			"with its drives, ranks, keys and serviceable events.",
		Example: "  fdelab shell\n  fdelab shell -c 'keygrp configure; array create site=S1; rank create array=A0 keygrp=1'\n" +
			"  fdelab shell --seed 7 < incident.script\n" +
			"  fdelab shell --kmip-certs keys -c 'lab new keyservers=0; keymgr make addr=127.0.0.1; keymgr make addr=localhost port=5697; keygrp configure'",
		Args: between(0, 0, "none: commands come from standard input or -c"),
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := console.ParseSeed(seed)
			if err != nil {
				return usagef("shell: --seed %q: %w", seed, err)
			}
			dial, err := real.dial("shell", "--")
			if err != nil {
				return err
			}
			cloud, shut, err := outside.connect("shell")
			if err != nil {
				return err
			}
			defer shut()
			if connect != "" {
				if other := given(c, append([]string{"lab", "ascii", "seed", "wire"}, outsideFlags...)); other != "" {
					return usagef("shell: --connect and --%s are given: the laboratory is that of fdelab web", other)
				}
				return a.shellConnect(connect, c.Flags().Changed("command"), commands, stop)
			}
			if lab != "" {
				if other := given(c, append([]string{"seed", "wire"}, outsideFlags...)); other != "" {
					return usagef("shell: --lab and --%s are given: a lab that is kept has its own seed, and nothing outside that cannot be played again", other)
				}
				return a.shellLab(lab, ascii, c.Flags().Changed("command"), commands, stop)
			}
			s := console.NewSession(console.Options{Seed: n, ASCII: ascii, Color: a.color(), Width: a.width(), Start: true, Wire: wire, Entropy: rand.Reader, ReadFile: readSmall, WriteFile: writeNew, WriteSecret: writeSecret, Dial: dial, Cloud: cloud})
			defer s.Close()
			return a.shell(localShell{s}, c.Flags().Changed("command"), commands, stop)
		},
	}
	c.Flags().StringVar(&seed, "seed", "0", "decides every key, serial number and event")
	c.Flags().StringVarP(&commands, "command", "c", "", "run these commands, separated by semicolons, and leave")
	c.Flags().StringVar(&lab, "lab", "", "a lab that is kept (fdelab lab create), in place of a new facility")
	c.Flags().StringVar(&connect, "connect", "", connectHelp)
	c.Flags().BoolVar(&ascii, "ascii", false, "draw pictures in ASCII")
	c.Flags().BoolVar(&wire, "wire", false, wireHelp)
	outside.add(c)
	c.Flags().StringVar(&real.dir, "kmip-certs", "", kmipCertsHelp)
	c.Flags().StringVar(&real.ca, "kmip-ca", "", kmipCAHelp)
	c.Flags().StringVar(&real.cert, "kmip-cert", "", kmipCertHelp)
	c.Flags().StringVar(&real.key, "kmip-key", "", kmipKeyHelp)
	c.Flags().StringVar(&real.timeout, "kmip-timeout", "", kmipTimeoutHelp+" (default "+realTimeout.String()+")")
	c.Flags().BoolVarP(&stop, "stop", "e", false, "stop at the first command that goes wrong")
	return c
}

// shell runs commands in a session: those of the command line, else what is typed or comes from a pipe.
func (a *app) shell(s shellSession, given bool, commands string, stop bool) error {
	switch {
	case given:
		return a.script(s, strings.NewReader(commands), stop, false)
	case a.terminal() && !a.json:
		return a.converse(s)
	}
	return a.script(s, a.in, stop, true)
}

// shellLab is shell in a lab that is kept.
func (a *app) shellLab(dir string, ascii, given bool, commands string, stop bool) error {
	o := a.labOptions()
	o.ASCII = ascii
	l, err := a.openLab("shell", dir, o)
	if err != nil {
		return err
	}
	defer l.Close()
	return a.shell(localShell{l.Session()}, given, commands, stop)
}

func (a *app) script(s shellSession, in io.Reader, stop, numbered bool) error {
	var out io.Writer = a.out
	var printed bytes.Buffer
	result := shellJSON{Lines: []console.LineResult{}}
	if a.json {
		out = &printed
	}
	tally, err := console.RunScript(s, in, out, stop, func(line int, verdict console.Verdict, err error) {
		if a.json {
			result.Lines = append(result.Lines, console.NewLineResult(line, verdict, err, printed.String()))
			printed.Reset()
		}
		if err == nil {
			return
		}
		if numbered {
			a.note("error: line %d: %s", line, oneLine(console.ErrorText(err)))
		} else {
			a.note("error: %s", oneLine(console.ErrorText(err)))
		}
	})
	if err != nil {
		return cannotf("shell: %w", err)
	}
	if a.json {
		if result.Facilities, err = s.Facilities(); err != nil {
			return cannotf("shell: %w", err)
		}
		if err := a.printJSON(result); err != nil {
			return err
		}
	}
	switch {
	case tally.NotUnderstood > 0:
		return &exitError{code: exitUsage, err: errTold}
	case tally.Failed > 0:
		return &exitError{code: exitFailed, err: errTold}
	case tally.Refused > 0:
		return &exitError{code: exitCannot, err: errTold}
	}
	return nil
}

// shellJSON is the result of `fdelab shell --json`.
type shellJSON struct {
	Lines      []console.LineResult `json:"lines"`
	Facilities []console.Snapshot   `json:"facilities"` // at the end
}

// errTold stands for an error that was already printed to standard error.
var errTold = errors.New("told already")

// welcome says in what a person has arrived.
func welcome(s shellSession) string {
	if s.Drives() < 0 {
		return "There is no facility yet: lab new builds one."
	}
	return fmt.Sprintf("A facility of %s.", count(s.Drives(), "drive"))
}

// converse is the shell at a terminal.
func (a *app) converse(s shellSession) error {
	a.printf("%s help lists the commands.\n", welcome(s))
	read := a.lines(func(text string) []console.Candidate { return s.Complete(text) })
	next := ""
	for {
		line, err := read.command(next, s.Prompt())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return cannotf("shell: %w", err)
		}
		s.SetWidth(a.width())
		quit := false
		next = a.paged(line, read, func(out io.Writer) {
			s.Each(line, out, func(err error) bool {
				var failed *console.FailedError
				switch {
				case errors.Is(err, console.ErrQuit):
					quit = true
				case err != nil && !errors.As(err, &failed): // a failure was printed already
					a.note("error: %s", oneLine(console.ErrorText(err)))
				}
				return true
			})
		})
		if quit {
			return nil
		}
	}
}
