package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProgressWithoutATerminal: a run tells now and then how far it is, how fast, and how long it will take;
// a short one tells nothing.
func TestProgressWithoutATerminal(t *testing.T) {
	var said bytes.Buffer
	p := (&app{err: &said}).progress(0, "operations")
	now := p.began
	step := func(after time.Duration, n int) string {
		said.Reset()
		now = now.Add(after)
		p.of = 8
		p.tell(uint64(n), "rekey", now)
		return said.String()
	}
	require.Empty(t, step(tellEvery-time.Second, 1))
	require.Equal(t, "fdelab: 2 of 8 operations, 0.1 a second, 1m30s left: rekey\n", step(time.Second, 2))
	require.Empty(t, step(tellEvery-time.Second, 3), "not at once again")
	require.Equal(t, "fdelab: 4 of 8 operations, 0.1 a second, 1m0s left: rekey\n", step(time.Second, 4))

	p = (&app{err: &said}).progress(0, "properties")
	said.Reset()
	p.told = p.told.Add(-tellEvery)
	p.at(0, 63, "F01, 0 drives")
	require.Equal(t, "fdelab: 0 of 63 properties: F01, 0 drives\n", said.String())
	p.stop()

	p = (&app{err: &said}).progressUntil(100, "lifecycles", p.began.Add(time.Hour))
	said.Reset()
	p.tell(600, "", p.began.Add(time.Minute))
	require.Regexp(t, `^fdelab: 600 lifecycles, 10\.0 a second, 59m0s left\n$`, said.String())
}
