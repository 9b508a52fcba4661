package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var enclosureCommands = []*Command{
	{
		Name: "enclosure show", Summary: "draw the enclosures with their drives and states",
		Detail: "Each cell names the slot and its rank, the drive's state as lsddm has it (Spare for a spare in good order), and what its keys are like: erased, " +
			"unlocked, locked, DEGRADED (security degraded), or silent when it does not answer.",
		Params:  []Param{{Name: "enclosure", Kind: nameKind("name", "an enclosure such as R1-I1, or its number"), Help: "only this one", Complete: enclosureNames}},
		Example: "enclosure show enclosure=R1-I1",
		Run:     withLab(showEnclosure),
	},
}

func showEnclosure(s *Session, lab *raslab.Lab, a Args) error {
	want := arg[string](a, "enclosure")
	var names []string
	found := false
	for _, e := range lab.Enclosures() {
		names = append(names, e.Name)
		if want == "" || strings.EqualFold(want, e.Name) || want == fmt.Sprint(e.Number) {
			found = true
			s.printf("%s", s.enclosurePicture(e))
		}
	}
	if !found {
		return fmt.Errorf("no enclosure %s: %s", want, suggest.DidYouMean(want, names))
	}
	return nil
}

func enclosureNames(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, e := range s.lab.Enclosures() {
			names = append(names, e.Name)
		}
	}
	return names
}
