package raslab

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// Addresses of key servers, and which of them are one server.

// addressRight says what customer.ParseAddress takes.
const addressRight = "use a host name of letters, digits, hyphens and dots, an IPv4 or an IPv6 address"

// normalAddress is customer.ParseAddress for an address that is checked later.
func normalAddress(s string) string {
	if addr, ok := customer.ParseAddress(s); ok {
		return addr
	}
	return strings.TrimSpace(s)
}

func isAddress(s string) bool { _, ok := customer.ParseAddress(s); return ok }

// withPort says whether somebody wrote the port behind the address.
func withPort(s string) bool {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || isAddress(s) {
		return false
	}
	_, err := strconv.ParseUint(s[i+1:], 10, 16)
	return err == nil && isAddress(s[:i])
}

// oneServer says why two entries are one key server, "" if they are two as far as is known. In the
// lab's own network the name service knows the machine, which runs one key server. Elsewhere a
// server is an address and a port. Two names of it are found out by where the connection ended, or
// by the certificate that it showed on the same port (assumption: no two servers share a
// certificate and a port).
func (l *Lab) oneServer(a, b *keyManager) string {
	if a.external == nil && b.external == nil {
		if at := l.ipOf(a); at != "" && at == l.ipOf(b) {
			return "both are at " + at
		}
	}
	switch {
	case strings.EqualFold(a.addr, b.addr) && a.port == b.port:
		return "both are " + net.JoinHostPort(a.addr, strconv.Itoa(a.port))
	case a.reached != "" && a.reached == b.reached:
		return "both connections end at " + a.reached
	case a.external != nil && b.external != nil && a.port == b.port && a.shown != nil && b.shown != nil && a.shown.X509().Equal(b.shown.X509()):
		return "both show one certificate, on one port"
	}
	return ""
}

// ipOf asks the name service for the address of a key manager's server, through a management console
// that works; without one it is what was answered last. "" is no answer, or no such name.
func (l *Lab) ipOf(m *keyManager) string {
	if slices.ContainsFunc(l.hmc.consoles[:], func(c console) bool { return c.serves && !c.off && !c.hung }) {
		m.ip, _ = l.wire.Resolve(m.addr)
	}
	return m.ip
}

// twins are the first two active entries of a group that are one server, and why. They are nil if
// all are different.
func (l *Lab) twins(group int) (a, b *keyManager, why string) {
	all := l.keys.activeOf(group)
	for i := range all {
		for j := range i {
			if why := l.oneServer(all[j], all[i]); why != "" {
				return all[j], all[i], why
			}
		}
	}
	return nil, nil, ""
}

// SameServer says which other key manager of the group is the same server by another name, as far
// as is known, and why. other is 0 if there is none.
func (l *Lab) SameServer(id int) (other int, why string) {
	m, err := l.keys.managerNumbered("keymgr show", id)
	if err != nil {
		return 0, ""
	}
	for _, o := range l.keys.managers {
		if o == m || o.group != m.group {
			continue
		}
		if why := l.oneServer(o, m); why != "" {
			return o.id, why
		}
	}
	return 0, ""
}

// serversOf lists the active entries of a group that are different servers. It lists only the first
// entry of each server.
func (l *Lab) serversOf(group int) (out []*keyManager) {
next:
	for _, m := range l.keys.activeOf(group) {
		for _, o := range out {
			if l.oneServer(o, m) != "" {
				continue next
			}
		}
		out = append(out, m)
	}
	return out
}

// fewServers says how many key servers a group has, and which entries are one.
func (l *Lab) fewServers(group int) string {
	text := fmt.Sprintf("key group %d has %s", group, plural(len(l.serversOf(group)), "active key server"))
	if a, b, why := l.twins(group); why != "" {
		text += fmt.Sprintf(" (key managers %d and %d are one: %s)", a.id, b.id, why)
	}
	return text
}

// greeter is a key server that can be asked who it is, without a key.
type greeter interface{ Greet() error }

// greet finds out who the real servers of a group are. A server that does not answer stays unknown;
// the next request to it says why.
func (l *Lab) greet(group int) {
	for _, m := range l.keys.activeOf(group) {
		if s, ok := m.external.(greeter); ok && s.Greet() == nil {
			m.learn(l, m.external)
		}
	}
}

// serverID names the server of an entry to its group: its address, and its port if another entry of
// the group has the same address.
func (m *keyManager) serverID() string {
	for _, o := range m.paths[0].lab.keys.managers {
		if o.group == m.group && o.id < m.id && strings.EqualFold(o.addr, m.addr) {
			return net.JoinHostPort(m.addr, strconv.Itoa(m.port))
		}
	}
	return m.addr
}
