package host_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// made is a drive, its TPer, and what is on its label.
type made struct {
	d     *drive.Drive
	tp    *tcg.TPer
	label drive.Label
}

func manufacture(t testing.TB, change func(*drive.Config, *tcg.Options)) made {
	t.Helper()
	c := drive.Config{Serial: "HOST1", SectorSize: 512, Sectors: 1 << 16, Ranges: 3, TryLimit: 5, PBKDF2Iterations: 1}
	o := tcg.Options{Entropy: entropy.Stream(1, "tper")}
	if change != nil {
		change(&c, &o)
	}
	d, label, err := drive.Manufacture(c, drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	tp, err := tcg.New(d, o)
	require.NoError(t, err)
	return made{d, tp, label}
}

func pin(t testing.TB, text string) drive.PIN {
	sum := sha256.Sum256([]byte(text))
	p, err := drive.NewPIN(sum[:])
	require.NoError(t, err)
	return p
}

func TestAnEnterpriseDriveFromTheFactoryAndBack(t *testing.T) {
	m := manufacture(t, nil)
	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	require.True(t, dev.Enterprise())
	require.Equal(t, uint16(0x07FE), dev.ComID())
	msid, err := dev.MSID()
	require.NoError(t, err)
	real, err := m.d.MSID()
	require.NoError(t, err)
	require.True(t, msid.Equal(real))

	owner := host.Owner{SID: pin(t, "sid"), EraseMaster: pin(t, "erase"), Bands: []drive.PIN{pin(t, "b0"), pin(t, "b1")}}
	require.NoError(t, dev.TakeOwnership(owner))
	require.NoError(t, dev.TakeOwnership(owner), "again, as after an interruption")
	for who, at := range map[drive.Authority]bool{drive.SID: false, drive.EraseMaster: false, drive.BandMaster(0): false, drive.BandMaster(1): false, drive.BandMaster(2): true} {
		got, err := m.d.AtMSID(who)
		require.NoError(t, err)
		require.Equal(t, at, got, "%v", who)
	}
	other := owner
	other.SID = pin(t, "stranger")
	err = dev.TakeOwnership(other)
	require.ErrorIs(t, err, spec.NotAuthorized, "somebody else owns it")
	require.ErrorContains(t, err, "SID has neither the factory PIN nor the new one")

	conf := host.BandConfig{Start: 64, Length: 128, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: []uint64{spec.PowerCycle}}
	require.NoError(t, dev.SetBand(1, owner.Bands[1], conf))
	secret := []byte("what only the owner reads")
	sector := append(append([]byte{}, secret...), make([]byte, 512-len(secret))...)
	require.NoError(t, m.d.Write(64, sector))
	require.NoError(t, dev.SetLocks(1, owner.Bands[1], true, true))
	require.ErrorIs(t, m.d.Read(64, make([]byte, 512)), drive.Locked)
	bands, err := dev.Bands()
	require.NoError(t, err)
	require.Len(t, bands, 4)
	require.Equal(t, host.Band{N: 1, Name: "Band1", BandConfig: conf, ReadLocked: true, WriteLocked: true}, bands[1])
	require.ErrorIs(t, dev.SetLocks(1, owner.Bands[0], false, false), spec.NotAuthorized)
	require.NoError(t, dev.SetLocks(1, owner.Bands[1], false, false))
	got := make([]byte, 512)
	require.NoError(t, m.d.Read(64, got))
	require.Equal(t, sector, got)

	m.d.PowerOff()
	_, err = dev.Bands()
	require.ErrorIs(t, err, transport.NoPower)
	require.NoError(t, m.d.PowerOn())
	require.ErrorIs(t, m.d.Read(64, got), drive.Locked, "the reset in LockOnReset locked it")

	require.NoError(t, dev.SetPIN(spec.BandMaster(1), owner.Bands[1], pin(t, "new")))
	require.ErrorIs(t, dev.GenKey(1, owner.Bands[1]), spec.NotAuthorized, "the old PIN")
	require.NoError(t, dev.SetLocks(1, pin(t, "new"), false, false))
	require.NoError(t, dev.GenKey(1, pin(t, "new")))
	require.NoError(t, m.d.Read(64, got))
	require.NotEqual(t, sector, got, "the key is another one")
	require.NoError(t, dev.Erase(1, owner.EraseMaster))
	at, err := m.d.AtMSID(drive.BandMaster(1))
	require.NoError(t, err)
	require.True(t, at)
	require.NoError(t, dev.Revert(m.label.PSID))
	require.Equal(t, drive.Erased, m.d.Status().State)
	require.NoError(t, dev.TakeOwnership(other), "it is anybody's again")
}

func TestAStatusIsAnErrorWithItsName(t *testing.T) {
	m := manufacture(t, nil)
	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	s, err := dev.Start(spec.EnterpriseLockingSP, host.SessionOptions{})
	require.NoError(t, err)
	err = s.Set(spec.Band(1), host.Cell{Column: "RangeLength", Value: token.U(8)})
	require.EqualError(t, err, "tcg: Set on Band1: NOT_AUTHORIZED")
	var status *host.StatusError
	require.True(t, errors.As(err, &status))
	_, err = s.Get(spec.Band(1), "RangeStart", "Frobs")
	require.EqualError(t, err, "tcg: Get on Band1: INVALID_PARAMETER")
	_, err = dev.Start(spec.EnterpriseLockingSP, host.SessionOptions{})
	require.EqualError(t, err, "tcg: StartSession on SMUID: SP_BUSY")
	wrong := pin(t, "wrong")
	for range 5 {
		require.EqualError(t, s.Authenticate(spec.BandMaster(1), wrong), "tcg: Authenticate on BandMaster1: NOT_AUTHORIZED")
	}
	require.EqualError(t, s.Authenticate(spec.BandMaster(1), wrong), "tcg: Authenticate on ThisSP: AUTHORITY_LOCKED_OUT")
	b, err := s.Random(32)
	require.NoError(t, err)
	require.Len(t, b, 32)
	require.NoError(t, s.Close())
	require.EqualError(t, s.Close(), "tcg: EndOfSession: the session is over")
}

// A transaction is whole or not there.
func TestATransaction(t *testing.T) {
	m := manufacture(t, nil)
	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	msid, err := dev.MSID()
	require.NoError(t, err)
	length := func() uint64 {
		i, err := m.d.Range(1)
		require.NoError(t, err)
		return i.Length
	}
	s, err := dev.StartAs(spec.EnterpriseLockingSP, spec.BandMaster(1), msid, host.SessionOptions{})
	require.NoError(t, err)
	for _, end := range []struct {
		how  func() error
		want uint64
	}{{s.Rollback, 0}, {s.Commit, 16}} {
		require.NoError(t, s.Begin())
		require.NoError(t, s.Set(spec.Band(1), host.Cell{Column: "RangeLength", Value: token.U(16)}))
		require.Zero(t, length(), "it does not count yet")
		require.NoError(t, end.how())
		require.Equal(t, end.want, length())
	}
	require.NoError(t, s.Close())
}

// Who comes after a host that crashed.
func TestRecover(t *testing.T) {
	m := manufacture(t, nil)
	dead, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	_, err = dead.Start(spec.EnterpriseLockingSP, host.SessionOptions{})
	require.NoError(t, err)
	// It also left an answer there.
	req := token.ComPacket{ComID: dead.ComID(), Packets: []token.Packet{{Subpackets: []token.Subpacket{{Payload: openingCall(spec.AdminSP)}}}}}
	require.NoError(t, m.tp.Send(transport.ProtocolTCG, dead.ComID(), req.Append(nil)))

	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err, "what waited is dropped")
	_, err = dev.Bands()
	require.ErrorIs(t, err, spec.SPBusy)
	require.NoError(t, dev.Recover())
	_, err = dev.Bands()
	require.NoError(t, err)
}

func openingCall(sp spec.UID) []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(token.AppendUID(b, uint64(spec.SessionManager)), uint64(spec.StartSession))
	b = token.L(token.U(9), token.UID(sp), token.Bool(false)).Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(0), token.U(0), token.U(0)).Append(b)
}

// An answer that is not there yet is asked for again, with a pause that the caller makes.
func TestPolling(t *testing.T) {
	m := manufacture(t, func(_ *drive.Config, o *tcg.Options) { o.Polls = 3 })
	waits := 0
	dev, err := host.Open(m.tp, host.Options{Wait: func() { waits++ }})
	require.NoError(t, err)
	require.Equal(t, 3, waits)
	_, err = dev.Bands()
	require.NoError(t, err)
	_, err = host.Open(m.tp, host.Options{Polls: 2})
	require.ErrorContains(t, err, "none after 2 polls")
}

// A session that ended while the host was not looking.
func TestASessionThatAResetEnded(t *testing.T) {
	m := manufacture(t, nil)
	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	s, err := dev.Start(spec.AdminSP, host.SessionOptions{})
	require.NoError(t, err)
	require.NoError(t, m.d.Reset(drive.HotPlugReset))
	_, err = s.Random(1)
	var closed *host.ClosedError
	require.ErrorAs(t, err, &closed)
}
