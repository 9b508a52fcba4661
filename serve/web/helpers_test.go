package web

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// incident is a facility with something on every page: an encrypted rank, a dead drive, a key server that is down.
var incident = []string{
	"keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", `rank write rank=R0 lba=0 count=16 text="invoices"`,
	"drive break drive=R1-I1-D03", "keyserver stop keyserver=2", "time advance by=9h", "repair start drive=R1-I1-D03",
}

// site is a server of pages, and who looks at it.
type site struct {
	t       *testing.T
	server  *Server
	at      string // http://127.0.0.1:PORT
	session *console.Session
}

const (
	ownerToken = "token-of-the-owner"
	guestToken = "token-of-the-guest"
)

func newSite(t *testing.T, lines ...string) *site {
	t.Helper()
	return newSiteOf(t, nil, lines...)
}

// newSiteOf is newSite with places of campaigns.
func newSiteOf(t *testing.T, places []CampaignPlace, lines ...string) *site {
	t.Helper()
	session := console.NewSession(console.Options{Seed: 7, Start: true})
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	for _, line := range lines {
		_ = session.Run(line, io.Discard) // some are refused on purpose
	}
	ts := httptest.NewUnstartedServer(nil)
	s, err := New(Options{Session: session, Listen: ts.Listener.Addr().String(), Token: ownerToken, Guest: guestToken, Campaigns: places})
	require.NoError(t, err)
	ts.Config = NewHTTPServer(s)
	ts.Start()
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close(); s.board.close() })
	return &site{t: t, server: s, at: ts.URL, session: session}
}

// browser is somebody who may have entered.
type browser struct {
	*site
	http.Client
}

func (s *site) browser(token string) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	b := &browser{site: s, Client: http.Client{Jar: jar}}
	if token != "" {
		status, _ := b.get("/enter?token=" + token)
		require.Equal(s.t, http.StatusOK, status, "the link is taken")
	}
	return b
}

func (b *browser) get(path string) (status int, body string) {
	b.t.Helper()
	r, err := b.Get(b.at + path)
	require.NoError(b.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(b.t, err)
	return r.StatusCode, string(text)
}

// post sends a form, with headers in pairs; an Origin is needed as a browser sends it.
func (b *browser) post(form url.Values, headers ...string) (status int, body string) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.at+"/run", strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer.StatusCode, string(text)
}

// run gives a command as the foot of a page does, and returns what stands there then.
func (b *browser) run(line string) string {
	b.t.Helper()
	status, body := b.post(url.Values{"line": {line}}, "Origin", b.at, "HX-Request", "true")
	require.Equal(b.t, http.StatusOK, status, "%s: %s", line, body)
	return textOf(body)
}

// live opens the stream of updates of a page.
func (b *browser) live(query string) *bufio.Reader {
	b.t.Helper()
	r, err := b.Get(b.at + "/live?" + query)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = r.Body.Close() })
	require.Equal(b.t, http.StatusOK, r.StatusCode)
	return bufio.NewReader(r.Body)
}

// update reads a stream up to the end of an event, and gives its lines.
func (b *browser) update(r *bufio.Reader) string {
	b.t.Helper()
	var event strings.Builder
	for {
		line, err := r.ReadString('\n')
		require.NoError(b.t, err, "the stream goes on")
		if line == "\n" {
			return event.String()
		}
		event.WriteString(line)
	}
}

// news is update, past what says only that the server is there.
func (b *browser) news(r *bufio.Reader) string {
	b.t.Helper()
	for {
		if got := b.update(r); got != ": here\n" {
			return got
		}
	}
}

var (
	attribute = regexp.MustCompile(`data-cmd="([^"]*)"`)
	tags      = regexp.MustCompile(`(?s)<[^>]*>`)
	blanks    = regexp.MustCompile(`[ \n]+`)
)

// textOf is what a person reads of some HTML, with one blank between words.
func textOf(body string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(body, " ")), " "))
}

// element is the text of the element with an identifier, up to the next one of the same kind that ends.
func element(t *testing.T, body, id string) string {
	t.Helper()
	m := regexp.MustCompile(`<(\w+)[^>]*\bid="` + regexp.QuoteMeta(id) + `"`).FindStringSubmatchIndex(body)
	require.NotNil(t, m, "there is an element %s", id)
	kind := body[m[2]:m[3]]
	depth := 0
	for _, tag := range regexp.MustCompile(`</?`+kind+`\b[^>]*>`).FindAllStringIndex(body[m[0]:], -1) {
		if body[m[0]+tag[0]+1] == '/' {
			depth--
		} else {
			depth++
		}
		if depth == 0 {
			return body[m[0] : m[0]+tag[1]]
		}
	}
	require.Fail(t, "no end", "the element %s ends", id)
	return ""
}

// addresses are those of all pages of a facility.
func (s *site) addresses() []string {
	st := s.server.lab.state.Load()
	all := []string{"/", "/sfi", "/events", "/events?which=open&words=drive&by=SRC", "/keymgr", "/clock", "/retrieval", "/encryption", "/certificates", "/certificates/R1-I1-D01", "/hands", "/rehearsal", "/campaigns", "/campaigns/1/0", "/nowhere", "/drive/R9-I9-D99"}
	for _, e := range st.Enclosures {
		for _, d := range e.Slots {
			all = append(all, "/drive/"+d.Slot)
		}
	}
	for _, r := range st.Ranks {
		all = append(all, "/rank/"+r.ID)
	}
	for _, e := range st.Events {
		all = append(all, fmt.Sprintf("/events/%d", e.ID))
	}
	for _, m := range st.Managers {
		all = append(all, fmt.Sprintf("/keymgr/%d", m.ID))
	}
	return all
}

// all are the parts of a page.
func (s *Server) all(at string, role Role) []rendered {
	_, own, everywhere := s.look(context.Background(), s.lab.state.Load(), at, role)
	return append(own, everywhere...)
}
