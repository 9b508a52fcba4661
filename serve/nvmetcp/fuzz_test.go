package nvmetcp

import (
	"bufio"
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// script is a connection whose other end has said all that it is going to say.
type script struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)         { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)        { return s.out.Write(p) }
func (s *script) Close() error                       { return nil }
func (s *script) LocalAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4420} }
func (s *script) RemoteAddr() net.Addr               { return s.LocalAddr() }
func (s *script) SetDeadline(_ time.Time) error      { return nil }
func (s *script) SetReadDeadline(_ time.Time) error  { return nil }
func (s *script) SetWriteDeadline(_ time.Time) error { return nil }

// fuzzed is a target with a drive whose secret is locked. It lasts for all inputs of a process: to make a drive takes
// longer than to serve a host.
func fuzzed(f *testing.F) *Target {
	f.Helper()
	_, s := lockedDrive(f, "HOSTILE")
	target, err := NewTarget([]*nvme.Subsystem{s})
	require.NoError(f, err)
	return target
}

// pdus are PDUs of a host, one behind another.
func pdus(write ...func(w *bufio.Writer)) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	for _, f := range write {
		f(w)
	}
	_ = w.Flush()
	return b.Bytes()
}

func icReq(w *bufio.Writer) { _ = new(framing).write(w, pduICReq, 0, make([]byte, icSize), nil) }

func command(cmd nvme.Command, data []byte, n int, kind byte) func(w *bufio.Writer) {
	return func(w *bufio.Writer) { _ = new(framing).write(w, pduCapsuleCmd, 0, capsule(cmd, n, kind), data) }
}

// connected is what a host sends up to an admin queue that is enabled.
func connected() []byte {
	cmd, data := connectCommand("nqn.2026-01.fdelab:HOSTILE", nil)
	enable := nvme.Command{nvme.OpFabrics}
	enable.SetDW(11, nvme.PropertyCC)
	enable.SetDW(12, 0x460001)
	return pdus(icReq, command(cmd, data, len(data), dataBlock), command(enable, nil, 0, transportBlock))
}

// host plays a host that sends all that and goes away.
func (t *Target) host(tb testing.TB, sent ...[]byte) []byte {
	c := &script{in: bytes.NewReader(bytes.Join(sent, nil))}
	t.connection(c, 1)
	require.False(tb, bytes.Contains(c.out.Bytes(), []byte(secretText)), "what is locked was read")
	return c.out.Bytes()
}

// Whatever bytes come, nothing panics or hangs, and nothing is left of a host that is gone.
func FuzzPDUs(f *testing.F) {
	target := fuzzed(f)
	f.Add([]byte{4, 0, 72, 0, 72, 0, 0, 0})
	f.Add(append([]byte{4, 0, 72, 72, 80, 0, 0, 0, 0x7F, 0x40}, make([]byte, 70)...))
	f.Add(connected()[icSize:])
	hello := pdus(icReq)
	f.Fuzz(func(t *testing.T, sent []byte) {
		target.host(t, hello, sent)
		require.Empty(t, target.all())
	})
}

// Whatever a capsule of a host that is connected is, with whatever data behind it. A controller of each host is gone
// with it.
func FuzzCapsules(f *testing.F) {
	target := fuzzed(f)
	hello := connected()
	for _, op := range []byte{nvme.OpIdentify, nvme.OpGetLog, nvme.OpSecuritySend, nvme.OpSanitize, nvme.OpAsyncEvent, nvme.OpFabrics} {
		f.Add(append([]byte{op, 0x40}, make([]byte, 62)...), make([]byte, 512), byte(transportBlock))
	}
	f.Fuzz(func(t *testing.T, fields, data []byte, kind byte) {
		var cmd nvme.Command
		copy(cmd[:], fields)
		head := capsule(cmd, len(data), kind)
		if kind&0x80 != 0 { // the descriptor is the fuzzer's as well
			copy(head[commonSize:], cmd[:])
		}
		target.host(t, hello, pdus(func(w *bufio.Writer) { _ = new(framing).write(w, pduCapsuleCmd, 0, head, data) }))
		require.Empty(t, target.all(), "the host is gone, and nothing of it is left")
	})
}

// Whatever Connect says: it is taken or refused, and nothing is left of a host that is gone.
func FuzzConnect(f *testing.F) {
	target := fuzzed(f)
	cmd, data := connectCommand("nqn.2026-01.fdelab:HOSTILE", nil)
	f.Add(cmd[:], data)
	cmd, data = connectCommand(DiscoveryNQN, nil)
	f.Add(cmd[:], data)
	f.Add(cmd[:], data[:100])
	f.Fuzz(func(t *testing.T, fields, data []byte) {
		var cmd nvme.Command
		copy(cmd[:], fields)
		cmd[0], cmd[4] = nvme.OpFabrics, fctConnect
		if len(data) > nvme.AdminInCapsule {
			return
		}
		out := target.host(t, pdus(icReq, command(cmd, data, len(data), dataBlock)))
		require.NotEmpty(t, out[icSize:], "Connect is answered")
		require.Empty(t, target.all(), "the host is gone, and nothing of it is left")
	})
}
