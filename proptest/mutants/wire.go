package mutants

// wireMutant is a mutant of an Opal drive or of the TPer that a test of theirs catches. of is the property, by its
// number in the list of what went wrong in real drives, or by what it is about.
func wireMutant(of, defect, pkg, test string, edits ...Edit) Mutant {
	return Mutant{Of: "wire " + of, Defect: defect, Package: pkg, Test: test, Edits: edits}
}

// wire are defects that the conformance suite does not reach, since it does not speak TCG: of Opal's keys, of access
// control, of resets, reverts, Block SID and the MBR shadow.
//
// A drive has no firmware of its own here, so that nothing can be rolled back but its records: that is the
// conformance suite's PC01.
var wire = []Mutant{
	wireMutant("17", "a revert that keeps the global range's key makes a new one", "./drive/tcg", "TestOpalRevertKeepsTheGlobalRange", Edit{
		"drive/opal_lifecycle.go", "	next, meks, err := d.opalFactory(keep)\n", "	if keep != nil {\n		keep = nil\n	}\n	next, meks, err := d.opalFactory(keep)\n",
	}),
	wireMutant("17", "the kept key is opened by nobody once the power went", "./drive/tcg", "TestOpalRevertKeepsTheGlobalRange", Edit{
		"drive/opal_lifecycle.go", "	return keep.given(rootHolder, d.rootKEK, rk), nil\n", "	return keep.given(rootHolder, RootKEK(d.rootKEK), rk), nil\n",
	}),
	wireMutant("23", "a TPer reset locks what a hot plug should", "./drive/tcg", "TestOpalColumnsOverResets", Edit{
		"drive/power.go", "		member = OnProgrammatic\n", "		member = OnHotPlug\n",
	}),
	wireMutant("23", "LockOnReset is forgotten by a power cycle", "./drive/tcg", "TestOpalColumnsOverResets", Edit{
		"drive/opal_record.go", "			byte(g.cfg.LockOnReset))\n", "			byte(OnPowerCycle))\n",
	}),
	wireMutant("25", "Block SID blocks nobody", "./drive/tcg", "TestBlockSID", Edit{
		"drive/tcg/methods.go", "	if t.blocked && o.who == t.pers.sid {\n", "	if t.blocked && o.who == drive.Nobody {\n",
	}),
	wireMutant("25", "every hardware reset lifts the block of SID", "./drive/tcg", "TestBlockSID", Edit{
		"drive/tcg/tper.go", "t.byReset && now.Hardware != t.seen.Hardware", "now.Hardware != t.seen.Hardware",
	}),
	wireMutant("25", "SID with a PIN of its own is blocked, too", "./drive/tcg", "TestBlockSID", Edit{
		"drive/tcg/comid.go", "	if atMSID {\n", "	if atMSID || len(b) > 0 {\n",
	}),
	wireMutant("26", "a revert leaves SID its PIN", "./drive", "TestOpalFromTheFactoryToAUserAndBack", Edit{
		"drive/opal_lifecycle.go", "	next, meks, err := d.opalFactory(nil)\n	if err != nil {\n		return d.named(op, err)\n	}\n",
		"	next, meks, err := d.opalFactory(nil)\n	if err != nil {\n		return d.named(op, err)\n	}\n	if d.trusted {\n		*next.slot(SID) = *d.rec.slot(SID)\n	}\n",
	}),
	wireMutant("27", "the MBR shadow shows user data until it is done", "./drive", "TestOpalShadow", Edit{
		"drive/opal_tables.go", "	return o != nil && o.mbrEnable && !d.opal.mbrDone &&", "	return o != nil && o.mbrEnable && d.opal.mbrDone &&",
	}),
	wireMutant("27", "Done of the MBR shadow lives through a power cycle", "./drive/tcg", "TestOpalColumnsOverResets", Edit{
		"drive/opal_tables.go", "		o.mbrDone = m.Done && m.DoneOnReset == 0\n", "		o.mbrDone = m.Done\n",
	}, Edit{
		"drive/opal_tables.go", "	case o.doneOnReset&member != 0:\n", "	case o.doneOnReset&member != 0 && member != OnPowerCycle:\n",
	}),
	wireMutant("27", "a TPer reset does not clear Done", "./drive/tcg", "TestOpalColumnsOverResets", Edit{
		"drive/opal_tables.go", "	case o.doneOnReset&member != 0:\n", "	case o.doneOnReset&member&OnPowerCycle != 0:\n",
	}),
	wireMutant("28", "a reset locks a range whose locks are not enabled", "./drive/tcg", "TestEnterpriseColumnsOverResets", Edit{
		"drive/power.go", "		m.readLocked = m.readLocked || g.cfg.ReadLockEnabled\n", "		m.readLocked = true\n",
	}),
	wireMutant("30", "a reset leaves the sessions of the TPer", "./drive/tcg", "TestResets", Edit{
		"drive/tcg/tper.go", "		t.seen = now\n		t.forget()\n", "		t.seen = now\n",
	}),
	wireMutant("30", "STACK_RESET leaves a session with an open transaction", "./drive/tcg", "TestOpalColumnsOverResets", Edit{
		"drive/tcg/comid.go", "		if s.com == c {\n			t.close(s)\n", "		if s.com == c && s.tx == nil {\n			t.close(s)\n",
	}),
	wireMutant("30", "a reset leaves the logins of an Opal drive", "./drive", "TestOpalResetsEndLogins", Edit{
		"drive/power.go", "		d.session = nil\n	}\n	d.opal.logout()\n", "		d.session = nil\n	}\n	if !d.powered {\n		d.opal.logout()\n	}\n",
	}),
	wireMutant("7", "a disabled BandMaster is kept out by a flag", "./drive", "TestADisabledBandMasterHasNoWrapForItsPIN", Edit{
		"drive/seal.go", "	wrapKey(w[:], by, s.slot.Wrap[:])\n", "	copy(w[8:], s.slot.Wrap[:])\n",
	}, Edit{
		"drive/seal.go", "	if s.slot.Wrap, err = rewrapped(by, s.sealed[:]); err == nil {\n", "	if copy(s.slot.Wrap[:], s.sealed[8:]) > 0 {\n",
	}),
	wireMutant("7", "a disabled User of the Locking SP is kept out by a flag", "./drive", "TestOpalKeysAreReachedByTheirWrapsAlone", Edit{
		"drive/opal_change.go", "			if err := c.shutSlot(op, a, &own); err != nil {\n				return err\n			}\n", "",
	}),
	wireMutant("7", "who is admitted by an ACE no more keeps the wrap", "./drive/tcg", "TestOpalGrantsAreWraps", Edit{
		"drive/tcg/opal_note.go", "			if !slices.Contains(after, a) {\n", "			if !slices.Contains(after, a) && area > 0xFF {\n",
	}),
	wireMutant("7", "all DataStore tables have the ACEs of the first", "./drive/tcg", "TestOpalDataStoreTables", Edit{
		"drive/tcg/opal_note.go", "		get := tail &^ 1\n", "		get := spec.UID(0x3FC00)\n",
	}),
	wireMutant("single user", "the users' key opens an owner in Single User Mode", "./drive", "TestOpalSingleUserMode", Edit{
		"drive/opal_lifecycle.go", "			d.leavePinless(&own, aks[h])\n", "			d.leavePinless(&own, aks[h])\n			wrapKey(own.escrow[:], users, aks[h][:])\n",
	}),
	wireMutant("transactions", "each method of a transaction is committed by itself", "./drive/tcg", "TestOpalTransactions", Edit{
		"drive/tcg/opal_methods.go", "	if open {\n		return nil\n	}\n	return x.commit(c.s)\n", "	return x.commit(c.s)\n",
	}),
	wireMutant("tries", "an Opal drive has one guess more than TryLimit", "./drive/tcg", "TestTheTryLimitHoldsOverAllDoors", Edit{
		"drive/opal.go", "slot.tries >= d.cfg.TryLimit", "slot.tries > d.cfg.TryLimit",
	}),
	wireMutant("tries", "a guess in an open session is taken back when the session fails it", "./drive/tcg", "TestTheTryLimitHoldsOverAllDoors", Edit{
		"drive/opal.go", "		if errors.Is(err, keywrap.ErrIntegrity) {\n			return nil, d.refuse(op, NotAuthorized,", "		if errors.Is(err, keywrap.ErrIntegrity) {\n			slot.tries--\n			return nil, d.refuse(op, NotAuthorized,",
	}),
	wireMutant("data removal", "level 0 discovery claims to overwrite", "./drive/tcg", "TestOpalDataRemoval", Edit{
		"drive/tcg/opal_methods.go", "Supported: 1 << spec.DataRemovalCrypto,", "Supported: 1<<spec.DataRemovalCrypto | 1<<spec.DataRemovalOverwrite,",
	}),
	wireMutant("answers", "an answer that is larger than the transfer is sent all the same", "./drive/tcg", "TestAnAnswerThatDoesNotFit", Edit{
		"drive/tcg/comid.go", "	case len(c.answers) > 0 && len(c.answers[0]) > size:\n", "	case len(c.answers) > 0 && size < 0:\n",
	}),
	wireMutant("sessions", "nobody counts the sessions", "./drive/tcg", "TestHalfOpenSessions", Edit{
		"drive/tcg/manager.go", "	if len(t.sessions) >= maxSessions {\n", "	if len(t.sessions) >= 1<<20 {\n",
	}),
}
