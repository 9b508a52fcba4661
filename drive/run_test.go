package drive

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Transfers over a Media that moves runs of sectors end as those over one that does not, and leave the same bytes on the
// medium: across ranges with keys of their own, behind and in the MBR shadow, over holes and spoilt sectors, and longer
// than a run.
func TestRunsAreAsSectors(t *testing.T) {
	var drives []*opalBench
	for n := range 2 {
		b := newOpal(t, nil)
		if n == 1 {
			file, _ := newFileMedia(t, 8192, b.cfg.SectorSize, b.cfg.MediaSectors())
			require.Implements(t, (*Runner)(nil), file)
			b.media, b.parts.Media = file, file
		}
		admin := b.owned(ActivateOptions{})
		require.NoError(t, b.WriteTable(MBRShadow, 0, []byte("boot"), admin))
		require.NoError(t, b.change(admin, func(c *Change) error {
			return errors.Join(c.SetRange(1, RangeConfig{Start: 100, Length: 50}), c.SetRange(2, RangeConfig{Start: 150, Length: 200}),
				c.SetMBRControl(MBRControl{Enable: true, Done: true}))
		}))
		drives = append(drives, b)
	}
	random := rand.New(rand.NewPCG(14, 6))
	for step := range 400 {
		lba, n := uint64(random.IntN(400)), 1+random.IntN(8)
		if random.IntN(8) == 0 {
			n = runSize/512 + random.IntN(9) - 4
		}
		data := make([]byte, n*512)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		kind := random.IntN(8)
		shadow := MBRControl{Enable: true, Done: random.IntN(2) == 0}
		var got [2][]byte
		var errs [2]error
		for i, b := range drives {
			switch kind {
			case 0:
				errs[i] = b.Spoil(lba, 1)
			case 1:
				errs[i] = b.Discard(lba, uint64(n))
			case 2:
				admin := b.login(Admin(1), credential(1))
				errs[i] = b.change(admin, func(c *Change) error { return c.SetMBRControl(shadow) })
				admin.Close()
			case 3, 4, 5:
				errs[i] = b.Write(lba, data)
			default:
				got[i] = make([]byte, n*512)
				errs[i] = b.Read(lba, got[i])
			}
		}
		require.Equal(t, errs[0] == nil, errs[1] == nil, "step %d: %v and %v", step, errs[0], errs[1])
		if errs[0] == nil {
			require.Equal(t, got[0], got[1], "step %d: sector %d", step, lba)
			continue
		}
		require.Equal(t, errors.Is(errs[0], Locked), errors.Is(errs[1], Locked))
		require.Equal(t, errors.Is(errs[0], MediaFailure), errors.Is(errs[1], MediaFailure))
	}
	require.Equal(t, drives[0].media.Written(), drives[1].media.Written())
	one, other := make([]byte, 512), make([]byte, 512)
	for _, lba := range drives[0].media.Written() {
		_, err := drives[0].media.ReadSector(lba, one)
		require.NoError(t, err)
		_, err = drives[1].media.ReadSector(lba, other)
		require.NoError(t, err)
		require.Equal(t, one, other, "the ciphertext of sector %d", lba)
	}
}

// A run that does not fit is refused whole.
func TestRunsThatDoNotFit(t *testing.T) {
	m, _ := newFileMedia(t, 0, 512, 4)
	full := sectors(2, 0x11)
	require.ErrorIs(t, m.WriteSectors(3, full), ErrMedia)
	require.ErrorIs(t, m.WriteSectors(1<<63, full), ErrMedia)
	require.ErrorIs(t, m.WriteSectors(0, full[:700]), ErrMedia)
	require.ErrorIs(t, m.WriteSectors(0, append(full, make([]byte, 512)...)), ErrMedia, "a sector of zeros is one never written")
	require.ErrorIs(t, m.ReadSectors(3, make([]byte, 1024)), ErrMedia)
	require.Empty(t, m.Written())
	require.NoError(t, m.WriteSectors(2, full))
	require.Equal(t, []uint64{2, 3}, m.Written())
}
