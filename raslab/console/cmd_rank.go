package console

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var rankCommands = []*Command{
	{
		Name: "rank create", Summary: "make a rank of an array; in an encrypted one every member gets a new media key and its own credential",
		Params:  []Param{arrayParam(), keygrpParam(false, "0")},
		Example: "rank create array=A0 keygrp=1",
		Run:     withLab(createRank),
	},
	{
		Name: "rank remove", Summary: "remove a rank with its data; every member is cryptographically erased",
		Params:  []Param{rankParam()},
		Example: "rank remove rank=R0",
		Run:     withLab(removeRank),
	},
	{
		Name: "rank list", Summary: "list the ranks, as lsrank does",
		Example: "rank list",
		Run:     withLab(listRanks),
	},
	{
		Name: "rank show", Summary: "describe a rank and its members",
		Params:  []Param{rankParam()},
		Example: "rank show rank=R0",
		Run:     withLab(showRank),
	},
	{
		Name: "rank write", Summary: "write sectors as a host does, through RAID and every member's encryption",
		Params:  []Param{rankParam(), lbaParam(), countParam("8"), textParam()},
		Example: `rank write rank=R0 lba=0 count=64 text="invoices"`,
		Run:     withRank(writeRank),
	},
	{
		Name: "rank read", Summary: "read sectors as a host does and say what they hold",
		Params:  []Param{rankParam(), lbaParam(), countParam("1")},
		Example: "rank read rank=R0 lba=0 count=4",
		Run:     withRank(readRank),
	},
	{
		Name: "rank check", Summary: "read back everything that rank write wrote in this session and compare",
		Params:  []Param{rankParam()},
		Example: "rank check rank=R0",
		Run:     withRank(checkRank),
	},
}

func createRank(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.CreateRank(arg[string](a, "array"), arg[int](a, "keygrp")))
}

func removeRank(s *Session, lab *raslab.Lab, a Args) error {
	rank := arg[string](a, "rank")
	err := s.report(lab.RemoveRank(rank))
	if _, gone := lab.Rank(rank); gone != nil {
		delete(s.ledger[lab], rank)
	}
	return err
}

func listRanks(s *Session, lab *raslab.Lab, _ Args) error {
	ranks := lab.Ranks()
	if len(ranks) == 0 {
		s.printf("no ranks\n")
		return nil
	}
	t := s.table()
	t.Head("rank\tstate\tdata\tarray\tRAID\tpool\tkeygrp")
	for _, r := range ranks {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", r.ID, s.paintState(r.State), s.paintState(r.DataState), r.Array, r.RAID, r.Pool, r.KeyGroup)
	}
	return t.Flush()
}

func writeRank(s *Session, r *raslab.Rank, size int, a Args) error {
	id, text := r.Info().ID, arg[string](a, "text")
	first, n := uint64(arg[int](a, "lba")), arg[int](a, "count")
	var data []byte
	for i := range n {
		data = append(data, pattern(text, first+uint64(i), size)...)
	}
	if err := r.Write(first, data); err != nil {
		return err
	}
	for i := range n {
		s.ledger[s.lab].wrote(id, first+uint64(i), text)
	}
	s.printf("%s written to %s\n", count(n, "sector"), id)
	return nil
}

func readRank(s *Session, r *raslab.Rank, size int, a Args) error {
	return s.readSectors(uint64(arg[int](a, "lba")), arg[int](a, "count"), size, r.Read)
}

func withRank(run func(s *Session, r *raslab.Rank, sectorSize int, a Args) error) func(*Session, Args) error {
	return withLab(func(s *Session, lab *raslab.Lab, a Args) error {
		r, err := lab.Rank(arg[string](a, "rank"))
		if err != nil {
			return err
		}
		return run(s, r, lab.Options().SectorSize, a)
	})
}

func showRank(s *Session, lab *raslab.Lab, a Args) error {
	i, err := lab.RankByName(arg[string](a, "rank"))
	if err != nil {
		return err
	}
	encrypted := "not encrypted"
	if i.KeyGroup != 0 {
		encrypted = fmt.Sprintf("encrypted, key group %d", i.KeyGroup)
	}
	s.printf("rank %s: %s, data %s, %s, array %s, RAID %s, pool %s\n", i.ID, i.State, strings.ToLower(i.DataState), encrypted, i.Array, i.RAID, i.Pool)
	t := s.table()
	for _, m := range i.Members {
		copying := ""
		if m.CopyingTo != "" {
			copying = fmt.Sprintf("\tcopied to %s, %d of %d rows", m.CopyingTo, m.Done, i.Rows)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s%s%s\n", m.Slot, dash(m.Serial), m.State, Lacking(m), copying)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s.owed(lab.OwedToRank(i.ID))
	return nil
}

// Lacking says what a member lacks, and which of its rows are nowhere else.
func Lacking(m raslab.MemberInfo) (text string) {
	if m.State == "stale" {
		text = fmt.Sprintf(", lacks %s", count(m.Lacks, "row"))
	}
	if m.OnlyCopies > 0 {
		text += fmt.Sprintf(", may hold the only copy of its part of %s", count(m.OnlyCopies, "row"))
	}
	return text
}

func checkRank(s *Session, r *raslab.Rank, size int, _ Args) error {
	id := r.Info().ID
	written := s.ledger[s.lab]
	sectors := written.sectors(id)
	if len(sectors) == 0 {
		s.printf("nothing was written to %s in this session\n", id)
		return nil
	}
	buf := make([]byte, size)
	var wrong, unreadable []uint64
	var first error
	for _, lba := range sectors {
		switch err := r.Read(lba, buf); {
		case err != nil:
			if first == nil {
				first = err
			}
			unreadable = append(unreadable, lba)
		case !bytes.Equal(buf, pattern(written[id][lba], lba, size)):
			wrong = append(wrong, lba)
		}
	}
	s.printf("%s of %s read", count(len(sectors)-len(unreadable), "sector"), id)
	if len(wrong) == 0 && len(unreadable) == 0 {
		s.printf(", all as written\n")
		return nil
	}
	s.printf("\n")
	if len(wrong) > 0 {
		s.printf("  not what was written: %s\n", ranges(wrong))
	}
	if len(unreadable) > 0 {
		s.printf("  unreadable: %s: %s\n", ranges(unreadable), ErrorText(first))
	}
	return &FailedError{"rank check"}
}
