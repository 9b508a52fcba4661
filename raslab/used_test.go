package raslab

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Drives that somebody had before, and every way in which they may come into a rank.

func strangerPIN(t testing.TB) drive.PIN {
	t.Helper()
	p, err := drive.NewPIN([]byte("a PIN of somebody else, 32 bytes"))
	require.NoError(t, err)
	return p
}

// usedPart orders a drive with four bands and lets somebody have it for a while.
func usedPart(t testing.TB, l *Lab, c PartConfig, by func(testing.TB, Drive)) *Part {
	t.Helper()
	if c.SectorSize == 0 {
		c.SectorSize = l.options.SectorSize
	}
	if c.Sectors == 0 {
		c.Sectors = l.options.Sectors
	}
	c.Bands = 4
	p, err := l.OrderSpareAs(c)
	require.NoError(t, err)
	require.NoError(t, p.Drive.PowerOn())
	by(t, p.Drive)
	p.Drive.PowerOff()
	return p
}

func withMSID(a drive.Authority, run func(testing.TB, drive.Session)) func(testing.TB, Drive) {
	return func(t testing.TB, d Drive) {
		t.Helper()
		msid, err := d.MSID()
		require.NoError(t, err)
		s, err := d.Authenticate(a, msid)
		require.NoError(t, err)
		defer s.Close()
		run(t, s)
	}
}

func setsRange(band int, c drive.RangeConfig) func(testing.TB, Drive) {
	return withMSID(drive.BandMaster(band), func(t testing.TB, s drive.Session) { require.NoError(t, s.SetRange(c)) })
}

func setsPIN(a drive.Authority) func(testing.TB, Drive) {
	return withMSID(a, func(t testing.TB, s drive.Session) { require.NoError(t, s.SetPIN(strangerPIN(t))) })
}

func guesses(as ...drive.Authority) func(testing.TB, Drive) {
	return func(t testing.TB, d Drive) {
		for range driveTryLimit {
			for _, a := range as {
				_, err := d.Authenticate(a, strangerPIN(t))
				require.Error(t, err)
			}
		}
	}
}

const locks = drive.OnPowerCycle

// usedCase is one such drive, with what happens to it.
type usedCase struct {
	config PartConfig
	by     func(testing.TB, Drive)
	notes  string // of what is put right; "" is nothing
	src    string // of a drive that is refused in a repair
	other  string // and in another action; "" as in a repair, "-" none
	why    string
	state  DriveState
}

var usedCases = map[string]usedCase{
	"BAND2OPEN": {by: setsRange(2, drive.RangeConfig{Start: 8, Length: 65528}), notes: "band 2 covers sectors 8 to 65535: put right"},
	"BAND2MSID": {
		by:    setsRange(2, drive.RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: locks}),
		notes: "band 2 covers sectors 100 to 199: put right",
	},
	"MSIDLOCK": {by: setsRange(0, drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: locks}), notes: "band 0 has a lock and is locked: put right"},
	"RO":       {by: setsRange(0, drive.RangeConfig{WriteLockEnabled: true, LockOnReset: locks}), notes: "band 0 has a lock and is locked for writing: put right"},
	"PTRIES":   {by: guesses(drive.BandMaster(0)), notes: "BandMaster0 has used up its 16 tries: band 0 was erased, which gives them back"},
	"TRIES":    {config: PartConfig{Volatile: true}, by: guesses(drive.BandMaster(0), drive.EraseMaster)}, // its slot had no power
	"HUGE":     {config: PartConfig{Sectors: 1 << 33}, by: func(testing.TB, Drive) {}, notes: "has 8589934592 sectors, of which ranks use 65536"},
	"EMASTER":  {by: setsPIN(drive.EraseMaster), src: "BE3400A3", why: "EraseMaster has somebody's PIN", state: Inappropriate},
	"SIDTAKEN": {by: setsPIN(drive.SID), src: "BE3400A3", why: "SID has somebody's PIN", state: Inappropriate},
	"PETRIES":  {by: guesses(drive.EraseMaster), src: "BE31F004", other: "BE3400A3", why: "EraseMaster has used up its tries, 16 of 16; revert the drive with the PSID from its label", state: Failed},
	"BAND2": {by: withMSID(drive.BandMaster(2), func(t testing.TB, s drive.Session) {
		require.NoError(t, s.Migrate(strangerPIN(t)))
		require.NoError(t, s.SetRange(drive.RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: locks}))
	}), src: "BE3400A3", why: "configured already", state: Inappropriate},
	"BAND2 without sectors": {by: setsPIN(drive.BandMaster(2)), src: "BE3400A3", why: "configured already", state: Inappropriate},
	"FOURK":                 {config: PartConfig{SectorSize: 4096}, by: func(testing.TB, Drive) {}, src: "-", why: "65536 sectors of 4096 bytes, need 65536 of 512", state: Inappropriate},
	"SMALL":                 {config: PartConfig{Sectors: 1000}, by: func(testing.TB, Drive) {}, src: "-", why: "1000 sectors of 512 bytes, need 65536 of 512", state: Inappropriate},
}

// TestUsedDriveInARepair: exchange, resume, copy, and then a thief.
func TestUsedDriveInARepair(t *testing.T) {
	for name, c := range usedCases {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			p := usedPart(t, l, c.config, c.by)
			ok(t, l)(l.StartRepair("R1-I1-D03"))
			ok(t, l)(l.ExchangeFRU("R1-I1-D03", p.Serial()))
			rep, err := l.ResumeRepair("R1-I1-D03")
			require.NoError(t, err)
			if c.src != "" {
				refusedAs(t, l, rep, c.src, c, "R1-I1-D03")
				return
			}
			require.False(t, rep.Failed, history{l})
			noEvents(t, l)
			said(t, l, rep, c)
			advance(t, l, 2*time.Hour)
			normal(t, l, "R1-I1-D03")
			noThief(t, l, "R1-I1-D03")
		})
	}
}

// TestUsedDriveInAnMES: installed, a rank is made, hosts write, power goes, hosts write again.
func TestUsedDriveInAnMES(t *testing.T) {
	for name, c := range usedCases {
		for keygrp := range 2 {
			t.Run(name+[]string{", not encrypted", ", encrypted"}[keygrp], func(t *testing.T) {
				l := newLab(t, Options{Drives: 8})
				ok(t, l)(l.ConfigureGroup(1))
				p := usedPart(t, l, c.config, c.by)
				rep, err := l.InstallMES(MESRequest{Serials: []string{p.Serial()}, AllowErase: name == "PTRIES"})
				require.NoError(t, err)
				if c.src != "" {
					other := c.other
					if other == "" {
						other = c.src
					}
					if c.state == Failed {
						c.state = Inappropriate
					}
					refusedAs(t, l, rep, other, c, "R1-I2-D01")
					return
				}
				require.False(t, rep.Failed, history{l})
				said(t, l, rep, c)
				normal(t, l, "R1-I2-D01")
				ok(t, l)(l.CreateArray("S2", RAIDAuto))
				ok(t, l)(l.CreateRank("A0", keygrp))
				r, err := l.plant.Rank("R0")
				require.NoError(t, err)
				for range 2 {
					require.NoError(t, r.Write(0, pattern(1, 40*512)))
					advance(t, l, 2*time.Hour)
					noEvents(t, l)
					ok(t, l)(l.PowerCycle())
					require.Equal(t, "Normal", r.Info().DataState)
					readable(t, l)
				}
				if keygrp == 1 {
					noThief(t, l, "R1-I2-D01")
				}
			})
		}
	}
}

// TestMESWithoutEraseKeepsWhatABandHolds: only an erase gives a BandMaster its tries back, and
// none was allowed.
func TestMESWithoutEraseKeepsWhatABandHolds(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	p := usedPart(t, l, PartConfig{}, guesses(drive.BandMaster(0)))
	require.NoError(t, p.Drive.PowerOn())
	require.NoError(t, p.Drive.Write(3, pattern(5, 512)))
	rep, err := l.InstallMES(MESRequest{Serials: []string{p.Serial()}})
	require.NoError(t, err)
	require.True(t, rep.Failed)
	d, err := l.plant.Drive("R1-I2-D01")
	require.NoError(t, err)
	require.Equal(t, Inappropriate, d.State)
	require.Contains(t, d.Why, "BandMaster0 has used up its 16 tries")
	got := make([]byte, 512)
	require.NoError(t, p.Drive.Read(3, got))
	require.Equal(t, pattern(5, 512), got, "what lay on it lies there still")
}

// A lock that is closed and not enabled keeps nobody out, until a migration enables it.
func TestClosedLockThatIsNotEnabled(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	ok(t, l)(l.ConfigureGroup(1))
	for _, name := range []string{"R1-I1-D04", "R1-I1-D05"} {
		d := drivePart(t, l, name).Drive
		msid, err := d.MSID()
		require.NoError(t, err)
		s, err := d.Authenticate(drive.BandMaster(0), msid)
		require.NoError(t, err)
		require.NoError(t, s.SetLocks(true, true))
		s.Close()
	}
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	rep := ok(t, l)(l.CreateRank("A0", 1))
	require.Contains(t, strings.Join(rep.Notes, "; "), "band 0 has a lock that is closed and not enabled: put right")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(1, 40*512)), "the rank takes writes")
	readable(t, l)
	advance(t, l, 2*time.Hour)
	noEvents(t, l)
}

// refusedAs requires that a drive was left out, and that its way in said why.
func refusedAs(t testing.TB, l *Lab, rep Report, code string, c usedCase, slot string) {
	t.Helper()
	require.True(t, rep.Failed, "the drive is refused\n%s", history{l})
	d, err := l.plant.Drive(slot)
	require.NoError(t, err)
	require.Equal(t, c.state, d.State)
	require.Contains(t, d.Why+failures(rep), c.why, "what, and what would be right")
	if code == "-" {
		noEvents(t, l)
		return
	}
	e := only(t, l, code, slot)
	require.Contains(t, e.Found[0], c.why)
	staysOpen(t, l, e)
}

// said requires that what was put right is in the report and in the trace, and nothing else is.
func said(t testing.TB, l *Lab, rep Report, c usedCase) {
	t.Helper()
	if c.notes == "" {
		require.NotContains(t, l.TraceText(), "put right")
		return
	}
	found := false
	for _, n := range rep.Notes {
		found = found || bytes.Contains([]byte(n), []byte(c.notes))
	}
	require.True(t, found, "the report says %q: %q", c.notes, rep.Notes)
	require.Contains(t, l.TraceText(), c.notes)
}

// noThief writes, takes the drive out, and reads what a thief reads.
func noThief(t testing.TB, l *Lab, slot string) {
	t.Helper()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	secret := bytes.Repeat([]byte("secret payroll. "), 32)
	for i := range uint64(400) {
		require.NoError(t, r.Write(i, secret))
	}
	p, err := l.plant.Part(slot)
	require.NoError(t, err)
	require.Greater(t, sectorsThatSay(p.Drive, "secret payroll"), 20, "the drive has customer data")
	require.NoError(t, l.Pull(slot))
	require.NoError(t, p.Drive.PowerOn())
	require.Zero(t, sectorsThatSay(p.Drive, "secret payroll"), "a pulled member gives no plaintext to anybody")
}

func sectorsThatSay(d Drive, what string) (n int) {
	buf := make([]byte, 512)
	for lba := range uint64(200) {
		if d.Read(lba, buf) == nil && bytes.Contains(buf, []byte(what)) {
			n++
		}
	}
	return n
}

// TestSpareThatSomebodyHadHandsOn: a spare was in good order when it was certified. It is looked at
// again when it takes over, in each way in which that may happen.
func TestSpareThatSomebodyHadHandsOn(t *testing.T) {
	ways := map[string]func(testing.TB, *Lab) Report{
		"rebuild": func(t testing.TB, l *Lab) Report {
			require.NoError(t, l.Break("R1-I1-D05"))
			advance(t, l, 2*time.Hour)
			return Report{}
		},
		"smart rebuild": func(t testing.TB, l *Lab) Report {
			r, err := l.SmartRebuild("R1-I1-D05")
			require.NoError(t, err)
			advance(t, l, 2*time.Hour)
			return r
		},
		"rank creation": func(t testing.TB, l *Lab) Report {
			r, err := l.CreateRank("A0", 1)
			require.NoError(t, err)
			return r
		},
	}
	for way, take := range ways {
		for name, c := range map[string]struct {
			by   func(testing.TB, Drive)
			says string
			src  string
		}{
			"a band with sectors": {by: setsRange(1, drive.RangeConfig{Length: 60000}), says: "band 1 covers sectors 0 to 59999: put right"},
			"a lock":              {by: setsRange(0, drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}), says: "put right"},
			"EraseMaster taken":   {by: setsPIN(drive.EraseMaster), src: "BE3400A3"},
			"SID taken":           {by: setsPIN(drive.SID), src: "BE3400A3"},
		} {
			t.Run(way+", "+name, func(t *testing.T) {
				l := newLab(t, Options{Drives: 16, Bands: 1})
				slot := "R1-I1-D08" // the spare of A0
				ok(t, l)(l.ConfigureGroup(1))
				ok(t, l)(l.CreateArray("S1", RAIDAuto))
				if way == "rank creation" {
					slot = "R1-I1-D05"
				} else {
					ok(t, l)(l.CreateRank("A0", 1))
					r, err := l.plant.Rank("R0")
					require.NoError(t, err)
					require.NoError(t, r.Write(0, pattern(1, 40*512)))
				}
				p, err := l.plant.Part(slot)
				require.NoError(t, err)
				c.by(t, p.Drive)
				rep := take(t, l)
				if c.src == "" {
					require.False(t, rep.Failed, history{l})
					require.Contains(t, l.TraceText(), c.says)
					noEvents(t, l)
					noThief(t, l, slot)
					return
				}
				only(t, l, c.src, slot)
				d, err := l.plant.Drive(slot)
				require.NoError(t, err)
				require.Equal(t, Inappropriate, d.State, "it is set aside")
				require.Equal(t, drive.Erased, p.Drive.Status().State, "and nothing was done to it")
				if way == "rank creation" {
					require.Empty(t, l.plant.Ranks())
				} else {
					readable(t, l)
				}
			})
		}
	}
}

// TestMESWithEraseLeavesNoPlace: the drive is certified after an erase with proof.
func TestMESWithEraseLeavesNoPlace(t *testing.T) {
	l := newLab(t, Options{Drives: 8, Bands: 2})
	ok(t, l)(l.ConfigureGroup(1))
	p := usedPart(t, l, PartConfig{}, func(t testing.TB, d Drive) {
		setsRange(2, drive.RangeConfig{Start: 0, Length: 60000})(t, d)
		p := l.Shelf().Find("FRU00001")
		armPart(t, p, "(flash.erase.refused) (flash.zero.refused)")
		withMSID(drive.BandMaster(0), func(t testing.TB, s drive.Session) { require.Error(t, s.GenKey()) })(t, d)
		p.Disarm()
		require.Equal(t, drive.SecurityDegraded, d.Status().State)
	})
	ok(t, l)(l.InstallMES(MESRequest{Serials: []string{p.Serial()}, AllowErase: true}))
	require.NotNil(t, l.Certificate(p.Serial()), "it was erased, with proof")
	i, err := p.Drive.Range(2)
	require.NoError(t, err)
	require.Zero(t, i.Length, "and no band covers a sector behind the certificate")
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	ok(t, l)(l.CreateRank("A0", 1))
	noThief(t, l, "R1-I2-D01")
}

// TestOutsiderAtAMemberIsSeenBeforeTheNextWrite: hosts write on all the time, and no
// sector goes to a drive that does not protect it any more.
func TestOutsiderAtAMemberIsSeenBeforeTheNextWrite(t *testing.T) {
	for name, by := range map[string]func(testing.TB, Drive){
		"erased, and owned by him": func(t testing.TB, d Drive) {
			withMSID(drive.EraseMaster, func(t testing.TB, s drive.Session) { require.NoError(t, s.EraseAll()) })(t, d)
			withMSID(drive.BandMaster(0), func(t testing.TB, s drive.Session) { require.NoError(t, s.Migrate(strangerPIN(t))) })(t, d)
		},
		"the data range erased": withMSID(drive.EraseMaster, func(t testing.TB, s drive.Session) { require.NoError(t, s.Erase(0)) }),
		"a band placed over it": func(t testing.TB, d Drive) {
			withMSID(drive.EraseMaster, func(t testing.TB, s drive.Session) { require.NoError(t, s.Erase(1)) })(t, d)
			setsRange(1, drive.RangeConfig{Length: 60000})(t, d)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{Bands: 1})
			p, err := l.plant.Part("R1-I1-D03")
			require.NoError(t, err)
			by(t, p.Drive)
			r, err := l.plant.Rank("R0")
			require.NoError(t, err)
			secret := bytes.Repeat([]byte("secret payroll. "), 32)
			for i := range uint64(400) {
				require.NoError(t, r.Write(i, secret))
			}
			require.Equal(t, "inaccessible", r.Info().Members[2].State)
			require.Zero(t, sectorsThatSay(p.Drive, "secret payroll"))
			advance(t, l, time.Hour)
			only(t, l, "BE3400B3", "R1-I1-D03")
			_, err = pseudoRepair(t, l, "R1-I1-D03")
			require.NoError(t, err)
			advance(t, l, 2*time.Hour)
			if name != "erased, and owned by him" { // that drive has an owner, and is not erased
				normal(t, l, "R1-I1-D03")
				noThief(t, l, "R1-I1-D03")
			}
			require.NoError(t, r.Write(0, secret))
		})
	}
}
