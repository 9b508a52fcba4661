package clouddir

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct/objectstore"
	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// Names of files in the directory.
const (
	CA      = "ca"
	Server  = "server"
	Token   = "token"
	Objects = "objects"
	lock    = "lock"
)

// Bounds of a server and of the way to it.
const (
	ObjectMax  = 64 << 20 // bytes of one object
	ObjectsMax = 10_000
	Timeout    = time.Minute // for one request, at either end
)

// Options are what Init needs to know.
type Options struct {
	Hosts   []string // names and addresses of the server
	Now     time.Time
	Entropy io.Reader
}

// Init makes the directory. It must not exist yet, or be empty.
func Init(dir string, o Options) error {
	return keydir.NewDir(dir, func(dir string) error {
		from, to := o.Now.Add(-time.Hour), o.Now.Add(pki.Validity)
		ca, err := pki.NewCA(pki.Request{Name: "fdelab cloud server CA", From: from, To: to}, o.Entropy)
		if err != nil {
			return err
		}
		own, err := ca.Server(pki.Request{Name: "cloud server", Hosts: o.Hosts, From: from, To: to}, o.Entropy)
		if err != nil {
			return err
		}
		var token [32]byte
		if _, err := io.ReadFull(o.Entropy, token[:]); err != nil {
			return fmt.Errorf("clouddir: no token: %w", err)
		}
		return errors.Join(
			ca.Write(filepath.Join(dir, CA)), own.Write(filepath.Join(dir, Server)),
			pki.WriteNew(filepath.Join(dir, Token), []byte(hex.EncodeToString(token[:])+"\n"), 0o600),
			os.Mkdir(filepath.Join(dir, Objects), 0o700),
		)
	})
}

// ErrInUse is returned when another server has the directory.
var ErrInUse = errors.New("another server has the directory open")

// Lock keeps a second server out of a directory until release, or until the process ends. The error
// is ErrInUse if another server has the directory.
func Lock(dir string) (release func() error, err error) {
	if err := keydir.Finished(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("clouddir: %w", err)
	}
	if err = filelock.Take(f); errors.Is(err, filelock.ErrHeld) {
		err = ErrInUse
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("clouddir: %s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}

// Open opens the objects and reads the certificate of the server.
func Open(dir string) (*objectstore.Store, *tls.Config, error) {
	if err := keydir.Finished(dir); err != nil {
		return nil, nil, err
	}
	own := filepath.Join(dir, Server)
	pair, err := pki.Load(own+".crt", own+".key") // a customer's may be of any kind
	if err != nil {
		return nil, nil, fmt.Errorf("clouddir: %w", err)
	}
	token, err := readToken(filepath.Join(dir, Token))
	if err != nil {
		return nil, nil, err
	}
	store, err := objectstore.New(objectstore.Config{
		Dir: filepath.Join(dir, Objects), Token: token, ObjectMax: ObjectMax, ObjectsMax: ObjectsMax, Timeout: Timeout,
	})
	if err != nil {
		return nil, nil, err
	}
	return store, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, CipherSuites: pki.Suites()}, nil
}

// readToken reads a token: one word of at least 16 printable ASCII characters.
func readToken(path string) (string, error) {
	b, err := pki.ReadPrivate(path)
	if err != nil {
		return "", fmt.Errorf("clouddir: token: %w", err)
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	odd := strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' })
	if len(token) < 16 || len(token) > 256 || odd {
		return "", fmt.Errorf("clouddir: %s holds no token, need one line of 16 to 256 printable characters without blanks", path)
	}
	return token, nil
}

// Connect is the way to the cloud server at an https address. ca is the file with the authorities
// of its certificate, token the file with its token. Nothing is sent yet. shut closes the
// connections that are left.
func Connect(address, ca, token string) (cloud *tct.HTTP, shut func(), err error) {
	pool, err := pki.ReadPool(ca)
	if err != nil {
		return nil, nil, err
	}
	word, err := readToken(token)
	if err != nil {
		return nil, nil, err
	}
	way := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	cloud, err = tct.NewHTTP(address, word, &http.Client{Transport: way, Timeout: Timeout})
	return cloud, way.CloseIdleConnections, err
}
