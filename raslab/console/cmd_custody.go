package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var custodyCommands = []*Command{
	{
		Name: "custody list", Summary: "list what became of drives that held data: every one that was not proved erased, in a slot or away",
		Detail: "A record stays open until the drive was erased here and verified, or until somebody answered for it. Records outlive an IML and a loss of power. " +
			"The identity is what the drive proves by its factory key; a serial number can be there twice.",
		Params:  []Param{{Name: "which", Kind: textKind, Values: []string{"open", "away", "all"}, Default: "open", Help: "open records, those of drives that are in no slot, or all"}},
		Example: "custody list which=all",
		Run:     withLab(listCustody),
	},
	{
		Name: "custody show", Summary: "show the custody record of one drive",
		Params:  []Param{custodyParam()},
		Example: "custody show drive=75NR641-0002",
		Run:     withLab(showCustody),
	},
	{
		Name: "custody answer", Summary: "answer by name for a drive that left with its data, and say why",
		Detail: "For a drive that cannot come back, such as one that was shredded. It still does not count as erased; the discontinue scan says who answered. " +
			"A drive that is in a slot is erased instead.",
		Params: []Param{
			custodyParam(),
			{Name: "by", Kind: textKind, Required: true, Help: "the name of the person"},
			{Name: "why", Kind: textKind, Required: true, Help: "what became of the drive"},
		},
		Example: `custody answer drive=75NR641-0002 by="J. Doe" why="shredded, receipt 4711"`,
		Run:     withLab(answerCustody),
	},
}

func showCustody(s *Session, lab *raslab.Lab, a Args) error {
	r, err := lab.CustodyOf(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	s.custody(&r)
	return nil
}

func answerCustody(s *Session, lab *raslab.Lab, a Args) error {
	r, err := lab.AnswerFor(arg[string](a, "drive"), arg[string](a, "by"), arg[string](a, "why"))
	if err != nil {
		return err
	}
	s.custody(&r)
	return nil
}

func listCustody(s *Session, lab *raslab.Lab, a Args) error {
	t := s.table()
	t.Head("drive\tidentity\tplace\tstate\twhy")
	n := 0
	for _, r := range lab.Custody() {
		switch which := arg[string](a, "which"); {
		case which == "open" && !r.Open(), which == "away" && r.Present:
			continue
		}
		n++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", quotedEnds(r.Serial), identityWord(&r), placeWord(&r), r.State, dash(whyHeld(&r)))
	}
	if n == 0 {
		s.printf("no such drives\n")
		return nil
	}
	return t.Flush()
}

// custody prints one record.
func (s *Session) custody(r *raslab.CustodyRecord) {
	s.printf("drive %s: %s, since %s\n", quotedEnds(r.Serial), r.State, r.Since.Format("2006-01-02 15:04"))
	s.printf("  identity   %s\n", identityWord(r))
	s.printf("  place      %s\n", placeWord(r))
	if why := whyHeld(r); why != "" {
		s.printf("  why        %s\n", why)
	}
	switch {
	case r.Certificate == nil:
	case r.NotErased != "":
		s.printf("  record     of %s, %s\n", r.Certificate.Statement.Date, r.Certificate.Statement.Validation.Outcome)
	default:
		s.printf("  certificate  of %s\n", r.Certificate.Statement.Date)
	}
}

func whyHeld(r *raslab.CustodyRecord) string {
	why := []string{}
	for _, w := range []string{r.Why, prefixed("not erased: ", r.NotErased), prefixed(r.By+": ", r.Reason)} {
		if w != "" {
			why = append(why, w)
		}
	}
	return strings.Join(why, "; ")
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func identityWord(r *raslab.CustodyRecord) string {
	if r.Identity.IsZero() {
		return "none"
	}
	return r.Identity.String()
}

func placeWord(r *raslab.CustodyRecord) string {
	if r.Present {
		return r.Slot
	}
	return "away, last in " + r.Slot
}

func custodyParam() Param {
	return Param{
		Name: "drive", Kind: driveKind("a serial number, or the first 8 digits of an identity or more"), Required: true, Help: "the drive, by its record", Complete: custodySerials,
	}
}

func custodySerials(s *Session) (names []string) {
	if s.lab != nil {
		for _, r := range s.lab.Custody() {
			names = append(names, r.Serial)
		}
	}
	return names
}
