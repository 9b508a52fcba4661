package drive

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Personality is the Security Subsystem Class that a drive follows, chosen by the factory.
type Personality uint8

// The personalities.
const (
	// Enterprise (TCG Storage SSC: Enterprise 1.01): SID, EraseMaster, and a BandMaster for each
	// range. The zero value.
	Enterprise Personality = iota
	// Opal (TCG Storage SSC: Opal 2.02): an Admin SP, a Locking SP with a life cycle, Admins and
	// Users, several of whom may unlock one range.
	Opal
)

// Personalities lists them in order.
func Personalities() []Personality { return []Personality{Enterprise, Opal} }

func (p Personality) String() string {
	switch p {
	case Enterprise:
		return "Enterprise"
	case Opal:
		return "Opal"
	}
	return fmt.Sprintf("Personality(%d)", uint8(p))
}

// MarshalText gives the name.
func (p Personality) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// States lists the lifecycle states of drives of this personality, in the order of the package's
// States.
func (p Personality) States() (out []State) {
	for _, s := range States() {
		for i := range lifecycle {
			if lifecycle[i].Personality == p && (lifecycle[i].From == s || lifecycle[i].To == s) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// Events lists the lifecycle events of drives of this personality, in the order of the package's
// Events.
func (p Personality) Events() (out []Event) {
	for _, e := range Events() {
		for i := range lifecycle {
			if lifecycle[i].Personality == p && lifecycle[i].Event == e {
				out = append(out, e)
				break
			}
		}
	}
	return out
}

// Lifecycle is a copy of the rows of the lifecycle table for drives of this personality.
func (p Personality) Lifecycle() (out []Transition) {
	for i := range lifecycle {
		if lifecycle[i].Personality == p {
			out = append(out, lifecycle[i])
		}
	}
	return out
}

// Refused lists the pairs of event and state that the table lacks for drives of this personality, in
// the order of Events and States. To is zero.
func (p Personality) Refused() (out []Transition) {
	for _, e := range p.Events() {
		for _, s := range p.States() {
			if _, ok := transition(p, e, s); !ok {
				out = append(out, Transition{Personality: p, Event: e, From: s})
			}
		}
	}
	return out
}

// fresh is the state in which a drive leaves the factory.
func (p Personality) fresh() State {
	if p == Opal {
		return ManufacturedInactive
	}
	return Erased
}

// recordVersion is the version of the records of drives of this personality.
func (p Personality) recordVersion() uint16 {
	if p == Opal {
		return opalVersion
	}
	return recordVersion
}

// resets are the members that a LockOnReset or DoneOnReset may have.
func (p Personality) resets() ResetSet {
	if p == Opal {
		return opalResets
	}
	return allResets
}

// FlashGeometry is the flash that a drive of this personality has where nobody says otherwise: that of
// flash.DefaultGeometry, for Opal with pages of 16 KiB, since its records are longer.
func (p Personality) FlashGeometry() flash.Geometry {
	g := flash.DefaultGeometry
	if p == Opal {
		g.PageSize = 16 << 10
	}
	return g
}
