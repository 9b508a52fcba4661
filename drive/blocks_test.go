package drive

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainMedia is a Media that cannot forget.
type plainMedia struct{ Media }

// What was discarded reads as zeros and is gone from the medium, whatever the medium can do.
func TestDiscardedSectorsReadAsZeros(t *testing.T) {
	for name, wrap := range map[string]func(Media) Media{
		"forgets":      func(m Media) Media { return m },
		"faulty":       func(m Media) Media { return NewFaultyMedia(m) },
		"faulty plain": func(m Media) Media { return NewFaultyMedia(plainMedia{m}) },
		"plain":        func(m Media) Media { return plainMedia{m} },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.parts.Media = wrap(b.media)
			require.NoError(t, b.Write(10, sectors(5, 0x11)))
			was, _ := b.Dump().Sector(12)
			require.NoError(t, b.Discard(11, 3))
			got := make([]byte, 5*512)
			require.NoError(t, b.Read(10, got))
			require.Equal(t, append(append(sectors(1, 0x11), make([]byte, 3*512)...), sectors(1, 0x11)...), got)
			now, _ := b.Dump().Sector(12)
			require.False(t, bytes.Equal(was, now), "the old ciphertext is gone")
			require.ErrorIs(t, b.Discard(1<<20-1, 2), OutOfRange)
			require.ErrorIs(t, b.Discard(0, 0), InvalidParameter)
		})
	}
}

// A file gives the room of what was discarded back.
func TestAFileMakesHoles(t *testing.T) {
	if !sparse {
		t.Skip("skipped: this system tells no holes in files")
	}
	m, f := newFileMedia(t, 4096, 4096, 64)
	for lba := range uint64(64) {
		require.NoError(t, m.WriteSector(lba, bytes.Repeat([]byte{1}, 4096)))
	}
	require.NoError(t, m.Discard(8, 40))
	require.Len(t, m.Written(), 24)
	i, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(65*4096), i.Size(), "the file keeps its length")
	require.ErrorIs(t, m.Discard(60, 5), ErrMedia)
	require.NoError(t, m.Sync())
}

// A Media in something that is no file of the system has zeros written.
func TestDiscardWithoutHoles(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "media"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	m, err := mediaIn(struct{ mediaFile }{f}, 512, 512, 16)
	require.NoError(t, err)
	require.NoError(t, m.WriteSector(3, bytes.Repeat([]byte{1}, 512)))
	require.NoError(t, m.WriteSector(5, bytes.Repeat([]byte{1}, 512)))
	require.NoError(t, m.Discard(0, 5))
	require.Equal(t, []uint64{5}, m.Written())
}

// A sector that a host declares bad stays so over a loss of power, until it is written.
func TestSpoiltSectorsStaySo(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(7, sectors(3, 0x11)))
	require.NoError(t, b.Spoil(8, 1))
	one := make([]byte, 512)
	b.PowerOff()
	require.NoError(t, b.PowerOn())
	require.ErrorIs(t, b.Read(8, one), MediaFailure)
	require.NoError(t, b.Read(7, one))
	require.NoError(t, b.Write(8, sectors(1, 0x22)))
	require.NoError(t, b.Read(8, one))
	require.Equal(t, sectors(1, 0x22), one)
}

// Whatever touches a locked sector is refused, and changes nothing.
func TestLockedSectorsAreNeitherDiscardedNorSpoilt(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	require.NoError(t, b.Write(100, sectors(2, 0x11)))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, true, true) }))
	was := b.Dump().Written
	require.ErrorIs(t, b.Discard(99, 2), Locked)
	require.ErrorIs(t, b.Spoil(199, 2), Locked)
	require.ErrorIs(t, b.Readable(99, 2), Locked)
	require.ErrorIs(t, b.Writable(199, 2), Locked)
	require.NoError(t, b.Writable(0, 100))
	require.Equal(t, was, b.Dump().Written)
	require.ErrorIs(t, b.EraseData(), Locked, "what is locked takes a PIN to be given up")
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	require.ErrorIs(t, b.EraseData(), Locked, "also what will be locked after a power loss")
	got := make([]byte, 1024)
	require.NoError(t, b.Read(100, got))
	require.Equal(t, sectors(2, 0x11), got, "a refusal loses nothing")
}

// EraseData leaves neither the data nor a wrap of their key, and every PIN and grant as it was.
func TestEraseDataGivesUpTheKeys(t *testing.T) {
	open := RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle}
	for name, prepare := range map[string]func(*testing.T) *bench{
		"Enterprise": func(t *testing.T) *bench { return newBench(t, nil) },
		"Opal":       func(t *testing.T) *bench { return newOpal(t, nil).bench },
		"Opal, activated": func(t *testing.T) *bench {
			b := newOpal(t, nil)
			admin := b.owned(ActivateOptions{})
			require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, open) }))
			return b.bench
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := prepare(t)
			require.NoError(t, b.Write(150, sectors(1, 0x11)))
			was := b.rec.clone()
			var meks []string
			for n := range b.ram {
				meks = append(meks, string(b.ram[n].mek[:]))
			}
			require.NoError(t, b.EraseData())
			got := sectors(1, 0x33)
			require.NoError(t, b.Read(150, got))
			require.Equal(t, make([]byte, 512), got)
			require.Empty(t, b.Dump().Written, "the medium is empty")
			for n := range was.ranges {
				require.NotEqual(t, meks[n], string(b.ram[n].mek[:]), "range %d has another key", n)
				old := was.ranges[n].wrapOfMEK()
				require.NotEqual(t, old, b.rec.ranges[n].wrapOfMEK())
				for _, p := range b.Dump().Flash {
					require.False(t, bytes.Contains(p.Data, old[:]), "the old wrap of range %d is in the flash", n)
				}
			}
			require.Equal(t, was.state, b.rec.state)
			require.NoError(t, b.Write(150, sectors(1, 0x22)))
			b.PowerOff()
			require.NoError(t, b.PowerOn())
			require.NoError(t, b.Read(150, got))
			require.Equal(t, sectors(1, 0x22), got, "the new key outlives the power")
		})
	}
}

func (g *rangeRecord) wrapOfMEK() mekWrap {
	if g.opal != nil {
		return g.opal.mek
	}
	return g.wraps[0].wrap
}

// Who is granted a range of an activated drive still opens it behind an EraseData.
func TestGrantsOutliveEraseData(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.EraseData())
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	require.NoError(t, b.Write(150, sectors(1, 0x11)))
	b.PowerOff()
	require.NoError(t, b.PowerOn())
	got := make([]byte, 512)
	require.ErrorIs(t, b.Read(150, got), Locked)
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	require.NoError(t, b.Read(150, got))
	require.Equal(t, sectors(1, 0x11), got)
}

// Power may go at any operation of the flash: the data are then as they were, or gone with their key.
func TestEraseDataIsCutAnywhere(t *testing.T) {
	for _, when := range []string{"before", "torn", "after"} {
		k := 0
		for ; ; k++ {
			b := newBench(t, nil)
			require.NoError(t, b.Write(150, sectors(1, 0x11)))
			old := b.rec.ranges[0].wraps[0].wrap
			b.armUnchecked(fmt.Sprintf("(flash.power.%s (OnIndex %d))", when, k))
			err := b.EraseData()
			b.flash.Disarm()
			if err == nil {
				break
			}
			require.ErrorIs(t, err, PowerLost)
			require.NoError(t, b.PowerOn())
			require.Equal(t, 1, blocksInUse(b))
			there := false
			for _, p := range b.Dump().Flash {
				there = there || bytes.Contains(p.Data, old[:])
			}
			got := make([]byte, 512)
			require.NoError(t, b.Read(150, got))
			require.Equal(t, there, bytes.Equal(got, sectors(1, 0x11)), "%s, cut %d: the data are there exactly with their wrap", when, k)
		}
		require.Greater(t, k, 1, "the sweep has cut something")
	}
}
