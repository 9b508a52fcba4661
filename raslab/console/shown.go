package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// Shown writes each command of a line for other eyes than those of whoever gave it: secrets are hidden, and
// so is what a command of DSCLI was given, which may hold one. The error is that of Session.Run for a line
// that is not understood.
func Shown(text string) ([]string, error) {
	commands, wrong := bindAll(text)
	if wrong != nil {
		return nil, wrong[0]
	}
	var lines []string
	for _, a := range commands {
		if a.Command.Name == "dscli" {
			first, rest, more := strings.Cut(strings.TrimSpace(arg[string](a, "command")), " ")
			line := "dscli " + quote(first)
			if more && strings.Contains(rest, "-") {
				line += " " + command.Hidden
			} else if more {
				line += " " + quote(rest)
			}
			lines = append(lines, line)
			continue
		}
		lines = append(lines, language.Shown(a))
	}
	return lines, nil
}

// Briefly is what others may see of a line that is not understood: its noun and its verb, as far as they are words of
// the language, and "...". Which of the rest is a secret cannot be said.
func Briefly(text string) string {
	words := strings.Fields(text)
	switch {
	case len(words) > 1 && language.Find(words[0]+" "+words[1]) != nil:
		return words[0] + " " + words[1] + " ..."
	case len(words) > 0 && verbsOf(words[0]) != nil:
		return words[0] + " ..."
	}
	return "..."
}

// Cell is what a picture of an enclosure says of a slot, as enclosure show does: its number, how the drive
// is (empty for an empty slot), and how its keys are.
func Cell(d raslab.DriveInfo) (number, state, keys string) {
	d.Rank = ""
	words := cell(d)
	return words[0], words[1], words[2]
}

// Where names the drives of an event by slot and location code, or the location codes of what has no slot.
func Where(e raslab.ServiceEvent) string { return where(e) }

// FRUText is one line of the list of what to replace.
func FRUText(f raslab.FRU) string { return fruText(f) }

// CallText says how far the request for service has come.
func CallText(c raslab.CallHome) string { return callText(c) }

// KeyMap is the key hierarchy of the drive in a slot, as drive keys draws it. No key is in it. The error is one of a
// drive that does not answer, or has no key map.
func KeyMap(lab *raslab.Lab, slot string) (drive.KeyMap, error) {
	part, err := lab.Part(slot)
	if err != nil {
		return drive.KeyMap{}, err
	}
	d, err := able[raslab.KeyMapper](part, driveName(part, slot), "key map")
	if err != nil {
		return drive.KeyMap{}, err
	}
	return d.KeyMap()
}

// MediaText says how much of a drive's medium was ever written, and where.
func MediaText(d drive.Dump) string {
	if len(d.Written) == 0 {
		return "media: never written"
	}
	return fmt.Sprintf("media: %s of ciphertext, %s", count(len(d.Written), "sector"), ranges(d.Written))
}
