package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

func (s *site) connect() *Client {
	s.t.Helper()
	c, err := Connect(Link(strings.TrimPrefix(s.at, "http://"), ownerToken))
	require.NoError(s.t, err)
	return c
}

// lines runs a script and gives what it printed and each verdict.
func lines(t *testing.T, s console.Runner, script string) (out string, verdicts []console.Verdict, errs []string) {
	t.Helper()
	var b bytes.Buffer
	_, err := console.RunScript(s, strings.NewReader(script), &b, false, func(_ int, v console.Verdict, err error) {
		verdicts = append(verdicts, v)
		if err != nil {
			errs = append(errs, console.ErrorText(err))
		}
	})
	require.NoError(t, err)
	return b.String(), verdicts, errs
}

// TestAConnectedShellSaysWhatOneOfThisProcessSays: output, verdicts and errors of each line are the same, also where
// lines are not understood, refused, or fail. Its commands stand in the history of the pages.
func TestAConnectedShellSaysWhatOneOfThisProcessSays(t *testing.T) {
	const script = "array create site=S1; rank create array=A0\nrank show\nnonsense; time now\nkeygrp configure\n" +
		"keygrp configure; time now\ndrive break drive=R1-I1-D03\ntime advance by=9h\nerase run drive=R1-I1-D03\nquit\ntime advance by=1h\n"
	at := newSite(t)
	here := console.NewSession(console.Options{Seed: 7, Start: true})
	defer here.Close()
	wantOut, wantVerdicts, wantErrs := lines(t, here, script)
	c := at.connect()
	out, verdicts, errs := lines(t, c, script)
	require.Equal(t, wantOut, out)
	require.Equal(t, wantVerdicts, verdicts)
	require.Equal(t, wantErrs, errs)
	require.Contains(t, verdicts, console.NotUnderstood)
	require.Contains(t, verdicts, console.Refused)
	require.Contains(t, verdicts, console.Failed)
	require.Equal(t, here.Lab().TraceText(), at.session.Lab().TraceText())
	require.Equal(t, here.Prompt(), c.Prompt())
	require.Equal(t, len(here.Lab().Drives()), c.Drives())
	require.Equal(t, console.Complete(here, "rank s"), c.Complete("rank s"))
	facilities, err := c.Facilities()
	require.NoError(t, err)
	require.Len(t, facilities, 1)

	st, _ := at.server.lab.news()
	require.Equal(t, "time advance by=9h0m0s", st.History[1].Line)
	_, page := at.browser(ownerToken).get("/")
	require.Contains(t, page, "R1-I1-D03")
}

// TestAConnectedShellStops: what stands behind an error is not run there either.
func TestAConnectedShellStops(t *testing.T) {
	c := newSite(t).connect()
	c.Stop = true
	ran := 0
	c.Each("keygrp configure; keygrp configure; time advance by=1h", io.Discard, func(err error) bool {
		ran++
		return err == nil
	})
	require.Equal(t, 2, ran)
	out, _, _ := lines(t, c, "time now\n")
	require.Contains(t, out, "08:00:00")
}

// TestWhoMayConnect: the owner, from a program. A guest, a stranger and a page from elsewhere do nothing, and no
// error holds a token.
func TestWhoMayConnect(t *testing.T) {
	at := newSite(t)
	for token, says := range map[string]string{guestToken: "a guest looks, and gives no command", "another": "this is not the token"} {
		_, err := Connect(Link(strings.TrimPrefix(at.at, "http://"), token))
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), token)
	}
	for _, link := range []string{"", at.at, "https://127.0.0.1:1/enter?token=secret", "http://%zz?token=secret"} {
		_, err := Connect(link)
		require.ErrorContains(t, err, "is right")
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := Connect("http://127.0.0.1:1/enter?token=secret")
	require.ErrorContains(t, err, "does not answer")
	require.NotContains(t, err.Error(), "secret")

	post := func(change func(http.Header)) int {
		r, err := http.NewRequest(http.MethodPost, at.at+"/shell", strings.NewReader(`{"line":"keygrp configure"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+ownerToken)
		change(r.Header)
		got, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		return got.StatusCode
	}
	require.Equal(t, http.StatusForbidden, post(func(h http.Header) { h.Set("Origin", "http://evil.example") }))
	require.Equal(t, http.StatusForbidden, post(func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") }))
	require.Equal(t, http.StatusForbidden, post(func(h http.Header) { h.Del("Authorization") }))
	require.Empty(t, at.session.Lab().Groups())
	require.Equal(t, http.StatusOK, post(func(http.Header) {}))
	require.Len(t, at.session.Lab().Groups(), 1)
}

// far is DSCLI at a site, with answers to its questions.
func (s *site) far(answers ...string) (*dscli.Session, *[]string) {
	var asked []string
	return dscli.NewSession(dscli.Options{
		Lab: console.NewSession(console.Options{}).Lab, Elsewhere: s.connect().DSCLI,
		Ask: func(prompt string) (string, error) {
			asked = append(asked, prompt)
			if len(answers) == 0 {
				return "", io.EOF
			}
			answer := answers[0]
			answers = answers[1:]
			return answer, nil
		},
	}), &asked
}

// TestConnectedDSCLI: questions are asked where the person is, each with what was said before it, and what was
// answered before is not asked again.
func TestConnectedDSCLI(t *testing.T) {
	at := newSite(t, "array create site=S1", "rank create array=A0", "array create site=S2", "rank create array=A1")
	run := func(s *dscli.Session, line string) (string, *dscli.Error) {
		var out, errOut bytes.Buffer
		err := s.Run(line, &out, &errOut)
		var failed *dscli.Error
		if err != nil {
			require.ErrorAs(t, err, &failed)
			require.Contains(t, errOut.String(), failed.ID)
		}
		return out.String(), failed
	}
	s, asked := at.far("y", "n")
	out, failed := run(s, "rmrank R0 R1")
	require.Nil(t, failed)
	require.Len(t, *asked, 2)
	require.Contains(t, (*asked)[0], "R0")
	require.Contains(t, (*asked)[1], "R1")
	require.Equal(t, 1, strings.Count(out, "R0"), out)
	require.Len(t, at.session.Lab().Ranks(), 1)

	s, asked = at.far() // nobody answers
	_, failed = run(s, "rmrank R1")
	require.Equal(t, "CMUC90066E", failed.ID)
	require.Len(t, *asked, 1)
	require.Len(t, at.session.Lab().Ranks(), 1)

	out, failed = run(s, "lsrank -bnr off")
	require.Nil(t, failed)
	var want bytes.Buffer
	require.NoError(t, dscli.NewSession(dscli.Options{Lab: at.session.Lab}).Run("lsrank -bnr off", &want, io.Discard))
	require.Equal(t, want.String(), out)

	_, failed = run(s, "rmrank R7")
	require.Equal(t, dscli.ExitApplication, failed.Exit)
	_, failed = run(s, "lsnonsense")
	require.Equal(t, dscli.ExitSyntax, failed.Exit)
}

// TestAQuestionThatIsLate: it was answered with no by then, and the answer says so.
func TestAQuestionThatIsLate(t *testing.T) {
	at := newSite(t, "array create site=S1", "rank create array=A0")
	at.server.patience = time.Millisecond
	asked := 0
	s := dscli.NewSession(dscli.Options{
		Lab: console.NewSession(console.Options{}).Lab, Elsewhere: at.connect().DSCLI,
		Ask: func(string) (string, error) {
			asked++
			require.Eventually(t, func() bool { return at.server.asked.Load() == nil }, time.Minute, time.Millisecond)
			return "y", nil
		},
	})
	err := s.Run("rmrank R0", io.Discard, io.Discard)
	require.ErrorContains(t, err, "it was answered with no")
	require.Equal(t, 1, asked)
	require.Len(t, at.session.Lab().Ranks(), 1)
}

// TestAQuestionHoldsUpNobodyWhoLooks: pages of the facility come while it waits, and no command does. Who asked and is
// gone has answered with no.
func TestAQuestionHoldsUpNobodyWhoLooks(t *testing.T) {
	at := newSite(t, "array create site=S1", "rank create array=A0")
	at.server.patience = time.Hour
	c := at.connect()
	body, err := c.post("/dscli", dscli.Call{Line: "rmrank R0", User: "admin"})
	require.NoError(t, err)
	var said dscliSaid
	require.NoError(t, c.read(json.NewDecoder(body), &said))
	require.Contains(t, said.Question, "R0")
	status, _ := at.browser(guestToken).get("/drive/R1-I1-D03")
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, c.Complete("rank "))
	require.False(t, at.server.lab.turn.TryLock(), "the next command waits")
	require.NoError(t, body.Close()) // gone
	out, _, errs := lines(t, at.connect(), "time now\n")
	require.Empty(t, errs)
	require.Contains(t, out, "08:00:00")
	require.Len(t, at.session.Lab().Ranks(), 1)
}
