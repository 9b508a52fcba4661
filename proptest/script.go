package proptest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A script is a run in one line: the options of the bench, "|", and commands:
//
//	seed=7 ranges=2 | authenticate BandMaster0 1; migrate 4; power-off
//
// Options that are left out have their default.

// FormatScript writes a run as a script.
func FormatScript(o Options, commands []Command) string {
	o = o.filled()
	d := DefaultConfig()
	words := []string{fmt.Sprintf("seed=%d", o.Seed)}
	for _, w := range []struct {
		name     string
		is, want uint64
	}{
		{"ranges", uint64(o.Config.Ranges), uint64(d.Ranges)},
		{"sectors", o.Config.Sectors, d.Sectors},
		{"sector-size", uint64(o.Config.SectorSize), uint64(d.SectorSize)},
		{"try-limit", uint64(o.Config.TryLimit), uint64(d.TryLimit)},
		{"alignment", o.Config.AlignmentGranularity, d.AlignmentGranularity},
		{"lowest-aligned", o.Config.LowestAlignedLBA, d.LowestAlignedLBA},
	} {
		if w.is != w.want {
			words = append(words, fmt.Sprintf("%s=%d", w.name, w.is))
		}
	}
	if !o.Config.Persistent {
		words = append(words, "persistent=0")
	}
	return strings.Join(words, " ") + " | " + FormatCommands(commands)
}

// ParseScript reads a script.
func ParseScript(text string) (Options, []Command, error) {
	head, body, cut := strings.Cut(text, "|")
	if !cut {
		return Options{}, nil, fmt.Errorf("proptest: no | in the script, want OPTIONS | COMMAND; COMMAND; and so on")
	}
	o := Options{Config: DefaultConfig()}
	given := map[string]bool{}
	for _, w := range strings.Fields(head) {
		name, value, _ := strings.Cut(w, "=")
		if given[name] {
			return Options{}, nil, fmt.Errorf("proptest: option %q: %s is given twice, want it once", w, name)
		}
		given[name] = true
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return Options{}, nil, fmt.Errorf("proptest: option %q, want NAME=NUMBER", w)
		}
		switch {
		case name == "seed":
			o.Seed = n
		case name == "ranges" && n <= 64:
			o.Config.Ranges = int(n)
		case name == "sectors" && n >= 1 && n <= 1<<16:
			o.Config.Sectors = n
		case name == "sector-size" && (n == 512 || n == 4096):
			o.Config.SectorSize = int(n)
		case name == "try-limit" && n < 1<<16:
			o.Config.TryLimit = uint16(n)
		case name == "alignment" && n <= 1<<16:
			o.Config.AlignmentGranularity = n
		case name == "lowest-aligned" && n < 1<<16:
			o.Config.LowestAlignedLBA = n
		case name == "persistent" && n <= 1:
			o.Config.Persistent = n == 1
		default:
			return Options{}, nil, fmt.Errorf("proptest: option %q, want seed=N, ranges=0..64, sectors=1..65536, sector-size=512|4096, try-limit=N, alignment=0..65536, lowest-aligned=N or persistent=0|1", w)
		}
	}
	commands, err := ParseCommands(body)
	return o, commands, err
}

// Replay runs a script on a new drive. The error is a *Failure if the drive did something wrong.
// Any other error says what is wrong with the script, at which command, and what would be right. It
// skips no command: the script of a Failure holds only those that were done. A script without a
// command is refused, since a run that does nothing proves nothing.
func Replay(script string) (*Machine, error) {
	o, commands, err := ParseScript(script)
	if err != nil {
		return nil, err
	}
	if len(commands) == 0 {
		return nil, errors.New("proptest: no command after |, want OPTIONS | COMMAND; COMMAND; and so on")
	}
	m, err := NewMachine(o)
	if err != nil {
		return nil, err
	}
	for i, c := range commands {
		var f *Failure
		if err := m.Do(c); errors.As(err, &f) {
			return m, err
		} else if err != nil {
			return m, fmt.Errorf("command %d: %w", i+1, err)
		}
	}
	return m, m.Audit()
}

func replayLine(o Options, commands []Command) string {
	return "go test " + module + "/proptest -run '^TestReplay$' -script " + quote(FormatScript(o, commands))
}
