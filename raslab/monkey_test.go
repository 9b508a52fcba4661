package raslab

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// monkey does anything at all to a facility, sensible or not.
type monkey struct {
	t       *testing.T
	l       *Lab
	rnd     *rand.Rand
	content map[string]map[uint64][][]byte // rank, sector: what it may hold, one entry unless a write failed
	serial  byte
	broken  bool // something was broken
}

func (m *monkey) slot() string { return m.l.plant.slots[m.rnd.IntN(len(m.l.plant.slots))].name }

func (m *monkey) report(r Report, err error) {
	if err != nil {
		var q *RequestError
		require.True(m.t, errors.As(err, &q), "a refused action says so: %v", err)
		return
	}
	if !m.broken {
		require.False(m.t, r.Failed, "with nothing broken an action reaches its aim: %+v", r)
	}
	if r.Action == "rank create" && !r.Failed {
		m.content[r.Object] = map[uint64][][]byte{}
	}
}

var monkeyPlans = []string{
	"(flash.program.refused (OnIndex %d))", "(flash.program.torn (OnIndex %d))", "(flash.erase.refused (After %d))",
	"(flash.erase.refused (After %d)) (flash.zero.refused)", "(flash.power.torn (OnIndex %d))", "(flash.power.before (OnIndex %d))",
	"(flash.power.after (OnIndex %d))", "(flash.read.rot (OnIndex %d))", "(flash.read.error (OnIndex %d))",
	"(media.read.error (OnIndex %d))", "(media.write.error (Every 1%d))", "(port.command.lost (OnIndex %d))",
	"(port.command.cut (OnIndex %d))", "(port.command.dead (OnIndex %d))", "(port.power.refused (OnIndex %d))",
}

func (m *monkey) act() string {
	l := m.l
	s := m.slot()
	switch n := m.rnd.IntN(40); n {
	case 0, 1, 2, 3, 4, 5:
		m.write()
		return "write"
	case 6, 7, 8:
		d := time.Duration(m.rnd.IntN(240)) * time.Minute
		require.NoError(m.t, l.Advance(d))
		return "advance"
	case 9:
		m.report(l.CreateArray(fmt.Sprintf("S%d", 1+m.rnd.IntN(len(l.plant.sites))), RAIDAuto))
		return "array create"
	case 10:
		m.report(l.CreateRank(fmt.Sprintf("A%d", m.rnd.IntN(4)), m.rnd.IntN(2)))
		return "rank create"
	case 11:
		if m.rnd.IntN(4) == 0 {
			m.report(l.RemoveRank(fmt.Sprintf("R%d", m.rnd.IntN(4))))
		}
		return "rank remove"
	case 12:
		m.report(l.RemoveArray(fmt.Sprintf("A%d", m.rnd.IntN(4))))
		return "array remove"
	case 13, 14, 15, 16, 17, 18, 19, 20:
		return m.actRepair(n, s)
	case 21:
		m.report(l.SmartRebuild(s))
		return "smart rebuild " + s
	case 22:
		m.report(l.PowerCycle())
		return "power cycle"
	case 23:
		m.report(l.RekeyDrive(s))
		return "rekey " + s
	case 24:
		m.report(l.EraseDrive(s))
		return "erase " + s
	case 25:
		m.report(l.RevertDrive(s))
		return "revert " + s
	case 26:
		_ = l.Disarm(s)
		return "disarm " + s
	case 27:
		d, err := l.Discontinue()
		m.report(d.Report, err)
		return "discontinue"
	case 28, 29:
		return m.actKeys()
	case 30, 31:
		m.broken = true
		return m.hurtKeys()
	}
	return m.hurt(s)
}

// actRepair is a step of a drive repair, if one can be taken.
func (m *monkey) actRepair(n int, s string) string {
	l := m.l
	repairs := l.service.action != nil && l.service.action.slot != nil
	switch {
	case n <= 15:
		if l.service.action == nil {
			m.report(l.StartRepair(s))
		}
		return "repair start " + s
	case n <= 17:
		if repairs {
			serial := ""
			if m.rnd.IntN(2) == 0 {
				p, err := l.OrderSpare()
				require.NoError(m.t, err)
				serial = p.Serial()
			} else if parts := l.options.Shelf.parts; len(parts) > 0 && m.rnd.IntN(2) == 0 {
				serial = parts[m.rnd.IntN(len(parts))].Serial()
			}
			m.report(l.ExchangeFRU(l.service.action.slot.name, serial))
		}
		return "repair exchange"
	case n <= 19:
		if repairs {
			m.report(l.ResumeRepair(l.service.action.slot.name))
		}
		return "repair resume"
	}
	if repairs && m.rnd.IntN(3) == 0 {
		m.report(l.CancelRepair(l.service.action.slot.name))
	}
	return "repair cancel"
}

func (m *monkey) hurt(s string) string {
	l := m.l
	m.broken = true
	switch m.rnd.IntN(12) {
	case 0:
		_ = l.Break(s)
		return "break " + s
	case 1:
		_ = l.CutPower(s)
		return "cut " + s
	case 2:
		_ = l.RestorePower(s)
		return "restore " + s
	case 3:
		_ = l.Pull(s)
		return "pull " + s
	case 4:
		if parts := l.options.Shelf.parts; len(parts) > 0 {
			m.report(l.Insert(s, parts[m.rnd.IntN(len(parts))].Serial()))
		}
		return "insert " + s
	case 5:
		id := 1 + m.rnd.IntN(2)
		if m.rnd.IntN(2) == 0 {
			_ = l.customer.Stop(id)
		} else {
			_ = l.customer.Start(id)
		}
		return "key server"
	}
	plan := fmt.Sprintf(monkeyPlans[m.rnd.IntN(len(monkeyPlans))], m.rnd.IntN(8))
	_ = l.Arm(s, fault.MustParse(plan))
	return "arm " + s + " " + plan
}

func (m *monkey) write() {
	if len(m.l.plant.ranks) == 0 {
		return
	}
	r := m.l.plant.ranks[m.rnd.IntN(len(m.l.plant.ranks))]
	lba := uint64(m.rnd.IntN(50))
	m.serial++
	data := bytes.Repeat([]byte{m.serial, byte(lba)}, 256)
	c := m.content[r.name()]
	if c == nil {
		c = map[uint64][][]byte{}
		m.content[r.name()] = c
	}
	if c[lba] == nil {
		c[lba] = [][]byte{make([]byte, 512)}
	}
	if err := r.Write(lba, data); err != nil {
		c[lba] = append(c[lba], data)
		require.True(m.t, errors.Is(err, ErrNoAccess) || errors.Is(err, ErrDataLost), "%v", err)
		return
	}
	c[lba] = [][]byte{data}
}

// check reads everything and looks at every drive.
func (m *monkey) check() {
	for _, r := range m.l.plant.ranks {
		for lba := range uint64(50) {
			got := make([]byte, 512)
			err := r.Read(lba, got)
			if err != nil {
				require.True(m.t, m.broken, "nothing is broken: %v", err)
				require.True(m.t, errors.Is(err, ErrNoAccess) || errors.Is(err, ErrDataLost), "%v", err)
				continue
			}
			may := m.content[r.name()][lba]
			if may == nil {
				may = [][]byte{make([]byte, 512)}
			}
			found := false
			for _, c := range may {
				found = found || bytes.Equal(c, got)
			}
			require.True(m.t, found, "%s sector %d holds something else than was written: %x\n%s", r.name(), lba, got[:4], history{m.l})
		}
		for i, mem := range r.members {
			require.Same(m.t, r.array.members[i], mem.slot, "rank and array agree on position %d", i)
			require.Same(m.t, r.array, mem.slot.array)
			require.Equal(m.t, i, mem.slot.position)
			if mem.state == inSync && r.keygrp != 0 && mem.slot.port.answers() {
				require.NotEqual(m.t, drive.Erased, mem.slot.port.part.Drive.Status().State, "a member that serves an encrypted rank is not open\n%s", history{m.l})
			}
		}
	}
	for _, s := range m.l.plant.slots {
		if s.array == nil && s.state == Normal && s.port.answers() && m.l.custody.unproven(s.port.Serial()) == "" {
			require.NotEqual(m.t, drive.Configured, s.port.part.Drive.Status().State,
				"%s serves no rank, is Normal and must not be Configured\n%s", s.name, history{m.l})
		}
	}
	if !m.broken {
		noEvents(m.t, m.l)
	}
}

// heal is a service person who knows his trade: he ends what is under way, mends
// what is around the drives, and repairs one slot after the other, first without an
// exchange. Then everything must be well.
func (m *monkey) heal() {
	l := m.l
	defer func() {
		if m.t.Failed() {
			m.t.Log(l.TraceText())
		}
	}()
	for id := range l.customer.Info() {
		_ = l.customer.Start(id + 1)
	}
	m.healKeys()
	for _, s := range l.plant.slots {
		_ = l.Disarm(s.name)
		if !l.service.underRepair(s) {
			_ = l.RestorePower(s.name)
		}
	}
	for _, p := range l.options.Shelf.parts {
		p.Disarm()
	}
	if a := l.service.action; a != nil && a.slot != nil {
		if _, err := l.CancelRepair(a.slot.name); err != nil {
			if !a.ready {
				m.report(l.ExchangeFRU(a.slot.name, m.spare()))
			}
			_, err := l.ResumeRepair(a.slot.name)
			require.NoError(m.t, err, "a repair can always be ended\n%s", history{l})
		}
	}
	advance(m.t, l, 12*time.Hour)
	require.Empty(m.t, l.service.ServiceAction(), "every service action ends\n%s", history{l})
	m.settleKeys()
	ok(m.t, l)(l.DualClusterIML())
	advance(m.t, l, 12*time.Hour)
	for range 3 {
		for _, s := range l.plant.slots {
			m.mend(s)
		}
	}
	for _, r := range append([]*Rank(nil), l.plant.ranks...) {
		if out, _ := r.missing(); out > 0 {
			require.Equal(m.t, "Failed", r.dataState(), "only a rank with two dead drives cannot be healed: %s\n%s", r.gone(), history{l})
			_, err := l.RemoveRank(r.name())
			require.NoError(m.t, err)
			for _, s := range l.plant.slots {
				m.mend(s)
			}
		}
	}
	for _, s := range l.plant.slots {
		require.Equal(m.t, Normal, s.state, "%s is well: %s\n%s", s.name, s.why, history{l})
	}
	m.finishKeys()
	m.checkSoftwareErrors()
	advance(m.t, l, 2*time.Hour)
	for _, e := range l.events.OpenEvents() {
		_, err := l.CloseEvent(e.ID, "monkey", "healed", false)
		require.NoError(m.t, err, "every event can be closed\n%s", history{l})
	}
	advance(m.t, l, 24*time.Hour)
	require.Empty(m.t, l.events.OpenEvents(), "and stays closed\n%s", history{l})
	for _, r := range l.plant.ranks {
		for lba := range uint64(50) {
			n, position := r.place(lba)
			err := r.Read(lba, make([]byte, 512))
			if err != nil && r.members[position].lacks[n] == 0 {
				require.NoError(m.t, err, "in a facility that was healed all is readable, but for rows that two members lost together\n%s", history{l})
			}
		}
	}
}

func (m *monkey) spare() string {
	p, err := m.l.OrderSpare()
	require.NoError(m.t, err)
	return p.Serial()
}

// mend repairs one slot until it is Normal, or the repair is refused.
func (m *monkey) mend(s *slot) {
	l := m.l
	for try := range 4 {
		mem := s.member()
		if s.state == Normal && (mem == nil || mem.state == inSync) {
			return
		}
		if _, err := l.StartRepair(s.name); err != nil {
			advance(m.t, l, time.Hour)
			continue
		}
		serial := ""
		if try > 0 || s.port.part == nil {
			serial = m.spare()
			if mem != nil {
				if p := l.options.Shelf.Find(mem.serial); p != nil && !p.dead && try == 0 {
					serial = mem.serial // the drive itself lies on the shelf
				}
			}
		}
		if _, err := l.ExchangeFRU(s.name, serial); err != nil {
			_, err = l.CancelRepair(s.name)
			if err != nil {
				_, err = l.ResumeRepair(s.name)
			}
			require.NoError(m.t, err)
			return
		}
		_, err := l.ResumeRepair(s.name)
		require.NoError(m.t, err, "%s", history{l})
		advance(m.t, l, 3*time.Hour)
	}
}

func TestMonkey(t *testing.T) {
	runs, rounds := uint64(20), 6
	if testing.Short() {
		runs = 3
	}
	seen := map[string]int{}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := playMonkey(t, Options{Drives: 16, Seed: seed, Sectors: 64}, rounds)
			for _, e := range l.events.all {
				seen[e.SRC]++
			}
		})
	}
	t.Log(seen)
}

// playMonkey lets the monkey loose in a facility for some rounds.
func playMonkey(t *testing.T, o Options, rounds int) *Lab {
	t.Helper()
	m := &monkey{
		t: t, l: newLab(t, o), rnd: rand.New(rand.NewPCG(o.Seed, 1)),
		content: map[string]map[uint64][][]byte{},
	}
	m.report(m.l.ConfigureGroup(1))
	for round := range rounds {
		for i, s := range m.l.plant.sites {
			if s.array == nil {
				m.report(m.l.CreateArray(s.name(), RAIDAuto))
			}
			if s.array != nil && s.array.rank == nil {
				m.report(m.l.CreateRank(s.array.name(), (int(o.Seed)+i)%2))
			}
		}
		for i := range 25 {
			if did := m.act(); did != "" && did != "write" {
				m.l.logf("monkey", "%d.%d %s", round, i, did)
			}
		}
		m.check()
		m.heal()
		m.check()
	}
	return m.l
}

// Whatever the monkey does, a facility over the wire has the same log as one that reaches its drives by their
// methods, and what lies in the flash of each drive is the same.
func TestMonkeyOverTheWire(t *testing.T) {
	t.Parallel()
	seeds := uint64(6)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		o := Options{Drives: 16, Seed: 100 + seed, Sectors: 64, Bands: int(seed % 2)}
		direct := playMonkey(t, o, 2)
		o.Wire = true
		wired := playMonkey(t, o, 2)
		require.Equal(t, direct.TraceText(), wired.TraceText())
		for i, s := range direct.plant.slots {
			if s.port.part != nil {
				require.Equal(t, s.port.Dump().Flash, wired.plant.slots[i].port.Dump().Flash, s.name)
			}
		}
	}
}
