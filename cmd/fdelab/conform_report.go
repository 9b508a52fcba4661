package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// judged is the JSON answer of `fdelab conform`.
type judged struct {
	Device       conformance.Identity     `json:"device"`
	Capabilities []conformance.Capability `json:"capabilities"`
	Seeds        []uint64                 `json:"seeds"`
	Passed       int                      `json:"passed"`
	Failed       int                      `json:"failed"`
	NotJudged    int                      `json:"notJudged"`
	Results      []verdict                `json:"results"`
}

// verdict is one property with its verdict.
type verdict struct {
	Property string                   `json:"property"`
	Name     string                   `json:"name"`
	Verdict  conformance.Verdict      `json:"verdict"`
	Why      string                   `json:"why,omitempty"`
	Kind     string                   `json:"kind,omitempty"`
	Needs    []conformance.Capability `json:"needs,omitempty"`
	Evidence evidence                 `json:"evidence"`
	Incident string                   `json:"incident"`
	Row      int                      `json:"row,omitempty"`
	Seed     uint64                   `json:"seed"`
	Shrunk   bool                     `json:"shrunk,omitempty"`
	Trace    []string                 `json:"trace,omitempty"`
	Replay   string                   `json:"replay,omitempty"` // the command

	took time.Duration
}

// evidence is what a verdict rests on.
type evidence struct {
	Commands int `json:"commands"`
	Faults   int `json:"faults"`
	Searches int `json:"searches"`
	Checks   int `json:"checks"` // of the property's own
}

func (e evidence) String() string {
	var words []string
	for _, x := range []struct {
		n        int
		one, all string
	}{{e.Commands, "command", "commands"}, {e.Faults, "fault", "faults"}, {e.Searches, "search", "searches"}, {e.Checks, "check", "checks"}} {
		switch x.n {
		case 0:
		case 1:
			words = append(words, "1 "+x.one)
		default:
			words = append(words, fmt.Sprintf("%d %s", x.n, x.all))
		}
	}
	return strings.Join(words, ", ")
}

func (t *target) verdict(r *conformance.Result) verdict {
	v := verdict{
		Property: r.Property.ID, Name: r.Property.Name, Verdict: r.Verdict, Why: r.Why, Kind: r.Kind, Needs: r.Needs,
		Evidence: evidence{r.Commands, r.Faults, r.Searches, r.Claims - r.Searches},
		Incident: r.Property.Source, Row: r.Property.Row, Seed: r.Seed, Shrunk: r.Shrunk, Trace: r.Trace,
	}
	if script := r.Replay(); script != "" && r.Verdict == conformance.Failed {
		v.Replay = t.line(script)
	}
	return v
}

// judge judges the drive, or replays a script on it, and prints the outcome.
func (a *app) judge(t *target, f conformFlags, o conformance.Options) error {
	maker := t.maker
	counted := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		t.made++
		return maker(w)
	}
	if f.replay != "" {
		return a.replayConform(t, f, counted)
	}
	stop := a.conformProgress(t, &o)
	took := timed(&o)
	r, err := conformance.Judge(counted, o)
	stop()
	if err != nil {
		return cannotf("%w", err)
	}
	out := judged{Device: r.Identity, Capabilities: r.Capabilities, Seeds: o.Seeds}
	for i := range r.Results {
		v := t.verdict(&r.Results[i])
		v.took = took(i)
		out.Results = append(out.Results, v)
		switch v.Verdict {
		case conformance.Passed:
			out.Passed++
		case conformance.Failed:
			out.Failed++
		default:
			out.NotJudged++
		}
	}
	if f.junit != "" {
		b, err := junitOf(&out)
		if err != nil {
			return cannotf("conform: --junit: %w", err)
		}
		if err := replaceFile(f.junit, b); err != nil {
			return cannotf("conform: --junit: %w", err)
		}
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		a.conformTable(&out)
	}
	switch {
	case out.Failed > 0:
		return failedf("conform: the drive fails %d of %d properties", out.Failed, len(out.Results))
	case out.Passed == 0:
		return failedf("conform: no property was judged")
	}
	return nil
}

func (a *app) conformTable(r *judged) {
	a.printf("%s %s, serial %s: sectors of %d bytes, %d ranges, try limit %d\n\n",
		oneLine(r.Device.Maker), oneLine(r.Device.Model), oneLine(r.Device.Serial), r.Device.SectorSize, r.Device.Ranges, r.Device.TryLimit)
	t := layout.NewTable(a.out, a.width())
	t.Head("verdict\tproperty\tevidence\tincident\trow")
	for _, v := range r.Results {
		shown := v.Evidence.String()
		if v.Verdict == conformance.NotJudged {
			shown = oneLine(v.Why)
		}
		row := "none"
		if v.Row > 0 {
			row = fmt.Sprint(v.Row)
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", v.Verdict, v.Property, v.Name, shown, v.Incident, row)
	}
	_ = t.Flush() // a.out keeps its error
	for _, v := range r.Results {
		if v.Verdict == conformance.Failed {
			a.conformFinding(v)
		}
	}
	a.printf("\n%d passed, %d failed, %d not judged; seeds %d to %d\n", r.Passed, r.Failed, r.NotJudged, r.Seeds[0], r.Seeds[len(r.Seeds)-1])
}

// traceMax is how many lines of a trace are shown; JSON has all.
const traceMax = 30

// conformFinding is a failure in full.
func (a *app) conformFinding(v verdict) {
	a.printf("\n%s %s\n  %s (%s, seed %d)\n", v.Property, v.Name, oneLine(v.Why), v.Kind, v.Seed)
	for _, line := range v.Trace[max(0, len(v.Trace)-traceMax):] {
		a.printf("    %s\n", oneLine(line))
	}
	switch {
	case v.Replay == "":
		a.printf("  no replay: the property compared what is not in the commands; --only %s --seed %d runs it again\n", v.Property, v.Seed)
	case !v.Shrunk:
		a.printf("  the commands alone may not show it; --only %s --seed %d runs the property again\n", v.Property, v.Seed)
		fallthrough
	default:
		fmt.Fprintf(a.out, "  replay: %s\n", v.Replay)
	}
}

func (a *app) replayConform(t *target, f conformFlags, maker conformance.Maker) error {
	r, err := conformance.Replay(maker, f.replay, conformance.Options{})
	if err != nil {
		return usagef("%w", err)
	}
	v := t.verdict(r)
	if a.json {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		for _, line := range v.Trace {
			a.printf("%s\n", oneLine(line))
		}
		a.printf("%s", v.Verdict)
		if v.Why != "" {
			a.printf(": %s", oneLine(v.Why))
		}
		a.printf("\n")
	}
	switch v.Verdict {
	case conformance.Failed:
		return failedf("conform: the drive fails the script")
	case conformance.NotJudged:
		return failedf("conform: the script was not judged")
	}
	return nil
}

func (a *app) listProperties(only []string) error {
	type property struct {
		ID       string                   `json:"id"`
		Name     string                   `json:"name"`
		Needs    []conformance.Capability `json:"needs,omitempty"`
		Incident string                   `json:"incident"`
		Row      int                      `json:"row,omitempty"`
	}
	var all []property
	for _, p := range conformance.Properties() {
		if chosen(p.ID, only) {
			all = append(all, property{p.ID, p.Name, p.Needs, p.Source, p.Row})
		}
	}
	if a.json {
		return a.printJSON(all)
	}
	t := layout.NewTable(a.out, a.width())
	t.Head("property\twhat must hold\tneeds\tincident")
	for _, p := range all {
		var needs []string
		for _, n := range p.Needs {
			needs = append(needs, string(n))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.ID, p.Name, strings.Join(needs, ", "), p.Incident)
	}
	return t.Flush()
}

func chosen(id string, only []string) bool {
	for _, o := range only {
		if strings.EqualFold(o, id) {
			return true
		}
	}
	return len(only) == 0
}

// conformProgress tells how many properties are judged, how fast, and the time that is left.
func (a *app) conformProgress(t *target, o *conformance.Options) (stop func()) {
	bar := a.progress(0, "properties")
	o.Progress = func(done, all int, p *conformance.Property) {
		bar.at(done, all, fmt.Sprintf("%s, %d drives", p.ID, t.made))
	}
	return bar.stop
}

// timed notes when each property begins. took says how long the i-th took; all must have ended.
func timed(o *conformance.Options) (took func(i int) time.Duration) {
	var began []time.Time
	next := o.Progress
	o.Progress = func(done, all int, p *conformance.Property) {
		began = append(began, time.Now())
		if next != nil {
			next(done, all, p)
		}
	}
	var end time.Time
	return func(i int) time.Duration {
		if end.IsZero() {
			end = time.Now()
		}
		if i+1 < len(began) {
			return began[i+1].Sub(began[i])
		}
		return end.Sub(began[i])
	}
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// The elements of JUnit XML that every reader of it knows.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"` // seconds
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Time    string    `xml:"time,attr"` // seconds
	Failure *junitWhy `xml:"failure"`
	Skipped *junitWhy `xml:"skipped"`
	Out     string    `xml:"system-out,omitempty"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// replaceable refuses a file for JUnit XML that is there and is no such report: it may be the drive, or its firmware.
func replaceable(file string) error {
	switch i, err := os.Stat(file); {
	case file == "" || errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return cannotf("conform: --junit: %w", err)
	case i.Mode().IsRegular() && i.Size() == 0:
		return nil // as mktemp makes it
	case i.Mode().IsRegular():
		f, err := os.Open(file)
		if err != nil {
			return cannotf("conform: --junit: %w", err)
		}
		const begin = xml.Header + "<testsuite"
		b := make([]byte, len(begin))
		n, err := io.ReadFull(f, b)
		_ = f.Close()
		if err == nil && string(b[:n]) == begin {
			return nil
		}
	}
	return usagef("conform: --junit %s: there is a file that is no JUnit report, and it was left as it is: need a new name", file)
}

// junitOf is the report of a suite as JUnit XML.
func junitOf(r *judged) ([]byte, error) {
	s := junitSuite{Name: "fdelab conform " + r.Device.Model, Tests: len(r.Results), Failures: r.Failed, Skipped: r.NotJudged}
	var all time.Duration
	for _, v := range r.Results {
		all += v.took
		c := junitCase{Class: "fdelab.conform", Name: v.Property + " " + v.Name, Time: junitTime(v.took), Out: v.Evidence.String() + "; " + v.Incident}
		switch v.Verdict {
		case conformance.Failed:
			text := strings.Join(v.Trace, "\n")
			if v.Replay != "" {
				text += "\nreplay: " + v.Replay
			}
			c.Failure = &junitWhy{Message: v.Why, Type: v.Kind, Text: text}
		case conformance.NotJudged:
			c.Skipped = &junitWhy{Message: v.Why}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Time = junitTime(all)
	b, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}
