package src

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryCodeHasItsFRUs(t *testing.T) {
	for _, e := range All() {
		_, ok := frus[e.Code]
		require.True(t, ok, "%s has a list of FRUs, if an empty one", e.Code)
		list := FRUs(e.Code)
		require.Equal(t, e.Severity == Informational, len(list) == 0, "%s: only what is informational has nothing to replace", e.Code)
		if i := slices.Index(list, Procedure); i > 0 {
			t.Errorf("%s: the checks of the map come before any part", e.Code)
		}
	}
	require.Len(t, frus, len(All()), "and nothing else has one")
}

func TestWhichCodesCallHome(t *testing.T) {
	var silent []Code
	for _, e := range All() {
		if !e.CallsHome() {
			silent = append(silent, e.Code)
		}
	}
	require.Equal(t, []Code{BE14CFE1, BE14CFE5, BE14EAF1, BE14EAF3}, silent,
		"the informational ones, and those that announce a request for service after four hours")
}
