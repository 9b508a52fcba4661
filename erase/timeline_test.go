package erase

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func times(events []Event) (out []string) {
	for _, e := range events {
		out = append(out, e.Time)
	}
	return out
}

// Earlier attempts are in the timeline of the certificate that ends them.
func TestTheTimelineTellsOfEarlierAttempts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	b, job := locked(t, "TL1", nil)
	require.NoError(t, b.media.WriteSector(300, make([]byte, 512)))
	rep, err := withJournal(t, openJournal(t, path)).Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, NotAccepted, rep.Results[0].Outcome, rep.Text())
	job.Owner = nil
	require.NoError(t, b.Write(300, customer))
	rep, err = withJournal(t, openJournal(t, path)).Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Passed, rep.Results[0].Outcome, rep.Text())
	var what []string
	for _, e := range rep.Results[0].Certificate.Statement.Timeline {
		what = append(what, e.What)
	}
	require.Equal(t, []string{
		"an attempt to erase it began: drive erase", "that attempt ended: not accepted",
		"this erase began", "the drive answered: EraseMaster erase of all ranges", "verified by search of its flash", "judged: accepted",
	}, what)
}

// A timeline has room for so much; the first event and the last ones stay, and what is left out is
// counted. A clock that was set back changes the order and loses nothing.
func TestATimelineThatIsTooLongSaysSo(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, n := range []int{0, 7, 8, 9, 30} {
		r := &run{e: &Engine{o: Options{Clock: func() time.Time { return clock }}}, job: &Job{}, erased: clock}
		r.res.Started, r.res.Outcome = clock, Passed
		for i := range n {
			r.job.History = append(r.job.History, History{clock.Add(time.Duration(i-n) * time.Hour), fmt.Sprint("event ", i)})
		}
		all := r.timeline("erase")
		require.Len(t, all, min(n, 8)+4, "%d events", n)
		require.IsNonDecreasing(t, times(all))
		require.Equal(t, "judged: accepted", all[len(all)-1].What)
		if n > 8 {
			require.Equal(t, "event 0", all[0].What)
			require.Equal(t, fmt.Sprintf("%d events until then are left out", n-7), all[1].What)
			require.Equal(t, fmt.Sprint("event ", n-6), all[2].What)
			require.Equal(t, fmt.Sprint("event ", n-1), all[7].What)
		}
		slices.Reverse(r.job.History)
		require.Equal(t, all, r.timeline("erase"), "in whatever order it was told")
	}
	r := &run{e: &Engine{o: Options{Clock: func() time.Time { return clock }}}, job: &Job{History: []History{{clock.AddDate(1, 0, 0), "ahead"}}}, erased: clock}
	r.res.Started, r.res.Outcome = clock, NotAccepted
	all := r.timeline("erase")
	require.Equal(t, Event{"2027-03-01T12:00:00Z", "ahead"}, all[4])
	require.Equal(t, "judged: not accepted", all[3].What)
}
