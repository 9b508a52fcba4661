package conformance

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// lifecycle gives a device n random commands, as a host, a power supply, broken memory and a thief
// would. It knows the model, so that most PINs are right and most places fit.
func (w *World) lifecycle(n int) {
	for i := range n {
		w.step(uint32(i + 1))
	}
	if w.armed {
		w.Do("mend")
	}
	w.Do("power-on")
	if w.has(HasDump) && !w.unseen && w.trial.draw(3) == 0 {
		w.Do("thief; secrets")
	}
}

// step gives one random command, or a few that belong together.
func (w *World) step(content uint32) {
	t := w.trial
	n := t.draw(min(w.id.Ranges, 3) + 1)
	if t.draw(20) == 0 {
		n = w.id.Ranges
	}
	a := w.authorities()[t.draw(len(w.authorities()))]
	pin := func(a drive.Authority) Name { return w.drawPIN(a) }
	band := drive.BandMaster(n)
	switch k := t.draw(40); {
	case k < 4:
		w.Do("write %d %d %d", w.drawLBA(), 1+t.draw(2), content)
	case k < 8:
		w.Do("read %d %d", w.drawLBA(), 1+t.draw(2))
	case k < 10:
		w.Do("try %v %s", a, pin(a))
	case k < 14:
		w.Do("set-pin %v %s %s", a, pin(a), own(1+t.draw(12)))
	case k < 18:
		w.drawRange(n, pin(band))
	case k < 20:
		w.Do("set-locks %d %s %s", n, pin(band), []string{"--", "r-", "-w", "rw", "--"}[t.draw(5)])
	case k < 22 && w.has(CanMigrate):
		w.Do("migrate %d %s %s", n, pin(band), own(1+4*t.draw(3)))
	case k < 23 && w.has(CanGenKey):
		w.Do("genkey %d %s", n, pin(band))
	case k < 25:
		w.Do("erase %d %s", n, pin(drive.EraseMaster))
	case k < 26 && w.has(CanEraseAll):
		w.Do("erase-all %s", pin(drive.EraseMaster))
	case k < 27:
		w.Do("revert %s", []Name{"psid", "psid", "p9", "msid"}[t.draw(4)])
	case k < 30:
		w.Do("reset %s", []string{"warm", "hot"}[t.draw(2)])
	case k < 35:
		w.Do("power-off; power-on")
	case k < 36 && w.has(HasDump) && !w.unseen && t.draw(3) == 0:
		w.Do("thief")
	case k < 38 && w.has(HasBreaks):
		w.drawBreak()
	case k < 39 && w.armed:
		w.Do("mend; power-on")
	default:
		w.Do("flush")
	}
}

// drawPIN is the right PIN, mostly.
func (w *World) drawPIN(a drive.Authority) Name {
	m := w.candidates[w.trial.draw(len(w.candidates))]
	i := m.index(a)
	if w.trial.draw(8) == 0 || i < 0 {
		return []Name{"p11", "msid", "zero", "psid", "empty"}[w.trial.draw(5)]
	}
	return m.slots[i].pin
}

// drawLBA is a sector near the places of ranges.
func (w *World) drawLBA() uint64 {
	span := min(w.grid()*uint64(min(w.id.Ranges, 3)+2), w.id.Sectors)
	return uint64(w.trial.draw(int(span)))
}

func (w *World) drawRange(n int, pin Name) {
	t := w.trial
	start, length := uint64(0), uint64(0)
	if n > 0 {
		start, length = w.at(1+t.draw(4)), w.grid()*uint64(t.draw(3))
	}
	w.Do("set-range %d %s %d %d %s %d", n, pin, start, length, []string{"--", "r-", "-w", "rw", "rw"}[t.draw(5)], []int{0, 1, 3, 5, 7}[t.draw(5)])
}

// drawBreak breaks the memory: mostly a power cut at one of the next operations.
func (w *World) drawBreak() {
	kinds := w.breaker.Breaks()
	if w.mix != nil {
		if kinds = w.mix; len(kinds) == 0 || w.trial.draw(5) < w.calm {
			return
		}
	}
	kind := kinds[w.trial.draw(len(kinds))]
	if w.trial.draw(3) > 0 {
		for _, k := range kinds {
			if k.power() && w.trial.draw(2) == 0 {
				kind = k
			}
		}
	}
	at := w.trial.draw(12)
	if !kind.power() && w.trial.draw(3) == 0 {
		at = -1
	}
	w.Do("break %s", Break{kind, at})
}

// stepsMax is how many steps a random lifecycle has, and worldsMax how many lifecycles a seed gives.
const (
	stepsMax  = 60
	worldsMax = 4
)

func sm01(t *Trial) {
	for range worldsMax {
		w := t.World(nil)
		w.lifecycle(stepsMax)
		t.claim()
	}
}

var randomProperties = []*Property{
	{
		ID: "SM01", Name: "after any commands, resets, power cuts and faults the drive is what a host may expect", Source: "derived, no incident found",
		run: sm01,
	},
}

// Lifecycles gives random lifecycles to devices of a maker, four for each seed from first on. It
// returns the first failure, or nil.
func Lifecycles(maker Maker, first uint64, n int, o Options) (*Result, error) {
	p := randomProperties[0]
	for i := range n {
		r := (&judge{maker: maker, o: o}).trial(p, first+uint64(i))
		if r.Verdict == Failed {
			return &r, nil
		}
		if r.Verdict == NotJudged && r.Commands == 0 {
			return nil, fmt.Errorf("conformance: seed %d: %s", first+uint64(i), r.Why)
		}
	}
	return nil, nil
}
