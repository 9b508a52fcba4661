package console

import (
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var shelfCommands = []*Command{
	{
		Name: "shelf list", Summary: "list the loose drives: spare parts, and drives that were pulled",
		Example: "shelf list",
		Run:     listShelfs,
	},
	{
		Name: "shelf order", Summary: "get a new spare part that fits the facility",
		Detail: "Without arguments it is like the drives that came with the facility.",
		Params: []Param{
			{Name: "plain", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it is one that cannot encrypt"},
			{Name: "bands", Kind: numberKind(0, drive.MaxRanges), Help: "bands beside the global one"},
			{Name: "sectors", Kind: numberKind(1, 1<<40), Help: "its capacity"},
			{Name: "sectorsize", Kind: textKind, Values: []string{"512", "4096"}, Help: "bytes of a sector"},
			{Name: "volatile", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it forgets its counts of wrong PINs without power"},
		},
		Example: "shelf order",
		Run:     withLab((*Session).orderPart),
	},
	{
		Name: "shelf create", Summary: "manufacture a drive that lives on in a file",
		Detail: "The file is the whole device, its fuses included: whoever reads it has opened the chip. The label with the PSID " +
			"is known until the session ends. label= keeps it in a file for shelf open; whoever has that file can revert the drive. A transcript cannot make such a drive: its keys are never the same twice.",
		Params: []Param{
			fileParam("the file, which must not exist yet"),
			{Name: "serial", Kind: driveKind("1 to 20 printable ASCII characters"), Required: true, Help: "its serial number"},
			{Name: "label", Kind: textKind, Help: "a new file in which the label is kept, such as a.label"},
		},
		Example: "shelf create file=a.drive serial=BENCH1 label=a.label",
		Run:     createShelf,
	},
	{
		Name: "shelf open", Summary: "put a drive that lives in a file on the shelf",
		Params: []Param{
			fileParam("the drive's file"),
			{Name: "label", Kind: textKind, Help: "the file in which shelf create kept the label; without it no PSID revert is possible, unless the PSID is typed"},
		},
		Example: "shelf open file=a.drive label=a.label",
		Run:     openShelf,
	},
}

func listShelfs(s *Session, _ Args) error {
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
}

func createShelf(s *Session, a Args) error {
	return s.addFile(a, arg[string](a, "serial"), func(drive.Label) (*raslab.Part, io.Closer, error) {
		size, sectors := 512, uint64(65536)
		if s.lab != nil {
			size, sectors = s.lab.Options().SectorSize, s.lab.Options().Sectors
		}
		return s.shelf.CreateFile(arg[string](a, "file"), arg[string](a, "serial"), size, sectors, s.options.Entropy)
	})
}

func openShelf(s *Session, a Args) error {
	return s.addFile(a, "", func(label drive.Label) (*raslab.Part, io.Closer, error) {
		return s.shelf.OpenFile(arg[string](a, "file"), label, s.options.Entropy)
	})
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
