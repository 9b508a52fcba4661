package drive

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

func newFileMedia(t testing.TB, offset int64, size int, sectors uint64) (*FileMedia, *os.File) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "media"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	m, err := NewFileMedia(f, offset, size, sectors)
	require.NoError(t, err)
	return m, f
}

// TestMediaKeepWhatIsWritten plays the same random writes on every Media and on
// a map, and compares all three.
func TestMediaKeepWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.SampledFrom([]int{512, 4096}).Draw(rt, "sector size")
		offset := rapid.Int64Range(0, 20000).Draw(rt, "offset")
		f, err := os.Create(filepath.Join(dir, "media"))
		require.NoError(rt, err)
		defer func() { _ = f.Close() }()
		file, err := NewFileMedia(f, offset, size, 1<<30)
		require.NoError(rt, err)
		all := map[string]Media{"memory": NewMemMedia(size), "file": file, "disarmed": NewFaultyMedia(NewMemMedia(size))}
		model := map[uint64][]byte{}
		lbas := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.SampledFrom([]uint64{1000, 1 << 20, 1<<30 - 1}))
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				lba := lbas.Draw(rt, "lba")
				b := bytes.Repeat([]byte{0}, size)
				b[rapid.IntRange(0, size-1).Draw(rt, "at")] = rapid.ByteRange(1, 255).Draw(rt, "value")
				model[lba] = bytes.Clone(b)
				for name, m := range all {
					require.NoError(rt, m.WriteSector(lba, b), "%s media refuse a sector", name)
				}
				clear(b) // a Media keeps a copy, not the buffer
			},
			"": func(rt *rapid.T) {
				lba := lbas.Draw(rt, "look at")
				want, ok := model[lba]
				if !ok {
					want = make([]byte, size)
				}
				for name, m := range all {
					got := bytes.Repeat([]byte{0xEE}, size)
					written, err := m.ReadSector(lba, got)
					require.NoError(rt, err)
					require.Equal(rt, ok, written, "%s media are wrong about sector %d having been written", name, lba)
					require.True(rt, bytes.Equal(want, got), "%s media give back another sector %d", name, lba)
					list := m.Written()
					require.Len(rt, list, len(model), "%s media list another number of sectors", name)
					for i, l := range list {
						require.Contains(rt, model, l)
						require.True(rt, i == 0 || list[i-1] < l, "%s media list sectors out of order", name)
					}
				}
			},
		})
	})
}

func TestMediaRefuseBuffersThatAreNotOneSector(t *testing.T) {
	file, _ := newFileMedia(t, 0, 512, 8)
	for _, m := range []Media{NewMemMedia(512), file} {
		for _, n := range []int{0, 511, 513, 4096} {
			_, err := m.ReadSector(0, make([]byte, n))
			require.ErrorIs(t, err, ErrMedia)
			require.ErrorIs(t, m.WriteSector(0, make([]byte, n)), ErrMedia)
		}
		require.Empty(t, m.Written(), "a refused write leaves nothing")
	}
	require.Panics(t, func() { NewMemMedia(520) })
}

func TestFileMediaLiveOnInTheFile(t *testing.T) {
	m, f := newFileMedia(t, 8192, 512, 100)
	_, err := f.WriteAt(bytes.Repeat([]byte{7}, 8192), 0)
	require.NoError(t, err, "what is before the region belongs to others")
	b := bytes.Repeat([]byte{0xA5}, 512)
	require.NoError(t, m.WriteSector(99, b))
	require.NoError(t, m.WriteSector(3, b))
	require.NoError(t, m.Sync())

	again, err := NewFileMedia(f, 8192, 512, 100)
	require.NoError(t, err)
	require.Equal(t, []uint64{3, 99}, again.Written(), "the sectors are found again in the file")
	got := make([]byte, 512)
	ok, err := again.ReadSector(99, got)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, b, got)

	head := make([]byte, 8192)
	_, err = f.ReadAt(head, 0)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte{7}, 8192), head, "the bytes before the region are untouched")
}

func TestFileMediaRefuseWhatTheyCannotKeep(t *testing.T) {
	m, f := newFileMedia(t, 0, 512, 10)
	require.ErrorIs(t, m.WriteSector(10, bytes.Repeat([]byte{1}, 512)), ErrMedia, "there is no sector 10")
	_, err := m.ReadSector(math.MaxUint64, make([]byte, 512))
	require.ErrorIs(t, err, ErrMedia)
	require.ErrorIs(t, m.WriteSector(0, make([]byte, 512)), ErrMedia, "zeros would read as never written")
	require.Empty(t, m.Written())

	for _, bad := range []struct {
		offset  int64
		size    int
		sectors uint64
	}{{-1, 512, 1}, {0, 520, 1}, {0, 512, 0}, {0, 512, math.MaxUint64}, {math.MaxInt64, 512, 1}} {
		_, err := NewFileMedia(f, bad.offset, bad.size, bad.sectors)
		require.Error(t, err, "%+v must be refused", bad)
	}

	require.NoError(t, f.Close())
	_, err = m.ReadSector(0, make([]byte, 512))
	require.ErrorIs(t, err, ErrMedia, "a file that cannot be read is a media error")
	require.ErrorIs(t, m.WriteSector(0, bytes.Repeat([]byte{1}, 512)), ErrMedia)
	require.ErrorIs(t, m.Sync(), ErrMedia)
}

func TestFileMediaStaySparse(t *testing.T) {
	m, f := newFileMedia(t, 0, 4096, 1<<40/4096)
	require.NoError(t, m.WriteSector(1<<28-1, bytes.Repeat([]byte{1}, 4096)), "the last sector of a terabyte")
	require.Equal(t, []uint64{1<<28 - 1}, m.Written())
	st, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(1<<40), st.Size())
}

// The stretches of data that a file system tells of begin and end anywhere.
func TestWrittenSectorsInStretchesOfAnyKind(t *testing.T) {
	const offset, size = 100, 512
	m, f := newFileMedia(t, offset, size, 8)
	for _, lba := range []uint64{0, 2, 3, 6} {
		require.NoError(t, m.WriteSector(lba, bytes.Repeat([]byte{byte(lba + 1)}, size)))
	}
	// Behind the media is something else.
	_, err := f.WriteAt(bytes.Repeat([]byte{9}, 2*size), offset+8*size)
	require.NoError(t, err)
	for name, stretches := range map[string][][2]int64{ // in bytes of the media
		"all at once":        {{0, 8 * size}},
		"in the middle":      {{10, 20}, {2*size + 100, 3*size + 1}, {6*size + 511, 7 * size}},
		"one sector in two":  {{0, 300}, {300, 3 * size}, {3 * size, 4 * size}, {6 * size, 7*size + 300}},
		"sector by sector":   {{0, size}, {size, 2 * size}, {2 * size, 3 * size}, {3 * size, 4 * size}, {6 * size, 7 * size}},
		"one up to the next": {{0, 2 * size}, {2 * size, 6 * size}, {6 * size, 8 * size}},
	} {
		require.Equal(t, []uint64{0, 2, 3, 6}, m.written(func(_ io.Seeker, at, end int64) (int64, int64) {
			require.EqualValues(t, offset+8*size, end, name)
			for _, s := range stretches {
				if offset+s[1] > at {
					return max(at, offset+s[0]), offset + s[1]
				}
			}
			return end, end
		}), name)
	}
}

// TestDataOfASparseFile: on a file system that knows holes they are passed over.
func TestDataOfASparseFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer f.Close()
	const block, end = 1 << 16, 1 << 20
	_, err = f.WriteAt(bytes.Repeat([]byte{1}, block), 4*block)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(end))
	next := func(at, end int64) [2]int64 {
		from, to := nextData(f, at, end)
		return [2]int64{from, to}
	}
	if next(0, end) == [2]int64{0, end} {
		t.Skip("skipped: this file system does not tell holes from data")
	}
	require.Equal(t, [2]int64{4 * block, 5 * block}, next(0, end))
	require.Equal(t, [2]int64{4*block + 7, 5 * block}, next(4*block+7, end), "from the middle of the data")
	require.Equal(t, [2]int64{4 * block, 4*block + 9}, next(0, 4*block+9), "no further than is asked for")
	require.Equal(t, [2]int64{3 * block, 3 * block}, next(0, 3*block))
	require.Equal(t, [2]int64{end, end}, next(5*block, end), "nothing but a hole")
	require.NoError(t, f.Close())
	require.Equal(t, [2]int64{3, end}, next(3, end), "what the system does not tell is data")
}

func TestFaultyMediaFailWhereThePlanSays(t *testing.T) {
	m := NewFaultyMedia(NewMemMedia(512))
	one, two := bytes.Repeat([]byte{1}, 512), bytes.Repeat([]byte{2}, 512)
	require.NoError(t, m.WriteSector(5, one))
	plan, err := fault.Parse("(media.read.error (LBA 5)) (media.write.error (And (LBA 5) (OnIndex 0)))")
	require.NoError(t, err)
	m.Arm(plan)

	got := bytes.Clone(two)
	_, err = m.ReadSector(5, got)
	require.ErrorIs(t, err, ErrMedia)
	require.ErrorContains(t, err, "sector 5")
	require.Equal(t, make([]byte, 512), got, "nothing of an unreadable sector comes out")
	_, err = m.ReadSector(6, got)
	require.NoError(t, err, "other sectors are well")
	require.ErrorIs(t, m.WriteSector(5, two), ErrMedia)
	require.Len(t, m.Plan().Fired(), 2, "both points fired")

	m.Disarm()
	require.Nil(t, m.Plan())
	_, err = m.ReadSector(5, got)
	require.NoError(t, err)
	require.Equal(t, one, got, "a refused write changed nothing")
	require.NoError(t, m.WriteSector(5, two))
	require.Equal(t, []uint64{5}, m.Written())
	require.False(t, errors.Is(err, ErrMedia))

	for _, p := range []fault.Point{PointMediaReadError, PointMediaWriteError} {
		_, ok := fault.Lookup(string(p))
		require.True(t, ok, "%s is registered", p)
	}
}

func BenchmarkMemMediaRead(b *testing.B) {
	m := NewFaultyMedia(NewMemMedia(4096))
	buf := bytes.Repeat([]byte{1}, 4096)
	require.NoError(b, m.WriteSector(1, buf))
	b.SetBytes(4096)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = m.ReadSector(1, buf)
	}
}
