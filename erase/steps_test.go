package erase

import (
	"bytes"
	"context"
	"crypto/aes"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

func TestTheStepsOfARun(t *testing.T) {
	_, job := locked(t, "T1", nil)
	m := &memory{}
	var steps []string
	e := engine(t, func(o *Options) {
		o.Journal, o.Progress = m, func(p Progress) {
			require.Equal(t, "T1", p.Serial)
			require.Equal(t, 1, p.Jobs)
			steps = append(steps, p.Step)
		}
	})
	rep, err := e.Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, []string{"prove", "oracle", "search", "erase", "verify", "done"}, steps)
	require.Len(t, m.entries, 2)
	end := m.entries[1]
	require.Equal(t, rep.Results[0], *end.Result, "the journal holds the result as it was reported")
	require.False(t, end.Result.Started.IsZero())
	require.False(t, end.Result.Ended.IsZero())
	require.Len(t, end.Media, 64)
	require.NotZero(t, end.Generation)
}

func TestADriveThatDidNotPassHasNoMediaSum(t *testing.T) {
	b, owner := three(t, "T2")
	w := &wrong{bench: b, status: func(s *drive.Status) { s.State = drive.SecurityDegraded }}
	m := &memory{}
	r := runWrong(t, w, Job{Method: DriveErase, Owner: owner}, "verify", func(o *Options) { o.Journal = m })
	require.Equal(t, Failed, r.Outcome)
	require.Empty(t, m.entries[len(m.entries)-1].Media, "nothing could be already erased by it")
	require.False(t, r.Ended.IsZero())
	r = run1(t, Job{Target: b.Drive, Method: DriveErase, EraseMaster: pin(99)})
	require.Equal(t, Refused, r.Outcome)
	require.False(t, r.Ended.IsZero())
}

// The drive changes its mind between the proof and the erase.
func TestAnEraseMasterThatIsRefusedAfterItsProof(t *testing.T) {
	for _, code := range []drive.Code{drive.NotAuthorized, drive.Degraded} {
		b, owner := three(t, "T3")
		before := b.Status()
		w := &wrong{bench: b, open: func(a drive.Authority, _ drive.PIN) (bool, error) { return a == drive.EraseMaster, refuse(code) }}
		r := runWrong(t, w, Job{Method: DriveErase, Owner: owner}, "erase", nil)
		require.NotEqual(t, Passed, r.Outcome, text(r))
		require.Equal(t, code == drive.NotAuthorized, r.Outcome == Refused, text(r))
		require.Equal(t, before.KeyGeneration, b.Status().KeyGeneration)
		if r.Outcome != Refused {
			command, _ := r.Check(CheckCommand)
			require.Equal(t, refuse(code).Error(), command.Why)
		}
	}
}

func TestARangeThatCannotBeAskedKeepsItsPlace(t *testing.T) {
	b, owner := three(t, "T4")
	w := &wrong{bench: b, info: func(n int, _ *drive.RangeInfo) error {
		if n == 2 {
			return refuse(drive.Degraded)
		}
		return nil
	}}
	r := runWrong(t, w, Job{Method: DriveErase, Owner: owner}, "erase", nil)
	command, _ := r.Check(CheckCommand)
	require.Equal(t, "range 2 keeps its place: "+refuse(drive.Degraded).Error(), command.Why)

	b = newBench(t, "T5", nil, nil)
	b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error { return s.SetRange(drive.RangeConfig{Start: 0, Length: 10}) })
	require.Equal(t, Passed, run1(t, Job{Target: b.Drive, Method: DriveErase}).Outcome)
	i, err := b.Range(1)
	require.NoError(t, err)
	require.Zero(t, i.Length, "a place at the first sector is one, too")
}

func TestAPassOfAnotherDriveIsNone(t *testing.T) {
	b := newBench(t, "T6", nil, nil)
	job := Job{Target: b.Drive, Method: DriveErase}
	m := &memory{}
	require.Equal(t, Passed, again(t, m, job).Outcome)
	for i := range m.entries {
		m.entries[i].Serial = "T7"
		if r := m.entries[i].Result; r != nil {
			r.Serial = "T7"
		}
	}
	r := again(t, m, job)
	require.Equal(t, Passed, r.Outcome)
	require.Equal(t, 1, r.Attempts)
}

// once is a journal that fails at its first append, and goes on after it.
type once struct {
	*memory
	failed bool
}

func (o *once) Append(e Entry) error {
	if !o.failed {
		o.failed = true
		return errCrash
	}
	return o.memory.Append(e)
}

func TestALineThatIsLostStopsTheDrive(t *testing.T) {
	b := newBench(t, "T8", nil, nil)
	b.configure(0, pin(1))
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
		if err := s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}); err != nil {
			return err
		}
		return s.SetLocks(true, true)
	})
	before := b.Status()
	m := &memory{}
	rep, err := withJournal(t, &once{memory: m}).Run(context.Background(), []Job{{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}}})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, NotStarted, rep.Results[0].Outcome)
	require.Equal(t, before, b.Status())
	require.Empty(t, m.entries, "the drive is left after the line that was lost")
}

// A canary is 32 bytes of the engine's entropy, over the whole sector.
func TestACanaryIsRandom(t *testing.T) {
	b := newBench(t, "T9", nil, nil)
	_, err := withJournal(t, &dying{&memory{}, 0}).Run(context.Background(), []Job{{Target: b.Drive, Method: DriveErase}})
	require.ErrorIs(t, err, errCrash)
	want := make([]byte, 32)
	_, err = entropy.Stream(2, "erase").Read(want)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat(want, 16), b.read(0))
}

// writeless is a drive that does not say that it wrote.
type writeless struct {
	*bench
	err error
}

func (w writeless) Write(lba uint64, src []byte) error {
	_ = w.bench.Write(lba, src)
	return w.err
}

func TestACanaryThatMayHaveBeenWrittenIsNamed(t *testing.T) {
	for code, want := range map[drive.Code]string{
		drive.MediaFailure: "the journal failed before the erase; a canary may stay in the sector at LBA 0",
		drive.Locked:       "the journal failed before the erase",
	} {
		b := newBench(t, "T10", nil, nil)
		rep, err := withJournal(t, &dying{&memory{}, 0}).Run(context.Background(), []Job{{Target: writeless{b, refuse(code)}, Method: DriveErase}})
		require.ErrorIs(t, err, errCrash)
		require.Equal(t, want, rep.Results[0].Why)
	}
}

func TestAPieceOfASectorThatIsTooShortIsNoPlaintext(t *testing.T) {
	for n, want := range map[int]Verdict{31: NotPossible, 32: Pass} {
		for _, written := range []bool{true, false} {
			b := newBench(t, "T11", nil, func(c *drive.Config) { c.Ranges = 0 })
			if written {
				require.NoError(t, b.Write(0, customer))
			}
			r := run1(t, Job{Method: DriveErase, Target: &dumping{b, func(d drive.Dump) drive.Dump {
				sector := d.Sector
				d.Sector = func(lba uint64) ([]byte, bool) {
					s, ok := sector(lba)
					return s[:min(n, len(s))], ok
				}
				return d
			}}})
			verdict(t, r, CheckControl, want)
		}
	}
}

// What a check says.
func TestWhatAReportSays(t *testing.T) {
	why := func(r Result, name string) string {
		c, _ := r.Check(name)
		return c.Why
	}
	b, job := locked(t, "T12", nil)
	ak, mek := keysOf(t, b)
	old := mustWrap(t, ak, mek)
	job.Target = &tampered{bench: b, extra: func() []flash.Page {
		two := append(pageOf(2048, 200, mek, old), pageOf(2048, 300, mek, old)...)
		two[1].Block = 98
		return append(two, two[0])
	}}
	r := run1(t, job)
	require.Equal(t, "bare key at block 99 page 0 offset 200 opens LBA 100, and 1 more ways", why(r, CheckSearch))
	require.Equal(t, "old key material at block 99 page 0 offset 264, and on 2 more pages", why(r, CheckRemains))

	b, _ = locked(t, "T13", nil)
	r = run1(t, Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID, Destroy: "T13"})
	require.Regexp(t, `^all that looked like key material: none of \d+ pieces is left$`, why(r, CheckRemains))
	require.Equal(t, "there is no known plaintext", why(r, CheckPlaintext))
	require.Equal(t, "there is no known plaintext", why(r, CheckSearch))
	require.Equal(t, "1 written sector can be read from it", point(t, r, PointMedium).Why)
	require.Equal(t, "the old key could not be reached even before the erase", point(t, r, PointStrength).Why)

	b = newBench(t, "T14", nil, func(c *drive.Config) { c.TryLimit = 1 })
	b.configure(0, pin(1))
	r = run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}})
	require.Equal(t, "BandMaster0 has 1 of 1 tries left: the check would lock it", why(r, CheckCredential))
	require.Equal(t, "AES-256-XTS, and nothing in the old key tells of less than 256 bits", point(t, r, PointStrength).Why)

	b = newBench(t, "T15", nil, nil)
	b.as(drive.BandMaster(0), b.label.MSID, func(s drive.Session) error { return s.Migrate(pin(1)) })
	r = run1(t, Job{Target: mute{noPlaintext{b}}, Method: PSIDRevert, PSID: b.label.PSID, Destroy: "T15"})
	require.Equal(t, Check{Name: PointMedium, Verdict: Pass, Why: "0 written sectors can be read from it"}, point(t, r, PointMedium))
}

// The weakest of several keys is what is judged, wherever it was found.
func TestTheWeakestOfTheKeysIsJudged(t *testing.T) {
	strong := []byte("the media key of this drive is a sentence that anybody can type.")
	weak := append(bytes.Repeat([]byte("ab"), 16), bytes.Repeat([]byte("ba"), 16)...)
	for _, keys := range [][2][]byte{{strong, weak}, {weak, strong}} {
		b := newBench(t, "T16", nil, nil)
		require.NoError(t, b.Write(100, customer))
		b.configure(1, pin(11))
		cipher := map[uint64][]byte{}
		for i, lba := range []uint64{100, 1000} {
			c, err := xts.NewCipher(aes.NewCipher, keys[i])
			require.NoError(t, err)
			cipher[lba] = make([]byte, 512)
			c.Encrypt(cipher[lba], customer, lba)
		}
		r := run1(t, Job{Method: DriveErase, Owner: []Credential{{Range: 1, PIN: pin(11)}}, Target: &dumping{b, func(d drive.Dump) drive.Dump {
			if b.Status().State != drive.Erased {
				d.Flash = append(d.Flash, pageOf(2048, 300, keys[0], make([]byte, 64), keys[1])...)
			}
			d.Sector = func(lba uint64) ([]byte, bool) { return cipher[lba], true }
			return d
		}}})
		refusedBy(t, r, PointStrength, "the old key had at most 64 bits, need 128: it can be guessed, gone or not")
	}
}

// A line whose checksum holds was written so: what is wrong with it is no tear.
func TestALineThatNobodyWroteIsNoTornLine(t *testing.T) {
	line := func(entry string) string { return string(journal.Line([]byte(entry))) }
	good := line(`{"event":"begin","time":"2026-03-01T12:00:00Z","serial":"A","method":"drive erase","range":0}`)
	entries, _, err := parseJournal([]byte(journalHeader + good))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	for _, x := range []struct{ data, want string }{
		{line(`{"event":"begin","time":"2026-03-01T12:00:00Z","serial":"A","method":"drive erase","range":0,"more":1}`), `line 2: not an entry: json: unknown field "more"`},
		{line(`{"event":5}`), "line 2: not an entry: "},
		{"\n" + good, "line 2: corrupt: "},
		{good[:len(good)-1] + "x\n" + good, "line 2: corrupt: trailing data"},
		{good + line(`{"event":"begin"}`), "line 3: not an entry"},
	} {
		_, _, err := parseJournal([]byte(journalHeader + x.data))
		require.ErrorContains(t, err, x.want)
	}
	entries, n, err := parseJournal([]byte(journalHeader + good + good[:len(good)-3] + "\n"))
	require.NoError(t, err, "a last line that tore, line end and all")
	require.Len(t, entries, 1)
	require.Equal(t, len(journalHeader+good), n)
	require.False(t, belowPrime(prime[:]))
}
