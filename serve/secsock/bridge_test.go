package secsock_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// bridges are the clients of contrib/bridge, by the command that runs each. One that cannot be had is left out, loudly.
func bridges(t *testing.T) map[string][]string {
	t.Helper()
	const dir = "../../contrib/bridge/"
	all := map[string][]string{}
	python, err := exec.LookPath("/usr/bin/python3") // no shim of a manager of versions, where the system has one
	if err != nil {
		python, err = exec.LookPath("python3")
	}
	if err == nil {
		all["Python"] = []string{python, dir + "bridge.py"}
	} else {
		t.Log("SKIPPED: contrib/bridge/bridge.py: no python3 here")
	}
	if cc, err := exec.LookPath("cc"); err == nil {
		to := filepath.Join(t.TempDir(), "bridge")
		out, err := exec.Command(cc, "-O2", "-Wall", "-Wextra", "-Werror", "-o", to, dir+"bridge.c").CombinedOutput()
		require.NoError(t, err, "%s", out)
		all["C"] = []string{to}
	} else {
		t.Log("SKIPPED: contrib/bridge/bridge.c: no cc here")
	}
	if len(all) == 0 {
		t.Skip("SKIPPED: neither python3 nor cc here")
	}
	return all
}

// The clients of contrib/bridge get what a client of this package gets: level 0 discovery, a ComID's reset, Identify;
// and what the server refuses is exit code 1, what is no server exit code 3.
func TestBridges(t *testing.T) {
	u, _ := newUnitOf(t, "FDE00001", drive.Opal)
	path := running(t, nil, u)
	c, err := secsock.Dial(path, 0)
	require.NoError(t, err)
	defer c.Close()
	discovery, err := c.Receive(1, 1, 2048)
	require.NoError(t, err)
	be := binary.BigEndian
	var lines strings.Builder
	var comID uint16
	for at := 48; at < int(be.Uint32(discovery))+4; {
		code, n := be.Uint16(discovery[at:]), int(discovery[at+3])
		fmt.Fprintf(&lines, "%04x version %d: %x\n", code, discovery[at+2]>>4, discovery[at+4:at+4+n])
		if code == 0x203 {
			comID = be.Uint16(discovery[at+4:])
		}
		at += 4 + n
	}
	require.NotZero(t, comID)
	identify, err := c.Identify(1)
	require.NoError(t, err)
	nobody := filepath.Join(t.TempDir(), "n")
	l, err := sockets.Listen(nobody)
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request"))
			_ = c.Close()
		}
	}()
	for name, command := range bridges(t) {
		run := func(in []byte, args ...string) (code int, out, said string) {
			t.Helper()
			cmd := exec.Command(command[0], append(command[1:len(command):len(command)], args...)...)
			var o, e bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &o, &e
			if err := cmd.Run(); err != nil {
				require.ErrorAs(t, err, new(*exec.ExitError), "%s: %v", name, err)
			}
			return cmd.ProcessState.ExitCode(), o.String(), e.String()
		}
		code, out, said := run(nil, path, "0", "discover")
		require.Equal(t, 0, code, said)
		require.Equal(t, lines.String(), out, name)
		_, out, _ = run(nil, path, "0", "identify", "1")
		require.Equal(t, string(identify), out, name)

		id := fmt.Sprintf("0x%04X", comID)
		code, _, said = run(append(be.AppendUint16(nil, comID), 0, 0, 0, 0, 0, 2), path, "0", "send", "2", id)
		require.Equal(t, 0, code, said)
		code, out, said = run(nil, path, "0", "recv", "2", id, "512")
		require.Equal(t, 0, code, said)
		want := append(be.AppendUint16(nil, comID), 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0)
		require.GreaterOrEqual(t, len(out), len(want))
		require.Equal(t, string(want), out[:len(want)], "%s: the stack was reset", name)

		code, _, said = run(nil, path, "0", "recv", "0x55", "0", "512")
		require.Equal(t, 1, code, name)
		require.Contains(t, said, "refused: status 01h")
		code, _, said = run(nil, path, "7", "discover")
		require.Equal(t, 1, code, name)
		require.Contains(t, said, "F0h")
		code, _, said = run(nil, nobody, "0", "discover")
		require.Equal(t, 3, code, "%s: %s", name, said)
		code, _, _ = run(nil, path, "0", "recv", "1")
		require.Equal(t, 2, code, name)
	}
}
