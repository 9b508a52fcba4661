package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var powerCommands = []*Command{
	{
		Name: "power cycle", Summary: "turn the whole facility off and on: drives lose power, keys leave memory, both partitions IML",
		Example: "power cycle",
		Run:     withLab(cyclePower),
	},
	{
		Name: "power cut", Summary: "cut the power of one slot, or, without a slot, of the whole facility",
		Detail:  "Without power the facility does nothing. power restore says what was in progress, and goes on with it or undoes it.",
		Params:  []Param{ofTheFacility(slotParam("the slot; without it the whole facility loses its power"))},
		Example: "power cut drive=R1-I1-D05",
		Run:     withLab(cutPower),
	},
	{
		Name: "power restore", Summary: "give a slot its power back, or, without a slot, the whole facility",
		Detail: "The drive of a slot boots, and what was locked by power loss stays locked. The whole facility boots both partitions (dual cluster IML) and " +
			"says what was in progress when the power went, and goes on with it or undoes it. A repair waits for the service person.",
		Params:  []Param{ofTheFacility(slotParam("the slot; without it the whole facility has its power back"))},
		Example: "power restore drive=R1-I1-D05",
		Run:     withLab(restorePower),
	},
	{
		Name: "power arm", Summary: "arm a fault plan on the power of the whole facility (point sfi.power.cut)",
		Detail: "An operation is a drive command, a write to a drive's flash, a page of the key repository, or a table on the disks of the partitions: " +
			"(OnIndex n) takes the power before the n-th from now, in the middle of whatever runs then.",
		Params:  []Param{optionalPlan()},
		Example: `power arm plan="(sfi.power.cut (OnIndex 40))"`,
		Run:     withLab(armPower),
	},
}

func cyclePower(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.PowerCycle()) }

func cutPower(s *Session, lab *raslab.Lab, a Args) error {
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
}

func restorePower(s *Session, lab *raslab.Lab, a Args) error {
	if !a.Has("drive") {
		return s.report(lab.RestoreFacilityPower())
	}
	slot := arg[string](a, "drive")
	if err := lab.RestorePower(slot); err != nil {
		return err
	}
	return s.driveLine(lab, slot)
}

func armPower(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.ArmFacility(optional(a)); err != nil {
		return err
	}
	armed(s, "power of the facility", optional(a))
	return nil
}

// driveLine is one drive in one line.
func (s *Session) driveLine(lab *raslab.Lab, slot string) error {
	d, err := lab.Drive(slot)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s: %s, %s", d.Slot, d.State, keyWord(d))
	if d.Why != "" {
		line += ": " + d.Why
	}
	s.printf("%s\n", line)
	return nil
}

// ofTheFacility makes a slot one that need not be named.
func ofTheFacility(p Param) Param {
	p.Required = false
	return p
}
