package drive

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// place sets the place of range n, with its locks enabled.
func (b *bench) place(n int, start, length uint64) error {
	return b.as(BandMaster(n), b.label.MSID, func(s Session) error {
		return s.SetRange(RangeConfig{Start: start, Length: length, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle})
	})
}

// TestPlacesOnALargeDrive: the last LBA of a 20 TB drive is above 32 bits
// (Seagate/TCGstorageAPI issue 37, util-linux issue 2862, sedutil issue 31).
func TestPlacesOnALargeDrive(t *testing.T) {
	const last, third = 0x9185FFFFF, 0x48C400000
	for _, size := range []int{512, 4096} {
		b := newBench(t, func(c *Config) { c.Ranges, c.SectorSize, c.Sectors = 4, size, last+1 })
		require.NoError(t, b.place(3, third, 0x74706DB0))
		require.NoError(t, b.place(1, last, 1), "the last sector alone")
		for why, p := range map[string][3]uint64{
			"overlaps range 1":               {2, last, 1},
			"one past the end":               {2, last + 1, 1},
			"one sector too long":            {2, last - 10, 12},
			"wraps around":                   {2, 16, math.MaxUint64},
			"wraps around to sector 0":       {2, math.MaxUint64, 2},
			"wraps around to inside":         {2, math.MaxUint64 - 3, 5},
			"encloses range 3":               {2, 0, last},
			"touches the first of range 3":   {2, third - 1, 2},
			"no length past the end":         {4, last + 500, 0},
			"the global range with a start":  {0, 5, 0},
			"the global range with a length": {0, 0, 5},
		} {
			before, err := b.Range(int(p[0]))
			require.NoError(t, err)
			require.ErrorIs(t, b.place(int(p[0]), p[1], p[2]), InvalidParameter, why)
			after, err := b.Range(int(p[0]))
			require.NoError(t, err)
			require.Equal(t, before, after, "%s: a refusal changes nothing", why)
		}
		require.NoError(t, b.place(2, third-1, 1), "beside range 3")
		require.NoError(t, b.place(4, 77, 0), "a range without sectors may stand anywhere")
		require.NoError(t, b.place(4, third+5, 0), "and overlaps nothing")

		data := make([]byte, size)
		copy(data, sectors(1, 5))
		require.NoError(t, b.Write(last, data))
		b.mustRead(last, data, "the last sector")
		require.ErrorIs(t, b.Write(last+1, data), OutOfRange)
		require.ErrorIs(t, b.Write(math.MaxUint64, data), OutOfRange)
		b.cycle()
		require.ErrorIs(t, b.Read(last, data), Locked, "it is in a range that a power cycle locks")
		require.NoError(t, b.as(BandMaster(1), b.label.MSID, Session.Unlock))
		b.mustRead(last, data, "and is there")
	}
}

// sedutil issue 433: the host was told that its data is accessible.
func TestRangeWithoutPlaceIsNotUnlocked(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.NoError(t, b.Write(5, sectors(1, 5)))
	b.cycle()
	require.ErrorIs(t, b.as(BandMaster(2), b.label.MSID, Session.Unlock), InvalidParameter)
	require.ErrorIs(t, b.as(BandMaster(2), b.label.MSID, func(s Session) error { return s.SetLocks(true, true) }), InvalidParameter)
	require.ErrorIs(t, b.Read(5, make([]byte, 512)), Locked)

	// Locks that were enabled before there was a place are no trap.
	require.NoError(t, b.place(2, 0, 0))
	b.cycle()
	require.ErrorIs(t, b.as(BandMaster(2), b.label.MSID, Session.Unlock), InvalidParameter)
	require.NoError(t, b.place(2, 8, 8))
	require.ErrorIs(t, b.Read(8, make([]byte, 512)), Locked)
	require.NoError(t, b.as(BandMaster(2), b.label.MSID, Session.Unlock))
	require.NoError(t, b.Read(8, make([]byte, 512)))
	require.NoError(t, b.place(2, 0, 0), "and a place can be given back")
}

func TestRangesLieOnTheGridOfTheDrive(t *testing.T) {
	aligned := func(c *Config) { c.AlignmentGranularity, c.LowestAlignedLBA = 8, 3 }
	b := newBench(t, aligned)
	info, err := b.LockingInfo()
	require.NoError(t, err)
	require.Equal(t, LockingInfo{MaxRanges: 2, AlignmentRequired: true, LogicalBlockSize: 512, AlignmentGranularity: 8, LowestAlignedLBA: 3}, info)
	for _, c := range []struct {
		start, length uint64
		ok            bool
	}{
		{0, 0, true},
		{3, 8, true},
		{3, 2048, true},
		{11, 16, true},
		{0, 3, true},
		{0, 11, true}, // from sector 0 to the grid
		{0, 8, false},
		{0, 2047, false},
		{3, 2047, false},
		{3, 1, false},
		{11, 11, false},
		{4, 8, false},
		{8, 8, false},
		{2, 8, false},
		{11, 0, true},
		{12, 0, false},
	} {
		err := b.place(1, c.start, c.length)
		if c.ok {
			require.NoError(t, err, "%d sectors from sector %d on", c.length, c.start)
			continue
		}
		require.ErrorIs(t, err, InvalidParameter, "%d sectors from sector %d on", c.length, c.start)
	}
	b.PowerOff()
	_, err = b.LockingInfo()
	require.ErrorIs(t, err, NoPower)

	plain := newBench(t, nil)
	info, err = plain.LockingInfo()
	require.NoError(t, err)
	require.Equal(t, LockingInfo{MaxRanges: 2, LogicalBlockSize: 512, AlignmentGranularity: 1}, info)
	require.NoError(t, plain.place(1, 5, 2047), "no alignment is required")
}

func TestAlignmentThatIsNoneIsRefused(t *testing.T) {
	for _, c := range []struct {
		granularity, lowest uint64
		want                string
	}{
		{1<<32 + 1, 0, "at most 2^32"},
		{8, 8, "below the alignment granularity 8"},
		{0, 1, "below the alignment granularity 0"},
		{math.MaxUint64, math.MaxUint64, "at most 2^32"},
	} {
		cfg := testConfig()
		cfg.AlignmentGranularity, cfg.LowestAlignedLBA = c.granularity, c.lowest
		require.ErrorContains(t, cfg.Validate(), c.want)
	}
}

func TestAlignmentLivesOnInADriveFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	cfg := testConfig()
	cfg.AlignmentGranularity, cfg.LowestAlignedLBA = 256, 34
	d, label, err := CreateFile(path, cfg, fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.Equal(t, cfg, d.Config())
	require.NoError(t, d.PowerOn())
	b := &bench{Drive: d.Drive, label: label, t: t}
	require.ErrorIs(t, b.place(1, 256, 256), InvalidParameter)
	require.NoError(t, b.place(1, 34+256, 256))
	require.NoError(t, d.Close())
}

func TestDriveFileOfTheFirstVersionOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, _, err := CreateFile(path, testConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	clear(raw[fuseCRC1 : fuseCRC+4])
	binary.BigEndian.PutUint16(raw[8:], fuseVersion1)
	binary.BigEndian.PutUint32(raw[fuseCRC1:], crc32.Checksum(raw[:fuseCRC1], castagnoli))
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.Equal(t, testConfig(), d.Config())
	require.NoError(t, d.Close())
}
