package proptest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// Machine is a drive on a bench and the model of it. Do runs a command on both
// and compares them. It is not safe for concurrent use.
type Machine struct {
	*Bench
	candidates []*model // what the drive may be; one, unless a fault left it in doubt
	who        []drive.Authority
	session    drive.Session // the last one, perhaps over

	commands []Command
	trace    []step
	plan     string
	lost     bool // too much is in doubt: see Lost
	doubtMax int
	retired  bool           // since power-on a fault may have made the drive give up a block
	fired    []fault.Firing // by both injectors, since the plan was armed
	seen     view
	buf, exp []byte
	used     [PINLast + 1]bool // the PINs that occurred in a command
	steps    int
	moves    int // how many entries of Bench.Trace were checked
	audits   int
	searched int // forensic searches that were made: an audit in doubt makes none
}

// NewMachine manufactures a drive and its model.
func NewMachine(o Options) (*Machine, error) {
	b, err := NewBench(o, nil)
	if err != nil {
		return nil, err
	}
	m := machineOn(b)
	m.candidates = []*model{newModel(b.Options.Config)}
	return m, m.compare(Command{Verb: PowerOn}, ok)
}

func machineOn(b *Bench) *Machine {
	cfg := b.Options.Config
	return &Machine{Bench: b, doubtMax: doubtMax, who: authorities(cfg), buf: make([]byte, 8*cfg.SectorSize), exp: make([]byte, cfg.SectorSize)}
}

// fork is the machine of a fork of the drive, which must be without power. No session is left in it.
func (m *Machine) fork(name string) (*Machine, error) {
	b, err := m.Bench.fork(name)
	if err != nil {
		return nil, err
	}
	f := machineOn(b)
	for _, w := range m.candidates {
		f.candidates = append(f.candidates, w.clone())
	}
	f.commands, f.trace = slices.Clone(m.commands), slices.Clone(m.trace)
	f.lost, f.doubtMax, f.retired, f.used, f.steps = m.lost, m.doubtMax, m.retired, m.used, m.steps
	return f, nil
}

// Settled says whether no fault has left in doubt what the drive holds.
func (m *Machine) Settled() bool {
	return !m.lost && len(m.candidates) == 1 && len(m.candidates[0].alts) == 0 && !m.candidates[0].rotten && m.plan == ""
}

// doubtMax is how many candidates a Machine keeps, and sweepDoubtMax how many in a sweep, which cuts
// the power three times while something else is broken.
const (
	doubtMax      = 64
	sweepDoubtMax = 1024
)

// Lost says whether so many faults came together that the drive may be too many things. The run is
// over then: Do refuses every command.
func (m *Machine) Lost() bool { return m.lost }

// Do runs one command on the drive and on the model. The error is a *Failure if the drive did
// something wrong. Any other error says that c is no command, such as a Read of no sectors, or is
// not Applicable; nothing was done. Ask Applicable first for a command that was drawn at random.
func (m *Machine) Do(c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := m.Applicable(c); err != nil {
		return err
	}
	m.commands = append(m.commands, c)
	m.steps++
	if c.PIN >= 0 && c.PIN <= PINLast {
		m.used[c.PIN] = true
	}
	code, err := m.run(c)
	m.trace = append(m.trace, step{Command: c, code: code})
	if err != nil {
		return err
	}
	b := m.broken()
	if code == drive.HardwareFailure && (m.retired || m.full()) {
		b.cells = true // no fault now: there is no block left to write to
	}
	m.retired = (c.Verb != PowerOn || m.seen.status.Powered) && m.retired || b.cells
	if len(m.candidates) == 1 && b == (faults{}) && len(m.candidates[0].alts) == 0 && !m.candidates[0].rotten {
		w := m.candidates[0]
		if want, _ := w.apply(c); want != code {
			return m.failf("%v answered %q, expected %q", c, answer(code), answer(want))
		}
	} else if err := m.branch(c, code, b); err != nil {
		return err
	}
	for ; m.moves < len(m.Trace); m.moves++ {
		if t := m.Trace[m.moves]; !InTable(t) {
			return m.failf("after %v the lifecycle went by %s from %v to %v (refused: %v), which is not in the table", c, t.Event, t.From, t.To, t.Refused)
		}
	}
	if err := m.compare(c, code); err != nil {
		return err
	}
	if m.Options.AuditEvery > 0 && m.steps%m.Options.AuditEvery == 0 {
		return m.Audit()
	}
	return nil
}

// Applicable says why Do refuses c now, or nil. A command of a session needs one. A session that is
// over will do: the drive has to refuse its commands. Tamper needs a drive without power that the
// model is sure of. Once the run is Lost, Do refuses everything.
func (m *Machine) Applicable(c Command) error {
	if m.lost {
		return fmt.Errorf("proptest: %v comes after the end of the run: after so many faults the model no longer knows what the drive may be", c.Verb)
	}
	switch c.Verb {
	case Close, SetPIN, Migrate, GenKey, SetRange, SetLocks, Erase, EraseAll, Restore:
		if m.session == nil {
			return fmt.Errorf("proptest: %v needs a session, and no Authenticate was accepted before it", c.Verb)
		}
	case Tamper:
		if m.Drive.Status().Powered || !m.Settled() || !m.candidates[0].trusted {
			return fmt.Errorf("proptest: %v needs a drive without power whose key record the model is sure of", c.Verb)
		}
	}
	return nil
}

// branch keeps the candidates for which c may end with code.
func (m *Machine) branch(c Command, code drive.Code, b faults) error {
	var next []*model
	allowed := map[drive.Code]bool{}
	var names []string
	for _, w := range m.candidates {
		for _, o := range w.outcomes(c, b) {
			if o.code == code {
				next = append(next, o.then)
			}
			if !allowed[o.code] {
				allowed[o.code] = true
				names = append(names, fmt.Sprintf("%q", answer(o.code)))
			}
		}
	}
	if len(next) == 0 {
		return m.failf("%v answered %q, expected %s", c, answer(code), strings.Join(names, " or "))
	}
	m.candidates = next
	return nil
}

// run does the command on the drive. The error says that the drive's answer is no status.
func (m *Machine) run(c Command) (drive.Code, error) {
	var err error
	d, s := m.Drive, m.session
	switch c.Verb {
	case Authenticate:
		var opened drive.Session
		if opened, err = d.Authenticate(c.Authority, m.PIN(c.PIN)); err == nil {
			m.session = opened
		}
	case Close:
		s.Close()
	case SetPIN:
		err = s.SetPIN(m.PIN(c.PIN))
	case Migrate:
		err = s.Migrate(m.PIN(c.PIN))
	case GenKey:
		err = s.GenKey()
	case SetRange:
		err = s.SetRange(c.Config)
	case SetLocks:
		err = s.SetLocks(c.Locks[0], c.Locks[1])
	case Erase:
		err = s.Erase(c.Range)
	case EraseAll:
		err = s.EraseAll()
	case RevertPSID:
		err = d.RevertPSID(m.PIN(c.PIN))
	case Restore:
		err = s.Restore()
	case Read:
		err = d.Read(c.LBA, m.room(c.Sectors))
	case Write:
		size := m.Options.Config.SectorSize
		buf := m.room(c.Sectors)
		for i := range c.Sectors {
			fill(buf[i*size:][:size], c.Content, c.LBA+uint64(i))
		}
		err = d.Write(c.LBA, buf)
	case SelfTest:
		err = d.SelfTest()
	case PowerOn:
		err = d.PowerOn()
	case PowerOff:
		d.PowerOff()
	case Reset:
		err = d.Reset(c.Reset)
	case Arm:
		return ok, m.arm(c.Plan)
	case Disarm:
		m.plan, m.fired = "", nil
		m.Flash.Disarm()
		m.Media.Disarm()
	case Tamper:
		m.mem.PowerOn()
		_, terr := TamperState(m.mem, c.State)
		m.mem.PowerOff()
		if terr != nil {
			return ok, terr
		}
	}
	return codeOf(err)
}

func (m *Machine) room(sectors int) []byte {
	n := sectors * m.Options.Config.SectorSize
	if n > len(m.buf) {
		m.buf = make([]byte, n)
	}
	return m.buf[:n]
}

// full says whether earlier faults left no blank block.
func (m *Machine) full() bool {
	inUse := map[int]bool{}
	for _, p := range m.mem.Dump() {
		inUse[p.Block] = true
	}
	return len(inUse) == m.Options.Geometry.Blocks
}

func (m *Machine) arm(plan string) error {
	p, err := fault.Parse(plan)
	if err != nil {
		return fmt.Errorf("proptest: %w", err)
	}
	m.plan, m.fired = p.String(), nil
	m.Flash.Arm(p)
	m.Media.Arm(p.Clone())
	return nil
}

// codeOf is the status of an answer. The error says that it is none.
func codeOf(err error) (drive.Code, error) {
	var s *drive.StatusError
	switch {
	case err == nil:
		return ok, nil
	case errors.As(err, &s):
		return s.Code, nil
	}
	return ok, fmt.Errorf("proptest: the drive answered with no status: %w", err)
}

func answer(c drive.Code) string {
	if c == ok {
		return "done"
	}
	return c.Error()
}

// broken says which faults fired since the last call.
func (m *Machine) broken() faults {
	if m.plan == "" {
		return faults{}
	}
	now := append(m.Flash.Plan().Fired(), m.Media.Plan().Fired()...)
	var fresh []fault.Firing
	for _, f := range now {
		for _, was := range m.fired {
			if was.Point == f.Point {
				f.Count -= was.Count
			}
		}
		if f.Count > 0 {
			fresh = append(fresh, f)
		}
	}
	m.fired = now
	for _, f := range fresh {
		m.trace = append(m.trace, step{fault: "fired: " + string(f.Point) + " at " + f.Last.String()})
	}
	return faultsOf(fresh)
}

// compare drops the candidates that differ from what the drive shows.
func (m *Machine) compare(c Command, code drive.Code) error {
	if err := observe(m.Drive, m.who, &m.seen); err != nil {
		return m.failf("after %v the drive cannot be asked about %v", c, err)
	}
	why := ""
	kept := m.candidates[:0]
	for _, w := range m.candidates {
		w.adopt(&m.seen)
		d := w.differs(&m.seen)
		if d == "" && c.Verb == Read && code == ok {
			d = m.misread(w, c)
		}
		if d == "" {
			kept = append(kept, w)
		} else if why == "" || !strings.HasPrefix(d, "the state") && !strings.HasPrefix(d, "powered") {
			why = d
		}
	}
	if len(kept) == 0 {
		return m.failf("after %v %s", c, why)
	}
	if m.candidates = kept; len(kept) > 1 || len(kept[0].alts) > 1 {
		m.candidates = distinct(kept)
		doubt := len(m.candidates)
		for _, w := range m.candidates {
			doubt += len(w.alts)
		}
		m.lost = doubt > m.doubtMax
	}
	return m.probe()
}

// misread says how what a successful read gave differs from what w expects.
func (m *Machine) misread(w *model, c Command) string {
	size := m.Options.Config.SectorSize
	for i := range c.Sectors {
		lba := c.LBA + uint64(i)
		if d := w.wrongData(lba, m.buf[i*size:][:size], m.exp); d != "" {
			return d
		}
	}
	return ""
}

// wrongData says how the content of a sector differs from what w expects. tmp is
// one sector long.
func (w *model) wrongData(lba uint64, got, tmp []byte) string {
	s := w.sectors[lba]
	readable := s.key == w.ranges[w.rangeOf(lba)].key
	if s.content == 0 {
		clear(tmp)
		readable = true
	} else {
		fill(tmp, s.content, lba)
	}
	switch same := bytes.Equal(tmp, got); {
	case same == readable:
		return ""
	case readable:
		return fmt.Sprintf("sector %d does not read as the data written to it (number %d)", lba, s.content)
	}
	return fmt.Sprintf("sector %d still reads as the data whose key is gone (number %d)", lba, s.content)
}

// probe reads one sector after each step, a different one each time.
func (m *Machine) probe() error {
	if m.plan != "" {
		return nil // it would count as an operation of the plan
	}
	lba := uint64(m.steps) * 7 % m.Options.Config.Sectors
	c := Command{Verb: Read, LBA: lba, Sectors: 1}
	code, err := m.run(c)
	if err != nil {
		return err
	}
	why := ""
	kept := m.candidates[:0]
	for _, w := range m.candidates {
		want := w.transfer(c)
		d := ""
		if want != code {
			d = fmt.Sprintf("a read of sector %d answers %q, expected %q", lba, answer(code), answer(want))
		} else if code == ok {
			d = w.wrongData(lba, m.buf[:len(m.exp)], m.exp)
		}
		if d == "" {
			kept = append(kept, w)
		} else {
			why = d
		}
	}
	if len(kept) == 0 {
		return m.failf("%s", why)
	}
	m.candidates = kept
	return nil
}

// step is a line of the trace: a command and its answer, or a fault that fired. It becomes text
// only when it is printed.
type step struct {
	Command
	code  drive.Code
	fault string
}

func (s step) String() string {
	if s.fault != "" {
		return "    " + s.fault
	}
	return s.Command.String() + " -> " + answer(s.code)
}

func (m *Machine) tail() []string {
	var lines []string
	for _, s := range m.trace[max(0, len(m.trace)-TraceTail):] {
		lines = append(lines, s.String())
	}
	return lines
}

// Script is the run so far in one line, for Replay.
func (m *Machine) Script() string { return FormatScript(m.Options, m.commands) }

// Fail makes a *Failure of this run for a property of the caller's. Its replay line is a call of
// Replay, which gives the drive back as it is now.
func (m *Machine) Fail(format string, args ...any) error {
	return m.failure(fmt.Sprintf("m, err := proptest.Replay(%q)", m.Script()), format, args...)
}

// Check ends a test with the text of Fail unless ok is true. Use it in place of require.True, which
// knows nothing of the run.
func (m *Machine) Check(t rapid.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf("%v", m.Fail(format, args...))
	}
}

// failf makes a Failure of a check of this package. TestReplay replays it.
func (m *Machine) failf(format string, args ...any) error {
	return m.failure(replayLine(m.Options, m.commands), format, args...)
}

func (m *Machine) failure(replay, format string, args ...any) error {
	return &Failure{
		Why: fmt.Sprintf(format, args...), Seed: m.Options.Seed, Version: Version(), Plan: m.plan, Trace: m.tail(), Replay: replay,
	}
}
