package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

const timeLayout = "2006-01-02 15:04:05"

func labCommands() []*Command {
	return []*Command{
		{
			Noun: "lab", Verb: "new", Summary: "build a facility, in place of one with the same serial number, and go there",
			Detail: "All facilities share the shelf of loose drives: to carry a drive to another one, pull it here, insert it there. " +
				"The same arguments build the same facility, key for key. Each has a clock of its own.",
			Params: []Param{
				{Name: "drives", Kind: intKind("number", 8, 1536), Default: "32", Help: "slots, all filled; a multiple of 8"},
				{Name: "seed", Kind: seedKind, Help: "every key and serial follows from it; without it, the session's seed"},
				{Name: "serial", Kind: nameKind("serial", "1 to 10 letters and digits"), Help: "serial number of the facility"},
				{Name: "keyservers", Kind: intKind("number", 0, 4), Default: "2", Help: "key servers of the customer"},
				{Name: "consoles", Kind: intKind("number", 1, 2), Default: "2", Help: "management consoles"},
				{Name: "bands", Kind: intKind("number", 0, drive.MaxRanges), Default: "0", Help: "bands that each drive has beside the global one; ranks use none"},
				{Name: "plain", Kind: textKind, Help: "slots in which the factory has put drives that cannot encrypt, separated by commas"},
				{Name: "certificate", Kind: textKind, Values: []string{"default", "none"}, Default: "default", Help: "whether the facility is delivered with its certificate"},
			},
			Example: "lab new drives=32 seed=7",
			Run:     (*Session).newLab,
		},
		{
			Noun: "lab", Verb: "use", Summary: "go to another facility that was built in this session",
			Params: []Param{{Name: "serial", Kind: nameKind("serial", "a serial number such as 75NR641"), Required: true, Help: "its serial number", Complete: func(s *Session) []string {
				return s.labSerials()
			}}},
			Example: "lab use serial=75NR641",
			Run: withLab(func(s *Session, _ *raslab.Lab, a Args) error {
				for _, lab := range s.labs {
					if lab.Serial() == arg[string](a, "serial") {
						s.lab = lab
						s.printf("%s\n", summary(lab))
						return nil
					}
				}
				return fmt.Errorf("no facility %s was built in this session: %s", arg[string](a, "serial"), suggest.DidYouMean(arg[string](a, "serial"), s.labSerials()))
			}),
		},
		{
			Noun: "lab", Verb: "show", Summary: "sum up the facility",
			Example: "lab show",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				s.printf("%s\n", summary(lab))
				s.printf("virtual time %s\n", lab.Now().Format(timeLayout))
				if lab.Dark() {
					s.printf("%s\n", s.paint(alarm, "the facility has no power: power restore"))
				}
				for _, p := range lab.Partitions() {
					c := good
					if !p.DataAccess {
						c = alarm
					}
					s.printf("partition %d: %s, last IML %s\n", p.ID, s.paint(c, p.State), p.LastIML.Format(timeLayout))
				}
				if action := lab.ServiceAction(); action != "" {
					s.printf("service action in progress: %s\n", action)
				}
				s.printf("%s open\n", count(len(lab.OpenEvents()), "serviceable event"))
				s.owed(lab.Owed())
				s.keyWarnings(lab)
				return nil
			}),
		},
		{
			Noun: "lab", Verb: "log", Summary: "show the last lines of the facility's log",
			Params:  []Param{{Name: "last", Kind: intKind("number", 1, 100000), Default: "20", Help: "how many lines"}},
			Example: "lab log last=10",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				trace := lab.Trace()
				for _, e := range trace[max(0, len(trace)-arg[int](a, "last")):] {
					s.printf("%s\n", plain(e.String()))
				}
				return nil
			}),
		},
	}
}

func (s *Session) newLab(a Args) error {
	o := raslab.Options{
		Drives: arg[int](a, "drives"), Seed: s.options.Seed, Shelf: s.shelf, Serial: arg[string](a, "serial"), Consoles: arg[int](a, "consoles"), Bands: arg[int](a, "bands"), Dial: s.options.Dial, Cloud: s.options.Cloud, CloudEntropy: s.options.Entropy,
		NoCertificate: arg[string](a, "certificate") == "none",
	}
	if list := arg[string](a, "plain"); list != "" {
		o.Plain = strings.Split(strings.ToUpper(list), ",")
	}
	if a.Has("seed") {
		o.Seed = arg[uint64](a, "seed")
	}
	if o.KeyServers = arg[int](a, "keyservers"); o.KeyServers == 0 {
		o.KeyServers = -1 // the zero value of Options means the default
	}
	lab, err := raslab.New(o)
	if err != nil {
		return err
	}
	s.take(lab)
	s.printf("%s\n", summary(lab))
	s.announce(nil) // what the field install found
	return nil
}

func (s *Session) labSerials() []string {
	var serials []string
	for _, lab := range s.labs {
		serials = append(serials, lab.Serial())
	}
	return serials
}

// summary is the facility in one line.
func summary(lab *raslab.Lab) string {
	ranks := lab.Ranks()
	encrypted := 0
	for _, r := range ranks {
		if r.KeyGroup != 0 {
			encrypted++
		}
	}
	drives := slices.DeleteFunc(lab.Drives(), func(d raslab.DriveInfo) bool { return d.Serial == "" })
	line := fmt.Sprintf("facility %s: %s, %s, %s, %s", lab.Serial(), count(len(lab.Enclosures()), "enclosure"),
		count(len(drives), "drive"), count(len(lab.Sites()), "array site"), count(len(ranks), "rank"))
	if encrypted > 0 {
		line += fmt.Sprintf(" (%d encrypted)", encrypted)
	}
	return line + ", " + count(len(lab.KeyServers()), "key server")
}

func enclosureCommands() []*Command {
	return []*Command{{
		Noun: "enclosure", Verb: "show", Summary: "draw the enclosures with their drives and states",
		Detail: "Each cell names the slot and its rank, the drive's state as lsddm has it (Spare for a spare in good order), and what its keys are like: erased, " +
			"unlocked, locked, DEGRADED (security degraded), or silent when it does not answer.",
		Params: []Param{{Name: "enclosure", Kind: nameKind("name", "an enclosure such as R1-I1, or its number"), Help: "only this one", Complete: func(s *Session) []string {
			var names []string
			if s.lab != nil {
				for _, e := range s.lab.Enclosures() {
					names = append(names, e.Name)
				}
			}
			return names
		}}},
		Example: "enclosure show enclosure=R1-I1",
		Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
			want := arg[string](a, "enclosure")
			var names []string
			found := false
			for _, e := range lab.Enclosures() {
				names = append(names, e.Name)
				if want == "" || strings.EqualFold(want, e.Name) || want == fmt.Sprint(e.Number) {
					found = true
					s.printf("%s", s.enclosurePicture(e))
				}
			}
			if !found {
				return fmt.Errorf("no enclosure %s: %s", want, suggest.DidYouMean(want, names))
			}
			return nil
		}),
	}}
}

// ofTheFacility makes a slot one that need not be named.
func ofTheFacility(p Param) Param {
	p.Required = false
	return p
}

func plantCommands() []*Command {
	return []*Command{
		{
			Noun: "power", Verb: "cycle", Summary: "turn the whole facility off and on: drives lose power, keys leave memory, both partitions IML",
			Example: "power cycle",
			Run:     withLab(func(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.PowerCycle()) }),
		},
		{
			Noun: "power", Verb: "cut", Summary: "cut the power of one slot, or, without a slot, of the whole facility",
			Detail:  "Without power the facility does nothing. What was in progress, what it keeps on its disks and what it loses: power restore tells, and goes on or undoes it.",
			Params:  []Param{ofTheFacility(slotParam("the slot; without it the whole facility loses its power"))},
			Example: "power cut drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if !a.Has("drive") {
					if err := lab.CutFacilityPower(); err != nil {
						return err
					}
					s.printf("facility %s has no power\n", lab.Serial())
					return nil
				}
				slot := arg[string](a, "drive")
				if err := lab.CutPower(slot); err != nil {
					return err
				}
				s.printf("%s has no power\n", slot)
				return nil
			}),
		},
		{
			Noun: "power", Verb: "restore", Summary: "give a slot its power back, or, without a slot, the whole facility",
			Detail: "The drive of a slot boots, and what was locked by power loss stays locked. The whole facility boots both partitions (dual cluster IML) and " +
				"tells what was in progress when the power went: it goes on, or is undone. A repair waits for the service person.",
			Params:  []Param{ofTheFacility(slotParam("the slot; without it the whole facility has its power back"))},
			Example: "power restore drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if !a.Has("drive") {
					return s.report(lab.RestoreFacilityPower())
				}
				slot := arg[string](a, "drive")
				if err := lab.RestorePower(slot); err != nil {
					return err
				}
				return s.driveLine(lab, slot)
			}),
		},
		{
			Noun: "power", Verb: "arm", Summary: "arm a fault plan on the power of the whole facility (point sfi.power.cut)",
			Detail: "An operation is a drive command, a write to a drive's flash, a page of the key repository, or a table on the disks of the partitions: " +
				"(OnIndex n) takes the power before the n-th from now, in the middle of whatever runs then.",
			Params:  []Param{optionalPlan()},
			Example: `power arm plan="(sfi.power.cut (OnIndex 40))"`,
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.ArmFacility(optional(a)); err != nil {
					return err
				}
				armed(s, "power of the facility", optional(a))
				return nil
			}),
		},
		{
			Noun: "iml", Summary: "reboot both partitions (dual cluster IML): keys are fetched, members unlocked, drives keep their power",
			Example: "iml",
			Run:     withLab(func(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.DualClusterIML()) }),
		},
		{
			Noun: "time", Verb: "now", Summary: "tell the virtual time",
			Example: "time now",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				s.printf("%s\n", lab.Now().Format(timeLayout))
				return nil
			}),
		},
		{
			Noun: "time", Verb: "advance", Summary: "let virtual time pass: hourly health checks, copies, whatever is due",
			Params:  []Param{{Name: "by", Kind: durationKind, Required: true, Help: "how long"}},
			Example: "time advance by=6h",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.Advance(arg[time.Duration](a, "by")); err != nil {
					return err
				}
				s.printf("it is %s\n", lab.Now().Format(timeLayout))
				return nil
			}),
		},
		{
			Noun: "health", Verb: "check", Summary: "run the hourly health check now",
			Example: "health check",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				r := lab.CheckHealth()
				if !r.Ran {
					s.keyWarnings(lab)
					return errors.New("the health check did not run: no partition completed its IML with data accessible; see keygrp list and keyserver list")
				}
				s.printf("health check: %s of encrypted ranks looked at", count(r.Checked, "member"))
				if len(r.Bad) == 0 {
					s.printf(", all as their rank requires\n")
				} else {
					s.printf(", not as required: %s\n", slotRuns(r.Bad))
				}
				s.keyWarnings(lab)
				return nil
			}),
		},
	}
}
