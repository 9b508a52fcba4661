package command

// Candidate is one way to go on with a line.
type Candidate struct {
	Text string // the whole word to put in place of the one that is being typed
	Help string
}

// Fitting lists the candidates that begin with the word that is being typed, in any case.
func Fitting(all []Candidate, word string) (fit []Candidate) {
	for _, c := range all {
		if begins(c.Text, word) {
			fit = append(fit, c)
		}
	}
	return fit
}

// Unfinished splits what was typed into whole words, as they were typed, and the one that is being
// typed. A blank in quotes is part of a word. Where ends is not 0, that character ends a command:
// what stands before it does not count.
func Unfinished(text string, ends rune) (words []string, word string) {
	quoted, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && r == ends && ends != 0:
			words, word = nil, ""
			continue
		case !quoted && (r == ' ' || r == '\t' || r == '\r'):
			if word != "" {
				words, word = append(words, word), ""
			}
			continue
		}
		word += string(r)
	}
	return words, word
}

// Values lists the values of a parameter as candidates, each as the language spells it.
func Values[S any](p *Param[S], in S, spell func(value string) string) []Candidate {
	var all []Candidate
	for _, v := range p.Candidates(in) {
		all = append(all, Candidate{spell(v), p.Help})
	}
	return all
}
