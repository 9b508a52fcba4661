package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var linkCommands = []*Command{
	{
		Name: "link set", Summary: "cut, stall or mend the link between partition and console",
		Params:  []Param{partitionParam, hmcParam(false), toParam("up, cut, or stalled: commands arrive and their answers do not come in time", "up", "cut", "stalled")},
		Example: "link set partition=0 hmc=1 to=cut",
		Run:     withLab(setLink),
	},
	{
		Name: "link arm", Summary: "arm a fault plan on the link between partition and console (points link.*)",
		Params:  []Param{partitionParam, hmcParam(false), optionalPlan()},
		Example: `link arm partition=0 hmc=1 plan="(link.command.stalled (OnIndex 1))"`,
		Run:     withLab(armLink),
	},
}

func setLink(s *Session, lab *raslab.Lab, a Args) error {
	return eachLink(lab, a, func(p, id int) error {
		s.printf("link of partition %d to HMC%d is %s\n", p, id, arg[string](a, "to"))
		return lab.SetLink(p, id, raslab.LinkState(arg[string](a, "to")))
	})
}

func armLink(s *Session, lab *raslab.Lab, a Args) error {
	return eachLink(lab, a, func(p, id int) error {
		if err := lab.ArmLink(p, id, optional(a)); err != nil {
			return err
		}
		armed(s, fmt.Sprintf("link of partition %d to HMC%d", p, id), optional(a))
		return nil
	})
}

func eachLink(lab *raslab.Lab, a Args, do func(partition, hmc int) error) error {
	return eachHMC(lab, a, func(id int) error {
		for p := range 2 {
			if a.Has("partition") && arg[int](a, "partition") != p {
				continue
			}
			if err := do(p, id); err != nil {
				return err
			}
		}
		return nil
	})
}
