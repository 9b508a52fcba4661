package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// ErrDamaged is wrapped by Open, Run, Reach and Coordinate where a campaign was begun, and there is no state of it that
// can be read: it does not begin anew by itself.
var ErrDamaged = errors.New("the state is damaged or lost")

// markFile holds the ID of the campaign that was begun in a directory. It is outside of the streams, so that one whose
// state is gone is no new one. It is written after the first state is stored, and before the first job is put: a process
// that is killed between has left a state without a mark, which goes on.
const markFile = "begun"

// partly ends the name of a file that is being written.
const partly = ".part"

// mark writes the mark of a directory, where it has none, and has the disk keep it.
func (s *Server) mark(id string) error {
	name := filepath.Join(s.dir, markFile)
	if was, err := markOf(s.dir); err == nil && was == id {
		return nil
	}
	err := func() error {
		f, err := os.OpenFile(name+partly, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(id + "\n")
		return errors.Join(err, f.Sync(), f.Close())
	}()
	if err == nil {
		err = os.Rename(name+partly, name)
	}
	if err == nil {
		err = journal.SyncFolder(s.dir)
	}
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// markOf is the ID of the campaign that was begun in a directory, or "".
func markOf(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, markFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("campaign: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if !plainID.MatchString(id) {
		return "", fmt.Errorf("campaign: %s: %w: its file %s names no campaign. %s", dir, ErrDamaged, markFile, insteadDir)
	}
	return id, nil
}

// What to do about damage, in a directory and at a server.
const (
	insteadDir    = "A copy of the folder from before goes on; in another folder the plan begins anew"
	insteadServer = "A copy of the server's storage from before goes on; without what is left of its jobs and results the campaign begins anew"
)

// sound refuses a directory in which a campaign was begun whose state cannot be read.
func (s *Server) sound() error {
	id, err := markOf(s.dir)
	if id == "" {
		return err
	}
	ctx, done := context.WithTimeout(context.Background(), ready)
	defer done()
	nc, err := s.Connect()
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	defer nc.Close()
	switch _, err := Read(ctx, nc, id); {
	case errors.Is(err, ErrNone), errors.Is(err, ErrState):
		return fmt.Errorf("campaign: %s: %w: campaign %s was begun there, and %s has no state of it. %s", s.dir, ErrDamaged, id, filepath.Join(s.dir, streamsDir), insteadDir)
	default:
		return err
	}
}

// begunWithoutState refuses a campaign without a state of which the streams have jobs or results: they are put after the
// state is stored.
func (c *coordinator) begunWithoutState(ctx context.Context) error {
	there, err := c.onStreams(ctx)
	switch {
	case err != nil:
		return err
	case len(there) == 0:
		return nil
	}
	where := insteadServer
	if c.o.begun != nil {
		where = insteadDir
	}
	return fmt.Errorf("campaign: %w: of campaign %s there are %d jobs and results, and no state. %s", ErrDamaged, c.plan.ID(), len(there), where)
}

// begun says that the campaign was begun, once its state is stored.
func (c *coordinator) begun() error {
	if c.o.begun == nil {
		return nil
	}
	return c.o.begun(c.state.ID)
}
