package web

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

// TestRehearsalLeavesAKeptLabAsItIs: a lab that is kept has the commands of the laboratory, and none of a rehearsal, whose
// facility would take the place of its own.
func TestRehearsalLeavesAKeptLabAsItIs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mine")
	kept, err := labfile.Create(dir, labfile.Options{Release: "test"})
	require.NoError(t, err)
	s, err := New(Options{Session: kept.Session(), DSCLI: kept.DSCLI, Listen: "127.0.0.1:1", Token: ownerToken})
	require.NoError(t, err)
	s.lab.run("lab new drives=16 seed=7; keygrp configure; time advance by=2h")
	entries, trace := len(kept.Entries()), kept.Session().Lab().TraceText()
	s.lab.begin("be3400a3-foreign-drive", mustRehearsal(t, "be3400a3-foreign-drive"))
	for st, _ := s.lab.news(); !st.Story.Ended; st, _ = s.lab.news() {
		s.lab.run("next")
	}
	require.Len(t, kept.Entries(), entries, "no command of the rehearsal is in the journal")
	s.lab.run("quit")
	s.lab.run("time advance by=1h")
	s.Close()
	require.NoError(t, kept.Close())
	again, err := labfile.Open(dir, labfile.Options{Release: "test"})
	require.NoError(t, err, "the lab plays as it did")
	defer again.Close()
	require.Len(t, again.Entries(), entries+1)
	require.Contains(t, again.Session().Lab().TraceText(), trace)
}
