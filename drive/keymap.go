package drive

// KeyMap says what is wrapped by what, without a secret: for pictures.
type KeyMap struct {
	Generation uint32
	Slots      []KeyMapSlot
	Ranges     []KeyMapRange
	Tables     []KeyMapTable // of an Opal drive: the MBR shadow, then the DataStore tables
}

// KeyMapSlot is one authority.
type KeyMapSlot struct {
	Authority Authority
	AtMSID    bool
	Tries     uint16
	// Disabled is an authority of an Opal drive whose PIN opens nothing now, NoPIN one whose PIN is the empty
	// one.
	Disabled, NoPIN bool
}

// KeyMapRange is one range and who may unlock it.
type KeyMapRange struct {
	Range    int
	WrapsBy  []Authority // authorities whose AK wraps the MEK, or the range's key, which wraps the MEK
	RootWrap bool        // so does the KEK of the root key
	InRAM    bool        // the MEK is in RAM: the range is usable now
}

// KeyMapTable is a table of bytes and who gets at its key.
type KeyMapTable struct {
	Area     Area
	Size     uint64 // bytes
	WrapsBy  []Authority
	RootWrap bool
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
		m := KeyMapSlot{Authority: s.authority, AtMSID: s.atMSID, Tries: s.tries}
		if s.opal != nil {
			i := s.info()
			m.Disabled, m.NoPIN = !i.Enabled, !i.HasPIN
		}
		k.Slots = append(k.Slots, m)
	}
	for n := range d.rec.ranges {
		r := KeyMapRange{Range: n, InRAM: d.ram[n].mek != nil}
		if o := d.rec.ranges[n].opal; o != nil {
			r.WrapsBy, r.RootWrap = o.holders()
		}
		for _, w := range d.rec.ranges[n].wraps {
			if w.by == Nobody {
				r.RootWrap = true
			} else {
				r.WrapsBy = append(r.WrapsBy, w.by)
			}
		}
		k.Ranges = append(k.Ranges, r)
	}
	if o := d.rec.opal; o != nil {
		for i, t := range append([]tableRecord{o.mbr}, o.stores...) {
			m := KeyMapTable{Area: MBRShadow, Size: t.size}
			if i > 0 {
				m.Area = DataStoreArea(i - 1)
			}
			m.WrapsBy, m.RootWrap = t.keys.holders()
			k.Tables = append(k.Tables, m)
		}
	}
	return k, nil
}
