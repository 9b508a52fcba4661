package erase

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// cutter is a drive whose power goes at its k-th command: before the drive gets
// it, or when it is done and before the answer is back.
type cutter struct {
	*drive.Drive
	k     int
	after bool
	n     int
	at    string // the command, once power went
}

func (c *cutter) command(name string, do func() error) error {
	c.n++
	if c.n-1 != c.k {
		return do()
	}
	c.at = name
	if !c.after {
		c.PowerOff()
		return do()
	}
	_ = do()
	c.PowerOff()
	return &drive.StatusError{Op: name, Code: drive.PowerLost, Why: "no answer came"}
}

func (c *cutter) MSID() (p drive.PIN, err error) {
	err = c.command("msid", func() (err error) { p, err = c.Drive.MSID(); return err })
	return p, err
}

func (c *cutter) Range(n int) (i drive.RangeInfo, err error) {
	err = c.command("range", func() (err error) { i, err = c.Drive.Range(n); return err })
	return i, err
}

func (c *cutter) Tries(a drive.Authority) (used, limit uint16, err error) {
	err = c.command("tries", func() (err error) { used, limit, err = c.Drive.Tries(a); return err })
	return used, limit, err
}

func (c *cutter) RevertPSID(psid drive.PIN) error {
	return c.command("revert", func() error { return c.Drive.RevertPSID(psid) })
}

func (c *cutter) Read(lba uint64, dst []byte) error {
	return c.command("read", func() error { return c.Drive.Read(lba, dst) })
}

func (c *cutter) Write(lba uint64, src []byte) error {
	return c.command("write", func() error { return c.Drive.Write(lba, src) })
}

func (c *cutter) Status() (s drive.Status) {
	_ = c.command("status", func() error { s = c.Drive.Status(); return nil })
	return s
}

func (c *cutter) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	var s drive.Session
	if err := c.command("authenticate", func() (err error) { s, err = c.Drive.Authenticate(a, pin); return err }); err != nil {
		return nil, err
	}
	return cutSession{s, c}, nil
}

// cutSession is a session whose methods are commands, too.
type cutSession struct {
	drive.Session
	c *cutter
}

func (s cutSession) SetRange(r drive.RangeConfig) error {
	return s.c.command("set range", func() error { return s.Session.SetRange(r) })
}

func (s cutSession) SetLocks(read, write bool) error {
	return s.c.command("set locks", func() error { return s.Session.SetLocks(read, write) })
}

func (s cutSession) Erase(n int) error {
	return s.c.command("erase", func() error { return s.Session.Erase(n) })
}

func (s cutSession) EraseAll() error {
	return s.c.command("erase all", func() error { return s.Session.EraseAll() })
}

func (s cutSession) Close() {
	_ = s.c.command("close", func() error { s.Session.Close(); return nil })
}

// swept is a drive with locked ranges of an owner, and a job for it.
type swept struct {
	*bench
	job    Job
	ranges []int             // those that are locked
	info   []drive.RangeInfo // of each range, at the start
	oracle []forensic.Oracle // the owner's data, as it lay on the media
}

// sweepCase says how the ranges of a drive are locked, and how it is erased.
type sweepCase struct {
	ranges  []int
	locks   drive.RangeConfig
	empty   bool // no data: the known plaintext is a canary
	method  Method
	refused bool // the erase itself is refused in the end
}

func (c *sweepCase) make(t *testing.T) *swept {
	t.Helper()
	b := newBench(t, "K1", flash.NewMem(flash.Geometry{Blocks: 8, PagesPerBlock: 8, PageSize: 2048}), nil)
	w := &swept{bench: b, ranges: c.ranges, job: Job{Target: b.Drive, Method: c.method, Range: c.ranges[0], PSID: b.label.PSID}}
	if c.refused {
		w.job.PSID = pin(60)
	}
	for _, n := range c.ranges {
		p := pin(byte(10*n + 1))
		if c.empty {
			b.as(drive.BandMaster(n), b.label.MSID, func(s drive.Session) error { return s.GenKey() })
			b.as(drive.BandMaster(n), b.label.MSID, func(s drive.Session) error { return s.Migrate(p) })
		} else {
			b.configure(n, p)
			lba := w.lba(n)
			cipher, ok := b.Dump().Sector(lba)
			require.True(t, ok)
			w.oracle = append(w.oracle, forensic.Oracle{Name: fmt.Sprint("LBA ", lba), SectorSize: 512, LBA: lba, Plain: customer[:32], Cipher: bytes.Clone(cipher[:32])})
		}
		b.as(drive.BandMaster(n), p, func(s drive.Session) error {
			i, err := b.Range(n)
			require.NoError(t, err)
			locks := c.locks
			locks.Start, locks.Length = i.Start, i.Length
			if err := s.SetRange(locks); err != nil {
				return err
			}
			return s.SetLocks(locks.ReadLockEnabled, locks.WriteLockEnabled)
		})
		w.job.Owner = append(w.job.Owner, Credential{Range: n, PIN: p})
	}
	b.cycle()
	w.info = w.infos()
	return w
}

func (w *swept) lba(n int) uint64 { return max(100, uint64(1000*n)) }

func (w *swept) infos() (out []drive.RangeInfo) {
	for n := range 3 {
		i, err := w.Range(n)
		require.NoError(w.t, err)
		out = append(out, i)
	}
	return out
}

// closed: whoever has the drive and no credential reads nothing of the owner's.
func (w *swept) closed(when string) {
	w.t.Helper()
	for _, n := range w.ranges {
		got := make([]byte, 512)
		if err := w.Read(w.lba(n), got); err == nil {
			require.False(w.t, bytes.Equal(customer, got), "%s: range %d is open to everybody", when, n)
		}
	}
}

// sealed: nor does whoever has the chip as well.
func (w *swept) sealed(when string) {
	w.t.Helper()
	w.closed(when)
	fuses := w.Fuses()
	found, err := forensic.Search(w.Dump(), []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", w.label.MSID)}, w.oracle, forensic.Options{Iterations: 2})
	require.NoError(w.t, err)
	require.Empty(w.t, found.Keys, "%s: a thief finds a way to the owner's data", when)
}

// untouched: the owner has everything, and what is not as it was is named. It
// gives the key generation anew: where a lock outlives power, what the owner does
// to look is a key step.
func (w *swept) untouched(when, why string, keys uint32) uint32 {
	w.t.Helper()
	require.Equal(w.t, keys, w.Status().KeyGeneration, "%s: no key was changed", when)
	for n, i := range w.infos() {
		want := w.info[n]
		if i.LockOnReset != want.LockOnReset {
			require.Contains(w.t, why, fmt.Sprintf("LockOnReset of range %d", n), "%s: what was changed is said", when)
			want.LockOnReset |= drive.OnPowerCycle
		}
		require.Equal(w.t, want, i, "%s: range %d is as it was", when, n)
	}
	for _, lba := range w.Dump().Written {
		if len(w.oracle) == 0 {
			require.Regexp(w.t, fmt.Sprintf("a canary (stays|may stay) in the sector at LBA %d", lba), why, "%s: it is said", when)
		}
	}
	for i, n := range w.ranges {
		if len(w.oracle) == 0 {
			break
		}
		s, err := w.Authenticate(drive.BandMaster(n), w.job.Owner[i].PIN)
		require.NoError(w.t, err)
		require.NoError(w.t, s.SetLocks(false, false))
		require.Equal(w.t, customer, w.read(w.lba(n)), "%s: the owner reads the data of range %d", when, n)
		require.NoError(w.t, s.SetLocks(w.info[n].ReadLocked, w.info[n].WriteLocked))
		s.Close()
	}
	return w.Status().KeyGeneration
}

// sweep cuts power at the k-th command of a run, before or after it, for every k until a run ends
// uncut, then resumes from the journal.
func (c *sweepCase) sweep(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			commands := map[string]int{}
			for k := 0; ; k++ {
				w := c.make(t)
				keys := w.Status().KeyGeneration
				cut := &cutter{Drive: w.Drive, k: k, after: after}
				job := w.job
				job.Target = cut
				j := &memory{}
				rep, err := withJournal(t, j).Run(context.Background(), []Job{job})
				require.NoError(t, err)
				r := rep.Results[0]
				when := fmt.Sprintf("cut at command %d (%s): %s", k, cut.at, text(r))
				commands[cut.at]++
				require.NoError(t, w.PowerOn())
				switch w.sealed(when); r.Outcome {
				case Refused, NotStarted:
					keys = w.untouched(when, r.Why, keys)
				case Passed:
					require.Equal(t, c.method == RangeErase || w.Drive.Status().State == drive.Erased, true, when)
				case Failed:
					require.NotEmpty(t, cut.at, "without a cut nothing fails: %s", text(r))
				}
				again, err := withJournal(t, j).Run(context.Background(), []Job{w.job})
				require.NoError(t, err)
				r = again.Results[0]
				when = "resumed after " + when + "\n" + text(r)
				w.closed(when)
				if c.refused {
					require.Equal(t, Refused, r.Outcome, when)
					require.NotContains(t, r.Why, "LockOnReset", "%s", when)
					said := rep.Results[0].Why + r.Why
					for _, e := range j.entries { // an erase that failed has other things to say
						for _, c := range e.Canaries {
							said += fmt.Sprintf("a canary stays in the sector at LBA %d", c.LBA)
						}
					}
					w.untouched(when, said, keys)
					w.cycle()
					w.sealed(when)
					require.Equal(t, w.info, w.infos(), "what the cut left is set back: %s", when)
				} else {
					require.True(t, again.OK(), when)
					w.cycle()
					w.closed(when)
				}
				if cut.at == "" {
					require.Greater(t, k, 12, "a run has more commands than that")
					break
				}
			}
			for _, name := range []string{"authenticate", "set locks", "read", "close", "status"} {
				if name != "read" || !c.empty {
					require.Positive(t, commands[name], "power went at %q: %v", name, commands)
				}
			}
			if c.locks.LockOnReset == 0 {
				require.Positive(t, commands["set range"], "power went at the command that was a key step: %v", commands)
			}
		})
	}
}

// How the ranges of a sweep are locked.
var (
	outlives = drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}
	cycle    = drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}
)

// The sweeps are tests of their own, because each takes a second.

func TestAPowerCutAtAnyCommandOfADriveErase(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithAReadLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: drive.RangeConfig{ReadLockEnabled: true}, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithAWriteLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: drive.RangeConfig{WriteLockEnabled: true}, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithoutData(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, empty: true, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseOfTwoRanges(t *testing.T) {
	(&sweepCase{ranges: []int{0, 1}, locks: outlives, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARangeErase(t *testing.T) {
	(&sweepCase{ranges: []int{1}, locks: outlives, method: RangeErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevert(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: PSIDRevert}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevertThatIsRefused(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: PSIDRevert, refused: true}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevertThatIsRefusedWithoutData(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, empty: true, method: PSIDRevert, refused: true}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARefusalBehindAPowerCycleLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: cycle, method: PSIDRevert, refused: true}).sweep(t)
}
