package remote_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/remote"
)

// reached is what this package makes of a wire.
type reached interface {
	Status() drive.Status
	Config() drive.Config
	MSID() (drive.PIN, error)
	Range(n int) (drive.RangeInfo, error)
	Tries(a drive.Authority) (used, limit uint16, err error)
	Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error)
	RevertPSID(psid drive.PIN) error
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	SelfTest() error
	Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error)
}

// side is one of two drives that are the same, and how it is reached.
type side struct {
	d     *drive.Drive
	flash *flash.Faulty
	label drive.Label
	by    reached
	s     drive.Session // nil: none is open
}

const bands = 2

func newSide(t *testing.T, seed uint64, wire bool) *side {
	t.Helper()
	x := &side{flash: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))}
	c := drive.Config{Serial: "BESIDE", SectorSize: 512, Sectors: 4096, Ranges: bands, TryLimit: 5, Persistent: seed%2 == 0, PBKDF2Iterations: 1}
	var err error
	x.d, x.label, err = drive.Manufacture(c, drive.Parts{Flash: x.flash, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(seed, "drive")})
	require.NoError(t, err)
	require.NoError(t, x.d.PowerOn())
	x.by = x.d
	if wire {
		tp, err := tcg.New(x.d, tcg.Options{Entropy: entropy.Stream(seed, "tper"), Polls: int(seed % 3)})
		require.NoError(t, err)
		x.by = remote.New(tp, remote.Identity{Serial: c.Serial, SectorSize: c.SectorSize, Sectors: c.Sectors}, x.d)
		require.Equal(t, c, x.by.Config())
	}
	return x
}

// codeOf is an error as software tells it from others.
func codeOf(err error) string {
	var st *drive.StatusError
	if errors.As(err, &st) {
		return st.Op + ": " + st.Code.Error()
	}
	return fmt.Sprint(err)
}

// look is all that there is to know of a side without a session.
func (x *side) look() []string {
	var all []string
	add := func(v ...any) { all = append(all, fmt.Sprint(v...)) }
	st := x.by.Status()
	if !st.Powered {
		st = drive.Status{}
	}
	add(st)
	pin, err := x.by.MSID()
	add(pin.Equal(x.msid()), codeOf(err))
	for n := -1; n <= bands+1; n++ {
		i, err := x.by.Range(n)
		add(n, i, codeOf(err))
	}
	for _, a := range append(authorities(), drive.PSID, drive.BandMaster(bands+1), drive.Nobody) {
		used, limit, err := x.by.Tries(a)
		add(a, used, limit, codeOf(err))
	}
	return all
}

func (x *side) msid() drive.PIN {
	f := x.d.Fuses()
	return f.MSID
}

func authorities() []drive.Authority {
	all := []drive.Authority{drive.SID, drive.EraseMaster}
	for n := range bands + 1 {
		all = append(all, drive.BandMaster(n))
	}
	return all
}

// A step is what a host does, with an error, and what it was.
type step struct {
	name string
	do   func(x *side) error
}

// plans are what may break below the drive.
var plans = []string{
	"(flash.power.after (OnIndex %d))", "(flash.power.before (OnIndex %d))", "(flash.power.torn (OnIndex %d))",
	"(flash.program.refused (OnIndex %d))", "(flash.erase.refused (OnIndex %d))",
	"(flash.erase.refused) (flash.zero.refused)", "(flash.program.refused)",
}

func pinOf(t *testing.T, text string) drive.PIN {
	t.Helper()
	p, err := drive.NewPIN([]byte(text))
	require.NoError(t, err)
	return p
}

// draw draws a step; the same numbers give the same step for both sides.
func draw(t *testing.T, r *rand.Rand) step {
	t.Helper()
	pins := []func(x *side) drive.PIN{
		(*side).msid, (*side).msid,
		func(*side) drive.PIN { return pinOf(t, "12345678901234567890123456789012") },
		func(*side) drive.PIN { return pinOf(t, "another PIN of thirty-two bytes!") },
		func(*side) drive.PIN { return pinOf(t, "short") },
		func(*side) drive.PIN { return drive.PIN{} },
	}
	pin := pins[r.IntN(len(pins)-r.IntN(2))]
	who := authorities()[r.IntN(bands+3)]
	n, on, off := r.IntN(bands+2), r.IntN(2) == 0, r.IntN(2) == 0
	c := drive.RangeConfig{ReadLockEnabled: on, WriteLockEnabled: off, LockOnReset: []drive.ResetSet{0, drive.OnPowerCycle, drive.OnPowerCycle | drive.OnHardware, drive.OnHotPlug}[r.IntN(4)]}
	if r.IntN(2) == 0 {
		c.Start, c.Length = uint64(r.IntN(5))*1000, uint64(r.IntN(3))*1000
	}
	switch kind := r.IntN(24); kind {
	case 0, 1, 2, 3, 4, 5:
		return step{fmt.Sprint("authenticate ", who), func(x *side) error {
			proof := pin(x)
			if proof.Len() == 0 && x.s != nil {
				return nil // never sent over a wire, so it is not what the drive would say
			}
			s, err := x.by.Authenticate(who, proof)
			if err == nil {
				x.s = s
			}
			return err
		}}
	case 19:
		return step{"write and read", func(x *side) error {
			b := make([]byte, 512)
			b[0] = byte(n)
			return errors.Join(x.by.Write(uint64(n)*1000, b), x.by.Read(uint64(n)*1000+1, b))
		}}
	case 20:
		return step{"power cycle", func(x *side) error {
			x.d.PowerOff()
			if on && off {
				return nil // it stays off for a while
			}
			return x.d.PowerOn()
		}}
	case 21:
		plan := strings.ReplaceAll(plans[r.IntN(len(plans))], "%d", strconv.Itoa(r.IntN(6)))
		return step{plan, func(x *side) error {
			p, err := fault.Parse(plan)
			x.flash.Arm(p)
			return err
		}}
	case 22:
		return step{"disarm, and self test", func(x *side) error { x.flash.Disarm(); return x.by.SelfTest() }}
	case 23:
		return step{"reset", func(x *side) error { return x.d.Reset(drive.HardwareReset) }}
	default:
		return inSession(kind, n, on, off, c, pin)
	}
}

// in is a step of the session that is open, if one is.
func in(name string, do func(x *side, s drive.Session) error) step {
	return step{name, func(x *side) error {
		if x.s == nil {
			return nil
		}
		return do(x, x.s)
	}}
}

// inSession is a step of a session.
func inSession(kind, n int, on, off bool, c drive.RangeConfig, pin func(*side) drive.PIN) step {
	switch kind {
	case 6:
		return in("set pin", func(x *side, s drive.Session) error { return s.SetPIN(pin(x)) })
	case 7:
		return in("migrate", func(x *side, s drive.Session) error { return s.Migrate(pin(x)) })
	case 8:
		return in("genkey", func(_ *side, s drive.Session) error { return s.GenKey() })
	case 9, 10:
		return in(fmt.Sprint("set range ", c), func(_ *side, s drive.Session) error { return s.SetRange(c) })
	case 11:
		return in("set locks", func(_ *side, s drive.Session) error { return s.SetLocks(on, off) })
	case 12:
		return in(fmt.Sprint("erase ", n), func(_ *side, s drive.Session) error { return s.Erase(n) })
	case 13:
		return in("erase all", func(_ *side, s drive.Session) error { return s.EraseAll() })
	case 14:
		return in("restore", func(_ *side, s drive.Session) error { return s.Restore() })
	case 15, 16:
		return in("close", func(x *side, s drive.Session) error {
			s.Close()
			if on {
				x.s = nil // else the next method is of a session that is over
			}
			return nil
		})
	case 17:
		return in(fmt.Sprint("enable ", n, on), func(_ *side, s drive.Session) error {
			b := drive.Batch{Enabled: []drive.Enabled{{Who: drive.BandMaster(n), On: on}}}
			if off && on {
				b.Erase = []int{0}
			}
			if err := s.(drive.BatchSession).Check(b); err != nil {
				return err
			}
			return s.(drive.BatchSession).Apply(b)
		})
	default:
		return in("batch", func(x *side, s drive.Session) error {
			return s.(drive.BatchSession).Apply(drive.Batch{PIN: pin(x), Range: &c, Locks: &drive.Locks{Read: on, Write: off}, GenKey: on})
		})
	}
}

// twofold says that a degraded drive was asked for what it refuses for two reasons: the methods give the one, and
// the batch that a wire makes gives the other.
func twofold(want, got error) bool {
	either := func(err error) bool {
		return errors.Is(err, drive.Degraded) || errors.Is(err, drive.InvalidParameter) || errors.Is(err, drive.InvalidState)
	}
	return either(want) && either(got)
}

// Whatever is done to two drives that are the same, the one by its methods and the other over the wire, they
// answer the same, say the same of themselves, and have the same in their flash.
func TestTheWireBesideTheMethods(t *testing.T) {
	t.Parallel()
	seeds := uint64(200)
	if testing.Short() {
		seeds = 25
	}
	met := map[string]int{}
	for seed := range seeds {
		direct, wired := newSide(t, seed, false), newSide(t, seed, true)
		r := rand.New(rand.NewPCG(seed, 13))
		var story []string
		for range 60 {
			s := draw(t, r)
			want, got := s.do(direct), s.do(wired)
			story = append(story, s.name+" => "+codeOf(want))
			met[codeOf(want)]++
			if !twofold(want, got) {
				require.Equal(t, codeOf(want), codeOf(got), "seed %d: %q", seed, story)
			}
			require.Equal(t, direct.look(), wired.look(), "seed %d: %q", seed, story)
			require.True(t, reflect.DeepEqual(direct.d.Dump().Flash, wired.d.Dump().Flash), "seed %d, the flash: %q", seed, story)
		}
	}
	if testing.Short() {
		return
	}
	for _, want := range []string{
		"authenticate: not authorized", "authenticate: security provider busy", "authenticate: power lost", "genkey: no power",
		"set pin: no session", "set range: invalid parameter", "set locks: security degraded", "restore: invalid state", "write: locked",
	} {
		require.Positive(t, met[want], "%s", want)
	}
}

// A PSID revert, the identity and what the factory decided are the same over the wire. The revert writes one
// record more: who has proved the PSID in a session may end it without a revert.
func TestRevertAndIdentityOverTheWire(t *testing.T) {
	t.Parallel()
	direct, wired := newSide(t, 2, false), newSide(t, 2, true)
	both := func(do func(x *side) error) string {
		want, got := do(direct), do(wired)
		require.Equal(t, codeOf(want), codeOf(got))
		require.Equal(t, direct.look(), wired.look())
		return codeOf(got)
	}
	challenge := [drive.ChallengeSize]byte{1, 2, 3}
	attest := func(x *side) drive.Attestation {
		a, err := x.by.Attest(challenge)
		require.NoError(t, err)
		require.NoError(t, a.Verify(challenge))
		return a
	}
	require.Equal(t, attest(direct), attest(wired))
	both(func(x *side) error {
		s, err := x.by.Authenticate(drive.BandMaster(1), x.msid())
		require.NoError(t, err)
		defer s.Close()
		return s.SetPIN(pinOf(t, "mine"))
	})
	revert := func(pin func(x *side) drive.PIN) string {
		return both(func(x *side) error { return x.by.RevertPSID(pin(x)) })
	}
	right := func(x *side) drive.PIN { return x.label.PSID }
	wrong := func(*side) drive.PIN { return pinOf(t, "wrong") }
	require.Equal(t, "revert psid: not authorized", revert(wrong))
	require.Equal(t, "revert psid: invalid parameter", revert(func(*side) drive.PIN { return drive.PIN{} }))
	require.Equal(t, drive.Configured, wired.by.Status().State)
	require.Equal(t, "<nil>", revert(right))
	require.Equal(t, drive.Erased, wired.by.Status().State)
	both(func(x *side) error { x.d.PowerOff(); return nil })
	require.Equal(t, "revert psid: no power", revert(right))
	_, err := wired.by.Attest(challenge)
	require.ErrorIs(t, err, drive.NoPower)

	// Without a record that can be trusted there is the PSID, and nothing else.
	both(func(x *side) error {
		require.NoError(t, x.d.PowerOn())
		spoil(t, x.flash)
		x.d.PowerOff()
		return x.d.PowerOn()
	})
	require.Equal(t, drive.SecurityDegraded, wired.by.Status().State)
	require.Equal(t, "authenticate: security degraded", both(func(x *side) error {
		_, err := x.by.Authenticate(drive.SID, x.msid())
		return err
	}))
	revert(wrong)
	require.Equal(t, "<nil>", revert(right))
	require.Equal(t, attest(direct), attest(wired))
}

// spoil erases every block of a flash.
func spoil(t *testing.T, f *flash.Faulty) {
	t.Helper()
	for b := range f.Geometry().Blocks {
		require.NoError(t, f.Erase(b))
	}
}

// What a drive says of itself is not believed blindly: a device that answers nonsense gives an error, and
// nothing panics.
func TestNonsenseOverTheWire(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		x := remote.New(nonsense{r}, remote.Identity{Serial: "X", SectorSize: 512, Sectors: 8}, nil)
		_, err := x.MSID()
		require.Error(t, err)
		_, err = x.Range(0)
		require.Error(t, err)
		_, err = x.Authenticate(drive.SID, pinOf(t, "x"))
		require.Error(t, err)
		_, _, err = x.Tries(drive.SID)
		require.Error(t, err)
		require.Error(t, x.RevertPSID(pinOf(t, "x")))
		require.Equal(t, 8, int(x.Config().Sectors))
		x.Status()
	}
}

// nonsense is a device that answers random bytes.
type nonsense struct{ r *rand.Rand }

func (nonsense) Send(uint8, uint16, []byte) error { return nil }

func (n nonsense) Receive(_ uint8, _ uint16, size int) ([]byte, error) {
	b := make([]byte, n.r.IntN(size))
	for i := range b {
		b[i] = byte(n.r.Uint32())
	}
	return b, nil
}
