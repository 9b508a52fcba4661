package token

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	require.NoError(t, err)
	return b
}

// The bytes are written by hand from Core 3.2.2.3.1: the header of each kind of atom, its limits.
func TestTokensByHand(t *testing.T) {
	for _, c := range []struct {
		wire string
		want Token
		back string // what Append writes, if it is shorter
	}{
		{"00", Token{Kind: Uint}, ""},
		{"3F", Token{Kind: Uint, Uint: 63}, ""},
		{"40", Token{Kind: Int}, ""},
		{"5F", Token{Kind: Int, Int: 31}, ""},
		{"60", Token{Kind: Int, Int: -32}, ""},
		{"7F", Token{Kind: Int, Int: -1}, ""},
		{"81 40", Token{Kind: Uint, Uint: 64}, ""},
		{"81 FF", Token{Kind: Uint, Uint: 255}, ""},
		{"81 05", Token{Kind: Uint, Uint: 5}, "05"},
		{"82 01 00", Token{Kind: Uint, Uint: 256}, ""},
		{"83 06 00 00", Token{Kind: Uint, Uint: 0x60000}, "84 00060000"},
		{"84 00 00 00 01", Token{Kind: Uint, Uint: 1}, "01"},
		{"84 FF FF FF FF", Token{Kind: Uint, Uint: math.MaxUint32}, ""},
		{"88 FFFFFFFFFFFFFFFF", Token{Kind: Uint, Uint: math.MaxUint64}, ""},
		{"89 00 FFFFFFFFFFFFFFFF", Token{Kind: Uint, Uint: math.MaxUint64}, "88 FFFFFFFFFFFFFFFF"},
		{"91 80", Token{Kind: Int, Int: -128}, ""},
		{"91 20", Token{Kind: Int, Int: 32}, ""},
		{"92 FF 7F", Token{Kind: Int, Int: -129}, ""},
		{"94 80000000", Token{Kind: Int, Int: math.MinInt32}, ""},
		{"98 8000000000000000", Token{Kind: Int, Int: math.MinInt64}, ""},
		{"99 FF 8000000000000000", Token{Kind: Int, Int: math.MinInt64}, "98 8000000000000000"},
		{"C0 01 07", Token{Kind: Uint, Uint: 7}, "07"},
		{"C8 02 FF FE", Token{Kind: Int, Int: -2}, "7E"},
		{"E0 000001 09", Token{Kind: Uint, Uint: 9}, "09"},
		{"E1 000002 FF FE", Token{Kind: Int, Int: -2}, "7E"},
		{"A0", Token{Kind: Bytes, Bytes: []byte{}}, ""},
		{"D0 00", Token{Kind: Bytes, Bytes: []byte{}}, "A0"},
		{"A3 50 49 4E", Token{Kind: Bytes, Bytes: []byte("PIN")}, ""},
		{"A8 00000205 00010001", Token{Kind: Bytes, Bytes: []byte{0, 0, 2, 5, 0, 1, 0, 1}}, ""},
		{"B1 41", Token{Kind: Bytes, Bytes: []byte("A"), Continued: true}, ""},
		{"D0 10" + strings.Repeat(" 5A", 16), Token{Kind: Bytes, Bytes: []byte(strings.Repeat("Z", 16))}, ""},
		{"D8 10" + strings.Repeat(" 5A", 16), Token{Kind: Bytes, Bytes: []byte(strings.Repeat("Z", 16)), Continued: true}, ""},
		{"D7 FF" + strings.Repeat("5A", 2047), Token{Kind: Bytes, Bytes: []byte(strings.Repeat("Z", 2047))}, ""},
		{"E2 000800" + strings.Repeat("5A", 2048), Token{Kind: Bytes, Bytes: []byte(strings.Repeat("Z", 2048))}, ""},
		{"E3 000800" + strings.Repeat("5A", 2048), Token{Kind: Bytes, Bytes: []byte(strings.Repeat("Z", 2048)), Continued: true}, ""},
		{"F0", Token{Kind: StartList}, ""},
		{"F1", Token{Kind: EndList}, ""},
		{"F2", Token{Kind: StartName}, ""},
		{"F3", Token{Kind: EndName}, ""},
		{"F8", Token{Kind: Call}, ""},
		{"F9", Token{Kind: EndOfData}, ""},
		{"FA", Token{Kind: EndOfSession}, ""},
		{"FB", Token{Kind: StartTransaction}, ""},
		{"FC", Token{Kind: EndTransaction}, ""},
		{"FF", Token{Kind: Empty}, ""},
	} {
		wire := unhex(t, c.wire)
		got, n, err := Next(append(wire[:len(wire):len(wire)], 0xEE))
		require.NoError(t, err, c.wire)
		require.Equal(t, c.want, got, c.wire)
		require.Equal(t, len(wire), n, c.wire)
		if c.back == "" {
			c.back = c.wire
		}
		require.Equal(t, unhex(t, c.back), Append(nil, got), c.wire)
	}
}

func TestBytesThatAreNoToken(t *testing.T) {
	for wire, why := range map[string]string{
		"":                       "the stream ends",
		"80":                     "an integer of no bytes",
		"90":                     "an integer of no bytes",
		"C0 00":                  "an integer of no bytes",
		"E0 000000":              "an integer of no bytes",
		"82 01":                  "an atom of 2 bytes, 1 are there",
		"A8 0000":                "an atom of 8 bytes, 2 are there",
		"D0":                     "a header of 2 bytes",
		"D0 20 00":               "an atom of 32 bytes, 1 are there",
		"E2 00 00":               "a header of 4 bytes",
		"E2 FFFFFF 00":           "an atom of 16777215 bytes, 1 are there",
		"89 01 0000000000000000": "need one that fits 64 bits",
		"99 FF 7FFFFFFFFFFFFFFF": "need one that fits 64 bits",
		"99 00 8000000000000000": "need one that fits 64 bits",
		"E4":                     "E4 is a reserved token",
		"EF":                     "EF is a reserved token",
		"F4":                     "F4 is a reserved token",
		"F7":                     "F7 is a reserved token",
		"FD":                     "FD is a reserved token",
		"FE":                     "FE is a reserved token",
	} {
		_, n, err := Next(unhex(t, wire))
		require.ErrorContains(t, err, why, wire)
		require.Zero(t, n, wire)
	}
}

// The call with which sedutil opens an Enterprise session: StartSession on the session manager.
const startSession = `F8 A8 00000000000000FF A8 000000000000FF02
	F0 81 69 A8 0000020500010001 01 F2 AE 53657373696F6E54696D656F7574 82 EA60 F3 F1 F9 F0 00 00 00 F1`

func TestReaderTakesACallApart(t *testing.T) {
	r := NewReader(unhex(t, "FF "+startSession+" FF"), Limits{})
	_, err := r.Expect(Call)
	require.NoError(t, err)
	for _, want := range []uint64{0xFF, 0xFF02} {
		v, err := r.Value()
		require.NoError(t, err)
		u, ok := v.UID()
		require.True(t, ok)
		require.Equal(t, want, u)
	}
	v, err := r.Value()
	require.NoError(t, err)
	require.True(t, v.Equal(L(U(105), UID(uint64(0x0000020500010001)), Bool(true), N(S("SessionTimeout"), U(60000)))))
	_, err = r.Expect(EndOfData)
	require.NoError(t, err)
	v, err = r.Value()
	require.NoError(t, err)
	require.True(t, v.Equal(L(U(0), U(0), U(0))))
	require.False(t, r.More())
}

func TestStreamsThatAreMalformed(t *testing.T) {
	for wire, why := range map[string]string{
		"F0 01":                            "byte 2: the stream ends",
		"F1":                               "byte 0: EndList, need a value",
		"F0 F3":                            "byte 1: EndName, need a value",
		"F2 01 F3":                         "byte 2: EndName, need a value",
		"F2 01 02 03":                      "byte 3: uint, need EndName",
		"F2 F0 F1 02 F3":                   "byte 1: a name that is no atom",
		"F0 F8 F1":                         "byte 1: Call, need a value",
		"B1 41 A1 42":                      "byte 0: a continued token",
		"D0 20" + strings.Repeat("00", 32): "byte 0: a token of 34 bytes, at most 33",
		strings.Repeat("F0", 5):            "byte 4: nested deeper than 4",
	} {
		_, err := Parse(unhex(t, wire), Limits{MaxIndTokenSize: 33, Depth: 4})
		require.ErrorContains(t, err, why, wire)
	}
}

func TestContinuedValues(t *testing.T) {
	l := Limits{Continued: true, MaxAggTokenSize: 3}
	v, err := Parse(unhex(t, "B1 41 B1 42 A1 43"), l)
	require.NoError(t, err)
	require.True(t, v[0].Equal(S("ABC")))
	_, err = Parse(unhex(t, "B1 41 B2 4242 A1 43"), l)
	require.ErrorContains(t, err, "more than 3 bytes")
	_, err = Parse(unhex(t, "B1 41 01"), l)
	require.ErrorContains(t, err, "uint, need bytes")
	_, err = Parse(unhex(t, "B1 41"), l)
	require.ErrorContains(t, err, "the stream ends")
}

// A ComPacket by hand: ComID 07FE, one Packet of the session manager, one Subpacket of 5 bytes and
// 3 of padding.
const comPacket = `00000000 07FE 0000 00000000 00000000 0000002C
	00000000 00000000 00000000 0000 0000 00000000 00000014
	000000000000 0000 00000005 F0F1F90001 000000`

func TestComPacketByHand(t *testing.T) {
	wire := unhex(t, comPacket)
	want := &ComPacket{ComID: 0x7FE, Packets: []Packet{{Subpackets: []Subpacket{{Payload: unhex(t, "F0F1F90001")}}}}}
	require.Equal(t, wire, want.Append(nil))
	got, err := ParseComPacket(append(wire[:len(wire):len(wire)], make([]byte, 512-len(wire))...))
	require.NoError(t, err)
	require.Equal(t, want, got)

	// A session's packet with credit control in front of its data.
	wire = unhex(t, `00000000 1001 0002 00000010 00000020 00000038
		00001001 00000069 00000007 0000 0002 00000006 00000020
		000000000000 8001 00000004 00001000
		000000000000 0000 00000001 FA 000000`)
	got, err = ParseComPacket(wire)
	require.NoError(t, err)
	require.Equal(t, &ComPacket{ComID: 0x1001, Extension: 2, Outstanding: 16, MinTransfer: 32, Packets: []Packet{{
		TSN: 0x1001, HSN: 0x69, Seq: 7, AckType: Nak, Ack: 6,
		Subpackets: []Subpacket{{CreditControl, []byte{0, 0, 0x10, 0}}, {Data, []byte{0xFA}}},
	}}}, got)
	require.Equal(t, wire, got.Append(nil))
}

func TestComPacketsThatAreMalformed(t *testing.T) {
	change := func(at int, v byte) []byte {
		b := unhex(t, comPacket)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		wire []byte
		why  string
	}{
		{nil, "0 bytes, the header of a ComPacket has 20"},
		{change(0, 0)[:19], "19 bytes, the header of a ComPacket has 20"},
		{change(16, 0xFF), "byte 16: a ComPacket of 4278190124 bytes, 44 are there"},
		{change(19, 0x2D), "byte 16: a ComPacket of 45 bytes, 44 are there"},
		{change(19, 0x17), "byte 20: 23 bytes, the header of a Packet has 24"},
		{change(19, 0x28), "byte 40: a Packet of 20 bytes, 16 are there"},
		{change(43, 0x15), "byte 40: a Packet of 21 bytes, 20 are there"},
		{change(43, 0x0B), "byte 44: 11 bytes, the header of a Subpacket has 12"},
		{change(55, 0x09), "byte 52: a Subpacket of 9 bytes, 8 are there"},
		{change(43, 0x12), "byte 52: a Subpacket of 5 bytes without the padding to 4"},
	} {
		_, err := ParseComPacket(c.wire)
		require.ErrorContains(t, err, c.why)
	}
	c, err := ParseComPacket(change(19, 0))
	require.NoError(t, err)
	require.Empty(t, c.Packets, "a ComPacket without packets is an empty one")
}
