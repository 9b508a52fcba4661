package flash

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// testDisk is a file on a disk with a volatile cache: what was synced stays, of
// what was not, any sectors may have reached the medium when power goes.
type testDisk struct {
	cache   []byte
	medium  []byte
	pending []write // since the last sync, in order
	events  int     // writes and syncs so far
	cutAt   int     // the event at which the host dies; -1 is never

	failSync, failWrite, failRead error
}

type write struct {
	at   int64
	data []byte
}

var errHostDied = errors.New("the host died")

func newDisk() *testDisk { return &testDisk{cutAt: -1} }

func (d *testDisk) Name() string { return "disk" }

func (d *testDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.failRead != nil {
		return 0, d.failRead
	}
	if off >= int64(len(d.cache)) {
		return 0, io.EOF
	}
	n := copy(p, d.cache[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *testDisk) dies() bool {
	d.events++
	return d.cutAt >= 0 && d.events > d.cutAt
}

func (d *testDisk) WriteAt(p []byte, off int64) (int, error) {
	if d.failWrite != nil {
		return 0, d.failWrite
	}
	if d.dies() {
		// The write in flight may have reached the medium as well.
		d.pending = append(d.pending, write{off, bytes.Clone(p)})
		return 0, errHostDied
	}
	d.pending = append(d.pending, write{off, bytes.Clone(p)})
	d.cache = put(d.cache, off, p)
	return len(p), nil
}

func (d *testDisk) Sync() error {
	if d.failSync != nil {
		return d.failSync
	}
	if d.dies() {
		return errHostDied
	}
	d.medium, d.pending = bytes.Clone(d.cache), nil
	return nil
}

func put(b []byte, off int64, p []byte) []byte {
	if grow := int(off) + len(p) - len(b); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	copy(b[off:], p)
	return b
}

// afterPowerCut is a disk with what is on the medium: of each pending write
// some sectors.
func (d *testDisk) afterPowerCut(seed uint64) *testDisk {
	s := stream(seed)
	odds := s.next() % 3 // no sector, about half of them, or all
	b := bytes.Clone(d.medium)
	for _, w := range d.pending {
		for len(w.data) > 0 {
			n := min(len(w.data), 512-int(w.at%512))
			if odds == 2 || odds == 1 && s.next()%2 == 0 {
				b = put(b, w.at, w.data[:n])
			}
			w.at, w.data = w.at+int64(n), w.data[n:]
		}
	}
	return &testDisk{cache: b, medium: bytes.Clone(b), cutAt: -1}
}

// afterKill is a disk after a kill -9: the host lives, so every write that was
// made is there, and nothing of the one in flight.
func (d *testDisk) afterKill() *testDisk {
	b := bytes.Clone(d.cache)
	return &testDisk{cache: b, medium: bytes.Clone(b), cutAt: -1}
}

var cutGeometry = Geometry{Blocks: 4, PagesPerBlock: 3, PageSize: 2048}

// cutScript is a life of a flash, with every operation on every kind of page.
func cutScript() []func(d Device) error {
	noise := func(seed uint64, n int) []byte {
		s, b := stream(seed), make([]byte, n)
		for i := range b {
			b[i] = byte(s.next())
		}
		return b
	}
	program := func(b, p int, data []byte) func(Device) error {
		return func(d Device) error { return d.Program(b, p, data) }
	}
	erase := func(b int) func(Device) error { return func(d Device) error { return d.Erase(b) } }
	zero := func(b, p int) func(Device) error { return func(d Device) error { return d.Zero(b, p) } }
	return []func(Device) error{
		program(0, 0, noise(1, 600)), program(0, 1, noise(2, 2048)), program(1, 0, noise(3, 1500)),
		erase(0), program(0, 0, noise(4, 2048)), program(0, 2, noise(5, 100)), zero(0, 0), zero(1, 1),
		erase(2), program(1, 2, noise(6, 2000)), erase(1), erase(0), program(0, 0, noise(7, 700)),
	}
}

// TestFileSurvivesTheDeathOfItsHost cuts at every write and every sync of a
// script, until a run ends uncut. What was acknowledged must be there; the
// operation in flight may have done what Device allows and nothing else.
func TestFileSurvivesTheDeathOfItsHost(t *testing.T) {
	script := cutScript()
	for k := 0; ; k++ {
		disk := newDisk()
		d, err := createFile(disk, 512, cutGeometry)
		require.NoError(t, err)
		before, after := NewMem(cutGeometry), NewMem(cutGeometry)
		disk.events, disk.cutAt = 0, k
		cut := false
		for _, op := range script {
			require.NoError(t, op(after))
			if err := op(d); err != nil {
				require.ErrorIs(t, err, errHostDied)
				cut = true
				break
			}
			require.NoError(t, op(before))
		}
		images := []*testDisk{disk.afterKill()}
		for seed := range uint64(24) {
			images = append(images, disk.afterPowerCut(seed))
		}
		for _, image := range images {
			d, err := openFile(image, 512, cutGeometry)
			require.NoError(t, err, "a flash opens after any cut; cut at event %d", k)
			requireBetween(t, before, after, d, k)
		}
		if !cut {
			require.Greater(t, k, 2*len(script), "each operation writes and syncs at least once")
			return
		}
	}
}

// requireBetween checks that each sector of d is as in before or as in after,
// and each wear too.
func requireBetween(t *testing.T, before, after, d Device, k int) {
	g := d.Geometry()
	for b := range g.Blocks {
		for p := range g.PagesPerBlock {
			was, will, is := read(t, before, b, p), read(t, after, b, p), read(t, d, b, p)
			for s := 0; s < g.PageSize; s += 512 {
				old, all := bytes.Equal(is[s:s+512], was[s:s+512]), bytes.Equal(is[s:s+512], will[s:s+512])
				require.True(t, old || all, "sector %d of block %d page %d is neither old nor new; cut at event %d", s/512, b, p, k)
			}
			err := d.Program(b, p, is)
			require.Equal(t, len(trim(is)) > 0, errors.Is(err, ErrNotBlank), "a page is blank for Program when it reads blank; cut at event %d", k)
		}
		wear := d.Wear()[b]
		require.Contains(t, []uint64{before.Wear()[b], after.Wear()[b]}, wear, "an erase counts once or not; cut at event %d", k)
	}
}

func TestCreationThatWasCutIsRefusedOrWhole(t *testing.T) {
	refused, whole := 0, 0
	for k := 0; ; k++ {
		disk := newDisk()
		old, err := createFile(disk, 0, cutGeometry)
		require.NoError(t, err)
		require.NoError(t, old.Program(1, 1, []byte("an older drive in the same file")))
		disk.events, disk.cutAt = 0, k
		_, createErr := createFile(disk, 0, cutGeometry)
		for seed := range uint64(24) {
			d, err := openFile(disk.afterPowerCut(seed), 0, cutGeometry)
			switch {
			case err != nil:
				require.ErrorContains(t, err, "not a flash", "cut at event %d", k)
				refused++
			case len(d.Dump()) == 1:
				require.LessOrEqual(t, k, 1, "the old drive is whole until its header is gone")
			default:
				require.Empty(t, d.Dump(), "never a mixture; cut at event %d", k)
				whole++
			}
		}
		if createErr == nil {
			break
		}
	}
	require.Positive(t, refused, "some cuts leave an unfinished file")
	require.Positive(t, whole, "a cut behind the header leaves a whole one")
}
