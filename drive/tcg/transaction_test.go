package tcg

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// begin and finish are the ends of a transaction; finish gives the TPer's status.
func (b *bench) begin() {
	b.t.Helper()
	require.Equal(b.t, []byte{0xFB, 0}, b.say([]byte{0xFB, 0}))
}

func (b *bench) finish(status byte) spec.Status {
	b.t.Helper()
	answer := b.say([]byte{0xFC, status})
	require.Len(b.t, answer, 2)
	require.Equal(b.t, byte(0xFC), answer[0])
	return spec.Status(answer[1])
}

// migrate sets the PIN and the locks of band 1, as a credential migration does.
func (b *bench) migrate() {
	b.t.Helper()
	require.Equal(b.t, spec.Success, b.set(spec.CPINBandMaster(1), cell("PIN", token.B(pin(3)))))
	require.Equal(b.t, spec.Success, b.set(spec.Band(1), cell("RangeStart", token.U(8)), cell("RangeLength", token.U(8))))
	require.Equal(b.t, spec.Success, b.set(spec.Band(1), cell("ReadLockEnabled", token.U(1)), cell("WriteLockEnabled", token.U(1))))
	require.Equal(b.t, spec.Success, b.set(spec.Band(1), cell("ReadLocked", token.U(1))))
}

func TestTransactionsAreCommittedOrAborted(t *testing.T) {
	whole := drive.RangeInfo{
		RangeConfig: drive.RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle},
		ReadLocked:  true,
	}
	for _, c := range []struct {
		what string
		end  func(b *bench)
		made bool
	}{
		{"committed", func(b *bench) { require.Equal(b.t, spec.Success, b.finish(0)); b.end() }, true},
		{"aborted", func(b *bench) { require.Equal(b.t, spec.Status(1), b.finish(1)); b.end() }, false},
		{"left open", (*bench).end, false},
		{"malformed", func(b *bench) { require.NotEmpty(b.t, b.say([]byte{0xE4})) }, false},
		{"without power", (*bench).cycle, false},
		{"reset", func(b *bench) { require.NoError(b.t, b.d.Reset(drive.HardwareReset)) }, false},
	} {
		b := newBench(t, nil)
		require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
		generation := b.d.Status().KeyGeneration
		was := b.d.Dump().Flash
		b.begin()
		b.migrate()
		cells, _ := b.get(spec.Band(1), "RangeStart", "ReadLocked")
		require.Equal(t, token.U(8), cells["RangeStart"], "the session sees what it would make")
		require.Equal(t, token.U(1), cells["ReadLocked"])
		require.True(t, reflect.DeepEqual(was, b.d.Dump().Flash), "and nothing is written before the end")
		require.NoError(t, b.d.Write(8, make([]byte, 512)), "and no lock is in force")
		r, _ := b.d.Range(1)
		require.Zero(t, r.Length)
		c.end(b)

		r, _ = b.d.Range(1)
		right, wrong := b.msid(), pin(3)
		if c.made {
			require.Equal(t, whole, r, c.what)
			require.Equal(t, generation+1, b.d.Status().KeyGeneration, "one record for all of it")
			require.ErrorIs(t, b.d.Read(8, make([]byte, 512)), drive.Locked)
			right, wrong = wrong, right
		} else {
			require.Zero(t, r.Length, c.what)
			require.Equal(t, generation, b.d.Status().KeyGeneration, c.what)
		}
		require.Equal(t, spec.NotAuthorized, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), wrong), c.what)
		b.end()
		require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), right), c.what)
	}
}

// A method that fails leaves the transaction as it was.
func TestMethodsThatFailInATransaction(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
	b.begin()
	require.Equal(t, spec.Success, b.set(spec.Band(1), cell("RangeLength", token.U(8))))
	require.Equal(t, spec.InvalidParameter, b.set(spec.Band(1), cell("RangeLength", token.U(1<<40))))
	require.Equal(t, spec.InvalidParameter, b.set(spec.CPINBandMaster(1), cell("PIN", token.B(b.msid()))), "back to MSID by an erase only")
	require.Equal(t, spec.NotAuthorized, b.set(spec.Band(2), cell("RangeLength", token.U(8))))
	require.Equal(t, spec.Success, b.finish(0))
	r, _ := b.d.Range(1)
	require.Equal(t, uint64(8), r.Length)

	b.begin()
	require.Equal(t, spec.Success, b.set(spec.Band(1), cell("RangeLength", token.U(16))))
	right, _ := b.prove(spec.BandMaster(1), pin(9))
	require.False(t, right)
	require.Equal(t, spec.NotAuthorized, b.finish(0), "who failed to prove himself again commits nothing")
	r, _ = b.d.Range(1)
	require.Equal(t, uint64(8), r.Length)
}

func TestErasesInATransaction(t *testing.T) {
	b := newBench(t, nil)
	for n := range 2 {
		require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(n), b.msid()))
		require.Equal(t, spec.Success, b.set(spec.CPINBandMaster(n), cell("PIN", token.B(pin(byte(n))))))
		require.Equal(t, spec.Success, b.set(spec.Band(n), cell("ReadLockEnabled", token.U(1))))
		b.end()
	}
	require.Equal(t, drive.Configured, b.d.Status().State)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, b.msid()))
	b.begin()
	for _, n := range []int{0, 1, 0} {
		_, st := b.call(spec.Band(n), spec.Erase)
		require.Equal(t, spec.Success, st)
	}
	require.Equal(t, spec.Success, b.set(spec.BandMaster(2), cell("Enabled", token.U(0))))
	require.Equal(t, spec.Success, b.set(spec.CPINEraseMaster, cell("PIN", token.B(pin(8)))))
	require.Equal(t, drive.Configured, b.d.Status().State)
	cells, _ := b.get(spec.Band(1), "ReadLockEnabled", "ReadLockEnabled")
	require.Equal(t, token.U(0), cells["ReadLockEnabled"])
	require.Equal(t, spec.Success, b.finish(0))
	require.Equal(t, drive.Erased, b.d.Status().State)
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, pin(8)))
	b.end()
	require.Equal(t, spec.NotAuthorized, b.as(spec.EnterpriseLockingSP, spec.BandMaster(2), b.msid()))
	b.end()

	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.PSID, b.label.PSID.Bytes()))
	b.begin()
	_, st := b.call(spec.AdminSP, spec.Revert)
	require.Equal(t, spec.Fail, st, "a revert cannot be taken back, so it is in no transaction")
}
