package control_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/serve/control"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

func newUnit(serial string) (*secsock.Unit, error) {
	d, _, err := drive.Manufacture(
		drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 16, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, serial)})
	if err != nil {
		return nil, err
	}
	if err := d.PowerOn(); err != nil {
		return nil, err
	}
	return secsock.NewUnit(d, tcg.Options{Entropy: rand.Reader})
}

func Example() {
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	u, err := newUnit("EXAMPLE1")
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := sockets.Listen(filepath.Join(dir, "s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := control.NewServer([]*secsock.Unit{u}, nil)
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	c, err := control.Dial(l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	drives, err := c.Do(control.PowerCycle, 0)
	fmt.Println(drives[0].Serial, drives[0].Powered, err)
	// Output: EXAMPLE1 true <nil>
}

func TestPowerAndResetsDoWhatTheySay(t *testing.T) {
	first, err := newUnit("A")
	require.NoError(t, err)
	second, err := newUnit("B")
	require.NoError(t, err)
	var trace bytes.Buffer
	path := filepath.Join(t.TempDir(), "s")
	l, err := sockets.Listen(path)
	require.NoError(t, err)
	s := control.NewServer([]*secsock.Unit{first, second}, secsock.NewTracer(&trace, func() time.Time { return time.Unix(0, 0) }))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := control.Dial(path)
	require.NoError(t, err)
	count := func(u *secsock.Unit) (r drive.Resets) {
		require.NoError(t, u.Do(func(d *drive.Drive) error { r = d.Resets(); return nil }))
		return r
	}
	was := count(second)
	powered := func(want ...bool) {
		t.Helper()
		drives, err := c.Drives()
		require.NoError(t, err)
		for n, d := range drives {
			require.Equal(t, want[n], d.Powered, d.Serial)
		}
	}
	powered(true, true)
	_, err = c.Do(control.PowerOff, 1)
	require.NoError(t, err)
	powered(true, false)
	_, err = c.Do(control.PowerOff, 1)
	require.NoError(t, err, "it is off already")
	_, err = c.Do(control.ResetWarm, 1)
	require.EqualError(t, err, "drive 1: reset: no power: the drive is off")
	_, err = c.Do(control.PowerOn, -1)
	require.NoError(t, err)
	powered(true, true)
	for _, a := range []control.Action{control.ResetWarm, control.ResetHot, control.PowerCycle} {
		_, err = c.Do(a, 1)
		require.NoError(t, err)
	}
	now := count(second)
	require.Equal(t, [3]uint64{1, 1, 2}, [3]uint64{uint64(now.Hardware - was.Hardware), uint64(now.HotPlug - was.HotPlug), uint64(now.PowerLosses - was.PowerLosses)})
	require.Zero(t, count(first).Hardware, "only the drive that was meant")

	_, err = c.Do("explode", 0)
	require.ErrorContains(t, err, `no action "explode"`)
	_, err = c.Do(control.PowerOn, 7)
	require.EqualError(t, err, "there is no drive 7, the last is 1")
	require.Contains(t, trace.String(), `"command":"reset hot","bytes":0,"status":"good"`)

	raw, err := net.Dial("unix", path)
	require.NoError(t, err)
	_, err = raw.Write([]byte("hello\n"))
	require.NoError(t, err)
	line, err := bufio.NewReader(raw).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, `{"error":"the request is no JSON object with an action"}`+"\n", line)
	require.NoError(t, raw.Close())

	var refused *control.RefusedError
	_, err = c.Do(control.PowerOn, 7)
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Usage, "there is no such drive")
	_, err = c.Do(control.PowerOff, 1)
	require.NoError(t, err)
	_, err = c.Do(control.ResetWarm, 1)
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Usage, "the drive refused it")

	wrong, err := secsock.Dial(path, 0) // a host at the wrong socket is answered, and does not wait
	require.NoError(t, err)
	_, err = wrong.Identify(1)
	require.ErrorIs(t, err, secsock.ErrNotServer)
	require.NoError(t, wrong.Close())
	require.NoError(t, s.Close())
	require.NoError(t, <-done)
}
