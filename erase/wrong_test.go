package erase

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// wrong is a drive that answers wrongly in one place once it was erased: what is set
// takes the place of the drive's own answer from the verification on.
type wrong struct {
	*bench
	on     bool
	status func(*drive.Status)
	info   func(n int, i *drive.RangeInfo) error
	open   func(a drive.Authority, p drive.PIN) (answered bool, err error)
	tries  func(a drive.Authority) (used, limit uint16, err error)
	msid   error
	read   func(lba uint64, dst []byte) error
	held   int // sessions that are open
}

func (w *wrong) Status() drive.Status {
	s := w.bench.Status()
	if w.on && w.status != nil {
		w.status(&s)
	}
	return s
}

func (w *wrong) Range(n int) (drive.RangeInfo, error) {
	i, err := w.bench.Range(n)
	if w.on && w.info != nil && err == nil {
		err = w.info(n, &i)
	}
	return i, err
}

func (w *wrong) Tries(a drive.Authority) (used, limit uint16, err error) {
	if w.on && w.tries != nil {
		return w.tries(a)
	}
	return w.bench.Tries(a)
}

func (w *wrong) MSID() (drive.PIN, error) {
	if w.on && w.msid != nil {
		return drive.PIN{}, w.msid
	}
	return w.bench.MSID()
}

func (w *wrong) Read(lba uint64, dst []byte) error {
	if w.on && w.read != nil {
		return w.read(lba, dst)
	}
	return w.bench.Read(lba, dst)
}

func (w *wrong) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	if w.on && w.open != nil {
		if answered, err := w.open(a, p); answered && err != nil {
			return nil, err
		} else if answered {
			w.held++
			return &counted{w: w}, nil
		}
	}
	s, err := w.bench.Authenticate(a, p)
	if err != nil {
		return nil, err
	}
	w.held++
	return &counted{s, w}, nil
}

// counted is a session that is counted until it is closed; without a session of the
// drive it is one that should not have been opened.
type counted struct {
	drive.Session
	w *wrong
}

func (c *counted) Close() {
	c.w.held--
	if c.Session != nil {
		c.Session.Close()
	}
}

// runWrong runs a job on w, which begins to answer wrongly with the given step.
func runWrong(t *testing.T, w *wrong, j Job, step string, change func(*Options)) Result {
	t.Helper()
	j.Target = w
	e := engine(t, func(o *Options) {
		if change != nil {
			change(o)
		}
		o.Progress = func(p Progress) { w.on = w.on || p.Step == step }
	})
	rep, err := e.Run(t.Context(), []Job{j})
	require.NoError(t, err)
	require.Zero(t, w.held, "every session is closed")
	return rep.Results[0]
}

// three is a drive whose global range is at MSID and holds data, and whose ranges 1 and
// 2 have an owner.
func three(t testing.TB, serial string) (*bench, []Credential) {
	t.Helper()
	b := newBench(t, serial, nil, nil)
	require.NoError(t, b.Write(100, customer))
	b.configure(1, pin(11))
	b.configure(2, pin(21))
	return b, []Credential{{Range: 1, PIN: pin(11)}, {Range: 2, PIN: pin(21)}}
}

func refuse(code drive.Code) error { return &drive.StatusError{Op: "test", Code: code} }

// Each of these drives is erased, and gives one answer that an erased drive does not
// give. No other check sees it.
func TestOneWrongAnswerFailsTheDrive(t *testing.T) {
	state := func(s drive.State) func(*wrong) {
		return func(w *wrong) { w.status = func(got *drive.Status) { got.State = s } }
	}
	info := func(n int, change func(*drive.RangeInfo)) func(*wrong) {
		return func(w *wrong) {
			w.info = func(m int, i *drive.RangeInfo) error {
				if m == n {
					change(i)
				}
				return nil
			}
		}
	}
	answer := func(a drive.Authority, p func(*wrong) drive.PIN, err error) func(*wrong) {
		return func(w *wrong) {
			want := p(w)
			w.open = func(b drive.Authority, q drive.PIN) (bool, error) { return a == b && q.Equal(want), err }
		}
	}
	msid := func(w *wrong) drive.PIN { return w.label.MSID }
	old := func(c byte) func(*wrong) drive.PIN { return func(*wrong) drive.PIN { return pin(c) } }
	both := func(a, b func(*wrong)) func(*wrong) { return func(w *wrong) { a(w); b(w) } }
	lastTry := func(w *wrong) {
		w.tries = func(a drive.Authority) (uint16, uint16, error) {
			if a == drive.BandMaster(1) {
				return 4, 5, nil
			}
			return w.bench.Tries(a)
		}
	}
	for _, c := range []struct {
		name   string
		method Method
		wrong  func(*wrong)
		check  string
		why    string
	}{
		{"degraded", RangeErase, state(drive.SecurityDegraded), CheckState, fmt.Sprintf("the drive says it is %v", drive.SecurityDegraded)},
		{"degraded", DriveErase, state(drive.SecurityDegraded), CheckState, fmt.Sprintf("the drive says it is %v", drive.SecurityDegraded)},
		{"configured", DriveErase, state(drive.Configured), CheckState, fmt.Sprintf("the drive says it is %v", drive.Configured)},
		{"configured", PSIDRevert, state(drive.Configured), CheckState, fmt.Sprintf("the drive says it is %v", drive.Configured)},
		{"no power", DriveErase, func(w *wrong) { w.status = func(s *drive.Status) { s.Powered = false } }, CheckState, "the drive has no power"},
		{"a range is not at MSID", RangeErase, info(1, func(i *drive.RangeInfo) { i.AtMSID = false }), CheckState, "the drive says range 1 is still configured"},
		{"the last range is not at MSID", DriveErase, info(2, func(i *drive.RangeInfo) { i.AtMSID = false }), CheckState, "the drive says range 2 is still configured"},
		{"a range has its read lock enabled", DriveErase, info(0, func(i *drive.RangeInfo) { i.ReadLockEnabled = true }), CheckState, "the drive says range 0 is still configured"},
		{"a range has its write lock enabled", DriveErase, info(2, func(i *drive.RangeInfo) { i.WriteLockEnabled = true }), CheckState, "the drive says range 2 is still configured"},
		{"a range has a place", DriveErase, info(2, func(i *drive.RangeInfo) { i.Start, i.Length = 2000, 1 }), CheckState, "range 2 still has a place, sectors 2000 to 2000"},
		{"a range does not answer", DriveErase, func(w *wrong) {
			w.info = func(n int, _ *drive.RangeInfo) error {
				if n == 1 {
					return refuse(drive.NoPower)
				}
				return nil
			}
		}, CheckState, "range 1 cannot be asked: " + refuse(drive.NoPower).Error()},
		{"the old credential opens the second range", DriveErase, answer(drive.BandMaster(2), old(21), nil), CheckCredential, "BandMaster2 still accepts the old credential"},
		{"the same behind a range with its last try", DriveErase, both(lastTry, answer(drive.BandMaster(2), old(21), nil)), CheckCredential, "BandMaster2 still accepts the old credential"},
		{"the old credential opens the erased range", RangeErase, answer(drive.BandMaster(1), old(11), nil), CheckCredential, "BandMaster1 still accepts the old credential"},
		{"no refusal, but no power", DriveErase, answer(drive.BandMaster(1), old(11), refuse(drive.NoPower)), CheckCredential, "BandMaster1 neither accepts nor refuses: " + refuse(drive.NoPower).Error()},
		{"no refusal, but a degraded drive", DriveErase, answer(drive.BandMaster(2), old(21), refuse(drive.Degraded)), CheckCredential, "BandMaster2 neither accepts nor refuses: " + refuse(drive.Degraded).Error()},
		{"the MSID does not open the last range", DriveErase, answer(drive.BandMaster(2), msid, refuse(drive.NotAuthorized)), CheckMSID, "BandMaster2: " + refuse(drive.NotAuthorized).Error()},
		{"the MSID is not the SID's", PSIDRevert, answer(drive.SID, msid, refuse(drive.NotAuthorized)), CheckMSID, "SID: " + refuse(drive.NotAuthorized).Error()},
		{"the MSID is not the EraseMaster's", PSIDRevert, answer(drive.EraseMaster, msid, refuse(drive.NotAuthorized)), CheckMSID, "EraseMaster: " + refuse(drive.NotAuthorized).Error()},
		{"the data still reads", DriveErase, func(w *wrong) {
			w.read = func(_ uint64, dst []byte) error { copy(dst, customer); return nil }
		}, CheckPlaintext, "LBA 100 still reads as before"},
		{"the data is locked", DriveErase, func(w *wrong) {
			w.read = func(uint64, []byte) error { return refuse(drive.Locked) }
		}, CheckPlaintext, "LBA 100: " + refuse(drive.Locked).Error()},
	} {
		t.Run(c.name+", "+string(c.method), func(t *testing.T) {
			b, owner := three(t, "W1")
			w := &wrong{bench: b}
			c.wrong(w)
			j := Job{Method: c.method, Owner: owner, PSID: b.label.PSID}
			if c.method == RangeErase {
				j.Range, j.Owner = 1, owner[:1]
			}
			r := runWrong(t, w, j, "verify", nil)
			require.Equal(t, Failed, r.Outcome, text(r))
			require.Equal(t, []string{c.check}, r.Failing(), text(r))
			got, _ := r.Check(c.check)
			require.Equal(t, c.why, got.Why)
			require.Nil(t, r.Certificate)
			require.Empty(t, r.Validation, "what was not verified is not validated")
		})
	}
}

func TestADriveThatAnswersRightlyPassesEachMethod(t *testing.T) {
	for _, method := range []Method{RangeErase, DriveErase, PSIDRevert} {
		b, owner := three(t, "W2")
		r := runWrong(t, &wrong{bench: b}, Job{Method: method, Range: 2, Owner: owner, PSID: b.label.PSID}, "verify", nil)
		require.Equal(t, Passed, r.Outcome, text(r))
		want := map[Method]string{
			RangeErase: "1 authorities accept the MSID", DriveErase: "3 authorities accept the MSID", PSIDRevert: "5 authorities accept the MSID",
		}[method]
		got, _ := r.Check(CheckMSID)
		require.Equal(t, want, got.Why)
	}
}

// A range that is unlocked for its known plaintext, and locked again, has the keys that it
// had: a drive that then does nothing is found by its count of keys.
func TestUnlockingIsNoKeyStepThatAnEraseCouldHideBehind(t *testing.T) {
	b := newBench(t, "W3", nil, nil)
	b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error {
		return errors.Join(s.SetRange(drive.RangeConfig{Start: 1000, Length: 10, ReadLockEnabled: true, WriteLockEnabled: true}), s.SetLocks(true, true))
	})
	r := run1(t, Job{Target: idle{b}, Method: RangeErase, Range: 1})
	state, _ := r.Check(CheckState)
	require.Equal(t, "the drive says no key has changed", state.Why, text(r))
	require.NotEqual(t, Passed, r.Outcome)
}

// lost is a session whose erase is done, and whose answer is another.
type lost struct {
	drive.Session
	err error
}

func (l lost) Erase(n int) error { _ = l.Session.Erase(n); return l.err }

func (l lost) EraseAll() error { _ = l.Session.EraseAll(); return l.err }

type losing struct {
	*bench
	err error
}

func (l losing) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	s, err := l.bench.Authenticate(a, p)
	if err != nil {
		return nil, err
	}
	return lost{s, l.err}, nil
}

func (l losing) RevertPSID(p drive.PIN) error {
	_ = l.bench.RevertPSID(p)
	return l.err
}

// A drive that does not say that it carried the command out has not, whatever is found.
func TestAnEraseWithoutAnAnswerFails(t *testing.T) {
	for _, method := range []Method{RangeErase, DriveErase, PSIDRevert} {
		b, owner := three(t, "W4")
		j := Job{Target: losing{b, refuse(drive.Degraded)}, Method: method, Range: 1, Owner: owner, PSID: b.label.PSID}
		r := run1(t, j)
		require.Equal(t, Failed, r.Outcome, text(r))
		command, _ := r.Check(CheckCommand)
		require.Equal(t, refuse(drive.Degraded).Error(), command.Why)
		require.Contains(t, r.Failing(), CheckCommand)

		// Its refusal is another thing: then nothing was changed.
		for _, code := range []drive.Code{drive.NotAuthorized, drive.LockedOut, drive.SPBusy, drive.NoPower} {
			b, owner = three(t, "W5")
			j.Target, j.Owner, j.PSID = losing{b, refuse(code)}, owner, b.label.PSID
			r = run1(t, j)
			require.Equal(t, Refused, r.Outcome, text(r))
			require.Equal(t, refuse(code).Error(), r.Why)
			require.Empty(t, r.Checks)
			require.Nil(t, r.Certificate)
		}
	}
}

// odd is a drive whose model does not print.
type odd struct{ *bench }

func (o odd) Config() drive.Config {
	c := o.bench.Config()
	c.Model = "Test\nSED"
	return c
}

func TestADriveThatCannotBeNamedGetsNoCertificate(t *testing.T) {
	b, job := locked(t, "W6", nil)
	job.Target = odd{b}
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Nil(t, r.Certificate)
	require.Equal(t, `no certificate: erase: sign certificate: field "Media model" holds a character that does not print`, r.Why)
}
