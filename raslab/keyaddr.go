package raslab

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Addresses of key servers, and which of them are one server.

// addressMax is how long the name of a key server may be, in bytes.
const addressMax = 200

// addressRight says what keyAddress takes.
const addressRight = "use a host name of letters, digits, hyphens and dots, an IPv4 or an IPv6 address"

// keyAddress is the address of a key server in the form in which it is kept: an IP address
// as RFC 5952 writes it, without brackets; a host name (RFC 1123, section 2.1) of 1 to 200
// bytes without the dot at its end. ok is false for anything else: a name whose last label is
// a number would be an address.
func keyAddress(s string) (addr string, ok bool) {
	s = strings.TrimSpace(s)
	bare, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		if bare, ok = strings.CutSuffix(bare, "]"); !ok {
			return "", false
		}
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		if bracketed && !ip.Is6() {
			return "", false
		}
		return ip.Unmap().String(), true
	}
	if bracketed {
		return "", false
	}
	s = strings.TrimSuffix(s, ".")
	if !hostName(strings.ToLower(s)) {
		return "", false
	}
	return s, true
}

// normalAddress is keyAddress for what is checked afterwards.
func normalAddress(s string) string {
	if addr, ok := keyAddress(s); ok {
		return addr
	}
	return strings.TrimSpace(s)
}

func isAddress(s string) bool { _, ok := keyAddress(s); return ok }

// hostName says whether s, in lower case, is a host name and no number.
func hostName(s string) bool {
	if len(s) < 1 || len(s) > addressMax {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if len(l) < 1 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			if c := l[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
				return false
			}
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 10, 64)
	return err != nil
}

// oneServer says why two entries are one key server, "" if as far as is known they are two. In
// the lab's own network the name resolves to a machine, which runs one key server. A
// server elsewhere is one of address and port; two names of it are found out by where the
// connection ended, or by the certificate that it showed on the same port (assumption: no two
// servers share a certificate and a port).
func (l *Lab) oneServer(a, b *keyManager) string {
	if a.external == nil && b.external == nil {
		if h := l.host(a.addr); h != nil && h == l.host(b.addr) {
			return "both are " + h.Name
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

// twins are the first two active entries of a group that are one server, and why; nil where all
// are different.
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

// serversOf lists the active entries of a group that are different servers: of one server only
// the first.
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

// greet finds out who the servers of a group are that are dialled for real. One that does not
// answer stays unknown: what is asked of it next says why.
func (l *Lab) greet(group int) {
	for _, m := range l.keys.activeOf(group) {
		if s, ok := m.external.(greeter); ok && s.Greet() == nil {
			m.learn(l, m.external)
		}
	}
}

// serverID names the server of an entry to its group: its address, with the port where another
// entry of the group is at the same address.
func (m *keyManager) serverID() string {
	for _, o := range m.paths[0].lab.keys.managers {
		if o.group == m.group && o.id < m.id && strings.EqualFold(o.addr, m.addr) {
			return net.JoinHostPort(m.addr, strconv.Itoa(m.port))
		}
	}
	return m.addr
}
