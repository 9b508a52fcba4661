package console

import (
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func serviceCommands() []*Command {
	return []*Command{
		{
			Noun: "repair", Verb: "start", Summary: "begin the repair of a slot's drive: its power is taken away",
			Detail:  "The repair is in progress until it is resumed or cancelled; no other service action starts meanwhile.",
			Params:  []Param{slotParam("the slot")},
			Example: "repair start drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.StartRepair(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "repair", Verb: "exchange", Summary: "exchange the drive (FRU) for a part of the shelf",
			Detail:  "Without serial= the repair goes on with the same drive, which is neither unseated nor reseated: a pseudo repair.",
			Params:  []Param{slotParam("the slot"), serialParam("the new drive on the shelf; without it the same drive stays", false)},
			Example: "repair exchange drive=R1-I1-D05 serial=S1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.ExchangeFRU(arg[string](a, "drive"), arg[string](a, "serial")))
			}),
		},
		{
			Noun: "repair", Verb: "resume", Summary: "resume after the exchange: power on, certify, and bring the drive into its place and its key group",
			Params:  []Param{slotParam("the slot")},
			Example: "repair resume drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.ResumeRepair(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "repair", Verb: "pseudo", Summary: "a pseudo repair in one go: start, exchange without unseating the drive, resume",
			Params:  []Param{slotParam("the slot")},
			Example: "repair pseudo drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				slot := arg[string](a, "drive")
				r, err := lab.StartRepair(slot)
				if err := s.reportAs("repair start", r, err); err != nil {
					return err
				}
				r, err = lab.ExchangeFRU(slot, "")
				if err := s.reportAs("repair exchange", r, err); err != nil {
					return err
				}
				r, err = lab.ResumeRepair(slot)
				return s.reportAs("repair resume", r, err)
			}),
		},
		{
			Noun: "repair", Verb: "cancel", Summary: "end a repair before the drive was exchanged",
			Params:  []Param{slotParam("the slot")},
			Example: "repair cancel drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.CancelRepair(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "raid", Verb: "exchange", Summary: "smart rebuild (issraid exchange): copy a member that still works to a spare, then release it",
			Detail:  "The copy runs in virtual time; time advance lets it finish.",
			Params:  []Param{slotParam("the member")},
			Example: "raid exchange drive=R1-I1-D05",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.SmartRebuild(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "raid", Verb: "hold", Summary: "hold the smart rebuild that RAS starts for a member with predicted failure, or let it go on",
			Detail:  "RAS looks every hour. While it is held, raid exchange starts one by hand.",
			Params:  []Param{toParam("whether it is held", yesNo...)},
			Example: "raid hold to=yes",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				hold := arg[string](a, "to") == "yes"
				lab.HoldExchange(hold)
				s.say("%s", map[bool]string{true: "RAS starts no smart rebuild", false: "RAS starts the smart rebuild of a member with predicted failure"}[hold])
				return nil
			}),
		},
		{
			Noun: "field", Verb: "install", Summary: "certify the drives with which the facility was delivered and that are not installed yet",
			Detail:  "It ran when the facility was built. Repeat it after what was wrong has been put right.",
			Example: "field install",
			Run:     withLab(func(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.FieldInstall()) }),
		},
		{
			Noun: "mes", Verb: "install", Summary: "install an enclosure of 16 drives, or eight drives: power, drive certify, array sites",
			Detail: "Drives alone go into the free slots of an enclosure that is half full.",
			Params: []Param{
				{Name: "what", Kind: textKind, Values: []string{"enclosure", "drives"}, Default: "enclosure", Help: "an enclosure with its drives, or eight drives"},
				{Name: "serials", Kind: textKind, Help: "drives of the shelf for slots 1, 2, ..., separated by commas; the others come new from the factory", Complete: serials},
				{Name: "erase", Kind: textKind, Values: yesNo, Default: "no", Help: "whether drives that do not arrive erased may be erased; a configured one never is"},
			},
			Example: "mes install erase=yes",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				r := raslab.MESRequest{DrivesOnly: arg[string](a, "what") == "drives", AllowErase: arg[string](a, "erase") == "yes"}
				if list := arg[string](a, "serials"); list != "" {
					for _, serial := range strings.Split(list, ",") { // blanks may belong to it
						if strings.TrimSpace(serial) == "" {
							return usage(a.Col("serials"), "serial numbers with one comma between them, or leave it out for new drives", "serials=%s: a serial number in it is empty", quote(list))
						}
						r.Serials = append(r.Serials, serial)
					}
				}
				return s.report(lab.InstallMES(r))
			}),
		},
		{
			Noun: "discontinue", Verb: "scan", Summary: "ask every drive for its erase status, as is done before a facility leaves service",
			Example: "discontinue scan",
			Run:     withLab(discontinue),
		},
	}
}

func discontinue(s *Session, lab *raslab.Lab, _ Args) error {
	r, err := lab.Discontinue()
	if err != nil {
		return err
	}
	// Drives with the same verdict share a line.
	var verdicts []string
	slots := map[string][]string{}
	passed := 0
	for _, v := range r.Verdicts {
		if slots[v.Verdict] == nil {
			verdicts = append(verdicts, v.Verdict)
		}
		slots[v.Verdict] = append(slots[v.Verdict], v.Slot)
		if v.Passed {
			passed++
		}
	}
	s.printf("%d of %s passed\n", passed, count(len(r.Verdicts), "drive"))
	for _, v := range verdicts {
		s.printf("  %s: %s\n", v, slotRuns(slots[v]))
	}
	r.Drives = nil // the verdicts say it all
	return s.report(r.Report, nil)
}
