package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var imlCommands = []*Command{
	{
		Name: "iml", Summary: "reboot both partitions (dual cluster IML): keys are fetched, members unlocked, drives keep their power",
		Example: "iml",
		Run:     withLab(runIML),
	},
}

func runIML(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.DualClusterIML()) }
