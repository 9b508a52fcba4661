package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var raidCommands = []*Command{
	{
		Name: "raid exchange", Summary: "smart rebuild (issraid exchange): copy a member that still works to a spare, then release it",
		Detail:  "The copy runs in virtual time; time advance lets it finish.",
		Window:  "issraid exchange, the smart rebuild of RAS",
		Params:  []Param{slotParam("the member")},
		Example: "raid exchange drive=R1-I1-D05",
		Run:     withLab(exchangeRAID),
	},
	{
		Name: "raid hold", Summary: "hold the smart rebuild that RAS starts for a member with predicted failure, or let it go on",
		Detail:  "RAS looks every hour. While it is held, raid exchange starts one by hand.",
		Params:  []Param{toParam("whether it is held", yesNo...)},
		Example: "raid hold to=yes",
		Run:     withLab(holdRAID),
	},
}

func exchangeRAID(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.SmartRebuild(arg[string](a, "drive")))
}

func holdRAID(s *Session, lab *raslab.Lab, a Args) error {
	hold := arg[string](a, "to") == "yes"
	lab.HoldExchange(hold)
	s.say("%s", map[bool]string{true: "RAS starts no smart rebuild", false: "RAS starts the smart rebuild of a member with predicted failure"}[hold])
	return nil
}
