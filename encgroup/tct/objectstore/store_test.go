package objectstore

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newStore(t testing.TB, dir string) *Store {
	s, err := New(Config{Dir: dir, Token: "secret token", ObjectMax: 100, ObjectsMax: 3, Timeout: time.Second})
	require.NoError(t, err)
	return s
}

// ask makes one request and gives status and body.
func ask(s *Store, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer secret token")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestObjects(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "directory": filepath.Join(t.TempDir(), "new", "store")} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, dir)
			for _, c := range []struct {
				method, path, body string
				status             int
				answer             string
			}{
				{"GET", "/objects/a", "", 404, "there is no such object\n"},
				{"PUT", "/objects/a", "one", 201, ""},
				{"GET", "/objects/a", "", 200, "one"},
				{"HEAD", "/objects/a", "", 200, ""},
				{"PUT", "/objects/a", "two", 204, ""},
				{"GET", "/objects/a", "", 200, "two"},
				{"PUT", "/objects/..%2F..%2Fetc%2Fb", "", 201, ""},
				{"GET", "/objects/..%2F..%2Fetc%2Fb", "", 200, ""},
				{"PUT", "/objects/c%0A", strings.Repeat("x", 100), 201, ""},
				{"PUT", "/objects/c%0A", strings.Repeat("x", 101), 413, "an object has at most 100 bytes\n"},
				{"PUT", "/objects/d", "x", 507, "the store is full\n"},
				{"PUT", "/objects/a", "three", 204, ""},
				{"GET", "/objects", "", 200, "\"../../etc/b\"\n\"a\"\n\"c\\n\"\n"},
				{"GET", "/objects?prefix=a", "", 200, "\"a\"\n"},
				{"GET", "/objects?after=a", "", 200, "\"c\\n\"\n"},
				{"GET", "/objects?max=1", "", 200, "\"../../etc/b\"\n"},
				{"GET", "/objects?max=x", "", 400, "max: need a number of 1 to 1000\n"},
				{"DELETE", "/objects/a", "", 204, ""},
				{"DELETE", "/objects/a", "", 404, "there is no such object\n"},
				{"POST", "/objects/a", "", 405, "no such method\n"},
				{"GET", "/", "", 404, "no such path: need /objects/ and a name of 1 to 120 bytes\n"},
				{"PUT", "/objects/", "", 404, "no such path: need /objects/ and a name of 1 to 120 bytes\n"},
				{"PUT", "/objects/" + strings.Repeat("n", 121), "", 404, "no such path: need /objects/ and a name of 1 to 120 bytes\n"},
			} {
				status, answer := ask(s, c.method, c.path, c.body)
				require.Equal(t, c.status, status, "%s %s", c.method, c.path)
				require.Equal(t, c.answer, answer, "%s %s", c.method, c.path)
			}
			raw, err := s.Raw("../../etc/b")
			require.NoError(t, err)
			require.Empty(t, raw)
			if dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, ".new-1"), []byte("left from a crash"), 0o600))
				_, names := ask(newStore(t, dir), "GET", "/objects", "")
				require.Equal(t, "\"../../etc/b\"\n\"c\\n\"\n", names, "objects outlive the server, and what was never finished is none")
				outside, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
				require.NoError(t, err)
				require.Equal(t, []string{dir}, outside, "no name leads out of the directory")
			}
		})
	}
}

func TestWithoutTheTokenThereIsNothing(t *testing.T) {
	s := newStore(t, "")
	require.NoError(t, s.Overwrite("a", []byte("one")))
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer secret toke", "Basic secret token", "secret token"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
			r := httptest.NewRequest(method, "/objects/a", strings.NewReader("two"))
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			require.Equal(t, 401, w.Code)
		}
	}
	raw, err := s.Raw("a")
	require.NoError(t, err)
	require.Equal(t, "one", string(raw))
}

func TestAnObjectThatDoesNotArriveWholeIsNotStored(t *testing.T) {
	s := newStore(t, "")
	r := httptest.NewRequest("PUT", "/objects/a", io.MultiReader(bytes.NewReader([]byte("half")), failing{}))
	r.Header.Set("Authorization", "Bearer secret token")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	_, err := s.Raw("a")
	require.ErrorIs(t, err, ErrNotFound)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestStoreRefusals(t *testing.T) {
	for _, cfg := range []Config{{}, {Token: "x", ObjectMax: 1, ObjectsMax: 1}, {ObjectMax: 1, ObjectsMax: 1, Timeout: 1}} {
		_, err := New(cfg)
		require.Error(t, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(Config{Dir: file, Token: "x", ObjectMax: 1, ObjectsMax: 1, Timeout: 1})
	require.ErrorContains(t, err, "objectstore: ")
	dir := t.TempDir()
	s := newStore(t, dir)
	require.NoError(t, os.RemoveAll(dir))
	for _, method := range []string{"PUT", "GET"} {
		status, _ := ask(s, method, "/objects/a", "x")
		require.Contains(t, []int{404, 500}, status)
	}
	status, _ := ask(s, "GET", "/objects", "")
	require.Equal(t, 500, status, "a store whose disk is gone says so")
}
