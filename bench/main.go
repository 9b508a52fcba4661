//go:build unix

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	rounds = 7                      // turns of each row
	slice  = 150 * time.Millisecond // of work in one turn
)

// side is one way to do the work of a row: it does it n times and says how long that took.
type side func(n int) (time.Duration, error)

// row is one line of the table. With neither ratio nor most it has no aim.
type row struct {
	name, peer string
	ours       side
	theirs     side          // nil: there is no peer
	ratio      float64       // the aim: ours takes at most so much of theirs
	most       time.Duration // or the aim is a time on the machine of the aims: see yardstick
	skip       string        // why the row cannot be measured here
	once       bool          // a turn is one piece of work, not a slice of time
	turns      int           // 0 is rounds
	wall       bool          // by the clock, not processor time
	cores      int           // 0 is 1
	count      bool          // ours is a number of something, as nanoseconds
	// prepare makes both sides, where that takes long or leaves something behind. May be nil.
	prepare func() (ours, theirs side, stop func(), err error)
}

// result is what was measured of a row: the time of one piece of work.
type result struct {
	row
	ours, theirs []time.Duration // sorted
	err          error
}

func main() {
	only := ""
	if len(os.Args) > 1 {
		only = os.Args[1]
	}
	fmt.Printf("%s, %d cores, %s, %s/%s\nOne core and processor time, but where a row says so. Minimum and median of %d turns, fewer of what takes long.\n\n",
		processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, rounds)
	var done []result
	for _, r := range rows() {
		if strings.Contains(r.name, only) {
			fmt.Fprintln(os.Stderr, r.name)
			done = append(done, measure(r))
		}
	}
	show(done)
	if !judge(done) {
		os.Exit(1)
	}
}

// measure lets both sides work in turns, so that a busy moment of the machine hits both.
func measure(r row) result {
	out := result{row: r}
	if r.skip != "" {
		return out
	}
	runtime.GOMAXPROCS(max(1, r.cores))
	if r.prepare != nil {
		var stop func()
		var err error
		if r.ours, r.theirs, stop, err = r.prepare(); err != nil {
			return result{row: r, err: err}
		}
		defer stop()
	}
	runtime.GC() // what the row before left
	ours, err := r.turn(r.ours)
	if err != nil {
		return result{row: r, err: err}
	}
	theirs := ours
	switch {
	case r.theirs != nil:
		theirs, err = r.turn(r.theirs)
	case r.most > 0 && !r.count:
		r.peer, r.theirs, r.ratio = "the yardstick", yardstick, float64(r.most)/float64(yardstickThen)
		theirs, err = calibrated(yardstick)
	}
	if err != nil {
		return result{row: r, err: err}
	}
	out.row = r
	for range cmp.Or(r.turns, rounds) {
		d, err := ours()
		if err != nil {
			return result{row: r, err: err}
		}
		out.ours = append(out.ours, d)
		if r.theirs == nil {
			continue
		}
		if d, err = theirs(); err != nil {
			return result{row: r, err: err}
		}
		out.theirs = append(out.theirs, d)
	}
	slices.Sort(out.ours)
	slices.Sort(out.theirs)
	return out
}

// turn is what a side does in one turn.
func (r *row) turn(s side) (func() (time.Duration, error), error) {
	if r.once {
		return func() (time.Duration, error) { return s(1) }, nil
	}
	return calibrated(s)
}

// calibrated is a side that works for about a slice, and answers with the time of one piece.
func calibrated(s side) (func() (time.Duration, error), error) {
	n := 1
	for {
		d, err := s(n)
		if err != nil {
			return nil, err
		}
		if d >= slice/4 || n >= 1<<24 {
			n = max(1, int(float64(n)*float64(slice)/float64(max(d, 1))))
			return func() (time.Duration, error) {
				d, err := s(n)
				return d / time.Duration(n), err
			}, nil
		}
		n *= 4
	}
}

// quotient is that of the minima; by the clock, where others disturb every turn, of the medians.
func (r *result) quotient() float64 {
	if r.wall {
		return float64(r.ours[len(r.ours)/2]) / float64(r.theirs[len(r.theirs)/2])
	}
	return float64(r.ours[0]) / float64(r.theirs[0])
}

// text is a time, or a number of something.
func (r *row) text(d time.Duration) string {
	if r.count {
		return fmt.Sprint(int64(d))
	}
	return d.String()
}

// title is the name, and what is special about how it was measured.
func (r *row) title() string {
	switch {
	case r.wall && r.cores > 1:
		return fmt.Sprintf("%s (by the clock, %d cores)", r.name, r.cores)
	case r.wall:
		return r.name + " (by the clock)"
	}
	return r.name
}

func show(all []result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ratio\twhat\tours min\tmedian\tpeer\tmin\tmedian")
	for _, r := range all {
		if len(r.ours) == 0 {
			continue
		}
		ratio, peer := "", "\t\t"
		if len(r.theirs) > 0 {
			ratio = fmt.Sprintf("%.2f", r.quotient())
			peer = fmt.Sprintf("%s\t%s\t%s", r.peer, r.text(r.theirs[0]), r.text(r.theirs[len(r.theirs)/2]))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", ratio, r.title(), r.text(r.ours[0]), r.text(r.ours[len(r.ours)/2]), peer)
	}
	_ = w.Flush()
	fmt.Println()
}

// judge prints a line for each aim, and says whether all were met.
func judge(all []result) bool {
	good := true
	for _, r := range all {
		verdict, what := "met", ""
		switch {
		case r.skip != "":
			verdict, what = "SKIPPED", r.skip
		case r.err != nil:
			verdict, what, good = "FAILED", r.err.Error(), false
		case r.row.ratio > 0:
			what = fmt.Sprintf("%.2f of %s, aim %.2f", r.quotient(), r.peer, r.row.ratio)
			if r.most > 0 {
				what += fmt.Sprintf(", which is %s there", r.most)
			}
			if r.quotient() > r.row.ratio {
				verdict, good = "MISSED", false
			}
		case r.most > 0:
			what = fmt.Sprintf("%s, aim %s", r.text(r.ours[0]), r.text(r.most))
			if r.ours[0] > r.most {
				verdict, good = "MISSED", false
			}
		default:
			continue
		}
		fmt.Printf("%-8s %s: %s\n", verdict, r.title(), what)
	}
	return good
}

// processor is its name, as Linux has it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, ok := strings.CutPrefix(s.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return runtime.GOARCH
}
