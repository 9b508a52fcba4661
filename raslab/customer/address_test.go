package customer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"::1": "::1", "[::1]": "::1", "[2001:db8::1]": "2001:db8::1", "2001:DB8:0:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0",
		"::ffff:192.0.2.11": "192.0.2.11", "192.0.2.11": "192.0.2.11", " keys.example.com ": "keys.example.com", "keys.example.com.": "keys.example.com",
		"KEYS.example.com": "KEYS.example.com", "xn--schlssel-95a.example.com": "xn--schlssel-95a.example.com", "keys": "keys", "3com.example": "3com.example",

		"192.168.1.300": "", "192.168.1": "", "1": "", "[192.0.2.11]": "", "[::1": "", "::1]": "", "[2001:db8::1]:5697": "", "[keys]": "",
		"keys.example.com:5696": "", "kmip://keys.example.com": "", "key server.example.com": "", "schlüssel.example.com": "", "": "", ".": "",
		"keys..example.com": "", "-keys.example.com": "", "keys-.example.com": "", "keys.example.com..": "",
		strings.Repeat("a", 64) + ".example.com": "", strings.Repeat("abcdefg.", 26): "",
	} {
		got, ok := ParseAddress(given)
		require.Equal(t, want != "", ok, "%q", given)
		require.Equal(t, want, got, "%q", given)
	}
}

// TestNamesAtTheirBounds: which bytes and how many of them a name may have.
func TestNamesAtTheirBounds(t *testing.T) {
	label := strings.Repeat("a", 63) + "."
	for name, want := range map[string]bool{
		label + "com": true, "a" + label + "com": false, label + label + label + "abcdefgh": true, label + label + label + "abcdefghi": false,
		"a-b.c": true, "a.b-": false, "a.-b": false, "a/b": false, "a:b": false, "a@b": false, "a`b": false, "a{b": false, "a.9": false, "9.a": true, "a9z0": true, "a.": false, "": false,
	} {
		require.Equal(t, want, isHostName(name), "host name %q", name)
	}
	for label, want := range map[string]bool{
		"a": true, "!~/:@[`{": true, "": false, "a b": false, "a\x7f": false, "a\x1f": false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		require.Equal(t, want, IsLabel(label), "label %q", label)
	}
}
