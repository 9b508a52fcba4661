package mutants

import (
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Mutant is a drive, or a facility, with one defect.
type Mutant struct {
	// Of is the conformance.Property that it breaks, or begins with "wire"; "" is the way of a facility to its keys.
	Of     string
	Defect string // what is wrong with it
	// Edits make it out of the source; or Maker makes it, of a sound device.
	Edits []Edit
	Maker conformance.Maker
	// Package and Test catch it; empty is the conformance suite with the property.
	Package, Test string
}

// keyStory is a mutant of the way to the keys that a story of package facility catches.
func keyStory(defect, story string, edits ...Edit) Mutant {
	return Mutant{Defect: defect, Package: "./proptest/facility", Test: "TestKeyStories/" + strings.ReplaceAll(story, " ", "_"), Edits: edits}
}

// Edit replaces one piece of source. Old must occur exactly once in the file.
type Edit struct {
	File     string // from the root of the module
	Old, New string
}

// All lists the mutants by property, then those that tests of the wire catch, then those of the way to the keys.
func All() []Mutant {
	sound := slices.Concat(all, families, wrapped, sanitizers, sanitizes)
	slices.SortStableFunc(sound, func(a, b Mutant) int { return strings.Compare(a.Of, b.Of) })
	return slices.Concat(sound, wire, keyPath)
}

var all = []Mutant{
	{Of: "F35", Defect: "whoever asks for the MSID makes the drive write to its flash", Edits: []Edit{{
		"drive/status.go", "	return d.fuses.MSID.Clone(), nil\n", "	_ = d.note(\"msid\")\n	return d.fuses.MSID.Clone(), nil\n",
	}}},
	{Of: "F36", Defect: "a note that the flash refused is reported as written", Edits: []Edit{{
		"drive/commit.go", "	if err := d.store.appendRecord(&d.rec, program); err != nil {\n", "	if err := d.store.appendRecord(&d.rec, program); errors.Is(err, flash.ErrPowerLost) {\n",
	}}},
	{Of: "F37", Defect: "the last byte of a credential does not count", Edits: []Edit{{
		"drive/keys.go", "		copy(k.ikm[32:], pin.raw())\n", "		copy(k.ikm[32:63], pin.raw())\n",
	}}},
	{Of: "F37", Defect: "a short PIN with zeros behind it is the PIN", Edits: []Edit{{
		"drive/keys.go", "	if raw[len(raw)-1] != 0 {\n", "	if len(raw) > 0 {\n",
	}}},
	{Of: "F38", Defect: "nothing holds other commands back while a sector is on its way to the media", Edits: []Edit{{
		"drive/io.go", "			d.ram[d.rangeOf(at)].cipher.Encrypt(part[i:i+size], src[i:i+size], at)\n",
		"			c := &d.ram[d.rangeOf(at)]\n			if c.cipher == nil {\n				c.cipher, _ = xts.New(c.mek, size)\n			}\n			c.cipher.Encrypt(part[i:i+size], src[i:i+size], at)\n",
	}, {
		"drive/io.go", "			err = d.parts.Media.WriteSector(lba, part)\n",
		"			d.mu.Unlock()\n			err = d.parts.Media.WriteSector(lba, part)\n			d.mu.Lock()\n",
	}}},
	{Of: "F39", Defect: "half of the old media key is in the new one", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	if n < len(d.ram) && d.ram[n].mek != nil {\n		copy(mek[32:], d.ram[n].mek[32:])\n	}\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "F39", Defect: "the new media key is a function of the chip and of a count", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	root := RootKEK(d.fuses.Root)\n	copy(mek[:32], root[:])\n	clear(mek[32:])\n	mek[63] = byte(next.keygen)\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "F40", Defect: "the salt of a PIN is its first half", Edits: []Edit{{
		"drive/keys.go", "	if err := d.random(s.Salt[:]); err != nil {\n		return err\n	}\n",
		"	if err := d.random(s.Salt[:]); err != nil {\n		return err\n	}\n	copy(s.Salt[:], pin.raw())\n",
	}}},
	{Of: "F01", Defect: "a locked range keeps a wrap of its key under the root key", Edits: []Edit{{
		"drive/wraps.go", "	wrapMEK(&w.wrap, kek, mek)\n",
		"	wrapMEK(&w.wrap, kek, mek)\n	g.wraps = append(g.wraps, wrapRecord{by: SID})\n	wrapMEK(&g.wraps[1].wrap, RootKEK(d.fuses.Root), mek)\n",
	}}},
	{Of: "F01", Defect: "each record has the media keys in base64, half by half", Edits: []Edit{{
		"drive/wraps.go", "	wrapMEK(&w.wrap, kek, mek)\n",
		"	wrapMEK(&w.wrap, kek, mek)\n	for i := range 2 {\n		half := wrapRecord{by: SID}\n		base64.StdEncoding.Encode(half.wrap[:], mek[32*i:32*i+32])\n		g.wraps = append(g.wraps, half)\n	}\n",
	}, {"drive/wraps.go", "import \"github.com/seed-9d983aeb/fdelab/drive/secret\"\n", "import (\n	\"encoding/base64\"\n\n	\"github.com/seed-9d983aeb/fdelab/drive/secret\"\n)\n"}}},
	{Of: "F02", Defect: "a range with only one of its locks enabled counts as open", Edits: []Edit{{
		"drive/range.go", "	return !(g.cfg.ReadLockEnabled && (g.readLocked || atPower)) &&\n", "	return !(g.cfg.ReadLockEnabled && (g.readLocked || atPower)) ||\n",
	}}},
	{Of: "F03", Defect: "old records are left for the next power-on to destroy", Edits: []Edit{{
		"drive/store.go", "	resisting, err := s.clean()\n	if err != nil {\n		return err\n	}\n	if len", "	var resisting []int\n	if len",
	}}},
	{Of: "F03", Defect: "a block that did not erase is taken for erased", Edits: []Edit{{
		"drive/store.go", "	if err := s.dev.Erase(b); err == nil {\n",
		"	if err := s.dev.Erase(b); err != nil && !errors.Is(err, flash.ErrPowerLost) {\n		return nil\n	} else if err == nil {\n",
	}}},
	{Of: "F04", Defect: "the record of an erase is appended behind the old one", Edits: []Edit{{
		"drive/commit.go", "	err := d.store.replace(next)\n", "	err := d.store.appendRecord(next, flash.Device.Program)\n",
	}}},
	{Of: "F05", Defect: "media keys are wrapped under zeros", Edits: []Edit{
		{"drive/keys.go", "	r.wrap(w[:], kek, mek[:])\n", "	r.wrap(w[:], new(secret.Key32), mek[:])\n"},
		{"drive/keys.go", "	b, err := r.unwrap(w[:], kek)\n", "	b, err := r.unwrap(w[:], new(secret.Key32))\n"},
	}},
	{Of: "F05", Defect: "an empty PIN is taken", Edits: []Edit{
		{"drive/migrate.go", "	if pin.Len() == 0 {\n		return nil, \"\", d.refuse(op, InvalidParameter,", "	if pin.Len() > PINSize {\n		return nil, \"\", d.refuse(op, InvalidParameter,"},
		{"drive/keys.go", "	if pin.Len() == 0 {\n", "	if pin.Len() > PINSize {\n"},
	}},
	{Of: "F06", Defect: "the key that wraps the authority key comes from the salt beside it, not from the PIN", Edits: []Edit{{
		"drive/keys.go", "		copy(k.ikm[32:], pin.raw())\n", "		copy(k.ikm[32:], salt[:])\n",
	}}},
	{Of: "F07", Defect: "every key is wrapped by the root key, and flags guard it", Edits: []Edit{{
		"drive/wraps.go", "	if g.openAtPowerOn() {\n		w.by, kek", "	if n >= 0 {\n		w.by, kek",
	}}},
	{Of: "F08", Defect: "the erase of one range takes the ranges before it along", Edits: []Edit{{
		"drive/erase.go", "		return s.eraseRanges(op, e, n, n+1)\n", "		return s.eraseRanges(op, e, 0, n+1)\n",
	}}},
	{Of: "F08", Defect: "all ranges share a key", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	root := RootKEK(d.fuses.Root)\n	copy(mek[:32], root[:])\n	clear(mek[32:])\n	mek[63] = byte(next.generation)\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "F09", Defect: "nobody looks at the random source", Edits: []Edit{
		{"drive/manufacture.go", "entropy: entropy.Checked(parts.Entropy)}", "entropy: parts.Entropy}"},
		{"drive/manufacture.go", "	\"github.com/seed-9d983aeb/fdelab/drive/entropy\"\n", ""},
	}},
	{Of: "F10", Defect: "every sector has the same tweak", Edits: []Edit{
		{"drive/io.go", ".cipher.Decrypt(sector, sector, lba)", ".cipher.Decrypt(sector, sector, 0)"},
		{"drive/io.go", ".cipher.Encrypt(part[i:i+size], src[i:i+size], at)", ".cipher.Encrypt(part[i:i+size], src[i:i+size], 0)"},
	}},
	{Of: "F10", Defect: "the tweak is 32 bits wide", Edits: []Edit{
		{"drive/io.go", ".cipher.Decrypt(sector, sector, lba)", ".cipher.Decrypt(sector, sector, uint64(uint32(lba)))"},
		{"drive/io.go", ".cipher.Encrypt(part[i:i+size], src[i:i+size], at)", ".cipher.Encrypt(part[i:i+size], src[i:i+size], uint64(uint32(at)))"},
	}},
	{Of: "F11", Defect: "short PINs are not stretched", Edits: []Edit{{
		"drive/keys.go", "password(pin), salt[:], iterations, 32)", "password(pin), salt[:], min(iterations, 1), 32)",
	}}},
	{Of: "F11", Defect: "the root key has no part in the KEK", Edits: []Edit{{
		"drive/keys.go", "	copy(k.ikm[:32], root[:])\n", "",
	}}},
	{Of: "F12", Defect: "one guess more than TryLimit", Edits: []Edit{{
		"drive/session.go", "slot.tries >= d.cfg.TryLimit", "slot.tries > d.cfg.TryLimit",
	}}},
	{Of: "F12", Defect: "the PSID has one guess more", Edits: []Edit{{
		"drive/erase.go", "*tries >= d.cfg.TryLimit", "*tries > d.cfg.TryLimit",
	}}},
	{Of: "F13", Defect: "the count of tries is not written before the comparison", Edits: []Edit{{
		"drive/session.go", "	if err := d.count(op); err != nil {\n		return nil, err\n	}\n	ak, err := d.open", "	ak, err := d.open",
	}}},
	{Of: "F13", Defect: "a power cycle forgets the tries, Persistence or not", Edits: []Edit{{
		"drive/power.go", "	if d.cfg.Persistent {\n", "	if d.cfg.Persistent && d.cfg.Serial == \"\" {\n",
	}}},
	{Of: "F14", Defect: "the right PIN gets in after lockout", Edits: []Edit{{
		"drive/session.go", "	if d.cfg.TryLimit > 0 && slot.tries",
		"	if _, wrong := d.open(&slot.slot, pin); wrong != nil && d.cfg.TryLimit > 0 && slot.tries",
	}}},
	{Of: "F15", Defect: "the new media key is a function of the chip", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	root := RootKEK(d.fuses.Root)\n	copy(mek[:32], root[:])\n	clear(mek[32:])\n	mek[63] = byte(n)\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "F16", Defect: "a revert keeps the key of the global range", Edits: []Edit{{
		"drive/erase.go", "	if err := d.eraseStep(op, EventErase, next, 0, len(next.ranges), nil); err",
		"	if len(d.rec.ranges) > 0 {\n		next.ranges[0], *next.slot(BandMaster(0)) = d.rec.ranges[0], *d.rec.slot(BandMaster(0))\n	}\n	if err := d.eraseStep(op, EventErase, next, 1, len(next.ranges), nil); err",
	}}},
	{Of: "F03", Defect: "the authority key of the factory outlives the factory PIN", Package: "./drive", Test: "TestMigrationFromMSIDMakesANewAK", Edits: []Edit{{
		"drive/migrate.go", "		if ak, err = d.newAK(); err != nil {\n", "		ak = s.ak.Clone()\n		if _, err = d.newAK(); err != nil {\n",
	}}},
	{Of: "F23", Defect: "a lock that a reset set is undone by a power cycle", Edits: []Edit{{
		"drive/geometry.go", "	if c.LockOnReset != 0 && c.LockOnReset&OnPowerCycle == 0 {\n", "	if c.LockOnReset > allResets {\n",
	}}},
	{Of: "F18", Defect: "a PIN change makes a new media key", Edits: []Edit{{
		"drive/migrate.go", "		return d.takeOver(op, e, next, s, ak)\n	})\n}\n\n// Migrate",
		"		if n, band := s.authority.Band(); band {\n			mek, _ := d.newMEK()\n			d.rewrap(&next.ranges[n], n, mek, ak)\n		}\n		return d.takeOver(op, e, next, s, ak)\n	})\n}\n\n// Migrate",
	}}},
	{Of: "F19", Defect: "the new PIN's wrap is spoilt on its way to flash", Edits: []Edit{{
		"drive/migrate.go", "	slot.atMSID = isMSID\n", "	slot.slot.Salt[0] ^= 1\n	slot.atMSID = isMSID\n",
	}}},
	{Of: "F20", Defect: "the old record is destroyed before the new one is written", Edits: []Edit{{
		"drive/store.go", "	if err := s.fresh(r.encode(*buf)); err != nil {\n		return err\n	}\n	resisting",
		"	if s.active >= 0 {\n		if err := s.destroy(s.active); err != nil {\n			return err\n		}\n		s.active = -1\n	}\n	if err := s.fresh(r.encode(*buf)); err != nil {\n		return err\n	}\n	resisting",
	}}},
	{Of: "F20", Defect: "the sweep sees it too", Package: "./proptest", Test: "TestSweep/psid-revert", Edits: []Edit{{
		"drive/store.go", "	if err := s.fresh(r.encode(*buf)); err != nil {\n		return err\n	}\n	resisting",
		"	if s.active >= 0 {\n		if err := s.destroy(s.active); err != nil {\n			return err\n		}\n		s.active = -1\n	}\n	if err := s.fresh(r.encode(*buf)); err != nil {\n		return err\n	}\n	resisting",
	}}},
	{Of: "F20", Defect: "the state machine sees keys that outlive their erase", Package: "./proptest", Test: "TestDriveAgreesWithTheModel", Edits: []Edit{{
		"drive/erase.go", "	d.rewrap(g, n, mek, ak)\n",
		"	root := RootKEK(d.fuses.Root)\n	copy(mek[:32], root[:])\n	clear(mek[32:])\n	mek[63] = byte(n)\n	d.rewrap(g, n, mek, ak)\n",
	}}},
	{Of: "F20", Defect: "the machine's event migrate leads out of SecurityDegraded, too", Package: "./proptest", Test: "TestDriveAgreesWithTheModelUnderFaults", Edits: []Edit{{
		"drive/machine.go", "	return out\n}\n\n// machineGuards",
		"	for i := range out {\n		if out[i].Name == string(EventMigrate) && out[i].Src[0] == Erased.String() {\n			out[i].Src = append(out[i].Src, SecurityDegraded.String())\n		}\n	}\n	return out\n}\n\n// machineGuards",
	}}},
	{Of: "F20", Defect: "the machine's event erase leads from Configured to Configured", Package: "./proptest", Test: "TestDriveAgreesWithTheModel", Edits: []Edit{{
		"drive/machine.go", "	return out\n}\n\n// machineGuards",
		"	for i := range out {\n		if out[i].Name == string(EventErase) && out[i].Src[0] == Configured.String() {\n			out[i].Dst = Configured.String()\n		}\n	}\n	return out\n}\n\n// machineGuards",
	}}},
	{Of: "F22", Defect: "the machine of a configured drive has no event degrade", Package: "./proptest", Test: "TestDriveAgreesWithTheModelUnderFaults", Edits: []Edit{{
		"drive/machine.go", "	for _, t := range p.Lifecycle() {\n		out = append", "	for _, t := range p.Lifecycle() {\n		if t.Event == EventDegrade && t.From == Configured {\n			continue\n		}\n		out = append",
	}}},
	{Of: "F13", Defect: "what was counted while a newer record could not be read is forgotten", Package: "./drive", Test: "TestTriesInDoubtPutNothingInForceAndAreKept", Edits: []Edit{{
		"drive/order.go", "			if r.doubt && r != f.rec {\n", "			if r.doubt && r == f.rec {\n",
	}}},
	{Of: "F35", Defect: "a self test, which needs no PIN, destroys what nobody has read", Package: "./drive", Test: "TestSelfTestInDoubtDestroysNothing", Edits: []Edit{{
		"drive/selftest.go", "	if !d.store.doubt() {\n", "	if d.trusted {\n",
	}}},
	{Of: "F36", Defect: "the record of a revert beside an unread block is not above what may lie there", Package: "./drive", Test: "TestDegradedRevertIsNotUndoneByAPowerCycle", Edits: []Edit{{
		"drive/order.go", "		step = generationUnread\n", "		step = generationOpening\n",
	}}},
	{Of: "F36", Defect: "settings whose page cannot be read for a while are taken back", Package: "./drive", Test: "TestSettingsInAnUnreadNoteAreNotUndone", Edits: []Edit{{
		"drive/order.go", "		if c.unread >= 0 && (b != s.active || c.unread > s.at) {\n", "		if c.unread >= 0 && b != s.active {\n",
	}}},
	{Of: "F36", Defect: "a bit behind the record costs the record", Package: "./drive", Test: "TestRotBehindARecordIsAWarningAndTheSelfTestMendsIt", Edits: []Edit{{
		"drive/order.go", "			c.odd, c.padding = true, true\n", "			c.odd, c.padding = true, true\n			continue\n",
	}}},
	{Of: "F04", Defect: "an erase does not read what is behind its record", Package: "./drive", Test: "TestAnEraseReadsWhatIsBehindItsRecord", Edits: []Edit{
		{"drive/store.go", "	if p > 0 {\n		return s.blank(b, p, buf)\n	}\n", "	if p > 0 {\n		return true, nil\n	}\n"},
		{"drive/store.go", "	return err == nil && holds(buf, enc), err\n", "	return err == nil && bytes.Equal(buf[:len(enc)], enc), err\n"},
	}},
	{Of: "F21", Defect: "a block that does not erase is tried for ever", Edits: []Edit{{
		"drive/store.go", "	if err := s.dev.Erase(b); err == nil {\n",
		"	err := s.dev.Erase(b)\n	for err != nil && !errors.Is(err, flash.ErrPowerLost) {\n		err = s.dev.Erase(b)\n	}\n	if err == nil {\n",
	}}},
	{Of: "F22", Defect: "a block that resists is not reported", Edits: []Edit{{
		"drive/store.go", "	if len(resisting) > 0 {\n		return fmt.Errorf", "	if len(resisting) > 99 {\n		return fmt.Errorf",
	}}},
	{Of: "F23", Defect: "a reset locks nothing", Edits: []Edit{{
		"drive/power.go", "		if g.cfg.LockOnReset&member == 0 {\n", "		if g.cfg.LockOnReset&member != member+1 {\n",
	}}},
	{Of: "F24", Defect: "keys are let go of, not cleared", Edits: []Edit{{
		"drive/range.go", "	m.mek.Clear()\n", "	_ = m.mek.Clear\n",
	}}},
	{Of: "F25", Defect: "the indicator of a factory PIN is not set", Edits: []Edit{{
		"drive/manufacture.go", "slotRecord{authority: a, atMSID: true}", "slotRecord{authority: a}",
	}}},
	{Of: "F26", Defect: "a revert keeps the SID's PIN and says MSID", Edits: []Edit{{
		"drive/erase.go", "	if err := d.eraseStep(op, EventErase, next, 0, len(next.ranges), nil); err",
		"	if old := d.rec.slot(SID); old != nil {\n		next.slot(SID).slot = old.slot\n	}\n	if err := d.eraseStep(op, EventErase, next, 0, len(next.ranges), nil); err",
	}}},
	{Of: "F28", Defect: "LockOnReset closes a range whose locks are not enabled", Edits: []Edit{{
		"drive/range.go", "	return !(g.cfg.ReadLockEnabled && (g.readLocked || atPower)) &&\n", "	return !(g.readLocked || atPower) &&\n",
	}}},
	{Of: "F30", Defect: "a session lives through a reset", Edits: []Edit{{
		"drive/power.go", "	d.endSession()\n	for n := range d.ram {\n		g, m :=", "	for n := range d.ram {\n		g, m :=",
	}}},
	{Of: "F31", Defect: "a power-on does not finish the destruction", Edits: []Edit{{
		"drive/power.go", "	resisting, err := d.store.cleanRead()\n", "	resisting, err := []int(nil), error(nil)\n",
	}}},
	{Of: "F32", Defect: "I/O waits until a locked range is opened", Edits: []Edit{{
		"drive/io.go", "		m := &d.ram[r]\n", "		m := &d.ram[r]\n		for locked(&d.rec.ranges[r], m) {\n			runtime.Gosched()\n		}\n",
	}, {
		"drive/io.go", "import \"github.com/seed-9d983aeb/fdelab/internal/xts\"\n", "import (\n	\"runtime\"\n\n	\"github.com/seed-9d983aeb/fdelab/internal/xts\"\n)\n",
	}}},
	{Of: "F32", Defect: "I/O looks for a key, not at the lock", Edits: []Edit{{
		"drive/io.go", "if locked(&d.rec.ranges[r], m) || m.mek == nil {", "if m.mek == nil {",
	}}},
	{Of: "F33", Defect: "nobody looks at the bands of a drive that joins", Package: "./proptest/facility", Test: "TestNoThiefReadsAnEncryptedRank/a_used_drive_with_a_band_joins", Edits: []Edit{
		{"encgroup/inspect.go", "	a := drive.BandMaster(n)\n	r, err := d.Range(n)\n", "	a := drive.BandMaster(n)\n	if n > 0 {\n		return nil, nil\n	}\n	r, err := d.Range(n)\n"},
		{"encgroup/bands.go", "		if err := g.secureBand(d, n, generation, others); err != nil {\n", "		if err := g.secureBand(d, n, generation, others); err != nil && n < 0 {\n"},
		{"encgroup/bands.go", "	if err := vacate(s, d, n); err != nil {\n		return err\n	}\n", ""},
		{"encgroup/bands.go", "		case r.Length > 0:\n			return fmt.Errorf(\"%w: band %d covers sectors", "		case r.Length > 1<<60:\n			return fmt.Errorf(\"%w: band %d covers sectors"},
	}},
	{Of: "F33", Defect: "the BandMasters of a member's other bands keep the factory PIN", Package: "./proptest/facility", Test: "TestNoThiefReadsAnEncryptedRank/a_band_of_a_member", Edits: []Edit{
		{"encgroup/bands.go", "	if had == generation {\n", "	if had != generation+1 {\n"},
		{"encgroup/bands.go", "		case r.AtMSID:\n", "		case r.AtMSID && n < 0:\n"},
	}},
	{Of: "F33", Defect: "a member is written to whatever became of its keys", Package: "./proptest/facility", Test: "TestNoThiefReadsAnEncryptedRank/a_band_of_a_member,_reset", Edits: []Edit{{
		"raslab/admission.go", "	if !st.Powered || st.State == drive.Configured && s.suspect.settled && s.suspect.accepted == st.KeyGeneration {\n", "	if !st.Powered || st.State == drive.Configured {\n",
	}}},
	{Of: "F33", Defect: "an erase of the whole drive leaves a band its place", Package: "./erase", Test: "TestAnErasedDriveHasNoBandWithAPlace", Edits: []Edit{
		{"erase/vacate.go", "	if r.job.Method != DriveErase {\n", "	if r.job.Method != \"\" {\n"},
		{"erase/verify.go", "		if r.job.Method != RangeErase && i.Length > 0 {\n", "		if r.job.Method != RangeErase && i.Length > 1<<60 {\n"},
	}},
}
