package proptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// Verb is what a Command does.
type Verb uint8

// The verbs: everything that a host, a power supply, a broken part or a thief
// can do to a drive.
const (
	Authenticate Verb = iota + 1
	Close
	SetPIN
	Migrate
	GenKey
	SetRange
	SetLocks
	Erase
	EraseAll
	RevertPSID
	Restore
	Read
	Write
	SelfTest
	PowerOn
	PowerOff
	Reset
	Arm    // break the flash and the media as Plan says, from now on
	Disarm // what is damaged stays damaged
	Tamper // a thief rewrites the state in the newest record, CRC and all; only without power
)

var verbNames = [...]string{
	Authenticate: "authenticate", Close: "close", SetPIN: "set-pin", Migrate: "migrate", GenKey: "genkey",
	SetRange: "set-range", SetLocks: "set-locks", Erase: "erase", EraseAll: "erase-all", RevertPSID: "revert-psid",
	Restore: "restore", Read: "read", Write: "write", SelfTest: "self-test", PowerOn: "power-on", PowerOff: "power-off",
	Reset: "reset", Arm: "arm", Disarm: "disarm", Tamper: "tamper",
}

func (v Verb) String() string {
	if int(v) < len(verbNames) && verbNames[v] != "" {
		return verbNames[v]
	}
	return fmt.Sprintf("verb %d", uint8(v))
}

// Command is one step of a run. Only the fields of its verb count.
type Command struct {
	Verb      Verb
	Authority drive.Authority   // Authenticate
	PIN       PINRef            // Authenticate, SetPIN, Migrate, RevertPSID
	Range     int               // Erase
	Config    drive.RangeConfig // SetRange
	Locks     [2]bool           // SetLocks: read, write
	LBA       uint64            // Read, Write
	Sectors   int               // Read, Write; at least 1
	Content   uint32            // Write
	Reset     drive.ResetKind   // Reset
	State     drive.State       // Tamper
	Plan      string            // Arm: a fault plan
}

// String is the command on one line; ParseCommand reads it. It holds no PIN.
func (c Command) String() string {
	args := ""
	switch c.Verb {
	case Authenticate:
		args = fmt.Sprintf(" %v %d", c.Authority, c.PIN)
	case SetPIN, Migrate, RevertPSID:
		args = fmt.Sprintf(" %d", c.PIN)
	case SetRange:
		args = fmt.Sprintf(" %d %d %s %d", c.Config.Start, c.Config.Length, flags(c.Config.ReadLockEnabled, c.Config.WriteLockEnabled), c.Config.LockOnReset)
	case SetLocks:
		args = " " + flags(c.Locks[0], c.Locks[1])
	case Erase:
		args = fmt.Sprintf(" %d", c.Range)
	case Read:
		args = fmt.Sprintf(" %d %d", c.LBA, c.Sectors)
	case Write:
		args = fmt.Sprintf(" %d %d %d", c.LBA, c.Sectors, c.Content)
	case Reset:
		args = fmt.Sprintf(" %d", c.Reset)
	case Tamper:
		args = " " + c.State.String()
	case Arm:
		args = " " + c.Plan
	}
	return c.Verb.String() + args
}

func flags(read, write bool) string {
	s := [2]byte{'-', '-'}
	if read {
		s[0] = 'r'
	}
	if write {
		s[1] = 'w'
	}
	return string(s[:])
}

// sectorsMax is how many sectors a Read or a Write may have, and numberMax bounds the
// numbers of sectors in a command: the sum of two of them does not overflow.
const (
	sectorsMax = 1 << 10
	numberMax  = 1 << 62
	pinMax     = 1 << 16
	rangeMax   = 1 << 16
	resetsAll  = drive.OnPowerCycle | drive.OnHardware | drive.OnHotPlug
)

// check refuses what means nothing on any drive. An Authority that a drive does not have, for
// example, is for the drive to refuse.
func (c Command) check() error {
	if c.Verb < Authenticate || int(c.Verb) >= len(verbNames) {
		return fmt.Errorf("proptest: %v is unknown: use one of the verbs from Authenticate to Tamper", c.Verb)
	}
	refuse := func(what, use string) error { return fmt.Errorf("proptest: %v %s: use %s", c.Verb, what, use) }
	switch c.Verb {
	case Authenticate, SetPIN, Migrate, RevertPSID:
		if c.PIN < 0 || c.PIN > pinMax {
			return refuse(fmt.Sprintf("with PIN %d", c.PIN), fmt.Sprintf("0 to %d", pinMax))
		}
	case Erase:
		if c.Range < 0 || c.Range > rangeMax {
			return refuse(fmt.Sprintf("of range %d", c.Range), fmt.Sprintf("0 to %d", rangeMax))
		}
	case SetRange:
		if c.Config.LockOnReset&^resetsAll != 0 {
			return refuse(fmt.Sprintf("with LockOnReset %d", c.Config.LockOnReset), fmt.Sprintf("0 to %d", resetsAll))
		}
		if c.Config.Start > numberMax || c.Config.Length > numberMax {
			return refuse("with a start or length that is too big", fmt.Sprintf("at most %d", uint64(numberMax)))
		}
	case Read, Write:
		if c.Sectors < 1 || c.Sectors > sectorsMax {
			return refuse(fmt.Sprintf("of %d sectors", c.Sectors), fmt.Sprintf("1 to %d", sectorsMax))
		}
		if c.LBA > numberMax {
			return refuse(fmt.Sprintf("at sector %d", c.LBA), fmt.Sprintf("0 to %d", uint64(numberMax)))
		}
	case Reset:
		if c.Reset != drive.HardwareReset && c.Reset != drive.HotPlugReset {
			return refuse(fmt.Sprintf("of kind %d", c.Reset), fmt.Sprintf("%d (hardware) or %d (hot plug)", drive.HardwareReset, drive.HotPlugReset))
		}
	case Tamper:
		if !slices.Contains(drive.Enterprise.States(), c.State) {
			return refuse(fmt.Sprintf("to state %d", c.State), "one of drive.Enterprise.States")
		}
	case Arm:
		_, err := parsePlan(c.Plan)
		return err
	}
	return nil
}

// parsePlan reads the plan of Arm. A point of another component would never fire.
func parsePlan(text string) (*fault.Plan, error) {
	plan, err := fault.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("proptest: arm: %w", err)
	}
	for _, point := range plan.Points() {
		if p := string(point); !strings.HasPrefix(p, "flash.") && !strings.HasPrefix(p, "media.") {
			return nil, fmt.Errorf("proptest: arm: %s never fires in a drive alone: use a point of the flash or the media", p)
		}
	}
	return plan, nil
}

// FormatCommands joins commands with "; ".
func FormatCommands(all []Command) string {
	s := make([]string, len(all))
	for i, c := range all {
		s[i] = c.String()
	}
	return strings.Join(s, "; ")
}

// ParseCommands reads commands that are separated by semicolons. Errors say
// which command is wrong and what would be right.
func ParseCommands(text string) ([]Command, error) {
	var all []Command
	for _, line := range strings.Split(text, ";") {
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

// usage is what each verb with arguments wants.
var usage = map[Verb]string{
	Authenticate: "authenticate AUTHORITY PIN, such as authenticate BandMaster0 1",
	SetPIN:       "set-pin PIN", Migrate: "migrate PIN", RevertPSID: "revert-psid PIN",
	SetRange: "set-range START LENGTH --|r-|-w|rw LOCKONRESET", SetLocks: "set-locks --|r-|-w|rw",
	Erase: "erase RANGE", Read: "read LBA SECTORS", Write: "write LBA SECTORS CONTENT",
	Reset: "reset KIND, 1 or 2", Tamper: "tamper STATE", Arm: "arm PLAN",
}

// ParseCommand reads what String writes.
func ParseCommand(text string) (Command, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Command{}, fmt.Errorf("proptest: an empty command")
	}
	c := Command{}
	for v, name := range verbNames {
		if name == words[0] && name != "" {
			c.Verb = Verb(v)
		}
	}
	if c.Verb == 0 {
		return Command{}, fmt.Errorf("proptest: unknown command %q: %s", words[0], suggest.DidYouMean(words[0], verbNames[1:]))
	}
	p := args{words: words[1:]}
	switch c.Verb {
	case Authenticate:
		c.Authority, c.PIN = p.authority(), PINRef(p.number(pinMax))
	case SetPIN, Migrate, RevertPSID:
		c.PIN = PINRef(p.number(pinMax))
	case SetRange:
		c.Config.Start, c.Config.Length = p.number(numberMax), p.number(numberMax)
		c.Config.ReadLockEnabled, c.Config.WriteLockEnabled = p.flags()
		c.Config.LockOnReset = drive.ResetSet(p.number(255))
	case SetLocks:
		c.Locks[0], c.Locks[1] = p.flags()
	case Erase:
		c.Range = int(p.number(rangeMax))
	case Read:
		c.LBA, c.Sectors = p.number(numberMax), int(p.number(1<<31-1))
	case Write:
		c.LBA, c.Sectors, c.Content = p.number(numberMax), int(p.number(1<<31-1)), uint32(p.number(1<<32-1))
	case Reset:
		c.Reset = drive.ResetKind(p.number(255))
	case Tamper:
		c.State = p.state()
	case Arm:
		plan, err := parsePlan(strings.Join(p.words, " "))
		if err != nil {
			return Command{}, err
		}
		c.Plan, p.words = plan.String(), nil
	}
	if p.bad || len(p.words) > 0 {
		want := usage[c.Verb]
		if want == "" {
			want = c.Verb.String() + " alone"
		}
		return Command{}, fmt.Errorf("proptest: %q, want %s", strings.Join(words, " "), want)
	}
	return c, c.check()
}

// args takes arguments one by one and remembers whether one was wrong.
type args struct {
	words []string
	bad   bool
}

func (p *args) word() string {
	if len(p.words) == 0 {
		p.bad = true
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *args) number(most uint64) uint64 {
	n, err := strconv.ParseUint(p.word(), 10, 64)
	if err != nil || n > most {
		p.bad = true
		return 0
	}
	return n
}

func (p *args) flags() (read, write bool) {
	w := p.word()
	if len(w) != 2 || w[0] != 'r' && w[0] != '-' || w[1] != 'w' && w[1] != '-' {
		p.bad = true
		return false, false
	}
	return w[0] == 'r', w[1] == 'w'
}

func (p *args) state() drive.State {
	w := p.word()
	for _, s := range drive.Enterprise.States() {
		if s.String() == w {
			return s
		}
	}
	p.bad = true
	return 0
}

func (p *args) authority() drive.Authority {
	w := p.word()
	for _, a := range []drive.Authority{drive.SID, drive.PSID, drive.EraseMaster} {
		if a.String() == w {
			return a
		}
	}
	digits, ok := strings.CutPrefix(w, "BandMaster")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > drive.MaxRanges {
		p.bad = true
		return drive.Nobody
	}
	return drive.BandMaster(n)
}
