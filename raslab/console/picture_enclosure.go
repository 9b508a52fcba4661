package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

const (
	cellWidth = 8 // characters inside a cell
	rowCells  = 8 // slots side by side; half as many, and so on, where the terminal is narrow
)

// enclosurePicture draws the slots of an enclosure, eight side by side. Each cell says slot and
// rank, the state as lsddm names it (or that it is a spare in good order), and what the drive's
// keys are like. Under it stands one line for each drive that is not as it should be.
func (s *Session) enclosurePicture(e raslab.EnclosureInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "enclosure %s  %s  DA pair %d\n", e.Name, e.Location, e.DAPair)
	side := rowCells
	for side > 1 && s.options.Width > 0 && side*(cellWidth+1)+1 > s.width() {
		side /= 2
	}
	for i := 0; i < len(e.Slots); i += side {
		row := e.Slots[i:min(i+side, len(e.Slots))]
		if i == 0 {
			b.WriteString(border("┌", "┬", "┐", len(row)))
		} else {
			b.WriteString(border("├", "┼", "┤", len(row)))
		}
		for line := range 3 {
			b.WriteString("│")
			for _, d := range row {
				words := cell(d)
				c := color("")
				if line > 0 {
					c = stateColor(words[line])
				}
				padded := fmt.Sprintf("%-*s", cellWidth, words[line])
				if c != "" {
					padded = s.paint(c, padded)
				}
				b.WriteString(padded + "│")
			}
			b.WriteString("\n")
		}
	}
	b.WriteString(border("└", "┴", "┘", min(side, len(e.Slots))))
	for _, d := range e.Slots {
		if d.Why != "" {
			fmt.Fprintf(&b, "%s: %s: %s\n", d.Slot, d.State, d.Why)
		}
	}
	return b.String()
}

func border(left, middle, right string, cells int) string {
	return left + strings.Repeat(strings.Repeat("─", cellWidth)+middle, cells-1) + strings.Repeat("─", cellWidth) + right + "\n"
}

// cell is what a slot shows: three words of at most eight characters.
func cell(d raslab.DriveInfo) [3]string {
	first := fmt.Sprintf("D%02d", d.Number)
	switch {
	case d.Serial == "":
		return [3]string{first, "empty", ""}
	case d.Rank != "":
		first += " " + d.Rank
	}
	state := shortState(d.State)
	if isSpare(d) && d.State == raslab.Normal {
		state = "Spare"
	}
	return [3]string{cut(first), cut(state), cut(keyWord(d))}
}

func isSpare(d raslab.DriveInfo) bool {
	return d.Use == raslab.SpareRequired || d.Use == raslab.SpareNotRequired
}

// shortState fits a state of lsddm into a cell.
func shortState(state raslab.DriveState) string {
	switch state {
	case raslab.FailedDeferred:
		return "Deferred"
	case raslab.Inappropriate:
		return "Not fit"
	case raslab.MigrationTarget:
		return "Target"
	case raslab.MigrationSource:
		return "Source"
	}
	return string(state)
}

// keyWord is the state of the drive's keys in a word.
func keyWord(d raslab.DriveInfo) string {
	switch {
	case !d.Answers || !d.Status.Powered:
		return "silent"
	case d.Plain:
		return "plain"
	case d.Status.State == drive.SecurityDegraded:
		return "DEGRADED"
	case d.Status.State == drive.Erased:
		return "erased"
	case d.Status.Locked:
		return "locked"
	}
	return "unlocked"
}

func cut(s string) string {
	if r := []rune(s); len(r) > cellWidth {
		return string(r[:cellWidth])
	}
	return s
}
