package erase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func TestALockedDriveOfTheOwnerIsErasedAndPasses(t *testing.T) {
	b, job := locked(t, "E1", nil)
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked)
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	for _, name := range []string{CheckCommand, CheckControl, CheckState, CheckCredential, CheckMSID, CheckPlaintext, CheckSearch, CheckWeak, CheckRemains} {
		verdict(t, r, name, Pass)
	}
	control, _ := r.Check(CheckControl)
	require.Contains(t, control.Why, "BandMaster0 credential generation 1 and root key -> AK at block", "the control names the way that was open before")
	require.Contains(t, control.Why, "opens LBA 100")
	require.Equal(t, drive.Erased, b.Status().State)
	require.NotEqual(t, customer, b.read(100), "the customer's data reads as noise")
	require.Len(t, b.Dump().Written, 1, "a drive with data needs no canary")
	require.NotNil(t, r.Certificate)
	c, err := VerifyCertificate(r.Certificate.JSON(), public())
	require.NoError(t, err)
	require.Equal(t, "E1", c.Statement.MediaSerial)
	require.Equal(t, "Purge: Cryptographic Erase", c.Statement.Sanitization())
	require.Equal(t, "whole drive", c.Statement.Extent)
	require.Equal(t, "2026-03-01T12:00:00Z", c.Statement.Date)
}

func TestAnEmptyDriveIsProvedByACanary(t *testing.T) {
	b := newBench(t, "E2", nil, nil)
	r := run1(t, Job{Target: b.Drive, Method: DriveErase})
	require.Equal(t, Passed, r.Outcome, text(r))
	verdict(t, r, CheckControl, Pass)
	verdict(t, r, CheckPlaintext, Pass)
	verdict(t, r, CheckCredential, NotPossible)
	require.Equal(t, []uint64{0}, b.Dump().Written, "the canary stays as noise")
	r = run1(t, Job{Target: b.Drive, Method: DriveErase})
	require.Equal(t, Passed, r.Outcome, "an erased drive can be erased again")
	require.Equal(t, []uint64{0}, b.Dump().Written, "and needs no other canary")
}

func TestALockedDriveWithoutItsOwnerIsRevertedAndProvedByItsFlash(t *testing.T) {
	b, _ := locked(t, "E3", nil)
	job := Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID, Destroy: "E3"}
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	verdict(t, r, CheckControl, NotPossible)
	verdict(t, r, CheckSearch, NotPossible)
	verdict(t, r, CheckCredential, NotPossible)
	verdict(t, r, CheckRemains, Pass)
	require.Equal(t, []uint64{100}, b.Dump().Written, "no canary is written to a drive whose owner did not agree")
}

func TestAPSIDRevertOfTheOwnerNeedsNoAcknowledgement(t *testing.T) {
	b, job := locked(t, "E4", nil)
	job.Method, job.PSID = PSIDRevert, b.label.PSID
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	verdict(t, r, CheckSearch, Pass)
	verdict(t, r, CheckControl, Pass)
}

func TestARangeEraseLeavesTheOthersAlone(t *testing.T) {
	b := newBench(t, "E5", nil, nil)
	b.configure(0, pin(1))
	b.configure(1, pin(11))
	b.configure(2, pin(21))
	b.as(drive.BandMaster(1), pin(11), func(s drive.Session) error { return s.SetLocks(true, true) })
	r := run1(t, Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: []Credential{{Range: 1, PIN: pin(11)}}})
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, drive.Configured, b.Status().State, "two other ranges are still configured")
	require.Equal(t, customer, b.read(100), "the global range keeps its data")
	require.Equal(t, customer, b.read(2000), "range 2 keeps its data")
	require.NotEqual(t, customer, b.read(1000), "range 1 has lost it")
	require.Equal(t, "range 1", r.Certificate.Statement.Extent)
}

func TestAnEmptyGlobalRangeIsNotJudgedByAnotherRangesSectors(t *testing.T) {
	b := newBench(t, "E9", nil, nil)
	b.as(drive.BandMaster(1), b.label.MSID, func(s drive.Session) error { return s.SetRange(drive.RangeConfig{Start: 0, Length: 500}) })
	require.NoError(t, b.Write(7, customer))
	r := run1(t, Job{Target: b.Drive, Method: RangeErase, Range: 0})
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, []uint64{7, 500}, b.Dump().Written, "the canary stands in the first free sector that belongs to the global range")
	require.Equal(t, customer, b.read(7), "range 1 keeps its data")
}

func TestEveryRangeMustBeTheCallers(t *testing.T) {
	b := newBench(t, "E6", nil, nil)
	b.configure(0, pin(1))
	b.configure(1, pin(11))
	r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}})
	require.Equal(t, Refused, r.Outcome, "range 1 is someone else's")
	require.Contains(t, r.Why, "range 1 is configured and no credential was given")
	require.Equal(t, customer, b.read(1000))
	r = run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}, {Range: 1, PIN: pin(11)}}})
	require.Equal(t, Passed, r.Outcome, text(r))
}

func TestRefusalsComeBeforeAnythingIsWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b *bench, j *Job)
		why    string
		tries  uint16 // spent
	}{
		{"no credential", func(_ *bench, j *Job) { j.Owner = nil }, "range 0 is configured and no credential was given for it", 0},
		{"a wrong credential", func(_ *bench, j *Job) { j.Owner[0].PIN = pin(50) }, "BandMaster0 refuses the PIN that was given or assumed for it, which has cost one try", 1},
		{"a credential of another range", func(_ *bench, j *Job) { j.Owner[0].Range = 1 }, "range 0 is configured and no credential was given for it", 0},
		{"range erase without a credential", func(_ *bench, j *Job) { j.Method, j.Owner = RangeErase, nil }, "range 0 is configured", 0},
		{"an inactive range", func(_ *bench, j *Job) { j.Method, j.Range = RangeErase, 2 }, "range 2 is inactive", 0},
		{"PSID without acknowledgement", func(b *bench, j *Job) { j.Method, j.PSID, j.Owner = PSIDRevert, b.label.PSID, nil }, "acknowledge the serial number E7", 0},
		{"PSID with another serial number", func(b *bench, j *Job) { j.Method, j.PSID, j.Owner, j.Destroy = PSIDRevert, b.label.PSID, nil, "E8" }, "acknowledge the serial number E7", 0},
		{"PSID with a wrong credential", func(b *bench, j *Job) { j.Method, j.PSID, j.Owner[0].PIN = PSIDRevert, b.label.PSID, pin(50) }, "acknowledge the serial number E7", 1},
		{"a wrong PSID", func(_ *bench, j *Job) { j.Method, j.PSID, j.Destroy = PSIDRevert, pin(60), "E7" }, "wrong PSID", 0},
		{"a wrong EraseMaster PIN", func(_ *bench, j *Job) { j.EraseMaster = pin(70) }, "EraseMaster refuses the PIN", 0},
		{"no power", func(b *bench, _ *Job) { b.PowerOff() }, "the drive has no power, or its port is dead", 0},
		{"the last try", func(b *bench, j *Job) {
			j.Owner[0].PIN = pin(50)
			for range 4 {
				_, err := b.Authenticate(drive.BandMaster(0), pin(51))
				require.ErrorIs(b.t, err, drive.NotAuthorized)
			}
		}, "BandMaster0 has 1 of 5 tries left", 4},
		{"a busy drive", func(b *bench, _ *Job) {
			s, err := b.Authenticate(drive.SID, b.label.MSID)
			require.NoError(b.t, err)
			b.t.Cleanup(s.Close)
		}, "security provider busy", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, job := locked(t, "E7", nil)
			c.change(b, &job)
			before := b.Status()
			r := run1(t, job)
			require.Equal(t, Refused, r.Outcome, text(r))
			require.Contains(t, r.Why, c.why)
			require.Nil(t, r.Certificate)
			require.Equal(t, before, b.Status(), "no key was changed, and the drive is as locked as it was")
			require.Equal(t, []uint64{100}, b.Dump().Written, "no sector was written")
			require.NoError(t, b.PowerOn())
			used, _, err := b.Tries(drive.BandMaster(0))
			require.NoError(t, err)
			require.Equal(t, c.tries, used, "a wrong credential costs exactly one try")
		})
	}
}

func TestJobsThatMakeNoSenseAreRefusedBeforeAnyDriveIsTouched(t *testing.T) {
	b, job := locked(t, "E8", nil)
	for _, c := range []struct {
		name string
		jobs func() []Job
		want string
	}{
		{"no drive", func() []Job { return []Job{job, {Method: DriveErase}} }, "erase: job 1 has no drive"},
		{"no job", func() []Job { return nil }, "erase: no jobs: a run without a drive proves nothing"},
		{"twice", func() []Job { return []Job{job, job} }, "erase: job 1: drive E8 is already in job 0"},
		{"method", func() []Job { j := job; j.Method = "burn"; return []Job{j} }, `erase: job 0: drive E8: method "burn", need "range erase", "drive erase" or "PSID revert"`},
		{"range", func() []Job { j := job; j.Method, j.Range = RangeErase, 3; return []Job{j} }, "erase: job 0: drive E8 has no range 3, the last is 2"},
		{"no PSID", func() []Job { j := job; j.Method = PSIDRevert; return []Job{j} }, "erase: job 0: drive E8: a PSID revert needs the PSID"},
		{"two credentials", func() []Job { j := job; j.Owner = append(j.Owner, j.Owner[0]); return []Job{j} }, "erase: job 0: drive E8: need at most one credential for each range from 0 to 2, got another for range 0, or an empty one"},
		{"a credential of no range", func() []Job { j := job; j.Owner = []Credential{{Range: -1, PIN: pin(1)}}; return []Job{j} }, "erase: job 0: drive E8: need at most one credential for each range from 0 to 2, got another for range -1, or an empty one"},
		{"a credential of a range beyond the last", func() []Job { j := job; j.Owner = []Credential{{Range: 3, PIN: pin(1)}}; return []Job{j} }, "erase: job 0: drive E8: need at most one credential for each range from 0 to 2, got another for range 3, or an empty one"},
		{"an empty credential", func() []Job { j := job; j.Owner = []Credential{{Range: 0}}; return []Job{j} }, "erase: job 0: drive E8: need at most one credential for each range from 0 to 2, got another for range 0, or an empty one"},
		{"a negative range", func() []Job { j := job; j.Method, j.Range = RangeErase, -1; return []Job{j} }, "erase: job 0: drive E8 has no range -1, the last is 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := engine(t, nil).Run(context.Background(), c.jobs())
			require.EqualError(t, err, c.want)
			require.Equal(t, drive.Configured, b.Status().State)
		})
	}
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Clock = nil }, "erase: no clock is given"},
		{func(o *Options) { o.Entropy = nil }, "erase: no source of entropy is given"},
		{func(o *Options) { o.Concurrency = -1 }, "erase: concurrency -1, need 0 or more"},
		{func(o *Options) { o.Statement.Notes = "two\nlines" }, `erase: sign certificate: field "Notes" holds a character that does not print`},
	} {
		o := options()
		c.change(&o)
		_, err := New(o)
		require.EqualError(t, err, c.want)
	}
}

// Canaries that cannot be drawn could not be told from data.
func TestWithoutEntropyNoDriveIsTouched(t *testing.T) {
	b, job := locked(t, "E10", nil)
	before := b.Status()
	e := engine(t, func(o *Options) { o.Entropy = bytes.NewReader(make([]byte, 31)) })
	_, err := e.Run(context.Background(), []Job{job})
	require.EqualError(t, err, "erase: draw canary: unexpected EOF")
	require.Equal(t, before, b.Status())
	require.Equal(t, []uint64{100}, b.Dump().Written)
}

func TestSeveralDrivesAtOnceGiveTheReportOfOneByOne(t *testing.T) {
	var reports []string
	for _, n := range []int{1, 4} {
		var jobs []Job
		for i := range 8 {
			_, j := locked(t, fmt.Sprintf("C%d", i), nil)
			if i == 5 {
				j.Owner = nil
			}
			jobs = append(jobs, j)
		}
		var steps []Progress
		e := engine(t, func(o *Options) {
			o.Concurrency = n
			o.Progress = func(p Progress) { steps = append(steps, p) }
		})
		rep, err := e.Run(context.Background(), jobs)
		require.NoError(t, err)
		require.Equal(t, 7, rep.Count(Passed))
		require.Equal(t, 1, rep.Count(Refused))
		require.False(t, rep.OK())
		require.Equal(t, 8, steps[len(steps)-1].Done, "progress ends with every job done")
		b, err := rep.JSON()
		require.NoError(t, err)
		reports = append(reports, string(b))
	}
	require.Equal(t, reports[0], reports[1], "results stand in the order of the jobs, however many run at once")
}

func TestARunEndsBetweenDrivesWhenItsContextEnds(t *testing.T) {
	var jobs []Job
	for i := range 3 {
		_, j := locked(t, fmt.Sprintf("X%d", i), nil)
		jobs = append(jobs, j)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := engine(t, func(o *Options) {
		o.Progress = func(p Progress) {
			if p.Job == 1 && p.Step == "erase" {
				cancel()
			}
		}
	})
	rep, err := e.Run(ctx, jobs)
	require.True(t, errors.Is(err, context.Canceled))
	require.Equal(t, []Outcome{Passed, Passed, NotStarted}, []Outcome{rep.Results[0].Outcome, rep.Results[1].Outcome, rep.Results[2].Outcome},
		"the drive under way is finished, the next is not begun")
}

// A run with a context that has ended begins no drive and says so, however many run at once.
func TestARunWhoseContextHasEndedBeginsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range []int{1, 4} {
		b, job := locked(t, "X4", nil)
		before := b.Status()
		rep, err := engine(t, func(o *Options) { o.Concurrency = n }).Run(ctx, []Job{job})
		require.ErrorIs(t, err, context.Canceled, "%d at once", n)
		require.Equal(t, NotStarted, rep.Results[0].Outcome)
		require.Equal(t, before, b.Status())
	}
}

// One at a time runs in the goroutine of the caller: who simulates a loss of power unwinds it with a
// panic, and nobody else could recover that.
func TestOneAtATimeRunsWithTheCaller(t *testing.T) {
	_, job := locked(t, "X5", nil)
	e := engine(t, func(o *Options) {
		o.Concurrency = 1
		o.Progress = func(Progress) { panic("the power goes") }
	})
	require.PanicsWithValue(t, "the power goes", func() { _, _ = e.Run(context.Background(), []Job{job}) })
}

func TestTheReportReads(t *testing.T) {
	_, ok := locked(t, "R1", nil)
	_, foreign := locked(t, "R2", nil)
	foreign.Owner = nil
	rep, err := engine(t, nil).Run(context.Background(), []Job{ok, foreign})
	require.NoError(t, err)
	out := rep.Text()
	require.Contains(t, out, "R1", out)
	require.Regexp(t, `(?m)^R1 +drive erase +passed$`, out)
	require.Regexp(t, `(?m)^  remains +pass +the wraps of the old keys: none of \d+ pieces is left$`, out)
	require.Regexp(t, `(?m)^R2 +drive erase +refused +range 0 is configured`, out)
	require.True(t, bytes.HasSuffix([]byte(out), []byte("1 passed, 0 failed, 1 refused\n")), out)
	js, err := rep.JSON()
	require.NoError(t, err)
	require.Contains(t, string(js), `"outcome": "refused"`)
	for _, secret := range [][]byte{pin(1).Bytes(), customer[:32]} {
		require.NotContains(t, out+string(js), string(secret))
	}
	require.Equal(t, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), rep.Results[0].Ended)
}
