package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// crashed is the ending of a lifecycle in which the drive, or the suite, panicked.
const crashed conformance.Ending = "crashed"

// soakCodes are the exit codes by what was found, the gravest first.
var soakCodes = []struct {
	ending conformance.Ending
	code   int
}{{conformance.Unsafe, exitFailed}, {crashed, exitCrashed}, {conformance.Hangs, exitStuck}, {conformance.Stuck, exitStuck}}

// soakFailuresMax is after how many failures a soak stops.
const soakFailuresMax = 10

func newSoakCmd(a *app) *cobra.Command {
	var seed string
	var lifecycles uint64
	var workers int
	c := &cobra.Command{
		Use:   "soak",
		Short: "put many simulated drives through random lifecycles with random faults",
		Long: "soak makes one drive after the other, each of another size, and has it live: a host, a power supply\n" +
			"that fails, flash that breaks, and a thief. Each seed draws the drive, the kinds of its faults and\n" +
			"how often they come.\n\n" +
			"A lifecycle has two phases. Under faults the drive must stay safe: nobody gets what is not his, and\n" +
			"nobody loses what is. Then the faults are gone, and within a few commands the drive must work again.\n" +
			"A drive whose flash is worn out by its faults is not judged in the second.\n\n" +
			"A failure is printed with the line that replays it. The exit code is 1 if a drive was not safe, 4 if\n" +
			"one did not come back or did not answer, 5 if the simulation crashed; the first that holds.",
		Example: "  fdelab soak --lifecycles 1000\n  fdelab soak --seed 4711 --lifecycles 1",
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			first, err := console.ParseSeed(seed)
			switch {
			case err != nil:
				return usagef("soak: --seed %q: %w", seed, err)
			case lifecycles == 0 || first+lifecycles < first:
				return usagef("soak: %d lifecycles from seed %d on, need 1 or more, and seeds below 2^64", lifecycles, first)
			case workers < 0:
				return usagef("soak: --workers %d, need 1 or more", workers)
			}
			return a.soak(conformance.Simulated, first, lifecycles, cmp.Or(workers, runtime.GOMAXPROCS(0)))
		},
	}
	c.Flags().Uint64Var(&lifecycles, "lifecycles", 1000, "how many")
	c.Flags().StringVar(&seed, "seed", "1", "the seed of the first; each has the next one")
	c.Flags().IntVar(&workers, "workers", 0, "how many at once (default one for each processor)")
	return c
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
	Replay string             `json:"replay,omitempty"` // the command that replays what is left of it after shrinking
}

// soak has lifecycles, and prints what came of them.
func (a *app) soak(maker conformance.Maker, first, n uint64, workers int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := soaked{Seed: first, Endings: map[conformance.Ending]int{}, Failures: []soakFailure{}}
	bar := a.progress(n, "lifecycles")
	var lock sync.Mutex
	next := uint64(0)
	var all sync.WaitGroup
	for range min(uint64(workers), n) {
		all.Go(func() {
			for {
				lock.Lock()
				i := next
				next++
				over := i >= n || ctx.Err() != nil || len(s.Failures) >= soakFailuresMax
				lock.Unlock()
				if over {
					return
				}
				r, f := soakOne(maker, first+i)
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
	return a.soakReport(&s, n, ctx.Err() != nil)
}

func (s *soaked) add(r *conformance.Result, f *soakFailure) {
	s.Lifecycles++
	if f != nil {
		s.Failures = append(s.Failures, *f)
		s.Endings[f.Ending]++
	} else {
		s.Endings[r.Ending()]++
	}
	if r == nil {
		return
	}
	s.Commands, s.Faults, s.Searches = s.Commands+r.Commands, s.Faults+r.Faults, s.Searches+r.Searches
	if r.Faults == 0 {
		s.Calm++
	}
}

// soakOne has one lifecycle. A panic is a finding, not the end of the run.
func soakOne(maker conformance.Maker, seed uint64) (r *conformance.Result, f *soakFailure) {
	again := fmt.Sprintf("fdelab soak --seed %d --lifecycles 1", seed)
	defer func() {
		if p := recover(); p != nil {
			r, f = nil, &soakFailure{
				Seed: seed, Ending: crashed, Why: oneLine(fmt.Sprint(p)), Again: again,
				Trace: strings.Split(strings.TrimSpace(string(debug.Stack())), "\n"),
			}
		}
	}()
	r = conformance.Soak(maker, seed, conformance.Options{})
	if r.Verdict == conformance.Failed {
		f = &soakFailure{Seed: seed, Ending: r.Ending(), Why: oneLine(r.Why), Trace: r.Trace[max(0, len(r.Trace)-proptest.TraceTail):], Again: again}
		if script := r.Replay(); script != "" && r.Shrunk {
			f.Replay = "fdelab replay " + quoted(script)
		}
	}
	return r, f
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
		}
		var parts []string
		for _, e := range []conformance.Ending{conformance.Sound, conformance.Unknown, conformance.Unsafe, conformance.Stuck, conformance.Hangs, crashed} {
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

func newReplayCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "replay SCRIPT",
		Short: "run a failure again on a simulated drive, as a failure shows it",
		Long: "replay runs a script: the options of a drive, |, and commands. It is the line that fdelab soak, or a\n" +
			"property test over a drive, prints of a failure. The exit code is 1 if the drive does something\n" +
			"wrong again. fdelab conform --replay does the same with a drive of another make.",
		Example: "  fdelab replay 'seed=1 | set-pin SID msid p2; try SID p2/pad0'",
		Args:    between(1, 1, "one script, in quotes"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.replay(args[0]) },
	}
}

// replayed is the JSON answer of `fdelab replay`.
type replayed struct {
	Script string   `json:"script"`
	Wrong  bool     `json:"wrong"`
	Why    string   `json:"why,omitempty"`
	Trace  []string `json:"trace,omitempty"`
}

// replay runs a script of the suite, or one of a property test: their commands differ.
func (a *app) replay(script string) error {
	out := replayed{Script: script}
	text := ""
	if _, _, err := conformance.ParseScript(script); err == nil {
		r, err := conformance.Replay(conformance.Simulated, script, conformance.Options{})
		if err != nil {
			return usagef("replay: %w", err)
		}
		if r.Verdict == conformance.NotJudged {
			return failedf("replay: not judged: %s", r.Why)
		}
		out.Wrong, out.Why, out.Trace = r.Verdict == conformance.Failed, r.Why, r.Trace
		text = strings.Join(append([]string{r.Why}, r.Trace...), "\n  ") + "\n"
	} else if _, _, other := proptest.ParseScript(script); other != nil {
		return usagef("replay: %w", err)
	} else if _, err := proptest.Replay(script); err != nil {
		f, failed := err.(*proptest.Failure)
		if !failed {
			return usagef("replay: %w", err)
		}
		out.Wrong, out.Why, out.Trace, text = true, f.Why, f.Trace, f.Error()
	}
	switch {
	case a.json:
		if err := a.printJSON(out); err != nil {
			return err
		}
	case out.Wrong:
		a.printf("%s", text)
	default:
		a.printf("the drive does nothing wrong\n")
	}
	if out.Wrong {
		return failedf("replay: the drive does something wrong")
	}
	return nil
}
