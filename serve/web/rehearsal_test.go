package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// send posts a form, and follows to the page that comes next.
func (b *browser) send(path string, form url.Values) (status int, body string) {
	b.t.Helper()
	return b.request(path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// file posts a file.
func (b *browser) file(path, name, content string) (status int, body string) {
	b.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	w, err := m.CreateFormFile("file", name)
	require.NoError(b.t, err)
	_, err = io.WriteString(w, content)
	require.NoError(b.t, err)
	require.NoError(b.t, m.Close())
	return b.request(path, m.FormDataContentType(), &form)
}

func (b *browser) request(path, kind string, content io.Reader) (status int, body string) {
	r, err := http.NewRequest(http.MethodPost, b.at+path, content)
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", b.at)
	answer, err := b.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer.StatusCode, string(text)
}

func TestRehearsalIsPlayedToItsDebrief(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	b, g := s.browser(ownerToken), s.browser(guestToken)
	before := s.session.Lab().TraceText()
	status, body := b.send("/rehearse", url.Values{"name": {"be3400a3-foreign-drive"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, textOf(body), "Step 1 of 9")
	require.Contains(t, textOf(body), "Its rank R0 holds patient records", "the story is told")
	require.Contains(t, textOf(element(t, body, "strip")), "build a facility, in place of one with the same serial number, and go there page: Facility", "the task, and where to do it")
	require.Contains(t, b.run("hint"), "hint: lab new")
	for range 6 {
		b.run("next")
	}
	require.Contains(t, b.run("erase run drive=R1-I1-D05"), "tried on a copy")
	require.Contains(t, b.run("lab new drives=32 serial=75NR641 seed=7"), "facility 75NR641: 2 enclosures", "the command itself is taken")
	_, body = g.get("/rehearsal")
	require.Contains(t, textOf(body), "command 8 of 43", "a guest follows")
	require.Contains(t, textOf(body), "1 hint, 1 wrong turn")
	require.NotContains(t, body, `name="press"`)
	for range 100 {
		b.run("next")
		if st, _ := s.server.lab.news(); st.Story.Ended {
			break
		}
	}
	_, body = b.get("/rehearsal")
	text := textOf(body)
	require.Contains(t, text, "Debrief")
	require.Contains(t, text, "Steps 9 of 9, 43 commands")
	require.Contains(t, text, "Hints 1, at 1 Wrong turns 1")
	require.Contains(t, text, "Events met 1 Events closed 1")
	require.Contains(t, text, "7 erase run drive=R1-I1-D05 refused R1-I1-D05 is empty", "the wrong turn, and its answer: %s", text)
	require.Contains(t, text, `refused event close event=1 why="it will do"`, "the history has the verdict of each command")
	require.Contains(t, text, "foreign drive taken out, new drive put in")
	require.Contains(t, b.run("time now"), "the rehearsal is at its end")
	require.Contains(t, b.run("quit"), "quit")
	require.Equal(t, before, s.session.Lab().TraceText(), "the laboratory is as it was")
	_, body = b.get("/")
	require.Contains(t, textOf(element(t, body, "counts")), "1 rank (1 encrypted)")
	require.Empty(t, textOf(element(t, body, "strip")))
	require.NotContains(t, textOf(element(t, body, "history")), "shelf order", "its history is as it was, too")
}

func TestOwnTranscriptIsPlayed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	status, body := b.file("/rehearse", "mine.txt", "# Mine\n\nLook <b>here</b>.\n\nlab new drives=8\n----\nx\n")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, textOf(body), "Mine mine Step 1 of 1")
	require.Contains(t, body, "Look &lt;b&gt;here&lt;/b&gt;.", "what somebody wrote is text")
	for _, c := range []struct{ content, says string }{
		{"hello", "mine.txt:1: no title"},
		{"", "empty"},
		{strings.Repeat("x", transcriptMost+1), "more than 262144 bytes"},
	} {
		status, body = b.file("/rehearse", "mine.txt", c.content)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, textOf(body), c.says)
	}
	status, body = b.send("/rehearse", url.Values{"name": {"be99"}})
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, textOf(body), `be99`)
}

func TestGuestBeginsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.browser(guestToken)
	status, _ := g.send("/rehearse", url.Values{"name": {"healthy-day"}})
	require.Equal(t, http.StatusForbidden, status)
	status, _ = g.send("/time", url.Values{"speed": {"60"}})
	require.Equal(t, http.StatusForbidden, status)
	st, _ := s.server.lab.news()
	require.Zero(t, st.Version, "nothing happened")
}
