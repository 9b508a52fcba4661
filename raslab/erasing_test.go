package raslab

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
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

// TestTheCertificateTellsOfTheLifeInTheFacility: what service actions did with the drive and which one
// had it erased, as text and in the drawing. What hands did to the drive is not known to the facility.
func TestTheCertificateTellsOfTheLifeInTheFacility(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.Advance(time.Hour))
	must(t, l.Arm("R1-I1-D02", fault.MustParse("(flash.read.rot (After 100000))")))
	ok(t, l)(l.RemoveRank("R0"))
	c := l.Certificate("75NR641-0002")
	require.NotNil(t, c)
	var what []string
	for _, e := range c.Statement.Timeline {
		what = append(what, e.What)
		require.Contains(t, string(c.HTML()), "<text", "the page has a drawing")
		require.Contains(t, strings.ReplaceAll(string(c.HTML()), "&#34;", `"`), e.What)
	}
	require.Equal(t, []string{
		"in slot R1-I1-D02: holds data, member of R0", "joined key group 1", "to be erased: removal of R0",
		"this erase began", "the drive answered: EraseMaster erase of all ranges", "verified by search of its flash", "judged: accepted",
	}, what)
}

// wiping runs the engine's jobs and keeps what they hold, to be looked at afterwards.
type wiping struct {
	eraser
	kept []erase.Job
}

func (w *wiping) Run(ctx context.Context, jobs []erase.Job) (erase.Report, error) {
	w.kept = append(w.kept, jobs...)
	return w.eraser.Run(ctx, jobs)
}

// TestNoSecretOutlivesAnErase: neither the credentials that an erase is done by nor the secrets that
// are searched for stay in memory, whether the drive is erased or not.
func TestNoSecretOutlivesAnErase(t *testing.T) {
	l := encrypted(t, Options{})
	w := &wiping{eraser: l.eraser}
	l.eraser = w
	job := erase.Job{Target: &l.plant.byName["R1-I1-D01"].port, Method: erase.DriveErase}
	must(t, l.keys.knownSecrets(l.plant.byName["R1-I1-D01"], &job))
	require.NotEqual(t, make([]byte, 32), secretBytes(job.Secrets[0]), "one that is not cleared shows")
	arm(t, l, "R1-I1-D02", "(flash.erase.refused) (flash.zero.refused)")
	ok(t, l)(l.RemoveRank("R0"))
	require.Equal(t, Failed, l.plant.byName["R1-I1-D02"].state, "not erased")
	require.Greater(t, len(w.kept), 2)
	for _, j := range w.kept {
		require.NotEmpty(t, j.Owner)
		for _, c := range j.Owner {
			require.Zero(t, c.PIN.Len(), c.Name)
		}
		require.NotEmpty(t, j.Secrets)
		for _, k := range j.Secrets {
			require.Equal(t, make([]byte, 32), secretBytes(k), k.Name())
		}
	}
}

// secretBytes looks at what a secret shows to nobody.
func secretBytes(k forensic.Secret) []byte { return reflect.ValueOf(k).FieldByName("b").Bytes() }

// TestADriveInAnotherMembersSlot is left as it is, and named: it must not become the new drive of
// that slot, which a repair would erase.
func TestADriveInAnotherMembersSlot(t *testing.T) {
	l := encrypted(t, Options{})
	one, two := l.plant.byName["R1-I1-D01"], l.plant.byName["R1-I1-D02"]
	serial := two.port.Serial()
	must(t, l.Pull(one.name))
	must(t, l.Pull(two.name))
	fails(t, l)(l.Insert(one.name, serial))
	require.Equal(t, Inappropriate, one.state)
	require.Equal(t, "it belongs in R1-I1-D02: R0 waits for it there", one.why)
	require.Equal(t, drive.Configured, one.port.Status().State, "nothing was erased")
}
