package repository

import (
	"bytes"
	"errors"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

var errBroken = errors.New("the disk is broken")

// brokenDevice fails at every read, or every write.
type brokenDevice struct {
	*MemDevice
	read, write bool
}

func (d *brokenDevice) ReadPage(n int, dst []byte) error {
	if d.read {
		return errBroken
	}
	return d.MemDevice.ReadPage(n, dst)
}

func (d *brokenDevice) WritePage(n int, src []byte) error {
	if d.write {
		return errBroken
	}
	return d.MemDevice.WritePage(n, src)
}

// faulty is three copies of 16 pages, each page of which is 0x11 all over.
func faulty(t *testing.T) (*Faulty, []*brokenDevice) {
	var list []Device
	var disks []*brokenDevice
	for range 3 {
		d := &brokenDevice{MemDevice: NewMemDevice(16)}
		for n := range 16 {
			require.NoError(t, d.WritePage(n, bytes.Repeat([]byte{0x11}, PageSize)))
		}
		list, disks = append(list, d), append(disks, d)
	}
	return NewFaulty(list...), disks
}

func armed(t *testing.T, f *Faulty, plan string) *fault.Plan {
	t.Helper()
	p, err := fault.Parse(plan)
	require.NoError(t, err)
	f.Arm(p)
	return p
}

// TestWhatAPowerCutLeaves: before, torn and after, byte for byte; and nothing is read or written
// until power is back.
func TestWhatAPowerCutLeaves(t *testing.T) {
	for mode, part := range map[string]func(n int) int{
		"before": func(int) int { return 0 },
		"torn":   func(n int) int { return 512 * (1 + n%7) },
		"after":  func(int) int { return PageSize },
	} {
		for _, n := range []int{0, 6, 9} {
			f, _ := faulty(t)
			p := armed(t, f, "(repository.power."+mode+" (OnIndex 0))")
			d := f.Devices()[1]
			fresh := bytes.Repeat([]byte{0x22}, PageSize)
			got := make([]byte, PageSize)
			require.ErrorIs(t, d.WritePage(n, fresh), ErrPowerLost)
			require.Len(t, p.Fired(), 1)
			for _, other := range f.Devices() {
				require.ErrorIs(t, other.ReadPage(n, got), ErrPowerLost, "the whole facility is without power")
				require.ErrorIs(t, other.WritePage(n, fresh), ErrPowerLost)
			}
			f.PowerOn()
			require.NoError(t, d.ReadPage(n, got))
			k := part(n)
			require.Equal(t, append(bytes.Repeat([]byte{0x22}, k), bytes.Repeat([]byte{0x11}, PageSize-k)...), got, "%s, page %d", mode, n)
			require.NoError(t, d.WritePage(n, fresh), "one cut is one")

			f.Arm(p)
			require.ErrorIs(t, d.WritePage(n, fresh), ErrPowerLost, "armed again it counts from 0")
		}
	}
}

// TestRotFlipsOneBit, for good, and the same one in every run of a plan.
func TestRotFlipsOneBit(t *testing.T) {
	for _, c := range []struct{ copy, page, bit int }{{0, 0, 137}, {1, 2, 4642}, {2, 9, 1072}} {
		f, _ := faulty(t)
		armed(t, f, "(repository.read.rot (OnIndex 0))")
		d := f.Devices()[c.copy]
		got := make([]byte, PageSize)
		for range 2 {
			require.NoError(t, d.ReadPage(c.page, got))
			sum := 0
			for i, b := range got {
				sum += bits.OnesCount8(b ^ 0x11)
				if b != 0x11 {
					require.Equal(t, c.bit/8, i)
					require.Equal(t, byte(1<<(c.bit%8)), b^0x11)
				}
			}
			require.Equal(t, 1, sum)
		}
	}
}

// TestADiskThatIsBroken: what the device below answers comes through, whatever the plan does.
func TestADiskThatIsBroken(t *testing.T) {
	page := make([]byte, PageSize)
	for _, plan := range []string{"(repository.read.rot)", "(repository.read.error (Block 2))"} {
		f, disks := faulty(t)
		armed(t, f, plan)
		disks[0].read = true
		require.ErrorIs(t, f.Devices()[0].ReadPage(1, page), errBroken)
		disks[1].read = true
		require.ErrorIs(t, f.Devices()[1].ReadPage(1, page), errBroken)
		disks[0].read = false
		require.NoError(t, disks[0].ReadPage(1, page))
		require.Equal(t, bytes.Repeat([]byte{0x11}, PageSize), page, "rot of a page that cannot be read changes none")
	}
	f, disks := faulty(t)
	armed(t, f, "(repository.read.rot)")
	disks[0].write = true
	require.ErrorIs(t, f.Devices()[0].ReadPage(1, page), errBroken, "rot that the disk does not take")
	f.Disarm()
	require.ErrorIs(t, f.Devices()[0].WritePage(1, page), errBroken)
	require.NoError(t, f.Devices()[0].ReadPage(1, page))
	for _, read := range []bool{true, false} {
		f, disks = faulty(t)
		armed(t, f, "(repository.power.torn)")
		disks[0].read, disks[0].write = read, !read
		require.ErrorIs(t, f.Devices()[0].WritePage(1, page), errBroken, "a page that cannot be torn")
	}
	dirty := bytes.Repeat([]byte{9}, PageSize)
	require.NoError(t, NewMemDevice(1).ReadPage(0, dirty))
	require.True(t, blank(dirty), "a page never written reads as zeros")
}
