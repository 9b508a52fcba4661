package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var memoryCommands = []*Command{
	{
		Name: "memory arm", Summary: "arm a fault plan on the memory of the partitions (points memory.*)",
		Params:  []Param{partitionParam, optionalPlan()},
		Example: `memory arm partition=0 plan="(memory.table.flipped (Byte 2))"`,
		Run:     withLab(armMemory),
	},
}

func armMemory(s *Session, lab *raslab.Lab, a Args) error {
	for p := range 2 {
		if a.Has("partition") && arg[int](a, "partition") != p {
			continue
		}
		if err := lab.ArmMemory(p, optional(a)); err != nil {
			return err
		}
		armed(s, fmt.Sprintf("memory of partition %d", p), optional(a))
	}
	return nil
}
