package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var networkCommands = []*Command{
	{
		Name: "network set", Summary: "cut or mend the customer's network between console and key server",
		Params:  []Param{hmcParam(false), keyServerParam(), toParam("up, or cut: what is sent is lost without an answer", "up", "cut")},
		Example: "network set hmc=1 keyserver=2 to=cut",
		Run:     withLab(setNetwork),
	},
	{
		Name: "network arm", Summary: "arm a fault plan on the network of a console to the key servers (points net.*)",
		Params:  []Param{hmcParam(false), optionalPlan()},
		Example: `network arm hmc=1 plan="(net.session.reset (OnIndex 0))"`,
		Run:     withLab(armNetwork),
	},
}

func setNetwork(s *Session, lab *raslab.Lab, a Args) error {
	h, err := keyServerNumbered(lab, arg[int](a, "keyserver"))
	if err != nil {
		return err
	}
	return eachHMC(lab, a, func(id int) error {
		s.printf("network of HMC%d to %s is %s\n", id, h.Name, arg[string](a, "to"))
		return lab.Customer().SetPath(id, h.Name, arg[string](a, "to") == "up")
	})
}

func armNetwork(s *Session, lab *raslab.Lab, a Args) error {
	return eachHMC(lab, a, func(id int) error {
		if err := lab.Customer().Arm(id, optional(a)); err != nil {
			return err
		}
		armed(s, fmt.Sprintf("network of HMC%d", id), optional(a))
		return nil
	})
}
