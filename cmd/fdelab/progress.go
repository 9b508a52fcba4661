package main

import (
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
const tellEvery = 10 * time.Second

func (a *app) progress(of uint64, unit string) *runProgress {
	return a.progressUntil(of, unit, time.Time{})
}

// progressUntil is progress of a run that ends at a time, whatever is done by then; the zero time is none.
func (a *app) progressUntil(of uint64, unit string, ends time.Time) *runProgress {
	p := &runProgress{a: a, of: of, unit: unit, began: time.Now(), told: time.Now(), ends: ends}
	if !ends.IsZero() {
		return p // a bar knows no time
	}
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(int64(of), progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit), progressbar.OptionSetPredictTime(true))
	}
	return p
}

// done counts one; what is shown behind the bar.
func (p *runProgress) done(what string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.n++
	if p.bar != nil {
		p.bar.Describe(what)
		_ = p.bar.Set64(int64(p.n))
		return
	}
	if now := time.Now(); now.Sub(p.told) >= tellEvery {
		p.told = now
		if !p.ends.IsZero() {
			p.a.note("%d %s, %.1f a second, %v left", p.n, p.unit, float64(p.n)/now.Sub(p.began).Seconds(), p.ends.Sub(now).Round(time.Second))
			return
		}
		p.a.note("%s", progressLine(p.n, p.of, p.unit, now.Sub(p.began)))
	}
}

// progressLine says how far a run is, how fast, and how long it will take.
func progressLine(n, of uint64, unit string, since time.Duration) string {
	left := time.Duration(float64(since) / float64(n) * float64(of-n)).Round(time.Second)
	return fmt.Sprintf("%d of %d %s, %.1f a second, %v left", n, of, unit, float64(n)/since.Seconds(), left)
}

func (p *runProgress) stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
