package facility

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// outsiderSector is where outsiders write: far behind what the machine's hosts use.
const outsiderSector = 4000

// outsiderWrite is somebody's data on a drive, past the facility: where it is open.
func (m *Machine) outsiderWrite(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		lba := outsiderSector + uint64(len(m.steps))%8
		if p.Drive.Write(lba, content(uint32(len(m.steps)), lba)) == nil {
			m.smuggled++
		}
	})
}

// discontinue scans, and holds the scan against what lies on the drives.
func (m *Machine) discontinue([]string) error {
	d, err := m.Lab.Discontinue()
	if err != nil {
		return m.report(d.Report, err)
	}
	m.scans++
	lost := 0
	for _, r := range d.Away {
		if r.Open() {
			lost++
		}
	}
	if err := m.checkScan(d); err != nil {
		return err
	}
	if lost > 0 && d.Failed { // drives that left with data fail it, though nothing is broken
		d.Failed = false
		for _, v := range d.Verdicts {
			d.Failed = d.Failed || !v.Passed
		}
	}
	return m.report(d.Report, nil)
}

// checkScan: of a drive that the scan passes nobody reads what was ever written, and every
// drive on which somebody may is in the scan, or in the custody records.
func (m *Machine) checkScan(d raslab.DiscontinueReport) error {
	for _, v := range d.Verdicts {
		p, err := m.Lab.Part(v.Slot)
		if err != nil {
			return m.failf("the scan has a verdict on %s, which is empty", v.Slot)
		}
		if lba, holds := readable(p); holds && v.Passed {
			return m.failf("%s passed the scan (%s), and its sector %d can be read", v.Slot, v.Verdict, lba)
		}
		// A second look at a drive with a fault plan may find something else than the first.
		if c := m.Lab.Certificate(v.Serial); p.Flash.Plan() == nil && (c != nil) != (v.Passed && v.Certificate != nil) {
			return m.failf("%s: the scan says %q, and there is a certificate: %v", v.Slot, v.Verdict, c != nil)
		}
	}
	known := map[drive.Identity]raslab.CustodyRecord{}
	for _, r := range m.Lab.Custody() {
		known[r.Identity] = r
	}
	for _, p := range m.Lab.Shelf().Parts() {
		if p.Flash.Plan() != nil || p.Dead() || m.strange[p.Serial()] || p.Drive.PowerOn() != nil {
			continue
		}
		lba, holds := readable(p)
		id, err := p.Drive.Identity()
		state := p.Drive.Status().State
		p.Drive.PowerOff()
		if !holds && state == drive.Erased || err != nil {
			continue
		}
		r, ok := known[id]
		if !ok {
			return m.failf("%s lies on the shelf (%v, readable: %v, sector %d), was in the facility, and no custody record knows it", p.Serial(), state, holds, lba)
		}
		if m.members[p.Serial()] && !r.Open() && r.State != raslab.CustodyAnswered && m.untouched(p.Serial()) {
			return m.failf("%s left a rank with its data, and its custody record says %s", p.Serial(), r.State)
		}
	}
	return nil
}

// untouched says whether no outsider had his hands on a drive.
func (m *Machine) untouched(serial string) bool {
	for _, k := range m.history.drives[serial] {
		if k == kindOutsider {
			return false
		}
	}
	return true
}

// readable finds a sector on a drive that anybody reads and that somebody wrote.
func readable(p *raslab.Part) (lba uint64, ok bool) {
	got := make([]byte, sectorSize)
	for _, lba := range p.Drive.Dump().Written {
		if p.Drive.Read(lba, got) == nil && telling(got) {
			return lba, true
		}
	}
	return 0, false
}

// noteMembers remembers which drives were members of ranks, and with which others.
func (m *Machine) noteMembers() {
	for _, r := range m.Lab.Ranks() {
		var serials []string
		for _, member := range r.Members {
			m.members[member.Serial] = true
			serials = append(serials, member.Serial)
			if d, err := m.Lab.Drive(member.Slot); err == nil && d.Serial != "" {
				serials = append(serials, d.Serial) // it is being rebuilt on
			}
		}
		m.history.serve(serials)
	}
}

// Smuggled is how many sectors outsiders wrote.
func (m *Machine) Smuggled() int { return m.smuggled }

// Scans is how many discontinue scans were held against what lies on the drives.
func (m *Machine) Scans() int { return m.scans }

// Empty removes every rank, lets outsiders write to the drives of some slots, and scans.
func (m *Machine) Empty(slots ...string) error {
	steps := []string{}
	for _, r := range m.Lab.Ranks() {
		steps = append(steps, "remove-rank "+r.ID)
	}
	for _, s := range slots {
		steps = append(steps, "outsider-write "+s)
	}
	for _, step := range append(steps, "discontinue") {
		if err := m.Do(step); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}
