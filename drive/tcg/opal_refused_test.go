package tcg

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// opalPicture is everything that hosts can change in an Opal drive by methods of a transaction, with the
// cells of its tables as Admin1 reads them in a session that is open.
func (b *bench) opalPicture() string {
	b.t.Helper()
	text := b.opalDigest()
	cell := func(o spec.UID, first, last uint64) {
		cells, st := b.oget(o, first, last)
		require.Equal(b.t, spec.Success, st, o)
		for n := first; n <= last; n++ {
			text += fmt.Sprintf("\n%v %d %X", o, n, cells[n].Append(nil))
		}
	}
	for u := 1; u <= drive.Users; u++ {
		cell(spec.User(u), 2, 2)
		cell(spec.ACETable+0x3A800+spec.UID(u), 3, 3)
		cell(spec.ACETable+0x44000+spec.UID(u), 3, 3)
		i, err := b.tp.opalDrive().Authority(drive.User(u))
		require.NoError(b.t, err)
		text += fmt.Sprint(" ", i)
	}
	for n := range 9 {
		cell(spec.Range(n), 2, 2)
		for _, tail := range []spec.UID{0x3B800, 0x3D000, 0x3E000, 0x3E800} {
			cell(spec.ACETable+tail+spec.UID(n), 3, 3)
		}
		r, err := b.d.Range(n)
		require.NoError(b.t, err)
		h, root, err := b.tp.opalDrive().Holders(drive.RangeArea(n))
		require.NoError(b.t, err)
		text += fmt.Sprint(" ", r, h, root)
	}
	h, root, err := b.tp.opalDrive().Holders(drive.DataStoreArea(0))
	require.NoError(b.t, err)
	return text + fmt.Sprint(" ", h, root)
}

// refusal is a method that Admin1 cannot have.
type refusal struct {
	what   string
	object spec.UID
	method spec.UID
	params []token.Value
	want   spec.Status
}

func setRefused(what string, want spec.Status, o spec.UID, cells ...token.Value) refusal {
	return refusal{what, o, spec.Set, []token.Value{token.N(token.U(1), token.L(cells...))}, want}
}

// opalRefusals are the methods of an Opal TPer, refused at each step that can refuse: Range 1 is User2's in
// Single User Mode, range 3 was given to User4 alone.
func opalRefusals() []refusal {
	long, ace := token.B(make([]byte, maxName+1)), func(tail spec.UID) spec.UID { return spec.ACETable + tail }
	on, off := token.U(1), token.U(0)
	return []refusal{
		setRefused("an ACE: a range in Single User Mode", spec.NotAuthorized, ace(0x3E001), col(3, expr(spec.User(2), spec.User(3)))),
		setRefused("an ACE: its second holder, whose key no Admin has", spec.NotAuthorized, ace(0x3E002), col(3, expr(spec.User(4), spec.User(2)))),
		setRefused("an ACE: the same for the other lock", spec.NotAuthorized, ace(0x3E802), col(3, expr(spec.User(4), spec.User(2)))),
		setRefused("an ACE: the same for the DataStore", spec.NotAuthorized, ace(0x3FC00), col(3, expr(spec.Users))),
		setRefused("an ACE: nobody gets a range that Admins do not hold", spec.NotAuthorized, ace(0x3E003), col(3, expr(spec.Admins, spec.User(5)))),
		setRefused("an ACE: the last holder cannot go", spec.NotAuthorized, ace(0x3E003), col(3, expr(spec.Admins))),
		setRefused("an ACE: what is no expression", spec.InvalidParameter, ace(0x3E002), col(3, token.L())),
		setRefused("an ACE: another column", spec.NotAuthorized, ace(0x3E002), col(3, expr(spec.User(3))), col(1, token.S("x"))),
		setRefused("an authority: the name after Enabled", spec.InvalidParameter, spec.User(1), col(5, on), col(2, long)),
		setRefused("an authority: Enabled after the name", spec.InvalidParameter, spec.User(1), col(2, token.S("Ann")), col(5, token.S("?"))),
		setRefused("an authority: the column after both", spec.NotAuthorized, spec.User(1), col(5, on), col(2, token.S("Ann")), col(3, off)),
		setRefused("an authority: Admin1 is always enabled", spec.NotAuthorized, spec.Admin(1), col(2, token.S("Ann")), col(5, off)),
		setRefused("a range: the name after the place and the locks", spec.InvalidParameter, spec.Range(2),
			col(3, token.U(64)), col(4, token.U(8)), col(5, on), col(7, on), col(2, long)),
		setRefused("a range: the name alone", spec.InvalidParameter, spec.Range(2), col(2, long)),
		setRefused("a range: the locks after the place", spec.NotAuthorized, spec.Range(3), col(3, token.U(128)), col(4, token.U(8)), col(7, off)),
		setRefused("a range: over the end", spec.InvalidParameter, spec.Range(2), col(2, token.S("far")), col(4, token.U(1<<40))),
		setRefused("a range: a value of another kind", spec.InvalidParameter, spec.Range(2), col(4, token.U(8)), col(5, token.S("?"))),
		setRefused("a range in Single User Mode", spec.NotAuthorized, spec.Range(1), col(2, token.S("mine")), col(7, off)),
		setRefused("a PIN that is too long", spec.InvalidParameter, spec.CPINUser(1), col(3, token.B(make([]byte, drive.PINSize+1)))),
		setRefused("the PIN of an owner in Single User Mode", spec.NotAuthorized, spec.CPINUser(2), col(3, token.B(pin(9)))),
		setRefused("MBRControl: the reset", spec.InvalidParameter, spec.MBRControlRow, col(1, on), col(2, on), col(3, token.L(token.U(1)))),
		setRefused("MBRControl: a value of another kind", spec.InvalidParameter, spec.MBRControlRow, col(1, on), col(2, token.S("?"))),
		{"GenKey in Single User Mode", spec.RangeKey(1), spec.GenKey, nil, spec.NotAuthorized},
		{"Erase outside Single User Mode", spec.Range(2), spec.Erase, nil, spec.NotAuthorized},
		{"Erase with a parameter", spec.Range(1), spec.Erase, []token.Value{on}, spec.InvalidParameter},
		{"a byte table", spec.DataStoreTable, spec.Set, []token.Value{token.N(off, off), token.N(on, token.B([]byte{1}))}, spec.Fail},
		{"RevertSP", spec.ThisSP, spec.RevertSP, nil, spec.Fail},
		{"Reactivate", spec.ThisSP, spec.Reactivate, nil, spec.Fail},
	}
}

// sharedOpalBench is an Opal drive as opalRefusals needs it. User2 and User4 have PINs.
func sharedOpalBench(t testing.TB) *bench {
	t.Helper()
	b := newOpalBench(t)
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, b.msid()))
	require.Equal(t, spec.Success, b.oset(spec.CPINSID, col(3, token.B(pin(1)))))
	b.end()
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)))
	_, st := b.call(spec.OpalLockingSP, spec.Activate, token.N(token.U(0x060000), token.L(token.UID(spec.Range(1)))))
	require.Equal(t, spec.Success, st)
	b.end()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.User(4), col(5, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(4), col(3, token.B(pin(4)))))
	require.Equal(t, spec.Success, b.oset(spec.Range(3), col(3, token.U(100)), col(4, token.U(8))))
	for _, tail := range []spec.UID{0x3E003, 0x3E803} {
		require.Equal(t, spec.Success, b.oset(spec.ACETable+tail, col(3, expr(spec.User(4)))))
	}
	require.Equal(t, spec.Success, b.oset(spec.Range(3), col(5, token.U(1)), col(6, token.U(1))))
	b.end()
	b.cycle()
	return b
}

// A method that is refused in a transaction leaves nothing in it, whichever of its steps refused.
func TestOpalMethodsThatFailInATransaction(t *testing.T) {
	t.Parallel()
	for _, r := range opalRefusals() {
		t.Run(r.what, func(t *testing.T) {
			t.Parallel()
			b := sharedOpalBench(t)
			require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
			was := b.opalPicture()
			b.begin()
			_, st := b.call(r.object, r.method, r.params...)
			require.Equal(t, r.want, st)
			require.Equal(t, spec.Success, b.finish(0))
			require.Equal(t, was, b.opalPicture(), "committed")
			b.end()
			b.cycle()
			require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
			require.Equal(t, was, b.opalPicture(), "and after a power cycle")
		})
	}
}

// What came before a refused method, and what comes behind it, is made.
func TestOpalTransactionGoesOnBehindARefusal(t *testing.T) {
	t.Parallel()
	b := sharedOpalBench(t)
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	b.begin()
	require.Equal(t, spec.Success, b.oset(spec.User(1), col(2, token.S("Ann"))))
	require.Equal(t, spec.Success, b.oset(spec.Range(2), col(4, token.U(8))))
	_, st := b.call(spec.RangeKey(2), spec.GenKey)
	require.Equal(t, spec.Success, st)
	for _, r := range opalRefusals() {
		_, st := b.call(r.object, r.method, r.params...)
		require.Equal(t, r.want, st, r.what)
	}
	cells, _ := b.oget(spec.Range(2), 3, 8)
	require.Equal(t, token.U(8), cells[4])
	require.Equal(t, token.U(0), cells[7])
	require.Equal(t, spec.Success, b.oset(spec.Range(2), col(2, token.S("two")), col(3, token.U(64))))
	require.Equal(t, spec.Success, b.finish(0))
	i, err := b.d.Range(2)
	require.NoError(t, err)
	require.Equal(t, drive.RangeInfo{RangeConfig: drive.RangeConfig{Start: 64, Length: 8, LockOnReset: drive.OnPowerCycle}}, i)
	cells, _ = b.oget(spec.User(1), 2, 5)
	require.True(t, cells[2].Equal(token.S("Ann")))
	require.Equal(t, token.U(0), cells[5])
	require.NoError(t, b.d.Write(64, make([]byte, 512)))
}

// Whom an ACE did not come to admit opens nothing.
func TestOpalRefusedGrantOpensNothing(t *testing.T) {
	t.Parallel()
	b := sharedOpalBench(t)
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.Range(2), col(3, token.U(8)), col(4, token.U(8)), col(5, token.U(1)), col(6, token.U(1))))
	b.begin()
	require.Equal(t, spec.NotAuthorized, b.oset(spec.ACETable+0x3E002, col(3, expr(spec.Admins, spec.User(4), spec.User(2)))))
	require.Equal(t, spec.Success, b.finish(0))
	h, _, err := b.tp.opalDrive().Holders(drive.RangeArea(2))
	require.NoError(t, err)
	require.Equal(t, []drive.Authority{drive.Admin(1), drive.Admin(2), drive.Admin(3), drive.Admin(4)}, h)
	b.end()
	b.cycle()
	l, err := b.tp.opalDrive().Login(drive.User(4), opalPIN(t, 4))
	require.NoError(t, err)
	c, err := b.tp.opalDrive().Begin(l)
	require.NoError(t, err)
	require.ErrorIs(t, c.SetLocks(2, false, false), drive.KeyNotHeld)
	require.ErrorIs(t, b.d.Read(8, make([]byte, 512)), drive.Locked)
}

func opalPIN(t *testing.T, c byte) drive.PIN {
	t.Helper()
	p, err := drive.NewPIN(pin(c))
	require.NoError(t, err)
	return p
}

// What the drive would not let a User do, no ACE is made to promise.
func TestOpalACEsAdmitNobodyInVain(t *testing.T) {
	t.Parallel()
	b := newOpalBench(t)
	b.own()
	genKey, setPIN, ace := spec.ACETable+0x3B802, spec.ACETable+0x3A803, spec.ACETable
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	for _, open := range []bool{false, true} {
		if open {
			b.begin()
		}
		for _, c := range []struct {
			ace  spec.UID
			who  []spec.UID
			want spec.Status
		}{
			{genKey, []spec.UID{spec.Admins, spec.User(1)}, spec.InvalidParameter},
			{genKey, []spec.UID{spec.Users}, spec.InvalidParameter},
			{genKey, []spec.UID{spec.Anybody}, spec.InvalidParameter},
			{genKey, []spec.UID{spec.Admin(1), spec.Admin(2)}, spec.Success},
			{genKey, []spec.UID{spec.Admins}, spec.Success},
			{setPIN, []spec.UID{spec.Admins, spec.User(1)}, spec.InvalidParameter},
			{setPIN, []spec.UID{spec.Users}, spec.InvalidParameter},
			{setPIN, []spec.UID{spec.Anybody}, spec.InvalidParameter},
			{setPIN, []spec.UID{spec.User(3)}, spec.Success},
			{setPIN, []spec.UID{spec.Admin(2), spec.User(3)}, spec.Success},
			{ace + 0x3E001, []spec.UID{spec.Admins, spec.Anybody}, spec.InvalidParameter},
			{ace + 0x3FC00, []spec.UID{spec.Admins, spec.Anybody}, spec.InvalidParameter},
			{ace + 0x3F801, []spec.UID{spec.Admins, spec.Anybody}, spec.InvalidParameter},
			{ace + 0x3F801, []spec.UID{spec.Users, spec.Admins}, spec.Success},
			{ace + 0x3D001, []spec.UID{spec.Admins, spec.Anybody}, spec.Success},
			{ace + 0x44001, []spec.UID{spec.Admins, spec.User(2)}, spec.Success},
		} {
			before, _ := b.oget(c.ace, 3, 3)
			require.Equal(t, c.want, b.oset(c.ace, col(3, expr(c.who...))), "%v %v", c.ace, c.who)
			after, _ := b.oget(c.ace, 3, 3)
			if c.want == spec.Success {
				before[3] = expr(c.who...)
			}
			require.True(t, after[3].Equal(before[3]), "%v %v", c.ace, c.who)
		}
	}
	require.Equal(t, spec.Success, b.finish(0))
	require.Equal(t, spec.Success, b.oset(spec.ACETable+0x3A803, col(3, expr(spec.Admins, spec.User(3)))))
	require.Equal(t, spec.Success, b.oset(spec.User(3), col(5, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(3), col(3, token.B(pin(3)))))
	b.end()

	// And whom they admit, the drive lets.
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(3), pin(3)))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(3), col(3, token.B(pin(4)))))
	require.Equal(t, spec.Success, b.oset(spec.MBRControlRow, col(2, token.U(1))))
	_, st := b.call(spec.RangeKey(2), spec.GenKey)
	require.Equal(t, spec.NotAuthorized, st)
}
