package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var labCommands = []*Command{
	{
		Name: "lab new", Summary: "build a facility, in place of one with the same serial number, and go there",
		Detail: "All facilities share the shelf of loose drives: to carry a drive to another one, pull it here, insert it there. " +
			"The same arguments build the same facility, key for key. Each has a clock of its own.",
		Params: []Param{
			{Name: "drives", Kind: numberKind(8, 1536), Default: "32", Help: "slots, all filled; a multiple of 8"},
			{Name: "seed", Kind: seedKind, Help: "every key and serial follows from it; without it, the session's seed"},
			{Name: "serial", Kind: nameKind("serial", "1 to 10 letters and digits"), Help: "serial number of the facility"},
			{Name: "keyservers", Kind: numberKind(0, 4), Default: "2", Help: "key servers of the customer"},
			{Name: "consoles", Kind: numberKind(1, 2), Default: "2", Help: "management consoles"},
			{Name: "bands", Kind: numberKind(0, drive.MaxRanges), Default: "0", Help: "bands that each drive has beside the global one; ranks use none"},
			{Name: "plain", Kind: textKind, Help: "slots in which the factory has put drives that cannot encrypt, separated by commas"},
			{Name: "certificate", Kind: textKind, Values: []string{"default", "none"}, Default: "default", Help: "whether the facility is delivered with its certificate"},
		},
		Example: "lab new drives=32 seed=7",
		Run:     (*Session).newLab,
	},
	{
		Name: "lab use", Summary: "go to another facility that was built in this session",
		Params:  []Param{{Name: "serial", Kind: nameKind("serial", "a serial number such as 75NR641"), Required: true, Help: "its serial number", Complete: labSerials}},
		Example: "lab use serial=75NR641",
		Run:     withLab(useLab),
	},
	{
		Name: "lab show", Summary: "sum up the facility",
		Example: "lab show",
		Run:     withLab(showLab),
	},
	{
		Name: "lab log", Summary: "show the last lines of the facility's log",
		Params:  []Param{{Name: "last", Kind: numberKind(1, 100000), Default: "20", Help: "how many lines"}},
		Example: "lab log last=10",
		Run:     withLab(logLab),
	},
}

func useLab(s *Session, _ *raslab.Lab, a Args) error {
	for _, lab := range s.labs {
		if lab.Serial() == arg[string](a, "serial") {
			s.lab = lab
			s.printf("%s\n", summary(lab))
			return nil
		}
	}
	return fmt.Errorf("no facility %s was built in this session: %s", arg[string](a, "serial"), suggest.DidYouMean(arg[string](a, "serial"), s.labSerials()))
}

func showLab(s *Session, lab *raslab.Lab, _ Args) error {
	s.printf("%s\n", summary(lab))
	s.printf("virtual time %s\n", lab.Now().Format(timeLayout))
	if lab.Dark() {
		s.printf("%s\n", s.paint(alarm, "the facility has no power: power restore"))
	}
	for _, p := range lab.Partitions() {
		c := good
		if !p.DataAccess {
			c = alarm
		}
		s.printf("partition %d: %s, last IML %s\n", p.ID, s.paint(c, p.State), p.LastIML.Format(timeLayout))
	}
	if action := lab.ServiceAction(); action != "" {
		s.printf("service action in progress: %s\n", action)
	}
	s.printf("%s open\n", count(len(lab.OpenEvents()), "serviceable event"))
	s.owed(lab.Owed())
	s.keyWarnings(lab)
	return nil
}

func logLab(s *Session, lab *raslab.Lab, a Args) error {
	trace := lab.Trace()
	for _, e := range trace[max(0, len(trace)-arg[int](a, "last")):] {
		s.printf("%s\n", plain(e.String()))
	}
	return nil
}

const timeLayout = "2006-01-02 15:04:05"

func (s *Session) newLab(a Args) error {
	o := raslab.Options{
		Drives: arg[int](a, "drives"), Seed: s.options.Seed, Shelf: s.shelf, Wire: s.options.Wire, Serial: arg[string](a, "serial"), Consoles: arg[int](a, "consoles"), Bands: arg[int](a, "bands"), Dial: s.options.Dial, Cloud: s.options.Cloud, CloudEntropy: s.options.Entropy,
		NoCertificate: arg[string](a, "certificate") == "none",
	}
	if list := arg[string](a, "plain"); list != "" {
		o.Plain = strings.Split(strings.ToUpper(list), ",")
	}
	if a.Has("seed") {
		o.Seed = arg[uint64](a, "seed")
	}
	if o.KeyServers = arg[int](a, "keyservers"); o.KeyServers == 0 {
		o.KeyServers = -1 // the zero value of Options means the default
	}
	lab, err := raslab.New(o)
	if err != nil {
		return err
	}
	s.take(lab)
	s.printf("%s\n", summary(lab))
	s.announce(lab.EventsSince(raslab.EventMark{})) // what the field install found
	return nil
}

func (s *Session) labSerials() []string {
	var serials []string
	for _, lab := range s.labs {
		serials = append(serials, lab.Serial())
	}
	return serials
}

// summary is the facility in one line.
func summary(lab *raslab.Lab) string {
	ranks := lab.Ranks()
	encrypted := 0
	for _, r := range ranks {
		if r.KeyGroup != 0 {
			encrypted++
		}
	}
	drives := slices.DeleteFunc(lab.Drives(), func(d raslab.DriveInfo) bool { return d.Serial == "" })
	line := fmt.Sprintf("facility %s: %s, %s, %s, %s", lab.Serial(), count(len(lab.Enclosures()), "enclosure"),
		count(len(drives), "drive"), count(len(lab.Sites()), "array site"), count(len(ranks), "rank"))
	if encrypted > 0 {
		line += fmt.Sprintf(" (%d encrypted)", encrypted)
	}
	return line + ", " + count(len(lab.Customer().KeyServers()), "key server")
}

func labSerials(s *Session) []string {
	return s.labSerials()
}
