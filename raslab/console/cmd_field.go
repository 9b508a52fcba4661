package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var fieldCommands = []*Command{
	{
		Name: "field install", Summary: "certify the delivered drives that are not installed yet",
		Detail:  "It ran when the facility was built. Repeat it after what was wrong has been put right.",
		Example: "field install",
		Run:     withLab(installField),
	},
}

func installField(s *Session, lab *raslab.Lab, _ Args) error { return s.report(lab.FieldInstall()) }
