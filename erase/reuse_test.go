package erase

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// A journal outlives the run that it was made for, and the drive goes on.

func TestADriveThatWasUsedSinceItPassedIsErasedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := newBench(t, "U1", nil, nil)
	jobs := []Job{{Target: b.Drive, Method: DriveErase}}
	run := func() Outcome {
		rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), jobs)
		require.NoError(t, err)
		return rep.Results[0].Outcome
	}
	require.Equal(t, Passed, run())
	require.Equal(t, AlreadyErased, run(), "nothing has happened since")
	generation := b.Status().KeyGeneration
	require.NoError(t, b.Write(100, customer))
	require.Equal(t, generation, b.Status().KeyGeneration, "an open drive takes data without a key step")
	require.Equal(t, Passed, run(), "data was written under the key of the last erase, so that key has to go")
	require.NotEqual(t, customer, b.read(100))
	require.Equal(t, AlreadyErased, run())
}

func TestADriveThatIsConfiguredIsNeverAlreadyErased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b, job := locked(t, "U2", nil)
	j := openJournal(t, path)
	rep, err := withJournal(t, j).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.True(t, rep.OK(), rep.Text())
	// The same count of key records, as after a loss of the record and a revert.
	b.configure(0, pin(1))
	past, err := j.Entries()
	require.NoError(t, err)
	last := past[len(past)-1]
	last.Generation = b.Status().KeyGeneration
	last.Media = mediaSum(b.Dump())
	require.NoError(t, j.Append(last))
	rep, err = withJournal(t, j).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome, "its state says that it may hold data")
	require.Equal(t, drive.Erased, b.Status().State)
}

func TestAnotherMethodIsHeldToWhatAnEarlierOneFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b := newBench(t, "U3", nil, nil)
	c := &crashing{FileJournal: openJournal(t, path), path: path, k: 1, mode: "before"}
	_, err := withJournal(t, c).Run(context.Background(), []Job{{Target: b.Drive, Method: DriveErase}})
	require.True(t, errors.Is(err, errCrash), "cut after the erase, before it was judged")
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID}})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome, rep.Text())
	search, ok := rep.Results[0].Check(CheckSearch)
	require.True(t, ok)
	require.Contains(t, search.Why, "opens 2 known plaintexts", "the canary of the first attempt is searched for, too")
}

func TestTheSigningKeyIsNotPrinted(t *testing.T) {
	o := options()
	e, err := New(o)
	require.NoError(t, err)
	require.Equal(t, "erase options of fdelab test", fmt.Sprint(o))
	seed := signer.Seed()
	for _, v := range []any{e, o, &o, []Options{o}, struct{ hidden *Engine }{e}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s"} {
			out := fmt.Sprintf(verb, v)
			require.NotContains(t, out, hex.EncodeToString(seed[:8]))
			require.NotContains(t, out, strings.Trim(fmt.Sprint(seed[:8]), "[]"))
			require.NotContains(t, out, "0x7, 0x7, 0x7, 0x7")
			require.NotContains(t, out, string(seed[:8]))
		}
	}
}

func TestOneRangesEvidenceIsNotAnothers(t *testing.T) {
	b := newBench(t, "U4", nil, nil)
	b.configure(1, pin(1))
	job := Job{Target: noMedia{b.Drive}, Method: DriveErase, Owner: []Credential{{Range: 1, PIN: pin(1)}}}
	r := run1(t, job)
	control, _ := r.Check(CheckControl)
	require.Equal(t, NotPossible, control.Verdict, "range 1 was proved, the global range was not")
	require.Equal(t, Passed, r.Outcome, "its wraps are evidence of another kind: "+text(r))
	verdict(t, r, CheckRemains, Pass)
}

// A secret that opens another range does not make its wraps those of the range that is erased,
// whichever secret stands behind the owner's.
func TestTheWrapsOfAnotherRangeMayStay(t *testing.T) {
	b := newBench(t, "U5", nil, nil)
	b.configure(0, pin(1))
	b.configure(1, pin(11))
	r := run1(t, Job{
		Target: noMedia{b.Drive}, Method: RangeErase, Owner: []Credential{{Range: 0, PIN: pin(1)}},
		Secrets: []forensic.Secret{forensic.PIN("credential of range 1", pin(11))},
	})
	verdict(t, r, CheckControl, NotPossible)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, customer, b.read(1000))
}

// noMedia is a drive of which no sector below 1000 can be read or written.
type noMedia struct{ *drive.Drive }

func (n noMedia) Read(lba uint64, dst []byte) error {
	if lba < 1000 {
		return &drive.StatusError{Op: "read", Code: drive.MediaFailure}
	}
	return n.Drive.Read(lba, dst)
}

func (n noMedia) Write(lba uint64, src []byte) error {
	if lba < 1000 {
		return &drive.StatusError{Op: "write", Code: drive.MediaFailure}
	}
	return n.Drive.Write(lba, src)
}
