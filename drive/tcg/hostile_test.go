package tcg

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
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

var nonsense = flag.Int("nonsense", 4000, "messages of the structured fuzzer in each of its runs")

// bounded holds the TPer to the memory that it may use.
func (b *bench) bounded() {
	b.t.Helper()
	require.LessOrEqual(b.t, len(b.tp.sessions), maxSessions)
	require.LessOrEqual(b.t, len(b.tp.comIDs), b.tp.pers.comIDs+maxDynamic)
	for _, c := range b.tp.comIDs {
		size := 0
		for _, a := range c.answers {
			size += len(a)
		}
		require.LessOrEqual(b.t, size, maxComPacket)
	}
	for _, s := range b.tp.sessions {
		require.LessOrEqual(b.t, len(s.logins), b.tp.pers.maxLogins)
		if tx, ok := s.tx.(*batch); ok {
			require.LessOrEqual(b.t, len(tx.b.Erase)+len(tx.b.Enabled), 6)
		}
		if tx, ok := s.tx.(*opalTx); ok {
			require.LessOrEqual(b.t, len(tx.ranges), 9)
		}
	}
}

// Arbitrary bytes, cut into commands: each has a protocol, a ComID, and a length. Whatever they are,
// nothing panics, nothing grows, and nobody who proved nothing changes anything.
func FuzzTPer(f *testing.F) {
	b := newBench(f, nil)
	start := b.packet(0, 0, call(spec.SessionManager, spec.StartSession, token.U(105), token.UID(spec.EnterpriseLockingSP), token.Bool(true)))
	for _, stream := range [][]byte{
		setStream(spec.Band(1), cell("RangeLength", token.U(8))),
		{0xFB, 0},
		{0xFA},
		call(spec.Band(0), spec.Erase),
		call(spec.ThisSP, spec.EnterpriseAuthenticate, token.UID(spec.EraseMaster), token.N(token.S("Challenge"), token.B(pin(1)))),
	} {
		f.Add(append(fuzzCommand(1, 0x07FE, start), fuzzCommand(1, 0x07FE, b.packet(0x1001, 105, stream))...))
	}
	f.Add(append(fuzzCommand(2, 0x07FE, unhex(f, "07FE 0000 00000002")), fuzzCommand(2, 5, make([]byte, 2))...))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(newBench(t, nil), data) })
}

// The same over an Opal drive that has an owner, whom the sender does not know.
func FuzzOpalTPer(f *testing.F) {
	b := newOpalBench(f)
	start := b.packet(0, 0, call(spec.SessionManager, spec.StartSession, token.U(0x41), token.UID(spec.OpalLockingSP), token.Bool(true)))
	for _, stream := range [][]byte{
		opalSet(spec.Range(1), col(4, token.U(8))),
		{0xFB, 0},
		{0xFA},
		call(spec.RangeKey(0), spec.GenKey),
		call(spec.ThisSP, spec.Authenticate, token.UID(spec.User(1)), token.N(token.U(0), token.B(pin(2)))),
		call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(9)))),
		call(spec.ThisSP, spec.Reactivate, token.N(token.U(0x060000), token.L(token.UID(spec.Range(1))))),
		call(spec.ACETable+0x3E001, spec.Set, token.N(token.U(1), token.L(col(3, expr(spec.User(1)))))),
	} {
		f.Add(append(fuzzCommand(1, 0x1000, start), fuzzCommand(1, 0x1000, b.packet(0x1001, 0x41, stream))...))
	}
	f.Add(append(fuzzCommand(2, 0x1000, unhex(f, "1000 0000 00000002")), fuzzCommand(2, 4, make([]byte, 2))...))
	b.own()
	b.d.PowerOff()
	fuses, pages := b.d.Fuses(), b.flash.Dump()
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(openOpal(t, fuses, pages), data) })
}

// openOpal powers an Opal drive on whose flash holds pages. It takes a quarter of the time that it takes to
// manufacture one and make it somebody's.
func openOpal(t testing.TB, fuses *drive.Fuses, pages []flash.Page) *bench {
	t.Helper()
	chip := flash.NewMem(drive.Opal.FlashGeometry())
	for _, p := range pages {
		require.NoError(t, chip.Program(p.Block, p.Page, p.Data))
	}
	b := &bench{t: t, flash: flash.NewFaulty(chip), com: 0x1000, hsn: 0x41, opal: true}
	d, err := drive.Open(fuses, drive.Parts{Flash: b.flash, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(3, "O0001")})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	b.d = d
	b.tp, err = New(d, Options{Entropy: entropy.Stream(2, "random"), Now: func() time.Duration { return b.now }})
	require.NoError(t, err)
	return b
}

// fuzzCommand is one command of what fuzzed takes apart.
func fuzzCommand(protocol byte, com uint16, payload []byte) []byte {
	return append([]byte{protocol, byte(com >> 8), byte(com), byte(len(payload) >> 8), byte(len(payload))}, payload...)
}

// fuzzed sends what fuzzCommand made.
func fuzzed(b *bench, data []byte) {
	before := b.digest()
	for len(data) >= 5 {
		protocol, com := data[0]&3, uint16(data[1])<<8|uint16(data[2])
		n := min(int(data[3])<<8|int(data[4]), len(data)-5)
		_ = b.tp.Send(protocol, com, data[5:5+n])
		b.bounded()
		if data[0]&0x80 == 0 {
			_, _ = b.tp.Receive(protocol, com, n+64)
		}
		data = data[5+n:]
	}
	require.Equal(b.t, before, b.digest())
}

// prankster sends well-formed nonsense.
type prankster struct {
	*bench
	r    *rand.Rand
	pins [][]byte // those that it knows
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// uid is one that there is, or one beside it.
func (p *prankster) uid() spec.UID {
	sp := pick(p.r, p.tp.pers.providers...)
	t := pick(p.r, sp.tables...)
	u := t.uid
	if len(t.rows) > 0 && p.r.IntN(4) > 0 {
		u = pick(p.r, t.rows...).uid
	}
	return pick(p.r, u, u, u, u, u+1, u^1<<63, spec.ThisSP, spec.SessionManager, spec.UID(p.r.Uint64()))
}

// value is one that some parameter takes, or none does.
func (p *prankster) value(depth int) token.Value {
	columns := spec.Columns(p.uid())
	switch n := p.r.IntN(12); {
	case n < 3:
		return token.U(pick[uint64](p.r, 0, 1, 2, 3, 8, 63, 64, 1<<20, 1<<32, 1<<64-1))
	case n < 4:
		return token.UID(p.uid())
	case n < 5 && len(p.pins) > 0:
		return token.B(pick(p.r, p.pins...))
	case n < 6:
		return token.B(make([]byte, pick(p.r, 0, 1, 15, 16, 31, 32, 33, 2047, 2048)))
	case n < 7 && len(columns) > 0:
		return token.S(pick(p.r, columns...))
	case n < 8 || depth == 0:
		return token.S(pick(p.r, "startColumn", "endColumn", "Challenge", "Where", "Count", "HostProperties", "MaxComPacketSize"))
	case n < 9:
		return token.N(p.value(0), p.value(depth-1))
	}
	var items []token.Value
	for range p.r.IntN(4) {
		items = append(items, p.value(depth-1))
	}
	return token.L(items...)
}

// params are those of a method, as they should be or not.
func (p *prankster) params(m, o spec.UID) []token.Value {
	columns := spec.Columns(o)
	switch {
	case p.r.IntN(3) == 0 || len(columns) == 0 && (m == spec.EnterpriseGet || m == spec.EnterpriseSet || m == spec.Set):
		return p.value(3).Items
	case m == spec.Get:
		return []token.Value{token.L(token.N(token.U(uint64(p.r.IntN(4))), p.value(0)), token.N(token.U(4), token.U(uint64(p.r.IntN(22)))))}
	case m == spec.Set:
		var cells []token.Value
		for range 1 + p.r.IntN(2) {
			n := p.r.IntN(len(columns) + 1)
			v := p.value(1)
			if n < len(columns) && p.r.IntN(2) == 0 {
				v = p.bench.value(columns[n])
			}
			cells = append(cells, col(uint64(n), v))
		}
		return []token.Value{token.N(token.U(uint64(1-p.r.IntN(8)/7)), token.L(cells...))}
	case m == spec.Authenticate:
		who := pick(p.r, spec.SID, spec.PSID, spec.Admin(1), spec.Admin(2), spec.User(1), spec.User(2), spec.User(2), spec.User(2), spec.Users)
		return []token.Value{token.UID(who), token.N(token.U(0), pick(p.r, p.value(0), token.B(pick(p.r, p.pins...)), token.B(p.pins[0]), token.B(p.pins[0])))}
	case m == spec.EnterpriseGet:
		return []token.Value{token.L(token.N(token.S("startColumn"), token.S(pick(p.r, columns...))))}
	case m == spec.EnterpriseSet:
		var cells []token.Value
		for range 1 + p.r.IntN(2) {
			column := pick(p.r, columns...)
			cells = append(cells, cell(column, pick(p.r, p.value(1), p.bench.value(column))))
		}
		return []token.Value{token.L(), token.L(token.L(cells...))}
	case m == spec.EnterpriseAuthenticate:
		who := pick(p.r, spec.SID, spec.PSID, spec.EraseMaster, spec.BandMaster(0), spec.BandMaster(1), spec.BandMaster(1), spec.BandMaster(1), spec.BandMaster(2), spec.Makers)
		return []token.Value{token.UID(who), token.N(token.S("Challenge"), pick(p.r, p.value(0), token.B(pick(p.r, p.pins...)), token.B(p.pins[0]), token.B(p.pins[0])))}
	}
	return nil
}

// stream is what goes into a packet of a session.
func (p *prankster) stream() []byte {
	if p.r.IntN(20) == 0 {
		return pick(p.r, []byte{0xFA}, []byte{0xFB, 0}, []byte{0xFC, 0}, []byte{0xFC, 1}, []byte{0xFB, 0}, []byte{0xE4}, nil, nil, nil)
	}
	if p.opal {
		return p.opalStream()
	}
	if p.r.IntN(8) == 0 { // well formed, and BandMaster 1 may
		return call(spec.Band(1), spec.EnterpriseSet, token.L(), token.L(token.L(cell("RangeStart", token.U(8)), cell("RangeLength", token.U(uint64(8*(1+p.r.IntN(2))))))))
	}
	m := pick(p.r, append(slices.Clone(enterpriseMethods), spec.EnterpriseSet, spec.EnterpriseSet, spec.EnterpriseSet, spec.EnterpriseAuthenticate, spec.Get)...)
	o := pick(p.r, p.uid(), spec.Band(1), spec.BandKey(1))
	if m == spec.EnterpriseAuthenticate || m == spec.Random {
		o = spec.ThisSP
	}
	return call(o, m, p.params(m, o)...)
}

// opalStream is stream for an Opal drive.
func (p *prankster) opalStream() []byte {
	if p.r.IntN(8) == 0 {
		return opalSet(spec.Range(1), col(7, token.U(uint64(p.r.IntN(2)))), col(8, token.U(uint64(p.r.IntN(2)))))
	}
	m := pick(p.r, append(slices.Clone(opalMethods), spec.Set, spec.Set, spec.Set, spec.Set, spec.Authenticate, spec.Authenticate, spec.Erase)...)
	o := pick(p.r, p.uid(), spec.Range(1), spec.RangeKey(1), spec.ACETable+0x3E001, spec.DataStoreTable, spec.MBRControlRow)
	switch m {
	case spec.Authenticate, spec.Random, spec.RevertSP, spec.Reactivate:
		o = spec.ThisSP
	case spec.Revert, spec.Activate:
		o = pick(p.r, spec.AdminSP, spec.OpalLockingSP)
	}
	return call(o, m, p.params(m, o)...)
}

// message sends one command and takes its answer, or leaves it.
func (p *prankster) message() {
	p.com = pick[uint16](p.r, p.tp.pers.baseComID, p.tp.pers.baseComID, p.tp.pers.baseComID, 0x07FF, 0x1000, 0x1001, 0x0999)
	tsn, hsn := uint32(0), uint32(0)
	if n := len(p.tp.sessions); n > 0 {
		s := p.tp.sessions[p.r.IntN(n)]
		tsn, hsn = s.tsn, s.hsn
		if p.r.IntN(10) > 0 {
			p.com = s.com.id
		}
	}
	switch n := p.r.IntN(100); {
	case n < 2:
		_ = p.tp.Send(transport.ProtocolComID, p.com, []byte{byte(p.com >> 8), byte(p.com), 0, 0, 0, 0, 0, pick[byte](p.r, 1, 2, 3)})
	case n < 4:
		_, _ = p.tp.Receive(transport.ProtocolComID, pick(p.r, 0, p.com), 64)
	case n < 12:
		sp := pick(p.r, spec.AdminSP, p.tp.pers.providers[1].uid, p.tp.pers.providers[1].uid, p.uid())
		params := []token.Value{token.U(uint64(p.r.Uint32())), token.UID(sp), token.Bool(p.r.IntN(4) > 0)}
		if p.r.IntN(4) == 0 {
			params = append(params, p.value(2))
		}
		m := pick(p.r, spec.StartSession, spec.StartSession, spec.StartSession, spec.Properties)
		_ = p.tp.Send(transport.ProtocolTCG, p.com, p.packet(0, 0, call(spec.SessionManager, m, params...)))
	case n < 13:
		p.now += time.Duration(p.r.IntN(400)) * time.Second
	default:
		_ = p.tp.Send(transport.ProtocolTCG, p.com, p.packet(tsn, hsn, p.stream()))
	}
	if p.r.IntN(8) > 0 {
		_, _ = p.tp.Receive(transport.ProtocolTCG, p.com, pick(p.r, 2048, 65536, 20, 0))
	}
}

// of is the part of a digest that nobody but BandMaster 1 may change: everything but what is its own.
func (b *bench) withoutBand1() string {
	text := fmt.Sprint(b.d.Status().State)
	for _, n := range []int{0, 2} {
		r, _ := b.d.Range(n)
		on, _ := b.d.Enabled(drive.BandMaster(n))
		text += fmt.Sprintf("; %+v %v", r, on)
	}
	on, _ := b.d.Enabled(drive.BandMaster(1))
	makers, _ := b.d.Enabled(drive.Makers)
	sid, _ := b.d.AtMSID(drive.SID)
	erase, _ := b.d.AtMSID(drive.EraseMaster)
	return text + fmt.Sprint("; ", on, makers, sid, erase)
}

// Well-formed nonsense: wrong UIDs, columns and nesting, sizes at their limits, sessions of others,
// transactions left open. Who knows no PIN changes nothing; who knows that of BandMaster 1 changes band 1.
func TestNonsense(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("no PIN, seed ", seed), func(t *testing.T) {
			t.Parallel()
			p := &prankster{bench: newBench(t, func(c *drive.Config) { c.TryLimit = 0 }), r: rand.New(rand.NewPCG(seed, 1)), pins: [][]byte{pin(1), {0}}}
			before := p.digest()
			p.play(func() { require.Equal(t, before, p.digest()) })
		})
		t.Run(fmt.Sprint("BandMaster1, seed ", seed), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(c *drive.Config) { c.TryLimit = 0 })
			for _, who := range []spec.UID{spec.BandMaster(0), spec.BandMaster(1), spec.BandMaster(2), spec.EraseMaster} {
				require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, who, b.msid()))
				require.Equal(t, spec.Success, b.set(who&0xFFFF|0x0000000B00000000, cell("PIN", token.B(pin(byte(who))))))
				b.end()
			}
			require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.SID, b.msid()))
			require.Equal(t, spec.Success, b.set(spec.CPINSID, cell("PIN", token.B(pin(9)))))
			b.end()
			p := &prankster{bench: b, r: rand.New(rand.NewPCG(seed, 2)), pins: [][]byte{pin(byte(spec.BandMaster(1) & 0xFF)), make([]byte, 32), {0}}}
			before, whole := p.withoutBand1(), p.digest()
			changed := false
			p.play(func() {
				require.Equal(t, before, p.withoutBand1())
				changed = changed || whole != p.digest()
			})
			require.True(t, changed || testing.Short(), "it did reach its own band")
		})
	}
}

// play sends messages, and asks after each hundred what holds.
func (p *prankster) play(holds func()) {
	messages := *nonsense
	if testing.Short() {
		messages /= 4
	}
	for i := range messages {
		p.message()
		if i%100 == 0 {
			p.bounded()
			holds()
		}
	}
	p.bounded()
	holds()
	p.com = p.tp.pers.baseComID
	p.now += time.Hour
	p.cycle()
	require.Equal(p.t, spec.Success, p.start(p.tp.pers.providers[1].uid, true), "the drive still answers")
}

// The same for an Opal drive. Who knows no PIN changes nothing. Who knows that of a User whom an Admin has
// granted range 1 changes its locks, and the User's own PIN: the places, the other ranges, the other
// authorities, the ACEs and the shadow stay.
func TestOpalNonsense(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("no PIN, seed ", seed), func(t *testing.T) {
			t.Parallel()
			b := newOpalBenchOf(t, func(c *drive.Config) { c.TryLimit = 0 })
			b.own()
			p := &prankster{bench: b, r: rand.New(rand.NewPCG(seed, 3)), pins: [][]byte{pin(2), {0}}}
			before := p.digest()
			p.play(func() { require.Equal(t, before, p.digest()) })
		})
		t.Run(fmt.Sprint("User2, seed ", seed), func(t *testing.T) {
			t.Parallel()
			b := newOpalBenchOf(t, func(c *drive.Config) { c.TryLimit = 0 })
			b.own()
			require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
			require.Equal(t, spec.Success, b.oset(spec.User(2), col(5, token.U(1))))
			require.Equal(t, spec.Success, b.oset(spec.CPINUser(2), col(3, token.B(pin(2)))))
			require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(8)), col(4, token.U(8)), col(5, token.U(1)), col(6, token.U(1))))
			for _, a := range []spec.UID{0x3E001, 0x3E801} {
				require.Equal(t, spec.Success, b.oset(spec.ACETable+a, col(3, expr(spec.Admins, spec.User(2)))))
			}
			b.end()
			p := &prankster{bench: b, r: rand.New(rand.NewPCG(seed, 4)), pins: [][]byte{pin(2), pin(7), {0}}}
			before := p.opalFixed()
			whole, changed := p.digest(), false
			p.play(func() {
				require.Equal(t, before, p.opalFixed())
				changed = changed || whole != p.digest()
			})
			require.True(t, changed || testing.Short(), "it did reach the locks of its range")
		})
	}
}

// opalFixed is what of an Opal drive a User of range 1 may not change.
func (b *bench) opalFixed() string {
	o := b.tp.opalDrive()
	text := fmt.Sprint(b.d.Status().State)
	for n := range 3 {
		r, _ := b.d.Range(n)
		if n == 1 {
			r.ReadLocked, r.WriteLocked = false, false
		}
		h, _, _ := o.Holders(drive.RangeArea(n))
		text += fmt.Sprint("; ", r, h)
	}
	for _, a := range []drive.Authority{drive.SID, drive.AdminSPAdmin, drive.Admin(1), drive.Admin(2), drive.User(1), drive.User(2)} {
		i, _ := o.Authority(a)
		i.Tries = 0
		text += fmt.Sprint("; ", i)
	}
	mbr, _ := o.MBRControl()
	n, _ := o.Note()
	return text + fmt.Sprint("; ", mbr) + fmt.Sprintf("; %X", n)
}

// A thousand sessions that hosts leave half open keep nobody out for longer than their time, whether they proved a PIN
// or not, and whether a transaction is open in them.
func TestHalfOpenSessions(t *testing.T) {
	for name, b := range map[string]*bench{"Enterprise": newBench(t, nil), "Opal": newOpalBench(t)} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			if b.opal {
				b.own()
			}
			sp := b.tp.pers.providers[1].uid
			for i := range 1000 {
				b.hsn = uint32(i)
				switch st := b.start(sp, false); {
				case i >= maxSessions:
					require.Equal(t, spec.NoSessionsAvailable, st)
				case i == 0 && b.opal:
					right, _ := b.prove(spec.Admin(1), pin(1))
					require.True(t, right)
					fallthrough
				case i == 1:
					require.Equal(t, []byte{0xFB, 0}, b.say([]byte{0xFB, 0}))
				}
				b.bounded()
			}
			_, st := b.manage(spec.Properties)
			require.Equal(t, spec.Success, st)
			b.now += defaultTimeout * time.Millisecond
			require.Equal(t, spec.Success, b.start(sp, true))
			require.Len(t, b.tp.sessions, 1)
		})
	}
}
