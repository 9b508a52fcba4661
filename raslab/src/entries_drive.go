package src

// The six codes about drives. MAP4980 lost its lists of steps for them, and
// the conditions under BE31F004: what stands in their place is ours.
var driveEntries = []Entry{
	{
		Code:     BE31F004,
		Title:    "A replacement drive did not take the credential of its encryption group",
		Severity: Serious,
		Cause: "During the resume step of a drive repair the replacement had to be brought into the configured encryption group: " +
			"its access credential had to change from the factory value to the one of the group. That migration failed. " +
			"The likely cause is the hardware of the replacement: its security area does not take a new key record, it does not accept " +
			"the factory credential, or it died half way. The rank keeps its redundancy on the spare that took over; no customer data is on the replacement.",
		When: []When{Repair},
		Check: []string{
			"The group: it must be accessible. If it is not, the drive is not the cause; see BE3400A2 and the key server codes.",
			"The key servers of the group: test access to every one of them, so that a new drive can be given a credential at all.",
			"The lifecycle state of the replacement. \"Configured\" means that it came with somebody's credential (BE3400A3): do not erase it.",
			"The serial number in the slot against the one in the event: the event may speak of a drive that is no longer there.",
			"The cause that the event gives. A flash page that refused programming speaks against the drive, a power cut during the resume does not.",
		},
		Action: []string{
			"Do a pseudo repair: repair the drive with Exchange FRU, and continue without unseating and reseating it. A cut or a glitch that left the drive sound is over after that.",
			"If the migration fails again, replace the drive with another FRU and resume the repair.",
			"Keep the failed FRU apart. It may hold a wrap of a group credential and has not proven itself erased.",
			"When the new drive is a member or a spare in good order, close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the three ways in which the hardware fails, and what the rank does meanwhile, are ours; the conditions under which the migration starts are lost in the source.",
			"Check: that software is checked before the drive is replaced is in the source; the steps are ours.",
			"Action: ours, from the source's note on pseudo repair.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE3400A2, BE3400A3, BE3400B3, BE34009E},
	},
	{
		Code:     BE34009E,
		Title:    "A drive was not cryptographically erased",
		Severity: Serious,
		Cause: "A drive left its encryption group, or was to start afresh, and its media key or a wrap of it is still there. It happens in a drive repair, " +
			"in an MES install of an enclosure or of drives, in a rank removal that looked successful to the customer, and in the recovery after a rank creation that failed. Here it also happens when a smart rebuild, a spare that is released or a drive that is put into a running facility leads to an erase. " +
			"Until the erase has succeeded, whoever holds the drive and an old credential may read what was on it.",
		When: []When{Repair, MESInstall, RankRemoval, FailedRankRecovery, SmartRebuild, Anytime},
		Check: []string{
			"Which of the four actions was running: the location and the time of the event say it. The action itself may have reported success.",
			"Whether the drive is in use. A drive that is a member of a rank must not be erased, whatever the event says.",
			"The lifecycle state: \"security degraded\" is a drive that could not destroy an old key record; \"configured\" is a drive that was never asked, or refused.",
			"The reason \"not accepted\": the keys are new and every check passed, but that does not sanitize this drive: it holds data that was never encrypted, its medium cannot be read, or a copy of it is in another slot. Its record of sanitization has a line for verification (did the erase do what it should) and one for validation (does that sanitize this drive).",
			"What the certificate rests on (erase certificate, line Rests on). Where a key server holds the group key, that is the new media key, made in the drive. The key server may give its key at any time, so no wrap may be left that the key opens.",
			"The power and the port of the drive: an erase that was cut is finished or repeated at the next power-on and needs no new part.",
			"The other drives of the same action, each by its own erase status: one refused block says nothing about its neighbours.",
		},
		Action: []string{
			"Repeat the erase with a pseudo repair: Exchange FRU, without unseating and reseating the drive.",
			"If it fails again, revert the drive with the PSID from its label. That erases everything, and needs the drive in your hand.",
			"If that fails too, or the erase is not accepted, replace the drive. The removed FRU is to be destroyed, not sent back: it still holds a key, or what no key protects.",
			"Do not count the drive as erased on its own word: the erase is done when the old credential is refused and the old data does not decrypt.",
			"When every drive of the event is erased or gone, close it.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the four situations are from the source; what remains on the drive is ours.",
			"When: the smart rebuild and any time are ours. An erase that fails there leaves the same key behind, and the source gives it no code of its own.",
			"Check: ours; the list is lost in the source. That verification and validation are two things is after NIST SP 800-88 Rev. 2, sections 4.5.1 and 4.5.2, and that no copy of a key outside the drive may open its data after section 3.2 (not read).",
			"Action: ours; the list is lost in the source.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE34009F, BE3400A3, BE3400B3},
	},
	{
		Code:     BE34009F,
		Title:    "Drives are still not erased after the ranks were removed",
		Severity: Serious,
		Cause: "Before a storage facility leaves its site, a discontinue scan asks every encrypting drive for its erase status. One or more answered security degraded. Here the event also names drives that are not proved to be erased for another reason: they do not answer, are configured, or were written without a verified erase. " +
			"Every drive should have been erased by itself when the last data and the logical configuration, ranks included, were removed; for these drives that did not happen or did not succeed. " +
			"The facility is not proven clean and must not leave.",
		When: []When{DiscontinueScan},
		Check: []string{
			"That no rank, array or pool is left. A drive that is still a member is not late, it is in use.",
			"For open BE34009E events on the same drives: then the removal has already said what went wrong, and the scan only confirms it.",
			"That every drive answered. A drive without power, missing or failed has proven nothing and counts as not erased.",
			"Each drive in the event, one by one, by state and by cause. An erase that was verified and not accepted is no erase (NIST SP 800-88 Rev. 2 asks for the validation as well; section 4.5.2, not read).",
		},
		Action: []string{
			"Ask the next level of support before you erase anything: a drive may be in the list because the customer's removal was not complete.",
			"Erase the drives named in the event again. Use the PSID from the label to revert those that refuse.",
			"Take out, and have destroyed, each drive that cannot be erased.",
			"Run the scan again. Only a scan that finds nothing ends the matter; then close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the source names drives that are security degraded. That drives which prove nothing are in the event too is ours: a scan that left them out would pass a facility which is not clean.",
			"Check: ours; the source only says when the condition is detected.",
			"Action: the next level of support is the source's one action; the rest is ours.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE34009E, BE3400B3},
	},
	{
		Code:     BE3400A2,
		Title:    "A replacement or a spare cannot be initialised because its encryption group is inaccessible",
		Severity: Serious,
		Cause: "A drive had to get a credential of an existing encryption group, and that group is inaccessible: no key server delivered the data key at the last IML, " +
			"so there is no group key to derive a credential from. The drive is the replacement in a repair, or the spare to which a smart rebuild (issraid exchange) " +
			"wanted to copy a member with predicted failure. The drives are not at fault. Nothing was copied; in a smart rebuild the member still works.",
		When: []When{Repair, SmartRebuild},
		Check: []string{
			"The state of the group: \"inaccessible\" confirms this event. If it is accessible by now, the key servers came back after the event.",
			"For BE14CFE0 and the BE14E0xx codes: they say why the keys did not come. Work on those first.",
			"Each key server: test access, and look at last success and last failure.",
			"The member with predicted failure: it must go on working until the group is back. Do not fail it, and do not pull it, to force a rebuild.",
			"The spare itself last of all. Replacing it changes nothing while the group is inaccessible.",
		},
		Action: []string{
			"Restore access to at least one key server of the group, by the action of the code found above.",
			"When access is back, see that the group becomes accessible: by itself after BE14E004, BE14E008 or BE14E009 (BE14CFE1), else by a dual cluster IML (as in BE14E1F6).",
			"Repair the drive again with a pseudo repair, or start the smart rebuild again. Only if it then fails for another reason, replace the drive.",
			"When the drive has joined and the rebuild is complete, close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: that the missing group key is what makes the group inaccessible is ours. The description in the source speaks of a drive repair, its service action column of a smart rebuild that RAS initiated: the code comes in both.",
			"Check: that software is checked before the drive is replaced is in the source; the steps are ours.",
			"Action: ours; the list is lost in the source.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE14CFE0, BE14CFE1, BE14E1F6, BE31F004},
	},
	{
		Code:     BE3400A3,
		Title:    "A drive that was added or exchanged is already configured",
		Severity: Serious,
		Cause: "The drive in the slot has a credential that is not the factory's: somebody's group owns it, so it may hold customer data. " +
			"The credential may be that of a band: then the drive says that it is configured. Or it is that of SID or EraseMaster, which drive certify finds by presenting the factory PIN. " +
			"No cryptographic erase may be started for it. No service action that the facility itself starts leads here; the probable cause is that somebody, " +
			"in a manual recovery, tried to erase a drive with customer data on it, or used a drive of another facility as a FRU.",
		When: []When{Repair, MESInstall, ManualRecovery},
		Check: []string{
			"Where the drive comes from. A drive that was a member here, or in another facility, is not a spare part.",
			"Its serial number against the members, past and present, of every rank of this facility.",
			"Whether a rank is waiting for just this drive: then the drive belongs back in its own slot, with its data.",
			"Which authority it is: the event names it. Where SID or EraseMaster has an owner, the drive may well be erased, and could never be erased by this facility.",
			"That nothing has been erased yet: a configured drive must still be configured.",
		},
		Action: []string{
			"Do not erase the drive, and do not revert it with its PSID, to make it fit. That destroys data whose owner nobody has asked.",
			"Take the drive out, mark it and keep it safe.",
			"Ask the next level of support to find out whose it is. An owner who gives the drive away erases it and gives each authority the factory PIN again, or reverts it with its PSID.",
			"Continue the repair or the install with a FRU in factory state, and close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the drive from another facility is ours: so a simulation meets this code. That an owner of SID or EraseMaster counts as somebody's group is ours too.",
			"When: repair and install are ours, from the title; the source says that no action which the facility starts should lead here. The creation of a rank and the insertion of a drive meet the same drive and report it so; that is ours too.",
			"Check: ours; the source has only the probable cause.",
			"Action: the next level of support is the source's one action; the rest is ours.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE34009E, BE31F004},
	},
	{
		Code:     BE3400B3,
		Title:    "The hourly health check found member drives inaccessible",
		Severity: Serious,
		Cause: "On partitions with access to data, the hourly check found drives of encrypted ranks that are security degraded: the credential or the lock state of such a drive is not " +
			"what its rank requires. Its key record rotted, its credential was changed behind the facility's back, or a migration was cut. " +
			"A degraded drive refuses all host input and output; its rank runs on redundancy as long as that lasts.",
		When: []When{HourlyHealthCheck},
		Check: []string{
			"The group, before the drives: it must be accessible. If a whole group is inaccessible its own code says so, and the drives are well.",
			"The key servers of the group, with a test of access: the repair needs a credential.",
			"How many drives the event names, and in which ranks. With more missing members than a rank can bear, erase nothing at all and ask for support: the old records may be the only copies of the keys.",
			"Each drive: its state, and the cause that its last power-on gave. A read error may pass, a rotten record does not.",
			"What happened shortly before: a repair that was cut short, a power loss, hands on the drive.",
		},
		Action: []string{
			"If the drive still accepts its credential, restore it: it destroys the old wraps and returns to configured, with its data.",
			"Else do a pseudo repair (Exchange FRU, without unseating and reseating), which rebuilds the drive's data from the other members.",
			"If the pseudo repair fails, replace the drive; what it then reports has a code of its own (BE31F004, BE34009E).",
			"Take one drive of a rank at a time, and wait for the rebuild before the next.",
			"When the next hourly check finds nothing, close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the three ways to become degraded are ours, as is that the check runs only where IML completed with data accessible.",
			"Check: that software is checked first is in the source; the steps are ours.",
			"Action: ours; the list is lost in the source.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE31F004, BE34009E, BE14CFE0},
	},
}
