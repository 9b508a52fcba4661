//go:build unix

package main

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
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

// The same of an Opal drive: PINs, grants, what lies in its tables, and what a grant gave.
func TestServeOfAnOpalDriveSurvivesKills(t *testing.T) {
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "o.drive"), filepath.Join(dir, "s")
	require.Equal(t, exitDone, run([]string{"drive", "create", file, "--personality", "opal", "--iterations", "1"}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	pinOf := func(n int) drive.PIN {
		p, err := drive.NewPIN(fmt.Appendf(nil, "pin number %d", n))
		require.NoError(t, err)
		return p
	}
	admin, text := host.Credential{Who: spec.Admin(1), PIN: pinOf(0)}, func(kill int) []byte { return fmt.Appendf(nil, "stored %d", kill) }
	for kill := range 4 {
		k := runKeyserver(t, exe, "serve", file, "--socket", socket)
		c, err := secsock.Dial(socket, 0)
		require.NoError(t, err)
		dev, err := host.Open(c, host.Options{})
		require.NoError(t, err)
		if kill == 0 {
			require.NoError(t, dev.TakeOwnership(host.Owner{SID: admin.PIN}))
			require.NoError(t, dev.Activate(admin.PIN, host.Activation{}))
			require.NoError(t, dev.SetEnabled(spec.User(1), admin, true))
			require.NoError(t, dev.SetRange(1, admin, host.Cell{Column: "RangeLength", Value: token.U(64)},
				host.Cell{Column: "ReadLockEnabled", Value: token.Bool(true)}, host.Cell{Column: "WriteLockEnabled", Value: token.Bool(true)}))
		}
		user := host.Credential{Who: spec.User(1), PIN: pinOf(kill + 1)}
		who := []spec.UID{spec.Admins}
		if kill%2 == 0 {
			who = append(who, user.Who)
		}
		require.NoError(t, dev.WriteTable(spec.DataStoreTable, admin, 0, text(kill), nil))
		require.NoError(t, dev.WriteTable(spec.MBRTable, admin, 1000, text(kill), nil))
		require.NoError(t, dev.SetMBREnabled(admin, kill%2 == 0))
		require.NoError(t, dev.SetPINOf(user.Who, admin, user.PIN))
		require.NoError(t, dev.Grant(1, admin, host.Grants{Read: who, Write: who}))
		require.NoError(t, k.cmd.Process.Signal(syscall.SIGKILL))
		_ = k.cmd.Wait()

		d, err := drive.OpenFile(file, drive.FileOptions{Entropy: rand.Reader})
		require.NoError(t, err)
		require.NoError(t, d.PowerOn())
		o, err := d.Opal()
		require.NoError(t, err)
		l, err := o.Login(drive.User(1), user.PIN)
		require.NoError(t, err, "the PIN that was answered is the PIN")
		holders, root, err := o.Holders(drive.RangeArea(1))
		require.NoError(t, err)
		require.Equal(t, kill%2 == 0, slices.Contains(holders, drive.User(1)))
		require.False(t, root)
		m, err := o.MBRControl()
		require.NoError(t, err)
		require.Equal(t, kill%2 == 0, m.Enable)
		got := make([]byte, len(text(kill)))
		require.NoError(t, o.ReadTable(drive.MBRShadow, 1000, got))
		require.Equal(t, text(kill), got)
		l.Close()
		l, err = o.Login(drive.Admin(1), admin.PIN)
		require.NoError(t, err)
		require.NoError(t, o.ReadTable(drive.DataStoreArea(0), 0, got, l))
		require.Equal(t, text(kill), got)
		l.Close()
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
