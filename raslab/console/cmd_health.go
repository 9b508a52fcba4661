package console

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var healthCommands = []*Command{
	{
		Name: "health check", Summary: "run the hourly health check now",
		Window:  "the hourly health check of RAS",
		Example: "health check",
		Run:     withLab(checkHealth),
	},
}

func checkHealth(s *Session, lab *raslab.Lab, _ Args) error {
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
}
