package rehearsals

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

//go:embed *.txt
var files embed.FS

// maxFile bounds a transcript that is read from a file, in bytes.
const maxFile = 1 << 20

// Rehearsal is a transcript with its name.
type Rehearsal struct {
	Name string
	*console.Transcript
}

// All lists the embedded rehearsals in the order of their names. A transcript that
// does not parse is a bug of the build.
func All() []Rehearsal { return slices.Clone(embedded()) }

// embedded parses them once: each parse looks up every command of every rehearsal.
var embedded = sync.OnceValue(func() []Rehearsal {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("BUG: the embedded rehearsals cannot be listed: " + err.Error())
	}
	var all []Rehearsal
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			panic("BUG: " + err.Error())
		}
		t, err := console.ParseTranscript(e.Name(), string(text))
		if err != nil {
			panic("BUG: " + err.Error())
		}
		all = append(all, Rehearsal{strings.TrimSuffix(e.Name(), ".txt"), t})
	}
	return all
})

// Find lists the rehearsals that name means, in any case: the one with that name, those about that
// service reference code, or those whose name begins with it. The error says how to list them.
func Find(name string) ([]Rehearsal, error) {
	all := All()
	want := strings.ToLower(strings.TrimSpace(name))
	tests := []func(r Rehearsal) bool{
		func(r Rehearsal) bool { return r.Name == want },
		func(r Rehearsal) bool { return slices.Contains(r.SRCs, strings.ToUpper(want)) },
		func(r Rehearsal) bool { return strings.HasPrefix(r.Name, want) },
	}
	for _, fits := range tests {
		var found []Rehearsal
		for _, r := range all {
			if want != "" && fits(r) {
				found = append(found, r)
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
		for _, code := range r.SRCs {
			if !slices.Contains(names, code) {
				names = append(names, code)
			}
		}
	}
	if guess := suggest.Guess(name, names, ""); guess != "" {
		return nil, fmt.Errorf("no rehearsal %q: %s", name, guess)
	}
	return nil, fmt.Errorf("no rehearsal %q, and no such file: fdelab rehearse lists them", name)
}

// FromFile reads a transcript that is not embedded.
func FromFile(path string) (Rehearsal, error) {
	f, err := os.Open(path)
	if err != nil {
		return Rehearsal{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Rehearsal{}, err
	}
	if len(text) > maxFile {
		return Rehearsal{}, fmt.Errorf("%s: more than %d bytes: a transcript is a short text", path, maxFile)
	}
	t, err := console.ParseTranscript(path, string(text))
	if err != nil {
		return Rehearsal{}, err
	}
	return Rehearsal{strings.TrimSuffix(filepath.Base(path), ".txt"), t}, nil
}
