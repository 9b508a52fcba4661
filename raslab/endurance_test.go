package raslab

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

// enduring is a fault that can last for years, and what causes it in a facility with an encrypted
// and an unencrypted rank.
func enduring() map[string]func(*testing.T, *Lab) {
	locked := func(hurt func(*testing.T, *Lab)) func(*testing.T, *Lab) {
		return func(t *testing.T, l *Lab) { hurt(t, l); fails(t, l)(l.PowerCycle()) }
	}
	broken := func(slots ...string) func(*testing.T, *Lab) {
		return func(t *testing.T, l *Lab) {
			for _, s := range slots {
				must(t, l.Break(s))
			}
		}
	}
	out := map[string]func(*testing.T, *Lab){
		"nothing":               func(*testing.T, *Lab) {},
		"locked: servers off":   locked(both(stopServer)),
		"locked: no key":        locked(both(loseKey)),
		"locked: untrusted":     locked(both(distrust)),
		"locked: links cut":     locked(links(LinkCut)),
		"locked: half and half": locked(func(t *testing.T, l *Lab) { loseKey(t, l, 1); stopServer(t, l, 2) }),
		"locked, and a repair waits": func(t *testing.T, l *Lab) {
			locked(both(stopServer))(t, l)
			ok(t, l)(l.StartRepair("R1-I1-D16"))
			both(startServer)(t, l)
		},
		"locked, and quiesced": func(t *testing.T, l *Lab) {
			locked(both(stopServer))(t, l)
			ok(t, l)(l.Quiesce())
		},
		"a dead spare":               broken("R1-I1-D08"),
		"dead drives without spares": broken("R1-I1-D08", "R1-I1-D16", "R1-I1-D02"),
		"an array that failed":       broken("R1-I1-D08", "R1-I1-D16", "R1-I1-D02", "R1-I1-D03", "R1-I1-D04"),
		"an empty slot":              func(t *testing.T, l *Lab) { must(t, l.Pull("R1-I1-D08")) },
		"a member that is locked": func(t *testing.T, l *Lab) {
			broken("R1-I1-D08", "R1-I1-D16")(t, l)
			arm(t, l, "R1-I1-D03", "(flash.read.error)")
		},
		"no own certificate": func(t *testing.T, l *Lab) { l.LoseCertificate() },
		"own certificate refused": func(t *testing.T, l *Lab) {
			pem, err := l.customer.ClientCertificate(time.Hour)
			must(t, err)
			_, err = l.ImportCertificate(pem)
			must(t, err)
		},
		"a copy of the repository that takes no page": func(t *testing.T, l *Lab) {
			must(t, l.ArmRepository(fault.MustParse("(repository.write.refused (Block 1))")))
			must(t, l.DamageRepository(2))
		},
		"a copy of the repository that is not read": func(t *testing.T, l *Lab) {
			must(t, l.ArmRepository(fault.MustParse("(repository.read.error (Block 1))")))
		},
		"a rebuild that waits for the repository": func(t *testing.T, l *Lab) {
			must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
			must(t, l.Break("R1-I1-D02"))
		},
		"no copy of the repository": func(t *testing.T, l *Lab) {
			for n := 1; n <= 3; n++ {
				must(t, l.DamageRepository(n))
			}
		},
	}
	for _, c := range keyCauses() {
		out["servers: "+c.name] = c.hurt
	}
	return out
}

// cost is the cost of a span of time: allocations, which stand for work, and the sizes of what can
// grow.
type cost struct {
	mallocs        uint64
	lines, events  int
	timers, raises int
}

func costOf(t *testing.T, l *Lab, d time.Duration) (c cost) {
	t.Helper()
	var before, after runtime.MemStats
	lines, events := len(l.trace), len(l.events.all)
	runtime.ReadMemStats(&before)
	advance(t, l, d)
	runtime.ReadMemStats(&after)
	return cost{after.Mallocs - before.Mallocs, len(l.trace) - lines, len(l.events.all) - events, len(l.clock.heap), len(l.events.open)}
}

// TestWhatStaysWrongCostsTheSameEveryDay: whatever is wrong, its tenth week costs what the second
// did, and nothing piles up: no line of the trace, no event, no timer.
func TestWhatStaysWrongCostsTheSameEveryDay(t *testing.T) {
	for name, hurt := range enduring() {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			ok(t, l)(l.CreateArray("S2", RAIDAuto))
			ok(t, l)(l.CreateRank("A1", 0))
			backup(t, l)
			hurt(t, l)
			advance(t, l, 7*day)
			second := costOf(t, l, 7*day)
			advance(t, l, 49*day)
			tenth := costOf(t, l, 7*day)
			// The room is for pools, which the race detector empties at random.
			require.LessOrEqual(t, tenth.mallocs, second.mallocs+second.mallocs/20+250, "work: %d, then %d\n%s", second.mallocs, tenth.mallocs, tail(l))
			second.mallocs, tenth.mallocs = 0, 0
			require.Equal(t, second, tenth, "%s", tail(l))
			require.Zero(t, tenth.events, "an incident that lasts is one event")
			require.LessOrEqual(t, tenth.lines, 1, "and is told once\n%s", tail(l))
		})
	}
}

func tail(l *Lab) (out string) {
	for _, e := range l.trace[max(0, len(l.trace)-12):] {
		out += e.String() + "\n"
	}
	return out
}

// BenchmarkUntrusted passes time with key servers that are not trusted, in three sizes whose cost a
// day is the same. Compare it with BenchmarkHealthy.
func BenchmarkUntrusted(b *testing.B) {
	benchmarkDays(b, func(l *Lab) {
		for _, h := range l.customer.KeyServers() {
			require.NoError(b, h.Reissue("customer", "", -time.Hour))
		}
	})
}

// BenchmarkHealthy is described at BenchmarkUntrusted.
func BenchmarkHealthy(b *testing.B) { benchmarkDays(b, func(*Lab) {}) }

func benchmarkDays(b *testing.B, hurt func(*Lab)) {
	for _, days := range []int{90, 360, 1440} {
		b.Run(fmt.Sprintf("%ddays", days), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				l := encrypted(b, Options{})
				hurt(l)
				b.StartTimer()
				require.NoError(b, l.Advance(time.Duration(days)*day))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(days), "ns/day")
		})
	}
}

// TestUntrustedServersCostAboutWhatHealthyOnesDo: the partitions ask untrusted servers forty times
// as often, so each request has to be cheap. The cost is counted in allocations, which do not
// depend on the machine.
func TestUntrustedServersCostAboutWhatHealthyOnesDo(t *testing.T) {
	week := func(hurt func(*testing.T, *Lab)) float64 {
		l := encrypted(t, Options{})
		hurt(t, l)
		advance(t, l, 7*day)
		return float64(costOf(t, l, 7*day).mallocs)
	}
	healthy := week(func(*testing.T, *Lab) {})
	require.Less(t, week(both(reissue("customer", "", -time.Hour))), 16*healthy)
	require.Less(t, week(both(stopServer)), 16*healthy)
	require.Less(t, week(func(t *testing.T, l *Lab) { both(stopServer)(t, l); fails(t, l)(l.PowerCycle()) }), 16*healthy)
}
