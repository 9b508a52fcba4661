package encgroup

// Region names a place in the memory of a partition.
type Region string

// The places where a group keeps a working value in which a flipped bit would go unnoticed.
const (
	RegionRecord    Region = "record"    // the record as it is composed, before its check sum is made
	RegionSignature Region = "signature" // the signature that was calculated from a data key, 32 bytes
)

// Memory is the memory of the partition that works with a group. Faulty memory can return other
// bytes than were kept.
type Memory interface {
	// Keep keeps b in a region and returns what is there afterwards, as many bytes. It neither
	// changes b nor keeps a reference to it.
	Keep(region Region, b []byte) []byte
}

func keep(m Memory, region Region, b []byte) []byte {
	if m == nil {
		return b
	}
	return m.Keep(region, b)
}

// SetMemory sets the memory in which the group works from now on; nil is a sound one.
func (g *Group) SetMemory(m Memory) { g.memory = m }
