package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

func (s *Server) rankPage(st *State, id string, role Role) page {
	for _, r := range st.Ranks {
		if !strings.EqualFold(r.ID, id) {
			continue
		}
		var owed []string
		var line timeLine
		s.lab.ask(st, func(f *raslab.Lab) { owed, line = f.OwedToRank(r.ID), storyOf(f, aboutRank(r)) })
		view, story := rankView(r, owed, role), timeLineOf("rankline", "What happened to it", line)
		return page{
			title: "Rank " + r.ID, status: http.StatusOK, body: rankBody(view, story),
			parts: []part{{"rank", view}, {"rankline", story}},
		}
	}
	return missing("there is no rank " + id)
}

// aboutRank says whether a log entry is about a rank, its array, or a drive that serves it.
func aboutRank(r raslab.RankInfo) func(raslab.TraceEntry) bool {
	names := []string{r.ID, r.Array}
	for _, m := range r.Members {
		names = append(names, m.Slot)
		if m.CopyingTo != "" {
			names = append(names, m.CopyingTo)
		}
	}
	return console.About(names...)
}

// rowsHeld is how many rows of its rank the drive of a member has. Those of a member that is not accessible are there
// and cannot be read.
func rowsHeld(m raslab.MemberInfo, rows int) int {
	if m.State == "failed" {
		return 0
	}
	return max(0, rows-m.Lacks)
}

// memberText says how a member is, as rank show does.
func memberText(m raslab.MemberInfo, rows int) string {
	text := strings.TrimPrefix(console.Lacking(m), ", ")
	if m.CopyingTo != "" {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("copied to %s, %d of %d rows", m.CopyingTo, m.Done, rows)
	}
	return text
}
