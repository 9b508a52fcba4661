package conformance

import (
	"fmt"
	"slices"
)

// SweepRow counts what was done with one command in one mode.
type SweepRow struct {
	Command    string
	Mode       BreakKind
	Points     int // operations at which the power was cut
	Recovery   int // cuts of the power-ons after those
	Searches   int // that could have found a key
	Violations int
}

// SweepResult is the outcome of a sweep.
type SweepResult struct {
	Rows     []SweepRow
	Points   int // of all rows, recovery included
	Failures []Result
}

// swept are the commands that a sweep cuts, each after its setup.
var swept = []struct {
	setup, cut string
	needs      Capability
}{
	{"own", "set-pin BandMaster0 p1 p3", ""},
	{"own", "erase 0 msid", ""},
	{"own", "revert psid", ""},
	{"own", "set-range 0 p1 0 0 -- 1", ""},
	{"own", "try BandMaster0 p1", ""},
	{"own", "try BandMaster0 p9", ""},
	{"own", "set-pin SID msid p3", ""},
	{"own", "genkey 0 p1", CanGenKey},
	{"own", "erase-all msid", CanEraseAll},
	{"open", "migrate 0 msid p1", CanMigrate},
	{"open", "set-pin BandMaster0 msid p1", ""},
	{"open", "set-range 0 msid 0 0 rw 1", ""},
}

// violationsMax is how many violations a row has before it is given up.
const violationsMax = 5

// Sweep cuts the power of devices at each operation of their memory during each command: before it,
// in its middle and after it, until a run ends uncut. With a depth of 2 the power-on after each cut
// is cut in the same way, with 3 the power-on after that one, too. At the end of each run the device
// must be what it was or what it should become. The error says that a device cannot be swept.
func Sweep(maker Maker, seed uint64, depth int) (*SweepResult, error) {
	j := &judge{maker: maker, o: Options{}}
	first, err := (&Trial{judge: j, maker: maker}).make(wish(seed, 0))
	switch {
	case err != nil:
		return nil, fmt.Errorf("conformance: no device: %w", err)
	case !first.has(HasBreaks):
		return nil, fmt.Errorf("conformance: the device has no %s: its power cannot be cut at an operation", HasBreaks)
	case depth < 1 || depth > 3:
		return nil, fmt.Errorf("conformance: a sweep of depth %d, want 1 to 3", depth)
	}
	out := &SweepResult{}
	for _, s := range swept {
		if s.needs != "" && !first.has(s.needs) {
			continue
		}
		for _, mode := range []BreakKind{PowerBefore, PowerTorn, PowerAfter} {
			if !slices.Contains(first.breaker.Breaks(), mode) {
				continue
			}
			row := SweepRow{Command: s.cut, Mode: mode}
			for k := range endlessMax {
				if !out.run(&row, j, seed, s.setup, s.cut, []Break{{mode, k}}, depth) || row.Violations >= violationsMax {
					break
				}
			}
			out.Rows = append(out.Rows, row)
			out.Points += row.Points + row.Recovery
		}
	}
	return out, nil
}

// run does one run with the cuts, and then, up to the depth, the runs that cut its recovery. It says
// whether the last cut fired.
func (out *SweepResult) run(row *SweepRow, j *judge, seed uint64, setup, cut string, cuts []Break, depth int) (fired bool) {
	p := &Property{ID: "sweep", Name: fmt.Sprintf("%s, power cut %v", cut, cuts), run: func(t *Trial) {
		w := t.World(nil)
		w.Do("write 0 2 1")
		if setup == "own" {
			w.own(0, "p1")
			w.Do("write 0 2 2")
		}
		w.Do("break %s; %s", cuts[0], cut)
		for _, c := range cuts[1:] {
			w.Do("break %s; power-on", c)
		}
		fired = w.broke[cuts[len(cuts)-1].Kind] > 0
		w.Do("mend; power-on")
		if !fired && len(cuts) > 1 {
			return // the run with one cut less was looked at
		}
		w.settle(0, "p1", "p3", "msid")
		w.Do("read 0 2; power-off; power-on; read 0 1")
		if len(cuts) == 1 && w.has(HasDump) {
			w.Do("thief")
		}
	}}
	r := j.trial(p, seed)
	row.Searches += r.Searches
	if r.Verdict == Failed {
		row.Violations++
		out.Failures = append(out.Failures, r)
		return true
	}
	if !fired {
		return false
	}
	if len(cuts) == 1 {
		row.Points++
	} else {
		row.Recovery++
	}
	if len(cuts) < depth {
		for _, mode := range []BreakKind{PowerBefore, PowerTorn, PowerAfter} {
			for k := range endlessMax {
				if !out.run(row, j, seed, setup, cut, append(slices.Clone(cuts), Break{mode, k}), depth) || row.Violations >= violationsMax {
					break
				}
			}
		}
	}
	return true
}
