package raslab

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// FRU is one line of an event's list of field replaceable units: a part, or a symbolic entry that
// stands for a procedure or for a part of the customer.
type FRU struct {
	Order    int     // of replacement, counts from 1
	Kind     src.FRU // "drive", "procedure MAP4980", ...
	Part     string  // part number; "" for a symbolic entry. The numbers are ours (assumption)
	Location string  // location code; "" for a procedure
	Serial   string  // of a drive; else ""
}

// Machine types of the facility: 2107 is the DS8000, the model is an assumption.
const (
	machineType  = "2107"
	machineModel = "961"
)

// MachineType is the type and model of the storage unit, such as "2107-961".
func (l *Lab) MachineType() string { return machineType + "-" + machineModel }

// UnitSerial is the serial number of the storage unit: that of its storage image with 0 for the
// last digit, as IBM's serial numbers have it. A facility's serial number that does not end in 1
// stays as it is.
func (l *Lab) UnitSerial() string {
	if cut, ok := strings.CutSuffix(l.options.Serial, "1"); ok {
		return cut + "0"
	}
	return l.options.Serial
}

// fruList is what to replace or go through for an event. A drive's part number follows from its
// sector size and capacity, which are known since the drive came into its slot. A drive that is
// gone gets the number of the facility's own drives.
func (l *Lab) fruList(e *event) []FRU {
	var out []FRU
	add := func(f FRU) {
		for _, o := range out {
			if o.Kind == f.Kind && o.Location == f.Location && o.Serial == f.Serial {
				return
			}
		}
		f.Order = len(out) + 1
		out = append(out, f)
	}
	for _, kind := range src.FRUs(src.Code(e.SRC)) {
		switch kind {
		case src.Drive:
			for _, f := range e.found {
				if f.slot != nil {
					add(FRU{Kind: kind, Part: l.drivePart(f), Location: f.slot.location, Serial: f.serial})
				}
			}
		case src.Enclosure:
			for _, f := range e.found {
				if f.slot != nil {
					add(FRU{Kind: kind, Part: "00FD910", Location: enclosureLocation(f.slot.enclosure)})
				}
			}
		case src.HMC:
			for i := range l.hmc.consoles {
				if c := &l.hmc.consoles[i]; c.serves {
					add(FRU{Kind: kind, Part: "00FD042", Location: c.name()})
				}
			}
		case src.KeyServer:
			for _, f := range e.found {
				if f.slot == nil {
					add(FRU{Kind: kind, Location: f.where()})
				}
			}
		default:
			add(FRU{Kind: kind})
		}
	}
	return out
}

func (l *Lab) drivePart(f finding) string {
	size, sectors := l.options.SectorSize, l.options.Sectors
	if c := f.slot.port.Config(); f.slot.port.Serial() == f.serial && c.Sectors != 0 {
		size, sectors = c.SectorSize, c.Sectors
	}
	kind := "5"
	if size == 4096 {
		kind = "4"
	}
	return fmt.Sprintf("00FD%s%02d", kind, sectors*uint64(size)>>20%100)
}
