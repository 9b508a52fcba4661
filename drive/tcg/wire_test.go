package tcg

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// A conversation as it goes over the wire, written by hand from Core 2.01 and Enterprise 1.01: the
// stream of each packet, without its headers.
func TestAConversationByHand(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		what           string
		tsn, hsn       uint32
		say            string
		hears          string
		backTSN, bakHS uint32
	}{
		{
			"StartSession: HSN 105, the Locking SP, read-write, SessionTimeout 60000; SyncSession: HSN 105, TSN 4097", 0, 0,
			`F8 A8 00000000000000FF A8 000000000000FF02 F0 81 69 A8 0000020500010001 01
			 F2 AE 53657373696F6E54696D656F7574 82 EA60 F3 F1 F9 F0 00 00 00 F1`,
			`F8 A8 00000000000000FF A8 000000000000FF03 F0 81 69 82 1001 F1 F9 F0 00 00 00 F1`, 0, 0,
		},
		{
			"Get RangeStart to ReadLockEnabled of band 1: a list of rows, a row, pairs of name and value", 0x1001, 105,
			`F8 A8 0000080200000002 A8 0000000600000006 F0 F0 F2 AB 7374617274436F6C756D6E AA 52616E67655374617274 F3
			 F2 A9 656E64436F6C756D6E AF 526561644C6F636B456E61626C6564 F3 F1 F1 F9 F0 00 00 00 F1`,
			`F0 F0 F0 F2 AA 52616E67655374617274 00 F3 F2 AB 52616E67654C656E677468 00 F3
			 F2 AF 526561644C6F636B456E61626C6564 00 F3 F1 F1 F1 F9 F0 00 00 00 F1`, 0x1001, 105,
		},
		{
			"Authenticate BandMaster1 with a wrong PIN: SUCCESS, and the result says that it was wrong", 0x1001, 105,
			`F8 A8 0000000000000001 A8 000000060000000C F0 A8 0000000900008002 F2 A9 4368616C6C656E6765 A4 77726F6E F3 F1 F9 F0 00 00 00 F1`,
			`F0 00 F1 F9 F0 00 00 00 F1`, 0x1001, 105,
		},
		{
			"Set RangeLength of band 1 without authority: NOT_AUTHORIZED", 0x1001, 105,
			`F8 A8 0000080200000002 A8 0000000600000007 F0 F0 F1 F0 F0 F2 AB 52616E67654C656E677468 08 F3 F1 F1 F1 F9 F0 00 00 00 F1`,
			`F0 F1 F9 F0 01 00 00 F1`, 0x1001, 105,
		},
		{
			"Get of a column that the table does not have: INVALID_PARAMETER", 0x1001, 105,
			`F8 A8 0000080200000002 A8 0000000600000006 F0 F0 F2 AB 7374617274436F6C756D6E A3 466F6F F3 F1 F1 F9 F0 00 00 00 F1`,
			`F0 F1 F9 F0 0C 00 00 F1`, 0x1001, 105,
		},
		{"StartTransaction and its answer", 0x1001, 105, `FB 00`, `FB 00`, 0x1001, 105},
		{"EndTransaction, aborted by the host", 0x1001, 105, `FC 01`, `FC 01`, 0x1001, 105},
		{"EndOfSession, with the tokens that Linux sends behind it", 0x1001, 105, `FA F1 F9 F0 00 00 00 F1`, `FA`, 0x1001, 105},
		{"and then there is no such session", 0x1001, 105, `FA`, ``, 0, 0},
	} {
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(c.tsn, c.hsn, unhex(t, c.say))), c.what)
		tsn, hsn, answer := b.receive()
		require.Equal(t, hex.EncodeToString(unhex(t, c.hears)), hex.EncodeToString(answer), c.what)
		require.Equal(t, [2]uint32{c.backTSN, c.bakHS}, [2]uint32{tsn, hsn}, c.what)
	}
}

func TestProtocolZeroAndDiscovery(t *testing.T) {
	b := newBench(t, func(c *drive.Config) { c.AlignmentGranularity, c.LowestAlignedLBA = 8, 1 })
	got, err := b.tp.Receive(transport.ProtocolInformation, 0, 512)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "000000000000 0004 00 01 02 F0"), got)
	got, err = b.tp.Receive(transport.ProtocolInformation, 1, 512)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "00000000"), got)
	_, err = b.tp.Receive(transport.ProtocolInformation, 2, 512)
	require.ErrorIs(t, err, transport.InvalidParameter)
	for _, protocol := range []uint8{3, 0xEF} {
		_, err = b.tp.Receive(protocol, 1, 512)
		require.ErrorIs(t, err, transport.InvalidProtocol)
		require.ErrorIs(t, b.tp.Send(protocol, 1, make([]byte, 512)), transport.InvalidProtocol)
	}
	require.ErrorIs(t, b.tp.Send(transport.ProtocolInformation, 0, make([]byte, 512)), transport.InvalidProtocol)

	features := func() string {
		got, err := b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
		require.NoError(t, err)
		require.Equal(t, len(got)-4, int(got[3]))
		return hex.EncodeToString(got[48:])
	}
	fresh := hex.EncodeToString(unhex(t, `0001 10 0C 51 0000000000000000000000
		0002 10 0C 0B 0000000000000000000000
		0003 10 1C 01 00000000000000 00000200 0000000000000008 0000000000000001
		0100 10 10 07FE 0002 00 0000000000000000000000
		0402 20 0C 00 00 00000000000000000000`))
	require.Equal(t, fresh, features())
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), b.msid()))
	require.Equal(t, spec.Success, b.set(spec.Band(0), cell("ReadLockEnabled", token.U(1)), cell("ReadLocked", token.U(1))))
	require.Contains(t, features(), hex.EncodeToString(unhex(t, "0002 10 0C 0F")), "locked")
	got, err = b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 20)
	require.NoError(t, err)
	require.Len(t, got, 20, "no more than the host asked for")
}

func TestComIDManagement(t *testing.T) {
	b := newBench(t, nil)
	verify := func(id uint16) (string, error) {
		req := append([]byte{byte(id >> 8), byte(id), 0, 0, 0, 0, 0, 1}, make([]byte, 504)...)
		if err := b.tp.Send(transport.ProtocolComID, id, req); err != nil {
			return "", err
		}
		got, err := b.tp.Receive(transport.ProtocolComID, id, 512)
		return hex.EncodeToString(got), err
	}
	got, err := verify(0x07FF)
	require.NoError(t, err)
	require.Equal(t, "07ff0000"+"00000001"+"0000"+"0022"+"00000003"+zeros(30), got, "a static ComID is associated")
	got, err = verify(0x1000)
	require.NoError(t, err)
	require.Equal(t, "10000000"+"00000001"+"0000"+"0022"+"00000001"+zeros(30), got, "nobody got this ComID: inactive")
	_, err = b.tp.Receive(transport.ProtocolComID, 0x1000, 512)
	require.ErrorIs(t, err, transport.InvalidParameter, "it answers once")
	got, err = verify(0x0800)
	require.NoError(t, err)
	require.Contains(t, got, "00000000"+zeros(30), "invalid")

	allocated, err := b.tp.Receive(transport.ProtocolComID, spec.GetComID, 512)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "1000 0000"), allocated)
	got, err = verify(0x1000)
	require.NoError(t, err)
	require.Equal(t, "10000000"+"00000001"+"0000"+"0022"+"00000002"+zeros(30), got, "issued")
	b.com = 0x1000
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true))
	got, err = verify(0x1000)
	require.NoError(t, err)
	require.Contains(t, got, "00000003"+zeros(30), "associated")

	got2, err := b.tp.Receive(transport.ProtocolComID, 0x1000, 512)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "1000 0000 00000000 0000 0000"), got2, "no request waits for its answer")

	// STACK_RESET ends the session; the answer is there at once.
	require.NoError(t, b.tp.Send(transport.ProtocolComID, 0x1000, unhex(t, "1000 0000 00000002")))
	got2, err = b.tp.Receive(transport.ProtocolComID, 0x1000, 512)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "1000 0000 00000002 0000 0004 00000000"), got2)
	require.Nil(t, b.say(call(spec.ThisSP, spec.Random, token.U(1))), "the session is over")
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true), "and keeps nobody out")

	for range maxDynamic - 1 {
		a, err := b.tp.Receive(transport.ProtocolComID, spec.GetComID, 512)
		require.NoError(t, err)
		require.NotEqual(t, []byte{0, 0}, a[:2])
	}
	a, err := b.tp.Receive(transport.ProtocolComID, spec.GetComID, 512)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0}, a, "there are no more")
	require.NoError(t, b.d.Reset(drive.HotPlugReset))
	got, err = verify(0x1000)
	require.NoError(t, err)
	require.Contains(t, got, "00000001"+zeros(30), "a reset makes dynamic ComIDs inactive")

	for _, bad := range []string{"07FE 0000 00000003", "07FF 0000 00000001", "07FE 0001 00000001", "07FE 0000 000000"} {
		require.ErrorIs(t, b.tp.Send(transport.ProtocolComID, 0x07FE, unhex(t, bad)), transport.InvalidParameter, bad)
	}
	require.ErrorIs(t, b.tp.Send(transport.ProtocolComID, spec.TPerReset, []byte{0}), transport.InvalidParameter, "Enterprise has no TPER_RESET")
}

func zeros(n int) string { return hex.EncodeToString(make([]byte, n)) }

func TestSynchronousProtocol(t *testing.T) {
	b := newBench(t, nil)
	b.tp.o.Polls = 2
	start := b.packet(0, 0, call(spec.SessionManager, spec.StartSession, token.U(105), token.UID(spec.AdminSP), token.Bool(false)))
	receive := func(size int) string {
		got, err := b.tp.Receive(transport.ProtocolTCG, b.com, size)
		require.NoError(t, err)
		return hex.EncodeToString(got)
	}
	require.Equal(t, "0000000007fe0000"+"00000000"+"00000000"+"00000000", receive(2048), "nothing was sent: nothing is outstanding")
	require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, start))
	require.ErrorIs(t, b.tp.Send(transport.ProtocolTCG, b.com, start), transport.SyncViolation, "the answer of the one before waits")
	for range 2 {
		require.Equal(t, "0000000007fe0000"+"00000001"+"00000000"+"00000000", receive(2048), "the TPer still works")
	}
	require.Equal(t, "0000000007fe0000"+"00000058"+"00000058"+"00000000", receive(0x57), "too large for this transfer")
	require.Len(t, receive(0x58), 2*0x58, "and whole in the next")
	require.Equal(t, "0000000007fe0000"+"00000000"+"00000000"+"00000000", receive(2048))
	require.Len(t, receive(7), 14)

	require.ErrorIs(t, b.tp.Send(transport.ProtocolTCG, b.com, make([]byte, maxComPacket+1)), transport.InvalidTransferLength)
	require.ErrorIs(t, b.tp.Send(transport.ProtocolTCG, 0x0800, start), transport.InvalidParameter)
	_, err := b.tp.Receive(transport.ProtocolTCG, 0x0800, 512)
	require.ErrorIs(t, err, transport.InvalidParameter)
	for _, bad := range [][]byte{nil, start[:30], append([]byte{0, 0, 0, 0, 7, 0xFF}, start[6:]...)} {
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, bad))
		require.Equal(t, "0000000007fe0000"+zeros(12), receive(2048), "dropped, and the next is awaited")
	}
	b.d.PowerOff()
	require.ErrorIs(t, b.tp.Send(transport.ProtocolTCG, b.com, start), transport.NoPower)
	_, err = b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 512)
	require.ErrorIs(t, err, transport.NoPower)
}

func TestProperties(t *testing.T) {
	b := newBench(t, nil)
	list := func(v token.Value) map[string]uint64 {
		m := map[string]uint64{}
		for _, i := range v.Items {
			name, _ := i.Items[0].Bytes()
			m[string(name)], _ = i.Items[1].Uint()
		}
		return m
	}
	v, st := b.manage(spec.Properties)
	require.Equal(t, spec.Success, st)
	require.Len(t, v, 2)
	own := list(v[0])
	for name, least := range map[string]uint64{ // of the SSCs
		"MaxComPacketSize": 2048, "MaxResponseComPacketSize": 2048, "MaxPacketSize": 2028, "MaxIndTokenSize": 1992,
		"MaxPackets": 1, "MaxSubpackets": 1, "MaxMethods": 1, "MaxSessions": 1, "MaxAuthentications": 2, "MaxTransactionLimit": 1,
	} {
		require.GreaterOrEqual(t, own[name], least, name)
	}
	name, host, ok := v[1].Named()
	require.True(t, ok)
	require.True(t, isName(name, 9, "HostProperties"))
	require.Equal(t, uint64(2048), list(host)["MaxComPacketSize"], "what counts before the host says anything")

	property := func(name string, v uint64) token.Value { return token.N(token.S(name), token.U(v)) }
	say := func(p ...token.Value) map[string]uint64 {
		v, st := b.manage(spec.Properties, token.N(token.S("HostProperties"), token.L(p...)))
		require.Equal(t, spec.Success, st)
		return list(v[1].Items[1])
	}
	require.Equal(t, uint64(4096), say(property("MaxComPacketSize", 4096), property("Frobs", 7))["MaxComPacketSize"], "what is not known is passed over")
	require.Equal(t, uint64(4096), say(property("MaxPacketSize", 3000))["MaxComPacketSize"], "what is left out stays")
	require.Equal(t, uint64(2048), say(property("MaxComPacketSize", 5))["MaxComPacketSize"], "no host may say less")
	require.Equal(t, uint64(maxComPacket), say(property("MaxComPacketSize", 1<<40))["MaxComPacketSize"], "nor more than the TPer sends")
	for _, bad := range []token.Value{
		token.U(1), token.N(token.S("Foo"), token.L()), token.N(token.S("HostProperties"), token.U(1)),
		token.N(token.S("HostProperties"), token.L(token.U(1))), token.N(token.S("HostProperties"), token.L(token.N(token.S("MaxComPacketSize"), token.S("x")))),
	} {
		_, st := b.manage(spec.Properties, bad)
		require.Equal(t, spec.InvalidParameter, st)
	}
}

// What is larger than the host takes is RESPONSE_OVERFLOW, and the session goes on.
func TestTheHostsLimits(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, true))
	b.tp.find(b.com).host = hostProperties{comPacket: 200, packet: 180}
	_, st := b.call(spec.ThisSP, spec.Random, token.U(120))
	require.Equal(t, spec.Success, st)
	_, st = b.call(spec.ThisSP, spec.Random, token.U(200))
	require.Equal(t, spec.ResponseOverflow, st)
	_, st = b.call(spec.ThisSP, spec.Random, token.U(32))
	require.Equal(t, spec.Success, st)
}
