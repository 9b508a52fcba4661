package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// Unread is why the campaigns of a place were not read. Why says so without a secret, for everybody who looks; Err has
// the rest.
type Unread struct {
	Why string
	Err error
}

func (u *Unread) Error() string { return u.Err.Error() }

// Unwrap is Err.
func (u *Unread) Unwrap() error { return u.Err }

// Folder is where the campaign of a folder is, which may run in another process, or in none. It belongs to one goroutine.
type Folder struct {
	dir     string
	known   []*Standing // as they were when nobody had the folder
	changed time.Time
}

// NewFolder is the place of the campaign in dir, which need not be there yet.
func NewFolder(dir string) *Folder { return &Folder{dir: dir} }

// Name is the folder.
func (f *Folder) Name() string { return f.dir }

// Read reads the campaign. While nobody has the folder it is opened once, and again when somebody has had it: whoever
// begins the campaign does not find it taken. The error wraps Unread.
func (f *Folder) Read(ctx context.Context) ([]*Standing, error) {
	i, err := os.Stat(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		f.known = nil
		return nil, &Unread{fmt.Sprintf("there is no folder %s: its campaign has not begun", f.dir), err}
	} else if err != nil {
		return nil, &Unread{fmt.Sprintf("the folder %s cannot be read", f.dir), err}
	}
	if f.known != nil && i.ModTime().Equal(f.changed) && !f.taken() {
		return f.known, nil
	}
	f.known = nil
	var all []*Standing
	own, reached := false, false
	err = At(f.dir, func(nc *nats.Conn) (err error) {
		reached = true
		all, err = readAll(ctx, nc, nil)
		var errStat error
		i, errStat = os.Stat(f.dir)                            // before the next process has it
		own = nc.Opts.InProcessServer != nil && errStat == nil // nobody runs it
		return err
	})
	switch {
	case err == nil:
	case reached:
		return nil, &Unread{fmt.Sprintf("the campaign in %s cannot be read", f.dir), err}
	case errors.Is(err, ErrBusy):
		return nil, &Unread{fmt.Sprintf("another process opens the folder %s", f.dir), err}
	case errors.Is(err, ErrNone):
		return nil, &Unread{fmt.Sprintf("the folder %s is empty: its campaign has not begun", f.dir), err}
	case errors.Is(err, ErrForeign):
		return nil, &Unread{fmt.Sprintf("the folder %s is neither empty nor that of a campaign", f.dir), err}
	case errors.Is(err, ErrDamaged):
		return nil, &Unread{fmt.Sprintf("the state of the campaign in the folder %s is damaged or lost", f.dir), err}
	default:
		return nil, &Unread{fmt.Sprintf("the folder %s cannot be opened", f.dir), err}
	}
	if own {
		f.known, f.changed = slices.Clip(all), i.ModTime()
		if f.known == nil {
			f.known = []*Standing{}
		}
	}
	return all, nil
}

// Close does nothing: between two readings a folder is nobody's.
func (f *Folder) Close() {}

// taken says whether a process has the folder, or died with it.
func (f *Folder) taken() bool {
	_, err := os.Stat(filepath.Join(f.dir, addressFile))
	return err == nil
}

// Elsewhere is where the campaigns of a server are. It belongs to one goroutine.
type Elsewhere struct {
	at   Outside
	only []string
	nc   *nats.Conn
	over map[string]*Standing // those that do not go on
}

// NewElsewhere is the place of the campaigns of a server, which need not be there yet: of all, or of some by their IDs.
func NewElsewhere(at Outside, only ...string) *Elsewhere {
	return &Elsewhere{at: at, only: only, over: map[string]*Standing{}}
}

// Name is where the server is, without user and password.
func (e *Elsewhere) Name() string { return withoutSecret(e.at.URL) }

// How long a server may take for all that is read of it, and a coordinator to say that it is there.
const (
	readWithin = 20 * time.Second
	sayWithin  = 2 * time.Second
)

// Read reads the campaigns; one that is over for good is read once. The error wraps Unread.
func (e *Elsewhere) Read(ctx context.Context) (all []*Standing, err error) {
	if e.nc == nil || e.nc.IsClosed() {
		if e.nc, err = e.at.Connect(); err != nil {
			e.nc = nil
			return nil, &Unread{fmt.Sprintf("the server at %s %s", e.Name(), whyNot(err)), err}
		}
	}
	if !e.nc.IsConnected() { // it comes back by itself
		err = fmt.Errorf("campaign: the server at %s: %w", e.Name(), nats.ErrConnectionClosed)
		return nil, &Unread{fmt.Sprintf("the server at %s does not answer", e.Name()), err}
	}
	ctx, done := context.WithTimeout(ctx, readWithin)
	defer done()
	if all, err = readAll(ctx, e.nc, e); err != nil {
		return nil, &Unread{fmt.Sprintf("the server at %s does not answer, or lets this user read nothing", e.Name()), err}
	}
	return all, nil
}

// whyNot is why there is no connection, in words that hold nothing of what was asked.
func whyNot(err error) string {
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		return "does not let this user in"
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return "does not answer"
	}
	return "cannot be reached as it was asked for: fdelab web has said why"
}

// Close ends the connection.
func (e *Elsewhere) Close() {
	if e.nc != nil {
		e.nc.Close()
	}
}

// placeMax is how many campaigns of one place are read.
const placeMax = 200

// readAll reads the campaigns of a server. A state of no form that this version knows has no report.
func readAll(ctx context.Context, nc *nats.Conn, e *Elsewhere) (all []*Standing, err error) {
	var ids []string
	if e != nil {
		ids = e.only
	}
	if ids == nil {
		if ids, err = List(ctx, nc); err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	over := map[string]*Standing{}
	for _, id := range ids[:min(len(ids), placeMax)] {
		var s *Standing
		if e != nil {
			s = e.over[id]
		}
		if s == nil {
			switch s, err = stands(ctx, nc, id); {
			case errors.Is(err, ErrNone):
				continue
			case err != nil:
				return nil, err
			}
		}
		if !s.Runs && (s.Over == Done || s.Over == TimeUp) {
			over[id] = s
		}
		all = append(all, s)
	}
	if e != nil {
		e.over = over
	}
	return all, nil
}

// stands reads one campaign.
func stands(ctx context.Context, nc *nats.Conn, id string) (*Standing, error) {
	within, done := context.WithTimeout(ctx, sayWithin)
	runs, silent := Runs(within, nc, id)
	done()
	s, err := Read(ctx, nc, id)
	if errors.Is(err, ErrState) {
		s, err = &State{ID: id}, nil
	}
	return &Standing{s, runs, silent != nil}, err
}
