package encgroup

import (
	"bytes"
	"errors"
	"slices"
	"strings"
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
		if rapid.Bool().Draw(t, "extended") {
			extend(t, &r, text)
		}
		copy(r.Wrapped[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 40, 40).Draw(t, "wrapped"))
		copy(r.Signature[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "signature"))
		for _, s := range rapid.SliceOfNDistinct(text, 0, 5, rapid.ID[string]).Draw(t, "serials") {
			last := rapid.Uint32Range(1, 1<<32-1).Draw(t, "last")
			m := Member{Serial: s, Last: last, Generation: rapid.Uint32Range(0, last).Draw(t, "generation")}
			if rapid.Bool().Draw(t, "after an earlier group key") {
				m.First = rapid.Uint32Range(1, last).Draw(t, "first")
				m.Generation = max(m.Generation, m.First)
			} else if r.rekeying() && rapid.Bool().Draw(t, "moved") {
				m.Next = rapid.Uint32Range(1, last).Draw(t, "next")
				m.First = rapid.Uint32Range(0, m.Next).Draw(t, "first")
				if m.Generation != 0 {
					m.Generation = max(m.Generation, m.First)
				}
			}
			if rapid.Bool().Draw(t, "a step is pending") && m.Generation != last {
				m.Pending = last
			}
			i, _ := r.find(s)
			r.Members = append(r.Members[:i:i], append([]Member{m}, r.Members[i:]...)...)
		}
	}
	return r
}

// extend draws what only version 2 holds.
func extend(t *rapid.T, r *Record, text *rapid.Generator[string]) {
	r.NextPhase = Phase(rapid.IntRange(0, 2).Draw(t, "next phase"))
	if r.NextPhase == Enabling {
		r.NextUID, r.NextMaker = r.UID+"'", text.Draw(t, "next maker")
	}
	if n := rapid.IntRange(1, 1024).Draw(t, "recovery"); n > 1 {
		r.Recovery = bytes.Repeat([]byte{7}, n)
	}
	if rapid.Bool().Draw(t, "a group key is under way") {
		r.NextWrapped, r.NextSignature = [40]byte{0: 0}, [32]byte{1}
		r.NextWrapped[39] = 1
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "escrows") {
		e := Escrow{Public: [32]byte{byte(i)}, Sealed: [72]byte{1}}
		if r.rekeying() {
			e.Next = [72]byte{2}
		}
		r.Escrows = append(r.Escrows, e)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		entries, err := r.Entries()
		require.NoError(t, err)
		back, err := ReadRecord(rapid.Permutation(entries).Draw(t, "order"))
		require.NoError(t, err)
		require.Equal(t, r, back)

		which := rapid.IntRange(0, len(entries)-1).Draw(t, "entry")
		b := entries[which].Bytes
		at := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		bent := bytes.Clone(b)
		bent[at/8] ^= 1 << (at % 8)
		for why, bad := range map[string][]byte{
			"a flipped bit is found":             bent,
			"a cut record is found":              b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")],
			"what follows an entry is found":     append(b[:len(b):len(b)], 0),
			"a check sum goes with its own text": append(bent[:len(b)-4:len(b)-4], 0, 0, 0, 0),
		} {
			entries[which].Bytes = bad
			_, err := ReadRecord(entries)
			require.ErrorIs(t, err, ErrRecord, why)
		}
	})
}

// TestRecordsThatCanNotBe have a good check sum and are refused all the same.
func TestRecordsThatCanNotBe(t *testing.T) {
	good := func() Record {
		return Record{
			Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, Signature: [32]byte{1},
			Members: []Member{{Serial: "A", Generation: 1, Pending: 0, Last: 1}, {Serial: "B", Generation: 1, Pending: 2, Last: 2}},
		}
	}
	for why, bend := range map[string]func(*Record){
		"phase 4, need 0 to 3":                               func(r *Record) { r.Phase = 4 },
		"a data key that does not fit phase 3":               func(r *Record) { r.UID = "" },
		"a data key that does not fit phase 1":               func(r *Record) { r.Phase = Prepare },
		"a wrapped group key that does not fit phase 3":      func(r *Record) { r.Wrapped = [40]byte{} },
		"members in phase 2":                                 func(r *Record) { r.Phase, r.Wrapped = Enabling, [40]byte{} },
		`member "A" is out of order`:                         func(r *Record) { r.Members[1].Serial = "A" },
		`serial number "", need 1 to 20`:                     func(r *Record) { r.Members[0].Serial = "" },
		"printable ASCII":                                    func(r *Record) { r.Members[0].Serial = "A\n" },
		"21 characters":                                      func(r *Record) { r.Members[0].Serial = "21 characters are too" },
		`member "A" has generation 2, pending 0, last 1`:     func(r *Record) { r.Members[0].Generation = 2 },
		`member "A" has generation 1, pending 1, last 1`:     func(r *Record) { r.Members[0].Pending = 1 },
		`member "B" has generation 1, pending 3, last 2`:     func(r *Record) { r.Members[1].Pending = 3 },
		`member "A" has generation 0, pending 0, last 0`:     func(r *Record) { r.Members[0] = Member{Serial: "A"} },
		"kind 2, need 0 or 1":                                func(r *Record) { r.Kind = 2 },
		"members in phase 3 of a group of kind TCT":          func(r *Record) { r.Kind = TCT },
		"a next group key in phase 3 of a group of kind TCT": func(r *Record) { r.Kind, r.Members, r.NextWrapped = TCT, nil, [40]byte{2} },
		"a next data key in phase 3":                         func(r *Record) { r.NextPhase = Enabled },
		"a next data key that does not fit its phase 0":      func(r *Record) { r.NextUID = "v" },
		"a next data key that does not fit its phase 2":      func(r *Record) { r.NextPhase, r.NextUID = Enabling, "v" },
		"a next data key that is the present one":            func(r *Record) { r.NextPhase, r.NextUID, r.NextMaker = Enabling, "u", "m" },
		"a next group key that is the present one":           func(r *Record) { r.NextWrapped = r.Wrapped },
		"a signature of a next group key that is not there":  func(r *Record) { r.NextSignature[0] = 1 },
		"a recovery key of 1025 bytes":                       func(r *Record) { r.Recovery = make([]byte, 1025) },
		"with 3 escrows":                                     func(r *Record) { r.Escrows = make([]Escrow, 3) },
		"two escrows for one public key":                     func(r *Record) { r.Escrows = []Escrow{{Sealed: [72]byte{1}}, {Sealed: [72]byte{1}}} },
		"an escrow that does not fit the group keys":         func(r *Record) { r.Escrows = make([]Escrow, 1) },
		"pending 0, last 1, first 2, next 0":                 func(r *Record) { r.Members[0].First = 2 },
		"pending 2, last 2, first 0, next 1":                 func(r *Record) { r.Members[1].Next = 1 },
		"last 1, first 3, next 0":                            func(r *Record) { r.Members[0] = Member{Serial: "A", Last: 1, First: 3} },
		"1048577 members, at most 1048576":                   func(r *Record) { r.Members = make([]Member, membersMax+1) },
		"need 1 to 20":                                       func(r *Record) { r.Members = make([]Member, membersMax) }, // not too many
		"label":                                              func(r *Record) { r.Label = string(make([]byte, 65)) },
		"an identifier longer than 255 bytes":                func(r *Record) { r.UID = string(make([]byte, 256)) },
	} {
		r := good()
		_, err := r.Entries()
		require.NoError(t, err)
		bend(&r)
		_, err = r.Entries()
		require.ErrorIs(t, err, ErrImpossible, why)
		require.NotErrorIs(t, err, ErrRecord, "no medium made it so: %s", why)
		require.ErrorContains(t, err, why)
	}

	r := good()
	forms := map[string][]Entry{"whole": r.whole(t)}
	var err error
	forms["in entries"], err = r.Entries()
	require.NoError(t, err)
	for form, c := range map[string]struct {
		entry int
		bends map[string]func([]byte) []byte
	}{
		"whole": {0, map[string]func([]byte) []byte{
			"it does not begin like one": func(b []byte) []byte { b[0] = 'G'; return b },
			"version 9, need 1 to 3":     func(b []byte) []byte { b[4] = 9; return b },
			"phase 7":                    func(b []byte) []byte { b[5] = 7; return b },
			"it ends too early":          func(b []byte) []byte { b[6] = 200; return b },
			"14 bytes follow it":         func(b []byte) []byte { b[len(b)-2*(1+1+12)-1] = 1; return b },
		}},
		"in entries": {0, map[string]func([]byte) []byte{
			"it does not begin like one":              func(b []byte) []byte { b[0] = 'G'; return b },
			"version 0, need 1 to 3":                  func(b []byte) []byte { b[4] = 0; return b },
			"it ends too early":                       func(b []byte) []byte { return b[:len(b)-1] },
			"1 bytes follow it":                       func(b []byte) []byte { return append(b, 0) },
			"of 2 members, where it was saved with 3": func(b []byte) []byte { b[len(b)-33]++; return b },
			"its entries were not saved together":     func(b []byte) []byte { b[len(b)-1]++; return b },
			"16777218 members, at most 1048576":       func(b []byte) []byte { b[len(b)-36]++; return b },
		}},
	} {
		for why, bend := range c.bends {
			entries := slices.Clone(forms[form])
			b := entries[c.entry].Bytes
			entries[c.entry].Bytes = appendChecksum(bend(bytes.Clone(b[:len(b)-4])))
			_, err := ReadRecord(entries)
			require.ErrorIs(t, err, ErrImpossible, "the check sum is good: no medium did that")
			require.ErrorContains(t, err, why)
		}
	}
	_, err = ReadRecord([]Entry{{Bytes: []byte("FDEG")}})
	require.ErrorContains(t, err, "it ends after 4 bytes")
	_, err = ReadRecord([]Entry{{Bytes: appendChecksum([]byte("FDEG\x01\x00"))}})
	require.ErrorIs(t, err, ErrImpossible, "ten bytes have a check sum")
	_, err = ReadRecord(forms["in entries"][1:])
	require.ErrorIs(t, err, ErrRecord)
	require.ErrorContains(t, err, "the entry of the group is missing")
	for why, bend := range map[string]func([]byte) []byte{
		`member "A": version 2, need 1`:                                                  func(b []byte) []byte { b[4] = 2; return b },
		`the entry of member "A" is that of "D"`:                                         func(b []byte) []byte { b[6] = 'D'; return b },
		`member "A": encgroup: the group's record contradicts itself: it ends too early`: func(b []byte) []byte { return b[:len(b)-1] },
		`it does not begin like one`:                                                     func(b []byte) []byte { b[3] = 'G'; return b },
	} {
		entries := slices.Clone(forms["in entries"])
		b := entries[1].Bytes
		entries[1].Bytes = appendChecksum(bend(bytes.Clone(b[:len(b)-4])))
		_, err := ReadRecord(entries)
		require.ErrorIs(t, err, ErrImpossible)
		require.ErrorContains(t, err, why)
	}

	// What just goes.
	long := strings.Repeat("n", 255)
	for _, r := range []Record{
		{Phase: Prepare, Label: strings.Repeat("~", 64)},
		{Phase: Enabling, UID: long, Maker: long},
		{Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, NextPhase: Enabling, NextUID: long, NextMaker: long, Members: []Member{{Serial: strings.Repeat("~", 20), Pending: 1, Last: 1}}},
	} {
		entries, err := r.Entries()
		require.NoError(t, err)
		back, err := ReadRecord(entries)
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	require.ErrorContains(t, checkSerial("\x7f"), "printable")
}

// FuzzRecord: no input crashes the reader or makes it allocate without bound, and
// what it accepts has one encoding only.
func FuzzRecord(f *testing.F) {
	for _, r := range []Record{
		{},
		{Phase: Prepare, Label: "x"},
		{Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, Members: []Member{{Serial: "A", Generation: 1, Pending: 0, Last: 1}, {Serial: "B", Generation: 0, Pending: 2, Last: 2}, {Serial: "C", Generation: 0, Pending: 0, Last: 9}}},
		{
			Phase: Enabled, UID: "u", Maker: "m", Wrapped: [40]byte{1}, NextPhase: Enabling, NextUID: "v", NextMaker: "n", NextWrapped: [40]byte{2}, Recovery: []byte{1},
			Escrows: []Escrow{{Sealed: [72]byte{1}, Next: [72]byte{2}}}, Members: []Member{{Serial: "A", Generation: 4, Last: 4, First: 2, Next: 3}},
		},
	} {
		b := r.whole(f)[0].Bytes
		f.Add(b[:len(b)-4], []byte(nil))
		entries, err := r.Entries()
		require.NoError(f, err)
		b = entries[0].Bytes
		if len(entries) == 1 {
			f.Add(b[:len(b)-4], []byte(nil))
			continue
		}
		only := r
		only.Members = r.Members[:1]
		entries, err = only.Entries()
		require.NoError(f, err)
		b = entries[0].Bytes
		f.Add(b[:len(b)-4], entries[1].Bytes[:len(entries[1].Bytes)-4])
	}
	f.Fuzz(func(t *testing.T, b, member []byte) {
		// The check sums are added here: a fuzzer does not find one.
		entries := []Entry{{Bytes: appendChecksum(bytes.Clone(b))}}
		if member != nil {
			entries = append(entries, Entry{"A", appendChecksum(bytes.Clone(member))})
		}
		r, err := ReadRecord(entries)
		if err != nil {
			require.True(t, errors.Is(err, ErrRecord) || errors.Is(err, ErrImpossible))
			return
		}
		again, err := r.Entries()
		require.NoError(t, err)
		if b[4] == recordParted {
			require.Equal(t, entries, again)
		}
	})
}
