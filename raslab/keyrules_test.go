package raslab

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// Small rules of the key path, of the cloud and of options, each by a table.

func TestReasonOfEachError(t *testing.T) {
	for r, errs := range map[reason][]error{
		reasonNone:      {nil},
		reasonConsole:   {ErrNoConsole, errNoConsoles},
		reasonTimeout:   {ErrCommandTimeout},
		reasonSocket:    {encgroup.ErrUnreachable},
		reasonSession:   {encgroup.ErrUntrusted, encgroup.ErrTimeout, encgroup.ErrProtocol, refusedCertificate{}, errors.New("anything else")},
		reasonNoKey:     {encgroup.ErrNoKey, encgroup.ErrRefused, encgroup.ErrAnswer},
		reasonUnwrap:    {encgroup.ErrUnwrap, encgroup.ErrWrongKey, encgroup.ErrConstant, encgroup.ErrDisagree},
		reasonSignature: {encgroup.ErrSignature},
		reasonNoServer:  {encgroup.ErrNoServer},
	} {
		for _, err := range errs {
			if err != nil {
				err = fmt.Errorf("asked: %w", err)
			}
			require.Equal(t, r, reasonOf(err), "%v", err)
		}
		answered := r == reasonNone || r == reasonNoKey || r == reasonUnwrap || r == reasonSignature || r == reasonNoServer
		require.Equal(t, answered, r.answered(), "reason %d: the way to the server worked", r)
		require.Equal(t, !answered, retryable(errs[0]), "reason %d: another console may get there", r)
		require.Equal(t, r == reasonSocket || r == reasonSession, r.communication(), "reason %d: it fails beyond the console", r)
		require.Equal(t, r == reasonNoServer || r == reasonSocket || r == reasonConsole, r.asksAgain(), "reason %d: after BE14E004, BE14E008 and BE14E009", r)
	}
}

// TestOnePartitionIsEnoughToLook: events of keys are closed where a partition runs that can look.
func TestOnePartitionIsEnoughToLook(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 2)
	advance(t, l, keyPeriod+silenceMax)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"}, openCodes(l))
	startServer(t, l, 2)
	down := func(zero, one bool) { l.sfi.partitions[0].complete, l.sfi.partitions[1].complete = !zero, !one }
	down(true, true)
	for _, e := range l.events.OpenEvents() {
		_, err := l.CloseEvent(e.ID, "operator", "hoping", false)
		require.ErrorIs(t, err, ErrOpen, "%s: nobody can look", e.SRC)
		require.ErrorContains(t, err, errNoPartition.Error())
	}
	down(true, false)
	closed(t, l, openEvent(t, l, "BE14EAF3"))
	down(false, true)
	closed(t, l, openEvent(t, l, "BE14EAF4"))
	closed(t, l, openEvent(t, l, "BE14CFEA"))
}

// TestWhichFailureOfTwoConsolesCounts: of several failures the one that came furthest, with every
// console at which it was met.
func TestWhichFailureOfTwoConsolesCounts(t *testing.T) {
	l := encrypted(t, Options{})
	states := []struct {
		name string
		set  func(l *Lab, c int, on bool) error
		far  reason
	}{
		{"well", func(*Lab, int, bool) error { return nil }, reasonNone},
		{"link cut", func(l *Lab, c int, on bool) error {
			return l.SetLink(0, c, map[bool]LinkState{true: LinkCut, false: LinkUp}[on])
		}, reasonConsole},
		{"off", func(l *Lab, c int, on bool) error { return l.PowerConsole(c, !on) }, reasonConsole},
		{"no ESSNI", func(l *Lab, c int, on bool) error { return l.SetESSNI(c, !on) }, reasonConsole},
		{"link stalled", func(l *Lab, c int, on bool) error {
			return l.SetLink(0, c, map[bool]LinkState{true: LinkStalled, false: LinkUp}[on])
		}, reasonTimeout},
		{"hangs", func(l *Lab, c int, on bool) error { return l.HangConsole(c, on) }, reasonTimeout},
		{"network cut", func(l *Lab, c int, on bool) error { return l.customer.SetPath(c, keyServerAddr(1), !on) }, reasonSocket},
	}
	uid := l.keys.Group(1).UID()
	for _, a := range states {
		for _, b := range states {
			must(t, errors.Join(a.set(l, 1, true), b.set(l, 2, true)))
			key, err := l.keys.managers[0].paths[0].Get(uid)
			key.Clear()
			want := max(a.far, b.far)
			if a.far == reasonNone || b.far == reasonNone {
				want = reasonNone
			}
			require.Equal(t, want, reasonOf(err), "console 1 %s, console 2 %s: %v", a.name, b.name, err)
			if want == reasonConsole || want == reasonTimeout {
				for c, s := range map[int]reason{1: a.far, 2: b.far} {
					require.Equal(t, s == want, strings.Contains(err.Error(), fmt.Sprintf("HMC%d", c)), "console 1 %s, console 2 %s: %v", a.name, b.name, err)
				}
				require.Equal(t, want == reasonConsole && (a.name == "no ESSNI" || b.name == "no ESSNI"), strings.Contains(err.Error(), "ESSNI"),
					"console 1 %s, console 2 %s: %v", a.name, b.name, err)
			}
			must(t, errors.Join(a.set(l, 1, false), b.set(l, 2, false)))
		}
	}
	require.ErrorIs(t, (&keyPath{lab: newLab(t, Options{Drives: 8, Consoles: 1}), manager: l.keys.managers[0]}).command(func(encgroup.KeyServer) error { return encgroup.ErrTimeout }), encgroup.ErrTimeout)
}

// TestNamesAtTheirBounds: which bytes and how many of them a name may have.
func TestNamesAtTheirBounds(t *testing.T) {
	const letters = "azAZ09"
	for _, c := range []struct {
		name    string
		is      func(string) bool
		most    int
		also    string
		refuses string
	}{
		{"an object in the cloud", objectName, 64, "-_.", "/:@[`{ \x00"},
		{"a serial number", plainName, 10, "", "/:@[`{ -"},
	} {
		for _, b := range letters + c.also {
			require.True(t, c.is(string(b)), "%s of %q", c.name, b)
		}
		for _, b := range c.refuses {
			require.False(t, c.is("a"+string(b)), "%s with %q", c.name, b)
		}
		require.False(t, c.is(""), c.name)
		require.True(t, c.is(strings.Repeat("a", c.most)), "%s of %d bytes", c.name, c.most)
		require.False(t, c.is(strings.Repeat("a", c.most+1)), "%s of %d bytes", c.name, c.most+1)
	}
}

func TestOptionsAtTheirBounds(t *testing.T) {
	o := Options{}
	must(t, o.complete())
	require.NotNil(t, o.Shelf)
	o.Shelf = nil
	require.Equal(t, Options{
		Drives: 32, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC), SectorSize: 512, Sectors: 65536, KeyServers: 2, Serial: "75NR641", Consoles: 2, KeyPeriod: 8 * time.Hour,
	}, o, "the defaults that Options names")
	for _, c := range []struct {
		name string
		o    Options
		says string // "" is taken
	}{
		{"8 drives", Options{Drives: 8}, ""},
		{"1536 drives", Options{Drives: 1536}, ""},
		{"1544 drives", Options{Drives: 1544}, "1544 drives; a multiple of 8 from 8 to 1536"},
		{"7 drives", Options{Drives: 7}, "7 drives"},
		{"-8 drives", Options{Drives: -8}, "-8 drives"},
		{"12 drives", Options{Drives: 12}, "12 drives"},
		{"sectors of 4096 bytes", Options{SectorSize: 4096}, ""},
		{"sectors of 1024 bytes", Options{SectorSize: 1024}, "sectors of 1024 bytes; 512 and 4096"},
		{"2^40 sectors", Options{Sectors: 1 << 40}, ""},
		{"2^40+1 sectors", Options{Sectors: 1<<40 + 1}, "1099511627777 sectors"},
		{"8 bands", Options{Bands: 8}, ""},
		{"-1 bands", Options{Bands: -1}, "-1 bands"},
		{"1000 bands", Options{Bands: 1000}, "1000 bands"},
		{"4 key servers", Options{KeyServers: 4}, ""},
		{"5 key servers", Options{KeyServers: 5}, "5 key servers; at most 4"},
		{"no key server", Options{KeyServers: -1}, ""},
		{"1 console", Options{Consoles: 1}, ""},
		{"3 consoles", Options{Consoles: 3}, "3 consoles"},
		{"-1 consoles", Options{Consoles: -1}, "-1 consoles"},
		{"each minute", Options{KeyPeriod: time.Minute}, ""},
		{"each 59 s", Options{KeyPeriod: 59 * time.Second}, "every 59 s"},
		{"one drive that can encrypt", Options{Drives: 8, Plain: plainSlots(7)}, ""},
		{"no drive that can encrypt", Options{Drives: 8, Plain: plainSlots(8)}, "no drive can encrypt"},
		{"a slot without a drive", Options{Drives: 8, Plain: []string{"R1-I1-D09"}}, `no drive is delivered in slot "R1-I1-D09"`},
		{"the last slot of 24", Options{Drives: 24, Plain: []string{"R1-I2-D08"}}, ""},
		{"a slot after the last of 24", Options{Drives: 24, Plain: []string{"R1-I2-D09"}}, "R1-I2-D09"},
		{"a serial number of 10", Options{Serial: "75NR64175N"}, ""},
		{"a serial number of 11", Options{Serial: "75NR64175NR"}, "1 to 10 letters and digits"},
		{"a cloud", Options{Cloud: &customer.CloudServer{}, CloudEntropy: entropy.Stream(1, "x")}, ""},
		{"a cloud without entropy", Options{Cloud: &customer.CloudServer{}}, "without a source of entropy"},
		{"entropy without a cloud", Options{CloudEntropy: entropy.Stream(1, "x")}, ""},
	} {
		err := c.o.complete()
		if c.says == "" {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorIs(t, err, ErrInvalid, c.name)
		require.ErrorContains(t, err, c.says, c.name)
	}
}

func plainSlots(n int) (out []string) {
	for i := range n {
		out = append(out, slotName(1, i+1))
	}
	return out
}

func TestPiecesAndOtherData(t *testing.T) {
	p := func(b ...byte) (out []byte) {
		for _, c := range b {
			out = append(out, strings.Repeat(string(rune(c)), pieceSize)...)
		}
		return out
	}
	for _, c := range []struct {
		raw, plain    []byte
		pieces, found int
	}{
		{nil, nil, 0, 0},
		{p('a'), p('a'), 1, 1},
		{p('a'), p('a', 'b', 'a'), 2, 1},
		{p('a', 'a', 'a'), p('a', 'b'), 2, 1},
		{append([]byte("xyz"), p('b', 'a')...), p('a', 'b'), 2, 2},
		{p('a')[1:], p('a'), 1, 0},
		{p('a'), p('a')[1:], 0, 0},
		{p('c'), append(p('a'), 'c'), 1, 0},
	} {
		pieces, found := piecesIn(c.raw, c.plain)
		require.Equal(t, []int{c.pieces, c.found}, []int{pieces, found}, "%q in %q", c.plain, c.raw)
	}
	l := &Lab{options: Options{SectorSize: 4}}
	for _, c := range []struct {
		now, data string
		at        int
	}{
		{"\x00\x00\x00\x00abcd", "wxyzabcd", -1},
		{"abcx", "abcd", 0},
		{"\x00\x00\x00\x00abcx", "wxyzabcd", 1},
		{"wxyz\x00\x00\x00\x01", "wxyzabcd", 1},
	} {
		require.Equal(t, c.at, l.otherData([]byte(c.now), []byte(c.data)), "%q under %q", c.now, c.data)
	}
}

// TestWhatIsOneKeyServer: two entries of the lab's network are one by their machine, others by
// address and port, by where the connection ended, or by the certificate on one port.
func TestWhatIsOneKeyServer(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	shown, other := shownBy(t, l, 1), shownBy(t, l, 2)
	ext := encgroup.KeyServer(&encgroup.MemKeyServer{})
	for _, c := range []struct {
		name string
		a, b keyManager
		want string
	}{
		{"two machines", keyManager{addr: "keyserver1.example.com", port: 1}, keyManager{addr: "keyserver2.example.com", port: 1}, ""},
		{"one machine by two ports", keyManager{addr: "keyserver1.example.com", port: 1}, keyManager{addr: "192.0.2.11", port: 2}, "both are at 192.0.2.11"},
		{"elsewhere, two ports", keyManager{addr: "x", port: 1}, keyManager{addr: "x", port: 2}, ""},
		{"elsewhere, one port", keyManager{addr: "x", port: 1}, keyManager{addr: "X", port: 1}, "both are x:1"},
		{"the name is the lab's, the server is not", keyManager{addr: "keyserver1.example.com", port: 1, external: ext}, keyManager{addr: "192.0.2.11", port: 2}, ""},
		{"one end", keyManager{addr: "x", port: 1, reached: "r:1"}, keyManager{addr: "y", port: 1, reached: "r:1"}, "both connections end at r:1"},
		{"two ends", keyManager{addr: "x", port: 1, reached: "r:1"}, keyManager{addr: "y", port: 1, reached: "r:2"}, ""},
		{"one certificate", keyManager{addr: "x", port: 1, external: ext, shown: shown}, keyManager{addr: "y", port: 1, external: ext, shown: shown}, "both show one certificate, on one port"},
		{"on two ports", keyManager{addr: "x", port: 1, external: ext, shown: shown}, keyManager{addr: "y", port: 2, external: ext, shown: shown}, ""},
		{"two certificates", keyManager{addr: "x", port: 1, external: ext, shown: shown}, keyManager{addr: "y", port: 1, external: ext, shown: other}, ""},
		{"one not shown yet", keyManager{addr: "x", port: 1, external: ext, shown: shown}, keyManager{addr: "y", port: 1, external: ext}, ""},
		{"one in the lab", keyManager{addr: "x", port: 1, shown: shown}, keyManager{addr: "y", port: 1, external: ext, shown: shown}, ""},
	} {
		require.Equal(t, c.want, l.oneServer(&c.a, &c.b), c.name)
		if c.want != "both are x:1" {
			require.Equal(t, c.want, l.oneServer(&c.b, &c.a), c.name)
		}
	}
	for _, c := range []struct {
		p    Protocol
		k    KeyProtocol
		port int
	}{{ProtocolTLS, KMIP, 5696}, {ProtocolTLS, IPP, 441}, {ProtocolNone, IPP, 3801}} {
		require.Equal(t, c.port, defaultPort(c.p, c.k))
		conn, err := l.wire.Dial(1, "keyserver1.example.com", c.port)
		must(t, err)
		_, err = conn.Hello(c.p == ProtocolTLS, c.k)
		require.NoError(t, err, "what listens on port %d", c.port)
	}
}

// TestWhyASmartRebuildWaits: RAS waits for each of these, and for nothing else.
func TestWhyASmartRebuildWaits(t *testing.T) {
	l := encrypted(t, Options{})
	l.HoldExchange(true)
	s := l.plant.byName["R1-I1-D03"]
	failing(t, l, s.name)
	l.HoldExchange(false)
	m := s.member()
	g := l.keys.group(1)
	require.Empty(t, l.exchangeWaits(s))
	for want, set := range map[string]func() (back func()){
		"it is held": func() func() { l.service.ras.hold = true; return func() { l.service.ras.hold = false } },
		"a service action is in progress: a repair": func() func() { l.service.action = &action{name: "a repair"}; return func() { l.service.action = nil } },
		"the facility is quiescing":                 func() func() { l.sfi.state = sfiQuiescing; return func() { l.sfi.state = sfiRunning } },
		"a rebuild is running":                      func() func() { m.job = &copyJob{what: "rebuild"}; return func() { m.job = nil } },
		"it is " + failedMember.String():            func() func() { m.state = failedMember; return func() { m.state = inSync } },
		"the last one ended early; the next is tried a day after it": func() func() {
			s.exchanged = l.Now().Add(time.Second - exchangeAgain)
			return func() { s.exchanged = time.Time{} }
		},
		"key group 1 is inaccessible": func() func() { g.enc.PowerOff(); s.noKey = true; return func() { _, _ = l.retrieve(g) } },
	} {
		back := set()
		require.Equal(t, want, l.exchangeWaits(s))
		back()
		require.Empty(t, l.exchangeWaits(s), "not %q any more", want)
	}
	require.False(t, s.noKey, "the key is there: the next failure is news")
	s.exchanged = l.Now().Add(-exchangeAgain)
	require.Empty(t, l.exchangeWaits(s), "a day after it")
	s.exchanged, s.noKey = l.Now(), true
	require.Empty(t, l.exchangeWaits(s), "one that had no key is tried as soon as the key is there")
	s.noKey = false
	g.enc.PowerOff()
	s.exchanged = time.Time{}
	require.Empty(t, l.exchangeWaits(s), "without its key it is tried once, and reported")
}

// TestWhatIsHandedOutIsACopy: a caller who writes into what he got changes nothing.
func TestWhatIsHandedOutIsACopy(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 2)
	rotten(t, l)
	advance(t, l, keyPeriod)
	want := fmt.Sprintf("%v\n%v\n%v\n%v\n%v", l.events.Events(), l.Trace(), l.Groups(), l.Consoles(), l.customer.KeyServers())
	for _, e := range l.events.Events() {
		for _, s := range [][]string{e.Locations, e.Slots, e.Serials, e.Found} {
			for i := range s {
				s[i] = "X"
			}
		}
		for _, s := range [][]int{e.KeyServers, e.Partitions} {
			for i := range s {
				s[i] = 99
			}
		}
		clear(e.FRUs)
	}
	clear(l.Trace())
	clear(l.TraceSince(0))
	clear(l.Groups())
	clear(l.customer.KeyServers())
	require.Equal(t, want, fmt.Sprintf("%v\n%v\n%v\n%v\n%v", l.events.Events(), l.Trace(), l.Groups(), l.Consoles(), l.customer.KeyServers()))

	n := uint64(len(l.Trace()))
	require.Len(t, l.TraceSince(n-1), 1)
	require.Equal(t, n, l.TraceSince(n - 1)[0].Seq)
	require.Nil(t, l.TraceSince(n))
	require.Nil(t, l.TraceSince(n+1))
}

// TestTimersAtOneMoment: what is due at the moment runs, what is due later does not, and what an
// event asks for while it runs is due in its turn.
func TestTimersAtOneMoment(t *testing.T) {
	var got []string
	c := clock{guard: unguarded{&got}}
	none := chore(func() {})
	c.after(time.Minute, "due", chore(func() {
		c.after(0, "at once", none)
		c.after(-time.Hour, "in the past", none)
		c.after(time.Nanosecond, "later", none)
		c.now += time.Second // as an IML does
	}))
	c.after(time.Minute+time.Nanosecond, "after it", none)
	c.after(2*time.Minute, "much later", none)
	c.runUntil(time.Minute)
	require.Equal(t, []string{"due", "at once", "in the past"}, got)
	require.Equal(t, time.Minute+time.Second, c.now, "time never goes back")
	c.runUntil(time.Minute + time.Second)
	require.Equal(t, []string{"due", "at once", "in the past", "after it", "later"}, got)
	require.Equal(t, time.Minute+time.Second, c.now)
	c.runUntil(time.Hour)
	require.Equal(t, "much later", got[5])
	require.Equal(t, time.Hour, c.now)
	require.Empty(t, c.heap)

	// Many, in an order that goes through every branch of the heap.
	got = nil
	for i := range 200 {
		c.after(time.Duration(i*73%200)*time.Second, fmt.Sprintf("%03d", i*73%200), none)
	}
	c.runUntil(c.now + 99*time.Second)
	require.Len(t, got, 100)
	c.runUntil(c.now + time.Hour)
	require.Len(t, got, 200)
	require.IsIncreasing(t, got)
}

// TestNoEntropyForAGroupThatIsRead: a look at a key makes none.
func TestNoEntropyForAGroupThatIsRead(t *testing.T) {
	_, err := io.ReadFull(noEntropy{}, make([]byte, 1))
	require.Error(t, err)
}
