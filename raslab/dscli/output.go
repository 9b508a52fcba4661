package dscli

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The formats of a result.
const (
	formatDefault = "default"
	formatXML     = "xml"
	formatDelim   = "delim"
	formatStanza  = "stanza"
)

// commonParams are the parameters of every command that talks with a facility.
var commonParams = []Param{
	{Name: "dev", Kind: imageKind, Help: "the storage image that is meant; the facility is the only one", Complete: of(images)},
	{Name: "fmt", Kind: wordKind, Values: []string{formatDefault, formatXML, formatDelim, formatStanza}, Help: "the form of a result: a table, XML, values between delimiters, or one value a line"},
	{Name: "delim", Kind: delimKind, Help: "the delimiter of -fmt delim; a comma if it is not given"},
	{Name: "hdr", Kind: wordKind, Values: onOff, Help: "names of columns above a result"},
	{Name: "bnr", Kind: wordKind, Values: onOff, Help: "the banner with the time before a result"},
	{Name: "p", Kind: wordKind, Values: onOff, Help: "wait for Enter after each 24 lines of a result"},
}

// Settings are what the output parameters say where a command does not. Empty fields take
// the defaults: the format default, a comma, header and banner on, paging off.
type Settings struct {
	Format    string // default, xml, delim, stanza
	Delimiter string // one character
	Header    string // on, off
	Banner    string // on, off
	Paging    string // on, off
}

// with overrides the settings with the parameters of a command.
func (s Settings) with(a Args) Settings {
	for _, p := range []struct {
		to             *string
		name, fallback string
	}{
		{&s.Format, "fmt", formatDefault},
		{&s.Delimiter, "delim", ","},
		{&s.Header, "hdr", "on"},
		{&s.Banner, "bnr", "on"},
		{&s.Paging, "p", "off"},
	} {
		if a.Takes(p.name) && a.Has(p.name) {
			*p.to = arg[string](a, p.name)
		}
		if *p.to == "" {
			*p.to = p.fallback
		}
	}
	return s
}

// banner is the line above every result.
func banner(now time.Time, version, facility string) string {
	return fmt.Sprintf("Date/Time: %s IBM DSCLI Version: %s DS: %s", now.Format("January 2, 2006 3:04:05 PM MST"), version, facility)
}

// column is one column of a list, or one line of a description.
type column struct {
	name  string
	right bool // numbers stand at the right edge
}

// result is a list of objects, or the description of one.
type result struct {
	class   string // what the objects are, for CMUC00234I and XML
	columns []column
	rows    [][]string
	one     bool // a description: one row, shown as one line a value
}

func left(name string) column   { return column{name: name} }
func number(name string) column { return column{name: name, right: true} }

func (r *result) row(values ...any) {
	if len(values) != len(r.columns) {
		panic(fmt.Sprintf("BUG: a row of %d values for %d columns of %s", len(values), len(r.columns), r.class))
	}
	row := make([]string, len(values))
	for i, v := range values {
		if row[i] = strings.TrimSpace(fmt.Sprint(v)); row[i] == "" {
			row[i] = "-"
		}
	}
	r.rows = append(r.rows, row)
}

// keep keeps the first n columns, or all if n is 0.
func (r *result) keep(n int) {
	r.columns = r.columns[:n]
	for i := range r.rows {
		r.rows[i] = r.rows[i][:n]
	}
}

// text is the result in the format that the settings say.
func (r *result) text(s Settings, width int) string {
	var b strings.Builder
	switch {
	case s.Format == formatXML:
		r.xml(&b)
	case s.Format == formatDelim:
		r.delimited(&b, s, width)
	case s.Format == formatStanza || r.one:
		r.stanzas(&b, width)
	default:
		r.table(&b, s, width)
	}
	return b.String()
}

// table is columns as wide as their widest value, one blank between, and a rule of equals signs
// below the names. The last column is not filled up. On a terminal of width columns a table that is
// wider shrinks; where its widest words do not fit side by side, each value has a line.
func (r *result) table(w io.Writer, s Settings, width int) {
	names := make([]string, len(r.columns))
	widths, least := make([]int, len(r.columns)), make([]int, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
		widths[i], least[i] = utf8.RuneCountInString(c.name), layout.Least(c.name)
		for _, row := range r.rows {
			widths[i], least[i] = max(widths[i], utf8.RuneCountInString(row[i])), max(least[i], layout.Least(row[i]))
		}
	}
	if !layout.Shrink(widths, least, 1, width) {
		r.stanzas(w, width)
		return
	}
	total := len(r.columns) - 1
	for _, n := range widths {
		total += n
	}
	line := func(values []string) {
		parts := slices.Clone(values)
		for i, v := range values {
			if r.columns[i].right {
				parts[i] = strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(v))) + v
			}
		}
		for _, text := range layout.Row(parts, widths, 1) {
			fmt.Fprintln(w, strings.TrimRight(text, " "))
		}
	}
	if s.Header == "on" {
		line(names)
		fmt.Fprintln(w, strings.Repeat("=", total))
	}
	for _, row := range r.rows {
		line(row)
	}
}

// stanzas is one value a line, names in front. Objects follow one another without an empty line
// (assumption); each begins with its identifier. A value that is wider than a terminal of width
// columns goes on below itself.
func (r *result) stanzas(w io.Writer, width int) {
	names := 0
	for _, c := range r.columns {
		names = max(names, utf8.RuneCountInString(c.name))
	}
	for _, row := range r.rows {
		for i, c := range r.columns {
			name := c.name + strings.Repeat(" ", names-utf8.RuneCountInString(c.name)) + " "
			lines := []string{name + row[i]}
			if width > 0 && layout.Width(lines[0]) > width {
				lines = layout.Hang(name, row[i], width)
			}
			fmt.Fprintln(w, strings.Join(lines, "\n"))
		}
	}
}

// delimited is values between delimiters. A value that holds the delimiter or a quote stands
// in quotes, and its quotes are doubled (assumption).
func (r *result) delimited(w io.Writer, s Settings, width int) {
	line := func(values []string) string {
		parts := make([]string, len(values))
		for i, v := range values {
			if strings.Contains(v, s.Delimiter) || strings.Contains(v, `"`) {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			parts[i] = v
		}
		return strings.Join(parts, s.Delimiter)
	}
	if s.Header == "on" {
		names := make([]string, len(r.columns))
		for i, c := range r.columns {
			names[i] = c.name
		}
		head := line(names)
		rule := utf8.RuneCountInString(head)
		if width > 0 {
			rule = min(rule, width)
		}
		fmt.Fprintf(w, "%s\n%s\n", head, strings.Repeat("=", rule))
	}
	for _, row := range r.rows {
		fmt.Fprintln(w, line(row))
	}
}

// xml is one document of instances with their properties (the element names are an
// assumption). It has no banner in front: a document has none.
func (r *result) xml(w io.Writer) {
	fmt.Fprintln(w, `<?xml version="1.0" encoding="UTF-8"?>`)
	fmt.Fprintln(w, "<IRETURNVALUE>")
	for _, row := range r.rows {
		fmt.Fprintf(w, "<INSTANCE CLASSNAME=\"%s\">\n", escape(r.class))
		for i, c := range r.columns {
			fmt.Fprintf(w, "<PROPERTY NAME=\"%s\" TYPE=\"string\"><VALUE TYPE=\"string\">%s</VALUE></PROPERTY>\n", escape(c.name), escape(row[i]))
		}
		fmt.Fprintln(w, "</INSTANCE>")
	}
	fmt.Fprintln(w, "</IRETURNVALUE>")
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic("BUG: " + err.Error())
	}
	return b.String()
}

// short and long are what -s and -l of a listing say.
var (
	shortParam = Param{Name: "s", Flag: true, Help: "only the identifiers"}
	longParam  = Param{Name: "l", Flag: true, Help: "more columns"}
)

// list shows objects: all columns with -l, the first column with -s, else the first n. If there are
// no objects, it says so.
func (c *call) list(r *result, n int) error {
	switch {
	case arg[bool](c.args, "s"):
		n = 1
	case arg[bool](c.args, "l"):
		n = len(r.columns)
	}
	if len(r.rows) == 0 && c.settings.Format != formatXML {
		c.say(msgNothing, r.class)
		return nil
	}
	r.keep(n)
	return c.print(r)
}

// pageLines is how many lines of a result come at a time with -p on.
const pageLines = 24

func (c *call) print(r *result) error {
	text := r.text(c.settings, c.session.width())
	if c.settings.Paging != "on" || c.session.options.Ask == nil {
		fmt.Fprint(c.out, text)
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if i > 0 && i%pageLines == 0 && line != "" {
			if on, err := c.nextPage(); !on {
				return err
			}
		}
		fmt.Fprint(c.out, line)
	}
	return nil
}

// instant is a time in a description: 02/18/2016 17:06:39 EST.
func (c *call) instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(c.session.options.Zone).Format("01/02/2006 15:04:05 MST")
}

// stamp is a time in a list: 2018-06-20T13:23:32-0700.
func (c *call) stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(c.session.options.Zone).Format("2006-01-02T15:04:05-0700")
}

// wanted says whether an object is among those that were named; all are, if none was.
func wanted(ids []string, id string) bool { return len(ids) == 0 || slices.Contains(ids, id) }

// exist refuses an identifier that no object has.
func (c *call) exist(class string, ids, all []string) error {
	for _, id := range ids {
		if !slices.Contains(all, id) {
			return c.refuse(&raslab.RequestError{Op: c.command.Name, What: fmt.Sprintf("there is no %s %s", class, id), Kind: raslab.ErrNotFound})
		}
	}
	return nil
}

// described is a description from pairs of a name and a value.
func described(class string, pairs ...any) *result {
	r := &result{class: class, one: true}
	var values []any
	for i := 0; i < len(pairs); i += 2 {
		r.columns = append(r.columns, left(fmt.Sprint(pairs[i])))
		values = append(values, pairs[i+1])
	}
	r.row(values...)
	return r
}
