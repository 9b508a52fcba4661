package labsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
)

// Write makes a new SQLite file (mode 0600) of the lab in dir.
func Write(dir, file string) (err error) {
	st, err := play(dir)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	return errors.Join(fill(db, st), db.Close())
}

// DB is the history of a lab in memory.
type DB struct{ db *sql.DB }

// Load plays the lab in dir.
func Load(dir string) (*DB, error) {
	st, err := play(dir)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each has a memory of its own
	if err := errors.Join(fill(db, st), readOnly(db)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &DB{db}, nil
}

// readOnly lets queries through and nothing else: nothing is changed, and no file of the host is opened.
func readOnly(db *sql.DB) error {
	c, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	err = c.Raw(func(driver any) error {
		return driver.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(func(action sqlite.AuthorizerActionCode, _, function, _, _ string) sqlite.AuthorizerReturnCode {
			switch action {
			case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthRecursive:
				return sqlite.AuthorizerOK
			case sqlite.AuthFunction:
				if function != "load_extension" {
					return sqlite.AuthorizerOK
				}
			}
			return sqlite.AuthorizerDeny
		})
	})
	return errors.Join(err, c.Close())
}

// Close forgets it.
func (d *DB) Close() error { return d.db.Close() }

// Table is the answer to a query.
type Table struct {
	Columns []string
	Rows    [][]any // string, int64, float64, []byte or nil
}

// ErrReads refuses what is no query.
var ErrReads = errors.New("nothing can be changed here: one SELECT is right")

// ErrSeveral refuses what is more than one query.
var ErrSeveral = errors.New("there is text behind the first statement: one SELECT is right")

// authDenied is SQLite's result code SQLITE_AUTH.
const authDenied = 23

// Query asks with one SELECT. It gives ErrReads for what would do something else, ErrSeveral where more
// than comments and semicolons follow.
func (d *DB) Query(query string) (*Table, error) {
	if !oneStatement(query) {
		return nil, ErrSeveral
	}
	rows, err := d.db.Query(query)
	var refused *sqlite.Error
	if errors.As(err, &refused) && refused.Code() == authDenied {
		return nil, ErrReads
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &Table{}
	if t.Columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	if len(t.Columns) == 0 {
		return nil, errors.Join(errors.New("it asks for nothing: one SELECT is right"), rows.Err())
	}
	for rows.Next() {
		row := make([]any, len(t.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, row)
	}
	return t, rows.Err()
}

// Text is a value for people: nothing for NULL.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprint(v)
}
