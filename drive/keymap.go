package drive

// KeyMap says what is wrapped by what, without a secret: for pictures.
type KeyMap struct {
	Generation uint32
	Slots      []KeyMapSlot
	Ranges     []KeyMapRange
}

// KeyMapSlot is one authority.
type KeyMapSlot struct {
	Authority Authority
	AtMSID    bool
	Tries     uint16
}

// KeyMapRange is one range and who may unlock it.
type KeyMapRange struct {
	Range    int
	WrapsBy  []Authority // authorities whose AK wraps the MEK
	RootWrap bool        // the MEK is wrapped by the KEK of the root key
	InRAM    bool        // the MEK is in RAM: the range is usable now
}

// KeyMap describes the key hierarchy as the active record has it.
func (d *Drive) KeyMap() (KeyMap, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("key map"); err != nil {
		return KeyMap{}, err
	}
	k := KeyMap{Generation: d.rec.keygen}
	for i := range d.rec.slots {
		s := &d.rec.slots[i]
		k.Slots = append(k.Slots, KeyMapSlot{Authority: s.authority, AtMSID: s.atMSID, Tries: s.tries})
	}
	for n := range d.rec.ranges {
		r := KeyMapRange{Range: n, InRAM: d.ram[n].mek != nil}
		for _, w := range d.rec.ranges[n].wraps {
			if w.by == Nobody {
				r.RootWrap = true
			} else {
				r.WrapsBy = append(r.WrapsBy, w.by)
			}
		}
		k.Ranges = append(k.Ranges, r)
	}
	return k, nil
}
