package web

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var shots = flag.String("shots", "", "a folder to write screenshots of the pages into, for docs/console.md")

// scenes are what the screenshots show: pages of one facility, each with the figure of the source that it has.
var scenes = []struct{ name, path string }{
	{"figure-1-key-managers", "/keymgr/2"},
	{"figure-2-sfi-resources", "/sfi"},
	{"figure-3-events", "/events"},
	{"figure-4-event", "/events/1"},
	{"figure-5-server-event", "/events/2"},
	{"figure-6-key-server-utilities", "/retrieval"},
	{"figure-8-encryption", "/encryption"},
	{"facility", "/"},
	{"drive", "/drive/R1-I1-D03"},
	{"rank", "/rank/R0"},
	{"certificates", "/certificates/R1-I2-D09"},
	{"clock", "/clock"},
	{"hands", "/hands"},
	{"rehearsal", "/rehearsal"},
}

func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("without -shots no screenshots are written")
	}
	s := newSite(t, append([]string{"erase run drive=R1-I2-D09"}, incident...)...)
	for _, width := range []int{400, 1000, 1440} {
		p := s.person(ownerToken, width)
		p.do(scheme(map[int]string{400: "light", 1000: "dark", 1440: "light"}[width]))
		for _, scene := range scenes {
			p.open(scene.path)
			p.shoot(fmt.Sprintf("%s-%d", scene.name, width))
		}
	}
}

// shoot writes what is seen.
func (p *person) shoot(name string) {
	b, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(*shots, name+".png"), b, 0o644))
}
