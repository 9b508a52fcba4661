package raslab

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// The shape of a facility (assumptions, after DS8000 installations).
const (
	slotsPerEnclosure = 16
	enclosuresPerRack = 16
	enclosuresPerPair = 2 // enclosures behind one device adapter pair
	drivesPerSite     = 8
	drivesMax         = 1536
	sparesRequired    = 2 // spares that a DA pair should have
)

// plant is what stands in the frames.
type plant struct {
	slots   []*slot
	byName  map[string]*slot
	sites   []*site
	arrays  []*array // by id
	ranks   []*Rank  // by id
	leaving []*Rank  // being removed, by id
	made    int      // drives that came with the facility or with an MES
}

// slot is what the facility knows of one slot. The port knows what is in it.
type slot struct {
	lab       *Lab
	index     int
	name      string
	location  string
	enclosure int // counts from 1
	number    int // 1 to 16
	port      Port
	site      *site
	array     *array // whose member the drive is now; nil for a spare
	position  int    // in the array
	state     DriveState
	why       string
	errors    int // media errors since the drive came
	suspect   suspicion
	heldWhy   string    // why RAS does not start its smart rebuild
	noKey     bool      // RAS tried to, and its group had no key
	exchanged time.Time // when RAS tried last; zero: never
	arrived   bool      // a drive was put in, and the facility has not looked at it yet
}

// site is an array site of eight slots on one DA pair.
type site struct {
	id    int // counts from 1
	slots []*slot
	array *array
}

func (s *site) name() string { return fmt.Sprintf("S%d", s.id) }
func (s *site) pair() int    { return s.slots[0].pair() }

func (s *slot) pair() int { return (s.enclosure - 1) / enclosuresPerPair }

func slotName(enclosure, number int) string {
	return fmt.Sprintf("%s-D%02d", enclosureName(enclosure), number)
}

func enclosureName(enclosure int) string {
	return fmt.Sprintf("R%d-I%d", (enclosure-1)/enclosuresPerRack+1, (enclosure-1)%enclosuresPerRack+1)
}

// A location code names unit type, model, sequence number, planar and drive. Its form is ours.
func enclosureLocation(enclosure int) string { return fmt.Sprintf("U5791.S10.%04d", enclosure) }

func slotLocation(enclosure, number int) string {
	return fmt.Sprintf("%s-P1-D%d", enclosureLocation(enclosure), number)
}

// addEnclosure adds sixteen empty slots, and array sites for the first of them that get drives.
func (l *Lab) addEnclosure(drives int) []*slot {
	enclosure := len(l.plant.slots)/slotsPerEnclosure + 1
	var added []*slot
	for n := 1; n <= slotsPerEnclosure; n++ {
		s := &slot{
			lab: l, index: len(l.plant.slots), name: slotName(enclosure, n), location: slotLocation(enclosure, n),
			enclosure: enclosure, number: n, state: Missing, why: "the slot is empty",
			port: Port{lab: l},
		}
		l.plant.slots = append(l.plant.slots, s)
		l.plant.byName[s.name] = s
		added = append(added, s)
	}
	for i := 0; i+drivesPerSite <= drives; i += drivesPerSite {
		l.addSite(added[i : i+drivesPerSite])
	}
	l.health.stale = true
	return added
}

// addSite makes an array site of eight slots that belong to none.
func (l *Lab) addSite(slots []*slot) {
	t := &site{id: len(l.plant.sites) + 1, slots: slots}
	for _, s := range slots {
		s.site = t
	}
	l.plant.sites = append(l.plant.sites, t)
	l.health.stale = true
}

// slotNamed finds a slot by name or location code, in any case.
func (p *plant) slotNamed(op, name string) (*slot, error) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if s := p.byName[name]; s != nil {
		return s, nil
	}
	for _, s := range p.slots {
		if s.location == name {
			return s, nil
		}
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no slot %q", name),
		fmt.Sprintf("slots are %s to %s", p.slots[0].name, p.slots[len(p.slots)-1].name))
}

// spare says whether the drive is a spare that can be used now.
func (s *slot) spare() bool {
	return s.site != nil && s.site.array != nil && s.array == nil && s.state == Normal &&
		s.port.answers() && s.lab.reach(s.port.part).Status().State == drive.Erased
}

// spareFor finds the first usable spare for a slot: of its own site, then of
// its DA pair.
func (p *plant) spareFor(s *slot, not func(*slot) bool) *slot {
	var other *slot
	for _, c := range p.slots {
		if c == s || c.pair() != s.pair() || !c.spare() || p.copyingTo(c) || not != nil && not(c) {
			continue
		}
		if c.site == s.site {
			return c
		}
		if other == nil {
			other = c
		}
	}
	return other
}

// setState records the state that the facility gives a drive, and why.
func (s *slot) setState(state DriveState, why string) {
	if s.state == state && s.why == why {
		return
	}
	s.state, s.why = state, why
	if why != "" {
		s.lab.logf(s.name, "%s: %s", state, why)
	} else {
		s.lab.logf(s.name, "%s", state)
	}
}

func (s *slot) use(spares map[int]int) DriveUse {
	switch {
	case s.array != nil:
		return ArrayMember
	case s.site == nil || s.state == NewDrive || s.state == Inappropriate || s.state == Missing:
		return Unconfigured
	case s.site.array == nil:
		return Unassigned
	case spares[s.pair()] < sparesRequired:
		spares[s.pair()]++
		return SpareRequired
	}
	return SpareNotRequired
}

func (s *slot) info(spares map[int]int) DriveInfo {
	i := DriveInfo{
		Slot: s.name, Location: s.location, Enclosure: s.enclosure, Number: s.number, DAPair: s.pair(),
		Serial: s.port.Serial(), State: s.state, Why: s.why, Use: s.use(spares),
		Predicted: s.predicted(), Errors: s.errors, Answers: s.port.answers(),
	}
	if s.site != nil {
		i.Site = s.site.name()
	}
	if s.array != nil {
		i.Array = s.array.name()
		if r := s.array.rank; r != nil {
			i.Rank, i.KeyGroup = r.name(), r.keygrp
		}
	}
	if i.Answers {
		i.Status, i.Plain = s.lab.reach(s.port.part).Status(), s.port.part.plain
	}
	return i
}

// predicted says whether media errors predict a failure.
func (s *slot) predicted() bool { return s.errors >= mediaErrorsPredict }

// Enclosures lists the enclosures with their slots.
func (p *plant) Enclosures() []EnclosureInfo {
	drives := p.Drives()
	var out []EnclosureInfo
	for i := 0; i < len(drives); i += slotsPerEnclosure {
		n := drives[i].Enclosure
		out = append(out, EnclosureInfo{
			Number: n, Name: enclosureName(n), Location: enclosureLocation(n), DAPair: drives[i].DAPair,
			Slots: drives[i : i+slotsPerEnclosure : i+slotsPerEnclosure],
		})
	}
	return out
}

// Drives lists every slot, in slot order.
func (p *plant) Drives() []DriveInfo {
	spares := map[int]int{}
	out := make([]DriveInfo, len(p.slots))
	for i, s := range p.slots {
		out[i] = s.info(spares)
	}
	return out
}

// Drive describes one slot, by its name (R1-I1-D05) or its location code, in
// any case.
func (p *plant) Drive(slotName string) (DriveInfo, error) {
	s, err := p.slotNamed("drive show", slotName)
	if err != nil {
		return DriveInfo{}, err
	}
	return p.Drives()[s.index], nil
}

// Sites lists the array sites.
func (p *plant) Sites() []SiteInfo {
	out := make([]SiteInfo, len(p.sites))
	for i, t := range p.sites {
		out[i] = SiteInfo{ID: t.name(), DAPair: t.pair(), State: "Unassigned"}
		if t.array != nil {
			out[i].State, out[i].Array = "Assigned", t.array.name()
		}
		for _, s := range t.slots {
			out[i].Slots = append(out[i].Slots, s.name)
		}
	}
	return out
}
