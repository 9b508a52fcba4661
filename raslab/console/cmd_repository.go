package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var repositoryCommands = []*Command{
	{
		Name: "repository show", Summary: "say what the copies of the key repository are like",
		Example: "repository show",
		Run:     withLab(showRepository),
	},
	{
		Name: "repository damage", Summary: "flip a bit in every page of one copy of the key repository",
		Params:  []Param{{Name: "copy", Kind: numberKind(1, 3), Required: true, Help: "the copy"}},
		Example: "repository damage copy=2",
		Run:     withLab(damageRepository),
	},
	{
		Name: "repository restore", Summary: "what the next level of support does: write the records of all groups anew",
		Detail:  "From memory where a group is at work, else from what the consoles kept of the last record that a key opened (assumption).",
		Example: "repository restore",
		Run:     withLab(restoreRepository),
	},
}

func showRepository(s *Session, lab *raslab.Lab, _ Args) error {
	copies, _ := lab.Repository()
	for i, c := range copies {
		s.printf("copy %d: %s\n", i+1, c)
	}
	return nil
}

func damageRepository(s *Session, lab *raslab.Lab, a Args) error {
	s.printf("copy %d is damaged\n", arg[int](a, "copy"))
	return lab.DamageRepository(arg[int](a, "copy"))
}

func restoreRepository(s *Session, lab *raslab.Lab, _ Args) error {
	return s.report(lab.RestoreRepository())
}
