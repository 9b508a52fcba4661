package campaign

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Report is what came of a campaign so far: the results of the jobs before Merged.
type Report struct {
	Merged   uint64            `json:"merged"` // so many jobs, from the first on
	Units    uint64            `json:"units"`
	Endings  map[string]uint64 `json:"endings"`
	Commands uint64            `json:"commands"`
	Faults   uint64            `json:"faults"`
	Searches uint64            `json:"searches"`
	Coverage map[string]uint64 `json:"coverage"`
	Findings []Finding         `json:"findings"`
	More     uint64            `json:"more"` // failures of further sorts, that have no finding
}

// NewReport is that of a campaign of which nothing was run.
func NewReport() *Report {
	return &Report{Endings: map[string]uint64{}, Coverage: map[string]uint64{}, Findings: []Finding{}}
}

// Add merges the result of job Merged, and panics with any other: in that order, and in no other, the report does not
// depend on who ran what. It keeps so many findings at most.
func (r *Report) Add(x *Result, findings int) {
	if x.Job != r.Merged {
		panic(fmt.Sprintf("BUG: the result of job %d is merged as that of job %d", x.Job, r.Merged))
	}
	r.AddLate(x, findings)
}

// AddLate merges the result of a job behind ones that have none: of a campaign that is over, and does not go on.
func (r *Report) AddLate(x *Result, findings int) {
	r.Merged++
	r.Units += x.Units
	r.Commands, r.Faults, r.Searches, r.More = r.Commands+x.Commands, r.Faults+x.Faults, r.Searches+x.Searches, r.More+x.More
	for k, n := range x.Endings {
		r.Endings[k] += n
	}
	for k, n := range x.Coverage {
		r.Coverage[k] += n
	}
	for _, f := range x.Findings {
		at := slices.IndexFunc(r.Findings, func(o Finding) bool { return o.Key == f.Key })
		switch {
		case at >= 0:
			r.Findings[at].Count += f.Count
		case len(r.Findings) < findings:
			if r.evidence()+f.evidence() > evidenceBytesMax {
				f.Strip()
			}
			r.Findings = append(r.Findings, f)
		default:
			r.More += f.Count
		}
	}
}

// evidenceBytesMax is how much evidence a report keeps. Later findings are there without.
const evidenceBytesMax = 600 << 10

func (r *Report) evidence() (n int) {
	for i := range r.Findings {
		n += r.Findings[i].evidence()
	}
	return n
}

func (f *Finding) evidence() int {
	n := len(f.File) + len(f.Replay)
	for _, line := range f.Trace {
		n += len(line)
	}
	return n
}

// Strip takes the evidence away. What has the failure again stays.
func (f *Finding) Strip() { f.File, f.Trace, f.Replay = "", nil, "" }

// Failures is how many units failed.
func (r *Report) Failures() (n uint64) {
	for _, e := range wrong {
		n += r.Endings[e]
	}
	return n
}

// Ending is the gravest that there was, conformance.Sound if nothing failed.
func (r *Report) Ending() string {
	for _, e := range wrong {
		if r.Endings[e] > 0 {
			return e
		}
	}
	return string(conformance.Sound)
}

// EndingWords is how many units ended in which way, in words.
func (r *Report) EndingWords() string {
	var all []string
	for _, e := range endings {
		if n := r.Endings[e]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, e))
		}
	}
	if all == nil {
		return "nothing was run"
	}
	return strings.Join(all, ", ")
}

// Missing lists what the plan may meet and has not met, sorted.
func (p *Plan) Missing(r *Report) []string {
	all := map[string]bool{}
	for _, e := range p.Entries {
		maps.Copy(all, e.universe())
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if r.Coverage[name] == 0 {
			out = append(out, name)
		}
	}
	return out
}

// Wanted lists the pairs of faults that no lifecycle has met so far: what steers a part of the next jobs.
func (r *Report) Wanted() (out [][]string) {
	all := faultKinds()
	for i, a := range all {
		for _, b := range all[i+1:] {
			if r.Coverage[pairOf(a, b)] == 0 {
				out = append(out, []string{a, b})
			}
		}
	}
	return out
}

// Sorts groups names of the coverage by their first word, with how many of each were met.
type Sorts struct {
	Name     string
	Met, All int
}

// Sorts counts what was met of what the plan may meet.
func (p *Plan) Sorts(r *Report) (out []Sorts) {
	all := map[string]bool{}
	for _, e := range p.Entries {
		maps.Copy(all, e.universe())
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sort, _, _ := strings.Cut(name, " ")
		at := slices.IndexFunc(out, func(s Sorts) bool { return s.Name == sort })
		if at < 0 {
			at, out = len(out), append(out, Sorts{Name: sort})
		}
		out[at].All++
		if r.Coverage[name] > 0 {
			out[at].Met++
		}
	}
	return out
}
