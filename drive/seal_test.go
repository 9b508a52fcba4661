package drive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// ak is the AK that a PIN opens of an authority's slot, nil if it opens none.
func (b *bench) ak(a Authority, pin PIN) []byte {
	s := b.rec.slot(a)
	kek, err := KEK(b.fuses.Root, pin, s.slot.Salt, b.cfg.PBKDF2Iterations)
	require.NoError(b.t, err)
	return opened(kek[:], s.slot.Wrap[:])
}

func applies(e ...Enabled) func(Session) error {
	return func(s Session) error { return s.(BatchSession).Apply(Batch{Enabled: e}) }
}

// TestADisabledBandMasterHasNoWrapForItsPIN: the record opens to the PIN of a BandMaster that is disabled only
// together with the key of EraseMaster, and nothing older is left in the flash.
func TestADisabledBandMasterHasNoWrapForItsPIN(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, migrate(7)))
	ak := b.ak(BandMaster(1), credential(7))
	require.NotNil(t, ak)
	require.NoError(t, b.as(EraseMaster, b.label.MSID, applies(Enabled{BandMaster(1), false})))
	require.Equal(t, 1, blocksInUse(b), "nothing old is left")
	require.Nil(t, b.ak(BandMaster(1), credential(7)))
	s := b.rec.slot(BandMaster(1))
	kek, err := KEK(b.fuses.Root, credential(7), s.slot.Salt, b.cfg.PBKDF2Iterations)
	require.NoError(t, err)
	for i := range slotWrapSize - AKWrapSize + 1 {
		require.Nil(t, opened(kek[:], s.sealed[i:i+AKWrapSize]), "no part of what is there is the wrap")
	}
	require.Equal(t, ak, opened(kek[:], opened(b.ak(EraseMaster, b.label.MSID), s.sealed[:])))

	// A new PIN of EraseMaster keeps its key.
	require.NoError(t, b.as(EraseMaster, b.label.MSID, setPIN(9)))
	b.cycle()
	require.NoError(t, b.as(EraseMaster, credential(9), applies(Enabled{BandMaster(1), true})))
	require.Equal(t, ak, b.ak(BandMaster(1), credential(7)))
	require.NoError(t, b.as(BandMaster(1), credential(7), func(Session) error { return nil }))

	// An erase makes a key at MSID, which is out of reach as well.
	require.NoError(t, b.as(EraseMaster, credential(9), applies(Enabled{BandMaster(1), false})))
	require.NoError(t, b.as(EraseMaster, credential(9), func(s Session) error { return s.Erase(1) }))
	require.Nil(t, b.ak(BandMaster(1), b.label.MSID))
	require.NoError(t, b.as(EraseMaster, credential(9), applies(Enabled{BandMaster(1), true})))
	require.NotNil(t, b.ak(BandMaster(1), b.label.MSID))
}

// TestADisabledAdminOfTheAdminSPHasNoWrapForItsPIN: the same for Admin1 of an Opal drive's Admin SP, with the key of
// SID.
func TestADisabledAdminOfTheAdminSPHasNoWrapForItsPIN(t *testing.T) {
	b := newOpal(t, nil)
	sid := b.login(SID, b.label.MSID)
	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetPIN(AdminSPAdmin, credential(7)) }))
	require.Nil(t, b.ofPIN(AdminSPAdmin, credential(7)), "it is disabled from the factory on")
	enable := func(on bool) error {
		return b.change(sid, func(c *Change) error { return c.SetEnabled(AdminSPAdmin, on) })
	}
	require.NoError(t, enable(true))
	ak := b.ofPIN(AdminSPAdmin, credential(7))
	require.NotNil(t, ak)
	admin := b.login(AdminSPAdmin, credential(7))
	require.NoError(t, enable(false))
	require.Equal(t, 1, blocksInUse(b.bench), "nothing old is left")
	require.Nil(t, b.ofPIN(AdminSPAdmin, credential(7)))
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.SetPIN(AdminSPAdmin, credential(8)) }), KeyNotHeld,
		"nor does a login from before write another")
	s := b.rec.slot(AdminSPAdmin)
	kek, err := KEK(b.fuses.Root, credential(7), s.slot.Salt, b.cfg.PBKDF2Iterations)
	require.NoError(t, err)
	require.Equal(t, ak, opened(kek[:], opened(b.ofPIN(SID, b.label.MSID), s.opal.wrap[:])))

	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetPIN(SID, credential(1)) }))
	require.NoError(t, enable(true))
	require.Equal(t, ak, b.ofPIN(AdminSPAdmin, credential(7)), "a new PIN of SID keeps its key")
}

// TestAnAlteredSealEnablesNobody, and nothing is changed.
func TestAnAlteredSealEnablesNobody(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(EraseMaster, b.label.MSID, applies(Enabled{BandMaster(1), false})))
	b.tamper(func(r *record) {
		w := *r.slot(BandMaster(1)).sealed
		w[5] ^= 1
		r.slot(BandMaster(1)).sealed = &w
	})
	s := b.auth(EraseMaster, b.label.MSID)
	was := b.pages()
	refused(t, applies(Enabled{BandMaster(1), true})(s), HardwareFailure, "apply", "BandMaster1")
	require.Equal(t, was, b.pages())
	on, err := b.Enabled(BandMaster(1))
	require.NoError(t, err)
	require.False(t, on)
}
