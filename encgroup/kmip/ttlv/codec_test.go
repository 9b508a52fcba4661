package ttlv

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	require.NoError(t, err)
	return b
}

// TestVectorsOfTheSpecification: KMIP 1.4, section 9.1.2.
func TestVectorsOfTheSpecification(t *testing.T) {
	for _, v := range []struct {
		item Item
		hex  string
	}{
		{Int(0x420020, 8), "42 00 20 | 02 | 00 00 00 04 | 00 00 00 08 00 00 00 00"},
		{Long(0x420020, 123456789000000000), "42 00 20 | 03 | 00 00 00 08 | 01 B6 9B 4B A5 74 92 00"},
		{
			Item{Tag: 0x420020, Type: BigInteger, Bytes: unhex(t, "0000000003FD35EB6BC2DF4618080000")},
			"42 00 20 | 04 | 00 00 00 10 | 00 00 00 00 03 FD 35 EB 6B C2 DF 46 18 08 00 00",
		},
		{Enum(0x420020, uint32(255)), "42 00 20 | 05 | 00 00 00 04 | 00 00 00 FF 00 00 00 00"},
		{Bool(0x420020, true), "42 00 20 | 06 | 00 00 00 08 | 00 00 00 00 00 00 00 01"},
		{Text(0x420020, "Hello World"), "42 00 20 | 07 | 00 00 00 0B | 48 65 6C 6C 6F 20 57 6F 72 6C 64 00 00 00 00 00"},
		{Bytes(0x420020, []byte{1, 2, 3}), "42 00 20 | 08 | 00 00 00 03 | 01 02 03 00 00 00 00 00"},
		{Date(0x420020, time.Date(2008, 3, 14, 11, 56, 40, 0, time.UTC)), "42 00 20 | 09 | 00 00 00 08 | 00 00 00 00 47 DA 67 F8"},
		{Seconds(0x420020, 864000), "42 00 20 | 0A | 00 00 00 04 | 00 0D 2F 00 00 00 00 00"},
		{
			Struct(0x420020, Enum(0x420004, uint32(254)), Int(0x420005, 255)),
			"42 00 20 | 01 | 00 00 00 20 | 42 00 04 | 05 | 00 00 00 04 | 00 00 00 FE 00 00 00 00 | 42 00 05 | 02 | 00 00 00 04 | 00 00 00 FF 00 00 00 00",
		},
	} {
		t.Run(v.item.Type.String(), func(t *testing.T) {
			want := unhex(t, v.hex)
			require.Equal(t, want, Append(nil, &v.item), "the bytes are those of the specification")
			require.Equal(t, len(want), v.item.Size(), "Size foretells them")
			back, err := Decode(want, Limits{})
			require.NoError(t, err)
			require.True(t, back.Equal(&v.item), "and are read as the same item")
		})
	}
}

func TestNegativeIntegers(t *testing.T) {
	for _, i := range []Item{Int(1, -1), Int(1, -1<<31), Long(1, -1), Date(1, time.Unix(-5, 0))} {
		back, err := Decode(Append(nil, &i), Limits{})
		require.NoError(t, err)
		require.Equal(t, i.Int, back.Int, "the sign survives")
	}
}

func TestMalformedIsRefused(t *testing.T) {
	deep := Struct(1)
	for range maxDepth {
		deep = Struct(1, deep)
	}
	for name, c := range map[string]struct{ in, want string }{
		"empty":               {"", "at byte 0: 0 bytes left"},
		"half a header":       {"42002002", "4 bytes left"},
		"no value":            {"4200200200000004", "needs 8 bytes, has 0"},
		"no padding":          {"420020020000000400000008", "needs 8 bytes, has 4"},
		"length of 4 GiB":     {"42002008ffffffff0000000000000000", "needs 4294967296 bytes"},
		"long integer":        {"42002002000000080000000000000001", "has 8 bytes, need 4"},
		"short date":          {"42002009000000040000000100000000", "has 4 bytes, need 8"},
		"boolean 2":           {"42002006000000080000000000000002", "neither 0 nor 1"},
		"type 0":              {"4200200000000000", "unknown type 0"},
		"type 11":             {"4200200b000000080000000000000000", "unknown type 11"},
		"dirty padding":       {"420020080000000301020300000000ff", "padding of tag 420020 is not zero"},
		"no UTF-8":            {"4200200700000001ff00000000000000", "no UTF-8"},
		"empty big integer":   {"4200200400000000", "need a multiple of 8"},
		"trailing bytes":      {"4200200800000000" + "00", "at byte 8: 1 bytes behind"},
		"crooked structure":   {"42002001000000044200200200000000", "need a multiple of 8"},
		"bad child":           {"4200200100000008" + "4200040500000004", "at byte 8: tag 420004 needs 8 bytes, has 0"},
		"too deep":            {hex.EncodeToString(Append(nil, &deep)), "deeper than 32"},
		"bad second child":    {"4200200100000018" + "4200040200000004" + "0000000100000000" + "4200050500000004", "at byte 24: tag 420005 needs 8 bytes, has 0"},
		"child beyond parent": {"4200200100000008" + "4200040800000008" + "0000000000000000", "at byte 8: tag 420004 needs 8 bytes, has 0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(unhex(t, c.in), Limits{})
			require.ErrorIs(t, err, ErrMalformed)
			require.ErrorContains(t, err, c.want, "the error says what is wrong and where")
		})
	}
}

func TestLimits(t *testing.T) {
	i := Struct(1, Struct(2, Int(3, 4)), Int(5, 6))
	b := Append(nil, &i)
	_, err := Decode(b, Limits{Items: 4, Depth: 2})
	require.NoError(t, err, "four items, two deep")
	_, err = Decode(b, Limits{Items: 3})
	require.ErrorContains(t, err, "too many items")
	_, err = Decode(b, Limits{Depth: 1})
	require.ErrorContains(t, err, "deeper than 1")
}

func TestDecoderUsesItsMemoryAgain(t *testing.T) {
	i := Struct(1, Struct(2, Int(3, 4), Text(4, "x")), Int(5, 6))
	b := Append(nil, &i)
	var d Decoder
	read := make([]Item, 2000)
	for n := range read {
		var err error
		read[n], err = d.Decode(b)
		require.NoError(t, err)
		require.LessOrEqual(t, len(d.slab), slabMost, "however much is read without a Reset, it holds little")
	}
	require.Len(t, d.slab, slabMost, "and makes room for more at once, the more is read")
	for n := range read {
		require.True(t, i.Equal(&read[n]), "what was read stays good until Reset")
	}
	used := d.slab[:d.used]
	d.Reset()
	for n := range used {
		require.Equal(t, Item{}, used[n], "then nothing is left of it")
	}
	first, err := d.Decode(b)
	require.NoError(t, err)
	require.Same(t, &used[0], &first.Items[0], "and the same memory serves again")
	require.Equal(t, 4, d.used, "room for each item in a structure, and no more")
	d.Reset()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = d.Decode(b)
		d.Reset()
	}), "and reading costs no more memory")
	big := Struct(1)
	for range 2 * slabMost {
		big.Add(Int(2, 3))
	}
	_, err = d.Decode(Append(nil, &big))
	require.NoError(t, err)
	d.Reset()
	require.Empty(t, d.slab, "a big one is not kept for ever")

	for range 2 {
		dozen := Struct(1)
		for range 11 {
			dozen.Add(Text(2, "x"))
		}
		dozen.Add(Struct(3)) // a header and nothing behind it
		_, err = d.Decode(Append(nil, &dozen))
		require.NoError(t, err)
		require.Len(t, d.slab, 24, "room for twenty-four at first, to the last one")
	}
	require.Equal(t, 24, d.used)
	var lied Decoder
	_, err = lied.Decode(unhex(t, "4200200100000010"+"4200040800000100"+"0000000000000000"))
	require.ErrorIs(t, err, ErrMalformed)
	require.Len(t, lied.slab, 24, "a length that is wrong makes no room for what is not there")
}

// TestEqualAndClone: each field makes a difference, and a clone shares none with its original.
func TestEqualAndClone(t *testing.T) {
	whole := func() Item {
		return Struct(1, Int(2, 3), Bytes(4, []byte{5, 6}), Struct(7, Text(8, "nine")), Struct(10))
	}
	i := whole()
	require.True(t, i.Equal(&i))
	for name, bend := range map[string]func(*Item){
		"tag":                func(i *Item) { i.Tag = 2 },
		"type":               func(i *Item) { i.Items[0].Type = Enumeration },
		"number":             func(i *Item) { i.Items[0].Int = 4 },
		"bytes":              func(i *Item) { i.Items[1].Bytes[1] = 7 },
		"fewer bytes":        func(i *Item) { i.Items[1].Bytes = i.Items[1].Bytes[:1] },
		"one item more":      func(i *Item) { i.Add(Int(2, 3)) },
		"one item less":      func(i *Item) { i.Items = i.Items[:3] },
		"deep inside":        func(i *Item) { i.Items[2].Items[0].Bytes[0] = 'N' },
		"something in empty": func(i *Item) { i.Items[3].Add(Int(1, 1)) },
	} {
		o, c := whole(), i.Clone()
		require.Equal(t, i, c, "a clone is the same")
		bend(&o)
		require.False(t, i.Equal(&o), name)
		require.False(t, o.Equal(&i), name)
		bend(&c)
		require.Equal(t, whole(), i, "a clone that changes (%s) leaves its original", name)
	}
	back, err := Decode(Append(nil, &i), Limits{})
	require.NoError(t, err)
	require.Equal(t, i, back, "an empty structure is read as it was written")
}

func TestOpenAndClose(t *testing.T) {
	i := Struct(1, Struct(2, Int(3, 4)), Struct(6))
	out, one := Open(nil, 1)
	out, two := Open(out, 2)
	out = AppendAll(out, Int(3, 4))
	Close(out, two)
	out, six := Open(out, 6)
	Close(out, six)
	Close(out, one)
	require.Equal(t, Append(nil, &i), out)
}

// item draws any item.
func item(t *rapid.T, depth int) Item {
	i := Item{Tag: Tag(rapid.Uint32Max(0xffffff).Draw(t, "tag")), Type: Type(rapid.IntRange(1, 10).Draw(t, "type"))}
	if depth > 5 && i.Type == Structure {
		i.Type = Integer
	}
	switch i.Type {
	case Structure:
		for range rapid.IntRange(0, 4).Draw(t, "children") {
			i.Items = append(i.Items, item(t, depth+1))
		}
	case Integer:
		i.Int = int64(rapid.Int32().Draw(t, "value"))
	case Enumeration, Interval:
		i.Int = int64(rapid.Uint32().Draw(t, "value"))
	case Boolean:
		i.Int = int64(rapid.IntRange(0, 1).Draw(t, "value"))
	case LongInteger, DateTime:
		i.Int = rapid.Int64().Draw(t, "value")
	case TextString:
		i.Bytes = []byte(rapid.String().Draw(t, "value"))
	case ByteString:
		i.Bytes = rapid.SliceOf(rapid.Byte()).Draw(t, "value")
	case BigInteger:
		i.Bytes = bytes.Repeat([]byte{rapid.Byte().Draw(t, "value")}, 8*rapid.IntRange(1, 3).Draw(t, "words"))
	}
	return i
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := item(t, 0)
		b := Append(nil, &i)
		require.Len(t, b, i.Size())
		back, err := Decode(b, Limits{})
		require.NoError(t, err)
		require.True(t, i.Equal(&back), "wrote %v, read %v", i, back)
		c := back.Clone()
		clear(b)
		require.True(t, i.Equal(&c), "a clone does not refer to the message")
		for n := range len(b) {
			_, err := Decode(Append(nil, &i)[:n], Limits{})
			require.ErrorIs(t, err, ErrMalformed, "cut short")
		}
	})
}

func TestNothingPrintsAValue(t *testing.T) {
	for _, i := range []Item{Text(1, "open sesame"), Bytes(1, []byte("open sesame")), Struct(2, Struct(3, Bytes(1, []byte("open sesame"))))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{i, &i, []Item{i}, struct{ I Item }{i}} {
				out := fmt.Sprintf(verb, v)
				require.NotContains(t, out, "sesame", verb)
				require.NotContains(t, out, hex.EncodeToString([]byte("sesame")), verb)
				require.NotContains(t, out, "115 101 115", verb)
			}
		}
	}
}

func TestBugsPanic(t *testing.T) {
	for _, i := range []Item{{Type: 11}, {Type: Integer, Int: 1 << 31}, {Type: Enumeration, Int: -1}, {Type: Interval, Int: 1 << 32}} {
		require.Panics(t, func() { Append(nil, &i) })
	}
}

func TestFormat(t *testing.T) {
	i := Struct(0x420020, Int(1, -2), Text(2, "abc"), Bytes(3, nil), Item{Tag: 4, Type: BigInteger, Bytes: make([]byte, 8)}, Struct(5))
	require.Equal(t, "420020{000001=-2 000002=Text String(3 bytes) 000003=Byte String(0 bytes) 000004=Big Integer(8 bytes) 000005{}}", fmt.Sprint(i))
	require.Equal(t, "type 0, Interval, type 11, type 255", fmt.Sprintf("%v, %v, %v, %v", Type(0), Interval, Type(11), Type(255)))
}

func TestFormatOfADeepItemEnds(t *testing.T) {
	i := Struct(1, Int(1, 1), Int(1, 1))
	for range maxDepth + 1 {
		i = Struct(1, i)
	}
	out := fmt.Sprint(i)
	require.Equal(t, maxDepth+2, strings.Count(out, "{"))
	require.Equal(t, 1, strings.Count(out, "..."))
}

func FuzzDecode(f *testing.F) {
	for _, i := range []Item{
		Struct(0x420078, Struct(0x420077, Int(0x42000d, 1)), Text(0x420094, "uid"), Bool(7, true)),
		Bytes(1, []byte{1, 2, 3}), Date(2, time.Unix(1, 0)),
	} {
		f.Add(Append(nil, &i))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := Decode(b, Limits{})
		if err != nil {
			return
		}
		if out := Append(nil, &i); !bytes.Equal(out, b) {
			t.Fatalf("read %x, wrote %x", b, out)
		}
		_ = fmt.Sprint(i)
	})
}

func BenchmarkDecode(b *testing.B) {
	i := Struct(0x420078, Struct(0x420077, Struct(0x420069, Int(1, 1), Int(2, 4)), Int(3, 1)),
		Struct(0x42000f, Enum(0x42005c, uint32(10)), Struct(0x420079, Text(0x420094, "0123456789abcdef0123456789abcdef"))))
	in := Append(nil, &i)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(in, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
