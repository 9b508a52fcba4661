package tcg

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// opalDigest is digest of an Opal drive.
func (b *bench) opalDigest() string {
	o := b.tp.opalDrive()
	text := fmt.Sprint(b.d.Status().State, b.d.Status().KeyGeneration)
	for n := range 3 {
		r, err := b.d.Range(n)
		require.NoError(b.t, err)
		h, root, err := o.Holders(drive.RangeArea(n))
		require.NoError(b.t, err)
		text += fmt.Sprint("; ", r, h, root)
	}
	for _, a := range []drive.Authority{drive.SID, drive.AdminSPAdmin, drive.Admin(1), drive.Admin(2), drive.User(1)} {
		i, _ := o.Authority(a)
		i.Tries = 0
		text += fmt.Sprint("; ", i)
	}
	mbr, err := o.MBRControl()
	require.NoError(b.t, err)
	n, err := o.Note()
	require.NoError(b.t, err)
	return text + fmt.Sprint("; ", mbr) + fmt.Sprintf("; %X", n)
}

func opalSet(o spec.UID, cells ...token.Value) []byte {
	return call(o, spec.Set, token.N(token.U(1), token.L(cells...)))
}

func opalSteps() []step {
	locking := spec.OpalLockingSP
	grant := opalSet(spec.ACETable+0x3E001, col(3, expr(spec.Admins, spec.User(1))))
	place := opalSet(spec.Range(1), col(3, token.U(8)), col(4, token.U(8)), col(5, token.U(1)), col(6, token.U(1)))
	user := opalSet(spec.CPINUser(1), col(3, token.B(pin(3))))
	return []step{
		{"Set C_PIN_SID", spec.AdminSP, spec.SID, [][]byte{opalSet(spec.CPINSID, col(3, token.B(pin(3))))}},
		{"Set ProgrammaticResetEnable", spec.AdminSP, spec.SID, [][]byte{opalSet(spec.TPerInfoRow, col(8, token.U(1)))}},
		{"Set C_PIN_User1", locking, spec.Admin(1), [][]byte{user}},
		{"Set Enabled", locking, spec.Admin(1), [][]byte{opalSet(spec.User(1), col(5, token.U(1)))}},
		{"Set a range", locking, spec.Admin(1), [][]byte{place}},
		{"Set an ACE", locking, spec.Admin(1), [][]byte{grant}},
		{"Set MBRControl", locking, spec.Admin(1), [][]byte{opalSet(spec.MBRControlRow, col(1, token.U(1)))}},
		{"GenKey", locking, spec.Admin(1), [][]byte{call(spec.RangeKey(1), spec.GenKey)}},
		{"Reactivate", locking, spec.Admin(1), [][]byte{call(spec.ThisSP, spec.Reactivate, token.N(token.U(0x060000), token.L(token.UID(spec.Range(1)))))}},
		{"RevertSP", locking, spec.Admin(1), [][]byte{call(spec.ThisSP, spec.RevertSP)}},
		{"RevertSP that keeps the key", locking, spec.Admin(1), [][]byte{call(spec.ThisSP, spec.RevertSP, token.N(token.U(0x060000), token.U(1)))}},
		{"Revert of the Locking SP", spec.AdminSP, spec.SID, [][]byte{call(spec.OpalLockingSP, spec.Revert)}},
		{"Revert by SID", spec.AdminSP, spec.SID, [][]byte{call(spec.AdminSP, spec.Revert)}},
		{"Revert by PSID", spec.AdminSP, spec.PSID, [][]byte{call(spec.AdminSP, spec.Revert)}},
		{"a transaction", locking, spec.Admin(1), [][]byte{
			{0xFB, 0}, user, opalSet(spec.User(1), col(5, token.U(1)), col(2, token.S("Ann"))), place, grant, call(spec.RangeKey(1), spec.GenKey), {0xFC, 0},
		}},
	}
}

func TestOpalPowerLossInEveryMethod(t *testing.T) {
	sweep(t, opalSteps(), func(t *testing.T, s *step) *bench {
		b := newOpalBench(t)
		b.own()
		proof := pin(1)
		if s.who == spec.PSID {
			proof = b.label.PSID.Bytes()
		}
		require.Equal(t, spec.Success, b.sign(s.sp, s.who, proof))
		return b
	})
	single := token.N(token.U(0x060000), token.L(token.UID(spec.Range(1)), token.UID(spec.GlobalRange)))
	activate := []step{
		{"Activate", spec.AdminSP, spec.SID, [][]byte{call(spec.OpalLockingSP, spec.Activate)}},
		{"Activate in Single User Mode", spec.AdminSP, spec.SID, [][]byte{call(spec.OpalLockingSP, spec.Activate, single)}},
	}
	sweep(t, activate, func(t *testing.T, s *step) *bench {
		b := newOpalBench(t)
		require.Equal(t, spec.Success, b.sign(s.sp, s.who, b.msid()))
		return b
	})
}
