package console

import (
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var mesCommands = []*Command{
	{
		Name: "mes install", Summary: "install an enclosure of 16 drives, or eight drives: power, drive certify, array sites",
		Detail: "Drives alone go into the free slots of an enclosure that is half full.",
		Window: "the storage enclosure and drive Install MES",
		Params: []Param{
			{Name: "what", Kind: textKind, Values: []string{"enclosure", "drives"}, Default: "enclosure", Help: "an enclosure with its drives, or eight drives"},
			{Name: "serials", Kind: textKind, Help: "drives of the shelf for slots 1, 2, ..., separated by commas; the others come new from the factory", Complete: serials},
			{Name: "erase", Kind: textKind, Values: yesNo, Default: "no", Help: "whether drives that do not arrive erased may be erased; a configured one never is"},
		},
		Example: "mes install erase=yes",
		Run:     withLab(installMES),
	},
}

func installMES(s *Session, lab *raslab.Lab, a Args) error {
	r := raslab.MESRequest{DrivesOnly: arg[string](a, "what") == "drives", AllowErase: arg[string](a, "erase") == "yes"}
	if list := arg[string](a, "serials"); list != "" {
		for _, serial := range strings.Split(list, ",") { // blanks may belong to it
			if strings.TrimSpace(serial) == "" {
				return usage(a.Col("serials"), "serial numbers with one comma between them, or leave it out for new drives", "serials=%s: a serial number in it is empty", quote(list))
			}
			r.Serials = append(r.Serials, serial)
		}
	}
	return s.report(lab.InstallMES(r))
}
