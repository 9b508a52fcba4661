package repository

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// put writes pages into a slot of a copy.
func (b *bench) put(disk, slot int, pages ...[]byte) {
	b.t.Helper()
	for i, p := range pages {
		require.NoError(b.t, b.mem[disk].WritePage(slot*8+i, p))
	}
}

// TestASlotWithGoodPagesThatCanNotBe: each page has its check sum, and the slot is refused.
func TestASlotWithGoodPagesThatCanNotBe(t *testing.T) {
	body := encodeEntries([]entry{{"group 1", []byte(strings.Repeat("x", 5000))}})
	other := encodeSlot([16]byte{}, 98, encodeEntries([]entry{{"group 1", []byte(strings.Repeat("y", 5000))}}))
	beyond := [][]byte{encodePage(99, 0, (&base{length: 7*contentSize + 1}).encode())}
	for n := range 7 {
		beyond = append(beyond, encodePage(99, n+1, make([]byte, contentSize)))
	}
	for name, pages := range map[string][][]byte{
		"a base that is too short":        {encodePage(99, 0, make([]byte, 55))},
		"a body that fills more than it":  beyond,
		"a body of the whole address":     {encodePage(99, 0, (&base{length: 1 << 63}).encode())},
		"entries that are none":           encodeSlot([16]byte{}, 99, []byte("no entries")),
		"a page of another generation":    {encodeSlot([16]byte{}, 99, body)[0], other[1], encodeSlot([16]byte{}, 99, body)[2]},
		"a last page of another length":   {encodeSlot([16]byte{}, 99, body)[0], encodeSlot([16]byte{}, 99, body)[1], encodePage(99, 2, body[contentSize:len(body)-1])},
		"a page that stands in its place": {encodeSlot([16]byte{}, 99, body)[0], encodeSlot([16]byte{}, 99, body)[2]},
	} {
		for slot := range 2 {
			b := newBench(t, 3)
			b.put(1, slot, pages...)
			r := &replica{dev: b.mem[1]}
			c := r.readSlot(slot)
			require.False(t, c.ok, name)
			require.False(t, r.readSlot(slot).ok, "%s: nor is it believed because it was there before", name)
			require.Equal(t, CopyDamaged, c.condition, "%s: %v", name, c.err)
			require.Error(t, c.err, name)
			require.ErrorContains(t, c.err, "slot "+string(rune('0'+slot)))
			require.NotContains(t, c.err.Error(), "page -1", "where no page in particular is wrong, none is named")
			if name == "a page that stands in its place" {
				require.ErrorContains(t, c.err, "page 1")
			}
		}
	}
	b := newBench(t, 3)
	b.put(1, 1, []byte(strings.Repeat("x", PageSize)))
	require.ErrorContains(t, (&replica{dev: b.mem[1]}).readSlot(1).err, "slot 1 page 0: ")
	b.put(1, 1, encodeSlot(b.repo.id, 99, make([]byte, 0))...)
	require.True(t, (&replica{dev: b.mem[1]}).readSlot(1).ok, "no entries are entries")
}

// TestWhatACopyIsSaidToBe when neither of its slots is whole, or one is blank.
func TestWhatACopyIsSaidToBe(t *testing.T) {
	damaged, blank := encodePage(5, 3, nil), make([]byte, PageSize)
	for name, c := range map[string]struct {
		slots [2][]byte
		want  Condition
	}{
		"blank and damaged":  {[2][]byte{blank, damaged}, CopyDamaged},
		"damaged and blank":  {[2][]byte{damaged, blank}, CopyDamaged},
		"damaged both":       {[2][]byte{damaged, damaged}, CopyDamaged},
		"blank both":         {[2][]byte{blank, blank}, CopyBlank},
		"whole and blank":    {[2][]byte{encodeSlot([16]byte{}, 1, nil)[0], blank}, CopyGood},
		"blank and whole":    {[2][]byte{blank, encodeSlot([16]byte{}, 1, nil)[0]}, CopyGood},
		"damaged and whole":  {[2][]byte{damaged, encodeSlot([16]byte{}, 1, nil)[0]}, CopyGood},
		"whole, older first": {[2][]byte{encodeSlot([16]byte{}, 1, nil)[0], encodeSlot([16]byte{}, 2, nil)[0]}, CopyGood},
	} {
		b := newBench(t, 3)
		*b.mem[0] = *NewMemDevice(16)
		b.put(0, 0, c.slots[0])
		b.put(0, 1, c.slots[1])
		got := (&replica{dev: b.mem[0]}).read()
		require.Equal(t, c.want, got.condition, name)
		require.Equal(t, c.want == CopyGood, got.ok, name)
		require.Equal(t, strings.HasPrefix(name, "damaged and whole"), got.suspect && got.ok, name)
	}
}

// TestANewRepositoryIsGood: one slot of each copy was never written.
func TestANewRepositoryIsGood(t *testing.T) {
	devices := []Device{NewMemDevice(4), NewMemDevice(4), NewMemDevice(4)}
	r, err := Create(entropy.Stream(1, "x"), devices...)
	require.NoError(t, err, "four pages are enough")
	require.Equal(t, Good, r.Check().Verdict)
	for range 3 {
		r, rep, err := Open(devices...)
		require.NoError(t, err)
		require.Equal(t, Good, rep.Verdict)
		require.NoError(t, r.Put("a", make([]byte, contentSize-6)))
	}
}

// TestACopyIsJudgedAnewOnlyWhenItChanged: partitions look again and again.
func TestACopyIsJudgedAnewOnlyWhenItChanged(t *testing.T) {
	b := newBench(t, 3)
	c := b.repo.copies[1]
	first, again := c.readSlot(0), c.readSlot(0)
	require.Same(t, &first.entries[0], &again.entries[0], "what was decoded is given again")
	for n := range 3 { // each page of it
		page := make([]byte, PageSize)
		require.NoError(t, b.mem[1].ReadPage(n, page))
		bent := append([]byte(nil), page...)
		bent[77] ^= 1
		require.NoError(t, b.mem[1].WritePage(n, bent))
		require.False(t, c.readSlot(0).ok, "page %d", n)
		require.False(t, c.readSlot(0).ok, "nor the second time")
		require.NoError(t, b.mem[1].WritePage(n, page))
		anew, same := c.readSlot(0), c.readSlot(0)
		require.True(t, anew.ok)
		require.NotSame(t, &first.entries[0], &anew.entries[0], "it changed meanwhile")
		require.Same(t, &anew.entries[0], &same.entries[0])
	}
	shorter := encodeSlot(b.repo.id, 9, encodeEntries([]entry{{"a", nil}}))
	b.put(1, 0, shorter...)
	require.Equal(t, uint64(9), c.readSlot(0).generation)
	require.Equal(t, []entry{{"a", nil}}, append([]entry(nil), entry{c.readSlot(0).entries[0].name, nil}))
	require.Equal(t, uint64(9), c.readSlot(0).generation)
}

func TestMost(t *testing.T) {
	for _, c := range []struct {
		in   string // a class each
		want []int
	}{
		{"", nil},
		{"a", []int{0}},
		{"ab", nil},
		{"aab", []int{0, 1}},
		{"abb", []int{1, 2}},
		{"aabb", nil},
		{"aabbb", []int{2, 3, 4}},
		{"aabbc", nil},
		{"abcab", nil},
		{"abcc", []int{2, 3}},
		{"abaccc", []int{3, 4, 5}},
		{"abc", nil},
		{"ababb", []int{1, 3, 4}},
	} {
		var all []int
		for i := range c.in {
			all = append(all, i)
		}
		require.Equal(t, c.want, most(all, func(i, j int) bool { return c.in[i] == c.in[j] }), c.in)
	}
}

// TestARepairWritesNoMoreThanItMust: a copy that was good keeps the generation before in its
// other slot; neither slot of one that was bad is left as it was.
func TestARepairWritesNoMoreThanItMust(t *testing.T) {
	b := newBench(t, 3)
	damages[0].do(b)
	before := b.repo.Generation()
	_, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, before+2, b.repo.Generation())
	for i, want := range [][2]uint64{{before, before + 2}, {before + 2, before + 2}, {before, before + 2}} {
		for slot := range 2 {
			c := b.repo.copies[i].readSlot(slot)
			require.True(t, c.ok)
			require.Equal(t, want[slot], c.generation, "copy %d slot %d", i, slot)
		}
	}
}

// TestARepairOfAFullRepository: the last page of each slot is in use.
func TestARepairOfAFullRepository(t *testing.T) {
	b := newBench(t, 3)
	require.NoError(t, b.repo.Delete("certificate"))
	full := strings.Repeat("f", 7*contentSize-(1+7+4))
	require.NoError(t, b.repo.Put("group 1", []byte(full)))
	*b.mem[2] = *NewMemDevice(16)
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Zero(t, rep.Bad(), "%s", rep)
	b.require("group 1", full, "at the end")
	require.Equal(t, Good, b.repo.Check().Verdict)
}

// TestARepairThatNoCopyTakes changes nothing: what is in force can be read, and not be changed.
func TestARepairThatNoCopyTakes(t *testing.T) {
	b := newBench(t, 3)
	damages[0].do(b)
	before := b.repo.Generation()
	b.arm("(repository.write.refused)")
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, before, rep.Generation)
	require.Equal(t, before, b.repo.Generation())
	require.Equal(t, 3, rep.Bad())
	b.bad.Disarm()
	b.require("group 1", "one", "it can be read")
	require.ErrorIs(t, b.repo.Put("group 1", nil), ErrCopies)
	rep, err = b.reboot()
	require.NoError(t, err)
	require.Zero(t, rep.Bad())
	require.Equal(t, before+2, b.repo.Generation())
}
