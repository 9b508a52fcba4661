package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// rehearsalJSON is a rehearsal in the list of `fdelab rehearse --json`.
type rehearsalJSON struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	SRC   []string `json:"src"`
	Steps int      `json:"steps"`
}

// playedJSON is the result of one rehearsal.
type playedJSON struct {
	rehearsalJSON
	Passed     bool            `json:"passed"`
	Commands   int             `json:"commands"`
	Difference *differenceJSON `json:"difference,omitempty"`
}

type differenceJSON struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// playJSON is the result of `fdelab rehearse --json NAME`.
type playJSON struct {
	Passed     int          `json:"passed"`
	Failed     int          `json:"failed"`
	Rehearsals []playedJSON `json:"rehearsals"`
}

func newRehearseCmd(a *app) *cobra.Command {
	var all, interactive, quiet, wire bool
	var lab string
	c := &cobra.Command{
		Use:   "rehearse [NAME|SRC|FILE]",
		Short: "play a rehearsal of a drive incident, or list them",
		Long: "Without an argument rehearse lists the rehearsals. With a name it plays that one: a story of\n" +
			"prose, commands and what they print, run in a simulated facility. With a service reference\n" +
			"code it plays every rehearsal about the code, with a file a transcript of your own.\n" +
			"With -i it stops before each command: type it, or next, hint, why, state, quit. Any other\n" +
			"command is tried on a copy, so that a wrong turn costs nothing.\n" +
			"With --lab the facility of the story stays in a new directory: fdelab shell --lab goes on in it.\n" +
			"With --wire the facility reaches its drives by TCG's IF-SEND and IF-RECV. Nothing it prints\n" +
			"depends on that.\n" +
			"The exit code is 1 if the output differs from the transcript.",
		Example: "  fdelab rehearse be31f004\n  fdelab rehearse -i healthy-day\n  fdelab rehearse --all --quiet",
		Args:    between(0, 1, "a name, a code or a file"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			names := completeRehearsals(typed)
			if len(names) > 0 {
				return names, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault // a file of one's own
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return usagef("rehearse: --all plays them all: leave %q out, or --all", args[0])
			case interactive && (all || len(args) == 0):
				return usagef("rehearse: -i needs the name of one rehearsal").withHint("fdelab rehearse lists them")
			case interactive && a.json:
				return usagef("rehearse: -i is a conversation and has no JSON: leave one of them out")
			case lab != "" && (all || len(args) == 0):
				return usagef("rehearse: --lab keeps the facility of one rehearsal: name it").withHint("fdelab rehearse lists them")
			case lab != "" && wire:
				return usagef("rehearse: --lab and --wire are given: a lab that is kept reaches its drives by their methods")
			case all:
				return a.rehearse(rehearsals.All(), quiet, playing(wire))
			case len(args) == 0:
				return a.listRehearsals()
			}
			found, err := findRehearsals(args[0])
			if err != nil {
				return err
			}
			if lab != "" {
				return a.rehearseLab(lab, args[0], found, quiet, interactive)
			}
			if interactive {
				return a.guide(args[0], found, console.NewSession(console.Options{Color: a.color(), Wire: wire}))
			}
			return a.rehearse(found, quiet, playing(wire))
		},
	}
	c.Flags().BoolVar(&all, "all", false, "play every rehearsal")
	c.Flags().BoolVarP(&interactive, "interactive", "i", false, "stop before each command")
	c.Flags().StringVar(&lab, "lab", "", "keep the facility in this new directory")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only the table of results")
	c.Flags().BoolVar(&wire, "wire", false, wireHelp)
	return c
}

const wireHelp = "the facility reaches its drives over their security interface, not by their methods"

// completeRehearsals lists the rehearsals whose names begin with what was typed.
func completeRehearsals(typed string) (names []string) {
	typed = strings.ToLower(typed)
	for _, r := range rehearsals.All() {
		if strings.HasPrefix(r.Name, typed) {
			names = append(names, r.Name+"\t"+r.Title)
		}
	}
	return names
}

// findRehearsals takes a name, a code, or a file. An argument that looks like a path is a file.
func findRehearsals(arg string) ([]rehearsals.Rehearsal, error) {
	_, missing := os.Stat(arg)
	if !strings.ContainsAny(arg, `/\`) && !strings.HasSuffix(arg, ".txt") {
		found, err := rehearsals.Find(arg)
		if err == nil {
			return found, nil
		}
		if missing != nil {
			return nil, usagef("rehearse: %w", err)
		}
	}
	r, err := rehearsals.FromFile(arg)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, cannotf("rehearse: %w", err).withHint("fdelab rehearse lists the rehearsals that are built in")
	}
	if err != nil {
		return nil, usagef("rehearse: %w", err)
	}
	return []rehearsals.Rehearsal{r}, nil
}

func describeRehearsal(r rehearsals.Rehearsal) rehearsalJSON {
	return rehearsalJSON{Name: r.Name, Title: r.Title, SRC: append([]string{}, r.SRCs...), Steps: len(r.Steps)}
}

func (a *app) listRehearsals() error {
	all := rehearsals.All()
	if a.json {
		var list []rehearsalJSON
		for _, r := range all {
			list = append(list, describeRehearsal(r))
		}
		return a.printJSON(list)
	}
	t := layout.NewTable(a.out, a.width())
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\n", r.Name, r.Title)
	}
	return t.Flush()
}

// playing is how rehearsals are played.
func playing(wire bool) func(*console.Transcript, io.Writer) *console.Result {
	return func(t *console.Transcript, out io.Writer) *console.Result {
		s := console.NewSession(console.Options{Wire: wire})
		defer s.Close()
		return console.PlayIn(s, t, out)
	}
}

// rehearse plays rehearsals, then prints how each one went.
func (a *app) rehearse(list []rehearsals.Rehearsal, quiet bool, play func(*console.Transcript, io.Writer) *console.Result) error {
	var sum playJSON
	for _, r := range list {
		out := &layout.Folder{W: a.out, Width: a.width}
		if quiet || a.json {
			out.W = io.Discard
		}
		result := play(r.Transcript, out)
		if err := out.Flush(); err != nil {
			return cannotf("rehearse: %w", err)
		}
		played := playedJSON{rehearsalJSON: describeRehearsal(r), Passed: result.Passed(), Commands: result.Commands}
		if d := result.Difference; d != nil {
			sum.Failed++
			played.Difference = &differenceJSON{d.File, d.Line, d.Want, d.Got}
			if !a.json {
				a.printf("%s\n", d)
			}
		} else {
			sum.Passed++
		}
		sum.Rehearsals = append(sum.Rehearsals, played)
	}
	if a.json {
		if err := a.printJSON(sum); err != nil {
			return err
		}
	} else if err := a.rehearsalTable(sum); err != nil {
		return err
	}
	if sum.Failed > 0 {
		return failedf("rehearse: %d of %d printed something else than their transcript says", sum.Failed, len(list))
	}
	return nil
}

func (a *app) rehearsalTable(sum playJSON) error {
	t := layout.NewTable(a.out, a.width())
	t.Head("rehearsal\tSRC\tsteps\tcommands\tresult")
	for _, p := range sum.Rehearsals {
		codes := strings.Join(p.SRC, " ")
		if codes == "" {
			codes = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", p.Name, codes, p.Steps, p.Commands, map[bool]string{true: "passed", false: "FAILED"}[p.Passed])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(sum.Rehearsals) == len(rehearsals.All()) {
		a.printf("%d of %d service reference codes met\n", codesMet(sum), len(src.All()))
	}
	a.printf("%d passed, %d failed\n", sum.Passed, sum.Failed)
	return nil
}

// codesMet counts the codes of the rehearsals that passed.
func codesMet(sum playJSON) int {
	met := map[string]bool{}
	for _, p := range sum.Rehearsals {
		if p.Passed {
			for _, code := range p.SRC {
				met[code] = true
			}
		}
	}
	return len(met)
}

// named chooses among several rehearsals the one whose name begins with the code, if there is only
// one: the others are about further codes, too.
func named(code string, found []rehearsals.Rehearsal) []rehearsals.Rehearsal {
	own := slices.DeleteFunc(slices.Clone(found), func(r rehearsals.Rehearsal) bool {
		return !strings.HasPrefix(r.Name, strings.ToLower(strings.TrimSpace(code))+"-")
	})
	if len(own) == 1 {
		return own
	}
	return found
}

// one is the rehearsal that a flag for one of them means.
func one(flag, name string, found []rehearsals.Rehearsal) (rehearsals.Rehearsal, error) {
	if found = named(name, found); len(found) > 1 {
		e := usagef("rehearse: %s takes one rehearsal, and %d fit %q:", flag, len(found), name)
		for _, r := range found {
			e.list = append(e.list, r.Name)
		}
		return rehearsals.Rehearsal{}, e
	}
	return found[0], nil
}

// rehearseLab plays one rehearsal in a lab that is kept.
func (a *app) rehearseLab(dir, name string, found []rehearsals.Rehearsal, quiet, interactive bool) error {
	r, err := one("--lab", name, found)
	if err != nil {
		return err
	}
	l, err := labfile.Create(dir, a.labOptions())
	if err != nil {
		return labError("rehearse", dir, err)
	}
	defer l.Close()
	if interactive {
		return a.guide(name, []rehearsals.Rehearsal{r}, l.Session())
	}
	l.Session().SetWidth(0) // the transcript says what is printed
	return a.rehearse([]rehearsals.Rehearsal{r}, quiet, func(t *console.Transcript, out io.Writer) *console.Result {
		return console.PlayIn(l.Session(), t, out)
	})
}

// guide leads a person through one rehearsal, in a session of its own unless one is given.
func (a *app) guide(name string, found []rehearsals.Rehearsal, s *console.Session) error {
	r, err := one("-i", name, found)
	if err != nil {
		return err
	}
	out := &layout.Folder{W: a.out, Width: a.width}
	g := &console.Guide{Transcript: r.Transcript, Session: s, Out: out, Color: a.color(), Width: a.width}
	if a.terminal() {
		g.ReadLine = a.lines(g.Complete).again
	} else {
		g.Echo = true
		scanner := bufio.NewScanner(a.in)
		g.ReadLine = func(string) (string, error) {
			if scanner.Scan() {
				return scanner.Text(), nil
			}
			if err := scanner.Err(); err != nil {
				return "", err
			}
			return "", io.EOF
		}
	}
	if _, err := g.Play(); err != nil {
		return cannotf("rehearse: %w", err)
	}
	return nil
}
