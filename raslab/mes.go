package raslab

import (
	"fmt"
	"slices"
	"strings"
)

// MESRequest is an upgrade by one enclosure.
type MESRequest struct {
	// Serials of shelf parts for slots 1, 2, ...; "" or missing ones come new
	// from the factory. At most 16.
	Serials []string
	// AllowErase lets the install erase drives that do not arrive erased. A
	// drive that is Configured is never erased.
	AllowErase bool
}

// InstallMES installs an enclosure of 16 drives: power, drive certify, two array
// sites. A drive that can not be used does not stop the others. Report.Object is
// the enclosure's name.
func (l *Lab) InstallMES(q MESRequest) (out Report, bad error) {
	const op = "mes install"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	if len(q.Serials) > slotsPerEnclosure {
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("%d drives for one enclosure", len(q.Serials)), fmt.Sprintf("it has %d slots", slotsPerEnclosure))
	}
	if len(l.slots)+slotsPerEnclosure > drivesMax {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("the facility has %d slots", len(l.slots)), fmt.Sprintf("at most %d are possible", drivesMax))
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
	parts := make([]*Part, slotsPerEnclosure)
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
	slots := l.addEnclosure(slotsPerEnclosure)
	rep := l.begin(op, enclosureName(slots[0].enclosure))
	rep.note("enclosure %s installed at %s", rep.r.Object, enclosureLocation(slots[0].enclosure))
	for i, s := range slots {
		if slices.Contains(l.options.Shelf.parts, parts[i]) {
			l.plug(s, parts[i])
		} else {
			l.fit(s, parts[i])
		}
		s.setState(Certifying, "")
		if l.certify(rep, s, "MES install of "+rep.r.Object, q.AllowErase) {
			rep.did(s, "certified")
		}
	}
	rep.note("array sites %s and %s are unassigned", l.sites[len(l.sites)-2].name(), l.sites[len(l.sites)-1].name())
	return rep.done(), nil
}
