package drive

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnAnswerOnAFullFlashIsClear: all blocks are retired, and the key step that tries one again meets
// more faults. Without a loss of power no answer leaves open which record is in force: success is the new PIN,
// hardware failure the old one, over a power cycle too. Where the flash left that open the drive says that
// it is degraded.
func TestAnAnswerOnAFullFlashIsClear(t *testing.T) {
	answers := map[Code]int{}
	for _, c := range []struct{ point, also string }{
		{"flash.program.refused", ""},
		{"flash.program.torn", ""},
		{"flash.erase.refused", ""},
		{"flash.erase.torn", ""},
		{"flash.read.error", ""},
		{"flash.read.error", "(flash.erase.refused)"},
		{"flash.read.error", "(flash.erase.refused (Not (Block 2)))"}, // one block alone can be tried
		{"flash.program.torn", "(flash.erase.refused (Not (Block 2)))"},
		{"flash.program.torn", "(flash.erase.torn)"},
		{"flash.erase.refused", "(flash.program.torn (OnIndex 1)) (flash.zero.refused)"},
		{"flash.erase.refused", "(flash.program.refused (OnIndex 1)) (flash.zero.refused)"},
		{"flash.zero.refused", "(flash.program.torn (OnIndex 1)) (flash.erase.refused (OnIndex 1))"},
	} {
		for i := 0; ; i++ {
			k := i / 2
			b := newBench(t, nil)
			last := b.fill()
			wrap := bytes.Clone(b.rec.slot(SID).slot.Wrap[:])
			p := b.armUnchecked(fmt.Sprintf("(%s (OnIndex %d)) %s", c.point, k, c.also))
			err := b.as(SID, last, func(s Session) error { return s.SetPIN(credential(200)) })
			fired := false
			for _, f := range p.Fired() {
				fired = fired || string(f.Point) == c.point
			}
			b.flash.Disarm()
			what := fmt.Sprintf("%s %d %s: %v", c.point, k, c.also, err)
			b.answered(t, err, last, wrap, i%2 == 0, what)
			var is *StatusError
			if errors.As(err, &is) {
				answers[is.Code]++
			} else {
				answers[0]++
			}
			if !fired {
				break
			}
		}
	}
	t.Log(answers)
	require.Positive(t, answers[0])
	require.Positive(t, answers[HardwareFailure])
	require.Positive(t, answers[Degraded])
}

// fill retires every block but the one in use, and gives the PIN of the SID that is in force.
func (b *bench) fill() PIN {
	b.armUnchecked("(flash.erase.refused)")
	last := b.label.MSID
	for i := 0; b.as(SID, last, func(s Session) error { return s.SetPIN(credential(byte(i + 1))) }) == nil; i++ {
		last = credential(byte(i + 1))
	}
	return last
}

// answered looks whether the drive is what it answered, now and after a power cycle, or after one that comes
// at once: no note of a try is written before.
func (b *bench) answered(t *testing.T, err error, last PIN, wrap []byte, atOnce bool, what string) {
	t.Helper()
	opens := func(pin PIN) bool { return b.as(SID, pin, func(Session) error { return nil }) == nil }
	if atOnce {
		b.cycle()
	}
	for range 2 {
		switch {
		case errors.Is(err, Degraded):
			return // it has said that nobody can rely on either
		case err == nil:
			require.True(t, opens(credential(200)), what)
			require.False(t, opens(last), what)
			for _, p := range b.flash.Dump() {
				require.False(t, bytes.Contains(p.Data, wrap), "%s: the old wrap is left in block %d", what, p.Block)
			}
		default:
			require.ErrorIs(t, err, HardwareFailure, what)
			require.True(t, opens(last), what)
			require.False(t, opens(credential(200)), what)
		}
		b.cycle()
		require.Equal(t, Erased, b.Status().State, what)
	}
}
