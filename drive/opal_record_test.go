package drive

import (
	"bytes"
	"encoding/hex"
	"math/bits"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// TestOpalRecordRoundTrip: every bit of a record is looked at, or counts.
func TestOpalRecordRoundTrip(t *testing.T) {
	whole := knownOpalRecord().encode(nil)
	rapid.Check(t, func(t *rapid.T) {
		p := bytes.Clone(whole)
		p[rapid.IntRange(8, len(p)-5).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		p = crcOf(p)
		r, err := parseVersion(p, opalVersion)
		if err != nil {
			require.ErrorIs(t, err, errNoRecord)
			return
		}
		require.Equal(t, p, r.encode(nil))
	})
	for n := range whole {
		_, err := parseVersion(whole[:n], opalVersion)
		require.ErrorIs(t, err, errNoRecord)
	}
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
