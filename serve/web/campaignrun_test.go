package web

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// wrongDrive writes a program that is a drive with two defects: it counts no wrong PIN, and its EraseMaster erases
// nothing and says that it did. It is the Python drive of proptest/adapters otherwise. The folder is the one in which
// programs are started from then on.
func wrongDrive(t *testing.T) {
	t.Helper()
	if err := exec.Command("python3", "-c", "import cryptography").Run(); err != nil {
		t.Skipf("SKIPPED: there is no Python with cryptography, so no drive is wrong: %v", err)
	}
	b, err := os.ReadFile("../../proptest/adapters/python/drive.py")
	require.NoError(t, err)
	text := string(b)
	for right, wrong := range map[string]string{
		"        slot.tries += 1\n        self.commit()\n        try:":                                      "        try:",
		"            for n in ranges:\n                self.wipe(n)\n\n        self.change(\"EraseMaster\"": "            pass\n\n        self.change(\"EraseMaster\"",
	} {
		require.Equal(t, 1, strings.Count(text, right), "the line to make wrong: %s", right)
		text = strings.Replace(text, right, wrong, 1)
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("drive.py", []byte(text), 0o600))
}

// campaigner is a campaign that runs in a folder. Its worker begins no job behind gate until it is opened.
type campaigner struct {
	plan  *plans.Plan
	dir   string
	url   string // of its server: a secret
	over  chan struct{}
	state *campaign.State // once it is over
	open  func()
}

func begin(t *testing.T, dir, text, worker string, gate uint64) *campaigner {
	t.Helper()
	p, err := plans.Parse(text)
	require.NoError(t, err)
	server, err := campaign.Open(dir)
	require.NoError(t, err)
	gated := make(chan struct{})
	c := &campaigner{plan: p, dir: dir, url: server.URL(), over: make(chan struct{}), open: sync.OnceFunc(func() { close(gated) })}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		nc, err := server.Connect()
		if err == nil {
			err = campaign.Work(ctx, nc, campaign.WorkerOptions{Name: worker, Slots: 2, Programs: campaign.OwnPrograms, Run: func(j *plans.Job) (*plans.Result, error) {
				if j.Number >= gate {
					<-gated
				}
				return j.Run()
			}})
			nc.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	go func() {
		defer close(c.over)
		nc, err := server.Connect()
		if err == nil {
			c.state, err = campaign.Coordinate(ctx, nc, p, campaign.Options{})
			nc.Close()
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		cancel()
		all.Wait()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { c.open(); cancel(); <-c.over })
	return c
}

// finds waits until a reason of a failure has a text, and gives the failure's number. A program may take its time.
func (c *campaigner) finds(t *testing.T, text string) (n int) {
	t.Helper()
	place := campaign.NewFolder(c.dir)
	require.Eventually(t, func() bool {
		all, err := place.Read(t.Context())
		if err != nil || len(all) != 1 {
			return false
		}
		n = slices.IndexFunc(all[0].Report.Findings, func(f plans.Finding) bool { return strings.Contains(f.Why, text) }) + 1
		return n > 0
	}, 5*time.Minute, 200*time.Millisecond, "a failure with %q", text)
	return n
}

// number is what stands in an element of a page, up to the first blank.
func (p *person) number(id string) (n int) {
	p.t.Helper()
	_, err := fmt.Sscan(asks[string](p, fmt.Sprintf(`document.getElementById(%q).innerText`, id)), &n)
	require.NoError(p.t, err, id)
	return n
}

// TestCampaignIsWatchedWhileItRuns: a page is open before the campaign begins. Figures move, a failure comes and is
// opened with the keyboard, it can be copied, a reload shows the same, a guest sees it, and in the end the numbers are
// those that fdelab campaign status --json has.
func TestCampaignIsWatchedWhileItRuns(t *testing.T) {
	wrongDrive(t)
	dir := filepath.Join(t.TempDir(), "night.campaign")
	s := newSiteOf(t, []CampaignPlace{campaign.NewFolder(dir)})
	p := s.person(ownerToken, 1440)
	p.click(`nav a[href="/campaigns"]`)
	p.reads("#campaigns", "its campaign has not begun")

	c := begin(t, dir, "drive lifecycles=40 each=4\nconform seeds=4 only=F12,F15 program=\"python3 drive.py\"\nidle jobs=20", "this <b>machine</b>", 15)
	at := "/campaigns/1/" + c.plan.ID()
	p.sees(fmt.Sprintf(`document.querySelector('a[href=%q]')`, at), "it comes into the list by itself")
	p.click(fmt.Sprintf(`a[href=%q]`, at))
	p.reads("#campaign", "runs")
	p.sees(`parseInt(document.getElementById("commands").innerText) > 0`, "figures are there")
	was := p.number("commands")
	p.sees(fmt.Sprintf(`parseInt(document.getElementById("commands").innerText) > %d || document.querySelector("#failure-1")`, was), "figures move")
	failure := fmt.Sprintf("failure-%d", c.finds(t, "F15 "))
	p.sees(fmt.Sprintf(`document.getElementById(%q)`, failure), "the failures come by themselves")
	p.reads("#failures", "F15 an erase that reports success changed the keys")
	p.reads("#jobs", " of 34")
	p.reads("#workers", "this <b>machine</b> ")

	p.sees(fmt.Sprintf(`(window.pressed = document.getElementById(%q)).focus() || document.activeElement === window.pressed`, failure), "the keyboard is on a failure")
	asks[bool](p, `(document.querySelector("#met-6c6966656379636c65").open = true)`)
	took := asks[string](p, `document.querySelector("#took").innerText`)
	p.sees(fmt.Sprintf(`document.querySelector("#took").innerText !== %q`, took), "the page is renewed each second")
	require.True(t, asks[bool](p, `document.activeElement === window.pressed && window.pressed.isConnected`), "and a link that is just pressed is the same, with the keyboard on it")
	require.True(t, asks[bool](p, `document.querySelector("#met-6c6966656379636c65").open`), "what was opened stays open")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.reads("#why", "sector 0 still reads as the data whose key is gone")
	p.reads("#evidence", "may hold secrets")
	p.reads("#replay", "fdelab conform --replay 'seed=")
	p.reads("#replay", " | write 0 1 1; erase 0 msid; read 0 1' -- python3 drive.py")
	p.reads("#trace", "erase 0 msid -> done")
	p.click("#replay-copy")
	p.sees(`getSelection().toString().trim() === document.querySelector("#replay").innerText.trim()`, "the line is selected")
	before := asks[string](p, `document.querySelector("main").innerText`)
	p.do(chromedp.Reload())
	require.Equal(t, before, asks[string](p, `document.querySelector("main").innerText`))
	g := s.person(guestToken, 400)
	g.open(asks[string](p, "location.pathname"))
	g.reads("#evidence", "may hold secrets")

	p.open(at)
	c.open()
	p.reads("#campaign", "done")
	<-c.over
	p.reads("#jobs", "34 of 34")
	all, err := campaign.NewFolder(dir).Read(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, c.state.Report, all[0].Report)
	p.agrees(c.plan, all[0].State)
	p.do(chromedp.Reload())
	p.agrees(c.plan, all[0].State)
	require.Zero(t, asks[int](g, `document.querySelectorAll("form").length`), "a guest gives no command")
}

// agrees compares a page of a campaign with its state, number by number.
func (p *person) agrees(plan *plans.Plan, s *campaign.State) {
	p.t.Helper()
	r := s.Report
	jobs, _ := plan.Jobs()
	units, _ := plan.Units()
	for id, want := range map[string]string{
		"jobs": ofAll(r.Merged, jobs), "units": ofAll(r.Units, units), "commands": fmt.Sprint(r.Commands), "faults": fmt.Sprint(r.Faults), "searches": fmt.Sprint(r.Searches),
		"took": s.Took.Round(time.Second).String(), "failed": fmt.Sprintf("%d, of %s", r.Failures(), count(len(r.Findings), "sort")), "left": "-", "rate": "-",
	} {
		require.Equal(p.t, want, strings.TrimSpace(asks[string](p, fmt.Sprintf(`document.getElementById(%q).innerText`, id))), id)
	}
	table := func(id string) (rows [][]string) {
		text := asks[string](p, fmt.Sprintf(`JSON.stringify([...document.querySelectorAll("#%s tbody tr")].map(r => [...r.cells].map(c => c.textContent.trim().replace(/\s+/g, " "))))`, id))
		require.NoError(p.t, json.Unmarshal([]byte(text), &rows))
		return rows
	}
	var want [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Endings)) {
		want = append(want, []string{name, fmt.Sprint(r.Endings[name])})
	}
	require.Equal(p.t, want, table("endings"))
	want = nil
	for _, name := range slices.Sorted(maps.Keys(s.Workers)) {
		w := s.Workers[name]
		want = append(want, []string{name, fmt.Sprint(w.Jobs), fmt.Sprint(w.Units), w.Busy.Round(time.Second).String(), stamp(w.Last)})
	}
	require.Equal(p.t, want, table("workers"))
	want = nil
	for i, f := range r.Findings {
		want = append(want, []string{fmt.Sprint(i + 1), f.Ending, f.Kind, fmt.Sprint(f.Count), f.Why})
	}
	require.Equal(p.t, want, table("failures"))
	for _, sort := range plan.Sorts(r) {
		id := fmt.Sprintf("met-%x", sort.Name)
		head := asks[string](p, fmt.Sprintf(`document.querySelector("#%s summary").innerText.replace(/\s+/g, " ").trim()`, id))
		require.Equal(p.t, fmt.Sprintf("%s: %d of %d met", sortTitles[sort.Name], sort.Met, sort.All), head)
		want = nil
		for _, name := range plan.Missing(r) {
			if strings.HasPrefix(name, sort.Name+" ") {
				want = append(want, []string{name, "not met", "0"})
			}
		}
		for _, name := range slices.Sorted(maps.Keys(r.Coverage)) {
			if strings.HasPrefix(name, sort.Name+" ") {
				want = append(want, []string{name, "met", fmt.Sprint(r.Coverage[name])})
			}
		}
		require.Equal(p.t, want, table(id))
	}
}

// TestNoSecretOfAServerStandsOnAnyPage: neither its user and password, nor the token of a folder's server, for nobody,
// while it is there and when it is gone.
func TestNoSecretOfAServerStandsOnAnyPage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a.campaign")
	c := begin(t, dir, "idle jobs=20", "w", 3)
	token, _, _ := strings.Cut(strings.TrimPrefix(c.url, "nats://"), "@")
	all := secrets{token: "the token of the server", "sesame": "a password", ownerToken: "the token"}
	places := []CampaignPlace{
		campaign.NewFolder(dir), campaign.NewElsewhere(campaign.Outside{URL: c.url}),
		campaign.NewElsewhere(campaign.Outside{URL: "nats://me:sesame@127.0.0.1:1"}), campaign.NewElsewhere(campaign.Outside{URL: "nats://me:sesame@127.0.0.1:1/ %%"}),
	}
	s := newSiteOf(t, places)
	o, g := s.browser(ownerToken), s.browser(guestToken)
	pages := []string{"/campaigns"}
	for n := range 3 {
		pages = append(pages, fmt.Sprintf("/campaigns/%d/%s", n+1, c.plan.ID()))
	}
	look := func() {
		for range 3 {
			all.visit(t, "the owner", o, pages...)
			all.visit(t, "a guest", g, pages...)
		}
	}
	stream := g.live("at=" + strings.Join(pages, "&at="))
	all.look(t, "who is told", g.until(stream, "3 of 20"))
	look()
	_, body := o.get(pages[2])
	require.Contains(t, textOf(body), "3 of 20", "the page of the server says what the campaign is")
	c.open()
	<-c.over
	all.look(t, "who is told", g.until(stream, "does not answer"))
	look()
	// A page does not wait for a folder that is slow to read: it shows what was read last.
	require.Eventually(t, func() bool {
		_, body = o.get(pages[1])
		return strings.Contains(textOf(body), "20 of 20")
	}, time.Minute, 100*time.Millisecond)
}
