package src

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

const reference = "IBM, MAP4980 section 1, "

// textWidth is the width of Text, in columns.
const textWidth = 80

// catalogue is all entries, sorted by code, each with its reference.
var catalogue = assemble(imlEntries, periodicEntries, softwareEntries, driveEntries)

func assemble(parts ...[]Entry) []Entry {
	all := slices.Concat(parts...)
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(string(a.Code), string(b.Code)) })
	for i := range all {
		all[i].Reference = reference + "row " + string(all[i].Code)
	}
	return all
}

// String says who closes the event, as one sentence without its full stop.
func (c Closing) String() string {
	switch {
	case c.Kind == ClosesItself && len(c.With) > 0:
		return "closes itself, and with it every open event of " + join(c.With) + " against the same partitions"
	case len(c.By) > 0:
		return "by hand, unless " + join(c.By) + " closes it"
	}
	return string(c.Kind)
}

// Text renders one entry in at most 80 columns.
func Text(e Entry) string { return TextIn(e, textWidth) }

// TextIn renders one entry in at most columns columns, but never in fewer than 40.
func TextIn(e Entry, columns int) string {
	b := text{columns: max(columns, 40)}
	b.wrap(fmt.Sprintf("%-11s", e.Code), e.Title)
	b.WriteByte('\n')
	b.wrap("severity   ", string(e.Severity))
	b.wrap("when       ", join(e.When))
	b.wrap("cause      ", e.Cause)
	b.steps("check", e.Check)
	b.steps("action", e.Action)
	b.wrap("closing    ", e.Closing.String())
	if len(e.Related) > 0 {
		b.wrap("related    ", join(e.Related))
	}
	b.wrap("source     ", e.Reference)
	for i, a := range e.Assumption {
		head := "           "
		if i == 0 {
			head = "assumed    "
		}
		b.wrap(head, a)
	}
	return b.String()
}

// Markdown renders the whole catalogue as a document: a table of all codes, a section for each, and
// the answer for any other code.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Service reference codes\n\n" +
		"<!-- Made from the entries of raslab/src by `make generate`. Do not edit. -->\n\n" +
		"The codes of the encryption map (IBM, MAP4980, section 1) as fdelab knows them. The codes and the facts are\n" +
		"the map's; the sentences are ours, and what the map does not say stands under *Assumed*.\n\n" +
		"| code | title | severity | when | closing |\n|---|---|---|---|---|\n")
	for _, e := range catalogue {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s |\n", e.Code, strings.ToLower(string(e.Code)), e.Title, e.Severity, join(e.When), e.Closing.Kind)
	}
	for _, e := range catalogue {
		section(&b, string(e.Code), e)
	}
	section(&b, "Other SRCs", Other(""))
	return b.String()
}

func section(b *strings.Builder, heading string, e Entry) {
	fmt.Fprintf(b, "\n## %s\n\n**%s.** %s\n\n", heading, e.Title, e.Cause)
	fmt.Fprintf(b, "- Severity: %s\n- When: %s\n- Closing: %s\n", e.Severity, join(e.When), e.Closing)
	if len(e.Related) > 0 {
		fmt.Fprintf(b, "- Related: %s\n", join(e.Related))
	}
	fmt.Fprintf(b, "- Source: %s\n", e.Reference)
	numbered(b, "Check, in this order", e.Check)
	numbered(b, "Action", e.Action)
	fmt.Fprintf(b, "\nAssumed:\n\n")
	for _, a := range e.Assumption {
		fmt.Fprintf(b, "- %s\n", a)
	}
}

func numbered(b *strings.Builder, heading string, lines []string) {
	fmt.Fprintf(b, "\n%s:\n\n", heading)
	for i, l := range lines {
		fmt.Fprintf(b, "%d. %s\n", i+1, l)
	}
}

// text is what is rendered, and how wide it may be.
type text struct {
	strings.Builder
	columns int
}

func (b *text) steps(name string, lines []string) {
	for i, l := range lines {
		head := fmt.Sprintf("%-11s%d. ", name, i+1)
		if i > 0 {
			head = fmt.Sprintf("%-11s%d. ", "", i+1)
		}
		b.wrap(head, l)
	}
}

// wrap writes head, then text broken at blanks, with a hanging indent as wide as head.
func (b *text) wrap(head, text string) {
	b.WriteString(strings.Join(layout.Hang(head, text, b.columns), "\n") + "\n")
}

func join[T ~string](list []T) string {
	s := make([]string, len(list))
	for i, v := range list {
		s[i] = string(v)
	}
	return strings.Join(s, ", ")
}
