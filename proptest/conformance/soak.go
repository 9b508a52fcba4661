package conformance

import (
	"fmt"
	"slices"
)

// Ending is how a lifecycle of Soak ended.
type Ending string

// The endings.
const (
	Sound   Ending = "sound"    // nothing was wrong
	Unsafe  Ending = "unsafe"   // a host, an owner or a thief got what he must not get, or not what he must
	Stuck   Ending = "stuck"    // the faults were gone, and the device did not come back
	Hangs   Ending = "hangs"    // it did not answer
	Crashed Ending = "crashed"  // the device, or the suite, panicked
	Unknown Ending = "unjudged" // so many faults came together that the device may be too many things, or it is worn out
)

// The kinds of a failure of a device that does not come back, and of one that panics.
const (
	stuck   = "stuck"
	crashes = "crashed"
)

// Ending says how a lifecycle ended.
func (r *Result) Ending() Ending {
	switch {
	case r.Verdict == Passed:
		return Sound
	case r.Verdict == NotJudged:
		return Unknown
	case r.Kind == crashes:
		return Crashed
	case r.late && slices.Contains([]string{stuck, "refused", "answer"}, r.Kind):
		return Stuck
	case r.Kind == hangs || r.Kind == "endless":
		return Hangs
	}
	return Unsafe
}

var soakProperty = &Property{
	ID: "SOAK", Name: "under faults a drive stays safe, and once they are gone it works again", Source: "derived, no incident found", run: soak,
}

// Soak gives a device one random lifecycle in two phases. In the first, faults of the kinds that the
// seed has drawn come as often as the seed has drawn (swarm testing): the device must stay safe. Then
// they are gone, and within convergeMax commands the device must do again what a new one does. A seed
// names the device, the commands and the faults. A panic, of the device or of the suite, is a failure.
func Soak(maker Maker, seed uint64, o Options) *Result {
	r := (&judge{maker: maker, o: o, crashes: true}).trial(soakProperty, seed)
	return &r
}

// thiefOf is of how many lifecycles a thief comes in one: his searches take far longer than all else.
const thiefOf = 32

// convergeMax is how many commands a device has to come back.
const convergeMax = 12

func soak(t *Trial) {
	w := t.World(nil)
	w.drawMix()
	w.lifecycle(10 + t.draw(stepsMax))
	w.do(Command{Verb: Heal})
	t.claim()
}

// drawMix draws which kinds of faults the lifecycle has, and how often they come.
func (w *World) drawMix() {
	w.mix = []BreakKind{}
	w.unseen = w.trial.draw(thiefOf) > 0
	if !w.has(HasBreaks) {
		return
	}
	if given := w.trial.judge.o.Faults; given != nil {
		for _, k := range w.breaker.Breaks() {
			if slices.Contains(given, k) {
				w.mix = append(w.mix, k)
			}
		}
		return
	}
	some := 1 + w.trial.draw(3) // one kind of 1, 2 or 3
	for _, k := range w.breaker.Breaks() {
		if w.trial.draw(some) == 0 {
			w.mix = append(w.mix, k)
		}
	}
	w.calm = w.trial.draw(5) // of 5 faults that could come, so many do not
}

// heal ends the faults and takes the device back to work: a PSID revert, an owner, data that lives
// through a loss of power. The model judges each answer; here nothing but success will do. The steps
// are no commands of the run, so that a shorter run heals as this one does.
func (w *World) heal() {
	w.healing, w.healed = true, 0
	defer func() { w.healing = false }()
	if w.armed {
		w.Do("mend")
	}
	w.trial.late = true
	w.must("power-off")
	w.must("power-on")
	for _, m := range w.candidates {
		// Faults may have cost the device memory for good, or guesses the PSID.
		if m.worn || w.id.TryLimit > 0 && m.psid >= w.id.TryLimit {
			panic(&unjudged{why: "the device is worn out, or its PSID is locked out"})
		}
	}
	for _, c := range []string{
		"revert psid", "set-pin BandMaster0 msid p1", "set-range 0 p1 0 0 rw 1", "write 0 1 77", "power-off", "power-on",
		"set-locks 0 p1 --", "read 0 1",
	} {
		w.must(c)
	}
}

// must is do for a command that has to succeed.
func (w *World) must(text string) {
	if w.healed++; w.healed > convergeMax {
		panic(fmt.Sprintf("BUG: more than %d commands to heal", convergeMax))
	}
	c, err := ParseCommand(text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	if code := w.do(c); code != done {
		w.failf(stuck, "after the faults are gone %v is answered %q", c, answer(code))
	}
}
