package suggest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClosest(t *testing.T) {
	words := []string{"lskeymgr", "lskeygrp", "lsrank"}
	require.Equal(t, "lskeymgr", Closest("lskeymrg", words), "swapped neighbours are one edit")
	require.Equal(t, "lsrank", Closest("LSRANK", words), "case does not count")
	require.Equal(t, "lskeymgr", Closest("lsk", words), "a beginning means the first that begins so")
	require.Empty(t, Closest("quit", words), "what is far from everything means nothing")
	require.Empty(t, Closest("", nil), "of nothing, nothing is near")
}
