package erase

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is how one job ended.
type Result struct {
	Serial  string  `json:"serial"`
	Model   string  `json:"model"`
	Method  Method  `json:"method"`
	Range   int     `json:"range"` // RangeErase only
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why"`    // one clause; for Failed the names of the failing checks
	Checks  []Check `json:"checks"` // the verification
	// Validation holds the points by which a verified erase was accepted or not;
	// empty where it was not verified.
	Validation []Check `json:"validation,omitempty"`
	// Attempts counts the erases of this drive that the journal knows of, this
	// one included; 1 without a journal.
	Attempts int       `json:"attempts"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
	// Certificate is set for Passed and, as a record that says so, for
	// NotAccepted if the engine has a signer, and for AlreadyErased: that of the earlier
	// run, or else one that says what this run could still see.
	Certificate *Certificate `json:"certificate,omitempty"`
}

// Degraded says that the drive must be treated as security degraded, whatever it
// says of itself.
func (r *Result) Degraded() bool { return r.Outcome == Failed }

// Failing lists the names of the checks that failed.
func (r *Result) Failing() []string {
	var names []string
	for _, c := range r.Checks {
		if c.Verdict == Fail {
			names = append(names, c.Name)
		}
	}
	return names
}

// Check finds a check by name.
func (r *Result) Check(name string) (Check, bool) {
	for _, c := range r.Checks {
		if c.Name == name {
			return c, true
		}
	}
	return Check{}, false
}

// Report is how a run ended: one result a job, in the order of the jobs.
type Report struct {
	Results []Result `json:"results"`
}

// OK says whether every drive passed and was accepted, now or before.
func (r *Report) OK() bool {
	for i := range r.Results {
		if o := r.Results[i].Outcome; o != Passed && o != AlreadyErased {
			return false
		}
	}
	return true
}

// Count is how many jobs ended in o.
func (r *Report) Count(o Outcome) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Outcome == o {
			n++
		}
	}
	return n
}

// Text is the report as a table: a line for each drive and below it a line for
// each check and each point of the validation.
func (r *Report) Text() string {
	var b strings.Builder // its writes do not fail
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := range r.Results {
		s := &r.Results[i]
		method := string(s.Method)
		if s.Method == RangeErase {
			method = fmt.Sprintf("%s %d", s.Method, s.Range)
		}
		line := fmt.Sprintf("%s\t%s\t%s", s.Serial, method, s.Outcome)
		if s.Why != "" {
			line += "\t" + s.Why
		}
		fmt.Fprintln(t, line)
		for _, c := range s.Checks {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Name, c.Verdict, c.Why)
		}
		for _, c := range s.Validation {
			fmt.Fprintf(t, "  validation: %s\t%s\t%s\n", c.Name, c.Verdict, c.Why)
		}
	}
	_ = t.Flush()
	var parts []string
	for _, o := range []Outcome{Passed, AlreadyErased, NotAccepted, Failed, Refused, NotStarted} {
		if n := r.Count(o); n > 0 || o == Passed || o == Failed {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	fmt.Fprintln(&b, strings.Join(parts, ", "))
	return b.String()
}

// JSON is the report as one indented JSON object with a line end. It fails where a
// time is outside the years 0 to 9999, which JSON cannot hold.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("erase: report: %w", err)
	}
	return append(b, '\n'), nil
}
