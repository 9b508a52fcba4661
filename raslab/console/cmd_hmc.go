package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var hmcCommands = []*Command{
	{
		Name: "hmc list", Summary: "list the management consoles and their links",
		Example: "hmc list",
		Run:     withLab(listHMCs),
	},
	{
		Name: "hmc power", Summary: "turn a management console on or off",
		Params:  []Param{hmcParam(false), toParam("on or off", "on", "off")},
		Example: "hmc power hmc=1 to=off",
		Run:     withLab(powerHMC),
	},
	{
		Name: "hmc hang", Summary: "let a console hang: it takes commands and does not answer in time; or let it go on",
		Params:  []Param{hmcParam(false), toParam("whether it hangs", yesNo...)},
		Example: "hmc hang hmc=1 to=yes",
		Run:     withLab(hangHMC),
	},
	{
		Name: "hmc essni", Summary: "end the process of a console that takes the commands of the partitions and of DS CLI (ESSNI), or start it again",
		Detail:  "The console itself stays on and is reached. The partitions then report BE14E009, as for a console that is off; BE14E008 needs an ESSNI that runs.",
		Params:  []Param{hmcParam(false), toParam("running or ended", "running", "ended")},
		Example: "hmc essni hmc=1 to=ended",
		Run:     withLab(essniHMC),
	},
}

func listHMCs(s *Session, lab *raslab.Lab, _ Args) error {
	for _, c := range lab.Consoles() {
		state := "on"
		switch {
		case !c.On:
			state = "off"
		case c.Hung:
			state = "hangs"
		case !c.ESSNI:
			state = "on, ESSNI does not run"
		}
		cut := ""
		to := lab.Customer().CutFrom(c.ID) // whoever looks at the cables sees it; no console does
		if c.Cut {
			to = append(to, "the support centre")
		}
		if len(to) > 0 {
			cut = ", does not reach " + strings.Join(to, ", ")
		}
		s.say("%s: %s, link to partition 0 %s, to partition 1 %s%s", c.Name, state, c.Links[0], c.Links[1], cut)
	}
	return nil
}

func powerHMC(s *Session, lab *raslab.Lab, a Args) error {
	return eachHMC(lab, a, func(id int) error {
		s.printf("HMC%d is %s\n", id, arg[string](a, "to"))
		return lab.PowerConsole(id, arg[string](a, "to") == "on")
	})
}

func hangHMC(s *Session, lab *raslab.Lab, a Args) error {
	return eachHMC(lab, a, func(id int) error {
		s.printf("HMC%d %s\n", id, map[string]string{"yes": "hangs", "no": "answers"}[arg[string](a, "to")])
		return lab.HangConsole(id, arg[string](a, "to") == "yes")
	})
}

func essniHMC(s *Session, lab *raslab.Lab, a Args) error {
	return eachHMC(lab, a, func(id int) error {
		s.printf("ESSNI of HMC%d is %s\n", id, arg[string](a, "to"))
		return lab.SetESSNI(id, arg[string](a, "to") == "running")
	})
}

// optional is the plan that was given, or nil.
func optional(a Args) *fault.Plan {
	if !a.Has("plan") {
		return nil
	}
	return arg[*fault.Plan](a, "plan")
}

// eachHMC does something with the console that was named, or with all.
func eachHMC(lab *raslab.Lab, a Args, do func(id int) error) error {
	for _, c := range lab.Consoles() {
		if a.Has("hmc") && arg[int](a, "hmc") != c.ID {
			continue
		}
		if err := do(c.ID); err != nil {
			return err
		}
	}
	if n := len(lab.Consoles()); a.Has("hmc") && arg[int](a, "hmc") > n {
		return fmt.Errorf("there is no console %d: the facility has %s", arg[int](a, "hmc"), count(n, "console"))
	}
	return nil
}

func armed(s *Session, what string, plan *fault.Plan) {
	if plan == nil {
		s.printf("%s: no plan= is given, so nothing is armed now\n", what)
		return
	}
	s.say("%s: armed %s", what, plan)
}
