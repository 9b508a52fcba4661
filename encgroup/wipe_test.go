package encgroup

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// wipes remembers where key bytes were put, and looks whether they are zeros there.
type wipes struct{ kept []keptKey }

type keptKey struct {
	what  string
	bytes func() []byte // a closure, so that no fmt verb gets at them
}

func (w *wipes) keep(what string, b []byte) {
	w.kept = append(w.kept, keptKey{what, func() []byte { return b }})
}

// requireZero looks at all of them, and forgets them.
func (w *wipes) requireZero(t testing.TB) {
	t.Helper()
	for _, p := range w.kept {
		for _, b := range p.bytes() {
			if b != 0 {
				require.Fail(t, "not overwritten: "+p.what)
			}
		}
	}
	w.kept = nil
}

// source is a source of entropy of which every draw is remembered.
func (w *wipes) source(r io.Reader) io.Reader { return &watchedSource{r, w} }

type watchedSource struct {
	r io.Reader
	w *wipes
}

func (s *watchedSource) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.w.keep("what the source of entropy gave", p[:n])
	return n, err
}

// scarce is a source of entropy that ends after left bytes; -1 for never. What it gave is
// remembered.
type scarce struct {
	r    io.Reader
	left int
	dry  bool // it ended
	w    wipes
}

var errStuck = errors.New("the source is stuck")

func (s *scarce) Read(p []byte) (int, error) {
	n := len(p)
	if s.left >= 0 {
		n = min(n, s.left)
		s.left -= n
	}
	if _, err := s.r.Read(p[:n]); err != nil {
		return 0, err
	}
	s.w.keep("what the source of entropy gave", p[:n])
	if n < len(p) {
		s.dry = true
		return n, errStuck
	}
	return n, nil
}

// server is a key server of which every key that it gives is remembered.
func (w *wipes) server(s KeyServer) KeyServer { return &watchedServer{s, w} }

type watchedServer struct {
	KeyServer
	w *wipes
}

func (s *watchedServer) Get(uid string) (*secret.Key32, error) {
	k, err := s.KeyServer.Get(uid)
	if k != nil {
		s.w.keep("a key that "+s.ID()+" gave", k[:])
	}
	return k, err
}

// port is a drive at whose n-th command something happens: its power goes, or the command is
// lost and the drive is well. It remembers the PINs that it is shown, but for the factory's.
type port struct {
	*testDrive
	at    int
	lose  bool
	calls int
	pins  []drive.PIN
}

var errLost = errors.New("the command was lost")

func (p *port) command() error {
	p.calls++
	switch {
	case p.calls-1 != p.at:
	case p.lose:
		return errLost
	default:
		p.PowerOff()
	}
	return nil
}

func (p *port) fired() bool { return p.calls > p.at }

func (p *port) MSID() (drive.PIN, error) {
	if err := p.command(); err != nil {
		return drive.PIN{}, err
	}
	return p.testDrive.MSID()
}

func (p *port) Range(n int) (drive.RangeInfo, error) {
	if err := p.command(); err != nil {
		return drive.RangeInfo{}, err
	}
	return p.testDrive.Range(n)
}

func (p *port) Tries(a drive.Authority) (used, limit uint16, err error) {
	if err := p.command(); err != nil {
		return 0, 0, err
	}
	return p.testDrive.Tries(a)
}

func (p *port) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	if err := p.command(); err != nil {
		return nil, err
	}
	if !pin.Equal(p.label.MSID) {
		p.pins = append(p.pins, pin)
	}
	return p.testDrive.Authenticate(a, pin)
}

func (p *port) requirePINsCleared(t testing.TB) {
	t.Helper()
	for i, pin := range p.pins {
		require.Zero(t, pin.Len(), "PIN %d of %d that the drive was shown is still in memory", i, len(p.pins))
	}
}
