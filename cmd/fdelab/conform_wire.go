package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/tcgcases"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/wired"
)

// wireReport is the JSON answer of fdelab conform --transport.
type wireReport struct {
	Device        string             `json:"device"`
	Verdicts      []tcgcases.Verdict `json:"verdicts"`
	Passed        int                `json:"passed"`
	Failed        int                `json:"failed"`
	NotApplicable int                `json:"not_applicable"`
	NotJudged     int                `json:"not_judged"`
}

// conformTransport judges a device by its security interface: with the rows of TCG's list, and with the suite's
// properties as far as the way to the device goes.
func (a *app) conformTransport(c *cobra.Command, f conformFlags, args []string) error {
	if len(args) > 0 || f.program != "" || f.replay != "" || f.kill || f.junit != "" {
		return usagef("conform: --transport is for a device alone: no other drive, no --program, --replay, --kill or --junit")
	}
	for _, id := range f.only {
		if !slices.ContainsFunc(wireNames(), func(n wireName) bool { return strings.EqualFold(n.ID, id) }) {
			return usagef("conform: no row and no property %q", id).withHint("fdelab conform --transport %s --list lists them", f.transport)
		}
	}
	if !c.Flags().Changed("seeds") {
		f.seeds = 1
	}
	seeds, err := f.allSeeds()
	if err != nil {
		return err
	}
	if f.list {
		return a.listRows()
	}
	w := way{what: "conform", path: f.transport, drive: f.drive}
	if _, err := os.Stat(w.path); err != nil && !isNVMe(w.path) {
		return cannotf("conform: %w", plainDriveError(err)).withHint(needDevice)
	}
	if err := a.confirm("conform", f.yes, w.path, "gives up all that is on "+w.path+": type its name"); err != nil {
		return err
	}
	psid, err := f.psid.read(a, "PSID of "+w.path)
	if err != nil {
		return err
	}
	defer psid.Clear()
	r := wireReport{Device: w.path}
	err = a.reached(w, f.disk, func(s *wired.Single) error {
		s.PSID, s.Wait = psid, func() { time.Sleep(5 * time.Millisecond) }
		r.Verdicts = tcgcases.Run(rowsBench(s), namedRows(f.only)...)
		return r.suite(s, seeds, f.only)
	})
	if err != nil {
		return err
	}
	return a.wireReport(w, r)
}

// rowsBench is a device as the rows have it.
func rowsBench(s *wired.Single) tcgcases.Bench {
	b := tcgcases.Bench{Transport: s.Transport, PSID: s.PSID, Wait: s.Wait, Sector: s.SectorSize}
	if s.Disk != nil {
		b.Disk = s.Disk
	}
	if s.Power != nil {
		b.Power = func() error { return errors.Join(s.Power(false), s.Power(true)) }
	}
	return b
}

// wireName is a row or a property.
type wireName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// wireNames are the rows, and the properties that are not held to one of them.
func wireNames() (all []wireName) {
	for _, c := range tcgcases.Cases() {
		all = append(all, wireName{c.ID, c.Name})
	}
	rows := len(all)
	for _, p := range conformance.Properties() {
		if !slices.ContainsFunc(all[:rows], func(n wireName) bool { return n.ID == p.ID }) {
			all = append(all, wireName{p.ID, p.Name})
		}
	}
	return all
}

// namedRows are the rows among the names; where properties alone are named, a name that no row has.
func namedRows(only []string) []string {
	if len(only) == 0 {
		return nil
	}
	rows := []string{""}
	for _, c := range tcgcases.Cases() {
		if slices.ContainsFunc(only, func(id string) bool { return strings.EqualFold(id, c.ID) }) {
			rows = append(rows, c.ID)
		}
	}
	return rows
}

// suite adds the verdicts of the suite's properties.
func (r *wireReport) suite(s *wired.Single, seeds []uint64, only []string) error {
	o := conformance.Options{Seeds: seeds, ShrinkRuns: 20}
	for _, n := range wireNames()[len(tcgcases.Cases()):] {
		if len(only) == 0 || slices.ContainsFunc(only, func(id string) bool { return strings.EqualFold(id, n.ID) }) {
			o.Only = append(o.Only, n.ID)
		}
	}
	if len(o.Only) == 0 {
		return nil
	}
	all, err := conformance.Judge(s.Make, o)
	if err != nil {
		for _, n := range wireNames() {
			if slices.Contains(o.Only, n.ID) {
				r.Verdicts = append(r.Verdicts, tcgcases.Verdict{ID: n.ID, Name: n.Name, Outcome: tcgcases.NotJudged, Why: oneLine(err.Error())})
			}
		}
		return nil
	}
	for _, p := range all.Results {
		v := tcgcases.Verdict{ID: p.Property.ID, Name: p.Property.Name, Outcome: tcgcases.Outcome(p.Verdict), Why: p.Why}
		if len(p.Script) > 0 {
			v.Why += "; behind: " + conformance.FormatCommands(p.Script)
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	return s.Restore()
}

func (a *app) listRows() error {
	if a.json {
		return a.printJSON(wireNames())
	}
	t := layout.NewTable(a.out, a.width())
	for _, n := range wireNames() {
		fmt.Fprintf(t, "%s\t%s\n", n.ID, n.Name)
	}
	_ = t.Flush() // a.out keeps its error
	return nil
}

func (a *app) wireReport(w way, r wireReport) error {
	for _, v := range r.Verdicts {
		switch v.Outcome {
		case tcgcases.Passed:
			r.Passed++
		case tcgcases.Failed:
			r.Failed++
		case tcgcases.NotApplicable:
			r.NotApplicable++
		default:
			r.NotJudged++
		}
	}
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		t := layout.NewTable(a.out, a.width())
		t.Head("row\tverdict\tname")
		for _, v := range r.Verdicts {
			fmt.Fprintf(t, "%s\t%s\t%s\n", v.ID, v.Outcome, v.Name)
		}
		_ = t.Flush() // a.out keeps its error
		for _, why := range r.reasons() {
			lines := []string{why[0] + ": " + why[1]}
			if columns := a.width(); columns > 0 {
				lines = layout.Hang(why[0]+": ", why[1], columns)
			}
			a.printf("%s\n", strings.Join(lines, "\n"))
		}
		a.printf("%d passed, %d failed, %d do not apply, %d were not judged\n", r.Passed, r.Failed, r.NotApplicable, r.NotJudged)
	}
	switch {
	case r.Failed > 0:
		return failedf("conform: %s: %s failed", w.path, count(r.Failed, "row"))
	case r.Passed == 0:
		return failedf("conform: %s: no row passed", w.path)
	}
	return nil
}

// reasons are those of the verdicts, each with all that have it.
func (r *wireReport) reasons() (all [][2]string) {
	for _, v := range r.Verdicts {
		if v.Why == "" {
			continue
		}
		why := oneLine(v.Why)
		n := slices.IndexFunc(all, func(x [2]string) bool { return x[1] == why })
		if n < 0 {
			all = append(all, [2]string{v.ID, why})
			continue
		}
		all[n][0] += ", " + v.ID
	}
	return all
}
