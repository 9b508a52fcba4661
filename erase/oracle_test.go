package erase

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// deaf is a drive of which the sectors in bad cannot be read through its port.
type deaf struct {
	*bench
	bad   func(lba uint64) bool
	reads []uint64
}

func (d *deaf) Read(lba uint64, dst []byte) error {
	d.reads = append(d.reads, lba)
	if d.bad(lba) {
		return refuse(drive.MediaFailure)
	}
	return d.bench.Read(lba, dst)
}

// onMedia is every sector as it lies on the medium.
func onMedia(b *bench) map[uint64]string {
	d := b.Dump()
	all := map[uint64]string{}
	for _, lba := range d.Written {
		s, _ := d.Sector(lba)
		all[lba] = string(s)
	}
	return all
}

// A run that cannot read a known plaintext, and ends before the erase, has changed no
// sector that was ever written.
func TestACanaryIsNeverWrittenOverASector(t *testing.T) {
	all := func(uint64) bool { return true }
	for _, c := range []struct {
		name    string
		n       int // the range
		written []uint64
		bad     func(uint64) bool
		canary  int // LBA, -1 for none
	}{
		{"a full range", 1, []uint64{10, 11, 12, 13, 14}, all, -1},
		{"a full drive", 0, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 18, 19}, all, -1},
		{"one free sector among others", 1, []uint64{10, 11, 13, 14}, all, 12},
		{"the last sector of a range is free", 1, []uint64{10, 11, 12, 13}, all, 14},
		{"the first sector of a range is free", 1, []uint64{11, 12, 13, 14}, all, 10},
		{"sectors outside the range", 1, []uint64{3, 7, 9, 10, 15, 16}, all, 11},
		{"the last sector of a drive is free", 0, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 17, 18}, all, 19},
		{"four sectors cannot be read", 1, []uint64{10, 11, 12, 13}, func(lba uint64) bool { return lba < 14 }, 14},
		{"the fourth can be read", 1, []uint64{10, 11, 12, 13}, func(lba uint64) bool { return lba < 13 }, -1},
		{"an empty range", 1, nil, all, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "O1", nil, func(c *drive.Config) { c.Sectors = 20 })
			b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error {
				return s.SetRange(drive.RangeConfig{Start: 10, Length: 5})
			})
			for _, lba := range c.written {
				require.NoError(t, b.Write(lba, customer))
			}
			before := onMedia(b)
			d := &deaf{bench: b, bad: c.bad}
			rep, err := withJournal(t, &dying{&memory{}, 0}).Run(context.Background(), []Job{{Target: d, Method: RangeErase, Range: c.n}})
			require.ErrorIs(t, err, errCrash)
			r := rep.Results[0]
			require.Equal(t, NotStarted, r.Outcome)
			require.LessOrEqual(t, len(d.reads), oracleReadMax, "a drive that cannot read is not asked for long: %v", d.reads)
			after := onMedia(b)
			if c.canary >= 0 {
				lba := uint64(c.canary)
				require.Contains(t, after, lba)
				require.NotContains(t, before, lba)
				delete(after, lba)
				require.Equal(t, fmt.Sprintf("the journal failed before the erase; a canary stays in the sector at LBA %d", lba), r.Why)
			} else {
				require.Equal(t, "the journal failed before the erase", r.Why)
			}
			require.Equal(t, before, after)
		})
	}
}

// Four sectors that cannot be read are enough: the fifth is not tried.
func TestARangeIsGivenUpAfterFourBadSectors(t *testing.T) {
	b := newBench(t, "O2", nil, func(c *drive.Config) { c.Ranges = 0 })
	for lba := range uint64(6) {
		require.NoError(t, b.Write(lba, customer))
	}
	d := &deaf{bench: b, bad: func(lba uint64) bool { return lba < 4 }}
	r := run1(t, Job{Target: d, Method: DriveErase})
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, []uint64{0, 1, 2, 3}, d.reads[:4])
	require.Equal(t, uint64(6), d.reads[4], "the canary, after the erase")
	control, _ := r.Check(CheckControl)
	require.Contains(t, control.Why, "opens canary at LBA 6")
}

// Each range with a place gives a known plaintext, and one without a place none.
func TestEachRangeWithAPlaceIsProvedByItself(t *testing.T) {
	b := newBench(t, "O3", nil, nil)
	require.NoError(t, b.Write(100, customer))
	b.configure(2, pin(21)) // range 1 has no place
	d := &deaf{bench: b, bad: func(uint64) bool { return false }}
	r := run1(t, Job{Target: d, Method: DriveErase, Owner: []Credential{{Range: 2, PIN: pin(21)}}})
	require.Equal(t, Passed, r.Outcome, text(r))
	plain, _ := r.Check(CheckPlaintext)
	require.Equal(t, "2 known sectors read differently", plain.Why)
	slices.Sort(d.reads)
	require.Equal(t, []uint64{100, 100, 2000, 2000}, d.reads)
	verdict(t, r, CheckControl, Pass)
}

// The first sector of a range belongs to it, and the one behind its last does not.
func TestASectorBelongsToOneRange(t *testing.T) {
	b := newBench(t, "O4", nil, func(c *drive.Config) { c.Sectors = 20 })
	b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{Start: 10, Length: 5})
	})
	b.as(drive.BandMaster(2), b.label.MSID, func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{Start: 16, Length: 1})
	})
	r := &run{t: b, cfg: b.Config()}
	want := map[int][]uint64{0: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 18, 19}, 1: {10, 11, 12, 13, 14}, 2: {16}}
	for n := range 3 {
		info, err := b.Range(n)
		require.NoError(t, err)
		var got []uint64
		for lba := range uint64(25) {
			if r.within(&target{n: n, info: info}, lba) {
				got = append(got, lba)
			}
		}
		require.Equal(t, want[n], got, "range %d", n)
	}
}
