package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

const (
	liveBeat     = 15 * time.Second // a page hears at least so often, and a browser that is gone is noticed
	livePatience = 10 * time.Second // how long a browser may take for one update
)

// watched is a page that a browser shows, and what of it the browser has.
type watched struct {
	at    string
	known view
}

// watchedMost is how many pages one stream keeps alive.
const watchedMost = 64

// live keeps pages alive: after each change it sends those parts of them that are different now. What changes while a
// browser is busy with one update comes in the next one, so a slow one gets fewer of them, and nobody waits. The tabs of
// a browser share one stream, because a browser has few connections: each page is named by a pair of at and version.
func (s *Server) live(w http.ResponseWriter, r *http.Request, role Role) {
	select {
	case s.lives <- struct{}{}:
		defer func() { <-s.lives }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	q := r.URL.Query()
	if len(q["at"]) > watchedMost {
		http.Error(w, "too many pages in one stream", http.StatusBadRequest)
		return
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the request is read; what ends the stream is the browser, or the server
	w.Header().Set("Content-Type", "text/event-stream")
	campaigns := slices.ContainsFunc(q["at"], aboutCampaigns)
	if campaigns {
		defer s.board.watch()()
	}
	st, changed, moved := s.news()
	var pages []*watched
	for i, at := range q["at"] {
		p := &watched{at: at, known: view{sent: map[string]string{}}}
		if i < len(q["version"]) && q["version"][i] == s.version(st, at) { // the page that asks has these
			_ = p.known.news(s.look(r.Context(), st, at, role))
		}
		pages = append(pages, p)
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for moves := false; ; {
		if !campaigns {
			moved = nil
		}
		var news []update
		for _, p := range pages {
			if moves && !aboutCampaigns(p.at) {
				continue
			}
			if parts := p.known.news(s.look(r.Context(), st, p.at, role)); parts != "" {
				news = append(news, update{p.at, s.version(st, p.at), parts})
			}
		}
		if err := send(w, out, news); err != nil {
			return
		}
		moves = false
		select {
		case <-r.Context().Done():
			return
		case <-changed:
			st, changed, moved = s.news()
		case <-moved:
			was := st.Version
			st, changed, moved = s.news()
			moves = st.Version == was // pages of the laboratory have nothing new
		case <-beat.C:
		}
	}
}

// news is the state of laboratory and campaigns, and a channel for each that is closed when there is another.
func (s *Server) news() (st *State, changed, moved <-chan struct{}) {
	of, changed := s.lab.news()
	both := *of
	both.Campaigns, moved = s.board.news()
	return &both, changed, moved
}

// version names a state of this server that a page shows, and of no server before it at the same address.
func (s *Server) version(st *State, at string) string {
	v := s.boot + "." + strconv.FormatUint(st.Version, 10)
	if aboutCampaigns(at) && st.Campaigns != nil {
		v += "." + strconv.FormatUint(st.Campaigns.version, 10)
	}
	return v
}

// rendered is a part of a page as it is sent.
type rendered struct{ id, html string }

// look renders what of a page can change. Those parts that all pages have come last.
func (s *Server) look(ctx context.Context, st *State, at string, role Role) (whole templ.Component, own, everywhere []rendered) {
	p := s.find(st, at, role)
	return pageBody(p), render(ctx, p.parts), render(ctx, common(st, p.nav, role))
}

func render(ctx context.Context, parts []part) (all []rendered) {
	for _, part := range parts {
		var b bytes.Buffer
		if part.c.Render(ctx, &b) == nil {
			all = append(all, rendered{part.id, b.String()})
		}
	}
	return all
}

// view is what a browser shows.
type view struct {
	sent  map[string]string // the parts, by their identifiers
	parts string            // the identifiers of the page's own, in order
}

// news are the parts that are different now, as they are sent. A page that has other parts now, such as that of a
// facility which was built anew, is sent whole.
func (v *view) news(whole templ.Component, own, everywhere []rendered) string {
	var ids []string
	for _, p := range own {
		ids = append(ids, p.id)
	}
	var news bytes.Buffer
	if parts := strings.Join(ids, " ") + "."; parts != v.parts {
		v.parts = parts
		var body bytes.Buffer
		if whole.Render(context.Background(), &body) == nil {
			news.WriteString(outOfBand(body.String()))
		}
		for _, p := range own {
			v.sent[p.id] = p.html
		}
	}
	for _, p := range append(own, everywhere...) {
		if v.sent[p.id] != p.html {
			v.sent[p.id] = p.html
			news.WriteString(outOfBand(p.html))
		}
	}
	return news.String()
}

// outOfBand marks an element as one that goes where its identifier is.
func outOfBand(html string) string {
	i := strings.IndexAny(html, " >")
	if i < 0 {
		return html
	}
	return html[:i] + ` hx-swap-oob="true"` + html[i:]
}

// update is what is new of a page.
type update struct{ at, version, parts string }

// send writes an event for each page that has news, with the version that it has then and its address; without any, a
// comment that says that the server is there.
func send(w http.ResponseWriter, out *http.ResponseController, news []update) error {
	if err := out.SetWriteDeadline(time.Now().Add(livePatience)); err != nil {
		return err
	}
	text := ": here\n\n"
	if len(news) > 0 {
		text = ""
	}
	for _, u := range news {
		text += fmt.Sprintf("event: parts\nid: %s %s\ndata: %s\n\n", u.version, oneLine(u.at), strings.ReplaceAll(u.parts, "\n", "\ndata: "))
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return out.Flush()
}

// oneLine keeps an address from ending its line: it comes from who asks.
func oneLine(at string) string {
	return strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(at)
}
