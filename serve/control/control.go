package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// Action is what can be done to a drive.
type Action string

// The actions. A warm reset is one of the interface (TCG: hardware reset), a hot one is that of a drive
// that was pulled and plugged in again (hot plug).
const (
	PowerOff   Action = "power off"
	PowerOn    Action = "power on"
	PowerCycle Action = "power cycle"
	ResetWarm  Action = "reset warm"
	ResetHot   Action = "reset hot"

	status Action = "status"
)

// Actions are all of them.
var Actions = []Action{PowerOff, PowerOn, PowerCycle, ResetWarm, ResetHot}

// Drive is how a drive is.
type Drive struct {
	N       int    `json:"drive"`
	Serial  string `json:"serial"`
	Powered bool   `json:"powered"`
	State   string `json:"state"` // of the lifecycle; that of the last time while there is no power
	Locked  bool   `json:"locked"`
}

type request struct {
	Action Action `json:"action"`
	Drive  *int   `json:"drive,omitempty"`
}

type answer struct {
	Drives []Drive `json:"drives,omitempty"`
	Error  string  `json:"error,omitempty"`
	Usage  bool    `json:"usage,omitempty"` // the error is one of the request, nothing was tried
}

// RefusedError is the error that a Server answered with.
type RefusedError struct {
	Text  string
	Usage bool // the request names what there is not, such as a drive; nothing was done
}

func (e *RefusedError) Error() string { return e.Text }

// errUsage marks an error of the request.
type errUsage struct{ error }

const (
	maxLine  = 4096
	patience = time.Minute
)

// Server serves the units.
type Server struct {
	sockets.Server
	units []*secsock.Unit
	trace *secsock.Tracer
}

// NewServer makes the server of units, whose numbers are their places. trace may be nil. Serve runs it,
// Close ends it, behind the action that each connection has under way.
func NewServer(units []*secsock.Unit, trace *secsock.Tracer) *Server {
	s := &Server{units: units, trace: trace}
	s.Handle = s.connection
	return s
}

func (s *Server) connection(c net.Conn, _ int) {
	lines := bufio.NewScanner(io.LimitReader(c, 1<<20))
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	lines.Split(requests)
	for lines.Scan() {
		var r request
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			a.Error = "the request is no JSON object with an action"
		} else if err := s.do(r, &a); err != nil {
			_, wrong := err.(errUsage)
			a = answer{Error: err.Error(), Usage: wrong}
		}
		if json.NewEncoder(c).Encode(a) != nil {
			return
		}
	}
}

// requests splits at the ends of lines. What cannot begin a request is the last one, and answered before
// its line ends: a host of package secsock sends none, and waits.
func requests(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if len(data) > 0 && data[0] != '{' {
		return len(data), data[:1], bufio.ErrFinalToken
	}
	return bufio.ScanLines(data, atEOF)
}

// do does an action to one drive or all; the first that fails ends it.
func (s *Server) do(r request, a *answer) error {
	if r.Action != status && !slices.Contains(Actions, r.Action) {
		return errUsage{fmt.Errorf("no action %q: use one of %v, or status", r.Action, Actions)}
	}
	if r.Drive != nil && (*r.Drive < 0 || *r.Drive >= len(s.units)) {
		return errUsage{fmt.Errorf("there is no drive %d, the last is %d", *r.Drive, len(s.units)-1)}
	}
	for n, u := range s.units {
		if r.Drive != nil && n != *r.Drive {
			continue
		}
		err := u.Do(func(d *drive.Drive) error {
			err := act(d, r.Action)
			if r.Action != status && s.trace != nil {
				s.trace.Control(n, string(r.Action), err)
			}
			st, cfg := d.Status(), d.Config()
			a.Drives = append(a.Drives, Drive{N: n, Serial: cfg.Serial, Powered: st.Powered, State: st.State.String(), Locked: st.Locked})
			return err
		})
		if err != nil {
			return fmt.Errorf("drive %d: %s", n, strings.TrimPrefix(err.Error(), "drive: "))
		}
	}
	return nil
}

func act(d *drive.Drive, a Action) error {
	powered := d.Status().Powered
	switch a {
	case PowerOff:
		if powered {
			d.PowerOff()
		}
	case PowerOn:
		if !powered {
			return d.PowerOn()
		}
	case PowerCycle:
		d.PowerOff()
		return d.PowerOn()
	case ResetWarm:
		return d.Reset(drive.HardwareReset)
	case ResetHot:
		return d.Reset(drive.HotPlugReset)
	}
	return nil
}

// Client speaks with a Server.
type Client struct {
	c net.Conn
	r *bufio.Reader
}

// Dial opens a way to a Server at a Unix socket.
func Dial(path string) (*Client, error) {
	c, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return nil, err
	}
	return &Client{c: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// Close hangs up.
func (c *Client) Close() error { return c.c.Close() }

// Do does an action to one drive, by its number from 0, or to all where n is below 0, and gives how they
// are now. What the server answers with is a RefusedError; any other error is of the connection.
func (c *Client) Do(a Action, n int) ([]Drive, error) {
	r := request{Action: a}
	if n >= 0 {
		r.Drive = &n
	}
	if err := c.c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(c.c).Encode(r); err != nil {
		return nil, lost(err)
	}
	line, err := c.r.ReadBytes('\n')
	if err != nil {
		return nil, lost(err)
	}
	var got answer
	if err := json.Unmarshal(line, &got); err != nil {
		return nil, errors.New("the answer is none of a control socket")
	}
	if got.Error != "" {
		return nil, &RefusedError{got.Error, got.Usage}
	}
	return got.Drives, nil
}

// lost says in one sentence what became of a connection.
func lost(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the server hung up")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the server did not answer within %v", patience)
	}
	return err
}

// Drives says how the drives are.
func (c *Client) Drives() ([]Drive, error) { return c.Do(status, -1) }
