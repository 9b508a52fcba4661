package suggest

import "strings"

// tiedMax is how many candidates may be equally near. Where there are more, none is suggested.
const tiedMax = 4

// near lists the candidates that s most likely meant, in any case: those with the
// fewest edits, at most a third of the longer word (and always at least one edit is
// forgiven). A number is never near another: nothing says which digit is wrong.
func near(s string, candidates []string) []string {
	s = strings.ToLower(s)
	var best []string
	bestCost := -1
	for _, c := range candidates {
		lower := strings.ToLower(c)
		if number(s) || number(lower) {
			continue
		}
		cost := edits(s, lower)
		limit := max(1, max(len(s), len(lower))/3)
		if len(s) >= 2 && strings.HasPrefix(lower, s) {
			cost, limit = 1, 1
		}
		switch {
		case cost > limit || bestCost >= 0 && cost > bestCost:
		case cost == bestCost:
			best = append(best, c)
		default:
			best, bestCost = []string{c}, cost
		}
	}
	if len(best) > tiedMax {
		return nil
	}
	return best
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// DidYouMean is the last clause of an error about an unknown word: the closest
// candidate, those that are equally close, or all of them.
func DidYouMean(s string, candidates []string) string {
	if len(candidates) == 1 {
		return Guess(s, candidates, "only "+candidates[0]+" is right")
	}
	return Guess(s, candidates, "use "+or(candidates))
}

// Guess is DidYouMean where the candidates are too many to list: when none is near, it gives the
// text otherwise.
func Guess(s string, candidates []string, otherwise string) string {
	switch best := near(s, candidates); len(best) {
	case 0:
		return otherwise
	case 1:
		return "did you mean " + best[0] + "?"
	default:
		return "did you mean " + or(best) + "?"
	}
}

// or lists words as a sentence does.
func or(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// edits counts insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment).
func edits(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
