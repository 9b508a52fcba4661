package mutants

// keyPath is defects of a facility on the way to its keys. The model of package facility catches
// each by a story of TestKeyStories.
var keyPath = []Mutant{
	keyStory("the second console is not asked after one that is cut off", "one partition only", Edit{
		"raslab/keypath.go", "		if r.answered() {\n			return err", "		if r.answered() || r == reasonConsole {\n			return err",
	}),
	keyStory("a query that got no further than a console ends the silence of a server", "four hours, and the consoles are off meanwhile", Edit{
		"raslab/keyretrieval.go", "		answered = answered || a.reason.answered()", "		answered = answered || !a.reason.communication()",
	}),
	keyStory("an answer to one partition ends the silence of a server for both", "four hours, and the other partition gets an answer", Edit{
		"raslab/keyretrieval.go", "	if len(over) == 0 {\n		if answered", "	if len(over) == 0 || answered {\n		if answered",
	}),
	keyStory("a query that comes while the partitions are down is the last one", "four hours, and a reboot meanwhile", Edit{
		"raslab/keyretrieval.go", "		if l.keys.cutOff || l.keys.anySilent() {\n			l.query()\n		}\n		return", "		return",
	}),
	keyStory("a server that answers again is still counted as silent", "back in time", Edit{
		"raslab/keyretrieval.go", "			m.silent, m.overdue = false, false\n", "			m.overdue = false\n",
	}),
	keyStory("a server that was inactive keeps its silence", "a server that was inactive is silent from the next failure on", Edit{
		"raslab/keymanager.go", "		n.silent, n.overdue = false, false // it", "		n.overdue = false // it",
	}),
	keyStory("a record that cannot be read counts as silence of the server", "a key comes and no record can be read", Edit{
		"raslab/keyretrieval.go", "				key.Clear()\n				return nil\n			}\n			result", "				key.Clear()\n				out = append(out, attempt{partition: p, manager: m, err: err, reason: reasonSession})\n				continue\n			}\n			result",
	}),
	keyStory("a group without its key ends the periodic retrieval", "a group that no rank uses does not end the retrieval", Edit{
		"raslab/keyretrieval.go", "			continue\n		}\n		all, err := l.probeAll(g)", "			return\n		}\n		all, err := l.probeAll(g)",
	}),
	keyStory("a group that no rank uses holds up the reboot", "a group that no rank uses does not hold up the reboot", Edit{
		"raslab/regain.go", "		case l.plant.lacking(g):\n			return\n", "		case l.plant.lacking(g) || !waiting:\n			return\n",
	}),
	keyStory("a group that no rank uses keeps hosts from the data of all", "a group that no rank uses does not hold up the reboot", Edit{
		"raslab/keygroup.go", "	return g.enc.State() == encgroup.Inaccessible && g.lab.plant.lacking(g)", "	return g.enc.State() == encgroup.Inaccessible",
	}),
	keyStory("the reboot waits for the first group only", "the reboot waits for every group that a rank uses", Edit{
		"raslab/regain.go", "		case l.plant.lacking(g):\n			return\n", "		case l.plant.lacking(g) && g.id == 1:\n			return\n",
	}),
	keyStory("an IML does not end the wait for connectivity", "connectivity that comes back with an IML is not waited for", Edit{
		"raslab/power.go", "	l.keys.cutOff = false\n	for _, g := range", "	for _, g := range",
	}),
	keyStory("the partitions reboot by themselves while the facility is quiesced", "connectivity is back while the facility is quiesced", Edit{
		"raslab/regain.go", "	if l.service.action != nil || l.sfi.state != sfiRunning {\n		l.raise", "	if l.service.action != nil {\n		l.raise",
	}),
	keyStory("queries for connectivity go out from partition 0 only", "connectivity is back for one partition", Edit{
		"raslab/keyretrieval.go", "		key, result := m.paths[p].Get(uid)", "		key, result := m.paths[0].Get(uid)",
	}),
	keyStory("BE14CFE1 names a partition that got no key", "connectivity is back for one partition", Edit{
		"raslab/regain.go", "		on = slices.DeleteFunc(on, func(p int) bool { return slices.Contains(g.without, p) })\n", "",
	}),
	keyStory("BE14CFE1 closes an event whose cause holds", "one group back, one without its key", Edit{
		"raslab/event.go", "subset(o.Partitions, e.Partitions) && !o.causeHolds() {", "subset(o.Partitions, e.Partitions) {",
	}),
	keyStory("a new data key is acknowledged by one server", "a key is enabled by its second server", Edit{
		"encgroup/rekeydata.go", "	if keys[0] == nil || keys[1] == nil {\n		return nil, failed\n	}\n	if !keys[0]", "	if keys[0] == nil && keys[1] == nil {\n		return nil, failed\n	}\n	if keys[0] == nil {\n		return keys[1].Clone(), nil\n	}\n	if keys[1] != nil && !keys[0]",
	}),
	keyStory("two servers that give different keys acknowledge one", "two servers disagree", Edit{
		"encgroup/rekeydata.go", "	if !keys[0].Equal(keys[1]) {", "	if keys[0] == keys[1] {",
	}),
	keyStory("a rekey that goes on makes one more key", "a key is enabled by its second server", Edit{
		"encgroup/rekeydata.go", "	if g.rec.NextPhase != Enabling {", "	if g.rec.NextPhase <= Enabling {",
	}),
}
