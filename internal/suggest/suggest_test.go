package suggest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuess(t *testing.T) {
	words := []string{"lskeymgr", "lskeygrp", "lsrank"}
	for typed, want := range map[string]string{
		"lskeymrg": "did you mean lskeymgr?", // swapped neighbours are one edit
		"LSRNK":    "did you mean lsrank?",   // case does not count
		"lsk":      "did you mean lskeymgr or lskeygrp?",
		"quit":     "help lists them",
	} {
		require.Equal(t, want, Guess(typed, words, "help lists them"), typed)
	}
	require.Equal(t, "none", Guess("", nil, "none"), "of nothing, nothing is near")
	require.Equal(t, "none", Guess("d9", []string{"d1", "d2", "d3", "d4", "d5"}, "none"), "where many are as near, none is meant")
}

func TestWhatIsAsCloseIsNotGuessed(t *testing.T) {
	require.Equal(t, "did you mean on or off?", DidYouMean("of", []string{"on", "off"}))
	require.Equal(t, "only 5 is right", DidYouMean("6", []string{"5"}), "a number is not mistyped")
	require.Equal(t, "use 5 or 6", DidYouMean("x", []string{"5", "6"}))
}
