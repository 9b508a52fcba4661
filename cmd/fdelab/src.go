package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

var codeForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}$`)

// srcAnswer is the JSON answer for one code.
type srcAnswer struct {
	Known bool `json:"known"` // false: the answer is that of the row "Other SRCs"
	src.Entry
}

func newSrcCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "src [CODE]",
		Short: "list the service reference codes, or explain one",
		Long: "Without an argument src lists the codes. With one it explains that code: cause, what to\n" +
			"check and in which order, what to do, who closes the event. A code that is not in the\n" +
			"catalogue gets the answer for other SRCs, and a note on standard error.",
		Example: "  fdelab src be34009e\n  fdelab src --json BE3400B3",
		Args:    between(0, 1, "one code or none"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var codes []string
			for _, e := range src.All() {
				codes = append(codes, string(e.Code)+"\t"+e.Title)
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listCodes()
			}
			return a.explainCode(args[0])
		},
	}
}

func (a *app) listCodes() error {
	if a.json {
		return a.printJSON(src.All())
	}
	for _, e := range src.All() {
		a.printf("%s  %s\n", e.Code, e.Title)
	}
	return nil
}

func (a *app) explainCode(s string) error {
	e, known := src.Lookup(s)
	if !known {
		near, similar := src.Suggest(s)
		if !codeForm.MatchString(strings.TrimSpace(s)) {
			err := usagef("src: %q is not a service reference code: need eight hexadecimal digits", s)
			if similar {
				return err.withHint("did you mean %s?", near)
			}
			return err.withHint("fdelab src lists the codes")
		}
		e = src.Other(s)
		a.note("note: %s is not in the catalogue; this is the answer for other SRCs", e.Code)
		if similar {
			a.hint("did you mean %s?", near)
		}
	}
	if a.json {
		return a.printJSON(srcAnswer{Known: known, Entry: e})
	}
	a.printf("%s", a.srcText(e))
	label := "rehearse"
	for _, name := range rehearsed(e.Code) {
		a.printf("%-10s fdelab rehearse %s\n", label, name)
		label = ""
	}
	return nil
}

// srcText is as wide as the terminal, and 80 columns elsewhere.
func (a *app) srcText(e src.Entry) string {
	if columns := a.width(); columns > 0 {
		return src.TextIn(e, columns)
	}
	return src.Text(e)
}

// rehearsed names the rehearsals that are about a code: those named after it.
func rehearsed(code src.Code) (names []string) {
	for _, r := range rehearsals.All() {
		if strings.HasPrefix(r.Name, strings.ToLower(string(code))+"-") {
			names = append(names, r.Name)
		}
	}
	return names
}
