package raslab

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// DriveState is the state of a drive (DDM) as lsddm names it.
type DriveState string

// The drive states of lsddm that the facility uses.
const (
	Normal          DriveState = "Normal"
	NewDrive        DriveState = "New"
	Installing      DriveState = "Installing"
	Verifying       DriveState = "Verifying"
	Formatting      DriveState = "Formatting"
	Initializing    DriveState = "Initializing"
	Certifying      DriveState = "Certifying"
	Rebuilding      DriveState = "Rebuilding"
	MigrationTarget DriveState = "Migration Target"
	MigrationSource DriveState = "Migration Source"
	Failed          DriveState = "Failed"
	FailedDeferred  DriveState = "Failed - Deferred Service"
	Removed         DriveState = "Removed"
	Missing         DriveState = "Missing"
	Inappropriate   DriveState = "Inappropriate"
)

// DriveUse is what a drive is used for, as lsddm names it in the column dkuse.
type DriveUse string

// The drive uses.
const (
	ArrayMember      DriveUse = "array member"
	SpareRequired    DriveUse = "spare required"
	SpareNotRequired DriveUse = "spare not required"
	Unassigned       DriveUse = "unassigned"
	Unconfigured     DriveUse = "unconfigured"
)

// DriveInfo is a slot and the drive in it, as the facility sees them now.
type DriveInfo struct {
	Slot      string // R1-I1-D05: rack, enclosure, slot
	Location  string // U5791.S10.0001-P1-D5
	Enclosure int    // counts from 1
	Number    int    // slot in the enclosure, 1 to 16
	DAPair    int
	Site      string // S1; "" if none
	Array     string // A0; "" if none
	Rank      string // R0; "" if none
	KeyGroup  int    // of its rank; 0 is unencrypted or none
	Serial    string // "" if the slot is empty
	State     DriveState
	Use       DriveUse
	Why       string // why it is not Normal, one clause; "" when Normal
	Predicted bool   // media errors predict that it will fail
	Errors    int    // media errors seen
	Answers   bool   // it has power and answers; else Status is zero
	Plain     bool   // it cannot encrypt: Status says nothing of keys
	Status    drive.Status
}

// String is the slot, the drive in it and how it is, in one line.
func (d DriveInfo) String() string {
	if d.Serial == "" {
		return d.Slot + ": empty"
	}
	return fmt.Sprintf("%s: drive %s, %s, %s%s", d.Slot, quoted(d.Serial), d.State, d.Use, because(d.Why))
}

// EnclosureInfo is an enclosure of 16 slots.
type EnclosureInfo struct {
	Number   int    // counts from 1
	Name     string // R1-I1
	Location string // U5791.S10.0001
	DAPair   int
	Slots    []DriveInfo // 16
}

// String is the name and how many slots have a drive.
func (e EnclosureInfo) String() string {
	drives := 0
	for i := range e.Slots {
		if e.Slots[i].Serial != "" {
			drives++
		}
	}
	return fmt.Sprintf("%s: %d drives in %d slots", e.Name, drives, len(e.Slots))
}

// SiteInfo is an array site: eight drives of one capacity and speed.
type SiteInfo struct {
	ID     string // S1
	DAPair int
	State  string   // "Unassigned", "Assigned"
	Array  string   // A0; "" if none
	Slots  []string // 8
}

// String is the site and its slots.
func (s SiteInfo) String() string {
	return fmt.Sprintf("%s: %s, slots %s", s.ID, s.State, strings.Join(s.Slots, " "))
}

// ArrayInfo is an array: RAID on a site.
type ArrayInfo struct {
	ID     string // A0
	State  string // "Unassigned", "Assigned"
	Data   string // "Normal", "Degraded", "Read only", "Failed", "Inaccessible"
	RAID   string // "5 (6+P+S)", "5 (7+P)"
	Site   string
	Rank   string // R0; "" if none
	DAPair int
}

// String is the array, its RAID and how its data are.
func (a ArrayInfo) String() string {
	return fmt.Sprintf("%s: RAID %s on %s, %s, data %s", a.ID, a.RAID, a.Site, a.State, a.Data)
}

// RankInfo is a rank as lsrank shows it.
type RankInfo struct {
	ID        string // R0
	Group     int    // 0 or 1: the partition that serves it
	State     string // "Normal", "Degraded", "Failed", "Inaccessible", "Removing"
	DataState string // "Normal", "Degraded", "Failed", "Inaccessible"
	Array     string
	RAID      string
	Pool      string // P0
	KeyGroup  int    // 0 is unencrypted
	Members   []MemberInfo
	Rows      int    // strips that were ever written
	Capacity  uint64 // in sectors
}

// String is the rank and how it is.
func (r RankInfo) String() string {
	return fmt.Sprintf("%s: %s, data %s, array %s, key group %d, %d members", r.ID, r.State, r.DataState, r.Array, r.KeyGroup, len(r.Members))
}

// MemberInfo is one member position of a rank.
type MemberInfo struct {
	Slot      string // the drive that serves the position
	Serial    string
	State     string // "in sync", "failed", "inaccessible"; "stale": in sync but for the rows that it lacks
	CopyingTo string // slot of the drive that is being filled to take over; "" if none
	Done      int    // rows copied so far
	Lacks     int    // rows that its drive does not have: it was away, or could not read them
	// OnlyCopies is how many rows have the only copy of a strip on this drive, because another
	// member lacks its own strip. The drive must not go.
	OnlyCopies int
}

// String is the drive of the position and how it is.
func (m MemberInfo) String() string {
	return fmt.Sprintf("%s: drive %s, %s", m.Slot, quoted(m.Serial), m.State)
}

// PoolInfo is an extent pool.
type PoolInfo struct {
	ID       string // P0
	KeyGroup int
	Ranks    []string
}

// String is the pool and its ranks.
func (p PoolInfo) String() string {
	return fmt.Sprintf("%s: key group %d, ranks %s", p.ID, p.KeyGroup, strings.Join(p.Ranks, " "))
}
