package main

import (
	"cmp"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// runProgress tells on standard error how far a run is: a bar on a terminal, else a line now and
// then.
type runProgress struct {
	lock  sync.Mutex
	a     *app
	bar   *progressbar.ProgressBar // nil where there is no terminal
	n, of uint64
	unit  string // in the plural
	began time.Time
	told  time.Time
	ends  time.Time // of a run that takes a given time; else zero
}

// tellEvery is how long a run without a terminal is silent.
const tellEvery = 30 * time.Second

// progress is that of a run with so many units; 0 is not known yet, see at.
func (a *app) progress(of uint64, unit string) *runProgress {
	return a.progressUntil(of, unit, time.Time{})
}

// progressUntil is progress of a run that ends at a time, whatever is done by then; the zero time is none.
func (a *app) progressUntil(of uint64, unit string, ends time.Time) *runProgress {
	now := time.Now()
	p := &runProgress{a: a, of: of, unit: unit, began: now, told: now, ends: ends}
	if !ends.IsZero() {
		return p // a bar knows no time
	}
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(cmp.Or(int64(of), -1), progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit), progressbar.OptionSetPredictTime(true))
	}
	return p
}

// done counts one; what is shown behind the bar.
func (p *runProgress) done(what string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.tell(p.n+1, what, time.Now())
}

// reached is for a run that counts by itself, and knows from its beginning how many there are.
func (p *runProgress) reached(n uint64, what string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.tell(n, what, time.Now())
}

// at is for a run that counts by itself: n of so many are done.
func (p *runProgress) at(n, of int, what string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.of = uint64(of); p.bar != nil {
		p.bar.ChangeMax(of)
	}
	p.tell(uint64(n), what, time.Now())
}

func (p *runProgress) tell(n uint64, what string, now time.Time) {
	p.n = n
	if p.bar != nil {
		p.bar.Describe(what)
		_ = p.bar.Set64(int64(n))
		return
	}
	if now.Sub(p.told) < tellEvery {
		return
	}
	p.told = now
	line := progressLine(n, p.of, p.unit, now.Sub(p.began))
	if !p.ends.IsZero() {
		line = fmt.Sprintf("%d %s, %.1f a second, %v left", n, p.unit, float64(n)/now.Sub(p.began).Seconds(), p.ends.Sub(now).Round(time.Second))
	}
	if what != "" {
		line += ": " + what
	}
	p.a.note("%s", line)
}

// progressLine says how far a run is, how fast, and how long it will take.
func progressLine(n, of uint64, unit string, since time.Duration) string {
	if n == 0 {
		return fmt.Sprintf("0 of %d %s", of, unit)
	}
	left := time.Duration(float64(since) / float64(n) * float64(of-n)).Round(time.Second)
	return fmt.Sprintf("%d of %d %s, %.1f a second, %v left", n, of, unit, float64(n)/since.Seconds(), left)
}

func (p *runProgress) stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
