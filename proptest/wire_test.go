package proptest

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

var wireMessages = flag.Int("wire", 3000, "messages of a hostile host before the thief comes")

// hostileHost sends well-formed nonsense to a drive that is somebody's, in whatever sessions it can get. It knows
// the PINs of some authorities.
type hostileHost struct {
	t    *testing.T
	r    *rand.Rand
	d    *drive.Drive
	tp   *tcg.TPer
	opal bool
	com  uint16
	pins [][]byte // that it knows, or makes up
	who  []spec.UID
	best spec.UID          // of whom it may know the PIN
	tsn  map[uint16]uint32 // the session over a ComID, 0: none

	label   drive.Label
	written [3][]byte // what lies in the ranges
}

// wirePIN is the PIN of who has the number; pins of hostile hosts are above 100.
func wirePIN(n byte) []byte { return bytes.Repeat([]byte{n, 0xA5}, 16) }

func mustPIN(b []byte) drive.PIN {
	p, err := drive.NewPIN(b)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

// newHostileHost makes a drive with an owner: ranges 0, 1 and 2 hold data and are closed by a power cycle. BandMaster
// n, or for range 1 User2 and for all of them Admin1, has wirePIN(n+1), wirePIN(12) and wirePIN(11).
func newHostileHost(t *testing.T, p drive.Personality, seed uint64) *hostileHost {
	cfg := drive.Config{Serial: "WIRE", SectorSize: 512, Sectors: 64, Ranges: 2, PBKDF2Iterations: 1, Personality: p}
	geometry := flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 1024}
	if p == drive.Opal {
		cfg.MBRSize, cfg.DataStoreSize, geometry.PageSize = 1024, 1024, 16384
	}
	h := &hostileHost{t: t, r: rand.New(rand.NewPCG(seed, uint64(p))), opal: p == drive.Opal, com: 0x07FE, tsn: map[uint16]uint32{}}
	var err error
	h.d, h.label, err = drive.Manufacture(cfg, drive.Parts{Flash: flash.NewMem(geometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(seed, "drive")})
	require.NoError(t, err)
	h.tp, err = tcg.New(h.d, tcg.Options{Entropy: entropy.Stream(seed, "random")})
	require.NoError(t, err)
	if h.opal {
		h.com = 0x1000
		h.ownOpal()
	} else {
		h.ownEnterprise()
	}
	h.d.PowerOff()
	require.NoError(t, h.d.PowerOn())
	return h
}

func (h *hostileHost) fill(n int) {
	h.written[n] = bytes.Repeat([]byte{byte(n + 1), 0x5A}, 256)
	require.NoError(h.t, h.d.Write(uint64(16*n), h.written[n]))
}

func wireRange(n int) drive.RangeConfig {
	c := drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}
	if n > 0 {
		c.Start, c.Length = uint64(16*n), 16
	}
	return c
}

func (h *hostileHost) ownEnterprise() {
	as := func(a drive.Authority, pin byte, do func(s drive.Session) error) {
		s, err := h.d.Authenticate(a, h.label.MSID)
		require.NoError(h.t, err)
		require.NoError(h.t, do(s))
		require.NoError(h.t, s.SetPIN(mustPIN(wirePIN(pin))))
		s.Close()
	}
	for n := range 3 {
		as(drive.BandMaster(n), byte(n+1), func(s drive.Session) error { return s.SetRange(wireRange(n)) })
		h.fill(n)
	}
	as(drive.EraseMaster, 8, func(drive.Session) error { return nil })
	as(drive.SID, 9, func(drive.Session) error { return nil })
	h.best = spec.BandMaster(1)
	h.who = []spec.UID{spec.SID, spec.PSID, spec.EraseMaster, spec.BandMaster(0), spec.BandMaster(1), spec.BandMaster(2), spec.Makers}
}

func (h *hostileHost) ownOpal() {
	o, err := h.d.Opal()
	require.NoError(h.t, err)
	change := func(l *drive.Login, do func(c *drive.Change) error) {
		c, err := o.Begin(l)
		require.NoError(h.t, err)
		require.NoError(h.t, do(c))
		require.NoError(h.t, c.Commit())
	}
	sid, err := o.Login(drive.SID, h.label.MSID)
	require.NoError(h.t, err)
	change(sid, func(c *drive.Change) error { return c.SetPIN(drive.SID, mustPIN(wirePIN(11))) })
	require.NoError(h.t, o.Activate(sid, drive.ActivateOptions{}))
	admin, err := o.Login(drive.Admin(1), mustPIN(wirePIN(11)))
	require.NoError(h.t, err)
	for n := range 3 {
		change(admin, func(c *drive.Change) error { return c.SetRange(n, wireRange(n)) })
		h.fill(n)
	}
	change(admin, func(c *drive.Change) error {
		for _, e := range []error{c.SetEnabled(drive.User(2), true), c.SetPIN(drive.User(2), mustPIN(wirePIN(12)))} {
			if e != nil {
				return e
			}
		}
		return nil
	})
	sid.Close()
	admin.Close()
	// The grant comes over the wire, where the ACEs are.
	h.open(spec.OpalLockingSP)
	h.call(spec.ThisSP, spec.Authenticate, token.UID(spec.Admin(1)), token.N(token.U(0), token.B(wirePIN(11))))
	for _, tail := range []spec.UID{0x3E001, 0x3E801} {
		half := func(a, b byte) token.Value { return token.B([]byte{0, 0, a, b}) }
		expr := token.L(token.N(half(0x0C, 5), token.UID(spec.Admins)), token.N(half(0x0C, 5), token.UID(spec.User(2))), token.N(half(4, 0x0E), token.U(1)))
		h.call(spec.ACETable+tail, spec.Set, token.N(token.U(1), token.L(token.N(token.U(3), expr))))
	}
	h.send([]byte{0xFA})
	delete(h.tsn, h.com)
	who, _, err := o.Holders(drive.RangeArea(1))
	require.NoError(h.t, err)
	require.Contains(h.t, who, drive.User(2))
	h.best = spec.User(2)
	h.who = []spec.UID{spec.SID, spec.PSID, spec.Admin(1), spec.Admin(2), spec.User(1), spec.User(2), spec.Users, spec.AdminSPAdmin(1)}
}

// send sends a stream in the session of the ComID, and gives the answer.
func (h *hostileHost) send(stream []byte) []byte {
	hsn := uint32(7)
	if h.tsn[h.com] == 0 {
		hsn = 0
	}
	c := token.ComPacket{ComID: h.com, Packets: []token.Packet{{TSN: h.tsn[h.com], HSN: hsn, Subpackets: []token.Subpacket{{Payload: stream}}}}}
	_ = h.tp.Send(transport.ProtocolTCG, h.com, c.Append(nil))
	w, err := h.tp.Receive(transport.ProtocolTCG, h.com, 65536)
	if err != nil {
		return nil
	}
	got, err := token.ParseComPacket(w)
	require.NoError(h.t, err)
	if len(got.Packets) == 0 || got.Packets[0].TSN != h.tsn[h.com] {
		delete(h.tsn, h.com) // it is over
	}
	if len(got.Packets) == 0 || len(got.Packets[0].Subpackets) == 0 {
		return nil
	}
	return got.Packets[0].Subpackets[0].Payload
}

// wireCall is the stream of a method call.
func wireCall(o, m spec.UID, params ...token.Value) []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(token.AppendUID(b, uint64(o)), uint64(m))
	b = token.L(params...).Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(0), token.U(0), token.U(0)).Append(b)
}

func (h *hostileHost) call(o, m spec.UID, params ...token.Value) { h.send(wireCall(o, m, params...)) }

// open starts a session, if it can.
func (h *hostileHost) open(sp spec.UID) {
	delete(h.tsn, h.com)
	answer := h.send(wireCall(spec.SessionManager, spec.StartSession, token.U(7), token.UID(sp), token.Bool(true)))
	if len(answer) < 19 {
		return
	}
	v, err := token.NewReader(answer[19:], token.Limits{}).Value()
	if err == nil && len(v.Items) == 2 {
		tsn, _ := v.Items[1].Uint()
		h.tsn[h.com] = uint32(tsn)
	}
}

func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// object is what a method is invoked on: something that there is, as a rule.
func (h *hostileHost) object() spec.UID {
	n := h.r.IntN(3)
	own := []spec.UID{spec.Band(n), spec.BandKey(n), spec.CPINBandMaster(n), spec.BandMaster(n), spec.CPINSID, spec.EraseMaster}
	if h.opal {
		own = []spec.UID{
			spec.Range(n), spec.RangeKey(n), spec.CPINUser(n + 1), spec.User(n + 1), spec.CPINAdmin(1), spec.Admin(2), spec.MBRControlRow, spec.MBRTable,
			spec.DataStoreTable, spec.ACETable + oneOf[spec.UID](h.r, 0x3E000, 0x3E800, 0x3B800, 0x3D000) + spec.UID(n), spec.ACETable + 0x3FC00, spec.CPINSID, spec.OpalLockingSP,
			spec.TPerInfoRow, spec.DataRemovalRow,
		}
	}
	u := oneOf(h.r, append(own, spec.ThisSP, spec.AdminSP)...)
	return oneOf(h.r, u, u, u, u, u, u+1, spec.UID(h.r.Uint64()))
}

func (h *hostileHost) value(depth int) token.Value {
	switch h.r.IntN(7) {
	case 0, 1, 2:
		return token.U(oneOf[uint64](h.r, 0, 0, 1, 1, 2, 16, 1<<32, 1<<64-1))
	case 3:
		return token.UID(h.object())
	case 4:
		return token.B(oneOf(h.r, h.pins...))
	case 5:
		if depth > 0 {
			return token.L(h.value(depth-1), h.value(depth-1))
		}
	}
	half := token.B([]byte{0, 0, 0x0C, 5})
	return token.L(token.N(half, token.UID(oneOf(h.r, h.who...))))
}

// cells are some columns of an object with values.
func (h *hostileHost) cells(o spec.UID) token.Value {
	columns := spec.Columns(o)
	l := token.L()
	for range 1 + h.r.IntN(2) {
		n := h.r.IntN(len(columns) + 1)
		if h.opal || n == len(columns) {
			l.Items = append(l.Items, token.N(token.U(uint64(n)), h.value(1)))
		} else {
			l.Items = append(l.Items, token.N(token.S(columns[n]), h.value(1)))
		}
	}
	return l
}

// sensible is a command that makes sense for who has the PIN of range 1.
func (h *hostileHost) sensible() {
	bit := token.U(uint64(h.r.IntN(2)))
	o, column, v := spec.Range(1), oneOf(h.r, "ReadLocked", "WriteLocked"), bit
	if !h.opal {
		o, column = spec.Band(1), oneOf(h.r, "ReadLocked", "WriteLocked", "ReadLockEnabled", "WriteLockEnabled")
	}
	if h.r.IntN(4) == 0 {
		if o, column, v = spec.CPINBandMaster(1), "PIN", token.B(oneOf(h.r, h.pins...)); h.opal {
			o = spec.CPINUser(2)
		}
	}
	if h.opal {
		h.call(o, spec.Set, token.N(token.U(1), token.L(token.N(token.U(uint64(spec.Column(o, column))), v))))
	} else {
		h.call(o, spec.EnterpriseSet, token.L(), token.L(token.L(token.N(token.S(column), v))))
	}
}

// message is one command.
func (h *hostileHost) message() {
	base := h.com
	defer func() { h.com = base }()
	h.com = oneOf(h.r, base, base, base, base^1)
	o := h.object()
	switch h.r.IntN(20) {
	case 0:
		h.open(oneOf(h.r, spec.AdminSP, spec.OpalLockingSP, spec.EnterpriseLockingSP))
		return
	case 1:
		if h.r.IntN(4) == 0 {
			h.send(oneOf(h.r, []byte{0xFA}, []byte{0xFB, 0}, []byte{0xFC, 0}, []byte{0xFC, 1}))
			return
		}
	case 2, 3, 4:
		who, pin := token.UID(oneOf(h.r, h.who...)), token.B(oneOf(h.r, h.pins...))
		if h.r.IntN(2) == 0 { // the one whose PIN it may know
			who, pin = token.UID(h.best), token.B(h.pins[len(h.pins)-1])
		}
		if h.opal {
			h.call(spec.ThisSP, spec.Authenticate, who, token.N(token.U(0), pin))
		} else {
			h.call(spec.ThisSP, spec.EnterpriseAuthenticate, who, token.N(token.S("Challenge"), pin))
		}
		return
	case 5:
		if h.r.IntN(8) == 0 {
			h.d.PowerOff()
			require.NoError(h.t, h.d.PowerOn())
			clear(h.tsn)
			return
		}
	}
	if h.tsn[h.com] == 0 {
		h.open(oneOf(h.r, spec.OpalLockingSP, spec.OpalLockingSP, spec.EnterpriseLockingSP, spec.EnterpriseLockingSP, spec.AdminSP))
	}
	if h.r.IntN(10) == 0 {
		h.sensible()
		return
	}
	m := oneOf(h.r, spec.GenKey, spec.Erase, spec.Revert, spec.RevertSP, spec.Activate, spec.Reactivate, spec.Set, spec.Set, spec.Set, spec.Set, spec.Get, spec.Next)
	switch {
	case !h.opal && m == spec.Set && h.r.IntN(4) > 0:
		h.call(o, spec.EnterpriseSet, token.L(), token.L(h.cells(o)))
	case m == spec.Set:
		h.call(o, m, token.N(token.U(1), h.cells(o)))
	case h.r.IntN(2) == 0:
		h.call(o, m)
	default:
		h.call(o, m, token.N(oneOf(h.r, token.U(uint64(h.r.IntN(3))), token.U(0x060000+uint64(h.r.IntN(4)))), h.value(2)))
	}
}

// reach is what a thief reads with the chip, its fuses and some PINs.
func (h *hostileHost) reach(pins ...[]byte) (out []string) {
	dump, fuses := h.d.Dump(), h.d.Fuses()
	defer fuses.Clear()
	var oracles []forensic.Oracle
	for n := range 3 {
		sector, ok := dump.Sector(uint64(16 * n))
		require.True(h.t, ok)
		oracles = append(oracles, forensic.Oracle{Name: fmt.Sprint("range ", n), SectorSize: 512, LBA: uint64(16 * n), Plain: h.written[n][:32], Cipher: sector[:32]})
	}
	secrets := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", h.label.MSID), forensic.PIN("PSID", h.label.PSID)}
	for i, b := range pins {
		secrets = append(secrets, forensic.PIN(fmt.Sprint("PIN ", i), mustPIN(b)))
	}
	found, err := forensic.Search(dump, secrets, oracles, forensic.Options{Iterations: 1})
	require.NoError(h.t, err)
	for _, k := range found.Keys {
		out = append(out, k.Oracle)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTheThiefAfterAHostileHost: whatever a host sends that knows no PIN, a thief with all that it sent, the chip and
// the fuses reads nothing; after one that knows the PIN of range 1, he reads nothing but range 1. And the owner of the
// other ranges still does.
func TestTheThiefAfterAHostileHost(t *testing.T) {
	t.Parallel()
	for _, p := range drive.Personalities() {
		for seed := range uint64(3) {
			for _, knows := range []bool{false, true} {
				if testing.Short() && seed > 0 {
					continue
				}
				t.Run(fmt.Sprintf("%v, seed %d, knows a PIN %v", p, seed, knows), func(t *testing.T) {
					t.Parallel()
					h := newHostileHost(t, p, seed)
					defer h.d.PowerOff()
					h.pins = [][]byte{wirePIN(101), wirePIN(102), {0}}
					may, owner, other := []string(nil), wirePIN(3), "range 2"
					if p == drive.Opal {
						owner = wirePIN(11)
					}
					if knows {
						h.pins = append(h.pins, map[drive.Personality][]byte{drive.Enterprise: wirePIN(2), drive.Opal: wirePIN(12)}[p])
						may = []string{"range 1"}
						require.Equal(t, may, h.reach(h.pins...), "the control: he has the PIN")
					}
					require.Contains(t, h.reach(owner), other, "the control: the owner")
					keys := h.d.Status().KeyGeneration
					messages := *wireMessages
					if testing.Short() {
						messages /= 4
					}
					for range messages {
						h.message()
					}
					require.Subset(t, may, h.reach(h.pins...))
					if !testing.Short() || !knows {
						require.Equal(t, knows, h.d.Status().KeyGeneration > keys, "who knows no PIN takes no key step, and who knows one does")
					}
					require.Contains(t, h.reach(owner), other, "nothing that was not the host's is lost")
				})
			}
		}
	}
}
