package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// Options say how a campaign is coordinated.
type Options struct {
	Replicas int                              // of the streams; 0 is 1, and 3 on a cluster
	Progress func(*State)                     // about once a second, and at the end; may be nil
	Note     func(format string, args ...any) // may be nil
	Tracer   trace.Tracer                     // of spans: see Traces; nil makes none
	// Programs is a sum over the programs that the plan names. A campaign that was begun with others is refused.
	Programs string
	// Send has programs that the plan names go to workers, by their sums, for those that run programs. Programs follows
	// from them then. Without it workers find programs where the plan says.
	Send bool

	begun func(id string) error // called once the state is stored, before the first job is put; may be nil
}

// ErrOther is wrapped by Coordinate where somebody else coordinates the campaign.
var ErrOther = errors.New("somebody else has the campaign")

// ErrAnother is wrapped by Run where the directory has the campaign of another plan, and by Coordinate where programs that
// the plan names are not those with which the campaign was begun.
var ErrAnother = errors.New("another campaign is there")

// Coordinate puts the jobs of a plan on a server and merges the results, from where the last coordinator was, until the
// campaign is over or ctx ends. The state is as it was stored last, with an error, too.
func Coordinate(ctx context.Context, nc *nats.Conn, p *campaign.Plan, o Options) (*State, error) {
	c := &coordinator{nc: nc, plan: p, o: o, pending: map[uint64]taken{}, refused: map[uint64]int{}, pleased: make(chan struct{}, 1), began: time.Now(), traces: coordinated{tracer: o.Tracer}}
	if c.o.Note == nil {
		c.o.Note = func(string, ...any) {}
	}
	if c.o.Replicas == 0 {
		if c.o.Replicas = 1; nc.ConnectedClusterName() != "" {
			c.o.Replicas = 3
		}
	}
	defer c.fallSilent()
	if o.Send && p.Programs() {
		var err error
		if c.files, err = filesOf(p); err != nil {
			return nil, err
		}
		c.o.Programs = c.files.sum(p)
	}
	if err := c.open(ctx); err != nil {
		return c.state, err
	}
	c.traces.begin(ctx, c.state, p.Limits.Generation)
	defer func() { c.traces.end(c.state) }()
	return c.state, c.run(ctx)
}

type coordinator struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	kv   jetstream.KeyValue
	jobs jetstream.Stream
	plan *campaign.Plan
	o    Options

	state    *State
	revision uint64 // of the state on the server
	results  jetstream.Consumer
	pending  map[uint64]taken // that came before their turn
	merged   []jetstream.Msg  // whose results are in the report, and not yet on the server
	refused  map[uint64]int   // results of no right form, by job

	traces   coordinated
	asked    *nats.Subscription // see answer
	pleased  chan struct{}      // has a value once somebody asked for the end
	began    time.Time          // this coordinator
	before   time.Duration
	progress time.Time // when the last result was merged
	rates    []sample

	files     *files    // nil: none is sent
	sent      time.Time // when it was seen last that they are on the server
	looked    time.Time // for workers that run programs
	delivered uint64    // jobs that such workers had by then
}

// taken is a result that waits for those before it.
type taken struct {
	result *campaign.Result
	msg    jetstream.Msg // nil of a result that the coordinator made
}

// sample is how far the campaign was.
type sample struct {
	at    time.Time
	units uint64
}

// openFor is how long all that is asked of the server at the beginning may take: on a busy disk each stream takes seconds.
const openFor = time.Minute

// open makes what is not there yet, and reads the state.
func (c *coordinator) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	if c.js, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(20*time.Second)); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	if c.jobs, err = c.js.CreateOrUpdateStream(ctx, jobsConfig(c.o.Replicas)); err == nil {
		_, err = c.js.CreateOrUpdateStream(ctx, resultsConfig(c.o.Replicas))
	}
	if err == nil {
		c.kv, err = c.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: stateBucket, Storage: jetstream.FileStorage, Replicas: c.o.Replicas})
	}
	if err == nil {
		_, err = c.js.CreateOrUpdateConsumer(ctx, jobsStream, consumerOf(workConsumer, jobSubjects))
	}
	if err == nil {
		_, err = c.js.CreateOrUpdateConsumer(ctx, jobsStream, consumerOf(programConsumer, programSubjects))
	}
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	if c.state.Over == Done || c.state.Over == TimeUp {
		c.o.Note("it was over before (%s), and nothing was run now", c.state.Over)
		return nil
	}
	if err := c.answer(); err != nil {
		return err
	}
	// Whoever coordinates it notices by this that he does so no more.
	if err := c.save(ctx); err != nil {
		return err
	}
	if err := c.begun(); err != nil {
		return err
	}
	id := c.state.ID
	if err := c.js.DeleteConsumer(ctx, resultsStream, "results-"+id); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("campaign: %w", err)
	}
	if c.results, err = c.js.CreateConsumer(ctx, resultsStream, resultsConsumer(id)); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// load reads the state, or makes that of a campaign that begins.
func (c *coordinator) load(ctx context.Context) error {
	id, version := c.plan.ID(), proptest.Version()
	e, err := c.kv.Get(ctx, id)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		if err := c.begunWithoutState(ctx); err != nil {
			return err
		}
		c.state = &State{
			ID: id, Plan: c.plan.String(), Version: version, Programs: c.o.Programs, Report: campaign.NewReport(), Wanted: map[uint64][][]string{},
			Begun: map[uint64][]string{}, Workers: map[string]*Worker{},
		}
		return nil
	case err != nil:
		return fmt.Errorf("campaign: %w", err)
	}
	if c.state, err = decodeState(e.Value()); err != nil {
		return err
	}
	if c.state.Version != version {
		return fmt.Errorf("campaign: it was begun by %w, %q, and this is %q", ErrVersion, c.state.Version, version)
	}
	if c.state.Programs != c.o.Programs {
		return fmt.Errorf("campaign: %w: it was begun with another program; the one that the plan names has changed", ErrAnother)
	}
	c.revision, c.before = e.Revision(), c.state.Took
	if c.state.Over == Stopped {
		c.state.Over = Running
	}
	return nil
}

// run goes on until the campaign is over.
func (c *coordinator) run(ctx context.Context) error {
	if c.state.Over != Running {
		return nil
	}
	begins := make(chan *nats.Msg, 256)
	sub, err := c.nc.ChanSubscribe(beginSubjects+"."+c.state.ID+".*", begins)
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	results, stop, err := c.listen()
	if err != nil {
		return err
	}
	defer stop()
	if err := c.sendFiles(ctx); err != nil {
		return err
	}
	if err := c.makeAll(ctx); err != nil {
		return err
	}
	if err := c.publishMissing(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	c.progress = time.Now()
	c.looked = c.progress
	for !c.done() {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.saveLast(ctx))
		case m := <-results:
			err = c.take(ctx, m)
		case m := <-begins:
			err = c.begins(ctx, m)
		case <-c.pleased:
			c.state.Over = Stopped
		case <-tick.C:
			err = c.tick(ctx)
		}
		if err != nil {
			return err
		}
		if c.state.Over != Running {
			return c.drain(ctx, results)
		}
	}
	c.state.Over = Done
	return c.end(ctx)
}

// lasting asks something of the server until it answers, however long it is gone.
func (c *coordinator) lasting(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		var refused *jetstream.APIError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || c.nc.IsClosed() || errors.As(err, &refused) && refused.Code < 500:
			return fmt.Errorf("campaign: %w", err)
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// listen has results come on a channel.
func (c *coordinator) listen() (<-chan jetstream.Msg, func(), error) {
	it, err := c.results.Messages(jetstream.PullMaxMessages(512))
	if err != nil {
		return nil, nil, fmt.Errorf("campaign: %w", err)
	}
	out, over := make(chan jetstream.Msg, 512), make(chan struct{})
	go func() {
		for {
			m, err := it.Next()
			if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return
			} else if err != nil {
				select { // the server is gone for a while
				case <-time.After(200 * time.Millisecond):
				case <-over:
					return
				}
				continue
			}
			select {
			case out <- m:
			case <-over:
				return
			}
		}
	}()
	return out, func() { close(over); it.Stop() }, nil
}

// done says whether all jobs are in the report.
func (c *coordinator) done() bool {
	all, known := c.plan.Jobs()
	return known && c.state.Report.Merged >= all
}

// job is job n, with the faults that were wanted when its generation was made.
func (c *coordinator) job(n uint64) (campaign.Job, bool) {
	return c.plan.Job(n, c.state.Wanted[n/c.plan.Limits.Generation])
}

// makeAll makes the generations that may be on their way now, without putting them there: generation g when
// generation g-2 is in the report, to the job. So what was wanted then is the same in every run.
func (c *coordinator) makeAll(ctx context.Context) error {
	size := c.plan.Limits.Generation
	made := false
	for c.state.Made < 2 || c.state.Report.Merged >= (c.state.Made-1)*size {
		if _, there := c.plan.Job(c.state.Made*size, nil); !there {
			break
		}
		c.state.Wanted[c.state.Made] = c.state.Report.Wanted()
		c.traces.made(c.state.Made)
		c.state.Made++
		made = true
	}
	for g := range c.state.Wanted {
		if (g+1)*size <= c.state.Report.Merged {
			delete(c.state.Wanted, g)
		}
	}
	if !made {
		return nil
	}
	return c.save(ctx)
}

// take takes a result that came.
func (c *coordinator) take(ctx context.Context, m jetstream.Msg) error {
	n, err := numberOf(m.Subject())
	_, there := c.pending[n]
	if err != nil || n < c.state.Report.Merged || n >= c.state.Made*c.plan.Limits.Generation || there {
		_ = m.Ack() // one that is in the report, or of a job that nobody was given
		return nil
	}
	j, is := c.job(n)
	if !is {
		_ = m.Ack()
		return nil
	}
	r, err := campaign.Decode(m.Data(), j)
	if err != nil {
		return c.refuse(ctx, j, m, err)
	}
	c.heard(m.Headers(), r)
	c.pending[n] = taken{r, m}
	return c.merge(ctx)
}

// refusedMax is how often a job is given out again because of what came back.
const refusedMax = 3

// refuse puts a job back whose result is of no right form.
func (c *coordinator) refuse(ctx context.Context, j campaign.Job, m jetstream.Msg, why error) error {
	c.o.Note("a result of worker %q is refused: %v", c.name(m.Headers()), why)
	_ = m.DoubleAck(ctx)
	if c.refused[j.Number]++; c.refused[j.Number] < refusedMax {
		return c.publish(ctx, []campaign.Job{j})
	}
	c.pending[j.Number] = taken{result: campaign.Aside(j, fmt.Sprintf("%d results came that no worker gives", refusedMax))}
	return c.merge(ctx)
}

// mergedMax is after how many results the report is stored.
const mergedMax = 256

// merge adds the results whose turn it is.
func (c *coordinator) merge(ctx context.Context) error {
	for {
		n := c.state.Report.Merged
		t, is := c.pending[n]
		if !is {
			return nil
		}
		delete(c.pending, n)
		delete(c.refused, n)
		delete(c.state.Begun, n)
		c.state.Report.Add(t.result, c.plan.Limits.Failures)
		c.progress = time.Now()
		if t.msg != nil {
			c.merged = append(c.merged, t.msg)
		}
		if size := c.plan.Limits.Generation; c.state.Report.Merged%size == 0 {
			c.traces.merged(n / size)
			was := c.state.Made
			if err := c.makeAll(ctx); err != nil {
				return err
			}
			if c.state.Over != Running {
				continue // it ends: whoever goes on puts them there
			}
			if err := c.publish(ctx, c.generation(was, c.state.Made)); err != nil {
				return err
			}
		}
		if len(c.merged) >= mergedMax {
			if err := c.save(ctx); err != nil {
				return err
			}
		}
	}
}

// generation lists the jobs of generations.
func (c *coordinator) generation(from, to uint64) (out []campaign.Job) {
	for n := from * c.plan.Limits.Generation; n < to*c.plan.Limits.Generation; n++ {
		j, there := c.job(n)
		if !there {
			break
		}
		out = append(out, j)
	}
	return out
}

// save stores the state, and acknowledges the results that are in it. Whoever stored one since is the coordinator now.
func (c *coordinator) save(ctx context.Context) error {
	c.state.Took = c.before + time.Since(c.began)
	c.state.Told, c.state.Pending = time.Now().UTC(), len(c.pending)
	b, err := c.state.encode()
	if err != nil {
		return err
	}
	defer c.traces.stores(len(c.merged))()
	for {
		var revision uint64
		if c.revision == 0 {
			revision, err = c.kv.Create(ctx, c.state.ID, b)
		} else {
			revision, err = c.kv.Update(ctx, c.state.ID, b, c.revision)
		}
		var api *jetstream.APIError
		switch {
		case err == nil:
			c.revision = revision
			for _, m := range c.merged {
				_ = m.Ack() // if it does not come, the result comes again, and is in the report
			}
			c.merged = c.merged[:0]
			return nil
		case errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
			if !c.stored(ctx, b) {
				return fmt.Errorf("campaign: %w: the state on the server is another's", ErrOther)
			}
			continue
		case ctx.Err() != nil || c.nc.IsClosed():
			return fmt.Errorf("campaign: the report is not stored: %w", err)
		}
		pause(ctx, 200*time.Millisecond) // the server is gone for a while
	}
}

// saveLast is save of a coordinator that is interrupted. A server that is gone is not waited for: it has the results that
// are not in its state, and whoever goes on merges them.
func (c *coordinator) saveLast(ctx context.Context) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerFor)
	defer cancel()
	err := c.save(within)
	if err != nil {
		c.o.Note("%v", err)
	}
	return err
}

// stored says whether what is on the server is what was to be stored: its answer was lost.
func (c *coordinator) stored(ctx context.Context, b []byte) bool {
	e, err := c.kv.Get(ctx, c.state.ID)
	if err != nil || !slices.Equal(e.Value(), b) {
		return false
	}
	c.revision = e.Revision()
	return true
}

// begins answers a worker that has a job which came before: see the doc of the package.
func (c *coordinator) begins(ctx context.Context, m *nats.Msg) error {
	n, err := numberOf(m.Subject)
	attempt := string(m.Data)
	j, is := c.job(n)
	_, there := c.pending[n]
	if err != nil || !is || there || len(attempt) > attemptMax || attempt != campaign.Clean(attempt, attemptMax) || n < c.state.Report.Merged || n >= c.state.Made*c.plan.Limits.Generation {
		_ = m.Respond([]byte(leave))
		return nil
	}
	if !slices.Contains(c.state.Begun[n], attempt) {
		if len(c.state.Begun[n]) >= begunMax {
			c.o.Note("job %d is set aside: it ended %d workers", n, begunMax+1)
			c.pending[n] = taken{result: campaign.Aside(j, fmt.Sprintf("%d workers began it, and none ended it: they died of it, or gave it up after %v", begunMax+1, c.plan.Limits.Job))}
			if err := c.merge(ctx); err != nil {
				return err
			}
			_ = m.Respond([]byte(leave))
			return nil
		}
		if len(c.state.Begun) < begunJobsMax || c.state.Begun[n] != nil {
			c.state.Begun[n] = append(c.state.Begun[n], attempt)
			if err := c.save(ctx); err != nil {
				return err
			}
		}
	}
	_ = m.Respond([]byte(begin)) // a worker that hears nothing asks again
	return nil
}

// begunMax is how many workers may begin a job alone: the first had it in company.
const begunMax = 2

// begunJobsMax is of how many jobs it is kept who began them alone, and attemptMax how long an attempt is, in bytes: a
// worker that invents them fills no state.
const (
	begunJobsMax = 500
	attemptMax   = 120
)

// heard counts what a worker did.
func (c *coordinator) heard(h nats.Header, r *campaign.Result) {
	name := c.name(h)
	w := c.state.Workers[name]
	if w == nil {
		if len(c.state.Workers) >= workersMax {
			return
		}
		w = &Worker{}
		c.state.Workers[name] = w
	}
	if took, err := strconv.ParseInt(h.Get(tookHeader), 10, 64); err == nil && took > 0 && took < int64(24*time.Hour) {
		w.Busy += time.Duration(took)
	}
	w.Jobs, w.Units, w.Last = w.Jobs+1, w.Units+r.Units, time.Now().UTC()
}

// name is that of a worker, as it is safe to print.
func (c *coordinator) name(h nats.Header) string { return campaign.Clean(h.Get(workerHeader), nameMax) }
