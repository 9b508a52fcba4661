package main

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How a change came out.
type status int

const (
	survived  status = iota // every test that was run passed
	noticed                 // a test failed
	tooSlow                 // the tests took far more processor time than without the change
	hung                    // the tests did not end
	unreached               // no test reaches its place
)

// A verdict is what became of one change.
type verdict struct {
	Change
	status status
	by     string // the test that noticed, as far as its output says
	left   int    // tests that reach the change and were not run, because the time for it was over

	earlier bool // found by an earlier run on the same sources
}

// isNoticed tells whether the change counts as noticed.
func (v verdict) isNoticed() bool { return v.status != survived && v.status != unreached }

// How much longer than usual the tests of a change may take.
const (
	slow    = 10 // times their processor time, apart from options.grace
	patient = 10 // times as long again, by the clock
)

// limit is how much processor time a batch may take with a change. A change that makes it slower
// than that is noticed; one that makes it a little slower is not. Other work on the machine does
// not count.
func (o *options) limit(b batch) time.Duration { return o.grace + slow*b.used }

// wait is how long a batch may take with a change by the clock. It is for tests that wait for ever
// and take no processor time. Other work on the machine counts, so it is long.
func (o *options) wait(b batch) time.Duration { return patient * (o.grace + slow*max(b.took, b.used)) }

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// try runs the tests that reach a change, for most of test time, until one notices it. After every
// batch, seen is called.
func (s *subject) try(ctx context.Context, r *reach, c Change, most time.Duration, o *options, seen func(batch, result)) (verdict, error) {
	v := verdict{Change: c}
	all, left := r.batches(c, most)
	if len(all) == 0 {
		v.status = unreached
		return v, nil
	}
	for _, b := range all {
		res, err := s.start(ctx, process{tests: b.tests, number: c.Number, limit: o.limit(b), wait: o.wait(b)})
		if err != nil {
			return v, err
		}
		if seen != nil {
			seen(b, res)
		}
		switch {
		case res.tooSlow:
			v.status, v.by = tooSlow, strings.Join(b.tests, " or ")
			return v, nil
		case res.hung:
			v.status, v.by = hung, strings.Join(b.tests, " or ")
			return v, nil
		case res.failed:
			v.status, v.by = noticed, strings.Join(b.tests, " or ")
			if m := failed.FindStringSubmatch(res.output); m != nil {
				v.by = m[1]
			}
			return v, nil
		}
	}
	v.left = left
	return v, nil
}

// acceptedShare is the part of the test time that an accepted change gets. Somebody has looked at
// it already, and it is the changes that nothing notices that take long.
const acceptedShare = 4

// tryAll tries some changes side by side. The verdicts are in the order of the changes. What is not
// noticed and not accepted is told at once: a run of hours may be interrupted.
// Verdicts of earlier runs are taken from k, and new ones added to it.
func (s *subject) tryAll(ctx context.Context, r *reach, k *keeper, changes []Change, known accepted, o *options) ([]verdict, error) {
	out := make([]verdict, len(changes))
	var done atomic.Int64
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				o.progress("%s: %d of %d changes", s.pkg, done.Load(), len(changes))
			}
		}
	})
	err := parallel(ctx, o.workers, len(changes), func(i int) (err error) {
		most := o.most
		_, isKnown := known[changes[i].key()]
		if isKnown {
			most /= acceptedShare
		}
		old := false
		if out[i], old = k.find(changes[i], most, o.grace); old {
			done.Add(1)
			return nil
		}
		out[i], err = s.try(ctx, r, changes[i], most, o, nil)
		if err == nil {
			k.add(out[i], most, o.grace)
		}
		done.Add(1)
		if err == nil && !isKnown && !out[i].isNoticed() {
			o.progress("not noticed: %s  %s  %s", changes[i].ID(), changes[i].Func, changes[i].Text)
		}
		return err
	})
	close(stop)
	wait.Wait()
	return out, err
}

// parallel calls do for 0 to n-1, some of them at a time, and stops at the first error, which it
// returns.
func parallel(ctx context.Context, workers, n int, do func(int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
