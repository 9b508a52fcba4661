package drive

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawRecord(t *rapid.T) *record {
	r := &record{
		generation: rapid.Uint64().Draw(t, "generation"), keygen: rapid.Uint32().Draw(t, "keygen"),
		state:     rapid.SampledFrom(Enterprise.States()).Draw(t, "state"),
		psidTries: rapid.Uint16().Draw(t, "psid tries"),
	}
	fill := func(b []byte) { copy(b, rapid.SliceOfN(rapid.Byte(), len(b), len(b)).Draw(t, "bytes")) }
	r.slots = make([]slotRecord, rapid.IntRange(0, 5).Draw(t, "slots"))
	for i := range r.slots {
		s := &r.slots[i]
		s.authority, s.tries = Authority(rapid.Uint16().Draw(t, "authority")), rapid.Uint16().Draw(t, "tries")
		s.atMSID = rapid.Bool().Draw(t, "at msid")
		fill(s.slot.Salt[:])
		fill(s.slot.Wrap[:])
	}
	r.ranges = make([]rangeRecord, rapid.IntRange(1, 4).Draw(t, "ranges"))
	for i := range r.ranges {
		g := &r.ranges[i]
		g.cfg = RangeConfig{
			Start: rapid.Uint64().Draw(t, "start"), Length: rapid.Uint64().Draw(t, "length"),
			ReadLockEnabled: rapid.Bool().Draw(t, "rle"), WriteLockEnabled: rapid.Bool().Draw(t, "wle"),
			LockOnReset: ResetSet(rapid.IntRange(0, int(allResets)).Draw(t, "lor")),
		}
		g.readLocked, g.writeLocked = rapid.Bool().Draw(t, "rl"), rapid.Bool().Draw(t, "wl")
		g.wraps = make([]wrapRecord, rapid.IntRange(0, 3).Draw(t, "wraps"))
		for j := range g.wraps {
			g.wraps[j].by = Authority(rapid.Uint16().Draw(t, "by"))
			fill(g.wraps[j].wrap[:])
		}
	}
	return r
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		page := bytes.Repeat([]byte{0xFF}, 4096)
		enc := r.encode(nil)
		copy(page, enc)
		require.Len(t, enc, r.size())
		got, err := parseRecord(page)
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}

// FuzzRecord: whatever parses encodes to the same bytes; nothing panics.
func FuzzRecord(f *testing.F) {
	b := bytes.Repeat([]byte{0xFF}, 600)
	r := record{
		state: Erased, generation: 3, keygen: 2, slots: make([]slotRecord, 3),
		ranges: []rangeRecord{{wraps: make([]wrapRecord, 1)}},
	}
	copy(b, r.encode(nil))
	f.Add(b)
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := parseRecord(p)
		if err != nil {
			require.ErrorIs(t, err, errNoRecord)
			return
		}
		enc := r.encode(nil)
		require.Equal(t, p[:len(enc)], enc)
	})
}
