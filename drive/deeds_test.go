package drive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/leftover/leftovertest"
)

// The net: everything that changes a drive, asked of it while one thing breaks, at
// every place where it can break. What was before is in force afterwards, or what
// would have been without the fault, and the drive says which.

// deed is something that changes a drive.
type deed struct {
	name  string
	rots  bool // the record in force has rotted, and nothing of it may be left
	tries bool // it counts a try first
	opal  bool // of an Opal drive
	// begin prepares a drive and gives the deed.
	begin func(b *bench) func() error
}

// bench is a drive for the deed.
func (d *deed) bench(t *testing.T) *bench {
	t.Helper()
	if d.opal {
		return newOpal(t, nil).bench
	}
	return newBench(t, nil)
}

// asked is a deed of an open session.
func asked(a Authority, pin func(*bench) PIN, do func(Session) error) func(*bench) func() error {
	return func(b *bench) func() error {
		s := b.auth(a, pin(b))
		return func() error { return do(s) }
	}
}

// after lets something happen first.
func after(first func(*bench), begin func(*bench) func() error) func(*bench) func() error {
	return func(b *bench) func() error {
		first(b)
		return begin(b)
	}
}

func msid(b *bench) PIN           { return b.label.MSID }
func own(c byte) func(*bench) PIN { return func(*bench) PIN { return credential(c) } }

// owned is a drive of which the global range and range 1 have credentials (1 and 9)
// and range 2 has none.
func owned(b *bench) {
	require.NoError(b.t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.NoError(b.t, b.as(BandMaster(1), b.label.MSID, func(s Session) error {
		if err := s.SetRange(RangeConfig{Start: 1000, Length: 1000, LockOnReset: OnPowerCycle}); err != nil {
			return err
		}
		return s.Migrate(credential(9))
	}))
}

func disabled(b *bench) {
	owned(b)
	require.NoError(b.t, b.as(EraseMaster, b.label.MSID, applies(Enabled{BandMaster(1), false})))
}

func locked(b *bench) {
	owned(b)
	b.cycle()
}

// stale is a degraded drive: the new credential 2 of the global range is in force, and
// the block with the wrap for the old one could not be destroyed.
func stale(b *bench) {
	owned(b)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(b.t, b.as(BandMaster(0), credential(1), func(s Session) error { return s.SetPIN(credential(2)) }), Degraded)
	b.flash.Disarm()
}

// lost is a drive that finds no record.
func lost(b *bench) {
	owned(b)
	b.PowerOff()
	b.arm("(flash.read.rot (Programmed))")
	require.NoError(b.t, b.PowerOn())
	b.flash.Disarm()
}

func setPIN(c byte) func(Session) error {
	return func(s Session) error { return s.SetPIN(credential(c)) }
}

func migrate(c byte) func(Session) error {
	return func(s Session) error { return s.Migrate(credential(c)) }
}

func setRange(c RangeConfig) func(Session) error {
	return func(s Session) error { return s.SetRange(c) }
}

func setLocks(read, write bool) func(Session) error {
	return func(s Session) error { return s.SetLocks(read, write) }
}

func revert(b *bench) func() error { return func() error { return b.RevertPSID(b.label.PSID) } }

func applied(batch Batch) func(Session) error {
	return func(s Session) error { return s.(BatchSession).Apply(batch) }
}

// keepsLocks is the configuration of a range whose locks outlive power.
var keepsLocks = RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}

// deeds draw nothing once they have written.
func deeds() []deed {
	return []deed{
		{name: "SID sets its PIN", begin: asked(SID, msid, setPIN(3))},
		{name: "EraseMaster sets a short PIN", begin: asked(EraseMaster, msid, func(s Session) error {
			pin, err := NewPIN([]byte("short"))
			if err != nil {
				return err
			}
			return s.SetPIN(pin)
		})},
		{name: "EraseMaster disables a BandMaster", begin: after(owned, asked(EraseMaster, msid, applies(Enabled{BandMaster(1), false})))},
		{name: "EraseMaster enables a BandMaster", begin: after(disabled, asked(EraseMaster, msid, applies(Enabled{BandMaster(1), true})))},
		{name: "EraseMaster erases the band of a disabled BandMaster", begin: after(disabled, asked(EraseMaster, msid, func(s Session) error { return s.Erase(1) }))},
		{name: "BandMaster leaves MSID by a PIN", begin: asked(BandMaster(0), msid, setPIN(3))},
		{name: "BandMaster leaves MSID by migration", begin: asked(BandMaster(0), msid, migrate(3))},
		{name: "BandMaster changes its PIN", begin: after(owned, asked(BandMaster(0), own(1), setPIN(3)))},
		{name: "BandMaster migrates again", begin: after(owned, asked(BandMaster(0), own(1), migrate(3)))},
		{name: "BandMaster of a locked range migrates again", begin: after(locked, asked(BandMaster(1), own(9), migrate(3)))},
		{name: "a new key for an open range", begin: asked(BandMaster(0), msid, Session.GenKey)},
		{name: "a new key for a locked range", begin: after(locked, asked(BandMaster(1), own(9), Session.GenKey))},
		{name: "locks are enabled", begin: asked(BandMaster(0), msid, setRange(RangeConfig{ReadLockEnabled: true, LockOnReset: OnPowerCycle}))},
		{name: "a range gets its place", begin: asked(BandMaster(1), msid, setRange(RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle}))},
		{name: "a lock that outlives power", begin: func(b *bench) func() error {
			s := b.auth(BandMaster(0), b.label.MSID)
			require.NoError(b.t, s.SetRange(keepsLocks))
			return func() error { return s.SetLocks(true, true) }
		}},
		{name: "a batch of a BandMaster", begin: asked(BandMaster(1), msid, applied(Batch{
			PIN: credential(3), Range: &RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, LockOnReset: OnPowerCycle}, Locks: &Locks{Read: true}, GenKey: true,
		}))},
		{name: "a batch of locks that outlive power", begin: func(b *bench) func() error {
			s := b.auth(BandMaster(0), b.label.MSID)
			require.NoError(b.t, s.SetRange(keepsLocks))
			require.NoError(b.t, s.SetLocks(true, false))
			return func() error { return applied(Batch{Locks: &Locks{Read: true, Write: true}})(s) }
		}},
		{name: "a batch of the EraseMaster", begin: after(owned, asked(EraseMaster, msid, applied(Batch{
			PIN: credential(3), Erase: []int{1, 0}, Enabled: []Enabled{{Who: BandMaster(2)}},
		})))},
		{name: "a batch of the EraseMaster for one range", begin: after(owned, asked(EraseMaster, msid, applied(Batch{Erase: []int{0}})))},
		{name: "a batch that disables", begin: asked(SID, msid, applied(Batch{Enabled: []Enabled{{Who: Makers}}}))},
		{name: "a batch unlocks a locked range", begin: after(locked, asked(BandMaster(1), own(9), applied(Batch{Locks: &Locks{}})))},
		{name: "a batch for a locked range", begin: after(locked, asked(BandMaster(1), own(9), applied(Batch{PIN: credential(3), GenKey: true})))},
		{name: "a batch locks a range", begin: after(owned, asked(BandMaster(1), own(9), applied(Batch{Locks: &Locks{Read: true, Write: true}})))},
		{name: "a batch of SID", begin: asked(SID, msid, applied(Batch{PIN: credential(3), Enabled: []Enabled{{Who: Makers}}}))},
		{name: "it is unlocked", begin: func(b *bench) func() error {
			s := b.auth(BandMaster(0), b.label.MSID)
			require.NoError(b.t, s.SetRange(keepsLocks))
			require.NoError(b.t, s.SetLocks(true, true))
			return s.Unlock
		}},
		{name: "a locked range is unlocked", begin: after(locked, asked(BandMaster(1), own(9), Session.Unlock))},
		{name: "an open range is locked", begin: after(owned, asked(BandMaster(1), own(9), setLocks(true, true)))},
		{name: "one range is erased", begin: after(owned, asked(EraseMaster, msid, func(s Session) error { return s.Erase(0) }))},
		{name: "the last range is erased", begin: asked(EraseMaster, msid, func(s Session) error { return s.Erase(2) })},
		{name: "everything is erased", begin: after(locked, asked(EraseMaster, msid, Session.EraseAll))},
		{name: "a revert", tries: true, begin: after(owned, revert)},
		{name: "a revert in a session of the PSID", tries: true, begin: after(owned, func(b *bench) func() error {
			return func() error {
				s, err := b.AuthenticatePSID(b.label.PSID)
				if err != nil {
					return err
				}
				defer s.Close()
				return s.Revert()
			}
		})},
		{name: "a revert without a record", begin: after(lost, revert)},
		{name: "a restore", begin: after(stale, asked(BandMaster(0), own(2), Session.Restore))},
		{name: "an erase of one range of a degraded drive", begin: after(stale, asked(EraseMaster, msid, func(s Session) error { return s.Erase(0) }))},
		{name: "an erase of a degraded drive", begin: after(stale, asked(EraseMaster, msid, Session.EraseAll))},
		{name: "a self test of a rotten record", rots: true, begin: func(b *bench) func() error {
			owned(b)
			require.NoError(b.t, b.flash.Decay(b.store.active, b.store.at, 77))
			return b.SelfTest
		}},
		{name: "a session, and the block is full", begin: func(b *bench) func() error {
			for b.store.next < b.store.geo.PagesPerBlock {
				require.NoError(b.t, b.note("fill"))
			}
			return func() error { return b.as(SID, b.label.MSID, func(Session) error { return nil }) }
		}},
		{name: "a session", begin: after(owned, func(b *bench) func() error {
			return func() error { return b.as(BandMaster(0), credential(1), func(Session) error { return nil }) }
		})},
	}
}

// substance is what a record says without what counts: tries, key records, blocks.
func substance(r *record) string {
	c := r.clone()
	c.generation, c.keygen, c.psidTries, c.doubt = 0, 0, 0, false
	for i := range c.slots {
		c.slots[i].tries = 0
	}
	return string(c.encode(nil))
}

// inAnyState is substance without the state.
func inAnyState(r *record) string {
	c := r.clone()
	c.state = Erased
	return substance(&c)
}

// swept is a deed under a fault.
type swept struct {
	*bench
	keys          *ledger
	before, after record
	was           State
	rots          bool
	do            func() error
}

// unbroken is the record that a deed leaves where nothing breaks.
func (d *deed) unbroken(t *testing.T) record {
	t.Helper()
	b := d.bench(t)
	do := d.begin(b)
	b.drawing(-1, nil)
	require.NoError(t, do(), "%s, and nothing breaks", d.name)
	rec := b.rec.clone()
	b.cycle()
	require.Equal(t, substance(&rec), substance(&b.rec), "%s: a power cycle changes nothing", d.name)
	return rec
}

// sweep prepares a deed on a drive.
func (d *deed) sweep(t *testing.T, unbroken record) *swept {
	t.Helper()
	s := &swept{bench: d.bench(t), after: unbroken, rots: d.rots}
	s.keys = watchKeys(t)
	s.do = d.begin(s.bench)
	s.drawing(-1, s.keys)
	s.before, s.was = s.rec.clone(), s.state()
	return s
}

// pages is the flash as a thief sees it.
func (b *bench) pages() (all []string) {
	for _, p := range b.Dump().Flash {
		all = append(all, fmt.Sprint(p.Block, p.Page, p.Data))
	}
	return all
}

func TestNoDeedGoesOnWithoutEntropy(t *testing.T) {
	drawn := 0
	for _, d := range append(deeds(), opalDeeds()...) {
		unbroken := d.unbroken(t)
		for k := 0; ; k++ {
			s := d.sweep(t, unbroken)
			was, flashed := s.Status(), s.pages()
			source := s.drawing(k, s.keys)
			err := s.do()
			if !source.fired() {
				require.NoError(t, err, d.name)
				break
			}
			drawn++
			require.ErrorIs(t, err, EntropyFailure, "%s, draw %d", d.name, k)
			require.ErrorContains(t, err, errDead.Error(), "%s, draw %d", d.name, k)
			require.Zero(t, s.keys.left(s.Drive), "%s, draw %d: keys that nobody uses are left in RAM", d.name, k)
			require.Equal(t, was, s.Status(), d.name)
			if !d.tries {
				require.Equal(t, flashed, s.pages(), "%s, draw %d: the flash has changed", d.name, k)
			}
			s.drawing(-1, s.keys)
			require.NoError(t, s.do(), "%s: it is possible once the source works", d.name)
			require.Zero(t, s.keys.left(s.Drive), "%s: keys are left", d.name)
		}
	}
	require.Greater(t, drawn, 40, "most deeds draw something")
}

// faults are what breaks, with a place for the number of the operation.
var faults = []string{
	"(flash.program.torn (OnIndex %d))",
	"(flash.program.refused (After %d))",
	"(flash.read.error (After %d))",
	"(flash.erase.torn (OnIndex %d))",
	"(flash.zero.refused (OnIndex %d)) (flash.erase.refused)",
	"(flash.zero.refused (After %d)) (flash.erase.torn)",
	"(flash.power.torn (OnIndex %d))",
	"(flash.power.torn (OnIndex %d)) (flash.erase.refused) (flash.zero.refused)",
	"(flash.power.after (OnIndex %d))",
}

func TestEveryDeedIsWholeOrNotAtAll(t *testing.T) {
	seen := map[string]int{}
	for _, d := range append(deeds(), opalDeeds()...) {
		unbroken := d.unbroken(t)
		for _, plan := range faults {
			for k := 0; ; k++ {
				s := d.sweep(t, unbroken)
				p := s.armUnchecked(fmt.Sprintf(plan, k))
				err := s.do()
				fired := 0
				for _, f := range p.Fired() {
					if f.Point == fault.MustParse(fmt.Sprintf(plan, k)).Points()[0] {
						fired++
					}
				}
				seen[s.judge(t, fmt.Sprintf("%s under "+plan, d.name, k), err)]++
				if fired == 0 {
					break
				}
			}
		}
	}
	for _, how := range []string{"done", "not done", "half done"} {
		require.Positive(t, seen[how], "%s: %v", how, seen)
	}
}

// judge looks at a drive after a deed, and again when it is healed and was without
// power. It says how the deed came out.
func (s *swept) judge(t *testing.T, what string, err error) string {
	t.Helper()
	require.Zero(t, s.keys.left(s.Drive), "%s: keys are left in RAM after %v", what, err)
	before, after := inAnyState(&s.before), inAnyState(&s.after)
	now := inAnyState(&s.rec)
	switch {
	case err == nil:
		require.Equal(t, substance(&s.after), substance(&s.rec), "%s: done", what)
	case errors.Is(err, PowerLost):
		require.False(t, s.Status().Powered, what)
	case errors.Is(err, Degraded):
		require.Equal(t, SecurityDegraded, s.Status().State, what)
		require.Contains(t, []string{before, after}, now, "%s: %v", what, err)
	default:
		require.ErrorIs(t, err, HardwareFailure, what)
		require.Equal(t, substance(&s.before), substance(&s.rec), "%s: %v", what, err)
		require.Equal(t, s.was, s.state(), "%s: the machine took the event back", what)
	}
	s.flash.Disarm()
	s.cycle()
	require.Zero(t, s.keys.left(s.Drive), "%s: keys are left in RAM after a power cycle", what)
	if !s.trusted {
		require.True(t, s.rots || len(s.before.slots) == 0, "%s: the record is lost", what)
		require.Error(t, err, what)
		return "not done"
	}
	s.whole(t, what)
	then := inAnyState(&s.rec)
	if err == nil {
		require.Equal(t, substance(&s.after), substance(&s.rec), "%s: done, and a power cycle undoes it", what)
		return "done"
	}
	require.Contains(t, []string{before, after}, then, "%s: neither what was nor what should be", what)
	if !errors.Is(err, PowerLost) {
		require.Equal(t, now, then, "%s: a power cycle changes which record is in force", what)
	}
	if s.Status().State == SecurityDegraded && s.before.state != SecurityDegraded {
		require.ErrorIs(t, err, Degraded, "%s: degraded once everything is healed", what)
	}
	if then == before {
		return "not done"
	}
	return "half done"
}

// whole says that nothing in the flash of a drive that is healed could open what the
// record in force does not.
func (b *bench) whole(t *testing.T, what string) {
	t.Helper()
	require.False(t, b.rec.doubt, what)
	for _, p := range b.Dump().Flash {
		if constant(p.Data, 0) {
			continue
		}
		require.Equal(t, b.store.active, p.Block, "%s: page %d of block %d was to be destroyed", what, p.Page, p.Block)
		if r, err := parseVersion(p.Data, b.store.version); err == nil {
			require.True(t, r.sameKeys(&b.rec), "%s: page %d of block %d has other keys", what, p.Page, p.Block)
		}
	}
}

func TestManufactureWithoutEntropyMakesNoDrive(t *testing.T) {
	for k := 0; ; k++ {
		chip := flash.NewMem(flash.DefaultGeometry)
		keys := watchKeys(t)
		source := &draws{Reader: forget(), fail: k, ledger: keys}
		d, err := build(testConfig(), Parts{Flash: chip, Media: NewMemMedia(512), Entropy: source})
		require.NoError(t, err)
		d.entropy = source // without the check that would fail for ever after
		var label Label
		err = d.manufacture(&label)
		if !source.fired() {
			require.NoError(t, err)
			require.Zero(t, keys.left(d))
			require.Greater(t, k, 10, "a drive needs some keys")
			return
		}
		require.ErrorIs(t, err, EntropyFailure, "draw %d", k)
		require.ErrorContains(t, err, "manufacture")
		require.Zero(t, label.MSID.Len()+label.PSID.Len(), "draw %d: its PINs are left in RAM", k)
		require.Empty(t, chip.Dump(), "draw %d: the flash is blank", k)
		require.Zero(t, keys.left(nil), "draw %d: keys are left in RAM", k)
		require.Zero(t, d.fuses.MSID.Len())
	}
}

func forget() *leftovertest.Stream {
	f := leftovertest.Stream(77)
	return &f
}
