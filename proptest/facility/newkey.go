package facility

import "slices"

// How data keys are made. A new one is acknowledged only when its maker and another key server
// have shown it.

func (m *Machine) configure(a []string) error {
	k, id := m.keys, number(a[0])
	g := k.group(id)
	ipp, one := k.protocol(id)
	ok := k.free() && len(k.activeOf(id)) >= 2 && one && (g == nil || g.phase != configured)
	if ok && g == nil {
		g = &keyGroup{id: id}
		k.groups = append(k.groups, g)
		slices.SortFunc(k.groups, func(a, b *keyGroup) int { return a.id - b.id })
	}
	r, err := m.Lab.ConfigureGroup(id)
	if !ok || err != nil {
		return m.expect(ok, err)
	}
	if g.phase == unconfigured {
		g.ipp = ipp
	}
	rec := m.Lab.Group(id).Record()
	if err := m.newDataKey(g, &g.key, &g.maker, rec.UID, !r.Failed); err != nil || g.key == "" {
		return err
	}
	g.phase = configuring
	if !r.Failed {
		g.phase, g.accessible = configured, true
	}
	return nil
}

func (m *Machine) rekeyData(a []string) error {
	k, id := m.keys, number(a[0])
	g := k.group(id)
	ok := k.free() && g != nil && g.accessible && len(k.activeOf(id)) >= 2
	r, err := m.Lab.RekeyDataKey(id)
	if !ok || err != nil {
		return m.expect(ok, err)
	}
	rec := m.Lab.Group(id).Record()
	now := rec.NextUID
	if !r.Failed {
		now = rec.UID
	}
	if err := m.newDataKey(g, &g.next, &g.nextMaker, now, !r.Failed); err != nil {
		return err
	}
	switch {
	case !r.Failed:
		g.key, g.maker, g.next, g.nextMaker = g.next, g.nextMaker, "", ""
	case rec.UID != g.key:
		return m.failf("a rekey that did not succeed has changed the data key from %s to %s", g.key, rec.UID)
	}
	return nil
}

// newDataKey compares what became of a data key: key and maker are those of an attempt before,
// "" if there was none; now is the key that the facility has, and done what it says of it.
func (m *Machine) newDataKey(g *keyGroup, key, maker *string, now string, done bool) error {
	k := m.keys
	exact := !k.plansArmed()
	if g.ipp && slices.Contains(k.bad[:], true) {
		exact = false // it is not made where the repository cannot keep it
	}
	if *key == "" {
		expected := k.makerOf(g)
		if exact && (expected == "") != (now == "") {
			return m.failf("a data key is made by %q, and the facility has %q", expected, now)
		}
		if now == "" {
			return nil
		}
		*key, *maker = now, m.makerOf(g, now)
		if exact && *maker != expected {
			return m.failf("data key %s was made by %q, expected %q", now, *maker, expected)
		}
		if g.ipp {
			k.wrapped[now] = true
		} else {
			k.newKey(now, *maker)
		}
	}
	if *key != now {
		return m.failf("the facility has data key %q, expected %q", now, *key)
	}
	if exact && k.shown(g, *key, *maker) != done {
		return m.failf("data key %s counts as enabled: %v, expected %v", now, done, !done)
	}
	return nil
}

// makerOf is the key server that makes the next data key of a group: the first that is reached
// and can; "" where none is.
func (k *keyModel) makerOf(g *keyGroup) string {
	for _, m := range k.activeOf(g.id) {
		if s := k.server(m.server); k.reaches(m) && (!g.ipp || s.wraps()) {
			return s.name
		}
	}
	return ""
}

// makerOf is who made a data key, by the facility's record.
func (m *Machine) makerOf(g *keyGroup, key string) string {
	r := m.Lab.Group(g.id).Record()
	if r.NextUID == key {
		return r.NextMaker
	}
	return r.Maker
}

// protocol is what the key managers of a group speak, if it is one.
func (k *keyModel) protocol(group int) (ipp, one bool) {
	var of []*keyManager
	for _, m := range k.managers {
		if m.group == group {
			of = append(of, m)
		}
	}
	for _, m := range of {
		if m.ipp != of[0].ipp {
			return false, false
		}
	}
	return len(of) > 0 && of[0].ipp, true
}

// shown says whether the maker of a key and another server give the same.
func (k *keyModel) shown(g *keyGroup, key, maker string) bool {
	var first, second *uint64
	for _, m := range k.activeOf(g.id) {
		s := k.server(m.server)
		wrong, have := s.gives(key, k.wrapped[key])
		switch {
		case !have || !k.reaches(m):
		case s.name == maker:
			first = &wrong
		case second == nil:
			second = &wrong
		}
	}
	return first != nil && second != nil && *first == *second
}
