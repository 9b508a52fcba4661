package tcg

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// door is a way to try a PIN. It says whether it was right, and whether the authority is locked out.
type door struct {
	name string
	try  func(pin []byte) (right, out bool)
}

// doors are every way to try a PIN of an authority: at the start of a session and in open ones, over a static
// and a dynamic ComID, and past the TPer.
func (b *bench) doors(sp, who spec.UID, a drive.Authority) (all []door) {
	b.t.Helper()
	w, err := b.tp.Receive(transport.ProtocolComID, spec.GetComID, 512)
	require.NoError(b.t, err)
	static, dynamic := b.com, binary.BigEndian.Uint16(w)
	for i, com := range []uint16{static, dynamic} {
		b.com, b.hsn = com, uint32(200+i)
		require.Equal(b.t, spec.Success, b.start(sp, false))
		tsn, hsn := b.tsn, b.hsn
		all = append(all, door{fmt.Sprintf("Authenticate over ComID %04X", com), func(pin []byte) (bool, bool) {
			b.com, b.tsn, b.hsn = com, tsn, hsn
			right, st := b.prove(who, pin)
			return right, st == spec.AuthorityLockedOut
		}}, door{fmt.Sprintf("StartSession over ComID %04X", com), func(pin []byte) (bool, bool) {
			b.com, b.hsn = com, 300
			name := func(number uint64, text string) token.Value { return b.tp.pers.name(number, text) }
			st := b.start(sp, false, token.N(name(spec.HostChallenge, spec.HostChallengeName), token.B(pin)), token.N(name(spec.HostSigningAuthority, spec.HostSigningAuthorityName), token.UID(who)))
			if st == spec.Success {
				b.end()
			}
			return st == spec.Success, st == spec.AuthorityLockedOut
		}})
	}
	return append(all, door{"past the TPer", func(pin []byte) (bool, bool) {
		p, err := drive.NewPIN(pin)
		require.NoError(b.t, err)
		if b.opal {
			l, err := b.tp.opalDrive().Login(a, p)
			if err == nil {
				l.Close()
			}
			return err == nil, isLockedOut(err)
		}
		s, err := b.d.Authenticate(a, p)
		if err == nil {
			s.Close()
		}
		return err == nil, isLockedOut(err)
	}})
}

func isLockedOut(err error) bool { return statusOf(err) == spec.AuthorityLockedOut }

// TestTheTryLimitHoldsOverAllDoors: guesses count together, whichever door they come to, and the right PIN is refused
// at every one of them once they are used up, also after a power cycle; nobody else is locked out.
func TestTheTryLimitHoldsOverAllDoors(t *testing.T) {
	for name, c := range map[string]struct {
		make  func() *bench
		sp    spec.UID
		who   spec.UID
		a     drive.Authority
		other spec.UID
	}{
		"Enterprise": {func() *bench { return newBench(t, nil) }, spec.EnterpriseLockingSP, spec.BandMaster(1), drive.BandMaster(1), spec.BandMaster(2)},
		"Opal": {func() *bench {
			b := newOpalBench(t)
			b.own()
			require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
			require.Equal(t, spec.Success, b.oset(spec.User(2), col(5, token.U(1))))
			require.Equal(t, spec.Success, b.oset(spec.CPINUser(2), col(3, token.B(b.msid()))))
			require.Equal(t, spec.Success, b.oset(spec.User(3), col(5, token.U(1))))
			require.Equal(t, spec.Success, b.oset(spec.CPINUser(3), col(3, token.B(b.msid()))))
			b.end()
			return b
		}, spec.OpalLockingSP, spec.User(2), drive.User(2), spec.User(3)},
	} {
		t.Run(name, func(t *testing.T) {
			doors := len(c.make().doors(c.sp, c.who, c.a))
			require.Equal(t, 5, doors)
			for first := range doors {
				b := c.make()
				all := b.doors(c.sp, c.who, c.a)
				for i := range 5 {
					d := all[(first+i)%doors]
					right, out := d.try(pin(9))
					require.False(t, right, "%s", d.name)
					require.False(t, out, "guess %d of 5, %s", i+1, d.name)
				}
				for _, d := range all {
					right, out := d.try(b.msid())
					require.False(t, right, "the right PIN, %s", d.name)
					require.True(t, out, "the tries are used up, %s", d.name)
				}
				b.com = b.tp.pers.baseComID
				b.cycle()
				for _, d := range b.doors(c.sp, c.who, c.a) {
					_, out := d.try(b.msid())
					require.True(t, out, "after a power cycle, %s", d.name)
				}
				for _, d := range b.doors(c.sp, c.other, 0)[:1] {
					right, _ := d.try(b.msid())
					require.True(t, right, "another authority")
				}
			}
		})
	}
}
