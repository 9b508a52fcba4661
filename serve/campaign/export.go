package campaign

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// CSV writes what came of a campaign as rows of what, name, count, seed and again: the endings, all that the plan may
// meet with how often it was met, and the failures.
func CSV(w io.Writer, p *campaign.Plan, s *State) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"what", "name", "count", "seed", "again"}}
	r := s.Report
	for _, name := range slices.Sorted(maps.Keys(r.Endings)) {
		rows = append(rows, []string{"ending", name, strconv.FormatUint(r.Endings[name], 10), "", ""})
	}
	for _, m := range met(p, r) {
		rows = append(rows, []string{"met", m.Name, strconv.FormatUint(m.Count, 10), "", ""})
	}
	for _, f := range r.Findings {
		rows = append(rows, []string{"failure", f.Ending + ": " + f.Why, strconv.FormatUint(f.Count, 10), strconv.FormatUint(f.Seed, 10), f.Again})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// counted is something that a plan may meet, and how often it was met.
type counted struct {
	Name  string
	Count uint64
}

func met(p *campaign.Plan, r *campaign.Report) (out []counted) {
	names := p.Missing(r)
	names = append(names, slices.Sorted(maps.Keys(r.Coverage))...)
	slices.Sort(names)
	for _, name := range names {
		out = append(out, counted{name, r.Coverage[name]})
	}
	return out
}

// The elements of JUnit XML, as far as CI servers read them.
type (
	suite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Time     string   `xml:"time,attr"` // seconds
		Cases    []test   `xml:"testcase"`
	}
	test struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *failure `xml:"failure"`
	}
	failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a test for each line of the plan, and one for each failure. A line whose kind of work failed has no
// test that passes.
func JUnit(w io.Writer, p *campaign.Plan, s *State) error {
	out := suite{Name: "campaign " + s.ID, Time: strconv.FormatFloat(s.Took.Seconds(), 'f', 3, 64)}
	failed := map[string]bool{}
	for _, f := range s.Report.Findings {
		failed[f.Kind] = true
		text := fmt.Sprintf("%d times; the first with seed %d\nagain: %s\n", f.Count, f.Seed, f.Again)
		if f.Replay != "" {
			text += "replay: " + f.Replay + "\n"
		}
		for _, line := range f.Trace {
			text += line + "\n"
		}
		out.Cases = append(out.Cases, test{f.Kind, f.Why, &failure{f.Ending + ": " + f.Why, text}})
		out.Failures++
	}
	for _, e := range p.Entries {
		if !failed[e.Kind] {
			out.Cases = append(out.Cases, test{Class: e.Kind, Name: e.String()})
		}
	}
	out.Tests = len(out.Cases)
	b, err := xml.MarshalIndent(out, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	}
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// HTML writes a report on one page, which prints.
func HTML(w io.Writer, p *campaign.Plan, s *State) error {
	over := string(s.Over)
	if s.Over == Running {
		over = "not done"
	}
	err := htmlReport.Execute(w, map[string]any{
		"State": s, "Plan": p.String(), "Units": p.Count(s.Report.Units), "Over": over, "Took": s.Took.Round(time.Second), "Sorts": p.Sorts(s.Report), "Met": met(p, s.Report),
		"Told": s.Told.Format(time.DateTime),
	})
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

var htmlReport = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Campaign {{.State.ID}}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2126; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #d5dade; vertical-align: top }
td.n, th.n { text-align: right } pre { background: #f3f5f7; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere }
.none { color: #8a2a0b } @media print { body { margin: 0; max-width: none } section { break-inside: avoid } }
</style></head><body>
<h1>Campaign {{.State.ID}}</h1>
<p>{{.Over}}, {{.State.Report.Merged}} jobs in {{.Took}}, fdelab {{.State.Version}}, {{.Told}} UTC</p>
<pre>{{.Plan}}</pre>
<p>{{.Units}}: {{.State.Report.EndingWords}}.
{{.State.Report.Commands}} commands, {{.State.Report.Faults}} faults that fired, {{.State.Report.Searches}} searches for keys.</p>
<h2>Failures</h2>
{{range .State.Report.Findings}}<section><h3>{{.Ending}}: {{.Why}}</h3>
<p>{{.Kind}}, {{.Count}} times; the first with seed {{.Seed}}.</p>
<p>The evidence below is of a simulated drive or of the program that was judged.</p>
<pre>{{range .Trace}}{{.}}
{{end}}again:  {{.Again}}{{if .Replay}}
replay: {{.Replay}}{{end}}</pre></section>
{{else}}<p>None.</p>
{{end}}{{if .State.Report.More}}<p>{{.State.Report.More}} failures of further sorts are not kept.</p>
{{end}}<h2>What was met</h2>
<table><tr><th>sort</th><th class="n">met</th><th class="n">of</th></tr>
{{range .Sorts}}<tr><td>{{.Name}}</td><td class="n">{{.Met}}</td><td class="n">{{.All}}</td></tr>
{{end}}</table>
<table><tr><th>what</th><th class="n">times</th></tr>
{{range .Met}}<tr{{if not .Count}} class="none"{{end}}><td>{{.Name}}</td><td class="n">{{.Count}}</td></tr>
{{end}}</table>
</body></html>
`))
