package erase

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
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

// Run erases the jobs' drives and reports one result for each. It returns an
// error, with a report of what was done until then, if a job makes no sense
// (before anything is touched), if the journal fails, or if ctx ends; a
// drive that fails is not an error. ctx is looked at between drives, never
// within one.
func (e *Engine) Run(ctx context.Context, jobs []Job) (Report, error) {
	report := Report{Results: make([]Result, len(jobs))}
	if err := checkJobs(jobs); err != nil {
		return Report{}, err
	}
	var past []Entry
	if e.o.Journal != nil {
		var err error
		if past, err = e.o.Journal.Entries(); err != nil {
			return Report{}, fmt.Errorf("erase: read journal: %w", err)
		}
		for i := range past {
			if err := past[i].check(); err != nil {
				return Report{}, fmt.Errorf("erase: journal: entry %d: %w", i+1, err)
			}
		}
	}
	runs := make([]*run, len(jobs))
	for i := range jobs {
		cfg := jobs[i].Target.Config()
		r := &run{e: e, n: i, jobs: len(jobs), job: &jobs[i], t: jobs[i].Target, cfg: cfg, oldLocks: map[int]drive.ResetSet{}, strength: -1}
		r.res = Result{
			Serial: jobs[i].Target.Serial(), Model: cfg.Model, Method: jobs[i].Method, Range: jobs[i].Range,
			Outcome: NotStarted, Checks: []Check{},
		}
		if err := r.remember(past); err != nil {
			return Report{}, fmt.Errorf("erase: journal: %w", err)
		}
		if _, err := io.ReadFull(e.o.Entropy, r.canary[:]); err != nil {
			return Report{}, fmt.Errorf("erase: draw canary: %w", err)
		}
		runs[i] = r
	}

	var stop error // the first, under e.mu
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
				e.o.Progress(Progress{Job: r.n, Serial: r.res.Serial, Step: "done", Done: done, Jobs: len(jobs)})
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
	for i, r := range runs {
		report.Results[i] = r.res
	}
	if stop != nil {
		return report, fmt.Errorf("erase: run stopped: %w", stop)
	}
	return report, nil
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

// run is one job under way.
type run struct {
	e    *Engine
	n    int
	jobs int
	job  *Job
	t    Target
	cfg  drive.Config
	res  Result

	canary [32]byte // plaintext of this run's canaries

	// From the journal: earlier attempts since the drive last passed.
	passed      *Entry
	oldPrints   forensic.Prints
	oldCanaries []Canary
	oldLocks    map[int]drive.ResetSet // LockOnReset as it was before an attempt that did not set it back

	msid    drive.PIN
	ranges  []target // those that are erased
	before  drive.Status
	oracles []forensic.Oracle
	secrets []forensic.Secret
	own     int // the first so many secrets are the engine's own copies
	owners  int // the first of the owner's credentials among them
	made    []Canary
	// strength is the least of the media keys that opened an oracle before the
	// erase, in bits; -1 if none was reached.
	strength int
	proved   string   // identity that the drive proved
	unread   int      // oracles whose sector cannot be read after the erase
	traces   []string // what taking the known plaintext has left on the drive
	prints   forensic.Prints
	all      bool  // prints cover all key material, not only the way to the oracles
	bare     []int // ranges with a place that gave no known plaintext
	control  Check
}

// target is one range that is erased.
type target struct {
	n     int
	info  drive.RangeInfo
	known bool              // info is known: the drive could say
	was   drive.RangeConfig // info.RangeConfig as the owner left it, before any attempt
	owned bool              // pin opens it, or it is at MSID
	pin   drive.PIN         // of its BandMaster before the erase; the zero PIN if not known
}

func (r *run) progress(step string) {
	if r.e.o.Progress == nil {
		return
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.o.Progress(Progress{Job: r.n, Serial: r.res.Serial, Step: step, Jobs: r.jobs})
}

func (r *run) append(entry Entry) error {
	if r.e.o.Journal == nil {
		return nil
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	entry.Time, entry.Serial, entry.Method, entry.Range = r.now(), r.res.Serial, r.job.Method, r.job.Range
	return r.e.o.Journal.Append(entry)
}

func (r *run) now() time.Time { return r.e.o.Clock().UTC() }

// do runs the job. Its error is the journal's; everything else is in the result.
func (r *run) do() error {
	r.res.Started = r.now()
	defer func() { r.res.Ended = r.now() }()
	defer r.forget()
	if r.already() {
		return nil
	}
	r.progress("prove")
	if why := r.prove(); why != "" {
		r.res.Outcome, r.res.Why = Refused, r.withTraces(why)
		return nil
	}
	r.progress("oracle")
	if err := r.takeOracles(); err != nil {
		r.res.Outcome, r.res.Why = NotStarted, r.withTraces("the journal failed before the erase")
		return err
	}
	if !r.t.Status().Powered {
		r.res.Outcome, r.res.Why = Refused, r.withTraces("the drive lost its power before the erase")
		return nil
	}
	r.progress("search")
	r.examine()
	if err := r.append(Entry{Event: eventBegin, Prints: r.prints, Canaries: r.made, Locks: r.changedLocks()}); err != nil {
		r.res.Outcome, r.res.Why = NotStarted, r.withTraces("the journal failed before the erase")
		return err
	}
	r.res.Attempts++
	r.progress("erase")
	err := r.erase()
	if err == nil {
		err = r.vacate()
	}
	if refusal(err) {
		r.res.Outcome, r.res.Why = Refused, r.withTraces(err.Error())
	} else {
		r.progress("verify")
		r.verify(err)
		r.validate()
	}
	r.certify()
	r.res.Ended = r.now()
	res := r.res
	end := Entry{Event: eventEnd, Result: &res, Generation: r.t.Status().KeyGeneration}
	if r.e.o.Journal != nil && res.Outcome == Passed {
		end.Media = mediaSum(r.t.Dump())
	}
	return r.append(end)
}

// already says whether the drive passed in an earlier run, was accepted, and is as
// it was then: no key has changed, says the drive, and no sector, says the media. A drive that
// was in use meanwhile holds data again, under the key of the last erase.
func (r *run) already() bool {
	if r.passed == nil || len(r.passed.Result.Validation) == 0 { // a journal from before there was a validation
		return false
	}
	s := r.t.Status()
	if !s.Powered || s.KeyGeneration != r.passed.Generation || s.State == drive.SecurityDegraded {
		return false
	}
	if r.job.Method != RangeErase && s.State != drive.Erased {
		return false
	}
	if r.passed.Media == "" || r.passed.Media != mediaSum(r.t.Dump()) {
		return false
	}
	attempts := r.res.Attempts
	r.res = *r.passed.Result
	r.res.Outcome, r.res.Attempts = AlreadyErased, attempts
	r.res.Why = "passed at " + r.passed.Time.Format(time.RFC3339) + ", no key and no sector changed since"
	return true
}

// mediaSum is the SHA-256, in hexadecimal, of every sector ever written, as it
// lies on the media, with its LBA.
func mediaSum(dump drive.Dump) string {
	h := sha256.New()
	for _, lba := range dump.Written {
		sector, ok := dump.Sector(lba)
		head := binary.BigEndian.AppendUint64(nil, lba)
		if !ok {
			sector, head = nil, append(head, 1) // it cannot be read
		}
		h.Write(head)
		h.Write(sector)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// refusal says whether the drive refused a command so that nothing was changed.
func refusal(err error) bool {
	return errors.Is(err, drive.NotAuthorized) || errors.Is(err, drive.LockedOut) ||
		errors.Is(err, drive.SPBusy) || errors.Is(err, drive.NoPower)
}

// erase is the one call that destroys.
func (r *run) erase() error {
	if r.job.Method == PSIDRevert {
		return r.t.RevertPSID(r.job.PSID)
	}
	s, err := r.t.Authenticate(drive.EraseMaster, r.eraseMaster())
	if err != nil {
		return err
	}
	defer s.Close()
	if r.job.Method == RangeErase {
		return s.Erase(r.job.Range)
	}
	return s.EraseAll()
}

func (r *run) eraseMaster() drive.PIN {
	if r.job.EraseMaster.Len() == 0 {
		return r.msid
	}
	return r.job.EraseMaster
}
