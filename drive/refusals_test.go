package drive

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// What a drive refuses: with the right code, in words that say what would be right,
// and with nothing changed.

// methods are what a session can be asked.
func methods() map[string]func(Session) error {
	return map[string]func(Session) error{
		"set pin": setPIN(3), "migrate": migrate(3), "genkey": Session.GenKey, "erase": func(s Session) error { return s.Erase(0) },
		"erase all": Session.EraseAll, "restore": Session.Restore, "set range": setRange(RangeConfig{}), "set locks": Session.Unlock,
	}
}

// questions are what a drive can be asked without a session.
func questions(b *bench) map[string]func() error {
	return map[string]func() error{
		"read":         func() error { return b.Read(0, make([]byte, 512)) },
		"write":        func() error { return b.Write(0, sectors(1, 1)) },
		"authenticate": func() error { _, err := b.Authenticate(SID, b.label.MSID); return err },
		"self test":    b.SelfTest,
		"reset":        func() error { return b.Reset(HardwareReset) },
		"revert psid":  func() error { return b.RevertPSID(b.label.PSID) },
		"msid":         func() error { _, err := b.MSID(); return err },
		"at msid": func() error {
			at, err := b.AtMSID(SID)
			require.Equal(b.t, err == nil, at)
			return err
		},
		"tries":        func() error { _, _, err := b.Tries(SID); return err },
		"psid tries":   func() error { _, _, err := b.Tries(PSID); return err },
		"key map":      func() error { _, err := b.KeyMap(); return err },
		"range":        func() error { _, err := b.Range(0); return err },
		"locking info": func() error { _, err := b.LockingInfo(); return err },
		"attest":       func() error { _, err := b.Attest([ChallengeSize]byte{}); return err },
		"identity":     func() error { _, err := b.Identity(); return err },
	}
}

// refused is a status of that code and method, and in one line.
func refused(t *testing.T, err error, code Code, op string, says ...string) {
	t.Helper()
	require.ErrorIs(t, err, code, op)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, strings.TrimPrefix(op, "psid "), status.Op)
	require.NotContains(t, err.Error(), "\n")
	for _, s := range says {
		require.ErrorContains(t, err, s, op)
	}
}

func TestNothingIsAnsweredWithoutPower(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	require.NoError(t, s.Migrate(credential(1)))
	b.PowerOff()
	require.False(t, b.Status().Powered)
	require.Equal(t, Configured, b.Status().State, "the state when it was last on")
	require.ErrorIs(t, b.flash.Read(0, 0, make([]byte, 4096)), flash.ErrPowerLost, "the chip has no power either")
	b.PowerOff()
	was := b.pages()
	for op, ask := range questions(b) {
		refused(t, ask(), NoPower, op, "the drive is off")
	}
	for op, ask := range methods() {
		refused(t, ask(s), NoPower, op)
	}
	require.Equal(t, "T0001", b.Serial())
	require.Equal(t, testConfig(), b.Config())
	require.Equal(t, was, b.pages())
	require.NoError(t, b.PowerOn())
	for op, ask := range methods() {
		refused(t, ask(s), NoSession, op, "authenticate again")
	}
}

func TestPowerOnOfAPoweredDriveDoesNothing(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	require.NoError(t, b.PowerOn())
	require.NoError(t, s.GenKey(), "the session goes on")
	require.NoError(t, s.Migrate(credential(1)))
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.PowerOn())
	b.mustRead(0, sectors(1, 1), "nothing is locked")
}

func TestAnEndedSessionIsRefused(t *testing.T) {
	b := newBench(t, nil)
	for name, end := range map[string]func(Session){
		"closed": Session.Close,
		"reset":  func(Session) { require.NoError(t, b.Reset(HotPlugReset)) },
		"replaced": func(s Session) {
			s.Close()
			b.auth(SID, b.label.MSID)
		},
	} {
		if b.session != nil {
			b.session.Close()
		}
		s := b.auth(BandMaster(0), b.label.MSID)
		end(s)
		for op, ask := range methods() {
			refused(t, ask(s), NoSession, op)
		}
		open := b.session
		s.Close()
		require.Equal(t, open, b.session, "%s: to close it again ends nobody else's", name)
	}
}

// TestWhoMayDoWhat: each method of every authority.
func TestWhoMayDoWhat(t *testing.T) {
	may := map[Authority]string{
		SID: "set pin", EraseMaster: "set pin, erase, erase all", BandMaster(0): "set pin, migrate, genkey, set range, set locks",
		BandMaster(1): "set pin, migrate, genkey, set range",
	}
	for a, list := range may {
		for op, ask := range methods() {
			b := newBench(t, nil)
			s := b.auth(a, b.label.MSID)
			was := b.pages()
			err := ask(s)
			switch {
			case strings.Contains(", "+list+",", ", "+op+","):
				require.NoError(t, err, "%v, %s", a, op)
				continue
			case op == "restore" && a&0xFF00 == bandMaster:
				refused(t, err, InvalidState, op)
			case op == "set locks" && a == BandMaster(1):
				refused(t, err, InvalidParameter, op, "range 1 has no place")
			default:
				refused(t, err, NotAuthorized, op, a.String())
			}
			require.Equal(t, was, b.pages(), "%v, %s: nothing is written", a, op)
		}
	}
}

// TestADegradedDriveRefuses what could lose data or mix keys.
func TestADegradedDriveRefuses(t *testing.T) {
	b := newBench(t, nil)
	stale(b)
	for op, ask := range map[string]func(Session) error{
		"set locks": Session.Unlock, "set range": setRange(RangeConfig{}), "genkey": Session.GenKey,
	} {
		refused(t, b.as(BandMaster(0), credential(2), ask), Degraded, op)
		refused(t, b.as(BandMaster(1), credential(9), ask), Degraded, op)
	}
	source := b.drawing(-1, nil)
	refused(t, b.as(BandMaster(0), credential(2), migrate(3)), InvalidState, "migrate", "rekey", "SecurityDegraded")
	refused(t, b.as(BandMaster(0), credential(2), setPIN(3)), InvalidState, "set pin")
	require.Zero(t, source.n, "no key is drawn for nothing")
	refused(t, b.as(SID, b.label.MSID, setPIN(3)), Degraded, "set pin")
	refused(t, b.as(EraseMaster, b.label.MSID, setPIN(3)), Degraded, "set pin")
	refused(t, b.as(BandMaster(2), b.label.MSID, Session.Restore), InvalidState, "restore", "erase again")
	refused(t, b.Read(0, make([]byte, 512)), Degraded, "read")
	refused(t, b.Write(0, sectors(1, 1)), Degraded, "write")
	require.NoError(t, b.Reset(HardwareReset))
	for n := range 2 {
		r, err := b.Range(n)
		require.NoError(t, err)
		require.True(t, r.ReadLocked && r.WriteLocked, "range %d shows that no data moves", n)
	}
	require.True(t, b.Status().Locked)
	k, err := b.KeyMap()
	require.NoError(t, err)
	for _, r := range k.Ranges {
		require.False(t, r.InRAM)
	}
	require.NoError(t, b.as(BandMaster(0), credential(2), Session.Restore))
	require.Equal(t, Configured, b.Status().State)
	k, err = b.KeyMap()
	require.NoError(t, err)
	require.True(t, k.Ranges[2].InRAM, "the range that is open to all is usable at once")
	refused(t, b.as(BandMaster(0), credential(2), Session.Restore), InvalidState, "restore", "not possible in the state Configured")
}

// TestADriveWithoutARecordAnswers what needs none.
func TestADriveWithoutARecordAnswers(t *testing.T) {
	b := newBench(t, nil)
	lost(b)
	works := []string{"reset", "revert psid", "msid", "psid tries", "locking info", "attest", "identity"}
	for op, ask := range questions(b) {
		free := false
		for _, w := range works {
			free = free || w == op
		}
		if op != "revert psid" && free {
			require.NoError(t, ask(), op)
		} else if !free {
			refused(t, ask(), Degraded, op, "PSID revert")
		}
	}
	require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	used, limit, err := b.Tries(PSID)
	require.NoError(t, err)
	require.Equal(t, []uint16{1, 5}, []uint16{used, limit})
	b.cycle()
	for range 4 {
		require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	}
	refused(t, b.RevertPSID(b.label.PSID), LockedOut, "revert psid", "5 tries")
}

func TestTriesOfThePSIDAreOnFlash(t *testing.T) {
	b := newBench(t, nil)
	require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	b.cycle()
	require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	used, _, err := b.Tries(PSID)
	require.NoError(t, err)
	require.Equal(t, uint16(2), used)
	b.arm("(flash.program.refused)")
	refused(t, b.RevertPSID(b.label.PSID), HardwareFailure, "revert psid")
	b.flash.Disarm()
	require.NoError(t, b.RevertPSID(b.label.PSID))
	used, _, _ = b.Tries(PSID)
	require.Zero(t, used)
}

// TestCountsEndAtTheirMost: a count that began anew would give every try back.
func TestCountsEndAtTheirMost(t *testing.T) {
	b := newBench(t, func(c *Config) { c.TryLimit = 0 })
	b.rec.slot(SID).tries, b.rec.psidTries = ^uint16(0)-1, ^uint16(0)-1
	for range 3 {
		_, err := b.Authenticate(SID, credential(7))
		require.ErrorIs(t, err, NotAuthorized)
		require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	}
	used, limit, _ := b.Tries(SID)
	require.Equal(t, []uint16{^uint16(0), 0}, []uint16{used, limit})
	used, _, _ = b.Tries(PSID)
	require.Equal(t, ^uint16(0), used)
}

func TestWrongParameters(t *testing.T) {
	b := newBench(t, nil)
	was := b.pages()
	_, err := b.Authenticate(SID, PIN{})
	refused(t, err, InvalidParameter, "authenticate", "1 to 32 bytes")
	for _, a := range []Authority{PSID, Nobody, BandMaster(3)} {
		_, err = b.Authenticate(a, b.label.MSID)
		refused(t, err, InvalidParameter, "authenticate", a.String())
		at, err := b.AtMSID(a)
		require.False(t, at)
		refused(t, err, InvalidParameter, "at msid", a.String())
		if a != PSID {
			_, _, err = b.Tries(a)
			refused(t, err, InvalidParameter, "tries", a.String())
		}
	}
	refused(t, b.RevertPSID(PIN{}), InvalidParameter, "revert psid", "on the label, 32 characters")
	refused(t, b.Reset(0), InvalidParameter, "reset", "no reset kind 0")
	refused(t, b.Reset(HotPlugReset+1), InvalidParameter, "reset", "no reset kind 3")
	for _, n := range []int{-1, 3} {
		_, err = b.Range(n)
		refused(t, err, InvalidParameter, "range", "the last is 2")
	}
	require.Equal(t, was, b.pages(), "nothing is written")
	for _, n := range []int{-1, 3} {
		for _, a := range []Authority{EraseMaster, SID, BandMaster(0)} { // there is nothing to have a right to
			refused(t, b.as(a, b.label.MSID, func(s Session) error { return s.Erase(n) }), InvalidParameter, "erase", "the last is 2")
		}
	}
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(2) }))
	for why, c := range map[string]RangeConfig{
		"unknown members": {LockOnReset: allResets + 1}, "the power cycle": {LockOnReset: OnHardware},
	} {
		refused(t, b.as(BandMaster(1), b.label.MSID, setRange(c)), InvalidParameter, "set range", why)
	}
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(RangeConfig{LockOnReset: allResets})))
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(RangeConfig{Start: 10, Length: 10})))
	for _, c := range []RangeConfig{{Start: 9, Length: 2}, {Start: 19, Length: 1}, {Start: 5, Length: 20}, {Start: 12, Length: 1}, {Start: 10, Length: 10}} {
		refused(t, b.as(BandMaster(2), b.label.MSID, setRange(c)), InvalidParameter, "set range", "overlaps range 1 (sectors 10 to 19)")
	}
	for _, c := range []RangeConfig{{Start: 9, Length: 1}, {Start: 20, Length: 1}, {Start: 1 << 20}, {Start: 15}} {
		require.NoError(t, b.as(BandMaster(2), b.label.MSID, setRange(c)))
	}
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(RangeConfig{Start: 11, Length: 10})), "a range does not overlap itself")
}

// TestARefusalIsTraced, as an event that was tried and did not fire.
func TestARefusalIsTraced(t *testing.T) {
	b := newBench(t, nil)
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, Session.Restore), InvalidState)
	require.Equal(t, TransitionTrace{"T0001", EventRestore, Erased, Erased, true}, b.seen[len(b.seen)-1])
	stale(b)
	require.ErrorIs(t, b.as(BandMaster(0), credential(2), setPIN(3)), InvalidState)
	require.Equal(t, TransitionTrace{"T0001", EventRekey, SecurityDegraded, SecurityDegraded, true}, b.seen[len(b.seen)-1])
	n := len(b.seen)
	require.NoError(t, b.degrade("again"))
	require.Equal(t, []TransitionTrace{{"T0001", EventDegrade, SecurityDegraded, SecurityDegraded, true}}, b.seen[n:])

	// The guard of a key step is asked of the record that would be in force.
	n = len(b.seen)
	was := b.pages()
	next := b.rec.clone()
	refused(t, b.keyStep("step", EventErase, next), InvalidState, "step")
	require.Equal(t, []TransitionTrace{{"T0001", EventErase, SecurityDegraded, SecurityDegraded, true}}, b.seen[n:])
	require.Equal(t, was, b.pages())
	require.Panics(t, func() { b.fire(EventMigrate, b.facts(&b.rec)) }, "what the machine was not asked for")
}

// TestABlankFlashAndAllParts are what a drive is made of.
func TestABlankFlashAndAllParts(t *testing.T) {
	parts := func() Parts {
		return Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(1, "parts")}
	}
	for name, c := range map[string]struct {
		change func(*Config, *Parts)
		says   string
	}{
		"no flash":         {func(_ *Config, p *Parts) { p.Flash = nil }, "a drive needs flash, media and a source of randomness"},
		"no media":         {func(_ *Config, p *Parts) { p.Media = nil }, "a drive needs flash, media and a source of randomness"},
		"no entropy":       {func(_ *Config, p *Parts) { p.Entropy = nil }, "a drive needs flash, media and a source of randomness"},
		"a used flash":     {func(_ *Config, p *Parts) { _ = p.Flash.Program(7, 7, []byte{0xFE}) }, "manufacture of T0001: the flash is not blank"},
		"no serial":        {func(c *Config, _ *Parts) { c.Serial = "" }, `serial "", need 1 to 20`},
		"long serial":      {func(c *Config, _ *Parts) { c.Serial = strings.Repeat("x", 21) }, "need 1 to 20"},
		"serial in UTF-8":  {func(c *Config, _ *Parts) { c.Serial = "é" }, "printable ASCII"},
		"serial with DEL":  {func(c *Config, _ *Parts) { c.Serial = "a\x7f" }, "printable ASCII"},
		"serial with tab":  {func(c *Config, _ *Parts) { c.Serial = "a\x1f" }, "printable ASCII"},
		"long model":       {func(c *Config, _ *Parts) { c.Model = strings.Repeat("x", 41) }, "need at most 40"},
		"model with DEL":   {func(c *Config, _ *Parts) { c.Model = "\x7f" }, "printable ASCII"},
		"sectors":          {func(c *Config, _ *Parts) { c.SectorSize = 1024 }, "sectors of 1024 bytes, need 512 or 4096"},
		"no sectors":       {func(c *Config, _ *Parts) { c.Sectors = 0 }, "0 sectors, need 1 to 2^48"},
		"too many sectors": {func(c *Config, _ *Parts) { c.Sectors = 1<<48 + 1 }, "need 1 to 2^48"},
		"ranges below 0":   {func(c *Config, _ *Parts) { c.Ranges = -1 }, "-1 ranges beside the global one, need 0 to 64"},
		"too many ranges":  {func(c *Config, _ *Parts) { c.Ranges = MaxRanges + 1 }, "need 0 to 64"},
		"a wide grid":      {func(c *Config, _ *Parts) { c.AlignmentGranularity = 1<<32 + 1 }, "need at most 2^32"},
		"off the grid":     {func(c *Config, _ *Parts) { c.AlignmentGranularity, c.LowestAlignedLBA = 8, 8 }, "lowest aligned LBA 8, need one below the alignment granularity 8"},
		"no iterations":    {func(c *Config, _ *Parts) { c.PBKDF2Iterations = 0 }, "0 PBKDF2 iterations, need 1 to 10,000,000"},
		"many iterations":  {func(c *Config, _ *Parts) { c.PBKDF2Iterations = 10_000_001 }, "need 1 to 10,000,000"},
		"a record too long": {func(c *Config, p *Parts) {
			c.Ranges = 2
			p.Flash = flash.NewMem(flash.Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512})
		}, "a record of 3 ranges takes 700 bytes, a flash page has 512"},
	} {
		cfg, p := testConfig(), parts()
		c.change(&cfg, &p)
		d, label, err := Manufacture(cfg, p)
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, "drive:", name)
		require.Nil(t, d)
		require.Equal(t, Label{}, label)
		if name != "a used flash" {
			_, err = Open(&Fuses{Config: cfg}, p)
			require.ErrorContains(t, err, c.says, "%s, opened", name)
		}
	}
	most := Config{
		Serial: strings.Repeat("~", 20), Model: strings.Repeat(" ", 40), SectorSize: 4096, Sectors: 1 << 48, Ranges: MaxRanges,
		TryLimit: 1, PBKDF2Iterations: 1, AlignmentGranularity: 1 << 32, LowestAlignedLBA: 1<<32 - 1,
	}
	p := parts()
	p.Flash = flash.NewMem(flash.Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 16384})
	d, _, err := Manufacture(most, p)
	require.NoError(t, err)
	require.Equal(t, most, d.Config())
	most.PBKDF2Iterations = 10_000_000
	require.NoError(t, most.Validate())
	least := Config{Serial: "s", SectorSize: 512, Sectors: 1, PBKDF2Iterations: 1}
	p = parts()
	p.Flash = flash.NewMem(flash.Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512})
	p.Flash.PowerOff() // a drive that is made is powered
	_, _, err = Manufacture(least, p)
	require.NoError(t, err, "a record of one range is %d bytes", 40+3*64+24+80+4)
	tight := record{slots: make([]slotRecord, 5), ranges: make([]rangeRecord, 3)}
	for n := range tight.ranges {
		tight.ranges[n].wraps = make([]wrapRecord, 1)
	}
	require.Equal(t, 676, tight.size())
}

// TestAManufactureThatIsCutIsFinishedByARevert, at whatever operation of the flash.
func TestAManufactureThatIsCutIsFinishedByARevert(t *testing.T) {
	for _, plan := range []string{"(flash.power.before (OnIndex %d))", "(flash.power.torn (OnIndex %d))", "(flash.power.after (OnIndex %d))", "(flash.program.refused (After %d))"} {
		for k := 0; ; k++ {
			b := &bench{t: t, flash: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry)), media: NewMemMedia(512)}
			p := b.armUnchecked(strings.Replace(plan, "%d", string(rune('0'+k)), 1))
			d, label, err := Manufacture(testConfig(), Parts{Flash: b.flash, Media: b.media, Entropy: entropy.Stream(1, "cut")})
			if len(p.Fired()) == 0 {
				require.NoError(t, err)
				require.Equal(t, Status{Powered: true, State: Erased, KeyGeneration: 1}, d.Status())
				break
			}
			require.True(t, errors.Is(err, PowerLost) || errors.Is(err, HardwareFailure), "%s, %d: %v", plan, k, err)
			require.Equal(t, 64, label.MSID.Len()+label.PSID.Len(), "the label is printed")
			b.flash.Disarm()
			b.Drive = d
			b.cycle()
			require.NoError(t, d.RevertPSID(label.PSID))
			require.Equal(t, Erased, d.Status().State)
			b.whole(t, plan)
			b.label = label
			require.NoError(t, b.as(BandMaster(1), label.MSID, func(Session) error { return nil }))
		}
	}
}
