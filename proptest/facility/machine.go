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
	// Keys is the protocol of key group 1: "kmip", "ipp-tls", or "ipp" for IPP without TLS; "" is
	// "kmip".
	Keys string
	// Bands is how many bands a drive has besides the global one; 0 is 1, negative is none.
	Bands int
	// Wire is that of raslab.Options.
	Wire bool
}

// forensicEvery is the default of Options.ForensicEvery.
const forensicEvery = 16

// sectorSize is that of the drives, in bytes.
const sectorSize = 512

// sectors is how many sectors of each rank are written and read.
const sectors = 24

// Machine is a facility and the model of it. It is not safe for concurrent use.
type Machine struct {
	Lab *raslab.Lab

	options         Options
	ranks           map[string]*rank // the model: what each rank holds
	arrays          map[string]bool
	made            map[byte][]string // all names of arrays ('A') and ranks ('R') that ever existed
	start           time.Time
	history         history
	steps           []string
	wrong           error // of the step that Must did last and that failed
	memberData      map[string][]memberSector
	members         map[string]bool // drives that were members of ranks, by serial
	scans           int
	memberHistories map[string]*memberHistory // by serial
	thiefSearches   int                       // how many searches for what a thief finds
	neverSeated     map[string]bool           // used parts that were never in a slot, by serial

	outsiderWrites int       // how many sectors outsiders wrote
	keys           *keyModel // the model of the way to the keys
	copying        bool      // a smart rebuild is the service action in progress
	events         func() []raslab.ServiceEvent
	seen           []raslab.ServiceEvent // the last result of events
	eventKeys      map[int]eventKey      // by event
	eventManagers  map[int]*keyManager   // by event: the key manager that it is about
}

// rank is the model of a rank.
type rank struct {
	keygrp int
	// may is what each sector may hold: one number, or several after a write that failed. 0 is
	// never written.
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
	l, err := raslab.New(raslab.Options{Drives: o.Drives, Seed: o.Seed, SectorSize: sectorSize, Sectors: 4096, Bands: max(o.Bands, 0), Wire: o.Wire})
	if err != nil {
		return nil, fmt.Errorf("proptest: %w", err)
	}
	m := &Machine{
		Lab: l, options: o, ranks: map[string]*rank{}, arrays: map[string]bool{}, made: map[byte][]string{}, start: l.Now(), memberData: map[string][]memberSector{}, members: map[string]bool{}, memberHistories: map[string]*memberHistory{}, neverSeated: map[string]bool{}, history: newHistory(),
		events: l.Events, keys: newKeyModel(l.Now(), len(l.Customer().KeyServers())), eventKeys: map[int]eventKey{}, eventManagers: map[int]*keyManager{},
	}
	for _, step := range m.firstSteps() {
		if err := m.Do(step); err != nil {
			return m, err
		}
	}
	return m, nil
}

// firstSteps is the steps that every run begins with.
func (m *Machine) firstSteps() (steps []string) {
	if m.options.Keys != "kmip" {
		steps = []string{"manager 1 " + m.options.Keys, "manager 2 " + m.options.Keys}
	}
	return append(steps, "group 1")
}

// Broken says whether anything was broken so far.
func (m *Machine) Broken() bool { return len(m.history.kinds) > 0 }

// Do does one step, such as "array S1", "rank A0 1", "write R0 3 77", "repair
// R1-I1-D05", "exchange R1-I1-D05 new", "arm R1-I1-D05 (flash.erase.refused)" or
// "advance 60" (minutes), and checks everything. Usage lists the steps. The error is a
// *proptest.Failure if the facility did something wrong. Any other error says what is wrong with
// the step, and nothing was done. A well-formed step that the facility rightly refuses is no error.
func (m *Machine) Do(step string) error {
	v, args, err := m.parse(step)
	if err != nil {
		return err
	}
	m.steps = append(m.steps, step)
	m.keepMemberData()
	m.recordMembers()
	m.sync()
	if err := v.run(m, args); err != nil {
		return err
	}
	return m.check(strings.Fields(step)[0])
}

// sub does one step as a part of another one.
func (m *Machine) sub(step string) error {
	v, args, err := m.parse(step)
	if err != nil {
		return err
	}
	m.sync()
	return v.run(m, args)
}

// refusal takes an error of a request. It may be a refusal, and nothing else.
func (m *Machine) refusal(err error) error {
	var q *raslab.RequestError
	if err == nil || errors.As(err, &q) {
		return nil
	}
	return m.failf("%s failed with an error that is no refusal: %v", m.steps[len(m.steps)-1], err)
}

// report takes the report of a service action. With nothing broken it must not have failed.
func (m *Machine) report(r raslab.Report, err error) error {
	if err != nil {
		return m.refusal(err)
	}
	if r.Failed && !m.Broken() {
		return m.failf("%s failed, with nothing broken: %v", r.Action, r.Notes)
	}
	return nil
}

// startRepair: there is one service action at a time, on partitions that run.
func (m *Machine) startRepair(a []string) error {
	m.sync()
	busy := !m.keys.free()
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

// resumeRepair: if a repair ends without the group's key, the new drive waits for the key.
func (m *Machine) resumeRepair(a []string) error {
	r, err := m.Lab.ResumeRepair(a[0])
	closed := slices.ContainsFunc(m.keys.groups, func(g *keyGroup) bool { return !g.accessible })
	if d, gone := m.Lab.Drive(a[0]); gone == nil && err == nil && r.Failed && closed {
		m.history.add(d.Serial, kindNoKey)
	}
	return m.endsRepair(r, err)
}

// smartRebuild: BE3400A2 comes if and only if the rank's key group is inaccessible.
func (m *Machine) smartRebuild(a []string) error {
	group := 0
	if d, err := m.Lab.Drive(a[0]); err == nil && m.ranks[d.Rank] != nil {
		group = m.ranks[d.Rank].keygrp
	}
	r, err := m.Lab.SmartRebuild(a[0])
	if err == nil {
		m.copying = m.Lab.ServiceAction() != ""
		m.keys.busy = m.copying
		raised := slices.ContainsFunc(r.Events, func(e raslab.ServiceEvent) bool { return e.SRC == string(src.BE3400A2) })
		if g := m.keys.group(group); raised != (g != nil && !g.accessible) {
			return m.failf("smart rebuild of %s in key group %d: BE3400A2 was raised: %v, expected %v", a[0], group, raised, !raised)
		}
		m.history.kinds[kindNoKey] = m.history.kinds[kindNoKey] || raised
	}
	return m.report(r, err)
}

func (m *Machine) createArray(a []string) error {
	r, err := m.Lab.CreateArray(a[0], raslab.RAIDAuto)
	if err == nil && !r.Failed {
		m.arrays[r.Object] = true
		m.name('A', r.Object)
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
	if !m.arrays[a[0]] || group != 0 && (g == nil || g.phase != configured) {
		return m.expect(false, err)
	}
	if err == nil && !r.Failed {
		m.ranks[r.Object] = &rank{keygrp: group, may: map[uint64][]uint32{}}
		m.name('R', r.Object)
	}
	return m.report(r, err)
}

// name records the name of something that was made.
func (m *Machine) name(kind byte, name string) {
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

// exchange: the second word is "new", "same" or a serial number.
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
	if bad := m.checkAccess(a[0], err); bad != nil {
		return bad
	}
	if err != nil {
		model.may[lba] = append(model.possible(lba), n)
		return m.checkNoData(a[0], err)
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

// checkNoData takes an error of host I/O. It is right only if a drive was broken, the rank has no
// key, or holds no data yet.
func (m *Machine) checkNoData(rank string, err error) error {
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

// checkAccess: hosts get no data without a key that was retrieved since power came back, and none
// while the partitions are down.
func (m *Machine) checkAccess(name string, err error) error {
	locked := m.keys.locked(m.ranks[name].keygrp)
	switch {
	case err == nil && locked:
		return m.failf("I/O on %s succeeds, and no server has given its key", name)
	case locked && !errors.Is(err, raslab.ErrNoAccess):
		return m.failf("I/O on %s, without access to its key, does not fail with ErrNoAccess: %v", name, err)
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
	if bad := m.checkAccess(name, err); bad != nil {
		return bad
	}
	if err != nil {
		return m.checkNoData(name, err)
	}
	model := m.ranks[name]
	for _, n := range model.possible(lba) {
		if bytes.Equal(got, content(n, lba)) {
			return nil
		}
	}
	return m.failf("%s sector %d reads as %x, which was never written there", name, lba, got[:16])
}

// outsider has an outsider do something to the drive in a slot.
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
			s.Close() // the PSID is no such PIN; the checks find it if it is
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
