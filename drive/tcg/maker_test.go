package tcg

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// The maker's protocol tells anybody what the drive tells anybody, takes a challenge, and nothing else.
func TestTheMakersProtocol(t *testing.T) {
	b := newBench(t, nil)
	read := func() *spec.Report {
		got, err := b.tp.Receive(transport.ProtocolMaker, spec.MakerReport, spec.ReportSize)
		require.NoError(t, err)
		require.False(t, bytes.Contains(got, b.msid()), "no PIN")
		r, err := spec.ParseReport(got)
		require.NoError(t, err)
		return r
	}
	r := read()
	require.Equal(t, spec.ReportErased, r.State)
	require.Len(t, r.Authorities, 3+3)
	require.Equal(t, spec.FailedNothing, r.LastFailure)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
	_, st := b.call(spec.ThisSP, spec.Restore)
	require.Equal(t, spec.Fail, st, "there is nothing to restore")
	require.Equal(t, spec.FailedState, read().LastFailure)
	require.Equal(t, spec.Success, b.set(spec.CPINBandMaster(1), cell("PIN", token.B(pin(7)))))
	row, ok := read().Find(spec.BandMaster(1))
	require.True(t, ok)
	require.False(t, row.AtMSID)
	require.Equal(t, spec.ReportConfigured, read().State)

	got, err := b.tp.Receive(transport.ProtocolMaker, spec.MakerAttestation, 512)
	require.NoError(t, err)
	require.Empty(t, got, "nobody has asked")
	challenge := [drive.ChallengeSize]byte{9}
	require.ErrorIs(t, b.tp.Send(transport.ProtocolMaker, spec.MakerAttestation, challenge[:31]), transport.InvalidTransferLength)
	require.NoError(t, b.tp.Send(transport.ProtocolMaker, spec.MakerAttestation, append(challenge[:], make([]byte, 480)...)))
	got, err = b.tp.Receive(transport.ProtocolMaker, spec.MakerAttestation, 512)
	require.NoError(t, err)
	a, err := spec.ParseAttestation(got)
	require.NoError(t, err)
	whole := drive.Attestation{Identity: a.Identity, Serial: a.Serial, Signature: a.Signature}
	require.NoError(t, whole.Verify(challenge))
	require.NoError(t, b.d.Reset(drive.HardwareReset))
	got, err = b.tp.Receive(transport.ProtocolMaker, spec.MakerAttestation, 512)
	require.NoError(t, err)
	require.Empty(t, got, "a reset forgets the challenge")

	for _, page := range []uint16{0, 3, 0xFFFF} {
		_, err = b.tp.Receive(transport.ProtocolMaker, page, 512)
		require.ErrorIs(t, err, transport.InvalidParameter)
		require.ErrorIs(t, b.tp.Send(transport.ProtocolMaker, page, challenge[:]), transport.InvalidParameter)
	}
	require.ErrorIs(t, b.tp.Send(transport.ProtocolMaker, spec.MakerReport, challenge[:]), transport.InvalidParameter)

	o := newOpalBench(t)
	_, err = o.tp.Receive(transport.ProtocolMaker, spec.MakerReport, 512)
	require.ErrorIs(t, err, transport.InvalidProtocol, "an Opal drive has none")
}
