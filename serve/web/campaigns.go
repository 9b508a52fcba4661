package web

import (
	"context"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// CampaignPlace is where campaigns are, such as a folder or a NATS server: [campaign.Folder], [campaign.Elsewhere].
type CampaignPlace interface {
	Name() string // for everybody who looks: without secrets
	// Read reads the campaigns that are there. It is called by one goroutine at a time, at most once a second, and by
	// none while nobody looks. An error says what it may on a page by wrapping campaign.Unread.
	Read(ctx context.Context) ([]*campaign.Standing, error)
	Close()
}

const (
	askEvery     = time.Second      // a place is read so often at most
	readWithin   = 30 * time.Second // how long one reading may take: a connection takes its time
	pagePatience = 2 * time.Second  // how long a page waits for a reading before it shows what was read last
)

// board holds the campaigns as they were read last. Readings are in goroutines of their own: a server that does not
// answer holds up no page, and no other place.
type board struct {
	note  func(format string, args ...any)
	ctx   context.Context // of all readings
	end   context.CancelFunc
	feeds []*feed

	mu      sync.Mutex
	viewers int
	halt    chan struct{} // closed when the last viewer leaves
	shown   *Board
	changed chan struct{} // closed at the next change of shown
}

// feed is the reading of one place.
type feed struct {
	place CampaignPlace
	eye   *eye          // of whoever reads
	asked time.Time     // when the last reading began
	done  chan struct{} // closed at the end of the reading that goes on; nil: none does
	said  string        // the error that was noted
}

// Board is what the pages show of campaigns, at one moment. Nobody changes it.
type Board struct {
	version uint64
	places  []*placeSeen
}

func newBoard(places []CampaignPlace, note func(format string, args ...any)) *board {
	b := &board{note: note, shown: &Board{}, changed: make(chan struct{})}
	if b.note == nil {
		b.note = func(string, ...any) {}
	}
	b.ctx, b.end = context.WithCancel(context.Background())
	for i, p := range places {
		b.feeds = append(b.feeds, &feed{place: p, eye: newEye(i + 1)})
		b.shown.places = append(b.shown.places, &placeSeen{Name: clip(p.Name(), nameMost), Why: "it is being read"})
	}
	return b
}

// news is what is shown, and a channel that is closed when there is something else.
func (b *board) news() (*Board, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown, b.changed
}

// ask has every place read whose last reading is old enough. It gives what to wait for.
func (b *board) ask() (readings []<-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, f := range b.feeds {
		if f.done == nil && b.ctx.Err() == nil && time.Since(f.asked) >= askEvery {
			f.asked, f.done = time.Now(), make(chan struct{})
			go b.read(i)
		}
		if f.done != nil {
			readings = append(readings, f.done)
		}
	}
	return readings
}

// read reads a place, and tells whoever waits if it is not as it was.
func (b *board) read(i int) {
	f := b.feeds[i]
	ctx, done := context.WithTimeout(b.ctx, readWithin)
	states, err := f.place.Read(ctx)
	done()
	was, _ := b.news()
	seen := f.eye.look(was.places[i], states, err, time.Now())
	if said := errorText(err); said != f.said && b.ctx.Err() == nil {
		if f.said = said; said != "" {
			b.note("%s", said)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !seen.same(b.shown.places[i]) {
		next := &Board{version: b.shown.version + 1, places: append([]*placeSeen(nil), b.shown.places...)}
		next.places[i] = seen
		b.shown = next
		close(b.changed)
		b.changed = make(chan struct{})
	}
	close(f.done)
	f.done = nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// fresh has the places read, and waits for that, if not for long.
func (b *board) fresh(ctx context.Context) {
	ctx, done := context.WithTimeout(ctx, pagePatience)
	defer done()
	for _, r := range b.ask() {
		select {
		case <-r:
		case <-ctx.Done():
		}
	}
}

// watch has the places read again and again until the last one who watches has left.
func (b *board) watch() (leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.viewers++; b.viewers == 1 {
		b.halt = make(chan struct{})
		go b.keep(b.halt)
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.viewers--; b.viewers == 0 {
			close(b.halt)
		}
	}
}

func (b *board) keep(halt <-chan struct{}) {
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		b.ask()
		select {
		case <-halt:
			return
		case <-b.ctx.Done():
			return
		case <-again.C:
		}
	}
}

// close ends all readings.
func (b *board) close() {
	b.end()
	for _, f := range b.feeds {
		b.mu.Lock()
		done := f.done
		b.mu.Unlock()
		if done != nil {
			<-done
		}
		f.place.Close()
	}
}
