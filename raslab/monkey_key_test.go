package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/stretchr/testify/require"
)

// actKeys does something with keys, as a customer may at any time.
func (m *monkey) actKeys() string {
	l := m.l
	switch m.rnd.IntN(6) {
	case 0:
		m.report(l.RekeyDataKey(1))
		return "rekey of the data key"
	case 1:
		m.report(l.RekeyGroupKey(1))
		return "rekey of the group key"
	case 2:
		l.RetrieveKeys()
		return "key retrieval"
	case 3:
		_ = l.SubmitTestAccess(1)
		return "test of access"
	}
	step := []func() (Report, error){l.Quiesce, l.Shutdown, l.Resume}[m.rnd.IntN(3)]
	m.report(step())
	if l.sfi.state != sfiRunning {
		m.broken = true // hosts have no access
	}
	return "quiesce, shutdown or resume"
}

// hurtKeys breaks something on the way to the keys.
func (m *monkey) hurtKeys() string {
	l := m.l
	h := l.customer.KeyServers()[m.rnd.IntN(len(l.customer.KeyServers()))]
	c, p := 1+m.rnd.IntN(2), m.rnd.IntN(2)
	switch m.rnd.IntN(14) {
	case 0:
		_ = l.PowerConsole(c, m.rnd.IntN(2) == 0)
	case 1:
		_ = l.HangConsole(c, m.rnd.IntN(2) == 0)
	case 2:
		_ = l.SetLink(p, c, []LinkState{LinkUp, LinkCut, LinkStalled}[m.rnd.IntN(3)])
	case 3:
		_ = l.customer.SetPath(c, h.Name, m.rnd.IntN(2) == 0)
	case 4:
		h.StopService()
	case 5:
		h.Garble()
	case 6:
		h.Store().Stall()
	case 7:
		_ = h.Reissue("unknown", "", 0)
	case 8:
		_ = h.Distrust("factory")
	case 9:
		_ = l.DamageRepository(1 + m.rnd.IntN(3))
	case 10:
		_ = l.ArmLink(p, c, fault.MustParse(fmt.Sprintf("(link.command.stalled (Every 1%d))", m.rnd.IntN(9))))
	case 11:
		_ = l.customer.Arm(c, fault.MustParse(fmt.Sprintf("(net.session.reset (Every 1%d))", m.rnd.IntN(9))))
	case 12:
		_ = l.ArmMemory(p, fault.MustParse(fmt.Sprintf("(memory.table.flipped (And (Byte %d) (OnIndex 2)))", m.rnd.IntN(64))))
	case 13:
		id, on := 1+m.rnd.IntN(2), m.rnd.IntN(2) == 0
		_, _ = l.ChangeKeyManager(id, KeyManagerChange{Active: &on})
	}
	return "key path"
}

// healKeys mends the way to the keys, and the facility's own records.
func (m *monkey) healKeys() {
	l := m.l
	for c := 1; c <= 2; c++ {
		must(m.t, l.PowerConsole(c, true))
		must(m.t, l.HangConsole(c, false))
		must(m.t, l.customer.Arm(c, nil))
		for p := range 2 {
			must(m.t, l.SetLink(p, c, LinkUp))
			must(m.t, l.ArmLink(p, c, nil))
		}
		for _, h := range l.customer.KeyServers() {
			must(m.t, l.customer.SetPath(c, h.Name, true))
		}
	}
	for p := range 2 {
		must(m.t, l.ArmMemory(p, nil))
	}
	on := true
	for i, h := range l.customer.KeyServers() {
		h.StartService()
		h.Ungarble()
		h.Store().Resume()
		must(m.t, h.Reissue("customer", "", 0))
		must(m.t, h.Trust("factory"))
		_, err := l.ChangeKeyManager(i+1, KeyManagerChange{Active: &on})
		must(m.t, err)
	}
	if _, good := l.records.Repository(); !good && l.service.ServiceAction() == "" {
		ok(m.t, l)(l.RestoreRepository())
	}
}

// settleKeys ends what was left half done.
func (m *monkey) settleKeys() {
	l := m.l
	if l.sfi.state != sfiRunning {
		advance(m.t, l, time.Hour)
		ok(m.t, l)(l.PowerCycle())
	}
	if _, good := l.records.Repository(); !good {
		ok(m.t, l)(l.RestoreRepository())
	}
}

// checkSoftwareErrors requires that every severe software error is the one that was provoked,
// because the guard of the service actions must not hide a bug.
func (m *monkey) checkSoftwareErrors() {
	for _, e := range m.l.events.Events() {
		for _, found := range e.Found {
			if e.SRC == "BE316023" {
				require.Contains(m.t, found, "the table of drives has", "a severe software error that nobody provoked\n%s", history{m.l})
			}
		}
	}
}

// finishKeys ends a rekey of the group key when every drive is well. The rekey then waits only for
// a drive that was taken away before it was erased.
func (m *monkey) finishKeys() {
	g := m.l.keys.Group(1)
	if g == nil || !g.Rekeying().GroupKey {
		return
	}
	away := 0
	for _, member := range g.Members() {
		if !m.l.plant.inSlot(member.Serial) {
			away++
		}
	}
	r, err := m.l.RekeyGroupKey(1)
	must(m.t, err)
	require.Equal(m.t, away > 0, r.Failed, "a rekey of the group key can be finished: %v\n%s", r.Notes, history{m.l})
}
