package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

func TestNobodySeesAPageWithoutAToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	for _, token := range []string{"", "wrong", ownerToken + "x", ownerToken[:len(ownerToken)-1]} {
		b := s.browser("")
		if token != "" {
			status, body := b.get("/enter?token=" + url.QueryEscape(token))
			require.Equal(t, http.StatusUnauthorized, status, "a wrong token is refused")
			require.NotContains(t, body, "75NR641")
		}
		for _, at := range append(s.addresses(), "/live?at=/", "/complete?line=") {
			status, body := b.get(at)
			require.Equal(t, http.StatusUnauthorized, status, "%s needs a token", at)
			require.NotContains(t, body, "75NR641", "%s says nothing of the facility", at)
		}
		status, _ := b.post(url.Values{"line": {"time advance by=1h"}}, "Origin", s.at)
		require.Equal(t, http.StatusUnauthorized, status, "a command needs a token")
	}
	require.Zero(t, s.server.lab.state.Load().Version, "no command ran")
}

func TestNoGuestWhereNoneWasAsked(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Session: console.NewSession(console.Options{}), Listen: "127.0.0.1:1", Token: ownerToken})
	require.NoError(t, err)
	require.Equal(t, Nobody, s.roleOf(""), "an empty cookie is no guest's")
	require.Equal(t, Owner, s.roleOf(ownerToken))
}

func TestCookieOfTheTokenStaysHere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, err := http.Get(s.at + "/enter?token=" + ownerToken)
	require.NoError(t, err)
	defer r.Body.Close()
	require.Len(t, r.Cookies(), 1)
	c := r.Cookies()[0]
	require.True(t, c.HttpOnly, "no script reads it")
	require.Equal(t, http.SameSiteStrictMode, c.SameSite, "no other site sends it")
	u, err := url.Parse(s.at)
	require.NoError(t, err)
	require.Equal(t, "fdelab-"+u.Port(), c.Name, "a second laboratory at another port has a cookie of its own")
	require.Equal(t, "0; url=/", r.Header.Get("Refresh"), "the address without the token comes next")
}

func TestOnlyTheNamesOfThisServerAreAnswered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen, host string
		ours         bool
	}{
		{"127.0.0.1:8980", "127.0.0.1:8980", true},
		{"127.0.0.1:8980", "localhost:8980", true},
		{"127.0.0.1:8980", "[::1]:8980", true},
		{"127.0.0.1:8980", "evil.example:8980", false},
		{"127.0.0.1:8980", "127.0.0.1.evil.example", false},
		{"127.0.0.1:8980", "192.0.2.7:8980", false},
		{"127.0.0.1:8980", "", false},
		{"192.0.2.7:8980", "192.0.2.7:8980", true},
		{"192.0.2.7:8980", "evil.example:8980", false},
		{"lab.example:8980", "lab.example:8980", true},
		{"lab.example:8980", "evil.example:8980", false},
	} {
		s, err := New(Options{Session: console.NewSession(console.Options{}), Listen: c.listen, Token: ownerToken})
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Equal(t, !c.ours, w.Code == http.StatusMisdirectedRequest, "at %s, Host %q: %d", c.listen, c.host, w.Code)
	}
}

func TestCommandsComeFromThisServersPagesOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	form := url.Values{"line": {"time advance by=1h"}}
	port := s.at[strings.LastIndex(s.at, ":"):]
	for _, headers := range [][]string{
		nil,
		{"Origin", ""},
		{"Origin", "null"},
		{"Origin", "http://evil.example"},
		{"Origin", "http://127.0.0.1:1"},
		{"Origin", "http://localhost" + port},
		{"Origin", "https://127.0.0.1" + port},
		{"Origin", s.at, "Sec-Fetch-Site", "cross-site"},
		{"Origin", s.at, "Sec-Fetch-Site", "same-site"},
	} {
		status, _ := b.post(form, headers...)
		require.Equal(t, http.StatusForbidden, status, "%v is not our page", headers)
	}
	status, _ := b.get("/run?line=time+advance+by%3D1h")
	require.NotEqual(t, http.StatusOK, status, "a link is no command")
	require.Zero(t, s.server.lab.state.Load().Version, "no command ran")
	status, _ = b.post(form, "Origin", s.at, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 1, s.server.lab.state.Load().Version, "the command of our own page ran")
}

// inline is script or style in the markup, which the policy would refuse, and an address elsewhere.
var inline = regexp.MustCompile(`(?i)<script(>|[^>]*>[^<])|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|(href|src|action)="(https?:|//)`)

func TestPagesHoldThePolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	b := s.browser(ownerToken)
	for _, at := range s.addresses() {
		r, err := b.Get(s.at + at)
		require.NoError(t, err)
		text, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Empty(t, inline.FindString(string(text)), "%s has no inline code and nothing from elsewhere", at)
		policy := r.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "script-src 'self';")
		require.NotContains(t, policy, "unsafe")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "same-origin", r.Header.Get("Referrer-Policy"), "nobody else learns an address")
		require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	}
	for _, bad := range []string{`<a onclick="x">`, `<p style="x">`, "<script>x</script>", `<script src="https://a.example/x.js">`} {
		require.NotEmpty(t, inline.FindString(bad), "the test would see %s", bad)
	}
}

func TestTooLongACommandIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	status, body := b.post(url.Values{"line": {strings.Repeat("x", bodyMost)}}, "Origin", s.at)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Contains(t, body, "16384 bytes", "the answer says how much is right")
	require.Zero(t, s.server.lab.state.Load().Version, "no command ran")
}

func TestGuestLooksAndDoesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	g, o := s.browser(guestToken), s.browser(ownerToken)
	for _, at := range s.addresses() {
		status, body := g.get(at)
		owners, full := o.get(at)
		require.Equal(t, owners, status, "a guest sees %s as the owner does", at)
		require.NotContains(t, body, `name="press"`, "no button on %s", at)
		require.NotContains(t, strings.ReplaceAll(body, `method="post" action="/verify"`, ""), `method="post"`, "no form on %s but that for certificates, which changes nothing", at)
		require.Contains(t, body, "guest: you look", "%s says that one is a guest", at)
		require.NotContains(t, full, "guest: you look")
	}
	status, _ := g.post(url.Values{"line": {"time advance by=1h"}}, "Origin", s.at)
	require.Equal(t, http.StatusForbidden, status)
	require.Zero(t, s.server.lab.state.Load().Version, "no command ran")
	_, ways := g.get("/complete?line=time+")
	require.NotContains(t, ways, "<option", "a guest has no command to complete")
	first := g.update(g.live("at=/clock"))
	require.NotContains(t, first, `name="press"`, "nor is one sent later")
}
