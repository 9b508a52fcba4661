package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
	"github.com/seed-9d983aeb/fdelab/raslab/labsql"
)

func newLabQueryCmd(a *app) *cobra.Command {
	var asCSV, schema bool
	c := &cobra.Command{
		Use:   "query DIR SELECT",
		Short: "ask the history of a laboratory with SQL",
		Long: "query plays a lab and asks its tables with one SELECT of SQLite: log, events, commands, drives,\n" +
			"ranks and keys. --schema shows what there is. It can change nothing.",
		Example: "  fdelab lab query mine 'SELECT src, first, found FROM open_event'\n  fdelab lab query --schema",
		Args: func(c *cobra.Command, args []string) error {
			if schema {
				return between(0, 0, "no argument with --schema")(c, args)
			}
			return between(2, 2, "the directory of one lab, and one SELECT")(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case schema:
				a.printf("%s", labsql.Schema)
				return nil
			case asCSV && a.json:
				return usagef("lab query: --csv and --json are given: one form at a time")
			}
			db, err := labsql.Load(args[0])
			if err != nil {
				return labError("lab query", args[0], err)
			}
			defer db.Close()
			t, err := db.Query(args[1])
			if err != nil {
				return usagef("lab query: %s", strings.TrimPrefix(oneLine(err.Error()), "SQL logic error: ")).withHint("fdelab lab query --schema shows the tables")
			}
			return a.labTable(t, asCSV)
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "print the result as CSV")
	c.Flags().BoolVar(&schema, "schema", false, "show the tables, and what their columns are")
	return c
}

// labTable prints the answer to a query.
func (a *app) labTable(t *labsql.Table, asCSV bool) error {
	if a.json {
		for i, name := range t.Columns {
			if slices.Contains(t.Columns[:i], name) {
				return usagef("lab query: two columns are called %s, and --json has one of each name: give one another name, with AS", name)
			}
		}
		rows := []map[string]any{}
		for _, row := range t.Rows {
			m := map[string]any{}
			for i, name := range t.Columns {
				if m[name] = row[i]; isInfinite(row[i]) {
					m[name] = labsql.Text(row[i])
				}
			}
			rows = append(rows, m)
		}
		return a.printJSON(rows)
	}
	lines := [][]string{t.Columns}
	for _, row := range t.Rows {
		var line []string
		for _, v := range row {
			text := labsql.Text(v)
			if v == nil && !asCSV {
				text = "-"
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	if asCSV {
		return csv.NewWriter(a.out).WriteAll(lines)
	}
	out := layout.NewTable(a.out, a.width())
	out.Head(strings.Join(lines[0], "\t"))
	for _, line := range lines[1:] {
		for i := range line {
			line[i] = oneLine(line[i])
		}
		fmt.Fprintln(out, strings.Join(line, "\t"))
	}
	return out.Flush()
}

// isInfinite says whether a value is a number that JSON has none for.
func isInfinite(v any) bool {
	f, is := v.(float64)
	return is && math.IsInf(f, 0)
}

// labDatabase writes the tables of a lab to a new file.
func (a *app) labDatabase(dir, file string) error {
	err := labsql.Write(dir, file)
	var torn *labfile.JournalError
	var played *labfile.PlayError
	switch {
	case errors.Is(err, os.ErrExist):
		return cannotf("lab export: %s exists: give the name of a new file", file)
	case errors.As(err, &torn), errors.As(err, &played):
		return labError("lab export", dir, err)
	case err != nil:
		return cannotf("lab export: %w", err)
	}
	a.printf("written: %s; fdelab lab query --schema shows its tables\n", file)
	return nil
}
