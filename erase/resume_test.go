package erase

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// again runs a job with a journal in memory.
func again(t *testing.T, m *memory, j Job) Result {
	t.Helper()
	rep, err := withJournal(t, m).Run(context.Background(), []Job{j})
	require.NoError(t, err)
	return rep.Results[0]
}

// Cut after the erase: the journal holds the begin, and nobody has judged.
func cutAfterErase(t *testing.T, m *memory, j Job) {
	t.Helper()
	_, err := withJournal(t, &dying{m, 1}).Run(context.Background(), []Job{j})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, eventBegin, m.entries[len(m.entries)-1].Event)
}

// dying is a journal that takes so many entries and then no more.
type dying struct {
	*memory
	left int
}

func (d *dying) Append(e Entry) error {
	if d.left--; d.left < 0 {
		return errCrash
	}
	return d.memory.Append(e)
}

func TestASectorThatIsOverwrittenAfterAPassIsErasedAgain(t *testing.T) {
	b := newBench(t, "S1", nil, nil)
	require.NoError(t, b.Write(100, customer))
	job := Job{Target: b.Drive, Method: DriveErase}
	m := &memory{}
	require.Equal(t, Passed, again(t, m, job).Outcome)
	require.Equal(t, AlreadyErased, again(t, m, job).Outcome)
	written := b.Dump().Written
	require.NoError(t, b.Write(100, customer))
	require.Equal(t, written, b.Dump().Written, "the same sectors, with other content")
	require.Equal(t, Passed, again(t, m, job).Outcome)
	require.NotEqual(t, customer, b.read(100))
}

func TestTheMediaSumTellsWhatLiesWhere(t *testing.T) {
	dump := func(sectors map[uint64]string, written ...uint64) drive.Dump {
		return drive.Dump{Written: written, Sector: func(lba uint64) ([]byte, bool) {
			s, ok := sectors[lba]
			return []byte(s), ok
		}}
	}
	sums := map[string]string{}
	for name, d := range map[string]drive.Dump{
		"nothing":              dump(nil),
		"A at 1":               dump(map[uint64]string{1: "A"}, 1),
		"B at 1":               dump(map[uint64]string{1: "B"}, 1),
		"A at 2":               dump(map[uint64]string{2: "A"}, 2),
		"A at 1, B at 2":       dump(map[uint64]string{1: "A", 2: "B"}, 1, 2),
		"B at 1, A at 2":       dump(map[uint64]string{1: "B", 2: "A"}, 1, 2),
		"1 cannot be read":     dump(nil, 1),
		"an empty sector at 1": dump(map[uint64]string{1: ""}, 1),
	} {
		sum := mediaSum(d)
		require.Empty(t, sums[sum], "%s is told from all others", name)
		sums[sum] = name
	}
	// As journals hold it: the SHA-256 of each LBA, 8 bytes big-endian, and its sector, or
	// of the LBA and a byte 1 where it cannot be read.
	want := sha256.Sum256([]byte("\x00\x00\x00\x00\x00\x00\x01\x02A\x00\x00\x00\x00\x00\x00\x01\x03\x01"))
	require.Equal(t, hex.EncodeToString(want[:]), mediaSum(dump(map[uint64]string{0x102: "A"}, 0x102, 0x103)))
}

// What happened to the drive since its range passed.
func TestARangeThatPassedIsErasedAgainUnlessNothingChanged(t *testing.T) {
	for _, c := range []struct {
		name  string
		since func(t *testing.T, w *wrong)
		want  Outcome
	}{
		{"nothing", func(*testing.T, *wrong) {}, AlreadyErased},
		{"a power cycle", func(_ *testing.T, w *wrong) { w.cycle() }, AlreadyErased},
		{"another range has a new credential", func(t *testing.T, w *wrong) {
			w.as(drive.BandMaster(2), pin(21), func(s drive.Session) error { return s.SetPIN(pin(22)) })
		}, Passed},
		{"no power", func(_ *testing.T, w *wrong) { w.PowerOff() }, Refused},
		{"degraded", func(_ *testing.T, w *wrong) {
			w.on, w.status = true, func(s *drive.Status) { s.State = drive.SecurityDegraded }
		}, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, owner := three(t, "S2")
			w := &wrong{bench: b}
			job := Job{Target: w, Method: RangeErase, Range: 1, Owner: owner[:1]}
			m := &memory{}
			require.Equal(t, Passed, again(t, m, job).Outcome)
			c.since(t, w)
			r := again(t, m, job)
			require.Equal(t, c.want, r.Outcome, text(r))
			if c.want == AlreadyErased {
				require.Equal(t, "passed at 2026-03-01T12:00:00Z, no key and no sector changed since", r.Why)
				require.NotNil(t, r.Certificate, "with the certificate of then")
				require.Equal(t, 1, r.Attempts)
			}
		})
	}
}

func TestAPassCountsForItsOwnJobOnly(t *testing.T) {
	b, owner := three(t, "S3")
	m := &memory{}
	one := Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: owner[:1]}
	require.Equal(t, Passed, again(t, m, one).Outcome)
	two := Job{Target: b.Drive, Method: RangeErase, Range: 2, Owner: owner[1:]}
	r := again(t, m, two)
	require.Equal(t, Passed, r.Outcome, "a pass of range 1 is none of range 2")
	require.Equal(t, 1, r.Attempts)
	require.NotEqual(t, customer, b.read(2000))
	require.Equal(t, customer, b.read(100))

	whole := Job{Target: b.Drive, Method: DriveErase}
	r = again(t, m, whole)
	require.Equal(t, Passed, r.Outcome, "nor one of the drive")
	require.Equal(t, 1, r.Attempts)
	require.NotEqual(t, customer, b.read(100))
	revert := Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID}
	r = again(t, m, revert)
	require.Equal(t, Passed, r.Outcome, "a drive erase leaves the SID its PIN, a revert does not")
	require.Equal(t, 1, r.Attempts)
	require.Equal(t, AlreadyErased, again(t, m, revert).Outcome)
	require.Equal(t, Passed, again(t, m, whole).Outcome, "the keys have changed since")
}

func TestABeginAfterAPassCounts(t *testing.T) {
	b := newBench(t, "S4", nil, nil)
	job := Job{Target: b.Drive, Method: DriveErase}
	m := &memory{}
	require.Equal(t, Passed, again(t, m, job).Outcome)
	// Begun again, and cut before the drive got the command: it is as it was.
	begin := m.entries[0]
	begin.Canaries, begin.Prints = nil, nil
	require.NoError(t, m.Append(begin))
	r := again(t, m, job)
	require.Equal(t, Passed, r.Outcome, "nobody judged the second attempt")
	require.Equal(t, 3, r.Attempts)
}

// What an attempt found is what later ones are held to, as far as they erase it.
func TestAnAttemptThatWasCutIsRemembered(t *testing.T) {
	b, owner := three(t, "S5")
	of := func(m Method) Job {
		j := Job{Target: b.Drive, Method: m, Range: 1, Owner: owner, PSID: b.label.PSID}
		if m == RangeErase {
			j.Owner = owner[:1]
		}
		return j
	}
	for _, c := range []struct {
		first, then Method
		held        bool
	}{
		{RangeErase, RangeErase, true},
		{DriveErase, DriveErase, true},
		{PSIDRevert, PSIDRevert, true},
		{RangeErase, DriveErase, true},
		{DriveErase, PSIDRevert, true},
		{RangeErase, PSIDRevert, true},
		{DriveErase, RangeErase, false},
		{PSIDRevert, RangeErase, false},
		{PSIDRevert, DriveErase, false},
	} {
		t.Run(string(c.first)+", then "+string(c.then), func(t *testing.T) {
			b, owner = three(t, "S5")
			before := b.Dump().Flash
			m := &memory{}
			cutAfterErase(t, m, of(c.first))
			require.NotEmpty(t, m.entries[0].Prints)
			j := of(c.then)
			j.Owner = nil // the first attempt took them back to MSID
			if c.first == RangeErase && c.then != RangeErase {
				j.Owner = owner[1:]
			}
			if c.first != RangeErase && c.then == RangeErase { // it has lost its place
				b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error {
					return s.SetRange(drive.RangeConfig{Start: 1000, Length: 500})
				})
			}
			// The flash from before the first attempt shows up once the second is judged.
			judged := false
			j.Target = &dumping{b, func(d drive.Dump) drive.Dump {
				if judged {
					d.Flash = append(d.Flash, before...)
				}
				return d
			}}
			e := engine(t, func(o *Options) {
				o.Journal, o.Progress = m, func(p Progress) { judged = p.Step == "verify" }
			})
			rep, err := e.Run(t.Context(), []Job{j})
			require.NoError(t, err)
			r := rep.Results[0]
			remains, _ := r.Check(CheckRemains)
			held := remains.Verdict == Fail
			require.Equal(t, c.held, held, text(r))
		})
	}
}

// What came before for another range does not hide what came for this one.
func TestTheAttemptsOfARangeAreCountedBesideThoseOfAnother(t *testing.T) {
	b, owner := three(t, "S10")
	m := &memory{entries: []Entry{
		{Event: eventBegin, Serial: "S10", Method: RangeErase, Range: 2},
		{Event: eventBegin, Serial: "S10", Method: RangeErase, Range: 1},
	}}
	r := again(t, m, Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: owner})
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, 2, r.Attempts)
}

func TestAPassEndsWhatWasRemembered(t *testing.T) {
	b := newBench(t, "S6", nil, nil)
	job := Job{Target: b.Drive, Method: DriveErase}
	m := &memory{}
	cutAfterErase(t, m, job)
	require.Equal(t, Passed, again(t, m, job).Outcome)
	require.NoError(t, b.Write(100, customer))
	r := again(t, m, job)
	require.Equal(t, Passed, r.Outcome)
	search, _ := r.Check(CheckSearch)
	require.NotContains(t, search.Why, "opens 2 known plaintexts", "the canary of before the pass is no longer looked for")
	require.Equal(t, 3, r.Attempts, "but every attempt counts")
}

// unreadable is a journal that cannot be read.
type unreadable struct{ *memory }

func (unreadable) Entries() ([]Entry, error) { return nil, errors.New("a bad sector") }

func TestWithoutItsJournalARunTouchesNoDrive(t *testing.T) {
	b, job := locked(t, "S7", nil)
	before, tries := b.Status(), func() uint16 { n, _, _ := b.Tries(drive.BandMaster(0)); return n }
	job.Owner[0].PIN = pin(50) // whoever tried it would spend a try
	rep, err := withJournal(t, unreadable{&memory{}}).Run(context.Background(), []Job{job})
	require.EqualError(t, err, "erase: read journal: a bad sector")
	require.Empty(t, rep.Results)
	require.Equal(t, before, b.Status())
	require.Zero(t, tries())
	require.Equal(t, []uint64{100}, b.Dump().Written)
}

// A range that stays locked without power is unlocked only once the journal has the line by
// which a later attempt sets it back.
func TestWithoutItsLineInTheJournalARangeIsNotUnlocked(t *testing.T) {
	b := newBench(t, "S8", nil, nil)
	b.configure(0, pin(1))
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
		return errors.Join(s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}), s.SetLocks(true, true))
	})
	before, err := b.Range(0)
	require.NoError(t, err)
	w := &wrong{bench: b}
	rep, err := withJournal(t, &dying{&memory{}, 0}).Run(context.Background(), []Job{{Target: w, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}}})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, NotStarted, rep.Results[0].Outcome)
	require.Equal(t, "the journal failed before the erase", rep.Results[0].Why)
	after, err := b.Range(0)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Zero(t, w.held, "every session is closed")
	require.Equal(t, []uint64{100}, b.Dump().Written)
}

// What an owner has set since is the owner's: no later attempt takes it back or speaks of it.
func TestALockThatItsOwnerHasSetSinceIsTheOwners(t *testing.T) {
	for _, c := range []struct {
		now  drive.ResetSet
		held bool
	}{{drive.OnPowerCycle, true}, {drive.OnPowerCycle | drive.OnHardware, false}, {0, false}} {
		b := newBench(t, "S9", nil, nil)
		b.configure(0, pin(1))
		b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: c.now})
		})
		m := &memory{entries: []Entry{{Event: eventLook, Serial: "S9", Method: DriveErase, Locks: []LockSetting{{Range: 0}}}}}
		r := again(t, m, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(50)}}})
		require.Equal(t, Refused, r.Outcome)
		if c.held {
			require.Contains(t, r.Why, "; LockOnReset of range 0 may name the power cycle, which its owner had not set")
		} else {
			require.NotContains(t, r.Why, "LockOnReset")
		}
	}
}
