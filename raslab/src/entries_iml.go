package src

// Facts that several key server entries share.
const (
	everyTwelveMinutes = "The partitions ask for connectivity every 12 minutes by themselves. When it is back, they reboot (BE14CFE1) only if no service action is running and customer data is inaccessible."
	closeByHand        = "When a test of access succeeds on every server of the group, and the group is accessible, close the event."
	imlByHand          = "If the data are locked: the partitions do not reboot by themselves after this code. When a test of access succeeds, do a dual cluster IML (Quiesce SFI, Shutdown SFI, Resume SFI)."
	ourIML             = "Action: the IML by hand is ours. The source lets the partitions ask for connectivity after BE14E004, BE14E008 and BE14E009 only."
	thenSupport        = "If it persists, ask the next level of support."
	nextLevel          = "Ask the next level of support."
	ourSeverity        = "Severity: our scale."
	ourCheck           = "Check: ours; the source names no checks for this code."
	ourSteps           = "Action: the steps are ours; the list is lost in the source."
)

// byCFE1 is the closing rule of the BE14E0xx codes.
var byCFE1 = Closing{Kind: ByHand, By: []Code{BE14CFE1}}

// The key server codes that an IML can raise, alone or like a periodic retrieval.
var imlEntries = []Entry{
	{
		Code:     BE14CFE0,
		Title:    "No key server delivered the keys",
		Severity: Critical,
		Cause: "At a dual cluster IML not one of the configured key servers delivered the data key. Encrypted ranks stay locked, and their data is out of reach. " +
			"This is the umbrella: a more specific code, raised at the same time, says why.",
		When: []When{DualClusterIML},
		Check: []string{
			"The specific BE14E0xx code that was raised together with this one; its checks come first.",
			"The list of key servers with state and path status (lskeymgr): how many are active, for which key group.",
			"Whether the drives kept power. A drive that did not lose power may still be unlocked.",
		},
		Action: []string{
			"Mend what the specific code points at; one working key server of the group is enough to reach the data again.",
			"Do not exchange, erase or revert drives: locked drives are well, they lack their key.",
			"After BE14E004, BE14E008 or BE14E009 the partitions reboot by themselves. After any other code do a dual cluster IML (Quiesce SFI, Shutdown SFI, Resume SFI). See that the groups become accessible.",
			thenSupport,
			closeByHand,
		},
		Closing:    Closing{Kind: ByHand},
		Assumption: []string{ourSeverity, "Check: ours.", ourSteps},
		Related:    []Code{BE14E004, BE14E008, BE14E009, BE14E00B, BE14E011, BE14E012, BE14E013, BE14E0F1, BE14CFE1, BE14CFEA},
	},
	{
		Code:     BE14CFE1,
		Title:    "Access to the key servers is back; both partitions have rebooted by themselves",
		Severity: Informational,
		Cause: "Customer data was out of reach for want of keys, and BE14E004, BE14E008 or BE14E009 was reported: after these three the partitions ask for connectivity every 12 minutes. " +
			"A key server answered again, and no service action was running. So the facility started a dual cluster IML without being asked, and at least one key group has its key again. " +
			"After any other code the partitions do not reboot by themselves. " +
			"A group that still lacks its key has events of its own, which stay open.",
		When: []When{DualClusterIML},
		Check: []string{
			"After the IML, that the encryption groups are accessible.",
			"For each group that is not accessible, its own event, which says why. Unless that is one of the three codes, the group needs a dual cluster IML by hand.",
		},
		Action: []string{"None. The event is for information, and closes itself."},
		Closing: Closing{Kind: ClosesItself, With: []Code{
			BE14E004, BE14E008, BE14E009, BE14E00B, BE14E011, BE14E012, BE14E013, BE14E0F1,
		}},
		Assumption: []string{
			ourCheck,
			"Cause: when connectivity counts as regained is ours: a server gives the key, or a server answers that did not answer when the loss was reported.",
			"Closing: an event whose cause the facility still finds stays open, on purpose. The source closes every other BE14E0xx of the same partitions, also that of a key group that still lacks its key.",
		},
		Related: []Code{BE14E1F6, BE14CFE0},
	},
	{
		Code:     BE14CFE5,
		Title:    "A damaged copy of the key repository was mended by a reboot",
		Severity: Informational,
		Cause: "The facility saw signs of corruption in its store of wrapped keys: one copy differs from the others. " +
			"A reboot of the partitions, which the facility did by itself, put the good copy back.",
		When:       []When{DualClusterIML},
		Check:      []string{"Whether the event repeats. One copy that goes bad again and again has a cause of its own."},
		Action:     []string{"None for one occurrence: the event is for information.", "If it repeats, ask the next level of support before the last good copy goes (BE14E3F7)."},
		Closing:    Closing{Kind: ByHand},
		Assumption: []string{"Cause: that one copy differs from the others, and is replaced from a good one, is ours.", ourCheck, "Action: what to do on a repeat is ours."},
		Related:    []Code{BE14E3F7, BE31CFE8},
	},
	{
		Code:     BE14E004,
		Title:    "No active path to any key server; the configuration is suspect",
		Severity: Critical,
		Cause: "The facility finds no key server that it could ask: no configured server has an active path. " +
			"Nothing was sent, so the network is not accused; the configuration is.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"The list of key servers (lskeymgr): at least two for the group, in state active.",
			"Address, port and protocol of each server (showkeymgr) against what the customer says they are.",
			"That the servers are configured for the right key group and type: data at rest or cloud tiering.",
		},
		Action:     []string{"Have the customer correct or activate the key servers.", everyTwelveMinutes, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Check: ours.", ourSteps},
		Related:    []Code{BE14CFE0, BE14CFE1, BE14E1F6, BE14CFEB, BE14E008, BE14E009},
	},
	{
		Code:     BE14E008,
		Title:    "The management console cannot reach the key servers; the network is suspect",
		Severity: Critical,
		Cause: "The partitions reach the console and its network service runs, but the console gets an error " +
			"when it opens a socket to the key servers.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"From the console, each server's address and port: does the name resolve, does the host answer, does the port accept a connection.",
			"Firewalls and routes between console and servers; whatever was changed there last.",
			"That the key server software is running on the servers. A refused connection is a server that is up with a service that is down.",
			"The second console, if there is one: if it has a path, the fault is near the first.",
		},
		Action:     []string{"Have the customer restore the network or the server.", everyTwelveMinutes, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Check: ours.", ourSteps},
		Related:    []Code{BE14CFE0, BE14CFE1, BE14E1F6, BE14E004, BE14E009, BE14EAF1},
	},
	{
		Code:     BE14E009,
		Title:    "Partitions and management console cannot talk to each other",
		Severity: Critical,
		Cause: "The request for keys does not get as far as the console: communication between the partitions and the console fails. " +
			"The key servers are not involved.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"That the console is up, and its network interface process (ESSNI) running: a console can be up without it.",
			"The internal network between partitions and console: cables, switches, both networks.",
			"Whether one partition is affected or both, and one console or both.",
		},
		Action:     []string{"Restore the console or the internal network.", everyTwelveMinutes, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Check: ours.", ourSteps},
		Related:    []Code{BE14CFE0, BE14CFE1, BE14E1F6, BE14E00B, BE14E004, BE14E008},
	},
	{
		Code:     BE14E00B,
		Title:    "A key command to the management console timed out, for every key server",
		Severity: Critical,
		Cause: "Partitions and console are connected, but a key command between them was not answered in time, " +
			"and no server delivered a key.",
		When:       []When{DualClusterIML, PeriodicKeyRetrieval},
		Check:      []string{"The load of the console, and whether it was restarting.", "Whether a test of access succeeds now."},
		Action:     []string{nextLevel, imlByHand, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, ourCheck, ourIML},
		Related:    []Code{BE14CFE0, BE14E009, BE14EA0B},
	},
	{
		Code:     BE14E011,
		Title:    "No key server has all the keys that were asked for",
		Severity: Critical,
		Cause: "Every configured server answers, but none can provide one or more of the keys that the facility asks for by identifier. " +
			"The keys were deleted, never replicated, or belong to another group.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"What the event says of each server: an answer to another question, a refusal, or no common version of KMIP is a matter of the server's software or settings, and the key is there.",
			"On each server, whether the identifier of the group's key (showkeygrp) is known, and active.",
			"Whether the servers were restored from a backup older than the key.",
			"That the facility's certificate is the one that the server grants the key to.",
		},
		Action: []string{
			nextLevel,
			"Have the customer stop every deletion and restore on the key servers: a key that is gone from the last server and its backups takes the data with it.",
			imlByHand,
			closeByHand,
		},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Cause: why a server lacks the key is ours.", ourCheck, "Action: the next level of support is the source's; the rest is ours.", ourIML},
		Related:    []Code{BE14CFE0, BE14EA11, BE14E012},
	},
	{
		Code:     BE14E012,
		Title:    "The group key cannot be unwrapped with a data key from any server",
		Severity: Critical,
		Cause: "A data key came, but the wrapped group key in the facility's repository does not open with it, whichever server it came from. " +
			"It is the wrong key, or the wrapped copy is damaged.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"That the identifier which the servers know belongs to this facility and this group.",
			"Whether a rekey was under way: then old and new data key may be confused.",
			"For BE14CFE5 and BE14E3F7, which accuse the facility's repository instead.",
		},
		Action:     []string{"Have the customer compare the key on the servers with their records; create no new key for the group meanwhile.", thenSupport, imlByHand, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Cause: the two explanations are ours.", ourCheck, ourSteps, ourIML},
		Related:    []Code{BE14CFE0, BE14EA12, BE14E013, BE14CFE5, BE14E3F7},
	},
	{
		Code:     BE14E013,
		Title:    "The signature of the data key does not match",
		Severity: Critical,
		Cause: "The signature that the facility computes with the data key it received is not the one it stored when the key was new. " +
			"The data key is not the one that belongs to the group, or the stored signature is damaged.",
		When: []When{DualClusterIML, PeriodicKeyRetrieval},
		Check: []string{
			"That the identifier which the servers know belongs to this facility and this group.",
			"Whether one server gives another answer than the rest (test access, server by server).",
		},
		Action:     []string{nextLevel, imlByHand, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Cause: the two explanations are ours.", ourCheck, ourIML},
		Related:    []Code{BE14CFE0, BE14EA13, BE14E012},
	},
	{
		Code:     BE14E0F1,
		Title:    "A key server cannot be accessed at IML",
		Severity: Critical,
		Cause: "The facility reaches the customer's key server and cannot use it: the connection opens, " +
			"and then the session or the protocol fails.",
		When: []When{DualClusterIML},
		Check: []string{
			"Protocol and port of the server (showkeymgr): IPP or KMIP, with TLS or without.",
			"The certificates of both sides: expired, not yet valid, or not trusted by the other (certificateexpiry in showkeygrp).",
			"That the facility is registered and accepted as a client on the server.",
		},
		Action:     []string{"Have the customer correct protocol, port or certificates on the server or in the facility.", thenSupport, imlByHand, closeByHand},
		Closing:    byCFE1,
		Assumption: []string{ourSeverity, "Cause: that the failure comes after the connection opened is ours; the source says that the server cannot be accessed.", "Check: ours.", ourSteps, ourIML},
		Related:    []Code{BE14CFE0, BE14E008, BE14EAF1, BE14EAF3},
	},
	{
		Code:     BE14E1F6,
		Title:    "Key servers are back, but a service action prevented the reboot that unlocks the data",
		Severity: Critical,
		Cause: "The partitions were started without access to the key servers (BE14E004, BE14E008, BE14E009). The servers answer now, but while a service action is in progress " +
			"the facility does not reboot by itself, so the data stays out of reach until somebody reboots it. " +
			"A storage facility image that somebody has begun to quiesce or shut down counts as in service.",
		When: []When{AccessRegained},
		Check: []string{
			"Which service action is in progress, and whether it can end first. It ends before the partitions are cycled.",
			"That a test of access still succeeds.",
			"That the valid state of the storage facility image is quiesce (Manage SFI Resources; sfi show).",
		},
		Action: []string{
			"Finish or end the service action. The valid state is quiesce then; where somebody has begun to quiesce, go on with the step whose valid state is shown.",
			"Click Quiesce SFI; refresh the panel until the valid state is shutdown.",
			"Click Shutdown SFI; refresh the panel until the valid state is resume.",
			"Click Resume SFI, and see that the IML completes and the groups are accessible.",
			"Close the event.",
		},
		Closing: Closing{Kind: ByHand},
		Assumption: []string{
			ourSeverity,
			"Cause: that a facility which is being quiesced counts as in service is ours: a reboot would undo what somebody is doing by hand. The source speaks of a service action.",
			"Check: that the valid state should be quiesce is the source's; the rest is ours.",
			"Action: quiesce, shutdown, resume and the waiting between them are the source's; the first and the last step are ours.",
		},
		Related: []Code{BE14CFE1, BE14CFE0, BE14E004, BE14E008, BE14E009},
	},
	{
		Code:     BE14E3F7,
		Title:    "The key repository cannot be read",
		Severity: Critical,
		Cause: "The repository in which the facility keeps the wrapped keys reported a permanent error: " +
			"no copy of a record can be read.",
		When: []When{Anytime},
		Check: []string{
			"Whether data is still accessible. What is unlocked stays so until it loses power.",
			"For an earlier BE14CFE5: the repository gave warning then.",
		},
		Action:     []string{"Keep the power on, and do not IML.", nextLevel, "When the repository is restored and the groups are accessible, close the event."},
		Closing:    Closing{Kind: ByHand},
		Assumption: []string{ourSeverity, "Cause: that every copy is unreadable is ours. The source also names a certificate; here the facility's certificate is not kept in this repository, and one that is lost is BE14E0F1 at an IML and BE14CFF5 at drive certify.", "When: the source names no action.", ourCheck, "Action: the next level of support is the source's; the rest is ours."},
		Related:    []Code{BE14CFE5, BE31CFE8, BE14E012},
	},
}
