package drive

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

var crashGeometry = flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 1024}

// negligent is a file of which one sync, counted from 0, is left out; -1 is none.
type negligent struct {
	*crashfs.File
	leaveOut int
	syncs    int
}

func (n *negligent) Sync() error {
	n.syncs++
	if n.syncs-1 == n.leaveOut {
		return nil
	}
	return n.File.Sync()
}

// hosted is a drive whose flash is in a file on a disk that can lose its power.
type hosted struct {
	*Drive
	label Label
	disk  *crashfs.FS
	file  *negligent
	media *MemMedia
	wrap  []byte // of the key that the deed destroys
	found bool   // it was in the flash before the drive had power again
}

func newHosted(t *testing.T) *hosted {
	t.Helper()
	h := &hosted{disk: crashfs.New(), media: NewMemMedia(512)}
	file, err := h.disk.Create("drives/a")
	require.NoError(t, err)
	h.file = &negligent{File: file, leaveOut: -1}
	require.NoError(t, h.disk.SyncDir("drives"))
	fl, err := flash.CreateFile(h.file, 0, crashGeometry)
	require.NoError(t, err)
	cfg := testConfig()
	cfg.Ranges = 0
	h.Drive, h.label, err = Manufacture(cfg, Parts{Flash: fl, Media: h.media, Entropy: entropy.Stream(1, "hosted")})
	require.NoError(t, err)
	s, err := h.Authenticate(BandMaster(0), h.label.MSID)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(credential(1)))
	s.Close()
	return h
}

// rebooted is the drive as it powers on after the disk has lost its power.
func (h *hosted) rebooted(t *testing.T, seed uint64) *hosted {
	t.Helper()
	after := &hosted{label: h.label, media: h.media, disk: h.disk.AfterCut(seed), wrap: h.wrap}
	file, err := after.disk.Open("drives/a")
	require.NoError(t, err)
	fl, err := flash.OpenFile(file, 0, crashGeometry)
	require.NoError(t, err)
	after.Drive, err = Open(h.fuses, Parts{Flash: fl, Media: h.media, Entropy: entropy.Stream(seed, "rebooted")})
	require.NoError(t, err)
	after.found = after.has()
	require.NoError(t, after.PowerOn())
	return after
}

// opens says whether a BandMaster's PIN is accepted.
func (h *hosted) opens(pin PIN) bool {
	s, err := h.Authenticate(BandMaster(0), pin)
	if err == nil {
		s.Close()
	}
	return err == nil
}

// has says whether the wrap is somewhere in the flash.
func (h *hosted) has() bool {
	for _, p := range h.Dump().Flash {
		if bytes.Contains(p.Data, h.wrap) {
			return true
		}
	}
	return false
}

// hostDeeds are what a drive is asked for when the disk loses its power, and what may be found then: the
// first error says what must not be.
var hostDeeds = []struct {
	name string
	do   func(h *hosted) error
	// judge looks at the drive after the cut. done: the deed was acknowledged before.
	judge func(after *hosted, done bool) error
}{
	{"erase", func(h *hosted) error {
		s, err := h.Authenticate(EraseMaster, h.label.MSID)
		if err != nil {
			return err
		}
		return s.EraseAll()
	}, func(after *hosted, done bool) error {
		switch state := after.Status().State; {
		case done && state != Erased:
			return fmt.Errorf("an erase that was acknowledged leaves %v", state)
		case done && after.found, state == Erased && after.has():
			return errors.New("the wrap of the old key is left")
		case state == Erased && !after.opens(after.label.MSID), state == Configured && !after.opens(credential(1)):
			return errors.New("its PIN does not open it")
		case state == SecurityDegraded:
			return errors.New("it is degraded")
		}
		return nil
	}},
	{"rekey", func(h *hosted) error {
		s, err := h.Authenticate(BandMaster(0), credential(1))
		if err != nil {
			return err
		}
		return s.SetPIN(credential(2))
	}, func(after *hosted, done bool) error {
		was, is := after.opens(credential(1)), after.opens(credential(2))
		switch {
		case done && (was || !is), was == is:
			return fmt.Errorf("old PIN %v, new PIN %v, acknowledged %v", was, is, done)
		case done && after.found, is && after.has():
			return errors.New("the wrap under the old PIN is left")
		}
		return nil
	}},
	{"a wrong PIN", func(h *hosted) error {
		if _, err := h.Authenticate(BandMaster(0), credential(9)); !errors.Is(err, NotAuthorized) {
			return err
		}
		return nil
	}, func(after *hosted, done bool) error {
		used, _, err := after.Tries(BandMaster(0))
		if err == nil && done && used != 1 {
			err = fmt.Errorf("%d tries are counted", used)
		}
		return err
	}},
	{"sessions", func(h *hosted) error {
		for range 4 {
			s, err := h.Authenticate(BandMaster(0), credential(1))
			if err != nil {
				return err
			}
			s.Close()
		}
		return nil
	}, func(after *hosted, _ bool) error {
		used, _, err := after.Tries(BandMaster(0))
		if err == nil && used > 1 {
			err = fmt.Errorf("%d tries are used up by PINs that were right", used)
		}
		return err
	}},
}

const cutSeeds = 25

// sweepHost cuts the disk's power at each change of a deed, and gives how many syncs the deed takes, and
// the first thing that must not be. leaveOut is the sync that is left out.
func sweepHost(t *testing.T, n, leaveOut int) (syncs int, violation error) {
	t.Helper()
	d := hostDeeds[n]
	for k := 0; ; k++ {
		h := newHosted(t)
		h.wrap = bytes.Clone(h.rec.ranges[0].wraps[0].wrap[:])
		if d.name == "rekey" {
			h.wrap = bytes.Clone(h.rec.slot(BandMaster(0)).slot.Wrap[:])
		}
		h.file.syncs, h.file.leaveOut = 0, leaveOut
		start := h.disk.Changes()
		h.disk.CutAt(start + k)
		err := d.do(h)
		for seed := range uint64(cutSeeds) {
			if bad := d.judge(h.rebooted(t, seed), err == nil); bad != nil {
				return h.file.syncs, fmt.Errorf("%s, cut at change %d, seed %d: %w", d.name, k, seed, bad)
			}
		}
		if h.disk.Changes() <= start+k {
			require.NoError(t, err, "%s without a cut", d.name)
			return h.file.syncs, nil
		}
	}
}

func TestADriveFileSurvivesEveryPowerCutOfItsHost(t *testing.T) {
	for n, d := range hostDeeds {
		_, violation := sweepHost(t, n, -1)
		require.NoError(t, violation, d.name)
	}
}

// An erase takes three syncs. Without any of them there is a power cut that leaves what must not be.
func TestEverySyncOfAKeyStepIsNeeded(t *testing.T) {
	needed := map[int]bool{}
	for n, d := range hostDeeds {
		syncs, _ := sweepHost(t, n, -1)
		if d.name == "erase" || d.name == "rekey" {
			require.Equal(t, 3, syncs, d.name)
		}
		for i := range syncs {
			if _, violation := sweepHost(t, n, i); violation != nil {
				t.Logf("without sync %d: %v", i, violation)
				needed[i] = true
			}
		}
	}
	require.Equal(t, map[int]bool{0: true, 1: true, 2: true}, needed, "the try, the record, the destruction")
}

// Each session ends with a power cut that loses what was not synced. Not one of them costs a try for good.
func TestPowerCutsOfTheHostLockNobodyOut(t *testing.T) {
	const nothing = 0 // the seed of a cut that leaves what was synced alone
	h := newHosted(t)
	lost := false
	for range 10 {
		_, err := h.Authenticate(BandMaster(0), credential(1))
		require.NoError(t, err)
		h = h.rebooted(t, nothing)
		used, _, err := h.Tries(BandMaster(0))
		require.NoError(t, err)
		require.LessOrEqual(t, used, uint16(1))
		lost = lost || used == 1
	}
	require.True(t, lost, "a count that waits is lost")
}
