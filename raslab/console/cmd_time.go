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
	{
		Name: "time next", Summary: "let virtual time pass until something happens",
		Detail: "Time stands still again at the moment of the next entry of the log, or of the next one of a serviceable event. " +
			"The hourly health check writes none while all is well. If nothing happens, the time that was given has passed.",
		Params: []Param{
			{Name: "until", Kind: textKind, Values: []string{"anything", "event"}, Default: "anything", Help: "what is waited for: any entry of the log, or one of a serviceable event"},
			{Name: "within", Kind: durationKind, Default: "30d", Help: "how long at most"},
		},
		Example: "time next until=event within=1y",
		Run:     withLab(nextTime),
	},
}

func nowTime(s *Session, lab *raslab.Lab, _ Args) error {
	s.printf("%s\n", lab.Now().Format(timeLayout))
	return nil
}

func nextTime(s *Session, lab *raslab.Lab, a Args) error {
	only := arg[string](a, "until") == "event"
	within := arg[time.Duration](a, "within")
	wanted := func(e raslab.TraceEntry) bool { return !only || e.Actor == "event" }
	happened, err := lab.AdvanceToNext(within, wanted)
	if err != nil {
		return err
	}
	s.printf("it is %s\n", lab.Now().Format(timeLayout))
	found := false
	for _, e := range happened {
		found = found || wanted(e)
		if !only && e.Actor != "event" { // events are announced
			s.item(e.Actor + ": " + e.Text)
		}
	}
	if !found {
		s.item(map[bool]string{false: "nothing happened", true: "no serviceable event"}[only] + " in " + raslab.Spell(within))
	}
	return nil
}

func advanceTime(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.Advance(arg[time.Duration](a, "by")); err != nil {
		return err
	}
	s.printf("it is %s\n", lab.Now().Format(timeLayout))
	return nil
}
