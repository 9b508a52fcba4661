package facility

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// outsiderSector is where outsiders write: far above the sectors that hosts use.
const outsiderSector = 4000

// outsiderWrite: an outsider writes to a drive through a cable of his own, where it is unlocked.
func (m *Machine) outsiderWrite(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		lba := outsiderSector + uint64(len(m.steps))%8
		if p.Drive.Write(lba, content(uint32(len(m.steps)), lba)) == nil {
			m.outsiderWrites++
		}
	})
}

// discontinue scans, and compares the scan with what the drives hold.
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
	if lost > 0 && d.Failed { // drives that left with data fail the scan, though nothing is broken
		d.Failed = false
		for _, v := range d.Verdicts {
			d.Failed = d.Failed || !v.Passed
		}
	}
	return m.report(d.Report, nil)
}

// checkScan: nobody reads anything on a drive that passed the scan. Every drive on which
// somebody can read data is in the scan or in the custody records.
func (m *Machine) checkScan(d raslab.DiscontinueReport) error {
	for _, v := range d.Verdicts {
		p, err := m.Lab.Part(v.Slot)
		if err != nil {
			return m.failf("the scan has a verdict on %s, which is empty", v.Slot)
		}
		if lba, holds := readable(p); holds && v.Passed {
			return m.failf("%s passed the scan (%s), and its sector %d can be read", v.Slot, v.Verdict, lba)
		}
		// A drive with a fault plan may answer differently the second time.
		if c := m.Lab.Certificate(v.Serial); p.Flash.Plan() == nil && (c != nil) != (v.Passed && v.Certificate != nil) {
			return m.failf("%s: the scan says %q, and there is a certificate: %v", v.Slot, v.Verdict, c != nil)
		}
	}
	known := map[drive.Identity]raslab.CustodyRecord{}
	for _, r := range m.Lab.Custody() {
		known[r.Identity] = r
	}
	for _, p := range m.Lab.Shelf().Parts() {
		if p.Flash.Plan() != nil || p.Dead() || m.neverSeated[p.Serial()] || p.Drive.PowerOn() != nil {
			continue
		}
		lba, holds := readable(p)
		said, err := p.Drive.Attest([drive.ChallengeSize]byte{})
		state := p.Drive.Status().State
		p.Drive.PowerOff()
		if !holds && state == drive.Erased || err != nil {
			continue
		}
		r, ok := known[said.Identity]
		if !ok {
			return m.failf("%s lies on the shelf (%v, readable: %v, sector %d) and was in the facility, and there is no custody record of it", p.Serial(), state, holds, lba)
		}
		if m.members[p.Serial()] && !r.Open() && r.State != raslab.CustodyAnswered && m.untouched(p.Serial()) {
			return m.failf("%s left a rank with its data, and its custody record says %s", p.Serial(), r.State)
		}
	}
	return nil
}

// untouched says whether no outsider did anything to a drive.
func (m *Machine) untouched(serial string) bool {
	for _, k := range m.history.drives[serial] {
		if k == kindOutsider {
			return false
		}
	}
	return true
}

// readable finds a sector that somebody wrote and anybody can read.
func readable(p *raslab.Part) (lba uint64, ok bool) {
	got := make([]byte, sectorSize)
	for _, lba := range p.Drive.Dump().Written {
		if p.Drive.Read(lba, got) == nil && isTestData(got) {
			return lba, true
		}
	}
	return 0, false
}

// recordMembers records which drives were members of ranks, and of the same one.
func (m *Machine) recordMembers() {
	for _, r := range m.Lab.Ranks() {
		var serials []string
		for _, member := range r.Members {
			m.members[member.Serial] = true
			serials = append(serials, member.Serial)
			if d, err := m.Lab.Drive(member.Slot); err == nil && d.Serial != "" {
				serials = append(serials, d.Serial) // it is being rebuilt on
			}
		}
		m.history.serveTogether(serials)
	}
}

// OutsiderWrites is how many sectors outsiders have written.
func (m *Machine) OutsiderWrites() int { return m.outsiderWrites }

// Scans is how many discontinue scans were compared with what the drives hold.
func (m *Machine) Scans() int { return m.scans }

// EmptyAndScan removes every rank, has outsiders write to the drives in some slots, and scans.
func (m *Machine) EmptyAndScan(slots ...string) error {
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
