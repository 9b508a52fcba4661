package tcg

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// columns reads every column of every object that a service provider shows to an authority: "object column" and
// its value.
func (b *bench) columns(sp, who spec.UID, pin []byte, all map[string]string) {
	b.t.Helper()
	require.Equal(b.t, spec.Success, b.start(sp, false))
	right, _ := b.prove(who, pin)
	require.True(b.t, right)
	for _, t := range b.tp.pers.provider(sp).tables {
		for _, r := range t.rows {
			columns := spec.Columns(r.uid)
			cells, st := b.get(r.uid, columns[0], columns[len(columns)-1])
			if st != spec.Success {
				continue // nobody reads it
			}
			for column, v := range cells {
				all[fmt.Sprint(spec.Name(r.uid), " ", column)] = fmt.Sprintf("%X", v.Append(nil))
			}
		}
	}
	b.end()
}

// changed lists what differs, as "object column".
func changed(before, after map[string]string) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if before[k] != after[k] {
			out = append(out, k)
		}
	}
	return out
}

// resetBy begins anew in one of the ways of the tables below.
func (b *bench) resetBy(name string) {
	b.t.Helper()
	switch name {
	case "power cycle":
		b.d.PowerOff()
		require.NoError(b.t, b.d.PowerOn())
	case "hardware":
		require.NoError(b.t, b.d.Reset(drive.HardwareReset))
	case "hot plug":
		require.NoError(b.t, b.d.Reset(drive.HotPlugReset))
	case "programmatic":
		require.NoError(b.t, b.tp.Send(transport.ProtocolComID, spec.TPerReset, []byte{0}))
	case "stack":
		id := []byte{byte(b.com >> 8), byte(b.com), 0, 0, 0, 0, 0, byte(spec.StackReset)}
		require.NoError(b.t, b.tp.Send(transport.ProtocolComID, b.com, id))
		_, err := b.tp.Receive(transport.ProtocolComID, b.com, 64)
		require.NoError(b.t, err)
	}
	b.tsn = 0
}

// both are the two lock columns of objects.
func both(objects ...string) (out []string) {
	for _, o := range objects {
		out = append(out, o+" ReadLocked", o+" WriteLocked")
	}
	return out
}

// TestOpalColumnsOverResets: every column of both service providers lives through every reset, but those that its own
// settings, or the specification, say: a range that is lock-enabled is locked by a member of its LockOnReset (Core
// 5.7.2.2.12; a lock that is not enabled stays open), Done is cleared by one of DoneOnReset, Tries by a power cycle
// unless they persist. The bytes of both tables stay. Sessions, and what a transaction had collected, are gone.
func TestOpalColumnsOverResets(t *testing.T) {
	expected := map[string][]string{
		"power cycle":  append(both("Range2", "Range3", "Range4", "Range5"), "Range6 ReadLocked", "MBRControl row 1 Done"),
		"hardware":     append(both("Range3"), "Range6 ReadLocked"),
		"hot plug":     append(both("Range4"), "Range6 ReadLocked"),
		"programmatic": append(both("Range5"), "Range6 ReadLocked", "MBRControl row 1 Done"),
		"stack":        nil,
	}
	for reset, want := range expected {
		for _, persistent := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, persistent tries %v", reset, persistent), func(t *testing.T) {
				t.Parallel()
				b := newOpalBenchOf(t, func(c *drive.Config) { c.Persistent = persistent })
				b.own()
				b.changeEverything()
				before, after := map[string]string{}, map[string]string{}
				b.columns(spec.AdminSP, spec.SID, pin(1), before)
				b.columns(spec.OpalLockingSP, spec.Admin(1), pin(1), before)
				require.Greater(t, len(before), 500, "it is every column")

				// A session is open, and in it a transaction.
				require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
				tsn, hsn := b.tsn, b.hsn
				require.Equal(t, []byte{0xFB, 0}, b.say([]byte{0xFB, 0}))
				require.Equal(t, spec.Success, b.oset(spec.User(4), col(5, token.U(1))))
				b.resetBy(reset)
				b.tsn, b.hsn = tsn, hsn
				require.Nil(t, b.say(call(spec.ThisSP, spec.Random, token.U(1))), "the session is over")
				b.tsn = 0

				b.columns(spec.AdminSP, spec.SID, pin(1), after)
				b.columns(spec.OpalLockingSP, spec.Admin(1), pin(1), after)
				want := slices.Clone(want)
				if reset == "power cycle" && !persistent {
					want = append(want, "C_PIN_User3 Tries")
				}
				slices.Sort(want)
				require.Equal(t, want, changed(before, after))
				require.Len(t, after, len(before))
				b.keepsBytes()
			})
		}
	}
}

// changeEverything sets what hosts can set of an Opal drive to something else than it is from the factory.
func (b *bench) changeEverything() {
	b.t.Helper()
	require.Equal(b.t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)))
	require.Equal(b.t, spec.Success, b.oset(spec.TPerInfoRow, col(8, token.U(1))))
	require.Equal(b.t, spec.Success, b.oset(spec.CPINTable+0x201, col(3, token.B(pin(2)))))
	require.Equal(b.t, spec.Success, b.oset(spec.AdminSPAdmin(1), col(5, token.U(1))))
	b.end()
	require.Equal(b.t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	list := func(n ...uint64) token.Value {
		l := token.L()
		for _, u := range n {
			l.Items = append(l.Items, token.U(u))
		}
		return l
	}
	for n, lor := range [][]uint64{1: {}, 2: {0}, 3: {0, 1}, 4: {0, 2}, 5: {0, 3}, 6: {0, 1, 2, 3}, 7: {0, 1, 2, 3}, 8: {0}} {
		if n == 0 {
			continue
		}
		rle, wle := uint64(1), uint64(1)
		switch n {
		case 6:
			wle = 0
		case 7:
			rle, wle = 0, 0
		}
		require.Equal(b.t, spec.Success, b.oset(spec.Range(n), col(2, token.S(fmt.Sprint("range ", n))), col(3, token.U(uint64(n)*16)), col(4, token.U(16)),
			col(5, token.U(rle)), col(6, token.U(wle)), col(9, list(lor...))))
	}
	require.Equal(b.t, spec.Success, b.oset(spec.Range(8), col(7, token.U(1)), col(8, token.U(1))))
	for n := 2; n <= 3; n++ {
		require.Equal(b.t, spec.Success, b.oset(spec.User(n), col(2, token.S(fmt.Sprint("user ", n))), col(5, token.U(1))))
		require.Equal(b.t, spec.Success, b.oset(spec.CPINUser(n), col(3, token.B(pin(byte(n))))))
	}
	require.Equal(b.t, spec.Success, b.oset(spec.Admin(2), col(5, token.U(1))))
	for _, a := range []spec.UID{0x3E001, 0x3E801, 0x3D001, 0x3FC00, 0x39000} {
		require.Equal(b.t, spec.Success, b.oset(spec.ACETable+a, col(3, expr(spec.Admins, spec.User(2)))))
	}
	require.Equal(b.t, spec.Success, b.oset(spec.MBRControlRow, col(1, token.U(1)), col(2, token.U(1)), col(3, list(0, 3))))
	for _, u := range []spec.UID{spec.MBRTable, spec.DataStoreTable} {
		_, st := b.call(u, spec.Set, token.N(token.U(0), token.U(700)), token.N(token.U(1), token.B(bytes.Repeat([]byte{9}, 900))))
		require.Equal(b.t, spec.Success, st)
	}
	b.end()
	for range 2 {
		require.Equal(b.t, spec.NotAuthorized, b.sign(spec.OpalLockingSP, spec.User(3), pin(9)))
	}
}

// keepsBytes: what lay in the tables of bytes is there, and the PINs are the same.
func (b *bench) keepsBytes() {
	b.t.Helper()
	require.Equal(b.t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(2), pin(2)))
	for _, u := range []spec.UID{spec.MBRTable, spec.DataStoreTable} {
		v, st := b.call(u, spec.Get, token.L(token.N(token.U(1), token.U(699)), token.N(token.U(2), token.U(1600))))
		require.Equal(b.t, spec.Success, st)
		got, _ := v[0].Bytes()
		require.Equal(b.t, slices.Concat([]byte{0}, bytes.Repeat([]byte{9}, 900), []byte{0}), got)
	}
	b.end()
	require.Equal(b.t, spec.Success, b.sign(spec.AdminSP, spec.AdminSPAdmin(1), pin(2)))
	b.end()
}

// TestEnterpriseColumnsOverResets is the same for an Enterprise drive.
func TestEnterpriseColumnsOverResets(t *testing.T) {
	for reset, want := range map[string][]string{
		"power cycle": append(both("Band2", "Band3", "Band4"), "Band5 ReadLocked"),
		"hardware":    append(both("Band3"), "Band5 ReadLocked"),
		"hot plug":    append(both("Band4"), "Band5 ReadLocked"),
		"stack":       nil,
	} {
		for _, persistent := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, persistent tries %v", reset, persistent), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, func(c *drive.Config) { c.Ranges, c.Persistent = 7, persistent })
				for n, lor := range []drive.ResetSet{
					1: 0, 2: drive.OnPowerCycle, 3: drive.OnPowerCycle | drive.OnHardware, 4: drive.OnPowerCycle | drive.OnHotPlug,
					5: drive.OnPowerCycle | drive.OnHardware | drive.OnHotPlug, 6: drive.OnPowerCycle | drive.OnHardware | drive.OnHotPlug,
				} {
					if n == 0 {
						continue
					}
					s, err := b.d.Authenticate(drive.BandMaster(n), b.label.MSID)
					require.NoError(t, err)
					require.NoError(t, s.SetRange(drive.RangeConfig{Start: uint64(16 * n), Length: 16, ReadLockEnabled: n < 6, WriteLockEnabled: n < 5, LockOnReset: lor}))
					s.Close()
				}
				p, err := drive.NewPIN(pin(4))
				require.NoError(t, err)
				s, err := b.d.Authenticate(drive.EraseMaster, b.label.MSID)
				require.NoError(t, err)
				require.NoError(t, errors.Join(s.(drive.BatchSession).Apply(drive.Batch{Enabled: []drive.Enabled{{Who: drive.BandMaster(6)}}}), s.SetPIN(p)))
				s.Close()
				s, err = b.d.Authenticate(drive.SID, b.label.MSID)
				require.NoError(t, err)
				require.NoError(t, s.(drive.BatchSession).Apply(drive.Batch{Enabled: []drive.Enabled{{Who: drive.Makers}}}))
				s.Close()
				for range 2 {
					_, err := b.d.Authenticate(drive.BandMaster(1), p)
					require.ErrorIs(t, err, drive.NotAuthorized)
				}
				read := func() map[string]string {
					all := map[string]string{}
					b.columns(spec.AdminSP, spec.SID, b.msid(), all)
					b.columns(spec.EnterpriseLockingSP, spec.EraseMaster, pin(4), all)
					for n := range 8 { // its own C_PIN is read by a BandMaster alone, which would clear the count
						used, limit, err := b.d.Tries(drive.BandMaster(n))
						require.NoError(t, err)
						all[fmt.Sprintf("C_PIN_BandMaster%d Tries", n)] = fmt.Sprint(used, limit)
					}
					return all
				}
				before := read()
				require.Greater(t, len(before), 200)
				b.resetBy(reset)
				after := read()
				want := slices.Clone(want)
				if reset == "power cycle" && !persistent {
					want = append(want, "C_PIN_BandMaster1 Tries")
				}
				slices.Sort(want)
				require.Equal(t, want, changed(before, after))
				require.Len(t, after, len(before))
			})
		}
	}
}

// TestOpalRevertKeepsTheGlobalRange: a RevertSP with KeepGlobalRangeKey keeps what lies in the global range, at once and
// over power cycles, also of the next owner; what lay in another range is gone (Opal 5.1.3.2).
func TestOpalRevertKeepsTheGlobalRange(t *testing.T) {
	b := newOpalBench(t)
	b.own()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.Range(1), col(3, token.U(16)), col(4, token.U(16))))
	text := bytes.Repeat([]byte("kept data"), 57)[:512]
	for _, lba := range []uint64{0, 16} {
		require.NoError(t, b.d.Write(lba, text))
	}
	require.Equal(t, spec.Success, b.oset(spec.GlobalRange, col(5, token.U(1)), col(6, token.U(1))))
	_, st := b.call(spec.ThisSP, spec.RevertSP, token.N(token.U(spec.RevertSPKeepGlobalRangeKey), token.U(1)))
	require.Equal(t, spec.Success, st)
	holds := func(when string) {
		t.Helper()
		got := make([]byte, 512)
		require.NoError(t, b.d.Read(0, got), when)
		require.Equal(t, text, got, when)
		require.NoError(t, b.d.Read(16, got), when)
		require.NotEqual(t, text, got, "another range, %s", when)
	}
	holds("at once")
	b.cycle()
	holds("after a power cycle")
	require.Equal(t, drive.ManufacturedInactive, b.d.Status().State)
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, pin(1)), "the Admin SP stays as it was")
	_, st = b.call(spec.OpalLockingSP, spec.Activate)
	require.Equal(t, spec.Success, st)
	b.cycle()
	holds("of the next owner")
}
