package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
)

// floors say which way imports go: a room may import itself and the rooms on
// lower floors. The customer's side is below the facility: it cannot know one. Two rooms on one floor do not import one another. drive/entropy,
// drive/fault and drive/secret are the ground that everybody stands on, strangers
// included; drive/internal and internal/image are what lies under it. Of drive/tcg, token, spec and transport know no
// drive: host and device share them. The TPer is above the drive, and the host side above the TPer,
// against which it is tested.
var floors = map[string]int{
	"drive/internal":      0,
	"internal/image":      0,
	"drive/entropy":       1,
	"drive/fault":         1,
	"drive/secret":        1,
	"internal":            2,
	"drive/tcg/token":     3,
	"drive/tcg/spec":      3,
	"drive/tcg/transport": 3,
	"drive":               4,
	"drive/tcg":           5,
	"drive/tcg/host":      6,
	"drive/tcg/remote":    7,
	"drive/nvme":          7,
	"encgroup":            7,
	"erase":               7,
	"raslab/request":      8,
	"raslab/customer":     9,
	"raslab":              10,
	"proptest":            11,
	"serve":               12,
	"cmd":                 13,
}

// listing is the part of `go list -json` that is needed.
type listing struct {
	ImportPath   string
	Dir          string
	Name         string
	Module       *struct{ Path, Dir string }
	GoFiles      []string
	IgnoredFiles []string `json:"IgnoredGoFiles"`
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// list asks the go command for the packages of the module in dir.
func list(dir string) ([]listing, string, error) {
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, "", fmt.Errorf("lint: go list: %w", err)
	}
	var all []listing
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listing
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, "", fmt.Errorf("lint: go list: %w", err)
		}
		if l.Module == nil {
			return nil, "", fmt.Errorf("lint: %s is in no module", l.ImportPath)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, "", fmt.Errorf("lint: no packages in %s", dir)
	}
	return all, all[0].Module.Path, nil
}

// imports holds the imports, those of the tests included, to one direction.
func imports(m *module) []Finding {
	var found []Finding
	for _, l := range m.listed {
		from := m.room(l.ImportPath)
		floor, known := floors[from]
		file := m.rel(filepath.Join(l.Dir, "doc.go"))
		if !known {
			found = append(found, Finding{File: file, Line: 1, Rule: "imports", Text: fmt.Sprintf(
				"package %s is in no known room: give room %q a floor in internal/lint", l.ImportPath, from)})
			continue
		}
		all := slices.Concat(l.Imports, l.TestImports, l.XTestImports)
		slices.Sort(all)
		for _, imp := range slices.Compact(all) {
			to := m.room(imp)
			if to == from || !m.holds(imp) {
				continue
			}
			if below, ok := floors[to]; !ok || below >= floor {
				found = append(found, Finding{File: file, Line: 1, Rule: "imports", Text: fmt.Sprintf(
					"room %s imports %s: imports go cmd -> serve -> proptest -> raslab -> raslab/customer -> encgroup, erase -> drive/nvme, drive/tcg/remote -> drive/tcg/host -> drive/tcg -> drive -> drive/tcg/token, drive/tcg/spec, drive/tcg/transport -> internal -> drive/entropy, drive/fault, drive/secret -> internal/image only", from, imp)})
			}
		}
	}
	return found
}
