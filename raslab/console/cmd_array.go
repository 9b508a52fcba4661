package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var arrayCommands = []*Command{
	{
		Name: "array create", Summary: "make an array of a site",
		Params: []Param{
			{Name: "site", Kind: nameKind("site", "an array site such as S1"), Required: true, Help: "an unassigned site", Complete: siteNames},
			{Name: "raid", Kind: textKind, Values: []string{"auto", "6+P+S", "7+P"}, Default: "auto", Help: "with a spare or without; auto puts spares on the first arrays"},
		},
		Example: "array create site=S1",
		Run:     withLab(createArray),
	},
	{
		Name: "array remove", Summary: "remove an array that has no rank",
		Params:  []Param{arrayParam()},
		Example: "array remove array=A0",
		Run:     withLab(removeArray),
	},
	{
		Name: "array list", Summary: "list the arrays, as lsarray does",
		Example: "array list",
		Run:     withLab(listArrays),
	},
}

func createArray(s *Session, lab *raslab.Lab, a Args) error {
	raid := raslab.RAIDType(arg[string](a, "raid"))
	if raid == "auto" {
		raid = raslab.RAIDAuto
	}
	return s.report(lab.CreateArray(arg[string](a, "site"), raid))
}

func removeArray(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.RemoveArray(arg[string](a, "array")))
}

func listArrays(s *Session, lab *raslab.Lab, _ Args) error {
	arrays := lab.Arrays()
	if len(arrays) == 0 {
		s.printf("no arrays\n")
		return nil
	}
	t := s.table()
	t.Head("array\tstate\tdata\tRAID\tsite\trank")
	for _, x := range arrays {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, s.paintState(x.State), s.paintState(dash(x.Data)), x.RAID, x.Site, dash(x.Rank))
	}
	return t.Flush()
}

func siteNames(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, site := range s.lab.Sites() {
			names = append(names, site.ID)
		}
	}
	return names
}
