package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

// labLogJSON is one entry of fdelab lab log --json.
type labLogJSON struct {
	Entry   int        `json:"entry"`
	Time    *time.Time `json:"time"` // virtual; nil before there is a facility
	Verdict string     `json:"verdict"`
	Command string     `json:"command"`
	Trace   string     `json:"trace"`
}

func newLabLogCmd(a *app) *cobra.Command {
	var last int
	c := &cobra.Command{
		Use:   "log DIR",
		Short: "list the commands of a laboratory",
		Long: "log lists the entries of a lab's journal without playing them: number, virtual time at the end\n" +
			"of the command, verdict, and the command with all its values, PINs among them.",
		Example: "  fdelab lab log mine --last 20",
		Args:    between(1, 1, "the directory of one lab"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("last") && last < 1 {
				return usagef("lab log: --last %d: need a number from 1", last)
			}
			entries, err := labfile.Read(args[0])
			if err != nil {
				return labError("lab log", args[0], err)
			}
			if last > 0 {
				entries = entries[max(0, len(entries)-last):]
			}
			return a.labLog(entries)
		},
	}
	c.Flags().IntVar(&last, "last", 0, "only so many, the newest (default all)")
	return c
}

func (a *app) labLog(entries []labfile.Entry) error {
	list := []labLogJSON{}
	for _, e := range entries {
		j := labLogJSON{e.Number, nil, string(e.Verdict), e.Command(), e.Trace}
		if !e.Time.IsZero() {
			j.Time = &e.Time
		}
		if e.Made != nil {
			j.Verdict, j.Command = "made", "made by fdelab "+e.Made.Release
		}
		list = append(list, j)
	}
	if a.json {
		return a.printJSON(list)
	}
	t := layout.NewTable(a.out, a.width())
	t.Head("entry\tvirtual time\tverdict\tcommand")
	for _, e := range list {
		at := "-"
		if e.Time != nil {
			at = e.Time.Format(time.DateTime)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", e.Entry, at, e.Verdict, e.Command)
	}
	return t.Flush()
}

func newLabExportCmd(a *app) *cobra.Command {
	var database string
	c := &cobra.Command{
		Use:   "export DIR [FILE]",
		Short: "write a laboratory as a rehearsal, or as a database",
		Long: "export writes the commands of a lab and what they print, to a new file or to standard output, as\n" +
			"a transcript that fdelab rehearse plays. A transcript has no files of the host. With --sqlite it\n" +
			"writes log, events, commands, drives, ranks and keys as tables of a new SQLite file. Both hold what\n" +
			"was typed and printed, PINs and recovery keys among it: only the owner of the file can read it.",
		Example: "  fdelab lab export mine incident.txt\n  fdelab rehearse ./incident.txt\n  fdelab lab export mine --sqlite mine.db",
		Args:    between(1, 2, "the directory of one lab, and a new file or none"),
		RunE: func(_ *cobra.Command, args []string) error {
			if database != "" {
				if len(args) == 2 {
					return usagef("lab export: --sqlite %s and the file %s are given: one form at a time", database, args[1])
				}
				return a.labDatabase(args[0], database)
			}
			t, err := labfile.Export(args[0])
			if err != nil {
				return labError("lab export", args[0], err)
			}
			if len(args) == 1 {
				a.printf("%s", t)
				return nil
			}
			if err := writeSecret(args[1], func() ([]byte, error) { return []byte(t.String()), nil }); errors.Is(err, os.ErrExist) {
				return cannotf("lab export: %s exists: give the name of a new file", args[1])
			} else if err != nil {
				return cannotf("lab export: %w", err)
			}
			a.printf("written: %s, %s\n", args[1], count(len(t.Steps), "command"))
			return nil
		},
	}
	c.Flags().StringVar(&database, "sqlite", "", "write tables to this new SQLite file")
	return c
}

func newLabCopyCmd(a *app) *cobra.Command {
	var entries int
	c := &cobra.Command{
		Use:   "copy DIR NEW",
		Short: "copy a laboratory, or its first entries",
		Long: "copy makes a lab of its own in the new directory NEW. With --entries it takes the first ones,\n" +
			"also of a lab whose journal is torn or altered behind them.",
		Example: "  fdelab lab copy mine before --entries 12",
		Args:    between(2, 2, "the directory of one lab, and a new directory"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("entries") && entries < 1 {
				return usagef("lab copy: --entries %d: need a number from 1", entries)
			}
			n, err := labfile.Copy(args[0], args[1], entries)
			if err != nil {
				return labError("lab copy", args[0], err)
			}
			a.printf("lab %s: made, with %s\n", args[1], count(n, "entry"))
			return nil
		},
	}
	c.Flags().IntVar(&entries, "entries", 0, "how many (default all)")
	return c
}
