package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// Run has a plan on this machine: the server of dir, so many jobs at once (0 is one for each processor, and SlotsMax the
// most), and the coordinator, in this process. What was begun in dir goes on. The state is as it was stored last, with an
// error, too.
func Run(ctx context.Context, p *campaign.Plan, dir string, workers int, o Options) (state *State, err error) {
	if err := checkSlots(workers); err != nil {
		return nil, err
	}
	workers = slotsFor(p, workers)
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	of, err := s.Connect()
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	defer of.Close()
	if err := s.only(ctx, p); err != nil {
		return nil, err
	}
	if o.Programs, err = programs(p); err != nil {
		return nil, err
	}
	o.begun = s.mark
	working, stop := context.WithCancel(ctx)
	coordinating, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var all sync.WaitGroup
	var failed error
	all.Go(func() {
		failed = Work(working, of, WorkerOptions{Name: hostname(), Slots: workers, Programs: OwnPrograms, Note: o.Note, Tracer: o.Tracer})
		giveUp() // without workers nothing comes any more
	})
	nc, err := s.Connect()
	if err == nil {
		state, err = Coordinate(coordinating, nc, p, o)
		nc.Close()
	}
	stop()
	all.Wait()
	if failed != nil { // the coordinator ended for it
		return state, failed
	}
	return state, err
}

// slotsFor is how many jobs are had at once: no more than the plan has.
func slotsFor(p *campaign.Plan, workers int) int {
	if workers == 0 {
		workers = min(runtime.GOMAXPROCS(0), SlotsMax)
	}
	if jobs, known := p.Jobs(); known {
		workers = int(min(uint64(workers), max(1, jobs)))
	}
	return workers
}

// only refuses a directory with another plan.
func (s *Server) only(ctx context.Context, p *campaign.Plan) error {
	nc, err := s.Connect()
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	defer nc.Close()
	ids, err := List(ctx, nc)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id != p.ID() {
			return fmt.Errorf("campaign: %s: %w, %s", s.dir, ErrAnother, id)
		}
	}
	return nil
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// reachFor is how long Reach waits for a process that has the directory and says not where: one that begins, or others
// that read it, each for less than a second.
const reachFor = 30 * time.Second

// Reach is a connection to the server of a directory: of the process that runs its campaign, or where none does of this
// one, for itself alone. Several that read one directory do so one after the other. close ends it, and lets the next one.
// The error wraps ErrBusy, ErrForeign, ErrDamaged or, for an empty directory, ErrNone, or is of the file system or the
// server.
func Reach(dir string) (nc *nats.Conn, close func() error, err error) {
	switch all, err := os.ReadDir(dir); {
	case err != nil:
		return nil, nil, fmt.Errorf("campaign: %w", err)
	case len(all) == 0: // who only reads writes nothing there
		return nil, nil, fmt.Errorf("campaign: %s: %w", dir, ErrNone)
	}
	for began := time.Now(); ; time.Sleep(lookEach) {
		if url, err := Address(dir); err == nil {
			if nc, err := nats.Connect(url, append(always("fdelab"), nats.NoReconnect(), nats.ErrorHandler(unsaid))...); err == nil {
				return nc, func() error { nc.Close(); return nil }, nil
			}
		}
		s, err := start(dir, 0)
		switch {
		case errors.Is(err, ErrBusy) && time.Since(began) < reachFor:
			continue
		case err != nil:
			return nil, nil, err
		}
		if nc, err = s.Connect(); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("campaign: %w", err), s.Close())
		}
		return nc, func() error { nc.Close(); return s.Close() }, nil
	}
}
