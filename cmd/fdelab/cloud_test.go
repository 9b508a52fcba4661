//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestObjectsInARealCloud is the whole way: a facility in a shell, the network, the
// server as a process, its disk.
func TestObjectsInARealCloud(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cloud")
	var said strings.Builder
	require.Equal(t, exitDone, run([]string{"cloud", "init", dir}, strings.NewReader(""), io.Discard, &said), said.String())
	k := startServer(t, "cloud", dir)
	in, script := io.Pipe()
	out, told := &bytes.Buffer{}, &bytes.Buffer{}
	step := &steps{out: out, wake: make(chan string)}
	code := make(chan int)
	shell := []string{"shell", "--cloud", "https://" + k.addr, "--cloud-ca", filepath.Join(dir, "ca.crt"), "--cloud-token-file", filepath.Join(dir, "token")}
	go func() {
		code <- run(shell, in, step, told)
	}()
	// typed types lines and waits for the answer to the last of them.
	typed := func(lines string) string {
		_, err := io.WriteString(script, lines+"\ntime now\n")
		require.NoError(t, err)
		return <-step.wake
	}
	answer := typed(`array create site=S1
keygrp configure
rank create array=A0 keygrp=1
keymgr make addr=keyserver1.example.com keygrp=2 type=TCT
keymgr make addr=keyserver2.example.com keygrp=2 type=TCT
keygrp configure keygrp=2
rank write rank=R0 lba=0 count=64 text="salary of the director"
cloud migrate rank=R0 count=64 object=payroll release=yes
cloud show object=payroll
rank read rank=R0 lba=7`)
	require.Contains(t, answer, "cloud migrate payroll: done", answer)
	require.Contains(t, answer, "is in there\nsector 7: zeros\n")

	disk := everything(t, filepath.Join(dir, "objects"))
	require.Len(t, disk, 1, "one object is one file")
	name := hex.EncodeToString([]byte("75NR641/payroll"))
	require.Contains(t, disk, name)
	require.Greater(t, len(disk[name]), 64*512)
	for sector := range 64 {
		for _, piece := range []string{fmt.Sprintf("sector %d.", sector), "salary", "director"} {
			require.NotContains(t, string(disk[name]), piece, "the disk of the server has no plaintext")
		}
	}
	require.Contains(t, typed("cloud list"), "payroll  in the cloud  R0    0    64       2       yes")

	status, _, refused := play(t, "cloud", "--data", dir, "--listen", "127.0.0.1:0")
	require.Equal(t, exitCannot, status, "a directory takes one server")
	require.Contains(t, refused, "another server has the directory open")

	withoutReceipt(t, shell)

	// The server stops: a clear error, and nothing is lost.
	require.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, k.cmd.Wait(), "interrupted, it ends with exit code 0: %s", k.said)
	require.Empty(t, k.said.String(), "and has nothing to say")
	typed("cloud recall object=payroll")
	require.Contains(t, told.String(), "error: line 14: payroll: the cloud server cannot be reached: ")
	require.Contains(t, told.String(), "connection refused; see to the cloud server, then repeat")
	require.Contains(t, typed("cloud list"), "payroll  not known  R0    0    64       2       yes")

	k = startServer(t, "cloud", dir, "--listen", k.addr)
	answer = typed("power cycle\ncloud recall object=payroll\nrank check rank=R0")
	require.Contains(t, answer, "64 sectors of R0 read, all as written\n", "it comes back whole: %s", told)

	// Somebody works at the disk of the server.
	file := filepath.Join(dir, "objects", name)
	bent := bytes.Clone(disk[name])
	bent[5000] ^= 1
	require.NoError(t, os.WriteFile(file, bent, 0o600))
	told.Reset()
	typed("cloud recall object=payroll")
	require.Contains(t, told.String(), "payroll: the object is not the one that was sent to the cloud: its tag does not match")
	typed("cloud delete object=payroll")
	require.Empty(t, everything(t, filepath.Join(dir, "objects")))

	token, err := os.ReadFile(filepath.Join(dir, "token"))
	require.NoError(t, err)
	require.NoError(t, script.Close())
	require.Equal(t, exitFailed, <-code, "a list without the server is a failure")
	require.NoError(t, k.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, k.cmd.Wait())
	require.NotContains(t, out.String()+told.String()+k.said.String(), strings.TrimSpace(string(token)), "the token is told to nobody")
}

// withoutReceipt is a facility of another session, with the same serial number: it has no receipt.
func withoutReceipt(t *testing.T, shell []string) {
	t.Helper()
	another := func(command string) (int, string, string) {
		return play(t, append(slices.Clip(shell), "-c", command)...)
	}
	_, listed, _ := another("cloud list")
	require.Contains(t, listed, "payroll  without a receipt")
	status, _, refused := another("cloud show object=payroll")
	require.Equal(t, exitCannot, status)
	require.Equal(t, "fdelab: error: object payroll is in the cloud, and the facility has no receipt of it: without one it cannot be opened, cloud delete object=payroll deletes it\n", refused)
	_, _, refused = another("cloud delete object=none")
	require.Equal(t, "fdelab: error: there is no object \"none\"; there are no objects yet\n", refused)
}

// steps is the output of a shell; what was printed since is sent when the time is.
type steps struct {
	out  *bytes.Buffer
	wake chan string
	from int
}

func (s *steps) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	if text := s.out.String()[s.from:]; strings.Contains(text, "\n2026-01-0") || strings.HasPrefix(text, "2026-01-0") {
		s.from = s.out.Len()
		s.wake <- text
	}
	return n, err
}

// everything is every file under a directory.
func everything(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, e := range list {
		all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
	}
	return all
}

func TestTheCloudTellsWhereItListensInJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cloud")
	require.Equal(t, exitDone, run([]string{"cloud", "init", dir}, strings.NewReader(""), io.Discard, io.Discard))
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	c := exec.Command(exe, "--json", "cloud", "--data", dir, "--listen", "127.0.0.1:0")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var is listening
	require.NoError(t, json.NewDecoder(bufio.NewReader(out)).Decode(&is))
	require.Equal(t, dir, is.Data)
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, is.Listen)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	require.NoError(t, c.Wait())
}
