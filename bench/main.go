//go:build unix

package main

import (
	"bufio"
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

// row is one line of the table.
type row struct {
	name, peer string
	ours       side
	theirs     side          // nil: there is no peer
	ratio      float64       // the aim: ours takes at most so much of theirs
	most       time.Duration // the aim where there is no peer
	skip       string        // why the row cannot be measured here
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
	runtime.GOMAXPROCS(1)
	fmt.Printf("%s, %s, %s/%s, one core, minimum and median of %d turns\n\n", processor(), runtime.Version(), runtime.GOOS, runtime.GOARCH, rounds)
	var done []result
	for _, r := range rows() {
		if strings.Contains(r.name, only) {
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
	ours, err := calibrated(r.ours)
	if err != nil {
		return result{row: r, err: err}
	}
	theirs := ours
	if r.theirs != nil {
		if theirs, err = calibrated(r.theirs); err != nil {
			return result{row: r, err: err}
		}
	}
	for range rounds {
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

func (r *result) quotient() float64 { return float64(r.ours[0]) / float64(r.theirs[0]) }

func show(all []result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tratio\tours min\tmedian\tpeer\tmin\tmedian")
	for _, r := range all {
		switch {
		case len(r.ours) == 0:
		case len(r.theirs) == 0:
			fmt.Fprintf(w, "%s\t\t%v\t%v\t\t\t\n", r.name, r.ours[0], r.ours[len(r.ours)/2])
		default:
			fmt.Fprintf(w, "%s\t%.2f\t%v\t%v\t%s\t%v\t%v\n", r.name, r.quotient(), r.ours[0], r.ours[len(r.ours)/2], r.peer, r.theirs[0], r.theirs[len(r.theirs)/2])
		}
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
		case len(r.theirs) > 0:
			what = fmt.Sprintf("%.2f of %s, aim %.2f", r.quotient(), r.peer, r.row.ratio)
			if r.quotient() > r.row.ratio {
				verdict, good = "MISSED", false
			}
		default:
			what = fmt.Sprintf("%v, aim %v", r.ours[0], r.most)
			if r.ours[0] > r.most {
				verdict, good = "MISSED", false
			}
		}
		fmt.Printf("%-8s %s: %s\n", verdict, r.name, what)
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
