package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

var faultCommands = []*Command{
	{
		Name: "fault arm", Summary: "arm a fault plan on a drive: what will break in its flash, media or port, and when",
		Detail: `A plan is one or more rules (POINT PREDICATE); fault points lists the points. Predicates are (OnIndex n) for the n-th operation from 0, ` +
			`(After n), (Every n), (Block n), (Page n), (LBA n), (Byte n), (Programmed), (Blank), (And ..), (Or ..), (Not ..), (Randomly p seed); without one, every operation. ` +
			`Counting begins now. A plan that was armed before is replaced.`,
		Params: []Param{
			anyDriveParam("the drive"),
			{Name: "plan", Kind: planKind, Required: true, Help: "what breaks, and when", Complete: everyFault},
		},
		Example: `fault arm drive=R1-I1-D05 plan="(flash.erase.refused (OnIndex 0))"`,
		Run:     armFault,
	},
	{
		Name: "fault disarm", Summary: "take the fault plan of a drive away; what it broke stays broken",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "fault disarm drive=R1-I1-D05",
		Run:     disarmFault,
	},
	{
		Name: "fault list", Summary: "list the fault plans that are armed",
		Example: "fault list",
		Run:     listFaults,
	},
	{
		Name: "fault points", Summary: "list what can be made to break, and what the drive owes then",
		Example: "fault points",
		Run:     pointsFault,
	},
}

func armFault(s *Session, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	plan := arg[*fault.Plan](a, "plan")
	if slot != "" {
		err = s.lab.Arm(slot, plan)
	} else {
		err = part.Arm(plan)
	}
	if err == nil {
		s.printf("armed on %s: %s\n", driveName(part, slot), plan)
	}
	return err
}

func disarmFault(s *Session, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	if part.Plan() == "" {
		return fmt.Errorf("no fault is armed on %s: see fault list", driveName(part, slot))
	}
	if slot != "" {
		err = s.lab.Disarm(slot)
	} else {
		part.Disarm()
	}
	if err == nil {
		s.printf("disarmed: %s\n", driveName(part, slot))
	}
	return err
}

func listFaults(s *Session, _ Args) error {
	n := 0
	for _, name := range anyDrives(s) {
		part, slot, err := s.part(name)
		if err != nil || part == nil || part.Plan() == "" {
			continue // an empty slot has no drive
		}
		n++
		s.printf("%s: %s\n", driveName(part, slot), part.Plan())
	}
	if n == 0 {
		s.printf("no fault is armed\n")
	}
	return nil
}

func pointsFault(s *Session, _ Args) error {
	for _, p := range fault.Points() {
		s.printf("%s\n", p.Point)
		s.paragraph("effect", p.Effect)
		s.paragraph("budget", p.Budget)
	}
	return nil
}

func everyFault(*Session) []string {
	var plans []string
	for _, p := range fault.Points() {
		plans = append(plans, fmt.Sprintf("(%s)", p.Point))
	}
	return plans
}
