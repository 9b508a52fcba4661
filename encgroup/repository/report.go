package repository

import (
	"fmt"
	"strings"
)

// Condition is the condition of one copy.
type Condition uint8

// The conditions.
const (
	CopyGood       Condition = iota
	CopyStale                // whole, of an older generation than the one in force
	CopyDiffers              // whole, of the generation in force, with other content than most copies
	CopyForeign              // whole, of another repository
	CopyDamaged              // a check sum does not match
	CopyUnreadable           // the device gives an error
	CopyBlank                // never written
)

var conditionNames = [...]string{"good", "stale", "differs", "foreign", "damaged", "unreadable", "blank"}

func (c Condition) String() string {
	if int(c) < len(conditionNames) {
		return conditionNames[c]
	}
	return fmt.Sprintf("condition %d", uint8(c))
}

// Verdict is the condition of all copies together.
type Verdict uint8

// The verdicts.
const (
	Good      Verdict = iota // all copies agree
	Mismatch                 // a copy differs or cannot be read, another one is good; a reboot repairs it (IBM, MAP4980: BE14CFE5)
	Permanent                // no copy can be believed (IBM, MAP4980: BE14E3F7)
)

func (v Verdict) String() string {
	switch v {
	case Good:
		return "good"
	case Mismatch:
		return "mismatch"
	case Permanent:
		return "permanent error"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// CopyReport is one copy as it was found.
type CopyReport struct {
	Condition  Condition
	Generation uint64 // of its newest whole slot; 0 if it has none
	Repaired   bool   // by this Open: it is good now
	Err        error  // what is wrong with it, or why it could not be repaired; nil if it is good
}

// Report is what reading all copies found.
type Report struct {
	Verdict    Verdict
	Generation uint64 // the one in force; 0 with Permanent
	Copies     []CopyReport
}

// Bad is how many copies are not good now.
func (r Report) Bad() int {
	n := 0
	for _, c := range r.Copies {
		if c.Condition != CopyGood && !c.Repaired {
			n++
		}
	}
	return n
}

func (r Report) String() string {
	parts := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		parts[i] = fmt.Sprintf("copy %d %s", i, c.Condition)
		if c.Repaired {
			parts[i] += ", repaired"
		}
	}
	return fmt.Sprintf("key repository: %s, generation %d: %s", r.Verdict, r.Generation, strings.Join(parts, "; "))
}
