package raslab

import "github.com/seed-9d983aeb/fdelab/drive/fault"

// What hands, fuses and age do to the hardware, without a word to the software.

// Part is the physical drive in a slot, for tests and rehearsals that break
// things.
func (p *plant) Part(slotName string) (*Part, error) { return p.partAt("part", slotName) }

func (p *plant) partAt(op, slotName string) (*Part, error) {
	s, err := p.slotNamed(op, slotName)
	if err != nil {
		return nil, err
	}
	if s.port.part == nil {
		return nil, refuse(ErrState, op, s.name+" is empty", "name a slot with a drive in it")
	}
	return s.port.part, nil
}

// Arm arms a fault plan on the drive in a slot.
func (l *Lab) Arm(slotName string, plan *fault.Plan) error {
	p, err := l.plant.partAt("fault arm", slotName)
	if err != nil {
		return err
	}
	if err := p.Arm(plan); err != nil {
		return err
	}
	l.logf(p.slot.name, "armed %s", p.Plan())
	return nil
}

// Disarm takes the fault plan of the drive in a slot away.
func (l *Lab) Disarm(slotName string) error {
	p, err := l.plant.partAt("fault disarm", slotName)
	if err != nil {
		return err
	}
	p.Disarm()
	l.logf(p.slot.name, "disarmed")
	return nil
}

// Break kills the electronics of the drive in a slot.
func (l *Lab) Break(slotName string) error {
	p, err := l.plant.partAt("drive break", slotName)
	if err != nil {
		return err
	}
	p.Break()
	l.logf(p.slot.name, "the electronics of %s broke", p.Serial())
	return nil
}

// CutPower cuts the power of one slot.
func (l *Lab) CutPower(slotName string) error {
	s, err := l.plant.slotNamed("power cut", slotName)
	if err != nil {
		return err
	}
	s.port.PowerOff()
	l.logf(s.name, "power cut")
	return nil
}

// RestorePower gives a slot its power back. The drive boots, and a lock-enabled range comes up
// locked. A drive that does not boot is not an error of this method: the facility finds it.
func (l *Lab) RestorePower(slotName string) (bad error) {
	defer l.unwound("power restore", &bad)
	if l.power.dark {
		return refuse(ErrState, "power restore", "the facility has no power", "give it back to the whole of it")
	}
	s, err := l.plant.slotNamed("power restore", slotName)
	if err != nil {
		return err
	}
	if err := s.port.PowerOn(); err != nil {
		l.logf(s.name, "power restored: %v", err)
		return nil
	}
	l.logf(s.name, "power restored")
	return nil
}

// Pull takes a drive out of its slot without any service action and puts it on
// the shelf. The facility misses it at the next I/O or health check.
func (l *Lab) Pull(slotName string) error {
	p, err := l.plant.partAt("drive pull", slotName)
	if err != nil {
		return err
	}
	s := p.slot
	l.unplug(s)
	l.logf(s.name, "%s was pulled", p.Serial())
	return nil
}

// Insert puts a part of the shelf into an empty slot without any service
// action. The facility finds an added drive, powers it on and looks at it.
func (l *Lab) Insert(slotName, serial string) (out Report, bad error) {
	const op = "drive insert"
	defer l.recovered(op, &out, &bad)
	s, err := l.plant.slotNamed(op, slotName)
	if err != nil {
		return Report{}, err
	}
	p, err := l.onShelf(op, serial)
	if err != nil {
		return Report{}, err
	}
	if s.port.part != nil {
		return Report{}, refuse(ErrState, op, s.name+" holds "+s.port.Serial(), "pull that drive first, or repair the slot")
	}
	if l.service.action != nil && l.service.action.slot == s {
		return Report{}, refuse(ErrBusy, op, l.service.action.name+" is in progress", "exchange the FRU as its next step")
	}
	r := l.begin(op, s.name)
	l.plug(s, p)
	l.logf(s.name, "%s was inserted", p.Serial())
	s.arrived = true
	if l.power.dark {
		r.note("the facility has no power: it looks at %s when it has", p.Serial())
		return r.done(), nil
	}
	l.lookAt(r, s)
	return r.done(), nil
}

// lookAt handles a drive that the facility finds in a slot.
func (l *Lab) lookAt(r *reporter, s *slot) {
	p := s.port.part
	if m := s.member(); m != nil && m.serial == p.Serial() {
		// A member that comes back has its data: it is not erased.
		if err := s.port.PowerOn(); err != nil {
			r.failed(s, "did not power on", err)
			s.arrived = false
			return
		}
		if l.setAsideImpostor(r, m, s) {
			l.plant.rankOf(m).displaced(m)
			s.arrived = false
			return
		}
		r.note("%s holds data of %s: repair %s without an exchange to bring it back", p.Serial(), l.plant.rankOf(m).name(), s.name)
		s.arrived = false
		return
	}
	if m := s.member(); m != nil {
		l.plant.rankOf(m).displaced(m)
	}
	if l.arrive(r, s) && s.member() != nil {
		s.setState(NewDrive, "repair the slot to bring the drive into the rank")
	} else if s.state == Normal {
		l.plant.retryRebuilds()
	}
	s.arrived = false
}

func (l *Lab) unplug(s *slot) {
	p := s.port.part
	s.port.PowerOff()
	s.port.part, p.slot = nil, nil
	l.options.Shelf.parts = append(l.options.Shelf.parts, p)
	l.health.stale = true
}

func (l *Lab) plug(s *slot, p *Part) {
	l.options.Shelf.take(p)
	s.port.part, p.slot = p, s
	s.errors = 0
	l.health.stale = true
}
