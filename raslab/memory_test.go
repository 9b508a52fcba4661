package raslab

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Where the parts of the group's record begin: what a flipped bit means follows from
// the encoding of encgroup.Record and from nothing in this package.
func recordOffsets(l *Lab) (phase, uid, wrapped, signature int) {
	r := l.keys.groups[0].enc.Record()
	phase = 5
	uid = phase + 1 + 1 + len(r.Label) + 1
	wrapped = uid + len(r.UID) + 1 + len(r.Maker)
	return phase, uid, wrapped, wrapped + len(r.Wrapped)
}

// One bad byte of memory under the record of a group: the code depends on the byte's meaning. All
// is well again once memory and record are.
func TestBadMemoryUnderTheRecord(t *testing.T) {
	for name, c := range map[string]struct {
		at    func(l *Lab) int
		codes []string // after an IML; nil: the record cannot be, and is never written
	}{
		"magic":      {func(*Lab) int { return 0 }, nil},
		"version":    {func(*Lab) int { return 4 }, nil},
		"phase":      {func(l *Lab) int { at, _, _, _ := recordOffsets(l); return at }, nil},
		"identifier": {func(l *Lab) int { _, at, _, _ := recordOffsets(l); return at }, []string{"BE14CFE0", "BE14E011"}},
		"group key":  {func(l *Lab) int { _, _, at, _ := recordOffsets(l); return at }, []string{"BE14CFE0", "BE14E012"}},
		"signature":  {func(l *Lab) int { _, _, _, at := recordOffsets(l); return at }, []string{"BE14CFE0", "BE14E013"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			must(t, l.ArmMemory(0, fault.MustParse(fmt.Sprintf("(memory.record.flipped (Byte %d))", c.at(l)))))
			r, err := l.RekeyDrive("R1-I1-D03") // the record is written anew
			must(t, err)
			require.Equal(t, c.codes == nil, r.Failed)
			copies, good := l.records.Repository()
			require.True(t, good, "no medium is to blame: %v", copies)
			if c.codes == nil {
				require.Equal(t, []string{"BE31CFE8"}, openCodes(l), "%s", history{l})
				staysOpen(t, l, openEvent(t, l, "BE31CFE8"))
				must(t, l.ArmMemory(0, nil))
				closeAll(t, l)
				ok(t, l)(l.PowerCycle())
				readable(t, l)
				ok(t, l)(l.RekeyDrive("R1-I1-D03"))
				return
			}
			fails(t, l)(l.PowerCycle())
			require.Equal(t, c.codes, openCodes(l), "%s", history{l})
			for _, code := range c.codes {
				staysOpen(t, l, openEvent(t, l, code))
			}
			must(t, l.ArmMemory(0, nil))
			ok(t, l)(l.RestoreRepository())
			ok(t, l)(l.DualClusterIML())
			readable(t, l)
			closeAll(t, l)
			advance(t, l, 24*time.Hour)
			require.Empty(t, l.events.OpenEvents(), "the member that was rekeyed is well too\n%s", history{l})
		})
	}
}

// An impossible record in the repository, as software with an error would have written it: the
// group goes on with what it has in RAM.
func TestBE31CFE8WhileDataAreAccessible(t *testing.T) {
	l := encrypted(t, Options{})
	phase, _, _, _ := recordOffsets(l)
	rec := l.keys.groups[0].enc.Record()
	entries, err := rec.Entries()
	must(t, err)
	must(t, l.records.repository.Store(l.keys.groups[0].store.name).Replace(encgroup.Compose(flipAt(phase), entries)))
	advance(t, l, keyPeriod)
	require.Equal(t, []string{"BE31CFE8"}, openCodes(l), "%s", history{l})
	readable(t, l)
	staysOpen(t, l, openEvent(t, l, "BE31CFE8"))
	must(t, l.ArmMemory(0, fault.MustParse(fmt.Sprintf("(memory.record.flipped (Byte %d))", phase))))
	r := fails(t, l)(l.RestoreRepository())
	require.Contains(t, fmt.Sprint(r.Notes), "cannot be", "the memory is bad now, and that is found at once")
	must(t, l.ArmMemory(0, nil))
	staysOpen(t, l, openEvent(t, l, "BE31CFE8"))
	ok(t, l)(l.RestoreRepository()) // from what the group has
	closeAll(t, l)
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	require.Empty(t, l.events.OpenEvents())
}

// flipAt is a memory with one bad byte.
type flipAt int

func (n flipAt) Keep(_ encgroup.Region, b []byte) []byte {
	b = slices.Clone(b)
	b[n] ^= 0x40
	return b
}

// Memory that flips a bit of a signature that was just calculated.
func TestBadMemoryUnderASignature(t *testing.T) {
	t.Run("for one server", func(t *testing.T) {
		l := encrypted(t, Options{})
		must(t, l.ArmMemory(0, fault.MustParse("(memory.signature.flipped (And (Byte 7) (OnIndex 1)))")))
		advance(t, l, keyPeriod)
		require.Equal(t, []string{"BE14CFEA", "BE14EA13"}, openCodes(l), "%s", history{l})
		require.Equal(t, []int{2}, openEvent(t, l, "BE14EA13").KeyServers)
		require.Equal(t, []int{0}, openEvent(t, l, "BE14EA13").Partitions)
		closeAll(t, l)
	})
	t.Run("for all, in one partition", func(t *testing.T) {
		l := encrypted(t, Options{})
		must(t, l.ArmMemory(1, fault.MustParse("(memory.signature.flipped (Byte 31))")))
		ok(t, l)(l.PowerCycle())
		require.Equal(t, []string{"BE14E013"}, openCodes(l), "the other partition got the key: there is no umbrella")
		require.Equal(t, []int{1}, openEvent(t, l, "BE14E013").Partitions)
		staysOpen(t, l, openEvent(t, l, "BE14E013"))
		must(t, l.ArmMemory(1, nil))
		closeAll(t, l)
	})
	t.Run("in both", func(t *testing.T) {
		l := encrypted(t, Options{})
		must(t, l.ArmMemory(0, fault.MustParse("(memory.signature.flipped (Byte 0))")))
		must(t, l.ArmMemory(1, fault.MustParse("(memory.signature.flipped (Byte 0))")))
		fails(t, l)(l.PowerCycle())
		require.Equal(t, []string{"BE14CFE0", "BE14E013"}, openCodes(l), "%s", history{l})
	})
}

// Every bit of the table of drives, flipped: a service action ends before it touches
// a drive, or the bit meant nothing.
func TestEveryByteOfTheTableOfDrives(t *testing.T) {
	l := encrypted(t, Options{})
	const rounds = 12 // each draws its bits anew
	for n := range rounds * 2 * len(l.plant.slots) {
		i := n % (2 * len(l.plant.slots))
		raises := l.events.raises
		must(t, l.ArmMemory(0, fault.MustParse(fmt.Sprintf("(memory.table.flipped (And (Byte %d) (OnIndex 0)))", i))))
		r, err := l.DualClusterIML()
		must(t, err)
		free := i%2 == 1 && l.plant.slots[i/2].array == nil // the position of a drive in no array
		require.Equal(t, !free, r.Failed, "byte %d of %s", i, l.plant.slots[i/2].name)
		if !free {
			require.Equal(t, raises+1, l.events.raises)
			require.Equal(t, raises+1, l.events.open[len(l.events.open)-1].raised)
			require.Equal(t, "BE316023", l.events.open[len(l.events.open)-1].SRC)
		}
		readable(t, l)
	}
	must(t, l.ArmMemory(0, nil))
	require.Equal(t, []string{"BE316023"}, openCodes(l))
	closeAll(t, l)
}

func TestBE316023(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.ArmMemory(0, fault.MustParse("(memory.table.flipped (And (Byte 3) (OnIndex 0)))")))
	r := fails(t, l)(l.SmartRebuild("R1-I1-D03"))
	require.Len(t, r.Events, 1)
	require.Equal(t, "BE316023", r.Events[0].SRC)
	require.Contains(t, r.Events[0].Found[0], "smartrebuild start", "the event says which action ran")
	require.Empty(t, l.service.ServiceAction())
	readable(t, l)
	closeAll(t, l)
	ok(t, l)(l.SmartRebuild("R1-I1-D03"))
	advance(t, l, time.Hour)
	readable(t, l)
	require.Empty(t, l.events.OpenEvents(), "the lab goes on")

	// A repair stays in progress, and is resumed.
	ok(t, l)(l.StartRepair("R1-I1-D03"))
	ok(t, l)(l.ExchangeFRU("R1-I1-D03", ""))
	must(t, l.ArmMemory(0, fault.MustParse("(memory.table.flipped (And (Byte 0) (OnIndex 0)))")))
	fails(t, l)(l.ResumeRepair("R1-I1-D03"))
	require.NotEmpty(t, l.service.ServiceAction())
	ok(t, l)(l.ResumeRepair("R1-I1-D03"))
	closeAll(t, l)
	readable(t, l)
}

// An event of the clock meets bad memory too: the event ends, the clock goes on.
func TestBE316023InTheHourlyCheck(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.ArmMemory(0, fault.MustParse("(memory.table.flipped (And (Byte 2) (OnIndex 0)))")))
	advance(t, l, time.Hour)
	e := openEvent(t, l, "BE316023")
	require.Contains(t, e.Found[0], "health check: the table of drives", "the event says what ran")
	checked := l.Now()
	advance(t, l, 3*time.Hour)
	require.True(t, l.Now().After(checked))
	require.Equal(t, 1, openEvent(t, l, "BE316023").Count, "the next checks went well")
	closeAll(t, l)
}

// Sound memory gives back what it is given, bad memory changes it and not the original.
func TestMemoryKeep(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	m := &l.sfi.partitions[0].memory
	b := []byte{1, 2, 3, 4}
	require.Equal(t, b, m.Keep(encgroup.RegionRecord, b))
	must(t, l.ArmMemory(0, fault.MustParse("(memory.record.flipped (Byte 2))")))
	got := m.Keep(encgroup.RegionRecord, b)
	require.Equal(t, []byte{1, 2, 3, 4}, b, "the original is the caller's")
	require.Equal(t, []byte{1, 2}, got[:2])
	require.Equal(t, byte(4), got[3])
	require.True(t, slices.Contains([]byte{3 ^ 1, 3 ^ 2, 3 ^ 4, 3 ^ 8, 3 ^ 16, 3 ^ 32, 3 ^ 64, 3 ^ 128}, got[2]), "one bit of byte 2 is flipped: %#x", got[2])
	require.Equal(t, b, m.Keep(encgroup.RegionSignature, b), "another region is another place")
	require.Panics(t, func() { m.Keep("nowhere", b) })
}
