package facility

import (
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The operations in which the facility asks for keys, each done to the facility and to the
// model and then compared.

// sync takes over from the facility what the model does not compute: whether a smart rebuild
// has ended, what the copies of the key repository are like, and which groups have ranks.
func (m *Machine) sync() {
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
	copies, _ := m.Lab.Repository()
	for c, text := range copies {
		k.bad[c] = text != "good"
	}
	// Where every copy was damaged, one that is good again may lack records.
	k.uncertain = k.uncertain || k.damaged == [3]bool{true, true, true} && !k.unreadable()
}

// writing says whether the drives may write records of their keys by themselves: something
// goes on in them, or may begin with the next that breaks.
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

// certain says whether the model knows exactly what comes next.
func (m *Machine) certain() bool {
	m.sync()
	k := m.keys
	return !k.uncertain && !k.plansArmed() && !(slices.Contains(k.damaged[:], true) && m.writing())
}

// adoptSmartRebuilds takes over what RAS does by itself at any hour with a member whose failure
// is predicted: it starts a smart rebuild, or reports that its group has no key. before says
// which groups were accessible when the operation began.
func (m *Machine) adoptSmartRebuilds(before map[int]bool) {
	k, action := m.keys, m.Lab.ServiceAction()
	for _, d := range m.Lab.Drives() {
		if !d.Predicted || d.Rank == "" {
			continue
		}
		if g := k.group(d.KeyGroup); g != nil && !(before[g.id] && g.accessible) {
			m.history.kinds[kindNoKey] = true
		}
		if action == "smart rebuild of "+d.Slot {
			m.copying, k.busy = true, true
		}
	}
}

// accessibleGroups is which key groups are accessible in the model.
func (k *keyModel) accessibleGroups() map[int]bool {
	all := map[int]bool{}
	for _, g := range k.groups {
		all[g.id] = g.accessible
	}
	return all
}

// compared does an operation to the facility and to the model, and compares.
func (m *Machine) compared(facility func() error, model func()) error {
	if !m.certain() {
		return m.inDoubt(facility)
	}
	before := m.keys.accessibleGroups()
	if err := facility(); err != nil {
		return err
	}
	model()
	m.adoptSmartRebuilds(before)
	return m.compareKeys()
}

// compareKeys: time, partitions, groups, events and key stores are as the model has them.
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
		if g == nil || (info.State == "accessible") != g.accessible {
			return m.failf("key group %d is %s (%s), and the model has it otherwise", info.ID, info.State, info.Why)
		}
	}
	return m.compareStores()
}

// compareStores: each key server holds the keys that it was given, and no other.
func (m *Machine) compareStores() error {
	for _, s := range m.keys.servers {
		h, err := m.Lab.Customer().KeyServer(s.name)
		if err != nil {
			return m.refusal(err)
		}
		have := h.Store().Keys()
		for _, key := range have {
			if _, ok := s.keys[key]; !ok {
				return m.failf("%s holds key %s, which it should not", s.name, key)
			}
		}
		if len(have) != len(s.keys) {
			return m.failf("%s holds %d keys, expected %d", s.name, len(have), len(s.keys))
		}
	}
	return nil
}

// reboot is an IML in one of its forms. It is refused, or done to both partitions.
func (m *Machine) reboot(allowed bool, do func() (raslab.Report, error)) error {
	m.sync()
	if !allowed || m.keys.busy {
		_, err := do()
		return m.expect(false, err)
	}
	return m.compared(func() error {
		r, err := do()
		if err != nil {
			return m.expect(true, err)
		}
		return m.report(r, nil)
	}, m.keys.iml)
}

func (m *Machine) iml([]string) error {
	return m.reboot(m.keys.sfi == sfiRunning, m.Lab.DualClusterIML)
}

func (m *Machine) powerCycle([]string) error { return m.reboot(true, m.Lab.PowerCycle) }

// changeSFI: "sfi quiesce", "shutdown", "resume".
func (m *Machine) changeSFI(a []string) error {
	k := m.keys
	step := func(from sfiState, do func() (raslab.Report, error), then func()) error {
		m.sync()
		ok := k.sfi == from && !k.busy
		_, err := do()
		if ok {
			m.history.add("", kindKeys) // no host reaches its data, as was asked for
			k.sfi++
			then()
		}
		return m.expect(ok, err)
	}
	switch a[0] {
	case "quiesce":
		return step(sfiRunning, m.Lab.Quiesce, func() { k.access, k.sfiNext = false, k.now.Add(modelQuiesce) })
	case "shutdown":
		return step(sfiQuiesced, m.Lab.Shutdown, func() { k.stop(); k.sfiNext = k.now.Add(modelShutdown) })
	}
	return m.reboot(k.sfi == sfiStopped, m.Lab.Resume)
}

func (m *Machine) retrieve([]string) error {
	return m.compared(func() error { m.Lab.RetrieveKeys(); return nil }, m.keys.periodic)
}

// advance goes from one moment at which something is due to the next.
func (m *Machine) advance(a []string) error {
	k := m.keys
	until := k.now.Add(time.Duration(number(a[0])) * time.Minute)
	for first := true; first || k.now.Before(until); first = false {
		if !m.certain() {
			return m.inDoubt(func() error { return m.Lab.Advance(until.Sub(k.now)) })
		}
		next := k.due()
		if next.After(until) {
			next = until
		}
		if m.copying && k.now.Before(next) {
			if err := m.Lab.Advance(next.Sub(k.now) - 1); err != nil {
				return m.refusal(err)
			}
			m.sync()
		}
		err := m.compared(func() error { return m.Lab.Advance(next.Sub(m.Lab.Now())) }, func() { k.pass(next) })
		if err != nil {
			return err
		}
	}
	return nil
}

// mes: the drive certify of an MES finds a facility without a valid certificate.
func (m *Machine) mes([]string) error {
	m.sync()
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

func (m *Machine) damageCopy(a []string) error {
	c := number(a[0])
	m.history.add("", kindKeys)
	m.keys.damaged[c-1] = true
	return m.expect(true, m.Lab.DamageRepository(c))
}

func (m *Machine) restoreCopies([]string) error {
	m.sync()
	busy := m.keys.busy
	r, err := m.Lab.RestoreRepository()
	if err == nil {
		m.keys.damaged = [3]bool{}
		for _, g := range m.keys.groups {
			g.unreadable = false
		}
		if r.Failed {
			return m.failf("the key repository was not restored, and every record was good once: %v", r.Notes)
		}
	}
	return m.expect(!busy, err)
}

func (m *Machine) rekeyGroup(a []string) error {
	g := m.keys.group(number(a[0]))
	ok := m.keys.free() && g != nil && g.accessible
	// Whether it ends depends on drives: it waits for a member that is away.
	_, err := m.Lab.RekeyGroupKey(number(a[0]))
	return m.expect(ok, err)
}
