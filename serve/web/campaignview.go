package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// What a page shows at most. A state comes from a server, and the names and reasons in it from workers and programs,
// which may be anybody's.
const (
	nameMost    = 200  // bytes of a name
	reasonMost  = 2048 // bytes of a reason, or of a line that has a failure again
	linesMost   = 16 << 10
	workersMost = 200
	foundMost   = 1000 // sorts of failures
	traceMost   = 200  // lines
	rowsMost    = 2000 // of one sort of coverage
	sortsMost   = 20
)

// placeSeen is a place as it was read last.
type placeSeen struct {
	Name string
	Why  string    // it could not be read; empty if it could
	Read time.Time // when All was read; zero: never
	All  []*campaignSeen
}

// same says whether a page shows the same of both.
func (p *placeSeen) same(o *placeSeen) bool {
	return p.Why == o.Why && p.Read.IsZero() == o.Read.IsZero() && slices.EqualFunc(p.All, o.All, func(a, b *campaignSeen) bool {
		return a.ID == b.ID && a.How == b.How && a.unread() == b.unread() && (a.unread() || a.State.Told.Equal(b.State.Told) && a.State.Over == b.State.Over)
	})
}

// campaignSeen is a campaign as the pages show it.
type campaignSeen struct {
	ID, Path string
	State    *campaign.State
	How      string // one word or two
	Plan     string
	Jobs     uint64 // of the plan; 0 where time ends it
	Units    uint64
	Left     string // how long it takes; empty if nobody knows
	Workers  []workerSeen
	Endings  []endingSeen
	Sorts    []sortSeen
}

func (c *campaignSeen) unread() bool { return c.State == nil || c.State.Report == nil }

type workerSeen struct {
	Name string
	*campaign.Worker
}

type endingSeen struct {
	Name  string
	Count uint64
}

// sortSeen is what may be met of one sort: those that were not come first.
type sortSeen struct {
	Name     string
	Met, All int // All is 0 where nobody knows
	Rows     []endingSeen
	More     int
}

// eye looks at the states of a place. It belongs to whoever reads the place.
type eye struct {
	number int
	known  map[string]*plans.Plan // by their text
}

func newEye(number int) *eye { return &eye{number: number, known: map[string]*plans.Plan{}} }

// look is how a place is, after a reading. Where that failed, what was read before stays.
func (e *eye) look(was *placeSeen, states []*campaign.Standing, err error, now time.Time) *placeSeen {
	p := &placeSeen{Name: was.Name, Read: now}
	if err != nil {
		p.Why, p.Read = "it cannot be read", was.Read
		var unread *campaign.Unread
		if errors.As(err, &unread) {
			p.Why = clip(unread.Why, reasonMost)
		}
		for _, c := range was.All {
			old := *c
			if !old.unread() && (old.How == "runs" || old.How == "ends") {
				old.How, old.Left = "out of reach", ""
			}
			p.All = append(p.All, &old)
		}
		return p
	}
	used := map[string]*plans.Plan{}
	for _, s := range states {
		p.All = append(p.All, e.campaign(s, used))
	}
	e.known = used
	slices.SortStableFunc(p.All, func(a, b *campaignSeen) int { return b.told().Compare(a.told()) })
	return p
}

func (c *campaignSeen) told() time.Time {
	if c.unread() {
		return time.Time{}
	}
	return c.State.Told
}

func (e *eye) campaign(s *campaign.Standing, used map[string]*plans.Plan) *campaignSeen {
	c := &campaignSeen{ID: s.ID, Path: fmt.Sprintf("/campaigns/%d/%s", e.number, url.PathEscape(s.ID)), State: s.State}
	if c.unread() {
		c.How = "not readable"
		return c
	}
	c.How = clip(s.Words(), nameMost)
	plan := e.plan(s.State, used)
	if plan != nil {
		c.Plan = plan.String()
		c.Jobs, _ = plan.Jobs()
		c.Units, _ = plan.Units()
		if left, known := s.Left(plan); known && s.Runs {
			c.Left = left.String()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Workers)) {
		if w := s.Workers[name]; w != nil && len(c.Workers) < workersMost {
			c.Workers = append(c.Workers, workerSeen{clip(name, nameMost), w})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Report.Endings)) {
		c.Endings = append(c.Endings, endingSeen{clip(name, nameMost), s.Report.Endings[name]})
	}
	c.Endings = c.Endings[:min(len(c.Endings), sortsMost)]
	c.Sorts = sorts(plan, s.Report)
	return c
}

// plan is the plan of a state; nil where it is none of this version.
func (e *eye) plan(s *campaign.State, used map[string]*plans.Plan) *plans.Plan {
	p, is := e.known[s.Plan]
	if !is {
		if p, _ = plans.Parse(s.Plan); p != nil && p.ID() != s.ID {
			p = nil
		}
	}
	used[s.Plan] = p
	return p
}

// sorts is what was met, and what was not, by the first word of its name.
func sorts(p *plans.Plan, r *plans.Report) (all []sortSeen) {
	add := func(name string, n uint64) {
		first, _, _ := strings.Cut(name, " ")
		first = clip(first, nameMost)
		at := slices.IndexFunc(all, func(s sortSeen) bool { return s.Name == first })
		if at < 0 {
			if len(all) == sortsMost {
				return
			}
			at, all = len(all), append(all, sortSeen{Name: first})
		}
		if n > 0 {
			all[at].Met++
		}
		if len(all[at].Rows) == rowsMost {
			all[at].More++
			return
		}
		all[at].Rows = append(all[at].Rows, endingSeen{clip(name, nameMost), n})
	}
	if p != nil {
		for _, name := range p.Missing(r) {
			add(name, 0)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Coverage)) {
		if n := r.Coverage[name]; n > 0 {
			add(name, n)
		}
	}
	if p != nil {
		for _, s := range p.Sorts(r) {
			if at := slices.IndexFunc(all, func(o sortSeen) bool { return o.Name == s.Name }); at >= 0 {
				all[at].All = s.All
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sortSeen) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// clip is text of somebody else's, on one line, of so many bytes at most, without what turns its neighbours around.
func clip(s string, most int) string {
	return plans.Clean(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s[:min(len(s), 4*most)]), most)
}

// clipLines is clip for text of several lines.
func clipLines(s string, most int) string {
	lines := strings.Split(s[:min(len(s), most)], "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(clip("|"+lines[i], most), " ")[1:]
	}
	return strings.Join(lines, "\n")
}

// ofAll is so many of all, where it is known how many there are.
func ofAll(n, all uint64) string {
	if all == 0 {
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprintf("%d of %d", n, all)
}

// aboutCampaigns says whether a page shows campaigns.
func aboutCampaigns(at string) bool {
	path, _, _ := strings.Cut(at, "?")
	return path == "/campaigns" || strings.HasPrefix(path, "/campaigns/")
}

// campaignsPage is the list, or a campaign, or a failure of one: PLACE/ID/failures/N.
func campaignsPage(b *Board, name string) page {
	if b == nil {
		b = &Board{}
	}
	if name == "" {
		return one("Campaigns", "campaigns", "campaigns", campaigns(b.places))
	}
	words := strings.Split(name, "/")
	place, c := b.find(words)
	switch {
	case place == nil, c == nil && place.Why == "", len(words) != 2 && len(words) != 4:
		return missing("there is no such campaign")
	case c == nil:
		return page{title: "Campaign", nav: "campaigns", status: http.StatusOK, body: noCampaign(place), parts: []part{{"campaign", noCampaign(place)}}}
	case c.unread():
		return one("Campaign "+c.ID, "campaigns", "campaign", campaignUnread(c))
	case len(words) == 4:
		return failurePage(c, words[2], words[3])
	}
	p := page{title: "Campaign " + c.ID, nav: "campaigns", status: http.StatusOK, body: campaignView(place, c)}
	p.parts = []part{{"campaign", campaignFacts(place, c)}, {"endings", campaignEndings(c)}, {"failures", campaignFailures(c)}, {"workers", campaignWorkers(c)}}
	for _, s := range c.Sorts {
		p.parts = append(p.parts, part{sortID(s), campaignSort(s)})
	}
	return p
}

// find is the place and the campaign of an address; nil where there is none.
func (b *Board) find(words []string) (*placeSeen, *campaignSeen) {
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 || n > len(b.places) || len(words) < 2 {
		return nil, nil
	}
	p := b.places[n-1]
	i := slices.IndexFunc(p.All, func(c *campaignSeen) bool { return c.ID == words[1] })
	if i < 0 {
		return p, nil
	}
	return p, p.All[i]
}

// sortID is the identifier of a sort's part: its name may be anybody's.
func sortID(s sortSeen) string { return fmt.Sprintf("met-%x", s.Name) }

func failurePage(c *campaignSeen, word, number string) page {
	f, n := c.failure(word, number)
	if f == nil {
		return missing("there is no such failure of campaign " + c.ID)
	}
	facts, evidence := failureFacts(c, f), failureEvidence(c, f, n)
	return page{
		title: fmt.Sprintf("Failure %d of campaign %s", n, c.ID), nav: "campaigns", status: http.StatusOK, body: failureView(c, n, facts, evidence),
		parts: []part{{"failure", facts}, {"evidence", evidence}},
	}
}

// failure is one by its number, from 1: a report keeps them in the order in which they came. It is nil where there is
// none.
func (c *campaignSeen) failure(word, number string) (*plans.Finding, int) {
	n, err := strconv.Atoi(number)
	if err != nil || word != "failures" || n < 1 || n > min(len(c.State.Report.Findings), foundMost) {
		return nil, 0
	}
	return &c.State.Report.Findings[n-1], n
}

// replayFile sends a failure that was cut down, as a file that fdelab replay takes.
func (s *Server) replayFile(w http.ResponseWriter, r *http.Request, _ Role) {
	b, _ := s.board.news()
	_, c := b.find([]string{r.PathValue("place"), r.PathValue("id")})
	if c == nil || c.unread() {
		http.Error(w, "there is no such campaign", http.StatusNotFound)
		return
	}
	f, _ := c.failure("failures", r.PathValue("number"))
	if f == nil || f.File == "" {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+replayName(f)+`"`)
	write(w, r, http.StatusOK, "text/plain; charset=utf-8", []byte(f.File))
}

// replayName is how the file of a failure is called; its kind may be anything.
func replayName(f *plans.Finding) string {
	kind := "failure"
	if slices.ContainsFunc(plans.Kinds(), func(k [2]string) bool { return k[0] == f.Kind }) {
		kind = f.Kind
	}
	return fmt.Sprintf("%s-%d.txt", kind, f.Seed)
}

// rate is how many units a second there were in the last seconds of a campaign that runs.
func rate(c *campaignSeen) string {
	if c.How != "runs" {
		return "-"
	}
	return fmt.Sprintf("%.1f", c.State.Rate)
}

// sortGlyph is the shape of a sort: all of it was met, or not.
func sortGlyph(s sortSeen) string {
	if s.All > 0 && s.Met >= s.All {
		return "ok"
	}
	return "ring"
}

var sortTitles = map[string]string{
	"lifecycle": "rows of the lifecycle table", "fault": "faults", "faults": "pairs of faults", "suite": "properties of the suite", "SRC": "SRCs",
	"sweep": "operations of the sweep", "mutant": "mutants",
}

// sortTitle is what a sort is called.
func sortTitle(s sortSeen) string {
	if title := sortTitles[s.Name]; title != "" {
		return title
	}
	return s.Name
}

// moreFailures is how many failures have no row.
func moreFailures(c *campaignSeen) uint64 {
	more := c.State.Report.More
	for _, f := range c.State.Report.Findings[min(len(c.State.Report.Findings), foundMost):] {
		more += f.Count
	}
	return more
}
