package src

// The two codes of the facility's own software.
var softwareEntries = []Entry{
	{
		Code:     BE316023,
		Title:    "Severe software error: a service action met an impossible state",
		Severity: Critical,
		Cause: "The software found one of its own invariants broken while it ran an action, and stopped rather than go on. " +
			"It says nothing about a drive or a server.",
		When: []When{Anytime},
		Check: []string{
			"Which action ran, and how far it came: the event carries both.",
			"Whether the same action was tried before. A second try on top of a half-finished first one is how data gets lost.",
		},
		Action: []string{
			"Start no other service action.",
			"Keep the trace and the state as they are, and ask the next level of support.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the source says no more than severe software error; that it is a broken invariant in a service action is ours.",
			"When: the source names no action.",
			"Check: ours.",
			"Action: the next level of support is the source's; the rest is ours.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE31CFE8},
	},
	{
		Code:     BE31CFE8,
		Title:    "Severe software error: a record of the encryption group cannot be as it is",
		Severity: Critical,
		Cause: "The facility's own record of an encryption group contradicts itself. Working on with it could give a drive a wrong credential, " +
			"so the software refuses to.",
		When: []When{Anytime},
		Check: []string{
			"Which group the event names, and whether its data is still accessible. Drives that are unlocked stay so until they lose power.",
			"For BE14CFE5 and BE14E3F7: a damaged key repository comes with codes of its own.",
		},
		Action: []string{
			"Keep the power on; do not IML, and start no service action on the group.",
			"Ask the next level of support.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			"Severity: our scale.",
			"Cause: the source says no more than severe software error; that it is a group record is ours.",
			"When: the source names no action.",
			"Check: ours.",
			"Action: the next level of support is the source's; the rest is ours.",
			"Closing: by hand; the source gives no rule for this code.",
		},
		Related: []Code{BE316023, BE14CFE5, BE14E3F7},
	},
}
