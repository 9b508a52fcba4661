package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// run takes a command: what was typed, or what a button stands for, with the values of its form.
func (s *Server) run(w http.ResponseWriter, r *http.Request, role Role) {
	if role != Owner {
		http.Error(w, "a guest looks, and gives no command", http.StatusForbidden)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(callMost)) // a recorder has none
	var long *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &long):
		http.Error(w, fmt.Sprintf("the command is too long: a form has at most %d bytes", bodyMost), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "this is no form of these pages", http.StatusBadRequest)
		return
	}
	a := s.lab.run(lineOf(r))
	if r.Header.Get("HX-Request") == "true" {
		s.render(w, r, http.StatusOK, said(a, Owner))
		return
	}
	// Without the script: the page again, with the answer at its foot.
	at := r.PostForm.Get("at")
	if at == "" {
		at = "/"
	}
	s.show(w, r, at, role, &a)
}

// lineOf is the line that a form stands for. A field arg.NAME is an argument; one that is left empty is not given.
func lineOf(r *http.Request) string {
	f := r.PostForm
	if !f.Has("press") {
		return f.Get("line")
	}
	parts := []string{f.Get("press")}
	var names []string
	for name := range f {
		if strings.HasPrefix(name, "arg.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if v := strings.TrimSpace(f.Get(name)); v != "" {
			parts = append(parts, console.Word{Key: strings.TrimPrefix(name, "arg."), Value: v}.String())
		}
	}
	if f.Has("more") {
		parts = append(parts, f.Get("more"))
	}
	return strings.Join(parts, " ")
}

// script sends the history as commands for fdelab shell, the first one first. A line with a secret is left for whoever
// has it.
func (s *Server) script(w http.ResponseWriter, _ *http.Request, _ Role) {
	st, _ := s.lab.news()
	var b strings.Builder
	for _, ran := range slices.Backward(st.History) {
		if strings.Contains(ran.Line, command.Hidden) {
			b.WriteString("# ")
		}
		for range max(ran.Times, 1) {
			b.WriteString(ran.Line + "\n")
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(b.String()))
}

// completions is how many ways to go on are offered.
const completions = 30

// complete answers with ways in which a line may go on.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, role Role) {
	var lines []string
	if role == Owner {
		text := r.URL.Query().Get("line")
		begin := text[:strings.LastIndexAny(text, " ;")+1]
		for _, c := range s.lab.complete(text) {
			if len(lines) < completions {
				lines = append(lines, begin+c.Text)
			}
		}
	}
	s.render(w, r, http.StatusOK, candidates(lines))
}
