package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// soakCodes are the exit codes by what was found, the gravest first.
var soakCodes = []struct {
	ending conformance.Ending
	code   int
}{{conformance.Unsafe, exitFailed}, {conformance.Crashed, exitCrashed}, {conformance.Hangs, exitStuck}, {conformance.Stuck, exitStuck}}

// soakFailuresMax is after how many failures a soak stops.
const soakFailuresMax = 10

func newSoakCmd(a *app) *cobra.Command {
	var seed string
	var faults []string
	o := soakOptions{maker: conformance.Simulated, version: proptest.Version()}
	c := &cobra.Command{
		Use:   "soak",
		Short: "put many simulated drives through random lifecycles with random faults",
		Long: "soak makes one drive after the other, each of another size, and has it live: a host, a power supply\n" +
			"that fails, flash that breaks, and a thief. Each seed draws the drive, the kinds of its faults and\n" +
			"how often they come.\n\n" +
			"A lifecycle has two phases. Under faults the drive must stay safe: nobody gets what is not his, and\n" +
			"nobody loses what is. Then the faults are gone, and within a few commands the drive must work again.\n" +
			"A drive whose flash is worn out by its faults is not judged in the second.\n\n" +
			"A failure is printed, and written to a file that fdelab replay takes. The exit code is 1 if a drive\n" +
			"was not safe, 4 if one did not come back or did not answer, 5 if the simulation crashed; the first\n" +
			"that holds.",
		Example: "  fdelab soak --lifecycles 1000\n  fdelab soak --for 8h --seed 100000\n  fdelab soak --seed 4711 --lifecycles 1",
		Args:    between(0, 0, "none"),
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			o.first, err = console.ParseSeed(seed)
			timed := c.Flags().Changed("for")
			if timed && !c.Flags().Changed("lifecycles") {
				o.lifecycles = math.MaxUint64 - o.first
			}
			switch {
			case err != nil:
				return usagef("soak: --seed %q: %w", seed, err)
			case timed && o.during <= 0:
				return usagef("soak: --for %v, need more than 0, such as 90m or 8h", o.during)
			case o.lifecycles == 0 || o.first+o.lifecycles < o.first:
				return usagef("soak: %d lifecycles from seed %d on, need 1 or more, and seeds below 2^64", o.lifecycles, o.first)
			case c.Flags().Changed("faults") && o.setFaults(faults) != nil:
				return usagef("soak: %w", o.setFaults(faults))
			case o.workers < 0:
				return usagef("soak: --workers %d, need 1 or more", o.workers)
			}
			if info, err := os.Stat(o.dir); err != nil || !info.IsDir() {
				return cannotf("soak: --out %q is no folder: make it first", o.dir)
			}
			return a.soak(o)
		},
	}
	c.Flags().Uint64Var(&o.lifecycles, "lifecycles", 1000, "how many; with --for at most so many (default then: no bound)")
	c.Flags().DurationVar(&o.during, "for", 0, "begin no lifecycle after this time, such as 8h")
	c.Flags().StringVar(&seed, "seed", "1", "the seed of the first; each has the next one")
	c.Flags().IntVar(&o.workers, "workers", 0, "how many at once (default one for each processor)")
	c.Flags().StringSliceVar(&faults, "faults", nil, "only these kinds of faults, in each lifecycle (default drawn by each seed), or none")
	c.Flags().StringVar(&o.dir, "out", ".", "the folder for the files of failures")
	return c
}

type soakOptions struct {
	maker             conformance.Maker
	first, lifecycles uint64        // the seed of the first, and how many at most
	during            time.Duration // of the wall clock; 0 for no bound
	workers           int           // 0 is one for each processor
	dir               string        // for the files of failures
	version           string
	faults            []conformance.BreakKind // nil lets the seed draw them
}

// setFaults reads --faults.
func (o *soakOptions) setFaults(names []string) error {
	o.faults = []conformance.BreakKind{}
	if len(names) == 1 && names[0] == "none" {
		return nil
	}
	var known []string
	for _, k := range conformance.BreakKinds() {
		known = append(known, string(k))
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--faults: no kind of fault %q: %s", name, suggest.DidYouMean(name, known))
		}
		o.faults = append(o.faults, conformance.BreakKind(name))
	}
	return nil
}

// again is the command that has a lifecycle again.
func (o *soakOptions) again(seed uint64) string {
	line := fmt.Sprintf("fdelab soak --seed %d --lifecycles 1", seed)
	if o.faults != nil {
		var names []string
		for _, k := range o.faults {
			names = append(names, string(k))
		}
		line += " --faults " + cmp.Or(strings.Join(names, ","), "none")
	}
	return line
}

// soaked is the JSON answer of `fdelab soak`.
type soaked struct {
	Seed       uint64                     `json:"seed"`
	Lifecycles uint64                     `json:"lifecycles"` // that ended
	Endings    map[conformance.Ending]int `json:"endings"`
	Commands   int                        `json:"commands"`
	Faults     int                        `json:"faults"`   // that fired
	Searches   int                        `json:"searches"` // for keys, that could have found something
	Calm       int                        `json:"calm"`     // lifecycles in which no fault fired
	Failures   []soakFailure              `json:"failures"`
}

type soakFailure struct {
	Seed   uint64             `json:"seed"`
	Ending conformance.Ending `json:"ending"`
	Why    string             `json:"why"`
	Trace  []string           `json:"trace"`
	Again  string             `json:"again"`            // the command that has this lifecycle again
	File   string             `json:"file,omitempty"`   // what is left of it after shrinking
	Replay string             `json:"replay,omitempty"` // the command that replays the file, or where none could be written the script
	Line   string             `json:"line,omitempty"`   // the command that needs no file

	run conformance.Transcript
}

// soak has lifecycles, writes the failures down, and prints what came of them.
func (a *app) soak(o soakOptions) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := soaked{Seed: o.first, Endings: map[conformance.Ending]int{}, Failures: []soakFailure{}}
	var ends time.Time
	if o.during > 0 {
		ends = time.Now().Add(o.during)
	}
	bar := a.progressUntil(o.lifecycles, "lifecycles", ends)
	var lock sync.Mutex
	next := uint64(0)
	var all sync.WaitGroup
	for range min(uint64(cmp.Or(o.workers, runtime.GOMAXPROCS(0))), o.lifecycles) {
		all.Go(func() {
			for {
				lock.Lock()
				i := next
				next++
				late := o.during > 0 && i > 0 && !time.Now().Before(ends)
				over := i >= o.lifecycles || late || ctx.Err() != nil || len(s.Failures) >= soakFailuresMax
				lock.Unlock()
				if over {
					return
				}
				r, f := soakOne(o, o.first+i)
				lock.Lock()
				s.add(r, f)
				lock.Unlock()
				bar.done("")
			}
		})
	}
	all.Wait()
	bar.stop()
	slices.SortFunc(s.Failures, func(x, y soakFailure) int { return cmp.Compare(x.Seed, y.Seed) })
	for i := range s.Failures {
		a.writeFailure(o.dir, &s.Failures[i])
	}
	return a.soakReport(&s, o.lifecycles, ctx.Err() != nil)
}

func (s *soaked) add(r *conformance.Result, f *soakFailure) {
	s.Lifecycles++
	if f != nil {
		s.Failures = append(s.Failures, *f)
		s.Endings[f.Ending]++
	} else {
		s.Endings[r.Ending()]++
	}
	s.Commands, s.Faults, s.Searches = s.Commands+r.Commands, s.Faults+r.Faults, s.Searches+r.Searches
	if r.Faults == 0 {
		s.Calm++
	}
}

// soakOne has one lifecycle.
func soakOne(o soakOptions, seed uint64) (*conformance.Result, *soakFailure) {
	r := conformance.Soak(o.maker, seed, conformance.Options{Faults: o.faults})
	if r.Verdict != conformance.Failed {
		return r, nil
	}
	f := &soakFailure{
		Seed: seed, Ending: r.Ending(), Why: oneLine(r.Why), Trace: r.Trace[max(0, len(r.Trace)-proptest.TraceTail):],
		Again: o.again(seed),
	}
	f.Trace = append(f.Trace, r.Stack...)
	if script := r.Replay(); script != "" && r.Shrunk {
		f.Line = "fdelab replay " + quoted(script)
		f.Replay = f.Line
		f.run = r.Transcript(fmt.Sprintf("%s: %s", f.Ending, f.Why),
			fmt.Sprintf("Lifecycle %d of fdelab soak, version %s, cut down to %d commands. The whole of it comes again with: %s",
				seed, o.version, len(r.Script), f.Again))
	}
	return r, f
}

// soakFilesMax is how many files of one seed there may be.
const soakFilesMax = 1000

// writeFailure writes a failure as a file that fdelab replay takes. It overwrites none: a file of the
// same seed with another run stays, and this one gets a number.
func (a *app) writeFailure(dir string, f *soakFailure) {
	if len(f.run.Script) == 0 {
		return
	}
	text := f.run.String()
	for n := 1; n < soakFilesMax; n++ {
		name := fmt.Sprintf("soak-%d.txt", f.Seed)
		if n > 1 {
			name = fmt.Sprintf("soak-%d-%d.txt", f.Seed, n)
		}
		name = filepath.Join(dir, name)
		if b, err := os.ReadFile(name); err == nil && string(b) == text {
			f.File, f.Replay = name, "fdelab replay "+quoted(name)
			return
		}
		err := writeNew(name, []byte(text))
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			a.note("soak: the failure of seed %d is not in a file: %v", f.Seed, err)
			return
		}
		f.File, f.Replay = name, "fdelab replay "+quoted(name)
		return
	}
}

func (a *app) soakReport(s *soaked, n uint64, interrupted bool) error {
	if a.json {
		if err := a.printJSON(s); err != nil {
			return err
		}
	} else {
		for _, f := range s.Failures {
			a.printf("seed %d: %s: %s\n", f.Seed, f.Ending, f.Why)
			for _, line := range f.Trace {
				a.printf("  %s\n", line)
			}
			fmt.Fprintf(a.out, "  again:  %s\n", f.Again) // to be copied whole
			if f.Replay != "" {
				fmt.Fprintf(a.out, "  replay: %s\n", f.Replay)
			}
			if f.Line != f.Replay {
				fmt.Fprintf(a.out, "  or:     %s\n", f.Line)
			}
		}
		var parts []string
		for _, e := range []conformance.Ending{conformance.Sound, conformance.Unknown, conformance.Unsafe, conformance.Stuck, conformance.Hangs, conformance.Crashed} {
			if k := s.Endings[e]; k > 0 || e == conformance.Sound {
				parts = append(parts, fmt.Sprintf("%d %s", k, e))
			}
		}
		a.printf("%d lifecycles from seed %d on: %s\n", s.Lifecycles, s.Seed, strings.Join(parts, ", "))
		a.printf("%d commands, %d faults that fired, none in %d lifecycles, %d searches for keys\n", s.Commands, s.Faults, s.Calm, s.Searches)
	}
	for _, c := range soakCodes {
		if s.Endings[c.ending] > 0 {
			e := failedf("soak: %d of %d lifecycles failed", len(s.Failures), s.Lifecycles)
			e.code = c.code
			return e
		}
	}
	switch {
	case interrupted:
		return cannotf("soak: interrupted after %d of %d lifecycles", s.Lifecycles, n)
	case s.Endings[conformance.Sound] == 0:
		return failedf("soak: no lifecycle was judged to its end")
	}
	return nil
}
