package flash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileLivesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "drive")
	f, err := os.Create(name)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("the container's own header"), 0)
	require.NoError(t, err)
	end := int64(512) + FileSize(small)
	_, err = f.WriteAt([]byte("media behind it"), end)
	require.NoError(t, err)

	d, err := CreateFile(f, 512, small)
	require.NoError(t, err)
	require.NoError(t, d.Program(0, 1, []byte("record")))
	require.NoError(t, d.Zero(3, 0))
	require.NoError(t, d.Program(1, 0, []byte("gone")))
	require.NoError(t, d.Erase(1))
	want, wear := d.Dump(), d.Wear()
	require.NoError(t, f.Close())

	f, err = os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	d, err = OpenFile(f, 512, small)
	require.NoError(t, err)
	require.Equal(t, want, d.Dump(), "every page came back")
	require.Equal(t, wear, d.Wear(), "and the wear")
	require.ErrorIs(t, d.Program(0, 1, []byte("x")), ErrNotBlank, "what is programmed is known")
	require.NoError(t, d.Program(1, 0, []byte("x")), "and what is blank")

	head, tail := make([]byte, 26), make([]byte, 15)
	_, err = f.ReadAt(head, 0)
	require.NoError(t, err)
	_, err = f.ReadAt(tail, end)
	require.NoError(t, err)
	require.Equal(t, "the container's own headermedia behind it", string(head)+string(tail), "nothing outside of the section was touched")
}

func TestCreateFileOverAnOldDeviceLeavesNothingOfIt(t *testing.T) {
	d := tempFile(t, 0, small)
	require.NoError(t, d.Program(0, 0, []byte("old secret")))
	require.NoError(t, d.Erase(2))
	f := d.f.(dataFile).File
	n, err := CreateFile(f, 0, small)
	require.NoError(t, err)
	require.Empty(t, n.Dump())
	require.Equal(t, make([]uint64, 4), n.Wear())
	n, err = OpenFile(f, 0, small)
	require.NoError(t, err)
	require.Empty(t, n.Dump(), "the old page is gone from the file")
	info, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, FileSize(small), info.Size(), "FileSize is what the section takes")
}

func TestOpenFileRefusesWhatIsNoFlash(t *testing.T) {
	reseal := func(b []byte) { binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli)) }
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, "truncated: 0 bytes, want 8192 for 4 blocks of 2 pages of 512 bytes"},
		{"cut in the header", func(b []byte) []byte { return b[:100] }, "truncated: 100 bytes, want 8192 for 4 blocks of 2 pages of 512 bytes"},
		{"cut in the pages", func(b []byte) []byte { return b[:5000] }, "truncated: 5000 bytes, want 8192 for 4 blocks of 2 pages of 512 bytes"},
		{"one byte short", func(b []byte) []byte { return b[:len(b)-1] }, "truncated: 8191 bytes, want 8192 for 4 blocks of 2 pages of 512 bytes"},
		{"creation was cut", func(b []byte) []byte { clear(b[:512]); return b }, `not a flash: begins with "\x00\x00\x00\x00\x00\x00\x00\x00", want "fdeflash"`},
		{"another file", func(b []byte) []byte { copy(b, "#!/bin/sh\n"); return b }, `not a flash: begins with "#!/bin/s", want "fdeflash"`},
		{"a bit of the header", func(b []byte) []byte { b[13] ^= 1; return b }, "damaged: the checksum of the header is wrong; want a header that CreateFile wrote"},
		{"a later version", func(b []byte) []byte { b[8] = 2; reseal(b); return b }, "format version 2, want 1"},
		{"another geometry", func(b []byte) []byte { b[12] = 8; reseal(b); return b }, "8 blocks of 2 pages of 512 bytes, want 4 blocks of 2 pages of 512 bytes"},
		{"wear", func(b []byte) []byte { b[512+16*2] = 9; return b }, "damaged: the wear of block 2 fails its checksum; want one that a flash wrote"},
		{"wear of another block", func(b []byte) []byte { copy(b[512:], b[528:544]); return b }, "damaged: the wear of block 0 fails its checksum; want one that a flash wrote"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := tempFile(t, 0, small).f.(dataFile).File
			b, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			b = c.damage(b)
			require.NoError(t, os.WriteFile(f.Name(), b, 0o600))
			_, err = OpenFile(f, 0, small)
			require.EqualError(t, err, fmt.Sprintf("flash: %s at byte 0: %s", f.Name(), c.want))
			after, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			require.Equal(t, len(b), len(after), "what is refused is not changed")
			require.Equal(t, string(b), string(after), "what is refused is not changed")
		})
	}
	f := tempFile(t, 0, small).f.(dataFile).File
	_, err := OpenFile(f, 100, small)
	require.ErrorContains(t, err, "offset 100, want a multiple of 512")
	_, err = CreateFile(f, -512, small)
	require.ErrorContains(t, err, "offset -512, want a multiple of 512")
	_, err = OpenFile(f, 0, Geometry{1, 1, 1})
	require.ErrorContains(t, err, "1 blocks, want 4 to 64")
	_, err = CreateFile(f, 0, Geometry{1, 1, 1})
	require.ErrorContains(t, err, "1 blocks, want 4 to 64")
}

// FuzzOpenFile: no bytes make OpenFile panic; what it accepts, works.
func FuzzOpenFile(f *testing.F) {
	good := newDisk()
	d, err := createFile(good, 0, small)
	require.NoError(f, err)
	require.NoError(f, d.Program(1, 1, []byte("seed")))
	f.Add(good.cache)
	f.Add(good.cache[:4096])
	f.Add([]byte("fdeflash"))
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := newDisk()
		disk.cache = b
		d, err := openFile(disk, 0, small)
		if err != nil {
			require.NotContains(t, err.Error(), "\n", "an error is one line")
			return
		}
		require.NoError(t, d.Erase(1))
		require.NoError(t, d.Program(1, 1, []byte("works")))
	})
}

func TestFileFailsClosedAfterAFailedSync(t *testing.T) {
	cause := errors.New("input/output error")
	for _, what := range []string{"sync", "write"} {
		t.Run(what, func(t *testing.T) {
			disk := newDisk()
			d, err := createFile(disk, 0, small)
			require.NoError(t, err)
			require.NoError(t, d.Program(0, 0, []byte("before")))
			if what == "sync" {
				disk.failSync = cause
			} else {
				disk.failWrite = cause
			}
			err = d.Program(0, 1, []byte("x"))
			require.ErrorIs(t, err, ErrProgram)
			require.ErrorIs(t, err, cause, "the cause is not hidden")
			require.NotContains(t, err.Error(), "\n")
			disk.failSync, disk.failWrite = nil, nil
			require.ErrorIs(t, d.Program(1, 0, []byte("x")), ErrProgram, "nothing is acknowledged any more")
			require.ErrorIs(t, d.Program(0, 0, []byte("x")), ErrProgram)
			require.ErrorIs(t, d.Erase(1), ErrErase)
			require.ErrorIs(t, d.Zero(1, 1), ErrZero)
			require.ErrorIs(t, d.Read(0, 0, make([]byte, 512)), ErrRead, "nor is what may not be on the medium read")
			_, err = openFile(disk, 0, small)
			require.NoError(t, err, "opened anew it says what is there")
		})
	}
	disk := newDisk()
	disk.failWrite = cause
	_, err := createFile(disk, 0, small)
	require.ErrorIs(t, err, cause)
	d, err := createFile(newDisk(), 0, small)
	require.NoError(t, err)
	require.NoError(t, d.Program(0, 0, []byte("x")))
	d.f.(*testDisk).failRead = cause
	dump := d.Dump()
	require.Len(t, dump, 1, "a dump with a page missing would be false evidence")
	require.ErrorIs(t, dump[0].Err, ErrRead)
	require.ErrorIs(t, dump[0].Err, cause)
	require.Nil(t, dump[0].Data)
}
