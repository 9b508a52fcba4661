package console

import (
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

func shelfCommands() []*Command {
	return []*Command{
		{
			Noun: "shelf", Verb: "list", Summary: "list the loose drives: spare parts, and drives that were pulled",
			Example: "shelf list",
			Run: func(s *Session, _ Args) error {
				parts := s.shelf.Parts()
				if len(parts) == 0 {
					s.printf("the shelf is empty\n")
					return nil
				}
				t := s.table()
				for _, p := range parts {
					fmt.Fprintf(t, "%s\t%s\n", quotedEnds(s.shelf.Name(p)), statusWords(p.Drive.Status()))
				}
				return t.Flush()
			},
		},
		{
			Noun: "shelf", Verb: "order", Summary: "get a new spare part that fits the facility",
			Detail: "Without arguments it is as the drives that came with the facility.",
			Params: []Param{
				{Name: "plain", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it is one that cannot encrypt"},
				{Name: "bands", Kind: intKind("number", 0, drive.MaxRanges), Help: "bands beside the global one"},
				{Name: "sectors", Kind: intKind("number", 1, 1<<40), Help: "its capacity"},
				{Name: "sectorsize", Kind: textKind, Values: []string{"512", "4096"}, Help: "bytes of a sector"},
				{Name: "volatile", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it forgets its counts of wrong PINs without power"},
			},
			Example: "shelf order",
			Run:     withLab((*Session).orderPart),
		},
		{
			Noun: "shelf", Verb: "create", Summary: "manufacture a drive that lives on in a file",
			Detail: "The file is the whole device, its fuses included: who can read it has opened the chip. The label with the PSID " +
				"is known until the session ends, unless label= keeps it in a file beside the drive, for shelf open: who has that can revert the drive. Not in a transcript: the keys of such a drive are never the same twice.",
			Params: []Param{
				fileParam("the file, which must not exist yet"),
				{Name: "serial", Kind: driveKind("1 to 20 printable ASCII characters"), Required: true, Help: "its serial number"},
				{Name: "label", Kind: textKind, Help: "a new file in which the label is kept, such as a.label"},
			},
			Example: "shelf create file=a.drive serial=BENCH1 label=a.label",
			Run: func(s *Session, a Args) error {
				return s.addFile(a, arg[string](a, "serial"), func(drive.Label) (*raslab.Part, io.Closer, error) {
					size, sectors := 512, uint64(65536)
					if s.lab != nil {
						size, sectors = s.lab.Options().SectorSize, s.lab.Options().Sectors
					}
					return s.shelf.CreateFile(arg[string](a, "file"), arg[string](a, "serial"), size, sectors, s.options.Entropy)
				})
			},
		},
		{
			Noun: "shelf", Verb: "open", Summary: "put a drive that lives in a file on the shelf",
			Params: []Param{
				fileParam("the drive's file"),
				{Name: "label", Kind: textKind, Help: "the file in which shelf create kept the label; without it no PSID revert is possible, unless the PSID is typed"},
			},
			Example: "shelf open file=a.drive label=a.label",
			Run: func(s *Session, a Args) error {
				return s.addFile(a, "", func(label drive.Label) (*raslab.Part, io.Closer, error) {
					return s.shelf.OpenFile(arg[string](a, "file"), label, s.options.Entropy)
				})
			},
		},
	}
}

// orderPart gets a part as it is asked for.
func (s *Session) orderPart(lab *raslab.Lab, a Args) error {
	o := lab.Options()
	c := raslab.PartConfig{SectorSize: o.SectorSize, Sectors: o.Sectors, Bands: o.Bands, Volatile: arg[string](a, "volatile") == "yes"}
	if a.Has("bands") {
		c.Bands = arg[int](a, "bands")
	}
	if a.Has("sectors") {
		c.Sectors = uint64(arg[int](a, "sectors"))
	}
	if arg[string](a, "sectorsize") == "4096" {
		c.SectorSize = 4096
	} else if a.Has("sectorsize") {
		c.SectorSize = 512
	}
	order, what := func() (*raslab.Part, error) { return lab.OrderSpareAs(c) }, ""
	if arg[string](a, "plain") == "yes" {
		order, what = lab.OrderPlainSpare, ", without encryption"
	}
	p, err := order()
	if err != nil {
		return err
	}
	s.printf("new drive %s lies on the shelf%s\n", p.Serial(), what)
	return nil
}

func fileParam(help string) Param {
	return Param{Name: "file", Kind: textKind, Required: true, Help: help}
}

func faultCommands() []*Command {
	return []*Command{
		{
			Noun: "fault", Verb: "arm", Summary: "arm a fault plan on a drive: what will break in its flash, media or port, and when",
			Detail: `A plan is one or more rules (POINT PREDICATE); fault points lists the points. Predicates are (OnIndex n) for the n-th operation from 0, ` +
				`(After n), (Every n), (Block n), (Page n), (LBA n), (Byte n), (Programmed), (Blank), (And ..), (Or ..), (Not ..), (Randomly p seed); without one, every operation. ` +
				`Counting begins now. A plan that was armed before is replaced.`,
			Params: []Param{
				anyDriveParam("the drive"),
				{Name: "plan", Kind: planKind, Required: true, Help: "what breaks, and when", Complete: func(*Session) []string {
					var plans []string
					for _, p := range fault.Points() {
						plans = append(plans, fmt.Sprintf("(%s)", p.Point))
					}
					return plans
				}},
			},
			Example: `fault arm drive=R1-I1-D05 plan="(flash.erase.refused (OnIndex 0))"`,
			Run: func(s *Session, a Args) error {
				part, slot, err := s.part(arg[string](a, "drive"))
				if err != nil {
					return err
				}
				plan := arg[*fault.Plan](a, "plan")
				if slot != "" {
					err = s.lab.Arm(slot, plan)
				} else {
					err = part.Arm(plan)
				}
				if err == nil {
					s.printf("armed on %s: %s\n", driveName(part, slot), plan)
				}
				return err
			},
		},
		{
			Noun: "fault", Verb: "disarm", Summary: "take the fault plan of a drive away; what it broke stays broken",
			Params:  []Param{anyDriveParam("the drive")},
			Example: "fault disarm drive=R1-I1-D05",
			Run: func(s *Session, a Args) error {
				part, slot, err := s.part(arg[string](a, "drive"))
				if err != nil {
					return err
				}
				if part.Plan() == "" {
					return fmt.Errorf("no fault is armed on %s: see fault list", driveName(part, slot))
				}
				if slot != "" {
					err = s.lab.Disarm(slot)
				} else {
					part.Disarm()
				}
				if err == nil {
					s.printf("disarmed: %s\n", driveName(part, slot))
				}
				return err
			},
		},
		{
			Noun: "fault", Verb: "list", Summary: "list the fault plans that are armed",
			Example: "fault list",
			Run: func(s *Session, _ Args) error {
				n := 0
				for _, name := range anyDrives(s) {
					part, slot, err := s.part(name)
					if err != nil || part == nil || part.Plan() == "" {
						continue // an empty slot has no drive
					}
					n++
					s.printf("%s: %s\n", driveName(part, slot), part.Plan())
				}
				if n == 0 {
					s.printf("no fault is armed\n")
				}
				return nil
			},
		},
		{
			Noun: "fault", Verb: "points", Summary: "list what can be made to break, and what the drive owes then",
			Example: "fault points",
			Run: func(s *Session, _ Args) error {
				for _, p := range fault.Points() {
					s.printf("%s\n", p.Point)
					s.paragraph("effect", p.Effect)
					s.paragraph("budget", p.Budget)
				}
				return nil
			},
		},
	}
}
