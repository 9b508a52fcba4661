package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	plain, seen := newSite(t), newSite(t)
	b, p := seen.browser(ownerToken), plain.browser(ownerToken)
	for _, line := range append([]string{`fault arm drive=R1-I1-D05 plan="(flash.program.refused (OnIndex 3))"`}, incident...) {
		p.run(line)
		for _, at := range seen.addresses() {
			b.get(at)
		}
		b.get("/complete?line=drive+show+drive%3D")
		b.update(b.live("at=/"))
		b.run(line)
	}
	require.Equal(t, plain.session.Lab().TraceText(), seen.session.Lab().TraceText(), "a lab that is looked at plays as one that is not")
}

func TestTwoBrowsersSeeEachOthersChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident[:4]...)
	one, other := s.browser(ownerToken), s.browser(ownerToken)
	version := s.server.version(s.server.lab.state.Load(), "/")
	stream := other.live("at=/&version=" + version)
	require.Equal(t, ": here\n", other.update(stream), "a page that is up to date is sent nothing")
	one.run("drive break drive=R1-I1-D03")
	one.run("time advance by=2h")
	got := ""
	for !strings.Contains(got, `id="d-R1-I1-D03"`) {
		got = other.update(stream)
	}
	require.Contains(t, textOf(element(t, got, "d-R1-I1-D03")), "silent", "the drive is as it is now")
	require.NotContains(t, got, `id="d-R1-I2-D03"`, "a drive that is as it was is not sent")
	has := s.server.version(s.server.lab.state.Load(), "/")
	for !strings.Contains(got, "id: "+has+" /\n") { // an update names the version that the page has with it
		got = other.update(stream)
	}
	require.Equal(t, ": here\n", other.update(other.live("at=/&version="+has)), "a page that was hidden, and has it, is sent nothing")
	late := other.update(other.live("at=/&version=" + version))
	require.Contains(t, late, `id="d-R1-I2-D03"`, "a page of another version is sent whole: its connection was lost")
}

func TestUpdateOfOneDriveIsSmall(t *testing.T) {
	t.Parallel()
	needsTime(t)
	s := newSite(t, "lab new drives=1536")
	b := s.browser(ownerToken)
	stream := b.live("at=/&version=" + s.server.version(s.server.lab.state.Load(), "/"))
	require.Equal(t, ": here\n", b.update(stream))
	b.run("power cut drive=R1-I1-D03")
	got := b.news(stream)
	require.Contains(t, got, `id="d-R1-I1-D03"`)
	require.Less(t, len(got), 4<<10, "an update of one drive: %s", got)
}

// needsTime leaves a test out of short runs, such as those under the race detector.
func needsTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short: a facility of 1,536 drives was not built")
	}
}

func TestFirstPageOfManyDrivesIsSmallOverTheWire(t *testing.T) {
	t.Parallel()
	needsTime(t)
	s := newSite(t, "lab new drives=1536")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = strings.TrimPrefix(s.at, "http://")
	r.Header.Set("Accept-Encoding", "gzip")
	r.AddCookie(&http.Cookie{Name: s.server.cookie(r), Value: ownerToken})
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.Less(t, w.Body.Len(), 300<<10, "1,536 drives")
}

// slow is a browser that takes nothing until it is let go.
type slow struct {
	http.ResponseWriter
	begun chan struct{}
	once  sync.Once
	free  chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.begun) })
	<-s.free
	return len(p), nil
}
func (s *slow) Flush()                           {}
func (s *slow) SetReadDeadline(time.Time) error  { return nil }
func (s *slow) SetWriteDeadline(time.Time) error { return nil }

func TestSlowBrowserHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := &slow{ResponseWriter: httptest.NewRecorder(), begun: make(chan struct{}), free: make(chan struct{})}
	done := make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		s.server.live(w, httptest.NewRequest(http.MethodGet, "/live?at=/", nil).WithContext(ctx), Owner)
	}()
	<-w.begun // it is stuck in the middle of its first update
	b := s.browser(ownerToken)
	for range 20 {
		require.Contains(t, b.run("time advance by=1h"), "it is ")
	}
	status, _ := b.get("/")
	require.Equal(t, http.StatusOK, status, "others get their pages")
	leave()
	close(w.free)
	<-done
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for range livesMost {
		s.server.lives <- struct{}{}
	}
	status, body := s.browser(ownerToken).get("/live?at=/")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "too many pages")
}

func TestQuitEndsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	require.Contains(t, b.run("quit"), "a page has no end")
	require.Contains(t, b.run("time now"), "2026-01-05", "the laboratory goes on")
}

func TestPageOfAnotherFacilityIsSentWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	stream := b.live("at=/&version=" + s.server.version(s.server.lab.state.Load(), "/"))
	require.Equal(t, ": here\n", b.update(stream))
	b.run("power cut drive=R1-I1-D03")
	require.NotContains(t, b.news(stream), `id="body"`, "the same parts are sent by themselves")
	b.run("lab new drives=8")
	got := b.news(stream)
	require.Contains(t, got, `id="body"`, "the drives that are gone leave the page")
	require.Contains(t, textOf(element(t, got, "body")), "1 enclosure, 8 drives")
	require.Equal(t, 1, strings.Count(got, `id="d-R1-I1-D03"`), "no drive is sent twice")
}

// TestOneStreamKeepsSeveralPagesAlive: each event says which page it is for; a page that has its parts is sent only what
// changed.
func TestOneStreamKeepsSeveralPagesAlive(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	b := s.browser(ownerToken)
	version := s.server.version(s.server.lab.state.Load(), "/")
	stream := b.live(url.Values{"at": {"/clock", "/drive/R1-I1-D05"}, "version": {version, "of another server"}}.Encode())
	whole := b.news(stream)
	require.Contains(t, whole, "id: "+version+" /drive/R1-I1-D05\n", "the page that has nothing comes whole, the other has all")
	require.Contains(t, whole, `id="thief"`)
	s.server.lab.run("drive pull drive=R1-I1-D05")
	got := b.news(stream) + b.news(stream)
	now := s.server.version(s.server.lab.state.Load(), "/")
	clock, drive, ok := strings.Cut(got, "id: "+now+" /drive/R1-I1-D05\n")
	require.True(t, ok, "an event for the drive: %s", got)
	require.Contains(t, clock, "id: "+now+" /clock\n")
	require.Contains(t, clock, "was pulled", "the clock has the log")
	require.NotContains(t, clock, `id="drive"`)
	require.Contains(t, drive, `id="drive"`)
	many := url.Values{"at": make([]string, watchedMost+1)}
	status, _ := b.get("/live?" + many.Encode())
	require.Equal(t, 400, status)
}
