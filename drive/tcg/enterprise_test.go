package tcg

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// What sedutil does to take an Enterprise drive and to lock its global band.
func TestTakeOwnershipLockAndUnlock(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.AdminSP, false))
	cells, st := b.get(spec.CPINMSID, "PIN", "PIN")
	require.Equal(t, spec.Success, st)
	msid, _ := cells["PIN"].Bytes()
	require.Equal(t, b.msid(), msid)
	b.end()

	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.SID, msid))
	require.Equal(t, spec.Success, b.set(spec.CPINSID, cell("PIN", token.B(pin(1)))))
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, msid))
	require.Equal(t, spec.Success, b.set(spec.CPINEraseMaster, cell("PIN", token.B(pin(2)))))
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), msid))
	require.Equal(t, spec.Success, b.set(spec.CPINBandMaster(0), cell("PIN", token.B(pin(3)))))
	require.Equal(t, spec.Success, b.set(spec.Band(0), cell("ReadLockEnabled", token.U(1)), cell("WriteLockEnabled", token.U(1)),
		cell("LockOnReset", token.L(token.U(0)))))
	b.end()
	require.NoError(t, b.d.Write(0, make([]byte, 512)))

	b.cycle()
	require.ErrorIs(t, b.d.Read(0, make([]byte, 512)), drive.Locked)
	require.Equal(t, spec.NotAuthorized, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), msid))
	b.end()
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), pin(3)))
	require.Equal(t, spec.Success, b.set(spec.Band(0), cell("WriteLocked", token.U(0)), cell("ReadLocked", token.U(0))))
	b.end()
	require.NoError(t, b.d.Read(0, make([]byte, 512)))

	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.EraseMaster, pin(2)))
	_, st = b.call(spec.Band(0), spec.Erase)
	require.Equal(t, spec.Success, st)
	b.end()
	require.Equal(t, drive.Erased, b.d.Status().State)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), msid))
	b.end()

	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.PSID, b.label.PSID.Bytes()))
	_, st = b.call(spec.AdminSP, spec.Revert)
	require.Equal(t, spec.Success, st)
	require.Equal(t, spec.Success, b.as(spec.AdminSP, spec.SID, msid), "the session is over without a word, and SID has MSID")
	b.end()
}
