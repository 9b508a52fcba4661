package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// publish puts jobs on their stream. One that is there already is as good.
func (c *coordinator) publish(ctx context.Context, all []campaign.Job) error {
	told := ""
	for len(all) > 0 {
		var futures []jetstream.PubAckFuture
		for _, j := range all {
			t := ticket{Campaign: c.state.ID, Version: c.state.Version, Limit: c.plan.Limits.Job, Job: j}
			of := jobSubjects
			if c.files != nil {
				if own, runs := c.files.of[j.Line]; runs {
					of, t.Files = programSubjects, own
				}
			}
			b, err := json.Marshal(t)
			if err != nil {
				return fmt.Errorf("campaign: %w", err)
			}
			f, err := c.js.PublishMsgAsync(&nats.Msg{
				Subject: subject(of, c.state.ID, j.Number), Data: b, Header: c.traces.header(j.Number / c.plan.Limits.Generation),
			})
			if err != nil {
				break
			}
			futures = append(futures, f)
		}
		var again []campaign.Job
		for i, f := range futures {
			select {
			case <-f.Ok():
			case err := <-f.Err():
				var api *jetstream.APIError
				if !errors.As(err, &api) || api.Description != perSubject {
					again = append(again, all[i])
					if err.Error() != told {
						told = err.Error()
						c.o.Note("a job is not on the server yet: %v", err)
					}
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if again = append(again, all[len(futures):]...); len(again) == 0 {
			return nil
		}
		if pause(ctx, 500*time.Millisecond); ctx.Err() != nil || c.nc.IsClosed() {
			return errors.Join(ctx.Err(), errors.New("campaign: the jobs are not on the server"))
		}
		all = again
	}
	return nil
}

// publishMissing puts on their stream the jobs that should be on their way and are neither there nor done.
func (c *coordinator) publishMissing(ctx context.Context) error {
	there, err := c.onStreams(ctx)
	if err != nil {
		return err
	}
	for n := range c.pending {
		there[n] = true
	}
	var missing []campaign.Job
	for n := c.state.Report.Merged; n < c.state.Made*c.plan.Limits.Generation; n++ {
		if j, is := c.job(n); is && !there[n] {
			missing = append(missing, j)
		}
	}
	return c.publish(ctx, missing)
}

// onStreams are the jobs of the campaign that are on their stream, and those whose results are on theirs.
func (c *coordinator) onStreams(ctx context.Context) (map[uint64]bool, error) {
	there := map[uint64]bool{}
	var results jetstream.Stream
	err := c.lasting(ctx, func() (err error) { results, err = c.js.Stream(ctx, resultsStream); return err })
	if err != nil {
		return nil, err
	}
	for of, s := range map[string]jetstream.Stream{jobSubjects: c.jobs, programSubjects: c.jobs, resultSubjects: results} {
		var info *jetstream.StreamInfo
		err := c.lasting(ctx, func() (err error) {
			info, err = s.Info(ctx, jetstream.WithSubjectFilter(of+"."+c.plan.ID()+".*"))
			return err
		})
		if err != nil {
			return nil, err
		}
		for name := range info.State.Subjects {
			if n, err := numberOf(name); err == nil {
				there[n] = true
			}
		}
	}
	return there, nil
}
