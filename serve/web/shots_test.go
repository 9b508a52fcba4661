package web

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

var shots = flag.String("shots", "", "a folder of the module to write screenshots of the pages into, for docs/console.md")

// module is the root of the module, whatever folder a test is in.
var module = func() string {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(here))
}()

// scenes are what the screenshots show: pages of one facility, each with the figure of the source that it has.
var scenes = []struct{ name, path string }{
	{"figure-1-key-managers", "/keymgr/2"},
	{"figure-2-sfi-resources", "/sfi"},
	{"figure-3-events", "/events"},
	{"figure-5-server-event", "/events/1"},
	{"figure-6-key-server-utilities", "/retrieval"},
	{"figure-8-encryption", "/encryption"},
	{"facility", "/"},
	{"drive", "/drive/R1-I1-D02"},
	{"drive-degraded", "/drive/R1-I1-D12"},
	{"rank", "/rank/R0"},
	{"certificates", "/certificates/R1-I2-D09"},
	{"clock", "/clock"},
	{"hands", "/hands"},
	{"rehearsals", "/rehearsal"},
}

// scene is the facility of the pictures: what incident has, a certificate, and a drive whose flash resists.
func scene() []string {
	return append([]string{"erase run drive=R1-I2-D09", `fault arm drive=R1-I1-D12 plan="(flash.erase.refused) (flash.zero.refused)"`, "erase run drive=R1-I1-D12"}, incident...)
}

// shotWidths are how wide the windows of the screenshots are, in pixels, and what the system prefers there.
var shotWidths = map[int]string{400: "light", 1000: "dark", 1440: "light"}

func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("without -shots no screenshots are written")
	}
	s := newSite(t, scene()...)
	g := s.person(guestToken, 1440)
	g.shoot("guest-1440")
	for width, prefers := range shotWidths {
		p := s.person(ownerToken, width)
		p.do(scheme(prefers))
		for _, scene := range scenes {
			p.do(chromedp.EmulateViewport(int64(width), 900))
			if strings.HasPrefix(scene.path, "/drive/") { // down to its time line
				p.do(chromedp.EmulateViewport(int64(width), 1350))
			}
			p.open(scene.path)
			if scene.path == "/hands" { // who has a script sees the drawer
				p.open("/")
				p.takesHands()
			}
			p.shoot(fmt.Sprintf("%s-%d", scene.name, width))
		}
		p.open("/retrieval")
		p.click(`[data-cmd="keygrp testaccess keygrp=1"]`)
		p.reads("#said", "key manager 2: failed")
		p.shoot(fmt.Sprintf("figure-7-test-of-all-%d", width))
		p.click(`[data-cmd="keygrp testaccess keygrp=1 keymgr=1"]`)
		p.reads("#said", "key manager 1: success")
		p.shoot(fmt.Sprintf("figure-9-test-of-one-%d", width))
	}
	s.server.lab.begin("be3400a3-foreign-drive", mustRehearsal(t, "be3400a3-foreign-drive"))
	for range 17 {
		s.server.lab.run("next")
	}
	for width, prefers := range shotWidths {
		p := s.person(ownerToken, width)
		p.do(scheme(prefers))
		p.open("/events/1")
		p.shoot(fmt.Sprintf("figure-4-event-%d", width))
	}
	p := s.person(ownerToken, 1440)
	s.server.lab.run("erase run drive=R1-I1-D02")
	s.server.lab.run("hint")
	p.open("/rehearsal")
	p.shoot("rehearsal-played-1440")
	p.open("/drive/R1-I1-D02")
	p.shoot("rehearsal-drive-1440")
	for st, _ := s.server.lab.news(); !st.Story.Ended; st, _ = s.server.lab.news() {
		s.server.lab.run("next")
	}
	p.open("/rehearsal")
	p.shoot("debrief-1440")
}

// TestShotsOfCampaigns: a campaign that runs and has found what is wrong with a drive.
func TestShotsOfCampaigns(t *testing.T) {
	if *shots == "" {
		t.Skip("without -shots no screenshots are written")
	}
	wrongDrive(t)
	require.NoError(t, os.Mkdir("night.campaign", 0o700))
	c := begin(t, "night.campaign", "drive lifecycles=600 each=20\nconform seeds=2 only=F12,F15 program=\"python3 drive.py\"\nidle jobs=20", "rack-1", 40)
	s := newSiteOf(t, []CampaignPlace{campaign.NewFolder("night.campaign"), campaign.NewElsewhere(campaign.Outside{URL: "nats://127.0.0.1:1"})})
	at := "/campaigns/1/" + c.plan.ID()
	number := c.finds(t, "F15 ")
	for width, prefers := range shotWidths {
		p := s.person(ownerToken, width)
		p.do(scheme(prefers))
		p.open(at)
		p.shoot(fmt.Sprintf("campaign-%d", width))
		p.open(fmt.Sprintf("%s/failures/%d", at, number))
		p.shoot(fmt.Sprintf("campaign-failure-%d", width))
		if width == 1440 {
			p.open("/campaigns")
			p.reads("#campaigns", "does not answer")
			p.shoot("campaigns-1440")
		}
	}
}

// shoot writes what is seen.
func (p *person) shoot(name string) {
	p.t.Helper()
	quality := int64(70)
	seen, err := chromedp.Call(p.ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: "webp", Quality: &quality})
	require.NoError(p.t, err)
	folder := *shots
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(module, folder)
	}
	require.NoError(p.t, os.WriteFile(filepath.Join(folder, name+".webp"), seen.Data, 0o644))
}
