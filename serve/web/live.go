package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

const (
	liveBeat     = 15 * time.Second // a page hears at least so often, and a browser that is gone is noticed
	livePatience = 10 * time.Second // how long a browser may take for one update
)

// live keeps a page alive: after each change it sends those parts of it that are different now. What changes while a
// browser is busy with one update comes in the next one, so a slow one gets fewer of them, and nobody waits.
func (s *Server) live(w http.ResponseWriter, r *http.Request, role Role) {
	select {
	case s.lives <- struct{}{}:
		defer func() { <-s.lives }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the request is read; what ends the stream is the browser, or the server
	w.Header().Set("Content-Type", "text/event-stream")
	q := r.URL.Query()
	at := q.Get("at")
	known := view{sent: map[string]string{}}
	st, changed := s.lab.news()
	if q.Get("version") == s.version(st) { // the page that asks has these
		_ = known.news(s.look(r.Context(), st, at, role))
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		if err := event(w, out, known.news(s.look(r.Context(), st, at, role)), s.version(st)); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
			st, changed = s.lab.news()
		case <-beat.C:
		}
	}
}

// version names a state of this server, and of no server before it at the same address.
func (s *Server) version(st *State) string {
	return s.boot + "." + strconv.FormatUint(st.Version, 10)
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

// event writes an event with parts of a page and the version that it has with them; without any, a comment that says
// that the server is there.
func event(w http.ResponseWriter, out *http.ResponseController, parts, version string) error {
	if err := out.SetWriteDeadline(time.Now().Add(livePatience)); err != nil {
		return err
	}
	var err error
	if parts == "" {
		_, err = fmt.Fprint(w, ": here\n\n")
	} else {
		_, err = fmt.Fprintf(w, "event: parts\nid: %s\ndata: %s\n\n", version, strings.ReplaceAll(parts, "\n", "\ndata: "))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
