package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// stolen is a finding.
type stolen struct {
	Path      string   `json:"path"`
	Steps     []string `json:"steps"`
	Adversary string   `json:"adversary"`
	Opens     string   `json:"opens,omitempty"`
	Swapped   bool     `json:"halves_swapped,omitempty"`
	Bits      int      `json:"bits,omitempty"` // at most, of a key
}

// theft is the result of a search.
type theft struct {
	Dump        string         `json:"dump"`
	Adversaries []string       `json:"adversaries"`
	Keys        []stolen       `json:"keys"`
	Secrets     []stolen       `json:"secrets"`
	WeakWraps   []stolen       `json:"weak_wraps"`
	Wraps       int            `json:"wraps"` // that opened, weak or not
	Cost        forensic.Tried `json:"cost"`
	NotTried    []string       `json:"not_tried"`
}

// stolenOf is a finding in words; raw says that places are bytes of an image.
func stolenOf(before string, f forensic.Finding, raw bool) stolen {
	s := stolen{Adversary: f.Who.String(), Opens: f.Oracle, Swapped: f.Swapped, Bits: f.Bits, Steps: []string{}}
	for _, step := range f.Path {
		text := step.String()
		if raw && step.Placed {
			text = fmt.Sprintf("%s at byte %d", step.Name, step.Page*rawPage+step.Offset)
		}
		s.Steps = append(s.Steps, text)
	}
	s.Path = before + strings.Join(s.Steps, " -> ")
	return s
}

// report puts what was found into words, each finding once: the pages of a raw image overlap.
func (l *loot) report(path string, f *forensic.Findings) *theft {
	list := func(all []forensic.Finding) []stolen {
		out := []stolen{}
		for _, one := range all {
			s := stolenOf("", one, l.raw)
			if !slices.ContainsFunc(out, func(o stolen) bool { return o.Path == s.Path && o.Opens == s.Opens }) {
				out = append(out, s)
			}
		}
		return out
	}
	r := &theft{
		Dump: path, Keys: list(f.Keys), Secrets: list(f.Secrets), WeakWraps: list(f.Weak()),
		Wraps: len(f.Wraps), Cost: f.Tried, NotTried: append([]string{}, f.Left...),
	}
	for _, who := range forensic.Adversaries() {
		r.Adversaries = append(r.Adversaries, who.String())
	}
	return r
}

func (a *app) thiefReport(r *theft) error {
	n := len(r.Keys) + len(r.Secrets) + len(r.WeakWraps)
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		for _, k := range r.Keys {
			swapped := ""
			if k.Swapped {
				swapped = ", with its halves swapped"
			}
			a.printf("key: %s opens %s%s\n     by one who %s", k.Path, k.Opens, swapped, k.Adversary)
			if k.Bits > 0 {
				a.printf("; at most %d bits", k.Bits)
			}
			a.printf("\n")
		}
		for _, s := range r.Secrets {
			a.printf("secret: %s\n     by one who %s\n", s.Path, s.Adversary)
		}
		for _, w := range r.WeakWraps {
			a.printf("weak wrap: %s\n     by one who %s\n", w.Path, w.Adversary)
		}
		if n == 0 {
			a.printf("nothing found, by one who %s\n", forensic.KnowsRetired)
		}
		a.printf("cost: %v; wraps that opened: %d\n", r.Cost, r.Wraps)
		for _, l := range r.NotTried {
			a.printf("not tried: %s\n", l)
		}
	}
	if n > 0 {
		return failedf("thief: %s: %d found", r.Dump, n)
	}
	return nil
}

// thiefProgress spreads the work over the processors, and draws a bar if standard error is a terminal.
func (a *app) thiefProgress(o *forensic.Options) (stop func()) {
	o.Parallel = func(n int, do func(int)) { inParallel(n, do, func(int) {}) }
	f, isFile := a.err.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true))
	o.Phase = func(what string) {
		bar.Reset()
		bar.Describe(what)
	}
	o.Parallel = func(n int, do func(int)) {
		bar.ChangeMax(n)
		inParallel(n, do, func(done int) { _ = bar.Set(done) })
	}
	return func() { _ = bar.Finish() }
}

// inParallel does n pieces of work on all processors.
func inParallel(n int, do, done func(int)) {
	var next, finished atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
				done(int(finished.Add(1)))
			}
		})
	}
	all.Wait()
}
