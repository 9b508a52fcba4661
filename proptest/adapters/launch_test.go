//go:build unix

package adapters_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// TestLaunch: a program is started by another one, as a name in the folder where it runs, with the environment that is
// given and no other, and its states are where they were asked for.
func TestLaunch(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	dir, scratch := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(exe, filepath.Join(dir, "drive")))
	p, err := adapters.Start(adapters.Options{
		Command: []string{"./drive", "fake", "environment"}, Dir: dir, Launch: []string{"/usr/bin/env", "LAUNCHED=1"},
		Env: []string{"GIVEN=1"}, Scratch: scratch,
	})
	require.NoError(t, err)
	all, err := os.ReadDir(scratch)
	require.NoError(t, err)
	require.Len(t, all, 1)
	d, _, err := p.Make(conformance.Wish{})
	require.NoError(t, err)
	require.Contains(t, whyGone(t, func() { _, _ = d.Identify() }), "standard error: GIVEN=1 LAUNCHED=1")
	require.NoError(t, p.Close())
	all, err = os.ReadDir(scratch)
	require.NoError(t, err)
	require.Empty(t, all)
	_, err = adapters.Start(adapters.Options{Command: []string{"no-such-program"}, Launch: []string{"/usr/bin/env"}})
	require.ErrorContains(t, err, "executable file not found")
}

// TestCloseWhileItHangs: a program is ended that gives no answer.
func TestCloseWhileItHangs(t *testing.T) {
	p, err := adapters.Start(adapters.Options{Command: []string{os.Args[0], "fake", "hang"}, Deadline: time.Hour})
	require.NoError(t, err)
	d, _, err := p.Make(conformance.Wish{})
	require.NoError(t, err)
	closed := make(chan error, 1)
	time.AfterFunc(100*time.Millisecond, func() { closed <- p.Close() })
	require.Equal(t, "identify: the program ended without a reply: signal: killed", whyGone(t, func() { _, _ = d.Identify() }))
	require.NoError(t, <-closed)
	require.Equal(t, "adapters: the program was ended", whyGone(t, func() { _, _, _ = p.Make(conformance.Wish{}) }))
}

// TestABulkThatIsNoFile is a mistake of the program: one that never ends is not read.
func TestABulkThatIsNoFile(t *testing.T) {
	p, err := adapters.Start(adapters.Options{Command: []string{os.Args[0], "fake", "endless"}})
	require.NoError(t, err)
	defer p.Close()
	d, _, err := p.Make(conformance.Wish{})
	require.NoError(t, err)
	require.Contains(t, whyGone(t, func() { _ = d.Read(0, make([]byte, 512<<10)) }), "want one of at most")
}
