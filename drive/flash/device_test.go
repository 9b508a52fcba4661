package flash

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

var small = Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512}

// kinds are the devices that every test of the contract runs on. On a bare
// File, reopen gives the device as it is opened anew.
var kinds = []struct {
	name   string
	make   func(t testing.TB, g Geometry) Device
	quick  func(t testing.TB, g Geometry) Device // for tests of many operations: a File on no real disk
	reopen bool
}{
	{name: "Mem", make: newMem, quick: newMem},
	{name: "File", make: newFileAt(0), quick: newDiskFile, reopen: true},
	{name: "File at an offset", make: newFileAt(1536), quick: newDiskFile, reopen: true},
	{
		name:  "Faulty Mem",
		make:  func(t testing.TB, g Geometry) Device { return NewFaulty(newMem(t, g)) },
		quick: func(t testing.TB, g Geometry) Device { return NewFaulty(newMem(t, g)) },
	},
	{
		name:  "Faulty File",
		make:  func(t testing.TB, g Geometry) Device { return NewFaulty(tempFile(t, 0, g)) },
		quick: func(t testing.TB, g Geometry) Device { return NewFaulty(newDiskFile(t, g)) },
	},
}

func newMem(_ testing.TB, g Geometry) Device { return NewMem(g) }

func newFileAt(offset int64) func(testing.TB, Geometry) Device {
	return func(t testing.TB, g Geometry) Device { return tempFile(t, offset, g) }
}

func newDiskFile(t testing.TB, g Geometry) Device {
	d, err := createFile(newDisk(), 512, g)
	require.NoError(t, err)
	return d
}

func tempFile(t testing.TB, offset int64, g Geometry) *File {
	f, err := os.Create(filepath.Join(t.TempDir(), "flash"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	d, err := CreateFile(f, offset, g)
	require.NoError(t, err)
	return d
}

func onEachKind(t *testing.T, g Geometry, test func(t *testing.T, d Device)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { test(t, k.make(t, g)) })
	}
}

// page is a full page that begins with data and goes on with rest.
func page(g Geometry, data []byte, rest byte) []byte {
	p := bytes.Repeat([]byte{rest}, g.PageSize)
	copy(p, data)
	return p
}

func read(t testing.TB, d Device, block, page int) []byte {
	dst := make([]byte, d.Geometry().PageSize)
	require.NoError(t, d.Read(block, page, dst), "a page of a powered device reads")
	return dst
}

func TestNewDeviceIsBlankAndPowered(t *testing.T) {
	onEachKind(t, DefaultGeometry, func(t *testing.T, d Device) {
		require.Equal(t, DefaultGeometry, d.Geometry())
		for b := range DefaultGeometry.Blocks {
			for p := range DefaultGeometry.PagesPerBlock {
				require.Equal(t, page(DefaultGeometry, nil, 0xFF), read(t, d, b, p), "a new device reads 0xFF everywhere")
			}
		}
		require.Empty(t, d.Dump(), "nothing is programmed, so a thief sees nothing")
		require.Equal(t, make([]uint64, 8), d.Wear(), "no block was erased yet")
	})
}

func TestProgramOnceUntilErased(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		require.NoError(t, d.Program(1, 0, []byte("record")))
		require.Equal(t, page(small, []byte("record"), 0xFF), read(t, d, 1, 0), "what was not programmed stays erased")
		err := d.Program(1, 0, []byte("other"))
		require.ErrorIs(t, err, ErrNotBlank, "a programmed page refuses a second program")
		require.Contains(t, err.Error(), "block 1 page 0")
		require.Equal(t, page(small, []byte("record"), 0xFF), read(t, d, 1, 0), "the refused program changed nothing")
		require.NoError(t, d.Program(1, 1, []byte("next")), "the neighbour is blank still")

		require.NoError(t, d.Erase(1))
		require.Equal(t, page(small, nil, 0xFF), read(t, d, 1, 0), "an erased page is blank")
		require.Equal(t, page(small, nil, 0xFF), read(t, d, 1, 1), "erase takes the whole block")
		require.NoError(t, d.Program(1, 0, []byte("other")), "an erased page programs again")
		require.Equal(t, []uint64{0, 1, 0, 0}, d.Wear(), "wear counts erases of each block")
	})
}

func TestProgrammingOnesLeavesAPageBlank(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		require.NoError(t, d.Program(0, 0, page(small, nil, 0xFF)))
		require.Empty(t, d.Dump(), "a page with no zero bit is blank")
		require.NoError(t, d.Program(0, 0, []byte{0xFF, 0x7F, 0xFF, 0xFF}), "a blank page programs")
		require.Equal(t, page(small, []byte{0xFF, 0x7F}, 0xFF), read(t, d, 0, 0))
	})
}

func TestFullPages(t *testing.T) {
	onEachKind(t, DefaultGeometry, func(t *testing.T, d Device) {
		full := make([]byte, 4096)
		for i := range full {
			full[i] = byte(i*7 + i>>8)
		}
		want := bytes.Clone(full)
		require.NoError(t, d.Program(7, 7, full), "the last page of the last block is a page")
		full[0] ^= 1
		require.Equal(t, want, read(t, d, 7, 7), "the device keeps a copy of its own")
		require.NoError(t, d.Program(0, 0, make([]byte, 4096)))
		require.Equal(t, make([]byte, 4096), read(t, d, 0, 0), "zeros are data")
	})
}

func TestZeroNeedsNoErase(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		require.NoError(t, d.Program(2, 0, []byte("old key")))
		require.NoError(t, d.Zero(2, 0), "a programmed page can be overwritten with zeros")
		require.NoError(t, d.Zero(2, 1), "so can a blank one")
		require.NoError(t, d.Zero(2, 1), "twice")
		require.Equal(t, make([]byte, 512), read(t, d, 2, 0))
		require.Equal(t, make([]byte, 512), read(t, d, 2, 1))
		require.ErrorIs(t, d.Program(2, 1, []byte{1}), ErrNotBlank, "a zeroed page is programmed")
		require.NoError(t, d.Erase(2))
		require.Equal(t, page(small, nil, 0xFF), read(t, d, 2, 1), "zeros erase")
		require.Equal(t, []uint64{0, 0, 1, 0}, d.Wear(), "overwriting is no erase")
	})
}

func TestDumpShowsEveryProgrammedPageInOrder(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		require.NoError(t, d.Program(3, 1, []byte("last")))
		require.NoError(t, d.Program(0, 1, []byte("first")))
		require.NoError(t, d.Zero(2, 0))
		want := []Page{
			{Block: 0, Page: 1, Data: page(small, []byte("first"), 0xFF)},
			{Block: 2, Page: 0, Data: make([]byte, 512)},
			{Block: 3, Page: 1, Data: page(small, []byte("last"), 0xFF)},
		}
		require.Equal(t, want, d.Dump(), "programmed pages in block and page order, zeroed ones included")
		d.PowerOff()
		dump := d.Dump()
		require.Equal(t, want, dump, "a thief needs no power")
		clear(dump[0].Data)
		dump[1].Data[0] = 1
		d.PowerOn()
		require.Equal(t, want, d.Dump(), "the dump is a copy")
	})
}

func TestWithoutPowerNothingHappens(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		require.NoError(t, d.Program(0, 0, []byte("kept")))
		d.PowerOff()
		dst := page(small, nil, 0x55)
		require.ErrorIs(t, d.Read(0, 0, dst), ErrPowerLost)
		require.Equal(t, page(small, nil, 0x55), dst, "a device without power gives nothing")
		require.ErrorIs(t, d.Program(0, 1, []byte("x")), ErrPowerLost)
		require.ErrorIs(t, d.Erase(0), ErrPowerLost)
		require.ErrorIs(t, d.Zero(0, 0), ErrPowerLost)
		require.ErrorIs(t, d.Erase(99), ErrPowerLost, "power is looked at first")
		require.Equal(t, small, d.Geometry())
		require.Equal(t, make([]uint64, 4), d.Wear(), "wear is readable without power, and did not grow")
		d.PowerOn()
		require.Equal(t, page(small, []byte("kept"), 0xFF), read(t, d, 0, 0), "flash keeps its content without power")
		require.NoError(t, d.Program(0, 1, []byte("x")), "the page was not touched while power was off")
	})
}

func TestWrongAddressesAndLengthsChangeNothing(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		buf := make([]byte, 512)
		for _, a := range [][2]int{{-1, 0}, {4, 0}, {0, -1}, {0, 2}, {1 << 40, 1 << 40}} {
			require.ErrorIs(t, d.Read(a[0], a[1], buf), ErrAddress)
			require.ErrorIs(t, d.Program(a[0], a[1], buf), ErrAddress)
			require.ErrorIs(t, d.Zero(a[0], a[1]), ErrAddress)
			require.ErrorIs(t, d.(Decayer).Decay(a[0], a[1], 0), ErrAddress)
		}
		require.ErrorIs(t, d.Erase(-1), ErrAddress)
		require.ErrorIs(t, d.Erase(4), ErrAddress)
		require.EqualError(t, d.Erase(4), "flash: no such page: block 4, want 0 to 3")
		require.ErrorIs(t, d.(Decayer).Decay(0, 0, -1), ErrAddress)
		require.ErrorIs(t, d.(Decayer).Decay(0, 0, 4096), ErrAddress)
		require.ErrorIs(t, d.Read(0, 0, buf[:511]), ErrLength)
		require.ErrorIs(t, d.Read(0, 0, make([]byte, 513)), ErrLength)
		require.ErrorIs(t, d.Program(0, 0, nil), ErrLength)
		require.ErrorIs(t, d.Program(0, 0, make([]byte, 513)), ErrLength)
		require.Empty(t, d.Dump())
		require.Equal(t, make([]uint64, 4), d.Wear())
	})
}

func TestDecayFlipsOneBitForGood(t *testing.T) {
	onEachKind(t, small, func(t *testing.T, d Device) {
		rot := d.(Decayer)
		require.NoError(t, d.Program(0, 0, []byte{0xF0, 0x00}))
		require.NoError(t, rot.Decay(0, 0, 4))
		require.NoError(t, rot.Decay(0, 0, 8))
		require.Equal(t, page(small, []byte{0xE0, 0x01}, 0xFF), read(t, d, 0, 0), "bit 4 fell, bit 8 rose")
		d.PowerOff()
		require.NoError(t, rot.Decay(0, 0, 4095), "charge leaks without power too")
		d.PowerOn()
		want := page(small, []byte{0xE0, 0x01}, 0xFF)
		want[511] = 0x7F
		require.Equal(t, want, read(t, d, 0, 0), "beyond the data a bit can fall")

		require.NoError(t, d.Zero(1, 0))
		require.NoError(t, d.Zero(1, 1))
		require.NoError(t, rot.Decay(1, 0, 0))
		require.Equal(t, page(small, []byte{1}, 0), read(t, d, 1, 0))
		require.Equal(t, make([]byte, 512), read(t, d, 1, 1), "another zeroed page is not concerned")

		require.NoError(t, rot.Decay(2, 0, 7))
		require.ErrorIs(t, d.Program(2, 0, []byte("x")), ErrNotBlank, "a blank page in which a bit fell is not blank")
		require.NoError(t, rot.Decay(2, 0, 7))
		require.NoError(t, d.Program(2, 0, []byte("x")), "and is again when it rises")
	})
}

func TestGeometryValidate(t *testing.T) {
	require.NoError(t, DefaultGeometry.Validate())
	require.NoError(t, Geometry{64, 64, 65536}.Validate())
	require.NoError(t, Geometry{4, 2, 512}.Validate())
	for _, c := range []struct {
		g    Geometry
		want string
	}{
		{Geometry{3, 8, 4096}, "flash: geometry: 3 blocks, want 4 to 64"},
		{Geometry{65, 8, 4096}, "flash: geometry: 65 blocks, want 4 to 64"},
		{Geometry{8, 1, 4096}, "flash: geometry: 1 pages a block, want 2 to 64"},
		{Geometry{8, 65, 4096}, "flash: geometry: 65 pages a block, want 2 to 64"},
		{Geometry{8, 8, 0}, "flash: geometry: pages of 0 bytes, want a multiple of 512 from 512 to 65536"},
		{Geometry{8, 8, 1000}, "flash: geometry: pages of 1000 bytes, want a multiple of 512 from 512 to 65536"},
		{Geometry{8, 8, 66048}, "flash: geometry: pages of 66048 bytes, want a multiple of 512 from 512 to 65536"},
		{Geometry{}, "flash: geometry: 0 blocks, want 4 to 64"},
	} {
		require.EqualError(t, c.g.Validate(), c.want)
		require.Panics(t, func() { NewMem(c.g) }, "a geometry that was not validated is a bug")
	}
}

// FuzzGeometry: whatever a geometry says, it is refused, or a device of that
// shape works at its corners.
func FuzzGeometry(f *testing.F) {
	f.Add(8, 8, 4096)
	f.Add(4, 2, 512)
	f.Add(64, 64, 65536)
	f.Add(-1, 1<<62, 511)
	f.Fuzz(func(t *testing.T, blocks, pages, size int) {
		g := Geometry{blocks, pages, size}
		if g.Validate() != nil {
			return
		}
		d := NewMem(g)
		data := bytes.Repeat([]byte{0xA5}, g.PageSize)
		require.NoError(t, d.Program(g.Blocks-1, g.PagesPerBlock-1, data))
		require.Equal(t, data, read(t, d, g.Blocks-1, g.PagesPerBlock-1))
		require.ErrorIs(t, d.Erase(g.Blocks), ErrAddress)
		require.Len(t, d.Dump(), 1)
		require.Positive(t, FileSize(g))
	})
}

// Every device says of a page that it is blank where a read shows nothing but ones, and fails where a
// read fails.
func TestABlankCheckIsARead(t *testing.T) {
	g := Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512}
	file, err := os.Create(filepath.Join(t.TempDir(), "flash"))
	require.NoError(t, err)
	defer file.Close()
	inFile, err := CreateFile(file, 0, g)
	require.NoError(t, err)
	for name, d := range map[string]Device{
		"mem": NewMem(g), "file": inFile, "faulty": NewFaulty(NewMem(g)), "without a check": struct{ Device }{NewMem(g)},
		"faulty without a check": NewFaulty(struct{ Device }{NewMem(g)}),
	} {
		ask := func(block, page int) bool {
			blank, err := Blank(d, block, page, make([]byte, g.PageSize))
			require.NoError(t, err, name)
			return blank
		}
		require.True(t, ask(3, 1), name)
		require.NoError(t, d.Program(3, 1, []byte{0xFF, 0xFE}))
		require.False(t, ask(3, 1), name)
		require.True(t, ask(3, 0), name)
		require.NoError(t, d.Erase(3))
		require.True(t, ask(3, 1), name)
		require.NoError(t, d.Zero(0, 0))
		require.False(t, ask(0, 0), name)
		_, err := Blank(d, 4, 0, make([]byte, g.PageSize))
		require.ErrorIs(t, err, ErrAddress, name)
		d.PowerOff()
		_, err = Blank(d, 0, 0, make([]byte, g.PageSize))
		require.ErrorIs(t, err, ErrPowerLost, name)
	}
	f := NewFaulty(NewMem(g))
	f.Arm(fault.MustParse("(flash.read.error)"))
	before := f.Ops().Reads
	_, err = f.Blank(0, 0)
	require.ErrorIs(t, err, ErrRead, "a plan that lets reads fail lets blank checks fail")
	require.Equal(t, before+1, f.Ops().Reads)
	f.Disarm()
	_, err = f.Blank(0, 0)
	require.NoError(t, err)
	require.Equal(t, before+2, f.Ops().Reads)
}

// TestACloneOfMemIsOnItsOwn: the same pages, wear and power, and no page is shared.
func TestACloneOfMemIsOnItsOwn(t *testing.T) {
	m := NewMem(Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512})
	for page, data := range [][]byte{[]byte("one"), []byte("two")} {
		require.NoError(t, m.Program(1, page, data))
	}
	require.NoError(t, m.Program(2, 0, []byte("three")))
	require.NoError(t, m.Zero(2, 0))
	require.NoError(t, m.Erase(3))
	want, wear := m.Dump(), m.Wear()
	c := m.Clone()
	require.Equal(t, want, c.Dump())
	require.Equal(t, wear, c.Wear())
	require.NoError(t, m.Erase(1)) // which clears the pages
	require.NoError(t, m.Erase(2))
	require.Equal(t, want, c.Dump())
	require.Equal(t, wear, c.Wear())
	require.NoError(t, c.Erase(1))
	require.NoError(t, m.Program(1, 0, []byte("four")))
	require.Len(t, c.Dump(), 1)
	m.PowerOff()
	require.ErrorIs(t, m.Clone().Erase(0), ErrPowerLost)
}
