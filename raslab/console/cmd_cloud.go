package console

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// Cloud tiering: objects that leave for a cloud server, and what is done to them there.
var cloudCommands = []*Command{
	{
		Name: "cloud migrate", Summary: "send sectors of a rank to the cloud server as an object, encrypted by a key group of type TCT",
		Detail: "The object counts once it was read back, opened and compared. Its receipt, which is no secret, is kept in the key repository. " +
			"With release=yes the sectors read as zeros from then on, and the cloud has the only copy.",
		Params: []Param{
			rankParam(), lbaParam(), countParam("8"), objectParam(),
			{Name: "keygrp", Kind: numberKind(1, 4), Help: "the key group; without it, the first of type TCT"},
			yesParam("release", "whether the sectors are let go"),
		},
		Example: "cloud migrate rank=R0 lba=0 count=64 object=payroll",
		Run:     withLab(migrateCloud),
	},
	{
		Name: "cloud recall", Summary: "bring an object back; it stays in the cloud, too",
		Params: []Param{
			objectParam(),
			{Name: "rank", Kind: rankParam().Kind, Help: "where to; without it, where it came from", Complete: rankParam().Complete},
			{Name: "lba", Kind: lbaParam().Kind, Help: "the first sector there; without it, the one it came from"},
			yesParam("over", "whether it may go over other data that are there by now"),
		},
		Example: "cloud recall object=payroll",
		Run:     withLab(recallCloud),
	},
	{
		Name: "cloud list", Summary: "list the objects of the facility in the cloud",
		Example: "cloud list",
		Run:     withLab(listCloud),
	},
	{
		Name: "cloud show", Summary: "show what the cloud server sees of an object",
		Params:  []Param{objectParam()},
		Example: "cloud show object=payroll",
		Run:     withLab(showCloud),
	},
	{
		Name: "cloud delete", Summary: "delete an object in the cloud and its receipt",
		Params:  []Param{objectParam(), yesParam("force", "whether the only copy may go")},
		Example: "cloud delete object=payroll",
		Run:     withLab(deleteCloud),
	},
	{
		Name: "cloud service", Summary: "let the simulated cloud server run, be down, or refuse everything",
		Params:  []Param{toParam("what it does", "running", "down", "refusing")},
		Example: "cloud service to=down",
		Run:     onCloudServer(serviceCloud),
	},
	{
		Name: "cloud lose", Summary: "drop an object at the cloud server, behind the facility's back",
		Params:  []Param{objectParam()},
		Example: "cloud lose object=payroll",
		Run:     onCloudServer(loseCloud),
	},
	{
		Name: "cloud alter", Summary: "flip a bit of an object at the cloud server",
		Params: []Param{
			objectParam(),
			{Name: "byte", Kind: numberKind(-1<<30, 1<<30), Default: "-1", Help: "which byte, from 0; a negative one counts from the end"},
		},
		Example: "cloud alter object=payroll byte=1000",
		Run:     onCloudServer(alterCloud),
	},
	{
		Name: "cloud rollback", Summary: "put an older version of an object back at the cloud server",
		Detail:  "An older version is one that was migrated under the same name before. A second rollback brings the newer one back.",
		Params:  []Param{objectParam()},
		Example: "cloud rollback object=payroll",
		Run:     onCloudServer(rollbackCloud),
	},
}

func migrateCloud(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.MigrateToCloud(raslab.CloudRequest{
		Object: arg[string](a, "object"), Rank: arg[string](a, "rank"), LBA: uint64(arg[int](a, "lba")), Sectors: arg[int](a, "count"),
		KeyGroup: arg[int](a, "keygrp"), Release: arg[string](a, "release") == "yes",
	}))
}

func recallCloud(s *Session, lab *raslab.Lab, a Args) error {
	q := raslab.RecallRequest{Object: arg[string](a, "object"), Rank: arg[string](a, "rank"), Over: arg[string](a, "over") == "yes"}
	if a.Has("lba") {
		lba := uint64(arg[int](a, "lba"))
		q.LBA = &lba
	}
	return s.report(lab.RecallFromCloud(q))
}

func deleteCloud(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.DeleteFromCloud(arg[string](a, "object"), arg[string](a, "force") == "yes"))
}

func serviceCloud(s *Session, h *customer.CloudServer, _ string, a Args) error {
	if err := h.SetService(customer.CloudService(arg[string](a, "to"))); err != nil {
		return err
	}
	s.printf("the cloud server is %s\n", h.Service())
	return nil
}

func loseCloud(s *Session, h *customer.CloudServer, name string, _ Args) error {
	return s.meddled(h.Lose(name), "the cloud server has lost %s", name)
}

func alterCloud(s *Session, h *customer.CloudServer, name string, a Args) error {
	return s.meddled(h.Alter(name, arg[int](a, "byte")), "one bit of %s is flipped at the cloud server", name)
}

func rollbackCloud(s *Session, h *customer.CloudServer, name string, _ Args) error {
	return s.meddled(h.Rollback(name), "the cloud server has another version of %s", name)
}

var wordKind = Kind{Name: "text", Help: "1 to 64 letters, digits, hyphens, underscores and dots", Parse: textKind.Parse}

func objectParam() Param {
	return Param{Name: "object", Kind: wordKind, Required: true, Help: "its name", Complete: objectNames}
}

// realCloud says whether asking the cloud server goes over a network. Completion never does that.
func (s *Session) realCloud() bool {
	_, err := s.lab.Customer().Cloud()
	return err != nil
}

// onCloudServer makes the Run of a command that changes the simulated cloud server, mostly one
// object there.
func onCloudServer(do func(s *Session, h *customer.CloudServer, object string, a Args) error) func(*Session, Args) error {
	return withLab(func(s *Session, lab *raslab.Lab, a Args) error {
		h, err := lab.Customer().Cloud()
		if err != nil {
			return err
		}
		name := ""
		if a.Takes("object") {
			name = lab.Serial() + "/" + arg[string](a, "object")
		}
		return do(s, h, name, a)
	})
}

func (s *Session) meddled(err error, format, name string) error {
	if err == nil {
		s.say(format, name)
	}
	return err
}

func listCloud(s *Session, lab *raslab.Lab, _ Args) error {
	list, asked, err := lab.CloudObjects()
	if err != nil {
		return err
	}
	switch {
	case len(list) == 0 && asked == nil:
		s.printf("no objects in the cloud\n")
	case len(list) > 0:
		t := s.table()
		t.Head("object\tstate\trank\tlba\tsectors\tkeygrp\tonly copy\tmigrated")
		for _, o := range list {
			state := o.State
			if state == "" {
				state = "not known"
			}
			if o.Rank == "" {
				fmt.Fprintf(t, "%s\t%s\t-\t-\t-\t-\t-\t-\n", plainWord(o.Object), state)
				continue
			}
			only := "no"
			if o.Released {
				only = "yes"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", o.Object, state, o.Rank, o.LBA, o.Sectors, o.KeyGroup, only, o.Migrated.Format(timeLayout))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if asked != nil {
		s.say("the cloud server was not asked: %s", plain(oneLine(asked)))
		return &FailedError{"cloud list"}
	}
	return nil
}

// plainWord strips from a name what could control the terminal: somebody else chose it.
func plainWord(s string) string {
	for _, c := range s {
		if c <= ' ' || c > '~' {
			return fmt.Sprintf("%+q", s)
		}
	}
	return s
}

func showCloud(s *Session, lab *raslab.Lab, a Args) error {
	name := arg[string](a, "object")
	v, err := lab.LookIntoCloud(name)
	if errors.Is(err, raslab.ErrNotFound) {
		list, _, _ := lab.CloudObjects() // what cannot be asked leaves the answer what it is
		if slices.ContainsFunc(list, func(o raslab.CloudObject) bool { return o.Object == name }) {
			return fmt.Errorf("object %s is in the cloud, and the facility has no receipt of it: without one it cannot be opened, cloud delete object=%s deletes it", name, name)
		}
	}
	if err != nil {
		return err
	}
	s.say("%s: %d bytes at the cloud server, for %d bytes of data", v.Name, v.Size, v.Bytes)
	s.printf("  begins     %x\n", v.Head)
	if v.Why != nil {
		s.paragraph("opens", "no: "+ErrorText(v.Why))
		return &FailedError{"cloud show"}
	}
	s.paragraph("opens", fmt.Sprintf("with the key of key group %d", v.KeyGroup))
	if v.Found > 0 {
		s.paragraph("plaintext", fmt.Sprintf("%d of its %s of 16 bytes are in there", v.Found, count(v.Pieces, "piece")))
		return &FailedError{"cloud show"}
	}
	s.paragraph("plaintext", fmt.Sprintf("none of its %s of 16 bytes is in there", count(v.Pieces, "piece")))
	return nil
}

func objectNames(s *Session) []string {
	var names []string
	if s.lab != nil && !s.realCloud() {
		list, _, _ := s.lab.CloudObjects() // what cannot be listed is not completed
		for _, o := range list {
			names = append(names, o.Object)
		}
	}
	return names
}
