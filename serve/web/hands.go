package web

import (
	"net/http"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// within is what hands reach beside the drives of a state.
type within struct {
	shelf   []loose
	armed   []armed
	servers []customer.KeyServerInfo
	cut     map[int][]string // by console: the servers that it does not reach
}

// loose is a drive on the shelf.
type loose struct {
	name    string
	powered bool
}

// armed is a fault plan on a drive.
type armed struct{ drive, plan string }

func (s *Server) handsPage(st *State, role Role) page {
	c := hands(st, s.within(st), role)
	return page{title: "Hands", nav: "hands", status: http.StatusOK, body: handsView(st, c), parts: []part{{"hands", c}}}
}

// drawer sends what the drawer of a page is filled with.
func (s *Server) drawer(w http.ResponseWriter, r *http.Request, role Role) {
	st, _ := s.lab.news()
	s.render(w, r, http.StatusOK, hands(st, s.within(st), role))
}

func (s *Server) within(st *State) (h within) {
	s.lab.ask(st, func(f *raslab.Lab) { h.reach(f) })
	return h
}

// reach looks around.
func (h *within) reach(f *raslab.Lab) {
	shelf := f.Shelf()
	for _, p := range shelf.Parts() {
		h.shelf = append(h.shelf, loose{shelf.Name(p), p.Drive.Status().Powered})
		if plan := p.Plan(); plan != "" {
			h.armed = append(h.armed, armed{shelf.Name(p), plan})
		}
	}
	for _, d := range f.Drives() {
		if p, err := f.Part(d.Slot); err == nil && p.Plan() != "" {
			h.armed = append(h.armed, armed{d.Slot, p.Plan()})
		}
	}
	h.servers, h.cut = f.Customer().Info(), map[int][]string{}
	for i := range f.Consoles() {
		h.cut[i+1] = f.Customer().CutFrom(i + 1)
	}
}

// path is how the network between a console and a server is.
func (h within) path(console int, server string) string {
	if slices.Contains(h.cut[console], server) {
		return "cut"
	}
	return "up"
}

// points are the fault points of drives.
func points() (names []string) {
	for _, p := range fault.Points() {
		names = append(names, string(p.Point))
	}
	return names
}

// slotsOf are the slots of a facility.
func slotsOf(st *State) (names []string) {
	for _, e := range st.Enclosures {
		for _, d := range e.Slots {
			names = append(names, d.Slot)
		}
	}
	return names
}

// addrOf is the address of a key manager.
func addrOf(st *State, id int) string {
	for _, m := range st.Managers {
		if m.ID == id {
			return m.Addr
		}
	}
	return ""
}
