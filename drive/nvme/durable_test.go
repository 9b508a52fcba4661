package nvme_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// lossyMedia is a medium in a file system that loses what was not synced.
type lossyMedia struct {
	fs *crashfs.FS
	f  *crashfs.File
}

func newLossyMedia(t *testing.T) *lossyMedia {
	m := &lossyMedia{fs: crashfs.New()}
	var err error
	m.f, err = m.fs.Create("medium")
	require.NoError(t, err)
	require.NoError(t, m.fs.SyncDir("."))
	return m
}

func (m *lossyMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	n, err := m.f.ReadAt(dst, int64(lba)*512)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	clear(dst[n:])
	return !bytes.Equal(dst, make([]byte, 512)), nil
}

func (m *lossyMedia) WriteSector(lba uint64, src []byte) error {
	_, err := m.f.WriteAt(src, int64(lba)*512)
	return err
}

func (m *lossyMedia) Discard(lba, n uint64) error {
	_, err := m.f.WriteAt(make([]byte, n*512), int64(lba)*512)
	return err
}

func (m *lossyMedia) Written() []uint64 { return nil }

func (m *lossyMedia) Sync() error { return m.f.Sync() }

// cut is a loss of power of the whole machine.
func (m *lossyMedia) cut(t *testing.T, seed uint64) {
	m.fs = m.fs.AfterCut(seed)
	var err error
	m.f, err = m.fs.Open("medium")
	require.NoError(t, err)
}

// What a host was told is safe survives a loss of power of the machine: what it flushed, what it wrote with FUA, and
// with the write cache off everything. What it was not told so may be lost, and is lost in some of the cuts.
func TestFlushSurvivesALossOfPower(t *testing.T) {
	const safe, fua = 10, 1 << 30
	lost := 0
	for seed := range uint64(24) {
		m := newLossyMedia(t)
		d, _, err := drive.Manufacture(drive.Config{Serial: "FDE1", SectorSize: 512, Sectors: 4096, PBKDF2Iterations: 1},
			drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: m, Entropy: entropy.Stream(seed, "durable")})
		require.NoError(t, err)
		b := &bench{t: t, d: d}
		b.s, err = nvme.NewSubsystem(d, nvme.Options{})
		require.NoError(t, err)
		b.connect()

		// Blocks 10 to 19 are written and flushed; 20 on have something else in the cache.
		good(t, b.io(nvme.OpWrite, filled(10*512, 1), nil, safe, 0, 9))
		good(t, b.io(nvme.OpWrite, filled(10*512, 2), nil, safe+10, 0, 9))
		good(t, b.io(nvme.OpFlush, nil, nil))
		good(t, b.io(nvme.OpWrite, filled(10*512, 3), nil, safe+10, 0, 9))
		what := "flushed"
		switch seed % 4 {
		case 1:
			what = "written with FUA"
			good(t, b.io(nvme.OpWrite, filled(10*512, 4), nil, safe, 0, 9|fua))
		case 2:
			what = "written without a cache"
			good(t, b.admin(nvme.OpSetFeatures, 0, nil, nil, 6, 0))
			good(t, b.io(nvme.OpWriteZeroes, nil, nil, safe, 0, 9))
		case 3:
			what = "copied with FUA"
			from := make([]byte, 32)
			from[8], from[16] = safe+10, 9
			good(t, b.io(nvme.OpCopy, from, nil, safe, 0, fua))
		}
		want := [][]byte{filled(10*512, 1), filled(10*512, 4), make([]byte, 10*512), filled(10*512, 3)}[seed%4]
		good(t, b.io(nvme.OpWrite, filled(20*512, 5), nil, safe+20, 0, 19)) // and more behind it, which nobody flushes
		d.PowerOff()
		m.cut(t, seed)
		require.NoError(t, d.PowerOn())
		b.connect()
		got := make([]byte, 10*512)
		good(t, b.io(nvme.OpRead, nil, got, safe, 0, 9))
		require.Equal(t, want, got, "seed %d: what was %s", seed, what)
		good(t, b.io(nvme.OpRead, nil, got, safe+20, 0, 9))
		if !bytes.Equal(got, filled(10*512, 5)) {
			lost++
		}
	}
	require.Positive(t, lost, "a loss of power loses something")
}
