package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// TestNothingIsWrittenInTheDark: no chip and no copy of the key repository takes anything while
// the facility has no power, whoever asks.
func TestNothingIsWrittenInTheDark(t *testing.T) {
	l := encrypted(t, Options{})
	s := l.plant.byName["R1-I1-D01"]
	chip := &supplied{Faulty: s.port.part.Flash, part: s.port.part}
	pages := &suppliedPages{lab: l}
	must(t, l.CutFacilityPower())
	s.port.part.Flash.PowerOn() // it would take a write, were it not for the facility
	was := s.port.part.Flash.Dump()
	for name, err := range map[string]error{
		"program": chip.Program(0, 0, []byte{0}), "erase": chip.Erase(0), "zero": chip.Zero(0, 0),
	} {
		require.ErrorIs(t, err, flash.ErrPowerLost, name)
	}
	require.ErrorIs(t, pages.WritePage(0, nil), repository.ErrPowerLost)
	require.Equal(t, was, s.port.part.Flash.Dump())
}

// TestALossOfPowerTakesThatOfEverySlot, full or empty, until the facility gives it back.
func TestALossOfPowerTakesThatOfEverySlot(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.Pull("R1-I1-D16"))
	must(t, l.CutFacilityPower())
	for _, s := range l.plant.slots {
		require.False(t, s.port.supply, s.name)
	}
	_, err := l.plant.byName["R1-I1-D01"].port.Encrypts()
	require.ErrorContains(t, err, "the slot has no power")
	_, err = l.RestoreFacilityPower()
	require.NoError(t, err)
	for _, s := range l.plant.slots {
		require.True(t, s.port.supply, s.name)
	}
}

// TestALossOfPowerUndoesOnlyTheJoining of drives: what else is owed goes on as it was. Each action
// is told once.
func TestALossOfPowerUndoesOnlyTheJoining(t *testing.T) {
	l := encrypted(t, Options{})
	at := func(name string) *slot { return l.plant.byName[name] }
	require.Equal(t, drive.Erased, at("R1-I1-D09").port.Status().State)
	forgotten, joins := at("R1-I1-D09"), at("R1-I1-D10")
	l.owed.owes(forgotten, toForget, "removal of R7")
	l.owed.owes(joins, joining, "creation of R8")
	rep := l.begin("power restore", "")
	l.undoJoining(rep)
	require.Equal(t, []string{
		"the removal of R7 was cut short by the loss of power, and goes on",
		"the creation of R8 was cut short by the loss of power, and is undone",
	}, rep.r.Notes)
	require.Equal(t, toForget, l.owed.debtOf(forgotten.port.Serial()).stage)
	require.Nil(t, l.owed.debtOf(joins.port.Serial()), "nothing was done to it yet")

	// One that has got a PIN already is erased.
	p := at("R1-I1-D11").port.part
	s, err := p.Drive.Authenticate(drive.BandMaster(0), p.Label.MSID)
	must(t, err)
	must(t, s.Migrate(p.Label.PSID))
	s.Close()
	l.owed.owes(at("R1-I1-D11"), joining, "creation of R8")
	l.undoJoining(rep)
	require.Equal(t, toErase, l.owed.debtOf(p.Serial()).stage)
}
