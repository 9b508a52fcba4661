package drive

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// smallDrive has so few sectors that an operation takes few steps.
func smallDrive(c *Config) { c.Sectors = 32 }

var sanitizeOrders = map[string]SanitizeOrder{
	"crypto":               {Action: CryptoErase},
	"crypto, kept":         {Action: CryptoErase, KeepBlocks: true},
	"crypto, verified":     {Action: CryptoErase, Verify: true},
	"block":                {Action: BlockErase, Unrestricted: true},
	"block, verified":      {Action: BlockErase, Verify: true, Unrestricted: true},
	"overwrite":            {Action: Overwrite, Passes: 2, Pattern: 0xA5A5A5A5},
	"overwrite, kept":      {Action: Overwrite, Passes: 1, Pattern: 0x01020304, KeepBlocks: true},
	"overwrite, inverting": {Action: Overwrite, Passes: 3, Invert: true, Pattern: 0xFF00FF00, KeepBlocks: true},
}

// sanitizeBenches are drives with data: of both personalities, and an Opal drive that is taken into use.
func sanitizeBenches() map[string]func(*testing.T) *bench {
	return map[string]func(*testing.T) *bench{
		"Enterprise": func(t *testing.T) *bench { return newBench(t, smallDrive) },
		"Opal":       func(t *testing.T) *bench { return newOpal(t, smallDrive).bench },
		"Opal, activated": func(t *testing.T) *bench {
			b := newOpal(t, smallDrive)
			b.owned(ActivateOptions{}).Close()
			return b.bench
		},
	}
}

// work does steps until nothing is left, or the power is.
func (b *bench) work() error {
	for range 1000 {
		if more, err := b.SanitizeStep(5); err != nil || !more {
			return err
		}
	}
	b.t.Fatal("an operation without an end")
	return nil
}

func (b *bench) sanitizeState() SanitizeState {
	b.t.Helper()
	s, err := b.SanitizeStatus()
	require.NoError(b.t, err)
	return s.State
}

// remains says whether the old ciphertext, or a wrap of its key, is anywhere in the drive.
func (b *bench) remains(cipher []byte, wraps []mekWrap) (medium, key bool) {
	d := b.Dump()
	for _, lba := range d.Written {
		s, _ := d.Sector(lba)
		medium = medium || bytes.Equal(s, cipher)
	}
	for _, p := range d.Flash {
		for i := range wraps {
			key = key || bytes.Contains(p.Data, wraps[i][:])
		}
	}
	return medium, key
}

func (b *bench) wraps() (out []mekWrap) {
	for n := range b.rec.ranges {
		out = append(out, b.rec.ranges[n].wrapOfMEK())
	}
	return out
}

// Each action leaves no key and no data, and says what it promises.
func TestSanitizeLeavesNothing(t *testing.T) {
	for kind, make := range sanitizeBenches() {
		for name, o := range sanitizeOrders {
			t.Run(kind+", "+name, func(t *testing.T) {
				b := make(t)
				require.NoError(t, b.Write(7, sectors(1, 0x11)))
				cipher, _ := b.Dump().Sector(7)
				wraps := b.wraps()
				require.NoError(t, b.Sanitize(o))
				require.ErrorIs(t, b.Read(7, sectors(1, 0)), SanitizeInProgress)
				require.ErrorIs(t, b.Write(7, sectors(1, 0)), SanitizeInProgress)
				require.ErrorIs(t, b.Discard(7, 1), SanitizeInProgress)
				require.ErrorIs(t, b.EraseData(), SanitizeInProgress)
				require.ErrorIs(t, b.Sanitize(o), SanitizeInProgress)
				require.NoError(t, b.work())
				if o.Verify {
					b.looksAtTheMedium(o, cipher)
				}
				s, err := b.SanitizeStatus()
				require.NoError(t, err)
				require.Equal(t, SanitizeIdle, s.State)
				require.True(t, s.Clean)
				medium, key := b.remains(cipher, wraps)
				require.False(t, key, "no wrap of an old key is left")
				require.Equal(t, o.KeepBlocks && o.Action == CryptoErase, medium)
				got := sectors(1, 0)
				require.NoError(t, b.Read(7, got))
				switch {
				case o.Action == Overwrite && o.KeepBlocks:
					want := []byte{byte(o.Pattern), byte(o.Pattern >> 8), byte(o.Pattern >> 16), byte(o.Pattern >> 24)}
					require.Equal(t, bytes.Repeat(want, 128), got, "the last pass has the pattern as it is")
				case o.KeepBlocks:
					require.NotEqual(t, sectors(1, 0x11), got)
				default:
					require.Equal(t, sectors(1, 0)[:0], bytes.TrimRight(got, "\x00"), "deallocated sectors are zeros")
				}
				require.NoError(t, b.Write(7, sectors(1, 0x22)))
				s, _ = b.SanitizeStatus()
				require.False(t, s.Clean, "somebody has written")
			})
		}
	}
}

// A drive is clean until a host writes: zeros are something that it writes, and what it gives up is not.
func TestWhatSoilsACleanDrive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do    func(b *bench) error
		clean bool
	}{
		"read":                  {func(b *bench) error { return b.Read(7, sectors(1, 0)) }, true},
		"discard":               {func(b *bench) error { return b.Discard(7, 2) }, true},
		"write":                 {func(b *bench) error { return b.Write(7, sectors(1, 0x11)) }, false},
		"write zeroes":          {func(b *bench) error { return b.WriteZeroes(7, 2) }, false},
		"spoil":                 {func(b *bench) error { return b.Spoil(7, 2) }, false},
		"zeros behind the end":  {func(b *bench) error { return refusedAs(b.WriteZeroes(31, 2), OutOfRange) }, true},
		"no zeros":              {func(b *bench) error { return refusedAs(b.WriteZeroes(7, 0), InvalidParameter) }, true},
		"write behind the end":  {func(b *bench) error { return refusedAs(b.Write(31, sectors(2, 0)), OutOfRange) }, true},
		"spoilt behind the end": {func(b *bench) error { return refusedAs(b.Spoil(31, 2), OutOfRange) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallDrive)
			require.NoError(t, b.Write(8, sectors(1, 0x11)))
			require.NoError(t, b.Sanitize(SanitizeOrder{Action: Overwrite, Passes: 1, KeepBlocks: true}))
			require.NoError(t, b.work())
			require.NoError(t, c.do(b))
			for range 2 {
				s, err := b.SanitizeStatus()
				require.NoError(t, err)
				require.Equal(t, c.clean, s.Clean)
				b.PowerOff()
				require.NoError(t, b.PowerOn())
			}
		})
	}
}

// refusedAs is nil where err is of a code.
func refusedAs(err error, code Code) error {
	if errors.Is(err, code) {
		return nil
	}
	return fmt.Errorf("want %v, got %w", code, err)
}

// cacheMedia is a medium that forgets what was not synced when the power goes.
type cacheMedia struct {
	*MemMedia
	safe map[uint64][]byte
}

func (m *cacheMedia) Sync() error {
	m.safe = cloneSectors(m.sectors)
	return nil
}

func (m *cacheMedia) lose() { m.sectors = cloneSectors(m.safe) }

func cloneSectors(from map[uint64][]byte) map[uint64][]byte {
	to := map[uint64][]byte{}
	for lba, s := range from {
		to[lba] = slices.Clone(s)
	}
	return to
}

// The power may go behind every step, and take with it what the medium has not made safe: what is on record as done
// is on the medium, and the end of the operation finds none of the old data.
func TestSanitizeOnAMediumWithACache(t *testing.T) {
	t.Parallel()
	for name, o := range sanitizeOrders {
		if o.Verify || o.Action == CryptoErase && o.KeepBlocks {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for cut := 0; ; cut++ {
				b := newBench(t, smallDrive)
				m := &cacheMedia{MemMedia: NewMemMedia(512)}
				b.parts.Media = m
				require.NoError(t, b.Write(0, sectors(32, 0x11)))
				require.NoError(t, b.Sync())
				was := cloneSectors(m.safe)
				require.NoError(t, b.Sanitize(o))
				more := true
				for step := 0; step < cut && more; step++ {
					var err error
					more, err = b.SanitizeStep(1)
					require.NoError(t, err)
				}
				b.PowerOff()
				m.lose()
				require.NoError(t, b.PowerOn())
				require.NoError(t, b.work())
				require.Equal(t, SanitizeIdle, b.sanitizeState())
				for lba, s := range m.sectors {
					require.NotEqual(t, was[lba], s, "cut behind step %d: sector %d has what it had", cut, lba)
				}
				if !more {
					require.Greater(t, cut, 8, "there was something to cut")
					return
				}
			}
		})
	}
}

// EraseData has the medium forget for good.
func TestEraseDataOnAMediumWithACache(t *testing.T) {
	t.Parallel()
	b := newBench(t, smallDrive)
	m := &cacheMedia{MemMedia: NewMemMedia(512)}
	b.parts.Media = m
	require.NoError(t, b.Write(0, sectors(32, 0x11)))
	require.NoError(t, b.Sync())
	require.NoError(t, b.EraseData())
	b.PowerOff()
	m.lose()
	require.NoError(t, b.PowerOn())
	require.Empty(t, b.Dump().Written)
	b.mustRead(7, make([]byte, 512), "zeros, not noise")
}

// looksAtTheMedium is Media Verification: a host reads what a thief finds.
func (b *bench) looksAtTheMedium(o SanitizeOrder, cipher []byte) {
	t := b.t
	require.Equal(t, MediaVerification, b.sanitizeState())
	require.ErrorIs(t, b.Read(7, sectors(1, 0)), SanitizeInProgress)
	got := sectors(1, 0)
	require.NoError(t, b.VerifyMedia(7, got))
	dump, written := b.Dump().Sector(7)
	require.Equal(t, dump, got, "what a host reads is what a thief finds")
	require.Equal(t, o.Action == CryptoErase, written && bytes.Equal(cipher, got))
	require.ErrorIs(t, b.VerifyMedia(31, sectors(2, 0)), OutOfRange)
	require.NoError(t, b.ExitMediaVerification())
	require.ErrorIs(t, b.VerifyMedia(7, got), InvalidState)
	require.Equal(t, PostVerification, b.sanitizeState())
	require.NoError(t, b.work())
}

// Power may go at every operation of the flash and between any two steps, and in the recovery: the operation
// goes on by itself, and its end is that of one that was not cut.
func TestSanitizeIsCutAnywhere(t *testing.T) {
	for kind, make := range sanitizeBenches() {
		for name, o := range sanitizeOrders {
			if testing.Short() && kind != "Opal" {
				continue
			}
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				for _, when := range []string{"before", "torn", "after"} {
					k := 0
					for ; cutSanitize(t, make(t), o, when, k); k++ {
					}
					require.Greater(t, k, 3, "the sweep has cut something")
				}
			})
		}
	}
}

// cutSanitize cuts the power at operation k, and says whether it came that far.
func cutSanitize(t *testing.T, b *bench, o SanitizeOrder, when string, k int) bool {
	why := fmt.Sprintf("power cut %s operation %d", when, k)
	require.NoError(t, b.Write(7, sectors(1, 0x11)))
	cipher, _ := b.Dump().Sector(7)
	wraps := b.wraps()
	b.armUnchecked(fmt.Sprintf("(flash.power.%s (OnIndex %d))", when, k))
	err := b.Sanitize(o)
	began := err == nil
	if err == nil {
		err = b.work()
	}
	if err == nil && o.Verify {
		if err = b.ExitMediaVerification(); err == nil {
			err = b.work()
		}
	}
	b.flash.Disarm()
	if err == nil {
		require.Equal(t, SanitizeIdle, b.sanitizeState())
		return false
	}
	require.ErrorIs(t, err, PowerLost, why)
	b.armUnchecked(fmt.Sprintf("(flash.power.torn (OnIndex %d))", k%4))
	_ = b.PowerOn()
	b.flash.Disarm()
	b.PowerOff()
	require.NoError(t, b.PowerOn(), why)
	require.NotEqual(t, SecurityDegraded, b.Status().State, why)
	s, err := b.SanitizeStatus()
	require.NoError(t, err)
	if !s.Ever {
		require.False(t, began, "%s: an operation that began is not forgotten", why)
		b.mustRead(7, sectors(1, 0x11), why)
		return true
	}
	require.NotEqual(t, MediaVerification, s.State, "%s: a loss of power ends it", why)
	if s.State != SanitizeIdle {
		require.ErrorIs(t, b.Read(7, sectors(1, 0)), SanitizeInProgress, why)
	}
	require.NoError(t, b.work(), why)
	require.Equal(t, SanitizeIdle, b.sanitizeState(), why)
	medium, key := b.remains(cipher, wraps)
	require.False(t, key, why)
	require.Equal(t, o.KeepBlocks && o.Action == CryptoErase, medium, why)
	require.NoError(t, b.Write(7, sectors(1, 0x22)), why)
	b.mustRead(7, sectors(1, 0x22), why)
	return true
}

// A medium that refuses has the operation fail; what a host may do then depends on how it was asked for.
func TestSanitizeThatFails(t *testing.T) {
	for _, unrestricted := range []bool{false, true} {
		t.Run(fmt.Sprint("unrestricted ", unrestricted), func(t *testing.T) {
			b := newBench(t, smallDrive)
			faulty := NewFaultyMedia(b.media)
			b.parts.Media = faulty
			plan, err := fault.Parse("(media.write.error (LBA 20))")
			require.NoError(t, err)
			require.NoError(t, b.Write(7, sectors(1, 0x11)))
			require.NoError(t, b.Write(20, sectors(1, 0x11)))
			wraps := b.wraps()
			faulty.Arm(plan)
			o := SanitizeOrder{Action: BlockErase, Unrestricted: unrestricted}
			require.NoError(t, b.Sanitize(o))
			require.NoError(t, b.work())
			s, err := b.SanitizeStatus()
			require.NoError(t, err)
			require.False(t, s.Clean)
			_, key := b.remains(nil, wraps)
			require.False(t, key, "the keys went first")
			require.ErrorIs(t, b.Read(7, sectors(1, 0)), SanitizeFailed)
			b.cycle()
			require.ErrorIs(t, b.Read(7, sectors(1, 0)), SanitizeFailed, "also after a loss of power")
			if unrestricted {
				require.Equal(t, []SanitizeState{UnrestrictedFailure, UnrestrictedProcessing}, []SanitizeState{s.State, s.Failed})
				require.NoError(t, b.ExitSanitizeFailure())
				require.NoError(t, b.Read(7, sectors(1, 0)))
				require.NoError(t, b.ExitSanitizeFailure(), "of a drive that is well it does nothing")
				return
			}
			require.Equal(t, []SanitizeState{RestrictedFailure, RestrictedProcessing}, []SanitizeState{s.State, s.Failed})
			require.ErrorIs(t, b.ExitSanitizeFailure(), SanitizeFailed)
			require.ErrorIs(t, b.Sanitize(SanitizeOrder{Action: BlockErase, Unrestricted: true}), SanitizeFailed)
			faulty.Disarm()
			require.NoError(t, b.Sanitize(o))
			require.NoError(t, b.work())
			require.NoError(t, b.Read(20, sectors(1, 0)))
		})
	}
}

// A reset of the subsystem cancels Media Verification, as a loss of power does; other resets do not.
func TestResetsAndMediaVerification(t *testing.T) {
	for _, early := range []bool{false, true} {
		b := newBench(t, smallDrive)
		require.NoError(t, b.Write(7, sectors(1, 0x11)))
		require.NoError(t, b.Sanitize(SanitizeOrder{Action: BlockErase, Verify: true}))
		if !early {
			require.NoError(t, b.work())
		}
		require.NoError(t, b.Reset(HotPlugReset))
		s, _ := b.SanitizeStatus()
		require.False(t, s.Cancelled)
		require.NoError(t, b.Reset(HardwareReset))
		s, _ = b.SanitizeStatus()
		require.True(t, s.Cancelled)
		require.NotEqual(t, MediaVerification, s.State)
		require.NoError(t, b.work())
		require.Equal(t, SanitizeIdle, b.sanitizeState(), "early %v", early)
	}
}

// Nobody gives data up that take a PIN.
func TestSanitizeOfALockedDriveIsRefused(t *testing.T) {
	b := newOpal(t, smallDrive)
	admin := b.owned(ActivateOptions{})
	c := RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}
	require.NoError(t, b.change(admin, func(ch *Change) error { return ch.SetRange(1, c) }))
	require.ErrorIs(t, b.Sanitize(SanitizeOrder{Action: CryptoErase}), Locked)
	s, err := b.SanitizeStatus()
	require.NoError(t, err)
	require.Equal(t, SanitizeStatus{}, s)
	for _, o := range []SanitizeOrder{{}, {Action: Overwrite}, {Action: Overwrite, Passes: 17}, {Action: Overwrite, Passes: 1, Verify: true}, {Action: CryptoErase, Verify: true, KeepBlocks: true}} {
		require.ErrorIs(t, b.Sanitize(o), InvalidParameter)
	}
}

// A revert in the middle does not end an operation.
func TestSanitizeGoesOnOverARevert(t *testing.T) {
	b := newBench(t, smallDrive)
	require.NoError(t, b.Write(7, sectors(1, 0x11)))
	require.NoError(t, b.Sanitize(SanitizeOrder{Action: BlockErase}))
	_, err := b.SanitizeStep(1)
	require.NoError(t, err)
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.Equal(t, RestrictedProcessing, b.sanitizeState())
	require.NoError(t, b.work())
	require.Empty(t, b.Dump().Written)
}
