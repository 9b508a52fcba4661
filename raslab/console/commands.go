package console

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// all is the registry. It is filled in init, because help reads it.
var all []*Command

func registry() []*Command { return all }

func init() {
	for _, group := range [][]*Command{
		labCommands(), enclosureCommands(), siteCommands(), driveCommands(), hostCommands(), benchCommands(), shelfCommands(), faultCommands(),
		rankCommands(), groupCommands(), keyServerCommands(), managerCommands(), recoveryCommands(), cloudCommands(), keyPathCommands(), serviceCommands(), custodyCommands(), plantCommands(), eventCommands(), callHomeCommands(), eraseCommands(), dscliCommands(), generalCommands(),
	} {
		all = append(all, group...)
	}
	all = stamped(all)
	// A noun's verbs stand together, whichever file they come from.
	var nouns []string
	for _, c := range all {
		if !slices.Contains(nouns, c.Noun) {
			nouns = append(nouns, c.Noun)
		}
	}
	slices.SortStableFunc(all, func(a, b *Command) int { return slices.Index(nouns, a.Noun) - slices.Index(nouns, b.Noun) })
}

// Arguments that many commands share.

func slotParam(help string) Param {
	return Param{Name: "drive", Kind: nameKind("slot", "a slot such as R1-I1-D05"), Required: true, Help: help, Complete: slots}
}

func anyDriveParam(help string) Param {
	return Param{Name: "drive", Kind: driveKind("a slot such as R1-I1-D05, or a serial number"), Required: true, Help: help, Complete: anyDrives}
}

func rankParam() Param {
	return Param{Name: "rank", Kind: nameKind("rank", "a rank such as R0"), Required: true, Help: "the rank", Complete: func(s *Session) []string {
		var names []string
		if s.lab != nil {
			for _, r := range s.lab.Ranks() {
				names = append(names, r.ID)
			}
		}
		return names
	}}
}

func arrayParam() Param {
	return Param{Name: "array", Kind: nameKind("array", "an array such as A0"), Required: true, Help: "the array", Complete: func(s *Session) []string {
		var names []string
		if s.lab != nil {
			for _, a := range s.lab.Arrays() {
				names = append(names, a.ID)
			}
		}
		return names
	}}
}

func keygrpParam(required bool, fallback string) Param {
	help, least := "the encryption group", 1
	if fallback == "0" {
		help, least = "the encryption group; 0 makes an unencrypted rank", 0
	}
	return Param{Name: "keygrp", Kind: intKind("number", least, 4), Required: required, Default: fallback, Help: help}
}

func slots(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, d := range s.lab.Drives() {
			names = append(names, d.Slot)
		}
	}
	return names
}

func serials(s *Session) []string {
	var names []string
	for _, p := range s.shelf.Parts() {
		names = append(names, s.shelf.Name(p))
	}
	return names
}

func anyDrives(s *Session) []string { return append(slots(s), serials(s)...) }

func generalCommands() []*Command {
	return []*Command{
		{
			Noun: "src", Summary: "explain a service reference code, or list them all",
			Params: []Param{
				{Name: "code", Kind: nameKind("code", "eight hexadecimal digits such as BE3400B3"), Positional: true, Help: "the code", Complete: codes},
				{Name: "part", Kind: textKind, Values: []string{"all", "cause", "check", "action"}, Default: "all", Help: "only what is the cause, what to check, or what to do"},
			},
			Example: "src BE3400B3",
			Run:     (*Session).explainSRC,
		},
		{
			Noun: "states", Summary: "show the lifecycle of a drive's keys: every transition and every refusal",
			Params:  []Param{{Name: "as", Kind: textKind, Values: []string{"table", "mermaid", "dot"}, Default: "table", Help: "the form"}},
			Example: "states as=mermaid",
			Run: func(s *Session, a Args) error {
				switch arg[string](a, "as") {
				case "mermaid":
					s.printf("%s", withoutBlankLines(drive.LifecycleMermaid()))
				case "dot":
					s.printf("%s", withoutBlankLines(drive.LifecycleDOT()))
				default:
					s.lifecycle()
				}
				return nil
			},
		},
		{
			Noun: "help", Summary: "explain the commands: all, those of a noun, or one",
			Params: []Param{{
				Name: "topic", Kind: textKind, Positional: true, Rest: true, Help: "a noun, or a noun and a verb",
				Complete: func(*Session) []string { return Nouns() },
			}},
			Example: "help rank create",
			Run:     func(s *Session, a Args) error { return s.writeHelp(arg[string](a, "topic")) },
		},
		{
			Noun: "quit", Summary: "leave",
			Example: "quit",
			Run:     func(*Session, Args) error { return ErrQuit },
		},
		{
			Noun: "exit", Summary: "leave, as quit does",
			Example: "exit",
			Run:     func(*Session, Args) error { return ErrQuit },
		},
	}
}

// lifecycle prints the table of transitions, each with its guard, and what is refused.
func (s *Session) lifecycle() {
	row := func(event, from, to string) string { return fmt.Sprintf("%-10s  %-16s  %-16s", event, from, to) }
	s.printf("%s  %s\n", row("event", "from", "to"), "only if")
	guard := 60
	if s.options.Width > 0 {
		guard = max(20, s.width()-len(row("", "", ""))-2)
	}
	for _, t := range drive.LifecycleTable() {
		for i, line := range layout.Wrap(t.Guard, guard) {
			head := row(string(t.Event), t.From.String(), t.To.String())
			if i > 0 {
				head = row("", "", "")
			}
			s.printf("%s  %s\n", head, line)
		}
	}
	s.printf("refused, with nothing changed:\n")
	for _, p := range drive.RefusedPairs() {
		s.printf("%-10s  %s\n", p.Event, p.From)
	}
}

func codes(*Session) []string {
	var names []string
	for _, e := range src.All() {
		names = append(names, string(e.Code))
	}
	return names
}

func (s *Session) explainSRC(a Args) error {
	if !a.Has("code") {
		for _, e := range src.All() {
			s.printf("%s  %s\n", e.Code, e.Title)
		}
		return nil
	}
	code := arg[string](a, "code")
	e, ok := src.Lookup(code)
	if !ok {
		near, similar := src.Suggest(code)
		want := "need eight hexadecimal digits"
		if similar {
			want = "did you mean " + string(near) + "?"
		}
		if !codeForm.MatchString(code) {
			return usage(a.Col("code"), want, "%s is not a service reference code", code)
		}
		e = src.Other(code)
	}
	switch arg[string](a, "part") {
	case "cause":
		s.paragraph("cause", e.Cause)
	case "check":
		s.steps("check", e.Check)
	case "action":
		s.steps("action", e.Action)
	default:
		s.printf("%s", withoutBlankLines(src.TextIn(e, s.textWidth())))
	}
	return nil
}

func (s *Session) steps(label string, steps []string) {
	for i, step := range steps {
		s.paragraph(fmt.Sprintf("%s %d", label, i+1), step)
	}
}

var codeForm = regexp.MustCompile("^[0-9A-F]{8}$")

// paragraph prints a labelled text, wrapped, with a hanging indent.
func (s *Session) paragraph(label, text string) {
	for i, line := range layout.Wrap(plain(text), s.width()-13) {
		if i > 0 {
			label = ""
		}
		s.printf("  %-9s  %s\n", label, line)
	}
}

// withoutBlankLines keeps to the rule that no command prints an empty line.
func withoutBlankLines(text string) string {
	var out string
	for _, line := range outputLines(text) {
		if line != "" {
			out += line + "\n"
		}
	}
	return out
}

// part finds a physical drive by slot, or by serial number in a slot or on the shelf: as it
// was typed if there is one, else in any case. The slot is empty for a loose one. A serial number that
// several drives have names none of them.
func (s *Session) part(name string) (part *raslab.Part, slot string, err error) {
	var all []string
	if s.lab != nil {
		drives := s.lab.Drives()
		for _, d := range drives {
			if strings.EqualFold(d.Slot, name) {
				part, err = s.lab.Part(d.Slot)
				return part, d.Slot, err
			}
		}
		for _, same := range []func(string) bool{func(o string) bool { return o == name }, func(o string) bool { return strings.EqualFold(o, name) }} {
			for _, d := range drives {
				if d.Serial != "" && same(d.Serial) {
					all, slot = append(all, d.Slot), d.Slot
				}
			}
			if len(all) > 0 {
				break
			}
		}
	}
	loose := s.shelf.Parts()
	loose = slices.DeleteFunc(loose, func(p *raslab.Part) bool { return p.Serial() != name })
	for i, p := range loose {
		all = append(all, quote(fmt.Sprintf("%s#%d", p.Serial(), i+1)))
	}
	if part = s.shelf.Find(name); part != nil && len(all) == len(loose) {
		return part, "", nil
	}
	switch len(all) {
	case 0:
		names := anyDrives(s)
		return nil, "", fmt.Errorf("no drive %s: %s", quotedEnds(name), suggest.Guess(name, names, "drive list and shelf list show what there is"))
	case 1:
		part, err = s.lab.Part(slot)
		return part, slot, err
	}
	return nil, "", fmt.Errorf("%d drives have the serial number %s: name the one that is meant: %s", len(all), quotedEnds(name), strings.Join(all, ", "))
}
