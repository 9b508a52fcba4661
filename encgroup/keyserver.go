package encgroup

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// MinServers is how many key servers a group needs before it can be configured
// (IBM, MAP4980: at least two).
const MinServers = 2

// KeyServer is one of the customer's key servers. Errors wrap one of the sentinels below, whatever
// the protocol is.
type KeyServer interface {
	// ID names the server; unique among the servers of a group.
	ID() string
	// Create makes a 256-bit data key and returns its unique identifier, 1 to 255 bytes, which is
	// the same at every server of the customer.
	Create(label string) (uid string, err error)
	// Get returns the key of that unique identifier; nil with an error. The caller clears it.
	Get(uid string) (*secret.Key32, error)
}

// What a key server can answer instead of a key.
var (
	ErrUnreachable = errors.New("key server is unreachable")                  // no connection at all
	ErrTimeout     = errors.New("key server did not answer in time")          // connected, then silence
	ErrProtocol    = errors.New("key server broke the session or protocol")   // connected, then nonsense
	ErrUntrusted   = errors.New("key server and client do not trust")         // TLS: a certificate is refused
	ErrNoKey       = errors.New("key server does not have the key")           // it answers, and has no such key
	ErrRefused     = errors.New("key server refuses this client the request") // it answers no
	ErrAnswer      = errors.New("key server answers something else than was asked for")
)

// What can be wrong with a key that a server did deliver.
var (
	ErrUnwrap    = errors.New("the data key received does not unwrap the group key")
	ErrSignature = errors.New("the signature of the data key does not match")
	ErrDisagree  = errors.New("two key servers gave different keys")
	ErrWrongKey  = errors.New("what the key server gave is not the data key that was registered")
	ErrConstant  = errors.New("the data key is one byte 32 times: no key at all")
)

// ServerError is what one key server answered.
type ServerError struct {
	Server string // its ID
	Err    error  // nil when it delivered the key
}

func (e ServerError) Error() string {
	if e.Err == nil {
		return e.Server + ": delivered the key"
	}
	var at interface{ Addr() string }
	if errors.As(e.Err, &at) {
		if host, _, err := net.SplitHostPort(at.Addr()); err == nil && (host == e.Server || at.Addr() == e.Server) {
			return e.Err.Error() // it names the server itself, with the port
		}
	}
	return e.Server + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e ServerError) Unwrap() error { return e.Err }

// RetrieveError says why no server gave what was needed, with one entry for each server, in the
// order in which they were asked. errors.Is matches the reason of any server, and ErrNoServer if
// there was none to ask.
type RetrieveError struct {
	Op      string // "create", "read back", "retrieve"
	Servers []ServerError
}

func (e *RetrieveError) Error() string {
	if len(e.Servers) == 0 {
		return fmt.Sprintf("encgroup: %s: %v", e.Op, ErrNoServer)
	}
	parts := make([]string, len(e.Servers))
	for i, s := range e.Servers {
		parts[i] = s.Error()
	}
	return fmt.Sprintf("encgroup: %s: %s", e.Op, strings.Join(parts, "; "))
}

// Unwrap gives each server's error.
func (e *RetrieveError) Unwrap() []error {
	if len(e.Servers) == 0 {
		return []error{ErrNoServer}
	}
	errs := make([]error, len(e.Servers))
	for i, s := range e.Servers {
		errs[i] = s
	}
	return errs
}
