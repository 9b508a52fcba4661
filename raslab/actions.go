package raslab

import "time"

// RAIDType is how an array uses its site.
type RAIDType string

// The RAID types; RAIDAuto makes the first two arrays of a DA pair 6+P+S and the others 7+P (assumption).
const (
	RAIDAuto RAIDType = ""
	RAID6PS  RAIDType = "6+P+S"
	RAID7P   RAIDType = "7+P"
)

// ConfigureGroup configures encryption group id (1 to 4) with every key server of the facility.
func (l *Lab) ConfigureGroup(id int) (Report, error) { panic("not built yet") }

// RekeyDrive gives a member of an encrypted rank its next access credential.
func (l *Lab) RekeyDrive(slot string) (Report, error) { panic("not built yet") }

// EraseDrive cryptographically erases the drive in a slot that belongs to no rank, and verifies it.
func (l *Lab) EraseDrive(slot string) (Report, error) { panic("not built yet") }

// CreateArray makes an array of a site. Report.Object is its name.
func (l *Lab) CreateArray(site string, raid RAIDType) (Report, error) { panic("not built yet") }

// RemoveArray removes an array that has no rank.
func (l *Lab) RemoveArray(array string) (Report, error) { panic("not built yet") }

// CreateRank makes a rank of an array; keygrp 0 is unencrypted. Every member of an encrypted rank gets a new
// MEK and its access credential. If one will not, the members admitted before it are erased again. Report.Object is its name.
func (l *Lab) CreateRank(array string, keygrp int) (Report, error) { panic("not built yet") }

// RemoveRank removes a rank with its data; every member is cryptographically erased.
func (l *Lab) RemoveRank(rank string) (Report, error) { panic("not built yet") }

// StartRepair begins the repair of a slot's drive: its power is taken away. The
// service action is in progress until ResumeRepair or CancelRepair.
func (l *Lab) StartRepair(slot string) (Report, error) { panic("not built yet") }

// ExchangeFRU exchanges the drive for a part of the shelf, by serial. An empty serial continues
// without unseating and reseating the drive: a pseudo repair.
func (l *Lab) ExchangeFRU(slot, serial string) (Report, error) { panic("not built yet") }

// ResumeRepair powers the drive on, certifies it, and brings it to its place: back into the rank and its key group, or among the spares.
func (l *Lab) ResumeRepair(slot string) (Report, error) { panic("not built yet") }

// CancelRepair ends a repair before the FRU was exchanged.
func (l *Lab) CancelRepair(slot string) (Report, error) { panic("not built yet") }

// SmartRebuild copies a member that still works to a spare and then releases it (issraid exchange). The
// copy runs in virtual time; the service action is in progress until it ends.
func (l *Lab) SmartRebuild(slot string) (Report, error) { panic("not built yet") }

// MESRequest is an upgrade by one enclosure.
type MESRequest struct {
	// Serials of shelf parts for slots 1, 2, ...; "" or missing ones come new from the factory.
	Serials []string
	// AllowErase lets the install erase drives that do not arrive erased. A Configured drive is never erased.
	AllowErase bool
}

// InstallMES installs an enclosure of 16 drives: power, drive certify, two array sites. Report.Object is the enclosure's name.
func (l *Lab) InstallMES(r MESRequest) (Report, error) { panic("not built yet") }

// PowerCycle turns the facility off and on: group keys leave memory, drives lose power, then IML.
func (l *Lab) PowerCycle() (Report, error) { panic("not built yet") }

// DualClusterIML reboots both partitions: keys are fetched from the key servers and every member is unlocked. Drives keep their power.
func (l *Lab) DualClusterIML() (Report, error) { panic("not built yet") }

// DriveVerdict is what the discontinue scan says of one drive.
type DriveVerdict struct {
	Slot, Location, Serial string
	Passed                 bool
	Verdict                string // "erased, certificate held", "never used", "security degraded", "configured", "does not answer"
	Certificate            []byte // JSON; nil if it was never erased here
}

// DiscontinueReport is the result of the scan.
type DiscontinueReport struct {
	Report
	Verdicts []DriveVerdict // every drive, in slot order
}

// Discontinue asks every drive for its erase status, as is done before a facility leaves service. It
// is refused while ranks exist.
func (l *Lab) Discontinue() (DiscontinueReport, error) { panic("not built yet") }

// PartitionInfo is one of the two partitions (LPARs).
type PartitionInfo struct {
	ID         int // 0, 1
	State      string
	DataAccess bool // its IML completed with data accessible
	LastIML    time.Time
}

// Partitions lists the two partitions.
func (l *Lab) Partitions() []PartitionInfo { panic("not built yet") }

// GroupInfo is an encryption group as showkeygrp shows it.
type GroupInfo struct {
	ID      int
	State   string // "unconfigured", "configuring", "accessible", "inaccessible"
	Ranks   []string
	Members []string // serials
	Why     string   // why it is inaccessible
}

// Groups lists the encryption groups that are configured.
func (l *Lab) Groups() []GroupInfo { panic("not built yet") }

// KeyServerInfo is one key server of the customer.
type KeyServerInfo struct {
	ID   int    // counts from 1
	Addr string // keyserver1.example.com
	Up   bool
}

// KeyServers lists the key servers.
func (l *Lab) KeyServers() []KeyServerInfo { panic("not built yet") }

// StopKeyServer stops a key server; it keeps its keys.
func (l *Lab) StopKeyServer(id int) error { panic("not built yet") }

// StartKeyServer starts it again.
func (l *Lab) StartKeyServer(id int) error { panic("not built yet") }

// AccessResult is one line of a key retrieval test.
type AccessResult struct {
	KeyServer int
	Err       error // nil is success
}

// TestAccess asks each key server for the key of a group and changes nothing.
func (l *Lab) TestAccess(group int) ([]AccessResult, error) { panic("not built yet") }

// HealthReport is what one health check found.
type HealthReport struct {
	Ran        bool // false if no partition has data access
	Partitions []int
	Checked    int      // members of encrypted ranks looked at
	Bad        []string // slots that are not as their rank requires
}

// CheckHealth runs the hourly health check now, beside the hourly ones.
func (l *Lab) CheckHealth() HealthReport { panic("not built yet") }

// Rank gets a rank for host I/O.
func (l *Lab) Rank(id string) (*Rank, error) { panic("not built yet") }

// Rank is one RAID rank, for host I/O in sectors.
type Rank struct{}

// Info describes the rank.
func (r *Rank) Info() RankInfo { panic("not built yet") }

// Write writes whole sectors from lba on.
func (r *Rank) Write(lba uint64, data []byte) error { panic("not built yet") }

// Read reads whole sectors from lba on; a sector that was never written reads as zeros.
func (r *Rank) Read(lba uint64, dst []byte) error { panic("not built yet") }
