//go:build unix

package campaign

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// messages has the messages of a campaign of so many jobs go their way, several jobs in each, with nothing in them that
// anybody reads, and gives the processor time in microseconds for each job.
func messages(b *testing.B, jobs, each int) float64 {
	const id, generation = "0123456789ab", 4096
	s := open(b, b.TempDir())
	c := &coordinator{nc: connect(b, s), plan: plan(b, "idle jobs=1"), o: Options{Replicas: 1, Note: b.Logf}}
	require.NoError(b, c.open(b.Context()))
	var err error
	c.results, err = c.js.CreateConsumer(b.Context(), resultsStream, resultsConsumer(id))
	require.NoError(b, err)
	results, stop, err := c.listen()
	require.NoError(b, err)
	defer stop()
	body := make([]byte, 150*each) // the ticket of an empty job
	began := processorTime(syscall.RUSAGE_SELF)

	ctx, cancel := context.WithCancel(b.Context())
	w := &worker{nc: connect(b, s)}
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			p := puller{nc: w.nc, inbox: w.nc.NewRespInbox()}
			p.sub, _ = w.nc.SubscribeSync(p.inbox + ".*") // else it has no job, and this waits
			for n := 0; ctx.Err() == nil; {
				if m := p.pull(ctx, []string{workConsumer}, &n); m != nil {
					number, _ := numberOf(m.Subject)
					w.request(ctx, &nats.Msg{Subject: subject(resultSubjects, id, number), Data: body})
					w.acknowledge(ctx, m)
				}
			}
		})
	}
	for sent, done := 0, 0; done < jobs/each; {
		var futures []jetstream.PubAckFuture
		for sent < jobs/each && sent < done+2*generation {
			f, err := c.js.PublishMsgAsync(&nats.Msg{Subject: subject(jobSubjects, id, uint64(sent)), Data: body})
			require.NoError(b, err)
			futures = append(futures, f)
			sent++
		}
		for _, f := range futures {
			select {
			case <-f.Ok():
			case err := <-f.Err():
				require.NoError(b, err)
			}
		}
		for upTo := min(done+generation, sent); done < upTo; done++ {
			_ = (<-results).Ack()
		}
	}
	used := processorTime(syscall.RUSAGE_SELF) - began
	cancel()
	all.Wait()
	return float64(used.Microseconds()) / float64(jobs)
}

// BenchmarkMessages: what the messages of empty jobs cost without the jobs, as a part of what a campaign of them costs.
func BenchmarkMessages(b *testing.B) {
	const jobs = 20_000
	p := plan(b, fmt.Sprintf("idle jobs=%d\nlimit generation=4096", jobs))
	var alone, of16, whole float64
	for range b.N {
		began := processorTime(syscall.RUSAGE_SELF)
		_, err := Run(b.Context(), p, b.TempDir(), 64, Options{})
		require.NoError(b, err)
		whole += float64((processorTime(syscall.RUSAGE_SELF) - began).Microseconds()) / jobs
		alone += messages(b, jobs, 1)
		of16 += messages(b, jobs, 16)
	}
	b.ReportMetric(alone/whole, "messages/campaign")
	b.ReportMetric(of16/whole, "messages-of-16/campaign")
	b.ReportMetric(whole/float64(b.N), "µs-processor/job")
}
