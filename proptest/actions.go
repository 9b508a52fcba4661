package proptest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Actions are random commands for rapid's T.Repeat. A test adds or replaces actions in the map and
// puts a property of its own under "". They skip a command that is not Applicable.
func (m *Machine) Actions() map[string]func(*rapid.T) {
	do := func(make func(*rapid.T) []Command) func(*rapid.T) {
		return func(t *rapid.T) {
			for _, c := range make(t) {
				m.attempt(t, c)
			}
		}
	}
	one := func(v Verb) func(*rapid.T) {
		return do(func(*rapid.T) []Command { return []Command{{Verb: v}} })
	}
	return map[string]func(*rapid.T){
		"authenticate":    do(func(t *rapid.T) []Command { return []Command{m.DrawAuthenticate(t)} }),
		"session":         do(m.drawSession),
		"more in session": do(func(t *rapid.T) []Command { return []Command{m.DrawInSession(t, m.sessionOf())} }),
		"close":           one(Close),
		"write":           do(func(t *rapid.T) []Command { return []Command{m.DrawWrite(t)} }),
		"write again":     do(func(t *rapid.T) []Command { return []Command{m.DrawWrite(t)} }),
		"read":            do(func(t *rapid.T) []Command { return []Command{m.DrawRead(t)} }),
		"read again":      do(func(t *rapid.T) []Command { return []Command{m.DrawRead(t)} }),
		"self test":       one(SelfTest),
		"revert":          do(m.drawRevert),
		"power off":       one(PowerOff),
		"power on":        one(PowerOn),
		"power cycle":     do(func(*rapid.T) []Command { return []Command{{Verb: PowerOff}, {Verb: PowerOn}} }),
		"reset": do(func(t *rapid.T) []Command {
			return []Command{{Verb: Reset, Reset: drive.ResetKind(rapid.IntRange(1, 2).Draw(t, "kind"))}}
		}),
		"come back": do(func(*rapid.T) []Command { return m.Recover() }),
	}
}

// FaultActions are Actions with broken flash and media, power cuts, and a thief
// who changes the state in the flash.
func (m *Machine) FaultActions() map[string]func(*rapid.T) {
	all := m.Actions()
	do := func(t *rapid.T, c Command) { m.attempt(t, c) }
	all["arm"] = func(t *rapid.T) { do(t, Command{Verb: Arm, Plan: DrawPlan(t)}) }
	all["cut power"] = func(t *rapid.T) {
		do(t, Command{Verb: Arm, Plan: DrawPowerCut(t)})
		for _, c := range m.drawSession(t) {
			do(t, c)
		}
		do(t, Command{Verb: Disarm})
		do(t, Command{Verb: PowerOn})
	}
	all["disarm"] = func(t *rapid.T) { do(t, Command{Verb: Disarm}) }
	all["mend"] = func(t *rapid.T) { do(t, Command{Verb: Disarm}) }
	all["tamper"] = func(t *rapid.T) {
		if !m.Settled() {
			return
		}
		do(t, Command{Verb: PowerOff})
		do(t, Command{Verb: Tamper, State: rapid.SampledFrom(drive.Enterprise.States()).Draw(t, "state")})
		do(t, Command{Verb: PowerOn})
	}
	return all
}

// Must is Do in a test, which its error ends.
func (m *Machine) Must(t rapid.TB, c Command) {
	t.Helper()
	if err := m.Do(c); err != nil {
		t.Fatalf("%v", err)
	}
}

// attempt does a command that was drawn, and skips one that is not Applicable. When rapid shrinks a
// run it leaves out steps, such as the Authenticate that a later command needs.
func (m *Machine) attempt(t rapid.TB, c Command) {
	t.Helper()
	if m.Applicable(c) == nil {
		m.Must(t, c)
	}
}

// Recover is the commands that make a drive usable again: mend faults, power on, and a PSID revert
// if nothing else helps.
func (m *Machine) Recover() []Command {
	all := []Command{{Verb: Disarm}, {Verb: Close}, {Verb: PowerOn}}
	if w := m.candidates[0]; w.on && (!w.trusted || w.state == drive.SecurityDegraded || w.lockedOut()) {
		all = append(all, Command{Verb: RevertPSID, PIN: PINPSID})
	}
	return all
}

func (w *model) lockedOut() bool {
	for _, s := range w.slots {
		if w.cfg.TryLimit > 0 && s.tries >= w.cfg.TryLimit {
			return true
		}
	}
	return false
}

// DrawAuthority draws an authority of the drive.
func (m *Machine) DrawAuthority(t *rapid.T) drive.Authority {
	return m.who[rapid.IntRange(0, len(m.who)-1).Draw(t, "authority")]
}

// DrawPIN draws a PIN of an owner.
func DrawPIN(t *rapid.T) PINRef {
	return PINRef(rapid.IntRange(int(PINFirst), int(PINLast)).Draw(t, "pin"))
}

// RightPIN is the PIN that opens a's session, as the model has it.
func (m *Machine) RightPIN(a drive.Authority) PINRef {
	if i := m.candidates[0].slotOf(a); i >= 0 {
		return m.candidates[0].slots[i].pin
	}
	return PINPSID
}

// DrawAuthenticate draws an authentication, with the right PIN three times of
// four.
func (m *Machine) DrawAuthenticate(t *rapid.T) Command {
	c := Command{Verb: Authenticate, Authority: m.DrawAuthority(t)}
	if rapid.IntRange(0, 3).Draw(t, "right") > 0 {
		c.PIN = m.RightPIN(c.Authority)
		return c
	}
	c.PIN = PINRef(rapid.IntRange(int(PINEmpty), int(PINLast)).Draw(t, "guess"))
	if c.PIN == PINPSID {
		c.Authority = drive.PSID
	}
	return c
}

func (m *Machine) sessionOf() drive.Authority { return m.candidates[0].session }

// drawSession is one whole session with one command in it.
func (m *Machine) drawSession(t *rapid.T) []Command {
	a := m.DrawAuthority(t)
	return []Command{
		{Verb: Close},
		{Verb: Authenticate, Authority: a, PIN: m.RightPIN(a)},
		m.DrawInSession(t, a),
		{Verb: Close},
	}
}

func (m *Machine) drawRevert(t *rapid.T) []Command {
	c := Command{Verb: RevertPSID, PIN: PINPSID}
	if rapid.IntRange(0, 3).Draw(t, "right") == 0 {
		c.PIN = PINRef(rapid.IntRange(int(PINEmpty), int(PINLast)).Draw(t, "guess"))
	}
	if rapid.Bool().Draw(t, "close first") {
		return []Command{{Verb: Close}, c}
	}
	return []Command{c}
}

// DrawInSession draws a command for a session of a. Mostly a may do it.
func (m *Machine) DrawInSession(t *rapid.T, a drive.Authority) Command {
	verbs := []Verb{SetPIN, Erase, Migrate, Restore, GenKey, SetRange, SetLocks, EraseAll}
	switch _, isBand := a.Band(); {
	case a == drive.EraseMaster:
		verbs = []Verb{Erase, Erase, Erase, EraseAll, SetPIN, GenKey}
	case isBand:
		verbs = []Verb{SetPIN, SetPIN, Migrate, Migrate, Restore, GenKey, SetRange, SetRange, SetLocks, SetLocks, SetLocks, Erase}
	}
	c := Command{Verb: verbs[rapid.IntRange(0, len(verbs)-1).Draw(t, "verb")]}
	switch c.Verb {
	case SetPIN, Migrate:
		c.PIN = DrawPIN(t)
		if rapid.IntRange(0, 15).Draw(t, "odd") == 0 {
			c.PIN = PINRef(rapid.IntRange(int(PINEmpty), int(PINPSID)).Draw(t, "odd pin"))
		}
	case Erase:
		c.Range = rapid.IntRange(0, m.Options.Config.Ranges+1).Draw(t, "range")
	case SetLocks:
		lock := rapid.SampledFrom([][2]bool{{false, false}, {true, true}, {true, false}, {false, true}}).Draw(t, "locks")
		c.Locks = lock
	case SetRange:
		c.Config = m.DrawRange(t, a)
	}
	return c
}

// DrawRange draws settings for the range of a.
func (m *Machine) DrawRange(t *rapid.T, a drive.Authority) drive.RangeConfig {
	bits := rapid.IntRange(0, 31).Draw(t, "settings")
	c := drive.RangeConfig{ReadLockEnabled: bits&1 != 0, WriteLockEnabled: bits&2 != 0, LockOnReset: drive.ResetSet(bits >> 2)}
	if n, isBand := a.Band(); isBand && n > 0 {
		last := int(m.Options.Config.Sectors)
		c.Start = uint64(rapid.IntRange(0, last).Draw(t, "start"))
		c.Length = uint64(rapid.IntRange(0, last/4).Draw(t, "length"))
	}
	return c
}

// DrawRead draws a read of up to three sectors.
func (m *Machine) DrawRead(t *rapid.T) Command {
	last := int(m.Options.Config.Sectors)
	return Command{Verb: Read, LBA: uint64(rapid.IntRange(0, last).Draw(t, "lba")), Sectors: rapid.IntRange(1, 3).Draw(t, "sectors")}
}

// DrawWrite draws a write of up to three sectors with content of its own.
func (m *Machine) DrawWrite(t *rapid.T) Command {
	c := m.DrawRead(t)
	c.Verb = Write
	c.Content = uint32(m.steps) + 1
	return c
}

// DrawPlan draws a plan of one or two faults of the flash or the media; one plan in six
// keeps every block from being destroyed.
func DrawPlan(t *rapid.T) string {
	rule := func() string {
		point := rapid.SampledFrom([]string{
			"flash.program.refused", "flash.program.torn", "flash.erase.refused", "flash.erase.torn", "flash.zero.refused",
			"flash.read.error", "flash.read.rot", "media.read.error", "media.write.error",
			"flash.erase.refused", "flash.program.refused", "flash.power.torn",
		}).Draw(t, "point")
		when := rapid.SampledFrom([]string{"", "index", "block", "every"}).Draw(t, "when")
		n := rapid.IntRange(0, 5).Draw(t, "n")
		switch {
		case when == "index":
			return fmt.Sprintf("(%s (OnIndex %d))", point, n)
		case when == "block" && point[0] == 'f':
			return fmt.Sprintf("(%s (Block %d))", point, n)
		case when == "every":
			return fmt.Sprintf("(%s (Every %d))", point, n+2)
		}
		return "(" + point + ")"
	}
	// A block resists destruction only when it neither erases nor takes zeros. Two rules
	// drawn apart seldom meet in that, so the pair is drawn as one.
	if rapid.IntRange(0, 5).Draw(t, "resists") == 0 {
		return "(flash.erase.refused) (flash.zero.refused)"
	}
	plan := rule()
	if rapid.IntRange(0, 2).Draw(t, "second") == 0 {
		plan += " " + rule()
	}
	return plan
}

// DrawPowerCut draws a plan that cuts the power at one of the next flash
// operations: before, during or after it.
func DrawPowerCut(t *rapid.T) string {
	point := rapid.SampledFrom([]string{"flash.power.before", "flash.power.torn", "flash.power.after"}).Draw(t, "when")
	return fmt.Sprintf("(%s (OnIndex %d))", point, rapid.IntRange(0, 6).Draw(t, "operation"))
}
