package drive

import "fmt"

// State is a lifecycle state. The one that counts is in the record in flash;
// the machine in RAM is rebuilt from it at power-on.
type State uint8

const (
	// Erased: every BandMaster has the factory PIN, every MEK was made by the
	// last erase or at manufacture, and no older wrap is left in flash. Left by
	// migrate, or by degrade.
	Erased State = iota + 1
	// Configured: at least one BandMaster has a PIN of its own, so some range
	// may hold somebody's data. Left by the erase of the last such range, or by
	// degrade.
	Configured
	// SecurityDegraded: a key step left an old wrap or a fragment that could not
	// be destroyed, or no record can be trusted. No host data moves.
	// Left by restore, when a credential is accepted and every old wrap is gone,
	// or by an erase that worked.
	SecurityDegraded
)

// States lists the lifecycle states in order.
func States() []State { return []State{Erased, Configured, SecurityDegraded} }

func (s State) String() string {
	switch s {
	case Erased:
		return "Erased"
	case Configured:
		return "Configured"
	case SecurityDegraded:
		return "SecurityDegraded"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText gives the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Event is a lifecycle event.
type Event string

// The lifecycle events.
const (
	EventMigrate   Event = "migrate"    // a BandMaster leaves the factory PIN
	EventRekey     Event = "rekey"      // a BandMaster goes from one own PIN to the next
	EventErase     Event = "erase"      // cryptographic erase that leaves no range configured
	EventEraseBand Event = "erase-band" // cryptographic erase of one range, others stay configured
	EventDegrade   Event = "degrade"    // a key step left something that could not be destroyed, or no record can be trusted
	EventRestore   Event = "restore"    // the credential is accepted and every old wrap is gone
)

// Events lists the lifecycle events in the order of the table.
func Events() []Event {
	return []Event{EventMigrate, EventRekey, EventErase, EventEraseBand, EventDegrade, EventRestore}
}

// Transition is one row of the lifecycle table.
type Transition struct {
	Event     Event
	From, To  State
	Guard     string // what must hold beside the state; empty is nothing more
	Why       string
	Reference string
}

// lifecycle is the only source of the state machine, of its documentation and
// of the coverage that the property tests must reach. A pair of event and state
// occurs at most once, so guards cannot overlap.
var lifecycle = []Transition{
	{
		EventMigrate, Erased, Configured, "BandMaster authenticated with MSID; the new PIN is not MSID",
		"the first range gets a credential of its own", "TCG Storage SSC: Enterprise, C_PIN of a BandMaster",
	},
	{
		EventMigrate, Configured, Configured, "this BandMaster still has MSID",
		"a further range gets its own credential", "TCG Storage SSC: Enterprise, C_PIN of a BandMaster",
	},
	{
		EventRekey, Configured, Configured, "BandMaster authenticated with its own PIN; the new PIN is not MSID",
		"the authority key is wrapped anew; the MEK stays", "CVE-2018-12038: no old wrap may stay behind",
	},
	{
		EventErase, Erased, Erased, "EraseMaster or PSID authenticated",
		"erasing is idempotent: a new MEK all the same", "TCG Storage SSC: Enterprise, method Erase; PSID feature set",
	},
	{
		EventErase, Configured, Erased, "no other range stays configured",
		"the last configured range gives up its key", "TCG Storage SSC: Enterprise, method Erase; NIST SP 800-88 Rev. 2 section 3.2 (not read)",
	},
	{
		EventErase, SecurityDegraded, Erased, "no other range stays configured; every older wrap is destroyed",
		"an erase that works cures every degradation", "NIST SP 800-88 Rev. 2 section 3.2 (not read); MAP4980 row BE34009E",
	},
	{
		EventEraseBand, Configured, Configured, "another range stays configured",
		"erasing one range leaves the others readable", "TCG Storage SSC: Enterprise, method Erase",
	},
	{
		EventEraseBand, SecurityDegraded, SecurityDegraded, "another range stays configured",
		"the other range still has to be restored", "TCG Storage SSC: Enterprise, method Erase",
	},
	{
		EventDegrade, Erased, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"the drive must not call itself erased", "NIST SP 800-88 Rev. 2 section 4.5.1 (not read); MAP4980 row BE34009E",
	},
	{
		EventDegrade, Configured, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"the old credential may still open the data", "MAP4980 rows BE3400B3 and BE31F004",
	},
	{
		EventRestore, SecurityDegraded, Configured, "BandMaster authenticated with its own PIN; every old wrap is gone",
		"only this credential opens the data again", "MAP4980 row BE3400B3",
	},
}

// LifecycleTable is a copy of the table.
func LifecycleTable() []Transition { return append([]Transition(nil), lifecycle...) }

// transition looks a pair up in the table, for its documents.
func transition(e Event, from State) (Transition, bool) {
	for i := range lifecycle {
		if lifecycle[i].Event == e && lifecycle[i].From == from {
			return lifecycle[i], true
		}
	}
	return Transition{}, false
}
