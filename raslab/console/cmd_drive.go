package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var driveCommands = []*Command{
	{
		Name: "drive list", Summary: "list the slots with their drives, as lsddm does",
		Params: []Param{
			{Name: "rank", Kind: nameKind("rank", "a rank such as R0"), Help: "only members of this rank"},
			{Name: "only", Kind: textKind, Values: []string{"all", "odd", "spare"}, Default: "all", Help: "all slots, those that are not as they should be, or the spares"},
		},
		Example: "drive list only=odd",
		Run:     withLab(listDrives),
	},
	{
		Name: "drive show", Summary: "describe one drive, in a slot or on the shelf",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "drive show drive=R1-I1-D05",
		Run:     (*Session).showDrive,
	},
	{
		Name: "drive keys", Summary: "draw the key hierarchy of a drive: what is wrapped by what",
		Detail:  "Read from top to bottom: whoever has what stands above can unwrap what stands below. No key is shown.",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "drive keys drive=R1-I1-D05",
		Run:     keysDrive,
	},
	{
		Name: "drive dump", Summary: "show what a thief with a soldering iron would find: pages of flash, sectors of ciphertext",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "drive dump drive=R1-I1-D05",
		Run:     dumpDrive,
	},
	{
		Name: "drive pull", Summary: "take a drive out of its slot without any service action, onto the shelf",
		Params:  []Param{slotParam("the slot")},
		Example: "drive pull drive=R1-I1-D05",
		Run:     withLab(pullDrive),
	},
	{
		Name: "drive insert", Summary: "put a drive of the shelf into an empty slot without any service action",
		Params: []Param{
			{Name: "slot", Kind: nameKind("slot", "a slot such as R1-I1-D05"), Required: true, Help: "the empty slot", Complete: slots},
			serialParam("the drive on the shelf", true),
		},
		Example: "drive insert slot=R1-I1-D05 serial=S1",
		Run:     withLab(insertDrive),
	},
	{
		Name: "drive break", Summary: "kill the electronics of a drive for good; flash and platters stay as they are",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "drive break drive=R1-I1-D05",
		Run:     breakDrive,
	},
}

func keysDrive(s *Session, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	name := driveName(part, slot)
	d, err := able[raslab.KeyMapper](part, name, "key map")
	if err != nil {
		return err
	}
	m, err := d.KeyMap()
	if err != nil {
		return err
	}
	s.printf("%s", keyPicture(name, m, s.width()))
	return nil
}

func dumpDrive(s *Session, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	d := part.Drive.Dump()
	s.printf("%s\n%s", driveName(part, slot), flashPicture(d, s.width()))
	s.printf("%s\n", MediaText(d))
	return nil
}

func pullDrive(s *Session, lab *raslab.Lab, a Args) error {
	slot := arg[string](a, "drive")
	info, err := lab.Drive(slot)
	if err != nil {
		return err
	}
	if err := lab.Pull(slot); err != nil {
		return err
	}
	s.printf("%s lies on the shelf, %s is empty\n", info.Serial, info.Slot)
	return nil
}

func insertDrive(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.Insert(arg[string](a, "slot"), arg[string](a, "serial")))
}

func breakDrive(s *Session, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	if slot != "" {
		err = s.lab.Break(slot)
	} else {
		part.Break()
	}
	if err == nil {
		s.printf("%s answers nothing any more\n", driveName(part, slot))
	}
	return err
}

func listDrives(s *Session, lab *raslab.Lab, a Args) error {
	if a.Has("rank") {
		if _, err := lab.Rank(arg[string](a, "rank")); err != nil {
			return err
		}
	}
	t := s.table()
	t.Head("slot\tserial\tsite\trank\tuse\tstate\tkeys")
	shown := 0
	for _, d := range lab.Drives() {
		switch only := arg[string](a, "only"); {
		case a.Has("rank") && d.Rank != arg[string](a, "rank"), only == "odd" && d.Why == "", only == "spare" && !isSpare(d):
			continue
		}
		shown++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Slot, dash(d.Serial), dash(d.Site), dash(d.Rank), dash(string(d.Use)), s.paintState(string(d.State)), s.paintState(keyWord(d)))
	}
	if shown == 0 {
		s.printf("no such drives\n")
		return nil
	}
	return t.Flush()
}

func (s *Session) showDrive(a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	d := part.Drive
	cfg := d.Config()
	s.printf("drive %s, %d sectors of %d bytes\n", driveName(part, slot), cfg.Sectors, cfg.SectorSize)
	if cfg.AlignmentRequired() {
		s.printf("  alignment  ranges begin and end every %d sectors from sector %d on\n", cfg.AlignmentGranularity, cfg.LowestAlignedLBA)
	}
	if slot != "" {
		info, err := s.lab.Drive(slot)
		if err != nil {
			return err
		}
		s.printf("  place      %s, site %s, rank %s\n", info.Location, dash(info.Site), dash(info.Rank))
		s.printf("  state      %s, %s\n", info.State, info.Use)
		if info.Why != "" {
			s.printf("  why        %s\n", info.Why)
		}
		for _, f := range s.lab.DriveFailures() {
			if f.Slot == slot {
				s.paragraph("code", "none: "+noCode)
				s.paragraph("next", f.Next)
			}
		}
		if info.Errors > 0 {
			s.printf("  media      %s seen%s\n", count(info.Errors, "error"), map[bool]string{true: ", failure predicted"}[info.Predicted])
		}
	}
	if part.Plain() {
		s.printf("  keys       none: it cannot encrypt\n")
		return nil
	}
	if a, err := d.Attest([drive.ChallengeSize]byte{}); err == nil {
		s.printf("  identity   %s\n", a.Identity)
	}
	s.printf("  keys       %s\n", statusWords(d.Status()))
	if tries := triesWords(d); tries != "" {
		s.printf("  tries      %s\n", tries)
	}
	if plan := part.Plan(); plan != "" {
		s.printf("  fault      %s\n", plan)
	}
	return nil
}
