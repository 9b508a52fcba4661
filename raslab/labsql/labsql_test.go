package labsql

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

// played is a lab in which a rehearsal was played, and its facility.
func played(t *testing.T, name string) (string, *raslab.Lab) {
	t.Helper()
	found, err := rehearsals.Find(name)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := labfile.Create(dir, labfile.Options{})
	require.NoError(t, err)
	result := console.PlayIn(l.Session(), found[0].Transcript, nil)
	require.True(t, result.Passed(), "%v", result.Difference)
	require.NoError(t, l.Close())
	return dir, l.Session().Lab()
}

func load(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Load(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func ask(t *testing.T, db *DB, query string) [][]any {
	t.Helper()
	table, err := db.Query(query)
	require.NoError(t, err, query)
	return table.Rows
}

// TestTheTablesAreTheLab: what the tables say is what the facility says, row by row.
func TestTheTablesAreTheLab(t *testing.T) {
	t.Parallel()
	dir, lab := played(t, "be34009e-repair")
	db := load(t, dir)
	var log []string
	for _, r := range ask(t, db, "SELECT seq, time, actor, text FROM trace ORDER BY seq") {
		log = append(log, fmt.Sprintf("%06d %s %s: %s", r[0], r[1], r[2], r[3]))
	}
	require.Equal(t, lab.TraceText(), strings.Join(log, "\n")+"\n")
	require.Empty(t, ask(t, db, "SELECT * FROM trace a JOIN trace b ON b.seq = a.seq + 1 WHERE b.entry < a.entry"))
	require.Empty(t, ask(t, db, "SELECT * FROM trace WHERE entry NOT IN (SELECT entry FROM command)"))

	events := ask(t, db, "SELECT id, src, open, first, count FROM event ORDER BY id")
	require.NotEmpty(t, events)
	for i, e := range lab.Events() {
		open := int64(0)
		if e.Open {
			open = 1
		}
		require.Equal(t, []any{int64(e.ID), e.SRC, open, stamp(e.First), int64(e.Count)}, events[i])
		places := ask(t, db, fmt.Sprintf("SELECT slot, location FROM event_place WHERE event = %d ORDER BY position", e.ID))
		require.GreaterOrEqual(t, len(places), len(e.Slots))
		for j, slot := range e.Slots {
			require.Equal(t, []any{slot, e.Locations[j]}, places[j])
		}
	}
	drives := ask(t, db, "SELECT slot, serial, rank, keys FROM drive ORDER BY rowid")
	require.Len(t, drives, len(lab.Drives()))
	for i, d := range lab.Drives() {
		require.Equal(t, []any{d.Slot, d.Serial, d.Rank}, drives[i][:3])
	}
	var members []any
	for _, r := range lab.Ranks() {
		for _, m := range r.Members {
			members = append(members, m.Slot)
		}
	}
	var got []any
	for _, r := range ask(t, db, "SELECT slot FROM rank_member ORDER BY rank, position") {
		got = append(got, r[0])
	}
	require.Equal(t, members, got)
	require.Len(t, ask(t, db, "SELECT * FROM partition"), len(lab.Partitions()))
	require.Len(t, ask(t, db, "SELECT * FROM key_manager"), len(lab.KeyManagers()))
	records, err := lab.GroupAccess(1)
	require.NoError(t, err)
	require.Len(t, ask(t, db, "SELECT * FROM key_retrieval WHERE key_group = 1"), len(records))
}

// TestAQueryReads: nothing is changed, and no file of the host is made or opened.
func TestAQueryReads(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := labfile.Create(dir, labfile.Options{})
	require.NoError(t, err)
	require.NoError(t, l.Session().Run("lab new drives=8", io.Discard))
	require.NoError(t, l.Close())
	db := load(t, dir)
	other := filepath.Join(t.TempDir(), "other.db")
	for _, query := range []string{
		"DELETE FROM drive", "UPDATE drive SET slot = 'x'", "INSERT INTO drive SELECT * FROM drive", "DROP TABLE drive", "CREATE TABLE x (a)", "CREATE TEMP TABLE x (a)",
		"WITH x AS (SELECT 1) DELETE FROM drive", "SELECT 1; DELETE FROM drive", "PRAGMA writable_schema = 1", "PRAGMA query_only",
		"ATTACH '" + other + "' AS o", "VACUUM INTO '" + other + "'", "SELECT load_extension('x')", "SELECT 1; ATTACH '" + other + "' AS o", "BEGIN", "VACUUM", "", "-- nothing",
		"SELECT * FROM nothing", "SELEC 1",
	} {
		_, err := db.Query(query)
		require.Error(t, err, query)
		if strings.HasPrefix(query, "DELETE") || strings.HasPrefix(query, "ATTACH") {
			require.ErrorIs(t, err, ErrReads, query)
		}
		require.NoFileExists(t, other)
	}
	require.Equal(t, [][]any{{int64(8)}}, ask(t, db, "SELECT count(*) FROM drive WHERE serial <> ''"))
	require.Equal(t, [][]any{{int64(1)}, {int64(2)}, {int64(3)}}, ask(t, db, "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n"))
}

// TestAFacilityThatWasReplacedLeavesItsLog.
func TestAFacilityThatWasReplacedLeavesItsLog(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := labfile.Create(dir, labfile.Options{})
	require.NoError(t, err)
	for _, line := range []string{"lab new drives=8", "keygrp configure", "lab new drives=16", "lab new drives=8 serial=OTHER", "lab new drives=8"} {
		require.NoError(t, l.Session().Run(line, io.Discard))
	}
	require.NoError(t, l.Close())
	db := load(t, dir)
	require.Equal(t, [][]any{{"75NR641", int64(0)}, {"75NR641 (1)", int64(1)}, {"75NR641 (2)", int64(1)}, {"OTHER", int64(0)}}, ask(t, db, "SELECT facility, replaced FROM facility ORDER BY 1"))
	require.Equal(t, [][]any{{int64(3), "key group 1 is accessible"}}, ask(t, db, "SELECT entry, text FROM trace WHERE facility = '75NR641 (1)' AND actor = 'service'"))
	require.Equal(t, [][]any{{"75NR641", int64(8)}, {"OTHER", int64(8)}}, ask(t, db, "SELECT facility, count(*) FROM drive WHERE serial <> '' GROUP BY 1 ORDER BY 1"))
}

// TestTheFile: the same tables, for its owner alone; a file that exists stays what it is.
func TestTheFile(t *testing.T) {
	t.Parallel()
	dir, lab := played(t, "healthy-day")
	file := filepath.Join(t.TempDir(), "history.db")
	require.NoError(t, Write(dir, file))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	var n int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM trace").Scan(&n))
	require.Len(t, lab.Trace(), n)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	require.ErrorIs(t, Write(dir, file), os.ErrExist)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// TestTheSchemaSaysWhatItIs: a comment stands above each table and view.
func TestTheSchemaSaysWhatItIs(t *testing.T) {
	made := regexp.MustCompile(`(?m)^CREATE (TABLE|VIEW) (\w+)`).FindAllStringSubmatch(Schema, -1)
	require.Len(t, made, 17)
	lines := strings.Split(Schema, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "CREATE") && !strings.Contains(line, " rank") {
			require.True(t, strings.HasPrefix(lines[i-1], "-- ") || strings.Contains(line, "_member"), line)
		}
	}
}
