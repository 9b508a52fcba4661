package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHistorySaysThatItIsCut(t *testing.T) {
	t.Parallel()
	const says = "# older commands are not here: the history keeps the last 200\n"
	s := newSite(t)
	b := s.browser(ownerToken)
	for range historyMost {
		s.server.lab.run("time now")
	}
	_, script := b.get("/history.txt")
	require.Equal(t, strings.Repeat("time now\n", historyMost), script, "all are there")
	s.server.lab.run("keygrp configure")
	_, script = b.get("/history.txt")
	require.Equal(t, says+strings.Repeat("time now\n", historyMost-1)+"keygrp configure\n", script)
	b.send("/rehearse", url.Values{"name": {"healthy-day"}})
	b.run("next")
	_, script = b.get("/history.txt")
	require.NotContains(t, script, says, "of the rehearsal all are there")
	b.run("quit")
	_, script = b.get("/history.txt")
	require.True(t, strings.HasPrefix(script, says), "the laboratory is as it was")
}

func TestTimeThatRunsCutsNoHistory(t *testing.T) {
	t.Parallel()
	l := newSite(t).server.lab
	for range historyMost - 1 {
		l.run("time now")
	}
	l.mu.Lock()
	l.tick(playTick)
	l.tick(playTick)
	l.mu.Unlock()
	st, _ := l.news()
	require.Len(t, st.History, historyMost)
	require.Equal(t, 2, st.History[0].Times)
	require.False(t, st.Older, "its steps are one line")
}
