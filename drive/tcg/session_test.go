package tcg

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// signing are the options of a StartSession that signs for an authority.
func signing(who spec.UID, pin []byte) []token.Value {
	return []token.Value{token.N(token.S("HostChallenge"), token.B(pin)), token.N(token.S("HostSigningAuthority"), token.UID(who))}
}

func TestStartSessionWithCredentials(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true, signing(spec.BandMaster(1), b.msid())...))
	require.Equal(t, spec.Success, b.set(spec.Band(1), cell("RangeLength", token.U(8))))
	b.end()
	for i := range 5 {
		require.Equal(t, spec.NotAuthorized, b.start(spec.EnterpriseLockingSP, true, signing(spec.BandMaster(1), pin(9))...), i)
	}
	require.Equal(t, spec.AuthorityLockedOut, b.start(spec.EnterpriseLockingSP, true, signing(spec.BandMaster(1), b.msid())...), "the right PIN comes too late")
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true))
	_, st := b.prove(spec.BandMaster(1), b.msid())
	require.Equal(t, spec.AuthorityLockedOut, st, "by every door")
	cells, _ := b.get(spec.CPINBandMaster(1), "Tries", "Tries")
	require.Empty(t, cells, "Tries are for the authority itself")
	b.end()
}

// The limit of tries holds over both doors together.
func TestTryLimitOverAllDoors(t *testing.T) {
	b := newBench(t, nil)
	for range 2 {
		require.Equal(t, spec.NotAuthorized, b.start(spec.EnterpriseLockingSP, false, signing(spec.EraseMaster, pin(9))...))
		require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, false))
		right, st := b.prove(spec.EraseMaster, pin(9))
		require.Equal(t, spec.Success, st)
		require.False(t, right)
		b.end()
	}
	_, err := b.d.Authenticate(drive.EraseMaster, b.label.PSID)
	require.ErrorIs(t, err, drive.NotAuthorized)
	require.Equal(t, spec.AuthorityLockedOut, b.start(spec.EnterpriseLockingSP, false, signing(spec.EraseMaster, b.msid())...))
}

func TestStartSessionsThatAreRefused(t *testing.T) {
	b := newBench(t, nil)
	option := func(name string, v token.Value) []token.Value { return []token.Value{token.N(token.S(name), v)} }
	for what, st := range map[string]spec.Status{
		"a service provider that is not there": b.start(spec.OpalLockingSP, true),
		"a class":                              b.start(spec.EnterpriseLockingSP, true, signing(spec.BandMasters, b.msid())...),
		"an authority of the other provider":   b.start(spec.EnterpriseLockingSP, true, signing(spec.SID, b.msid())...),
		"a time-out that is too long":          b.start(spec.AdminSP, true, option("SessionTimeout", token.U(maxTimeout+1))...),
		"a time-out that is too short":         b.start(spec.AdminSP, true, option("SessionTimeout", token.U(minTimeout-1))...),
		"an option of trusted sessions":        b.start(spec.AdminSP, true, option("HostExchangeAuthority", token.UID(spec.SID))...),
		"a challenge that is no bytes":         b.start(spec.AdminSP, true, option("HostChallenge", token.U(1))...),
		"an option without a name":             b.start(spec.AdminSP, true, token.U(1)),
	} {
		require.Equal(t, spec.InvalidParameter, st, what)
	}
	_, st := b.manage(spec.StartSession, token.U(1), token.UID(spec.AdminSP))
	require.Equal(t, spec.InvalidParameter, st, "too few parameters")
	_, st = b.manage(spec.StartSession, token.U(1<<32), token.UID(spec.AdminSP), token.U(1))
	require.Equal(t, spec.InvalidParameter, st, "a session number of more than 4 bytes")
	require.Empty(t, b.tp.sessions)
}

func TestSeveralSessions(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true))
	require.Equal(t, spec.SPBusy, b.start(spec.AdminSP, false), "a read-write session has it for itself")
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, false), "the other provider is free")
	require.Equal(t, spec.SPBusy, b.start(spec.EnterpriseLockingSP, true), "not while somebody reads")
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, false), "readers share it")
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, false))
	require.Equal(t, spec.NoSessionsAvailable, b.start(spec.EnterpriseLockingSP, false))

	right, st := b.prove(spec.BandMaster(0), b.msid())
	require.True(t, right)
	require.Equal(t, spec.Success, st)
	require.Equal(t, spec.NotAuthorized, b.set(spec.Band(0), cell("ReadLockEnabled", token.U(1))), "a read-only session changes nothing")
	_, st = b.prove(spec.EraseMaster, b.msid())
	require.Equal(t, spec.NotAuthorized, st, "one authority beside Anybody")
	b.tsn--
	_, st = b.prove(spec.BandMaster(1), b.msid())
	require.Equal(t, spec.SPBusy, st, "the drive has one session at a time")
	_, st = b.get(spec.Band(1), "RangeStart", "RangeStart")
	require.Equal(t, spec.Success, st, "but anybody reads")

	_, err := b.d.Authenticate(drive.SID, b.label.MSID)
	require.ErrorIs(t, err, drive.SPBusy)
	b.end()
}

func TestSessionsTimeOut(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true, token.N(token.S("SessionTimeout"), token.U(60_000))))
	right, _ := b.prove(spec.BandMaster(0), b.msid())
	require.True(t, right)
	b.now += 59 * time.Second
	_, st := b.call(spec.ThisSP, spec.Random, token.U(1))
	require.Equal(t, spec.Success, st)
	b.now += 59 * time.Second
	require.Equal(t, spec.Success, b.set(spec.Band(0), cell("ReadLockEnabled", token.U(1))), "each packet begins anew")
	b.now += 60 * time.Second
	require.Nil(t, b.say(call(spec.ThisSP, spec.Random, token.U(1))))
	require.Empty(t, b.tp.sessions)
	s, err := b.d.Authenticate(drive.SID, b.label.MSID)
	require.NoError(t, err, "the session of the drive is over, too")
	s.Close()
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true))
	b.now += defaultTimeout * time.Millisecond
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true), "a host that vanished keeps nobody out for good")
}

// What is malformed inside a session ends it, and CloseSession says so. Everything else is dropped.
func TestMalformedStreams(t *testing.T) {
	random := call(spec.ThisSP, spec.Random, token.U(1))
	for what, stream := range map[string][]byte{
		"a reserved token":                   unhex(t, "E4"),
		"an atom that is cut":                unhex(t, "A8 00"),
		"a list where a call should be":      unhex(t, "F0 F1"),
		"a call without its end":             random[:len(random)-6],
		"a call of something that is no UID": unhex(t, "F8 A4 00000001 A8 0000000600000601 F0 01 F1 F9 F0 00 00 00 F1"),
		"a call with parameters in no list":  unhex(t, "F8 A8 0000000000000001 A8 0000000600000601 01 F9 F0 00 00 00 F1"),
		"a status list of two":               unhex(t, "F8 A8 0000000000000001 A8 0000000600000601 F0 01 F1 F9 F0 00 00 F1"),
		"two methods":                        append(append([]byte{}, random...), random...),
		"an end of no transaction":           unhex(t, "FC 00"),
		"a transaction in a transaction":     unhex(t, "FB 00 FB 00"),
		"a transaction without a status":     unhex(t, "FB"),
		"a continued token":                  unhex(t, "F8 A8 0000000000000001 A8 0000000600000601 F0 B1 01 A1 01 F1 F9 F0 00 00 00 F1"),
	} {
		b := newBench(t, nil)
		require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), b.msid()))
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, stream)))
		tsn, hsn, answer := b.receive()
		require.Equal(t, [2]uint32{0, 0}, [2]uint32{tsn, hsn}, what)
		require.Equal(t, call(spec.SessionManager, spec.CloseSession, token.U(uint64(b.hsn)), token.U(uint64(b.tsn))), answer, what)
		require.Nil(t, b.say(random), what)
		s, err := b.d.Authenticate(drive.SID, b.label.MSID)
		require.NoError(t, err, "%s: no authenticated state is left", what)
		s.Close()
	}
}

func TestPacketsThatAreDropped(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true))
	random := call(spec.ThisSP, spec.Random, token.U(1))
	drop := func(what string, com uint16, c []byte) {
		t.Helper()
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, com, c), what)
		w, err := b.tp.Receive(transport.ProtocolTCG, com, 2048)
		require.NoError(t, err)
		require.Len(t, w, token.ComPacketHeader, what)
	}
	drop("another TSN", b.com, b.packet(b.tsn+1, b.hsn, random))
	drop("another HSN", b.com, b.packet(b.tsn, b.hsn+1, random))
	drop("a method that the session manager does not have", b.com, b.packet(0, 0, call(spec.SessionManager, spec.StartTrustedSession)))
	drop("a method of another object", b.com, b.packet(0, 0, call(spec.ThisSP, spec.Properties)))
	drop("no call", b.com, b.packet(0, 0, []byte{0xFA}))
	drop("something behind the call", b.com, b.packet(0, 0, append(call(spec.SessionManager, spec.Properties), 0)))
	drop("no stream", b.com, b.packet(b.tsn, b.hsn, nil))
	b.com = 0x07FF
	drop("a session of another ComID", b.com, b.packet(b.tsn, b.hsn, random))
	b.com = 0x07FE
	_, st := b.call(spec.ThisSP, spec.Random, token.U(1))
	require.Equal(t, spec.Success, st, "the session goes on")

	// Credit control beside the data is passed over; two streams are more than the TPer takes.
	p := token.ComPacket{ComID: b.com, Packets: []token.Packet{{TSN: b.tsn, HSN: b.hsn, Subpackets: []token.Subpacket{
		{Kind: token.CreditControl, Payload: []byte{0, 0, 1, 0}}, {Kind: token.Data, Payload: random},
	}}}}
	require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, p.Append(nil)))
	_, _, answer := b.receive()
	_, st = b.parse(answer)
	require.Equal(t, spec.Success, st)
	p.Packets[0].Subpackets[0] = p.Packets[0].Subpackets[1]
	require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, p.Append(nil)))
	_, _, answer = b.receive()
	require.Equal(t, call(spec.SessionManager, spec.CloseSession, token.U(uint64(b.hsn)), token.U(uint64(b.tsn))), answer)
}

func TestMethodsWithBadParameters(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
	name := func(n string, v token.Value) token.Value { return token.N(token.S(n), v) }
	for _, c := range []struct {
		object, method spec.UID
		params         []token.Value
	}{
		{spec.Band(1), spec.EnterpriseGet, nil},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.U(1)}},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.L(), token.L()}},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.L(token.U(1))}},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.L(name("startRow", token.U(1)))}},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.L(name("startColumn", token.U(3)))}},
		{spec.Band(1), spec.EnterpriseGet, []token.Value{token.L(name("startColumn", token.S("RangeLength")), name("endColumn", token.S("RangeStart")))}},
		{spec.Band(1), spec.EnterpriseSet, nil},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(token.U(1)), token.L(token.L())}},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(), token.L()}},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.U(1))}},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(token.U(1)))}},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(name("RangeStart", token.S("8"))))}},
		{spec.Band(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(name("RangeLength", token.U(1<<40))))}},
		{spec.CPINBandMaster(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(name("PIN", token.U(1))))}},
		{spec.CPINBandMaster(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(name("PIN", token.B(nil))))}},
		{spec.CPINBandMaster(1), spec.EnterpriseSet, []token.Value{token.L(), token.L(token.L(name("PIN", token.B(make([]byte, 33)))))}},
		{spec.ThisSP, spec.EnterpriseAuthenticate, nil},
		{spec.ThisSP, spec.EnterpriseAuthenticate, []token.Value{token.U(1)}},
		{spec.ThisSP, spec.EnterpriseAuthenticate, []token.Value{token.UID(spec.BandMasters)}},
		{spec.ThisSP, spec.EnterpriseAuthenticate, []token.Value{token.UID(spec.SID)}},
		{spec.ThisSP, spec.EnterpriseAuthenticate, []token.Value{token.UID(spec.BandMaster(1)), token.B(b.msid())}},
		{spec.ThisSP, spec.EnterpriseAuthenticate, []token.Value{token.UID(spec.BandMaster(1)), name("Proof", token.B(b.msid()))}},
		{spec.ThisSP, spec.Random, nil},
		{spec.ThisSP, spec.Random, []token.Value{token.U(maxRandom + 1)}},
		{spec.ThisSP, spec.Random, []token.Value{token.U(1), token.U(1)}},
	} {
		_, st := b.call(c.object, c.method, c.params...)
		require.Equal(t, spec.InvalidParameter, st, "%s on %v with %v", spec.MethodName(c.method), c.object, c.params)
	}
	require.Equal(t, spec.Success, b.set(spec.Band(1)), "a Set of nothing")
	_, st := b.parse(b.say(append(call(spec.ThisSP, spec.Random, token.U(1))[:22], unhex(t, "F9 F0 01 00 00 F1")...)))
	require.Equal(t, spec.Fail, st, "the host took the call back")
	right, _ := b.prove(spec.BandMaster(1), b.msid())
	require.True(t, right, "again")
	right, _ = b.prove(spec.BandMaster(1), make([]byte, 33))
	require.False(t, right)
	require.Equal(t, spec.NotAuthorized, b.set(spec.Band(1), cell("RangeLength", token.U(8))), "who fails to prove himself again is nobody")
}

// What ends sessions: each kind of reset, and a power cycle. ReadLocked and WriteLocked follow
// LockOnReset (FAULTS 23), and no authenticated state is left (FAULTS 30).
func TestResets(t *testing.T) {
	for _, c := range []struct {
		what  string
		on    []token.Value
		reset func(*bench)
		locks bool
	}{
		{"power", []token.Value{token.U(0)}, (*bench).cycle, true},
		{"hardware, listed", []token.Value{token.U(0), token.U(1)}, func(b *bench) { require.NoError(b.t, b.d.Reset(drive.HardwareReset)) }, true},
		{"hardware, not listed", []token.Value{token.U(0), token.U(2)}, func(b *bench) { require.NoError(b.t, b.d.Reset(drive.HardwareReset)) }, false},
		{"hot plug, listed", []token.Value{token.U(0), token.U(2)}, func(b *bench) { require.NoError(b.t, b.d.Reset(drive.HotPlugReset)) }, true},
		{"none", nil, (*bench).cycle, false},
	} {
		b := newBench(t, nil)
		require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), b.msid()))
		require.Equal(t, spec.Success, b.set(spec.Band(0), cell("ReadLockEnabled", token.U(1)), cell("WriteLockEnabled", token.U(1)), cell("LockOnReset", token.L(c.on...))), c.what)
		b.tp.find(b.com).host.comPacket = 5000
		tsn := b.tsn
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, call(spec.ThisSP, spec.Random, token.U(1)))))
		c.reset(b)
		require.Nil(t, second(b.receive()), "%s: the answer is gone", c.what)
		b.tsn = tsn
		require.Nil(t, b.say(call(spec.ThisSP, spec.Random, token.U(1))), "%s: the session is gone", c.what)
		require.Equal(t, initialHost, b.tp.find(b.com).host, c.what)
		require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true), c.what)
		require.Equal(t, spec.NotAuthorized, b.set(spec.Band(0), cell("ReadLocked", token.U(0))), c.what)
		cells, _ := b.get(spec.Band(0), "ReadLocked", "WriteLocked")
		require.Equal(t, token.Bool(c.locks), cells["ReadLocked"], c.what)
		require.Equal(t, token.Bool(c.locks), cells["WriteLocked"], c.what)
		if err := b.d.Read(0, make([]byte, 512)); c.locks {
			require.ErrorIs(t, err, drive.Locked, c.what)
		} else {
			require.NoError(t, err, c.what)
		}
	}
}

func second(_, _ uint32, stream []byte) []byte { return stream }

// Block SID Authentication: FAULTS 25.
func TestBlockSID(t *testing.T) {
	b := newBench(t, nil)
	state := func() spec.BlockSID {
		d := b.tp.discovery()
		s, ok := d.BlockSID()
		require.True(t, ok)
		return s
	}
	block := func(payload ...byte) error {
		return b.tp.Send(transport.ProtocolComID, spec.BlockSIDComID, append(payload, make([]byte, 510)...))
	}
	require.Equal(t, spec.BlockSID{}, state())
	require.ErrorIs(t, block(0, 1), transport.InvalidParameter, "nothing can be frozen")
	require.ErrorIs(t, b.tp.Send(transport.ProtocolComID, spec.BlockSIDComID, nil), transport.InvalidParameter)
	require.NoError(t, block(0, 0))
	require.Equal(t, spec.BlockSID{Blocked: true}, state())
	require.ErrorIs(t, block(1, 0), transport.InvalidParameter, "already")
	require.Equal(t, spec.NotAuthorized, b.start(spec.AdminSP, true, signing(spec.SID, b.msid())...))
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true))
	right, st := b.prove(spec.SID, b.msid())
	require.Equal(t, spec.Success, st)
	require.False(t, right)
	used, _, _ := b.d.Tries(drive.SID)
	require.Zero(t, used, "no try is counted")
	b.end()
	require.NoError(t, b.d.Reset(drive.HardwareReset))
	b.tp.catchUp()
	require.True(t, state().Blocked, "a hardware reset was not asked for")
	b.cycle()
	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.SID, b.msid()))
	b.end()

	require.NoError(t, block(1, 0))
	require.Equal(t, spec.BlockSID{Blocked: true, ClearedByReset: true}, state())
	require.NoError(t, b.d.Reset(drive.HardwareReset))
	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.SID, b.msid()))
	require.Equal(t, spec.Success, b.set(spec.CPINSID, cell("PIN", token.B(pin(1)))))
	b.end()
	require.NoError(t, block(0, 0), "good status, and nothing is blocked, since SID has a PIN of its own")
	require.Equal(t, spec.BlockSID{NotMSID: true}, state())

	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.PSID, b.label.PSID.Bytes()))
	require.Equal(t, spec.Success, func() spec.Status { _, st := b.call(spec.ThisSP, spec.RevertSP); return st }())
	require.NoError(t, block(0, 0))
	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.PSID, b.label.PSID.Bytes()))
	_, st = b.call(spec.AdminSP, spec.Revert)
	require.Equal(t, spec.Success, st)
	require.Equal(t, spec.BlockSID{}, state(), "a revert lifts the block")
}

func TestDisabledBandMaster(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, b.msid()))
	require.Equal(t, spec.Success, b.set(spec.BandMaster(1), cell("Enabled", token.U(0))))
	require.Equal(t, spec.InvalidParameter, b.set(spec.BandMaster(1), cell("Enabled", token.U(2))))
	cells, _ := b.get(spec.BandMaster(1), "Enabled", "Enabled")
	require.Equal(t, token.U(0), cells["Enabled"])
	b.end()
	require.Equal(t, spec.NotAuthorized, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, b.msid()))
	require.Equal(t, spec.Success, b.set(spec.BandMaster(1), cell("Enabled", token.U(1))))
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
}
