package console

import "github.com/seed-9d983aeb/fdelab/internal/suggest"

// Closest is the candidate that s most likely meant, in any case; empty when nothing is
// near.
func Closest(s string, candidates []string) string { return suggest.Closest(s, candidates) }

func closest(s string, candidates []string) string { return suggest.Closest(s, candidates) }

// didYouMean is the last clause of an error about an unknown word.
func didYouMean(s string, candidates []string) string { return suggest.DidYouMean(s, candidates) }
