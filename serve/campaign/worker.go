package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// WorkerOptions say how a worker works.
type WorkerOptions struct {
	Name     string // of the machine or process; every attempt of it is under this name
	Slots    int    // jobs at once, SlotsMax or fewer; 0 is one
	Programs Programs
	Memory   uint64 // bytes that a process of a program may have; with SentPrograms
	// Run has a job; nil is campaign.Job.Run.
	Run  func(*campaign.Job) (*campaign.Result, error)
	Note func(format string, args ...any) // may be nil
	// Tracer is of spans: see Traces; nil makes none.
	Tracer trace.Tracer
}

// SlotsMax is how many jobs a worker may have at once. Each asks the server by itself, and ends with the worker: more of
// them would end no more jobs, and take gigabytes.
const SlotsMax = 1024

// ErrSlots is wrapped by Work and Run where more jobs at once are asked for.
var ErrSlots = errors.New("too many jobs at once")

// Programs says which programs jobs run.
type Programs int

// None is for workers of anybody's server: what came over a network starts nothing. A job of a program that comes to such
// a worker all the same is a finding, that it was not run.
const (
	NoPrograms   Programs = iota
	OwnPrograms           // those of this machine that the plan names
	SentPrograms          // those that the coordinator has put on the server, with limits
)

// ErrVersion is wrapped by Work where a job is of another version of fdelab.
var ErrVersion = errors.New("another version of fdelab")

// Work fetches jobs and puts results until ctx ends; jobs that it has begun it ends, if they take no longer than three
// seconds. The server has five more to take their results, and what is not done then is left: another worker has it again. The error wraps ErrSlots, ErrVersion, ErrRights or ErrLimits, is
// of the file system, or is nil.
func Work(ctx context.Context, nc *nats.Conn, o WorkerOptions) (err error) {
	if err := checkSlots(o.Slots); err != nil {
		return err
	}
	if o.Run == nil {
		o.Run = (*campaign.Job).Run
		if o.Programs != OwnPrograms {
			o.Run = withoutPrograms
		}
	}
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	o.Name = campaign.Clean(o.Name, nameMax)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	last, endLast := outlive(ctx, grace+answerFor)
	defer endLast()
	w := &worker{nc: nc, o: o, last: last, given: map[string]int{}, own: o.Name + "/" + nats.NewInbox()[len("_INBOX."):], pulls: []string{workConsumer}}
	if o.Programs == SentPrograms {
		if w.sent, err = newSent(nc, o.Memory, o.Note); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.sent.close()) }()
		w.pulls = []string{programConsumer, workConsumer}
		defer watchRights(nc, cancel)()
	}
	var all sync.WaitGroup
	for range max(1, o.Slots) {
		all.Go(func() {
			if err := w.slot(ctx); err != nil {
				cancel(err)
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	if w.sent != nil {
		<-over // a program ends within killFor, and before its folder is removed
	} else {
		select {
		case <-over:
		case <-last.Done(): // jobs that do not end take the processors from those that would
		}
	}
	if err := context.Cause(ctx); errors.Is(err, ErrVersion) || errors.Is(err, ErrRights) {
		return err
	}
	return nil
}

func checkSlots(n int) error {
	if n > SlotsMax {
		return fmt.Errorf("campaign: %w: %d, want %d or fewer", ErrSlots, n, SlotsMax)
	}
	return nil
}

// outlive is a context that ends so long after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	last, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-last.Done():
		case <-time.After(d):
			end()
		}
	})
	return last, func() { stop(); end() }
}

// withoutPrograms has a job that runs no program: what came over a network starts nothing on this machine.
func withoutPrograms(j *campaign.Job) (*campaign.Result, error) {
	if j.Command() != nil {
		return campaign.Unrun(*j, "the worker runs no programs"), nil
	}
	return j.Run()
}

// nameMax is how long the name of a worker is, in bytes.
const nameMax = 60

type worker struct {
	nc  *nats.Conn
	o   WorkerOptions
	own string // this run of the worker

	last context.Context // of what is still said when the worker ends, by all its jobs together

	pulls []string // the consumers that it asks for jobs
	sent  *sent    // nil: it runs no programs of others

	// alone is held by a job that may have ended a worker, and shared by all others: what ends the process with it
	// is then no other.
	alone sync.RWMutex
	lock  sync.Mutex
	given map[string]int // jobs that were given up, by subject
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// have has the job of a message.
func (w *worker) have(ctx context.Context, m *nats.Msg) error {
	var t ticket
	meta, err := m.Metadata()
	if err == nil {
		err = json.Unmarshal(m.Data, &t)
	}
	if err != nil || !plainID.MatchString(t.Campaign) {
		w.o.Note("a message that is no job: %v", err)
		_ = m.Term() // it stays none
		return nil
	}
	if own := proptest.Version(); t.Version != own {
		_ = m.Nak() // for another worker
		return fmt.Errorf("campaign: %w: the jobs are of %q, and this worker is %q", ErrVersion, t.Version, own)
	}
	ended := make(chan struct{})
	defer close(ended)
	go w.sign(m, ended)
	if meta.NumDelivered > 1 {
		w.alone.Lock()
		defer w.alone.Unlock()
		if ctx.Err() != nil { // it waited for others, and is not begun
			_ = m.Nak() // for another worker
			return nil
		}
		if !w.mayBegin(ctx, t, m) {
			return nil
		}
	} else {
		w.alone.RLock()
		defer w.alone.RUnlock()
	}
	began := time.Now()
	span := w.jobSpan(ctx, m, &t, meta.NumDelivered)
	r, ok := w.run(ctx, t)
	span(r)
	if !ok && ctx.Err() != nil {
		_ = m.Nak() // for another worker
		return nil
	}
	if ok && r == nil {
		_ = m.NakWithDelay(notNow)
		return nil
	}
	if !ok {
		w.lock.Lock()
		w.given[m.Subject]++
		w.lock.Unlock()
		w.o.Note("job %d of campaign %s did not end in %v: given up", t.Job.Number, t.Campaign, t.Limit)
		_ = m.Nak()
		return nil
	}
	if w.put(ctx, t, r, time.Since(began)) {
		w.acknowledge(ctx, m)
	}
	return nil
}

// sign tells the server that the job is being had, until it is over.
func (w *worker) sign(m *nats.Msg, over <-chan struct{}) {
	tick := time.NewTicker(ackWait / 4)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			_ = m.InProgress() // the next one may reach it
		}
	}
}

// request has an answer to a message, however long the server is gone; false if ctx ended before.
func (w *worker) request(ctx context.Context, m *nats.Msg) ([]byte, bool) {
	for {
		// What was begun is ended, also after ctx: for a while.
		within, cancel := context.WithTimeout(w.last, answerFor)
		answer, err := w.nc.RequestMsgWithContext(within, m)
		cancel()
		switch {
		case err == nil:
			return answer.Data, true
		case ctx.Err() != nil || w.nc.IsClosed():
			return nil, false
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// mayBegin asks the coordinator about a job that came before.
func (w *worker) mayBegin(ctx context.Context, t ticket, m *nats.Msg) bool {
	w.lock.Lock()
	attempt := fmt.Sprintf("%s/%d", w.own, w.given[m.Subject])
	w.lock.Unlock()
	answer, ok := w.request(ctx, &nats.Msg{Subject: subject(beginSubjects, t.Campaign, t.Job.Number), Data: []byte(attempt)})
	switch {
	case !ok:
		return false
	case string(answer) == begin:
		return true
	}
	w.acknowledge(ctx, m)
	return false
}

// The answers of a coordinator to a worker that asks whether it may begin.
const (
	begin = "begin"
	leave = "leave" // it is set aside, or done
)

// grace is what a job may still take when its worker ends.
const grace = 3 * time.Second

// answerFor is how long a server may take for an answer.
const answerFor = 5 * time.Second

// notNow is when a job comes again whose program was not on the server.
const notNow = 5 * time.Second

// run has the job in the time that it may take; the result is nil where it cannot be begun now. Of what does not end a
// program is killed, and anything else left behind.
func (w *worker) run(ctx context.Context, t ticket) (*campaign.Result, bool) {
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	program := w.sent != nil && t.Job.Command() != nil
	done := make(chan *campaign.Result, 1)
	go func() {
		if program {
			done <- w.sent.run(own, &t)
			return
		}
		r, err := w.o.Run(&t.Job)
		if err != nil {
			r = campaign.Aside(t.Job, err.Error())
		}
		done <- r
	}()
	limit := time.NewTimer(t.Limit)
	defer limit.Stop()
	select {
	case r := <-done:
		return r, true
	case <-limit.C:
	case <-ctx.Done():
		select {
		case r := <-done:
			return r, true
		case <-time.After(grace):
		}
	}
	if end(); program {
		select { // it ends now, and its folder is removed
		case <-done:
		case <-time.After(killFor):
		}
	}
	return nil, false
}

// killFor is how long a job may still take whose program was killed.
const killFor = 20 * time.Second

// put stores a result. One that is there already is as good.
func (w *worker) put(ctx context.Context, t ticket, r *campaign.Result, took time.Duration) bool {
	b, err := r.Encode()
	if err != nil || len(b) > campaign.ResultBytesMax {
		b, _ = campaign.Aside(t.Job, "its result is too long").Encode() // a value of ours has JSON
	}
	m := &nats.Msg{
		Subject: subject(resultSubjects, t.Campaign, t.Job.Number), Data: b,
		Header: nats.Header{workerHeader: []string{w.o.Name}, tookHeader: []string{strconv.FormatInt(took.Nanoseconds(), 10)}},
	}
	for {
		answer, ok := w.request(ctx, m)
		if !ok {
			return false
		}
		var ack struct {
			Error *struct {
				Code        int    `json:"err_code"`
				Description string `json:"description"`
			} `json:"error"`
		}
		if err := json.Unmarshal(answer, &ack); err != nil {
			w.o.Note("the server answers a result with %q", answer)
		} else if ack.Error == nil || ack.Error.Description == perSubject {
			return true
		} else {
			w.o.Note("the server does not take a result yet: %s", ack.Error.Description)
		}
		if pause(ctx, time.Second); ctx.Err() != nil {
			return false
		}
	}
}

// perSubject is how a server refuses a message where there is one with its subject.
const perSubject = "maximum messages per subject exceeded"

// acknowledge has the server say that the job is off its stream. If it does not, the job comes once more, and
// its result is there.
func (w *worker) acknowledge(ctx context.Context, m *nats.Msg) {
	w.request(ctx, &nats.Msg{Subject: m.Reply, Data: []byte("+ACK")})
}
