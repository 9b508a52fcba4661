package keydir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// marker is a file in a directory that is being made. It is written before the first key and
// removed when the directory is whole and in its place. A directory with a marker was never in use.
const (
	marker      = ".unfinished"
	markerMagic = "fdelab: this directory is being made, or was left unfinished: remove all of it\n"
)

// Finished refuses a directory whose making was interrupted. It does not look whether it is a
// directory of ours at all.
func Finished(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, marker))
	if err == nil && string(b) == markerMagic {
		return fmt.Errorf("keydir: %s was left unfinished by an interrupted command: make it anew", dir)
	}
	return nil
}

// NewDir makes a whole directory or none. dir must not exist yet, or be empty. build fills a
// directory beside it, which is then moved into place. What an interrupted NewDir of the same dir
// left behind, keys included, is removed first.
func NewDir(dir string, build func(dir string) error) error {
	m := &newDir{dir: filepath.Clean(dir), build: build}
	for _, step := range m.steps() {
		if err := step.do(); err != nil {
			return errors.Join(err, m.undo())
		}
	}
	return nil
}

// newDir is a directory that is being made.
type newDir struct {
	dir   string
	build func(string) error
	at    string   // its path: beside dir, then dir; empty before it exists
	held  *os.File // the marker, locked
}

// newDirStep is one change of the file system.
type newDirStep struct {
	name string
	do   func() error
}

func (m *newDir) steps() []newDirStep {
	return []newDirStep{
		{"clear away", m.clearAway},
		{"make", m.begin},
		{"mark", m.mark},
		{"build", func() error { return m.build(m.at) }},
		{"sync what was built", func() error { return sync(m.at) }}, // before the marker goes
		{"move", m.move},
		{"sync the move", func() error { return sync(filepath.Dir(m.dir)) }},
		{"finish", m.finish},
		{"sync the finish", func() error { return sync(m.dir) }},
	}
}

func (m *newDir) clearAway() error {
	parent, base := filepath.Split(m.dir)
	entries, err := os.ReadDir(filepath.Clean(parent))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keydir: %w", err)
	}
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(base) + `(\.part-[0-9]+)?$`)
	for _, e := range entries {
		if e.IsDir() && ours.MatchString(e.Name()) {
			if err := removeUnfinished(filepath.Join(parent, e.Name()), e.Name() != base); err != nil {
				return fmt.Errorf("keydir: what an interrupted command left: %w", err)
			}
		}
	}
	if entries, err := os.ReadDir(m.dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("keydir: %s is not empty, need a new directory", m.dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keydir: %w", err)
	}
	return nil
}

// removeUnfinished removes a directory with a marker that no running command holds. An empty one
// beside the target was not marked yet, and is removed too.
func removeUnfinished(dir string, beside bool) error {
	f, err := os.Open(filepath.Join(dir, marker))
	if errors.Is(err, os.ErrNotExist) {
		if beside {
			_ = os.Remove(dir) // if it is empty
		}
		return nil
	}
	if err != nil {
		return nil // it is somebody else's
	}
	defer f.Close()
	b := make([]byte, len(markerMagic)+1)
	n, _ := f.Read(b)
	whole := string(b[:n]) == markerMagic
	cut := beside && n < len(markerMagic) && strings.HasPrefix(markerMagic, string(b[:n]))
	if !whole && !cut || filelock.Take(f) != nil {
		return nil
	}
	// The marker goes last, so that the next command can finish an interrupted removal.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != marker {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func (m *newDir) begin() (err error) {
	if m.at, err = os.MkdirTemp(filepath.Dir(m.dir), filepath.Base(m.dir)+".part-"); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	return nil
}

func (m *newDir) mark() (err error) {
	if m.held, err = os.OpenFile(filepath.Join(m.at, marker), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	if err := filelock.Take(m.held); errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("keydir: another command makes %s: %w", m.dir, err)
	}
	_, err = m.held.WriteString(markerMagic)
	if err := errors.Join(err, m.held.Sync(), sync(m.at)); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	return nil
}

func (m *newDir) move() error {
	if err := os.Remove(m.dir); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty
		return fmt.Errorf("keydir: %w", err)
	}
	if err := os.Rename(m.at, m.dir); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	m.at = m.dir
	return nil
}

func (m *newDir) finish() error {
	if err := errors.Join(os.Remove(filepath.Join(m.dir, marker)), m.held.Close()); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	m.at = "" // from here on it stays
	return nil
}

// undo removes the directory after a step that failed.
func (m *newDir) undo() error {
	var err error
	if m.at != "" {
		err = os.RemoveAll(m.at)
	}
	if m.held != nil {
		_ = m.held.Close()
	}
	return err
}
