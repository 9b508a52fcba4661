package raslab

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// ranked is a facility whose sites are all ranks: encrypted, but for the last.
func ranked(t testing.TB, drives int) *Lab {
	t.Helper()
	return rankedWith(t, Options{Drives: drives, Seed: 5})
}

func rankedWith(t testing.TB, o Options) *Lab {
	t.Helper()
	l := newLab(t, o)
	ok(t, l)(l.ConfigureGroup(1))
	for i, s := range l.plant.Sites() {
		a := ok(t, l)(l.CreateArray(s.ID, RAIDAuto)).Object
		group := 1
		if i == len(l.plant.Sites())-1 && i > 0 {
			group = 0
		}
		ok(t, l)(l.CreateRank(a, group))
		r, err := l.plant.Rank("R0")
		require.NoError(t, err)
		require.NoError(t, r.Write(0, pattern(1, 40*512)))
	}
	return l
}

func TestTenYearsWithoutFaultRaiseNothing(t *testing.T) {
	l := ranked(t, 32)
	before := len(l.Trace())
	for range 10 {
		advance(t, l, 365*24*time.Hour)
		r, err := l.plant.Rank("R0")
		require.NoError(t, err)
		require.NoError(t, r.Write(7, pattern(2, 512)), "hosts work meanwhile")
	}
	noEvents(t, l)
	require.Len(t, l.Trace(), before, "and the log is silent")
	readableFrom := make([]byte, 512)
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Read(8, readableFrom))
	require.Equal(t, pattern(1, 40*512)[8*512:9*512], readableFrom)
	require.Equal(t, 2036, l.Now().Add(72*time.Hour).Year(), "ten years have passed")
}

// story breaks and repairs a facility in many ways; both runs must agree.
func story(t *testing.T, seed uint64) string {
	l := encrypted(t, Options{Seed: seed, Drives: 32})
	step := func(err error) {
		if err != nil {
			l.logf("story", "%v", err)
		}
	}
	l.HoldExchange(true) // so that the repairs of the story are not refused for a smart rebuild
	arm(t, l, "R1-I1-D03", "(media.read.error (Randomly 0.5 3))")
	readable(t, l)
	require.NoError(t, l.Disarm("R1-I1-D03"))
	advance(t, l, 2*time.Hour) // the rows that it did not give are whole again
	require.NoError(t, l.Break("R1-I1-D05"))
	advance(t, l, 90*time.Minute)
	p, err := l.OrderSpare()
	require.NoError(t, err)
	armPart(t, p, "(flash.program.torn (OnIndex 3)) (flash.erase.torn)")
	_, err = l.StartRepair("R1-I1-D05")
	step(err)
	_, err = l.ExchangeFRU("R1-I1-D05", p.Serial())
	step(err)
	_, err = l.ResumeRepair("R1-I1-D05")
	step(err)
	advance(t, l, 3*time.Hour)
	_, err = l.RekeyDrive("R1-I1-D01")
	step(err)
	_, err = l.PowerCycle()
	step(err)
	_, err = l.RemoveRank("R0")
	step(err)
	_, err = l.InstallMES(MESRequest{})
	step(err)
	advance(t, l, 24*time.Hour)
	d, err := l.Discontinue()
	step(err)
	for _, v := range d.Verdicts {
		l.logf("story", "%s %s %s", v.Slot, v.Verdict, v.Certificate)
	}
	for _, s := range l.plant.slots {
		for _, page := range s.port.part.Flash.Dump() {
			l.logf("story", "%s %x", s.name, page.Data[:64])
		}
	}
	return l.TraceText()
}

func TestSameSeedSameTrace(t *testing.T) {
	require.Equal(t, story(t, 11), story(t, 11), "the same seed and commands give the same trace, byte for byte")
	require.NotEqual(t, story(t, 11), story(t, 12), "another seed gives other keys")
}

func TestTraceHoldsNoSecret(t *testing.T) {
	l := encrypted(t, Options{})
	c := credential(t, l, "R1-I1-D05")
	p := drivePart(t, l, "R1-I1-D05")
	root := p.Drive.Fuses().Root
	require.NoError(t, l.Break("R1-I1-D02"))
	arm(t, l, "R1-I1-D05", stubborn)
	fails(t, l)(l.RekeyDrive("R1-I1-D05"))
	_, err := l.RemoveRank("R0")
	require.NoError(t, err)
	text := l.TraceText()
	for _, secret := range [][]byte{c.Bytes(), root[:], p.Label.MSID.Bytes(), p.Label.PSID.Bytes()} {
		require.NotContains(t, text, string(secret))
		require.NotContains(t, text, hexOf(secret))
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// Each code about drives is raised in one place of the facility, and in no
// other package than the catalogue.
func TestEachSRCIsRaisedInOnePlace(t *testing.T) {
	codes := map[string]int{}
	for _, e := range src.All() {
		codes[string(e.Code)] = 0
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	use := regexp.MustCompile(`src\.(BE[0-9A-F]{6})`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotRegexp(t, `"BE[0-9A-F]{6}"`, string(b), "%s names no code as text", name)
		for _, m := range use.FindAllSubmatch(b, -1) {
			codes[string(m[1])]++
		}
	}
	for code, n := range codes {
		require.Equal(t, 1, n, "%s is raised in one place", code)
		_, known := src.Lookup(code)
		require.True(t, known, "%s is in the catalogue", code)
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	l := encrypted(t, Options{Drives: 24})
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	trace := l.TraceText()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	for name, try := range map[string]struct {
		do   func() error
		kind error
		says string
	}{
		"slot":            {func() error { _, err := l.EraseDrive("R9-I9-D99"); return err }, ErrNotFound, "R1-I1-D01 to R1-I2-D16"},
		"site":            {func() error { _, err := l.CreateArray("S9", RAIDAuto); return err }, ErrNotFound, "S1 to S3"},
		"site taken":      {func() error { _, err := l.CreateArray("S1", RAIDAuto); return err }, ErrState, "A0"},
		"raid type":       {func() error { _, err := l.CreateArray("S3", "6+Q"); return err }, ErrInvalid, "7+P"},
		"array":           {func() error { _, err := l.CreateRank("A7", 1); return err }, ErrNotFound, "arrays are A0, A1"},
		"array taken":     {func() error { _, err := l.CreateRank("A0", 1); return err }, ErrState, "R0"},
		"key group":       {func() error { _, err := l.CreateRank("A1", 3); return err }, ErrNotFound, "key group 3"},
		"rank":            {func() error { _, err := l.RemoveRank("R5"); return err }, ErrNotFound, "ranks are R0"},
		"rank name":       {func() error { _, err := l.RemoveRank("rank zero"); return err }, ErrNotFound, "rank zero"},
		"array with rank": {func() error { _, err := l.RemoveArray("A0"); return err }, ErrState, "remove the rank first"},
		"group number":    {func() error { _, err := l.ConfigureGroup(5); return err }, ErrInvalid, "1 to 4"},
		"group twice":     {func() error { _, err := l.ConfigureGroup(1); return err }, ErrState, "configured already"},
		"rekey":           {func() error { _, err := l.RekeyDrive("R1-I1-D08"); return err }, ErrState, "no member"},
		"no repair":       {func() error { _, err := l.ResumeRepair("R1-I1-D01"); return err }, ErrState, "start the repair"},
		"smart rebuild":   {func() error { _, err := l.SmartRebuild("R1-I1-D08"); return err }, ErrState, "serves no rank"},
		"shelf":           {func() error { _, err := l.Insert("R1-I2-D16", "X"); return err }, ErrNotFound, "order a spare part"},
		"mes":             {func() error { _, err := l.InstallMES(MESRequest{Serials: make([]string, 17)}); return err }, ErrInvalid, "16 slots"},
		"discontinue":     {func() error { _, err := l.Discontinue(); return err }, ErrState, "R0"},
		"event":           {func() error { _, err := l.CloseEvent(1, "me", "", false); return err }, ErrNotFound, "no events yet"},
		"no plan":         {func() error { return l.Arm("R1-I1-D01", nil) }, ErrInvalid, "fault disarm takes one away"},
		"empty slot":      {func() error { return l.Break("R1-I2-D16") }, ErrState, "empty"},
		"key server":      {func() error { return l.customer.Stop(3) }, ErrNotFound, "1 to 2"},
		"time":            {func() error { return l.Advance(-time.Second) }, ErrInvalid, "go back"},
		"past":            {func() error { return l.RunUntil(l.options.Start.Add(-time.Hour)) }, ErrInvalid, "past"},
		"sector":          {func() error { return r.Write(0, make([]byte, 100)) }, ErrInvalid, "512"},
		"end of rank":     {func() error { return r.Write(r.capacity(), make([]byte, 512)) }, ErrInvalid, "sectors"},
		"no data":         {func() error { return r.Read(0, nil) }, ErrInvalid, "0 bytes"},
		"drives":          {func() error { _, err := New(Options{Drives: 20}); return err }, ErrInvalid, "multiple of 8"},
		"serial":          {func() error { _, err := New(Options{Serial: "75 NR"}); return err }, ErrInvalid, "letters and digits"},
		"sector size":     {func() error { _, err := New(Options{SectorSize: 520}); return err }, ErrInvalid, "4096"},
	} {
		err := try.do()
		require.ErrorIs(t, err, try.kind, name)
		require.ErrorContains(t, err, try.says, name)
		require.NotContains(t, err.Error(), "\n", "the refusal is one line")
		var q *RequestError
		require.True(t, errors.As(err, &q), name)
	}
	require.Equal(t, trace, l.TraceText(), "nothing happened")
	noEvents(t, l)
}

func TestOneServiceActionAtATime(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.StartRepair("R1-I1-D03"))
	require.Equal(t, "repair of R1-I1-D03", l.service.ServiceAction())
	for name, do := range map[string]func() error{
		"repair":    func() error { _, err := l.StartRepair("R1-I1-D04"); return err },
		"exchange":  func() error { _, err := l.ExchangeFRU("R1-I1-D04", ""); return err },
		"array":     func() error { _, err := l.CreateArray("S2", RAIDAuto); return err },
		"remove":    func() error { _, err := l.RemoveRank("R0"); return err },
		"power":     func() error { _, err := l.PowerCycle(); return err },
		"iml":       func() error { _, err := l.DualClusterIML(); return err },
		"mes":       func() error { _, err := l.InstallMES(MESRequest{}); return err },
		"scan":      func() error { _, err := l.Discontinue(); return err },
		"group":     func() error { _, err := l.ConfigureGroup(2); return err },
		"rekey":     func() error { _, err := l.RekeyDrive("R1-I1-D01"); return err },
		"erase":     func() error { _, err := l.EraseDrive("R1-I1-D09"); return err },
		"exchange2": func() error { _, err := l.SmartRebuild("R1-I1-D01"); return err },
	} {
		err := do()
		require.ErrorIs(t, err, ErrBusy, name)
		require.ErrorContains(t, err, "repair of R1-I1-D03", name)
	}
	_, err := l.ResumeRepair("R1-I1-D03")
	require.ErrorIs(t, err, ErrState, "a resume before the exchange is refused")
	readable(t, l)
	ok(t, l)(l.CancelRepair("R1-I1-D03"))
	require.Empty(t, l.service.ServiceAction())
	advance(t, l, time.Hour)
	normal(t, l, "R1-I1-D03")
	noEvents(t, l)
}

func TestRepairIsRefusedWhereItWouldLoseData(t *testing.T) {
	l := encrypted(t, Options{Drives: 8})
	ok(t, l)(exchange(t, l, "R1-I1-D08", "")) // a spare may be repaired at any time
	require.NoError(t, l.Break("R1-I1-D08"))
	require.NoError(t, l.Break("R1-I1-D02"))
	readable(t, l)
	_, err := l.StartRepair("R1-I1-D04")
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "no redundancy left")
	readable(t, l)
}

func TestTopology(t *testing.T) {
	l := newLab(t, Options{Drives: 40})
	require.Len(t, l.plant.Enclosures(), 3)
	require.Len(t, l.plant.Drives(), 48, "an enclosure has 16 slots, also where 8 are empty")
	require.Len(t, l.plant.Sites(), 5)
	d, err := l.plant.Drive("u5791.s10.0002-p1-d9")
	require.NoError(t, err, "a location code names a slot too")
	require.Equal(t, "R1-I2-D09", d.Slot)
	require.Equal(t, "S4", d.Site)
	require.Equal(t, drive.Erased, d.Status.State)
	require.Equal(t, Unassigned, d.Use)
	empty, err := l.plant.Drive("R1-I3-D16")
	require.NoError(t, err)
	require.Equal(t, Missing, empty.State)
	require.Equal(t, Unconfigured, empty.Use)
	for i, s := range l.plant.Sites() {
		ok(t, l)(l.CreateArray(s.ID, RAIDAuto))
		require.Equal(t, i/4, s.DAPair)
	}
	var raid []string
	for _, a := range l.plant.Arrays() {
		raid = append(raid, a.RAID)
	}
	require.Equal(t, []string{"5 (6+P+S)", "5 (6+P+S)", "5 (7+P)", "5 (7+P)", "5 (6+P+S)"}, raid, "each DA pair gets two spares first")
	for id, want := range map[string]DriveUse{"R1-I1-D08": SpareRequired, "R1-I1-D16": SpareRequired, "R1-I1-D01": ArrayMember} {
		d, err := l.plant.Drive(id)
		require.NoError(t, err)
		require.Equal(t, want, d.Use, id)
	}
}

func TestNoKeyServers(t *testing.T) {
	l := newLab(t, Options{Drives: 8, KeyServers: 1})
	_, err := l.ConfigureGroup(1)
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "at least 2")
	l = newLab(t, Options{Drives: 8, KeyServers: -1})
	require.Empty(t, l.customer.Info())
	l = newLab(t, Options{Drives: 8})
	require.NoError(t, l.customer.Stop(2))
	fails(t, l)(l.ConfigureGroup(1))
	require.Equal(t, "configuring", l.Groups()[0].State, "a data key that no other server shows does not count")
	require.NoError(t, l.customer.Start(2))
	ok(t, l)(l.ConfigureGroup(1))
	require.Equal(t, 3, l.Groups()[0].Code)
}

func TestTestAccess(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.customer.Stop(2))
	got, err := l.TestAccess(1)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NoError(t, got[0].Err)
	require.Error(t, got[1].Err)
	require.Equal(t, "accessible", l.Groups()[0].State, "a test changes nothing")
}

func TestClockOrder(t *testing.T) {
	var names []string
	c := clock{guard: unguarded{&names}}
	var got []int
	for i := range 100 {
		c.after(time.Duration((i*37)%10)*time.Minute, "an event", chore(func() { got = append(got, (i*37)%10*1000+i) }))
	}
	c.runUntil(time.Hour)
	require.Len(t, got, 100)
	require.IsIncreasing(t, got, "events run by time, and in the order of asking where times are equal")
	require.Equal(t, time.Hour, c.now)
}

func TestEventClosesItselfWhereTheCatalogueSaysSo(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	var self, with src.Code
	for _, e := range src.All() {
		if e.Closing.Kind == src.ClosesItself && len(e.Closing.With) > 0 {
			self, with = e.Code, e.Closing.With[0]
		}
	}
	require.NotEmpty(t, self, "the catalogue has a code that closes itself and others with it")
	l.raise(with, "", nil, nil)
	l.raise(self, "", nil, nil)
	require.Empty(t, l.events.OpenEvents())
	require.Equal(t, "facility", l.events.Events()[0].ClosedBy)
}

func BenchmarkHealthCheck1536(b *testing.B) {
	l := ranked(b, 1536)
	require.Empty(b, l.CheckHealth().Bad)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if len(l.checkHealth()) != 0 {
			b.Fatal("the health check found something")
		}
	}
}

// BenchmarkTenYears1536 passes ten years: with the hourly health checks alone, and with the
// periodic key retrieval too, which reads the key repository every 8 hours.
func BenchmarkTenYears1536(b *testing.B) {
	for name, period := range map[string]time.Duration{"health checks": 20 * 365 * 24 * time.Hour, "health checks and key retrieval": 0} {
		b.Run(name, func(b *testing.B) {
			l := rankedWith(b, Options{Drives: 1536, Seed: 5, KeyPeriod: period})
			b.ResetTimer()
			for range b.N {
				require.NoError(b, l.Advance(10*365*24*time.Hour))
			}
			b.StopTimer()
			require.Empty(b, l.events.Events())
		})
	}
}
