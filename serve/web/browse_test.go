package web

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

// clicked are the rehearsals that a person with a mouse plays, of different kinds: a day on which nothing breaks, somebody
// else's drive, worn flash, a key server that is down, a certificate that runs out, a drive that was not erased. They do
// not run beside each other: a browser hardly draws a page that is not in front.
var clicked = []string{
	"healthy-day", "be3400a3-foreign-drive", "be31f004-worn-flash", "be14cfea-periodic-retrieval-fails", "be14eaf4-certificate-runs-out", "be34009e-repair",
}

func TestRehearsalsAreClickedFromFirstToLast(t *testing.T) {
	for _, name := range clicked {
		t.Run(name, func(t *testing.T) {
			found, err := rehearsals.Find(name)
			require.NoError(t, err)
			s := newSite(t)
			p := s.person(ownerToken, 1440)
			p.click(`nav a[href="/rehearsal"]`)
			p.click(fmt.Sprintf(`[aria-label="Begin %s"]`, name))
			p.reads("#strip", "command 1 of")
			pressed := 0
			for _, step := range found[0].Steps {
				for _, c := range step.Commands {
					if p.plays(c.Text) {
						pressed++
					}
				}
			}
			require.Positive(t, pressed, "some commands have their button on the page that the strip names")
			p.reads("#strip", "to the debrief")
			p.click(`#strip a[href="/rehearsal"]`)
			p.reads("h1", "Debrief")
			text := asks[string](p, `document.querySelector("article").innerText.replace(/\s+/g, " ")`)
			require.Contains(t, text, "Done for the trainee none")
			require.Contains(t, text, "Wrong turns 0")
			p.do(chromedp.Reload())
			p.reads("h1", "Debrief")
			p.click(`[data-cmd="quit"]`)
			p.reads("#rehearsal h1", "Rehearsals")
			t.Logf("%s: %d commands by their buttons, the others typed", name, pressed)
		})
	}
}

// buttons are those that stand for commands, on the page itself, in its head, and in the drawer of hands.
const buttons = `[...document.querySelectorAll("main [data-cmd], .clock [data-cmd], #drawer:not([hidden]) [data-cmd]")]`

// plays does the next command of a rehearsal, which is line: it follows the strip to its page, and presses its button
// there; where there is none it types it. It says whether there was a button.
func (p *person) plays(line string) (pressed bool) {
	p.t.Helper()
	st, _ := p.server.lab.news()
	number := st.Story.Command
	shown, err := console.Shown(line)
	require.NoError(p.t, err)
	where := st.Story.Place.path
	switch {
	case where == "/hands":
		if asks[bool](p, `document.querySelector("#drawer").hidden`) {
			p.click(`#strip a[href="/hands"]`)
		}
		p.sees(`document.querySelector("#drawer:not([hidden]) [data-cmd]")`, "the strip leads to the drawer")
	case asks[string](p, "location.pathname") != where:
		p.click(`#strip a[href="` + where + `"]`)
		p.sees(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", where), "the strip leads to "+where)
	}
	for i, button := range asks[[]string](p, buttons+".map(b => b.dataset.cmd)") {
		if means, err := console.Shown(button); err == nil && slices.Equal(means, shown) {
			// A person scrolls to a button that the foot of the page covers.
			asks[bool](p, fmt.Sprintf(`(document.querySelector("#found")?.removeAttribute("id"), (b => (b.id = "found", b.scrollIntoView({block: "center"}), true))(%s[%d]))`, buttons, i))
			p.click("#found")
			pressed = true
			break
		}
	}
	if !pressed {
		p.types(line)
	}
	next := fmt.Sprintf("command %d of", number+1)
	if number == st.Story.Commands {
		next = "to the debrief"
	}
	p.reads("#strip", next)
	return pressed
}

func TestTwoBrowsersAndAGuestSeeEachOther(t *testing.T) {
	s := newSite(t, incident[:4]...)
	one, other, guest := s.person(ownerToken, 1440), s.person(ownerToken, 1000), s.person(guestToken, 400)
	require.Equal(t, 0, asks[int](guest, `document.querySelectorAll("[data-cmd], form").length`), "a guest has no button")
	one.takesHands()
	one.fills(`#drawer [name="arg.drive"]`, "R1-I1-D03")
	one.click(`button[value="drive break"]`)
	one.reads("#said", "answers nothing any more")
	one.click(`.clock [data-cmd="time advance by=1h"]`)
	for _, p := range []*person{other, guest} {
		p.reads("#clock", "2026-01-05 09:00:00")
		p.sees(`document.querySelector("#d-R1-I1-D03").textContent.includes("silent")`, "the drive is seen silent by another")
	}
	other.types("drive pull drive=R9-I9-D99")
	other.reads("#said", "refused")
	other.focuses("#prompt")
	other.do(chromedp.KeyEvent(kb.ArrowUp))
	require.Equal(t, "drive pull drive=R9-I9-D99", asks[string](other, `document.querySelector("#prompt").value`), "the last line comes back")
	asks[string](other, `document.querySelector("#prompt").value = ""`)
	other.focuses("#prompt")
	other.do(chromedp.KeyEvent("keygrp testa"))
	other.sees(`[...document.querySelectorAll("#ways option")].some(o => o.value === "keygrp testaccess")`, "a line is completed")
	guest.sees(`document.querySelector("#history").textContent.includes("R9-I9-D99")`, "a guest sees what was done")
}

func TestLostConnectionComesBack(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serve := func(l net.Listener) *http.Server {
		h := NewHTTPServer(s.server)
		go func() { _ = h.Serve(l) }()
		return h
	}
	first := serve(l)
	s.at = "http://" + l.Addr().String()
	var second *http.Server
	t.Cleanup(func() { // after the browser is gone, which would tell of this, too
		if second != nil {
			_ = second.Close()
		}
	})
	p := s.person(ownerToken, 1440)
	p.sees(`document.readyState === "complete"`, "the page has what it needs")
	p.loses()
	require.NoError(t, first.Close())
	p.sees(`!document.querySelector("#lost").hidden`, "a lost connection is told")
	require.NotEmpty(t, asks[string](p, `document.querySelector("#counts").innerText`), "the page stays readable")
	s.server.lab.run("time advance by=5h")
	again, err := net.Listen("tcp", l.Addr().String())
	require.NoError(t, err)
	second = serve(again)
	p.sees(`document.querySelector("#lost").hidden`, "it comes back")
	p.reads("#clock", "2026-01-05 13:00:00")
}

func TestWorkerThatCannotBeFetchedIsALostConnection(t *testing.T) {
	s := newSite(t)
	var there atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/static/worker.js" && !there.Load() {
			panic(http.ErrAbortHandler)
		}
		s.server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	s.at = front.URL
	p := s.person(ownerToken, 1440)
	p.loses()
	p.sees(`!document.querySelector("#lost").hidden`, "it is told")
	s.server.lab.run("time advance by=5h")
	there.Store(true)
	p.sees(`document.querySelector("#lost").hidden`, "it is tried again")
	p.reads("#clock", "2026-01-05 13:00:00")
}

// tab opens another tab of the same browser.
func (p *person) tab(path string) *person {
	p.t.Helper()
	ctx, leave := chromedp.NewContext(p.ctx)
	p.t.Cleanup(leave)
	require.NoError(p.t, chromedp.Do(ctx))
	other := &person{site: p.site, ctx: ctx}
	other.open(path)
	return other
}

// hides tells a page that it is hidden, or seen again. A browser without a screen says of all its tabs that they are seen.
func (p *person) hides(yes bool) {
	p.t.Helper()
	asks[bool](p, fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %v, configurable: true}); document.dispatchEvent(new Event("visibilitychange"))`, yes))
}

func TestEightWindowsOfOneBrowserAreKeptUpToDate(t *testing.T) {
	s := newSite(t, incident...)
	first := s.person(ownerToken, 1440)
	all := []*person{first}
	for n, path := range []string{"/clock", "/drive/R1-I1-D03", "/events/1", "/clock", "/keymgr", "/hands", "/sfi"} {
		one := first.tab(path)
		one.sees(`document.readyState === "complete"`, fmt.Sprintf("window %d has loaded", n+2))
		all = append(all, one)
	}
	all[7].types("time advance by=5h")
	for _, p := range all {
		p.reads("#clock", "2026-01-05 22:00:00")
	}
	first.types("drive pull drive=R1-I1-D05")
	for _, p := range all {
		p.sees(`document.querySelector("#history").textContent.includes("drive pull drive=R1-I1-D05")`, "each window is told of a command")
	}
	all[3].open("/drive/R1-I1-D05")
	all[3].reads("#drive", "empty")
	all[1].open("/encryption")
	all[6].types("time advance by=1h")
	for _, p := range all {
		p.reads("#clock", "2026-01-05 23:00:00")
	}
	require.Len(t, s.server.lives, 1, "they share one stream")
}

func TestWindowThatNobodySeesIsToldNothing(t *testing.T) {
	s := newSite(t)
	first := s.person(ownerToken, 1440)
	last := first.tab("/clock")
	first.hides(true)
	last.types("time advance by=5h")
	last.reads("#clock", "2026-01-05 13:00:00")
	require.Contains(t, asks[string](first, `document.querySelector("#clock").innerText`), "08:00:00", "who does not look is told nothing")
	last.hides(true)
	first.hides(false)
	first.reads("#clock", "2026-01-05 13:00:00")
	first.types("time advance by=1h")
	first.reads("#clock", "2026-01-05 14:00:00")
}

func TestWithoutSharedWorkersEachWindowHasAStream(t *testing.T) {
	s := newSite(t)
	p := s.person(ownerToken, 1440)
	p.do(call(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: "delete window.SharedWorker"}))
	p.open("/clock")
	require.Equal(t, "undefined", asks[string](p, "typeof SharedWorker"))
	p.types("time advance by=5h")
	p.reads("#clock", "2026-01-05 13:00:00")
}

func TestWhatIsTypedOutlivesAnUpdateOfOtherParts(t *testing.T) {
	s := newSite(t, incident...)
	p := s.person(ownerToken, 1440)
	p.open("/events/1")
	p.fills("#why", "cable changed")
	p.hides(true)
	s.server.lab.run("time now")
	p.hides(false)
	p.sees(`document.querySelector("#history").textContent.includes("time now")`, "all parts came, because the page was not told for a while")
	require.Equal(t, "cable changed", asks[string](p, `document.querySelector("#why").value`))
}

func TestReloadShowsTheSame(t *testing.T) {
	s := newSite(t, incident...)
	p := s.person(ownerToken, 1440)
	for _, path := range []string{"/", "/drive/R1-I1-D03", "/events/1", "/hands"} {
		p.open(path)
		before := asks[string](p, `document.querySelector("main").innerText`)
		p.do(chromedp.Reload())
		require.Equal(t, before, asks[string](p, `document.querySelector("main").innerText`), "%s after a reload", path)
	}
}

//go:embed testdata/axe.min.js
var axe string

// finding is what axe-core has against a page.
type finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Nodes  []string `json:"nodes"`
}

// judges asks axe-core about a page; rules narrows what it looks at.
func (p *person) judges(path, rules string) {
	p.t.Helper()
	judge := `axe.run(document, {resultTypes: ["violations"]%s}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html.slice(0, 200) + " " + (n.any[0]?.message || ""))}))))`
	require.True(p.t, asks[bool](p, axe+"; true"))
	var all []finding
	require.NoError(p.t, json.Unmarshal([]byte(asks[string](p, fmt.Sprintf(judge, rules))), &all))
	for _, f := range all {
		require.NotContains(p.t, []string{"serious", "critical"}, f.Impact, "%s: %s: %s", path, f.ID, strings.Join(f.Nodes, "\n"))
	}
}

func TestPagesAreForEverybody(t *testing.T) {
	s := newSite(t, scene()...)
	p := s.person(ownerToken, 1440)
	for _, scene := range scenes {
		p.open(scene.path)
		p.do(scheme("light"))
		p.judges(scene.path, "")
		if slices.Contains([]string{"/", "/events/1", "/encryption", "/hands", "/drive/R1-I1-D12", "/rank/R0", "/clock"}, scene.path) { // they have all colours
			p.do(scheme("dark"))
			p.judges(scene.path, `, runOnly: ["color-contrast"]`)
		}
	}
	for _, prefers := range []string{"light", "dark"} {
		p.open("/")
		p.do(scheme(prefers))
		p.takesHands()
		p.judges("the drawer, "+prefers, "")
	}
	s.server.lab.begin("healthy-day", mustRehearsal(t, "healthy-day"))
	p.open("/rehearsal")
	p.judges("/rehearsal, played", "")
	for st, _ := s.server.lab.news(); !st.Story.Ended; st, _ = s.server.lab.news() {
		s.server.lab.run("next")
	}
	for _, prefers := range []string{"light", "dark"} {
		p.open("/rehearsal")
		p.do(scheme(prefers))
		p.judges("the debrief, "+prefers, "")
	}
}

func mustRehearsal(t *testing.T, name string) *console.Transcript {
	found, err := rehearsals.Find(name)
	require.NoError(t, err)
	return found[0].Transcript
}

// fits says whether a page is as wide as its window, and no wider.
func (p *person) fits(what string) {
	p.t.Helper()
	for _, width := range []int64{400, 800, 2560} {
		p.do(chromedp.EmulateViewport(width, 900))
		over := asks[float64](p, `Math.max(document.documentElement.scrollWidth - innerWidth, (d => d && !d.hidden ? d.scrollWidth - d.clientWidth : 0)(document.querySelector("#drawer")))`)
		wide := ""
		if over > 0 {
			wide = asks[string](p, `[...document.querySelectorAll("main *, #drawer *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll")).map(e => e.outerHTML.slice(0, 120)).slice(-3).join("\n")`)
		}
		require.LessOrEqual(p.t, over, 0.0, "%s at %d pixels: %s", what, width, wide)
	}
}

func TestNoPageIsWiderThanItsWindow(t *testing.T) {
	s := newSite(t, scene()...)
	p := s.person(ownerToken, 400)
	for _, scene := range scenes {
		p.open(scene.path)
		p.fits(scene.path)
	}
	p.open("/drive/R1-I1-D12")
	p.takesHands()
	p.fits("the drawer")
	s.server.lab.begin("be34009e-repair", mustRehearsal(t, "be34009e-repair"))
	s.server.lab.run("erase run drive=R1-I1-D02")
	p.open("/rehearsal")
	p.fits("a rehearsal")
	for st, _ := s.server.lab.news(); !st.Story.Ended; st, _ = s.server.lab.news() {
		s.server.lab.run("next")
	}
	p.open("/rehearsal")
	p.fits("the debrief")
}
