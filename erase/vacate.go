package erase

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// vacate takes its place from every range beside the global one, after an erase of the whole drive,
// which leaves the places as they are (TCG Storage SSC: Enterprise, method Erase). Whoever takes
// the drive next and looks at the global range alone would else write into a range whose key
// anybody can use. A range that is erased by itself keeps its place for its owner. The erase is
// done when this runs, so its error is never a refusal.
func (r *run) vacate() error {
	if r.job.Method != DriveErase {
		return nil
	}
	for n := 1; n <= r.cfg.Ranges; n++ {
		if err := r.vacateRange(n); err != nil {
			return fmt.Errorf("range %d keeps its place: %v", n, err) // not %w: nothing was refused
		}
	}
	return nil
}

func (r *run) vacateRange(n int) error {
	i, err := r.t.Range(n)
	if err != nil || i.Start == 0 && i.Length == 0 {
		return err
	}
	s, err := r.t.Authenticate(drive.BandMaster(n), r.msid)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.SetRange(drive.RangeConfig{LockOnReset: drive.OnPowerCycle})
}
