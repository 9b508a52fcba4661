package raslab

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// KeyServerInfo is one key server of the customer.
type KeyServerInfo struct {
	ID   int    // counts from 1
	Addr string // keyserver1.example.com
	Up   bool
}

// AccessResult is one line of a key retrieval test.
type AccessResult struct {
	KeyServer int // counts from 1
	Addr      string
	Err       error // nil is success
}

func keyServerAddr(id int) string { return fmt.Sprintf("keyserver%d.example.com", id) }

// KeyServers lists the key servers.
func (l *Lab) KeyServers() []KeyServerInfo {
	out := make([]KeyServerInfo, len(l.cluster.Servers()))
	for i := range out {
		s, err := l.cluster.Server(keyServerAddr(i + 1))
		if err != nil {
			panic("BUG: raslab: " + err.Error())
		}
		out[i] = KeyServerInfo{ID: i + 1, Addr: s.ID(), Up: s.Powered()}
	}
	return out
}

// KeyServer is a key server itself, to break it: power, network, stored keys.
func (l *Lab) KeyServer(id int) (*encgroup.MemServer, error) {
	s, err := l.cluster.Server(keyServerAddr(id))
	if err != nil {
		right := "the facility has none"
		if n := len(l.cluster.Servers()); n > 0 {
			right = fmt.Sprintf("key servers are 1 to %d", n)
		}
		return nil, refuse(ErrNotFound, "key server", fmt.Sprintf("there is no key server %d", id), right)
	}
	return s, nil
}

// StopKeyServer stops a key server; it keeps its keys. What the facility has in
// memory it goes on using.
func (l *Lab) StopKeyServer(id int) error {
	s, err := l.KeyServer(id)
	if err != nil {
		return err
	}
	s.PowerOff()
	l.logf("key server", "%s stopped", s.ID())
	return nil
}

// StartKeyServer starts it again.
func (l *Lab) StartKeyServer(id int) error {
	s, err := l.KeyServer(id)
	if err != nil {
		return err
	}
	s.PowerOn()
	l.logf("key server", "%s started", s.ID())
	return nil
}

// TestAccess asks each key server for the key of a group, tries it, and changes
// nothing.
func (l *Lab) TestAccess(group int) ([]AccessResult, error) {
	const op = "group testaccess"
	g := l.group(group)
	if g == nil {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	results, err := g.enc.TestAccess()
	if err != nil {
		return nil, refuse(ErrState, op, fmt.Sprintf("key group %d is %s", group, g.enc.State()), "configure it first")
	}
	out := make([]AccessResult, len(results))
	for i, r := range results {
		out[i] = AccessResult{KeyServer: i + 1, Addr: r.Server, Err: r.Err}
		answer := "success"
		if r.Err != nil {
			answer = r.Err.Error()
		}
		l.logf("key server", "test of access to the key of group %d on %s: %s", group, r.Server, answer)
	}
	return out, nil
}
