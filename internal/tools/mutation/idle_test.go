package main

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestIdleIsWhoWaitsForNothing: a process that only waits is idle, with all that it started. One that
// works is not, nor is one whose child works.
func TestIdleIsWhoWaitsForNothing(t *testing.T) {
	for _, c := range []struct {
		name, script string
		idle         bool
	}{
		{"waits", "sleep 60", true},
		{"waits for a child that waits", "sleep 60 & wait", true},
		{"works", "while :; do :; done", false},
		{"waits for a child that works", "(while :; do :; done) & wait", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "sh", "-c", c.script)
			setGroup(cmd)
			require.NoError(t, cmd.Start())
			defer func() { cancel(); cmd.Wait() }()
			watch, end := ctx, func() {}
			if !c.idle { // then nothing happens, and a moment must be enough
				watch, end = context.WithTimeout(ctx, 2*time.Second)
			}
			defer end()
			stopped := false
			watchIdle(watch, cmd.Process.Pid, 500*time.Millisecond, func() { stopped = true })
			require.Equal(t, c.idle, stopped)
		})
	}
}

func TestNobodyIsNotIdle(t *testing.T) {
	_, _, ok := activity(-1)
	require.False(t, ok)
}
