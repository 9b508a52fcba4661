package erase

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
)

// lossyDisk is a disk on which a journal is kept, and which sync is left out, counted from 0 over files
// and directories; -1 is none.
type lossyDisk struct {
	*crashfs.FS
	leaveOut, syncs int
}

func (d *lossyDisk) skips() bool {
	d.syncs++
	return d.syncs-1 == d.leaveOut
}

// lossyFile is its file.
type lossyFile struct {
	*crashfs.File
	disk *lossyDisk
}

func (f lossyFile) Sync() error {
	if f.disk.skips() {
		return nil
	}
	return f.File.Sync()
}

// open is OpenJournal on this disk.
func (d *lossyDisk) open() (*FileJournal, error) {
	f, err := d.Open("lab/journal")
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.Create("lab/journal")
	}
	if err != nil {
		return nil, err
	}
	return LoadJournal(lossyFile{f, d}, func() error {
		if d.skips() {
			return nil
		}
		return d.SyncDir("lab")
	})
}

// crashEntry is number i of a run. It is longer than a sector of the disk, so that it tears in many ways.
func crashEntry(i int) Entry {
	return Entry{Event: eventBegin, Serial: fmt.Sprintf("S%d %s", i, strings.Repeat("x", 700)), Method: DriveErase}
}

// work opens the journal and appends entries until there are enough, or the power goes. acknowledged is
// how many entries were there or were acknowledged when it went. A journal that cannot be opened while
// there is power is a violation.
func (d *lossyDisk) work(acknowledged, enough int) (int, error) {
	j, err := d.open()
	if errors.Is(err, crashfs.ErrPower) {
		return acknowledged, nil
	} else if err != nil {
		return 0, fmt.Errorf("it cannot be opened: %w", err)
	}
	have, err := j.Entries()
	if err != nil {
		return 0, err
	}
	if len(have) < acknowledged {
		return 0, fmt.Errorf("%d of %d entries that were acknowledged are there", len(have), acknowledged)
	}
	for i, e := range have {
		if e.Serial != crashEntry(i).Serial {
			return 0, fmt.Errorf("entry %d is another", i)
		}
	}
	for i := len(have); i < enough; i++ {
		if err := j.Append(crashEntry(i)); err != nil {
			return i, nil
		}
	}
	return max(enough, len(have)), nil
}

// sweepJournal cuts the power at every change of what is done with a journal, and of what is done after
// that, cuts times in one run, each time with several choices of what was lost. It gives how many points
// and syncs there were, and the first thing that must not be.
func sweepJournal(d *lossyDisk, acknowledged, cuts int) (points, syncs int, violation error) {
	const seeds = 5 // nothing, all, half, all but one, one
	for k := 0; ; k++ {
		now := &lossyDisk{FS: d.AfterCut(1), leaveOut: d.leaveOut} // all that d holds was synced
		now.CutAt(k)
		if cuts == 0 {
			now.CutAt(-1)
		}
		done, err := now.work(acknowledged, acknowledged+2)
		if err != nil {
			return points, now.syncs, err
		}
		if cuts == 0 {
			return points, now.syncs, nil
		}
		uncut := now.Changes() <= k
		if !uncut {
			points++
		}
		for seed := range uint64(seeds) {
			after := &lossyDisk{FS: now.AfterCut(seed), leaveOut: d.leaveOut}
			left := cuts - 1
			if uncut { // power goes when all is done
				left = 0
			}
			n, _, err := sweepJournal(after, done, left)
			if points += n; err != nil {
				return points, now.syncs, fmt.Errorf("cut at change %d, loss %d: %w", k, seed, err)
			}
		}
		if uncut {
			return points, now.syncs, nil
		}
	}
}

// TestAJournalSurvivesEveryPowerCutOfItsHost: no entry that was acknowledged is lost, and the journal can
// always be opened again, whatever of the unsynced file and its name the disk has lost; also when power
// goes again while it is opened or goes on.
func TestAJournalSurvivesEveryPowerCutOfItsHost(t *testing.T) {
	cuts := 3
	if testing.Short() {
		cuts = 2
	}
	points, _, violation := sweepJournal(&lossyDisk{FS: crashfs.New(), leaveOut: -1}, 0, cuts)
	require.NoError(t, violation)
	require.Greater(t, points, 100)
	t.Logf("%d points", points)
}

// TestEverySyncOfAJournalIsNeeded: without any one of them some cut loses an entry, or leaves a file that
// is no journal.
func TestEverySyncOfAJournalIsNeeded(t *testing.T) {
	_, syncs, violation := sweepJournal(&lossyDisk{FS: crashfs.New(), leaveOut: -1}, 0, 1)
	require.NoError(t, violation)
	require.Equal(t, 4, syncs, "the header, the name, two entries")
	for i := range syncs {
		_, _, violation := sweepJournal(&lossyDisk{FS: crashfs.New(), leaveOut: i}, 0, 2)
		require.Error(t, violation, "without sync %d", i)
	}
}
