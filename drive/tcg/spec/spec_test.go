package spec

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bytes of an Enterprise device, by hand from the layouts of the specifications.
const enterprise = `000000A8 00000001 0000000000000000
	0000000000000000000000000000000000000000000000000000000000000000
	0001 10 0C 51 0000000000000000000000
	0002 10 0C 0F 0000000000000000000000
	0003 10 1C 01 00000000000000 00001000 0000000000000008 0000000000000001
	0100 10 10 07FE 0002 01 0000000000000000000000
	0402 20 0C 03 01 00000000000000000000`

func TestDiscoveryByHand(t *testing.T) {
	wire, err := hex.DecodeString(strings.Join(strings.Fields(enterprise), ""))
	require.NoError(t, err)
	wire[3] = byte(len(wire) - 4)
	features := []interface{ Feature() Feature }{
		TPer{Sync: true, Streaming: true, ComIDMgmt: true},
		Locking{Supported: true, Enabled: true, Locked: true, MediaEncryption: true},
		Geometry{Align: true, LogicalBlockSize: 4096, AlignmentGranularity: 8, LowestAlignedLBA: 1},
		Enterprise{BaseComID: 0x7FE, ComIDs: 2, RangeCrossing: true},
		BlockSID{NotMSID: true, Blocked: true, ClearedByReset: true},
	}
	d := Discovery{Revision: 1}
	for _, f := range features {
		d.Features = append(d.Features, f.Feature())
	}
	require.Equal(t, hex.EncodeToString(wire), hex.EncodeToString(d.Append(nil)))

	back, err := ParseDiscovery(append(wire, 0, 0, 0, 0))
	require.NoError(t, err)
	require.Equal(t, &d, back)
	tp, ok := back.TPer()
	require.True(t, ok)
	require.Equal(t, features[0], tp)
	l, _ := back.Locking()
	require.Equal(t, features[1], l)
	g, _ := back.Geometry()
	require.Equal(t, features[2], g)
	e, _ := back.Enterprise()
	require.Equal(t, features[3], e)
	s, _ := back.BlockSID()
	require.Equal(t, features[4], s)
	_, ok = back.Find(FeatureOpal2)
	require.False(t, ok)
}

// The bytes of the features of an Opal device, by hand too.
func TestOpalFeaturesByHand(t *testing.T) {
	wire, err := hex.DecodeString(strings.Join(strings.Fields(`000000A4 00000001 0000000000000000
	0000000000000000000000000000000000000000000000000000000000000000
	0201 10 0C 00000009 05 00000000000000
	0202 10 0C 0000 0010 00A00000 00000200
	0203 22 10 1000 0001 01 0004 0009 00 00 0000000000
	0404 10 20 00 02 25 04 0001 0002 0003 0000 0000 0006 00000000000000000000000000000000`), ""))
	require.NoError(t, err)
	wire[3] = byte(len(wire) - 4)
	single := SingleUser{Objects: 9, Any: true, AdminsPlace: true}
	stores := DataStoreTables{Tables: 16, Size: 10 << 20, Alignment: 512}
	opal := Opal2{BaseComID: 0x1000, ComIDs: 1, RangeCrossing: true, Admins: 4, Users: 9}
	removal := DataRemoval{Interrupted: true, Supported: 0x25, Minutes: 4, Times: [6]uint16{1, 2, 3, 0, 0, 6}}
	d := Discovery{Revision: 1, Features: []Feature{single.Feature(), stores.Feature(), opal.Feature(), removal.Feature()}}
	require.Equal(t, hex.EncodeToString(wire), hex.EncodeToString(d.Append(nil)))

	back, err := ParseDiscovery(wire)
	require.NoError(t, err)
	for _, c := range []struct {
		want any
		got  func() (any, bool)
	}{
		{single, func() (any, bool) { return pair(back.SingleUser()) }},
		{stores, func() (any, bool) { return pair(back.DataStoreTables()) }},
		{opal, func() (any, bool) { return pair(back.Opal2()) }},
		{removal, func() (any, bool) { return pair(back.DataRemoval()) }},
	} {
		got, ok := c.got()
		require.True(t, ok)
		require.Equal(t, c.want, got)
	}
	back.Features[2].Data = back.Features[2].Data[:6]
	short, ok := back.Opal2()
	require.True(t, ok)
	require.Equal(t, Opal2{BaseComID: 0x1000, ComIDs: 1, RangeCrossing: true}, short, "what an older device does not say is zero")
}

func pair[T any](v T, ok bool) (any, bool) { return v, ok }

func FuzzDiscovery(f *testing.F) {
	wire, _ := hex.DecodeString(strings.Join(strings.Fields(enterprise), ""))
	f.Add(wire)
	f.Add(append(wire[:48:48], 0, 1, 0x10, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDiscovery(b)
		if err != nil {
			return
		}
		back, err := ParseDiscovery(d.Append(nil))
		require.NoError(t, err)
		require.Equal(t, d, back)
		d.TPer()
		d.Locking()
		d.Geometry()
		d.Enterprise()
		d.BlockSID()
	})
}

func TestUIDs(t *testing.T) {
	require.Equal(t, UID(0x0000080200000002), Band(1))
	require.Equal(t, UID(0x0000080200030001), Range(1))
	require.Equal(t, GlobalRange, Range(0))
	require.Equal(t, UID(0x0000000900008001), BandMaster(0))
	require.Equal(t, UID(0x0000000B00030009), CPINUser(9))
	require.Equal(t, UID(0x0000100200000000), DataStore(2))
	require.Equal(t, UID(0x0000000100000804), MBRTable.TableRow())
	require.Equal(t, LockingTable, Band(3).Table())
	require.Equal(t, "00000205 00010001", EnterpriseLockingSP.String())
	require.Equal(t, 9, Column(LockingTable, "LockOnReset"))
	require.Equal(t, -1, Column(LockingTable, "lockonreset"))
	require.Equal(t, 20, len(Columns(Band(2))))
	require.Equal(t, "Get", MethodName(EnterpriseGet))
	require.Equal(t, "tcg: AUTHORITY_LOCKED_OUT", AuthorityLockedOut.Error())
	require.Equal(t, "status 77", Status(0x77).String())
}

func TestNames(t *testing.T) {
	for u, name := range map[UID]string{
		AdminSP: "Admin SP", EnterpriseLockingSP: "Locking SP", SID: "SID", CPINSID: "C_PIN_SID", BandMaster(0): "BandMaster0",
		BandMaster(15): "BandMaster15", CPINBandMaster(3): "C_PIN_BandMaster3", EraseMaster: "EraseMaster", Band(0): "Global_Range", Band(2): "Band2",
		Range(1): "Range1", User(9): "User9", CPINUser(1): "C_PIN_User1", Admin(4): "Admin4", AdminSPAdmin(1): "Admin1",
		BandKey(1): "Band_Key1", RangeKey(2): "Range_Key2", DataStore(1): "DataStore", DataStore(3): "DataStore3", MBRTable: "MBR",
		SPInfoRow: "SPInfo row 1", 0x12345678_00000001: "12345678 00000001", PSID: "PSID",
	} {
		require.Equal(t, name, Name(u), u.String())
	}
}

func TestOpalDiscoveryByHand(t *testing.T) {
	hexOf := func(f Feature) string {
		d := Discovery{Features: []Feature{f}}
		return hex.EncodeToString(d.Append(nil)[discoveryHeader:])
	}
	want := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	opal := Opal2{BaseComID: 0x1000, ComIDs: 1, RangeCrossing: true, Admins: 4, Users: 9}
	require.Equal(t, want("0203 22 10 1000 0001 01 0004 0009 00 00 0000000000"), hexOf(opal.Feature()))
	stores := DataStoreTables{Tables: 1, Size: 10 << 20, Alignment: 1}
	require.Equal(t, want("0202 10 0C 0000 0001 00A00000 00000001"), hexOf(stores.Feature()))
	d := Discovery{Features: []Feature{opal.Feature(), stores.Feature()}}
	got, ok := d.Opal2()
	require.True(t, ok)
	require.Equal(t, opal, got)
	tables, ok := d.DataStoreTables()
	require.True(t, ok)
	require.Equal(t, stores, tables)
	removal := DataRemoval{InProgress: true, Supported: 1<<DataRemovalBlock | 1<<DataRemovalCrypto, Minutes: 1 << DataRemovalBlock, Times: [6]uint16{0, 3, 1, 0, 0, 9}}
	require.Equal(t, want("0404 10 20 00 01 06 02 0000 0003 0001 0000 0000 0009 00000000000000000000000000000000"), hexOf(removal.Feature()))
	d.Features = append(d.Features, removal.Feature())
	r, ok := d.DataRemoval()
	require.True(t, ok)
	require.Equal(t, removal, r)
	_, ok = (&Discovery{}).Opal2()
	require.False(t, ok)
}
