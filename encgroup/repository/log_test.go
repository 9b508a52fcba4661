package repository

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// TestRecordVector: the page of a record, byte for byte. The vector was computed apart from this
// code, from what the comment of the format says.
func TestRecordVector(t *testing.T) {
	l := layout{base: 3, log: 2}
	for i := range l.chain {
		l.chain[i] = byte(i)
	}
	pages := l.record(0x0102030405060708, []Change{{Name: "group 1", Value: []byte("one")}, {Name: "group 2", Delete: true}})
	require.Len(t, pages, 1)
	const size = 2 + 1 + 7 + 4 + 3 + 1 + 7 + 4 + 32
	require.Equal(t, "46445250"+"0102030405060708"+"00000005"+"003d"+"0000"+"0767726f75702031"+"00000003"+"6f6e65"+"0767726f75702032"+"ffffffff"+
		"6773a1913afc65800238acc872d2191643fac10408e4fb2a4f58052ace568274", hex.EncodeToString(pages[0][:headerSize+size]))
	require.True(t, blank(pages[0][headerSize+size:PageSize-4]))
}

// TestAChangeIsAppended: once the snapshot is not small, a change takes the pages that it needs, and
// the entries are written whole again when the log is as long as the snapshot.
func TestAChangeIsAppended(t *testing.T) {
	var devices []Device
	for range 3 {
		devices = append(devices, NewMemDevice(64))
	}
	r, err := Create(entropy.Stream(1, "x"), devices...)
	require.NoError(t, err)
	require.NoError(t, r.Put("a", make([]byte, 3*contentSize-6)))
	require.NoError(t, r.Put("b", nil))
	require.Equal(t, layout{base: 5, chain: r.layout.chain}, r.layout, "a small one was written whole")
	for i := range 4 {
		require.NoError(t, r.Put("b", []byte{byte(i)}))
		require.Equal(t, 5, r.layout.base)
		require.Equal(t, i+1, r.layout.log)
	}
	require.NoError(t, r.Change(Change{Name: "c", Value: make([]byte, logSize)}), "two pages")
	require.Equal(t, 6, r.layout.base, "two pages more than the log may have")
	require.Zero(t, r.layout.log)
	require.NoError(t, r.Change(Change{Name: "c", Value: make([]byte, logSize)}, Change{Name: "b", Delete: true}, Change{Name: "b", Value: []byte("x")}))
	require.Equal(t, 2, r.layout.log)
	require.NoError(t, r.Delete("a"))
	require.Equal(t, 3, r.layout.log)
	o, rep, err := Open(devices...)
	require.NoError(t, err)
	require.Equal(t, Good, rep.Verdict)
	require.Equal(t, r.layout, o.layout)
	require.Equal(t, []string{"b", "c"}, o.Names())
	require.Equal(t, r.entries, o.entries)
	require.NoError(t, o.Delete("c"))
	require.Equal(t, 4, o.layout.log, "the log goes on after a reboot")
	require.ErrorIs(t, o.Change(Change{Name: "c", Value: nil}, Change{Name: "c", Delete: true}, Change{Name: "c", Delete: true}), ErrNoEntry)
	require.Equal(t, []string{"b"}, o.Names())
}

// TestALogInAFullSlot: there is no page behind the last record.
func TestALogInAFullSlot(t *testing.T) {
	b := newBench(t, 3).logging(0)
	require.NoError(t, b.repo.Put("certificate", []byte(strings.Repeat("c", 3*contentSize))))
	for b.repo.layout.pages() < 8 {
		require.NoError(t, b.repo.Put("group 1", []byte("more")))
	}
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, Good, rep.Verdict)
	b.require("group 1", "more", "the last page is read")
	require.NoError(t, b.repo.Put("group 1", []byte("whole")))
	require.Zero(t, b.repo.layout.log)
	b.require("group 1", "whole", "where there is no room, the entries are written whole")
}

// TestPowerCutInARecord cuts the power at each page of a record of three pages, in each mode, and
// then cuts the next change, which is shorter or longer.
func TestPowerCutInARecord(t *testing.T) {
	for _, mode := range []string{"before", "torn", "after"} {
		for n := 0; ; n++ {
			require.Less(t, n, 100, "the sweep does not end")
			first := newBench(t, 3).logging(0)
			p := first.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, n))
			_ = first.repo.Put("group 1", []byte(strings.Repeat("1", 2*logSize)))
			if len(p.Fired()) == 0 {
				require.Equal(t, 9, n, "three pages in three copies")
				break
			}
			for size := range 3 {
				for k := 0; ; k++ {
					require.Less(t, k, 100, "the sweep does not end")
					b := newBench(t, 3).logging(0)
					b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, n))
					require.ErrorIs(t, b.repo.Put("group 1", []byte(strings.Repeat("1", 2*logSize))), ErrPowerLost)
					b.bad.Disarm()
					rep, err := b.reboot()
					require.NoError(t, err)
					require.Zero(t, rep.Bad())
					if rep.Verdict == Good {
						require.True(t, n < 3 || n == 8, "all copies have the old, or the new")
					}
					value, _, err := b.repo.Read("group 1")
					require.NoError(t, err)
					require.Contains(t, []string{"one", strings.Repeat("1", 2*logSize)}, string(value))
					b.require("certificate", strings.Repeat("c", 5000), "other entries stay")

					p := b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, k))
					next := strings.Repeat("2", size*logSize)
					err = b.repo.Put("group 1", []byte(next))
					b.bad.Disarm()
					if len(p.Fired()) == 0 {
						require.NoError(t, err)
						b.require("group 1", next, "what is acknowledged is there")
						break
					}
					rep, err = b.reboot()
					require.NoError(t, err, "%s at %d, then at %d", mode, n, k)
					require.Zero(t, rep.Bad())
					got, _, err := b.repo.Read("group 1")
					require.NoError(t, err)
					require.Contains(t, []string{string(value), next}, string(got), "%s at %d, then at %d", mode, n, k)
					require.Equal(t, Good, b.repo.Check().Verdict)
					b.require("certificate", strings.Repeat("c", 5000), "other entries stay")
				}
			}
		}
	}
}

// TestDamageInALog: each page of the log rots or cannot be read, in one copy and in all of them.
func TestDamageInALog(t *testing.T) {
	const records = 3 // pages 3 to 5 of slot 0
	for page := range 3 + records {
		for fault, want := range map[string]Condition{"rot": CopyDamaged, "error": CopyUnreadable} {
			b := newBench(t, 3).logging(records)
			b.armUnchecked(fmt.Sprintf("(repository.read.%s (And (Block 1) (Page %d)))", fault, page))
			rep := b.repo.Check()
			require.Equal(t, Mismatch, rep.Verdict)
			if fault == "rot" && page < 3+records-1 {
				want = CopyStale // it is lost for sure, and the other slot is good
			}
			require.Equal(t, []Condition{CopyGood, want, CopyGood}, conditions(rep), "%s of page %d: %s", fault, page, rep)
			require.Error(t, rep.Copies[1].Err)
			b.require("count", "\x02", "the others serve")
			b.bad.Disarm()
			rep, err := b.reboot()
			require.NoError(t, err)
			require.Zero(t, rep.Bad())
			require.Equal(t, Good, b.repo.Check().Verdict)
			b.require("count", "\x02", "after the reboot")

			b = newBench(t, 3).logging(records)
			b.armUnchecked(fmt.Sprintf("(repository.read.%s (Page %d))", fault, page))
			require.Equal(t, Permanent, b.repo.Check().Verdict, "%s of page %d of all copies: what is left may be old", fault, page)
			if fault == "rot" { // a bit that flips twice is as it was
				b.bad.Disarm()
			}
			_, err = b.reboot()
			require.ErrorIs(t, err, ErrPermanent)
		}
	}
	// Behind the log nothing is lost, and in one copy nobody has to know.
	b := newBench(t, 3).logging(2)
	b.arm("(repository.read.rot (And (Block 1) (Page 5)))")
	require.Equal(t, Good, b.repo.Check().Verdict)
	b.bad.Disarm()
	require.NoError(t, b.repo.Put("count", []byte("3")))
	require.Equal(t, Good, b.repo.Check().Verdict)
}

// TestAMediumThatWasUsedBefore: behind what is written the medium has damaged pages, or pages of
// higher generations. A new repository is good all the same, and stays so while its log grows.
func TestAMediumThatWasUsedBefore(t *testing.T) {
	for name, spoil := range map[string]func(b *bench){
		"damaged pages": func(b *bench) {
			for _, d := range b.mem {
				for n := range d.Pages() {
					require.NoError(t, d.WritePage(n, []byte(strings.Repeat("x", PageSize))))
				}
			}
		},
		"higher generations": func(b *bench) {
			for i := range 40 {
				require.NoError(t, b.repo.Put("group 1", []byte(strings.Repeat("x", i*500))))
			}
		},
	} {
		b := newBench(t, 3)
		spoil(b)
		r, err := Create(entropy.Stream(2, "repository"), b.bad.Devices()...)
		require.NoError(t, err)
		b.repo, r.small = r, 0
		for i := range 20 {
			require.Equal(t, Good, r.Check().Verdict, "%s, after %d changes", name, i)
			require.NoError(t, r.Put("group 1", []byte(strings.Repeat("y", i*200))))
			b.require("group 1", strings.Repeat("y", i*200), name)
		}
	}
}

// TestAnOlderPageInTheLog: the page of a record that is that of an earlier generation, and one that
// is a generation too new.
func TestAnOlderPageInTheLog(t *testing.T) {
	b := newBench(t, 3).logging(3)
	page := make([]byte, PageSize)
	require.NoError(t, b.mem[1].ReadPage(5, page))
	require.NoError(t, b.mem[1].WritePage(4, page), "the check sum is good, the place is not")
	require.Equal(t, []Condition{CopyGood, CopyStale, CopyGood}, conditions(b.repo.Check()))
	l := b.repo.layout
	l.log = 1
	require.NoError(t, b.mem[1].WritePage(4, l.record(b.repo.newest-1, []Change{{Name: "count", Value: []byte("x")}})[0]))
	require.NotEqual(t, Good, b.repo.Check().Verdict, "a record that does not follow the one before it is none")
	_, err := b.reboot()
	require.NoError(t, err)
	b.require("count", "\x02", "the others have it")
}

// TestNothingAcknowledgedIsLostFromALog: as TestNothingAcknowledgedIsLost, with a log and several entries.
func TestNothingAcknowledgedIsLostFromALog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, 3).logging(0)
		acked := map[string]string{"certificate": strings.Repeat("c", 5000), "group 1": "one"}
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			var changes []Change
			maybe := map[string]string{}
			for k, v := range acked {
				maybe[k] = v
			}
			for range rapid.IntRange(1, 3).Draw(rt, "changes") {
				name := rapid.SampledFrom([]string{"group 1", "group 2", "a", "certificate"}).Draw(rt, "name")
				if _, ok := maybe[name]; ok && rapid.IntRange(0, 3).Draw(rt, "delete") == 0 {
					changes = append(changes, Change{Name: name, Delete: true})
					delete(maybe, name)
					continue
				}
				value := fmt.Sprintf("value %d %s", i, strings.Repeat("x", rapid.IntRange(0, 6000).Draw(rt, "size")))
				changes = append(changes, Change{Name: name, Value: []byte(value)})
				maybe[name] = value
			}
			cut := rapid.Bool().Draw(rt, "cut")
			if cut {
				b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", rapid.SampledFrom([]string{"before", "torn", "after"}).Draw(rt, "mode"), rapid.IntRange(0, 20).Draw(rt, "at")))
			}
			err := b.repo.Change(changes...)
			b.bad.Disarm()
			if err == nil {
				acked = maybe
			}
			if cut || rapid.IntRange(0, 4).Draw(rt, "reboot") == 0 {
				rep, err := b.reboot()
				require.NoError(rt, err)
				require.Zero(rt, rep.Bad(), "%s", rep)
			}
			items, _, err := b.repo.List("")
			require.NoError(rt, err)
			got := map[string]string{}
			for _, it := range items {
				got[it.Name] = string(it.Value)
			}
			if len(got) != len(acked) || fmt.Sprint(got) != fmt.Sprint(acked) {
				require.Equal(rt, maybe, got, "all of the changes, or none")
				acked = maybe
			}
		}
	})
}

// TestARecordThatCanNotBe: each page has its check sum. A record that is tied to the log by its sum and
// is none is damage; what is not tied to it lies behind the end of the log.
func TestARecordThatCanNotBe(t *testing.T) {
	const generation = 99
	base := encodeSlot([16]byte{1}, generation, encodeEntries([]entry{{"a", []byte("1")}}))
	l := snapshot(base)
	sealed := func(changes []byte) []byte {
		sum := chained(l.chain, generation+1, changes)
		return append(changes, sum[:]...)
	}
	page := func(n int, generation uint64, follow int, part []byte) []byte {
		return encodePage(generation, len(base)+n, append([]byte{byte(follow >> 8), byte(follow)}, part...))
	}
	one := func(changes ...byte) [][]byte { return [][]byte{page(0, generation+1, 0, sealed(changes))} }
	late := func(n int) []byte { return page(n, generation+1, 0, sealed([]byte{1, 'a', 0, 0, 0, 1, '2'})) }
	long := sealed(append([]byte{1, 'a', 0, 0, 0x20, 0}, make([]byte, 0x2000)...))
	two := sealed(append([]byte{1, 'a', 0, 0, 0x10, 0}, make([]byte, 0x1000)...))
	for name, c := range map[string]struct {
		pages [][]byte
		want  Condition
		why   string
		value string
	}{
		"none":                             {nil, CopyGood, "", "1"},
		"one":                              {one(1, 'a', 0, 0, 0, 1, '2'), CopyGood, "", "2"},
		"an empty value":                   {one(1, 'a', 0, 0, 0, 0), CopyGood, "", ""},
		"no changes":                       {one(), CopyGood, "", "1"},
		"a change without a length":        {one(1, 'a', 0, 0, 0), CopyDamaged, "change 0 ends too early", ""},
		"a name that ends too early":       {one(0xFF), CopyDamaged, "change 0 ends too early", ""},
		"a second change without a name":   {one(1, 'a', 0, 0, 0, 0, 1), CopyDamaged, "change 1 ends too early", ""},
		"a value that ends too early":      {one(1, 'a', 0, 0, 0, 2, '2'), CopyDamaged, "change 0 ends too early", ""},
		"a name that is none":              {one(0, 0, 0, 0, 0), CopyDamaged, "name", ""},
		"a name that does not print":       {one(1, 7, 0, 0, 0, 0), CopyDamaged, "name", ""},
		"shorter than a sum":               {[][]byte{page(0, generation+1, 0, make([]byte, 31))}, CopyGood, "", "1"},
		"another sum":                      {[][]byte{page(0, generation+1, 0, make([]byte, 32))}, CopyGood, "", "1"},
		"without a count of pages":         {[][]byte{encodePage(generation+1, len(base), []byte{0})}, CopyGood, "", "1"},
		"of the generation of the base":    {[][]byte{page(0, generation, 0, sealed(nil))}, CopyGood, "", "1"},
		"of a generation too new":          {[][]byte{page(0, generation+2, 0, sealed(nil))}, CopyDamaged, "it is of generation 101, need 100", ""},
		"three pages":                      {[][]byte{page(0, generation+1, 2, long[:logSize]), page(1, generation+1, 1, long[logSize:2*logSize]), page(2, generation+1, 0, long[2*logSize:])}, CopyGood, "", string(make([]byte, 0x2000))},
		"three pages, the second left out": {[][]byte{page(0, generation+1, 2, long[:logSize]), page(1, generation+1, 0, long[2*logSize:])}, CopyGood, "", "1"},
		"two pages that count three":       {[][]byte{page(0, generation+1, 2, two[:logSize]), page(1, generation+1, 0, two[logSize:])}, CopyGood, "", "1"},
		"a page with nothing of it":        {[][]byte{page(0, generation+1, 1, nil), page(1, generation+1, 0, sealed([]byte{1, 'a', 0, 0, 0, 1, '2'}))}, CopyGood, "", "2"},
		"one behind an older page":         {[][]byte{page(0, generation, 0, sealed(nil)), late(1)}, CopyGood, "", "1"},
		"one behind a page without count":  {[][]byte{encodePage(generation+1, len(base), []byte{0}), late(1)}, CopyGood, "", "1"},
		"one behind one that is not whole": {[][]byte{page(0, generation+1, 2, long[:logSize]), page(1, generation+1, 0, long[2*logSize:]), late(2)}, CopyGood, "", "1"},
		"one behind one without a sum":     {[][]byte{page(0, generation+1, 0, make([]byte, 31)), late(1)}, CopyGood, "", "1"},
		"one behind one of another sum":    {[][]byte{page(0, generation+1, 0, make([]byte, 32)), late(1)}, CopyGood, "", "1"},
		"three pages, one twice":           {[][]byte{page(0, generation+1, 2, long[:logSize]), page(1, generation+1, 2, long[:logSize])}, CopyGood, "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewMemDevice(16)
			for i, p := range append(append([][]byte{}, base...), c.pages...) {
				require.NoError(t, d.WritePage(i, p))
			}
			r := &replica{dev: d}
			got := r.readSlot(0)
			require.Equal(t, c.want == CopyGood, got.ok, "%v", got.err)
			require.NoError(t, got.doubt, "every page is whole")
			again := r.readSlot(0)
			require.Equal(t, got.ok, again.ok, "a second look finds the same")
			require.Equal(t, got.entries, again.entries)
			if c.want != CopyGood {
				require.Equal(t, c.want, got.condition)
				require.ErrorContains(t, got.err, c.why)
				return
			}
			require.Equal(t, c.value, string(got.entries[0].value))
			records := uint64(0)
			if c.value != "1" || name == "no changes" {
				records = 1
			}
			require.Equal(t, generation+records, got.generation)
		})
	}
}

// TestADamagedPageInTheLog: what follows it says whether something is lost for sure, may be, or is not.
func TestADamagedPageInTheLog(t *testing.T) {
	const generation = 99
	base := encodeSlot([16]byte{1}, generation, encodeEntries([]entry{{"a", []byte("1")}}))
	l := snapshot(base)
	sum := chained(l.chain, generation+1, []byte{1, 'a', 0, 0, 0, 1, '2'})
	record := append([]byte{0, 0, 1, 'a', 0, 0, 0, 1, '2'}, sum[:]...)
	const (
		bad = iota
		gap
		older
		good  // a record that would follow the base
		newer // of the generation behind that
		half  // the first page of a long record
	)
	for name, c := range map[string]struct {
		pages []int
		want  Condition
		doubt bool
		value string
	}{
		"alone":                                  {[]int{bad}, CopyGood, true, "1"},
		"to the end of the slot":                 {[]int{bad, bad, bad, bad, bad, bad}, CopyGood, true, "1"},
		"before the newest record":               {[]int{bad, good}, CopyGood, true, "1"},
		"before a newer record":                  {[]int{bad, newer}, CopyDamaged, false, ""},
		"before a newer record, and one between": {[]int{bad, good, newer}, CopyDamaged, false, ""},
		"before a newer record, two of them":     {[]int{bad, bad, newer}, CopyDamaged, false, ""},
		"and an older page ends the log":         {[]int{bad, older, newer}, CopyGood, true, "1"},
		"and a blank page ends the log":          {[]int{bad, gap, newer}, CopyGood, true, "1"},
		"a blank page, and a record":             {[]int{bad, gap, good}, CopyGood, true, "1"},
		"behind the newest record":               {[]int{good, bad}, CopyGood, true, "2"},
		"not there, and the slot is full":        {[]int{half, half, half, half, half, half}, CopyGood, false, "1"},
	} {
		for slot := range 2 {
			d := NewMemDevice(2 * (len(base) + 6))
			for i, p := range base {
				require.NoError(t, d.WritePage(slot*d.Pages()/2+i, p))
			}
			for i, kind := range c.pages {
				n := len(base) + i
				p := map[int]func() []byte{
					bad:   func() []byte { return []byte(strings.Repeat("x", PageSize)) },
					gap:   func() []byte { return make([]byte, PageSize) },
					older: func() []byte { return encodePage(generation, n, record) },
					good:  func() []byte { return encodePage(generation+1, n, record) },
					newer: func() []byte { return encodePage(generation+2, n, record) },
					half:  func() []byte { return encodePage(generation+1, n, []byte{0, byte(99 - i), 1}) },
				}[kind]()
				require.NoError(t, d.WritePage(slot*d.Pages()/2+n, p))
			}
			got := (&replica{dev: d}).readSlot(slot)
			require.Equal(t, c.want == CopyGood, got.ok, "%s, slot %d: %v", name, slot, got.err)
			require.Equal(t, c.doubt, got.doubt != nil, "%s, slot %d: %v", name, slot, got.doubt)
			if !got.ok {
				require.Equal(t, c.want, got.condition, name)
				require.ErrorContains(t, got.err, fmt.Sprintf("slot %d page %d", slot, len(base)), "%s: it names the damaged page", name)
				continue
			}
			require.Equal(t, c.value, string(got.entries[0].value), name)
		}
	}
	// A page behind it that cannot be read may be a newer record.
	d := &pickyDevice{MemDevice: NewMemDevice(16), read: len(base) + 1}
	for i, p := range append(append([][]byte{}, base...), []byte(strings.Repeat("x", PageSize))) {
		require.NoError(t, d.WritePage(i, p))
	}
	got := (&replica{dev: d}).readSlot(0)
	require.False(t, got.ok)
	require.Equal(t, CopyUnreadable, got.condition)
	require.ErrorIs(t, got.err, errPicky)
}

var errPicky = errors.New("this page is not for you")

// pickyDevice refuses one page, and remembers the order of the writes.
type pickyDevice struct {
	*MemDevice
	read, write int // 0: none
	wrote       []int
}

func (d *pickyDevice) ReadPage(n int, dst []byte) error {
	if d.read > 0 && n == d.read {
		return errPicky
	}
	return d.MemDevice.ReadPage(n, dst)
}

func (d *pickyDevice) WritePage(n int, src []byte) error {
	if d.write > 0 && n == d.write {
		return errPicky
	}
	d.wrote = append(d.wrote, n)
	return d.MemDevice.WritePage(n, src)
}

// TestTheOrderOfWrites: the page behind is blanked first, the base page is last, and a page that refuses ends it.
func TestTheOrderOfWrites(t *testing.T) {
	base := encodeSlot([16]byte{1}, 99, encodeEntries([]entry{{"a", make([]byte, contentSize)}}))
	require.Len(t, base, 3)
	l := snapshot(base)
	record := l.record(100, []Change{{Name: "a", Value: make([]byte, logSize)}})
	require.Len(t, record, 2)
	used := func(refuse int) (*replica, *pickyDevice) {
		d := &pickyDevice{MemDevice: NewMemDevice(32)}
		for n := range 32 {
			require.NoError(t, d.WritePage(n, []byte(strings.Repeat("x", PageSize))))
		}
		d.wrote, d.write = nil, refuse
		return &replica{dev: d, page: make([]byte, PageSize), back: make([]byte, PageSize)}, d
	}
	c, d := used(0)
	require.NoError(t, c.write(base))
	require.Equal(t, []int{16 + 3, 16 + 1, 16 + 2, 16}, d.wrote)
	require.Equal(t, 1, c.slot)
	d.wrote = nil
	require.NoError(t, c.append(3, record))
	require.Equal(t, []int{16 + 5, 16 + 3, 16 + 4}, d.wrote)
	for _, n := range []int{16 + 3, 16 + 1, 16 + 2, 16} {
		c, _ := used(n)
		require.ErrorIs(t, c.write(base), errPicky, "page %d", n)
		require.Zero(t, c.slot, "the slot in force stays")
	}
	for _, n := range []int{5, 3, 4} {
		c, d := used(n)
		require.ErrorIs(t, c.append(3, record), errPicky, "page %d", n)
		require.NotContains(t, d.wrote, n)
		if n == 5 {
			require.Empty(t, d.wrote, "no record is written before its end is sure")
		}
	}
}

// TestARecordTakesNoMorePagesThanItMust, to the byte.
func TestARecordTakesNoMorePagesThanItMust(t *testing.T) {
	for value, pages := range map[int]int{0: 1, logSize - 38: 1, logSize - 37: 2, 2*logSize - 38: 2, 2*logSize - 37: 3} {
		l := layout{base: 3}
		require.Len(t, l.record(2, []Change{{Name: "a", Value: make([]byte, value)}}), pages, "a value of %d bytes", value)
	}
}

// TestADeletionOfWhatAChangeMade: changes of one step follow each other.
func TestADeletionOfWhatAChangeMade(t *testing.T) {
	b := newBench(t, 3).logging(0)
	for _, changes := range [][]Change{
		{{Name: "new", Value: []byte("x")}, {Name: "new", Delete: true}},
		{{Name: "new", Value: []byte("x")}, {Name: "other", Value: []byte("y")}, {Name: "new", Delete: true}, {Name: "other", Delete: true}},
		{{Name: "new", Value: []byte("x")}, {Name: "new", Value: []byte("y")}, {Name: "new", Delete: true, Value: []byte("z")}},
	} {
		require.NoError(t, b.repo.Change(changes...))
		require.Equal(t, []string{"certificate", "group 1"}, b.repo.Names())
	}
	for _, changes := range [][]Change{
		{{Name: "new", Delete: true}},
		{{Name: "other", Value: []byte("y")}, {Name: "new", Delete: true}},
		{{Name: "new", Value: []byte("x")}, {Name: "new", Delete: true}, {Name: "new", Delete: true}},
	} {
		require.ErrorIs(t, b.repo.Change(changes...), ErrNoEntry)
		require.Equal(t, []string{"certificate", "group 1"}, b.repo.Names(), "all of it, or nothing")
	}
}
