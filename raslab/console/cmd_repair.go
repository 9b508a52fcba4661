package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var repairCommands = []*Command{
	{
		Name: "repair start", Summary: "begin the repair of a slot's drive: its power is taken away",
		Detail:  "The repair is in progress until it is resumed or cancelled; no other service action starts meanwhile.",
		Window:  "the drive repair",
		Params:  []Param{slotParam("the slot")},
		Example: "repair start drive=R1-I1-D05",
		Run:     withLab(startRepair),
	},
	{
		Name: "repair exchange", Summary: "exchange the drive (FRU) for a part of the shelf",
		Detail:  "Without serial= the repair goes on with the same drive, which is neither unseated nor reseated: a pseudo repair.",
		Window:  "the drive repair, option Exchange FRU",
		Params:  []Param{slotParam("the slot"), serialParam("the new drive on the shelf; without it the same drive stays", false)},
		Example: "repair exchange drive=R1-I1-D05 serial=S1",
		Run:     withLab(exchangeRepair),
	},
	{
		Name: "repair resume", Summary: "resume after the exchange: power on, certify, and bring the drive into its place and its key group",
		Window:  "the drive repair, the drive resume operation",
		Params:  []Param{slotParam("the slot")},
		Example: "repair resume drive=R1-I1-D05",
		Run:     withLab(resumeRepair),
	},
	{
		Name: "repair pseudo", Summary: "a pseudo repair in one go: start, exchange without unseating the drive, resume",
		Window:  "the drive repair, option Exchange FRU, gone through without unseating and reseating the drive",
		Params:  []Param{slotParam("the slot")},
		Example: "repair pseudo drive=R1-I1-D05",
		Run:     withLab(pseudoRepair),
	},
	{
		Name: "repair cancel", Summary: "end a repair before the drive was exchanged",
		Params:  []Param{slotParam("the slot")},
		Example: "repair cancel drive=R1-I1-D05",
		Run:     withLab(cancelRepair),
	},
}

func startRepair(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.StartRepair(arg[string](a, "drive")))
}

func exchangeRepair(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.ExchangeFRU(arg[string](a, "drive"), arg[string](a, "serial")))
}

func resumeRepair(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.ResumeRepair(arg[string](a, "drive")))
}

func pseudoRepair(s *Session, lab *raslab.Lab, a Args) error {
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
}

func cancelRepair(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.CancelRepair(arg[string](a, "drive")))
}
