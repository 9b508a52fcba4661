package dscli

import (
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Candidate is one way to go on with a line.
type Candidate struct {
	Text string // the whole word to put in place of the one being typed
	Help string
}

// Complete lists how the last word of text (what stands before the cursor) may go on:
// commands, parameters that are still missing, or values. It changes nothing.
func Complete(s *Session, text string) []Candidate {
	words := strings.Fields(text)
	last := ""
	if len(words) > 0 && !strings.HasSuffix(text, " ") {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	var all []Candidate
	if len(words) == 0 {
		for _, c := range registered {
			all = append(all, Candidate{c.Name, c.Summary})
		}
	} else if c, err := lookup(words[0]); err == nil {
		all = c.candidates(s.options.Lab(), words[1:])
	}
	var fit []Candidate
	for _, c := range all {
		if len(c.Text) >= len(last) && strings.EqualFold(c.Text[:len(last)], last) {
			fit = append(fit, c)
		}
	}
	return fit
}

func (c *Command) candidates(lab *raslab.Lab, given []string) []Candidate {
	used := map[string]bool{}
	operands := 0
	var open *Param // the parameter whose value comes next
	for _, w := range given {
		switch {
		case open != nil:
			open = nil
		case len(w) > 1 && w[0] == '-':
			if p, err := c.parameter(w[1:]); err == nil {
				used[p.Name] = true
				if !p.Flag {
					open = p
				}
			}
		default:
			operands++
		}
	}
	if open != nil {
		return open.values(lab)
	}
	var all []Candidate
	for _, list := range [][]Param{c.Params, c.common()} {
		for i := range list {
			if p := &list[i]; !p.Operand && !used[p.Name] {
				all = append(all, Candidate{"-" + p.Name, p.Help})
			}
		}
	}
	if p := c.operand(operands); p != nil {
		all = append(all, p.values(lab)...)
	} else if p := c.operand(0); p != nil && p.Repeat {
		all = append(all, p.values(lab)...)
	}
	return all
}

func (p *Param) values(lab *raslab.Lab) []Candidate {
	texts := p.Values
	if texts == nil && p.Complete != nil && lab != nil {
		texts = p.Complete(lab)
	}
	out := make([]Candidate, len(texts))
	for i, t := range texts {
		out[i] = Candidate{t, p.Help}
	}
	return out
}
