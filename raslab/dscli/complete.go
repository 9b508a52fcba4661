package dscli

import (
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// Complete lists how the last word of text (what stands before the cursor) may go on:
// commands, parameters that are still missing, or values. It changes nothing.
func Complete(s *Session, text string) []Candidate {
	words, word := command.Unfinished(text, 0)
	if len(words) == 0 {
		var all []Candidate
		for _, c := range Commands() {
			all = append(all, Candidate{Text: c.Name, Help: c.Summary})
		}
		return command.Fitting(all, word)
	}
	c, err := lookup(words[0])
	if err != nil {
		return nil
	}
	return command.Fitting(candidates(&call{session: s, lab: s.options.Lab()}, c, words[1:]), word)
}

func candidates(in *call, c *Command, given []string) []Candidate {
	used := map[string]bool{}
	var open *Param // the parameter whose value comes next
	var bare []*Param
	for i := range c.Params {
		if p := &c.Params[i]; p.Bare {
			bare = append(bare, p)
		}
	}
	for _, w := range given {
		switch {
		case open != nil:
			open = nil
		case word{text: w}.parameter():
			if p, err := parameter(c, w[1:]); err == nil {
				used[p.Name] = true
				if !p.Flag {
					open = p
				}
			}
		case len(bare) > 0 && !bare[0].Repeat:
			bare = bare[1:]
		}
	}
	itself := func(value string) string { return value }
	if open != nil {
		return command.Values(open, in, itself)
	}
	var all []Candidate
	for _, p := range language.Named(c) {
		if !used[p.Name] {
			all = append(all, Candidate{Text: "-" + p.Name, Help: p.Help})
		}
	}
	if len(bare) > 0 {
		all = append(all, command.Values(bare[0], in, itself)...)
	}
	return all
}
