package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/mutants"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// shelf is a place whose states a test sets.
type shelf struct {
	name   string
	mu     sync.Mutex
	states []*campaign.Standing
	err    error
	reads  int
	block  chan struct{} // each reading waits until it is closed; nil: none does
}

func (s *shelf) Name() string { return s.name }
func (s *shelf) Close()       {}

func (s *shelf) Read(ctx context.Context) ([]*campaign.Standing, error) {
	s.mu.Lock()
	block := s.block
	s.reads++
	s.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states, s.err
}

func (s *shelf) set(err error, states ...*campaign.Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states, s.err = states, err
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// stateOfPlan is a campaign that runs, of a plan of which nothing was run.
func stateOfPlan(t *testing.T, text string) *campaign.Standing {
	p, err := plans.Parse(text)
	require.NoError(t, err)
	return &campaign.Standing{State: &campaign.State{ID: p.ID(), Plan: p.String(), Version: "v", Report: plans.NewReport(), Workers: map[string]*campaign.Worker{}, Told: time.Now()}, Runs: true}
}

// TestCampaignsAreReadOnceForAll: whoever looks, and however often, a place is read once a second; not at all while
// nobody looks, or only at other pages.
func TestCampaignsAreReadOnceForAll(t *testing.T) {
	t.Parallel()
	place := &shelf{name: "here"}
	place.set(nil, stateOfPlan(t, "idle jobs=9"))
	s := newSiteOf(t, []CampaignPlace{place})
	b := s.browser(ownerToken)
	b.live("at=/&at=/clock")
	b.get("/")
	require.Zero(t, place.count(), "nobody looks at campaigns")
	began := time.Now()
	ctx, leave := context.WithCancel(t.Context())
	for range 20 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.at+"/live?at=/campaigns&at=/", nil)
		require.NoError(t, err)
		answer, err := b.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
	}
	for time.Since(began) < 4*time.Second {
		b.get("/campaigns")
	}
	reads, most := place.count(), int(time.Since(began)/askEvery)+1
	require.LessOrEqual(t, reads, most)
	require.GreaterOrEqual(t, reads, 2)
	leave()
	require.Eventually(t, func() bool {
		s.server.board.mu.Lock()
		defer s.server.board.mu.Unlock()
		return s.server.board.viewers == 0
	}, time.Minute, 10*time.Millisecond, "all have left")
	require.Eventually(t, func() bool { // a reading that had begun may end late
		reads := place.count()
		time.Sleep(3 * askEvery)
		return reads == place.count()
	}, time.Minute, time.Millisecond, "nobody looks any more")
}

// TestPlaceThatHangsHoldsUpNobody: other pages and other places are as they are.
func TestPlaceThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	hangs, other := &shelf{name: "one that hangs", block: make(chan struct{})}, &shelf{name: "another"}
	st := stateOfPlan(t, "idle jobs=9")
	other.set(nil, st)
	s := newSiteOf(t, []CampaignPlace{hangs, other})
	b := s.browser(guestToken)
	stream := b.live("at=/campaigns")
	_, body := b.get("/campaigns")
	text := textOf(element(t, body, "campaigns"))
	require.Contains(t, text, "one that hangs no answer it is being read")
	require.Contains(t, text, st.ID+" runs 0 of 9")
	_, body = b.get("/")
	require.Contains(t, body, `id="d-R1-I1-D01"`)
	s.server.lab.run("time advance by=1h")
	b.until(stream, "09:00:00")
	hangs.set(nil, stateOfPlan(t, "idle jobs=8"))
	close(hangs.block)
	b.until(stream, "0 of 8")
}

// until reads a stream up to an event with a text.
func (b *browser) until(stream interface{ ReadString(byte) (string, error) }, text string) string {
	b.t.Helper()
	for event := ""; ; {
		line, err := stream.ReadString('\n')
		require.NoError(b.t, err)
		if event += line; line != "\n" {
			continue
		}
		if strings.Contains(event, text) {
			return event
		}
		event = ""
	}
}

// TestPlaceThatIsGoneIsTold: one line on the page says so, what was read stays, and it comes back by itself.
func TestPlaceThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	place := &shelf{name: "here"}
	gone := &campaign.Unread{Why: "the server at nats://h does not answer", Err: fmt.Errorf("nats://me:sesame@h")}
	place.set(gone)
	s := newSiteOf(t, []CampaignPlace{place})
	b := s.browser(guestToken)
	st := stateOfPlan(t, "idle jobs=9")
	at := "/campaigns/1/" + st.ID
	status, body := b.get(at)
	require.Equal(t, http.StatusOK, status, "nobody knows that it is not there")
	require.Contains(t, textOf(element(t, body, "campaign")), "no answer the server at nats://h does not answer")
	stream := b.live("at=" + at)
	place.set(nil, st)
	event := b.until(stream, "runs")
	require.Contains(t, event, `id="failures"`, "the whole page comes")
	place.set(fmt.Errorf("sesame"))
	event = b.until(stream, "out of reach")
	require.Contains(t, event, "it cannot be read ; what stands here was read at ", "the line says since when")
	require.NotContains(t, event, "sesame")
	old := *st
	old.Runs = false
	place.set(nil, &old)
	b.until(stream, "does not run")
	place.set(nil)
	b.until(stream, "there is no such campaign")
	status, _ = b.get(at)
	require.Equal(t, http.StatusNotFound, status)
	place.set(nil, &campaign.Standing{State: &campaign.State{ID: st.ID}})
	b.until(stream, "of no form that this version knows")
}

// markup is what nobody's browser may take for a part of a page.
const markup = `<script>alert(1)</script><img src=x onerror=alert(1)>" onfocus="alert(1)` + "\u202e"

// hostile is a campaign in which every text is somebody's who wants to be a part of the page, and much longer than any.
func hostile(t *testing.T) *campaign.Standing {
	long := markup + strings.Repeat("x", 1<<20)
	st := stateOfPlan(t, "drive lifecycles=10\nconform seeds=1")
	st.Version, st.Over = long, ""
	r := st.Report
	r.Merged, r.Units, r.More = 1<<63, 1<<63, 1<<62
	for i := range 5000 {
		st.Workers[fmt.Sprint(i, markup)] = &campaign.Worker{Jobs: 1 << 63, Busy: -1, Last: time.Unix(1<<60, 0)}
		r.Coverage[fmt.Sprint("fault ", i, markup)] = 1
		r.Coverage[fmt.Sprint(i, markup, " x")] = 1
		r.Endings[fmt.Sprint(markup, i)] = 1
	}
	st.Workers[long], st.Workers["none"] = &campaign.Worker{}, nil
	r.Coverage[long], r.Endings[long] = 1, 1
	for range 3 {
		r.Findings = append(r.Findings, plans.Finding{Key: long, Kind: long, Ending: long, Why: long, Again: long, Replay: long, File: long + "\n" + long, Trace: []string{long, markup}, Count: 1 << 63})
	}
	return st
}

func TestTextOfWorkersAndProgramsIsTextAndBounded(t *testing.T) {
	t.Parallel()
	place := &shelf{name: "here " + markup}
	st := hostile(t)
	other := stateOfPlan(t, "idle jobs=9")
	other.Plan = markup
	place.set(&campaign.Unread{Why: markup, Err: fmt.Errorf("")})
	s := newSiteOf(t, []CampaignPlace{place})
	look := func(who, body string) {
		for _, raw := range []string{"<script>a", "<img", `" onfocus`, "\u202e"} {
			require.NotContains(t, body, raw, who)
		}
		require.Less(t, len(body), 3<<20, who)
	}
	for _, token := range []string{ownerToken, guestToken} {
		b := s.browser(token)
		_, body := b.get("/campaigns")
		look("the place", body)
		require.Contains(t, body, "&lt;script&gt;")
	}
	place.set(nil, st, other)
	b := s.browser(ownerToken)
	stream := b.live("at=/campaigns/1/" + st.ID)
	look("the stream", b.until(stream, `id="failures"`))
	for _, at := range []string{"", "/1/" + other.ID, "/1/" + st.ID, "/1/" + st.ID + "/failures/1", "/1/" + st.ID + "/failures/3"} {
		status, body := b.get("/campaigns" + at)
		require.Equal(t, http.StatusOK, status, at)
		look(at, body)
		if at == "/1/"+st.ID || strings.Contains(at, "failures") {
			require.Contains(t, body, "&lt;script&gt;")
		}
	}
	answer, err := b.Get(b.at + "/campaigns/1/" + st.ID + "/failures/1/file")
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, `attachment; filename="failure-0.txt"`, answer.Header.Get("Content-Disposition"), "a name of ours")
	require.Equal(t, "text/plain; charset=utf-8", answer.Header.Get("Content-Type"))
}

// TestFailureIsSavedAsItReplays: a lifecycle of a drive with a defect, cut down: the file is the one that fdelab replay
// takes, byte for byte, and the page says that it may hold secrets.
func TestFailureIsSavedAsItReplays(t *testing.T) {
	t.Parallel()
	var found *conformance.Result
	var of mutants.Mutant
	for _, of = range mutants.All() {
		if of.Maker == nil {
			continue
		}
		if found = conformance.Soak(of.Maker, 1, conformance.Options{}); found.Verdict == conformance.Failed && found.Shrunk {
			break
		}
	}
	require.Equal(t, conformance.Failed, found.Verdict)
	file := found.Transcript("unsafe: "+found.Why, of.Defect).String()
	st := stateOfPlan(t, "drive lifecycles=10")
	st.Report.Endings["unsafe"] = 7
	st.Report.Findings = []plans.Finding{
		{Key: "1", Kind: "drive", Ending: "unsafe", Why: found.Why, Seed: 1, Count: 7, Trace: found.Trace, Again: "fdelab soak --seed 1", Replay: "fdelab replay '" + found.Replay() + "'", File: file},
		{Key: "2", Kind: "drive", Ending: "unsafe", Why: "bare", Seed: 2, Count: 1, Again: "fdelab soak --seed 2"},
	}
	place := &shelf{name: "here"}
	place.set(nil, st)
	s := newSiteOf(t, []CampaignPlace{place})
	g := s.browser(guestToken)
	at := "/campaigns/1/" + st.ID + "/failures/1"
	_, body := g.get(at)
	text := textOf(body)
	require.Contains(t, text, found.Why)
	require.Contains(t, text, "found 7 times")
	require.Contains(t, text, "may hold secrets")
	require.Contains(t, textOf(element(t, body, "replay")), found.Replay())
	require.Contains(t, textOf(element(t, body, "file")), textOf(file))
	for _, line := range found.Trace {
		require.Contains(t, textOf(element(t, body, "trace")), strings.Join(strings.Fields(line), " "))
	}
	_, saved := g.get(at + "/file")
	require.Equal(t, file, saved)
	_, body = g.get("/campaigns/1/" + st.ID + "/failures/2")
	require.Contains(t, textOf(body), "it is not kept")
	for _, none := range []string{"/campaigns/1/" + st.ID + "/failures/3", "/campaigns/1/" + st.ID + "/failures/0", "/campaigns/1/" + st.ID + "/x/1", "/campaigns/1/" + st.ID + "/failures/2/file", "/campaigns/2/" + st.ID, "/campaigns/1/" + st.ID + "/failures/9/file", "/campaigns/1/0/failures/1/file", "/campaigns/x", "/campaigns/1"} {
		status, _ := g.get(none)
		require.Equal(t, http.StatusNotFound, status, none)
	}
	status, body := s.browser("").get(at)
	require.Equal(t, http.StatusUnauthorized, status)
	require.NotContains(t, body, "may hold secrets")
	status, _ = s.browser("").get(at + "/file")
	require.Equal(t, http.StatusUnauthorized, status)
}

// TestWithoutCampaignsThePageSaysWhatToType: and it needs no facility.
func TestWithoutCampaignsThePageSaysWhatToType(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	require.NoError(t, s.session.Run("lab new serial=75NR642", io.Discard))
	_, body := s.browser(ownerToken).get("/campaigns")
	require.Contains(t, textOf(element(t, body, "campaigns")), "fdelab web --campaign night.plan")
	place := &shelf{name: "here"}
	s = newSiteOf(t, []CampaignPlace{place})
	_, body = s.browser(guestToken).get("/campaigns")
	require.Contains(t, textOf(element(t, body, "campaigns")), "fdelab campaign run night.plan")
}
