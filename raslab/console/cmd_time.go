package console

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var timeCommands = []*Command{
	{
		Name: "time now", Summary: "tell the virtual time",
		Example: "time now",
		Run:     withLab(nowTime),
	},
	{
		Name: "time advance", Summary: "let virtual time pass: hourly health checks, copies, whatever is due",
		Params:  []Param{{Name: "by", Kind: durationKind, Required: true, Help: "how long"}},
		Example: "time advance by=6h",
		Run:     withLab(advanceTime),
	},
}

func nowTime(s *Session, lab *raslab.Lab, _ Args) error {
	s.printf("%s\n", lab.Now().Format(timeLayout))
	return nil
}

func advanceTime(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.Advance(arg[time.Duration](a, "by")); err != nil {
		return err
	}
	s.printf("it is %s\n", lab.Now().Format(timeLayout))
	return nil
}
