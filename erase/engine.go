package erase

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Options of an engine. Clock and Entropy must be given.
type Options struct {
	Clock   func() time.Time
	Entropy io.Reader // canaries: 32 bytes a job, drawn in the order of the jobs
	// Concurrency is how many drives are erased at once; 0 is 1, which is
	// deterministic.
	Concurrency int
	// Journal makes a run resumable; nil keeps none.
	Journal Journal
	// Signer signs a certificate for each drive that passes; nil makes none.
	Signer ed25519.PrivateKey
	// Tool is the name and version of the program, for certificates.
	Tool string
	// Statement holds the fields of certificates that only people know:
	// operator, organization, location, source, notes and so on.
	Statement Statement
	// Policy is by which an erase is accepted.
	Policy Policy
	// Progress, if not nil, is called at each step, by one goroutine at a time.
	Progress func(Progress)
	// Search says how deep to look. Iterations is set from each drive.
	Search forensic.Options
}

// Format prints no more than the tool: the signer is a secret that fmt would
// print as bytes.
func (o Options) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "erase options of %s", o.Tool) }

// Progress is one step of a run.
type Progress struct {
	Job    int // index into the jobs
	Serial string
	Step   string // "prove", "oracle", "search", "erase", "verify", "done"
	Done   int    // jobs finished
	Jobs   int
}

// Engine erases drives. It may be used for one run after the other.
type Engine struct {
	o  Options    // without the signer
	mu sync.Mutex // journal and progress
	// sign makes a certificate; nil makes none. The key is in a closure, which is
	// where fmt cannot look, whatever holds the engine.
	sign func(Statement) (*Certificate, error)
}

// New makes an engine, or says what is wrong with the options.
func New(o Options) (*Engine, error) {
	switch {
	case o.Clock == nil:
		return nil, errors.New("erase: no clock is given")
	case o.Entropy == nil:
		return nil, errors.New("erase: no source of entropy is given")
	case o.Concurrency < 0:
		return nil, fmt.Errorf("erase: concurrency %d, need 0 or more", o.Concurrency)
	}
	if o.Concurrency == 0 {
		o.Concurrency = 1
	}
	if o.Tool == "" {
		o.Tool = "fdelab"
	}
	if o.Signer != nil {
		trial := o.Statement
		trial.MediaSerial, trial.Method, trial.Technique, trial.Tool, trial.Date = "0", purge, cryptographicErase, o.Tool, "2026-01-01T00:00:00Z"
		trial.Verification.Result = verificationPassed
		trial.Validation = Validation{Outcome: Accepted, Reason: "0", Considered: "0", Basis: "0", By: o.Tool + o.Policy.By}
		if _, err := Sign(trial, o.Signer); err != nil {
			return nil, err
		}
	}
	e := &Engine{o: o}
	if key := o.Signer; key != nil {
		e.sign = func(s Statement) (*Certificate, error) { return Sign(s, key) }
		e.o.Signer = nil
	}
	return e, nil
}

// Run erases the jobs' drives and reports one result for each. A drive that fails is
// not an error. These are:
//
//   - a job that makes no sense, a journal that cannot be read or is of another drive,
//     or a source of entropy that fails: no drive was touched, and the report is empty;
//   - a journal that fails later, or ctx that ended: the report says what was done until
//     then. ctx is looked at between drives, never within one.
func (e *Engine) Run(ctx context.Context, jobs []Job) (Report, error) {
	if err := checkJobs(jobs); err != nil {
		return Report{}, err
	}
	runs, err := e.prepare(jobs)
	if err != nil {
		return Report{}, err
	}
	stop := e.work(ctx, runs)
	report := Report{Results: make([]Result, len(runs))}
	for i, r := range runs {
		report.Results[i] = r.res
	}
	if stop != nil {
		return report, fmt.Errorf("erase: run stopped: %w", stop)
	}
	return report, nil
}

// prepare makes a run of each job, with what the journal remembers of its drive.
func (e *Engine) prepare(jobs []Job) ([]*run, error) {
	past, err := e.past()
	if err != nil {
		return nil, err
	}
	runs := make([]*run, len(jobs))
	for i := range jobs {
		cfg := jobs[i].Target.Config()
		r := &run{e: e, n: i, jobs: len(jobs), job: &jobs[i], t: jobs[i].Target, cfg: cfg, oldLocks: map[int]drive.ResetSet{}, strength: unreached}
		r.res = Result{
			Serial: jobs[i].Target.Serial(), Model: cfg.Model, Method: jobs[i].Method, Range: jobs[i].Range,
			Outcome: NotStarted, Checks: []Check{},
		}
		if err := r.remember(past); err != nil {
			return nil, fmt.Errorf("erase: journal: %w", err)
		}
		if _, err := io.ReadFull(e.o.Entropy, r.canary[:]); err != nil {
			return nil, fmt.Errorf("erase: draw canary: %w", err)
		}
		runs[i] = r
	}
	return runs, nil
}

// past is what the journal holds.
func (e *Engine) past() ([]Entry, error) {
	if e.o.Journal == nil {
		return nil, nil
	}
	past, err := e.o.Journal.Entries()
	if err != nil {
		return nil, fmt.Errorf("erase: read journal: %w", err)
	}
	for i := range past {
		if err := past[i].check(); err != nil {
			return nil, fmt.Errorf("erase: journal: entry %d: %w", i+1, err)
		}
	}
	return past, nil
}

// work does the runs, Concurrency of them at once, and ends with the first error: that of ctx,
// or of the journal.
func (e *Engine) work(ctx context.Context, runs []*run) error {
	var stop error // under e.mu, as are the counts
	next, done := 0, 0
	work := func() {
		for {
			e.mu.Lock()
			if stop == nil {
				stop = ctx.Err()
			}
			if stop != nil || next == len(runs) {
				e.mu.Unlock()
				return
			}
			r := runs[next]
			next++
			e.mu.Unlock()
			err := r.do()
			e.mu.Lock()
			done++
			if err != nil && stop == nil {
				stop = err
			}
			if e.o.Progress != nil {
				e.o.Progress(Progress{Job: r.n, Serial: r.res.Serial, Step: "done", Done: done, Jobs: len(runs)})
			}
			e.mu.Unlock()
		}
	}
	if e.o.Concurrency == 1 {
		work()
	} else {
		var wg sync.WaitGroup
		for range min(e.o.Concurrency, len(runs)) {
			wg.Go(work)
		}
		wg.Wait()
	}
	return stop
}

// checkJobs refuses jobs that make no sense, before anything is touched.
func checkJobs(jobs []Job) error {
	if len(jobs) == 0 {
		return errors.New("erase: no jobs: a run without a drive proves nothing")
	}
	first := map[string]int{}
	for i := range jobs {
		j := &jobs[i]
		if j.Target == nil {
			return fmt.Errorf("erase: job %d has no drive", i)
		}
		serial := j.Target.Serial()
		if n, ok := first[serial]; ok {
			return fmt.Errorf("erase: job %d: drive %s is already in job %d", i, serial, n)
		}
		first[serial] = i
		ranges := j.Target.Config().Ranges
		switch j.Method {
		case RangeErase:
			if j.Range < 0 || j.Range > ranges {
				return fmt.Errorf("erase: job %d: drive %s has no range %d, the last is %d", i, serial, j.Range, ranges)
			}
		case DriveErase:
		case PSIDRevert:
			if j.PSID.Len() == 0 {
				return fmt.Errorf("erase: job %d: drive %s: a PSID revert needs the PSID", i, serial)
			}
		default:
			return fmt.Errorf("erase: job %d: drive %s: method %q, need %q, %q or %q", i, serial, j.Method, RangeErase, DriveErase, PSIDRevert)
		}
		seen := map[int]bool{}
		for _, c := range j.Owner {
			if c.Range < 0 || c.Range > ranges || seen[c.Range] || c.PIN.Len() == 0 {
				return fmt.Errorf("erase: job %d: drive %s: need at most one credential for each range from 0 to %d, got another for range %d, or an empty one", i, serial, ranges, c.Range)
			}
			seen[c.Range] = true
		}
	}
	return nil
}
