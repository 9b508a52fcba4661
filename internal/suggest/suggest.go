package suggest

import "strings"

// Closest is the candidate that s most likely meant, in any case: the one with the
// fewest edits, at most a third of the longer word (and always at least one edit is
// forgiven). It is empty when nothing is near.
func Closest(s string, candidates []string) string {
	s = strings.ToLower(s)
	best, bestCost := "", -1
	for _, c := range candidates {
		lower := strings.ToLower(c)
		cost := edits(s, lower)
		limit := max(1, max(len(s), len(lower))/3)
		if len(s) >= 2 && strings.HasPrefix(lower, s) {
			cost, limit = 1, 1
		}
		if cost <= limit && (bestCost < 0 || cost < bestCost) {
			best, bestCost = c, cost
		}
	}
	return best
}

// DidYouMean is the last clause of an error about an unknown word: the closest
// candidate, or all of them.
func DidYouMean(s string, candidates []string) string {
	if c := Closest(s, candidates); c != "" {
		return "did you mean " + c + "?"
	}
	return "one of " + strings.Join(candidates, ", ")
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
