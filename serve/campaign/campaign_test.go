package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

func plan(t testing.TB, text string) *campaign.Plan {
	t.Helper()
	p, err := campaign.Parse(text)
	require.NoError(t, err)
	return p
}

func open(t testing.TB, dir string) *Server {
	t.Helper()
	s, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func connect(t testing.TB, s *Server) *nats.Conn {
	t.Helper()
	nc, err := s.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// worker is one that can be killed: its connection goes, and what it has is lost.
func startWorker(t testing.TB, s *Server, all *sync.WaitGroup, o WorkerOptions) (kill func()) {
	nc := connect(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() { _ = Work(ctx, nc, o) })
	return func() { nc.Close(); cancel() }
}

// report runs a plan with so many workers and says what came of it, in JSON. Each worker is killed in the middle of a
// job, and replaced, so many times. No job ends two of them, since one that ends three is set aside.
func report(t *testing.T, text string, workers int, deaths int, run func(*campaign.Job) (*campaign.Result, error)) string {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var began atomic.Int64
	var deadly sync.Map
	var killers sync.WaitGroup
	for n := range workers {
		killers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			for death := range deaths + 1 {
				left := int64(3 + rnd.IntN(4))
				dying, dead := make(chan struct{}), make(chan struct{})
				var own atomic.Int64
				kill := startWorker(t, s, &all, WorkerOptions{Name: "worker", Slots: 1, Run: func(j *campaign.Job) (*campaign.Result, error) {
					began.Add(1)
					if own.Add(1) >= left && death < deaths {
						if _, again := deadly.LoadOrStore(j.Number, true); !again {
							close(dying)
							<-dead
						}
					}
					return run(j)
				}})
				select {
				case <-dying:
				case <-ctx.Done():
				}
				kill()
				close(dead)
			}
		})
	}
	state, err := Coordinate(ctx, connect(t, s), plan(t, text), Options{Note: t.Logf})
	require.NoError(t, err)
	require.Equal(t, Done, state.Over)
	cancel()
	killers.Wait()
	all.Wait()
	if deaths > 0 {
		require.Greater(t, began.Load(), int64(state.Report.Merged), "some jobs were begun twice")
	}
	b, err := json.MarshalIndent(state.Report, "", " ")
	require.NoError(t, err)
	return string(b)
}

// TestReportIsOfThePlan: one worker, four, and four that are killed at random give the same report, byte for byte,
// steered jobs and failures included.
func TestReportIsOfThePlan(t *testing.T) {
	t.Parallel()
	const text = "drive lifecycles=480 each=6\nfacility lifecycles=2 each=1 steps=4\nmutants\nlimit generation=8"
	run := func(j *campaign.Job) (*campaign.Result, error) {
		r, err := j.Run()
		if j.Number%7 == 3 { // a finding of its own in some, and one that is the same in all of them
			r.Findings = append(r.Findings, campaign.Finding{Key: "k", Kind: "drive", Ending: "unsafe", Why: "w", Count: 1, Job: j.Number})
		}
		return r, err
	}
	one := report(t, text, 1, 0, run)
	require.Contains(t, one, `"count": 15`)
	require.Contains(t, one, `"faults power-`)
	require.Equal(t, one, report(t, text, 4, 0, run))
	deaths := 3
	if testing.Short() {
		deaths = 1
	}
	require.Equal(t, one, report(t, text, 4, deaths, run))
}

// TestAJobThatEndsItsWorkers is set aside after three, and all others are done.
func TestAJobThatEndsItsWorkers(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	dead := 0
	var begin func()
	begin = func() {
		var kill func()
		gone := make(chan struct{})
		kill = startWorker(t, s, &all, WorkerOptions{Name: "worker", Slots: 2, Run: func(j *campaign.Job) (*campaign.Result, error) {
			if j.Number == 5 {
				close(gone)
				select {} // the worker is dead: nothing of it goes on
			}
			return j.Run()
		}})
		all.Go(func() {
			select {
			case <-gone:
				kill()
				dead++
				begin()
			case <-ctx.Done():
				kill()
			}
		})
	}
	begin()
	state, err := Coordinate(ctx, connect(t, s), plan(t, "idle jobs=40\nlimit generation=16"), Options{})
	require.NoError(t, err)
	cancel()
	require.Equal(t, uint64(40), state.Report.Merged)
	require.Len(t, state.Report.Findings, 1)
	f := state.Report.Findings[0]
	require.Equal(t, campaign.SetAside, f.Ending)
	require.Equal(t, uint64(5), f.Job)
	require.Equal(t, uint64(39), state.Report.Endings[campaign.Passed])
	require.Equal(t, 3, dead)
}

// TestAJobThatDoesNotEnd is given up, also where there is one worker only.
func TestAJobThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	startWorker(t, s, &all, WorkerOptions{Name: "worker", Slots: 2, Run: func(j *campaign.Job) (*campaign.Result, error) {
		if j.Number == 2 {
			<-ctx.Done()
		}
		return j.Run()
	}})
	state, err := Coordinate(ctx, connect(t, s), plan(t, "idle jobs=9\nlimit job=5s"), Options{})
	require.NoError(t, err)
	require.Equal(t, uint64(1), state.Report.Endings[campaign.SetAside])
	require.Equal(t, uint64(8), state.Report.Endings[campaign.Passed])
}

// TestCoordinatorGoesOn: one that ends at any moment is followed by another, which counts nothing twice.
func TestCoordinatorGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var all sync.WaitGroup
	var may atomic.Uint64 // jobs that may be run, so that no machine is through before the last death
	startWorker(t, s, &all, WorkerOptions{Name: "worker", Slots: 4, Run: func(j *campaign.Job) (*campaign.Result, error) {
		for j.Number >= may.Load() && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		return j.Run()
	}})
	p := plan(t, "idle jobs=3000\nlimit generation=64")
	starts := 0
	for {
		starts++
		may.Store(500 * uint64(starts))
		ctx, cancel := context.WithCancel(t.Context())
		nc, err := s.Connect()
		require.NoError(t, err)
		if starts < 6 {
			go func() { // killed: it stores nothing more
				time.Sleep(time.Duration(50+20*starts) * time.Millisecond)
				nc.Close()
				cancel()
			}()
		}
		state, err := Coordinate(ctx, nc, p, Options{})
		cancel()
		nc.Close()
		if err != nil {
			continue
		}
		require.Equal(t, Done, state.Over)
		require.Equal(t, uint64(3000), state.Report.Units)
		require.Equal(t, uint64(3000), state.Report.Endings[campaign.Passed])
		break
	}
	require.Equal(t, 6, starts)
	again, err := Coordinate(t.Context(), connect(t, s), p, Options{})
	require.NoError(t, err)
	require.Equal(t, uint64(3000), again.Report.Units, "a campaign that is done is read")
}

// TestTwoCoordinators: the first notices that it is none any more.
func TestTwoCoordinators(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	p := plan(t, "idle jobs=100")
	first := make(chan error, 1)
	begun := make(chan struct{})
	var once sync.Once
	go func() {
		_, err := Coordinate(t.Context(), connect(t, s), p, Options{Progress: func(*State) { once.Do(func() { close(begun) }) }})
		first <- err
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _, _ = Coordinate(ctx, connect(t, s), p, Options{}) }()
	select {
	case err := <-first:
		require.ErrorIs(t, err, ErrOther)
	case <-time.After(time.Minute):
		t.Fatal("two coordinate one campaign")
	}
}

// TestStoppedAndOutOfTime: a stopped campaign goes on where it was; one whose time is up does not.
func TestStoppedAndOutOfTime(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var all sync.WaitGroup
	stopped := make(chan struct{})
	startWorker(t, s, &all, WorkerOptions{Name: "worker", Slots: 2, Run: func(j *campaign.Job) (*campaign.Result, error) {
		if j.Number >= 600 { // the last ones wait for the end
			<-stopped
		}
		return j.Run()
	}})
	nc := connect(t, s)
	p := plan(t, "idle jobs=1000")
	go func() {
		for {
			if st, err := Read(t.Context(), nc, p.ID()); err == nil && st.Report.Merged > 10 || t.Context().Err() != nil {
				_ = Stop(t.Context(), nc, p.ID())
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	state, err := Coordinate(t.Context(), nc, p, Options{})
	require.NoError(t, err)
	close(stopped)
	require.Equal(t, Stopped, state.Over)
	require.Less(t, state.Report.Merged, uint64(1000))
	state, err = Coordinate(t.Context(), nc, p, Options{})
	require.NoError(t, err)
	require.Equal(t, Done, state.Over)
	require.Equal(t, uint64(1000), state.Report.Endings[campaign.Passed])

	told := ""
	again, err := Coordinate(t.Context(), nc, p, Options{Note: func(format string, args ...any) { told = fmt.Sprintf(format, args...) }})
	require.NoError(t, err)
	require.Equal(t, state.Report, again.Report)
	require.Contains(t, told, "nothing was run now")
	_, err = Coordinate(t.Context(), nc, p, Options{Programs: "another"})
	require.ErrorIs(t, err, ErrAnother)

	state, err = Coordinate(t.Context(), nc, plan(t, "drive\nlimit for=1s"), Options{})
	require.NoError(t, err)
	require.Equal(t, TimeUp, state.Over)
	ids, err := List(t.Context(), nc)
	require.NoError(t, err)
	require.Len(t, ids, 2)
	_, err = Read(t.Context(), nc, "000000000000")
	require.ErrorIs(t, err, ErrNone)
}

// TestTimeUpBehindASlowJob: when time is up, what was found behind a job that has not ended is in the report.
func TestTimeUpBehindASlowJob(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	var all sync.WaitGroup
	nc := connect(t, s)
	all.Go(func() {
		_ = Work(ctx, nc, WorkerOptions{Name: "worker", Slots: 2, Run: func(j *campaign.Job) (*campaign.Result, error) {
			if j.Number == 0 {
				<-over
			}
			return j.Run()
		}})
	})
	began := time.Now()
	state, err := Coordinate(t.Context(), connect(t, s), plan(t, "idle jobs=5\nlimit for=15s"), Options{})
	require.NoError(t, err)
	require.Equal(t, TimeUp, state.Over)
	require.Equal(t, uint64(4), state.Report.Units)
	cancel() // the worker leaves the job that does not end
	all.Wait()
	require.Less(t, time.Since(began), time.Minute)
	close(over)
}

// TestServerThatCannotStart says why, at once.
func TestServerThatCannotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "streams"), nil, 0o600))
	_, err := Open(dir)
	require.ErrorContains(t, err, "does not come up: ")
	require.ErrorContains(t, err, "not a directory")
}

// TestPrograms: the sum follows from what is in the files of a program and of its arguments.
func TestPrograms(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "drive.py")
	require.NoError(t, os.WriteFile(file, []byte("1"), 0o600))
	sum := func(program string) string {
		out, err := programs(plan(t, "conform seeds=1 program="+strconv.Quote(program)))
		require.NoError(t, err)
		return out
	}
	was := sum("sh " + file)
	require.Equal(t, was, sum("sh "+file))
	require.NotEqual(t, was, sum("sh "+file+" --fast"))
	require.NoError(t, os.WriteFile(file, []byte("2"), 0o600))
	require.NotEqual(t, was, sum("sh "+file))
	none, err := programs(plan(t, "idle jobs=1"))
	require.NoError(t, err)
	require.Empty(t, none)
}

// TestResultsOfNobody: what is no result is refused and its job given out again; after three the job is set aside.
func TestResultsOfNobody(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	nc := connect(t, s)
	p := plan(t, "idle jobs=20")
	var all sync.WaitGroup
	liar := connect(t, s)
	sent := 0
	kill := startWorker(t, s, &all, WorkerOptions{Name: "\x1b[2Jevil", Slots: 1, Run: func(j *campaign.Job) (*campaign.Result, error) {
		if j.Number == 4 { // a result that no job gives, each time
			r, err := j.Run()
			r.Units++
			return r, err
		}
		if j.Number == 7 && sent == 0 { // somebody else is faster, once
			sent++
			_, _ = liar.Request(subject(resultSubjects, p.ID(), j.Number), []byte(`{"job":1e99}`), 5*time.Second)
		}
		return j.Run()
	}})
	defer kill()
	for _, n := range []uint64{21, 1 << 40} { // jobs that there are not
		require.NoError(t, liar.Publish(subject(resultSubjects, p.ID(), n), []byte("{}")))
	}
	state, err := Coordinate(t.Context(), nc, p, Options{})
	require.NoError(t, err)
	require.Equal(t, uint64(19), state.Report.Endings[campaign.Passed])
	require.Equal(t, uint64(4), state.Report.Findings[0].Job)
	for name := range state.Workers {
		require.NotContains(t, name, "\x1b")
	}
}

// TestStateFitsAMessage: whatever the findings hold.
func TestStateFitsAMessage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	r := campaign.NewReport()
	for range 200 {
		b := make([]byte, 16<<10)
		for i := range b {
			b[i] = byte(' ' + rnd.IntN(94))
		}
		r.Findings = append(r.Findings, campaign.Finding{Key: string(b[:50]), File: string(b)})
	}
	s := &State{ID: "0123456789ab", Report: r}
	b, err := s.encode()
	require.NoError(t, err)
	require.LessOrEqual(t, len(b), stateBytesMax)
	back, err := decodeState(b)
	require.NoError(t, err)
	require.Len(t, back.Report.Findings, 200)
	require.NotEmpty(t, back.Report.Findings[0].File)
	require.Empty(t, back.Report.Findings[199].File)
	_, err = decodeState([]byte("nonsense"))
	require.Error(t, err)
}

// TestJobsAreAsTheyWereMade: a coordinator that begins anew gives a job the faults that were wanted when its generation
// was made, whatever was met since.
func TestJobsAreAsTheyWereMade(t *testing.T) {
	wanted := campaign.NewReport().Wanted()
	c := &coordinator{plan: plan(t, "drive lifecycles=4000\nlimit generation=8"), state: &State{Report: campaign.NewReport(), Wanted: map[uint64][][]string{0: wanted, 1: wanted[7:9]}}}
	for _, n := range []uint64{3, 7, 11, 15} {
		before, _ := c.job(n)
		require.NotNil(t, before.Faults)
		c.state.Report.Coverage["faults "+before.Faults[0]+" and "+before.Faults[1]] = 1
		after, _ := c.job(n)
		require.Equal(t, before, after)
	}
	require.NotContains(t, c.state.Report.Wanted(), wanted[7])
}

// TestInventedBegins: a worker that asks about jobs under many names fills no state, and what it says in control
// characters is not kept.
func TestInventedBegins(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	nc := connect(t, s)
	p := plan(t, "idle jobs=5000\nlimit generation=5000")
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var once sync.Once
	over := make(chan *State, 1)
	go func() {
		state, _ := Coordinate(ctx, connect(t, s), p, Options{Progress: func(*State) { once.Do(func() { close(begun) }) }})
		over <- state
	}()
	<-begun
	answers := map[string]int{}
	for n := range uint64(begunJobsMax + 20) {
		m, err := nc.Request(subject(beginSubjects, p.ID(), n), []byte("me"), time.Minute)
		require.NoError(t, err)
		answers[string(m.Data)]++
	}
	m, err := nc.Request(subject(beginSubjects, p.ID(), 600), []byte("\x1b[2J"), time.Minute)
	require.NoError(t, err)
	require.Equal(t, leave, string(m.Data))
	cancel()
	state := <-over
	require.Equal(t, begunJobsMax+20, answers[begin])
	require.Len(t, state.Begun, begunJobsMax)
	b, err := state.encode()
	require.NoError(t, err)
	require.Less(t, len(b), stateBytesMax/4)
}
