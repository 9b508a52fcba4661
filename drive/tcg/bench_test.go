package tcg

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// bench is a TPer on a workbench, with a host: the flash can be broken, the clock is turned by hand.
type bench struct {
	t     testing.TB
	d     *drive.Drive
	tp    *TPer
	label drive.Label
	flash *flash.Faulty
	now   time.Duration
	com   uint16 // the host's ComID
	hsn   uint32
	tsn   uint32 // of the session that is open
	opal  bool   // columns have numbers
}

func newBench(t testing.TB, change func(*drive.Config)) *bench {
	t.Helper()
	cfg := drive.Config{
		Serial: "T0001", Model: "Test SED", SectorSize: 512, Sectors: 1 << 20, Ranges: 2, TryLimit: 5, Persistent: true,
		PBKDF2Iterations: 2,
	}
	if change != nil {
		change(&cfg)
	}
	b := &bench{t: t, flash: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry)), com: 0x07FE, hsn: 105}
	d, label, err := drive.Manufacture(cfg, drive.Parts{Flash: b.flash, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "T0001")})
	require.NoError(t, err)
	b.d, b.label = d, label
	b.tp, err = New(d, Options{Entropy: entropy.Stream(2, "random"), Now: func() time.Duration { return b.now }})
	require.NoError(t, err)
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	require.NoError(t, err)
	return b
}

// packet wraps a stream as hosts do.
func (b *bench) packet(tsn, hsn uint32, stream []byte) []byte {
	c := token.ComPacket{ComID: b.com, Packets: []token.Packet{{TSN: tsn, HSN: hsn, Subpackets: []token.Subpacket{{Payload: stream}}}}}
	return c.Append(nil)
}

// receive gives the stream that waits for the host, nil if there is none.
func (b *bench) receive() (tsn, hsn uint32, stream []byte) {
	b.t.Helper()
	w, err := b.tp.Receive(transport.ProtocolTCG, b.com, 65536)
	require.NoError(b.t, err)
	c, err := token.ParseComPacket(w)
	require.NoError(b.t, err)
	require.Equal(b.t, b.com, c.ComID)
	if len(c.Packets) == 0 {
		return 0, 0, nil
	}
	require.Len(b.t, c.Packets, 1)
	require.Len(b.t, c.Packets[0].Subpackets, 1)
	return c.Packets[0].TSN, c.Packets[0].HSN, c.Packets[0].Subpackets[0].Payload
}

// say sends a stream in the session and gives the answer.
func (b *bench) say(stream []byte) []byte {
	b.t.Helper()
	require.NoError(b.t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, stream)))
	_, _, answer := b.receive()
	return answer
}

// parse takes the results of a method and its status apart.
func (b *bench) parse(stream []byte) ([]token.Value, spec.Status) {
	b.t.Helper()
	r := token.NewReader(stream, token.Limits{})
	v, err := r.Value()
	require.NoError(b.t, err, "%X", stream)
	_, err = r.Expect(token.EndOfData)
	require.NoError(b.t, err)
	st, err := r.Value()
	require.NoError(b.t, err)
	require.Len(b.t, st.Items, 3)
	u, ok := st.Items[0].Uint()
	require.True(b.t, ok)
	require.False(b.t, r.More())
	return v.Items, spec.Status(u)
}

// call makes a call in the session.
func (b *bench) call(object, method spec.UID, params ...token.Value) ([]token.Value, spec.Status) {
	b.t.Helper()
	return b.parse(b.say(call(object, method, params...)))
}

// manage makes a call of the session manager.
func (b *bench) manage(method spec.UID, params ...token.Value) ([]token.Value, spec.Status) {
	b.t.Helper()
	require.NoError(b.t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(0, 0, call(spec.SessionManager, method, params...))))
	_, _, answer := b.receive()
	require.Greater(b.t, len(answer), 19)
	require.Equal(b.t, []byte{0xF8, 0xA8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xA8, 0, 0, 0, 0, 0, 0, 0xFF}, answer[:18])
	return b.parse(answer[19:])
}

// start opens a session.
func (b *bench) start(sp spec.UID, write bool, options ...token.Value) spec.Status {
	b.t.Helper()
	v, st := b.manage(spec.StartSession, append([]token.Value{token.U(uint64(b.hsn)), token.UID(sp), token.Bool(write)}, options...)...)
	if st == spec.Success {
		require.Len(b.t, v, 2)
		hsn, _ := v[0].Uint()
		tsn, _ := v[1].Uint()
		require.Equal(b.t, uint64(b.hsn), hsn, "the host's session number comes back")
		b.tsn = uint32(tsn)
	}
	return st
}

// as opens a session of an authority with a PIN, the way that hosts do: by StartSession, then
// Authenticate.
func (b *bench) as(sp, who spec.UID, pin []byte) spec.Status {
	b.t.Helper()
	if st := b.start(sp, true); st != spec.Success {
		return st
	}
	right, st := b.prove(who, pin)
	if st == spec.Success && !right {
		st = spec.NotAuthorized
	}
	return st
}

// prove is Authenticate.
func (b *bench) prove(who spec.UID, pin []byte) (bool, spec.Status) {
	b.t.Helper()
	method, name := spec.EnterpriseAuthenticate, token.S("Challenge")
	if b.opal {
		method, name = spec.Authenticate, token.U(0)
	}
	v, st := b.call(spec.ThisSP, method, token.UID(who), token.N(name, token.B(pin)))
	if st != spec.Success {
		return false, st
	}
	right, ok := v[0].Bool()
	require.True(b.t, ok)
	return right, st
}

// end closes the session.
func (b *bench) end() {
	b.t.Helper()
	require.Equal(b.t, []byte{0xFA}, b.say([]byte{0xFA}))
	b.tsn = 0
}

// get reads columns of an object.
func (b *bench) get(o spec.UID, first, last string) (map[string]token.Value, spec.Status) {
	b.t.Helper()
	if b.opal {
		n, st := b.oget(o, uint64(spec.Column(o, first)), uint64(spec.Column(o, last)))
		cells := map[string]token.Value{}
		for i, v := range n {
			cells[spec.Columns(o)[i]] = v
		}
		return cells, st
	}
	v, st := b.call(o, spec.EnterpriseGet, token.L(token.N(token.S("startColumn"), token.S(first)), token.N(token.S("endColumn"), token.S(last))))
	cells := map[string]token.Value{}
	if st == spec.Success {
		for _, i := range v[0].Items[0].Items {
			name, _ := i.Items[0].Bytes()
			cells[string(name)] = i.Items[1]
		}
	}
	return cells, st
}

// cell is one column of a row to set.
func cell(column string, v token.Value) token.Value { return token.N(token.S(column), v) }

// set sets columns of an object.
func (b *bench) set(o spec.UID, cells ...token.Value) spec.Status {
	b.t.Helper()
	if b.opal {
		for i := range cells {
			name, _ := cells[i].Items[0].Bytes()
			cells[i] = col(uint64(spec.Column(o, string(name))), cells[i].Items[1])
		}
		return b.oset(o, cells...)
	}
	_, st := b.call(o, spec.EnterpriseSet, token.L(), token.L(token.L(cells...)))
	return st
}

func (b *bench) msid() []byte { return b.label.MSID.Bytes() }

func pin(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

func (b *bench) cycle() {
	b.t.Helper()
	b.d.PowerOff()
	require.NoError(b.t, b.d.PowerOn())
	b.tsn = 0
}
