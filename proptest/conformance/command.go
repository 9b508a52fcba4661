package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// Verb is what a Command does.
type Verb string

// The verbs: what a host, a power supply, a broken part and a thief can do.
const (
	Try          Verb = "try"       // WHO PIN
	SetPIN       Verb = "set-pin"   // WHO PIN NEW
	SetRange     Verb = "set-range" // RANGE PIN START LENGTH LOCKS RESETS
	SetLocks     Verb = "set-locks" // RANGE PIN LOCKS
	Migrate      Verb = "migrate"   // RANGE PIN NEW
	GenKey       Verb = "genkey"    // RANGE PIN
	Erase        Verb = "erase"     // RANGE PIN
	EraseAll     Verb = "erase-all" // PIN
	Revert       Verb = "revert"    // PIN
	Read         Verb = "read"      // LBA SECTORS
	Write        Verb = "write"     // LBA SECTORS CONTENT
	Flush        Verb = "flush"
	PowerOff     Verb = "power-off"
	PowerOn      Verb = "power-on"
	Reset        Verb = "reset" // warm or hot
	Open         Verb = "open"  // WHO PIN: a session that stays open
	Use          Verb = "use"   // the last session that was opened unlocks its range
	Close        Verb = "close"
	BreakIt      Verb = "break" // KIND or KIND@N, ...
	Mend         Verb = "mend"
	Heal         Verb = "heal"      // the faults are gone, and the device must work again: see Soak
	Feed         Verb = "feed"      // a random source: see feed
	Thief        Verb = "thief"     // looks for keys in the dump
	Deep         Verb = "deep"      // the same, and tries much more
	Secrets      Verb = "secrets"   // looks for the bytes of PINs and of data in the dump
	RAM          Verb = "ram"       // looks for keys in RAM
	SanitizeIt   Verb = "sanitize"  // begins
	SanitizeEnds Verb = "sanitized" // waits for its end
)

// Command is one step. Only the fields of its verb count.
type Command struct {
	Verb    Verb
	Who     drive.Authority
	Range   int
	PIN, To Name
	Config  drive.RangeConfig
	Locks   [2]bool // read, write
	LBA     uint64
	Sectors int
	Content uint32
	Reset   drive.ResetKind
	Breaks  []Break
	Feed    string
}

// form says which arguments a verb takes, in order: w who, n range, p PIN, t new PIN, c config,
// l locks, a LBA, s sectors, d content, r reset, b breaks, f feed.
var form = map[Verb]string{
	Try: "wp", SetPIN: "wpt", SetRange: "npc", SetLocks: "npl", Migrate: "npt", GenKey: "np", Erase: "np", EraseAll: "p", Revert: "p",
	Read: "as", Write: "asd", Flush: "", PowerOff: "", PowerOn: "", Reset: "r", Open: "wp", Use: "", Close: "", BreakIt: "b", Mend: "", Heal: "",
	SanitizeIt: "", SanitizeEnds: "", Feed: "f", Thief: "", Deep: "", Secrets: "", RAM: "",
}

// words are what the arguments are called in a message.
var words = map[rune]string{
	'w': "WHO", 'n': "RANGE", 'p': "PIN", 't': "NEW", 'c': "START LENGTH --|r-|-w|rw RESETS", 'l': "--|r-|-w|rw", 'a': "LBA", 's': "SECTORS",
	'd': "CONTENT", 'r': "warm|hot", 'b': "KIND[@N] ...", 'f': "own|dead|zeros|ones|stuck|few=N|dry=N|stream=N",
}

func flags(l [2]bool) string {
	s := []byte("--")
	if l[0] {
		s[0] = 'r'
	}
	if l[1] {
		s[1] = 'w'
	}
	return string(s)
}

func resetName(k drive.ResetKind) string {
	if k == drive.HotPlugReset {
		return "hot"
	}
	return "warm"
}

// String is the command on one line; ParseCommand reads it. It holds no secret.
func (c Command) String() string {
	out := []string{string(c.Verb)}
	for _, f := range form[c.Verb] {
		switch f {
		case 'w':
			out = append(out, c.Who.String())
		case 'n':
			out = append(out, strconv.Itoa(c.Range))
		case 'p':
			out = append(out, string(c.PIN))
		case 't':
			out = append(out, string(c.To))
		case 'c':
			out = append(out, fmt.Sprintf("%d %d %s %d", c.Config.Start, c.Config.Length,
				flags([2]bool{c.Config.ReadLockEnabled, c.Config.WriteLockEnabled}), c.Config.LockOnReset))
		case 'l':
			out = append(out, flags(c.Locks))
		case 'a':
			out = append(out, strconv.FormatUint(c.LBA, 10))
		case 's':
			out = append(out, strconv.Itoa(c.Sectors))
		case 'd':
			out = append(out, strconv.FormatUint(uint64(c.Content), 10))
		case 'r':
			out = append(out, resetName(c.Reset))
		case 'b':
			for _, b := range c.Breaks {
				out = append(out, b.String())
			}
		case 'f':
			out = append(out, c.Feed)
		}
	}
	return strings.Join(out, " ")
}

// ParseCommand reads what String writes. An error says what is wrong and what would be right.
func ParseCommand(text string) (Command, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return Command{}, fmt.Errorf("conformance: an empty command")
	}
	c := Command{Verb: Verb(fields[0])}
	want, known := form[c.Verb]
	if !known {
		var all []string
		for v := range form {
			all = append(all, string(v))
		}
		slices.Sort(all)
		return c, fmt.Errorf("conformance: no command %q: %s", fields[0], suggest.DidYouMean(fields[0], all))
	}
	p := parser{words: fields[1:]}
	for _, f := range want {
		p.argument(f, &c)
	}
	if p.why == "" && len(p.words) > 0 {
		p.why = fmt.Sprintf("%q is too much", p.words[0])
	}
	if p.why != "" {
		usage := []string{string(c.Verb)}
		for _, f := range want {
			usage = append(usage, words[f])
		}
		return c, fmt.Errorf("conformance: %q: %s; want %s", text, p.why, strings.Join(usage, " "))
	}
	return c, nil
}

// ParseCommands reads commands that are separated by semicolons or lines.
func ParseCommands(text string) ([]Command, error) {
	var all []Command
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		c, err := ParseCommand(line)
		if err != nil {
			return nil, fmt.Errorf("command %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// FormatCommands joins commands with "; ".
func FormatCommands(all []Command) string {
	s := make([]string, len(all))
	for i, c := range all {
		s[i] = c.String()
	}
	return strings.Join(s, "; ")
}

// parser takes arguments one by one and remembers what was wrong first.
type parser struct {
	words []string
	why   string
}

func (p *parser) word() string {
	if len(p.words) == 0 {
		p.fail("an argument is missing")
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *parser) fail(format string, args ...any) {
	if p.why == "" {
		p.why = fmt.Sprintf(format, args...)
	}
}

func (p *parser) number(most uint64) uint64 {
	w := p.word()
	n, err := strconv.ParseUint(w, 10, 64)
	if err != nil || n > most {
		p.fail("%q is no number up to %d", w, most)
	}
	return n
}

func (p *parser) flags() [2]bool {
	w := p.word()
	if len(w) != 2 || w[0] != 'r' && w[0] != '-' || w[1] != 'w' && w[1] != '-' {
		p.fail("%q are no locks", w)
		return [2]bool{}
	}
	return [2]bool{w[0] == 'r', w[1] == 'w'}
}

func (p *parser) name() Name {
	n := Name(p.word())
	if err := n.check(); err != nil {
		p.fail("%v", err)
	}
	return n
}

// Bounds of what a command may say.
const (
	rangesMax  = 1 << 12
	numberMax  = 1 << 62
	sectorsMax = 1 << 12
)

func (p *parser) argument(f rune, c *Command) {
	switch f {
	case 'w':
		c.Who = p.authority()
	case 'n':
		c.Range = int(p.number(rangesMax))
	case 'p':
		c.PIN = p.name()
	case 't':
		c.To = p.name()
	case 'c':
		c.Config.Start, c.Config.Length = p.number(numberMax), p.number(numberMax)
		l := p.flags()
		c.Config.ReadLockEnabled, c.Config.WriteLockEnabled = l[0], l[1]
		c.Config.LockOnReset = drive.ResetSet(p.number(255))
	case 'l':
		c.Locks = p.flags()
	case 'a':
		c.LBA = p.number(numberMax)
	case 's':
		if c.Sectors = int(p.number(sectorsMax)); c.Sectors == 0 {
			p.fail("no sector at all")
		}
	case 'd':
		c.Content = uint32(p.number(1<<32 - 1))
	case 'r':
		switch w := p.word(); w {
		case "warm":
			c.Reset = drive.HardwareReset
		case "hot":
			c.Reset = drive.HotPlugReset
		default:
			p.fail("no reset %q", w)
		}
	case 'b':
		p.breaks(c)
	case 'f':
		if c.Feed = p.word(); p.why == "" {
			if _, err := feed(c.Feed); err != nil {
				p.fail("%v", err)
			}
		}
	}
}

func (p *parser) breaks(c *Command) {
	for first := true; first || len(p.words) > 0; first = false {
		w := p.word()
		kind, at, indexed := strings.Cut(w, "@")
		b := Break{Kind: BreakKind(kind), At: -1}
		if !slices.Contains(breakKinds, b.Kind) {
			p.fail("no kind of fault %q, want one of %v", kind, breakKinds)
			return
		}
		if indexed {
			n, err := strconv.ParseUint(at, 10, 31)
			if err != nil {
				p.fail("%q is no number of an operation", at)
			}
			b.At = int(n)
		}
		c.Breaks = append(c.Breaks, b)
	}
}

func (p *parser) authority() drive.Authority {
	w := p.word()
	for _, a := range []drive.Authority{drive.SID, drive.PSID, drive.EraseMaster} {
		if a.String() == w {
			return a
		}
	}
	digits, ok := strings.CutPrefix(w, "BandMaster")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n > drive.MaxRanges {
		p.fail("no authority %q, want SID, PSID, EraseMaster or BandMaster0 to BandMaster%d", w, drive.MaxRanges)
		return drive.Nobody
	}
	return drive.BandMaster(int(n))
}
