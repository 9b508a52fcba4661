package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// World is one device of a property with the model of it. Do runs commands on both and compares.
type World struct {
	trial   *Trial
	wish    Wish
	dev     Device
	label   drive.Label
	id      Identity
	caps    []Capability
	held    *held // the parts, if the device is built from them
	dumper  Dumper
	breaker Breaker
	feeder  Feeder
	session Session

	candidates []*model // what the device may be; one, unless a fault left it in doubt
	commands   []Command
	trace      []string
	broke      map[BreakKind]int // what had fired when it was last asked
	armed      bool
	fired      int               // faults that fired, of all kinds, since the world began
	firedOf    map[BreakKind]int // the same by kind
	mix        []BreakKind       // the kinds that random faults have; nil is all
	calm       int               // of 5 random faults, so many do not come
	unseen     bool              // no thief comes in a random lifecycle
	healing    bool              // the commands are steps of Heal
	healed     int               // how many there were

	look physical // what the thief knows
}

// failure ends a property: the device did something wrong. Its kind tells whether a shorter run
// fails in the same way.
type failure struct {
	kind, why string
	world     *World   // may be nil
	stack     []string // of a panic
}

// unjudged ends a property without a verdict.
type unjudged struct {
	why   string
	needs []Capability
}

// World makes a new device as the trial wishes; change, if not nil, may wish for another one.
func (t *Trial) World(change func(*Wish)) *World {
	w, err := t.manufacture(change)
	if err != nil {
		t.failf("manufacture", nil, "the device does not come out of the factory: %v", err)
	}
	return w
}

// manufacture makes a new device. The error is the factory's.
func (t *Trial) manufacture(change func(*Wish)) (*World, error) {
	wish := t.wish
	if change != nil {
		change(&wish)
	}
	return t.make(wish)
}

// devicesMax is how many devices a property uses at a time.
const devicesMax = 4

// retire closes devices that are io.Closers, all but the last few.
func (t *Trial) retire(but int) {
	for len(t.open) > but {
		if c, ok := t.open[0].(io.Closer); ok {
			_ = c.Close()
		}
		t.open = t.open[1:]
	}
}

func (t *Trial) make(wish Wish) (*World, error) {
	w := &World{trial: t, wish: wish, broke: map[BreakKind]int{}}
	h := newHeld(&w.wish)
	var err error
	if w.dev, w.label, err = t.maker(w.wish); err != nil {
		return nil, err
	}
	if w.dev == nil {
		return nil, errors.New("the maker gave neither a device nor an error")
	}
	t.worlds, t.open = append(t.worlds, w), append(t.open, w.dev)
	t.retire(devicesMax)
	w.caps = Capabilities(w.dev)
	if slices.Contains(w.caps, IsOnParts) {
		w.held, w.dumper, w.breaker, w.feeder = h, h, h, h
	} else {
		w.dumper, w.breaker, w.feeder = capability[Dumper](w, HasDump), capability[Breaker](w, HasBreaks), capability[Feeder](w, HasFeed)
	}
	if w.id, err = w.dev.Identify(); err != nil {
		return nil, fmt.Errorf("identify: %w", err)
	}
	if w.id.Ranges < 0 || w.id.Ranges > drive.MaxRanges || w.id.SectorSize != 512 && w.id.SectorSize != 4096 || w.id.Sectors == 0 {
		return nil, fmt.Errorf("identify: a device with %d ranges and %d sectors of %d bytes: the suite judges those with up to %d ranges and sectors of 512 or 4096 bytes",
			w.id.Ranges, w.id.Sectors, w.id.SectorSize, drive.MaxRanges)
	}
	w.candidates = []*model{newModel(w.id)}
	return w, nil
}

// capability is the device as a T, if it has c.
func capability[T any](w *World, c Capability) T {
	var none T
	if d, ok := w.dev.(T); ok && slices.Contains(w.caps, c) {
		return d
	}
	return none
}

// has says whether the device has a capability.
func (w *World) has(c Capability) bool { return slices.Contains(w.caps, c) }

// Do parses commands, runs them and compares each answer with what the model allows.
func (w *World) Do(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	all, err := ParseCommands(text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, c := range all {
		w.do(c)
	}
}

// needs are the capabilities that a verb needs.
var needs = map[Verb]Capability{
	Migrate: CanMigrate, GenKey: CanGenKey, EraseAll: CanEraseAll, Open: HasSessions, Use: HasSessions, Close: HasSessions,
	BreakIt: HasBreaks, Mend: HasBreaks, Feed: HasFeed, Thief: HasDump, Deep: HasDump, SanitizeIt: CanSanitize, SanitizeEnds: CanSanitize, Secrets: HasDump, RAM: HasRAM,
}

// doubtMax is how many candidates a world keeps.
const doubtMax = 96

func (w *World) do(c Command) drive.Code {
	if need, is := needs[c.Verb]; is && !w.has(need) {
		panic(&unjudged{fmt.Sprintf("the device has no %s", need), []Capability{need}})
	}
	if !w.healing {
		w.commands = append(w.commands, c)
	}
	w.trial.judge.steps++
	if c.Verb == Heal {
		w.trace = append(w.trace, c.String())
		w.heal()
		return done
	}
	w.remember(c)
	code, data, err := w.run(c)
	line := c.String() + " -> " + answer(code)
	if err != nil {
		line = c.String() + " -> " + err.Error()
	}
	w.trace = append(w.trace, line)
	if err != nil {
		w.failf("answer", "%s: %v", c.Verb, err)
	}
	fired := w.firedNow()
	w.judge(c, code, data, fired)
	w.observe(c)
	switch c.Verb {
	case Thief, Deep:
		w.thief(c.Verb == Deep)
	case Secrets:
		w.secrets()
	case RAM:
		w.ram()
	}
	return code
}

// judge keeps the candidates for which c may end with code and give data.
func (w *World) judge(c Command, code drive.Code, data []byte, fired map[BreakKind]int) {
	var next []*model
	var want []string
	why, kind := "", ""
	for _, m := range w.candidates {
		for _, o := range m.outcomes(c, fired) {
			if !slices.Contains(o.codes, code) {
				if a := answer(o.codes[0]); !slices.Contains(want, a) {
					want = append(want, a)
				}
				continue
			}
			if k, wrong := o.then.wrongData(c, code, data); wrong != "" {
				kind, why = k, wrong
				continue
			}
			next = append(next, o.then)
		}
	}
	switch {
	case len(next) > 0:
	case why != "":
		w.failf(kind, "%v: %s", c, why)
	default:
		w.failf(kindOf(code, want), "%v is answered %q, expected %s", c, answer(code), strings.Join(want, " or "))
	}
	w.candidates = distinct(next)
	if len(w.candidates) > doubtMax {
		panic(&unjudged{why: "so many faults came together that the device may be too many things"})
	}
}

// kindOf is the kind of failure of a wrong answer.
func kindOf(code drive.Code, want []string) string {
	switch {
	case code == done:
		return "accepted"
	case slices.Contains(want, answer(done)):
		return "refused"
	}
	return "answer"
}

// wrongData says how what a read gave differs from what m expects.
func (m *model) wrongData(c Command, code drive.Code, data []byte) (kind, why string) {
	if c.Verb != Read || code != done {
		return "", ""
	}
	size := m.id.SectorSize
	want := make([]byte, size)
	for i := range uint64(c.Sectors) {
		lba := c.LBA + i
		s, written := m.sectors[lba]
		got := data[int(i)*size:][:size]
		if !written || s.content == unknown {
			continue // nobody says what it holds
		}
		fill(want, s.content, lba)
		same := bytes.Equal(want, got)
		switch live := s.key == m.ranges[m.rangeOf(lba)].key; {
		case same && !live:
			return "data alive", fmt.Sprintf("sector %d still reads as the data whose key is gone (number %d)", lba, s.content)
		case !same && live && !s.maybe:
			return "data lost", fmt.Sprintf("sector %d does not read as the data written to it (number %d)", lba, s.content)
		}
	}
	return "", ""
}

func distinct(all []*model) []*model {
	var out []*model
	for _, m := range all {
		if !slices.ContainsFunc(out, m.equal) {
			out = append(out, m)
		}
	}
	return out
}

// equal says whether two candidates expect the same. New keys have numbers of their own, so two
// candidates with different keys are never equal.
func (m *model) equal(o *model) bool {
	if m.on != o.on || m.degraded != o.degraded || m.worn != o.worn || m.psid != o.psid || m.session != o.session || m.feed != o.feed ||
		m.sanitize != o.sanitize ||
		!slices.Equal(m.slots, o.slots) || !slices.Equal(m.ranges, o.ranges) || len(m.sectors) != len(o.sectors) {
		return false
	}
	for lba, s := range m.sectors {
		if o.sectors[lba] != s {
			return false
		}
	}
	return true
}

// codes are all that a device may answer.
var codes = []drive.Code{
	drive.NotAuthorized, drive.LockedOut, drive.SPBusy, drive.NoSession, drive.Locked, drive.InvalidParameter, drive.InvalidState, drive.Degraded,
	drive.HardwareFailure, drive.MediaFailure, drive.NoPower, drive.PowerLost, drive.EntropyFailure, drive.OutOfRange,
}

// codeOf is the kind of an answer. The error says that it is none.
func codeOf(err error) (drive.Code, error) {
	if err == nil {
		return done, nil
	}
	if n := nonsense(""); errors.As(err, &n) {
		return done, n
	}
	for _, c := range codes {
		if errors.Is(err, c) {
			return c, nil
		}
	}
	if errors.Is(err, drive.SanitizeInProgress) || errors.Is(err, drive.SanitizeFailed) {
		return drive.InvalidState, nil // names of the same refusal
	}
	return done, fmt.Errorf("the device answers with an error that wraps no code of package drive: %w", err)
}

func answer(c drive.Code) string {
	if c == done {
		return "done"
	}
	return c.Error()
}

// run does a command on the device. data is what a read gave.
func (w *World) run(c Command) (code drive.Code, data []byte, err error) {
	defer func() {
		switch p := recover(); hung := p.(type) {
		case nil:
		case *Hung:
			w.trace = append(w.trace, c.String()+" -> no answer")
			if strings.HasPrefix(hung.Why, string(c.Verb)+": ") {
				w.failf(hangs, "%s", hung.Why)
			}
			w.failf(hangs, "%v: %s", c, hung.Why)
		default:
			if p == errEndless {
				w.failf("endless", "%v: %v", c, errEndless)
			}
			panic(p)
		}
	}()
	if w.held != nil {
		w.held.fuse.done = 0
	}
	if c.Verb == Read {
		data = make([]byte, c.Sectors*w.id.SectorSize)
	}
	w.trial.judge.within(c, func() { err = w.command(c, data) })
	code, err = codeOf(err)
	return code, data, err
}

func (w *World) command(c Command, data []byte) error {
	pin, to := c.PIN.pin(w.label), c.To.pin(w.label)
	switch c.Verb {
	case Try:
		return w.dev.Try(c.Who, pin)
	case SetPIN:
		return w.dev.SetPIN(c.Who, pin, to)
	case SetRange:
		return w.dev.SetRange(c.Range, pin, c.Config)
	case SetLocks:
		return w.dev.SetLocks(c.Range, pin, c.Locks[0], c.Locks[1])
	case Migrate:
		return w.dev.(Migrator).Migrate(c.Range, pin, to)
	case GenKey:
		return w.dev.(KeyGenerator).GenKey(c.Range, pin)
	case Erase:
		return w.dev.Erase(c.Range, pin)
	case EraseAll:
		return w.dev.(WholeEraser).EraseAll(pin)
	case Revert:
		return w.dev.Revert(pin)
	case Read:
		return w.dev.Read(c.LBA, data)
	case Write:
		data = make([]byte, c.Sectors*w.id.SectorSize)
		for i := range c.Sectors {
			fill(data[i*w.id.SectorSize:][:w.id.SectorSize], c.Content, c.LBA+uint64(i))
		}
		return w.dev.Write(c.LBA, data)
	case Flush:
		return w.dev.Flush()
	case PowerOff:
		w.dev.PowerOff()
	case PowerOn:
		return w.dev.PowerOn()
	case Reset:
		return w.dev.Reset(c.Reset)
	case Open:
		s, err := w.dev.(Sessioner).Open(c.Who, pin)
		if err == nil {
			w.session = s
		}
		return err
	case Use:
		if w.session == nil {
			return drive.NoSession
		}
		return w.session.Unlock()
	case Close:
		if w.session != nil {
			w.session.Close()
		}
	case BreakIt:
		w.broke, w.armed = map[BreakKind]int{}, true
		return w.breaker.Break(c.Breaks...)
	case Mend:
		w.armed = false
		return w.breaker.Mend()
	case SanitizeIt:
		return w.dev.(Sanitizer).Sanitize()
	case SanitizeEnds:
		return w.sanitizeEnds()
	case Feed:
		e, err := feed(c.Feed)
		if err != nil {
			return err
		}
		return w.feeder.Feed(e)
	}
	return nil
}

// firedNow is which faults fired since it was last asked.
func (w *World) firedNow() map[BreakKind]int {
	if !w.armed {
		return nil
	}
	all, err := w.breaker.Fired()
	if err != nil {
		w.failf("answer", "fired: %v", err)
	}
	fresh := map[BreakKind]int{}
	for _, k := range breakKinds {
		if n := all[k] - w.broke[k]; n > 0 {
			fresh[k] = n
			w.fired += n
			if w.firedOf == nil {
				w.firedOf = map[BreakKind]int{}
			}
			w.firedOf[k] += n
			w.trace = append(w.trace, fmt.Sprintf("    fired: %s, %d times", k, n))
		}
	}
	w.broke = all
	return fresh
}

// sure is the model, if no fault left anything in doubt.
func (w *World) sure() (*model, bool) {
	m := w.candidates[0]
	return m, len(w.candidates) == 1 && !m.degraded
}

func (w *World) failf(kind, format string, args ...any) {
	panic(&failure{kind: kind, why: fmt.Sprintf(format, args...), world: w})
}

func (t *Trial) failf(kind string, w *World, format string, args ...any) {
	panic(&failure{kind: kind, why: fmt.Sprintf(format, args...), world: w})
}
