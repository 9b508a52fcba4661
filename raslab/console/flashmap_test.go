package console

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func TestFlashMapTellsWhatCannotBeReadFromWhatIsZero(t *testing.T) {
	d := drive.Dump{Geometry: flash.Geometry{Blocks: 2, PagesPerBlock: 3, PageSize: 4}, Flash: []flash.Page{
		{Block: 0, Page: 1, Data: []byte{0, 0, 0, 0}},
		{Block: 1, Page: 0, Data: []byte{0, 7, 0, 0}},
		{Block: 1, Page: 2, Err: errors.New("no answer")},
	}}
	require.Equal(t, [][]PageKind{{Blank, Zeros, Blank}, {Holds, Blank, Unread}}, FlashMap(d))
	require.Equal(t, `security area: 2 blocks of 3 pages of 4 bytes
  ■ holds data, □ overwritten with zeros, ? cannot be read, · blank
  block  0  ·□·
  block  1  ■·?
`, flashPicture(d, 80))
	d.Flash = d.Flash[:2]
	require.Contains(t, flashPicture(d, 80), "  ■ holds data, □ overwritten with zeros, · blank\n", "the legend has what is there")
}
