package decode

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// features are the names that hosts give the features of level 0 discovery.
var features = map[uint16]string{
	spec.FeatureTPer: "TPer", spec.FeatureLocking: "Locking", spec.FeatureGeometry: "Geometry", spec.FeatureEnterprise: "Enterprise SSC",
	spec.FeatureOpal1: "Opal SSC 1", spec.FeatureSingleUser: "Single User Mode", spec.FeatureDataStore: "DataStore tables",
	spec.FeatureOpal2: "Opal SSC 2", 0x0301: "Opalite", 0x0302: "Pyrite SSC 1", 0x0303: "Pyrite SSC 2", 0x0304: "Ruby SSC",
	0x0401: "Locking LBA ranges control", spec.FeatureBlockSID: "Block SID", 0x0403: "Configurable namespace locking",
	spec.FeatureDataRemoval: "Data removal mechanism", 0x0405: "Namespace geometry",
}

// FeatureName is the name of a feature of level 0 discovery; its code where it has none.
func FeatureName(code uint16) string {
	if n, ok := features[code]; ok {
		return n
	}
	if code >= 0xC000 {
		return fmt.Sprintf("vendor feature %04X", code)
	}
	return fmt.Sprintf("feature %04X", code)
}

// Field is one fact of a feature.
type Field struct {
	Name  string
	Value any // bool, or a number
}

// Fields are the facts of a feature that this package knows, in the order of its bytes.
func Fields(d *spec.Discovery, code uint16) []Field {
	switch code {
	case spec.FeatureTPer:
		t, _ := d.TPer()
		return []Field{{"Sync", t.Sync}, {"Async", t.Async}, {"AckNak", t.AckNak}, {"BufferMgmt", t.BufferMgmt}, {"Streaming", t.Streaming}, {"ComIDMgmt", t.ComIDMgmt}}
	case spec.FeatureLocking:
		l, _ := d.Locking()
		return []Field{
			{"LockingSupported", l.Supported},
			{"LockingEnabled", l.Enabled},
			{"Locked", l.Locked},
			{"MediaEncryption", l.MediaEncryption},
			{"MBREnabled", l.MBREnabled},
			{"MBRDone", l.MBRDone},
			{"MBRAbsent", l.MBRAbsent},
		}
	case spec.FeatureGeometry:
		g, _ := d.Geometry()
		return []Field{{"Align", g.Align}, {"LogicalBlockSize", g.LogicalBlockSize}, {"AlignmentGranularity", g.AlignmentGranularity}, {"LowestAlignedLBA", g.LowestAlignedLBA}}
	case spec.FeatureEnterprise:
		e, _ := d.Enterprise()
		return []Field{{"BaseComID", e.BaseComID}, {"ComIDs", e.ComIDs}, {"RangeCrossing", e.RangeCrossing}}
	case spec.FeatureSingleUser:
		s, _ := d.SingleUser()
		return []Field{{"LockingObjects", s.Objects}, {"Any", s.Any}, {"All", s.All}, {"AdminsPlaceRanges", s.AdminsPlace}}
	case spec.FeatureDataStore:
		s, _ := d.DataStoreTables()
		return []Field{{"MaxTables", s.Tables}, {"MaxTotalSize", s.Size}, {"SizeAlignment", s.Alignment}}
	case spec.FeatureOpal2:
		o, _ := d.Opal2()
		return []Field{{"BaseComID", o.BaseComID}, {"ComIDs", o.ComIDs}, {"RangeCrossing", o.RangeCrossing}, {"Admins", o.Admins}, {"Users", o.Users}}
	case spec.FeatureDataRemoval:
		r, _ := d.DataRemoval()
		has := func(n int) bool { return r.Supported>>n&1 != 0 }
		return []Field{
			{"InProgress", r.InProgress},
			{"Interrupted", r.Interrupted},
			{"Overwrite", has(spec.DataRemovalOverwrite)},
			{"BlockErase", has(spec.DataRemovalBlock)},
			{"CryptoErase", has(spec.DataRemovalCrypto)},
			{"Vendor", has(spec.DataRemovalVendor)},
		}
	case spec.FeatureBlockSID:
		s, _ := d.BlockSID()
		return []Field{{"SIDNotMSID", s.NotMSID}, {"SIDBlocked", s.Blocked}, {"FreezeSupported", s.FreezeSupport}, {"Frozen", s.Frozen}, {"HardwareResetClears", s.ClearedByReset}}
	}
	return nil
}

// FeatureText is a feature in one line, as "Locking (0002): LockingSupported Y, Locked N".
func FeatureText(d *spec.Discovery, f spec.Feature) string {
	head := fmt.Sprintf("%s (%04X)", FeatureName(f.Code), f.Code)
	fields := Fields(d, f.Code)
	if fields == nil {
		return fmt.Sprintf("%s: %d bytes", head, len(f.Data))
	}
	var parts []string
	for _, p := range fields {
		parts = append(parts, p.Name+" "+p.Text())
	}
	return head + ": " + strings.Join(parts, ", ")
}

// Text is Y or N, or the number; a ComID has four hexadecimal digits.
func (f Field) Text() string {
	switch v := f.Value.(type) {
	case bool:
		if v {
			return "Y"
		}
		return "N"
	default:
		if f.Name == "BaseComID" {
			return fmt.Sprintf("%04X", v)
		}
		return fmt.Sprint(v)
	}
}
