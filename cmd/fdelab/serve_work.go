package main

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// workSectors is how large a piece of what drives do without being asked is. With --nvme-tcp the target does it, and
// tells the host that began.
const workSectors = 4096

// work has drives go on with a sanitize operation that another server, killed or not, left behind: until it is
// over they refuse every security command. The function that it gives ends it.
func work(units []*secsock.Unit) (end func()) {
	return sockets.Beat(func() {
		for _, u := range units {
			// An error is of a drive that cannot go on now; the next beat tries again.
			_ = u.Do(func(d *drive.Drive) error { _, err := d.SanitizeStep(workSectors); return err })
		}
	})
}
