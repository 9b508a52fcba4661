package erase

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// unsigned runs a job with a journal, and without a key that signs.
func unsigned(t *testing.T, m *memory, j Job) Result {
	t.Helper()
	rep, err := engine(t, func(o *Options) { o.Journal, o.Signer = m, nil }).Run(context.Background(), []Job{j})
	require.NoError(t, err)
	require.Nil(t, rep.Results[0].Certificate)
	return rep.Results[0]
}

// A drive that an earlier run erased without a key gets its certificate when there is one. It says which
// run saw what.
func TestADriveThatAnEarlierRunErasedIsCertified(t *testing.T) {
	for _, method := range []Method{DriveErase, PSIDRevert, RangeErase} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			b, job := locked(t, "RC1", nil)
			job.Method = method
			if method == PSIDRevert {
				job.PSID = b.label.PSID
			}
			m := &memory{}
			require.Equal(t, Passed, unsigned(t, m, job).Outcome)
			resumed := Job{Target: b.Drive, Method: method, PSID: job.PSID} // the owner has no PIN any more
			require.Equal(t, AlreadyErased, unsigned(t, m, resumed).Outcome)
			generation, entries := b.Status().KeyGeneration, len(m.entries)
			e := engine(t, func(o *Options) {
				later := o.Clock().Add(time.Hour)
				o.Journal, o.Clock = m, func() time.Time { return later }
			})
			rep, err := e.Run(context.Background(), []Job{resumed})
			require.NoError(t, err)
			r := rep.Results[0]
			require.Equal(t, AlreadyErased, r.Outcome, text(r))
			require.NotNil(t, r.Certificate, text(r))
			require.Equal(t, generation, b.Status().KeyGeneration, "it is looked at, and not erased again")
			require.Len(t, m.entries, entries)
			c, err := VerifyCertificate([]byte(r.Certificate.Text()), public())
			require.NoError(t, err)
			s := c.Statement
			require.True(t, s.Accepted())
			require.Equal(t, []string{"2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"}, []string{s.Started, s.Date})
			require.Contains(t, s.MethodDetails, "by an earlier run, of which the journal tells")
			require.Contains(t, s.Verification.Method, "by this run: search of the full flash dump")
			now, before, ok := strings.Cut(s.Verification.Checks, "; in the earlier run: ")
			require.True(t, ok, s.Verification.Checks)
			require.NotContains(t, now, CheckCredential, "this run has no old credential to present")
			require.NotContains(t, now, CheckControl, "nothing was open that could have been found")
			require.Contains(t, now, CheckRemains)
			require.Contains(t, before, CheckCredential)
			require.Equal(t, "2 of 3: reads flash and fuses", s.Verification.Adversary, "nobody gave this run the owner's PIN")
			require.Contains(t, s.Validation.Reason, "key strength as the earlier run judged it")
			require.Contains(t, s.MediaIdentity, "proved by challenge", "it proves now which drive it is")
			require.Positive(t, s.Verification.Samples.Pieces)
			last := s.Timeline[len(s.Timeline)-1]
			require.Equal(t, Event{"2026-03-01T13:00:00Z", "judged again: accepted"}, last)
		})
	}
}

// The word of a drive is not enough for a certificate: it says that nothing has changed, and its flash
// says otherwise. Such a drive is erased again.
func TestADriveThatIsNotAsItPassedIsNotCertifiedButErased(t *testing.T) {
	b, job := locked(t, "RC2", nil)
	m, before := &memory{}, b.Dump()
	for i := range before.Flash {
		before.Flash[i].Data = bytes.Clone(before.Flash[i].Data)
	}
	require.Equal(t, Passed, unsigned(t, m, job).Outcome)
	back := true
	target := &dumping{b, func(d drive.Dump) drive.Dump {
		if back {
			for _, p := range before.Flash { // the pages of before are in blocks behind the drive's
				p.Block += d.Geometry.Blocks
				d.Flash = append(d.Flash, p)
			}
			d.Geometry.Blocks *= 2
		}
		return d
	}}
	resumed := Job{Target: target, Method: DriveErase}
	require.Equal(t, AlreadyErased, unsigned(t, m, resumed).Outcome, "the generation and the media are as they were")
	r := again(t, m, resumed)
	require.Equal(t, Failed, r.Outcome, text(r))
	require.Nil(t, r.Certificate)
	verdict(t, r, CheckRemains, Fail)
	require.Equal(t, 2, r.Attempts)
	back = false
	r = again(t, m, resumed)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.NotNil(t, r.Certificate)
}

// Data in the clear, or a locked range, that the drive's word does not tell of.
func TestWhatSpeaksAgainstASecondLook(t *testing.T) {
	for name, lie := range map[string]struct {
		target func(b *bench) Target
		want   string
	}{
		"data in the clear": {func(b *bench) Target {
			return &dumping{b, func(d drive.Dump) drive.Dump {
				d.Sector = func(uint64) ([]byte, bool) { return make([]byte, 512), true }
				return d
			}}
		}, "plain data"},
		"a range that is locked":  {func(b *bench) Target { return shut{b.Drive} }, CheckState},
		"a range that is unknown": {func(b *bench) Target { return taciturn{b.Drive} }, "cannot be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			b, job := locked(t, "RC3", nil)
			m := &memory{}
			require.Equal(t, Passed, unsigned(t, m, job).Outcome)
			target := lie.target(b)
			last := &m.entries[len(m.entries)-1]
			last.Media = mediaSum(target.Dump()) // so that only the second look can find it
			rep, err := withJournal(t, m).Run(context.Background(), []Job{{Target: target, Method: DriveErase}})
			require.NoError(t, err)
			r := rep.Results[0]
			require.NotEqual(t, AlreadyErased, r.Outcome, text(r))
			require.False(t, r.Certificate != nil && r.Certificate.Statement.Accepted(), text(r))
			require.NotEqual(t, Passed, r.Outcome)
			require.Contains(t, r.Why+text(r), lie.want)
		})
	}
}

// shut is a drive that says that range 0 has a lock.
type shut struct{ *drive.Drive }

func (s shut) Range(n int) (drive.RangeInfo, error) {
	i, err := s.Drive.Range(n)
	i.ReadLockEnabled = true
	return i, err
}

// taciturn is a drive that says nothing of its ranges.
type taciturn struct{ *drive.Drive }

func (taciturn) Range(int) (drive.RangeInfo, error) {
	return drive.RangeInfo{}, &drive.StatusError{Op: "range", Code: drive.HardwareFailure}
}

// A certificate that cannot be signed does not make an erased drive one that is not.
func TestASecondLookWithoutACertificate(t *testing.T) {
	b, job := locked(t, "RC4", nil)
	m := &memory{}
	require.Equal(t, Passed, unsigned(t, m, job).Outcome)
	e := withJournal(t, m)
	e.sign = func(Statement) (*Certificate, error) { return nil, errCrash }
	rep, err := e.Run(context.Background(), []Job{{Target: b.Drive, Method: DriveErase}})
	require.NoError(t, err)
	r := rep.Results[0]
	require.Equal(t, AlreadyErased, r.Outcome)
	require.Nil(t, r.Certificate)
	require.Equal(t, "passed at 2026-03-01T12:00:00Z, no key and no sector changed since; no certificate: the machine is down", r.Why)
}
