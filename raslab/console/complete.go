package console

import "strings"

// Candidate is one way to go on with a line.
type Candidate struct {
	Text string // the whole word to put in place of the one being typed
	Help string
}

// Complete lists how the last word of text (what stands before the cursor) may go
// on: nouns, verbs, arguments that are still missing, or values. It changes nothing.
func Complete(s *Session, text string) []Candidate {
	words, word := unfinished(text)
	var all []Candidate
	switch {
	case len(words) == 0:
		for _, n := range Nouns() {
			all = append(all, Candidate{n, nounHelp(n)})
		}
	case words[0] == "help":
		if len(words) == 1 {
			for _, n := range Nouns() {
				all = append(all, Candidate{n, nounHelp(n)})
			}
		} else {
			all = verbCandidates(words[1])
		}
	default:
		if len(words) == 1 && find(words[0], "") == nil {
			all = verbCandidates(words[0])
			break
		}
		c := find(words[0], "")
		used := 1
		if len(words) > 1 && find(words[0], words[1]) != nil {
			c, used = find(words[0], words[1]), 2
		}
		if c != nil {
			all = argumentCandidates(s, c, words[used:], word)
		}
		if used == 1 {
			all = append(all, verbCandidates(words[0])...)
		}
	}
	var fit []Candidate
	for _, c := range all {
		if strings.HasPrefix(strings.ToLower(c.Text), strings.ToLower(word)) {
			fit = append(fit, c)
		}
	}
	return fit
}

// unfinished splits what was typed of the last command into whole words, as they were
// typed, and the one that is being typed. A blank or a semicolon in quotes is part of a word.
func unfinished(text string) (words []string, word string) {
	quoted, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && r == ';':
			words, word = nil, ""
			continue
		case !quoted && isBlank(r):
			if word != "" {
				words, word = append(words, word), ""
			}
			continue
		}
		word += string(r)
	}
	return words, word
}

func nounHelp(noun string) string {
	verbs := verbsOf(noun)
	if len(verbs) == 1 && verbs[0] == "" {
		return find(noun, "").Summary
	}
	return strings.Trim(strings.Join(verbs, ", "), ", ")
}

func verbCandidates(noun string) []Candidate {
	var all []Candidate
	for _, c := range registry() {
		if c.Noun == noun && c.Verb != "" {
			all = append(all, Candidate{c.Verb, c.Summary})
		}
	}
	return all
}

func argumentCandidates(s *Session, c *Command, given []string, word string) []Candidate {
	var all []Candidate
	for i := range c.Params {
		p := &c.Params[i]
		prefix := p.Name + "="
		if p.Positional {
			prefix = ""
		}
		if prefix != "" && startsWithAny(given, prefix) {
			continue
		}
		if prefix != "" && !strings.HasPrefix(word, prefix) {
			all = append(all, Candidate{prefix, p.Help})
			continue
		}
		for _, v := range p.candidates(s) {
			all = append(all, Candidate{prefix + quote(v), p.Help})
		}
	}
	return all
}

func (p *Param) candidates(s *Session) []string {
	switch {
	case p.Values != nil:
		return p.Values
	case p.Complete != nil:
		return p.Complete(s)
	case p.Default != "":
		return []string{p.Default}
	}
	return nil
}

func startsWithAny(words []string, prefix string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			return true
		}
	}
	return false
}
