package campaign

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// missingAfter is after how long without a result the coordinator looks whether a job got lost.
const missingAfter = 30 * time.Second

// tick is what is done once a second.
func (c *coordinator) tick(ctx context.Context) error {
	now := time.Now()
	c.rates = append(c.rates, sample{now, c.state.Report.Units})
	if len(c.rates) > 10 {
		c.rates = c.rates[1:]
	}
	if first := c.rates[0]; now.After(first.at) {
		c.state.Rate = float64(c.state.Report.Units-first.units) / now.Sub(first.at).Seconds()
	}
	c.keepFiles(ctx, now)
	if err := c.save(ctx); err != nil {
		return err
	}
	if c.o.Progress != nil {
		c.o.Progress(c.state)
	}
	if limit := c.plan.Limits.For; limit > 0 && c.state.Took >= limit {
		c.state.Over = TimeUp
	}
	if now.Sub(c.progress) > missingAfter {
		c.progress = now
		if err := c.publishMissing(ctx); err != nil && ctx.Err() == nil {
			c.o.Note("cannot see whether a job got lost: %v", err)
		}
	}
	return nil
}

// drainFor is how long a coordinator that ends waits for a result of what was begun.
const drainFor = 3 * time.Second

// drain ends a campaign before its jobs are done: those that nobody has begun are taken back, and results that still
// come are taken. When time is up nobody goes on: results behind a job that has none are in the report, too.
func (c *coordinator) drain(ctx context.Context, results <-chan jetstream.Msg) error {
	over := c.state.Over
	for _, of := range []string{jobSubjects, programSubjects} {
		if err := c.lasting(ctx, func() error { return c.jobs.Purge(ctx, jetstream.WithPurgeSubject(of+"."+c.state.ID+".*")) }); err != nil {
			return err
		}
	}
	wait := time.NewTimer(drainFor)
	defer wait.Stop()
	for !c.done() {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.saveLast(ctx))
		case m := <-results:
			if err := c.take(ctx, m); err != nil {
				return err
			}
			wait.Reset(drainFor)
			continue
		case <-wait.C:
		}
		break
	}
	c.state.Over = over
	if over == TimeUp {
		c.addRest()
	}
	return c.end(ctx)
}

// addRest adds the results whose turn does not come any more, in the order of their jobs.
func (c *coordinator) addRest() {
	for _, n := range slices.Sorted(maps.Keys(c.pending)) {
		t := c.pending[n]
		c.state.Report.AddLate(t.result, c.plan.Limits.Failures)
		if t.msg != nil {
			c.merged = append(c.merged, t.msg)
		}
		delete(c.pending, n)
	}
}

// end stores the last state, and takes what is of the campaign off the streams.
func (c *coordinator) end(ctx context.Context) error {
	c.state.Waits = ""
	if err := c.save(ctx); err != nil {
		return err
	}
	if c.o.Progress != nil {
		c.o.Progress(c.state)
	}
	if err := c.removeFiles(ctx); err != nil {
		c.o.Note("programs stay on the server until they are too old: %v", err)
	}
	if c.state.Over == Stopped {
		return nil // who goes on has the results that wait
	}
	results, err := c.js.Stream(ctx, resultsStream)
	if err == nil {
		err = results.Purge(ctx, jetstream.WithPurgeSubject(resultSubjects+"."+c.state.ID+".*"))
	}
	if err == nil {
		err = c.js.DeleteConsumer(ctx, resultsStream, "results-"+c.state.ID)
	}
	if err != nil {
		c.o.Note("what is left on the server stays until it is too old: %v", err)
	}
	return nil
}
