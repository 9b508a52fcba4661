package campaign

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// unread is why a place was not read.
func unread(t *testing.T, err error) string {
	t.Helper()
	var u *Unread
	require.ErrorAs(t, err, &u)
	return u.Why
}

// TestFolderIsNobodysBetweenReadings: a folder that is looked at each moment is read while its campaign runs, and does
// not hinder the process that begins it. While nothing happens it is not opened again.
func TestFolderIsNobodysBetweenReadings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a.campaign")
	f := NewFolder(dir)
	_, err := f.Read(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Contains(t, unread(t, err), "has not begun")

	p := plan(t, "idle jobs=4000\nlimit generation=16") // more than a second, after which it waits until it was seen
	ctx, cancel := context.WithCancel(t.Context())
	run := make(chan error, 1)
	merged := make(chan uint64, 1)
	seen := make(chan struct{})
	go func() {
		s, err := Run(ctx, p, dir, 1, Options{Progress: func(*State) {
			select {
			case <-seen:
			case <-ctx.Done():
			}
		}})
		merged <- s.Report.Merged
		run <- err
	}()
	var last *Standing
	ran := false
	for last == nil || last.Over == Running {
		require.NoError(t, ctx.Err())
		if all, err := f.Read(ctx); err == nil && len(all) == 1 {
			require.True(t, last == nil || last.Report.Merged <= all[0].Report.Merged)
			last = all[0]
			if !ran && last.Words() == "runs" {
				ran = true
				close(seen)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	require.NoError(t, <-run)
	cancel()
	require.Equal(t, Done, last.Over)
	require.Equal(t, <-merged, last.Report.Merged)
	require.True(t, ran, "it was seen to run")

	all, err := f.Read(t.Context())
	require.NoError(t, err)
	again, err := f.Read(t.Context())
	require.NoError(t, err)
	require.Same(t, all[0], again[0], "nobody had the folder, and it was not opened")
	require.NoFileExists(t, filepath.Join(dir, addressFile))

	s, err := Open(dir) // somebody has it, and died
	require.NoError(t, err)
	held, err := f.Read(t.Context())
	require.NoError(t, err)
	require.NotSame(t, all[0], held[0], "somebody has the folder, and is asked")
	require.NoError(t, s.Close())
	again, err = f.Read(t.Context())
	require.NoError(t, err)
	require.NotSame(t, held[0], again[0], "somebody had it")
	require.NoError(t, os.RemoveAll(dir))
	_, err = f.Read(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestElsewhereComesBack: a server that is not there, goes and comes back; a state of no form; a campaign that is over
// is not asked for again. What is said of it has no secret.
func TestElsewhereComesBack(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	e := NewElsewhere(Outside{URL: "nats://me:sesame@127.0.0.1:" + port})
	t.Cleanup(e.Close)
	_, err := e.Read(t.Context())
	require.Equal(t, "the server at nats://127.0.0.1:"+port+" does not answer", unread(t, err))
	require.NotContains(t, err.Error(), "sesame")

	dir := t.TempDir()
	serves := begins(t, "server", port, dir)
	require.Equal(t, "ready", serves.says(t, "ready"))
	all, err := e.Read(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	nc, err := nats.Connect("nats://127.0.0.1:" + port)
	require.NoError(t, err)
	defer nc.Close()
	p := plan(t, "idle jobs=3")
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- Work(ctx, nc, WorkerOptions{Name: "w", Slots: 1}) }()
	_, err = Coordinate(t.Context(), nc, p, Options{})
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-over)
	kv, err := streams(nc).KeyValue(t.Context(), stateBucket)
	require.NoError(t, err)
	_, err = kv.PutString(t.Context(), "0123456789ab", "no state")
	require.NoError(t, err)
	all, err = e.Read(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Nil(t, all[0].Report)
	require.Equal(t, p.ID(), all[1].ID)
	again, err := e.Read(t.Context())
	require.NoError(t, err)
	require.Same(t, all[1], again[1], "it is over, and was not read again")
	some := NewElsewhere(Outside{URL: "nats://127.0.0.1:" + port}, p.ID(), "000000000000")
	t.Cleanup(some.Close)
	all, err = some.Read(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)

	serves.kill()
	require.Eventually(t, func() bool { _, err = e.Read(t.Context()); return err != nil }, time.Minute, 50*time.Millisecond)
	require.Contains(t, unread(t, err), "does not answer")
	serves = begins(t, "server", port, dir)
	require.Equal(t, "ready", serves.says(t, "ready"))
	require.Eventually(t, func() bool { all, err = e.Read(t.Context()); return err == nil }, time.Minute, 50*time.Millisecond)
	require.Len(t, all, 2)
}

// TestStrangerIsNotLetIn: the words for who has no right say nothing of what was asked.
func TestStrangerIsNotLetIn(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	e := NewElsewhere(Outside{URL: "nats://sesame@" + s.URL()[len("nats://")+len(s.token)+1:]})
	_, err := e.Read(t.Context())
	require.Contains(t, unread(t, err), "does not let this user in")
	require.NotContains(t, unread(t, err)+err.Error(), "sesame")
	e = NewElsewhere(Outside{URL: "nats://127.0.0.1:1", NKey: "/nowhere"})
	_, err = e.Read(t.Context())
	require.Contains(t, unread(t, err), "fdelab web has said why")
	require.True(t, errors.Is(err, fs.ErrNotExist), "%v", err)
}

// TestLeft: how long it takes, by the rate or by the time that the plan gives.
func TestLeft(t *testing.T) {
	for _, c := range []struct {
		plan  string
		state State
		want  time.Duration
		known bool
	}{
		{"idle jobs=100", State{Rate: 2, Report: &campaign.Report{Units: 20}}, 40 * time.Second, true},
		{"idle jobs=100", State{Rate: 0, Report: &campaign.Report{Units: 20}}, 0, false},
		{"idle jobs=100", State{Rate: 2, Report: &campaign.Report{Units: 20}, Over: Stopped}, 0, false},
		{"idle jobs=100", State{Rate: 2, Report: &campaign.Report{Units: 1000}}, 0, true},
		{"idle jobs=100", State{Rate: 1e-30, Report: &campaign.Report{}}, leftMax, true},
		{"idle jobs=100\nlimit for=30s", State{Rate: 2, Took: 10 * time.Second, Report: &campaign.Report{Units: 20}}, 20 * time.Second, true},
		{"drive\nlimit for=30s", State{Took: 10 * time.Second, Report: &campaign.Report{Units: 20}}, 20 * time.Second, true},
	} {
		left, known := c.state.Left(plan(t, c.plan))
		require.Equal(t, c.want, left, c.plan)
		require.Equal(t, c.known, known, c.plan)
	}
	for want, s := range map[string]Standing{
		"runs": {&State{}, true, false}, "ends": {&State{Over: Done}, true, false}, "does not run": {&State{}, false, false},
		"done": {&State{Over: Done}, false, false}, "does not answer": {&State{}, false, true},
	} {
		require.Equal(t, want, s.Words())
	}
}
