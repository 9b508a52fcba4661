package raslab

import (
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// regionTable is where a partition keeps the table of drives: two bytes a slot, in
// the order of the slots.
const regionTable encgroup.Region = "table"

// The points of a partition's memory. An operation is one byte that is written to its region. Which
// of its bits flips is drawn. The effect follows only from what the byte means to the software.
var memoryPoints = []struct {
	region encgroup.Region
	point  fault.Point
}{
	{regionTable, fault.Register("memory.table.flipped",
		"a bit flips in the table of drives: two bytes a slot, its array counted from 1 (0: none) and its position there",
		"BE316023 by the next service action: it ends, the table is made anew, the lab goes on", fault.HasByte)},
	{encgroup.RegionRecord, fault.Register("memory.record.flipped",
		"a bit flips in what is written of a key group's record, its own entry and then those of members, before the check sums are made; what it means depends on the byte",
		"BE31CFE8 at once where the record cannot be, as with any bit of a member; else reported when the record is read: BE14E011 (identifier), BE14E012 (group key), BE14E013 (signature)", fault.HasByte)},
	{encgroup.RegionSignature, fault.Register("memory.signature.flipped",
		"a bit flips in the signature that a partition has calculated from the data key of one server, 32 bytes",
		"BE14EA13, or BE14E013 where no other server's key was good", fault.HasByte)},
}

// memory is what software keeps for a while in the RAM of one partition. It is
// sound until a fault plan is armed.
type memory struct {
	plan    *fault.Plan
	entropy io.Reader // which bit flips
}

var _ encgroup.Memory = (*memory)(nil)

// Keep implements encgroup.Memory.
func (m *memory) Keep(region encgroup.Region, b []byte) []byte {
	if m.plan == nil {
		return b
	}
	op := fault.Op{Name: memoryPoint(region).Operation()}
	b = slices.Clone(b)
	for op.Byte = range b {
		if _, fires := m.plan.Check(op); fires {
			var bit [1]byte
			if _, err := io.ReadFull(m.entropy, bit[:]); err != nil {
				panic("BUG: raslab: a stream of randomness ended: " + err.Error())
			}
			b[op.Byte] ^= 1 << (bit[0] & 7)
		}
	}
	return b
}

func memoryPoint(region encgroup.Region) fault.Point {
	for _, p := range memoryPoints {
		if p.region == region {
			return p.point
		}
	}
	panic("BUG: raslab: no memory has the region " + string(region))
}

func memoryName(partition int) string { return fmt.Sprintf("memory of partition %d", partition) }

// ArmMemory arms a fault plan on the memory of a partition (0 or 1; points "memory.…"). No plan
// (nil) disarms. The groups' records and the table of drives are worked on in the memory of
// partition 0 (assumption).
func (l *Lab) ArmMemory(partition int, plan *fault.Plan) error {
	if partition < 0 || partition > 1 {
		return refuse(ErrNotFound, "fault arm", noPartition(partition), "partitions are 0 and 1")
	}
	return l.arm(&l.sfi.partitions[partition].memory.plan, memoryName(partition), plan, "memory")
}
