package encgroup

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// EraseMaster of a member has the factory PIN, so anybody at the drive's port can disable a BandMaster (TCG
// Storage SSC: Enterprise, table Authority, column Enabled). That keeps the data back and exposes none: what
// enables the BandMaster again does not open its range. So the facility enables it again.

// enable lets BandMaster n authenticate again, as EraseMaster with the factory PIN.
func enable(d Drive, n int) error {
	msid, err := d.MSID()
	if err != nil {
		return err
	}
	s, err := d.Authenticate(drive.EraseMaster, msid)
	if err != nil {
		return err
	}
	defer s.Close()
	b, ok := s.(drive.BatchSession)
	if !ok {
		return errors.New("encgroup: the drive has no way to enable a BandMaster")
	}
	return b.Apply(drive.Batch{Enabled: []drive.Enabled{{Who: drive.BandMaster(n), On: true}}})
}

// asBandMaster authenticates as BandMaster n of a member. Where that is refused because somebody has disabled
// it, it is enabled and tried again. The last try of EraseMaster is left to its owner.
func (g *Group) asBandMaster(d Drive, n int, pin drive.PIN) (drive.Session, error) {
	s, refused := d.Authenticate(drive.BandMaster(n), pin)
	if !errors.Is(refused, drive.NotAuthorized) {
		return s, refused
	}
	if r, err := d.Range(n); err != nil {
		return nil, err
	} else if !r.Disabled {
		return nil, refused
	}
	used, limit, err := d.Tries(drive.EraseMaster)
	switch {
	case err != nil:
		return nil, err
	case limit > 0 && used+1 >= limit:
		return nil, refused
	}
	if err := enable(d, n); err != nil {
		return nil, err
	}
	g.noted(d, fmt.Sprintf("BandMaster%d was disabled: enabled again", n))
	return d.Authenticate(drive.BandMaster(n), pin)
}
