package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Role is what a token lets one do.
type Role int

// The roles.
const (
	Nobody Role = iota
	Guest       // looks, and gives no command
	Owner
)

// NewToken draws a token: 32 bytes from the operating system, as text for a link.
func NewToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// policy lets a page have what this server serves as a file, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// bodyMost is how long the body of a request may be, in bytes: a line of the command language as a form has it.
const bodyMost = 16 << 10

// guard refuses what no page of this server asks for, before anything else sees it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer a browser names no Origin for its forms
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !s.ours(r.Host):
			// A name that somebody made point here must not make this server's pages his own (DNS rebinding).
			http.Error(w, "this server does not go by that name: use the link that it printed", http.StatusMisdirectedRequest)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !sameOrigin(r) && !noBrowser(r):
			http.Error(w, "a command is taken from this server's own pages only", http.StatusForbidden)
			return
		}
		most := int64(bodyMost)
		if r.URL.Path == "/rehearse" || r.URL.Path == "/verify" {
			most += transcriptMost // a file
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// ours says whether a Host header names this server: an address, or localhost, or the name that it listens at.
// An address cannot be made to point elsewhere, a name can.
func (s *Server) ours(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if ip := net.ParseIP(name); ip != nil {
		return !s.loopback || ip.IsLoopback()
	}
	return strings.EqualFold(name, "localhost") || s.name != "" && strings.EqualFold(name, s.name)
}

// sameOrigin says whether a page of this server sent a request. Browsers send Origin with every one that is no
// GET; what sends none is no browser with our page in it.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Scheme == "http" && u.Host == r.Host
}

// noBrowser says whether a command comes from a program: with the token in a header, which a page elsewhere cannot set
// before it has asked, and without what browsers send.
func noBrowser(r *http.Request) bool {
	_, there := bearer(r)
	return there && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
}

// roleOf says what a token lets one do. Both comparisons are made, whatever the first says.
func (s *Server) roleOf(token string) Role {
	owner := subtle.ConstantTimeCompare([]byte(token), []byte(s.token))
	guest := subtle.ConstantTimeCompare([]byte(token), []byte(s.guest)) & subtle.ConstantTimeEq(int32(min(len(s.guest), 1)), 1)
	switch {
	case owner == 1:
		return Owner
	case guest == 1:
		return Guest
	}
	return Nobody
}

// cookie is the name of the cookie with the token. It has the port in it, because cookies know no ports: two labs on
// one machine would take each other's away.
func (s *Server) cookie(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	return "fdelab-" + port
}

// enter answers a link: it puts the token into a cookie, so that it stands in no address any more.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if s.roleOf(token) == Nobody {
		s.stranger(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(r), Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	// No redirect: a browser that followed the link from a page elsewhere would not send a strict cookie with it.
	w.Header().Set("Refresh", "0; url=/")
	s.render(w, r, http.StatusOK, welcome())
}

// admit gives a handler only those who have a token, and says which.
func (s *Server) admit(next func(w http.ResponseWriter, r *http.Request, role Role)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		role := Nobody
		if c, err := r.Cookie(s.cookie(r)); err == nil {
			role = s.roleOf(c.Value)
		}
		if role == Nobody {
			s.stranger(w, r)
			return
		}
		next(w, r, role)
	}
}

// stranger answers who has no token.
func (s *Server) stranger(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusUnauthorized, noToken())
}
