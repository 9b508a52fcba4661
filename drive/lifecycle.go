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
	// or by an erase that worked. Opal drives leave it by restore or by a revert.
	SecurityDegraded
	// ManufacturedInactive: the Locking SP of an Opal drive is not activated. Every key is wrapped
	// by the root key alone, every range is open. Left by activate, or by degrade.
	ManufacturedInactive
	// Manufactured: the Locking SP of an Opal drive is activated. A range that is locked has its key
	// wrapped for the authorities that are granted it, and for nobody else. Left by a revert, or by
	// degrade.
	Manufactured
)

// States lists the lifecycle states in order, those of every personality.
func States() []State {
	return []State{Erased, Configured, SecurityDegraded, ManufacturedInactive, Manufactured}
}

func (s State) String() string {
	switch s {
	case Erased:
		return "Erased"
	case Configured:
		return "Configured"
	case SecurityDegraded:
		return "SecurityDegraded"
	case ManufacturedInactive:
		return "ManufacturedInactive"
	case Manufactured:
		return "Manufactured"
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

	EventActivate   Event = "activate"    // the Locking SP of an Opal drive is activated
	EventReactivate Event = "reactivate"  // it begins anew with other ranges in Single User Mode
	EventRevert     Event = "revert"      // every key of an Opal drive is given up
	EventRevertKeep Event = "revert-keep" // every key but that of the global range is given up
)

// Events lists the lifecycle events in the order of the table, those of every personality.
func Events() []Event {
	return []Event{
		EventMigrate, EventRekey, EventErase, EventEraseBand, EventDegrade, EventRestore,
		EventActivate, EventReactivate, EventRevert, EventRevertKeep,
	}
}

// Transition is one row of the lifecycle table.
type Transition struct {
	Personality Personality
	Event       Event
	From, To    State
	Guard       string // what must hold beside the state; empty is nothing more
	Why         string
	Reference   string
}

// lifecycle is the only source of the state machine, of its documentation and
// of the coverage that the property tests must reach. A pair of event and state
// occurs at most once for a personality, so guards cannot overlap.
var lifecycle = []Transition{
	{
		Enterprise, EventMigrate, Erased, Configured, "BandMaster authenticated with MSID; the new PIN is not MSID",
		"the first range gets a credential of its own", "TCG Storage SSC: Enterprise, C_PIN of a BandMaster",
	},
	{
		Enterprise, EventMigrate, Configured, Configured, "this BandMaster still has MSID",
		"a further range gets its own credential", "TCG Storage SSC: Enterprise, C_PIN of a BandMaster",
	},
	{
		Enterprise, EventRekey, Configured, Configured, "BandMaster authenticated with its own PIN; the new PIN is not MSID",
		"the authority key is wrapped anew; the MEK stays", "CVE-2018-12038: no old wrap may stay behind",
	},
	{
		Enterprise, EventErase, Erased, Erased, "EraseMaster or PSID authenticated",
		"erasing is idempotent: a new MEK all the same", "TCG Storage SSC: Enterprise, method Erase; PSID feature set",
	},
	{
		Enterprise, EventErase, Configured, Erased, "no other range stays configured",
		"the last configured range gives up its key", "TCG Storage SSC: Enterprise, method Erase; NIST SP 800-88 Rev. 2 section 3.2 (not read)",
	},
	{
		Enterprise, EventErase, SecurityDegraded, Erased, "no other range stays configured; every older wrap is destroyed",
		"an erase that works cures every degradation", "NIST SP 800-88 Rev. 2 section 3.2 (not read); MAP4980 row BE34009E",
	},
	{
		Enterprise, EventEraseBand, Configured, Configured, "another range stays configured",
		"erasing one range leaves the others readable", "TCG Storage SSC: Enterprise, method Erase",
	},
	{
		Enterprise, EventEraseBand, SecurityDegraded, SecurityDegraded, "another range stays configured",
		"the other range still has to be restored", "TCG Storage SSC: Enterprise, method Erase",
	},
	{
		Enterprise, EventDegrade, Erased, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"the drive must not call itself erased", "NIST SP 800-88 Rev. 2 section 4.5.1 (not read); MAP4980 row BE34009E",
	},
	{
		Enterprise, EventDegrade, Configured, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"the old credential may still open the data", "MAP4980 rows BE3400B3 and BE31F004",
	},
	{
		Enterprise, EventRestore, SecurityDegraded, Configured, "BandMaster authenticated with its own PIN; every old wrap is gone",
		"only this credential opens the data again", "MAP4980 row BE3400B3",
	},
	{
		Opal, EventDegrade, ManufacturedInactive, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"the drive must not call itself reverted", "NIST SP 800-88 Rev. 2 section 4.5.1 (not read)",
	},
	{
		Opal, EventDegrade, Manufactured, SecurityDegraded, "an old wrap cannot be destroyed, or the record cannot be trusted",
		"a revoked grant or an old PIN may still open the data", "CVE-2018-12038: no old wrap may stay behind",
	},
	{
		Opal, EventRestore, SecurityDegraded, Manufactured, "an Admin of the Locking SP authenticated; every old wrap is gone",
		"only the grants in force open the data again", "CVE-2018-12038: no old wrap may stay behind",
	},
	{
		Opal, EventActivate, ManufacturedInactive, Manufactured, "SID authenticated; every range keeps its key, and an authority of the Locking SP is granted it",
		"the owner takes the Locking SP into use; the data stays", "TCG Storage SSC: Opal, method Activate",
	},
	{
		Opal, EventReactivate, Manufactured, Manufactured, "an Admin of the Locking SP authenticated; no range has a lock enabled; every range keeps its key",
		"other ranges are to be in Single User Mode; the data stays", "TCG Storage Opal SSC Feature Set: Single User Mode, method Reactivate (not read)",
	},
	{
		Opal, EventRevert, ManufacturedInactive, ManufacturedInactive, "SID, an Admin of the Admin SP or PSID authenticated; every key is new",
		"reverting is idempotent: new keys all the same", "TCG Storage SSC: Opal, method Revert; PSID feature set",
	},
	{
		Opal, EventRevert, Manufactured, ManufacturedInactive, "SID, PSID or an Admin authenticated; every key is new",
		"what was written before is given up", "TCG Storage SSC: Opal, methods Revert and RevertSP; PSID feature set",
	},
	{
		Opal, EventRevert, SecurityDegraded, ManufacturedInactive, "SID, PSID or an Admin authenticated; every key is new; every older wrap is destroyed",
		"a revert that works cures every degradation", "TCG Storage SSC: Opal, methods Revert and RevertSP; PSID feature set",
	},
	{
		Opal, EventRevertKeep, Manufactured, ManufacturedInactive, "an Admin of the Locking SP authenticated who holds the global range's key, which is kept; every other key is new",
		"the owner gives the locks up and keeps the data", "TCG Storage SSC: Opal, method RevertSP, parameter KeepGlobalRangeKey",
	},
}

// LifecycleTable is a copy of the table, rows of every personality.
func LifecycleTable() []Transition { return append([]Transition(nil), lifecycle...) }

// transition looks a pair up in the table, for its documents.
func transition(p Personality, e Event, from State) (Transition, bool) {
	for i := range lifecycle {
		if lifecycle[i].Personality == p && lifecycle[i].Event == e && lifecycle[i].From == from {
			return lifecycle[i], true
		}
	}
	return Transition{}, false
}
