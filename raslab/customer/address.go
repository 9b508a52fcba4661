package customer

import (
	"net/netip"
	"strconv"
	"strings"
)

// addressMax is how long the name of a machine may be, in bytes.
const addressMax = 200

// ParseAddress is an address in the network in the form in which it is kept: an IP address as
// RFC 5952 writes it, without brackets; a host name (RFC 1123, section 2.1) of 1 to 200 bytes
// without the dot at its end. ok is false for anything else: a name whose last label is a
// number would be an address.
func ParseAddress(s string) (addr string, ok bool) {
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
	if !isHostName(strings.ToLower(s)) {
		return "", false
	}
	return s, true
}

// isHostName says whether s, in lower case, is a host name and no number.
func isHostName(s string) bool {
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
