package facility

import (
	"slices"
	"strings"
)

// What a request for a key meets on its way.

// outcome is how a request ended, in the order of how far it came.
type outcome uint8

const (
	gotKey       outcome = iota
	noConsole            // the partition reaches no console
	noReply              // the console does not reply in time
	noConnection         // the console opens no connection to the server
	noSession            // the connection opens, and no session follows
	noKey                // the server answers, and has no such key
	wrongKey             // its key does not unwrap the group key
	badSignature         // its key unwraps it, and the signature does not match
	noServer             // no active server is configured
)

// answered says whether the key service answered.
func (o outcome) answered() bool {
	return o == gotKey || o == noKey || o == wrongKey || o == badSignature
}

// noContact says whether communication between console and key server failed.
func (o outcome) noContact() bool { return o == noConnection || o == noSession }

// trusted says whether server and facility accept each other's certificate.
func (k *keyModel) trusted(s *keyServer) bool {
	server := s.issuer == "customer" && !s.otherName && !k.now.After(s.until)
	return server && !k.uncertified() && !s.refuses[k.ownIssuer]
}

// through is what a request of a partition meets over one console. An empty key is any
// request. Every fault plan that is armed fires if plans is set, else none does.
func (k *keyModel) through(p, c int, m *keyManager, key string, plans bool) outcome {
	link, console, s := &k.links[p][c], &k.consoles[c], k.server(m.server)
	fires := func(plan, point string) bool { return plans && strings.Contains(plan, point) }
	switch {
	case link.cut || console.off || fires(link.plan, "link.command.lost"):
		return noConsole
	case link.stalled || console.hung || fires(link.plan, "link.command.stalled"):
		return noReply
	case console.noESSNI:
		return noConsole
	case console.cutTo[m.server] || s.off || s.ended || fires(console.plan, "net.connect"):
		return noConnection
	case s.garbled || s.hung || !m.noTLS && !k.trusted(s) || fires(console.plan, "net.session"):
		return noSession
	case key == "":
		return gotKey
	}
	wrong, have := s.gives(key, k.wrapped[key])
	switch {
	case !have:
		return noKey
	case wrong != 0:
		return wrongKey
	case plans && k.memory != [2]string{}:
		return badSignature
	}
	return gotKey
}

// gives is whether a server can give a key, and which of its bits are wrong. A damaged key
// pair opens nothing, which is no wrong key.
func (s *keyServer) gives(key string, wrapped bool) (wrong uint64, have bool) {
	if wrapped {
		return 0, s.opens()
	}
	wrong, have = s.keys[key]
	return wrong, have
}

// over is what a request meets over both consoles: the server's answer, or the failure that
// came furthest.
func (k *keyModel) over(p int, m *keyManager, key string, plans bool) outcome {
	a, b := k.through(p, 0, m, key, plans), k.through(p, 1, m, key, plans)
	switch {
	case a.answered():
		return a
	case b.answered():
		return b
	}
	return max(a, b)
}

func (k *keyModel) request(p int, m *keyManager, key string) outcome { return k.over(p, m, key, false) }

// reaches says whether some partition gets a request to a key server's process.
func (k *keyModel) reaches(m *keyManager) bool {
	return k.request(0, m, "") == gotKey || k.request(1, m, "") == gotKey
}

// attempt is what became of one partition's request to one key server.
type attempt struct {
	partition int
	manager   *keyManager // nil where no server is configured
	outcome   outcome
}

// attempts is every request for the key of a group, at this moment.
func (k *keyModel) attempts(g *keyGroup) []attempt { return k.allAttempts(g, false) }

func (k *keyModel) allAttempts(g *keyGroup, plans bool) (out []attempt) {
	active := k.activeOf(g.id)
	for _, p := range both {
		if len(active) == 0 {
			out = append(out, attempt{p, nil, noServer})
		}
		for _, m := range active {
			out = append(out, attempt{p, m, k.over(p, m, g.key, plans)})
		}
	}
	return out
}

var both = []int{0, 1}

// got says whether a partition has the key.
func got(all []attempt, p int) bool {
	return slices.ContainsFunc(all, func(a attempt) bool { return a.partition == p && a.outcome == gotKey })
}

// anyGot says whether some partition has it.
func anyGot(all []attempt) bool { return got(all, 0) || got(all, 1) }

// pick gives the partitions and key managers of some attempts.
func pick(all []attempt, want func(attempt) bool) (on, managers []int) {
	for _, a := range all {
		if want(a) {
			on = append(on, a.partition)
			if a.manager != nil {
				managers = append(managers, a.manager.id)
			}
		}
	}
	return on, managers
}

// plansArmed says whether a fault plan may change what requests meet.
func (k *keyModel) plansArmed() bool {
	if k.memory != [2]string{} {
		return true
	}
	for c := range k.consoles {
		if k.consoles[c].plan != "" || k.links[0][c].plan != "" || k.links[1][c].plan != "" {
			return true
		}
	}
	return false
}
