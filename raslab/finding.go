package raslab

// finding is one thing that an event names: a drive, a key manager, or something that only has a
// location.
type finding struct {
	slot     *slot
	serial   string
	why      string
	manager  *keyManager
	location string // where it is no drive
}

func driveFinding(s *slot, serial, why string) finding {
	return finding{slot: s, serial: serial, why: why}
}

func (f finding) same(o finding) bool {
	return o.slot == f.slot && o.serial == f.serial && o.manager == f.manager && o.location == f.location
}

func (f finding) where() string {
	if f.slot != nil {
		return f.slot.location
	}
	return f.location
}
