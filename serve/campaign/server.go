package campaign

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// Server is a NATS server in this process, with its streams in a directory. It listens on loopback, for whoever can
// read the directory.
type Server struct {
	own   *server.Server
	lock  *os.File
	dir   string
	token string
}

// addressFile holds the URL of the server of a directory, its token included; only the owner can read it.
const addressFile = "address"

// ready is how long a server may take to come up. It needs milliseconds; a machine with other work more.
const ready = time.Minute

// busyFor is how long Open waits for a process that has the directory: one that only reads it has it for less.
const busyFor = 5 * time.Second

// lookEach is how often whoever waits for a directory looks at it.
const lookEach = 50 * time.Millisecond

// storeMax is what the streams may have together: more than they ask for. What there is on the disk is seen when it is full.
const storeMax = 1 << 40

// ErrBusy is wrapped by Open, Reach and Free where another process has the directory.
var ErrBusy = errors.New("another process has this folder")

// Open starts the server of a directory, which is made where there is none. The error wraps ErrBusy, ErrForeign or
// ErrDamaged, or is of the file system.
func Open(dir string) (*Server, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s, err := start(dir, busyFor)
	if err != nil {
		return nil, err
	}
	// Whoever reads the file at this moment finds the whole URL, or none.
	part := filepath.Join(dir, addressFile+partly)
	err = os.WriteFile(part, []byte(s.URL()+"\n"), 0o600)
	if err == nil {
		err = os.Rename(part, filepath.Join(dir, addressFile))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("campaign: %w", err), s.Close())
	}
	return s, nil
}

// Free looks whether a process has the directory. The error wraps ErrBusy or ErrForeign, or is of the file system.
func Free(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); errors.Is(err, fs.ErrNotExist) {
		return checkDir(dir) // nobody has ever had it
	}
	lock, err := lockDir(dir, busyFor)
	if err != nil {
		return err
	}
	return lock.Close()
}

// lockDir locks a directory, and waits so long for a process that has it.
func lockDir(dir string, wait time.Duration) (*os.File, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	for began := time.Now(); ; time.Sleep(lookEach) {
		err := filelock.Take(lock)
		switch {
		case err == nil:
			return lock, nil
		case !errors.Is(err, filelock.ErrHeld):
			return nil, errors.Join(fmt.Errorf("campaign: %w", err), lock.Close())
		case time.Since(began) >= wait:
			return nil, errors.Join(fmt.Errorf("campaign: %s: %w", dir, ErrBusy), lock.Close())
		}
	}
}

// start is Open without the address, so that nobody else comes to depend on this process.
func start(dir string, wait time.Duration) (s *Server, err error) {
	s = &Server{dir: dir, token: rand.Text()}
	if s.lock, err = lockDir(dir, wait); err != nil {
		return nil, err
	}
	_ = os.Remove(filepath.Join(dir, addressFile)) // of a process that died with it
	s.own, err = server.NewServer(&server.Options{
		ServerName: "fdelab", Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: s.token, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(dir, streamsDir), MaxPayload: 1 << 20, JetStreamMaxStore: storeMax,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("campaign: %w", err), s.lock.Close())
	}
	var words lastWords
	s.own.SetLogger(&words, false, false)
	s.own.Start()
	for began := time.Now(); !s.own.ReadyForConnections(100 * time.Millisecond); {
		if why := words.fatal(); why != "" || time.Since(began) > ready {
			return nil, errors.Join(fmt.Errorf("campaign: the server of %s does not come up: %s", dir, why), s.Close())
		}
	}
	if err := s.sound(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// URL is where the server listens, with its token: a secret.
func (s *Server) URL() string {
	return "nats://" + s.token + "@" + strings.TrimPrefix(s.own.ClientURL(), "nats://")
}

// Connect is a connection within the process.
func (s *Server) Connect() (*nats.Conn, error) {
	return nats.Connect("", append(always("fdelab"), nats.ErrorHandler(unsaid), nats.InProcessServer(s.own), nats.Token(s.token))...)
}

// unsaid drops what a connection to a server of our own runs into, beside what its callers are told: most of it is that the
// server closes. The client would print it in the middle of a report.
func unsaid(*nats.Conn, *nats.Subscription, error) {}

// Close stops the server. What is in its streams stays.
func (s *Server) Close() error {
	s.own.Shutdown()
	s.own.WaitForShutdown()
	err := os.Remove(filepath.Join(s.dir, addressFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.lock.Close())
}

// Address is the URL of the server of a directory that another process has open.
func Address(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, addressFile))
	return strings.TrimSpace(string(b)), err
}

// always are the options of every connection: it comes back whenever the server does.
func always(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.RetryOnFailedConnect(false),
		nats.CustomInboxPrefix(inboxes), nats.Timeout(20 * time.Second), nats.IgnoreAuthErrorAbort(),
	}
}

// inboxes is where answers come: a worker may listen there and nowhere else.
const inboxes = "_INBOX_FDELAB"
