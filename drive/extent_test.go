package drive

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What Extent calls not written reads as zeros, in memory and in a file; what was written it never calls so; and it
// comes to the end.
func TestExtents(t *testing.T) {
	cfg := fileConfig()
	d, _, err := CreateFile(filepath.Join(t.TempDir(), "a.drive"), cfg, fileOptions())
	require.NoError(t, err)
	defer d.Close()
	for name, d := range map[string]*Drive{"file": d.Drive, "memory": newBench(t, func(c *Config) { c.Sectors = 1 << 10 }).Drive} {
		cfg := d.Config()
		size := uint64(cfg.SectorSize)
		walk := func() (unwritten map[uint64]bool) {
			unwritten = map[uint64]bool{}
			for lba := uint64(0); lba < cfg.Sectors; {
				written, alike, err := d.Extent(lba, cfg.Sectors-lba)
				require.NoError(t, err)
				require.Positive(t, alike)
				require.LessOrEqual(t, alike, cfg.Sectors-lba)
				for at := lba; at < lba+alike && !written; at++ {
					unwritten[at] = true
				}
				lba += alike
			}
			return unwritten
		}
		require.Len(t, walk(), int(cfg.Sectors), "%s: a new drive is one hole", name)
		full := bytes.Repeat([]byte{7}, int(size))
		var wrote []uint64
		for _, lba := range []uint64{0, 3, cfg.Sectors / 2, cfg.Sectors - 1} {
			require.NoError(t, d.Write(lba, full))
			wrote = append(wrote, lba)
		}
		holes := walk()
		require.NotEmpty(t, holes)
		got := make([]byte, size)
		for _, lba := range wrote {
			require.False(t, holes[lba], "%s: sector %d was written", name, lba)
		}
		for lba := range cfg.Sectors {
			require.NoError(t, d.Read(lba, got))
			require.False(t, holes[lba] && !bytes.Equal(got, make([]byte, size)), "%s: sector %d is a hole", name, lba)
		}
		require.NoError(t, d.Discard(0, cfg.Sectors))
		written, _, err := d.Extent(cfg.Sectors/2, 1)
		require.NoError(t, err)
		require.False(t, written && name == "memory", "what was given up is a hole again")
		_, _, err = d.Extent(cfg.Sectors, 1)
		require.ErrorIs(t, err, OutOfRange)
		_, _, err = d.Extent(0, cfg.Sectors+1)
		require.ErrorIs(t, err, OutOfRange)
	}
}

// Of a locked range Extent tells its length, and nothing of what is in it.
func TestExtentsOfALockedRange(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(s Session) error {
		if err := s.SetRange(RangeConfig{Start: 10, Length: 20, ReadLockEnabled: true, WriteLockEnabled: true}); err != nil {
			return err
		}
		if err := s.SetLocks(false, false); err != nil {
			return err
		}
		if err := b.Write(12, bytes.Repeat([]byte{1}, b.Config().SectorSize)); err != nil {
			return err
		}
		return s.SetLocks(true, true)
	}))
	written, alike, err := b.Extent(5, 100)
	require.NoError(t, err)
	require.False(t, written)
	require.Equal(t, uint64(5), alike, "up to the range")
	for lba := uint64(10); lba < 30; lba++ {
		written, alike, err = b.Extent(lba, 100)
		require.ErrorIs(t, err, Locked)
		require.True(t, written)
		require.Equal(t, 30-lba, alike, "up to its end")
	}
	_, _, err = b.Extent(30, 10)
	require.NoError(t, err)
}
