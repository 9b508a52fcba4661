package console

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ledger remembers what was written to ranks in this session, so that rank check can
// tell whether data written is data read.
type ledger map[string]map[uint64]string // rank, LBA, text

func (l ledger) wrote(rank string, lba uint64, text string) {
	if l[rank] == nil {
		l[rank] = map[uint64]string{}
	}
	l[rank][lba] = text
}

// sectors lists the LBAs written on a rank, ascending.
func (l ledger) sectors(rank string) []uint64 {
	return slices.Sorted(maps.Keys(l[rank]))
}

// pattern is a sector that says what it is: the text and its number, over and over.
func pattern(text string, lba uint64, size int) []byte {
	unit := fmt.Sprintf("%s, sector %d. ", text, lba)
	return []byte(strings.Repeat(unit, size/len(unit)+1)[:size])
}

// describe says in a few words what a sector holds.
func describe(sector []byte) string {
	if len(bytes.Trim(sector, "\x00")) == 0 {
		return "zeros"
	}
	for _, c := range sector {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("no text, beginning %x", sector[:min(8, len(sector))])
		}
	}
	text := string(sector)
	if i := strings.Index(text, ". "); i > 0 {
		text = text[:i]
	}
	return quote(text)
}

// ranges writes ascending numbers in short: 0 to 7, 9.
func ranges(numbers []uint64) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d to %d", numbers[i], numbers[j]))
		} else {
			parts = append(parts, fmt.Sprint(numbers[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
