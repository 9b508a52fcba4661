package console

import (
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Call home: what a service person sets and looks at, and what breaks on its way.
var callHomeCommands = []*Command{
	{
		Name: "callhome show", Summary: "show whether serviceable events send requests for service, and which are not acknowledged",
		Example: "callhome show",
		Run:     withLab(showCallHome),
	},
	{
		Name: "callhome set", Summary: "turn call home on or off; what waits is sent when it is turned on",
		Params:  []Param{toParam("on or off", "on", "off")},
		Example: "callhome set to=off",
		Run:     withLab(setCallHome),
	},
	{
		Name: "callhome test", Summary: "send a request for service that asks for nothing",
		Example: "callhome test",
		Run:     withLab(testCallHome),
	},
	{
		Name: "callhome network", Summary: "cut the network of a management console to the support centre, or mend it",
		Detail:  "The facility finds out when it next sends a request for service. MAP4980 has no code for it.",
		Params:  []Param{hmcParam(false), toParam("up or cut", "up", "cut")},
		Example: "callhome network hmc=1 to=cut",
		Run:     withLab(networkCallHome),
	},
	{
		Name: "callhome centre", Summary: "let the support centre answer calls, take them in silence, or take none",
		Params:  []Param{toParam("what it does", string(raslab.SupportAnswers), string(raslab.SupportSilent), string(raslab.SupportDown))},
		Example: "callhome centre to=silent",
		Run:     withLab(centreCallHome),
	},
}

func showCallHome(s *Session, lab *raslab.Lab, _ Args) error {
	i := lab.CallHomeInfo()
	s.printf("call home is %s\n", onOff(i.On))
	for _, id := range i.Pending {
		e, err := lab.Event(id)
		if err != nil {
			return err
		}
		s.item("event " + strconv.Itoa(id) + ", " + e.SRC + ": " + callText(e.Call))
	}
	return nil
}

func setCallHome(s *Session, lab *raslab.Lab, a Args) error {
	lab.SetCallHome(arg[string](a, "to") == "on")
	s.printf("call home is %s\n", arg[string](a, "to"))
	return nil
}

func testCallHome(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.TestCallHome()) }

func networkCallHome(s *Session, lab *raslab.Lab, a Args) error {
	return eachHMC(lab, a, func(id int) error {
		s.printf("HMC%d: the network to the support centre is %s\n", id, arg[string](a, "to"))
		return lab.CutOutside(id, arg[string](a, "to") == "cut")
	})
}

func centreCallHome(s *Session, lab *raslab.Lab, a Args) error {
	s.printf("the support centre is %s\n", arg[string](a, "to"))
	return lab.SetSupport(raslab.SupportState(arg[string](a, "to")))
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// callText says how far a request for service has come.
func callText(c raslab.CallHome) string {
	var b strings.Builder
	b.WriteString(string(c.State))
	if c.Number != "" {
		b.WriteString(" as problem record " + c.Number)
	}
	if c.State != raslab.CallNotNeeded && !c.When.IsZero() {
		b.WriteString(", " + c.When.Format(timeLayout))
	}
	if c.Why != "" {
		b.WriteString(": " + c.Why)
	}
	return b.String()
}
