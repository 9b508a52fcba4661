package console

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// noEdge is a terminal so wide that nothing is folded.
const noEdge = 1 << 16

var (
	colourCode = regexp.MustCompile("\x1b\\[[0-9;]*m")
	drawing    = regexp.MustCompile("[─│┌┬┐├┼┤└┴┘●▲▼■□·=]{2,}|[│├└●▲]")
)

// wordsOf counts the words of an output without its colours and lines that are drawn. A colon
// behind a name is no part of it: a table that became a list has them.
func wordsOf(text string) map[string]int {
	words := map[string]int{}
	for _, word := range strings.Fields(drawing.ReplaceAllString(colourCode.ReplaceAllString(text, ""), " ")) {
		words[strings.TrimSuffix(word, ":")]++
	}
	return words
}

// misfits says what is wrong with an output on a terminal of so many columns: lines that are wider,
// and words that are not whole. wide is what is printed where there is no edge.
func misfits(columns int, wide, narrow string) (wrong []string) {
	for _, line := range strings.Split(narrow, "\n") {
		// A word that is wider than the terminal is kept whole, alone and at the left edge.
		n, words := layout.Width(line), strings.Fields(drawing.ReplaceAllString(line, " "))
		if n > columns && (len(words) != 1 || layout.Width(words[0]) < n) {
			wrong = append(wrong, fmt.Sprintf("%d columns: %s", n, line))
		}
	}
	have := wordsOf(narrow)
	for word, n := range wordsOf(wide) {
		if have[word] < n && layout.Width(word) <= columns {
			wrong = append(wrong, fmt.Sprintf("%d times instead of %d: %s", have[word], n, word))
		}
	}
	return wrong
}

// pair runs the same lines on a terminal and on one without an edge.
type pair struct {
	t            *testing.T
	columns      int
	narrow, wide *Session
}

func newPair(t *testing.T, columns int, o Options) *pair {
	p := &pair{t: t, columns: columns}
	o.Width, o.Entropy = columns, rand.NewChaCha8([32]byte{1})
	p.narrow = NewSession(o)
	o.Width, o.Entropy = noEdge, rand.NewChaCha8([32]byte{1})
	p.wide = NewSession(o)
	t.Cleanup(func() { _, _ = p.narrow.Close(), p.wide.Close() })
	return p
}

func (p *pair) run(line string) {
	var wide, narrow strings.Builder
	RunLine(p.wide, line, &wide)
	RunLine(p.narrow, line, &narrow)
	compare(p.t, p.columns, line, wide.String(), narrow.String())
}

// compare looks for misfits. An error is folded by the shell that shows it.
func compare(t *testing.T, columns int, line, wide, narrow string) {
	var folded strings.Builder
	_, _ = (&layout.Folder{W: &folded, Width: func() int { return columns }}).Write([]byte(narrow))
	if wrong := misfits(columns, wide, folded.String()); len(wrong) > 0 {
		t.Errorf("%d columns: %s\n%s\nit is:\n%s", columns, line, strings.Join(wrong, "\n"), narrow)
	}
}

func edges() []int {
	if testing.Short() {
		return []int{60}
	}
	return []int{60, 80, 200}
}

// The transcripts of the rooms run every command of both command lines, and say which words each
// prints.
func TestEveryCommandFitsTheTerminal(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/*.txt", "../dscli/testdata/*.txt"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tr, err := ParseTranscript(file, string(text))
		require.NoError(t, err)
		for _, columns := range edges() {
			t.Run(fmt.Sprintf("%s/%d", file, columns), func(t *testing.T) {
				s := NewSession(Options{Width: columns})
				defer s.Close()
				for _, step := range tr.Steps {
					var narrow strings.Builder
					for _, c := range step.Commands {
						RunLine(s, c.Text, &narrow)
					}
					compare(t, columns, step.Commands[0].Text, step.Output, narrow.String())
				}
			})
		}
	}
}

// A facility where much is wrong, with a drive of a long name on the shelf: what shows it, for
// every object, and the help on every command.
func TestAWrongFacilityFitsTheTerminal(t *testing.T) {
	const long = "a-drive-of-long-name"
	setup := []string{
		"keygrp configure; array create site=S1; array create site=S2; rank create array=A0 keygrp=1; rank create array=A1; rank write rank=R0 count=8",
		"host power drive=" + long + " to=on; host power drive=\"the other building\" to=on",
		"memory arm plan=\"(memory.signature.flipped (Byte 0))\"", "fault arm drive=R1-I1-D03 plan=\"(flash.program.refused) (flash.erase.refused)\"",
		"drive break drive=R1-I1-D02", "drive pull drive=R1-I1-D04", "host erase drive=R1-I1-D05", "time advance by=3h",
		"keyserver stop keyserver=1; keyserver stop keyserver=2; power cycle; time advance by=30h", "keygrp testaccess",
	}
	var lines []string
	for _, c := range Commands() {
		lines = append(lines, "help "+c.Name)
		needs := false
		for _, param := range c.Params {
			needs = needs || param.Required
		}
		switch verbOf(c) {
		case "list", "show", "check", "timeline", "access", "schedule", "status":
			if !needs {
				lines = append(lines, c.Name)
			}
		}
	}
	for _, c := range dscli.Commands() {
		lines = append(lines, "dscli help "+c.Name)
		for _, form := range []string{"", " -l", " -s", " -fmt stanza", " -fmt delim", " -fmt xml", " -hdr off"} {
			if strings.HasPrefix(c.Name, "ls") {
				lines = append(lines, "dscli "+c.Name+form)
			} else if strings.HasPrefix(c.Name, "show") {
				lines = append(lines, "dscli \""+c.Name+" "+form+" 1\"")
			}
		}
	}
	for _, noun := range Nouns() {
		lines = append(lines, "help "+noun)
	}
	lines = append(lines, "help", "src", "states", "states as=dot", "states as=mermaid", "dscli help", "dscli \"help -l\"", "event timeline count=1000", "rank show rank=R0", "rank show rank=R1", "drive list only=odd", "keygrp show", "rank create array=A7 keygrp=1", "nonsense")
	for _, code := range codes(nil) {
		lines = append(lines, "src "+code)
	}
	for _, columns := range edges() {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			p := newPair(t, columns, Options{Start: true, Seed: 7, Color: true})
			for _, s := range []*Session{p.narrow, p.wide} {
				dir := t.TempDir()
				for _, serial := range []string{long, "the other building"} {
					require.NoError(t, s.Run(fmt.Sprintf("shelf create file=%s serial=%q", quote(filepath.Join(dir, serial)), serial), io.Discard))
				}
			}
			for _, line := range setup {
				var failed *FailedError
				if err := p.wide.Run(line, io.Discard); err != nil {
					require.ErrorAs(t, err, &failed, "%s", line)
				}
				_ = p.narrow.Run(line, io.Discard)
			}
			for _, line := range lines {
				p.run(line)
			}
			drives := anyDrives(p.wide)
			require.Contains(t, drives, long)
			for _, drive := range drives[len(drives)-2:] {
				drive = quote(drive)
				for _, verb := range []string{"show", "keys", "dump"} {
					p.run("drive " + verb + " drive=" + drive)
				}
			}
			for _, verb := range []string{"show", "keys", "dump"} {
				for _, d := range p.wide.lab.Drives()[:8] {
					p.run("drive " + verb + " drive=" + d.Slot)
				}
			}
			for _, e := range p.wide.lab.Events() {
				p.run(fmt.Sprintf("event show event=%d", e.ID))
				p.run(fmt.Sprintf("event timeline event=%d", e.ID))
			}
			require.NotEmpty(t, p.wide.lab.Events())
		})
	}
}

// A narrow picture stays whole: a text that goes on below stands beside the picture's lines.
func TestNarrowPicturesStayWhole(t *testing.T) {
	var out strings.Builder
	s := NewSession(Options{Start: true, Width: 60})
	require.NoError(t, s.Run("memory arm plan=\"(memory.signature.flipped (Byte 0))\"; keygrp configure", io.Discard))
	require.NoError(t, s.Run("event timeline", &out))
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		require.Regexp(t, "^.{21}[●▲│] ", fmt.Sprintf("%-60s", line))
	}
	out.Reset()
	require.NoError(t, s.Run("drive keys drive=R1-I1-D16", &out))
	require.Contains(t, out.String(), "│     └─ MEK of the global range, in RAM: open to whoever\n│        holds the drive\n")
	s.SetWidth(80)
	out.Reset()
	require.NoError(t, s.Run("keygrp show", &out))
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[1:] {
		require.Regexp(t, "^  .{9}  [^ ]", line, "the values stand under one another:\n%s", out.String())
	}
}
