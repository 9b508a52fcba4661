package raslab

import (
	"fmt"
	"slices"
	"strings"
)

// MESRequest is an upgrade: an enclosure with its drives, or the drives of one array
// site for an enclosure that is half full.
type MESRequest struct {
	// DrivesOnly installs eight drives in the free slots of an enclosure that is
	// there, in place of an enclosure with 16.
	DrivesOnly bool
	// Serials of shelf parts for the slots to be filled, in their order; "" or missing
	// ones come new from the factory. At most as many as there are slots to fill.
	Serials []string
	// AllowErase lets the install erase drives that do not arrive erased. A
	// drive that is Configured is never erased.
	AllowErase bool
}

// InstallMES installs an enclosure of 16 drives, or eight drives: power, drive certify, and
// an array site for each eight. A drive that cannot be used does not stop the others.
// Report.Object is the enclosure's name.
func (l *Lab) InstallMES(q MESRequest) (out Report, bad error) {
	const op = "mes install"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	places, free := slotsPerEnclosure, l.plant.freeSlots()
	if q.DrivesOnly {
		places = drivesPerSite
	}
	switch {
	case len(q.Serials) > places:
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("%s for %s", plural(len(q.Serials), "drive"), plural(places, "slot")), fmt.Sprintf("name at most %d", places))
	case q.DrivesOnly && free == nil:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("no enclosure has %d empty slots without an array site", drivesPerSite), "install an enclosure")
	case !q.DrivesOnly && len(l.plant.slots)+slotsPerEnclosure > drivesMax:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("the facility has %d slots", len(l.plant.slots)), fmt.Sprintf("at most %d are possible", drivesMax))
	}
	seen := map[*Part]bool{}
	for i, serial := range q.Serials {
		if strings.TrimSpace(serial) == "" {
			continue
		}
		p, err := l.onShelf(op, serial)
		if err != nil {
			return Report{}, err
		}
		if seen[p] {
			return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("drive %s is named twice, again for slot %d", p.Serial(), i+1), "a drive goes into one slot")
		}
		seen[p] = true
	}
	if own := l.FacilityCertificate(); !own.Valid {
		rep := l.begin(op, l.options.Serial)
		rep.r.Failed = true
		rep.note("nothing was installed: %s", own.Warning)
		l.raiseInvalidConfiguration(finding{location: l.location(), why: op + ": " + own.Warning})
		return rep.done(), nil
	}
	parts := make([]*Part, places)
	for i := range parts {
		if i < len(q.Serials) && strings.TrimSpace(q.Serials[i]) != "" {
			parts[i] = l.options.Shelf.Find(q.Serials[i])
			continue
		}
		p, err := l.newDrive()
		if err != nil {
			return Report{}, err
		}
		parts[i] = p
	}
	slots, sites := free, len(l.plant.sites)
	if q.DrivesOnly {
		l.addSite(free)
	} else {
		slots = l.addEnclosure(slotsPerEnclosure)
	}
	rep := l.begin(op, enclosureName(slots[0].enclosure))
	if q.DrivesOnly {
		rep.note("%s installed in %s", plural(places, "drive"), rep.r.Object)
	} else {
		rep.note("enclosure %s installed at %s", rep.r.Object, enclosureLocation(slots[0].enclosure))
	}
	l.service.installing = &installing{object: rep.r.Object, erase: q.AllowErase, left: slots}
	for i, s := range slots {
		if slices.Contains(l.options.Shelf.parts, parts[i]) {
			l.plug(s, parts[i])
		} else {
			l.health.fit(s, parts[i])
		}
	}
	l.certifyInstalled(rep)
	if added := l.plant.sites[sites:]; len(added) == 1 {
		rep.note("array site %s is unassigned", added[0].name())
	} else {
		rep.note("array sites %s and %s are unassigned", added[0].name(), added[1].name())
	}
	return rep.done(), nil
}

// freeSlots are the eight slots of the half-full enclosure, if they are empty; nil if not, or if
// there is none. No facility has more than one, because an enclosure that is added has two array
// sites.
func (p *plant) freeSlots() []*slot {
	var free []*slot
	for _, s := range p.slots {
		if s.site == nil && s.port.part == nil {
			free = append(free, s)
		}
		if len(free) == drivesPerSite {
			return free
		}
	}
	return nil
}

// installing is an MES whose drives are in their slots and not all certified.
type installing struct {
	object string  // the enclosure's name
	erase  bool    // MESRequest.AllowErase
	left   []*slot // whose drives are not certified yet
}

// certifyInstalled certifies the drives of an MES that are left.
func (l *Lab) certifyInstalled(rep *reporter) {
	for q := l.service.installing; len(q.left) > 0; q.left = q.left[1:] {
		s := q.left[0]
		s.setState(Certifying, "")
		if l.certify(rep, s, "MES install of "+q.object, q.erase) {
			rep.did(s, "certified")
		}
	}
	l.service.installing = nil
}

// goOnInstalling goes on with an MES that a loss of power cut short, and looks at the drives that
// were put into slots meanwhile.
func (l *Lab) goOnInstalling(rep *reporter) {
	if q := l.service.installing; q != nil {
		rep.note("the MES install of %s was cut short by the loss of power, and goes on", q.object)
		l.certifyInstalled(rep)
	}
	for _, s := range l.plant.slots {
		if s.arrived && s.port.part != nil && !l.service.underRepair(s) {
			rep.note("%s was put into %s while there was no power", s.port.Serial(), s.name)
			l.lookAt(rep, s)
		}
	}
}
