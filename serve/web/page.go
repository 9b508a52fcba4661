package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// part is an element of a page that changes by itself. Its identifier is that of its outermost element.
type part struct {
	id string
	c  templ.Component
}

// page is what stands at an address. Its body holds its parts.
type page struct {
	title, nav string
	status     int
	body       templ.Component
	parts      []part
}

// views are the pages that the menu lists, in its order.
var views = []struct{ path, title, group string }{
	{"", "Facility", "Machine"},
	{"sfi", "SFI resources", "Machine"},
	{"events", "Serviceable events", "Machine"},
	{"keymgr", "Key managers", "Keys"},
	{"retrieval", "Key retrieval", "Keys"},
	{"encryption", "Encryption", "Keys"},
	{"certificates", "Certificates", "Keys"},
	{"clock", "Clock", "Laboratory"},
	{"rehearsal", "Rehearsal", "Laboratory"},
	{"campaigns", "Campaigns", "Laboratory"},
}

// page answers with the page at the path of a request.
func (s *Server) page(w http.ResponseWriter, r *http.Request, role Role) {
	s.show(w, r, r.URL.RequestURI(), role, nil)
}

// show sends the page at an address, with the answer to a command at its foot.
func (s *Server) show(w http.ResponseWriter, r *http.Request, at string, role Role, a *Answer) {
	if aboutCampaigns(at) {
		s.board.fresh(r.Context())
	}
	st, _, _ := s.news()
	p := s.find(st, at, role)
	s.render(w, r, p.status, layout(p, st, frame{at: at, version: s.version(st, at), role: role, answer: a}))
}

// frame is what a page has around its body.
type frame struct {
	at, version string
	role        Role
	answer      *Answer
}

// find says what stands at an address: a path, and maybe a query.
func (s *Server) find(st *State, at string, role Role) page {
	u, err := url.ParseRequestURI(at)
	if err != nil {
		return missing("there is no such page")
	}
	view, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if view == "rehearsal" && name == "" {
		return one("Rehearsal", view, "rehearsal", rehearsalView(st, role))
	}
	if view == "campaigns" {
		return campaignsPage(st.Campaigns, name)
	}
	if st.Serial == "" {
		return page{title: "No facility", status: http.StatusOK, body: noFacility(role)}
	}
	switch {
	case view == "drive" && name != "":
		return s.drivePage(st, name, role)
	case view == "rank" && name != "":
		return s.rankPage(st, name, role)
	case view == "events":
		return s.eventsPage(st, name, u.Query(), role)
	case view == "keymgr":
		return managersPage(st, name, role)
	case view == "certificates":
		return s.certificatesPage(st, name, role)
	case name != "":
	case view == "hands":
		return s.handsPage(st, role)
	case view == "retrieval":
		return one("Key retrieval", view, "retrieval", retrieval(st, role))
	case view == "encryption":
		return one("Encryption", view, "encryption", encryption(st, role))
	case view == "":
		return facilityPage(st, role)
	case view == "sfi":
		return one("SFI resources", view, "sfi", sfi(st, role))
	case view == "clock":
		return s.clockPage(st, role)
	}
	return missing("there is no page " + u.Path)
}

// one is a page of one part.
func one(title, nav, id string, c templ.Component) page {
	return page{title: title, nav: nav, status: http.StatusOK, body: c, parts: []part{{id, c}}}
}

func missing(why string) page {
	return page{title: "No such page", status: http.StatusNotFound, body: notHere(why)}
}

// common are the parts that every page has.
func common(st *State, nav string, role Role) []part {
	all := []part{{"vitals", vitals(st, role)}, {"clock", clock(st, role)}, {"nav", menu(st, nav)}, {"strip", strip(st, role)}, {"history", history(st)}}
	if role == Owner {
		all = append(all, part{"at", at(st)})
	}
	return all
}

func facilityPage(st *State, role Role) page {
	p := page{title: "Facility " + st.Serial, status: http.StatusOK, body: facility(st, role), parts: []part{{"counts", counts(st)}, {"ranks", ranks(st)}}}
	for _, e := range st.Enclosures {
		p.parts = append(p.parts, enclosureParts(e, "")...)
	}
	return p
}

// enclosureParts are those of an enclosure: its head, and each drive by itself.
func enclosureParts(e raslab.EnclosureInfo, chosen string) []part {
	all := []part{{"e-" + e.Name, enclosureHead(e)}}
	for _, site := range bySite(e.Slots) {
		all = append(all, part{"s-" + site[0].Slot, siteHead(site)})
		for _, d := range site {
			all = append(all, part{"d-" + d.Slot, tile(d, d.Slot == chosen)})
		}
	}
	return all
}

// bySite groups the slots of an enclosure by array site, in order.
func bySite(slots []raslab.DriveInfo) [][]raslab.DriveInfo {
	var all [][]raslab.DriveInfo
	for i, d := range slots {
		if i == 0 || d.Site != slots[i-1].Site {
			all = append(all, nil)
		}
		last := len(all) - 1
		all[last] = append(all[last], d)
	}
	return all
}

func (s *Server) clockPage(st *State, role Role) page {
	var line timeLine
	s.lab.ask(st, func(f *raslab.Lab) { line = storyOf(f, console.AboutEvent(nil)) })
	view, story := clockView(st, role), timeLineOf("log", "What happened", line)
	return page{title: "Clock", nav: "clock", status: http.StatusOK, body: clockBody(view, story), parts: []part{{"clockview", view}, {"log", story}}}
}

func managersPage(st *State, name string, role Role) page {
	var chosen *raslab.KeyManagerInfo
	if name != "" {
		n, err := strconv.Atoi(name)
		for i := range st.Managers {
			if err == nil && st.Managers[i].ID == n {
				chosen = &st.Managers[i]
			}
		}
		if chosen == nil {
			return missing(fmt.Sprintf("there is no key manager %s", name))
		}
	}
	return one("Key managers", "keymgr", "keymgr", managers(st, chosen, role))
}
