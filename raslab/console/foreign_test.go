package console

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// TestADriveOfAnotherMake is described, and what it does not have is said in one line.
func TestADriveOfAnotherMake(t *testing.T) {
	s := NewSession(Options{Seed: 1})
	defer func() { require.NoError(t, s.Close()) }()
	ours, err := raslab.NewShelf(2).Order(512, 4096)
	require.NoError(t, err)
	_, err = s.shelf.Add(struct{ raslab.Drive }{ours.Drive}, drive.Label{}) // it hides what only ours has
	require.NoError(t, err)
	for _, c := range []struct{ line, why string }{
		{"host power drive=FRU00001 to=on", ""},
		{"drive show drive=FRU00001", ""},
		{"drive dump drive=FRU00001", ""},
		{"drive keys drive=FRU00001", "FRU00001 (on the shelf) has no key map: it is a drive of another make"},
		{"host reset drive=FRU00001", "FRU00001 (on the shelf) has no reset: it is a drive of another make"},
		{"host revert drive=FRU00001", "the label of FRU00001 (on the shelf) is not at hand"},
		{`fault arm drive=FRU00001 plan="(flash.erase.refused)"`, "drive FRU00001 lets no faults into its flash"},
		{`fault arm drive=FRU00001 plan="(port.command.lost (OnIndex 9))"`, ""},
	} {
		err := s.Run(c.line, io.Discard)
		if c.why == "" {
			require.NoError(t, err, c.line)
		} else {
			require.ErrorContains(t, err, c.why, c.line)
		}
	}
}
