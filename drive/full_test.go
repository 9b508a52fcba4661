package drive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// placesMax is more operations of a kind than a key step on a full flash has in it.
const placesMax = 12

// TestAnAnswerOnAFullFlashIsClear: all blocks are retired, and the key step that tries one again meets
// more faults. Without a loss of power no answer leaves open which record is in force: success is the new PIN,
// hardware failure the old one, over a power cycle too, and nothing of the other is left in the flash. Where
// something is left that does not go, and only there, the drive says that it is degraded, and stays so.
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
		{"flash.erase.refused", "(flash.program.torn (OnIndex 2)) (flash.zero.refused)"},
		{"flash.erase.refused", "(flash.program.torn (OnIndex 2)) (flash.zero.refused) (flash.erase.refused (Not (Block 2)))"},
		{"flash.zero.refused", "(flash.program.torn (OnIndex 1)) (flash.erase.refused (OnIndex 1))"},
	} {
		for i := 0; ; i++ {
			k := i / 2
			b := newBench(t, nil)
			last := b.fill()
			p := b.armUnchecked(fmt.Sprintf("(%s (OnIndex %d)) %s", c.point, k, c.also))
			err := b.as(SID, last, func(s Session) error { return s.SetPIN(credential(200)) })
			fired := false
			for _, f := range p.Fired() {
				fired = fired || string(f.Point) == c.point
			}
			b.flash.Disarm()
			what := fmt.Sprintf("%s %d %s: %v", c.point, k, c.also, err)
			b.answered(t, err, last, i%2 == 0, strings.Contains(c.point+c.also, "read"), what)
			var is *StatusError
			if errors.As(err, &is) {
				answers[is.Code]++
			} else {
				answers[0]++
			}
			if !fired || k == placesMax && strings.Contains(c.also, c.point) { // which fires by that, too
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
// at once: no note of a try is written before. Whatever the answer is, one of the two PINs opens and
// the other does not, and a power cycle changes nothing in that.
func (b *bench) answered(t *testing.T, err error, last PIN, atOnce, unread bool, what string) {
	t.Helper()
	opens := func(pin PIN) bool { return b.as(SID, pin, func(Session) error { return nil }) == nil }
	left := b.leftOver() // before a power-on looks
	if atOnce {
		b.cycle()
	}
	if errors.Is(err, Degraded) {
		// A page that cannot be read may hold anything; one that can be read must.
		require.True(t, len(left) > 0 || unread, "%s: degraded, and nothing is left over", what)
		is := opens(credential(200))
		for range 2 {
			require.Equal(t, SecurityDegraded, b.Status().State, what)
			require.ErrorIs(t, b.Read(0, make([]byte, b.cfg.SectorSize)), Degraded, what)
			require.Equal(t, is, opens(credential(200)), what)
			require.Equal(t, !is, opens(last), what)
			b.cycle()
		}
		return
	}
	require.Empty(t, left, "%s: what is not in force is left over", what)
	for range 2 {
		if err != nil {
			require.ErrorIs(t, err, HardwareFailure, what)
		}
		require.Equal(t, err == nil, opens(credential(200)), what)
		require.Equal(t, err != nil, opens(last), what)
		b.cycle()
		require.Equal(t, Erased, b.Status().State, what)
	}
}

// leftOver lists the pages outside the block in force that hold something: neither zeros nor erased bytes.
func (b *bench) leftOver() (all []string) {
	for _, p := range b.flash.Dump() {
		if p.Block != b.store.active && len(bytes.Trim(p.Data, "\x00\xff")) > 0 {
			all = append(all, fmt.Sprintf("block %d page %d", p.Block, p.Page))
		}
	}
	return all
}
