package forensic

import (
	"fmt"
	"strings"
)

// Step is one step on the way to a key: a secret by name, or a place in the
// dump.
type Step struct {
	Name   string // "BandMaster0 credential generation 3, root key", "AK", "MEK", "bytes"
	Secret int    // which of the secrets given to Search the step needs, from 1; 0 for none of them
	Placed bool   // the step is a place in the dump, given by the next four
	Block  int
	Page   int
	Offset int // bytes from the start of the page
	Size   int // bytes: 40 and 72 for wraps, 64 and 32 for bare keys
}

func (s Step) String() string {
	if !s.Placed {
		return s.Name
	}
	return fmt.Sprintf("%s at block %d page %d offset %d", s.Name, s.Block, s.Page, s.Offset)
}

// Path is how a key was reached, first step first.
type Path []Step

func (p Path) String() string {
	s := make([]string, len(p))
	for i, step := range p {
		s[i] = step.String()
	}
	return strings.Join(s, " -> ")
}

// Finding is a key that was reached. Its place is the last step of its path.
type Finding struct {
	Path Path
	// Oracle is the name of the known plaintext that the key opens; empty if
	// the finding is a wrap that opened.
	Oracle string
	// Swapped: the key opens the oracle with its halves exchanged.
	Swapped bool
	// Weak: the path needs neither a PIN nor the root key: it starts at a
	// constant or at bytes of the dump itself, or does without the root key.
	// No drive may have such a wrap, whatever its state.
	Weak bool
	// Bits bounds the strength of a key that opens an oracle: at most 256, less
	// for one that is made of few different bytes. 0 for a wrap. That a key can be
	// guessed in another way does not show.
	Bits int
	// Who is the weakest adversary that gets there, of SearchAs; 0 of any other search.
	Who Adversary
}

// Last is the place where the key lies.
func (f Finding) Last() Step { return f.Path[len(f.Path)-1] }

func (f Finding) String() string {
	s := f.Path.String()
	if f.Swapped {
		s += " (halves swapped)"
	}
	if f.Oracle != "" {
		s += " opens " + f.Oracle
	}
	return s
}

// Findings is what a search found, in the order of the search.
type Findings struct {
	// Keys are the media encryption keys that open an oracle. After an erase
	// there must be none for an oracle from before.
	Keys []Finding
	// Wraps are all wraps that opened. Some always do: that is how a drive
	// keeps its own keys.
	Wraps []Finding
	// Secrets are places where the bytes of a secret lie themselves ([OwnBytes]).
	Secrets []Finding
	Tried   Tried
	// Left is what was not tried, of a search with Options.Also.
	Left []string
}

// Weak lists the wraps that opened without the secrets that should be needed.
func (f *Findings) Weak() []Finding {
	var weak []Finding
	for _, w := range f.Wraps {
		if w.Weak {
			weak = append(weak, w)
		}
	}
	return weak
}

// Tried counts the work of a search.
type Tried struct {
	Pages   int `json:"pages"`   // pages that are not blank
	Windows int `json:"windows"` // bare keys tried on each oracle
	Wraps   int `json:"wraps"`   // different places that could be a wrap
	KEKs    int `json:"keks"`    // key-encrypting keys derived
	Unwraps int `json:"unwraps"` // a KEK on a wrap
}

func (t Tried) String() string {
	return fmt.Sprintf("%d pages, %d key windows, %d possible wraps, %d KEKs, %d unwraps", t.Pages, t.Windows, t.Wraps, t.KEKs, t.Unwraps)
}
