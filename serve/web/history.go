package web

import (
	"fmt"
	"net/http"
)

// history sends the history as a script, and says first what is not in it.
func (s *Server) history(w http.ResponseWriter, r *http.Request, role Role) {
	if st, _ := s.lab.news(); st.Older {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "# older commands are not here: the history keeps the last %d\n", historyMost)
	}
	s.script(w, r, role)
}
