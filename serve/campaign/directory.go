package campaign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What a directory has of its own. Failures and reports stand beside it, once its streams are there.
const (
	lockFile   = "lock"
	streamsDir = "streams"
)

// ErrForeign is wrapped by Open, Run, Reach and Free where a directory has files, and none of a campaign.
var ErrForeign = errors.New("the folder is neither empty nor that of a campaign")

// makeDir makes a directory, and none above it.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	switch {
	case err == nil, errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("campaign: the folder %s cannot be made: there is no folder %s: %w", dir, filepath.Dir(dir), err)
	}
	return fmt.Errorf("campaign: %w", err)
}

// checkDir refuses a directory of somebody else before anything is written there. A process that was killed while it made
// one has left it with a part of what it has of its own, and with nothing else.
func checkDir(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	own, other := map[string]bool{}, ""
	for _, e := range all {
		switch name := e.Name(); name {
		case lockFile, streamsDir, addressFile, addressFile + partly, markFile, markFile + partly:
			own[name] = true
		default:
			other = name
		}
	}
	if other == "" || own[lockFile] && (own[streamsDir] || own[markFile]) {
		return nil
	}
	return fmt.Errorf("campaign: %s: %w: it has %q", dir, ErrForeign, other)
}
