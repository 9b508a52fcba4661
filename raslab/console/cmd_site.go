package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var siteCommands = []*Command{
	{
		Name: "site list", Summary: "list the array sites: eight drives each",
		Example: "site list",
		Run:     withLab(listSites),
	},
}

func listSites(s *Session, lab *raslab.Lab, _ Args) error {
	t := s.table()
	t.Head("site\tDA pair\tstate\tarray\tslots")
	for _, site := range lab.Sites() {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", site.ID, site.DAPair, site.State, dash(site.Array), slotRuns(site.Slots))
	}
	return t.Flush()
}
