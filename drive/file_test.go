package drive

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func fileOptions() FileOptions { return FileOptions{Entropy: entropy.Stream(2, "file")} }

func TestDriveLivesOnInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, label, err := CreateFile(path, testConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Write(5, sectors(1, 1)))
	s, err := d.Authenticate(BandMaster(0), label.MSID)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(credential(1)))
	s.Close()
	_, err = OpenFile(path, fileOptions())
	require.ErrorContains(t, err, "another process has this drive open")
	require.NoError(t, d.Close())

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "the file holds the root key")
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing temporary stays behind")

	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.False(t, d.Status().Powered, "an opened drive is off")
	require.NoError(t, d.PowerOn())
	require.Equal(t, Configured, d.Status().State)
	require.ErrorIs(t, d.Read(5, make([]byte, 512)), Locked)
	s, err = d.Authenticate(BandMaster(0), credential(1))
	require.NoError(t, err)
	require.NoError(t, s.Unlock())
	got := make([]byte, 512)
	require.NoError(t, d.Read(5, got))
	require.True(t, bytes.Equal(sectors(1, 1), got))
	require.NoError(t, d.Close())

	_, _, err = CreateFile(path, testConfig(), fileOptions())
	require.ErrorIs(t, err, fs.ErrExist, "an existing drive is never overwritten")
}

// TestKillAtAnyWrite copies the file as it stands after each flash operation of
// a rekey, as a kill at that moment would leave it, and opens the copy.
func TestKillAtAnyWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	var images [][]byte
	snapshot := func() {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		images = append(images, b)
	}
	cfg := testConfig()
	cfg.Sectors = 64
	d, label, err := CreateFile(path, cfg, FileOptions{Entropy: entropy.Stream(2, "file"), Wrap: func(p Parts) Parts {
		p.Flash = &spy{Device: p.Flash, after: func() {
			if images != nil {
				snapshot()
			}
		}}
		return p
	}})
	require.NoError(t, err)
	s, err := d.Authenticate(BandMaster(0), label.MSID)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(credential(1)))
	require.NoError(t, d.Write(5, sectors(1, 1)))
	snapshot()
	require.NoError(t, s.SetPIN(credential(2)))
	require.NoError(t, d.Close())
	require.Greater(t, len(images), 2, "a rekey programs and erases")
	opened := [3]int{}
	for i, image := range images {
		p := filepath.Join(dir, "b.drive")
		require.NoError(t, os.WriteFile(p, image, 0o600))
		d, err := OpenFile(p, fileOptions())
		require.NoError(t, err)
		require.NoError(t, d.PowerOn())
		require.Equal(t, Configured, d.Status().State)
		works := 0
		for _, c := range []byte{1, 2} {
			s, err := d.Authenticate(BandMaster(0), credential(c))
			if errors.Is(err, NotAuthorized) {
				continue
			}
			require.NoError(t, err)
			works++
			opened[c]++
			require.NoError(t, s.Unlock())
			got := make([]byte, 512)
			require.NoError(t, d.Read(5, got))
			require.True(t, bytes.Equal(sectors(1, 1), got), "the data is there after a kill at operation %d", i)
			s.Close()
		}
		require.Equal(t, 1, works, "old or new credential, never both and never none, after a kill at operation %d", i)
		require.NoError(t, d.Close())
	}
	require.Positive(t, opened[1])
	require.Positive(t, opened[2])
}

// spy calls after behind every operation that changed the flash.
type spy struct {
	flash.Device
	after func()
}

func (s *spy) Program(b, p int, data []byte) error {
	defer s.after()
	return s.Device.Program(b, p, data)
}

func (s *spy) Erase(b int) error {
	defer s.after()
	return s.Device.Erase(b)
}

func TestBadDriveFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	d, _, err := CreateFile(path, testConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	bad := func(change func([]byte) []byte) []byte { return change(bytes.Clone(whole)) }
	for name, c := range map[string]struct {
		image []byte
		want  string
	}{
		"empty":           {nil, "not a drive file"},
		"foreign":         {bytes.Repeat([]byte("fish "), 4000), "not a drive file"},
		"short fuses":     {whole[:2000], "not a drive file"},
		"no flash":        {whole[:4096], "flash"},
		"truncated flash": {whole[:50000], "flash"},
		"fuse bit":        {bad(func(b []byte) []byte { b[50] ^= 1; return b }), "checksum"},
		"future":          {bad(func(b []byte) []byte { b[9] = 9; return b }), "it has 9"},
		"flash header":    {bad(func(b []byte) []byte { b[4096] ^= 1; return b }), "flash"},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "bad.drive")
			require.NoError(t, os.WriteFile(p, c.image, 0o600))
			_, err := OpenFile(p, fileOptions())
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "bad.drive", "the message says which file")
			require.NotContains(t, err.Error(), "\n", "one line")
			after, err := os.ReadFile(p)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.image, after), "nothing was changed")
		})
	}
	_, err = OpenFile(filepath.Join(dir, "none.drive"), fileOptions())
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = CreateFile(filepath.Join(dir, "no", "dir.drive"), testConfig(), fileOptions())
	require.ErrorIs(t, err, fs.ErrNotExist)
	cfg := testConfig()
	cfg.SectorSize = 520
	_, _, err = CreateFile(filepath.Join(dir, "c.drive"), cfg, fileOptions())
	require.ErrorContains(t, err, "520")
	_, err = os.Stat(filepath.Join(dir, "c.drive"))
	require.ErrorIs(t, err, fs.ErrNotExist, "a refused drive leaves no file")
}

// FuzzFuses: nothing panics, and what is accepted encodes to the same bytes.
func FuzzFuses(f *testing.F) {
	d, _, err := Manufacture(testConfig(), Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(2, "fuses"),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d.fuses.encode(flash.DefaultGeometry)[:fuseCRC+4])
	f.Fuzz(func(t *testing.T, b []byte) {
		page := make([]byte, fuseArea)
		copy(page, b)
		fuses, g, err := parseFuses(page)
		if err != nil {
			return
		}
		again, g2, err := parseFuses(fuses.encode(g))
		require.NoError(t, err)
		require.Equal(t, g, g2)
		require.True(t, again.Config == fuses.Config && again.Root.Equal(fuses.Root))
	})
}
