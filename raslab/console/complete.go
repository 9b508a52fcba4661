package console

import (
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// Complete lists how the last word of text (what stands before the cursor) may go
// on: nouns, verbs, arguments that are still missing, or values. It changes nothing.
func Complete(s *Session, text string) []Candidate {
	words, word := command.Unfinished(text, ';')
	return command.Fitting(candidates(s, words, word), word)
}

func candidates(s *Session, words []string, word string) []Candidate {
	switch {
	case len(words) == 0, len(words) == 1 && words[0] == "help":
		var all []Candidate
		for _, n := range Nouns() {
			all = append(all, Candidate{Text: n, Help: nounHelp(n)})
		}
		return all
	case words[0] == "help":
		return verbCandidates(words[1])
	}
	if c := language.Find(words[0]); c != nil {
		return argumentCandidates(s, c, words[1:], word)
	}
	if len(words) > 1 {
		if c := language.Find(words[0] + " " + words[1]); c != nil {
			return argumentCandidates(s, c, words[2:], word)
		}
	}
	return verbCandidates(words[0])
}

func nounHelp(noun string) string {
	if c := language.Find(noun); c != nil {
		return c.Summary
	}
	return strings.Join(verbsOf(noun), ", ")
}

func verbCandidates(noun string) []Candidate {
	var all []Candidate
	for _, c := range ofNoun(noun) {
		if verb := verbOf(c); verb != "" {
			all = append(all, Candidate{Text: verb, Help: c.Summary})
		}
	}
	return all
}

func argumentCandidates(s *Session, c *Command, given []string, word string) []Candidate {
	var all []Candidate
	for i := range c.Params {
		p := &c.Params[i]
		name := p.Name + "="
		begins := func(w string) bool { return strings.HasPrefix(w, name) }
		switch {
		case !p.Bare && slices.ContainsFunc(given, begins):
		case !p.Bare && !begins(word):
			all = append(all, Candidate{Text: name, Help: p.Help})
		default:
			all = append(all, command.Values(p, s, func(v string) string { return spell(p, v) })...)
		}
	}
	return all
}
