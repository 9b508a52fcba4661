//go:build unix

package main

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// What a drive has answered is in its file, whenever the server is killed behind it.
func TestServeSurvivesKills(t *testing.T) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "a.drive"), filepath.Join(dir, "s")
	require.Equal(t, exitDone, run([]string{"drive", "create", file}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	var has drive.PIN // of BandMaster0
	for kill := range 5 {
		k := runKeyserver(t, exe, "serve", file, "--socket", socket) // in the place of the socket that the killed one left
		require.Equal(t, "listening at "+socket+", 1 drive; power and resets at "+socket+".control\n", k.first)
		c, err := secsock.Dial(socket, 0)
		require.NoError(t, err)
		dev, err := host.Open(c, host.Options{})
		require.NoError(t, err)
		if kill == 0 {
			has, err = dev.MSID()
			require.NoError(t, err)
			var said strings.Builder
			require.Equal(t, exitCannot, run([]string{"serve", file, "--socket", filepath.Join(dir, "other")}, strings.NewReader(""), &strings.Builder{}, &said))
			require.Contains(t, said.String(), "another process has this drive open")
		}
		next, err := drive.NewPIN(fmt.Appendf(nil, "pin number %d", kill))
		require.NoError(t, err)
		conf := host.BandConfig{ReadLockEnabled: kill%2 == 0, LockOnReset: []uint64{spec.PowerCycle}}
		require.NoError(t, dev.SetPIN(spec.BandMaster(0), has, next))
		require.NoError(t, dev.SetBand(0, next, conf))
		require.NoError(t, k.cmd.Process.Signal(syscall.SIGKILL))
		_ = k.cmd.Wait()
		has = next

		d, err := drive.OpenFile(file, drive.FileOptions{Entropy: rand.Reader})
		require.NoError(t, err)
		require.NoError(t, d.PowerOn())
		s, err := d.Authenticate(drive.BandMaster(0), has)
		require.NoError(t, err, "the PIN that was answered is the PIN")
		s.Close()
		r, err := d.Range(0)
		require.NoError(t, err)
		require.Equal(t, conf.ReadLockEnabled, r.ReadLockEnabled)
		require.NoError(t, d.Close())
	}
}

func TestServeEndsWell(t *testing.T) {
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "a.drive"), filepath.Join(dir, "s")
	require.Equal(t, exitDone, run([]string{"drive", "create", file}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	k := runKeyserver(t, exe, "serve", file, "--socket", socket)
	c, err := secsock.Dial(socket, 0)
	require.NoError(t, err)
	require.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, k.cmd.Wait(), "%s", k.said)
	_, err = c.Identify(1)
	require.Error(t, err, "the connection is closed")
	require.NoFileExists(t, socket)
	require.NoFileExists(t, controlOf(socket))
	var out strings.Builder
	require.Equal(t, exitDone, run([]string{"tcg", "discover", file}, strings.NewReader(""), &out, &strings.Builder{}), "the file is free")
	require.Contains(t, out.String(), "Enterprise SSC (0x0100)")
}
