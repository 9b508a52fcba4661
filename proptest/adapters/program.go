package adapters

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Protocol is the version of the line protocol that this package speaks.
const Protocol = 1

// Options say how a program is run.
type Options struct {
	Command  []string      // the program and its arguments; no shell reads them
	Dir      string        // where it runs; empty is here
	Launch   []string      // what starts Command, which is appended to it; nil starts Command itself
	Env      []string      // its environment, as os.Environ has it; nil is that of this process
	Scratch  string        // where the directory of the states is made; empty is the system's for such
	Deadline time.Duration // for each request; 0 is 10 seconds
	// Greeting is the deadline of the first request to each process; 0 is Deadline, or 30 seconds where
	// that is 0, too: an interpreter on a busy machine takes its time.
	Greeting time.Duration
	// Kill kills the process at every power-off at which no fault is armed, and starts another one
	// on the same state at the power-on: then nothing in RAM survives that should not.
	Kill bool
}

// Program makes devices of a program. Its method Make is a conformance.Maker. It is safe for
// concurrent use; a device is not.
type Program struct {
	o     Options
	dir   string // of the states
	noise tail

	mu     sync.Mutex
	closed bool
	caps   []conformance.Capability
	breaks []conformance.BreakKind
	idle   []*process
	all    []*process
	made   int
}

// possible are the capabilities that a program may have. A device whose parts the suite holds lives
// in its process, and requests come one at a time.
var possible = []conformance.Capability{
	conformance.CanMigrate, conformance.CanGenKey, conformance.CanEraseAll, conformance.HasSessions, conformance.TellsRanges,
	conformance.TellsTries, conformance.TellsMSID, conformance.TellsState, conformance.HasDump, conformance.HasChip,
	conformance.HasBreaks, conformance.HasFeed, conformance.HasRAM, conformance.Derives, conformance.CanSanitize,
}

// Start runs the program and asks it what it can do. The error is one line that says what is wrong
// with it. The caller closes the Program.
func Start(o Options) (*Program, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return nil, fmt.Errorf("adapters: no program is named")
	}
	if o.Launch == nil || filepath.Base(o.Command[0]) == o.Command[0] { // a path may be one of Dir, that the launcher finds
		if _, err := exec.LookPath(o.Command[0]); err != nil {
			return nil, fmt.Errorf("adapters: %w", err)
		}
	}
	if o.Greeting <= 0 {
		o.Greeting = cmp.Or(max(0, o.Deadline), 30*time.Second)
	}
	if o.Deadline <= 0 {
		o.Deadline = 10 * time.Second
	}
	dir, err := os.MkdirTemp(o.Scratch, "fdelab-adapter-")
	if err != nil {
		return nil, fmt.Errorf("adapters: %w", err)
	}
	p := &Program{o: o, dir: dir}
	run, err := p.run()
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("adapters: %s: %w", filepath.Base(o.Command[0]), err)
	}
	p.idle = append(p.idle, run)
	return p, nil
}

// Close ends every process and removes the states. It may be called while devices are used: they get no answer any more.
func (p *Program) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, run := range p.all {
		run.kill()
	}
	p.all, p.idle = nil, nil
	return os.RemoveAll(p.dir)
}

// Noise is how many lines the program wrote on standard error, and the last one.
func (p *Program) Noise() (lines int, last string) {
	last = p.noise.last()
	p.noise.mu.Lock()
	defer p.noise.mu.Unlock()
	return p.noise.lines, last
}

// run starts a process and greets it.
func (p *Program) run() (*process, error) {
	run, err := p.begin()
	if err != nil {
		return nil, err
	}
	caps, breaks, err := hello(run, p.o.Greeting)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.caps != nil && !slices.Equal(caps, p.caps) {
		err = fmt.Errorf("hello: the program can do something else each time: %v, and before %v", caps, p.caps)
	}
	if err != nil {
		return nil, err
	}
	p.caps, p.breaks = caps, breaks
	return run, nil
}

// begin starts a process that Close ends.
func (p *Program) begin() (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("adapters: the program was ended")
	}
	run, err := start(&p.o, &p.noise)
	if err == nil {
		p.all = append(p.all, run)
	}
	return run, err
}

// hello asks the program for its version and its capabilities, in the order of the suite.
func hello(run *process, within time.Duration) (caps []conformance.Capability, breaks []conformance.BreakKind, bad error) {
	r, err := run.ask("hello", map[string]any{"protocol": Protocol}, within)
	if err != nil {
		return nil, nil, err
	}
	version := 0
	var names, kinds []string
	take(r, "protocol", &version, &bad)
	take(r, "capabilities", &names, &bad)
	if slices.Contains(names, string(conformance.HasBreaks)) {
		take(r, "breaks", &kinds, &bad)
	}
	r.end(&bad)
	if bad == nil && version != Protocol {
		bad = fmt.Errorf("the program speaks version %d of the protocol, and this fdelab speaks %d", version, Protocol)
	}
	all := make([]string, len(possible))
	for i, c := range possible {
		if all[i] = string(c); slices.Contains(names, all[i]) {
			caps = append(caps, c)
		}
	}
	for _, n := range names {
		if bad == nil && !slices.Contains(all, n) {
			bad = fmt.Errorf("no capability %q: %s", n, suggest.DidYouMean(n, all))
		}
	}
	for _, k := range kinds {
		breaks = append(breaks, conformance.BreakKind(k))
	}
	if bad != nil {
		bad = fmt.Errorf("hello: %w", bad)
	}
	return caps, breaks, bad
}

// Make is a conformance.Maker. It panics with a *conformance.Hung where the program does not answer.
func (p *Program) Make(w conformance.Wish) (conformance.Device, drive.Label, error) {
	d := &device{program: p, state: p.place()}
	d.run = p.take()
	args := map[string]any{
		"state": d.state, "seed": w.Seed, "sector_size": w.SectorSize, "sectors": w.Sectors, "ranges": w.Ranges, "try_limit": w.TryLimit,
		"persistent": w.Persistent, "blocks": w.Geometry.Blocks, "pages": w.Geometry.PagesPerBlock, "page_size": w.Geometry.PageSize,
	}
	if w.Entropy != nil {
		d.binary(args, "entropy", w.Entropy.Bytes)
		args["repeat"] = w.Entropy.Repeat
		d.fed = w.Entropy
	}
	var label drive.Label
	err := d.ask("make", args, func(r reply, bad *error) {
		take(r, "serial", &label.Serial, bad)
		label.MSID, label.PSID = r.pin("msid", bad), r.pin("psid", bad)
	})
	if err != nil {
		_ = d.Close()
		return nil, drive.Label{}, err
	}
	return d, label, nil
}

// place is the path of a new state.
func (p *Program) place() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	return filepath.Join(p.dir, fmt.Sprintf("drive%d", p.made))
}

// take gives a process that no device uses.
func (p *Program) take() *process {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		run := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return run
	}
	p.mu.Unlock()
	run, err := p.run()
	if err != nil {
		panic(&conformance.Hung{Why: err.Error()})
	}
	return run
}

// give takes a process back. One that is broken is not used again.
func (p *Program) give(run *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run.broken.Load() {
		p.all = slices.DeleteFunc(p.all, func(r *process) bool { return r == run })
		return
	}
	p.idle = append(p.idle, run)
}
