package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/tcgcases"
	"github.com/seed-9d983aeb/fdelab/serve/control"
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

// conformTransport judges a device by its security interface, with the rows of TCG's list.
func (a *app) conformTransport(f conformFlags, args []string) error {
	if len(args) > 0 || f.program != "" || f.replay != "" || f.kill || f.junit != "" {
		return usagef("conform: --transport is for a device alone: no other drive, no --program, --replay, --kill or --junit")
	}
	for _, id := range f.only {
		if !slices.ContainsFunc(tcgcases.Cases(), func(c tcgcases.Case) bool { return strings.EqualFold(c.ID, id) }) {
			return usagef("conform: no row %q", id).withHint("fdelab conform --transport %s --list lists the rows", f.transport)
		}
	}
	if f.list {
		return a.listRows()
	}
	w := way{what: "conform", path: f.transport, drive: f.drive}
	if _, err := os.Stat(w.path); err != nil {
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
	b := tcgcases.Bench{PSID: psid, Wait: func() { time.Sleep(5 * time.Millisecond) }}
	var all []tcgcases.Verdict
	err = a.judged(w, b, func(b tcgcases.Bench) error {
		all = tcgcases.Run(b, f.only...)
		return nil
	})
	if err != nil {
		return err
	}
	return a.wireReport(w, all)
}

// judged gives a bench what there is of a device: a drive in a file has its sectors and its power, one behind a
// socket the hand at its power, a real one its security interface alone.
func (a *app) judged(w way, b tcgcases.Bench, do func(tcgcases.Bench) error) error {
	i, err := os.Stat(w.path)
	if err == nil && i.Mode().IsRegular() {
		return a.withDrive(w.what, w.path, func(d *driveFile) error {
			began := time.Now()
			t, err := tcg.New(d.Drive, tcg.Options{Entropy: rand.Reader, Now: func() time.Duration { return time.Since(began) }})
			if err != nil {
				return err
			}
			b.Transport, b.Disk, b.Sector = t, d, d.Config().SectorSize
			b.Power = func() error { d.PowerOff(); return d.PowerOn() }
			return do(b)
		})
	}
	return a.transport(w, func(t transport.Transport) error {
		b.Transport = t
		if hand, err := control.Dial(controlOf(w.path)); err == nil {
			defer hand.Close()
			b.Power = func() error { _, err := hand.Do(control.PowerCycle, w.drive); return err }
		}
		return do(b)
	})
}

func (a *app) listRows() error {
	if a.json {
		type row struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}
		var all []row
		for _, c := range tcgcases.Cases() {
			all = append(all, row{c.ID, c.Name})
		}
		return a.printJSON(all)
	}
	t := layout.NewTable(a.out, a.width())
	for _, c := range tcgcases.Cases() {
		fmt.Fprintf(t, "%s\t%s\n", c.ID, c.Name)
	}
	_ = t.Flush() // a.out keeps its error
	return nil
}

func (a *app) wireReport(w way, all []tcgcases.Verdict) error {
	r := wireReport{Device: w.path, Verdicts: all}
	for _, v := range all {
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
		for _, v := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\n", v.ID, v.Outcome, v.Name)
		}
		_ = t.Flush() // a.out keeps its error
		for _, v := range all {
			if v.Why != "" {
				lines := []string{v.ID + ": " + oneLine(v.Why)}
				if columns := a.width(); columns > 0 {
					lines = layout.Hang(v.ID+": ", oneLine(v.Why), columns)
				}
				a.printf("%s\n", strings.Join(lines, "\n"))
			}
		}
		a.printf("%d passed, %d failed, %d do not apply, %d were not judged\n", r.Passed, r.Failed, r.NotApplicable, r.NotJudged)
	}
	switch {
	case r.Failed > 0:
		return failedf("conform: %s: %s failed", w.path, plural(r.Failed, "row"))
	case r.Passed == 0:
		return failedf("conform: %s: no row passed", w.path)
	}
	return nil
}
