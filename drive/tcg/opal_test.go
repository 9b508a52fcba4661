package tcg

import (
	"bytes"
	"encoding/hex"
	"fmt"
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

// newOpalBench is newBench with an Opal drive.
func newOpalBench(t testing.TB) *bench { return newOpalBenchOf(t, func(*drive.Config) {}) }

func newOpalBenchOf(t testing.TB, change func(*drive.Config)) *bench {
	t.Helper()
	cfg := drive.Config{
		Serial: "O0001", Model: "Test Opal", SectorSize: 512, Sectors: 1 << 20, Ranges: 8, TryLimit: 5, Persistent: true,
		PBKDF2Iterations: 2, Personality: drive.Opal, MBRSize: 128 << 20, DataStoreSize: 10 << 20,
	}
	change(&cfg)
	b := &bench{t: t, flash: flash.NewFaulty(flash.NewMem(drive.Opal.FlashGeometry())), com: 0x1000, hsn: 0x41, opal: true}
	d, label, err := drive.Manufacture(cfg, drive.Parts{Flash: b.flash, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "O0001")})
	require.NoError(t, err)
	b.d, b.label = d, label
	b.tp, err = New(d, Options{Entropy: entropy.Stream(2, "random"), Now: func() time.Duration { return b.now }})
	require.NoError(t, err)
	return b
}

// sign opens a session that signs for an authority, as Linux does.
func (b *bench) sign(sp, who spec.UID, pin []byte) spec.Status {
	b.t.Helper()
	return b.start(sp, true, token.N(token.U(0), token.B(pin)), token.N(token.U(3), token.UID(who)))
}

// oget reads columns of an object by their numbers.
func (b *bench) oget(o spec.UID, first, last uint64) (map[uint64]token.Value, spec.Status) {
	b.t.Helper()
	v, st := b.call(o, spec.Get, token.L(token.N(token.U(3), token.U(first)), token.N(token.U(4), token.U(last))))
	cells := map[uint64]token.Value{}
	if st == spec.Success {
		for _, i := range v[0].Items {
			n, _ := i.Items[0].Uint()
			cells[n] = i.Items[1]
		}
	}
	return cells, st
}

// oset sets columns of an object: pairs of number and value.
func (b *bench) oset(o spec.UID, cells ...token.Value) spec.Status {
	b.t.Helper()
	_, st := b.call(o, spec.Set, token.N(token.U(1), token.L(cells...)))
	return st
}

func col(n uint64, v token.Value) token.Value { return token.N(token.U(n), v) }

// own makes the drive somebody's and activates its Locking SP, as sedutil --initialSetup does.
func (b *bench) own() {
	b.t.Helper()
	require.Equal(b.t, spec.Success, b.start(spec.AdminSP, false))
	cells, st := b.oget(spec.CPINMSID, 3, 3)
	require.Equal(b.t, spec.Success, st)
	msid, _ := cells[3].Bytes()
	require.Equal(b.t, b.msid(), msid)
	b.end()
	require.Equal(b.t, spec.Success, b.sign(spec.AdminSP, spec.SID, msid))
	require.Equal(b.t, spec.Success, b.oset(spec.CPINSID, col(3, token.B(pin(1)))))
	b.end()
	require.Equal(b.t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)))
	cells, _ = b.oget(spec.OpalLockingSP, 6, 6)
	require.Equal(b.t, token.U(spec.ManufacturedInactive), cells[6])
	_, st = b.call(spec.OpalLockingSP, spec.Activate)
	require.Equal(b.t, spec.Success, st)
	cells, _ = b.oget(spec.OpalLockingSP, 6, 6)
	require.Equal(b.t, token.U(spec.Manufactured), cells[6])
	b.end()
}

// What sedutil does with an Opal drive, from the factory to a revert.
func TestOpalFromTheFactoryToARevert(t *testing.T) {
	b := newOpalBench(t)
	require.Equal(t, spec.InvalidParameter, b.start(spec.OpalLockingSP, true), "there are no sessions with a Locking SP that is not activated")
	b.own()
	require.NoError(t, b.d.Write(0, bytes.Repeat([]byte{7}, 512)))
	d := b.tp.discovery()
	l, _ := d.Locking()
	require.Equal(t, spec.Locking{Supported: true, Enabled: true, MediaEncryption: true}, l)

	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)), "Admin1 has the PIN of SID")
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(5, token.U(1)), col(6, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(7, token.U(1)), col(8, token.U(1))))
	cells, st := b.oget(spec.GlobalRange, 3, 10)
	require.Equal(t, spec.Success, st)
	require.Equal(t, token.U(1), cells[7])
	require.True(t, cells[10].Equal(token.UID(spec.GlobalRangeKey)))
	require.ErrorIs(t, b.d.Read(0, make([]byte, 512)), drive.Locked)
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(7, token.U(0)), col(8, token.U(0))))
	require.NoError(t, b.d.Read(0, make([]byte, 512)))

	// A range, its key, and an MBR shadow that is loaded, enabled and done.
	require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(4096)), col(4, token.U(8)), col(5, token.U(0)), col(6, token.U(0))))
	_, st = b.call(spec.RangeKey(1), spec.GenKey)
	require.Equal(t, spec.Success, st)
	_, st = b.call(spec.MBRTable, spec.Set, token.N(token.U(0), token.U(512)), token.N(token.U(1), token.B(bytes.Repeat([]byte{9}, 1000))))
	require.Equal(t, spec.Success, st)
	v, st := b.call(spec.MBRTable, spec.Get, token.L(token.N(token.U(1), token.U(511)), token.N(token.U(2), token.U(513))))
	require.Equal(t, spec.Success, st)
	require.True(t, v[0].Equal(token.B([]byte{0, 9, 9})))
	rows, st := b.oget(spec.MBRTable.TableRow(), 4, 7)
	require.Equal(t, spec.Success, st)
	require.Equal(t, token.U(2), rows[4])
	require.Equal(t, token.U(128<<20), rows[7])
	require.Equal(t, spec.Success, b.oset(spec.MBRControlRow, col(2, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.MBRControlRow, col(1, token.U(1))))
	b.end()
	b.cycle()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	cells, _ = b.oget(spec.MBRControlRow, 1, 3)
	require.Equal(t, token.U(1), cells[1])
	require.Equal(t, token.U(0), cells[2], "Done is cleared by a power cycle (FAULTS 27)")
	require.True(t, cells[3].Equal(token.L(token.U(0))))
	got := make([]byte, 512)
	require.NoError(t, b.d.Read(1, got))
	require.Equal(t, bytes.Repeat([]byte{9}, 512), got, "hosts see the shadow")

	_, st = b.call(spec.ThisSP, spec.RevertSP, token.N(token.U(0x060000), token.U(1)))
	require.Equal(t, spec.Fail, st, "the global range is locked")
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(7, token.U(0)), col(8, token.U(0))))
	_, st = b.call(spec.ThisSP, spec.RevertSP, token.N(token.U(0x060000), token.U(1)))
	require.Equal(t, spec.Success, st)
	require.NoError(t, b.d.Read(0, got))
	require.Equal(t, bytes.Repeat([]byte{7}, 512), got, "the data of the global range is there (FAULTS 17)")

	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.PSID, b.label.PSID.Bytes()))
	_, st = b.call(spec.AdminSP, spec.Revert)
	require.Equal(t, spec.Success, st)
	require.Empty(t, b.tp.sessions)
	require.NoError(t, b.d.Read(0, got))
	require.NotEqual(t, bytes.Repeat([]byte{7}, 512), got)
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, b.msid()))
}

// expr is the BooleanExpr of some authorities with OR.
func expr(who ...spec.UID) token.Value { return exprValue(anyOf(who...)) }

// What Linux and cryptsetup do to give a range to a user: to grant is to write a wrap, to revoke is to
// destroy it.
func TestOpalGrantsAreWraps(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.User(2), col(5, token.U(1))))
	read, write, look := spec.ACETable+0x3E001, spec.ACETable+0x3E801, spec.ACETable+0x3D001
	holders := func() []drive.Authority {
		h, _, err := b.tp.opalDrive().Holders(drive.RangeArea(1))
		require.NoError(t, err)
		return h
	}
	require.NotContains(t, holders(), drive.User(2))
	for _, a := range []spec.UID{read, write, look} {
		require.Equal(t, spec.Success, b.oset(a, col(3, expr(spec.Admin(1), spec.User(2)))))
	}
	require.Contains(t, holders(), drive.User(2))
	cells, st := b.oget(read, 3, 3)
	require.Equal(t, spec.Success, st)
	require.True(t, cells[3].Equal(expr(spec.Admin(1), spec.User(2))))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(2), col(3, token.B(pin(2)))))
	require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(0)), col(4, token.U(4096)), col(5, token.U(1)), col(6, token.U(1)), col(7, token.U(0)), col(8, token.U(0))))
	b.end()
	require.NoError(t, b.d.Write(0, bytes.Repeat([]byte{7}, 512)))
	b.cycle()
	require.ErrorIs(t, b.d.Read(0, make([]byte, 512)), drive.Locked)
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), pin(2)))
	require.Equal(t, spec.NotAuthorized, b.oset(spec.Range(1), col(3, token.U(8))), "the place is the Admins'")
	require.Equal(t, spec.NotAuthorized, b.oset(spec.Range(2), col(7, token.U(0))), "another range")
	require.Equal(t, spec.NotAuthorized, b.oset(read, col(3, expr(spec.User(2)))))
	require.Equal(t, spec.Success, b.oset(spec.Range(1), col(7, token.U(0)), col(8, token.U(0))))
	got := make([]byte, 512)
	require.NoError(t, b.d.Read(0, got))
	require.Equal(t, bytes.Repeat([]byte{7}, 512), got)
	b.end()

	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	for _, bad := range []token.Value{token.U(1), token.L(), expr(spec.User(2), spec.SID), exprValue([]term{{who: spec.User(1)}, {who: spec.User(2)}, {op: opAnd}}), exprValue([]term{{who: spec.User(1)}, {who: spec.User(2)}})} {
		require.Equal(t, spec.InvalidParameter, b.oset(read, col(3, bad)))
	}
	require.Equal(t, spec.NotAuthorized, b.oset(spec.ACETable+1, col(3, expr(spec.User(2)))), "this ACE is fixed")
	require.Equal(t, spec.Success, b.oset(read, col(3, expr(spec.Admins))))
	require.Contains(t, holders(), drive.User(2), "still admitted to the other lock")
	require.Equal(t, spec.Success, b.oset(write, col(3, expr(spec.Admins))))
	require.NotContains(t, holders(), drive.User(2))
	b.end()
	b.cycle()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), pin(2)))
	require.Equal(t, spec.NotAuthorized, b.oset(spec.Range(1), col(7, token.U(0)), col(8, token.U(0))))
	require.ErrorIs(t, b.d.Read(0, got), drive.Locked)
}

// A transaction over several tables is one step of the drive.
func TestOpalTransactions(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	for _, commit := range []bool{false, true} {
		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
		generation := b.d.Status().KeyGeneration
		b.begin()
		require.Equal(t, spec.Success, b.oset(spec.User(1), col(5, token.U(1)), col(2, token.S("Ann"))))
		require.Equal(t, spec.Success, b.oset(spec.CPINUser(1), col(3, token.B(pin(5)))))
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(8)), col(4, token.U(8))))
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(5, token.U(1))))
		require.Equal(t, spec.Success, b.oset(spec.ACETable+0x3E001, col(3, expr(spec.Admins, spec.User(1)))))
		require.Equal(t, spec.Success, b.oset(spec.MBRControlRow, col(1, token.U(1))))
		require.Equal(t, generation, b.d.Status().KeyGeneration)
		seen, _ := b.oget(spec.User(1), 2, 5)
		require.True(t, seen[2].Equal(token.S("Ann")), "the session sees what it would make")
		require.Equal(t, token.U(1), seen[5])
		seen, _ = b.oget(spec.ACETable+0x3E001, 3, 3)
		require.True(t, seen[3].Equal(expr(spec.Admins, spec.User(1))))
		before, _ := b.tp.opalDrive().Authority(drive.User(1))
		require.False(t, before.Enabled, "and nothing is in force before the end")
		st := b.finish(map[bool]byte{true: 0, false: 1}[commit])
		r, _ := b.d.Range(1)
		mbr, _ := b.tp.opalDrive().MBRControl()
		user, _ := b.tp.opalDrive().Authority(drive.User(1))
		cells, _ := b.oget(spec.User(1), 2, 2)
		if commit {
			require.Equal(t, spec.Success, st)
			require.Equal(t, generation+1, b.d.Status().KeyGeneration, "one record")
			require.Equal(t, [3]bool{true, true, true}, [3]bool{r.ReadLockEnabled && r.Length == 8, mbr.Enable, user.Enabled && user.HasPIN})
			require.True(t, cells[2].Equal(token.S("Ann")))
		} else {
			require.Equal(t, generation, b.d.Status().KeyGeneration)
			require.Equal(t, [3]bool{}, [3]bool{r.Length == 8, mbr.Enable, user.Enabled})
			require.True(t, cells[2].Equal(token.S("")))
		}
		b.end()
	}
}

func TestOpalTPerReset(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	reset := func() error { return b.tp.Send(transport.ProtocolComID, spec.TPerReset, []byte{0}) }
	require.ErrorIs(t, reset(), transport.InvalidParameter, "it is not enabled")
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.Range(1), col(4, token.U(8)), col(5, token.U(1)), col(6, token.U(1)), col(9, token.L(token.U(0), token.U(3)))))
	b.end()
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.TPerInfoRow, col(8, token.U(1))))
	cells, _ := b.oget(spec.TPerInfoRow, 8, 8)
	require.Equal(t, token.U(1), cells[8])
	require.ErrorIs(t, b.tp.Send(transport.ProtocolComID, spec.TPerReset, nil), transport.InvalidParameter)
	require.NoError(t, b.d.Read(0, make([]byte, 512)))
	require.NoError(t, reset())
	require.Empty(t, b.tp.sessions)
	require.ErrorIs(t, b.d.Read(0, make([]byte, 512)), drive.Locked)
	b.cycle()
	require.NoError(t, reset(), "it outlives power")
}

// The order in which cryptsetup 2.7.5 gives a range to a user through Linux: the ACEs of the locks admit
// the user alone, and Admin1 sets the range up afterwards.
func TestOpalAsCryptsetupDoesIt(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	admin := func(do func()) {
		t.Helper()
		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
		do()
		b.end()
	}
	user := func(do func()) {
		t.Helper()
		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), pin(2)))
		do()
		b.end()
	}
	admin(func() { require.Equal(t, spec.Success, b.oset(spec.User(2), col(5, token.U(1)))) })
	for _, tail := range []spec.UID{0x3E001, 0x3E801} {
		admin(func() {
			require.Equal(t, spec.Success, b.oset(spec.ACETable+tail, col(3, expr(spec.User(2)))))
			require.Equal(t, spec.Success, b.oset(spec.ACETable+0x3D001, col(3, expr(spec.Admin(1), spec.User(2)))))
		})
	}
	admin(func() { require.Equal(t, spec.Success, b.oset(spec.CPINUser(2), col(3, token.B(pin(2))))) })
	admin(func() {
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(8)), col(4, token.U(8))))
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(5, token.U(1)), col(6, token.U(1)), col(7, token.U(0)), col(8, token.U(0))))
	})
	require.NoError(t, b.d.Write(8, bytes.Repeat([]byte{7}, 512)))
	user(func() { require.Equal(t, spec.Success, b.oset(spec.Range(1), col(7, token.U(1)), col(8, token.U(1)))) })
	require.ErrorIs(t, b.d.Read(8, make([]byte, 512)), drive.Locked)
	admin(func() {
		require.Equal(t, spec.NotAuthorized, b.oset(spec.Range(1), col(7, token.U(0)), col(8, token.U(0))), "no wrap, no key, whatever the ACE says")
	})
	user(func() {
		cells, st := b.oget(spec.Range(1), 3, 8)
		require.Equal(t, spec.Success, st)
		require.Len(t, cells, 6)
		require.Equal(t, token.U(1), cells[7])
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(7, token.U(0)), col(8, token.U(0))))
	})
	got := make([]byte, 512)
	require.NoError(t, b.d.Read(8, got))
	require.Equal(t, bytes.Repeat([]byte{7}, 512), got)

	// Linux reads a byte table in steps of 1981 rows: each answer fills its 2048 bytes.
	admin(func() {
		_, st := b.call(spec.DataStoreTable, spec.Set, token.N(token.U(0), token.U(0)), token.N(token.U(1), token.B(bytes.Repeat([]byte{5}, 1900))))
		require.Equal(t, spec.Success, st)
		get := call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(1980))))
		require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, get)))
		w, err := b.tp.Receive(transport.ProtocolTCG, b.com, 2048)
		require.NoError(t, err)
		require.Len(t, w, 2048)
		_, st = b.call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(1982))))
		require.Equal(t, spec.ResponseOverflow, st)
		_, st = b.call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(5)), token.N(token.U(2), token.U(10<<20))))
		require.Equal(t, spec.InvalidParameter, st)
	})
	user(func() {
		_, st := b.call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(9))))
		require.Equal(t, spec.NotAuthorized, st, "the DataStore is the Admins'")
	})
	admin(func() {
		require.Equal(t, spec.Success, b.oset(spec.ACETable+0x3FC00, col(3, expr(spec.Admins, spec.User(2)))))
	})
	user(func() {
		v, st := b.call(spec.DataStoreTable, spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(1))))
		require.Equal(t, spec.Success, st)
		require.True(t, v[0].Equal(token.B([]byte{5, 5})))
		_, st = b.call(spec.DataStoreTable, spec.Set, token.N(token.U(0), token.U(0)), token.N(token.U(1), token.B([]byte{1})))
		require.Equal(t, spec.NotAuthorized, st, "who holds the key to read it has no ACE to write it")
	})
}

// Single User Mode: range 1 is User2's alone, and no Admin gets there.
func TestOpalSingleUserMode(t *testing.T) {
	for _, adminsPlace := range []bool{false, true} {
		b := newOpalBench(t)
		require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, b.msid()))
		require.Equal(t, spec.Success, b.oset(spec.CPINSID, col(3, token.B(pin(1)))))
		b.end()
		require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)))
		list := func(u ...spec.UID) token.Value {
			l := token.L()
			for _, r := range u {
				l.Items = append(l.Items, token.UID(r))
			}
			return token.N(token.U(0x060000), l)
		}
		for _, bad := range []token.Value{list(spec.Range(9)), list(spec.Range(1), spec.Range(1)), token.N(token.U(0x060000), token.UID(spec.CPINTable)), token.N(token.U(1), token.U(1)), token.U(1)} {
			_, st := b.call(spec.OpalLockingSP, spec.Activate, bad)
			require.Equal(t, spec.InvalidParameter, st)
		}
		_, st := b.call(spec.OpalLockingSP, spec.Activate, list(spec.Range(1)), token.N(token.U(0x060001), token.Bool(adminsPlace)))
		require.Equal(t, spec.Success, st)
		b.end()
		require.Equal(t, spec.Success, b.start(spec.OpalLockingSP, false))
		info, st := b.oget(spec.LockingInfoRow, 0x060000, 0x060001)
		require.Equal(t, spec.Success, st)
		require.True(t, info[0x060000].Equal(token.L(token.UID(spec.Range(1)))))
		require.Equal(t, token.Bool(adminsPlace), info[0x060001])
		info, st = b.oget(spec.LockingInfoRow, 0, 10)
		require.Equal(t, spec.Success, st)
		require.Len(t, info, 11)
		b.end()

		place := func() spec.Status { return b.oset(spec.Range(1), col(3, token.U(8)), col(4, token.U(8))) }
		if adminsPlace {
			require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
			require.Equal(t, spec.Success, place())
			b.end()
		}
		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), nil), "the owner has no PIN yet")
		require.Equal(t, map[bool]spec.Status{false: spec.Success, true: spec.NotAuthorized}[adminsPlace], place())
		require.Equal(t, spec.Success, b.oset(spec.CPINUser(2), col(3, token.B(pin(2)))))
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(5, token.U(1)), col(6, token.U(1))))
		require.NoError(t, b.d.Write(8, bytes.Repeat([]byte{7}, 512)))
		require.Equal(t, spec.Success, b.oset(spec.Range(1), col(7, token.U(1)), col(8, token.U(1))))
		b.end()

		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
		cells, st := b.oget(spec.Range(1), 3, 10)
		require.Equal(t, spec.Success, st)
		require.Equal(t, token.U(1), cells[7])
		for what, st := range map[string]spec.Status{
			"unlocks":            b.oset(spec.Range(1), col(7, token.U(0)), col(8, token.U(0))),
			"disables":           b.oset(spec.Range(1), col(5, token.U(0))),
			"sets the PIN":       b.oset(spec.CPINUser(2), col(3, token.B(pin(9)))),
			"disables the owner": b.oset(spec.User(2), col(5, token.U(0))),
			"grants himself":     b.oset(spec.ACETable+0x3E001, col(3, expr(spec.Admins, spec.User(1)))),
		} {
			require.Equal(t, spec.NotAuthorized, st, "an Admin %s", what)
		}
		_, st = b.call(spec.RangeKey(1), spec.GenKey)
		require.Equal(t, spec.NotAuthorized, st)
		require.Equal(t, spec.Success, b.oset(spec.Range(2), col(4, token.U(8))), "other ranges are the Admins'")
		_, st = b.call(spec.Range(2), spec.Erase)
		require.Equal(t, spec.NotAuthorized, st)
		_, st = b.call(spec.Range(1), spec.Erase)
		require.Equal(t, spec.Success, st, "but an Admin erases it")
		b.end()
		got := make([]byte, 512)
		require.NoError(t, b.d.Read(8, got))
		require.NotEqual(t, bytes.Repeat([]byte{7}, 512), got)
		require.Equal(t, spec.NotAuthorized, b.sign(spec.OpalLockingSP, spec.User(2), pin(2)))
		require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), nil))
	}
}

func TestOpalDiscovery(t *testing.T) {
	b := newOpalBench(t)
	features := func() string {
		got, err := b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
		require.NoError(t, err)
		return hex.EncodeToString(got[48:])
	}
	require.Equal(t, hex.EncodeToString(unhex(t, `0001 10 0C 51 0000000000000000000000
		0002 10 0C 09 0000000000000000000000
		0003 10 1C 00 00000000000000 00000200 0000000000000001 0000000000000000
		0201 10 0C 00000009 00 00000000000000
		0202 10 0C 0000 0010 00A00000 00000200
		0203 22 10 1000 0001 00 0004 0009 00 00 0000000000
		0402 20 0C 00 00 00000000000000000000
		0404 10 20 00 00 04 00 0000 0000 0001 0000 0000 0000 00000000000000000000000000000000`)), features())
	b.own()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.MBRControlRow, col(1, token.U(1)), col(2, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(5, token.U(1)), col(7, token.U(1))))
	require.Contains(t, features(), hex.EncodeToString(unhex(t, "0002 10 0C 3F")), "enabled, locked, MBR enabled and done")
	require.Contains(t, features(), hex.EncodeToString(unhex(t, "0402 20 0C 01")), "SID has a PIN of its own")
}

// A DataStore of more bytes than the descriptor can tell is told as the most that it can.
func TestOpalDiscoveryOfALargeDataStore(t *testing.T) {
	for size, want := range map[uint64]uint32{1<<32 - 512: 1<<32 - 512, 1 << 32: 1<<32 - 1, 1<<32 + 1024: 1<<32 - 1, 1 << 40: 1<<32 - 1} {
		b := newOpalBenchOf(t, func(c *drive.Config) { c.DataStoreSize = size })
		got, err := b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
		require.NoError(t, err)
		require.Contains(t, hex.EncodeToString(got), fmt.Sprintf("0202100c00000010%08x00000200", want))
	}
}

func TestOpalReactivate(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	reactivate := func(params ...token.Value) spec.Status {
		_, st := b.call(spec.ThisSP, spec.Reactivate, params...)
		return st
	}
	list := token.N(token.U(0x060000), token.L(token.UID(spec.Range(1)), token.UID(spec.Range(2))))
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(5, token.U(1))))
	require.Equal(t, spec.Fail, reactivate(list), "a lock is enabled")
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(5, token.U(0))))
	require.Equal(t, spec.InvalidParameter, reactivate(token.N(token.U(0x060002), token.U(1))))
	require.NoError(t, b.d.Write(0, bytes.Repeat([]byte{7}, 512)))
	require.Equal(t, spec.Success, reactivate(list, token.N(token.U(0x060001), token.U(1)), token.N(token.U(0x060002), token.B(pin(4)))))
	require.Empty(t, b.tp.sessions, "it ends the session")
	d := b.tp.discovery()
	s, ok := d.SingleUser()
	require.True(t, ok)
	require.Equal(t, spec.SingleUser{Objects: 9, Any: true, AdminsPlace: true}, s)
	got := make([]byte, 512)
	require.NoError(t, b.d.Read(0, got))
	require.Equal(t, bytes.Repeat([]byte{7}, 512), got)
	require.Equal(t, spec.NotAuthorized, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(3), nil))
	require.Equal(t, spec.NotAuthorized, reactivate(), "an owner is no Admin")
	b.end()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(4)))
	require.Equal(t, spec.Success, reactivate(), "off again")
	d = b.tp.discovery()
	s, _ = d.SingleUser()
	require.Equal(t, spec.SingleUser{Objects: 9}, s)
}
