package keydir

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killed does the steps of a making up to the k-th, and then nothing more, as a process that
// is killed: its locks go, and its files stay.
func killed(t *testing.T, m *newDir, k int) (more bool) {
	t.Helper()
	steps := m.steps()
	for n, step := range steps {
		if n == k {
			break
		}
		require.NoError(t, step.do(), step.name)
	}
	if m.held != nil {
		_ = m.held.Close()
	}
	return k < len(steps)
}

// secrets are the files below a directory that hold a key.
func secrets(t *testing.T, dir string) (out []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".key") {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// TestInitThatIsKilled: whenever it is killed, what is left is either whole, or is refused
// by everything that could use it, and the next Init removes all of it and makes a new
// directory.
func TestInitThatIsKilled(t *testing.T) {
	o := options()
	for k, more := 0, true; more; k++ {
		parent := t.TempDir()
		dir := filepath.Join(parent, "keys")
		m := &newDir{dir: dir, build: func(part string) error { return o.build(part, o.newAuthority) }}
		more = killed(t, m, k)
		left := secrets(t, parent)
		store, _, err := Open(dir, nil, rand.Reader)
		if err == nil {
			require.NoError(t, store.Close())
			require.ErrorContains(t, Init(dir, o), "is not empty", "step %d: it is whole, and stays", k)
			require.Equal(t, left, secrets(t, parent))
			continue
		}
		if _, there := os.Stat(dir); there == nil {
			require.ErrorContains(t, err, "was left unfinished", "step %d", k)
			require.ErrorContains(t, AddClient(dir, "x", time.Now(), rand.Reader), "was left unfinished")
			require.ErrorContains(t, Join(dir, dir+"2", o), "was left unfinished")
		}
		require.NoError(t, Init(dir, o), "step %d: what was left is in nobody's way", k)
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Len(t, entries, 1, "step %d: and nothing of it is left", k)
		store, _, err = Open(dir, nil, rand.Reader)
		require.NoError(t, err)
		require.NoError(t, store.Close())
	}
}

// TestInitLeavesWhatIsNotItsOwn: a directory of somebody else's, of a name that looks like
// ours, and one that is being made right now.
func TestInitLeavesWhatIsNotItsOwn(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "keys")
	for _, path := range []string{"keys.part-7/mine.key", "keys.part-8/.unfinished", "keys.part-x/mine", "other.part-1/mine"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(parent, path)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(parent, path), []byte("mine\n"), 0o600))
	}
	o := options()
	other := &newDir{dir: dir, build: func(string) error { return nil }}
	for _, step := range other.steps()[:4] {
		require.NoError(t, step.do())
	}
	require.NoError(t, Init(dir, o))
	for _, path := range []string{"keys.part-7/mine.key", "keys.part-8/.unfinished", "keys.part-x/mine", "other.part-1/mine"} {
		require.FileExists(t, filepath.Join(parent, path))
	}
	require.DirExists(t, other.at, "another command is making it")
	require.ErrorContains(t, other.move(), "keydir", "and does not replace what is there by now")
	require.NoError(t, other.undo())
}

// TestClientThatIsHalfMade: a key without a certificate is told of, and stays.
func TestClientThatIsHalfMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.key"), []byte("half"), 0o600))
	require.ErrorContains(t, AddClient(dir, "x", time.Now(), rand.Reader), "without its certificate")
	require.FileExists(t, filepath.Join(dir, "x.key"))
	require.NoError(t, os.Remove(filepath.Join(dir, "x.key")))
	require.NoError(t, AddClient(dir, "x", time.Now(), rand.Reader))
}

// TestPrivateKeysAreLookedAt: whoever may read them is the server, or makes clients.
func TestPrivateKeysAreLookedAt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	open := func() error {
		store, _, err := Open(dir, nil, rand.Reader)
		if err == nil {
			require.NoError(t, store.Close())
		}
		return err
	}
	for name, use := range map[string]func() error{
		"server": open,
		"ca":     open,
		"peer":   func() error { _, err := PeerTLS(dir); return err },
	} {
		key := filepath.Join(dir, name+".key")
		require.NoError(t, use())
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			require.NoError(t, os.Chmod(key, mode))
			require.ErrorContains(t, use(), key+" has mode "+fmt.Sprintf("%04o", mode)+": others may read it, need 0600")
		}
		require.NoError(t, os.Chmod(key, 0o600))
		require.NoError(t, use())
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "ca.key"), 0o644))
	require.ErrorContains(t, AddClient(dir, "x", time.Now(), rand.Reader), "others may read it")
	require.NoError(t, os.Remove(filepath.Join(dir, "ca.key")))
	require.NoError(t, open(), "a customer's authority has its key elsewhere")
}
