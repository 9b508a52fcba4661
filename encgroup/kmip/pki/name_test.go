package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWrongName: both sides are named, in one printable line of bounded length.
func TestWrongName(t *testing.T) {
	at := net.IPv4(192, 0, 2, 1)
	for _, c := range []struct {
		names []string
		ips   []net.IP
		host  string
		want  string
	}{
		{[]string{"ks2"}, nil, "ks1", "it is for ks2, not for ks1"},
		{[]string{"ks2"}, []net.IP{at}, "192.0.2.2", "it is for ks2, 192.0.2.1, not for 192.0.2.2"},
		{nil, nil, "ks1", "it is for no name or address, so not for ks1"},
		{[]string{"a", "b", "c", "d", "e", "f"}, nil, "ks1", "it is for a, b, c, d and 2 more, not for ks1"},
		{[]string{"a\x1b[2J\n"}, nil, "ks1", `it is for "a\x1b[2J\n", not for ks1`},
		{[]string{strings.Repeat("a", 300)}, nil, "ks1", "it is for " + strings.Repeat("a", 255) + ", not for ks1"},
	} {
		wrong := x509.HostnameError{Certificate: &x509.Certificate{DNSNames: c.names, IPAddresses: c.ips}, Host: c.host}
		require.Equal(t, c.want, WrongName(fmt.Errorf("handshake: %w", wrong)))
	}
	require.Empty(t, WrongName(errors.New("another error")))
	require.Empty(t, WrongName(nil))
}
