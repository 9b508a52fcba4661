package erase

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// cutAtRead is a drive whose power goes at the first read.
type cutAtRead struct{ *drive.Drive }

func (c cutAtRead) Read(lba uint64, dst []byte) error {
	c.PowerOff()
	return c.Drive.Read(lba, dst)
}

func TestAPowerCutWhileThePlaintextIsTakenLeavesALockedDriveLocked(t *testing.T) {
	b, job := locked(t, "E1", nil)
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true})
	})
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.SetLocks(true, true) })
	b.cycle()
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked)
	keys := b.Status().KeyGeneration
	job.Target = cutAtRead{b.Drive}
	j := &memory{}
	rep, err := withJournal(t, j).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Refused, rep.Results[0].Outcome)
	require.Equal(t, "the drive lost its power before the erase; LockOnReset of range 0 may name the power cycle, which its owner had not set", rep.Results[0].Why)
	require.Len(t, j.entries, 1, "the journal knew before the drive did")
	require.NoError(t, b.PowerOn())
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked)
	require.Equal(t, keys, b.Status().KeyGeneration)
}

// answers is a drive that gives other answers than its own to the locks that a session sets.
type answers struct {
	*bench
	setRange, setLocks []answer // to its calls, in their order; its own beyond the last
	ranges             int      // calls of SetRange
	held               int      // sessions that are open
}

// answer is how a drive takes a command; nil is as it does.
type answer func(b *bench, do func() error) error

// refused: the drive does nothing and says why.
func refused(code drive.Code) answer {
	return func(*bench, func() error) error { return refuse(code) }
}

// done: the drive does it and says something else.
func done(code drive.Code) answer {
	return func(_ *bench, do func() error) error { _ = do(); return refuse(code) }
}

// cut: power goes when it is done, before the answer.
func cut(b *bench, do func() error) error {
	_ = do()
	b.PowerOff()
	return refuse(drive.PowerLost)
}

func (a *answers) answer(script *[]answer, do func() error) error {
	if len(*script) == 0 {
		return do()
	}
	next := (*script)[0]
	*script = (*script)[1:]
	if next == nil {
		return do()
	}
	return next(a.bench, do)
}

func (a *answers) Authenticate(who drive.Authority, p drive.PIN) (drive.Session, error) {
	s, err := a.bench.Authenticate(who, p)
	if err != nil {
		return nil, err
	}
	a.held++
	return answering{s, a}, nil
}

type answering struct {
	drive.Session
	a *answers
}

func (s answering) SetRange(c drive.RangeConfig) error {
	s.a.ranges++
	return s.a.answer(&s.a.setRange, func() error { return s.Session.SetRange(c) })
}

func (s answering) SetLocks(read, write bool) error {
	return s.a.answer(&s.a.setLocks, func() error { return s.Session.SetLocks(read, write) })
}

func (s answering) Close() {
	s.a.held--
	s.Session.Close()
}

// outliving is a drive whose global range is locked with a lock that outlives power, and a job
// that the drive refuses in the end: its PSID is wrong.
func outliving(t *testing.T, serial string, locks drive.RangeConfig) (*answers, Job) {
	t.Helper()
	b := newBench(t, serial, nil, nil)
	b.configure(0, pin(1))
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
		return errors.Join(s.SetRange(locks), s.SetLocks(locks.ReadLockEnabled, locks.WriteLockEnabled))
	})
	b.cycle()
	a := &answers{bench: b}
	return a, Job{Target: a, Method: PSIDRevert, PSID: pin(60), Owner: []Credential{{Range: 0, PIN: pin(1)}}}
}

func (a *answers) info(n int) drive.RangeInfo {
	a.t.Helper()
	i, err := a.Range(n)
	require.NoError(a.t, err)
	return i
}

// Whatever the drive answers while the known plaintext is taken: what is left behind is said,
// nothing else is, the range is locked after a power cycle, and the next attempt sets it back.
func TestWhatTakingThePlaintextLeavesIsSaid(t *testing.T) {
	const (
		psid   = "drive: revert psid: not authorized: wrong PSID"
		left   = "; LockOnReset of range 0 may name the power cycle, which its owner had not set"
		opened = "; range 0 may be unlocked until its next power cycle ("
	)
	lost := "the drive lost its power before the erase" + left
	for _, c := range []struct {
		name               string
		setRange, setLocks []answer
		why                string
		changed            bool // LockOnReset
	}{
		{"nothing", nil, nil, psid, false},
		{"LockOnReset is refused", []answer{refused(drive.Locked)}, nil, psid, false},
		{"LockOnReset, without an answer", []answer{done(drive.Degraded)}, nil, psid + left, true},
		{"a cut behind LockOnReset", []answer{cut}, nil, lost, true},
		{"the range does not unlock", nil, []answer{refused(drive.Degraded)}, psid, false},
		{"the range unlocks, without an answer", nil, []answer{done(drive.Degraded)}, psid, false},
		{"a cut behind the unlock", nil, []answer{cut}, lost, true},
		{"the range does not lock", nil, []answer{nil, refused(drive.Degraded)}, psid + opened + refuse(drive.Degraded).Error() + ")" + left, true},
		{"a cut behind the lock", nil, []answer{nil, cut}, lost, true},
		{"LockOnReset does not change back", []answer{nil, refused(drive.Degraded)}, nil, psid + left, true},
		{"a cut when it is back", []answer{nil, cut}, nil, lost, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, job := outliving(t, "U1", outlives)
			before, keys := a.info(0), a.Status().KeyGeneration
			a.setRange, a.setLocks = c.setRange, c.setLocks
			m := &memory{}
			r := again(t, m, job)
			require.Equal(t, Refused, r.Outcome, text(r))
			require.Equal(t, c.why, r.Why)
			require.Zero(t, a.held, "every session is closed")
			require.Empty(t, a.setRange)
			require.Empty(t, a.setLocks)
			require.Equal(t, eventLook, m.entries[0].Event)
			require.Equal(t, []LockSetting{{Range: 0}}, m.entries[0].Locks)
			require.Equal(t, []uint64{100}, a.Dump().Written)
			a.cycle()
			require.Equal(t, keys, a.Status().KeyGeneration, "unlocking was no key step")
			now := before
			if c.changed {
				now.LockOnReset = drive.OnPowerCycle
			}
			require.Equal(t, now, a.info(0), "the range is locked")

			r = again(t, m, job)
			require.Equal(t, psid, r.Why, "nothing is left to be said")
			require.Zero(t, a.held)
			require.Equal(t, before, a.info(0))
		})
	}
}

// The customer's sector is read, and where there is none a canary is written, through a lock of
// one direction or both.
func TestALockedRangeOfTheOwnerGivesAKnownPlaintext(t *testing.T) {
	for _, locks := range []drive.RangeConfig{outlives, cycle, {ReadLockEnabled: true}, {WriteLockEnabled: true}} {
		a, job := outliving(t, "U2", locks)
		job.PSID = a.label.PSID
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		control, _ := r.Check(CheckControl)
		require.Contains(t, control.Why, "opens LBA 100", "%+v", locks)

		b := newBench(t, "U3", nil, nil)
		b.as(drive.BandMaster(0), b.label.MSID, func(s drive.Session) error { return s.Migrate(pin(1)) })
		b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
			return errors.Join(s.SetRange(locks), s.SetLocks(locks.ReadLockEnabled, locks.WriteLockEnabled))
		})
		job.Target, job.PSID = b, b.label.PSID
		r = run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		control, _ = r.Check(CheckControl)
		require.Contains(t, control.Why, "opens canary at LBA 0", "%+v", locks)
	}
}

// A lock that a power cycle sets again is lifted as it is, and where nothing is locked nothing
// is set, not even back.
func TestOnlyALockThatOutlivesPowerChangesLockOnReset(t *testing.T) {
	look := Entry{Event: eventLook, Serial: "U4", Method: PSIDRevert, Locks: []LockSetting{{Range: 0}}}
	open := drive.RangeConfig{LockOnReset: drive.OnPowerCycle}
	for _, c := range []struct {
		name  string
		locks drive.RangeConfig
		past  []Entry
	}{
		{"a power cycle locks", cycle, nil},
		{"a power cycle would lock one direction", drive.RangeConfig{WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle | drive.OnHardware}, nil},
		{"no lock is enabled", drive.RangeConfig{}, nil},
		{"no lock is enabled, and an earlier attempt has changed LockOnReset", open, []Entry{look}},
	} {
		a, job := outliving(t, "U4", c.locks)
		before := a.info(0)
		m := &memory{entries: c.past}
		r := again(t, m, job)
		require.Equal(t, Refused, r.Outcome, text(r))
		require.Zero(t, a.ranges, c.name)
		require.Zero(t, a.held, c.name)
		require.Equal(t, before, a.info(0), c.name)
		for _, e := range m.entries[len(c.past):] {
			require.NotEqual(t, eventLook, e.Event, c.name)
		}
	}
}

// Whose credential is not known, nobody tries to unlock: it would cost a try.
func TestARangeOfSomebodyElseIsNotUnlocked(t *testing.T) {
	a, job := outliving(t, "U5", outlives)
	before := a.info(0)
	job.Owner, job.Destroy = nil, "U5"
	m := &memory{}
	r := again(t, m, job)
	require.Equal(t, Refused, r.Outcome, text(r))
	require.Contains(t, r.Why, "wrong PSID")
	used, _, err := a.Tries(drive.BandMaster(0))
	require.NoError(t, err)
	require.Zero(t, used)
	require.Equal(t, before, a.info(0))
	require.NotEqual(t, eventLook, m.entries[0].Event)
}

func TestADirectionIsLockedWhereItsLockIsEnabledAndSet(t *testing.T) {
	for _, c := range []struct {
		readEnabled, read, writeEnabled, write bool
		want                                   bool
	}{
		{false, false, false, false, false},
		{true, false, true, false, false},
		{false, true, false, true, false},
		{true, false, false, true, false},
		{false, true, true, false, false},
		{true, true, false, false, true},
		{false, false, true, true, true},
		{true, true, true, true, true},
	} {
		i := drive.RangeInfo{ReadLocked: c.read, WriteLocked: c.write}
		i.ReadLockEnabled, i.WriteLockEnabled = c.readEnabled, c.writeEnabled
		require.Equal(t, c.want, engaged(i), "%+v", c)
	}
}

// Of three ranges the first and the last still have what an earlier attempt set.
func TestWhatAnEntrySaysOfTheLocks(t *testing.T) {
	old := []LockSetting{{0, drive.OnHardware}, {2, 0}}
	end := func(o Outcome, m Method, n int) Entry {
		return Entry{Event: eventEnd, Method: m, Range: n, Result: &Result{Outcome: o}}
	}
	for _, c := range []struct {
		name  string
		entry Entry
		want  []LockSetting
	}{
		{"a look at another range", Entry{Event: eventLook, Locks: []LockSetting{{1, drive.OnHotPlug}}}, []LockSetting{{0, drive.OnHardware}, {1, drive.OnHotPlug}, {2, 0}}},
		{"a look at the same range", Entry{Event: eventLook, Locks: []LockSetting{{2, drive.OnHotPlug}}}, []LockSetting{{0, drive.OnHardware}, {2, drive.OnHotPlug}}},
		{"a begin with all set back", Entry{Event: eventBegin, Method: DriveErase}, nil},
		{"a begin with one left", Entry{Event: eventBegin, Method: DriveErase, Locks: old[1:]}, old[1:]},
		{"a drive erase that passed", end(Passed, DriveErase, 0), nil},
		{"a drive erase that is not accepted", end(NotAccepted, DriveErase, 0), nil},
		{"a revert that passed", end(Passed, PSIDRevert, 0), nil},
		{"an erase of the first range that passed", end(Passed, RangeErase, 0), old[1:]},
		{"an erase of the last range that passed", end(Passed, RangeErase, 2), old[:1]},
		{"an erase of another range that passed", end(Passed, RangeErase, 1), old},
		{"an erase that failed", end(Failed, DriveErase, 0), old},
		{"an erase that was refused", end(Refused, DriveErase, 0), old},
	} {
		r := &run{cfg: drive.Config{Ranges: 2}, oldLocks: map[int]drive.ResetSet{0: drive.OnHardware, 2: 0}}
		r.rememberLocks(&c.entry)
		require.Equal(t, c.want, r.changedLocks(), c.name)
	}
}
