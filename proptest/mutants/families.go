package mutants

// families are defects of the families of the suite's own, two or more for each.
var families = []Mutant{
	{Of: "PC01", Defect: "a power-on that finds an old record destroys the new one first, and writes it anew", Edits: []Edit{{
		"drive/power.go", "	resisting, err := d.store.cleanRead()\n",
		"	for b, u := range d.store.use {\n		if u == used && b != d.store.active {\n			old := d.store.active\n			if err := d.store.destroy(old); errors.Is(err, flash.ErrPowerLost) {\n				return d.fault(\"power on\", err)\n			}\n" +
			"			_, _ = d.store.cleanRead()\n			if err := d.store.move(&d.rec); err != nil {\n				return d.fault(\"power on\", err)\n			}\n			break\n		}\n	}\n	resisting, err := d.store.cleanRead()\n",
	}, {"drive/power.go", "	\"github.com/seed-9d983aeb/fdelab/drive/secret\"\n", "	\"github.com/seed-9d983aeb/fdelab/drive/flash\"\n	\"github.com/seed-9d983aeb/fdelab/drive/secret\"\n"}}},
	{Of: "PC02", Defect: "a power-on takes a block that resists for destroyed", Edits: []Edit{{
		"drive/store.go", "		case err != nil:\n			resisting = append(resisting, b)\n", "		case err != nil && all:\n			resisting = append(resisting, b)\n",
	}}},
	{Of: "PC03", Defect: "a lock that power does not set is in RAM alone", Edits: []Edit{{
		"drive/locks.go", "		if g.cfg.LockOnReset&OnPowerCycle == 0 {\n", "		if g.cfg.LockOnReset > allResets {\n",
	}}},
	{Of: "PC05", Defect: "a range is taken from its place in a record of its own, before it gets the next", Edits: []Edit{{
		"drive/geometry.go", "		next := d.rec.clone()\n		next.ranges[n].cfg = c\n",
		"		was := d.rec\n		d.rec = d.rec.clone()\n		d.rec.ranges[n].cfg.Length = 0\n		if err := d.note(op); err != nil {\n			return err\n		}\n		d.rec = was\n		next := d.rec.clone()\n		next.ranges[n].cfg = c\n",
	}}},
	{Of: "RM01", Defect: "block 2 is spared when old records are destroyed", Edits: []Edit{{
		"drive/store.go", "		if b == s.active || s.use[b] != used", "		if b == s.active || b == 2 || s.use[b] != used",
	}}},
	{Of: "RM02", Defect: "a range that gets locks keeps the wrap of when it had none", Edits: []Edit{{
		"drive/locks.go", "		d.rewrap(g, n, mek, s.ak)\n", "		d.rewrap(g, n, mek, s.ak)\n		if !g.openAtPowerOn() {\n			g.wraps = append(g.wraps, old.wraps...)\n		}\n",
	}}},
	{Of: "RM03", Defect: "a power-on finishes the destruction only of a drive that is erased", Edits: []Edit{{
		"drive/power.go", "	resisting, err := d.store.cleanRead()\n",
		"	var resisting []int\n	if d.rec.state == Erased {\n		resisting, err = d.store.cleanRead()\n	}\n",
	}}},
	{Of: "RM04", Defect: "the erase of a band keeps the old wrap behind the new one", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n", "	old := g.wraps\n	d.rewrap(g, n, mek, ak)\n	if n > 0 && len(old) > 0 {\n		g.wraps = append(g.wraps, old[0])\n	}\n",
	}}},
	{Of: "KH01", Defect: "all authorities have one authority key", Edits: []Edit{{
		"drive/keys.go", "	k := new(secret.Key32)\n	if err := d.random(k[:]); err != nil {\n		return nil, err\n	}\n	return k, nil\n",
		"	k := new(secret.Key32)\n	if err := d.random(k[:]); err != nil {\n		return nil, err\n	}\n	if d.one == nil {\n		d.one = (*[32]byte)(k.Clone())\n	}\n	*k = secret.Key32(*d.one)\n	return k, nil\n",
	}, {"drive/drive.go", "type Drive struct {\n", "type Drive struct {\n	one *[32]byte\n"}}},
	{Of: "KH02", Defect: "a BandMaster that leaves MSID leaves its key to the SID, who has it still", Edits: []Edit{{
		"drive/migrate.go", "	slot.atMSID = isMSID\n", "	slot.atMSID = isMSID\n	if e == EventMigrate {\n		_ = d.seal(&next.slot(SID).slot, d.fuses.MSID, ak)\n	}\n",
	}}},
	{Of: "KH04", Defect: "a range that gets locks gets a new key", Edits: []Edit{{
		"drive/locks.go", "		d.rewrap(g, n, mek, s.ak)\n", "		if !g.openAtPowerOn() {\n			if mek, err = d.newMEK(); err != nil {\n				return err\n			}\n			d.ram[n].use(mek.Clone())\n		}\n		d.rewrap(g, n, mek, s.ak)\n",
	}}},
	{Of: "EN01", Defect: "the media keys come round after 24 erases", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	root := RootKEK(d.fuses.Root)\n	copy(mek[:32], root[:])\n	clear(mek[32:])\n	mek[62], mek[63] = byte(n), byte(d.rec.keygen%24)\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "EN02", Defect: "an erase that gets no entropy has changed the record in RAM already", Edits: []Edit{{
		"drive/erase.go", "	return s.d.eraseStep(op, e, s.d.rec.clone(), from, to, s.ak)\n", "	return s.d.eraseStep(op, e, s.d.rec, from, to, s.ak)\n",
	}}},
	{Of: "EN03", Defect: "the printed PINs are made of the serial number", Edits: []Edit{{
		"drive/manufacture.go", "	for i := range b {\n		b[i] = alphabet[b[i]&31]\n", "	clear(b[:])\n	copy(b[:], d.cfg.Serial)\n	for i := range b {\n		b[i] = alphabet[b[i]&31]\n",
	}}},
	{Of: "AU01", Defect: "the owner's PIN opens the EraseMaster, too", Edits: []Edit{{
		"drive/session.go", "	ak, err := d.open(&slot.slot, pin)\n", "	ak, err := d.open(&slot.slot, pin)\n	if err != nil && a == EraseMaster {\n		ak, err = d.open(&d.rec.slot(SID).slot, pin)\n	}\n",
	}}},
	{Of: "AU02", Defect: "the count of tries is compared as a byte", Edits: []Edit{{
		"drive/session.go", "slot.tries >= d.cfg.TryLimit", "uint16(uint8(slot.tries)) >= d.cfg.TryLimit",
	}}},
	{Of: "AU03", Defect: "a wrong PIN counts for every authority", Edits: []Edit{{
		"drive/session.go", "		slot.tries++\n", "		for i := range d.rec.slots {\n			d.rec.slots[i].tries++\n		}\n",
	}}},
	{Of: "AU04", Defect: "a right PIN gives everybody's tries back", Edits: []Edit{{
		"drive/session.go", "	slot.tries = 0\n", "	d.forgetTries()\n",
	}}},
	{Of: "AU05", Defect: "an authority without a slot is taken for BandMaster0", Edits: []Edit{{
		"drive/session.go", "	if slot == nil {\n", "	if slot == nil {\n		slot = d.rec.slot(BandMaster(0))\n	}\n	if slot == nil {\n",
	}}},
	{Of: "RS01", Defect: "a hot plug locks what a warm reset should", Edits: []Edit{{
		"drive/power.go", "		member = OnHotPlug\n", "		member = OnHardware\n",
	}}},
	{Of: "RS02", Defect: "a reset gives tries back", Edits: []Edit{{
		"drive/power.go", "	d.endSession()\n	for n := range d.ram {\n		g, m :=", "	d.endSession()\n	d.forgetTries()\n	for n := range d.ram {\n		g, m :=",
	}}},
	{Of: "RS03", Defect: "a reset drops the key of a range that stays open", Edits: []Edit{{
		"drive/power.go", "		if g.cfg.LockOnReset&member == 0 {\n			continue\n", "		if g.cfg.LockOnReset&member == 0 {\n			m.drop()\n			continue\n",
	}}},
	{Of: "CC01", Defect: "between the look at the count and its rise other sessions get in", Edits: []Edit{{
		"drive/session.go", "	if slot.tries < ^uint16(0) {\n", "	d.mu.Unlock()\n	for range 2000 {\n		runtime.Gosched()\n	}\n	d.mu.Lock()\n	if slot.tries < ^uint16(0) {\n",
	}, {"drive/session.go", "	\"fmt\"\n", "	\"fmt\"\n	\"runtime\"\n"}}},
	{Of: "CC02", Defect: "all writes share a buffer, and others get in before it is on the media", Edits: []Edit{{
		"drive/io.go", "	buf := borrow(most)\n	defer pages.Put(buf)\n	for len(src) > 0", "	if len(one) != most {\n		one = make([]byte, most)\n	}\n	buf := &one\n	for len(src) > 0",
	}, {
		"drive/io.go", "			err = d.parts.Media.WriteSector(lba, part)\n",
		"			d.mu.Unlock()\n			for range 50 {\n				runtime.Gosched()\n			}\n			d.mu.Lock()\n			err = d.parts.Media.WriteSector(lba, part)\n",
	}, {
		"drive/io.go", "import \"github.com/seed-9d983aeb/fdelab/internal/xts\"\n", "import (\n	\"runtime\"\n\n	\"github.com/seed-9d983aeb/fdelab/internal/xts\"\n)\n\nvar one []byte\n",
	}}},
	{Of: "CC03", Defect: "a PIN change empties the slot in a record of its own, and lets others in meanwhile", Edits: []Edit{{
		"drive/migrate.go", "		return d.takeOver(op, e, next, s, ak)\n	})\n}\n\n// Migrate",
		"		was := d.rec\n		d.rec = d.rec.clone()\n		d.rec.slot(s.authority).slot = Slot{}\n		if err := d.note(op); err != nil {\n			return err\n		}\n		d.rec = was\n		d.mu.Unlock()\n		for range 20000 {\n			runtime.Gosched()\n		}\n		d.mu.Lock()\n" +
			"		if !d.powered {\n			return d.ready(op)\n		}\n		return d.takeOver(op, e, next, s, ak)\n	})\n}\n\n// Migrate",
	}, {"drive/migrate.go", "import \"github.com/seed-9d983aeb/fdelab/drive/secret\"\n", "import (\n	\"runtime\"\n\n	\"github.com/seed-9d983aeb/fdelab/drive/secret\"\n)\n"}}},
	{Of: "F23", Defect: "a locked range that is told to keep its locks over a power cycle forgets them", Edits: []Edit{{
		"drive/geometry.go", "		if c.LockOnReset&OnPowerCycle == 0 {\n", "		if c.LockOnReset > allResets {\n",
	}}},
	{Of: "SM01", Defect: "an erase leaves the locks of the range enabled", Edits: []Edit{{
		"drive/erase.go", "	g.cfg.ReadLockEnabled, g.cfg.WriteLockEnabled, g.cfg.LockOnReset = false, false, OnPowerCycle\n", "	g.cfg.LockOnReset = OnPowerCycle\n",
	}}},
	{Of: "SPF-03", Defect: "one guess more than TryLimit", Edits: []Edit{{
		"drive/session.go", "slot.tries >= d.cfg.TryLimit", "slot.tries > d.cfg.TryLimit",
	}}},
	{Of: "SPF-04", Defect: "a right PIN gives no tries back", Edits: []Edit{{
		"drive/session.go", "	slot.tries = 0\n", "",
	}}},
	{Of: "SPF-05", Defect: "a power cycle keeps the tries, Persistence or not", Edits: []Edit{{
		"drive/power.go", "	} else if d.forgetTries() {\n", "	} else if d.cfg.TryLimit == 0 && d.forgetTries() {\n",
	}}},
	{Of: "SPF-09", Defect: "a range may begin off the grid", Edits: []Edit{{
		"drive/geometry.go", "	if c.Start != 0 && c.Start%grid != lowest {\n", "	if c.Start > 1<<60 && c.Start%grid != lowest {\n",
	}}},
	{Of: "ETC-01", Defect: "writes look at the read lock", Edits: []Edit{{
		"drive/io.go", "bool { return g.cfg.WriteLockEnabled && m.writeLocked }\n", "bool { return g.cfg.ReadLockEnabled && m.readLocked }\n",
	}}},
	{Of: "ETC-16", Defect: "a range overlaps another one only if they begin in one place", Edits: []Edit{{
		"drive/geometry.go", "c.Start < o.Start+o.Length && o.Start < c.Start+c.Length", "c.Start == o.Start",
	}}},
	{Of: "ETC-24", Defect: "only the range of the first sector of a transfer is looked at", Edits: []Edit{{
		"drive/io.go", "		if locked(&d.rec.ranges[r], m) || m.mek == nil {\n", "		if at == lba && locked(&d.rec.ranges[r], m) || m.mek == nil {\n",
	}}},
}
