package labfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// Export gives a lab as a transcript, which console.Play plays: its commands, and what they print. A command
// that a transcript cannot hold, since it reads a file of the host or answers questions in several ways, is an
// error.
func Export(dir string) (*console.Transcript, error) {
	entries, err := Read(dir)
	if err != nil {
		return nil, err
	}
	t := &console.Transcript{Title: "The lab " + filepath.Base(filepath.Clean(dir))}
	s := console.NewSession(console.Options{})
	defer s.Close()
	l := &Lab{session: s, traced: map[*raslab.Lab]uint64{}}
	for _, e := range entries[1:] {
		line, err := e.line()
		if err != nil {
			return nil, fmt.Errorf("lab %s: entry %d (%s): %w", dir, e.Number, e.Command(), err)
		}
		var out strings.Builder
		console.RunLine(s, line, &out)
		if l.trace() != e.Trace {
			return nil, fmt.Errorf("lab %s: entry %d (%s) does something else in a transcript, which has no files of the host and no other version", dir, e.Number, e.Command())
		}
		t.Steps = append(t.Steps, console.Step{Commands: []console.ScriptLine{{Text: line}}, Output: out.String()})
	}
	return t, nil
}

// line is the entry as a line of package console.
func (e *Entry) line() (string, error) {
	if e.DSCLI == nil {
		return e.Line, nil
	}
	k := e.DSCLI
	if k.Image != "" || k.Consoles != nil && fmt.Sprint(k.Consoles) != "[1 2]" {
		return "", errors.New("it went through another console, or to another image, than the first")
	}
	words := []string{"dscli", "user=" + k.User}
	answer := ""
	for _, a := range k.Answers {
		given := "n"
		if a != nil && len(*a) > 0 {
			given = strings.ToLower((*a)[:1])
		}
		if answer != "" && given != answer {
			return "", errors.New("its questions were answered with yes and with no, and a line has one answer")
		}
		answer = given
	}
	if answer != "" {
		words = append(words, "answer="+answer)
	}
	return strings.Join(append(words, console.Word{Value: k.Line}.Quoted()), " "), nil
}
