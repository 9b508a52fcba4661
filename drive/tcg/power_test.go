package tcg

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// step is a method that changes the drive, and the session that it needs.
type step struct {
	what    string
	sp, who spec.UID
	streams [][]byte
}

func setStream(o spec.UID, cells ...token.Value) []byte {
	return call(o, spec.EnterpriseSet, token.L(), token.L(token.L(cells...)))
}

func steps() []step {
	locking := spec.EnterpriseLockingSP
	place := setStream(spec.Band(1), cell("RangeStart", token.U(8)), cell("RangeLength", token.U(8)), cell("ReadLockEnabled", token.U(1)), cell("WriteLockEnabled", token.U(1)))
	own := setStream(spec.CPINBandMaster(1), cell("PIN", token.B(pin(3))))
	return []step{
		{"Set C_PIN_SID", spec.AdminSP, spec.SID, [][]byte{setStream(spec.CPINSID, cell("PIN", token.B(pin(3))))}},
		{"Set C_PIN_BandMaster1", locking, spec.BandMaster(1), [][]byte{own}},
		{"Set C_PIN_EraseMaster", locking, spec.EraseMaster, [][]byte{setStream(spec.CPINEraseMaster, cell("PIN", token.B(pin(3))))}},
		{"Set a band", locking, spec.BandMaster(1), [][]byte{place}},
		{"Set LockOnReset", locking, spec.BandMaster(1), [][]byte{setStream(spec.Band(1), cell("LockOnReset", token.L()))}},
		{"Set Enabled", locking, spec.EraseMaster, [][]byte{setStream(spec.BandMaster(1), cell("Enabled", token.U(0)))}},
		{"Set Makers", spec.AdminSP, spec.SID, [][]byte{setStream(spec.Makers, cell("Enabled", token.U(0)))}},
		{"GenKey", locking, spec.BandMaster(1), [][]byte{call(spec.BandKey(1), spec.GenKey)}},
		{"Erase", locking, spec.EraseMaster, [][]byte{call(spec.Band(0), spec.Erase)}},
		{"Revert", spec.AdminSP, spec.PSID, [][]byte{call(spec.AdminSP, spec.Revert)}},
		{"a transaction", locking, spec.BandMaster(1), [][]byte{{0xFB, 0}, own, place, call(spec.BandKey(1), spec.GenKey), {0xFC, 0}}},
		{"a transaction of the EraseMaster", locking, spec.EraseMaster, [][]byte{
			{0xFB, 0}, call(spec.Band(0), spec.Erase), call(spec.Band(2), spec.Erase), setStream(spec.BandMaster(1), cell("Enabled", token.U(0))), {0xFC, 0},
		}},
	}
}

// openBand makes a drive on which band 0 has an owner, and opens the session of a step.
func openBand(t *testing.T, s *step) *bench {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(0), b.msid()))
	require.Equal(t, spec.Success, b.set(spec.CPINBandMaster(0), cell("PIN", token.B(pin(1)))))
	b.end()
	proof := b.msid()
	if s.who == spec.PSID {
		proof = b.label.PSID.Bytes()
	}
	require.Equal(t, spec.Success, b.as(s.sp, s.who, proof))
	return b
}

// play sends the streams of a step, and says whether the drive still has power.
func (s *step) play(b *bench) bool {
	for _, stream := range s.streams {
		err := b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, stream))
		if errors.Is(err, transport.NoPower) {
			return false
		}
		require.NoError(b.t, err, s.what)
		_, _, answer := b.receive()
		if len(answer) > 2 {
			_, st := b.parse(answer)
			require.Equal(b.t, spec.Success, st, s.what)
		}
	}
	return true
}

// digest is what a drive holds, as far as hosts see it, counts of tries aside.
func (b *bench) digest() string {
	if b.opal {
		return b.opalDigest()
	}
	text := fmt.Sprintf("%v %d", b.d.Status().State, b.d.Status().KeyGeneration)
	for n := range 3 {
		r, err := b.d.Range(n)
		require.NoError(b.t, err)
		on, err := b.d.Enabled(drive.BandMaster(n))
		require.NoError(b.t, err)
		text += fmt.Sprintf("; %+v %v", r, on)
	}
	makers, _ := b.d.Enabled(drive.Makers)
	sid, _ := b.d.AtMSID(drive.SID)
	erase, _ := b.d.AtMSID(drive.EraseMaster)
	return text + fmt.Sprint("; ", makers, sid, erase)
}

// arm cuts the power at an operation of the flash.
func (b *bench) arm(phase string, k int) {
	p, err := fault.Parse(fmt.Sprintf("(flash.power.%s (OnIndex %d))", phase, k))
	require.NoError(b.t, err)
	b.flash.Arm(p)
}

// In every method the power goes at each operation of the flash, and again at each one of the power-on
// behind it. Afterwards the drive holds what it held before, or what the method makes, and no session.
func TestPowerLossInEveryMethod(t *testing.T) {
	sweep(t, steps(), openBand)
}

// sweep plays steps on drives that open makes.
func sweep(t *testing.T, steps []step, open func(*testing.T, *step) *bench) {
	for _, s := range steps {
		t.Run(s.what, func(t *testing.T) {
			t.Parallel()
			b := open(t, &s)
			b.end()
			b.cycle()
			before := b.digest()
			b = open(t, &s)
			require.True(t, s.play(b))
			b.cycle()
			after := b.digest()
			require.NotEqual(t, before, after)

			seen := map[string]bool{}
			phases := []string{"torn", "after", "before"}
			if testing.Short() {
				phases = phases[:2]
			}
			for _, phase := range phases {
				for k, more := 0, true; more; k++ {
					for again := -1; ; again++ {
						b := open(t, &s)
						b.arm(phase, k)
						if s.play(b) {
							more = false
							break
						}
						b.flash.Disarm()
						if again >= 0 {
							b.arm(phase, again)
						}
						err := b.d.PowerOn()
						b.flash.Disarm()
						if err != nil {
							require.ErrorIs(t, err, drive.PowerLost)
							require.NoError(t, b.d.PowerOn())
						}
						got := b.digest()
						require.Contains(t, []string{before, after}, got, "%s, cut %s %d, again %d", s.what, phase, k, again)
						seen[got] = true
						require.Nil(t, b.say(call(spec.ThisSP, spec.Random, token.U(1))), "the session is over")
						if again >= 0 && err == nil || testing.Short() {
							break
						}
					}
				}
			}
			require.Len(t, seen, 2, "some cut left the old state, and some the new one")
		})
	}
}
