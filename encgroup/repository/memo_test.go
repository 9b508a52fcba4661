package repository

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// noted is a medium that notes which pages are read.
type noted struct {
	Device
	reads *[]string
	copy  int
	bad   int // a page that cannot be read; -1: none
}

func (n *noted) ReadPage(page int, dst []byte) error {
	*n.reads = append(*n.reads, fmt.Sprintf("%d/%d", n.copy, page))
	if page == n.bad {
		return ErrReadFailed
	}
	return n.Device.ReadPage(page, dst)
}

// TestWhatIsRememberedOfPagesChangesNothing: a repository that has read its copies again and again says of them, after
// any change on any medium, what one says that reads them for the first time, and reads the same pages in the same
// order: fault plans count them.
func TestWhatIsRememberedOfPagesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var reads []string
		var media []*noted
		var devices []Device
		for i := range 3 {
			pages := rapid.SampledFrom([]int{16, 16, 18}).Draw(t, "pages") // a copy may be larger than another
			media = append(media, &noted{NewMemDevice(pages), &reads, i, -1})
			devices = append(devices, media[i])
		}
		r, err := Create(entropy.Stream(1, "x"), devices...)
		require.NoError(t, err)
		require.NoError(t, r.Put("a", make([]byte, 4*contentSize)))
		saved := map[int][]byte{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			m := rapid.SampledFrom(media).Draw(t, "copy")
			page := rapid.IntRange(0, m.Pages()-1).Draw(t, "page")
			p := make([]byte, PageSize)
			require.NoError(t, m.Device.ReadPage(page, p))
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				_ = r.Put(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), make([]byte, rapid.IntRange(0, 2*contentSize).Draw(t, "size")))
			case 2:
				p[rapid.IntRange(0, PageSize-1).Draw(t, "at")] ^= 1
				require.NoError(t, m.WritePage(page, p))
			case 3:
				m.bad = rapid.IntRange(-1, m.Pages()-1).Draw(t, "bad")
			case 4: // an old page is there again, on this copy or another
				if old := saved[page]; old != nil {
					require.NoError(t, m.WritePage(page, old))
				}
			}
			saved[page] = p
			fresh, err := over(devices)
			require.NoError(t, err)
			for _, c := range fresh.copies {
				c.seen = nil // not even what another copy said
			}
			reads = nil
			want, wantRep, wantBest := fresh.compare()
			wantReads := reads
			reads = nil
			got, rep, best := r.compare()
			require.Equal(t, wantReads, reads)
			require.Equal(t, wantBest, best)
			require.Equal(t, fmt.Sprintf("%+v", wantRep), fmt.Sprintf("%+v", rep))
			for i := range want {
				require.Equal(t, want[i], got[i])
			}
		}
	})
}

// TestKept: what is in memory, without a look at the medium.
func TestKept(t *testing.T) {
	b := newBench(t, 3)
	require.NoError(t, b.repo.Put("group 1/A", []byte("member")))
	var reads []string
	for i, c := range b.repo.copies {
		c.dev = &noted{c.dev, &reads, i, -1}
	}
	require.Equal(t, []Item{{"group 1", []byte("one")}, {"group 1/A", []byte("member")}}, b.repo.Kept("group 1"))
	require.Nil(t, b.repo.Kept("zone"))
	require.Empty(t, reads)
}
