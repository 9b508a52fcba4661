package drive

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
)

// lossy is a disk that loses what was not synced, and on which one sync, counted from 0 over files and
// directories, is left out; -1 is none.
type lossy struct {
	*crashfs.FS
	leaveOut, syncs int
}

func (d *lossy) skips() bool {
	d.syncs++
	return d.syncs-1 == d.leaveOut
}

// lossyFile is a file on it.
type lossyFile struct {
	*crashfs.File
	disk *lossy
}

func (f lossyFile) Sync() error {
	if f.disk.skips() {
		return nil
	}
	return f.File.Sync()
}

func (d *lossy) Names(dir string) (names []string, err error) {
	for _, name := range d.FS.Names() {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	return names, nil
}

func (d *lossy) Has(name string) bool {
	_, err := d.FS.Open(name)
	return err == nil
}

func (d *lossy) Open(name string) (hostFile, error) {
	f, err := d.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return lossyFile{f, d}, nil
}

func (d *lossy) CreateTemp(dir, pattern string) (hostFile, error) {
	for n := 0; ; n++ {
		f, err := d.Create(path.Join(dir, strings.ReplaceAll(pattern, "*", fmt.Sprint(n))))
		if err == nil {
			return lossyFile{f, d}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
}

func (d *lossy) Is(name string, f hostFile) bool {
	_, err := d.FS.Open(name)
	return err == nil && f.Name() == name
}

func (d *lossy) SyncDir(dir string) error {
	if d.skips() {
		return nil
	}
	return d.FS.SyncDir(dir)
}

const lossyPath = "lab/a.drive"

// lossyOptions give the same root key each time, so that it can be looked for.
func lossyOptions() FileOptions {
	return FileOptions{Entropy: entropy.Stream(2, "killed"), Geometry: crashGeometry}
}

// after is what the disk has after the cut.
func (d *lossy) after(seed uint64) *lossy { return &lossy{FS: d.AfterCut(seed), leaveOut: d.leaveOut} }

// look says what must not be on a disk after a cut. promised: a label was given out.
func (d *lossy) look(root []byte, promised bool) (whole bool, err error) {
	fd, err := d.openDrive()
	if whole = err == nil; whole {
		if err := fd.PowerOn(); err != nil {
			return true, err
		}
		if s := fd.Status().State; s != Erased {
			return true, fmt.Errorf("the drive is %v", s)
		}
	} else if strings.Contains(err.Error(), "\n") {
		return false, fmt.Errorf("more than one line: %w", err)
	} else if !errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "its creation was cut short, and there is no key in it") {
		return false, fmt.Errorf("not a clear line: %w", err)
	}
	if promised && !whole {
		return false, fmt.Errorf("a label was given out, and there is no drive: %w", err)
	}
	for _, name := range d.FS.Names() {
		f, err := d.FS.Open(name)
		if err != nil {
			return whole, err
		}
		b := make([]byte, fuseArea)
		_, _ = f.ReadAt(b, 0)
		if bytes.Contains(b, root) && (!whole || name != lossyPath) {
			return whole, fmt.Errorf("%s holds the root key of a drive that nobody has", name)
		}
	}
	return whole, nil
}

func (d *lossy) openDrive() (*File, error) {
	f, err := d.Open(lossyPath)
	if err != nil {
		return nil, err
	}
	return attached(lossyPath, f, lossyOptions())
}

// sweep cuts the power at every change of the creation of a drive, and of the next creation, cuts times in
// one run, each time with several choices of what was lost. The error is the first thing that must not be.
func (d *lossy) sweep(root []byte, cuts int) (points int, err error) {
	for k := 0; ; k++ {
		now := d.after(1) // all that d holds was synced
		now.CutAt(k)
		_, _, made := create(now, lossyPath, lossyConfig(), lossyOptions())
		uncut := now.Changes() <= k
		if uncut && made != nil {
			return points, fmt.Errorf("nothing was cut, and it fails: %w", made)
		}
		if !uncut {
			points++
		}
		for seed := range uint64(5) { // nothing, all, half, all but one, one
			after := now.after(seed)
			whole, err := after.look(root, made == nil)
			if err == nil && !whole && (cuts == 1 || uncut) {
				err = after.retry(root)
			} else if err == nil && !whole {
				var n int
				n, err = after.sweep(root, cuts-1)
				points += n
			}
			if err != nil {
				return points, fmt.Errorf("cut at change %d, loss %d: %w", k, seed, err)
			}
		}
		if uncut {
			return points, nil
		}
	}
}

// retry makes the drive again, and leaves nothing else behind.
func (d *lossy) retry(root []byte) error {
	if _, _, err := create(d, lossyPath, lossyConfig(), lossyOptions()); err != nil {
		return fmt.Errorf("it cannot be made again: %w", err)
	}
	if whole, err := d.look(root, true); err != nil || !whole {
		return fmt.Errorf("the drive that was made again: %w", err)
	}
	for _, name := range d.FS.Names() {
		f, err := d.FS.Open(name)
		if err != nil {
			return err
		}
		head := make([]byte, len(cutMagic))
		if n, _ := f.ReadAt(head, 0); name != lossyPath && string(head[:n]) == cutMagic {
			return fmt.Errorf("%s was left behind", name)
		}
	}
	return nil
}

// TestACreationSurvivesEveryPowerCutOfItsHost: afterwards there is nothing, or what is refused in one clear
// line, or a whole drive; the next creation clears it away. Whoever got a label has a drive.
func TestACreationSurvivesEveryPowerCutOfItsHost(t *testing.T) {
	t.Parallel()
	cuts := 2
	if testing.Short() {
		cuts = 1
	}
	d := &lossy{FS: crashfs.New(), leaveOut: -1}
	points, err := d.sweep(rootOf(t), cuts)
	require.NoError(t, err)
	t.Logf("%d points", points)
	require.GreaterOrEqual(t, points, 15)
}

// TestEverySyncOfACreationIsNeeded: without the sync of the directory or that of the fuses some cut leaves
// something that must not be. The one before the name repeats what the flash has synced, of the same file:
// it is for a flash that is not in the file (FileOptions.Wrap).
func TestEverySyncOfACreationIsNeeded(t *testing.T) {
	t.Parallel()
	root := rootOf(t)
	d := &lossy{FS: crashfs.New(), leaveOut: -1}
	_, _, err := create(d, lossyPath, lossyConfig(), lossyOptions())
	require.NoError(t, err)
	for i := d.syncs - 2; i < d.syncs; i++ {
		careless := &lossy{FS: crashfs.New(), leaveOut: i}
		_, err := careless.sweep(root, 1)
		require.Error(t, err, "without sync %d of %d", i, d.syncs)
	}
}

// lossyConfig is a drive of few sectors: the disk copies its file at each cut.
func lossyConfig() Config {
	cfg := testConfig()
	cfg.Sectors = 4
	return cfg
}
