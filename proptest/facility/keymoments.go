package facility

import (
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The moments at which the facility finds out what the way to its keys is like.

// look brings the model what anybody sees who stands before the facility: whether a
// smart rebuild is over, and, where records were written to copies that had been
// damaged, what the copies are like on their media.
func (m *Machine) look() {
	k := m.keys
	for _, g := range k.groups {
		g.needed = false
		for _, r := range m.ranks {
			g.needed = g.needed || r.keygrp == g.id
		}
	}
	if m.copying && m.Lab.ServiceAction() == "" {
		m.copying, k.busy = false, false
	}
	if !k.badUnsure || m.writing() {
		return
	}
	copies, _ := m.Lab.Repository()
	whole, sound := 0, 0
	for c, text := range copies {
		if text == "good" {
			whole++
			if !m.scarred[c] {
				sound++
			}
		}
	}
	if whole == 0 || sound > 0 {
		for c, text := range copies {
			k.bad[c] = text != "good"
		}
		k.badUnsure = false
	}
}

// writing says whether something goes on by itself in the drives, or may begin with
// the next that breaks, and so may write records.
func (m *Machine) writing() bool {
	if m.copying || len(m.history.drives) > 0 {
		return true
	}
	for _, r := range m.Lab.Ranks() {
		for _, o := range r.Members {
			if o.State != "in sync" {
				return true
			}
		}
	}
	return false
}

// foreseen says whether the model knows exactly what comes next.
func (m *Machine) foreseen() bool {
	m.look()
	return m.keys.foreseen() && !(m.writing() && slices.Contains(m.scarred[:], true))
}

// exchanges adopts what RAS does by itself at any hour with a member whose failure is predicted:
// it starts its smart rebuild, or reports that its group has no key. Which reads a drive answers
// wrong is the drives' business. before is which groups were open when the moment began.
func (m *Machine) exchanges(before map[int]bool) {
	k, action := m.keys, m.Lab.ServiceAction()
	for _, d := range m.Lab.Drives() {
		if !d.Predicted || d.Rank == "" {
			continue
		}
		if g := k.group(d.KeyGroup); g != nil && !(before[g.id] && g.open) {
			m.history.kinds[kindNoKey] = true
		}
		if action == "smart rebuild of "+d.Slot {
			m.copying, k.busy = true, true
		}
	}
}

// open is which key groups the model has open.
func (k *keyWorld) open() map[int]bool {
	open := map[int]bool{}
	for _, g := range k.groups {
		open[g.id] = g.open
	}
	return open
}

// moment does something to the facility and to the model in which keys are asked
// for, and compares.
func (m *Machine) moment(facility func() error, model func()) error {
	if !m.foreseen() {
		return m.blurred(facility)
	}
	before := m.keys.open()
	if err := facility(); err != nil {
		return err
	}
	model()
	m.exchanges(before)
	m.mended()
	return m.compareKeys()
}

// mended forgets the scars of copies that a reboot wrote anew.
func (m *Machine) mended() {
	for _, w := range m.keys.raised {
		if w.code == "BE14CFE5" {
			m.scarred = [3]bool{}
		}
	}
}

// compareKeys: time, partitions, groups and events are as the model has them.
func (m *Machine) compareKeys() error {
	k := m.keys
	if err := m.compareEvents(); err != nil {
		return err
	}
	if now := m.Lab.Now(); !now.Equal(k.now) {
		return m.failf("it is %s, expected %s", now.Format(time.DateTime), k.now.Format(time.DateTime))
	}
	if busy := m.Lab.ServiceAction(); (busy != "") != k.busy && !m.copying {
		return m.failf("the service action in progress is %q, expected one: %v", busy, k.busy)
	}
	for _, p := range m.Lab.Partitions() {
		if running := p.State != "IML in progress"; running != k.running || p.DataAccess != k.access {
			return m.failf("partition %d: %s (data access %v), expected running %v, access %v", p.ID, p.State, p.DataAccess, k.running, k.access)
		}
	}
	for _, info := range m.Lab.Groups() {
		g := k.group(info.ID)
		if g == nil || (info.State == "accessible") != g.open {
			return m.failf("key group %d is %s (%s), which the model does not have so", info.ID, info.State, info.Why)
		}
	}
	return m.compareStores()
}

// compareStores: each machine of the customer holds the keys that it was given.
func (m *Machine) compareStores() error {
	for _, w := range m.keys.hosts {
		h, err := m.Lab.Customer().KeyServer(w.name)
		if err != nil {
			return m.refusal(err)
		}
		have := h.Store().Keys()
		for _, key := range have {
			if _, ok := w.keys[key]; !ok {
				return m.failf("%s holds key %s, which it should not", w.name, key)
			}
		}
		if len(have) != len(w.keys) {
			return m.failf("%s holds %d keys, expected %d", w.name, len(have), len(w.keys))
		}
	}
	return nil
}

// reboot is an IML in one of its forms: refused, or done to both.
func (m *Machine) reboot(allowed bool, do func() (raslab.Report, error)) error {
	m.look()
	if !allowed || m.keys.busy {
		_, err := do()
		return m.expect(false, err)
	}
	return m.moment(func() error {
		r, err := do()
		if err != nil {
			return m.expect(true, err)
		}
		return m.report(r, nil)
	}, m.keys.iml)
}

func (m *Machine) iml([]string) error {
	return m.reboot(m.keys.sfi == sfiUp, m.Lab.DualClusterIML)
}

func (m *Machine) powerCycle([]string) error { return m.reboot(true, m.Lab.PowerCycle) }

// sfi: "sfi quiesce", "shutdown", "resume".
func (m *Machine) sfi(a []string) error {
	k := m.keys
	step := func(from sfiPhase, do func() (raslab.Report, error), then func()) error {
		m.look()
		ok := k.sfi == from && !k.busy
		_, err := do()
		if ok {
			m.history.add("", kindKeys) // no host has its data, by request
			k.sfi++
			then()
		}
		return m.expect(ok, err)
	}
	switch a[0] {
	case "quiesce":
		return step(sfiUp, m.Lab.Quiesce, func() { k.access, k.sfiNext = false, k.now.Add(worldQuiesce) })
	case "shutdown":
		return step(sfiQuiet, m.Lab.Shutdown, func() { k.stop(); k.sfiNext = k.now.Add(worldShutdown) })
	}
	return m.reboot(k.sfi == sfiStopped, m.Lab.Resume)
}

func (m *Machine) retrieve([]string) error {
	return m.moment(func() error { m.Lab.RetrieveKeys(); return nil }, m.keys.periodic)
}

// advance goes from one moment at which something is due to the next.
func (m *Machine) advance(a []string) error {
	k := m.keys
	until := k.now.Add(time.Duration(number(a[0])) * time.Minute)
	for first := true; first || k.now.Before(until); first = false {
		if !m.foreseen() {
			return m.blurred(func() error { return m.Lab.Advance(until.Sub(k.now)) })
		}
		next := k.due()
		if next.After(until) {
			next = until
		}
		if m.copying && k.now.Before(next) {
			if err := m.Lab.Advance(next.Sub(k.now) - 1); err != nil {
				return m.refusal(err)
			}
			m.look()
		}
		err := m.moment(func() error { return m.Lab.Advance(next.Sub(m.Lab.Now())) }, func() { k.pass(next) })
		if err != nil {
			return err
		}
	}
	return nil
}

// mes: drive certify finds a facility without a valid certificate.
func (m *Machine) mes([]string) error {
	m.look()
	k := m.keys
	r, err := m.Lab.InstallMES(raslab.MESRequest{})
	if err == nil && k.uncertified() {
		var on []int
		if k.running {
			on = both
		}
		k.raise("BE14CFF5", 0, 0, on, nil)
	}
	return m.report(r, err)
}

// damageCopy: a copy that had been damaged before may be anything afterwards.
func (m *Machine) damageCopy(a []string) error {
	c := number(a[0])
	m.history.add("", kindKeys)
	m.keys.badUnsure = m.keys.badUnsure || m.scarred[c-1]
	m.keys.bad[c-1], m.scarred[c-1] = true, true
	return m.expect(true, m.Lab.DamageRepository(c))
}

func (m *Machine) restoreCopies([]string) error {
	m.look()
	busy := m.keys.busy
	r, err := m.Lab.RestoreRepository()
	if err == nil {
		m.keys.bad, m.keys.badUnsure, m.scarred = [3]bool{}, false, [3]bool{}
		for _, g := range m.keys.groups {
			g.broken = false
		}
		if r.Failed {
			return m.failf("the key repository was not restored, and every record was good once: %v", r.Notes)
		}
	}
	return m.expect(!busy, err)
}

// configure and rekeyData: a new data key is acknowledged only when two servers have shown
// it, and then two hold it.
func (m *Machine) configure(a []string) error {
	k, id := m.keys, number(a[0])
	g := k.group(id)
	ipp, one := k.protocol(id)
	ok := k.serves() && len(k.activeOf(id)) >= 2 && one && (g == nil || g.phase != phaseDone)
	if ok && g == nil {
		g = &worldGroup{id: id}
		k.groups = append(k.groups, g)
		slices.SortFunc(k.groups, func(a, b *worldGroup) int { return a.id - b.id })
	}
	r, err := m.Lab.ConfigureGroup(id)
	if !ok || err != nil {
		return m.expect(ok, err)
	}
	rec := m.Lab.Group(id).Record()
	had := g.phase == phaseHalf
	if !had {
		g.ipp = ipp
	}
	made, err := m.newDataKey(g, had, g.key, g.maker, rec.UID, !r.Failed)
	if err != nil {
		return err
	}
	if rec.UID != "" {
		g.phase, g.key, g.maker = phaseHalf, rec.UID, rec.Maker
	}
	if made {
		g.phase, g.open = phaseDone, true
		return m.acknowledged(g)
	}
	return nil
}

func (m *Machine) rekeyData(a []string) error {
	k, id := m.keys, number(a[0])
	g := k.group(id)
	ok := k.serves() && g != nil && g.open && len(k.activeOf(id)) >= 2
	r, err := m.Lab.RekeyDataKey(id)
	if !ok || err != nil {
		return m.expect(ok, err)
	}
	rec := m.Lab.Group(id).Record()
	next, maker := rec.NextUID, rec.NextMaker
	if !r.Failed {
		next, maker = rec.UID, rec.Maker
	}
	made, err := m.newDataKey(g, g.next != "", g.next, g.nextMaker, next, !r.Failed)
	if err != nil {
		return err
	}
	g.next, g.nextMaker = next, maker
	if made {
		g.key, g.maker, g.next, g.nextMaker = next, maker, "", ""
		return m.acknowledged(g)
	}
	if rec.UID != g.key {
		return m.failf("a rekey that did not succeed has changed the data key from %s to %s", g.key, rec.UID)
	}
	return nil
}

// newDataKey foretells what becomes of a data key: had, key and maker are that of an
// attempt before, now is the one that the facility has, done what it says.
func (m *Machine) newDataKey(g *worldGroup, had bool, key, maker, now string, done bool) (bool, error) {
	k := m.keys
	exact := m.foreseen() || !k.armed()
	if g.ipp && slices.Contains(k.bad[:], true) {
		exact = false // the wrapped key is kept in the copies of the repository, or it is not made
	}
	if !had {
		key, maker = "", ""
		for _, w := range k.activeOf(g.id) {
			if k.reaches(w) && (!g.ipp || k.host(w.host).wraps()) {
				maker = k.host(w.host).name
				break
			}
		}
		if exact && (maker == "") != (now == "") {
			return false, m.failf("a data key is made by %q, and the facility has %q", maker, now)
		}
		if now == "" {
			return false, nil
		}
		made := m.makerOf(g, now)
		switch {
		case made == "":
			return false, m.failf("the facility has data key %s, and no server holds it", now)
		case exact && made != maker:
			return false, m.failf("data key %s was made by %s, expected %s", now, made, maker)
		}
		maker = made
		key = now
		if g.ipp {
			k.sealed[key] = true
		} else {
			k.newKey(key, maker)
		}
	}
	if key != now {
		return false, m.failf("the facility has data key %q, expected %q", now, key)
	}
	if exact && k.shown(g, key, maker) != done {
		return false, m.failf("data key %s counts as enabled: %v, expected %v", key, done, !done)
	}
	return done, nil
}

// protocol is what the key managers of a group speak, if it is one.
func (k *keyWorld) protocol(group int) (ipp, one bool) {
	var of []*worldManager
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

// makerOf is the one machine that held a key first, where a fault plan chose it; with
// IPP no machine holds it, and the record is believed.
func (m *Machine) makerOf(g *worldGroup, key string) string {
	if r := m.Lab.Group(g.id).Record(); g.ipp && r.NextUID == key {
		return r.NextMaker
	} else if g.ipp {
		return r.Maker
	}
	for _, w := range m.keys.hosts {
		h, err := m.Lab.Customer().KeyServer(w.name)
		if err == nil && len(key) > len(w.name) && key[:len(w.name)] == w.name && slices.Contains(h.Store().Keys(), key) {
			return w.name
		}
	}
	return ""
}

// shown says whether the maker of a key and another server give the same.
func (k *keyWorld) shown(g *worldGroup, key, maker string) bool {
	var first, second *uint64
	for _, w := range k.activeOf(g.id) {
		h := k.host(w.host)
		wrong, have := k.gives(h, key)
		switch {
		case !have || !k.reaches(w):
		case h.name == maker:
			first = &wrong
		case second == nil:
			second = &wrong
		}
	}
	return first != nil && second != nil && *first == *second
}

// acknowledged: two servers hold the key of which the facility has just said that it
// is in force. With IPP none holds it, and a rekey or a configuration asked two of them.
func (m *Machine) acknowledged(g *worldGroup) error {
	key := g.key
	if g.ipp {
		return nil
	}
	n := 0
	for _, h := range m.Lab.Customer().KeyServers() {
		if slices.Contains(h.Store().Keys(), key) {
			n++
		}
	}
	if n < 2 {
		return m.failf("data key %s was acknowledged, and %d servers hold it", key, n)
	}
	return nil
}

func (m *Machine) rekeyGroup(a []string) error {
	g := m.keys.group(number(a[0]))
	ok := m.keys.serves() && g != nil && g.open
	// Whether it ends depends on drives: it waits for a member that is away.
	_, err := m.Lab.RekeyGroupKey(number(a[0]))
	return m.expect(ok, err)
}
