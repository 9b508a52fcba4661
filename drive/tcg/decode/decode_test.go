package decode_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/decode"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// tap decodes what goes to a TPer and back.
type tap struct {
	t     *testing.T
	tp    *tcg.TPer
	d     decode.Decoder
	lines []string
	all   bytes.Buffer
}

func (x *tap) note(m decode.Message) {
	x.lines = append(x.lines, m.Lines()...)
	require.NoError(x.t, json.NewEncoder(&x.all).Encode(m))
}

// say sends a stream and takes the answer.
func (x *tap) say(tsn, hsn uint32, stream []byte) {
	x.t.Helper()
	p := token.ComPacket{ComID: 0x07FE, Packets: []token.Packet{{TSN: tsn, HSN: hsn, Subpackets: []token.Subpacket{{Payload: stream}}}}}
	b := p.Append(nil)
	x.note(x.d.Send(transport.ProtocolTCG, 0x07FE, b))
	require.NoError(x.t, x.tp.Send(transport.ProtocolTCG, 0x07FE, b))
	b, err := x.tp.Receive(transport.ProtocolTCG, 0x07FE, 65536)
	require.NoError(x.t, err)
	x.note(x.d.Receive(transport.ProtocolTCG, 0x07FE, b))
}

func call(object, method spec.UID, params ...token.Value) []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(token.AppendUID(b, uint64(object)), uint64(method))
	b = token.L(params...).Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(0), token.U(0), token.U(0)).Append(b)
}

func newTap(t *testing.T) *tap {
	d, _, err := drive.Manufacture(
		drive.Config{Serial: "TAP1", SectorSize: 512, Sectors: 1 << 16, Ranges: 2, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	tp, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(1, "tper")})
	require.NoError(t, err)
	return &tap{t: t, tp: tp}
}

func TestAConversationInWords(t *testing.T) {
	x := newTap(t)
	pin8, long := "8letters", strings.Repeat("s3cret", 5)
	named := func(name string, v token.Value) token.Value { return token.N(token.S(name), v) }
	x.say(0, 0, call(spec.SessionManager, spec.StartSession, token.U(105), token.UID(spec.EnterpriseLockingSP), token.Bool(true),
		named("SessionTimeout", token.U(60000))))
	x.say(0x1001, 105, call(spec.ThisSP, spec.EnterpriseAuthenticate, token.UID(spec.BandMaster(1)), named("Challenge", token.S(pin8))))
	x.say(0x1001, 105, call(spec.Band(1), spec.EnterpriseGet, token.L(named("startColumn", token.S("Name")), named("endColumn", token.S("RangeStart")))))
	x.say(0x1001, 105, call(spec.CPINBandMaster(1), spec.EnterpriseSet, token.L(), token.L(token.L(named("PIN", token.S(pin8))))))
	x.say(0x1001, 105, call(spec.Band(1), spec.EnterpriseSet, token.L(), token.L(token.L(named("ReadLocked", token.Bool(true)), named("LockOnReset", token.L(token.U(0)))))))
	x.say(0x1001, 105, call(spec.AuthorityTable, spec.Next, named("Count", token.U(2))))
	x.say(0x1001, 105, []byte{0xFB, 0})
	x.say(0x1001, 105, []byte{0xFC, 1})
	x.say(0x1001, 105, []byte{0xFA})
	x.say(0, 0, call(spec.SessionManager, spec.StartSession, token.U(7), token.UID(spec.AdminSP), token.Bool(false),
		named("HostChallenge", token.S(long)), named("HostSigningAuthority", token.UID(spec.SID))))
	x.say(0, 0, call(spec.SessionManager, spec.StartSession, token.U(7), token.UID(spec.AdminSP), token.Bool(false)))
	x.say(0x1002, 7, call(spec.CPINMSID, spec.EnterpriseGet, token.L()))
	require.Equal(t, `
ComPacket 07FE
  SMUID.StartSession(105, Locking SP, 1, SessionTimeout=60000)
ComPacket 07FE
  SMUID.SyncSession(105, 4097) SUCCESS
ComPacket 07FE
  4097:105 ThisSP.Authenticate(BandMaster1, Challenge=<8 bytes>)
ComPacket 07FE
  4097:105 result(0) SUCCESS
ComPacket 07FE
  4097:105 Band1.Get([startColumn="Name", endColumn="RangeStart"])
ComPacket 07FE
  4097:105 result([[Name="Band1", CommonName=<0 bytes>, RangeStart=0]]) SUCCESS
ComPacket 07FE
  4097:105 C_PIN_BandMaster1.Set([], [[PIN=<8 bytes>]])
ComPacket 07FE
  4097:105 result() NOT_AUTHORIZED
ComPacket 07FE
  4097:105 Band1.Set([], [[ReadLocked=1, LockOnReset=[0]]])
ComPacket 07FE
  4097:105 result() NOT_AUTHORIZED
ComPacket 07FE
  4097:105 Authority.Next(Count=2)
ComPacket 07FE
  4097:105 result([Anybody, BandMasters]) SUCCESS
ComPacket 07FE
  4097:105 start of transaction 0
ComPacket 07FE
  4097:105 start of transaction 0
ComPacket 07FE
  4097:105 end of transaction 1
ComPacket 07FE
  4097:105 end of transaction 1
ComPacket 07FE
  4097:105 end of session
ComPacket 07FE
  4097:105 end of session
ComPacket 07FE
  SMUID.StartSession(7, Admin SP, 0, HostChallenge=<30 bytes>, HostSigningAuthority=SID)
ComPacket 07FE
  SMUID.SyncSession() NOT_AUTHORIZED
ComPacket 07FE
  SMUID.StartSession(7, Admin SP, 0)
ComPacket 07FE
  SMUID.SyncSession(7, 4098) SUCCESS
ComPacket 07FE
  4098:7 C_PIN_MSID.Get([])
ComPacket 07FE
  4098:7 result([[PIN=<32 bytes>]]) SUCCESS
`, "\n"+strings.Join(x.lines, "\n")+"\n")
	for _, secret := range []string{pin8, long} {
		require.NotContains(t, x.all.String(), secret)
		require.NotContains(t, x.all.String(), hex.EncodeToString([]byte(secret)))
	}
}

// No place of a message shows a PIN: not a parameter where it does not belong, nor a method or an object
// that nobody knows, nor a stream that breaks off.
func TestNoPINIsShownWhereverItStands(t *testing.T) {
	for _, pin := range []string{"8letters", "\x01\x02\x03\x04\x05\x06\x07\x08", "four", strings.Repeat("p", 32)} {
		v, shown := token.S(pin), fmt.Sprintf("%q", pin)
		for _, stream := range [][]byte{
			call(spec.ThisSP, spec.EnterpriseAuthenticate, token.UID(spec.SID), v),
			call(spec.ThisSP, spec.Authenticate, token.UID(spec.SID), token.N(token.U(0), v)),
			call(spec.ThisSP, spec.Authenticate, token.L(v)),
			call(spec.SessionManager, spec.StartSession, token.U(1), token.UID(spec.AdminSP), token.U(1), token.N(token.U(0), v)),
			call(spec.SessionManager, spec.StartSession, token.U(1), v, token.U(1)),
			call(spec.CPINSID, spec.Set, token.N(token.U(1), token.L(token.N(token.U(3), v)))),
			call(spec.CPINSID, spec.Set, v),
			call(spec.CPINSID, spec.Set, token.N(token.U(1), token.L(token.N(token.U(2), v)))),
			call(spec.CPINSID, spec.Set, token.N(token.U(1), token.L(token.N(token.U(1), v), token.N(token.U(4), v), token.N(token.U(0), v)))),
			call(spec.CPINSID, spec.Set, token.N(token.U(1), token.L(token.N(v, token.U(3))))),
			call(spec.CPINSID, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(v, token.S("PIN"))))),
			call(spec.CPINSID, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(token.S("CommonName"), v)))),
			call(spec.CPINSID, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(token.S("Name"), v), token.N(token.S("UID"), v), token.N(token.S("CharSet"), v)))),
			call(spec.CPINSID, spec.EnterpriseSet, token.L(v), token.L(token.L(token.N(token.S("PIN"), token.L(v))))),
			call(spec.CPINSID, spec.EnterpriseGet, token.L(token.N(token.S("startColumn"), v), token.N(token.S("endColumn"), v))),
			call(spec.CPINSID, spec.EnterpriseGet, token.L(token.N(v, token.S("PIN")))),
			call(spec.CPINSID, spec.Get, v), call(spec.CPINSID, spec.Next, v), call(spec.CPINSID, spec.GenKey, v), call(spec.CPINSID, spec.GetACL, v),
			call(spec.CPINTable, spec.Set, v), call(spec.CPINTable, spec.Next, token.N(token.S("Where"), v)),
			call(spec.SID, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(token.S("PIN"), v)))),
			call(spec.SID, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(v, token.S("PIN"))))),
			call(spec.Band(1), spec.EnterpriseSet, token.L(), token.L(token.L(token.N(token.S("PIN"), token.L(v))))),
			call(spec.SessionManager, spec.StartSession, token.U(1), token.UID(spec.AdminSP), token.U(1), token.N(v, token.S("HostChallenge"))),
			call(spec.ThisSP, spec.EnterpriseAuthenticate, token.UID(spec.SID), token.N(v, token.S("Challenge"))),
			call(spec.ThisSP, 0x00000006_00000999, token.N(v, v)),
			call(spec.ThisSP, spec.Reactivate, token.N(token.U(0x060002), v)),
			call(spec.ThisSP, 0x00000006_00000999, v),
			call(spec.MBRTable, spec.Set, token.N(token.U(0), token.U(8)), token.N(token.U(1), v)),
			call(spec.CPINSID, spec.Set, token.N(token.U(1), token.L(token.N(token.U(3), v))))[:25+len(pin)],
			token.L(v).Append(nil),
		} {
			var d decode.Decoder
			p := token.ComPacket{ComID: 0x07FE, Packets: []token.Packet{{TSN: 1, HSN: 1, Subpackets: []token.Subpacket{{Payload: stream}}}}}
			b := p.Append(nil)
			for _, m := range []decode.Message{d.Send(1, 0x07FE, b), d.Receive(1, 0x07FE, b)} {
				text := strings.Join(m.Lines(), "\n")
				require.NotContains(t, text, strings.Trim(shown, `"`), "%x", stream)
				require.NotContains(t, text, "01020304 05060708", "%x", stream)
			}
		}
	}
}

// Of a row with a PIN the columns can be read, and what the device answers of the others.
func TestWhatIsShownOfARowWithAPIN(t *testing.T) {
	var d decode.Decoder
	say := func(stream []byte) token.ComPacket {
		return token.ComPacket{ComID: 0x07FE, Packets: []token.Packet{{TSN: 1, HSN: 1, Subpackets: []token.Subpacket{{Payload: stream}}}}}
	}
	named := func(name, value string) token.Value { return token.N(token.S(name), token.S(value)) }
	p := say(call(spec.CPINSID, spec.EnterpriseGet, token.L(named("startColumn", "UID"), named("endColumn", "CharSet"))))
	require.Equal(t, `  1:1 C_PIN_SID.Get([startColumn="UID", endColumn="CharSet"])`, d.Send(1, 0x07FE, p.Append(nil)).Lines()[1])
	answer := token.L(token.L(token.L(token.N(token.S("UID"), token.UID(spec.CPINSID)), named("Name", "C_PIN_SID"), named("CommonName", "mine"), named("PIN", "8letters")))).Append(nil)
	p = say(token.L(token.U(0), token.U(0), token.U(0)).Append(token.Append(answer, token.Token{Kind: token.EndOfData})))
	require.Equal(t, `  1:1 result([[UID=C_PIN_SID, Name="C_PIN_SID", CommonName=<4 bytes>, PIN=<8 bytes>]]) SUCCESS`, d.Receive(1, 0x07FE, p.Append(nil)).Lines()[1])
}

func TestDiscoveryAndComIDsInWords(t *testing.T) {
	x := newTap(t)
	b, err := x.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
	require.NoError(t, err)
	x.note(x.d.Receive(transport.ProtocolTCG, spec.DiscoveryComID, b))
	b, err = x.tp.Receive(transport.ProtocolInformation, 0, 512)
	require.NoError(t, err)
	x.note(x.d.Receive(transport.ProtocolInformation, 0, b))
	reset := []byte{0x07, 0xFE, 0, 0, 0, 0, 0, 2}
	x.note(x.d.Send(transport.ProtocolComID, 0x07FE, reset))
	require.NoError(t, x.tp.Send(transport.ProtocolComID, 0x07FE, reset))
	b, err = x.tp.Receive(transport.ProtocolComID, 0x07FE, 512)
	require.NoError(t, err)
	x.note(x.d.Receive(transport.ProtocolComID, 0x07FE, b))
	x.note(x.d.Send(transport.ProtocolMaker, spec.MakerAttestation, make([]byte, 32)))
	b, err = x.tp.Receive(transport.ProtocolMaker, spec.MakerReport, spec.ReportSize)
	require.NoError(t, err)
	x.note(x.d.Receive(transport.ProtocolMaker, spec.MakerReport, b))
	x.note(x.d.Receive(transport.ProtocolMaker, spec.MakerAttestation, make([]byte, 97)))
	x.note(x.d.Receive(transport.ProtocolMaker, spec.MakerReport, b[:19]))
	require.Equal(t, `level 0 discovery
  TPer (0001): Sync Y, Async N, AckNak N, BufferMgmt N, Streaming Y, ComIDMgmt Y
  Locking (0002): LockingSupported Y, LockingEnabled Y, Locked N, MediaEncryption Y, MBREnabled N, MBRDone N, MBRAbsent N
  Geometry (0003): Align N, LogicalBlockSize 512, AlignmentGranularity 1, LowestAlignedLBA 0
  Enterprise SSC (0100): BaseComID 07FE, ComIDs 2, RangeCrossing N
  Block SID (0402): SIDNotMSID N, SIDBlocked N, FreezeSupported N, Frozen N, HardwareResetClears N
list of security protocols
  protocol 00
  protocol 01
  protocol 02
  protocol F0
STACK_RESET
STACK_RESET answered 0
challenge of the maker's protocol
report of the maker's protocol: state 1, key generation 1, TryLimit 0, last failure 0
  SID: 0 tries used, at MSID true
  PSID: 0 tries used, at MSID false
  EraseMaster: 0 tries used, at MSID true
  BandMaster0: 0 tries used, at MSID true
  BandMaster1: 0 tries used, at MSID true
  BandMaster2: 0 tries used, at MSID true
answer to a challenge of the maker's protocol
report of the maker's protocol
  spec: no report: its length, its version or its rows are wrong`, strings.Join(x.lines, "\n"))
}

func FuzzDecode(f *testing.F) {
	p := token.ComPacket{ComID: 0x07FE, Packets: []token.Packet{{TSN: 1, HSN: 1, Subpackets: []token.Subpacket{{Payload: call(spec.ThisSP, spec.Get, token.L())}}}}}
	f.Add(uint8(1), uint16(0x07FE), p.Append(nil))
	f.Add(uint8(2), uint16(4), []byte{1})
	f.Add(uint8(0), uint16(0), make([]byte, 12))
	f.Fuzz(func(t *testing.T, protocol uint8, comID uint16, b []byte) {
		var d decode.Decoder
		for _, m := range []decode.Message{d.Send(protocol, comID, b), d.Receive(protocol, comID, b)} {
			for _, i := range m.Items {
				require.LessOrEqual(t, len(i.Values), decode.MaxText+200)
			}
			_ = m.Lines()
		}
	})
}

// What an Opal drive claims is told in words.
func TestOpalFeatures(t *testing.T) {
	d := &spec.Discovery{Features: []spec.Feature{
		spec.SingleUser{Objects: 9, Any: true, AdminsPlace: true}.Feature(),
		spec.DataStoreTables{Tables: 1, Size: 10 << 20, Alignment: 1}.Feature(),
		spec.Opal2{BaseComID: 0x1000, ComIDs: 1, Admins: 4, Users: 9}.Feature(),
		spec.DataRemoval{Interrupted: true, Supported: 1 << spec.DataRemovalCrypto}.Feature(),
	}}
	for i, want := range []string{
		"Single User Mode (0201): LockingObjects 9, Any Y, All N, AdminsPlaceRanges Y",
		"DataStore tables (0202): MaxTables 1, MaxTotalSize 10485760, SizeAlignment 1",
		"Opal SSC 2 (0203): BaseComID 1000, ComIDs 1, RangeCrossing N, Admins 4, Users 9",
		"Data removal mechanism (0404): InProgress N, Interrupted Y, Overwrite N, BlockErase N, CryptoErase Y, Vendor N",
	} {
		require.Equal(t, want, decode.FeatureText(d, d.Features[i]))
	}
}
