package secsock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// sharedDrive has two doors: a socket, and an NVMe controller that passes on to the socket's server.
type sharedDrive struct {
	t         *testing.T
	d         *drive.Drive
	label     drive.Label
	media     *drive.FaultyMedia
	inside    transport.Transport
	socket    transport.Transport
	dev       *host.Device // over the socket
	subsystem *nvme.Subsystem
	c         *nvme.Controller
}

func share(t *testing.T) *sharedDrive {
	t.Helper()
	s := &sharedDrive{t: t, media: drive.NewFaultyMedia(drive.NewMemMedia(512))}
	var err error
	s.d, s.label, err = drive.Manufacture(drive.Config{Serial: "SHARED", SectorSize: 512, Sectors: 1 << 14, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: s.media, Entropy: entropy.Stream(1, "SHARED")})
	require.NoError(t, err)
	u, err := secsock.NewUnit(s.d, tcg.Options{Entropy: entropy.Stream(2, "SHARED")})
	require.NoError(t, err)
	srv, path := server(t, nil, u)
	s.inside, s.socket = srv.Transport(0), dial(t, path, 0)
	s.connect()
	s.dev, err = host.Open(s.socket, host.Options{})
	require.NoError(t, err)
	return s
}

// connect is what a host does behind a loss of power.
func (s *sharedDrive) connect() {
	s.t.Helper()
	var err error
	s.subsystem, err = nvme.NewSubsystem(s.d, nvme.Options{Security: s.inside})
	require.NoError(s.t, err)
	var ok bool
	s.c, ok = s.subsystem.NewController(nvme.Host{NQN: "host", ID: [16]byte{1}})
	require.True(s.t, ok)
	require.Equal(s.t, nvme.Success, s.c.SetProperty(nvme.PropertyCC, 4, 0x460001))
}

// overNVMe is a security command at the controller.
func (s *sharedDrive) overNVMe(op, protocol uint8, com uint16) nvme.Status {
	b := make([]byte, 512)
	var cmd nvme.Command
	cmd[0] = op
	cmd.SetDW(10, uint32(protocol)<<24|uint32(com)<<8)
	cmd.SetDW(11, uint32(len(b)))
	if op == nvme.OpSecuritySend {
		return s.c.Admin(&cmd, b, nil).Status
	}
	return s.c.Admin(&cmd, nil, b).Status
}

func (s *sharedDrive) state() drive.SanitizeState {
	s.t.Helper()
	st, err := s.d.SanitizeStatus()
	require.NoError(s.t, err)
	return st.State
}

// until works until a state is reached. The doors are closed all the time before.
func (s *sharedDrive) until(want drive.SanitizeState) {
	s.t.Helper()
	for s.state() != want {
		s.closed()
		s.subsystem.Work()
	}
}

// closed: every security command is refused at each door, also those that there are not.
func (s *sharedDrive) closed() {
	s.t.Helper()
	for _, a := range []struct {
		protocol uint8
		com      uint16
	}{
		{transport.ProtocolInformation, 0},
		{transport.ProtocolTCG, spec.DiscoveryComID},
		{transport.ProtocolTCG, 0x07FE},
		{transport.ProtocolComID, 0x07FE},
		{transport.ProtocolComID, spec.GetComID},
		{transport.ProtocolComID, 5},
		{0xEF, 0},
	} {
		for _, door := range []transport.Transport{s.socket, s.inside} {
			_, err := door.Receive(a.protocol, a.com, 512)
			require.Equal(s.t, transport.Sanitizing, err, "receive %02X %04X", a.protocol, a.com)
			require.Equal(s.t, transport.Sanitizing, door.Send(a.protocol, a.com, make([]byte, 512)), "send %02X %04X", a.protocol, a.com)
		}
		for _, op := range []uint8{nvme.OpSecurityReceive, nvme.OpSecuritySend} {
			require.Equal(s.t, nvme.SanitizeRuns|nvme.DNR, s.overNVMe(op, a.protocol, a.com), "command %02X: %02X %04X", op, a.protocol, a.com)
		}
	}
	require.ErrorIs(s.t, s.dev.Authenticate(host.Credential{Who: spec.SID, PIN: s.label.PSID}), transport.Sanitizing)
	require.ErrorIs(s.t, s.dev.Revert(s.label.PSID), transport.Sanitizing)
}

// No security command is done while a sanitize operation is under way, nor behind one that failed, at whatever
// door (NVMe Base 2.1, figure 152): not over the socket, not over NVMe, and not in process. When it is over
// all is as it was, and a session that was open still is.
func TestASanitizeOperationClosesEveryDoor(t *testing.T) {
	s := share(t)
	msid, err := s.dev.MSID()
	require.NoError(t, err)
	session, err := s.dev.Start(spec.EnterpriseLockingSP, host.SessionOptions{})
	require.NoError(t, err)
	require.NoError(t, s.d.Sanitize(drive.SanitizeOrder{Action: drive.CryptoErase, Verify: true}))
	s.until(drive.MediaVerification)
	s.closed()
	require.NoError(t, s.d.ExitMediaVerification())
	s.until(drive.SanitizeIdle)
	require.NoError(t, session.Close())
	require.NoError(t, s.dev.Authenticate(host.Credential{Who: spec.SID, PIN: msid}))
	require.Equal(t, nvme.Success, s.overNVMe(nvme.OpSecurityReceive, transport.ProtocolTCG, spec.DiscoveryComID))

	require.NoError(t, s.d.Sanitize(drive.SanitizeOrder{Action: drive.BlockErase}))
	s.closed()
	s.d.PowerOff()
	_, err = s.socket.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 512)
	require.ErrorIs(t, err, transport.NoPower)
	require.NoError(t, s.d.PowerOn())
	s.connect()
	s.until(drive.SanitizeIdle)
	require.NoError(t, s.dev.Authenticate(host.Credential{Who: spec.SID, PIN: msid}))

	require.NoError(t, s.d.Write(20, make([]byte, 512)))
	plan, err := fault.Parse("(media.write.error (LBA 20))")
	require.NoError(t, err)
	s.media.Arm(plan)
	require.NoError(t, s.d.Sanitize(drive.SanitizeOrder{Action: drive.BlockErase, Unrestricted: true}))
	s.until(drive.UnrestrictedFailure)
	s.closed()
	require.NoError(t, s.d.ExitSanitizeFailure())
	require.NoError(t, s.dev.Revert(s.label.PSID))
}
