package dscli

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func storageCommands() []*Command {
	return []*Command{
		{
			Name: "lsddm", Summary: "list the drives", Facility: true,
			Params: []Param{
				longParam, shortParam,
				{Name: "state", Kind: wordKind, Values: []string{"Normal", "not_Normal"}, Help: "only the drives that are Normal, or only the others"},
				{Name: "image", Kind: imageKind, Operand: true, Help: "the facility", Complete: images},
			},
			Example: "lsddm -state not_Normal",
			Run:     listDrives,
		},
		{
			Name: "lsarraysite", Summary: "list the array sites: eight drives each", Facility: true,
			Params:  []Param{longParam, shortParam, siteParam(true)},
			Example: "lsarraysite S1-S2",
			Run: func(c *call) error {
				sites, ids := c.lab.Sites(), arg[[]string](c.args, "arsite")
				if err := c.exist("array site", ids, siteIDs(c.lab)); err != nil {
					return err
				}
				r := &result{class: "Array Site", columns: []column{left("arsite"), left("DA Pair"), number("dkcap (10^9B)"), left("State"), left("Array"), left("encrypt")}}
				for _, s := range sites {
					if wanted(ids, s.ID) {
						r.row(s.ID, s.DAPair, capacity(c.lab), s.State, s.Array, "supported")
					}
				}
				return c.list(r, 5)
			},
		},
		{
			Name: "lsarray", Summary: "list the arrays", Facility: true,
			Params:  []Param{longParam, shortParam, arraysParam(false)},
			Example: "lsarray A0",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "array")
				if err := c.exist("array", ids, arrayIDs(c.lab)); err != nil {
					return err
				}
				r := &result{class: "Array", columns: []column{
					left("Array"), left("State"), left("Data"), left("RAIDtype"), left("arsite"), left("Rank"), left("DA Pair"), number("DDMcap (10^9B)"), left("encrypt"),
				}}
				for _, a := range c.lab.Arrays() {
					if wanted(ids, a.ID) {
						r.row(a.ID, a.State, a.Data, a.RAID, a.Site, a.Rank, a.DAPair, capacity(c.lab), "supported")
					}
				}
				return c.list(r, 8)
			},
		},
	}
}

func listDrives(c *call) error {
	r := &result{class: "DDM", columns: []column{
		left("ID"), left("DA Pair"), number("dkcap (10^9B)"), left("dkuse"), left("arsite"), left("State"), left("SN"), left("location"),
	}}
	state := arg[string](c.args, "state")
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

func siteParam(operand bool) Param {
	p := Param{Name: "arsite", Kind: oneIDKind("arsite", "S"), Required: true, Help: "an unassigned array site", Complete: siteIDs}
	if operand {
		p = Param{Name: "arsite", Kind: idKind("arsite", "S"), Operand: true, Repeat: true, Help: "array sites", Complete: siteIDs}
	}
	return p
}

func arraysParam(required bool) Param {
	return Param{Name: "array", Kind: idKind("array", "A"), Operand: true, Repeat: true, Required: required, Help: "arrays", Complete: arrayIDs}
}

func ranksParam(required bool) Param {
	return Param{Name: "rank", Kind: idKind("rank", "R"), Operand: true, Repeat: true, Required: required, Help: "ranks", Complete: rankIDs}
}

func images(lab *raslab.Lab) []string { return []string{imageID(lab.Serial())} }

func siteIDs(lab *raslab.Lab) (ids []string) {
	for _, s := range lab.Sites() {
		ids = append(ids, s.ID)
	}
	return ids
}

func arrayIDs(lab *raslab.Lab) (ids []string) {
	for _, a := range lab.Arrays() {
		ids = append(ids, a.ID)
	}
	return ids
}

func rankIDs(lab *raslab.Lab) (ids []string) {
	for _, r := range lab.Ranks() {
		ids = append(ids, r.ID)
	}
	return ids
}
