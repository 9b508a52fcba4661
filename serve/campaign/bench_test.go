//go:build unix

package campaign

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// processorTime is what this process, or its children that ended, used so far.
func processorTime(of int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(of, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAgainstALoop: lifecycles in a plain loop over the same jobs, and by a campaign in this process, in turns. What
// counts is processor time, which other work on the machine changes little: loop/campaign is 1 where a campaign costs nothing.
func BenchmarkAgainstALoop(b *testing.B) {
	p := plan(b, "drive lifecycles=4000")
	jobs, _ := p.Jobs()
	var loop, whole time.Duration
	for range b.N {
		began := processorTime(syscall.RUSAGE_SELF)
		var all sync.WaitGroup
		for w := range uint64(2) {
			all.Go(func() {
				for n := w; n < jobs; n += 2 {
					j, _ := p.Job(n, campaign.NewReport().Wanted())
					_, err := j.Run()
					require.NoError(b, err)
				}
			})
		}
		all.Wait()
		loop += processorTime(syscall.RUSAGE_SELF) - began
		began = processorTime(syscall.RUSAGE_SELF)
		_, err := Run(b.Context(), p, b.TempDir(), 2, Options{})
		require.NoError(b, err)
		whole += processorTime(syscall.RUSAGE_SELF) - began
	}
	b.ReportMetric(float64(loop)/float64(whole), "loop/campaign")
}

// BenchmarkProcesses: the same against workers in four processes over a server in a fifth.
func BenchmarkProcesses(b *testing.B) {
	p := plan(b, "drive lifecycles=4000")
	jobs, _ := p.Jobs()
	var loop, whole time.Duration
	for range b.N {
		began := processorTime(syscall.RUSAGE_SELF)
		for n := range jobs {
			j, _ := p.Job(n, campaign.NewReport().Wanted())
			_, err := j.Run()
			require.NoError(b, err)
		}
		loop += processorTime(syscall.RUSAGE_SELF) - began
		children, own := processorTime(syscall.RUSAGE_CHILDREN), processorTime(syscall.RUSAGE_SELF)
		s := open(b, b.TempDir())
		var workers []*process
		for range 4 {
			workers = append(workers, begins(b, "work", s.URL(), ""))
		}
		_, err := Coordinate(b.Context(), connect(b, s), p, Options{})
		require.NoError(b, err)
		for _, w := range workers {
			w.kill()
		}
		whole += processorTime(syscall.RUSAGE_CHILDREN) - children + processorTime(syscall.RUSAGE_SELF) - own
	}
	b.ReportMetric(float64(loop)/float64(whole), "loop/campaign")
}

// BenchmarkEmptyJobs: what a campaign costs that does nothing, by the wall clock and in processor time, and whether the
// process grows with the number of jobs.
func BenchmarkEmptyJobs(b *testing.B) {
	for _, jobs := range []int{20_000, 100_000} {
		b.Run(fmt.Sprint(jobs), func(b *testing.B) {
			p := plan(b, fmt.Sprintf("idle jobs=%d\nlimit generation=4096", jobs))
			began := processorTime(syscall.RUSAGE_SELF)
			for range b.N {
				_, err := Run(b.Context(), p, b.TempDir(), 64, Options{})
				require.NoError(b, err)
			}
			used := processorTime(syscall.RUSAGE_SELF) - began
			all := float64(jobs * b.N)
			b.ReportMetric(all/b.Elapsed().Seconds(), "jobs/s")
			b.ReportMetric(float64(used.Microseconds())/all, "µs-processor/job")
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB-heap-after")
		})
	}
}

// BenchmarkSleepers: a hundred workers whose jobs sleep for a second, as a part of what they could do at most.
func BenchmarkSleepers(b *testing.B) {
	const workers, rounds = 100, 20
	for range b.N {
		s := open(b, b.TempDir())
		ctx, cancel := context.WithCancel(b.Context())
		var all sync.WaitGroup
		for n := range workers {
			nc := connect(b, s)
			all.Go(func() {
				_ = Work(ctx, nc, WorkerOptions{Name: fmt.Sprint(n), Slots: 1, Run: func(j *campaign.Job) (*campaign.Result, error) {
					time.Sleep(time.Second)
					return j.Run()
				}})
			})
		}
		began := time.Now()
		_, err := Coordinate(ctx, connect(b, s), plan(b, fmt.Sprintf("idle jobs=%d", workers*rounds)), Options{})
		require.NoError(b, err)
		b.ReportMetric(rounds/time.Since(began).Seconds(), "of-the-most")
		cancel()
		all.Wait()
	}
}
