package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var sfiCommands = []*Command{
	{
		Name: "sfi show", Summary: "show the valid state of the storage facility image and the states of its encryption groups",
		Window:  "Manage Storage Facility Image (SFI) Resources: the valid state, and encryptionGroupsStates",
		Example: "sfi show",
		Run:     withLab(showSFI),
	},
	{
		Name: "sfi quiesce", Summary: "stop host I/O; the first of three steps of a reboot by hand",
		Window:  "the panel with the valid state, button Quiesce SFI",
		Example: "sfi quiesce",
		Run:     withLab(sfiStep((*raslab.Lab).Quiesce)),
	},
	{
		Name: "sfi shutdown", Summary: "stop both partitions of a quiesced facility",
		Window:  "the panel with the valid state, button Shutdown SFI",
		Example: "sfi shutdown",
		Run:     withLab(sfiStep((*raslab.Lab).Shutdown)),
	},
	{
		Name: "sfi resume", Summary: "boot both partitions of a facility that was shut down",
		Window:  "the panel with the valid state, button Resume SFI",
		Example: "sfi resume",
		Run:     withLab(sfiStep((*raslab.Lab).Resume)),
	},
}

func showSFI(s *Session, lab *raslab.Lab, _ Args) error {
	states := strings.Trim(strings.ReplaceAll(fmt.Sprint(lab.GroupStates()), " ", ","), "[]")
	s.printf("valid state %s, encryptionGroupsStates {%s}\n", orNone(lab.ValidState()), states)
	return nil
}

// sfiStep takes one of the three steps of a reboot by hand.
func sfiStep(do func(*raslab.Lab) (raslab.Report, error)) func(*Session, *raslab.Lab, Args) error {
	return func(s *Session, lab *raslab.Lab, _ Args) error { return s.report(do(lab)) }
}
