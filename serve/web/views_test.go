package web

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// facilities are what the pages are compared over: some chosen, some drawn.
func facilities() map[string][]string {
	all := map[string][]string{
		"new":      nil,
		"incident": incident,
		"locked":   {"keygrp configure", "array create site=S2", "rank create array=A0 keygrp=1", "keyserver stop keyserver=1", "keyserver stop keyserver=2", "power cycle"},
		"down":     {"sfi quiesce", "sfi shutdown"},
		"worn": {
			"lab new drives=16 bands=2 seed=9", "keygrp configure", `fault arm drive=R1-I1-D03 plan="(flash.erase.refused)"`, `fault arm drive=R1-I1-D12 plan="(flash.erase.refused) (flash.zero.refused)"`,
			"array create site=S1", "rank create array=A0 keygrp=1", "erase run drive=R1-I1-D12", "array create site=S2", "rank create array=A1 keygrp=1",
		},
		"copying": {
			"keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", `rank write rank=R0 count=400 text="x"`, "raid exchange drive=R1-I1-D02", "time advance by=30s",
		},
		"only copy": {
			"keygrp configure", "array create site=S3", "rank create array=A0 keygrp=1", `rank write rank=R0 lba=0 count=40 text="payroll"`, "repair start drive=R1-I2-D05",
			`rank write rank=R0 lba=24 count=3 text="bonus"`, "power cut drive=R1-I2-D07", "repair cancel drive=R1-I2-D05", "time advance by=60m",
		},
		"keys": {
			"keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", "reckey configure", "certificate import life=20d", "keyserver add addr=keyserver3.example.com",
			"keymgr make addr=keyserver3.example.com keygrp=1", "keyserver stop keyserver=2", "time advance by=9h", "keygrp testaccess keygrp=1", "power cut drive=R1-I1-D04", "keygrp newgroupkey keygrp=1", "keygrp configure keygrp=2 type=TCT",
		},
		"hands": {
			"drive pull drive=R1-I1-D05", "shelf order", "shelf order plain=yes", `fault arm drive=R1-I2-D05 plan="(flash.read.rot)"`, "link set partition=1 hmc=2 to=stalled", "network set hmc=1 keyserver=2 to=cut",
			"hmc power hmc=2 to=off", "hmc hang hmc=1 to=yes", "keyserver service keyserver=1 to=hanging", "keyserver stop keyserver=2",
		},
	}
	moves := []string{
		"keygrp configure", "array create site=S%d", "rank create array=A%d keygrp=1", "rank create array=A%d", "drive break drive=R1-I1-D0%d",
		"drive pull drive=R1-I2-D0%d", "power cut drive=R1-I1-D0%d", "keyserver stop keyserver=%d", "time advance by=%dh", "power cycle",
		"raid exchange drive=R1-I1-D0%d", "rank remove rank=R%d", "keymgr change keymgr=%d active=no", "sfi quiesce", "repository damage copy=%d", "iml",
		"shelf order", `fault arm drive=R1-I1-D0%d plan="(flash.read.rot)"`, "link set partition=0 hmc=%d to=cut", "network set hmc=1 keyserver=%d to=cut", "hmc power hmc=%d to=off", "keygrp configure keygrp=%d",
		"keygrp newgroupkey keygrp=%d", "keygrp newdatakey keygrp=%d", "certificate import life=%dd", "keygrp testaccess keygrp=%d", "keyserver service keyserver=%d to=hanging", "reckey configure keygrp=%d", "time next",
	}
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 0))
		var lines []string
		for range 50 {
			line := moves[r.IntN(len(moves))]
			if strings.Contains(line, "%d") {
				line = fmt.Sprintf(line, r.IntN(4))
			}
			lines = append(lines, line)
		}
		all[fmt.Sprintf("drawn with %d", seed)] = lines
	}
	return all
}

// answer is what the shell prints to a question, as words.
func (s *site) answer(line string) []string {
	var out bytes.Buffer
	require.NoError(s.t, s.session.Run(line, &out), line)
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// try is answer for a question that may be refused.
func (s *site) try(line string) (string, error) {
	var out bytes.Buffer
	err := s.session.Run(line, &out)
	return strings.TrimSpace(out.String()), err
}

func sorted(text string) []string { f := strings.Fields(text); slices.Sort(f); return f }

func TestPagesSayWhatTheFacilitySays(t *testing.T) {
	t.Parallel()
	for name, lines := range facilities() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lines...)
			b := s.browser(ownerToken)
			facilityAgrees(b)
			eventsAgree(b)
			machineAgrees(b)
			managersAgree(b)
			insidesAgree(b)
			linesAgree(b)
			ranksAgree(b)
			retrievalAgrees(b)
			encryptionAgrees(b)
			handsAgree(b)
		})
	}
}

func facilityAgrees(b *browser) {
	t, lab := b.t, b.session.Lab()
	_, body := b.get("/")
	drives := 0
	for _, d := range lab.Drives() {
		number, state, keys := console.Cell(d)
		want := strings.Join(strings.Fields(strings.Join([]string{number, state, keys, d.Rank}, " ")), " ")
		require.Equal(t, want, textOf(element(t, body, "d-"+d.Slot)), "the tile of %s", d.Slot)
		if d.Serial != "" {
			drives++
		}
		_, page := b.get("/drive/" + d.Slot)
		aside := textOf(element(t, page, "drive"))
		require.Contains(t, aside, d.Location)
		require.Contains(t, aside, d.Serial)
		require.Contains(t, aside, d.Why)
		if d.Answers && !d.Plain {
			require.Contains(t, aside, fmt.Sprintf("%s, key record generation %d", d.Status.State, d.Status.KeyGeneration), "the keys of %s", d.Slot)
		}
	}
	encrypted := 0
	for _, r := range lab.Ranks() {
		if r.KeyGroup > 0 {
			encrypted++
		}
		require.Contains(t, textOf(element(t, body, "ranks")), fmt.Sprintf("%s %s %s %d of %d %s %s %s", r.ID, r.State, r.DataState, inSync(r), len(r.Members), r.Array, r.RAID, r.Pool))
		_, page := b.get("/rank/" + r.ID)
		for _, m := range r.Members {
			require.Contains(t, textOf(page), fmt.Sprintf("%s %s %s", m.Slot, m.Serial, m.State), "a member of %s", r.ID)
		}
	}
	require.Equal(t, fmt.Sprintf("%s, %s, %s, %s (%d encrypted), %s", count(len(lab.Enclosures()), "enclosure"), count(drives, "drive"), count(len(lab.Sites()), "array site"),
		count(len(lab.Ranks()), "rank"), encrypted, count(len(lab.KeyManagers()), "key manager")), textOf(element(t, body, "counts")))
}

func eventsAgree(b *browser) {
	t, lab := b.t, b.session.Lab()
	_, body := b.get("/events?by=event")
	table := textOf(element(t, body, "events"))
	for _, e := range lab.Events() {
		how := map[bool]string{true: "open", false: "closed"}[e.Open]
		row := fmt.Sprintf("%d %s %s %s %s %d %s %s %s", e.ID, e.SRC, e.Severity, titleOf(e), strings.Join(e.Locations, ", "), e.Count, stamp(e.First), stamp(e.Last), how)
		require.Contains(t, table, strings.Join(strings.Fields(row), " "), "the row of event %d", e.ID)
		_, page := b.get(fmt.Sprintf("/events/%d", e.ID))
		text := textOf(page)
		for _, line := range b.answer(fmt.Sprintf("event show event=%d", e.ID)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && slices.Contains([]string{"severity", "first", "last", "count"}, key) {
				require.Contains(t, text, strings.TrimSpace(value), "what event show says of event %d: %s", e.ID, key)
			}
		}
		for _, c := range slices.Concat(entryOf(e).Check, entryOf(e).Action, e.Found) {
			require.Contains(t, text, strings.Join(strings.Fields(c), " "))
		}
		for _, f := range e.FRUs {
			require.Contains(t, text, fmt.Sprintf("FRU %d %s", f.Order, console.FRUText(f)))
		}
	}
	open := len(lab.OpenEvents())
	require.Contains(t, textOf(body), fmt.Sprintf("%d open, %d closed", open, len(lab.Events())-open))
}

func machineAgrees(b *browser) {
	t, lab := b.t, b.session.Lab()
	_, body := b.get("/sfi")
	text := textOf(body)
	said := strings.Join(b.answer("sfi show"), " ")
	require.Equal(t, said, fmt.Sprintf("valid state %s, encryptionGroupsStates %s", orNone(lab.ValidState()), codes(lab.GroupStates())), "the shell says so too")
	require.Contains(t, text, "valid state "+dash(lab.ValidState()))
	require.Contains(t, text, "encryptionGroupsStates "+codes(lab.GroupStates()))
	for _, p := range lab.Partitions() {
		data := map[bool]string{true: "accessible", false: "inaccessible"}[p.DataAccess]
		require.Contains(t, text, fmt.Sprintf("%d %s %s %s", p.ID, p.State, data, stamp(p.LastIML)))
	}
	_, body = b.get("/clock")
	require.Contains(t, textOf(element(t, body, "clockview")), "virtual time "+b.answer("time now")[0])
	require.Contains(t, textOf(element(t, body, "clock")), b.answer("time now")[0], "the head of each page has the virtual time")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func managersAgree(b *browser) {
	t := b.t
	_, body := b.get("/keymgr")
	text := textOf(element(t, body, "keymgr"))
	for _, m := range b.session.Lab().KeyManagers() {
		row := fmt.Sprintf("%d %s %s %s %s %s %d %s %d", m.ID, m.Addr, m.State, m.Status, m.Protocol, m.KeyProtocol, m.Port, m.Type, m.KeyGroup)
		require.Contains(t, text, row)
		for _, line := range b.answer("keymgr list") {
			if strings.HasPrefix(line, fmt.Sprint(m.ID, " ")) {
				require.Equal(t, sorted(line), sorted(row), "the shell lists it so")
			}
		}
		_, page := b.get(fmt.Sprintf("/keymgr/%d", m.ID))
		require.Contains(t, textOf(page), fmt.Sprintf("Key manager %d %s", m.ID, m.Status))
	}
}

func TestPartsAreOnTheirPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	for _, role := range []Role{Owner, Guest} {
		b := s.browser(map[Role]string{Owner: ownerToken, Guest: guestToken}[role])
		for _, at := range s.addresses() {
			_, body := b.get(at)
			for _, p := range s.server.all(at, role) {
				require.Contains(t, body, p.html, "%s of %s is on the page as an update has it", p.id, at)
				require.Contains(t, p.html[:strings.Index(p.html, ">")], `id="`+p.id+`"`, "the outermost element has the identifier")
			}
		}
	}
}

func TestRefusalToCloseIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", "drive break drive=R1-I1-D03", "time advance by=1h", "repository damage copy=2", "iml")
	b := s.browser(ownerToken)
	require.NotEmpty(t, s.session.Lab().Events(), "there is an event")
	_, body := b.get("/events/1")
	require.Contains(t, body, "event close event=1")
	form := url.Values{"press": {"event close event=1"}, "arg.why": {`it "will" do`}, "at": {"/events/1"}}
	status, page := b.post(form, "Origin", s.at)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, textOf(element(t, page, "said")), `event close event=1 why="it \"will\" do"`, "the foot says which command it was")
	require.Contains(t, textOf(page), "Event 1", "without the script it is the page again")
}

func TestButtonsAreCommandsThatAreUnderstood(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	b := s.browser(ownerToken)
	buttons := 0
	for _, at := range s.addresses() {
		_, body := b.get(at)
		for _, m := range attribute.FindAllStringSubmatch(body, -1) {
			_, err := console.Shown(m[1])
			require.NoError(t, err, "a button on %s stands for %s", at, m[1])
			buttons++
		}
	}
	require.Greater(t, buttons, 50, "there are buttons")
}

func TestHistoryIsOnEveryPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(ownerToken)
	require.Contains(t, b.run("time advance by=5m"), "it is 2026-01-05 08:05:00")
	require.Contains(t, b.run("drive pull drive=R9-I9-D99"), "refused")
	require.Contains(t, b.run("time fly"), "not understood")
	require.Contains(t, b.run("time now; sfi resume; time now"), "sfi resume")
	_, body := b.get("/keymgr")
	text := textOf(element(t, body, "history"))
	require.Regexp(t, `^History as a script refused sfi resume .* done time now refused drive pull drive=R9-I9-D99 .* done time advance by=5m0s$`, text, "the latest is the first; what was not understood may hold a secret and is left out, and what was not reached did not run")
}

func TestNoFacilityYet(t *testing.T) {
	t.Parallel()
	session := console.NewSession(console.Options{})
	s, err := New(Options{Session: session, Listen: "127.0.0.1:1", Token: ownerToken})
	require.NoError(t, err)
	st, _ := s.lab.news()
	var page bytes.Buffer
	require.NoError(t, s.find(st, "/", Owner).body.Render(t.Context(), &page))
	require.Contains(t, textOf(page.String()), "There is no facility yet")
	require.Contains(t, s.lab.run("lab new drives=8").Output, "facility")
	st, _ = s.lab.news()
	require.Len(t, st.Enclosures, 1)
}
