package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	sent := map[string]string{}
	st, changed := s.lab.news()
	if q.Get("version") == s.version(st) { // the page that asks has these
		for _, p := range s.parts(r.Context(), st, at, role) {
			sent[p.id] = p.html
		}
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		var news bytes.Buffer
		for _, p := range s.parts(r.Context(), st, at, role) {
			if sent[p.id] != p.html {
				sent[p.id] = p.html
				news.WriteString(outOfBand(p.html))
			}
		}
		if err := event(w, out, news.String()); err != nil {
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

// parts renders what of a page can change.
func (s *Server) parts(ctx context.Context, st *State, at string, role Role) []rendered {
	p := s.find(st, at, role)
	var all []rendered
	for _, part := range append(p.parts, common(st, p.nav, role)...) {
		var b bytes.Buffer
		if part.c.Render(ctx, &b) == nil {
			all = append(all, rendered{part.id, b.String()})
		}
	}
	return all
}

// outOfBand marks an element as one that goes where its identifier is.
func outOfBand(html string) string {
	i := strings.IndexAny(html, " >")
	if i < 0 {
		return html
	}
	return html[:i] + ` hx-swap-oob="true"` + html[i:]
}

// event writes an event with parts of a page; without any, a comment that says that the server is there.
func event(w http.ResponseWriter, out *http.ResponseController, parts string) error {
	if err := out.SetWriteDeadline(time.Now().Add(livePatience)); err != nil {
		return err
	}
	var err error
	if parts == "" {
		_, err = fmt.Fprint(w, ": here\n\n")
	} else {
		_, err = fmt.Fprintf(w, "event: parts\ndata: %s\n\n", strings.ReplaceAll(parts, "\n", "\ndata: "))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
