package encgroup

// Region names a place in the memory of a partition.
type Region string

// The places where a group keeps a working value that a flipped bit would
// change without a word.
const (
	RegionRecord    Region = "record"    // the record as it is composed, before its check sum is made
	RegionSignature Region = "signature" // the signature that was calculated from a data key, 32 bytes
)

// Memory is the memory of the partition that works with a group: what is kept
// there is what it is next time it is looked at, if the memory is sound.
type Memory interface {
	// Keep keeps b in a region and returns what is there afterwards, as many
	// bytes. It neither changes nor keeps hold of b itself.
	Keep(region Region, b []byte) []byte
}

func keep(m Memory, region Region, b []byte) []byte {
	if m == nil {
		return b
	}
	return m.Keep(region, b)
}

// SetMemory says in whose memory the group is worked with from now on; nil is
// one that is sound.
func (g *Group) SetMemory(m Memory) { g.memory = m }
