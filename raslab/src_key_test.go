package raslab

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// openCodes lists the codes of the open events, ascending.
func openCodes(l *Lab) []string {
	out := []string{}
	for _, e := range l.events.OpenEvents() {
		out = append(out, e.SRC)
	}
	slices.Sort(out)
	return out
}

func openEvent(t testing.TB, l *Lab, code string) ServiceEvent {
	t.Helper()
	for _, e := range l.events.OpenEvents() {
		if e.SRC == code {
			return e
		}
	}
	require.Failf(t, "no such event", "%s is open\n%s", code, history{l})
	return ServiceEvent{}
}

// closeAll closes every open event, each of which must be closable.
func closeAll(t testing.TB, l *Lab) {
	t.Helper()
	for _, e := range l.events.OpenEvents() {
		closed(t, l, e)
	}
}

// must takes the error of something that cannot fail.
func must(t testing.TB, err error) {
	t.Helper()
	require.NoError(t, err)
}

// machine is a key server of the customer, with the verbs that name a key group or a rank of a lab.
type machine struct {
	*customer.KeyServer
	lab *Lab
}

func keyServerAddr(n int) string { return fmt.Sprintf("keyserver%d.example.com", n) }

func keyHost(t testing.TB, l *Lab, n int) machine {
	t.Helper()
	k, err := l.customer.Numbered(n)
	require.NoError(t, err)
	return machine{k, l}
}

func (m machine) LoseKey(group int) error {
	return m.lab.onKey(group, m.KeyServer.LoseKey)
}

func (m machine) DamageKey(group, bit int) error {
	return m.lab.onKey(group, func(d customer.DataKey) error { return m.KeyServer.DamageKey(d, bit) })
}

func (m machine) SetKeyState(group int, to customer.KeyFate, in time.Duration) error {
	return m.lab.onKey(group, func(d customer.DataKey) error { return m.KeyServer.SetKeyState(d, to, in) })
}

func (m machine) RestoreFrom(o machine) error { return m.KeyServer.RestoreFrom(o.KeyServer) }

func (l *Lab) onKey(group int, do func(customer.DataKey) error) error {
	d, err := l.DataKey(group)
	if err != nil {
		return err
	}
	return do(d)
}

// Place puts the storage of the machine on a rank; "" is disks of its own.
func (m machine) Place(at *Lab, rank string) error {
	if rank == "" {
		m.KeyServer.Place(nil)
		return nil
	}
	on, err := at.Storage(rank)
	if err == nil {
		m.KeyServer.Place(on)
	}
	return err
}

func stopMachine(l *Lab, n int) error  { return l.customer.Stop(n) }
func startMachine(l *Lab, n int) error { return l.customer.Start(n) }

// shownBy is the certificate that a key server shows.
func shownBy(t testing.TB, l *Lab, n int) *cert.Certificate {
	t.Helper()
	c, err := l.wire.Dial(1, keyServerAddr(n), customer.PortKMIP)
	require.NoError(t, err)
	shown, err := c.Hello(true, KMIP)
	require.NoError(t, err)
	return shown
}

func dataKeyOf(l *Lab) string { return l.keys.Group(1).Record().UID }

// keyCause is a physical cause of codes of the key path: what breaks it, what mends it, and
// what is then open after an IML and after a periodic retrieval.
type keyCause struct {
	name     string
	hurt     func(t *testing.T, l *Lab)
	heal     func(t *testing.T, l *Lab)
	iml      []string // "" : data accessible, nothing open
	periodic []string
}

func both(f func(t *testing.T, l *Lab, n int)) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) { f(t, l, 1); f(t, l, 2) }
}

func one(f func(t *testing.T, l *Lab, n int)) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) { f(t, l, 2) }
}

func onHost(f func(*customer.KeyServer)) func(*testing.T, *Lab, int) {
	return func(t *testing.T, l *Lab, n int) { f(keyHost(t, l, n).KeyServer) }
}

func stopServer(t *testing.T, l *Lab, n int)  { must(t, l.customer.Stop(n)) }
func startServer(t *testing.T, l *Lab, n int) { must(t, l.customer.Start(n)) }

func loseKey(t *testing.T, l *Lab, n int) {
	must(t, keyHost(t, l, n).LoseKey(1))
}

func damageKey(t *testing.T, l *Lab, n int) {
	must(t, keyHost(t, l, n).DamageKey(1, 9))
}

func undamageKey(t *testing.T, l *Lab, n int) { damageKey(t, l, n) } // the same bit once more

// spare server: a third machine of the customer that holds every key, to restore from.
func backup(t *testing.T, l *Lab) {
	if _, err := l.customer.KeyServer("backup.example.com"); err == nil {
		return
	}
	_, err := l.customer.Add("backup.example.com")
	must(t, err)
}

func restoreKey(t *testing.T, l *Lab, n int) {
	from, err := l.customer.KeyServer("backup.example.com")
	must(t, err)
	must(t, keyHost(t, l, n).KeyServer.RestoreFrom(from))
}

func reissue(issuer, name string, life time.Duration) func(*testing.T, *Lab, int) {
	return func(t *testing.T, l *Lab, n int) { must(t, keyHost(t, l, n).Reissue(issuer, name, life)) }
}

func links(to LinkState) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) {
		for p := range 2 {
			for c := 1; c <= 2; c++ {
				must(t, l.SetLink(p, c, to))
			}
		}
	}
}

func consolesTo(on bool) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) { must(t, l.PowerConsole(1, on)); must(t, l.PowerConsole(2, on)) }
}

func paths(up bool) func(*testing.T, *Lab, int) {
	return func(t *testing.T, l *Lab, n int) {
		must(t, l.customer.SetPath(1, keyServerAddr(n), up))
		must(t, l.customer.SetPath(2, keyServerAddr(n), up))
	}
}

func activate(on bool) func(*testing.T, *Lab, int) {
	return func(t *testing.T, l *Lab, n int) {
		_, err := l.ChangeKeyManager(n, KeyManagerChange{Active: &on})
		must(t, err)
	}
}

func distrust(t *testing.T, l *Lab, n int) { must(t, keyHost(t, l, n).Distrust("factory")) }
func trust(t *testing.T, l *Lab, n int)    { must(t, keyHost(t, l, n).Trust("factory")) }

func serverMemory(bad bool) func(*testing.T, *Lab, int) {
	return func(t *testing.T, l *Lab, n int) { keyHost(t, l, n).BreakMemory(bad) }
}

func then(f ...func(*testing.T, *Lab)) func(*testing.T, *Lab) {
	return func(t *testing.T, l *Lab) {
		for _, f := range f {
			f(t, l)
		}
	}
}

func keyCauses() []keyCause {
	none := []string{}
	return []keyCause{
		{"no active server", both(activate(false)), both(activate(true)), []string{"BE14CFE0", "BE14E004"}, []string{"BE14CFEB", "BE14E004"}},
		{"one active server", one(activate(false)), one(activate(true)), none, []string{"BE14CFEB"}},
		{"both servers off", both(stopServer), both(startServer), []string{"BE14CFE0", "BE14E008"}, []string{"BE14CFEA", "BE14E008", "BE14EAF3", "BE14EAF3"}},
		{"one server off", one(stopServer), one(startServer), none, []string{"BE14CFEA", "BE14EAF3"}},
		{"socket refused", both(onHost((*customer.KeyServer).StopService)), both(onHost((*customer.KeyServer).StartService)), []string{"BE14CFE0", "BE14E008"}, []string{"BE14CFEA", "BE14E008", "BE14EAF3", "BE14EAF3"}},
		{"black hole", both(paths(false)), both(paths(true)), []string{"BE14CFE0", "BE14E008"}, []string{"BE14CFEA", "BE14E008", "BE14EAF3", "BE14EAF3"}},
		{"links cut", links(LinkCut), links(LinkUp), []string{"BE14CFE0", "BE14E009"}, []string{"BE14CFEA", "BE14E009"}},
		{"consoles off", consolesTo(false), consolesTo(true), []string{"BE14CFE0", "BE14E009"}, []string{"BE14CFEA", "BE14E009"}},
		{"links stalled", links(LinkStalled), links(LinkUp), []string{"BE14CFE0", "BE14E00B"}, []string{"BE14CFEA", "BE14E00B"}},
		{
			"one command stalls", func(t *testing.T, l *Lab) {
				for c := 1; c <= 2; c++ { // the second command of partition 0 goes to the second server
					must(t, l.ArmLink(0, c, fault.MustParse("(link.command.stalled (Not (OnIndex 0)))")))
				}
				must(t, l.ArmLink(0, 2, fault.MustParse("(link.command.stalled)")))
			},
			func(t *testing.T, l *Lab) { must(t, l.ArmLink(0, 1, nil)); must(t, l.ArmLink(0, 2, nil)) },
			none,
			[]string{"BE14CFEA", "BE14EA0B"},
		},
		{"no key at either", then(backup, both(loseKey)), both(restoreKey), []string{"BE14CFE0", "BE14E011"}, []string{"BE14CFEA", "BE14E011"}},
		{"no key at one", then(backup, one(loseKey)), one(restoreKey), none, []string{"BE14CFEA", "BE14EA11"}},
		{"wrong key at both", both(damageKey), both(undamageKey), []string{"BE14CFE0", "BE14E012"}, []string{"BE14CFEA", "BE14E012"}},
		{"wrong key at one", one(damageKey), one(undamageKey), none, []string{"BE14CFEA", "BE14EA12"}},
		{"bad memory at both", both(serverMemory(true)), both(serverMemory(false)), []string{"BE14CFE0", "BE14E012"}, []string{"BE14CFEA", "BE14E012"}},
		{"bad memory at one", one(serverMemory(true)), one(serverMemory(false)), none, []string{"BE14CFEA", "BE14EA12"}},
		{"unknown CA", both(reissue("unknown", "", 0)), both(reissue("customer", "", 0)), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"certificate expired", both(reissue("customer", "", -time.Hour)), both(reissue("customer", "", 0)), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"certificate of another name", both(reissue("customer", "other.example.com", 0)), both(reissue("customer", "", 0)), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"the servers do not know the facility", both(distrust), both(trust), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"no key protocol", both(onHost((*customer.KeyServer).Garble)), both(onHost((*customer.KeyServer).Ungarble)), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"servers stall", both(onHost(func(h *customer.KeyServer) { h.Store().Stall() })), both(onHost(func(h *customer.KeyServer) { h.Store().Resume() })), []string{"BE14CFE0", "BE14E0F1"}, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}},
		{"one console off", func(t *testing.T, l *Lab) { must(t, l.PowerConsole(1, false)) }, func(t *testing.T, l *Lab) { must(t, l.PowerConsole(1, true)) }, none, none},
		{"one network of a console cut", func(t *testing.T, l *Lab) { must(t, l.customer.SetPath(1, keyServerAddr(1), false)) }, func(t *testing.T, l *Lab) { must(t, l.customer.SetPath(1, keyServerAddr(1), true)) }, none, none},
		{
			"two faults at once", func(t *testing.T, l *Lab) { backup(t, l); loseKey(t, l, 1); stopServer(t, l, 2) },
			func(t *testing.T, l *Lab) { restoreKey(t, l, 1); startServer(t, l, 2) },
			[]string{"BE14CFE0", "BE14E008", "BE14E011"},
			[]string{"BE14CFEA", "BE14E008", "BE14E011", "BE14EAF3"},
		},
	}
}

func TestKeyCausesAtAnIML(t *testing.T) {
	for _, c := range keyCauses() {
		t.Run(c.name, func(t *testing.T) {
			l := encrypted(t, Options{})
			c.hurt(t, l)
			r, err := l.PowerCycle()
			require.NoError(t, err)
			require.Equal(t, c.iml, openCodes(l), "these codes come of the cause and no others\n%s", history{l})
			require.Equal(t, len(c.iml) > 0, r.Failed)
			for _, e := range l.events.OpenEvents() {
				staysOpen(t, l, e)
				require.Equal(t, []int{0, 1}, e.Partitions)
			}
			c.heal(t, l)
			ok(t, l)(l.DualClusterIML())
			readable(t, l)
			closeAll(t, l)
			ok(t, l)(l.PowerCycle())
			require.Empty(t, l.events.OpenEvents(), "nothing comes back")
		})
	}
}

func TestKeyCausesInAPeriodicRetrieval(t *testing.T) {
	for _, c := range keyCauses() {
		t.Run(c.name, func(t *testing.T) {
			l := encrypted(t, Options{})
			c.hurt(t, l)
			advance(t, l, keyPeriod)
			require.Equal(t, c.periodic, openCodes(l), "these codes come of the cause and no others\n%s", history{l})
			readable(t, l)
			for _, e := range l.events.OpenEvents() {
				staysOpen(t, l, e)
			}
			c.heal(t, l)
			if c.name != "one command stalls" {
				closeAll(t, l)
			}
			advance(t, l, 2*keyPeriod)
			closeAll(t, l)
			advance(t, l, 2*keyPeriod)
			require.Empty(t, l.events.OpenEvents(), "nothing comes back\n%s", history{l})
		})
	}
}

func TestLocationOfAKeyServer(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 2)
	advance(t, l, keyPeriod)
	e := openEvent(t, l, "BE14EAF3")
	require.Equal(t, []string{"KS2-192.0.2.12"}, e.Locations, "the location code has the number and the address of the server")
	require.Equal(t, []int{2}, e.KeyServers)
	require.Empty(t, e.Slots)
}

func TestOnePartitionCutOff(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.SetLink(0, 1, LinkCut))
	must(t, l.SetLink(0, 2, LinkCut))
	ok(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14E009"}, openCodes(l), "the other partition got the key: there is no umbrella")
	require.Equal(t, []int{0}, openEvent(t, l, "BE14E009").Partitions, "only the partition that is cut off reports it")
	readable(t, l)
	must(t, l.SetLink(0, 2, LinkUp))
	advance(t, l, time.Hour)
	closeAll(t, l)
}

func TestFourHours(t *testing.T) {
	for _, c := range []struct {
		tls           bool
		first, second string
	}{{true, "BE14EAF3", "BE14EAF4"}, {false, "BE14EAF1", "BE14EAF2"}} {
		t.Run(c.second, func(t *testing.T) {
			l := encrypted(t, Options{})
			if !c.tls {
				l = encryptedIPP(t, Options{}, ProtocolNone)
			}
			stopServer(t, l, 1)
			advance(t, l, keyPeriod)
			require.Equal(t, []string{"BE14CFEA", c.first}, openCodes(l))
			advance(t, l, 4*time.Hour-time.Minute)
			require.Equal(t, []string{"BE14CFEA", c.first}, openCodes(l), "the four hours are not over")
			advance(t, l, time.Minute)
			require.Equal(t, []string{"BE14CFEA", c.first, c.second}, openCodes(l), "after four hours service is asked for\n%s", history{l})
			staysOpen(t, l, openEvent(t, l, c.second))
			startServer(t, l, 1)
			closeAll(t, l)
			advance(t, l, 24*time.Hour)
			require.Empty(t, l.events.OpenEvents())

			// A failure that ends within four hours sends no request for service.
			stopServer(t, l, 1)
			advance(t, l, keyPeriod/2)
			require.Equal(t, []string{"BE14CFEA", c.first}, openCodes(l))
			advance(t, l, 3*time.Hour)
			startServer(t, l, 1)
			advance(t, l, 12*time.Minute)
			stopServer(t, l, 1)
			advance(t, l, 2*time.Hour)
			require.NotContains(t, openCodes(l), c.second, "the clock starts anew")
		})
	}
}

func TestRegainedAccess(t *testing.T) {
	for name, c := range map[string]struct {
		hurt, heal func(*testing.T, *Lab)
		code       string
	}{
		"BE14E008": {both(stopServer), one(startServer), "BE14E008"},
		"BE14E009": {links(LinkCut), links(LinkUp), "BE14E009"},
		"BE14E004": {both(activate(false)), one(activate(true)), "BE14E004"},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			c.hurt(t, l)
			fails(t, l)(l.PowerCycle())
			advance(t, l, 24*time.Minute)
			require.Equal(t, []string{"BE14CFE0", c.code}, openCodes(l))
			c.heal(t, l)
			advance(t, l, 11*time.Minute+59*time.Second)
			require.Len(t, l.events.Events(), 2, "the query comes every twelve minutes")
			advance(t, l, time.Second)
			require.Len(t, l.events.Events(), 3, "%s", history{l})
			e := l.events.Events()[2]
			require.Equal(t, "BE14CFE1", e.SRC)
			require.False(t, e.Open, "it closes itself")
			require.Equal(t, "facility", e.ClosedBy)
			require.Equal(t, []string{"BE14CFE0"}, openCodes(l), "with it goes the specific code, and not the umbrella")
			readable(t, l)
			closeAll(t, l)
		})
	}
	t.Run("not for a server that lacks the key", func(t *testing.T) {
		l := encrypted(t, Options{})
		backup(t, l)
		both(loseKey)(t, l)
		fails(t, l)(l.PowerCycle())
		both(restoreKey)(t, l)
		advance(t, l, 24*time.Hour)
		require.Equal(t, []string{"BE14CFE0", "BE14E011"}, openCodes(l), "only E004, E008 and E009 are queried for")
		require.Equal(t, encgroup.Inaccessible, l.keys.Group(1).State())
		ok(t, l)(l.DualClusterIML())
		closeAll(t, l)
	})
	t.Run("not before the keys are there", func(t *testing.T) {
		l := encrypted(t, Options{})
		backup(t, l)
		both(stopServer)(t, l)
		fails(t, l)(l.PowerCycle())
		both(startServer)(t, l)
		both(loseKey)(t, l)
		advance(t, l, 12*time.Minute+imlDuration)
		require.Equal(t, []string{"BE14CFE0", "BE14E008", "BE14E011"}, openCodes(l), "the servers answer, the partitions reboot, and there is no key: access is not back\n%s", history{l})
		both(restoreKey)(t, l)
		ok(t, l)(l.DualClusterIML())
		closeAll(t, l)
	})
	t.Run("not for a partition that is still cut off", func(t *testing.T) {
		l := encrypted(t, Options{})
		links(LinkCut)(t, l)
		fails(t, l)(l.PowerCycle())
		must(t, l.SetLink(0, 1, LinkUp))
		advance(t, l, 12*time.Minute+imlDuration)
		readable(t, l)
		require.Equal(t, []string{"BE14CFE0", "BE14E009"}, openCodes(l), "%s", history{l})
		require.Equal(t, []int{0, 1}, openEvent(t, l, "BE14E009").Partitions, "an event of both is not closed for one")
		e := l.events.Events()[2]
		require.Equal(t, "BE14CFE1", e.SRC)
		require.Equal(t, []int{0}, e.Partitions)
		links(LinkUp)(t, l)
		closeAll(t, l)
	})
	t.Run("not while data are accessible", func(t *testing.T) {
		l := encrypted(t, Options{})
		both(stopServer)(t, l)
		advance(t, l, keyPeriod)
		both(startServer)(t, l)
		advance(t, l, time.Hour)
		for _, e := range l.events.Events() {
			require.NotEqual(t, "BE14CFE1", e.SRC)
		}
		readable(t, l)
		closeAll(t, l)
	})
}

func TestBE14E1F6(t *testing.T) {
	l := encrypted(t, Options{})
	both(stopServer)(t, l)
	fails(t, l)(l.PowerCycle())
	ok(t, l)(l.StartRepair("R1-I1-D16"))
	both(startServer)(t, l)
	advance(t, l, 12*time.Minute)
	require.Equal(t, []string{"BE14CFE0", "BE14E008", "BE14E1F6"}, openCodes(l), "%s", history{l})
	require.Equal(t, encgroup.Inaccessible, l.keys.Group(1).State(), "no IML was made during the service action")
	staysOpen(t, l, openEvent(t, l, "BE14E1F6"))
	_, err := l.Quiesce()
	require.ErrorIs(t, err, ErrBusy, "the service action ends first")
	ok(t, l)(l.CancelRepair("R1-I1-D16"))
	advance(t, l, 24*time.Hour)
	require.Equal(t, encgroup.Inaccessible, l.keys.Group(1).State(), "nor afterwards: it is done by hand")

	_, err = l.Shutdown()
	require.ErrorIs(t, err, ErrState, "the order is kept")
	require.ErrorContains(t, err, "the valid state is quiesce")
	_, err = l.Resume()
	require.ErrorIs(t, err, ErrState)
	ok(t, l)(l.Quiesce())
	require.Empty(t, l.sfi.ValidState(), "it takes a while")
	_, err = l.Shutdown()
	require.ErrorContains(t, err, "quiescing")
	_, err = l.StartRepair("R1-I1-D16")
	require.ErrorContains(t, err, "the facility is quiescing", "no service on partitions that do not run")
	advance(t, l, quiesceDuration)
	require.Equal(t, "shutdown", l.sfi.ValidState())
	_, err = l.Quiesce()
	require.ErrorContains(t, err, "the valid state is shutdown")
	ok(t, l)(l.Shutdown())
	advance(t, l, shutdownDuration)
	require.Equal(t, "resume", l.sfi.ValidState())
	ok(t, l)(l.Resume())
	require.Equal(t, "quiesce", l.sfi.ValidState())
	readable(t, l)
	closeAll(t, l)
}

func TestKeyRepositoryCopies(t *testing.T) {
	t.Run("BE14CFE5", func(t *testing.T) {
		l := encrypted(t, Options{})
		must(t, l.DamageRepository(2))
		before := l.Now()
		ok(t, l)(l.DualClusterIML())
		require.Equal(t, []string{"BE14CFE5"}, openCodes(l), "%s", history{l})
		require.Equal(t, 2*imlDuration, l.Now().Sub(before), "the partitions rebooted once more")
		require.Contains(t, openEvent(t, l, "BE14CFE5").Found[0], "copy 2")
		readable(t, l)
		copies, good := l.records.Repository()
		require.True(t, good, "the copy is mended: %v", copies)
		closeAll(t, l)
	})
	t.Run("BE14E3F7", func(t *testing.T) {
		l := encrypted(t, Options{})
		for c := 1; c <= 3; c++ {
			must(t, l.DamageRepository(c))
		}
		advance(t, l, keyPeriod)
		require.Equal(t, []string{"BE14E3F7"}, openCodes(l), "the periodic retrieval finds it, and data are still there\n%s", history{l})
		readable(t, l)
		staysOpen(t, l, openEvent(t, l, "BE14E3F7"))
		ok(t, l)(l.RestoreRepository())
		closeAll(t, l)
		ok(t, l)(l.PowerCycle())
		readable(t, l)

		for c := 1; c <= 3; c++ {
			must(t, l.DamageRepository(c))
		}
		fails(t, l)(l.PowerCycle())
		require.Equal(t, []string{"BE14E3F7"}, openCodes(l), "%s", history{l})
		ok(t, l)(l.RestoreRepository())
		staysOpen(t, l, openEvent(t, l, "BE14E3F7"))
		ok(t, l)(l.DualClusterIML())
		readable(t, l)
		closeAll(t, l)
	})
}

func TestBE14CFF5(t *testing.T) {
	t.Run("no certificate", func(t *testing.T) {
		l := encrypted(t, Options{})
		pem, err := l.customer.ClientCertificate(48 * time.Hour)
		must(t, err)
		_, err = l.ImportCertificate(pem)
		must(t, err)
		require.Equal(t, "CUSTOMER", l.FacilityCertificate().Kind)
		advance(t, l, 49*time.Hour)
		n := len(l.plant.Drives())
		fails(t, l)(l.InstallMES(MESRequest{}))
		require.Len(t, l.plant.Drives(), n, "nothing was installed")
		e := openEvent(t, l, "BE14CFF5")
		staysOpen(t, l, e)
		must(t, l.DefaultCertificate())
		closed(t, l, e)
		ok(t, l)(l.InstallMES(MESRequest{}))
	})
	t.Run("no certificate at any other drive certify", func(t *testing.T) {
		for name, do := range map[string]func(*testing.T, *Lab){
			"repair": func(t *testing.T, l *Lab) {
				p, err := l.OrderSpare()
				must(t, err)
				ok(t, l)(exchange(t, l, "R1-I1-D16", p.Serial()))
			},
			"insert": func(t *testing.T, l *Lab) {
				p := drivePart(t, l, "R1-I1-D16")
				must(t, l.Pull("R1-I1-D16"))
				ok(t, l)(l.Insert("R1-I1-D16", p.Serial()))
			},
		} {
			l := encrypted(t, Options{})
			l.LoseCertificate()
			do(t, l)
			e := openEvent(t, l, "BE14CFF5")
			require.Equal(t, []string{"SFI-" + l.Serial()}, e.Locations, name)
			staysOpen(t, l, e)
			must(t, l.DefaultCertificate())
			closed(t, l, e)
			require.Empty(t, l.events.OpenEvents(), name)
		}
	})
	t.Run("a plain drive", func(t *testing.T) {
		l := encrypted(t, Options{})
		p, err := l.OrderPlainSpare()
		must(t, err)
		fails(t, l)(l.InstallMES(MESRequest{Serials: []string{"", p.Serial()}}))
		e := openEvent(t, l, "BE14CFF5")
		require.Equal(t, []string{p.Serial()}, e.Serials)
		staysOpen(t, l, e)
		d, err := l.plant.Drive(e.Slots[0])
		must(t, err)
		require.Equal(t, Inappropriate, d.State)
		advance(t, l, 3*time.Hour)
		ok(t, l)(exchange(t, l, e.Slots[0], ""))
		closed(t, l, e)
		advance(t, l, time.Hour)
		require.Empty(t, l.events.OpenEvents())
	})
}

func BenchmarkRetrieveKeys1536(b *testing.B) {
	l := ranked(b, 1536)
	b.ReportAllocs()
	for b.Loop() {
		l.RetrieveKeys()
	}
	require.Empty(b, l.events.Events())
}
