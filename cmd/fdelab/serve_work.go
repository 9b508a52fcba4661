package main

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// What drives do without being asked: every beat a piece of so many sectors. With --nvme-tcp the target does it,
// and tells the host that began.
const (
	workBeat    = 10 * time.Millisecond
	workSectors = 4096
)

// work has drives go on with a sanitize operation that another server, killed or not, left behind: until it is
// over they refuse every security command. The function that it gives ends it.
func work(units []*secsock.Unit) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(workBeat)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for _, u := range units {
				// An error is of a drive that cannot go on now; the next beat tries again.
				_ = u.Do(func(d *drive.Drive) error { _, err := d.SanitizeStep(workSectors); return err })
			}
		}
	}()
	return func() { close(stop); <-done }
}
