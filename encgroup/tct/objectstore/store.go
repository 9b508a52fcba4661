package objectstore

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of the interface.
const (
	NameMax = 120  // bytes of a name
	listMax = 1000 // names in one answer
)

// Config is how a store is set up.
type Config struct {
	Dir        string        // where objects are kept; empty: in memory
	Token      string        // carried by every request; not empty
	ObjectMax  int64         // bytes of one object, 1 or more
	ObjectsMax int           // objects in all, 1 or more
	Timeout    time.Duration // for one request, from its first byte to its last
}

// Store is a cloud server. It is safe for concurrent use.
type Store struct {
	cfg  Config
	mu   sync.Mutex
	back backend
}

// New opens a store. It makes the directory if there is none.
func New(cfg Config) (*Store, error) {
	if cfg.Token == "" || cfg.ObjectMax < 1 || cfg.ObjectsMax < 1 || cfg.Timeout <= 0 {
		return nil, errors.New("objectstore: a store needs a token, room for an object, and a timeout")
	}
	s := &Store{cfg: cfg, back: &memory{}}
	if cfg.Dir != "" {
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("objectstore: %w", err)
		}
		s.back = directory(cfg.Dir)
	}
	return s, nil
}

// ServeHTTP answers one request.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(s.cfg.Token)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/objects" && r.Method == http.MethodGet {
		s.list(w, r)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/objects/")
	if !ok || name == "" || len(name) > NameMax {
		http.Error(w, fmt.Sprintf("no such path: need /objects/ and a name of 1 to %d bytes", NameMax), http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodPut:
		s.put(w, r, name)
	case http.MethodGet, http.MethodHead:
		s.get(w, r, name)
	case http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		if !failed(w, s.back.remove(name)) {
			w.WriteHeader(http.StatusNoContent)
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT, DELETE")
		http.Error(w, "no such method", http.StatusMethodNotAllowed)
	}
}

func failed(w http.ResponseWriter, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, ErrNotFound):
		http.Error(w, "there is no such object", http.StatusNotFound)
	default:
		http.Error(w, "the store cannot do it", http.StatusInternalServerError)
	}
	return true
}

func (s *Store) put(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.ObjectMax))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, fmt.Sprintf("an object has at most %d bytes", s.cfg.ObjectMax), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the object did not arrive whole", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.back.names()
	if failed(w, err) {
		return
	}
	if len(names) >= s.cfg.ObjectsMax {
		if _, err := s.back.get(name); err != nil {
			http.Error(w, "the store is full", http.StatusInsufficientStorage)
			return
		}
	}
	fresh, err := s.back.put(name, body)
	if failed(w, err) {
		return
	}
	if fresh {
		w.WriteHeader(http.StatusCreated)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Store) get(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	body, err := s.back.get(name)
	s.mu.Unlock()
	if failed(w, err) {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

func (s *Store) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	most := listMax
	if text := q.Get("max"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			http.Error(w, fmt.Sprintf("max: need a number of 1 to %d", listMax), http.StatusBadRequest)
			return
		}
		most = min(n, listMax)
	}
	s.mu.Lock()
	names, err := s.back.names()
	s.mu.Unlock()
	if failed(w, err) {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, n := range names {
		if n <= q.Get("after") || !strings.HasPrefix(n, q.Get("prefix")) {
			continue
		}
		if most--; most < 0 {
			return
		}
		_, _ = fmt.Fprintf(w, "%q\n", n)
	}
}

// Count is how many objects there are.
func (s *Store) Count() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.back.names()
	return len(names), err
}

// Raw is the bytes of an object, as a thief of the server's disks has them.
func (s *Store) Raw(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.back.get(name)
}

// Overwrite puts any bytes under a name, as an operator of the server can.
func (s *Store) Overwrite(name string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.back.put(name, body)
	return err
}
