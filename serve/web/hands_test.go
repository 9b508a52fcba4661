package web

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// takesHands opens the drawer.
func (p *person) takesHands() {
	p.t.Helper()
	p.click(".handbtn")
	p.sees(`document.querySelector("#drawer:not([hidden]) [data-cmd]")`, "the drawer is open")
}

func TestHandsAreADrawerOnEveryPage(t *testing.T) {
	s := newSite(t, incident[:4]...)
	for _, width := range []int{400, 1440} {
		p := s.person(ownerToken, width)
		for _, path := range []string{"/", "/drive/R1-I1-D05", "/rank/R0", "/events", "/keymgr", "/clock", "/rehearsal"} {
			p.open(path)
			p.takesHands()
			require.Equal(t, path, asks[string](p, "location.pathname"), "the page stays")
			require.True(t, asks[bool](p, `(r => Math.abs(r.top - document.querySelector(".head").getBoundingClientRect().bottom) < 2 && Math.abs(r.bottom - document.querySelector(".cli").getBoundingClientRect().top) < 2)(document.querySelector("#drawer").getBoundingClientRect())`), "%s at %d: time and command line stay in sight", path, width)
			require.LessOrEqual(t, asks[float64](p, "document.documentElement.scrollWidth - innerWidth"), 0.0, "%s at %d", path, width)
		}
	}
}

func TestHandsByKeyboard(t *testing.T) {
	s := newSite(t, incident[:4]...)
	p, other := s.person(ownerToken, 1440), s.person(ownerToken, 1440)
	p.focuses(".handbtn")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.sees(`document.querySelector("#drawer:not([hidden]) [data-cmd]")`, "the drawer is open")
	require.True(t, asks[bool](p, `document.activeElement.id === "drawer"`), "the keyboard is in it")
	require.Equal(t, "true", asks[string](p, `document.querySelector(".handbtn").getAttribute("aria-expanded")`))
	p.fills(`#drawer [name="arg.drive"]`, "R1-I1-D05")
	p.focuses(`#drawer button[value="drive pull"]`)
	p.do(chromedp.KeyEvent(kb.Enter))
	p.reads("#said", "R1-I1-D05 is empty")
	p.sees(`document.querySelector("#d-R1-I1-D05").textContent.includes("empty")`, "the page beside it shows the empty slot")
	p.reads("#drawer", "75NR641-0005")
	p.sees(`document.activeElement.value === "drive pull"`, "the keyboard stays on the button, though the drawer was filled anew")
	require.Equal(t, "R1-I1-D05", asks[string](p, `document.querySelector('#drawer [name="arg.drive"]').value`), "so does what was chosen")
	other.takesHands()
	other.fills(`#drawer [name="arg.slot"]`, "R1-I1-D05")
	other.click(`#drawer button[value="drive insert"]`)
	p.sees(`!document.querySelector("#drawer").innerText.includes("75NR641-0005")`, "what another does is seen in an open drawer")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.sees(`document.querySelector("#drawer").hidden && document.activeElement.classList.contains("handbtn")`, "Escape closes it, and the keyboard is back")
}

func TestHandsWithoutScript(t *testing.T) {
	s := newSite(t, incident[:4]...)
	p := s.person(ownerToken, 1440)
	p.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	p.open("/events")
	p.click(".handbtn")
	p.reads("h1", "Hands")
	p.fills(`[name="arg.drive"]`, "R1-I1-D05")
	p.click(`button[value="drive pull"]`)
	p.reads("#said", "R1-I1-D05 is empty")
	p.reads("h1", "Hands")
}

func TestDrawerIsWhatThePageIs(t *testing.T) {
	t.Parallel()
	s := newSite(t, append(incident[:len(incident):len(incident)], "drive pull drive=R1-I2-D04", "link set partition=0 hmc=1 to=cut", "network set hmc=2 keyserver=1 to=cut")...)
	for _, token := range []string{ownerToken, guestToken} {
		b := s.browser(token)
		_, page := b.get("/hands")
		status, inside := b.get("/hands/drawer")
		require.Equal(t, 200, status)
		require.Equal(t, element(t, page, "hands"), inside)
		require.Equal(t, token == ownerToken, attribute.MatchString(inside), "buttons are the owner's")
	}
	status, _ := s.browser("").get("/hands/drawer")
	require.Equal(t, 401, status)
}
