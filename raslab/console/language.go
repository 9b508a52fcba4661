package console

import (
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// The parts of the language.
type (
	// Command is one entry of the language: a noun, mostly with a verb.
	Command = command.Command[*Session]
	// Param is one argument of a command: written name=value, or bare.
	Param = command.Param[*Session]
	// Args are the bound arguments of one command.
	Args = command.Args[*Session]
	// Kind is the type of an argument.
	Kind = command.Kind
	// Candidate is one way to go on with a line.
	Candidate = command.Candidate
)

// language is filled in init, because help reads it.
var language command.Language[*Session]

func init() {
	topic := func(title string, nouns ...[]*Command) command.Topic[*Session] {
		t := command.Topic[*Session]{Title: title}
		for _, commands := range nouns {
			t.Commands = append(t.Commands, commands...)
		}
		return t
	}
	language = command.Language[*Session]{
		Form: form, Label: label, Spell: spell,
		Topics: []command.Topic[*Session]{
			topic("The facility and its time", labCommands, enclosureCommands, siteCommands, sfiCommands, powerCommands, imlCommands, timeCommands, healthCommands),
			topic("Drives", driveCommands, hostCommands, shelfCommands, certificateCommands, custodyCommands, eraseCommands),
			topic("Ranks", arrayCommands, rankCommands, discontinueCommands),
			topic("Keys", groupCommands, keyServerCommands, keyManagerCommands, recoveryKeyCommands, licenseCommands),
			topic("Service", repairCommands, raidCommands, fieldCommands, mesCommands, eventCommands, callHomeCommands, srcCommands),
			topic("Ways to the keys, and beyond the facility", cloudCommands, hmcCommands, linkCommands, networkCommands),
			topic("What can break", faultCommands, memoryCommands, repositoryCommands),
			topic("This shell", dscliCommands, statesCommands, helpCommands, quitCommands),
		},
	}
}

// form is how an argument is written: array=ARRAY, to=on|off, or TOPIC.
func form(p *Param) string {
	what := strings.ToUpper(p.Kind.Name)
	switch {
	case p.Values != nil:
		what = strings.Join(p.Values, "|")
	case p.Bare:
		what = strings.ToUpper(p.Name)
	}
	if p.Bare {
		return what
	}
	return p.Name + "=" + what
}

func label(p *Param) string {
	if p.Bare {
		return strings.ToUpper(p.Name)
	}
	return p.Name
}

func spell(p *Param, value string) string {
	if p.Bare {
		return quote(value)
	}
	return p.Name + "=" + quote(value)
}

// arg gives the value of an argument, or the zero value when it is absent.
func arg[T any](a Args, name string) T { return command.Get[T](a, name) }

// Commands lists the commands, in the order of the help.
func Commands() []*Command { return language.Commands() }

// nounOf and verbOf are the words of a command's name; a noun that is a command by itself has no
// verb.
func nounOf(c *Command) string { noun, _, _ := strings.Cut(c.Name, " "); return noun }

func verbOf(c *Command) string { _, verb, _ := strings.Cut(c.Name, " "); return verb }

// Nouns lists what commands are about, in the order of the help.
func Nouns() []string {
	var nouns []string
	for _, c := range Commands() {
		if noun := nounOf(c); len(nouns) == 0 || nouns[len(nouns)-1] != noun {
			nouns = append(nouns, noun)
		}
	}
	return nouns
}

// ofNoun lists the commands of a noun.
func ofNoun(noun string) []*Command {
	var all []*Command
	for _, c := range Commands() {
		if nounOf(c) == noun {
			all = append(all, c)
		}
	}
	return all
}

// verbsOf lists the verbs of a noun; nil when there is no such noun, a single empty verb when the
// noun is a command by itself.
func verbsOf(noun string) []string {
	var verbs []string
	for _, c := range ofNoun(noun) {
		verbs = append(verbs, verbOf(c))
	}
	return verbs
}
