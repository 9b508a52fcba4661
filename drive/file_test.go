package drive

import (
	"bytes"
	"errors"
	"fmt"
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
	d, label, err := CreateFile(path, fileConfig(), fileOptions())
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

	_, _, err = CreateFile(path, fileConfig(), fileOptions())
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
	cfg := fileConfig()
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
	d, _, err := CreateFile(path, fileConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	o := fileOptions()
	o.Geometry = crashGeometry
	d, _, err = CreateFile(filepath.Join(dir, "other.drive"), fileConfig(), o)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	other, err := os.ReadFile(filepath.Join(dir, "other.drive"))
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
		"the flash is of another geometry": {bad(func(b []byte) []byte {
			copy(b[4096:], other[4096:])
			return b
		}), "4 blocks of 4 pages of 1024 bytes, want 8 blocks of 8 pages of 4096 bytes"},
		"a hole in the flash header": {bad(func(b []byte) []byte { clear(b[4096:8192]); return b }), "not a flash"},
		"truncated media": {
			whole[:len(whole)-1],
			fmt.Sprintf("truncated: %d bytes, want %d for 1024 sectors of 512 bytes: bring the whole file back, or give up what the missing sectors held with truncate -s %d", len(whole)-1, len(whole), len(whole)),
		},
		"no media": {whole[:mediaOffset(flash.DefaultGeometry)], "want 794624 for 1024 sectors of 512 bytes"},
		"longer":   {append(bytes.Clone(whole), 'x'), "longer than it should be: 794625 bytes, want 794624 for 1024 sectors of 512 bytes: what is behind them is not the drive's"},
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
	// Who gives up what is missing has the rest.
	require.NoError(t, os.Truncate(path, int64(len(whole)-512*100)))
	_, err = OpenFile(path, fileOptions())
	require.ErrorContains(t, err, "truncated")
	require.NoError(t, os.Truncate(path, int64(len(whole))))
	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	_, err = OpenFile(filepath.Join(dir, "none.drive"), fileOptions())
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = CreateFile(filepath.Join(dir, "no", "dir.drive"), fileConfig(), fileOptions())
	require.ErrorIs(t, err, fs.ErrNotExist)
	cfg := fileConfig()
	cfg.SectorSize = 520
	_, _, err = CreateFile(filepath.Join(dir, "c.drive"), cfg, fileOptions())
	require.ErrorContains(t, err, "520")
	_, err = os.Stat(filepath.Join(dir, "c.drive"))
	require.ErrorIs(t, err, fs.ErrNotExist, "a refused drive leaves no file")
}

// TestADriveFileWithoutItsLength: one of a system without sparse files, or from before, ends with the last
// sector that was written.
func TestADriveFileWithoutItsLength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, label, err := CreateFile(path, fileConfig(), fileOptions())
	require.NoError(t, err)
	sector := bytes.Repeat([]byte("x"), 512)
	require.NoError(t, d.Write(3, sector))
	page := d.fuses.encode(flash.DefaultGeometry, false)
	require.NoError(t, d.Close())
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(page, 0)
	require.NoError(t, errors.Join(err, f.Truncate(mediaOffset(flash.DefaultGeometry)+4*512), f.Close()))
	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	got := make([]byte, 512)
	require.NoError(t, d.Read(3, got))
	require.Equal(t, sector, got)
	require.NoError(t, d.Write(1000, sector), "it grows")
	require.Equal(t, []uint64{3, 1000}, d.Dump().Written)
	require.NoError(t, d.RevertPSID(label.PSID))
	require.NoError(t, d.Close())
	// A drive of more sectors than a file can have has none of its own length either.
	cfg := fileConfig()
	cfg.Sectors = 1 << 48
	d, _, err = CreateFile(filepath.Join(t.TempDir(), "b.drive"), cfg, fileOptions())
	if err == nil {
		require.NoError(t, d.Close())
	}
}

// TestADumpOfAFileThatCannotBeRead says which page is missing, and whoever searches it is told.
func TestADumpOfAFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, _, err := CreateFile(path, fileConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Dump().Unread())
	require.NoError(t, d.f.Close())
	dump := d.Dump()
	require.NotEmpty(t, dump.Flash, "the page is not left out")
	require.ErrorIs(t, dump.Unread(), flash.ErrRead)
	require.Nil(t, dump.Flash[0].Data)
}

// FuzzFuses: nothing panics, and what is accepted encodes to the same bytes.
func FuzzFuses(f *testing.F) {
	d, _, err := Manufacture(fileConfig(), Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(2, "fuses"),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d.fuses.encode(flash.DefaultGeometry, false)[:fuseCRC+4])
	f.Fuzz(func(t *testing.T, b []byte) {
		page := make([]byte, fuseArea)
		copy(page, b)
		fuses, g, err := parseFuses(page)
		if err != nil {
			return
		}
		again, g2, err := parseFuses(fuses.encode(g, false))
		require.NoError(t, err)
		require.Equal(t, g, g2)
		require.True(t, again.Config == fuses.Config && again.Root.Equal(fuses.Root))
	})
}

// fileConfig is a drive whose file can be read whole.
func fileConfig() Config {
	cfg := testConfig()
	cfg.Sectors = 1 << 10
	return cfg
}
