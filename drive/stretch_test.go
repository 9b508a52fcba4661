package drive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// admitEach is admit as it reads: every sector by itself.
func (b *bench) admitEach(op string, lba, n uint64, locked lock) error {
	for at := lba; at < lba+n; at++ {
		r := b.rangeOf(at)
		switch {
		case b.shadowed(at) && op == "read":
		case b.shadowed(at):
			return b.refuse(op, Locked, "sector %d is in the MBR shadow", at)
		case locked(&b.rec.ranges[r], &b.ram[r]) || b.ram[r].mek == nil:
			return b.refuse(op, Locked, "range %d", r)
		}
	}
	return nil
}

// Looking at stretches of sectors finds what looking at each of them does, wherever a transfer begins and ends.
func TestATransferIsAdmittedAsEachOfItsSectors(t *testing.T) {
	t.Parallel()
	b := newOpal(t, func(c *Config) { c.Sectors, c.Ranges = 48, 5 })
	admin := b.owned(ActivateOptions{})
	place := func(start, length uint64) RangeConfig {
		return RangeConfig{Start: start, Length: length, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}
	}
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetRange(0, place(0, 0)), c.SetRange(1, place(30, 6)), c.SetRange(2, place(12, 6)), c.SetRange(3, place(18, 1)), c.SetRange(4, place(47, 1)))
	}))
	for _, shadow := range []bool{false, true} {
		require.NoError(t, b.change(admin, func(c *Change) error { return c.SetMBRControl(MBRControl{Enable: shadow}) }))
		for locks := 0; locks < 1<<10; locks += 23 {
			require.NoError(t, b.change(admin, func(c *Change) error {
				var err error
				for n := range 5 {
					bits := locks >> (2 * n)
					err = errors.Join(err, c.SetLocks(n, bits&1 != 0, bits&2 != 0))
				}
				return err
			}))
			for lba := range uint64(48) {
				for n := uint64(1); n <= 48-lba; n++ {
					alike(t, b.admitEach("read", lba, n, readLocked), b.Readable(lba, n))
					alike(t, b.admitEach("write", lba, n, writeLocked), b.Writable(lba, n))
				}
			}
		}
	}
}

// alike is require.Equal of two errors, for a test that has very many of them.
func alike(t *testing.T, want, got error) {
	t.Helper()
	if want == nil && got == nil {
		return
	}
	require.True(t, want != nil && got != nil && want.Error() == got.Error(), "want %v, got %v", want, got)
}

// A command may name more sectors than anybody could look at one by one: with 2^40 of them that would take hours.
func TestTheSizeOfACommandCostsNothing(t *testing.T) {
	t.Parallel()
	const all = 1 << 40
	for _, faulty := range []bool{false, true} {
		t.Run(fmt.Sprintf("faulty=%t", faulty), func(t *testing.T) {
			b := newOpal(t, func(c *Config) { c.Sectors = all })
			if faulty {
				b.parts.Media = NewFaultyMedia(b.media)
			}
			require.NoError(t, b.Write(all-1, sectors(1, 0x11)))
			require.NoError(t, b.Readable(0, all))
			require.NoError(t, b.Writable(0, all))
			require.NoError(t, b.EraseData())
			require.Empty(t, b.Dump().Written)
			admin := b.owned(ActivateOptions{})
			require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }))
			require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
			require.NoError(t, b.Write(all-1, sectors(1, 0x11)))
			require.NoError(t, b.Discard(0, all))
			require.Empty(t, b.Dump().Written)
			require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, true, true) }))
			require.ErrorIs(t, b.Discard(200, all-199), OutOfRange)
			require.ErrorIs(t, b.Discard(0, all), Locked)
			require.NoError(t, b.Discard(200, all-200))
		})
	}
}
