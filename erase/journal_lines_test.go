package erase

import (
	"encoding/json"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// parseJournal reads the bytes of a journal, as OpenJournal does.
func parseJournal(data []byte) (entries []Entry, good int, err error) {
	good, err = journal.Parse(data, form(&entries))
	return entries, good, err
}

// encodeLine is one line of a journal, with its end.
func encodeLine(e Entry) ([]byte, error) {
	entry, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return journal.Line(entry), nil
}
