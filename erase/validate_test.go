package erase

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func point(t testing.TB, r Result, name string) Check {
	t.Helper()
	for _, p := range r.Validation {
		if p.Name == name {
			return p
		}
	}
	require.FailNow(t, "a point of the validation is missing", "%s:\n%s", name, text(r))
	return Check{}
}

// refusedBy wants an erase that was verified in every check, and is not accepted
// for one point.
func refusedBy(t *testing.T, r Result, name, why string) {
	t.Helper()
	require.Equal(t, NotAccepted, r.Outcome, text(r))
	require.Empty(t, r.Failing(), "the verification found nothing: the erase did what an erase does")
	p := point(t, r, name)
	require.Equal(t, Fail, p.Verdict, text(r))
	require.Equal(t, why, p.Why)
	require.Equal(t, name+": "+why, r.Why)
	require.False(t, (&Report{Results: []Result{r}}).OK())
	require.Contains(t, text(r), "  validation: "+name)
	require.Contains(t, text(r), "0 passed, 1 not accepted, 0 failed")

	c, err := VerifyCertificate([]byte(r.Certificate.Text()), public())
	require.NoError(t, err, "the record of it is signed as well as any")
	require.False(t, c.Statement.Accepted())
	require.True(t, strings.HasPrefix(c.Text(), "RECORD OF A SANITIZATION THAT IS NOT ACCEPTED\n"), "nobody takes it for a certificate")
	require.Equal(t, "passed", c.Statement.Verification.Result, "verification and validation are two things")
	require.Equal(t, Rejected, c.Statement.Validation.Outcome)
	require.Equal(t, r.Why, c.Statement.Validation.Reason)
	require.Contains(t, c.Statement.Validation.Considered, name+" fail")
}

func TestAnAcceptedEraseSaysWhatWasVerifiedAndHowItWasJudged(t *testing.T) {
	_, job := locked(t, "A1", nil)
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	s := r.Certificate.Statement
	require.Equal(t, "Purge", s.Method)
	require.Equal(t, "Cryptographic Erase", s.Technique)
	require.Equal(t, "passed", s.Verification.Result)
	require.Equal(t, Validation{
		Outcome: Accepted, Reason: "every point was judged and holds",
		Considered: "medium pass, plain data pass, key strength pass, key copies pass, outside keys pass, identity pass",
		Basis:      "the new media encryption key, made in the drive, and the destruction of the old one", By: "fdelab test",
	}, s.Validation)
	require.Equal(t, "1 written sector can be read from it", point(t, r, PointMedium).Why)
	require.Equal(t, "none of 1 written sector is in the clear", point(t, r, PointPlain).Why)
	txt := r.Certificate.Text()
	require.Contains(t, txt, "CERTIFICATE OF SANITIZATION\n(after NIST SP 800-88 Rev. 2)\n")
	require.Contains(t, txt, "Verification:           passed\n")
	require.Contains(t, txt, "Validation:             accepted\n")
	require.Contains(t, string(r.Certificate.Statement.payload("")), `"validation_outcome":"accepted"`)
}

// Somebody wrote to the medium before the drive encrypted, or past it. The erase
// changes every key, and what was never encrypted stays readable.
func TestDataInTheClearIsNotErasedWithAKey(t *testing.T) {
	invoice := append([]byte("Invoice 4711: two drives for the laboratory, to be paid by the end of March; bank account 12-345678-9. "), make([]byte, 409)...)[:512]
	var accounts bytes.Buffer
	for n := range 40 {
		fmt.Fprintf(&accounts, "customer %04d owes %d; ", n, 7919*n)
	}
	noise := make([]byte, 512)
	_, err := rand.NewChaCha8([32]byte{2}).Read(noise)
	require.NoError(t, err)
	copy(noise[480:], noise[16:32])
	for _, c := range []struct {
		name   string
		sector []byte
	}{
		{"text", invoice},
		{"zeros", make([]byte, 512)},
		{"text without two equal blocks", accounts.Bytes()[:512]},
		{"noise with two equal blocks", noise},
	} {
		for _, method := range []Method{DriveErase, PSIDRevert, RangeErase} {
			t.Run(c.name+", "+string(method), func(t *testing.T) {
				b, job := locked(t, "A2", nil)
				require.NoError(t, b.media.WriteSector(300, c.sector))
				job.Method, job.PSID = method, b.label.PSID
				r := run1(t, job)
				refusedBy(t, r, PointPlain, "1 written sector of 2 in the clear, which no erase of a key reaches: LBA 300")
			})
		}
	}
	t.Run("in a range that was not erased", func(t *testing.T) {
		b := newBench(t, "A3", nil, nil)
		b.configure(1, pin(11))
		require.NoError(t, b.media.WriteSector(300, invoice))
		r := run1(t, Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: []Credential{{Range: 1, PIN: pin(11)}}})
		require.Equal(t, Passed, r.Outcome, "the erase of range 1 says nothing of the others: %s", text(r))
	})
	t.Run("behind a range that was not erased", func(t *testing.T) {
		b := newBench(t, "A3", nil, nil)
		b.configure(0, pin(1))
		b.configure(1, pin(11))
		require.NoError(t, b.media.WriteSector(1300, invoice))
		r := run1(t, Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: []Credential{{Range: 1, PIN: pin(11)}}})
		refusedBy(t, r, PointPlain, "1 written sector of 2 in the clear, which no erase of a key reaches: LBA 1300")
	})
	t.Run("behind a sector that cannot be read", func(t *testing.T) {
		b, job := locked(t, "A3", nil)
		require.NoError(t, b.media.WriteSector(300, invoice))
		p, err := fault.Parse("(media.read.error (LBA 100))")
		require.NoError(t, err)
		b.media.Arm(p)
		refusedBy(t, run1(t, job), PointPlain, "1 written sector of 1 in the clear, which no erase of a key reaches: LBA 300")
		require.NotEmpty(t, p.Fired())
	})
}

func TestCiphertextIsNeverTakenForPlainData(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{512, 4096} {
		sector := make([]byte, size)
		for range 5000 {
			_, err := source.Read(sector)
			require.NoError(t, err)
			require.False(t, inTheClear(sector))
		}
		require.True(t, inTheClear(bytes.Repeat([]byte("0123456789abcde\n"), size/16)))
	}
}

func TestAMediumThatNobodyCanReadIsNotAccepted(t *testing.T) {
	b, job := locked(t, "A4", nil)
	b.cycle()
	p, err := fault.Parse("(media.read.error) (media.write.error)")
	require.NoError(t, err)
	b.media.Arm(p)
	r := run1(t, job)
	refusedBy(t, r, PointMedium, "none of 1 written sector can be read from it, so nobody can say what it holds")
	require.Equal(t, Check{PointPlain, NotPossible, "nothing can be read from the medium"}, point(t, r, PointPlain))
	require.NotEmpty(t, p.Fired())

	b, job = locked(t, "A5", nil)
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.Unlock() })
	require.NoError(t, b.Write(101, customer))
	p, err = fault.Parse("(media.read.error (LBA 101))")
	require.NoError(t, err)
	b.media.Arm(p)
	r = run1(t, job)
	require.Equal(t, Passed, r.Outcome, "one bad sector among others does not make a drive suspect: %s", text(r))
	require.Contains(t, point(t, r, PointMedium).Why, "1 of 2 written sectors can be read from it")
	require.NotEmpty(t, p.Fired())
}

// poor is a noise source of which each byte has one bit: no sample repeats.
type poor struct{ io.Reader }

func (p poor) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	for i := range b[:n] {
		b[i] &= 1
	}
	return n, err
}

func TestAKeyThatCanBeGuessedIsNotErasedByForgettingIt(t *testing.T) {
	cfg := drive.Config{Serial: "A6", Model: "Test SED", SectorSize: 512, Sectors: 4096, Ranges: 2, PBKDF2Iterations: 2}
	b := assemble(t, cfg, flash.NewMem(flash.DefaultGeometry), poor{entropy.Stream(1, "A6")})
	b.configure(0, pin(1))
	r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}})
	refusedBy(t, r, PointStrength, "the old key had at most 64 bits, need 128: it can be guessed, gone or not")
}

func TestKeysOutsideTheDrive(t *testing.T) {
	servers := Outside{Holder: "the key servers of key group 1", Searched: true}
	t.Run("the search had them", func(t *testing.T) {
		_, job := locked(t, "A7", nil)
		job.Outside = []Outside{servers}
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		require.Equal(t, "the search had what the key servers of key group 1 keep, and it opens nothing", point(t, r, PointOutside).Why)
		require.Equal(t, "the new media encryption key, made in the drive, and not on keys outside it: the key servers of key group 1 may keep theirs", r.Certificate.Statement.Validation.Basis)
	})
	t.Run("nobody could ask for them", func(t *testing.T) {
		b, _ := locked(t, "A8", nil)
		r := run1(t, Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID, Destroy: "A8", Outside: []Outside{{Holder: servers.Holder}}})
		require.Equal(t, Passed, r.Outcome, text(r))
		require.Equal(t, "what the key servers of key group 1 keep has no wrap left to open", point(t, r, PointOutside).Why)
		require.Equal(t, "nothing speaks against it; could not be judged: key strength", r.Certificate.Statement.Validation.Reason)
	})
	t.Run("a copy of the wraps", func(t *testing.T) {
		_, job := locked(t, "A9", nil)
		job.Outside = []Outside{servers, {Holder: "the backup of its flash", Copies: true}}
		r := run1(t, job)
		refusedBy(t, r, PointOutside, "a copy of the old key is outside the drive, which erased its own only: the backup of its flash")
	})
}

func TestAPolicyMayAskForTheIdentity(t *testing.T) {
	policy := func(o *Options) { o.Policy = Policy{By: "the laboratory", Identity: true} }
	b, job := locked(t, "A10", nil)
	job.Target = mute{b.Drive}
	rep, err := engine(t, policy).Run(t.Context(), []Job{job})
	require.NoError(t, err)
	refusedBy(t, rep.Results[0], PointIdentity, "it did not prove which drive it is")
	require.Equal(t, "fdelab test, by the policy of the laboratory", rep.Results[0].Certificate.Statement.Validation.By)

	_, job = locked(t, "A11", nil)
	rep, err = engine(t, policy).Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.True(t, rep.OK(), rep.Text())
}

func TestACopyThatNobodyLookedForIsNotGone(t *testing.T) {
	for _, v := range []Verdict{NotPossible, Fail} {
		r := &run{e: &Engine{}, job: &Job{Outside: []Outside{{Holder: "the key servers"}}}}
		r.res.Checks = []Check{{Name: CheckRemains, Verdict: v, Why: "no wrap was found that had to go"}}
		require.Equal(t, Fail, r.pointCopies().Verdict)
		require.Equal(t, "what the key servers keep may open what is left", r.pointOutside().Why)
	}
}

func TestWhatWasNotAcceptedIsErasedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b, job := locked(t, "A12", nil)
	require.NoError(t, b.media.WriteSector(300, make([]byte, 512)))
	for n := 1; n <= 2; n++ {
		rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
		require.NoError(t, err)
		require.Equal(t, NotAccepted, rep.Results[0].Outcome, "attempt %d: %s", n, rep.Text())
		require.Equal(t, n, rep.Results[0].Attempts)
		job.Owner = nil
	}
	require.NoError(t, b.Write(300, customer), "the plain data is overwritten, with ciphertext")
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome, rep.Text())
	rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, AlreadyErased, rep.Results[0].Outcome, rep.Text())
}

func TestAValidationThatSaysTooLittleIsNotSigned(t *testing.T) {
	for _, x := range []struct {
		change func(*Statement)
		want   string
	}{
		{func(s *Statement) { s.Technique = "" }, "technique and tool must be given"},
		{func(s *Statement) { s.Verification.Result = "failed" }, `the result of the verification is "failed", need "passed": nothing else is certified`},
		{func(s *Statement) { s.Validation.Outcome = "fine" }, `the validation is "fine", need "accepted" or "not accepted"`},
		{func(s *Statement) { s.Validation.Reason = "" }, "a validation needs a reason"},
		{func(s *Statement) { s.Validation.Basis = "" }, "a validation needs a reason"},
		{func(s *Statement) { s.Validation.By = strings.Repeat("x", 201) }, `field "Validated by" has more than 200 characters`},
	} {
		s := statement()
		x.change(&s)
		_, err := Sign(s, signer)
		require.ErrorContains(t, err, x.want)
	}
}

// unjudged is a journal of the version that did not validate.
type unjudged struct{ Journal }

func (u unjudged) Entries() ([]Entry, error) {
	all, err := u.Journal.Entries()
	for i := range all {
		if all[i].Result != nil {
			all[i].Result.Validation = nil
		}
	}
	return all, err
}

func TestAPassThatNobodyValidatedIsNoReasonToSkipADrive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	_, job := locked(t, "A13", nil)
	for _, want := range []Outcome{Passed, Passed} {
		rep, err := withJournal(t, unjudged{openJournal(t, path)}).Run(context.Background(), []Job{job})
		require.NoError(t, err)
		require.Equal(t, want, rep.Results[0].Outcome, rep.Text())
		job.Owner = nil
	}
}
