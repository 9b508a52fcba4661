package drive

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelfTestRewritesARottenRecord(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.SelfTest())
	gen := b.Status().KeyGeneration
	before := b.store.active
	b.arm("(flash.read.rot (And (Programmed) (OnIndex 0)))")
	require.NoError(t, b.SelfTest())
	require.NotEqual(t, before, b.store.active, "the record moved to a fresh block")
	require.Equal(t, gen, b.Status().KeyGeneration, "no key changed")
	require.Equal(t, 1, blocksInUse(b), "what rotted was destroyed")
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
}

// TestSelfTestThatCannotMend says so.
func TestSelfTestThatCannotMend(t *testing.T) {
	for _, doubt := range []bool{false, true} {
		b := newBench(t, nil)
		if doubt {
			b, _ = inDoubt(t)
		}
		require.NoError(t, b.flash.Decay(b.store.active, b.store.at, 0))
		b.arm("(flash.program.refused)")
		refused(t, b.SelfTest(), HardwareFailure, "self test")
		b.arm("(flash.power.before)")
		refused(t, b.SelfTest(), PowerLost, "self test")
		require.False(t, b.Status().Powered)
	}
	b := newBench(t, nil)
	c := &chip{}
	b.on(c)
	c.read = func(_, _ int, _ []byte, do func() error) error { c.PowerOff(); return do() }
	refused(t, b.SelfTest(), PowerLost, "self test")
	require.False(t, b.Status().Powered)

	// A copy made in doubt of the record that has nothing unread behind it is sure.
	b, _ = inDoubt(t)
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, b.padding()))
	require.NoError(t, b.SelfTest())
	require.False(t, b.rec.doubt)
	b = newBench(t, nil)
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	b.passing(fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d)))", b.store.active, b.store.at))
	require.Equal(t, unread, b.store.use[b.store.active])
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, 0))
	require.NoError(t, b.SelfTest())
	require.True(t, b.rec.doubt, "one with something unread behind it may be the older one")
}

// The self test also sees rot that came after the power-on.
func TestSelfTestSeesRotBehindTheRecord(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, b.padding()))
	was := b.store.active
	require.NoError(t, b.SelfTest())
	require.NotEqual(t, was, b.store.active)
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	require.False(t, b.Status().ScrubNeeded)
}

func TestSelfTestInDoubtDestroysNothing(t *testing.T) {
	for _, bit := range []int{0, 8 * 4095} { // in the record, and behind it
		b, _ := inDoubt(t)
		require.NoError(t, b.flash.Decay(b.store.active, b.store.at, bit))
		require.NoError(t, b.SelfTest(), "what rotted is written anew")
		require.NoError(t, b.SelfTest())
		require.Equal(t, 3, blocksInUse(b))
		b.cycle()
		require.Equal(t, Configured, b.Status().State, "the newer record was in the unread block")
		require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
		b.mustRead(0, sectors(1, 1), "and its data is there")
		require.Equal(t, 1, blocksInUse(b))
	}
}

func TestSelfTestInDoubtEndsTheWarning(t *testing.T) {
	b, fresh := inDoubt(t)
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, b.padding()))
	b.passing(fmt.Sprintf("(flash.read.error (Block %d))", fresh))
	require.True(t, b.Status().ScrubNeeded)
	generation := b.rec.generation
	require.NoError(t, b.SelfTest())
	require.False(t, b.Status().ScrubNeeded)
	require.Equal(t, generation+1, b.rec.generation, "a copy is newer than its original, and older than any opening")
}

func TestSelfTestInDoubtSavesTheRecordInForce(t *testing.T) {
	b, fresh := inDoubt(t)
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, 0))
	require.NoError(t, b.flash.Decay(fresh, 0, 0)) // what cannot be read turns out to be nothing
	for p := range b.store.at {
		require.NoError(t, b.flash.Decay(b.store.active, p, 0))
	}
	require.NoError(t, b.SelfTest())
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	b.mustRead(0, sectors(1, 1), "the copy is in force")
}
