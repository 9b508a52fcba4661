package facility

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// Options are what a Machine is made with.
type Options struct {
	Seed   uint64
	Drives int // a multiple of 8; 0 is 16
	// ForensicEvery is how many steps pass between searches of the drives that left
	// a rank; 0 is 16, negative is never.
	ForensicEvery int
	// Keys is how the facility asks for the key of group 1: "kmip", or by IPP with the
	// key pairs of the key servers, "ipp-tls" or "ipp" (without TLS); "" is "kmip".
	Keys string
	// Bands is how many bands a drive has beside the global one; 0 is 1, negative is none.
	Bands int
}

// forensicEvery is the default of Options.ForensicEvery.
const forensicEvery = 16

// sectorSize is that of the drives, in bytes.
const sectorSize = 512

// sectors is how much of each rank is written and read.
const sectors = 24

// Machine is a facility and the model of it. It is not safe for concurrent use.
type Machine struct {
	Lab *raslab.Lab

	options Options
	ranks   map[string]*rank // the model: what each rank holds
	arrays  map[string]bool
	made    map[byte][]string // the names of the arrays ('A') and ranks ('R') that ever were
	start   time.Time
	history history
	steps   []string
	relics  map[string][]relic
	members map[string]bool // drives that were members of ranks, by serial
	scans   int
	prey    map[string]*prey // by serial
	robbed  int              // searches for what a thief gets
	strange map[string]bool  // used parts that were in no slot yet, by serial

	smuggled int       // sectors that outsiders wrote
	keys     *keyWorld // the model: the way to the keys
	copying  bool      // a smart rebuild is the service action in progress
	scarred  [3]bool   // copies of the key repository that were damaged since they were last written anew
	events   func() []raslab.ServiceEvent
	seen     []raslab.ServiceEvent // the last that events gave
	about    map[int]eventKey      // by event
	of       map[int]*worldManager // by event: the key manager that it is about
}

// rank is the model of a rank.
type rank struct {
	keygrp int
	// may is what each sector may hold: one number, but more after a write that
	// failed; 0 is never written.
	may map[uint64][]uint32
}

// NewMachine builds a facility and configures encryption group 1.
func NewMachine(o Options) (*Machine, error) {
	if o.Drives == 0 {
		o.Drives = 16
	}
	if o.ForensicEvery == 0 {
		o.ForensicEvery = forensicEvery
	}
	if o.Bands == 0 {
		o.Bands = 1
	}
	if o.Keys == "" {
		o.Keys = "kmip"
	}
	if want := among(o.Keys, []string{"kmip", "ipp-tls", "ipp"}); want != "" {
		return nil, fmt.Errorf("proptest: Options.Keys is %q, want %s", o.Keys, want)
	}
	l, err := raslab.New(raslab.Options{Drives: o.Drives, Seed: o.Seed, SectorSize: sectorSize, Sectors: 4096, Bands: max(o.Bands, 0)})
	if err != nil {
		return nil, fmt.Errorf("proptest: %w", err)
	}
	m := &Machine{
		Lab: l, options: o, ranks: map[string]*rank{}, arrays: map[string]bool{}, made: map[byte][]string{}, start: l.Now(), relics: map[string][]relic{}, members: map[string]bool{}, prey: map[string]*prey{}, strange: map[string]bool{}, history: newHistory(),
		events: l.Events, keys: newKeyWorld(l.Now(), len(l.Customer().KeyServers())), about: map[int]eventKey{}, of: map[int]*worldManager{},
	}
	for _, step := range m.first() {
		if err := m.Do(step); err != nil {
			return m, err
		}
	}
	return m, nil
}

// first is the steps that every run begins with.
func (m *Machine) first() (steps []string) {
	if m.options.Keys != "kmip" {
		steps = []string{"manager 1 " + m.options.Keys, "manager 2 " + m.options.Keys}
	}
	return append(steps, "group 1")
}

// Broken says whether anything was broken so far.
func (m *Machine) Broken() bool { return len(m.history.kinds) > 0 }

// Do does one step, such as "array S1", "rank A0 1", "write R0 3 77", "repair
// R1-I1-D05", "exchange R1-I1-D05 new", "arm R1-I1-D05 (flash.erase.refused)" or
// "advance 60" (minutes), and checks everything. The error is a *proptest.Failure if
// the facility did what it may not, else it says what is wrong with the step, and nothing was
// done. Usage lists the steps. A step that is well formed and that the facility refuses, as it has to, is done.
func (m *Machine) Do(step string) error {
	v, args, err := m.parse(step)
	if err != nil {
		return err
	}
	m.steps = append(m.steps, step)
	m.remember()
	m.noteMembers()
	m.look()
	if err := m.run(v, args); err != nil {
		return err
	}
	return m.check(strings.Fields(step)[0])
}

// run does a step; one that may write records to copies that were damaged leaves them
// in a state that is not foretold.
func (m *Machine) run(v verb, args []string) error {
	err := v.run(m, args)
	m.keys.badUnsure = m.keys.badUnsure || !v.quiet && m.scarred != [3]bool{}
	return err
}

// sub does a part of a step.
func (m *Machine) sub(format string, a ...any) error {
	step := fmt.Sprintf(format, a...)
	v, args, err := m.parse(step)
	if err != nil {
		return err
	}
	m.look()
	return m.run(v, args)
}

// refusal takes an error of the facility: a request may be refused, and says so.
func (m *Machine) refusal(err error) error {
	var q *raslab.RequestError
	if err == nil || errors.As(err, &q) {
		return nil
	}
	return m.failf("%s answered with an error that is no refusal: %v", m.steps[len(m.steps)-1], err)
}

// report takes the report of a service action: with nothing broken it reached its
// aim.
func (m *Machine) report(r raslab.Report, err error) error {
	if err != nil {
		return m.refusal(err)
	}
	if r.Failed && !m.Broken() {
		return m.failf("%s did not reach its aim, with nothing broken: %v", r.Action, r.Notes)
	}
	return nil
}

// startRepair and endsRepair: one service action at a time, on partitions that run.
func (m *Machine) startRepair(a []string) error {
	m.look()
	busy := !m.keys.serves()
	r, err := m.Lab.StartRepair(a[0])
	if err == nil {
		m.keys.busy = true
	}
	if busy {
		return m.expect(false, err)
	}
	return m.report(r, err)
}

func (m *Machine) endsRepair(r raslab.Report, err error) error {
	if err == nil {
		m.keys.busy = false
	}
	return m.report(r, err)
}

// resumeRepair: a repair that ends without the group's key leaves a drive that waits
// for it in the place of a member.
func (m *Machine) resumeRepair(a []string) error {
	r, err := m.Lab.ResumeRepair(a[0])
	closed := slices.ContainsFunc(m.keys.groups, func(g *worldGroup) bool { return !g.open })
	if d, gone := m.Lab.Drive(a[0]); gone == nil && err == nil && r.Failed && closed {
		m.history.add(d.Serial, kindNoKey)
	}
	return m.endsRepair(r, err)
}

// smartRebuild: the spare cannot be initialised if and only if the rank's key group is
// inaccessible.
func (m *Machine) smartRebuild(a []string) error {
	group := 0
	if d, err := m.Lab.Drive(a[0]); err == nil && m.ranks[d.Rank] != nil {
		group = m.ranks[d.Rank].keygrp
	}
	r, err := m.Lab.SmartRebuild(a[0])
	if err == nil {
		m.copying = m.Lab.ServiceAction() != ""
		m.keys.busy = m.copying
		told := slices.ContainsFunc(r.Events, func(e raslab.ServiceEvent) bool { return e.SRC == string(src.BE3400A2) })
		if g := m.keys.group(group); told != (g != nil && !g.open) {
			return m.failf("smart rebuild of %s in key group %d: BE3400A2 was raised: %v, expected %v", a[0], group, told, !told)
		}
		m.history.kinds[kindNoKey] = m.history.kinds[kindNoKey] || told
	}
	return m.report(r, err)
}

func (m *Machine) createArray(a []string) error {
	r, err := m.Lab.CreateArray(a[0], raslab.RAIDAuto)
	if err == nil && !r.Failed {
		m.arrays[r.Object] = true
		m.make('A', r.Object)
	}
	return m.report(r, err)
}

func (m *Machine) removeArray(a []string) error {
	there := m.arrays[a[0]]
	r, err := m.Lab.RemoveArray(a[0])
	if !there {
		return m.expect(false, err)
	}
	if err == nil && !r.Failed {
		delete(m.arrays, a[0])
	}
	return m.report(r, err)
}

func (m *Machine) createRank(a []string) error {
	group := number(a[1])
	g := m.keys.group(group)
	r, err := m.Lab.CreateRank(a[0], group)
	if !m.arrays[a[0]] || group != 0 && (g == nil || g.phase != phaseDone) {
		return m.expect(false, err)
	}
	if err == nil && !r.Failed {
		m.ranks[r.Object] = &rank{keygrp: group, may: map[uint64][]uint32{}}
		m.make('R', r.Object)
	}
	return m.report(r, err)
}

// make remembers the name of something that was made.
func (m *Machine) make(kind byte, name string) {
	if !slices.Contains(m.made[kind], name) {
		m.made[kind] = append(m.made[kind], name)
	}
}

func (m *Machine) removeRank(a []string) error {
	there := m.ranks[a[0]] != nil
	r, err := m.Lab.RemoveRank(a[0])
	if !there {
		return m.expect(false, err)
	}
	if err == nil {
		delete(m.ranks, a[0])
	}
	return m.report(r, err)
}

// exchange: the second word is "new", "same" or a serial.
func (m *Machine) exchange(a []string) error {
	serial := a[1]
	switch serial {
	case "same":
		serial = ""
	case "new":
		p, err := m.Lab.OrderSpare()
		if err != nil {
			return m.refusal(err)
		}
		serial = p.Serial()
	}
	return m.report(m.Lab.ExchangeFRU(a[0], serial))
}

// content makes the data of a sector.
func content(n uint32, lba uint64) []byte {
	b := make([]byte, sectorSize)
	if n == 0 {
		return b
	}
	for i := 0; i < len(b); i += 16 {
		binary.BigEndian.PutUint32(b[i:], n)
		binary.BigEndian.PutUint32(b[i+4:], uint32(lba))
		copy(b[i+8:], "fdelab!!")
	}
	return b
}

func (m *Machine) write(a []string) error {
	model := m.ranks[a[0]]
	r, err := m.Lab.Rank(a[0])
	if (err == nil) != (model != nil) {
		return m.failf("rank %s exists: %v, expected %v", a[0], err == nil, model != nil)
	}
	if err != nil {
		return m.refusal(err)
	}
	lba, n := uint64(number(a[1])), uint32(number(a[2]))
	err = r.Write(lba, content(n, lba))
	if bad := m.reachable(a[0], err); bad != nil {
		return bad
	}
	if err != nil {
		model.may[lba] = append(model.possible(lba), n)
		return m.noData(a[0], err)
	}
	model.may[lba] = []uint32{n}
	return nil
}

func (r *rank) possible(lba uint64) []uint32 {
	if r.may[lba] == nil {
		return []uint32{0}
	}
	return r.may[lba]
}

// noData takes an error of host I/O: data may be out of reach or lost, but only if
// a drive was broken, or the rank holds nothing yet, or has no key.
func (m *Machine) noData(rank string, err error) error {
	r, gone := m.Lab.Rank(rank)
	locked := m.keys.locked(m.ranks[rank].keygrp)
	if !locked && len(m.history.drives) == 0 && (gone != nil || r.Info().Rows > 0) {
		return m.failf("I/O on %s fails with nothing broken in the drives, and its key is there: %v", rank, err)
	}
	if !errors.Is(err, raslab.ErrNoAccess) && !errors.Is(err, raslab.ErrDataLost) {
		return m.failf("I/O on %s fails with neither ErrNoAccess nor ErrDataLost: %v", rank, err)
	}
	return nil
}

// reachable: no data without a key that was retrieved since the power came back, and
// none while the partitions are down.
func (m *Machine) reachable(name string, err error) error {
	locked := m.keys.locked(m.ranks[name].keygrp)
	switch {
	case err == nil && locked:
		return m.failf("I/O on %s succeeds, and its key was retrieved from no server", name)
	case locked && !errors.Is(err, raslab.ErrNoAccess):
		return m.failf("I/O on %s, without access to its key, fails otherwise than with ErrNoAccess: %v", name, err)
	}
	return nil
}

func (m *Machine) read(a []string) error {
	r, err := m.Lab.Rank(a[0])
	if m.ranks[a[0]] == nil || err != nil {
		return m.expect(m.ranks[a[0]] != nil, err)
	}
	return m.reads(a[0], r, uint64(number(a[1])))
}

func (m *Machine) reads(name string, r *raslab.Rank, lba uint64) error {
	got := make([]byte, sectorSize)
	err := r.Read(lba, got)
	if bad := m.reachable(name, err); bad != nil {
		return bad
	}
	if err != nil {
		return m.noData(name, err)
	}
	model := m.ranks[name]
	for _, n := range model.possible(lba) {
		if bytes.Equal(got, content(n, lba)) {
			return nil
		}
	}
	return m.failf("%s sector %d reads as %x, which was never written there", name, lba, got[:16])
}

// outsider is the drive in a slot, for one with a cable.
func (m *Machine) outsider(slot string, did func(*raslab.Part)) error {
	p, err := m.Lab.Part(slot)
	if err != nil {
		return m.refusal(err)
	}
	did(p)
	return nil
}

func (m *Machine) outsiderGuess(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		if s, err := p.Drive.Authenticate(drive.BandMaster(0), p.Label.PSID); err == nil {
			s.Close() // it is not the PSID; check finds it if it is
		}
	})
}

func (m *Machine) outsiderErase(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		if s, err := p.Drive.Authenticate(drive.EraseMaster, p.Label.MSID); err == nil {
			_ = s.EraseAll()
			s.Close()
		}
	})
}

func (m *Machine) outsiderRevert(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		_ = p.Drive.RevertPSID(p.Label.PSID)
	})
}
