package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// TestManyReadOneFolder: who reads the campaign of a folder that nobody runs disturbs nobody else who does, and none of
// them takes another reader for a process that runs it.
func TestManyReadOneFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a.campaign")
	p := plan(t, "idle jobs=40\nlimit generation=16")
	_, err := Run(t.Context(), p, dir, 2, Options{})
	require.NoError(t, err)
	first, closeFirst, err := Reach(dir)
	require.NoError(t, err)
	reached, closed := make(chan struct{}, 3), make(chan struct{})
	read := func() error {
		nc, closeIt, err := Reach(dir)
		reached <- struct{}{}
		if err != nil {
			return err
		}
		defer func() { _ = closeIt() }()
		<-closed
		if runs, err := Runs(t.Context(), nc, p.ID()); err != nil || runs {
			return fmt.Errorf("it runs: %v, %w", runs, err)
		}
		s, err := Read(t.Context(), nc, p.ID())
		if err == nil && (s.Over != Done || s.Report.Merged != 40) {
			err = fmt.Errorf("%s, %d jobs", s.Over, s.Report.Merged)
		}
		return err
	}
	failed := make(chan error, 3)
	for range cap(failed) {
		go func() { failed <- read() }()
	}
	select {
	case <-reached: // by the server of the first
	case <-time.After(busyFor + time.Second):
	}
	_, err = Read(t.Context(), first, p.ID())
	require.NoError(t, err)
	require.NoError(t, closeFirst())
	close(closed)
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	require.NoFileExists(t, filepath.Join(dir, addressFile))
}

// TestWhoReadsWritesNothing: an empty folder, in which nothing has begun, stays empty.
func TestWhoReadsWritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _, err := Reach(dir)
	require.ErrorIs(t, err, ErrNone)
	require.NoError(t, Free(dir))
	_, err = NewFolder(dir).Read(t.Context())
	require.Contains(t, unread(t, err), "is empty: its campaign has not begun")
	all, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, all)
}

// TestAProcessEndsWhileItIsAsked: who asks the process that has a folder while that ends asks again.
func TestAProcessEndsWhileItIsAsked(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a.campaign")
	p := plan(t, "idle jobs=1")
	_, err := Run(t.Context(), p, dir, 1, Options{})
	require.NoError(t, err)
	runs := open(t, dir)
	asked := 0
	var state *State
	require.NoError(t, At(dir, func(nc *nats.Conn) (err error) {
		if asked++; asked == 1 {
			require.Nil(t, nc.Opts.InProcessServer, "it is the process's")
			require.NoError(t, runs.Close())
		}
		state, err = Read(t.Context(), nc, p.ID())
		return err
	}))
	require.Equal(t, 2, asked)
	require.Equal(t, Done, state.Over)
	require.ErrorIs(t, At(dir, func(*nats.Conn) error { return ErrNone }), ErrNone, "any other error is one")
}
