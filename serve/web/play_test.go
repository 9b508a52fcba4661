package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clockTime is the virtual time in the head of a page.
var clockTime = regexp.MustCompile(`<time datetime="([^"]+)"`)

func TestTimeRunsUntilItIsToldToStand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	t.Cleanup(s.server.Close)
	b := s.browser(ownerToken)
	stream := b.live("at=/clock")
	status, body := b.send("/time", url.Values{"speed": {"3600"}, "at": {"/sfi"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, textOf(element(t, body, "clock")), "virtual, runs 1 : 3600")
	require.Contains(t, textOf(body), "Storage facility image resources", "one stays on the page")
	for now := ""; now < "2026-01-05T10:00:00Z"; { // two steps may come as one update
		if m := clockTime.FindStringSubmatch(b.update(stream)); m != nil {
			now = m[1]
		}
	}
	status, body = b.send("/time", url.Values{"speed": {"0"}, "at": {"//evil.example/"}})
	require.Equal(t, http.StatusOK, status, "no address elsewhere is followed")
	require.Contains(t, textOf(element(t, body, "clock")), "virtual, stands still")
	st, _ := s.server.lab.news()
	time.Sleep(playTick + playTick/4)
	later, _ := s.server.lab.news()
	require.Equal(t, st.Now, later.Now, "it stands still")
	steps := int(st.Now.Sub(time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)) / time.Hour)
	require.GreaterOrEqual(t, steps, 2)
	require.Contains(t, textOf(element(t, body, "history")), fmt.Sprintf("done time advance by=1h0m0s , %d times", steps), "in the history the steps are one line")
	_, script := b.get("/history.txt")
	require.Equal(t, steps, strings.Count(script, "time advance by=1h0m0s\n"), "the history as a script: %s", script)
	status, body = b.send("/time", url.Values{"speed": {"7"}})
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, textOf(body), "need one of [1 60 3600 86400]")
	b.send("/rehearse", url.Values{"name": {"healthy-day"}})
	status, _ = b.send("/time", url.Values{"speed": {"60"}})
	require.Equal(t, http.StatusBadRequest, status, "not in a rehearsal")
}

func TestCertificatesAreShownSavedAndVerified(t *testing.T) {
	t.Parallel()
	s := newSite(t, "erase run drive=R1-I1-D09")
	b := s.browser(ownerToken)
	_, body := b.get("/certificates")
	require.Contains(t, textOf(element(t, body, "certificates")), "75NR641-0009 R1-I1-D09")
	_, body = b.get("/certificates/R1-I1-D09")
	text := textOf(body)
	for _, line := range b.answer("erase certificate drive=R1-I1-D09") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			require.Contains(t, text, strings.Join(strings.Fields(name+" "+value), " "), "the page has the lines of the shell")
		}
	}
	_, none := b.get("/certificates/R1-I1-D10")
	require.Contains(t, textOf(none), "No certificate:")
	status, file := b.get("/certificates/R1-I1-D09/file")
	require.Equal(t, http.StatusOK, status)
	_, body = b.file("/verify", "d09.cert", file)
	require.Contains(t, textOf(body), "valid it is as it was written, and the key of facility 75NR641 signed it")
	_, body = b.file("/verify", "d09.cert", strings.Replace(file, "payload\"", "payload \"", 1))
	require.Contains(t, textOf(body), "not valid")
	status, _ = b.get("/certificates/R1-I1-D10/file")
	require.Equal(t, http.StatusNotFound, status)
}

func TestGuestVerifiesACertificateAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "erase run drive=R1-I1-D09")
	g := s.browser(guestToken)
	_, body := g.get("/certificates")
	require.Contains(t, body, `method="post" action="/verify"`, "a guest has the form")
	_, file := g.get("/certificates/R1-I1-D09/file")
	trace, certificate := s.session.Lab().TraceText(), s.answer("erase certificate drive=R1-I1-D09")
	_, body = g.file("/verify", "d09.cert", file)
	require.Contains(t, textOf(body), "valid it is as it was written")
	_, body = g.file("/verify", "d09.cert", "nothing")
	require.Contains(t, textOf(body), "not valid")
	require.Equal(t, trace, s.session.Lab().TraceText())
	require.Equal(t, certificate, s.answer("erase certificate drive=R1-I1-D09"))
	st, _ := s.server.lab.news()
	require.Zero(t, st.Version, "no command ran")
	require.Empty(t, st.History)
}
