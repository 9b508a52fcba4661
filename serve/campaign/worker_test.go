package campaign

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// TestNothingIsSaidWhereAServerCloses: what the client runs into at a server of our own is printed nowhere.
func TestNothingIsSaidWhereAServerCloses(t *testing.T) {
	s := open(t, t.TempDir())
	inside := connect(t, s)
	outside, closeIt, err := Reach(s.dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, closeIt()) }()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	require.NoError(t, err)
	was := os.Stderr
	os.Stderr = said
	defer func() { os.Stderr = was }()
	for _, nc := range []*nats.Conn{inside, outside} {
		if say := nc.ErrorHandler(); say != nil {
			say(nc, nil, os.ErrClosed)
		}
	}
	require.NoError(t, said.Close())
	b, err := os.ReadFile(said.Name())
	require.NoError(t, err)
	require.Empty(t, string(b))
}

// TestSlots: no more jobs at once than SlotsMax, and no more than the plan has.
func TestSlots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "campaign")
	_, err := Run(t.Context(), plan(t, "idle jobs=10"), dir, SlotsMax+1, Options{})
	require.ErrorIs(t, err, ErrSlots)
	require.NoDirExists(t, dir)
	require.ErrorIs(t, Work(t.Context(), nil, WorkerOptions{Slots: SlotsMax + 1}), ErrSlots)

	require.Equal(t, 10, slotsFor(plan(t, "idle jobs=10"), SlotsMax))
	require.Equal(t, 3, slotsFor(plan(t, "idle jobs=10"), 3))
	require.Equal(t, SlotsMax, slotsFor(plan(t, "drive\nlimit for=1s"), SlotsMax))
	require.Positive(t, slotsFor(plan(t, "idle jobs=10"), 0))
}

// TestAnInterruptIsBounded: many jobs that came again, and of which each is had alone, do not take their seconds one after
// the other when their worker ends.
func TestAnInterruptIsBounded(t *testing.T) {
	t.Parallel()
	const jobs = 20
	s := open(t, t.TempDir())
	p := plan(t, "idle jobs=20")
	coordinating, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	all.Go(func() { _, _ = Coordinate(coordinating, connect(t, s), p, Options{}) })

	var begun atomic.Int64
	never := make(chan struct{})
	defer close(never)
	run := func(j *campaign.Job) (*campaign.Result, error) {
		begun.Add(1)
		<-never
		return j.Run()
	}
	kill := startWorker(t, s, &all, WorkerOptions{Name: "dies", Slots: jobs, Run: run})
	require.Eventually(t, func() bool { return begun.Load() == jobs }, time.Minute, 10*time.Millisecond)
	kill()

	nc := connect(t, s)
	working, interrupt := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- Work(working, nc, WorkerOptions{Name: "has them again", Slots: jobs, Run: run}) }()
	require.Eventually(t, func() bool { return begun.Load() > jobs }, time.Minute, 10*time.Millisecond)
	consumer, err := streams(nc).Consumer(t.Context(), jobsStream, workConsumer)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // the rest waits to be had alone
		info, err := consumer.Info(t.Context())
		return err == nil && info.NumAckPending == jobs && info.NumRedelivered == jobs
	}, time.Minute, 10*time.Millisecond)
	interrupt()
	select {
	case err := <-over:
		require.NoError(t, err)
	case <-time.After(30 * time.Second): // one after the other would be a minute
		t.Fatal("the worker goes on")
	}
}

// TestAWorkerLeavesWhatDoesNotEnd: whatever it is in the middle of.
func TestAWorkerLeavesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var all sync.WaitGroup
	defer all.Wait()
	coordinating, end := context.WithCancel(t.Context())
	defer end()
	all.Go(func() {
		_, _ = Coordinate(coordinating, connect(t, s), plan(t, "idle jobs=1\nlimit job=1s"), Options{})
	})
	never, stuck := make(chan struct{}), make(chan struct{})
	defer close(never)
	working, interrupt := context.WithCancel(t.Context())
	over := make(chan error, 1)
	nc := connect(t, s)
	go func() {
		over <- Work(working, nc, WorkerOptions{
			Name: "worker", Slots: 1,
			Run: func(j *campaign.Job) (*campaign.Result, error) { <-never; return j.Run() },
			Note: func(string, ...any) { // that the job is given up
				close(stuck)
				<-never
			},
		})
	}()
	<-stuck
	interrupt()
	select {
	case err := <-over:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("the worker goes on")
	}
}

// TestACoordinatorThatIsInterruptedAtNoServer ends, though its state is not stored.
func TestACoordinatorThatIsInterruptedAtNoServer(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	nc := connect(t, s)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	began, over := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		_, err := Coordinate(ctx, nc, plan(t, "idle jobs=20"), Options{Progress: func(*State) { once.Do(func() { close(began) }) }})
		over <- err
	}()
	<-began
	require.NoError(t, s.Close())
	interrupt()
	select {
	case err := <-over:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("the coordinator goes on")
	}
}
