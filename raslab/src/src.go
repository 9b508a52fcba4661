package src

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Code is a service reference code: eight upper-case hexadecimal digits.
type Code string

// When says during what a code is raised.
type When string

// The service actions and machine states that MAP4980 names (column "service
// action/machine state"), and Anytime where it names none.
const (
	DualClusterIML       When = "dual cluster IML"
	PeriodicKeyRetrieval When = "periodic key retrieval"
	AccessRegained       When = "key server access regained"
	DriveCertify         When = "drive certify at installation"
	HourlyHealthCheck    When = "hourly health check"
	Repair               When = "drive repair"
	MESInstall           When = "MES install"
	RankRemoval          When = "rank removal"
	FailedRankRecovery   When = "recovery after a failed rank creation"
	DiscontinueScan      When = "storage facility discontinue scan"
	SmartRebuild         When = "smart rebuild"
	ManualRecovery       When = "manual recovery"
	Anytime              When = "any time"
)

// Severity ranks what is at stake. MAP4980 calls BE14CFE1 and BE14CFE5
// informational; every other value, and the scale, are ours.
type Severity string

// The severities, least first.
const (
	Informational Severity = "informational" // nothing to repair; MAP4980's own word (rows BE14CFE1 and BE14CFE5)
	Warning       Severity = "warning"       // data is accessible and protected, a safety margin is gone
	Serious       Severity = "serious"       // a drive, a server or a group is not as its configuration requires
	Critical      Severity = "critical"      // customer data is out of reach, or the software cannot be trusted
)

// ClosingKind is who closes a serviceable event.
type ClosingKind string

// The two ways in which an event ends.
const (
	ByHand       ClosingKind = "by hand"
	ClosesItself ClosingKind = "closes itself"
)

// Closing is the closing rule of a code.
type Closing struct {
	Kind ClosingKind `json:"kind"`
	// With lists the codes whose open events, against the same partitions, are
	// closed too when an event of this code closes itself.
	With []Code `json:"with,omitempty"`
	// By lists the codes whose events close an event of this code. Without them it is closed by
	// hand.
	By []Code `json:"by,omitempty"`
}

// Entry is all that the catalogue knows of one code. Every text is ours. The facts are those of the
// row of MAP4980 that Reference names; Assumption names the facts that are ours.
type Entry struct {
	Code       Code     `json:"code"`
	Title      string   `json:"title"`      // one line, no full stop
	Severity   Severity `json:"severity"`   // see Severity: an assumption but where it is informational
	Cause      string   `json:"cause"`      // what is wrong, and what it does not mean
	When       []When   `json:"when"`       // at least one
	Check      []string `json:"check"`      // what to check, in this order, before anything is changed
	Action     []string `json:"action"`     // what to do, in this order
	Closing    Closing  `json:"closing"`    // who closes the event
	Assumption []string `json:"assumption"` // "Field: what in it is not from MAP4980"
	Related    []Code   `json:"related"`    // codes that come before, after, or instead
	Reference  string   `json:"reference"`  // the row of MAP4980
}

// All lists the 32 entries, sorted by code. The slice is the caller's; its entries share their
// lists with the catalogue, so do not change them.
func All() []Entry { return slices.Clone(catalogue) }

// Lookup finds a code in upper or lower case; space around it is ignored.
func Lookup(s string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(catalogue, normal(s), func(e Entry, c Code) int { return cmp.Compare(e.Code, c) })
	if !ok {
		return Entry{}, false
	}
	return catalogue[i], true
}

// Other is the answer for a code that is not in the catalogue: the row "Other SRCs" of MAP4980. Its
// one action is to ask the next level of support.
func Other(s string) Entry {
	return Entry{
		Code:     normal(s),
		Title:    "Not a code of this map",
		Severity: Serious,
		Cause: "The catalogue has no entry for this code, so nothing is known about its cause. " +
			"It may belong to another procedure, or be mistyped.",
		When: []When{Anytime},
		Check: []string{
			"Compare the code with the text of the serviceable event, character by character: B and 8, 0 and D, E and F are easily mixed up.",
			"Note which service action ran, and which other events opened within the same minutes.",
		},
		Action: []string{
			"Change nothing on the strength of this code alone.",
			"Ask the next level of support, with the whole text of the event.",
		},
		Closing:    Closing{Kind: ByHand},
		Assumption: []string{"Severity: our scale.", "Cause: ours; the row gives none.", "Check: ours; the row gives none.", "Closing: by hand, as nothing else is known."},
		Reference:  reference + "row \"Other SRCs\"",
	}
}

// Suggest finds the code that was probably meant: one that ends in s ("9e",
// "4cfe1"), or one that is at most two typing errors away. When several are
// equally near, the one that sorts first is suggested.
func Suggest(s string) (Code, bool) {
	want := string(normal(s))
	if want == "" {
		return "", false
	}
	best, bestDistance := Code(""), 3
	for _, e := range catalogue {
		if len(want) >= 2 && len(want) < len(e.Code) && strings.HasSuffix(string(e.Code), want) {
			return e.Code, true
		}
		if d := distance(want, string(e.Code)); d < bestDistance {
			best, bestDistance = e.Code, d
		}
	}
	return best, best != ""
}

// JSON renders entries as an indented array with a final newline.
func JSON(entries []Entry) ([]byte, error) {
	b, err := json.MarshalIndent(entries, "", "  ")
	return append(b, '\n'), err
}

func normal(s string) Code { return Code(strings.ToUpper(strings.TrimSpace(s))) }

// distance counts the insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment) that lead from a to b.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			step := 1
			if a[i-1] == b[j-1] {
				step = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+step)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
