package drive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Known answers for everything that is kept on flash or in a file, and for every key
// that is derived: a program that changes one of them cannot open the drives of the
// programs before it.

func counting(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// TestKnownKeys: HKDF-SHA256 and PBKDF2 computed by another program.
func TestKnownKeys(t *testing.T) {
	root := secret.Key32(counting(0, 32))
	salt := [SaltSize]byte(counting(0x40, SaltSize))
	long, err := NewPIN(counting(0x80, PINSize))
	require.NoError(t, err)
	short, err := NewPIN([]byte("1234"))
	require.NoError(t, err)
	kek, err := KEK(&root, long, salt, 1000)
	require.NoError(t, err)
	require.Equal(t, "5396b88cc865090cf0cfacdcf0bfcf46ef21e9a116aad10e57fa902319d210d2", hex.EncodeToString(kek[:]))
	kek, err = KEK(&root, short, salt, 1000)
	require.NoError(t, err)
	require.Equal(t, "4423ccf9afbfadecb7f02be4c52ba398f70b01e6e829783cde97fa3440e31abc", hex.EncodeToString(kek[:]), "a short PIN is stretched first")
	zero, err := NewPIN([]byte("1234\x00"))
	require.NoError(t, err)
	kek, err = KEK(&root, zero, salt, 1000)
	require.NoError(t, err)
	require.Equal(t, "7a80fd95f51cc1ad42da3588c3c15fbdd29bc19ddec8864d3f395e0951eba1f3", hex.EncodeToString(kek[:]), "one that ends with a zero is hashed before that")
	_, err = KEK(&root, PIN{}, salt, 1000)
	require.ErrorContains(t, err, "an empty PIN derives no key")
	require.Equal(t, "a0f597c2ab47349da4a47f5eb92e13a190f88e2b0c683245a2e7a6f9d9a2e823", hex.EncodeToString(RootKEK(&root)[:]))
	seed, err := hex.DecodeString("ec2dc1c62c943dcacc5e9a7d546b36dcf5657de7b961a36adaba2b7ed599c256")
	require.NoError(t, err)
	require.Equal(t, seed, identitySeed(&root)[:])

	d := &Drive{fuses: &Fuses{Root: &root}, entropy: bytes.NewReader(salt[:]), cfg: Config{PBKDF2Iterations: 1000}}
	for range 2 { // computed, and kept
		public := d.identity((*secret.Key32)(seed))
		require.Equal(t, []byte(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)), public[:])
	}
	ak := secret.Key32(counting(0xC0, 32))
	var slot Slot
	require.NoError(t, d.seal(&slot, long, &ak))
	require.Equal(t, salt, slot.Salt)
	require.Equal(t, "0eba7d391d275d69146b24faccfd8fc1ec7677dd355a9c843736aa95c585ff0e52251bd66071a734", hex.EncodeToString(slot.Wrap[:]))
	mek := secret.Key64(counting(0x10, 64))
	var w mekWrap
	wrapMEK(&w, RootKEK(&root), &mek)
	require.Equal(t, "c3c7ae0f39614686ac996ce4409b3b27cc87e4d6485e174ea36224d535ae9151608096f613360630bbd1ff6b40760f26d60f37f7583aafdab85696652827f4e9d8d97ffd19def426", hex.EncodeToString(w[:]))
	require.Equal(t, "fdelab drive attestation 1\n\x05T0001"+string(counting(1, 32)), string(attested("T0001", (*[32]byte)(counting(1, 32)))))
}

func knownRecord() *record {
	r := &record{
		generation: 0x0102030405060708, keygen: 0x090A0B0C, state: Configured, psidTries: 0x0D0E, doubt: true,
		slots: []slotRecord{{authority: SID, tries: 0x0304, atMSID: true}, {authority: BandMaster(0)}},
		ranges: []rangeRecord{
			{
				cfg:        RangeConfig{Start: 0x1112131415161718, Length: 0x2122232425262728, ReadLockEnabled: true, LockOnReset: OnPowerCycle | OnHotPlug},
				readLocked: true, wraps: []wrapRecord{{by: BandMaster(0)}},
			},
			{cfg: RangeConfig{WriteLockEnabled: true}, writeLocked: true},
		},
	}
	copy(r.slots[0].slot.Salt[:], counting(0x30, SaltSize))
	copy(r.slots[0].slot.Wrap[:], counting(0x40, AKWrapSize))
	copy(r.ranges[0].wraps[0].wrap[:], counting(0x80, mekWrapSize))
	return r
}

func TestKnownRecord(t *testing.T) {
	want := "4644454c41425352" + "0000012c" + "0001" + "02" + "01" + "0102030405060708" + "090a0b0c" + "0002" + "0002" + "0d0e" + "000000000000" +
		"0100" + "0304" + "01" + "000000" + hex.EncodeToString(counting(0x30, 16)) + hex.EncodeToString(counting(0x40, 40)) +
		"0400" + "0000" + "00" + "000000" + strings.Repeat("00", 56) +
		"1112131415161718" + "2122232425262728" + "05" + "05" + "01" + "0000000000" +
		"0400" + "000000000000" + hex.EncodeToString(counting(0x80, 72)) +
		"0000000000000000" + "0000000000000000" + "0a" + "00" + "00" + "0000000000" + "be56d8d3"
	got := hex.EncodeToString(knownRecord().encode(nil))
	require.Equal(t, want, got)
	parsed, err := parseRecord(knownRecord().encode(nil))
	require.NoError(t, err)
	parsed.ranges[1].wraps = nil
	require.Equal(t, knownRecord(), parsed)
}

func TestKnownFuses(t *testing.T) {
	root := secret.Key32(counting(0x50, 32))
	f := &Fuses{
		Config: Config{
			Serial: "SERIAL-7", Model: "Model 9", SectorSize: 4096, Sectors: 0x0102030405, Ranges: 3, TryLimit: 0x0607, Persistent: true,
			PBKDF2Iterations: 0x0809, AlignmentGranularity: 0x10000, LowestAlignedLBA: 0x0A0B,
		},
		Root: &root, MSID: CredentialPIN((*secret.Key32)(counting(0x90, 32))),
	}
	copy(f.PSIDSlot.Salt[:], counting(0x20, SaltSize))
	copy(f.PSIDSlot.Wrap[:], counting(0xC0, AKWrapSize))
	g := flash.Geometry{Blocks: 5, PagesPerBlock: 6, PageSize: 1024}
	page := f.encode(g, false)
	text := func(s string, n int) string { return hex.EncodeToString(append([]byte(s), make([]byte, n-len(s))...)) }
	want := "4644454c41424452" + "0002" + "0003" + "00001000" + "0000000102030405" + "0607" + "01" + "08" + "07" + "000000" + "00000809" +
		"00000005" + "00000006" + "00000400" + hex.EncodeToString(counting(0x50, 32)) + hex.EncodeToString(counting(0x90, 32)) +
		hex.EncodeToString(counting(0x20, 16)) + hex.EncodeToString(counting(0xC0, 40)) + text("SERIAL-7", 20) + text("Model 9", 40) +
		"0000000000010000" + "0000000000000a0b" + "0901636e"
	require.Len(t, page, fuseArea)
	require.Equal(t, want, hex.EncodeToString(page[:fuseCRC+4]))
	require.True(t, constant(page[fuseCRC+4:], 0))
	parsed, geometry, err := parseFuses(page)
	require.NoError(t, err)
	require.Equal(t, g, geometry)
	require.Equal(t, f.Config, parsed.Config)
	require.True(t, parsed.Root.Equal(f.Root) && parsed.MSID.Equal(f.MSID))
	require.Equal(t, f.PSIDSlot, parsed.PSIDSlot)

	// Where the media begin: behind the flash, on a page of 4096 bytes.
	require.EqualValues(t, 4096+4096+8*8*4096, mediaOffset(flash.DefaultGeometry))
	require.EqualValues(t, 4096+4096+30*1024+2048, mediaOffset(g), "30 pages of 1024 bytes end within a page")
	require.EqualValues(t, 4096+4096+4096, mediaOffset(flash.Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512}))

	// What the check sum holds for and cannot be all the same.
	for name, c := range map[string]struct {
		at   int
		b    byte
		says string
	}{
		"persistence": {26, 2, "bytes 26 to 28"}, "serial": {27, 21, "bytes 26 to 28"}, "model": {28, 41, "bytes 26 to 28"},
		"no serial": {27, 0, "serial"}, "ranges": {11, 65, "ranges"}, "blocks": {39, 3, "3 blocks"}, "pages": {43, 1, "1 pages"},
	} {
		bad := bytes.Clone(page)
		bad[c.at] = c.b
		crc := crc32.Checksum(bad[:fuseCRC], castagnoli)
		for i := range 4 {
			bad[fuseCRC+i] = byte(crc >> (24 - 8*i))
		}
		_, _, err := parseFuses(bad)
		require.ErrorIs(t, err, errNotADrive, name)
		require.ErrorContains(t, err, c.says, name)
	}
	full := f.clone()
	full.Config.Serial, full.Config.Model = strings.Repeat("s", 20), strings.Repeat("m", 40)
	parsed, _, err = parseFuses(full.encode(g, false))
	require.NoError(t, err)
	require.Equal(t, full.Config, parsed.Config)
	for name, c := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"short":        {func(p []byte) []byte { return p[:fuseArea-1] }, "does not begin with"},
		"nothing":      {func([]byte) []byte { return nil }, "does not begin with"},
		"other magic":  {func(p []byte) []byte { p[7]++; return p }, "does not begin with"},
		"cut":          {func(p []byte) []byte { copy(p, cutMagic); return p }, "its creation was cut short"},
		"version 4":    {func(p []byte) []byte { p[9] = 4; return p }, "it has 4, this program reads 1 to 3"},
		"damaged":      {func(p []byte) []byte { p[100]++; return p }, "the checksum of its fuses (bytes 0 to 243) is wrong"},
		"damaged of 1": {func(p []byte) []byte { p[9] = 1; return p }, "the checksum of its fuses (bytes 0 to 227) is wrong"},
	} {
		_, _, err := parseFuses(c.change(bytes.Clone(page)))
		require.ErrorIs(t, err, errNotADrive, name)
		require.ErrorContains(t, err, c.says, name)
	}

	// A copy of the fuses is cleared without clearing those of the chip.
	own := f.clone()
	own.Clear()
	require.True(t, constant(own.Root[:], 0))
	require.Zero(t, own.MSID.Len())
	require.Equal(t, counting(0x50, 32), f.Root[:])
	require.Equal(t, 32, f.MSID.Len())
}

// TestFieldsOfARecordHaveLimits: what the check sum holds for is looked at field by
// field.
func TestFieldsOfARecordHaveLimits(t *testing.T) {
	whole := knownRecord().encode(nil)
	const slots, ranges = recordHeader, recordHeader + 2*slotSize
	change := func(at int, b ...byte) func([]byte) []byte {
		return func(p []byte) []byte { copy(p[at:], b); return crcOf(p) }
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"magic":               {change(0, 'f'), "no magic at byte 0"},
		"length beyond":       {func(p []byte) []byte { p[11]++; return p }, "length at byte 8"},
		"length of nothing":   {func(p []byte) []byte { p[10], p[11] = 0, recordHeader+3; return p }, "length at byte 8"},
		"check sum":           {func(p []byte) []byte { p[len(p)-1]++; return p }, "CRC at byte 296"},
		"version":             {change(12, 0, 2), "version at byte 12"},
		"state 0":             {change(14, 0), "state at byte 14"},
		"state 4":             {change(14, 4), "state at byte 14"},
		"doubt":               {change(15, 2), "state at byte 14"},
		"no range":            {change(30, 0, 0), "counts at byte 28"},
		"66 ranges":           {change(30, 0, 66), "counts at byte 28"},
		"1025 slots":          {change(28, 4, 1), "counts at byte 28"},
		"3 slots":             {change(28, 0, 3), "slot flags at byte 172"},
		"4 slots":             {change(28, 0, 4), "length for its counts at byte 8"},
		"3 ranges":            {change(30, 0, 3), "range at byte 296"},
		"1 range":             {change(30, 0, 1), "trailing bytes at byte 272"},
		"2 wraps":             {change(ranges+18, 2), "wraps at byte 192"},
		"no wrap":             {change(ranges+18, 0), "range flags at byte 208"},
		"slot flag":           {change(slots+4, 8), "slot flags at byte 44"},
		"second slot flag":    {change(slots+slotSize+5, 1), "slot flags at byte 108"},
		"locks":               {change(ranges+16, 16), "range flags at byte 184"},
		"LockOnReset":         {change(ranges+17, 8), "range flags at byte 184"},
		"padding of a range":  {change(ranges+23, 1), "range flags at byte 184"},
		"padding of a wrap":   {change(ranges+rangeSize+7, 1), "wrap padding at byte 194"},
		"padding of a record": {change(39, 1), "padding at byte 34"},
	} {
		_, err := parseRecord(c.change(bytes.Clone(whole)))
		require.ErrorIs(t, err, errNoRecord, name)
		require.ErrorContains(t, err, c.says, name)
	}
	most := record{state: Erased, slots: make([]slotRecord, 1024), ranges: make([]rangeRecord, MaxRanges+1)}
	_, err := parseRecord(most.encode(nil))
	require.NoError(t, err)
	least := record{state: SecurityDegraded, ranges: make([]rangeRecord, 1)}
	_, err = parseRecord(least.encode(nil))
	require.NoError(t, err)
}

// TestSameKeys: every part of a wrap counts, and nothing else.
func TestSameKeys(t *testing.T) {
	for name, change := range map[string]func(*record){
		"the first slot": func(r *record) { r.slots[0].slot.Wrap[0]++ }, "the last slot": func(r *record) { r.slots[1].slot.Salt[15]++ },
		"an authority": func(r *record) { r.slots[1].authority++ }, "a wrap": func(r *record) { r.ranges[0].wraps = nil },
	} {
		other := knownRecord()
		require.True(t, knownRecord().sameKeys(other))
		change(other)
		require.False(t, knownRecord().sameKeys(other), name)
		require.False(t, other.sameKeys(knownRecord()), name)
	}
	other := knownRecord()
	other.generation, other.keygen, other.state, other.psidTries, other.doubt = 0, 0, Erased, 0, false
	other.slots[0].tries, other.slots[0].atMSID, other.ranges[1].cfg.Length, other.ranges[0].readLocked = 0, false, 9, false
	require.True(t, knownRecord().sameKeys(other))
	require.True(t, constant([]byte{7, 7, 7}, 7))
	require.False(t, constant([]byte{7, 7, 8}, 7) || constant([]byte{7}, 8) || constant(nil, 0))
}
