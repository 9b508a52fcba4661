package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var discontinueCommands = []*Command{
	{
		Name: "discontinue scan", Summary: "ask every drive for its erase status, as is done before a facility leaves service",
		Window:  "the SF Discontinue utility",
		Example: "discontinue scan",
		Run:     withLab(discontinue),
	},
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
