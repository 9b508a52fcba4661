package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// Options is what a server is made with.
type Options struct {
	Session *console.Session // belongs to the server from then on
	// DSCLI begins a session of the storage administrator's command line over the facility at hand; nil: over that of
	// Session, and nothing is kept.
	DSCLI  func(dscli.Options) *dscli.Session
	Listen string // the address that it listens at, host:port: pages are answered under its name only
	Token  string // of the owner; NewToken draws one
	Guest  string // of a guest; empty: there is none
	// Campaigns are where campaigns are that the pages show. They belong to the server from then on.
	Campaigns []CampaignPlace
	Note      func(format string, args ...any) // says why a place cannot be read; may be nil
}

// Server is the handler of a laboratory's pages.
type Server struct {
	lab          *lab
	board        *board
	token, guest string
	name         string // that it listens at, where that is no address
	loopback     bool   // no other machine reaches it
	mux          *http.ServeMux
	lives        chan struct{} // one for each stream of updates
	begin        func(dscli.Options) *dscli.Session
	asked        atomic.Pointer[question] // of DSCLI that waits
	patience     time.Duration            // with a question of DSCLI
	boot         string                   // tells this server from another at the same address
}

// livesMost is how many pages are kept alive at once.
const livesMost = 256

// New makes a server. The error says that the address is none, or that there is no token.
func New(o Options) (*Server, error) {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return nil, fmt.Errorf("web: %q: need an address and a port, such as 127.0.0.1:8980", o.Listen)
	case o.Token == "":
		return nil, fmt.Errorf("web: no token: everybody would be the owner")
	case o.Token == o.Guest:
		return nil, fmt.Errorf("web: the guest has the token of the owner")
	}
	s := &Server{lab: newLab(o.Session), board: newBoard(o.Campaigns, o.Note), token: o.Token, guest: o.Guest, loopback: Loopback(host), patience: answerMost, lives: make(chan struct{}, livesMost), boot: NewToken()[:8]}
	if net.ParseIP(host) == nil {
		s.name = host
	}
	if s.begin = o.DSCLI; s.begin == nil {
		s.begin = func(d dscli.Options) *dscli.Session {
			d.Lab = o.Session.Lab
			return dscli.NewSession(d)
		}
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /static/{name}", s.static)
	s.mux.HandleFunc("GET /enter", s.enter)
	s.mux.HandleFunc("GET /live", s.admit(s.live))
	s.mux.HandleFunc("GET /complete", s.admit(s.complete))
	s.mux.HandleFunc("POST /run", s.admit(s.run))
	s.mux.HandleFunc("POST /time", s.admit(s.clockRun))
	s.mux.HandleFunc("POST /rehearse", s.admit(s.rehearse))
	s.mux.HandleFunc("POST /verify", s.admit(s.verify))
	s.mux.HandleFunc("GET /certificates/{slot}/file", s.admit(s.save))
	s.mux.HandleFunc("GET /campaigns/{place}/{id}/failures/{number}/file", s.admit(s.replayFile))
	s.mux.HandleFunc("GET /hands/drawer", s.admit(s.drawer))
	s.mux.HandleFunc("GET /history.txt", s.admit(s.history))
	s.mux.HandleFunc("POST /shell", s.owner(remote(s.lab.typed)))
	s.mux.HandleFunc("POST /dscli", s.owner(s.dscli))
	s.mux.HandleFunc("POST /dscli/answer", s.owner(remote(s.answer)))
	s.mux.HandleFunc("GET /", s.admit(s.page))
	return s, nil
}

// Loopback says whether only this machine reaches a host name or address.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Link is where a browser begins, with a token.
func Link(address, token string) string { return "http://" + address + "/enter?token=" + token }

// ServeHTTP answers a request: a page, an update of one, or a command.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.guard(s.mux).ServeHTTP(w, r) }

// NewHTTPServer is a server with limits of time and size, so that a client that says nothing, or too much, costs
// little. Streams of updates set their own.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

//go:embed static
var files embed.FS

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}

// static serves style and scripts. They are the same for everybody, and say nothing of the laboratory.
func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	b, err := files.ReadFile("static/" + name)
	kind := kinds[path.Ext(name)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	write(w, r, http.StatusOK, kind, b)
}

// render sends a page or a part of one.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	write(w, r, status, "text/html; charset=utf-8", b.Bytes())
}

// write sends a body, compressed if it is long and the browser takes that: a facility of 1,536 drives is mostly the
// same words.
func write(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	if len(body) > 4<<10 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		h.Set("Vary", "Accept-Encoding")
		w.WriteHeader(status)
		z := gzip.NewWriter(w)
		_, _ = z.Write(body) // an error is of a browser that is gone
		_ = z.Close()
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
