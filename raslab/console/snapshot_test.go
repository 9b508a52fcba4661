package console

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A snapshot says what the facility says, and changes with it.
func TestSnapshot(t *testing.T) {
	s := NewSession(Options{Seed: 7})
	require.Empty(t, Snapshots(s))
	for _, line := range strings.Split(`lab new drives=16
keygrp configure; array create site=S1; rank create array=A0 keygrp=1
fault arm drive=R1-I1-D03 plan="(flash.erase.refused) (flash.zero.refused)"
rank remove rank=R0
repair start drive=R1-I1-D05
lab new drives=8 serial=75OTHER`, "\n") {
		require.NoError(t, s.Run(line, io.Discard))
	}
	all := Snapshots(s)
	require.Len(t, all, 2, "each facility of the session")
	one := all[0]
	require.Equal(t, "75NR641", one.Serial)
	require.Equal(t, []int{3, 0}, one.GroupStates)
	require.Equal(t, "repair of R1-I1-D05", one.ServiceAction)
	require.Len(t, one.Drives, 16)
	require.Equal(t, "SecurityDegraded", one.Drives[2].Keys)
	require.Equal(t, "Failed", one.Drives[2].State)
	require.Empty(t, one.Drives[4].Keys, "a drive without power has no word to say")
	require.Empty(t, one.Ranks)
	require.Len(t, one.Events, 1)
	require.Equal(t, "BE34009E", one.Events[0].SRC)
	require.Equal(t, []string{"R1-I1-D03"}, one.Events[0].Slots)
	require.True(t, one.Events[0].Open)
	require.Nil(t, one.Events[0].Closed)
	b, err := json.Marshal(all)
	require.NoError(t, err)
	require.NotContains(t, string(b), "null", "an empty list is a list")
}
