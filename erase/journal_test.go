package erase

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// opened holds the journals of this process by path: whoever opens one anew
// plays the process after the one that died.
var opened = map[string]*FileJournal{}

func openJournal(t testing.TB, path string) *FileJournal {
	t.Helper()
	if j := opened[path]; j != nil {
		require.NoError(t, j.Close())
	}
	j, err := OpenJournal(path)
	require.NoError(t, err)
	opened[path] = j
	t.Cleanup(func() {
		if opened[path] == j {
			delete(opened, path)
			_ = j.Close()
		}
	})
	return j
}

func TestAJournalTakesOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	a, err := OpenJournal(path)
	require.NoError(t, err)
	long := Entry{Event: eventBegin, Serial: "LONG-SERIAL-NUMBER", Method: DriveErase}
	require.NoError(t, a.Append(long))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = OpenJournal(path)
	require.ErrorIs(t, err, ErrJournalInUse)
	require.EqualError(t, err, "erase: journal "+path+": another process has it open; wait until it ends, or use another journal")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after, "who is refused changes nothing")
	short := Entry{Event: eventBegin, Serial: "A", Method: DriveErase}
	require.NoError(t, a.Append(short))
	require.NoError(t, a.Close())
	b, err := OpenJournal(path)
	require.NoError(t, err, "the lock ends with its holder")
	defer b.Close()
	entries, err := b.Entries()
	require.NoError(t, err)
	require.Equal(t, []Entry{long, short}, entries)
}

func withJournal(t testing.TB, j Journal) *Engine {
	return engine(t, func(o *Options) { o.Journal = j })
}

var errCrash = errors.New("the machine is down")

// crashing is a machine that goes down at the k-th append of its journal:
// before the line, in the middle of it, or after it.
type crashing struct {
	*FileJournal
	path string
	k    int
	mode string
	down bool
}

func (c *crashing) Append(e Entry) error {
	if c.down {
		return errCrash
	}
	if c.k--; c.k >= 0 {
		return c.FileJournal.Append(e)
	}
	c.down = true
	if c.mode != "before" {
		if err := c.FileJournal.Append(e); err != nil {
			return err
		}
	}
	if c.mode == "torn" {
		line, err := encodeLine(e)
		if err != nil {
			return err
		}
		info, err := os.Stat(c.path)
		if err != nil {
			return err
		}
		if err := os.Truncate(c.path, info.Size()-int64(len(line)/2)); err != nil {
			return err
		}
	}
	return errCrash
}

func TestARunIsResumedAfterACutAtEachJournalLine(t *testing.T) {
	for _, mode := range []string{"before", "torn", "after"} {
		crashed := true
		k := 0
		for ; crashed; k++ {
			path := filepath.Join(t.TempDir(), "journal")
			b1, job1 := locked(t, "J1", nil)
			b2, job2 := locked(t, "J2", nil)
			jobs := []Job{job1, job2}
			c := &crashing{FileJournal: openJournal(t, path), path: path, k: k, mode: mode}
			rep, err := withJournal(t, c).Run(context.Background(), jobs)
			if crashed = c.down; crashed {
				require.ErrorIs(t, err, errCrash, "a journal that fails stops the run")
			}
			if mode == "before" && k == 0 {
				require.Equal(t, drive.Configured, b1.Status().State, "without its line in the journal no drive is erased")
				require.Equal(t, NotStarted, rep.Results[0].Outcome)
			}
			gen := []uint32{b1.Status().KeyGeneration, b2.Status().KeyGeneration}
			rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), jobs)
			require.NoError(t, err)
			require.True(t, rep.OK(), "%s line %d: %s", mode, k, rep.Text())
			for i, b := range []*bench{b1, b2} {
				require.NotEqual(t, customer, b.read(100))
				require.NotNil(t, rep.Results[i].Certificate, "also a drive that was done before has its certificate")
				if rep.Results[i].Outcome == AlreadyErased {
					require.Equal(t, gen[i], b.Status().KeyGeneration, "a drive that has passed is not touched again")
				}
			}
			rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), jobs)
			require.NoError(t, err)
			require.Equal(t, 2, rep.Count(AlreadyErased), "a finished run can be repeated without effect")
		}
		require.Equal(t, 5, k, "two drives have four lines; the fifth crash does not come")
	}
}

// mortal is the journal of a machine that loses power together with its drive.
type mortal struct {
	Journal
	b *bench
}

func (m *mortal) Append(e Entry) error {
	if !m.b.Status().Powered {
		return errCrash
	}
	return m.Journal.Append(e)
}

func TestARunIsResumedAfterAPowerCutAtEachFlashOperation(t *testing.T) {
	for _, c := range []struct {
		method   Method
		outlives bool // the lock outlives power, so that unlocking could be a key step
	}{{DriveErase, false}, {PSIDRevert, false}, {DriveErase, true}} {
		method := c.method
		for _, point := range []fault.Point{"flash.power.before", "flash.power.torn", "flash.power.after"} {
			k, cut := 0, true
			for ; cut; k++ {
				b := newBench(t, "P1", nil, func(c *drive.Config) { c.Ranges = 0 })
				b.configure(0, pin(1))
				if c.outlives {
					b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
						return errors.Join(s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}), s.SetLocks(true, true))
					})
				}
				b.cycle()
				job := Job{Target: b.Drive, Method: method, PSID: b.label.PSID, Destroy: b.Serial(), Owner: []Credential{{Range: 0, PIN: pin(1)}}}
				path := filepath.Join(t.TempDir(), "journal")
				plan := b.armUnchecked("(" + string(point) + " (OnIndex " + strconv.Itoa(k) + "))")
				rep, err := withJournal(t, &mortal{openJournal(t, path), b}).Run(context.Background(), []Job{job})
				cut = len(plan.Fired()) > 0
				if !cut {
					require.NoError(t, err)
					require.True(t, rep.OK(), rep.Text())
					break
				}
				require.False(t, rep.OK(), "%s %d: a run that was cut is never reported as passed", point, k)
				b.flash.Disarm()
				require.NoError(t, b.PowerOn(), "%s %d", point, k)
				if got := make([]byte, 512); b.Read(100, got) == nil {
					require.False(t, bytes.Equal(customer, got), "%s %d: the drive is open to everybody", point, k)
				}
				rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
				require.NoError(t, err)
				require.Equal(t, Passed, rep.Results[0].Outcome, "%s %s %d: %s", method, point, k, rep.Text())
				require.NotEqual(t, customer, b.read(100))
			}
			require.Greater(t, k, 10, "the sweep must reach the checks after the erase")
		}
	}
}

// What the first attempt should have destroyed is remembered over the cut: the
// second attempt, which never saw the old wraps, still finds them.
func TestAResumedRunLooksForTheWrapsOfTheFirstAttempt(t *testing.T) {
	b, job := locked(t, "J3", nil)
	ak, mek := keysOf(t, b)
	path := filepath.Join(t.TempDir(), "journal")
	c := &crashing{FileJournal: openJournal(t, path), path: path, k: 1, mode: "before"}
	_, err := withJournal(t, c).Run(context.Background(), []Job{job})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, drive.Erased, b.Status().State, "the drive was erased, but nobody has looked")
	old := mustWrap(t, ak, mek)
	job.Target = &tampered{bench: b, active: true, extra: func() []flash.Page { return pageOf(2048, 200, old) }}
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Failed, rep.Results[0].Outcome, rep.Text())
	require.Equal(t, []string{CheckRemains}, rep.Results[0].Failing())
	require.Equal(t, 2, rep.Results[0].Attempts)
}

func TestACanaryIsRememberedOverACut(t *testing.T) {
	b := newBench(t, "J4", nil, nil)
	path := filepath.Join(t.TempDir(), "journal")
	mek := rootMEK(t, b)
	c := &crashing{FileJournal: openJournal(t, path), path: path, k: 1, mode: "torn"}
	_, err := withJournal(t, c).Run(context.Background(), []Job{{Target: b.Drive, Method: DriveErase}})
	require.ErrorIs(t, err, errCrash)
	leaky := &tampered{bench: b, active: true, extra: func() []flash.Page { return pageOf(2048, 200, mek) }}
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{{Target: leaky, Method: DriveErase}})
	require.NoError(t, err)
	require.Equal(t, []string{CheckSearch, CheckRemains}, rep.Results[0].Failing(), rep.Text())
	control, _ := rep.Results[0].Check(CheckControl)
	require.Contains(t, control.Why, "opens LBA 0", "the control is about this attempt's plaintext")
	search, _ := rep.Results[0].Check(CheckSearch)
	require.Contains(t, search.Why, "opens canary 1 of an earlier attempt at LBA 0")
}

func TestADriveThatWasUsedAgainIsNotTakenForErased(t *testing.T) {
	b, job := locked(t, "J5", nil)
	path := filepath.Join(t.TempDir(), "journal")
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome)
	b.configure(0, pin(40))
	rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Refused, rep.Results[0].Outcome, "it has another owner now")
	require.Equal(t, customer, b.read(100))
}

func TestTheJournalHoldsNoSecret(t *testing.T) {
	_, job := locked(t, "J6", nil)
	path := filepath.Join(t.TempDir(), "journal")
	_, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), string(pin(1).Bytes()))
	require.NotContains(t, string(data), "customer", "nothing of the customer's data is in the journal")
	require.NotContains(t, string(data), base64Of(customer[:30]))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func journalBytes(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j := openJournal(t, path)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.NoError(t, j.Append(Entry{Event: eventBegin, Time: at, Serial: "A", Method: DriveErase, Prints: forensic.Prints{1, 1 << 63}, Canaries: []Canary{{LBA: 1 << 40, Plain: make([]byte, 32), Cipher: bytes.Repeat([]byte{2}, 32)}}}))
	require.NoError(t, j.Append(Entry{Event: eventEnd, Time: at, Serial: "A", Method: DriveErase, Generation: 5, Result: &Result{Serial: "A", Method: DriveErase, Outcome: Passed, Checks: []Check{}}}))
	require.NoError(t, j.Append(Entry{Event: eventBegin, Time: at, Serial: "B", Method: RangeErase, Range: 3}))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func TestATornLineIsCutOffAtEveryByte(t *testing.T) {
	data := journalBytes(t)
	ends := []int{0} // where lines end
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	path := filepath.Join(t.TempDir(), "journal")
	for cut := range len(data) + 1 {
		require.NoError(t, os.WriteFile(path, data[:cut], 0o600))
		j, err := OpenJournal(path)
		require.NoError(t, err, "cut at byte %d", cut)
		entries, err := j.Entries()
		require.NoError(t, err)
		whole := 0
		for _, e := range ends[1:] {
			if e <= cut {
				whole++
			}
		}
		require.Len(t, entries, max(whole-1, 0), "cut at byte %d: exactly the whole lines behind the header count", cut)
		if cut%13 != 0 { // each costs two syncs
			require.NoError(t, j.Close())
			continue
		}
		require.NoError(t, j.Append(Entry{Event: eventBegin, Serial: "C", Method: DriveErase}), "and the journal goes on")
		require.NoError(t, j.Close())
		j, err = OpenJournal(path)
		require.NoError(t, err)
		again, err := j.Entries()
		require.NoError(t, err)
		require.Len(t, again, len(entries)+1)
		require.NoError(t, j.Close())
	}
}

func TestALongTornLineLeavesNothingBehindAShortOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	long, err := encodeLine(Entry{Event: eventBegin, Serial: "A", Method: DriveErase, Prints: make(forensic.Prints, 1000)})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, slices.Concat([]byte(journalHeader), long[:len(long)-9]), 0o600))
	j := openJournal(t, path)
	require.NoError(t, j.Append(Entry{Event: eventBegin, Serial: "B", Method: DriveErase}))
	require.NoError(t, j.Append(Entry{Event: eventBegin, Serial: "C", Method: DriveErase}))
	again, err := openJournal(t, path).Entries()
	require.NoError(t, err)
	require.Len(t, again, 2)
}

func TestADriveThatFailedIsErasedAgain(t *testing.T) {
	b, job := locked(t, "J7", nil)
	ak, mek := keysOf(t, b)
	path := filepath.Join(t.TempDir(), "journal")
	honest := job.Target
	job.Target = &tampered{bench: b, extra: func() []flash.Page { return pageOf(2048, 200, mustWrap(t, ak, mek)) }}
	rep, err := withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Failed, rep.Results[0].Outcome)
	job.Target = honest
	rep, err = withJournal(t, openJournal(t, path)).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome, "a failure in the journal is no reason to skip the drive: %s", rep.Text())
}

func TestAForeignOrDamagedJournalIsRefusedAndLeftAlone(t *testing.T) {
	data := journalBytes(t)
	line2 := bytes.IndexByte(data, '\n') + 1
	flipped := bytes.Clone(data)
	flipped[line2+60] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"another file", []byte("my holiday photos\n"), `: not an erase journal: line 1 is not {"journal":"fdelab erase 1"}`},
		{"a flipped bit", flipped, ": line 2: corrupt: the checksum does not fit"},
		{"a line of text", slices.Concat(data[:line2], []byte("hello\n"), data[line2:]), ": line 2: corrupt: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			require.NoError(t, os.WriteFile(path, c.data, 0o600))
			_, err := OpenJournal(path)
			require.ErrorContains(t, err, "erase: journal "+path+c.want)
			require.NotContains(t, err.Error(), "\n")
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.data, after, "a file that is refused is not changed")
		})
	}
}

func FuzzParseJournal(f *testing.F) {
	data := journalBytes(f)
	f.Add(data)
	f.Add(data[:len(data)-7])
	f.Add([]byte(journalHeader))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, good, err := parseJournal(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, good, len(data))
		again, good2, err := parseJournal(data[:good])
		require.NoError(t, err, "what was good stays good")
		require.Equal(t, good, good2)
		require.Equal(t, entries, again)
		for _, e := range entries {
			line, err := encodeLine(e)
			require.NoError(t, err, "what was read can be written")
			again, _, err := parseJournal(append([]byte(journalHeader), line...))
			require.NoError(t, err, "and read again")
			require.Len(t, again, 1)
		}
	})
}
