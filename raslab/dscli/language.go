package dscli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// The parts of the language.
type (
	// Command is one entry of the language.
	Command = command.Command[*call]
	// Param is one parameter of a command: written -name value, or bare.
	Param = command.Param[*call]
	// Args are the bound parameters of one command.
	Args = command.Args[*call]
	// Kind is the type of a parameter.
	Kind = command.Kind
	// Candidate is one way to go on with a line.
	Candidate = command.Candidate
)

// language is filled in init, because help reads it.
var language command.Language[*call]

func init() {
	language = command.Language[*call]{
		Common: commonParams, Form: form, Label: label, Spell: spell,
		Topics: []command.Topic[*call]{
			{Title: "The facility", Commands: slices.Concat(versionCommands, suCommands, siCommands, serverCommands, userCommands, extpoolCommands)},
			{Title: "Drives, arrays and ranks", Commands: slices.Concat(ddmCommands, arraysiteCommands, arrayCommands, rankCommands)},
			{Title: "Key managers", Commands: keyManagerCommands},
			{Title: "Key groups", Commands: groupCommands},
			{Title: "Recovery keys", Commands: recoveryKeyCommands},
			{Title: "Serviceable events", Commands: eventCommands},
			{Title: "This program", Commands: slices.Concat(helpCommands, quitCommands)},
		},
	}
}

// form is how a parameter is written: -array array, -hdr on|off, -quiet, or rank.
func form(p *Param) string {
	switch {
	case p.Bare:
		return p.Name
	case p.Flag:
		return "-" + p.Name
	case p.Values != nil:
		return "-" + p.Name + " " + strings.Join(p.Values, "|")
	}
	return "-" + p.Name + " " + p.Kind.Name
}

func label(p *Param) string {
	if p.Bare {
		return p.Name
	}
	return "-" + p.Name
}

func spell(p *Param, value string) string {
	switch {
	case p.Bare:
		return quote(value)
	case p.Flag:
		return "-" + p.Name
	}
	return "-" + p.Name + " " + quote(value)
}

// Commands lists the commands, in the order of the help.
func Commands() []*Command { return language.Commands() }

// arg gives the value of a parameter, or the zero value when it is absent.
func arg[T any](a Args, name string) T { return command.Get[T](a, name) }

// of completes a value with identifiers of the facility at hand.
func of(ids func(*raslab.Lab) []string) func(*call) []string {
	return func(c *call) []string {
		if c.lab == nil {
			return nil
		}
		return ids(c.lab)
	}
}

// page is where and how help is printed.
func (c *call) page() command.Page {
	p := command.Page{Out: c.out, Text: 80, Table: c.session.width(), Indent: 2}
	if p.Table > 0 {
		p.Text = max(p.Table, 40)
	}
	return p
}

// Reference renders the language and the table of messages as a Markdown document.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The commands of `fdelab dscli`\n\n" +
		"They are after IBM's DSCLI. A command or a parameter may be cut short as long as it stays clear.\n" +
		"This document is rendered from the registry; a test compares it.\n")
	for _, c := range Commands() {
		fmt.Fprintf(&b, "\n## %s\n%s", c.Name, language.Reference(c))
	}
	b.WriteString("\n## Parameters of every command but help, quit and exit\n")
	b.WriteString(language.ReferenceOf(commonParams))
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n" +
		"| 0 | done |\n| 2 | the command was not understood |\n| 3 | no management console can be reached, or there is no facility |\n" +
		"| 4 | the facility could not work on it |\n| 5 | there is no such user, or the user may not do it |\n| 6 | refused, or the aim was not reached |\n")
	b.WriteString("\n## Messages\n\nNumbers and texts of our own begin at CMUC90000; they are assumptions. %s and %d stand for what the message is about.\n" +
		"\n| number | text | source |\n|---|---|---|\n")
	for _, m := range messages {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.ID, command.Cell(m.Text), m.Source)
	}
	return b.String()
}
