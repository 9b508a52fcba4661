package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/require"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// motley is a campaign with something of everything: each ending, failures with long reasons and lines, workers with
// long names, and what is met and not met of every sort.
func motley(t *testing.T) *campaign.Standing {
	st := stateOfPlan(t, "drive lifecycles=500\nfacility lifecycles=9\nsweep\nconform seeds=9\nmutants")
	r := st.Report
	r.Merged, r.Units, r.Commands, r.Faults, r.Searches, r.More = 40, 400, 1<<40, 1<<39, 1<<38, 3
	for i, name := range []string{"sound", "passed", "caught", "unjudged", "unsafe", "stuck", "hangs", "crashed", "failed", "lives", "set aside", "not run"} {
		r.Endings[name] = uint64(i + 1)
		long := fmt.Sprintf("after-a-very-long-word-%0120d it ended %s", i, name)
		r.Findings = append(r.Findings, plans.Finding{
			Key: name, Kind: "conform", Ending: name, Why: long, Count: uint64(i + 1), Seed: 1 << 60, Again: "the plan: conform seeds=1 seed=7 " + long, Trace: []string{long, "ok"},
			Replay: "fdelab conform --replay '" + long + "'", File: "A lifecycle\n\n    fdelab replay " + long + "\n",
		})
	}
	p, err := plans.Parse(st.Plan)
	require.NoError(t, err)
	for i, name := range p.Missing(r) {
		if i%2 == 0 {
			r.Coverage[name] = uint64(i)
		}
	}
	st.Rate, st.Took = 1234.5, 77*time.Hour
	for i := range 5 {
		st.Workers[fmt.Sprintf("worker-%060d", i)] = &campaign.Worker{Jobs: 1 << 40, Units: 1 << 50, Busy: 900 * time.Hour, Last: time.Now()}
	}
	return st
}

// TestCampaignPagesAreForEverybody: nothing serious for axe-core, light and dark, with everything opened; no page is
// wider than its window; paper has all of it, and a heading.
func TestCampaignPagesAreForEverybody(t *testing.T) {
	place, gone := &shelf{name: "a-folder-with-a-long-name/" + fmt.Sprintf("%0100d", 1)}, &shelf{name: "nats://192.0.2.7:4222"}
	st := motley(t)
	place.set(nil, st, &campaign.Standing{State: &campaign.State{ID: "0123456789ab"}})
	gone.set(&campaign.Unread{Why: "the server at nats://192.0.2.7:4222 does not answer", Err: fmt.Errorf("")})
	s := newSiteOf(t, []CampaignPlace{place, gone})
	p := s.person(ownerToken, 1440)
	at := "/campaigns/1/" + st.ID
	for _, path := range []string{"/campaigns", at, at + "/failures/3", "/campaigns/1/0123456789ab", "/campaigns/2/0123456789ab"} {
		p.open(path)
		p.sees(`document.readyState === "complete"`, "it has loaded")
		asks[bool](p, `document.querySelectorAll("main details").forEach(d => d.open = true), true`)
		for _, prefers := range []string{"light", "dark"} {
			p.do(scheme(prefers))
			p.judges(path+", "+prefers, "")
		}
		p.fits(path)
	}
	p.open(at)
	p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	require.Equal(t, "Campaign "+st.ID, asks[string](p, `document.querySelector("#campaign h2").innerText`))
	p.sees(`document.querySelector("#failure-12").checkVisibility() && document.querySelector("#met-6c6966656379636c65 tbody td").checkVisibility({contentVisibilityAuto: true, opacityProperty: true})`, "what was folded is on paper")
	require.False(t, asks[bool](p, `document.querySelector("nav").checkVisibility()`), "the menu is not")
	p.open(at + "/failures/3")
	require.False(t, asks[bool](p, `document.querySelector("#download").checkVisibility()`))
	require.True(t, asks[bool](p, `document.querySelector("#replay").checkVisibility()`))
	s = newSite(t)
	p = s.person(guestToken, 400)
	p.open("/campaigns")
	p.judges("without campaigns", "")
	p.fits("without campaigns")
}
