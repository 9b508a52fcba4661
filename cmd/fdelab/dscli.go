package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

func newDscliCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "dscli [OPTION...] [COMMAND]",
		Short: "administer a simulated facility as a customer does, with DSCLI commands",
		Long: "dscli takes the commands of IBM's DSCLI for keys, arrays, ranks, drives and serviceable\n" +
			"events, and runs them on a simulated facility: one command, a script, a pipe, or at a prompt.\n" +
			"The facility has 32 drives, or is what a setup in the laboratory's command language\n" +
			"(fdelab shell) makes of it. A line that begins with ! is a command of that language.\n\n" +
			"The options, with one dash or two, stand before the command. For programs there is -fmt, and\n" +
			"no --json:\n" + dscli.ProgramOptions(a.helpWidth()) + "\n" +
			"A script ends at its first error, in a line that begins with !, too. In a script and a pipe the\n" +
			"answer to a question is the line below the command. Messages of errors go to standard error.\n" +
			"The exit codes are DSCLI's: 0 done, 2 syntax, 3 connection, 4 facility, 5 user, 6 refused or failed.",
		Example: "  fdelab dscli lsarraysite\n" +
			"  fdelab dscli -setup-command 'lab new seed=7; keygrp configure' -bnr off showkeygrp 1\n" +
			"  fdelab dscli -setup incident.script -script repair.dscli",
		DisableFlagParsing:    true, // DSCLI's options are long with one dash
		DisableFlagsInUseLine: true,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			var all []string
			for _, c := range dscli.Commands() {
				all = append(all, c.Name+"\t"+c.Summary)
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := dscli.ParseProgram(args)
			if err != nil {
				return usagef("dscli: %w", err).withHint("fdelab dscli --help explains the options")
			}
			if p.Help {
				return c.Help()
			}
			if a.json {
				return usagef("dscli: there is no --json here").withHint("-fmt xml or -fmt delim is for programs")
			}
			return a.dscli(p)
		},
	}
	// The flags that other commands share are not taken here, so help does not list them.
	c.SetUsageTemplate("Usage:\n  {{.UseLine}}\n\nExamples:\n{{.Example}}\n")
	return c
}

func (a *app) dscli(p dscli.Program) error {
	lab, begin, shut, err := a.dscliFacility(p)
	if err != nil {
		return err
	}
	defer shut()
	var in io.Reader = a.in
	if p.Script != "" {
		f, err := os.Open(p.Script)
		if err != nil {
			return cannotf("dscli: %w", err)
		}
		defer f.Close()
		in = f
	}
	lines := dscli.NewLines(in)
	o := dscli.Options{
		Lab: lab.Lab, ReadFile: readSmall, Zone: p.Zone, Consoles: p.Consoles, User: p.User, Output: p.Output, Image: p.Image, Version: readVersion().releaseVersion(),
		Width: a.width, Ask: lines.Answers(a.out), Strict: true,
		Local: func(line string, out io.Writer) error {
			lab.SetWidth(a.width())
			err := lab.Run(line, out)
			if err == nil || errors.Is(err, console.ErrQuit) {
				return nil
			}
			var notUnderstood *console.UsageError
			return dscli.LocalError(!errors.As(err, &notUnderstood), oneLine(console.ErrorText(err)))
		},
	}
	if a.terminal() && p.Script == "" {
		return a.dscliTerminal(&o, begin, p.Command)
	}
	s := begin(o)
	if len(p.Command) > 0 {
		return dscliExit(runCommand(s, p.Command, a))
	}
	return dscliExit(s.Script(lines, a.out, a.err))
}

// smallMax is the most that a certificate's file may hold, in bytes.
const smallMax = 1 << 20

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, smallMax+1))
	if err == nil && len(data) > smallMax {
		err = fmt.Errorf("%s has more than %d bytes", name, smallMax)
	}
	return data, err
}

// dscliFacility gives the facility, of a lab that is kept or a new one; begin starts DSCLI on it, shut ends
// it.
func (a *app) dscliFacility(p dscli.Program) (s *console.Session, begin func(dscli.Options) *dscli.Session, shut func() error, err error) {
	if p.Connect != "" {
		return dscliConnect(p)
	}
	if p.Lab == "" {
		s, err := a.dscliLab(p)
		if err != nil {
			return nil, nil, nil, err
		}
		return s, dscli.NewSession, s.Close, nil
	}
	l, err := a.openLab("dscli", p.Lab, a.labOptions())
	if err != nil {
		return nil, nil, nil, err
	}
	return l.Session(), l.DSCLI, l.Close, nil
}

// dscliLab builds the facility.
func (a *app) dscliLab(p dscli.Program) (*console.Session, error) {
	dial, err := realServers{dir: p.KMIP.Dir, ca: p.KMIP.CA, cert: p.KMIP.Certificate, key: p.KMIP.Key, timeout: p.KMIP.Timeout}.dial("dscli", "-")
	if err != nil {
		return nil, err
	}
	setup := io.Reader(strings.NewReader(p.Commands))
	switch {
	case p.Setup != "":
		f, err := os.Open(p.Setup)
		if err != nil {
			return nil, cannotf("dscli: %w", err)
		}
		defer f.Close()
		setup = f
	case p.Commands == "":
		seed := uint64(0)
		if p.Seed != "" {
			if seed, err = console.ParseSeed(p.Seed); err != nil {
				return nil, usagef("dscli: -seed %q: %w", p.Seed, err)
			}
		}
		return console.NewSession(console.Options{Seed: seed, Start: true, Entropy: rand.Reader, ReadFile: readSmall, WriteFile: writeNew, WriteSecret: writeSecret, Dial: dial}), nil
	}
	s := console.NewSession(console.Options{Start: true, Entropy: rand.Reader, ReadFile: readSmall, WriteFile: writeNew, WriteSecret: writeSecret, Dial: dial})
	var bad error
	if _, err := console.RunScript(s, setup, io.Discard, true, func(line int, _ console.Verdict, err error) {
		if err != nil && bad == nil {
			bad = usagef("dscli: the setup, line %d: %s", line, console.ErrorText(err))
		}
	}); err != nil {
		bad = cannotf("dscli: the setup: %w", err)
	}
	if bad != nil {
		s.Close()
		return nil, bad
	}
	return s, nil
}

// dscliTerminal is DSCLI at a terminal: one command, or a conversation.
func (a *app) dscliTerminal(o *dscli.Options, begin func(dscli.Options) *dscli.Session, command []string) error {
	var s *dscli.Session
	read := a.lines(func(text string) []console.Candidate { return dscli.Complete(s, text) })
	o.Strict = false
	o.Ask = func(prompt string) (string, error) {
		answer, err := read(prompt)
		if errors.Is(err, errInterrupt) {
			err = dscli.ErrInterrupt
		}
		return answer, err
	}
	s = begin(*o)
	if len(command) > 0 {
		return dscliExit(runCommand(s, command, a))
	}
	next := ""
	for {
		line, err := read.command(next, dscli.Prompt)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return cannotf("dscli: %w", err)
		}
		quit := false
		next = a.paged(line, read, func(out io.Writer) { quit = errors.Is(s.Run(line, out, a.err), dscli.ErrQuit) })
		if quit {
			return nil
		}
	}
}

// runCommand runs the words of the command line; a single one may be a whole line.
func runCommand(s *dscli.Session, words []string, a *app) error {
	if len(words) == 1 {
		return s.Run(words[0], a.out, a.err)
	}
	return s.RunWords(words, a.out, a.err)
}

// dscliExit gives an error DSCLI's exit code; its message is printed already.
func dscliExit(err error) error {
	var e *dscli.Error
	switch {
	case err == nil, errors.Is(err, dscli.ErrQuit):
		return nil
	case errors.As(err, &e):
		return &exitError{code: e.Exit, err: errTold}
	}
	return cannotf("%w", err)
}
