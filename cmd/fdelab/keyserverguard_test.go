package main

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// TestKeyserverRefusesWithoutARestart: a certificate that is put on the list while the server
// runs is not taken from the next message on.
func TestKeyserverRefusesWithoutARestart(t *testing.T) {
	dir := initKeyserver(t)
	k := startKeyserver(t, dir)
	cfg := k.config(t, dir, "facility")
	c, err := kmip.Dial(cfg)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Query(kmip.QueryOperations)
	require.NoError(t, err)
	var said strings.Builder
	require.Equal(t, exitDone, run([]string{"keyserver", "refuse", dir, "facility"}, strings.NewReader(""), &strings.Builder{}, &said), said.String())
	_, err = c.Query(kmip.QueryOperations)
	require.True(t, errors.Is(err, &kmip.Failure{Reason: kmip.AuthenticationNotSuccessful}), "%v", err)
	again, err := kmip.Dial(cfg)
	if err == nil {
		defer again.Close()
		_, err = again.Query(kmip.QueryOperations)
	}
	var alert tls.AlertError
	require.True(t, errors.As(err, &alert) || strings.Contains(err.Error(), "certificate"), "%v", err)
	require.Contains(t, k.said.String(), "is on the list of refused ones")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refused"), nil, 0o644))
	last, err := kmip.Dial(cfg)
	require.NoError(t, err)
	defer last.Close()
	_, err = last.Query(kmip.QueryOperations)
	require.NoError(t, err, "taken off the list, it is taken again")
}

// TestInitThatIsKilledLeavesNoKeys kills init at random moments. Whatever it leaves, the
// next init makes a whole directory, and no key of the killed one is left.
func TestInitThatIsKilledLeavesNoKeys(t *testing.T) {
	t.Parallel()
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, kind := range []string{"keyserver", "cloud"} {
		for range 8 {
			parent := t.TempDir()
			dir := filepath.Join(parent, "d")
			cmd := exec.Command(exe, kind, "init", dir)
			require.NoError(t, cmd.Start())
			time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			out, err := exec.Command(exe, kind, "init", dir).CombinedOutput()
			if err != nil {
				require.Contains(t, string(out), "is not empty", "the first was faster")
			}
			entries, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing but the directory is left")
			require.NoFileExists(t, filepath.Join(dir, ".unfinished"))
			require.FileExists(t, filepath.Join(dir, "server.key"))
		}
	}
}
