package dscli

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var ddmCommands = []*Command{
	{
		Name: "lsddm", Summary: "list the drives",
		Params: []Param{
			longParam, shortParam,
			{Name: "state", Kind: wordKind, Values: []string{"Normal", "not_Normal"}, Help: "only the drives that are Normal, or only the others"},
			{Name: "image", Kind: imageKind, Bare: true, Help: "the facility", Complete: of(images)},
		},
		Example: "lsddm -state not_Normal",
		Run:     lsddm,
	},
}

func lsddm(c *call, a Args) error {
	r := &result{class: "DDM", columns: []column{
		left("ID"), left("DA Pair"), number("dkcap (10^9B)"), left("dkuse"), left("arsite"), left("State"), left("SN"), left("location"),
	}}
	state := arg[string](a, "state")
	for _, d := range c.lab.Drives() {
		if state != "" && (d.State == raslab.Normal) != (state == "Normal") {
			continue
		}
		size := capacity(c.lab)
		if d.Serial == "" {
			size = "-"
		}
		r.row(driveID(d), d.DAPair, size, d.Use, d.Site, d.State, d.Serial, d.Location)
	}
	return c.list(r, 6)
}

// driveID is the identifier of a drive: the unit of its enclosure, then rack, planar and
// slot. How an enclosure gets its number is an assumption.
func driveID(d raslab.DriveInfo) string {
	rack, _, _ := strings.Cut(d.Slot, "-")
	return fmt.Sprintf("IBM.2107-D%02d-%05d/%s-P1-D%d", d.Enclosure, d.Enclosure, rack, d.Number)
}

// capacity of a drive in 10^9 bytes: one digit behind the point from 1 up; the small
// drives of the lab get four.
func capacity(lab *raslab.Lab) string {
	o := lab.Options()
	n := float64(o.Sectors) * float64(o.SectorSize) / 1e9
	if n < 1 {
		return fmt.Sprintf("%.4f", n)
	}
	return fmt.Sprintf("%.1f", n)
}
