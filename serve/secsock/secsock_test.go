package secsock_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

func newUnit(t testing.TB, serial string) (*secsock.Unit, drive.Label) {
	t.Helper()
	return newUnitOf(t, serial, drive.Enterprise)
}

func newUnitOf(t testing.TB, serial string, p drive.Personality) (*secsock.Unit, drive.Label) {
	t.Helper()
	cfg := drive.Config{Serial: serial, Model: "Model X", SectorSize: 512, Sectors: 1 << 16, Ranges: 2, PBKDF2Iterations: 1, Personality: p}
	if p == drive.Opal {
		cfg.MBRSize, cfg.DataStoreSize = 128<<20, 10<<20
	}
	d, label, err := drive.Manufacture(cfg, drive.Parts{Flash: flash.NewMem(p.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, serial)})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	u, err := secsock.NewUnit(d, tcg.Options{Entropy: rand.Reader})
	require.NoError(t, err)
	return u, label
}

// running serves units until the test ends.
func running(t testing.TB, trace *secsock.Tracer, units ...*secsock.Unit) (path string) {
	t.Helper()
	_, path = server(t, trace, units...)
	return path
}

// server is running, and gives the server too.
func server(t testing.TB, trace *secsock.Tracer, units ...*secsock.Unit) (s *secsock.Server, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := sockets.Listen(path)
	require.NoError(t, err)
	s = secsock.NewServer(units, trace)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
	return s, path
}

func dial(t testing.TB, path string, unit int) *secsock.Client {
	t.Helper()
	c, err := secsock.Dial(path, unit)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestADriveOverTheSocketIsTheDrive(t *testing.T) {
	first, _ := newUnit(t, "FIRST")
	second, label := newUnit(t, "SECOND")
	path := running(t, nil, first, second)
	dev, err := host.Open(dial(t, path, 1), host.Options{})
	require.NoError(t, err)
	msid, err := dev.MSID()
	require.NoError(t, err)
	mine, err := drive.NewPIN([]byte("mine"))
	require.NoError(t, err)
	require.NoError(t, dev.SetPIN(spec.SID, msid, mine))
	for n, u := range []*secsock.Unit{first, second} {
		require.NoError(t, u.Do(func(d *drive.Drive) error {
			factory, err := d.AtMSID(drive.SID)
			require.Equal(t, n == 0, factory, "only the drive that was meant")
			return err
		}))
	}
	require.NoError(t, dev.Revert(label.PSID))

	_, err = dial(t, path, 2).Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
	require.EqualError(t, err, "the server has no drive 2")
	c := dial(t, path, 0)
	for _, want := range []transport.Error{transport.InvalidProtocol, transport.InvalidParameter, transport.InvalidTransferLength} {
		var err error
		switch want {
		case transport.InvalidProtocol:
			_, err = c.Receive(0xEF, 0, 512)
		case transport.InvalidParameter:
			_, err = c.Receive(transport.ProtocolTCG, 0x0800, 512)
		case transport.InvalidTransferLength:
			err = c.Send(transport.ProtocolTCG, 0x07FE, make([]byte, 65537))
		}
		require.ErrorIs(t, err, want)
	}
	require.NoError(t, first.Do(func(d *drive.Drive) error { d.PowerOff(); return nil }))
	_, err = c.Identify(1)
	require.ErrorIs(t, err, transport.NoPower)
	_, err = c.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
	require.ErrorIs(t, err, transport.NoPower)
}

func TestWhichDriveItIs(t *testing.T) {
	u, _ := newUnit(t, "SERIAL7")
	c := dial(t, running(t, nil, u), 0)
	b, err := c.Identify(1)
	require.NoError(t, err)
	require.Len(t, b, 4096)
	require.Equal(t, "SERIAL7             ", string(b[4:24]))
	require.Equal(t, "Model X"+strings.Repeat(" ", 33), string(b[24:64]))
	require.Equal(t, byte(1), b[256]&1, "OACS: security send and receive")
	b, err = c.Identify(0)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 1, 0, 0, 0, 0, 0}, b[:8], "2^16 sectors, little-endian")
	require.Equal(t, byte(9), b[130], "of 2^9 bytes")
	_, err = c.Identify(0x1D)
	require.ErrorIs(t, err, transport.InvalidParameter)
	b, err = c.Inquiry(0)
	require.NoError(t, err)
	require.Len(t, b, 96)
	require.Equal(t, byte(len(b)-5), b[4])
	require.Equal(t, "FDELAB  Model X         1   SERIAL7             ", string(b[8:56]))
	b, err = c.Inquiry(0x180)
	require.NoError(t, err)
	require.Equal(t, "\x00\x80\x00\x07SERIAL7", string(b))
	_, err = c.Inquiry(0x1B1)
	require.ErrorIs(t, err, transport.InvalidParameter)
}

// A peer that speaks something else is hung up, and nobody else notices.
func TestNonsenseAtTheSocket(t *testing.T) {
	u, _ := newUnit(t, "NONSENSE")
	path := running(t, nil, u)
	good := dial(t, path, 0)
	for _, nonsense := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"\x02\x02\x00\x01\x00\x01\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00", // another version
		"\x01\x01\x00\x01\x07\xFE\x00\x00\x7F\xFF\xFF\xFF\x00\x00\x00\x00", // a payload of 2 GiB
	} {
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		_, err = c.Write([]byte(nonsense))
		require.NoError(t, err)
		n, err := c.Read(make([]byte, 64))
		require.Zero(t, n)
		require.Error(t, err, "the server hung up")
		require.NoError(t, c.Close())
	}
	c, err := net.Dial("unix", path) // half a request
	require.NoError(t, err)
	_, err = c.Write([]byte("\x01\x01\x00"))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = good.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
	require.NoError(t, err)
}

// Several hosts at once: each command is whole.
func TestHostsShareADrive(t *testing.T) {
	u, _ := newUnit(t, "SHARED")
	path := running(t, nil, u)
	var wg sync.WaitGroup
	for range 4 {
		c := dial(t, path, 0)
		wg.Go(func() {
			for range 100 {
				d, err := host.Discover(c)
				if err != nil || len(d.Features) != 5 {
					t.Errorf("discovery: %v, %v", d, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// The trace tells every command in words, is read back, and holds no PIN.
func TestTrace(t *testing.T) {
	var buf bytes.Buffer
	at := time.Unix(0, 0)
	tracer := secsock.NewTracer(&buf, func() time.Time { at = at.Add(time.Millisecond); return at })
	u, label := newUnit(t, "TRACED")
	path := running(t, tracer, u)
	dev, err := host.Open(dial(t, path, 0), host.Options{})
	require.NoError(t, err)
	msid, err := dev.MSID()
	require.NoError(t, err)
	mine, err := drive.NewPIN([]byte("known to nobody else"))
	require.NoError(t, err)
	require.NoError(t, dev.SetPIN(spec.BandMaster(0), msid, mine))
	require.NoError(t, dev.SetLocks(0, mine, false, false))
	require.NoError(t, dev.Revert(label.PSID))
	_, err = dial(t, path, 0).Receive(0xEF, 0, 512)
	require.Error(t, err)
	require.NoError(t, tracer.Err())

	var methods []string
	lines := bufio.NewScanner(&buf)
	text := buf.String()
	for n := 1; lines.Scan(); n++ {
		var r secsock.Record
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&r))
		require.Equal(t, n, r.N)
		require.Equal(t, time.UnixMilli(int64(n)).UTC().Format(time.RFC3339Nano), r.Time)
		if r.Message == nil {
			require.Equal(t, "transport: invalid security protocol", r.Status)
			continue
		}
		for _, i := range r.Message.Items {
			if i.Kind == "call" && i.Status == "" {
				methods = append(methods, i.Object+"."+i.Method)
			}
		}
	}
	require.Equal(t, strings.Fields(`SMUID.Properties
		SMUID.StartSession C_PIN_MSID.Get
		SMUID.StartSession ThisSP.Authenticate C_PIN_BandMaster0.Set
		SMUID.StartSession ThisSP.Authenticate Global_Range.Set
		SMUID.StartSession ThisSP.Authenticate Admin`), strings.Fields(strings.TrimSuffix(strings.Join(methods, " "), " SP.Revert")))
	for _, secret := range [][]byte{msid.Bytes(), mine.Bytes(), label.PSID.Bytes()} {
		require.NotContains(t, text, string(secret))
		require.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret))
	}
}

// BenchmarkCommandBesideEcho sends a security command and a bare echo of as many bytes in turns, each over a
// socket of its own, and tells how many times the echo's time a command takes (x-echo), and how many
// commands a second there are. Other load of the machine is in both.
func BenchmarkCommandBesideEcho(b *testing.B) {
	for _, p := range drive.Personalities() {
		b.Run(p.String(), func(b *testing.B) {
			u, _ := newUnitOf(b, "BENCH", p)
			c, echo := dial(b, running(b, nil, u), 0), echoServer(b)
			msg := make([]byte, 192)
			var command, bare time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := c.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048); err != nil {
					b.Fatal(err)
				}
				answered := time.Now()
				if _, err := echo.Write(msg); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(echo, msg); err != nil {
					b.Fatal(err)
				}
				command, bare = command+answered.Sub(began), bare+time.Since(answered)
			}
			b.ReportMetric(command.Seconds()/bare.Seconds(), "x-echo")
			b.ReportMetric(float64(b.N)/command.Seconds(), "commands/s")
			b.ReportMetric(float64(b.N)/bare.Seconds(), "echoes/s")
		})
	}
}

// echoServer gives a connection to a server that sends back what it gets.
func echoServer(b *testing.B) net.Conn {
	l, err := sockets.Listen(filepath.Join(b.TempDir(), "s"))
	require.NoError(b, err)
	s := &sockets.Server{Handle: func(c net.Conn, _ int) { _, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c}) }}
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() { _ = s.Close() })
	c, err := net.Dial("unix", l.Addr().String())
	require.NoError(b, err)
	b.Cleanup(func() { _ = c.Close() })
	return c
}
