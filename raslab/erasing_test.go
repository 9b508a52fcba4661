package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// TestTheCredentialInForceIsTheOwners, as long as the drive says that it is in force. One that
// somebody erased has the factory PIN, and one that does not answer says nothing: there the
// credential is a secret to be searched for like all others.
func TestTheCredentialInForceIsTheOwners(t *testing.T) {
	l := encrypted(t, Options{})
	s := l.plant.byName["R1-I1-D01"]
	p := s.port.part
	secrets := func() (owner, searched int) {
		job := erase.Job{Target: &s.port, Method: erase.DriveErase}
		must(t, l.keys.knownSecrets(s, &job))
		return len(job.Owner), len(job.Secrets)
	}
	owner, searched := secrets()
	require.Positive(t, owner)
	all := owner + searched

	s.port.supply = false
	owner, searched = secrets()
	require.Equal(t, []int{0, all}, []int{owner, searched}, "no answer")
	s.port.supply = true

	session, err := p.Drive.Authenticate(drive.EraseMaster, p.Label.MSID)
	must(t, err)
	must(t, session.EraseAll())
	session.Close()
	owner, searched = secrets()
	require.Equal(t, []int{0, all}, []int{owner, searched}, "the factory PIN")
}

// TestASlotUnderRepairIsFilledByTheRepair: not behind its back.
func TestASlotUnderRepairIsFilledByTheRepair(t *testing.T) {
	l := encrypted(t, Options{})
	fru, err := l.Shelf().Order(l.options.SectorSize, l.options.Sectors)
	must(t, err)
	must(t, l.Pull("R1-I1-D16"))
	_, err = l.StartRepair("R1-I1-D16")
	must(t, err)
	_, err = l.Insert("R1-I1-D16", fru.Serial())
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "repair of R1-I1-D16 is in progress")
	require.Nil(t, l.plant.byName["R1-I1-D16"].port.part)
}
