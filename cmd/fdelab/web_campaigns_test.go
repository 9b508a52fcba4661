//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWebShowsWhatStatusSays: the numbers of the page are those of fdelab campaign status --json, and somebody who looks
// hinders nobody who runs the campaign.
func TestWebShowsWhatStatusSays(t *testing.T) {
	t.Parallel()
	dir, fdelab := campaigns(t, "drive lifecycles=20 each=5\nidle jobs=3\n")
	look := webOf(t, dir, "--campaign", "a.plan")
	require.Contains(t, look("/campaigns"), "there is no folder a.campaign: its campaign has not begun")
	over := make(chan struct{})
	go func() { // somebody who looks all the time
		for {
			select {
			case <-over:
				return
			default:
				look("/campaigns")
			}
		}
	}()
	outputOf(t, fdelab("run", "a.plan"))
	outputOf(t, fdelab("run", "a.plan"))
	var said campaignJSON
	require.NoError(t, json.Unmarshal([]byte(outputOf(t, fdelab("status", "--json", "a.plan"))), &said))
	close(over)
	deadline, page := time.Now().Add(time.Minute), ""
	for !strings.Contains(page, "done") && time.Now().Before(deadline) {
		page = look("/campaigns/1/" + said.ID)
	}
	r := said.Report
	for _, want := range []string{
		"done", fmt.Sprintf("jobs %d of %d", r.Merged, said.Jobs), fmt.Sprintf("lifecycles and others %d of 23", r.Units), fmt.Sprintf("commands %d", r.Commands),
		fmt.Sprintf("faults that fired %d", r.Faults), fmt.Sprintf("searches for keys %d", r.Searches), fmt.Sprintf("took %v", said.Took.Round(time.Second)),
	} {
		require.Contains(t, page, want)
	}
	for name, n := range r.Endings {
		require.Contains(t, page, fmt.Sprintf("%s %d", name, n))
	}
	for _, s := range said.Sorts {
		require.Contains(t, page, fmt.Sprintf(": %d of %d met", s.Met, s.All))
	}
	for _, name := range said.Missing {
		require.Contains(t, page, name+" not met 0")
	}
	for name, n := range r.Coverage {
		require.Contains(t, page, fmt.Sprintf("%s met %d", name, n))
	}
	for name, w := range said.Workers {
		require.Contains(t, page, fmt.Sprintf("%s %d %d %v %s", name, w.Jobs, w.Units, w.Busy.Round(time.Second), w.Last.UTC().Format(time.DateTime)))
	}
}

var (
	tag    = regexp.MustCompile(`(?s)<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// webOf is fdelab web with some words, and gives the text of its pages.
func webOf(t *testing.T, dir string, words ...string) func(path string) string {
	t.Helper()
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	c := exec.Command(exe, append([]string{"web", "--listen", "127.0.0.1:0", "--ready-file", "ready"}, words...)...)
	c.Dir = dir
	require.NoError(t, c.Start())
	t.Cleanup(func() { _, _ = c.Process.Signal(os.Interrupt), c.Wait() })
	var ready webJSON
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "ready"))
		return err == nil && json.Unmarshal(b, &ready) == nil
	}, time.Minute, 20*time.Millisecond)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := http.Client{Jar: jar}
	get := func(url string) string {
		r, err := browser.Get(url)
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body) // what is there of it is compared
		return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tag.ReplaceAllString(string(b), " ")), " "))
	}
	get(ready.Link)
	return func(path string) string { return get("http://" + ready.Listen + path) }
}

// TestWebCampaignWords: what is wrong with the words is said, and no page is served.
func TestWebCampaignWords(t *testing.T) {
	t.Parallel()
	dir, _ := campaigns(t, "idle jobs=1\n")
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	for words, want := range map[string]string{
		"--campaign b.plan":                       "no plan \"b.plan\"",
		"--campaign a.plan --nkey x":              "are for --nats",
		"--campaign . --nats nats://127.0.0.1:1":  "is a folder, and --nats is given",
		"--nats nats://127.0.0.1:1 --tls-cert me": "--tls-cert and --tls-key go together",
	} {
		c := exec.Command(exe, append([]string{"web", "--listen", "127.0.0.1:0"}, strings.Fields(words)...)...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		require.Error(t, err, words)
		require.Contains(t, string(out), want, words)
	}
}
