package drive

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// knownOpalRecord is a record of an Opal drive with something in every field.
func knownOpalRecord() *record {
	k := func(from byte, mask uint16) *areaKeys {
		k := &areaKeys{mask: mask, wraps: make([][AKWrapSize]byte, bits.OnesCount16(mask))}
		copy(k.mek[:], counting(from, mekWrapSize))
		for i := range k.wraps {
			copy(k.wraps[i][:], counting(from+1+byte(i), AKWrapSize))
		}
		return k
	}
	r := &record{
		generation: 0x0102030405060708, keygen: 0x090A0B0C, state: Manufactured, psidTries: 0x0D0E,
		ranges: []rangeRecord{
			{cfg: RangeConfig{LockOnReset: OnPowerCycle}, opal: k(0x10, 0x0003)},
			{
				cfg:        RangeConfig{Start: 0x1112131415161718, Length: 0x2122232425262728, WriteLockEnabled: true, LockOnReset: OnPowerCycle | OnProgrammatic},
				readLocked: true, opal: k(0x20, 0x2000),
			},
		},
		opal: &opalRecord{
			mbrEnable: true, adminsPlace: true, doneOnReset: OnPowerCycle,
			mbr: tableRecord{size: 0x8000000, keys: k(0x30, 0x0001)}, stores: []tableRecord{{size: 0xA00000, keys: k(0x40, 0x0002)}},
			note: []byte("note"),
		},
	}
	r.ranges[1].opal.sum = true
	for i, a := range opalAuthorities() {
		s := slotRecord{authority: a, tries: uint16(i), opal: &opalSlot{}}
		if a == Admin(1) {
			s.atMSID = true
			s.opal.kind, s.opal.enabled = slotPIN, true
			copy(s.slot.Salt[:], counting(0x50, SaltSize))
			copy(s.opal.wrap[:], counting(0x60, slotWrapSize))
			copy(s.opal.escrow[:], counting(0x70, AKWrapSize))
			copy(s.opal.users[:], counting(0x80, AKWrapSize))
		}
		r.slots = append(r.slots, s)
	}
	return r
}

func TestKnownOpalRecord(t *testing.T) {
	area := func(from byte, wraps int) string {
		s := hex.EncodeToString(counting(from, 72))
		for i := range wraps {
			s += hex.EncodeToString(counting(from+1+byte(i), 40))
		}
		return s
	}
	zeros := func(n int) string { return strings.Repeat("00", n) }
	want := "4644454c41425352" + "00000b5c" + "0002" + "05" + "00" + "0102030405060708" + "090a0b0c" + "000f" + "0002" + "0d0e" + zeros(6) +
		"05" + "01" + "0001" + "0004" + "0000" +
		"0100" + "0000" + zeros(4+144) + "0501" + "0001" + zeros(4+144) +
		"0601" + "0002" + "03" + "01" + "0000" + hex.EncodeToString(counting(0x50, 16)) + hex.EncodeToString(counting(0x60, 48)) +
		hex.EncodeToString(counting(0x70, 40)) + hex.EncodeToString(counting(0x80, 40)) +
		"0602" + "0003" + zeros(148) + "0603" + "0004" + zeros(148) + "0604" + "0005" + zeros(148)
	for u := range 9 {
		want += "070" + string(rune('1'+u)) + "00" + hex.EncodeToString([]byte{byte(6 + u)}) + zeros(148)
	}
	want += zeros(16) + "00" + "01" + "0003" + zeros(4) + area(0x10, 2) +
		"1112131415161718" + "2122232425262728" + "16" + "09" + "2000" + zeros(4) + area(0x20, 1) +
		"0000000008000000" + "0001" + zeros(6) + area(0x30, 1) +
		"0000000000a00000" + "0002" + zeros(6) + area(0x40, 1) +
		hex.EncodeToString([]byte("note")) + zeros(4)
	enc := knownOpalRecord().encode(nil)
	require.Equal(t, want, hex.EncodeToString(enc[:len(enc)-4]))
	require.Len(t, enc, knownOpalRecord().size())
	parsed, err := parseVersion(enc, opalVersion)
	require.NoError(t, err)
	require.Equal(t, knownOpalRecord(), parsed)

	// A drive knows the records of its personality alone.
	_, err = parseRecord(enc)
	require.ErrorIs(t, err, errForeign)
	_, err = parseVersion(knownRecord().encode(nil), opalVersion)
	require.ErrorIs(t, err, errForeign)
}

// TestEveryBitOfAnOpalRecordIsLookedAt: what is not understood is foreign, though its check sum is right.
func TestEveryBitOfAnOpalRecordIsLookedAt(t *testing.T) {
	whole := knownOpalRecord().encode(nil)
	step := 1
	if testing.Short() {
		step = 5 // one or two bits of each byte
	}
	for bit := 96; bit < (len(whole)-4)*8; bit += step {
		p := bytes.Clone(whole)
		p[bit/8] ^= 1 << (bit % 8)
		r, err := parseVersion(crcOf(p), opalVersion)
		if err != nil {
			require.ErrorIs(t, err, errForeign, "byte %d", bit/8)
			continue
		}
		if got := r.encode(nil); !bytes.Equal(p, got) {
			t.Fatalf("byte %d is understood, and written again as something else", bit/8)
		}
	}
	for n := range whole {
		_, err := parseVersion(whole[:n], opalVersion)
		require.ErrorIs(t, err, errNoRecord)
		if n < recordHeader+4 {
			continue
		}
		// Cut short, with a length and a check sum that say it is whole.
		p := bytes.Clone(whole[:n])
		binary.BigEndian.PutUint32(p[8:], uint32(n))
		_, err = parseVersion(crcOf(p), opalVersion)
		require.ErrorIs(t, err, errForeign, "cut at byte %d", n)
	}
}

// TestFieldsOfAnOpalRecordHaveLimits, and what is wrong is named with its place.
func TestFieldsOfAnOpalRecordHaveLimits(t *testing.T) {
	whole := knownOpalRecord().encode(nil)
	const ranges = opalHeader + opalSlots*opalSlotSize
	for name, c := range map[string]struct {
		at   int
		b    []byte
		says string
	}{
		"state of another drive": {14, []byte{byte(Configured)}, "state at byte 14"},
		"state behind the last":  {14, []byte{byte(Manufactured) + 1}, "state at byte 14"},
		"doubt":                  {15, []byte{2}, "state at byte 14"},
		"no range":               {30, []byte{0, 0}, "counts at byte 48"},
		"18 ranges":              {30, []byte{0, 18}, "counts at byte 48"},
		"14 slots":               {28, []byte{0, 14}, "counts at byte 48"},
		"16 slots":               {28, []byte{0, 16}, "counts at byte 48"},
		"17 tables":              {42, []byte{0, 17}, "counts at byte 48"},
		"a note too long":        {44, []byte{0x10, 0x01}, "counts at byte 48"},
		"a flag":                 {40, []byte{8}, "counts at byte 48"},
		"DoneOnReset":            {41, []byte{byte(opalResets) + 1}, "counts at byte 48"},
		"padding of the record":  {39, []byte{1}, "padding at byte 40"},
		"padding of the header":  {47, []byte{1}, "padding at byte 48"},
		"a slot flag":            {opalHeader + 4, []byte{4}, "slot flags at byte 54"},
		"a kind of slot":         {opalHeader + 5, []byte{4}, "slot flags at byte 54"},
		"padding of a slot":      {opalHeader + 7, []byte{1}, "padding at byte 56"},
		"a range flag":           {ranges + 16, []byte{32}, "range flags at byte 2348"},
		"LockOnReset":            {ranges + 17, []byte{byte(opalResets) + 1}, "range flags at byte 2348"},
		"padding of a range":     {ranges + 23, []byte{1}, "padding at byte 2352"},
		"a holder":               {ranges + 18, []byte{0x40, 0}, "holders at byte 2352"},
	} {
		p := bytes.Clone(whole)
		copy(p[c.at:], c.b)
		_, err := parseVersion(crcOf(p), opalVersion)
		require.ErrorIs(t, err, errForeign, name)
		require.ErrorContains(t, err, c.says, name)
	}
	longer := append(bytes.Clone(whole[:len(whole)-4]), make([]byte, 12)...)
	binary.BigEndian.PutUint32(longer[8:], uint32(len(longer)))
	_, err := parseVersion(crcOf(longer), opalVersion)
	require.ErrorIs(t, err, errForeign)
	require.ErrorContains(t, err, fmt.Sprint("trailing bytes at byte ", len(whole)-4))
	most, least := knownOpalRecord(), knownOpalRecord()
	for len(most.ranges) < maxOpalRanges+1 {
		most.ranges = append(most.ranges, most.ranges[1])
	}
	for len(most.opal.stores) < maxDataStores {
		most.opal.stores = append(most.opal.stores, most.opal.stores[0])
	}
	most.opal.note, most.doubt, most.state = make([]byte, maxNote), true, Manufactured
	most.opal.doneOnReset, most.ranges[1].cfg.LockOnReset, most.opal.mbrDone = opalResets, opalResets, true
	most.ranges[0].opal = &areaKeys{mask: 1<<holders - 1, wraps: make([][AKWrapSize]byte, holders)}
	most.ranges[0].opal.sum, most.ranges[0].readLocked, most.ranges[0].writeLocked = true, true, true
	most.ranges[0].cfg.ReadLockEnabled, most.ranges[0].cfg.WriteLockEnabled = true, true
	most.slots[0].opal = &opalSlot{kind: slotOpen, enabled: true}
	least.ranges, least.opal.stores, least.opal.note, least.state = least.ranges[:1], []tableRecord{}, []byte{}, SecurityDegraded
	for _, r := range []*record{most, least} {
		require.Len(t, r.encode(nil), r.size())
		got, err := parseVersion(r.encode(nil), opalVersion)
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
}

// TestSameOpalKeys: every wrap counts, and who holds it, and nothing else.
func TestSameOpalKeys(t *testing.T) {
	keys := func(change func(k *areaKeys)) func(at **areaKeys) {
		return func(at **areaKeys) {
			own := **at
			own.wraps = slices.Clone(own.wraps)
			change(&own)
			*at = &own
		}
	}
	areas := map[string]func(r *record) **areaKeys{
		"range": func(r *record) **areaKeys { return &r.ranges[1].opal }, "shadow": func(r *record) **areaKeys { return &r.opal.mbr.keys },
		"table": func(r *record) **areaKeys { return &r.opal.stores[0].keys },
	}
	for name, change := range map[string]func(at **areaKeys){
		"MEK": keys(func(k *areaKeys) { k.mek[71] ^= 1 }), "wrap": keys(func(k *areaKeys) { k.wraps[0][39] ^= 1 }),
		"holder": keys(func(k *areaKeys) { k.mask <<= 1 }), "Single User Mode": keys(func(k *areaKeys) { k.sum = !k.sum }),
		"none": func(at **areaKeys) { *at = nil },
	} {
		for where, at := range areas {
			r := knownOpalRecord()
			change(at(r))
			require.False(t, r.sameKeys(knownOpalRecord()), "%s of a %s", name, where)
			require.False(t, knownOpalRecord().sameKeys(r), "%s of a %s", name, where)
		}
	}
	for name, change := range map[string]func(r *record){
		"salt":   func(r *record) { r.slots[2].slot.Salt[0] ^= 1 },
		"wrap":   func(r *record) { r.slots[2].opal.wrap[47] ^= 1 },
		"escrow": func(r *record) { r.slots[2].opal.escrow[39] ^= 1 },
		"users":  func(r *record) { r.slots[2].opal.users[39] ^= 1 },
		"on":     func(r *record) { r.slots[2].opal.enabled = false },
		"kind":   func(r *record) { r.slots[2].opal.kind = slotSealed },
		"none":   func(r *record) { r.slots[2].opal = nil },
		"tables": func(r *record) { r.opal.stores = nil },
		"Opal":   func(r *record) { r.opal = nil },
	} {
		r := knownOpalRecord()
		change(r)
		require.False(t, r.sameKeys(knownOpalRecord()), name)
		require.False(t, knownOpalRecord().sameKeys(r), name)
	}
	r := knownOpalRecord()
	r.opal.note, r.opal.mbrEnable, r.ranges[1].readLocked, r.psidTries, r.slots[2].tries = nil, false, false, 0, 9
	require.True(t, r.sameKeys(knownOpalRecord()))
}

// FuzzOpalRecord: whatever parses encodes to the same bytes; nothing panics.
func FuzzOpalRecord(f *testing.F) {
	f.Add(knownOpalRecord().encode(nil))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > recordHeader {
			p = crcOf(p)
		}
		r, err := parseVersion(p, opalVersion)
		if err != nil {
			require.ErrorIs(t, err, errNoRecord)
			return
		}
		enc := r.encode(nil)
		require.Equal(t, p[:len(enc)], enc)
	})
}

func TestKnownOpalFuses(t *testing.T) {
	root := secret.Key32(counting(0x50, 32))
	f := &Fuses{
		Config: Config{
			Serial: "S", SectorSize: 512, Sectors: 7, Ranges: 16, PBKDF2Iterations: 1, Personality: Opal,
			MBRSize: 0x8000000, DataStoreSize: 0xA00000,
		},
		Root: &root, MSID: CredentialPIN((*secret.Key32)(counting(0x90, 32))),
	}
	page := f.encode(Opal.FlashGeometry(), false)
	require.Equal(t, "0003"+"0010"+"00000200", hex.EncodeToString(page[8:16]))
	require.Equal(t, "0000010001"+"0000"+"00000001", hex.EncodeToString(page[25:36]))
	require.Equal(t, strings.Repeat("00", 16)+"0000000008000000"+"0000000000a00000", hex.EncodeToString(page[228:260]))
	parsed, g, err := parseFuses(page)
	require.NoError(t, err)
	require.Equal(t, flash.Geometry{Blocks: 8, PagesPerBlock: 8, PageSize: 16384}, g)
	require.Equal(t, f.Config, parsed.Config)
	for at, says := range map[int]string{29: "byte 29", 259: "checksum of its fuses (bytes 0 to 259)"} {
		bad := bytes.Clone(page)
		bad[at] ^= 1
		if at == 29 {
			copy(bad[:fuseCRC3+4], crcOf(bad[:fuseCRC3+4]))
		}
		_, _, err := parseFuses(bad)
		require.ErrorContains(t, err, says)
	}
}
