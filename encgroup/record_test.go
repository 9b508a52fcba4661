package encgroup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var rangePrintable = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x20, Hi: 0x7E, Stride: 1}}, LatinOffset: 1}

func drawRecord(t *rapid.T) Record {
	text := rapid.StringOfN(rapid.RuneFrom(nil, rangePrintable), 1, 20, 20)
	r := Record{Phase: Phase(rapid.IntRange(0, 3).Draw(t, "phase"))}
	r.Label = rapid.StringOfN(rapid.RuneFrom(nil, rangePrintable), 0, 64, 64).Draw(t, "label")
	if r.Phase >= Enabling {
		r.UID, r.Maker = text.Draw(t, "uid"), text.Draw(t, "maker")
	}
	if r.Phase == Enabled {
		copy(r.Wrapped[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 40, 40).Draw(t, "wrapped"))
		copy(r.Signature[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "signature"))
		for _, s := range rapid.SliceOfNDistinct(text, 0, 5, rapid.ID[string]).Draw(t, "serials") {
			last := rapid.Uint32Range(1, 1<<32-1).Draw(t, "last")
			m := Member{Serial: s, Last: last, Generation: rapid.Uint32Range(0, last).Draw(t, "generation")}
			if rapid.Bool().Draw(t, "a step is pending") && m.Generation != last {
				m.Pending = last
			}
			i, _ := r.find(s)
			r.Members = append(r.Members[:i:i], append([]Member{m}, r.Members[i:]...)...)
		}
	}
	return r
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		b, err := r.MarshalBinary()
		require.NoError(t, err)
		var back Record
		require.NoError(t, back.UnmarshalBinary(b))
		require.Equal(t, r, back)

		at := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		bent := bytes.Clone(b)
		bent[at/8] ^= 1 << (at % 8)
		require.ErrorIs(t, back.UnmarshalBinary(bent), ErrRecord, "a flipped bit is found")
		require.ErrorIs(t, back.UnmarshalBinary(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]), ErrRecord, "a cut record is found")
		require.ErrorIs(t, back.UnmarshalBinary(append(b, 0)), ErrRecord, "what follows a record is found")
		require.Equal(t, r, back, "a refused record changes nothing")
	})
}

// TestRecordsThatCanNotBe have a good check sum and are refused all the same.
func TestRecordsThatCanNotBe(t *testing.T) {
	good := func() Record {
		return Record{
			Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, Signature: [32]byte{1},
			Members: []Member{{"A", 1, 0, 1}, {"B", 1, 2, 2}},
		}
	}
	for why, bend := range map[string]func(*Record){
		"phase 4, need 0 to 3":                           func(r *Record) { r.Phase = 4 },
		"a data key that does not fit phase 3":           func(r *Record) { r.UID = "" },
		"a data key that does not fit phase 1":           func(r *Record) { r.Phase = Prepare },
		"a wrapped group key that does not fit phase 3":  func(r *Record) { r.Wrapped = [40]byte{} },
		"members in phase 2":                             func(r *Record) { r.Phase, r.Wrapped = Enabling, [40]byte{} },
		`member "A" is out of order`:                     func(r *Record) { r.Members[1].Serial = "A" },
		`serial number "", need 1 to 20`:                 func(r *Record) { r.Members[0].Serial = "" },
		"printable ASCII":                                func(r *Record) { r.Members[0].Serial = "A\n" },
		"21 characters":                                  func(r *Record) { r.Members[0].Serial = "21 characters are too" },
		`member "A" has generation 2, pending 0, last 1`: func(r *Record) { r.Members[0].Generation = 2 },
		`member "A" has generation 1, pending 1, last 1`: func(r *Record) { r.Members[0].Pending = 1 },
		`member "B" has generation 1, pending 3, last 2`: func(r *Record) { r.Members[1].Pending = 3 },
		`member "A" has generation 0, pending 0, last 0`: func(r *Record) { r.Members[0] = Member{Serial: "A"} },
		"label":                               func(r *Record) { r.Label = string(make([]byte, 65)) },
		"an identifier longer than 255 bytes": func(r *Record) { r.UID = string(make([]byte, 256)) },
	} {
		r := good()
		_, err := r.MarshalBinary()
		require.NoError(t, err)
		bend(&r)
		_, err = r.MarshalBinary()
		require.ErrorIs(t, err, ErrRecord)
		require.ErrorContains(t, err, why)
	}

	r := good()
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	for why, bend := range map[string]func([]byte){
		"it has version 9, need 1": func(b []byte) { b[4] = 9 },
		"phase 7":                  func(b []byte) { b[5] = 7 },
		"it ends too early":        func(b []byte) { b[6] = 200 },
	} {
		c := bytes.Clone(b)
		bend(c)
		binary.BigEndian.PutUint32(c[len(c)-4:], crc32.Checksum(c[:len(c)-4], castagnoli))
		require.ErrorContains(t, new(Record).UnmarshalBinary(c), why)
	}
	require.ErrorContains(t, new(Record).UnmarshalBinary([]byte("FDEG")), "it ends after 4 bytes")
	require.ErrorContains(t, new(Record).UnmarshalBinary([]byte("GIF89a")), "does not begin like one")
}

func TestRecordIsPinned(t *testing.T) {
	r := Record{Phase: Prepare, Label: "L"}
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "4644454701"+"01"+"014c"+"00"+"00", fmt.Sprintf("%x", b[:10]), "facilities have records of this version")
	require.Len(t, b, 10+40+32+4+4)
}

// FuzzRecord: no input crashes the reader or makes it allocate without bound, and
// what it accepts has one encoding only.
func FuzzRecord(f *testing.F) {
	for _, r := range []Record{
		{},
		{Phase: Prepare, Label: "x"},
		{Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, Members: []Member{{"A", 1, 0, 1}, {"B", 0, 2, 2}, {"C", 0, 0, 9}}},
	} {
		b, err := r.MarshalBinary()
		require.NoError(f, err)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// The check sum is added here: a fuzzer does not find one.
		b = binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
		var r Record
		if err := r.UnmarshalBinary(b); err != nil {
			require.ErrorIs(t, err, ErrRecord)
			return
		}
		again, err := r.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}
