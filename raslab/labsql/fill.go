package labsql

import (
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

// Schema is the SQL that makes the tables and views, with what each column is.
//
//go:embed schema.sql
var Schema string

// logged is a line of a log, and the entry during which it was written.
type logged struct {
	entry int
	raslab.TraceEntry
}

// story is what playing a lab gave.
type story struct {
	entries []labfile.Entry
	built   []*raslab.Lab // all, in order
	logs    map[*raslab.Lab][]logged
	now     []*raslab.Lab // those that are there at the end
	last    []console.Snapshot
}

// play plays a lab.
func play(dir string) (*story, error) {
	st := &story{logs: map[*raslab.Lab][]logged{}}
	err := labfile.Walk(dir, func(e *labfile.Entry, s *console.Session) {
		st.entries = append(st.entries, *e)
		if e.Made != nil {
			return
		}
		for _, lab := range s.Labs() {
			have, known := st.logs[lab]
			if !known {
				st.built = append(st.built, lab)
			}
			for _, line := range lab.TraceSince(uint64(len(have))) {
				have = append(have, logged{e.Number, line})
			}
			st.logs[lab] = have
		}
	}, func(s *console.Session) { st.now, st.last = s.Labs(), console.Snapshots(s) })
	return st, err
}

// fill makes the tables of a story.
func fill(db *sql.DB, st *story) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.Exec(Schema); err != nil {
		return err
	}
	w := &writer{tx: tx}
	w.commands(st)
	names := w.facilities(st)
	for i, lab := range st.now {
		w.state(names[lab], lab, st.last[i])
	}
	if w.err != nil {
		return w.err
	}
	return tx.Commit()
}

// writer adds rows until one fails.
type writer struct {
	tx  *sql.Tx
	err error
}

// row adds a row to a table.
func (w *writer) row(table string, values ...any) {
	if w.err != nil {
		return
	}
	for i, v := range values {
		if t, ok := v.(time.Time); ok {
			values[i] = stamp(t)
		}
	}
	if _, err := w.tx.Exec("INSERT INTO "+table+" VALUES (?"+strings.Repeat(", ?", len(values)-1)+")", values...); err != nil {
		w.err = fmt.Errorf("labsql: table %s: %w", table, err)
	}
}

// stamp is a time as SQLite's date functions take it; nil for one that has not come.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.DateTime)
}

func (w *writer) commands(st *story) {
	for _, e := range st.entries {
		switch {
		case e.Made != nil:
		case e.DSCLI != nil:
			w.row("command", e.Number, e.Time, "dscli", e.DSCLI.Line, string(e.Verdict))
		default:
			w.row("command", e.Number, e.Time, "console", e.Line, string(e.Verdict))
		}
	}
}

// facilities writes each facility with its log, and gives its name in the tables.
func (w *writer) facilities(st *story) map[*raslab.Lab]string {
	there := map[*raslab.Lab]bool{}
	for _, lab := range st.now {
		there[lab] = true
	}
	names, gone := map[*raslab.Lab]string{}, map[string]int{}
	for _, lab := range st.built {
		name := lab.Serial()
		if !there[lab] {
			gone[name]++
			name = fmt.Sprintf("%s (%d)", name, gone[name])
		}
		names[lab] = name
		w.row("facility", name, lab.Now(), !there[lab])
		for _, line := range st.logs[lab] {
			w.row("trace", name, line.Seq, line.entry, line.Time, line.Actor, line.Text)
		}
	}
	return names
}

// state writes how a facility is at the end.
func (w *writer) state(name string, lab *raslab.Lab, f console.Snapshot) {
	for _, p := range f.Partitions {
		w.row("partition", name, p.ID, p.State, p.DataAccess, p.LastIML)
	}
	for _, g := range f.KeyGroups {
		w.row("key_group", name, g.ID, g.State, g.Type, g.Why)
		for _, serial := range g.Members {
			w.row("key_group_member", name, g.ID, serial)
		}
		records, err := lab.GroupAccess(g.ID)
		if err != nil && !errors.Is(err, raslab.ErrState) && w.err == nil {
			w.err = fmt.Errorf("labsql: key group %d: %w", g.ID, err)
		}
		for _, r := range records {
			w.row("key_retrieval", name, g.ID, r.KeyManager, r.LastAccess, r.LastSuccess, r.LastFailure)
		}
	}
	for _, m := range f.KeyManagers {
		w.row("key_manager", name, m.ID, m.Addr, m.Port, m.KeyGroup, m.State, m.Status)
	}
	for _, r := range f.Ranks {
		w.row("rank", name, r.ID, r.Array, r.KeyGroup, r.State, r.DataState)
		for i, slot := range r.Members {
			w.row("rank_member", name, r.ID, i+1, slot)
		}
	}
	for _, d := range f.Drives {
		w.row("drive", name, d.Slot, d.Location, d.Serial, d.Site, d.Rank, d.Use, d.State, d.Why, d.Keys, d.Locked)
	}
	for _, e := range f.Events {
		w.event(name, e)
	}
}

func (w *writer) event(name string, e console.EventSnapshot) {
	var closed time.Time
	if e.Closed != nil {
		closed = *e.Closed
	}
	w.row("event", name, e.ID, e.SRC, e.Severity, e.First, e.Last, e.Count, e.Open, closed, e.ClosedBy, e.ClosedWhy, e.CallHome, e.Problem)
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	for i := range max(len(e.Slots), len(e.Locations), len(e.Found)) {
		w.row("event_place", name, e.ID, i+1, at(e.Slots, i), at(e.Locations, i), at(e.Found, i))
	}
	for i, fru := range e.FRUs {
		w.row("event_fru", name, e.ID, i+1, fru)
	}
}
