package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

func newLabCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "lab",
		Short: "keep a laboratory in a directory: make it, look at it, copy it",
		Long: "lab makes a laboratory that stays when its process ends. Its directory holds a journal of the\n" +
			"commands that were given; who opens it (--lab DIR at shell, dscli and rehearse) gets the facility\n" +
			"back, at the virtual time at which it was left. A command is in the journal before it answers.\n" +
			"The journal holds what was typed, PINs and recovery keys among it: its owner alone can read it.",
		Example: "  fdelab lab create mine --seed 7\n  fdelab shell --lab mine\n  fdelab dscli -lab mine lskeymgr\n  fdelab lab log mine",
	})
	c.AddCommand(newLabCreateCmd(a), newLabInfoCmd(a), newLabLogCmd(a), newLabExportCmd(a), newLabQueryCmd(a), newLabCopyCmd(a))
	return c
}

// labOptions is what labs are opened with here.
func (a *app) labOptions() labfile.Options {
	return labfile.Options{Release: readVersion().releaseVersion(), Color: a.color(), Width: a.width(), ReadFile: readSmall, WriteFile: writeNew, Program: programSum}
}

// labError gives an error of a lab its exit code, and says what to do next.
func labError(command, dir string, err error) error {
	e := cannotf("%s: %w", command, err)
	var torn *labfile.JournalError
	var played *labfile.PlayError
	switch {
	case errors.As(err, &torn) && torn.Entry > 1:
		return e.withHint("fdelab lab copy %s NEW --entries %d makes a lab of what is before", dir, torn.Entry-1)
	case errors.As(err, &played) && played.Entry > 1:
		return e.withHint("fdelab lab copy %s NEW --entries %d makes a lab of what is before", dir, played.Entry-1)
	}
	return e
}

// openLab opens a lab for a command.
func (a *app) openLab(command, dir string, o labfile.Options) (*labfile.Lab, error) {
	l, err := labfile.Open(dir, o)
	if err != nil {
		return nil, labError(command, dir, err)
	}
	return l, nil
}

func newLabCreateCmd(a *app) *cobra.Command {
	var seed, commands string
	c := &cobra.Command{
		Use:   "create DIR",
		Short: "make a laboratory in a new directory",
		Long: "create makes a lab with a facility of 32 drives; with -c it is what the commands of the shell make\n" +
			"of it, the first of which is lab new. A command that goes wrong leaves no lab.",
		Example: "  fdelab lab create mine --seed 7\n  fdelab lab create mine -c 'lab new drives=1536; keygrp configure'",
		Args:    between(1, 1, "one new directory"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := console.ParseSeed(seed); err != nil {
				return usagef("lab create: --seed %q: %w", seed, err)
			}
			switch {
			case !c.Flags().Changed("command"):
				commands = "lab new seed=" + seed
			case c.Flags().Changed("seed"):
				return usagef("lab create: --seed and -c are given: write lab new seed=%s in -c", seed)
			}
			return a.labCreate(args[0], commands)
		},
	}
	c.Flags().StringVar(&seed, "seed", "0", "decides every key, serial number and event of the facility")
	c.Flags().StringVarP(&commands, "command", "c", "", "run these commands of the shell, separated by semicolons, in place of lab new")
	return c
}

func (a *app) labCreate(dir, commands string) error {
	l, err := labfile.Create(dir, a.labOptions())
	if err != nil {
		return labError("lab create", dir, err)
	}
	var bad error
	if _, err := console.RunScript(l.Session(), strings.NewReader(commands), a.out, true, func(line int, _ console.Verdict, err error) {
		if err != nil && bad == nil {
			bad = usagef("lab create: line %d of the commands: %s: no lab was made", line, console.ErrorText(err))
		}
	}); err != nil {
		bad = cannotf("lab create: %w", err)
	}
	if bad == nil && l.Session().Lab() == nil {
		bad = usagef("lab create: the commands build no facility: lab new does; no lab was made")
	}
	entries := len(l.Entries())
	if err := l.Close(); err != nil && bad == nil {
		bad = cannotf("lab create: %w", err)
	}
	if bad != nil {
		return errors.Join(bad, os.RemoveAll(dir))
	}
	if a.json {
		return a.printJSON(map[string]any{"lab": dir, "entries": entries})
	}
	a.printf("lab %s: made, with %d entries\n", dir, entries)
	return nil
}

func newLabInfoCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "info DIR",
		Short:   "open a laboratory and sum it up",
		Example: "  fdelab lab info mine",
		Args:    between(1, 1, "the directory of one lab"),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := a.openLab("lab info", args[0], a.labOptions())
			if err != nil {
				return err
			}
			defer l.Close()
			return a.labInfo(args[0], l)
		},
	}
}

// labInfoJSON is the result of fdelab lab info --json.
type labInfoJSON struct {
	Lab        string             `json:"lab"`
	Release    string             `json:"release"` // that made it
	Entries    int                `json:"entries"`
	Facilities []console.Snapshot `json:"facilities"`
}

func (a *app) labInfo(dir string, l *labfile.Lab) error {
	entries := l.Entries()
	if a.json {
		return a.printJSON(labInfoJSON{dir, entries[0].Made.Release, len(entries), console.Snapshots(l.Session())})
	}
	t := layout.NewTable(a.out, a.width())
	t.Head("facility\tvirtual time\tdrives\tranks\topen events")
	for _, f := range console.Snapshots(l.Session()) {
		open := 0
		for _, e := range f.Events {
			if e.Open {
				open++
			}
		}
		drives := 0
		for _, d := range f.Drives {
			if d.Serial != "" {
				drives++
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\n", f.Serial, f.Time.Format(time.DateTime), drives, len(f.Ranks), open)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	a.printf("%s, made by fdelab %s\n", count(len(entries), "entry"), entries[0].Made.Release)
	return nil
}
