package facility

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// keyFaults break and mend the way to the keys, and do people's work on it. Often both servers,
// links or consoles are broken at once, since the other one takes over for a single one.
func (m *Machine) keyFaults() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){}
	for _, part := range []map[string]func(*rapid.T){m.serverFaults(), m.networkFaults(), m.keyWork()} {
		maps.Copy(all, part)
	}
	return all
}

func drawNumber(t *rapid.T, what string, from, to int) int {
	return rapid.IntRange(from, to).Draw(t, what)
}

func drawWord(t *rapid.T, what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(t, what)
}

func (m *Machine) do(t *rapid.T, format string, a ...any) { m.Must(t, fmt.Sprintf(format, a...)) }

// each does a step for one of n machines, or for all.
func (m *Machine) each(t *rapid.T, n int, format string, a ...any) {
	first := drawNumber(t, "which, or all", 0, n)
	for i := 1; i <= n; i++ {
		if first == 0 || first == i {
			m.do(t, format, append([]any{i}, a...)...)
		}
	}
}

func (m *Machine) onePair(t *rapid.T) bool {
	ipp := slices.ContainsFunc(m.keys.managers, func(w *keyManager) bool { return w.ipp })
	return ipp && rapid.Bool().Draw(t, "one key pair")
}

// serverFaults are those of the customer's key servers.
func (m *Machine) serverFaults() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"stop server":  func(t *rapid.T) { m.each(t, len(m.keys.servers), "stop-server %d") },
		"start server": func(t *rapid.T) { m.each(t, len(m.keys.servers), "start-server %d") },
		"service": func(t *rapid.T) {
			m.each(t, len(m.keys.servers), "service %d %s", drawWord(t, "to", "ends", "hangs", "garbled"))
		},
		"mend service": func(t *rapid.T) {
			for _, to := range []string{"runs", "goes-on", "right"} {
				for n := range len(m.keys.servers) {
					m.do(t, "service %d %s", n+1, to)
				}
			}
		},
		"lose key": func(t *rapid.T) {
			if m.onePair(t) {
				m.each(t, len(m.keys.servers), "lose-pair %d %s", drawWord(t, "label", pairLabels[:]...))
				return
			}
			m.each(t, len(m.keys.servers), "lose-key %d %d", drawNumber(t, "group", 1, 2))
		},
		"damage key": func(t *rapid.T) {
			if m.onePair(t) {
				m.each(t, len(m.keys.servers), "damage-pair %d %s %d", drawWord(t, "label", pairLabels[:]...), drawNumber(t, "bit", 0, 3))
				return
			}
			m.each(t, len(m.keys.servers), "damage-key %d %d %d", drawNumber(t, "group", 1, 2), drawNumber(t, "bit", 0, 3))
		},
		"restore keys": func(t *rapid.T) {
			m.do(t, "restore-keys %d %d", drawNumber(t, "to", 1, len(m.keys.servers)), drawNumber(t, "from", 1, len(m.keys.servers)))
		},
		"certificate": func(t *rapid.T) {
			m.each(t, len(m.keys.servers), "reissue %d %s %s %d", drawWord(t, "issuer", "customer", "customer", "unknown"), drawWord(t, "name", "own", "own", "other"), rapid.SampledFrom([]int{0, 90, 300, 500, -60}).Draw(t, "life"))
		},
		"good certificate": func(t *rapid.T) { m.each(t, len(m.keys.servers), "reissue %d customer own 0") },
		"trust": func(t *rapid.T) {
			m.each(t, len(m.keys.servers), "trust %d %s %s", drawWord(t, "whom", "factory", "customer"), drawWord(t, "to", "yes", "no"))
		},
	}
}

// networkFaults are those of what is between the facility and the key servers.
func (m *Machine) networkFaults() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"console": func(t *rapid.T) { m.each(t, 2, "console %d %s", drawWord(t, "to", "off", "hung", "no-essni")) },
		"mend console": func(t *rapid.T) {
			to := drawWord(t, "to", "on", "free", "essni")
			m.do(t, "console 1 %s", to)
			m.do(t, "console 2 %s", to)
		},
		"link": func(t *rapid.T) {
			to, p := drawWord(t, "to", "cut", "stalled", "up", "up"), drawNumber(t, "partition, or both", 0, 2)
			for i := range 2 {
				if p == 2 || p == i {
					m.do(t, "link %d 1 %s", i, to)
					m.do(t, "link %d 2 %s", i, to)
				}
			}
		},
		"one link": func(t *rapid.T) {
			m.do(t, "link %d %d %s", drawNumber(t, "partition", 0, 1), drawNumber(t, "console", 1, 2), drawWord(t, "to", "cut", "stalled", "up"))
		},
		"path": func(t *rapid.T) {
			n, to := drawNumber(t, "server", 1, len(m.keys.servers)), drawWord(t, "to", "cut", "up")
			m.each(t, 2, "path %d %d %s", n, to)
		},
		"manager": func(t *rapid.T) {
			m.each(t, 4, "manager %d %s", drawWord(t, "to", "active", "active", "inactive", "kmip", "ipp", "ipp-tls"))
		},
		"no TLS": func(t *rapid.T) { m.each(t, 4, "manager %d %s", "ipp") },
		"one key lost": func(t *rapid.T) {
			m.do(t, "lose-key %d %d", drawNumber(t, "server", 1, 2), drawNumber(t, "group", 1, 2))
			m.do(t, "retrieve")
		},
		"remove manager": func(t *rapid.T) { m.do(t, "rm-manager %d", drawNumber(t, "manager", 1, 4)) },
		"make manager": func(t *rapid.T) {
			m.do(t, "mk-manager %d %d %d", drawNumber(t, "manager", 1, 5), drawNumber(t, "server", 1, len(m.keys.servers)), drawNumber(t, "group", 1, 2))
		},
		"add server": func(t *rapid.T) { m.do(t, "add-server") },
		"own certificate": func(t *rapid.T) {
			m.do(t, "own-cert %s", drawWord(t, "which", "default", "default", "lost", "90", "400", "3000"))
		},
		"damage copy":    func(t *rapid.T) { m.each(t, 3, "damage-copy %d") },
		"restore copies": func(t *rapid.T) { m.do(t, "restore-copies") },
		"sfi":            func(t *rapid.T) { m.do(t, "sfi %s", drawWord(t, "step", "quiesce", "shutdown", "resume")) },
	}
}

// keyWork is what people do with the keys.
func (m *Machine) keyWork() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"retrieve":       func(t *rapid.T) { m.do(t, "retrieve") },
		"test of access": func(t *rapid.T) { m.do(t, "test-access %d", drawNumber(t, "group", 1, 3)) },
		"rekey data":     func(t *rapid.T) { m.do(t, "rekey-data %d", drawNumber(t, "group", 1, 2)) },
		"rekey with one server": func(t *rapid.T) {
			n := drawNumber(t, "server", 1, 2)
			m.do(t, "%s", fmt.Sprintf(drawWord(t, "how", "stop-server %d", "service %d ends", "path 1 %[1]d cut"), n))
			m.do(t, "rekey-data %d", drawNumber(t, "group", 1, 2))
		},
		"rekey group":      func(t *rapid.T) { m.do(t, "rekey-group %d", drawNumber(t, "group", 1, 2)) },
		"configure":        func(t *rapid.T) { m.do(t, "group %d", drawNumber(t, "group", 1, 2)) },
		"close any event":  func(t *rapid.T) { m.do(t, "close %d", drawNumber(t, "event", 1, max(1, len(m.seen)))) },
		"close last event": func(t *rapid.T) { m.do(t, "close %d", max(1, len(m.seen)-drawNumber(t, "back", 0, 3))) },
	}
}

// KeyActions are random steps on the way to the keys, with reboots, repairs and time that passes.
// Nothing is broken in the drives.
func (m *Machine) KeyActions() map[string]func(*rapid.T) {
	all := m.keyFaults()
	sound := m.Actions()
	for _, name := range []string{"iml", "power cycle", "advance", "repair", "end repair", "health", "write", "mes"} {
		all[name] = sound[name]
	}
	all["iml more"] = all["iml"]
	all["advance minutes"] = func(t *rapid.T) { m.Must(t, fmt.Sprintf("advance %d", rapid.IntRange(1, 30).Draw(t, "minutes"))) }
	all["advance days"] = func(t *rapid.T) { m.Must(t, fmt.Sprintf("advance %d", 60*rapid.IntRange(12, 80).Draw(t, "hours"))) }
	all["mend all"] = func(t *rapid.T) {
		if rapid.IntRange(0, 2).Draw(t, "really") == 0 {
			m.Must(t, "mend-all")
		}
	}
	return all
}

// faultPlans arm fault plans on networks and links. Whether a request fails then depends on how
// many went before.
func (m *Machine) faultPlans() map[string]func(*rapid.T) {
	plan := func(t *rapid.T, points ...string) string {
		when := rapid.SampledFrom([]string{"", " (OnIndex 0)", " (OnIndex 1)", " (Every 2)", " (Every 3)", " (After 2)", " (Not (OnIndex 0))"}).Draw(t, "when")
		return "(" + rapid.SampledFrom(points).Draw(t, "point") + when + ")"
	}
	return map[string]func(*rapid.T){
		"arm network": func(t *rapid.T) {
			m.Must(t, fmt.Sprintf("arm-net %d %s", drawNumber(t, "console", 1, 2), plan(t, "net.connect.refused", "net.connect.lost", "net.session.reset", "net.session.garbled", "net.session.silent")))
		},
		"arm link": func(t *rapid.T) {
			m.Must(t, fmt.Sprintf("arm-link %d %d %s", drawNumber(t, "partition", 0, 1), drawNumber(t, "console", 1, 2), plan(t, "link.command.lost", "link.command.stalled")))
		},
	}
}

// KeyPlanActions are KeyActions with fault plans on networks and links.
func (m *Machine) KeyPlanActions() map[string]func(*rapid.T) {
	all := m.KeyActions()
	maps.Copy(all, m.faultPlans())
	return all
}

// AllActions are FaultActions and KeyPlanActions, and mend everything now and then: drives break
// while the way to the keys does.
func (m *Machine) AllActions() map[string]func(*rapid.T) {
	all := m.FaultActions()
	maps.Copy(all, m.keyFaults())
	maps.Copy(all, m.faultPlans())
	all["arm again"], all["arm once more"] = all["arm"], all["arm"]
	all["mend all"] = func(t *rapid.T) { m.Must(t, "mend-all") }
	all["mend all again"], all["mend all once more"] = all["mend all"], all["mend all"]
	return all
}
